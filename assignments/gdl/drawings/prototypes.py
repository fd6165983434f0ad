"""The component means of a mixture as images, the heaviest component first."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]


def draw(sources: Mapping[str, Any], *, columns: int = 10) -> Figure:
    """Draw ``prototypes`` [K, 28, 28] with ``weights`` [K] above them, from the samples file with alias ``samples``."""
    prototypes, weights = sources["samples"]["prototypes"], sources["samples"]["weights"]
    order = np.argsort(-weights, kind="stable")
    rows = -(-len(order) // columns)
    made, axes = style.figure(rows, columns, aspect=1.25)
    for panel in axes.ravel():
        panel.set_axis_off()
    for panel, k in zip(axes.ravel(), order, strict=False):
        style.show_image(panel, prototypes[k], f"{weights[k]:.3f}", vmin=0, vmax=1)
    return made
