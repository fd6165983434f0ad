"""The divergence of N(mean, variance) from N(0, 1), over mean and log-variance, and its slopes in the two ways to give a variance.

Arrays: ``mean`` [m], ``log_variance`` [l], ``divergence`` [l, m]; ``example`` [2] mean and log-variance of N(0.5, 4);
``variance`` [v] with ``slope_log_variance``, ``slope_variance`` [v], the derivatives in log-variance and in the variance.
"""

import math

import numpy as np

from dgm.maths.divergences import kl_from_log_variance, kl_slope_log_variance, kl_slope_variance

__all__ = ["compute"]


def compute(seed: int = 0) -> dict[str, np.ndarray]:
    """All arrays of the illustration; nothing is drawn at random, so ``seed`` changes nothing."""
    mean, log_variance = np.linspace(-3.5, 3.5, 113), np.linspace(-9.0, 2.5, 116)
    variance = np.geomspace(1e-6, 1e2, 161)
    return {
        "mean": mean,
        "log_variance": log_variance,
        "divergence": np.array([[kl_from_log_variance(m, s) for m in mean] for s in log_variance]),
        "example": np.array([0.5, math.log(4.0)]),
        "variance": variance,
        "slope_log_variance": np.array([kl_slope_log_variance(math.log(v)) for v in variance]),
        "slope_variance": np.array([kl_slope_variance(v) for v in variance]),
    }
