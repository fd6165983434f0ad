"""Images along straight lines between codes: a row is a pair, a column a place on the line."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]


def draw(sources: Mapping[str, Any], *, source: str = "measured") -> Figure:
    """Draw ``interpolation`` [pairs, steps, 28, 28] with ``interpolation_alpha`` above and ``interpolation_labels`` at the sides.

    The label of image b stands on the left, where alpha = 0, that of image a on the right, where alpha = 1.

    Args:
        sources: arrays by alias.
        source: the alias of the arrays.
    """
    arrays = sources[source]
    images, alphas, labels = (np.asarray(arrays[f"interpolation{part}"]) for part in ("", "_alpha", "_labels"))
    pairs, steps, height, width = images.shape
    gap = 2
    made, axes = style.figure(aspect=(pairs + 0.4) / (steps + 0.8))
    panel = axes[0, 0]
    style.show_image(panel, style.tile(images.reshape(-1, height, width).astype(np.float64), steps, gap), vmin=0.0, vmax=1.0)
    for column, alpha in enumerate(alphas):
        panel.text(column * (width + gap) + width / 2, -4, f"{alpha:.1f}", ha="center", va="bottom", fontsize=8)
    panel.text(-6, -4, r"$\alpha$", ha="center", va="bottom", fontsize=8)
    for row, (end, start) in enumerate(labels):
        middle = row * (height + gap) + height / 2
        panel.text(-6, middle, f"{start}", ha="center", va="center", fontsize=8.5)
        panel.text(steps * (width + gap) + 4, middle, f"{end}", ha="center", va="center", fontsize=8.5)
    return made
