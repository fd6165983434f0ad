"""The distance of a uniform point of the square [0, 2]^2 from its centre: derived density and simulated points.

Arrays: ``z`` [n], ``density`` [n], ``cdf`` [n]; ``points`` [m, 2] some of the simulated points; ``distances`` [N] of all of them;
``edges`` [b + 1] and ``histogram`` [b], their normalised counts.
"""

import numpy as np

from dgm.maths.change_of_variables import square_distance_cdf, square_distance_density

__all__ = ["compute"]

_POINTS = 200_000
_SHOWN = 1_500


def compute(seed: int = 0) -> dict[str, np.ndarray]:
    """All arrays of the illustration; the same seed gives the same arrays."""
    z = np.linspace(0.0, 1.5, 1201)
    points = np.random.default_rng(seed).uniform(0.0, 2.0, size=(_POINTS, 2))
    distances = np.hypot(points[:, 0] - 1.0, points[:, 1] - 1.0)
    histogram, edges = np.histogram(distances, bins=75, range=(0.0, 1.5), density=True)
    return {
        "z": z,
        "density": square_distance_density(z),
        "cdf": square_distance_cdf(z),
        "points": points[:_SHOWN],
        "distances": distances,
        "edges": edges,
        "histogram": histogram,
    }
