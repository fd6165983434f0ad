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
    made, axes = style.figure(rows, columns, aspect=0.93 + style.room_for_titles(["0.123"], columns))
    for panel in axes.ravel():
        panel.set_axis_off()
    for panel, k in zip(axes.ravel(), order, strict=False):
        style.show_image(panel, prototypes[k], vmin=0, vmax=1)
        panel.set_title(f"{weights[k]:.3f}", fontsize=8, pad=2)
    return made
