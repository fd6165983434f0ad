"""Panels of images side by side: samples of models, real digits for comparison."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]


def draw(
    sources: Mapping[str, Any], *, panels: Sequence[Mapping[str, Any]], images: int = 36, columns: int = 6, wrap: int = 3
) -> Figure:
    """Draw one panel for each entry of ``panels``, with the first ``images`` images of its array.

    Args:
        sources: arrays by alias.
        panels: each with ``source``, ``array``, ``title`` and, if wanted, ``white`` (the value shown as white, default 1) and
            ``threshold`` (images above it are shown white, all others black, as the models for binary pixels see them).
        images: images shown in each panel, fewer where fewer exist.
        columns: images in a row of a panel.
        wrap: panels in a row of the figure.
    """
    across = min(wrap, len(panels))
    down = -(-len(panels) // across)
    aspect = -(-images // columns) / columns + style.room_for_titles([panel["title"] for panel in panels], across)
    made, axes = style.figure(down, across, aspect=aspect)
    for axis in axes.ravel():
        axis.set_axis_off()
    for axis, panel in zip(axes.ravel(), panels, strict=False):
        shown = np.asarray(sources[panel["source"]][panel["array"]])[:images]
        white = float(panel.get("white", 1))
        if "threshold" in panel:
            shown, white = shown > panel["threshold"], 1.0
        style.show_images(axis, shown.astype(np.float64), columns, panel["title"], vmin=0.0, vmax=white)
    return made
