"""The log-density of an energy-based model far beyond its data, and the slope with which it falls in every direction."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from dgm.figures import style

__all__ = ["draw"]


def draw(sources: Mapping[str, Any], *, lowest: float = -40.0) -> Figure:
    """Draw ``far_log_density`` on ``far_axis`` (values below ``lowest`` in one colour) and ``slopes`` of the alias ``model``."""
    arrays = sources["model"]
    axis, centre = arrays["far_axis"], arrays["centre"]
    half = float(arrays["half_width"])
    made, (field, fall), _ = style.panels(2, aspect=1.15)
    x, y = axis + centre[0], axis + centre[1]
    values = np.clip(arrays["far_log_density"], lowest, None)
    image = style.show_field(field, x, y, values, aspect="equal", vmin=lowest)
    field.contour(x, y, values, levels=[-30, -20, -10, -5], colors="white", linewidths=0.6, linestyles="solid")
    field.add_patch(Rectangle((centre[0] - half, centre[1] - half), 2 * half, 2 * half, fill=False, color="white", linewidth=1))
    field.set(title="log-density", xlabel="first coordinate", ylabel="second coordinate")
    made.colorbar(image, ax=field, location="bottom", shrink=0.9, extend="min", label="nats")
    slopes = arrays["slopes"]
    angle = np.linspace(0, 360, len(slopes), endpoint=False)
    fall.plot(angle, slopes, color=style.COLOURS["blue"])
    fall.axhline(0, color=style.INK, linewidth=0.8)
    fall.set(xlabel="direction (degrees)", ylabel="slope far out (nats per unit)", xticks=range(0, 361, 90))
    fall.set(title="slope along rays", ylim=(1.1 * float(slopes.min()), max(0.5, 1.1 * float(slopes.max()))))
    return made
