"""Variational bounds of the ring mixture with a uniform q and with the exact posterior, and their limit for many components.

Arrays for the rings R = 10 and R = 1 with K = 10, ``r10_`` or ``r1_`` before each name: ``radius`` [n] distances |x| along the
ray through the mean at angle 0, with the two bounds ``uniform`` and ``exact`` [n] and ``limit`` [n], the limit of the exact one
there; ``axis`` [m] and ``density``, ``bound`` [m, m], the exact bound and the uniform one in the plane; ``means`` [10, 2];
``angle`` [a] with ``around_3``, ``around_10``, ``around_20``, ``around_limit`` [a], log p(x) at |x| = R for these K and in the
limit. ``components`` [k] with ``at_mean``, ``at_half`` [k], log p(x) at the mean (R, 0) and halfway between two means, and
``uniform_at_mean`` [k], by direct averages.
"""

import numpy as np

from dgm.maths import ring_mixture
from dgm.maths.measured import Measured, Reading
from dgm.maths.variational_bounds import discrete_bound, limit_log_density, uniform_bound, uniform_gap, uniform_gap_limit

from .ring_density import COMPONENTS as K
from .ring_density import RADII

__all__ = ["KS", "POINTS", "RADII", "compute", "direct_uniform", "measure"]

KS = (3, 10, 20)
POINTS = {
    "r10_centre": (10.0, (0.0, 0.0)),
    "r10_inside": (10.0, (3.0, 4.0)),
    "r10_mean": (10.0, (10.0, 0.0)),
    "r1_centre": (1.0, (0.0, 0.0)),
    "r1_mean": (1.0, (1.0, 0.0)),
    "r1_outside": (1.0, (3.0, 4.0)),
}
"""Radius of the ring and point of each row of the table."""


def direct_uniform(x: np.ndarray, components: int, radius: float) -> np.ndarray:
    """The bound of the uniform q from its definition, [n]."""
    uniform = np.full((len(x), components), 1 / components)
    return discrete_bound(ring_mixture.log_joint(x, components, radius), uniform)


def compute(seed: int = 0) -> dict[str, np.ndarray]:
    """All arrays of the illustration; nothing is drawn at random, so ``seed`` changes nothing."""
    arrays: dict[str, np.ndarray] = {}
    angle = np.linspace(-np.pi, np.pi, 721)
    components = np.arange(2, 101)
    for name, radius in RADII.items():
        far = 1.8 * radius if radius > 2 else 4.5
        distance = np.linspace(0, far, 241)
        ray = distance[:, None] * np.array([1.0, 0.0])
        axis = np.linspace(-far / 1.2, far / 1.2, 97)
        plane = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
        circle = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        mean = np.array([[radius, 0.0]])
        halves = [radius * np.array([[np.cos(np.pi / k), np.sin(np.pi / k)]]) for k in components]
        arrays |= {
            f"{name}_radius": distance,
            f"{name}_uniform": direct_uniform(ray, K, radius),
            f"{name}_exact": ring_mixture.log_density(ray, K, radius),
            f"{name}_limit": limit_log_density(ray, radius),
            f"{name}_axis": axis,
            f"{name}_means": ring_mixture.means(K, radius),
            f"{name}_density": ring_mixture.log_density(plane, K, radius).reshape(len(axis), -1),
            f"{name}_bound": uniform_bound(plane, radius).reshape(len(axis), -1),
            f"{name}_angle": angle,
            **{f"{name}_around_{k}": ring_mixture.log_density(circle, k, radius) for k in KS},
            f"{name}_around_limit": limit_log_density(circle, radius),
            f"{name}_components": components.astype(float),
            f"{name}_at_mean": np.array([float(ring_mixture.log_density(mean, int(k), radius)[0]) for k in components]),
            f"{name}_at_half": np.array(
                [float(ring_mixture.log_density(x, int(k), radius)[0]) for x, k in zip(halves, components, strict=True)]
            ),
            f"{name}_uniform_at_mean": np.array([float(direct_uniform(mean, int(k), radius)[0]) for k in components]),
        }
    return arrays


def measure(arrays: dict[str, np.ndarray]) -> list[Reading]:
    """Both bounds, their gap, and its limits, at the points of the table."""
    readings: list[Reading] = []
    for split, (radius, point) in POINTS.items():
        x = np.array([point])
        values = {
            "bound_uniform": uniform_bound(x, radius),
            "bound_exact": discrete_bound(ring_mixture.log_joint(x, K, radius), ring_mixture.responsibilities(x, K, radius)),
            "gap": uniform_gap(x, K, radius),
            "gap_limit": uniform_gap_limit(x, radius),
            "bound_exact_limit": limit_log_density(x, radius),
        }
        readings += [(metric, split, Measured(float(value[0]), unit="nats")) for metric, value in values.items()]
    return readings
