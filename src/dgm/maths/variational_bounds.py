"""Variational lower bounds that can be written down: the ring mixture, and a pair of pixels.

For a discrete latent variable z and any law q on its values, L(q) = sum_k q_k (log p(x, k) - log q_k)                     (1) is at
most log p(x), by D(q || p(z | x)). The ring mixture is that of :mod:`dgm.maths.ring_mixture`: K unit Gaussians on a circle of
radius R.

Axis letters: n points or images, k values of z, d pixels. Logarithms are natural.
"""

import math

import numpy as np
from jaxtyping import Float
from scipy.special import ive, logsumexp, xlogy

from dgm.maths import ring_mixture

__all__ = [
    "code_bound",
    "constant_code_bound",
    "discrete_bound",
    "discrete_maximiser",
    "gaussian_outputs",
    "limit_log_density",
    "log_bessel",
    "uniform_bound",
    "uniform_gap",
    "uniform_gap_limit",
]

Points = Float[np.ndarray, "n 2"]
Values = Float[np.ndarray, " n"]


def discrete_bound(log_joint: Float[np.ndarray, "n k"], q: Float[np.ndarray, "n k"]) -> Values:
    """L(q) of equation (1); a value of z with q_k = 0 adds nothing.

    Raises:
        ValueError: when a row of ``q`` is no law.
    """
    if np.any(q < 0) or np.abs(q.sum(1) - 1).max() > 1e-9:
        raise ValueError("discrete_bound: each row of q must be non-negative and sum to 1")
    bound: Values = (q * log_joint - xlogy(q, q)).sum(1)
    return bound


def discrete_maximiser(likelihood: Float[np.ndarray, " k"], prior: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
    """The law q that maximises (1): p(x | z) p(z) / sum_z p(x | z) p(z), the posterior of z."""
    joint = likelihood * prior
    posterior: Float[np.ndarray, " k"] = joint / joint.sum()
    return posterior


def gaussian_outputs(dimensions: int, covariance: str) -> int:
    """Numbers that a network must produce for a Gaussian in M dimensions: M, and 0, M or M (M + 1) / 2 for the covariance.

    Raises:
        ValueError: for a covariance that is not ``identity``, ``diagonal`` or ``full``.
    """
    free = {"identity": 0, "diagonal": dimensions, "full": dimensions * (dimensions + 1) // 2}
    if covariance not in free:
        raise ValueError(f"gaussian_outputs: covariance {covariance!r}; allowed are {', '.join(free)}")
    return dimensions + free[covariance]


def uniform_bound(x: Points, radius: float) -> Values:
    """L(q) of the ring mixture for the uniform q: -log(2 pi) - (|x|^2 + R^2) / 2, for every number of components K >= 2."""
    bound: Values = -math.log(2 * math.pi) - 0.5 * ((x**2).sum(1) + radius**2)
    return bound


def uniform_gap(x: Points, components: int, radius: float) -> Values:
    """log p(x) minus the bound of the uniform q: log of the mean of exp(x . mu_k) over the components, at least 0."""
    gap: Values = logsumexp(x @ ring_mixture.means(components, radius).T, axis=1) - math.log(components)
    return gap


def log_bessel(t: Float[np.ndarray, " n"]) -> Values:
    """log I_0(t) of the modified Bessel function, t >= 0, without overflow: exp(-t) I_0(t) is what is evaluated."""
    values: Values = np.log(ive(0, t)) + t
    return values


def uniform_gap_limit(x: Points, radius: float) -> Values:
    """Limit of :func:`uniform_gap` as K grows: log I_0(R |x|)."""
    return log_bessel(radius * np.sqrt((x**2).sum(1)))


def limit_log_density(x: Points, radius: float) -> Values:
    """Limit of log p(x) of the ring mixture as K grows: -log(2 pi) - (|x|^2 + R^2) / 2 + log I_0(R |x|).

    The density of a point on the circle, its angle uniform, plus Gaussian noise of unit variance.
    """
    limit: Values = uniform_bound(x, radius) + uniform_gap_limit(x, radius)
    return limit


def constant_code_bound(images: Float[np.ndarray, "n d"]) -> float:
    """The best bound, mean over the images, when q(z | x) is the prior: minus the sum of the entropies of the pixels' means.

    The code then tells the decoder nothing about x, so by Jensen's inequality it cannot beat the constant output p_d = mean of x_d.
    """
    mean = images.mean(0)
    return float((xlogy(mean, mean) + xlogy(1 - mean, 1 - mean)).sum())


def code_bound(images: Float[np.ndarray, "n d"]) -> float:
    """The best bound when a discrete code with one value for each kind of image is inferred: minus the entropy of the images."""
    _, counts = np.unique(images, axis=0, return_counts=True)
    share = counts / counts.sum()
    return float(xlogy(share, share).sum())
