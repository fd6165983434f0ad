// EM on a few hundred small digits, a step at a time.
import { images, panel } from "dgm/view";

export const controls = ({ first, largest, starts }) => [
  { key: "components", label: "Components K", min: 1, max: largest, step: 1, value: first.components },
  { key: "start", label: "Start", value: first.start, options: Array.from({ length: starts.shape[0] }, (_, at) => [at, `number ${at + 1}`]) },
  { key: "image", label: "Image whose responsibilities are shown", min: 0, max: 40, step: 1, value: first.image, looks: true },
];

export const actions = { expect: "E step", maximise: "M step", run: "Five iterations" };

// responsibilities [n, K], row by row, and the mean log-likelihood of an image
const expect = ({ images: { shape, values } }, { p, pi }) => {
  const [count, pixels] = shape;
  const off = p.map((each) => each.reduce((sum, value) => sum + Math.log1p(-value), 0));
  const odds = p.map((each) => each.map((value) => Math.log(value) - Math.log1p(-value)));
  const eta = new Float64Array(count * p.length);
  let total = 0;
  for (let i = 0; i < count; i += 1) {
    const row = eta.subarray(i * p.length, (i + 1) * p.length);
    for (let k = 0; k < p.length; k += 1) {
      row[k] = Math.log(pi[k]) + off[k];
      for (let d = 0; d < pixels; d += 1) if (values[i * pixels + d]) row[k] += odds[k][d];
    }
    const highest = Math.max(...row);
    let sum = 0;
    for (const value of row) sum += Math.exp(value - highest);
    const log = highest + Math.log(sum);
    for (let k = 0; k < p.length; k += 1) row[k] = Math.exp(row[k] - log);
    total += log;
  }
  return { eta, logLikelihood: total / count };
};

const maximise = ({ images: { shape, values }, extra }, { p, eta }) => {
  const [count, pixels] = shape;
  const counts = new Float64Array(p.length);
  const sums = p.map(() => new Float64Array(pixels));
  for (let i = 0; i < count; i += 1) {
    for (let k = 0; k < p.length; k += 1) {
      const share = eta[i * p.length + k];
      counts[k] += share;
      for (let d = 0; d < pixels; d += 1) if (values[i * pixels + d]) sums[k][d] += share;
    }
  }
  return { p: sums.map((each, k) => each.map((sum) => (sum + extra) / (counts[k] + 2 * extra))), pi: counts.map((sum) => sum / count) };
};

// `coming` is what the E step will give: it has the log-likelihood, too
export const begin = (data, { components, start }) => {
  const { images: { shape, values }, starts } = data;
  const from = starts.values.subarray(start * starts.shape[1], start * starts.shape[1] + components);
  const p = Array.from(from, (at) => Float64Array.from(values.subarray(at * shape[1], (at + 1) * shape[1]), (x) => 0.25 + 0.5 * x));
  const state = { p, pi: new Float64Array(components).fill(1 / components) };
  const coming = expect(data, state);
  return { ...state, coming, eta: coming.eta, curve: [coming.logLikelihood], waiting: "M" };
};

export const act = (name, data, setting, state) => {
  if (name === "run") {
    let next = state;
    for (let at = 0; at < data.many; at += 1) next = act("maximise", data, setting, act("expect", data, setting, next));
    return next;
  }
  if (name === "expect") return { ...state, eta: state.coming.eta, waiting: "M" };
  const next = maximise(data, state);
  const coming = expect(data, next);
  return { ...state, ...next, coming, curve: [...state.curve, coming.logLikelihood], waiting: "E" };
};

export const compute = (data, { image }, { p, pi, eta, curve, waiting }) => {
  const shown = eta.subarray(image * p.length, (image + 1) * p.length);
  return {
    p,
    pi,
    curve,
    waiting,
    shown,
    numbers: {
      log_likelihood: curve.at(-1),
      iterations: curve.length - 1,
      largest: Math.max(...shown),
      entropy: -shown.reduce((sum, value) => sum + (value > 0 ? value * Math.log(value) : 0), 0),
    },
  };
};

export const readings = ({ numbers, waiting }) => [
  ["Mean log-likelihood of an image, nats", numbers.log_likelihood.toFixed(2)],
  ["M steps so far", numbers.iterations],
  ["Step that changes something now", waiting],
  ["Largest responsibility of the image", numbers.largest.toFixed(3)],
  ["Entropy of its responsibilities, nats", numbers.entropy.toFixed(3)],
];

export const draw = (data, { image }, { p, pi, shown, curve }) => {
  const [low, high] = [Math.min(...curve), Math.max(...curve)];
  const room = Math.max(1, high - low) * 0.08;
  const ascent = panel({ x: [0, Math.max(5, curve.length - 1)], y: [low - room, high + room], xLabel: "M steps", title: "Mean log-likelihood, nats" });
  ascent.curve(curve.map((_, at) => at), curve, "r");
  curve.forEach((value, at) => ascent.dot([at, value], "r", 3));
  const width = data.images.shape[1];
  const chosen = { pixels: data.images.values.subarray(image * width, (image + 1) * width), words: "the image" };
  const prototypes = p.map((pixels, k) => ({ pixels, words: `π ${pi[k].toFixed(2)}, here ${shown[k].toFixed(2)}` }));
  return { panels: [ascent, images([chosen, ...prototypes])], legend: [["r", "all images; below each prototype: its weight, its responsibility for the image"]] };
};
