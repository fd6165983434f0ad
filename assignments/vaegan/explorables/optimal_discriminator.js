// Move the generator and the data's two modes: the best discriminator, the value of the game, and the divergence behind it.
import { grid, integral, logMixture, logNormal } from "dgm/maths";
import { panel } from "dgm/view";

const X = grid(-8, 8, 1201);

export const controls = ({ start }) => [
  { key: "mean", label: "Mean of the generator", min: -5, max: 5, step: 0.1, value: start.mean },
  { key: "sd", label: "Standard deviation of the generator", min: 0.3, max: 3, step: 0.1, value: start.sd },
  { key: "distance", label: "Modes of the data at plus and minus", min: 0, max: 4, step: 0.1, value: start.distance },
  { key: "place", label: "Point x at which the answer is read", min: -5, max: 5, step: 0.1, value: start.place },
];

// both log-densities at x
const laws = ({ width }, { mean, sd, distance }) => [
  (x) => logMixture(x, { weights: [0.5, 0.5], means: [-distance, distance], sds: [width, width] }),
  (x) => logNormal(x, mean, sd),
];

// D* = p / (p + q), from the logarithms, so that it is right where both densities are tiny
const best = (logP, logQ) => 1 / (1 + Math.exp(logQ - logP));

export const compute = (data, setting) => {
  const [logData, logModel] = laws(data, setting);
  const p = X.map(logData);
  const q = X.map(logModel);
  const answer = p.map((value, at) => best(value, q[at]));
  // p log D* + q log(1 - D*)
  const gain = p.map((value, at) => -Math.exp(value) * Math.log1p(Math.exp(q[at] - value)) - Math.exp(q[at]) * Math.log1p(Math.exp(value - q[at])));
  for (let at = 0; at < gain.length; at += 1) if (!Number.isFinite(gain[at])) gain[at] = 0; // both densities vanish
  const value = integral(X, gain);
  return {
    p: p.map(Math.exp),
    q: q.map(Math.exp),
    answer,
    numbers: { best: best(logData(setting.place), logModel(setting.place)), value, divergence: value / 2 + Math.log(2) },
  };
};

export const readings = ({ numbers }, data, { place }) => [
  [`Best answer at x = ${place}`, numbers.best],
  ["Value of the game, nats (least: −2 log 2 = −1.386)", numbers.value],
  ["Jensen–Shannon divergence, nats (at most log 2 = 0.693)", numbers.divergence],
];

export const draw = (data, { place }, { p, q, answer, numbers }) => {
  const densities = panel({ x: [-6, 6], y: [0, Math.max(...p, ...q) * 1.05], xLabel: "x", title: "Densities: drag to move the generator" });
  densities.filled(X, p, "p").curve(X, q, "q").rule(place, "t");
  densities.drag = (x) => ({ mean: x });
  const answers = panel({ x: [-6, 6], y: [-0.03, 1.03], xLabel: "x", title: "Best discriminator: drag to choose x" });
  answers.level(0.5, "t").curve(X, answer, "r").rule(place, "t").dot([place, numbers.best], "q");
  answers.drag = (x) => ({ place: x });
  return { panels: [densities, answers], legend: [["p", "data"], ["q", "generator"], ["r", "best discriminator"]] };
};
