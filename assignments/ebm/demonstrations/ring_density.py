"""The ring mixture with ten components, far apart and overlapping: its density on a grid.

Arrays for each radius, with suffix ``_r10`` or ``_r1``: ``axis`` [g], ``density`` [g, g] and ``means`` [10, 2].
"""

import numpy as np

from dgm.maths import ring_mixture

__all__ = ["COMPONENTS", "RADII", "compute"]

COMPONENTS = 10
RADII = {"r10": 10.0, "r1": 1.0}


def compute(seed: int = 0) -> dict[str, np.ndarray]:
    """All arrays of the illustration; nothing is drawn at random, so ``seed`` changes nothing."""
    arrays = {}
    for name, radius in RADII.items():
        axis, points = ring_mixture.grid(radius)
        arrays[f"axis_{name}"] = axis
        arrays[f"density_{name}"] = np.exp(ring_mixture.log_density(points, COMPONENTS, radius)).reshape(len(axis), -1)
        arrays[f"means_{name}"] = ring_mixture.means(COMPONENTS, radius)
    return arrays
