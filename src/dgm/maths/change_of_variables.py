"""Small changes of variable: densities of transformed random variables, and the Leaky ReLU as a flow.

For an invertible, almost everywhere differentiable g and Y = g(X):

    f_Y(y) = f_X(g^-1(y)) |det d g^-1(y) / d y|                                                    (1)

References: Papamakarios et al., Normalizing flows for probabilistic modeling and inference, 2021, section 2.1.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

__all__ = [
    "cauchy_density",
    "leaky_relu",
    "leaky_relu_inverse",
    "leaky_relu_inverse_det",
    "leaky_relu_pushforward",
    "lognormal_density",
    "reciprocal_density",
    "square_distance_cdf",
    "square_distance_density",
]

Array = npt.NDArray[np.float64]
Density = Callable[[Array], Array]


def cauchy_density(x: npt.ArrayLike) -> Array:
    """Standard Cauchy density 1 / (pi (1 + x^2)), elementwise."""
    return np.asarray(1 / (np.pi * (1 + np.asarray(x, dtype=np.float64) ** 2)))


def reciprocal_density(density: Density, y: npt.ArrayLike) -> Array:
    """Density of Y = 1 / X at y != 0 when X has the given density: equation (1) with g^-1(y) = 1/y, |d g^-1/dy| = 1/y^2.

    Raises:
        ValueError: at y = 0, where the map has no inverse.
    """
    points = np.asarray(y, dtype=np.float64)
    if np.any(points == 0):
        raise ValueError("reciprocal_density: y = 0 is not a value of 1/X; give points different from 0")
    return density(1 / points) / points**2


def lognormal_density(z: npt.ArrayLike, mu: float, sigma: float) -> Array:
    """Density of exp(Y) for Y ~ N(mu, sigma^2): exp(-(log z - mu)^2 / (2 sigma^2)) / (z sigma sqrt(2 pi)) for z > 0, else 0."""
    points = np.asarray(z, dtype=np.float64)
    positive = points > 0
    safe = np.where(positive, points, 1.0)  # the logarithm is never taken where the density is 0
    value = np.exp(-((np.log(safe) - mu) ** 2) / (2 * sigma**2)) / (safe * sigma * np.sqrt(2 * np.pi))
    return np.asarray(np.where(positive, value, 0.0))


def square_distance_cdf(z: npt.ArrayLike) -> Array:
    """P(Z <= z) for the distance Z of a uniform point of the square [0, 2]^2 from its centre (1, 1), elementwise.

    A quarter of the area of the disc of radius z within the square: the whole disc up to z = 1; beyond, four circular
    segments of area z^2 arccos(1/z) - sqrt(z^2 - 1) are cut off; everything from z = sqrt(2).
    """
    r = np.clip(np.asarray(z, dtype=np.float64), 0.0, np.sqrt(2.0))
    beyond = np.maximum(r, 1.0)
    segment = beyond**2 * np.arccos(1 / beyond) - np.sqrt(beyond**2 - 1)
    return np.asarray(np.where(np.asarray(z) >= np.sqrt(2.0), 1.0, np.pi * r**2 / 4 - segment))


def square_distance_density(z: npt.ArrayLike) -> Array:
    """Density of the same distance: pi z / 2 on [0, 1], z (pi/2 - 2 arccos(1/z)) on (1, sqrt 2], 0 elsewhere."""
    points = np.asarray(z, dtype=np.float64)
    beyond = np.clip(points, 1.0, np.sqrt(2.0))
    inside = np.where(points <= 1, np.pi * points / 2, beyond * (np.pi / 2 - 2 * np.arccos(1 / beyond)))
    return np.asarray(np.where((points >= 0) & (points <= np.sqrt(2.0)), inside, 0.0))


def leaky_relu(z: npt.ArrayLike, slope: float = 0.1) -> Array:
    """LReLU(z) = slope z for z < 0, z for z >= 0, elementwise; continuous and strictly increasing for slope > 0."""
    points = np.asarray(z, dtype=np.float64)
    return np.asarray(np.where(points < 0, slope * points, points))


def leaky_relu_inverse(x: npt.ArrayLike, slope: float = 0.1) -> Array:
    """The inverse: x / slope for x < 0, x for x >= 0, elementwise (the map keeps signs)."""
    points = np.asarray(x, dtype=np.float64)
    return np.asarray(np.where(points < 0, points / slope, points))


def leaky_relu_inverse_det(z: npt.ArrayLike, slope: float = 0.1) -> Array:
    """|det d LReLU(z) / d z|^-1 = slope^-m over the last axis, m the number of negative coordinates of z (or of x, equally)."""
    negative = np.sum(np.asarray(z, dtype=np.float64) < 0, axis=-1)
    return np.asarray((1 / slope) ** negative)


def leaky_relu_pushforward(density: Density, x: npt.ArrayLike, slope: float = 0.1) -> Array:
    """Density at x [.., n] of LReLU(Z) when Z [.., n] has the given density: equation (1) with the two functions above."""
    points = np.asarray(x, dtype=np.float64)
    return np.asarray(density(leaky_relu_inverse(points, slope)) * leaky_relu_inverse_det(points, slope))
