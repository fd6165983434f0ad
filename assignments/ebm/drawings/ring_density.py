"""Densities of points in the plane side by side, on one colour scale or each on its own."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]


def draw(
    sources: Mapping[str, Any], *, panels: Sequence[Mapping[str, str]], one_scale: bool = True, filled: bool = True, levels: int = 8
) -> Figure:
    """Draw one panel for each entry of ``panels``.

    Args:
        sources: arrays by alias.
        panels: each with ``source``, ``title`` and, if wanted, ``density`` and ``axis`` (names of the arrays, by default these
        words) and
            ``means`` (name of an array of points to mark).
        one_scale: the same colours for the same values in all panels, up to the highest of them, with one bar; else a bar each.
        filled: an image of the density under the contours.
        levels: number of contours.
    """
    made, axes = style.figure(1, len(panels), aspect=1.0 if one_scale else 0.85)
    highest = max(float(sources[spec["source"]][spec.get("density", "density")].max()) for spec in panels)
    for panel, spec in zip(axes[0], panels, strict=True):
        source = sources[spec["source"]]
        axis, density = source[spec.get("axis", "axis")], source[spec.get("density", "density")]
        top = highest if one_scale else float(density.max())
        extent = (axis[0], axis[-1], axis[0], axis[-1])
        if filled:
            image = panel.imshow(
                density, origin="lower", extent=extent, vmin=0, vmax=top, cmap=style.SEQUENTIAL, interpolation="bilinear"
            )
            if not one_scale:
                made.colorbar(image, ax=panel, shrink=0.8, format="%.3f")
        lines = np.linspace(0, top, levels + 2)[1:-1]
        if filled:
            panel.contour(axis, axis, density, levels=lines, colors="white", linewidths=0.4, alpha=0.7)
        else:
            panel.contour(axis, axis, density, levels=lines, cmap=style.SEQUENTIAL, linewidths=0.9)
        if "means" in spec:
            panel.plot(*source[spec["means"]].T, "+", color=style.COLOURS["vermilion"], markersize=5, markeredgewidth=1.2)
        panel.set(title=spec["title"], aspect="equal", xlabel="first coordinate")
        panel.grid(False)
    axes[0][0].set_ylabel("second coordinate")
    if filled and one_scale:
        made.colorbar(image, ax=axes[0].tolist(), shrink=0.6, label="density", format="%.3f")
    return made
