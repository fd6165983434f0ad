"""Kullback-Leibler divergences of simple laws, and the Gaussians that minimise them. All values are in nats.

D(P || Q) = E_P[log p - log q]; +infinity as soon as P gives positive probability to a set to which Q gives none.

References: Cover and Thomas, Elements of Information Theory, 2006, chapter 2; Bishop, Pattern Recognition and Machine
Learning, 2006, section 10.1.2; Minka, Divergence measures and message passing, 2005.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

__all__ = [
    "GaussianMixture1D",
    "best_scales",
    "elbo_linear_gaussian",
    "elbo_scaled_gaussian",
    "fit_reverse",
    "forward_kl",
    "kl_discrete",
    "kl_from_log_variance",
    "kl_gaussian",
    "kl_slope_log_variance",
    "kl_slope_variance",
    "kl_to_contaminated",
    "kl_to_quartic",
    "kl_uniform",
    "log_normal_density",
    "mean_field_variances",
    "moment_match",
    "normal_mass",
    "posterior_scaled_gaussian",
    "reverse_derivatives",
    "reverse_kl",
]

Array = npt.NDArray[np.float64]
Interval = tuple[float, float]

_REACH = 14.0  # standard deviations; the mass beyond is below 1e-43
_NODES = 2001  # the trapezoidal rule on a smooth, decaying integrand is exact to rounding here
_E = np.linspace(-_REACH, _REACH, _NODES)
_EXPECTATION = np.exp(-0.5 * _E**2) * (_E[1] - _E[0]) / math.sqrt(2 * math.pi)  # E[f(e)] for e ~ N(0, 1) is this @ f(_E)


def kl_uniform(p: Interval, q: Interval) -> float:
    """D(U[p] || U[q]) = log(|q| / |p|) when the interval p lies in q, +infinity otherwise.

    Raises:
        ValueError: for an interval without positive length.
    """
    for name, (low, high) in (("p", p), ("q", q)):
        if not high > low:
            raise ValueError(f"kl_uniform: {name} = [{low}, {high}]; the right end must exceed the left one")
    inside = q[0] <= p[0] and p[1] <= q[1]
    return math.log((q[1] - q[0]) / (p[1] - p[0])) if inside else math.inf


def kl_to_contaminated(p: Interval, q: Interval, epsilon: float) -> float:
    """D(Q || (1 - eps) P + eps Q) for uniform laws with p inside q.

    With w = |p| / |q| the set q without p has Q-probability 1 - w and log-ratio log(1 / eps) there; inside p the ratio is
    w / (1 - eps (1 - w)). So the value is (1 - w) log(1 / eps) + w log(w / (1 - eps (1 - w))), unbounded as eps falls to 0.

    Raises:
        ValueError: when p does not lie in q, or epsilon is not in (0, 1].
    """
    if not (q[0] <= p[0] < p[1] <= q[1]):
        raise ValueError(f"kl_to_contaminated: p = {p} must be an interval inside q = {q}")
    if not 0 < epsilon <= 1:
        raise ValueError(f"kl_to_contaminated: epsilon = {epsilon}; allowed are values in (0, 1]")
    share = (p[1] - p[0]) / (q[1] - q[0])
    return (1 - share) * math.log(1 / epsilon) + share * math.log(share / (1 - epsilon * (1 - share)))


def kl_discrete(p: npt.ArrayLike, q: npt.ArrayLike) -> float:
    """D(P || Q) = sum_k p_k log(p_k / q_k) for two laws on the same finite set; 0 log 0 is 0, and p_k > 0 = q_k gives +infinity.

    Raises:
        ValueError: for different lengths.
    """
    first, second = np.asarray(p, dtype=np.float64), np.asarray(q, dtype=np.float64)
    if first.shape != second.shape:
        raise ValueError(f"kl_discrete: laws of shapes {first.shape} and {second.shape}; need one set for both")
    inside = first > 0
    if np.any(second[inside] == 0):
        return math.inf
    return float((first[inside] * np.log(first[inside] / second[inside])).sum())


def kl_gaussian(mean_p: float, sd_p: float, mean_q: float, sd_q: float) -> float:
    """D(N(mean_p, sd_p^2) || N(mean_q, sd_q^2)) = log(sd_q / sd_p) + (sd_p^2 + (mean_p - mean_q)^2) / (2 sd_q^2) - 1/2."""
    return math.log(sd_q / sd_p) + (sd_p**2 + (mean_p - mean_q) ** 2) / (2 * sd_q**2) - 0.5


def log_normal_density(x: npt.ArrayLike, mean: npt.ArrayLike, sd: npt.ArrayLike) -> Array:
    """Logarithm of N(x; mean, sd^2), elementwise."""
    x, mean, sd = (np.asarray(value, dtype=np.float64) for value in (x, mean, sd))
    return np.asarray(-0.5 * ((x - mean) / sd) ** 2 - np.log(sd) - 0.5 * math.log(2 * math.pi))


def normal_mass(low: float, high: float, mean: float, sd: float) -> float:
    """Probability that a draw of N(mean, sd^2) falls between ``low`` and ``high``."""
    return 0.5 * (math.erf((high - mean) / (sd * math.sqrt(2))) - math.erf((low - mean) / (sd * math.sqrt(2))))


def kl_from_log_variance(mean: float, log_variance: float) -> float:
    """D(N(mean, exp(s)) || N(0, 1)) = (exp(s) + mean^2 - 1 - s) / 2 with s the logarithm of the variance."""
    return 0.5 * (math.exp(log_variance) + mean**2 - 1 - log_variance)


def kl_slope_log_variance(log_variance: float) -> float:
    """Derivative of :func:`kl_from_log_variance` in s: (exp(s) - 1) / 2, always above -1/2."""
    return 0.5 * math.expm1(log_variance)


def kl_slope_variance(variance: float) -> float:
    """Derivative of the same divergence in the variance v = exp(s): (1 - 1/v) / 2, unbounded below as v falls to 0."""
    return 0.5 * (1 - 1 / variance)


def kl_to_quartic(mean: float, sd: float) -> float:
    """E_q[log q(x) + x^4] for q = N(mean, sd^2): the divergence from q to p(x) = exp(-x^4) / Z without its last term log Z.

    The fourth moment is mean^4 + 6 mean^2 sd^2 + 3 sd^4 and the entropy log sd + log(2 pi e) / 2.
    """
    return mean**4 + 6 * mean**2 * sd**2 + 3 * sd**4 - math.log(sd) - 0.5 * math.log(2 * math.pi * math.e)


@dataclass(frozen=True)
class GaussianMixture1D:
    """p(x) = sum_k w_k N(x; m_k, s_k^2) on the line."""

    weights: tuple[float, ...]
    means: tuple[float, ...]
    sds: tuple[float, ...]

    def log_density(self, x: npt.ArrayLike) -> Array:
        """The logarithm of p(x), elementwise, with the sum taken in log space so that far tails stay finite."""
        return np.asarray(np.logaddexp.reduce(self._log_joint(np.asarray(x, dtype=np.float64)), axis=0))

    def derivatives(self, x: npt.ArrayLike) -> tuple[Array, Array]:
        """First and second derivative of log p in x, elementwise.

        With r_k the share of component k in p(x) and t_k = -(x - m_k) / s_k^2 they are sum_k r_k t_k and
        sum_k r_k (t_k^2 - 1 / s_k^2) - (sum_k r_k t_k)^2.
        """
        at = np.asarray(x, dtype=np.float64)
        shares = self._log_joint(at)
        shares -= shares.max(axis=0)
        np.exp(shares, out=shares)
        shares /= shares.sum(axis=0)
        _, means, sds = _columns(self, at.ndim)
        slopes = (means - at) / sds**2
        first = (shares * slopes).sum(0)
        return first, (shares * (slopes**2 - 1 / sds**2)).sum(0) - first**2

    def _log_joint(self, x: Array) -> Array:
        """log w_k + log N(x; m_k, s_k^2), [k, ...]."""
        weights, means, sds = _columns(self, x.ndim)
        return np.asarray(np.log(weights) + log_normal_density(x, means, sds))

    def grid(self) -> Array:
        """Equally spaced points that cover all but a negligible part of the mass."""
        low = min(mean - _REACH * sd for mean, sd in zip(self.means, self.sds, strict=True))
        high = max(mean + _REACH * sd for mean, sd in zip(self.means, self.sds, strict=True))
        return np.linspace(low, high, _NODES)


@cache
def _columns(mixture: GaussianMixture1D, axes: int) -> tuple[Array, Array, Array]:
    """Weights, means and standard deviations along a first axis, with so many axes of length 1 behind it."""
    weights, means, sds = (np.reshape(values, (-1, *[1] * axes)) for values in (mixture.weights, mixture.means, mixture.sds))
    return weights, means, sds


def forward_kl(target: GaussianMixture1D, mean: float, sd: float) -> float:
    """D(P || N(mean, sd^2)) for the fixed target P, by the trapezoidal rule."""
    x, log_p, expectation = _nodes(target)
    return float(expectation @ (log_p - log_normal_density(x, mean, sd)))


@cache
def _nodes(target: GaussianMixture1D) -> tuple[Array, Array, Array]:
    """Points, log p there, and the weights of an expectation under p."""
    x = target.grid()
    log_p = target.log_density(x)
    return x, log_p, np.exp(log_p) * (x[1] - x[0])


def reverse_kl(target: GaussianMixture1D, mean: float, sd: float) -> float:
    """D(N(mean, sd^2) || P) for the fixed target P, by the trapezoidal rule."""
    log_q = log_normal_density(_E, 0.0, 1.0) - math.log(sd)
    return float(_EXPECTATION @ (log_q - target.log_density(mean + sd * _E)))


def reverse_derivatives(target: GaussianMixture1D, mean: float, log_sd: float) -> tuple[Array, Array]:
    """Gradient [2] and Hessian [2, 2] of D(N(mean, sd^2) || P) in (mean, log sd), by the trapezoidal rule.

    With x = mean + sd e, e ~ N(0, 1), the divergence is a constant - log sd - E[log p(x)], so each derivative is an expectation of
    derivatives of log p, with dx/dmean = 1, dx/dlog sd = sd e and d^2 x / d(log sd)^2 = sd e.
    """
    moved = math.exp(log_sd) * _E
    first, second = target.derivatives(mean + moved)

    def expected(values: Array) -> float:
        return float(_EXPECTATION @ values)

    across = -expected(second * moved)
    gradient = np.array([-expected(first), -1 - expected(first * moved)])
    return gradient, np.array([[-expected(second), across], [across, -expected(second * moved**2 + first * moved)]])


def moment_match(target: GaussianMixture1D) -> tuple[float, float]:
    """Mean and standard deviation of the target: the Gaussian that minimises the forward KL."""
    weights, means, sds = (np.asarray(values) for values in (target.weights, target.means, target.sds))
    mean = float(weights @ means)
    return mean, math.sqrt(float(weights @ (sds**2 + means**2)) - mean**2)


def fit_reverse(target: GaussianMixture1D, start: tuple[float, float]) -> tuple[float, float]:
    """Mean and standard deviation of a local minimum of the reverse KL, found from ``start`` = (mean, sd).

    Raises:
        ValueError: when the optimiser reports failure.
    """
    from scipy.optimize import minimize

    found = minimize(
        lambda theta: reverse_kl(target, float(theta[0]), math.exp(float(theta[1]))),
        x0=np.array([start[0], math.log(start[1])]),
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-14, "maxiter": 2000},
    )
    if not found.success:
        raise ValueError(f"fit_reverse: no minimum found from start {start}: {found.message}")
    return float(found.x[0]), math.exp(float(found.x[1]))


def mean_field_variances(covariance: npt.ArrayLike) -> tuple[Array, Array]:
    """Variances of the best factorised Gaussian for a Gaussian target: (reverse KL, forward KL), each [D].

    Reverse D(q || p) gives 1 / (Sigma^-1)_dd, the variance of a coordinate with all others held fixed; forward D(p || q) gives
    Sigma_dd, its marginal variance. The first never exceeds the second; they agree when the coordinate is independent.
    """
    sigma = np.asarray(covariance, dtype=np.float64)
    return 1 / np.diag(np.linalg.inv(sigma)), np.diag(sigma).copy()


def elbo_linear_gaussian(x: float, mean: float, sd: float) -> float:
    """The bound E_q[log p(x | z)] - D(q || p(z)) for p(z) = N(0, 1), p(x | z) = N(z, 1), q(z | x) = N(mean, sd^2).

    Here log p(x) = log N(x; 0, 2) and the posterior is N(x / 2, 1 / 2), so the gap is known in closed form.
    """
    return -0.5 * math.log(2 * math.pi) - 0.5 * ((x - mean) ** 2 + sd**2) - kl_gaussian(mean, sd, 0.0, 1.0)


def elbo_scaled_gaussian(x: float, scale: float, mean: float, sd: float) -> float:
    """The bound for p(z) = N(0, 1), p(x | z) = N(scale z, 1), q(z | x) = N(mean, sd^2); log p(x) = log N(x; 0, 1 + scale^2)."""
    misfit = (x - scale * mean) ** 2 + scale**2 * sd**2
    return -0.5 * math.log(2 * math.pi) - 0.5 * misfit - kl_gaussian(mean, sd, 0.0, 1.0)


def posterior_scaled_gaussian(x: float, scale: float) -> tuple[float, float]:
    """Mean scale x / (1 + scale^2) and standard deviation 1 / sqrt(1 + scale^2) of p(z | x) in the same model."""
    return scale * x / (1 + scale**2), 1 / math.sqrt(1 + scale**2)


def best_scales(x: float) -> tuple[float, float]:
    """The non-negative scales that maximise log p(x), and the bound when q is restricted to the variance 1: (first, second).

    With u = 1 + scale^2 they maximise -(log u + x^2 / u) / 2 and -(x^2 / u + u) / 2, so u = x^2 and u = |x|, but at least 1.
    """
    return math.sqrt(max(x**2 - 1, 0.0)), math.sqrt(max(abs(x) - 1, 0.0))
