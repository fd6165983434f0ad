"""The best factorised Gaussian for a correlated Gaussian posterior, under both directions of the KL divergence.

The target has unit variances and correlation rho. Arrays: ``axis`` [n]; ``target``, ``reverse``, ``forward`` [n, n] densities
on the square grid at rho = 0.9; ``covariance`` [2, 2]; ``reverse_variances``, ``forward_variances`` [2]; ``rho`` [m] and
``reverse_variance``, ``forward_variance`` [m], the variance of one coordinate as the correlation grows.
"""

import numpy as np

from dgm.maths.divergences import mean_field_variances

__all__ = ["compute"]


def compute(seed: int = 0) -> dict[str, np.ndarray]:
    """All arrays of the illustration; nothing is drawn at random, so ``seed`` changes nothing."""
    covariance = np.array([[1.0, 0.9], [0.9, 1.0]])
    reverse, forward = mean_field_variances(covariance)
    axis = np.linspace(-3.0, 3.0, 201)
    rho = np.linspace(0.0, 0.99, 100)
    curves = [mean_field_variances([[1.0, r], [r, 1.0]]) for r in rho]
    return {
        "axis": axis,
        "target": _density(axis, covariance),
        "reverse": _density(axis, np.diag(reverse)),
        "forward": _density(axis, np.diag(forward)),
        "covariance": covariance,
        "reverse_variances": reverse,
        "forward_variances": forward,
        "rho": rho,
        "reverse_variance": np.array([reversed_[0] for reversed_, _ in curves]),
        "forward_variance": np.array([forward_[0] for _, forward_ in curves]),
    }


def _density(axis: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Density of N(0, covariance) on the grid axis x axis."""
    first, second = np.meshgrid(axis, axis, indexing="xy")
    points = np.stack([first, second], axis=-1)
    quadratic = np.einsum("...i,ij,...j->...", points, np.linalg.inv(covariance), points)
    return np.asarray(np.exp(-0.5 * quadratic) / (2 * np.pi * np.sqrt(np.linalg.det(covariance))))
