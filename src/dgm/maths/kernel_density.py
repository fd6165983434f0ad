"""Kernel density estimate with Gaussian kernels, and the choice of its bandwidth by the likelihood of held-out points.

p(x) = 1/n sum_i (2 pi sigma^2)^(-d/2) exp(-|x - x_i|^2 / (2 sigma^2))                                                     (1)

The density is scikit-learn's; a whole curve of bandwidths is computed here, because it needs the distances only once. The
likelihood of the points that carry the kernels grows without bound as sigma tends to 0, so sigma has to be chosen on others.

Reference: Silverman 1986, chapters 3 and 4. Axis letters: n kernels, m points, b bandwidths, d dimensions. Logarithms are natural.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float

__all__ = ["BANDWIDTHS", "choose", "curve", "log_density"]

BANDWIDTHS: list[float] = [float(value) for value in np.linspace(0.1, 5.0, 20)]
"""The 20 bandwidths of the question: 0.1 to 5 in steps of 0.257895."""

_ROWS = 50  # of a block of distances, which stays in the cache of a core


def log_density(x: Float[np.ndarray, "m d"], kernels: Float[np.ndarray, "n d"], bandwidth: float) -> Float[np.ndarray, " m"]:
    """log p(x) of equation (1) with kernels at the points ``kernels``."""
    from sklearn.neighbors import KernelDensity

    # One leaf holds all kernels: with smaller ones scikit-learn adds and subtracts bounds, which loses the digits of points that
    # are far from every kernel (nats, not decimals, at a bandwidth of 0.1). For a thousand kernels it is no slower.
    fitted = KernelDensity(kernel="gaussian", bandwidth=bandwidth, leaf_size=len(kernels)).fit(kernels)
    values: np.ndarray = fitted.score_samples(x)
    return values


def curve(x: Float[np.ndarray, "m d"], kernels: Float[np.ndarray, "n d"], bandwidths: Sequence[float]) -> Float[np.ndarray, " b"]:
    """Mean log p of the points ``x`` for each bandwidth, in nats."""
    n, d = kernels.shape
    factors = -0.5 / np.square(bandwidths)
    totals = np.zeros(len(bandwidths))
    for rows in np.array_split(x, math.ceil(len(x) / _ROWS)):
        squares = np.maximum((rows**2).sum(1)[:, None] - 2 * rows @ kernels.T + (kernels**2).sum(1), 0.0)
        nearest = squares.min(1)  # its term leads the sum for every bandwidth, so subtracting it keeps the sum between 1 and n
        squares -= nearest[:, None]
        for which, factor in enumerate(factors):
            terms = torch.from_numpy(squares * factor).exp_()  # numpy's takes two to four times as long without AVX-512
            totals[which] += float(terms.sum(1).log().sum()) + factor * nearest.sum()
    constants = 0.5 * d * np.log(2 * math.pi * np.square(bandwidths))
    scores: np.ndarray = totals / len(x) - math.log(n) - constants
    return scores


def choose(bandwidths: Sequence[float], scores: Float[np.ndarray, " b"]) -> int:
    """Index of the bandwidth with the highest score; of equal ones the largest bandwidth, which smooths most.

    Raises:
        ValueError: when there is no bandwidth, or a score is not a number.
    """
    if not len(bandwidths) or not np.isfinite(scores).any():
        raise ValueError(f"no bandwidth to choose from: bandwidths {list(bandwidths)}, scores {np.asarray(scores).tolist()}")
    return max(range(len(bandwidths)), key=lambda i: (np.nan_to_num(scores[i], nan=-np.inf), bandwidths[i]))
