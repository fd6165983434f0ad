// Walk over the plane of codes: the decoder of this build turns a code into pixels.
import { grid } from "dgm/maths";
import { images, panel } from "dgm/view";

const TURN = grid(0, 2 * Math.PI, 91);
const LOG_TAU = Math.log(2 * Math.PI);

export const controls = ({ start, images: held }) => [
  { key: "z1", label: "First coordinate of z", min: -4, max: 4, step: 0.1, value: start.z1 },
  { key: "z2", label: "Second coordinate of z", min: -4, max: 4, step: 0.1, value: start.z2 },
  { key: "image", label: "Test image", value: start.image, options: Array.from({ length: held.shape[0] }, (_, at) => [at, `number ${at + 1}`]) },
];

export const actions = { mean: "Go to the mean of q(z|x)", draw: "Draw z from q(z|x)" };

export const begin = (data, { z1, z2 }) => ({ z: [z1, z2], drawn: 0 });

const row = ({ shape, values }, at) => values.subarray(at * shape[1], (at + 1) * shape[1]);

export const act = (name, { mean, sd, noise }, { image }, { drawn }) => {
  const middle = row(mean, image);
  if (name === "mean") return { z: Array.from(middle), drawn };
  const eps = row(noise, drawn % noise.shape[0]);
  return { z: Array.from(middle, (value, at) => value + row(sd, image)[at] * eps[at]), drawn: drawn + 1 };
};

// W_2 tanh(W_1 z + b_1) + b_2, in loops, as it runs while the point is dragged
const decode = ({ first, first_bias: firstBias, second, second_bias: secondBias }, [a, b]) => {
  const hidden = firstBias.values.map((bias, at) => Math.tanh(first.values[2 * at] * a + first.values[2 * at + 1] * b + bias));
  const logits = Float64Array.from(secondBias.values);
  for (let pixel = 0, weight = 0; pixel < logits.length; pixel += 1) {
    for (let at = 0; at < hidden.length; at += 1, weight += 1) logits[pixel] += second.values[weight] * hidden[at];
  }
  return logits;
};

export const compute = (data, { image }, { z }) => {
  const logits = decode(data, z);
  const pixels = row(data.images, image);
  const probabilities = logits.map((logit) => 1 / (1 + Math.exp(-logit)));
  // x l - log(1 + exp(l)), without overflow
  const likelihood = logits.reduce((sum, logit, at) => sum + pixels[at] * logit - Math.max(logit, 0) - Math.log1p(Math.exp(-Math.abs(logit))), 0);
  const [mean, sd] = [row(data.mean, image), row(data.sd, image)];
  const prior = z.reduce((sum, value) => sum - 0.5 * (value ** 2 + LOG_TAU), 0);
  const posterior = z.reduce((sum, value, at) => sum - 0.5 * (((value - mean[at]) / sd[at]) ** 2 + 2 * Math.log(sd[at]) + LOG_TAU), 0);
  return {
    z,
    mean,
    sd,
    pixels,
    probabilities,
    numbers: { z1: z[0], z2: z[1], likelihood, weight: likelihood + prior - posterior, ink: probabilities.reduce((sum, p) => sum + p, 0) },
  };
};

export const readings = ({ numbers }, { exact, bound, error }, { image }) => [
  ["log p(x|z) of the chosen image at this z, nats", numbers.likelihood.toFixed(1)],
  ["log p(x, z) − log q(z|x), nats: an estimate of the bound if z was drawn from q", numbers.weight.toFixed(1)],
  ["Evidence lower bound of the image, nats", bound[image].toFixed(1)],
  ["Exact log p(x), nats", exact[image].toFixed(1)],
  ["The decoder here has 8 bits; it changes log p(x|z), at the means of these images, by at most, nats", error.toFixed(2)],
];

export const draw = (data, setting, { z, mean, sd, pixels, probabilities }) => {
  const plane = panel({ x: [-4, 4], y: [-4, 4], xLabel: "first coordinate", title: "Codes of training images: drag the point", height: 348 });
  const labels = Array.from(data.labels.values);
  for (const label of new Set(labels)) plane.points(labels.flatMap((other, at) => (other === label ? [row(data.points, at)] : [])), `c${label}`);
  for (const radius of [1, 2]) plane.curve(TURN.map((t) => mean[0] + radius * sd[0] * Math.cos(t)), TURN.map((t) => mean[1] + radius * sd[1] * Math.sin(t)), "r");
  plane.dot(z, "q", 6);
  plane.drag = (x, y) => ({ z1: x, z2: y });
  const shown = images([
    { pixels: probabilities, words: "p(x|z): what z decodes to" },
    { pixels, words: "the chosen image" },
  ]);
  return { panels: [plane, shown], legend: [["q", "z"], ["r", "posterior of the chosen image, one and two deviations"]] };
};
