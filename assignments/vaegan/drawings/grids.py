"""Grids of generated images kept during one training, each under its epoch."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]


def draw(sources: Mapping[str, Any], *, columns: int = 8) -> Figure:
    """One panel for each of ``grids`` [k, g, 28, 28] with its epoch from ``grid_epochs`` [k], both of the file ``samples``."""
    grids, epochs = sources["samples"]["grids"], sources["samples"]["grid_epochs"]
    rows = -(-grids.shape[1] // columns)
    made, axes = style.figure(1, len(grids), aspect=rows / columns + style.room_for_titles(["after epoch"], len(grids)))
    for panel, grid, epoch in zip(axes[0], grids, epochs, strict=True):
        style.show_images(panel, grid, columns, f"after epoch {epoch}", vmin=0.0, vmax=1.0)
    return made
