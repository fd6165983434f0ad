// Arithmetic that several explorables need. Logarithms are natural.
export const grid = (from, to, count) => Float64Array.from({ length: count }, (_, at) => from + ((to - from) * at) / (count - 1));

const HALF_LOG_TAU = 0.5 * Math.log(2 * Math.PI);

// log N(x | mean, sd²)
export const logNormal = (x, mean, sd) => -0.5 * ((x - mean) / sd) ** 2 - Math.log(sd) - HALF_LOG_TAU;

// log(exp(a_1) + exp(a_2) + …); -Infinity for none
export const logSum = (terms) => {
  const highest = Math.max(...terms);
  return Number.isFinite(highest) ? highest + Math.log(terms.reduce((sum, term) => sum + Math.exp(term - highest), 0)) : highest;
};

// log of a mixture of normal distributions at x
export const logMixture = (x, { weights, means, sds }) =>
  logSum(Array.from(weights, (weight, k) => Math.log(weight) + logNormal(x, means[k], sds[k])));

// trapezoid rule
export const integral = (x, y) => {
  let sum = 0;
  for (let at = 1; at < x.length; at += 1) sum += (x[at] - x[at - 1]) * (y[at] + y[at - 1]);
  return sum / 2;
};

// a log a with 0 log 0 = 0
export const entropic = (a) => (a > 0 ? a * Math.log(a) : 0);
