// Move one Gaussian over two modes, or let it descend: both divergences at once.
import { grid, logMixture, logNormal } from "dgm/maths";
import { panel } from "dgm/view";

const X = grid(-12, 12, 481);
// standard normal points and their masses, for expectations under the model: many for numbers, fewer for each point of a curve
const nodes = (count) => {
  const e = grid(-8, 8, count);
  return { e, log: e.map((value) => logNormal(value, 0, 1)), mass: e.map((value) => Math.exp(logNormal(value, 0, 1)) * (e[1] - e[0])) };
};
const FINE = nodes(641);
const COARSE = nodes(81);
const MEANS = grid(-7, 7, 57);

export const controls = ({ start }) => [
  { key: "mean", label: "Mean of q", min: -7, max: 7, step: 0.1, value: start.mean },
  { key: "sd", label: "Standard deviation of q", min: 0.3, max: 6, step: 0.1, value: start.sd },
  { key: "distance", label: "Modes of p at plus and minus", min: 0, max: 5, step: 0.1, value: start.distance },
  { key: "weight", label: "Weight of the right mode", min: 0.05, max: 0.95, step: 0.05, value: start.weight },
];

export const actions = { reverse: "Ten steps down D(q‖p)", forward: "Ten steps down D(p‖q)" };

export const begin = (data, { mean, sd }) => ({ mean, logSd: Math.log(sd) });

const target = ({ distance, weight }) => ({ weights: [1 - weight, weight], means: [-distance, distance], sds: [1, 1] });

// the middle and the variance of p
const moments = ({ distance, weight }) => {
  const middle = (2 * weight - 1) * distance;
  return [middle, 1 + distance ** 2 - middle ** 2];
};

const reverseKl = (p, mean, sd, { e, log, mass }) =>
  mass.reduce((sum, part, at) => sum + part * (log[at] - logMixture(mean + sd * e[at], p)), 0) - Math.log(sd);

// E_p[log p], by the trapezoid rule
const negentropy = (p) => {
  const x = grid(-16, 16, 1281);
  return x.reduce((sum, place) => {
    const log = logMixture(place, p);
    return sum + (x[1] - x[0]) * Math.exp(log) * log;
  }, 0);
};

const forwardKl = (setting, entropy, mean, sd) => {
  const [middle, variance] = moments(setting);
  return entropy + 0.5 * Math.log(2 * Math.PI) + Math.log(sd) + (variance + (mean - middle) ** 2) / (2 * sd ** 2);
};

// derivative of log p at x: the modes pull with their responsibilities
const slope = (x, p) => {
  const log = logMixture(x, p);
  return p.means.reduce((sum, mean, k) => sum - Math.exp(Math.log(p.weights[k]) + logNormal(x, mean, 1) - log) * (x - mean), 0);
};

const gradients = {
  reverse: (setting, mean, sd) => {
    const p = target(setting);
    let [byMean, byLogSd] = [0, -1];
    FINE.mass.forEach((mass, at) => {
      const pull = mass * slope(mean + sd * FINE.e[at], p);
      byMean -= pull;
      byLogSd -= pull * sd * FINE.e[at];
    });
    return [byMean, byLogSd];
  },
  forward: (setting, mean, sd) => {
    const [middle, variance] = moments(setting);
    return [(mean - middle) / sd ** 2, 1 - (variance + (mean - middle) ** 2) / sd ** 2];
  },
};

export const act = (name, { steps, rate, longest }, setting, state) => {
  let { mean, logSd } = state;
  for (let step = 0; step < steps; step += 1) {
    const change = gradients[name](setting, mean, Math.exp(logSd)).map((value) => Math.max(-longest, Math.min(longest, rate * value)));
    mean -= change[0];
    logSd -= change[1];
  }
  return { mean, logSd };
};

export const compute = (data, setting, { mean, logSd }) => {
  const p = target(setting);
  const sd = Math.exp(logSd);
  const entropy = negentropy(p);
  return {
    p: X.map((x) => Math.exp(logMixture(x, p))),
    q: X.map((x) => Math.exp(logNormal(x, mean, sd))),
    reverse: MEANS.map((place) => reverseKl(p, place, sd, COARSE)),
    forward: MEANS.map((place) => forwardKl(setting, entropy, place, sd)),
    numbers: { mean, sd, reverse: reverseKl(p, mean, sd, FINE), forward: forwardKl(setting, entropy, mean, sd) },
  };
};

export const readings = ({ numbers }) => [
  ["D(q‖p), reverse, nats", numbers.reverse],
  ["D(p‖q), forward, nats", numbers.forward],
  ["Mean and standard deviation of q", `${numbers.mean.toFixed(2)}, ${numbers.sd.toFixed(2)}`],
];

export const draw = (data, setting, { p, q, reverse, forward, numbers }) => {
  const densities = panel({ x: [-9, 9], y: [0, Math.max(0.42, ...q) * 1.05], xLabel: "x", title: "Densities: drag to move q" });
  densities.filled(X, p, "p").curve(X, q, "q");
  densities.drag = (x) => ({ mean: x });
  const highest = Math.min(12, Math.max(numbers.reverse, numbers.forward, 2) * 1.6);
  const divergences = panel({ x: [-7, 7], y: [0, highest], xLabel: "mean of q", title: "Divergences at this width" });
  divergences.curve(MEANS, reverse, "r").curve(MEANS, forward, "s").dot([numbers.mean, numbers.reverse], "r").dot([numbers.mean, numbers.forward], "s");
  divergences.drag = (x) => ({ mean: x });
  return { panels: [densities, divergences], legend: [["p", "p, two modes"], ["q", "q, one Gaussian"], ["r", "D(q‖p)"], ["s", "D(p‖q)"]] };
};
