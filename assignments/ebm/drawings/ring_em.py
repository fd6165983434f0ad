"""Points of a ring mixture with true and estimated means, and the weights that EM found."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]


def draw(sources: Mapping[str, Any]) -> Figure:
    """Draw ``train`` of the alias ``data``, and ``means``, ``weights`` and ``true_means`` of the alias ``fit``, row by row."""
    data, fit = sources["data"], sources["fit"]
    made, (plane, bars), _ = style.panels(2, aspect=0.95, lines=3)
    style.points(plane, data["train"], 2.0, color=style.COLOURS["grey"], label="points")
    for truth, estimate in zip(fit["true_means"], fit["means"], strict=True):
        plane.plot(*np.stack([truth, estimate]).T, "-", color=style.INK, linewidth=0.7)
    plane.plot(*fit["true_means"].T, "o", color=style.COLOURS["blue"], markersize=5, markerfacecolor="none", label="true means")
    plane.plot(*fit["means"].T, "x", color=style.COLOURS["vermilion"], markersize=5, markeredgewidth=1.4, label="estimated means")
    plane.set(aspect="equal", xlabel="first coordinate", ylabel="second coordinate", title="points and means")
    plane.margins(0.03)
    k = len(fit["weights"])
    drawn = np.bincount(data["train_components"], minlength=k) / len(data["train_components"])
    place = np.arange(1, k + 1)
    bars.bar(place, fit["weights"], color=style.COLOURS["vermilion"], alpha=0.7, width=0.6, label="estimated")
    bars.plot(place, drawn, "_", color=style.INK, markersize=8, markeredgewidth=1.4, label="share of points drawn")
    bars.axhline(1 / k, color=style.COLOURS["blue"], linewidth=1, label="true")
    bars.set(xlabel="component", ylabel="weight", xticks=place, title="weights")
    bars.grid(axis="x", visible=False)
    for panel in (plane, bars):
        style.legend_below(panel)
    return made
