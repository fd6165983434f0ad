// Arithmetic that several explorables need. Logarithms are natural.
export const grid = (from, to, count) => Float64Array.from({ length: count }, (_, at) => from + ((to - from) * at) / (count - 1));

const HALF_LOG_TAU = 0.5 * Math.log(2 * Math.PI);

// log N(x | mean, sd²)
export const logNormal = (x, mean, sd) => -0.5 * ((x - mean) / sd) ** 2 - Math.log(sd) - HALF_LOG_TAU;

// log of a mixture of normal distributions at x, in loops, as drawings call it a hundred thousand times
export const logMixture = (x, { weights, means, sds }) => {
  let highest = -Infinity;
  for (let k = 0; k < weights.length; k += 1) highest = Math.max(highest, Math.log(weights[k]) + logNormal(x, means[k], sds[k]));
  let sum = 0;
  for (let k = 0; k < weights.length; k += 1) sum += Math.exp(Math.log(weights[k]) + logNormal(x, means[k], sds[k]) - highest);
  return highest + Math.log(sum);
};

// trapezoid rule
export const integral = (x, y) => {
  let sum = 0;
  for (let at = 1; at < x.length; at += 1) sum += (x[at] - x[at - 1]) * (y[at] + y[at - 1]);
  return sum / 2;
};
