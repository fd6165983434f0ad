"""Densities of points in the plane side by side, on one colour scale or each on its own."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator

from dgm.figures import style

__all__ = ["draw"]


_ROOT = 0.5


def draw(sources: Mapping[str, Any], *, panels: Sequence[Mapping[str, str]], one_scale: bool = True, levels: int = 6) -> Figure:
    """Draw one panel for each entry of ``panels``.

    Args:
        sources: arrays by alias.
        panels: each with ``source``, ``title`` and, if wanted, ``density`` and ``axis`` (names of arrays, by default these words)
            and ``means`` (name of an array of points to mark).
        one_scale: the same colours for the same values in all panels, up to the highest of them, with one bar; else a bar each.
            Colours of one scale follow the root of the density, so that low humps show beside high ones.
        levels: number of contours.
    """
    count = len(panels)
    made, axes = style.figure(1, count, aspect=1.42 if one_scale else 1.25, sharey=one_scale)
    highest = max(float(sources[spec["source"]][spec.get("density", "density")].max()) for spec in panels)
    for panel, spec in zip(axes[0], panels, strict=True):
        source = sources[spec["source"]]
        axis, density = source[spec.get("axis", "axis")], source[spec.get("density", "density")]
        top = highest if one_scale else float(density.max())
        image = style.show_field(panel, axis, axis, density, aspect="equal", norm=PowerNorm(_ROOT if one_scale else 1.0, 0, top))
        lines = top * np.linspace(0, 1, levels + 2)[1:-1] ** (1 / _ROOT if one_scale else 1)
        panel.contour(axis[::2], axis[::2], density[::2, ::2], levels=lines, colors="white", linewidths=0.4, alpha=0.7)
        if "means" in spec:
            panel.plot(*source[spec["means"]].T, "+", color=style.COLOURS["vermilion"], markersize=5, markeredgewidth=1.2)
        panel.set(title=spec["title"], xlabel="first coordinate")
        if not one_scale:
            _bar(made, image, [panel], 3)
    axes[0][0].set_ylabel("second coordinate")
    if one_scale:
        _bar(made, image, axes[0].tolist(), 5)
    return made


def _bar(made: Figure, image: AxesImage, axes: list[Axes], ticks: int) -> None:
    made.colorbar(image, ax=axes, location="bottom", shrink=0.9, aspect=12 * len(axes), label="density", ticks=MaxNLocator(ticks))
