"""The ring mixture: K Gaussians with identity covariance and equal weights whose means lie on a circle about the origin.

p(x) = 1/K sum_k N(x; mu_k, I),   mu_k = R (cos(2 pi k / K), sin(2 pi k / K)),   k = 1..K                                   (1)

Axis letters: n points, k components; the plane has two dimensions. Logarithms are natural.
"""

import math

import numpy as np
from jaxtyping import Float, Int
from scipy.special import logsumexp

__all__ = ["grid", "log_density", "log_joint", "means", "responsibilities", "sample"]


def means(components: int, radius: float) -> Float[np.ndarray, "k 2"]:
    """The means mu_1..mu_K; the last one is (R, 0)."""
    angle = 2 * np.pi * np.arange(1, components + 1) / components
    points: np.ndarray = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return points


def log_joint(x: Float[np.ndarray, "n 2"], components: int, radius: float) -> Float[np.ndarray, "n k"]:
    """log [1/K N(x; mu_k, I)], the joint density of point and component."""
    squares = ((x[:, None] - means(components, radius)) ** 2).sum(2)
    joint: np.ndarray = -0.5 * squares - math.log(2 * math.pi) - math.log(components)
    return joint


def log_density(x: Float[np.ndarray, "n 2"], components: int, radius: float) -> Float[np.ndarray, " n"]:
    """log p(x) of equation (1)."""
    density: np.ndarray = logsumexp(log_joint(x, components, radius), axis=1)
    return density


def responsibilities(x: Float[np.ndarray, "n 2"], components: int, radius: float) -> Float[np.ndarray, "n k"]:
    """p(k | x), each component's share of the density at x."""
    joint = log_joint(x, components, radius)
    shares: np.ndarray = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
    return shares


def sample(
    n: int, components: int, radius: float, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "n 2"], Int[np.ndarray, " n"]]:
    """Points and their components (0..K-1): first the component, uniformly, then the point around its mean."""
    chosen = rng.integers(0, components, n)
    return means(components, radius)[chosen] + rng.standard_normal((n, 2)), chosen


def grid(radius: float, margin: float = 4.0, count: int = 161) -> tuple[Float[np.ndarray, " g"], Float[np.ndarray, "g*g 2"]]:
    """A square grid over the ring for pictures: the values of either coordinate, and all points, the second coordinate outermost.

    A density at the points, shaped [g, g], is what matplotlib expects for the same axis twice.
    """
    axis = np.linspace(-(radius + margin), radius + margin, count)
    first, second = np.meshgrid(axis, axis)
    return axis, np.stack([first.ravel(), second.ravel()], axis=1)
