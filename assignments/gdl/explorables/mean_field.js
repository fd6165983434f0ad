// Two independent factors against a correlated Gaussian: coordinate ascent, and what either divergence says.
import { grid } from "dgm/maths";
import { panel } from "dgm/view";

const TURN = grid(0, 2 * Math.PI, 121);

export const controls = ({ start }) => [
  { key: "rho", label: "Correlation of p", min: -0.95, max: 0.95, step: 0.05, value: start.rho },
  { key: "mean1", label: "First mean of q", min: -2.5, max: 2.5, step: 0.1, value: start.mean1 },
  { key: "mean2", label: "Second mean of q", min: -2.5, max: 2.5, step: 0.1, value: start.mean2 },
  { key: "sd1", label: "First deviation of q", min: 0.1, max: 2, step: 0.1, value: start.sd1 },
  { key: "sd2", label: "Second deviation of q", min: 0.1, max: 2, step: 0.1, value: start.sd2 },
];

export const actions = { first: "Best first factor", second: "Best second factor" };

export const begin = (data, { mean1, mean2, sd1, sd2 }) => ({ mean: [mean1, mean2], sd: [sd1, sd2], reached: [] });

// D(q||p) and D(p||q) in closed form
const divergences = (rho, [a, b], [s, t]) => {
  const left = 1 - rho ** 2; // determinant of the covariance
  const logRatio = Math.log(left) - 2 * Math.log(s * t);
  return {
    reverse: 0.5 * ((s ** 2 + t ** 2 + a ** 2 + b ** 2 - 2 * rho * a * b) / left - 2 + logRatio),
    forward: 0.5 * ((1 + a ** 2) / s ** 2 + (1 + b ** 2) / t ** 2 - 2 - logRatio),
  };
};

// the factor of one coordinate: the mean over the other factor of p's conditional distribution, with its variance
export const act = (name, data, { rho }, { mean, sd, reached }) => {
  const own = name === "first" ? 0 : 1;
  const next = { mean: [...mean], sd: [...sd], reached: [...reached, divergences(rho, mean, sd).reverse] };
  next.mean[own] = rho * mean[1 - own];
  next.sd[own] = Math.sqrt(1 - rho ** 2);
  return next;
};

export const compute = (data, { rho }, { mean, sd, reached }) => {
  const found = divergences(rho, mean, sd);
  return { rho, mean, sd, reached: [...reached, found.reverse], numbers: { ...found, mean1: mean[0], mean2: mean[1], sd1: sd[0], sd2: sd[1] } };
};

export const readings = ({ numbers }) => [
  ["D(q‖p), the gap of the bound, nats", numbers.reverse],
  ["D(p‖q), nats", numbers.forward],
  ["Means of q", `${numbers.mean1.toFixed(3)}, ${numbers.mean2.toFixed(3)}`],
  ["Standard deviations of q", `${numbers.sd1.toFixed(3)}, ${numbers.sd2.toFixed(3)}`],
];

export const draw = (data, setting, { rho, mean, sd, reached }) => {
  const plane = panel({ x: [-4, 4], y: [-4, 4], xLabel: "first coordinate", title: "One and two deviations: drag q", height: 348 });
  const low = Math.sqrt(1 - rho ** 2);
  for (const radius of [1, 2]) {
    plane.curve(TURN.map((t) => radius * Math.cos(t)), TURN.map((t) => radius * (rho * Math.cos(t) + low * Math.sin(t))), "r");
    plane.curve(TURN.map((t) => mean[0] + radius * sd[0] * Math.cos(t)), TURN.map((t) => mean[1] + radius * sd[1] * Math.sin(t)), "q");
  }
  plane.dot(mean, "q");
  plane.drag = (x, y) => ({ mean1: x, mean2: y });
  const last = Math.max(4, reached.length - 1);
  const steps = Float64Array.from(reached.keys());
  const descent = panel({ x: [0, last], y: [0, Math.max(...reached, 0.5) * 1.05], xLabel: "factors set", title: "D(q‖p) falls with each" });
  descent.curve(steps, reached, "s");
  reached.forEach((value, at) => descent.dot([at, value], "s", 3.5));
  return { panels: [plane, descent], legend: [["r", "p, correlated"], ["q", "q, two factors"], ["s", "D(q‖p)"]] };
};
