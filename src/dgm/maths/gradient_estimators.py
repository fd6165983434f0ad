"""Monte Carlo estimators of a variational bound and of gradients of expectations, with their variances in closed form.

All are single-draw estimators; the mean of n independent draws has 1/n of the variance. The approximation is q = N(mean, sd^2) and
e stands for a standard normal draw, z = mean + sd e.

References: Kingma and Welling, Auto-Encoding Variational Bayes, 2014 (the two forms of the bound, and reparameterisation);
Rezende, Mohamed and Wierstra, Stochastic Backpropagation and Approximate Inference in Deep Generative Models, 2014.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from dgm.maths.divergences import kl_gaussian, log_normal_density

__all__ = [
    "best_baseline",
    "bound_draws",
    "bound_variances",
    "gaussian_score",
    "likelihood_gradient",
    "pathwise_draws",
    "pathwise_gradient",
    "pathwise_variance",
    "score_draws",
    "score_gradient",
    "score_variance",
]

Values = Float[np.ndarray, " n"]


# ------------------------------------------------------------------------------------------------ two forms of the bound


def bound_draws(x: float, mean: float, sd: float, e: Values) -> tuple[Values, Values]:
    """Single-draw values of the bound in the model p(z) = N(0, 1), p(x | z) = N(z, 1), one for each entry of ``e``.

    Returns:
        Form 1, log p(x | z) - D(q || p(z)) with the divergence in closed form; form 2, log p(x | z) + log p(z) - log q(z).
    """
    z = mean + sd * e
    reconstruction = log_normal_density(x, 0.0, 1.0) + x * z - 0.5 * z**2  # log N(x; z, 1)
    sampled = log_normal_density(z, 0.0, 1.0) - log_normal_density(z, mean, sd)
    return reconstruction - kl_gaussian(mean, sd, 0.0, 1.0), reconstruction + sampled


def bound_variances(x: float, mean: float, sd: float) -> tuple[float, float]:
    """Variances of the two estimators of :func:`bound_draws`, (form 1, form 2).

    A quadratic A e^2 + B e + C of a standard normal e has the variance 2 A^2 + B^2. Form 1 has A = -sd^2 / 2 and
    B = -sd (mean - x); form 2 has A = 1/2 - sd^2 and B = -sd (2 mean - x), both 0 at the posterior N(x / 2, 1 / 2).
    """
    first = 2 * (sd**2 / 2) ** 2 + (sd * (mean - x)) ** 2
    second = 2 * (0.5 - sd**2) ** 2 + (sd * (2 * mean - x)) ** 2
    return first, second


# ------------------------------------------------------------------------------------------------ gradients of E_q |z|^2


def pathwise_draws(mean: float, sd: float, e: Float[np.ndarray, "n d"]) -> Values:
    """Reparameterised estimates of the first component of d/dmean E |z|^2, z = mean + sd e: they are 2 z_1."""
    draws: Values = 2 * (mean + sd * e[:, 0])
    return draws


def score_draws(mean: float, sd: float, e: Float[np.ndarray, "n d"], baseline: float = 0.0) -> Values:
    """Score-function estimates of the same derivative: (|z|^2 - baseline) e_1 / sd."""
    squared = ((mean + sd * e) ** 2).sum(1)
    draws: Values = (squared - baseline) * e[:, 0] / sd
    return draws


def pathwise_variance(sd: float) -> float:
    """Variance of :func:`pathwise_draws`: 4 sd^2, whatever the mean and the dimension."""
    return 4 * sd**2


def score_variance(mean: float, sd: float, dimensions: int = 1, baseline: float = 0.0) -> float:
    """Variance of :func:`score_draws`, every coordinate having the same mean and sd.

    With S = z_2^2 + .. + z_D^2 - baseline, independent of z_1, it is
    (E[z_1^4 e_1^2] + 2 E[S] E[z_1^2 e_1^2] + E[S^2]) / sd^2 - 4 mean^2, where E[z_1^2 e_1^2] = mean^2 + 3 sd^2 and
    E[z_1^4 e_1^2] = mean^4 + 18 mean^2 sd^2 + 15 sd^4. In one dimension without baseline: mean^4 / sd^2 + 14 mean^2 + 15 sd^2.
    """
    others = dimensions - 1
    mean_s = others * (mean**2 + sd**2) - baseline
    second_s = others * (2 * sd**4 + 4 * mean**2 * sd**2) + mean_s**2
    fourth = mean**4 + 18 * mean**2 * sd**2 + 15 * sd**4
    return (fourth + 2 * mean_s * (mean**2 + 3 * sd**2) + second_s) / sd**2 - 4 * mean**2


def best_baseline(mean: float, sd: float, dimensions: int = 1) -> float:
    """The constant that makes :func:`score_variance` smallest: E[|z|^2 e_1^2] / E[e_1^2]."""
    return mean**2 + 3 * sd**2 + (dimensions - 1) * (mean**2 + sd**2)


# ------------------------------------------------------------------------------------------------ gradients of a divergence


def gaussian_score(x: Values, mean: float, sd: float) -> Float[np.ndarray, "n 2"]:
    """Derivatives of log N(x; mean, sd^2) in (mean, log sd): e / sd and e^2 - 1 with e = (x - mean) / sd."""
    e = (x - mean) / sd
    scores: Float[np.ndarray, "n 2"] = np.stack([e / sd, e**2 - 1], axis=1)
    return scores


def score_gradient(log_target: Callable[[Values], Values], x: Values, mean: float, sd: float) -> Float[np.ndarray, "n 2"]:
    """Score-function estimates of the gradient of D(q || p) in (mean, log sd) from draws ``x`` of q.

    The score times log q - log p. ``log_target`` may lack a constant: the score has the expectation zero.
    """
    ratio = log_normal_density(x, mean, sd) - log_target(x)
    estimates: Float[np.ndarray, "n 2"] = gaussian_score(x, mean, sd) * ratio[:, None]
    return estimates


def pathwise_gradient(target_slope: Callable[[Values], Values], e: Values, mean: float, sd: float) -> Float[np.ndarray, "n 2"]:
    """Reparameterised estimates of the same gradient from noise ``e``: -s(z) and -1 - s(z) sd e, with s = d log p / dx at z."""
    slope = target_slope(mean + sd * e)
    estimates: Float[np.ndarray, "n 2"] = np.stack([-slope, -1 - slope * sd * e], axis=1)
    return estimates


def likelihood_gradient(x: Values, mean: float, sd: float) -> Float[np.ndarray, "n 2"]:
    """Estimates of the gradient of D(p || q) in (mean, log sd) from samples ``x`` of p: minus the score. No density of p occurs."""
    return -gaussian_score(x, mean, sd)
