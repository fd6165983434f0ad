// Shift an interval of length one: what each distance says, and which of them has a slope to follow.
import { grid } from "dgm/maths";
import { panel } from "dgm/view";

const SHIFTS = grid(-2, 2, 401);

export const controls = ({ start }) => [
  { key: "shift", label: "Shift of the second interval", min: -2, max: 2, step: 0.05, value: start.shift },
  { key: "exponent", label: "Share of U[0, 2] mixed in, power of ten", min: -12, max: 0, step: 0.5, value: start.exponent },
];

const common = (shift) => Math.max(0, 1 - Math.abs(shift));

const jensenShannon = (shift) => (1 - common(shift)) * Math.log(2);

// both intervals have length 1, the background has length 2 and covers the first
const smoothed = (shift, exponent, [low, high]) => {
  const share = 10 ** exponent;
  const thin = share / (high - low);
  const full = 1 - share + thin;
  return -(1 - common(shift)) * Math.log(thin) - common(shift) * Math.log(full);
};

export const compute = ({ background }, { shift, exponent }) => ({
  wasserstein: SHIFTS.map(Math.abs),
  jensen: SHIFTS.map(jensenShannon),
  numbers: {
    wasserstein: Math.abs(shift),
    jensen_shannon: jensenShannon(shift),
    kl: shift === 0 ? 0 : Infinity,
    smoothed: smoothed(shift, exponent, background),
  },
});

export const readings = ({ numbers }, data, { shift }) => [
  ["W₁, with a slope at every shift but 0", numbers.wasserstein],
  [`JSD, nats${Math.abs(shift) > 1 ? ", flat here" : ""}`, numbers.jensen_shannon],
  ["KL divergence, nats", numbers.kl],
  ["KL divergence once a share of U[0, 2] is mixed into the second, nats", numbers.smoothed],
];

const box = (from) => [
  [from, from, from + 1, from + 1],
  [0, 1, 1, 0],
];

export const draw = ({ first }, { shift }, { wasserstein, jensen, numbers }) => {
  const densities = panel({ x: [-2.2, 3.2], y: [0, 1.2], xLabel: "x", title: "Densities: drag to shift" });
  densities.filled(...box(first[0]), "p").curve(...box(shift), "q");
  densities.drag = (x) => ({ shift: x - 0.5 });
  const distances = panel({ x: [-2, 2], y: [0, 2], xLabel: "shift", title: "Distances" });
  distances.curve(SHIFTS, wasserstein, "r").curve(SHIFTS, jensen, "s").dot([shift, numbers.wasserstein], "r").dot([shift, numbers.jensen_shannon], "s");
  distances.drag = (x) => ({ shift: x });
  return { panels: [densities, distances], legend: [["p", "U[0, 1]"], ["q", "shifted interval"], ["r", "W₁"], ["s", "JSD"]] };
};
