"""The gap of the evidence lower bound over all distributions of a three-valued code, and bounds that touch the log-evidence."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]

_LEVELS = [0.02, 0.1, 0.2, 0.4, 0.7, 1.0, 1.4, 1.8]
_LABELLED = [0.2, 0.4, 1.0]
_CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, math.sqrt(0.75)]])
_MARKS = (  # name, colour, marker
    ("posterior", style.COLOURS["vermilion"], "*"),
    ("$q$ of the example", style.COLOURS["blue"], "o"),
    ("prior", style.INK, "s"),
    ("normalised likelihood", style.COLOURS["purple"], "D"),
)


def draw(sources: Mapping[str, Any]) -> Figure:
    """Draw the arrays of the demonstration ``tight_bound`` (alias ``arrays``)."""
    arrays = sources["arrays"]
    made, (triangle, bounds), _ = style.panels(2, aspect=0.95, lines=4)
    _gaps(triangle, arrays)
    bounds.plot(arrays["scale"], arrays["log_evidence"], color=style.INK, label="log-evidence", zorder=3)
    colours = ("ochre", "vermilion", "green")
    for place, curve, colour in zip(arrays["touch"], arrays["held"], colours, strict=True):
        bounds.plot(arrays["scale"], curve, "--", color=style.COLOURS[colour], linewidth=1.0)
        value = float(np.interp(place, arrays["scale"], arrays["log_evidence"]))
        bounds.plot(place, value, "o", color=style.COLOURS[colour], markersize=4.5, zorder=4)
    bounds.plot([], [], "--", color=style.COLOURS["grey"], linewidth=1.0, label="posterior at dot held")
    bounds.plot(arrays["scale"], arrays["restricted"], color=style.COLOURS["purple"], label="best bound, variance 1")
    for (scale, value), colour in zip(arrays["peaks"], (style.INK, style.COLOURS["purple"]), strict=True):
        bounds.plot(scale, value, "^", color=colour, markersize=5.5, zorder=5)
    bounds.set(xlabel=r"scale $\theta$", ylabel="nats", xlim=(0, 4), ylim=(-4.4, -1.1), title="bounds along a parameter")
    for panel in (triangle, bounds):
        style.legend_below(panel)
    return made


def _gaps(panel: Axes, arrays: Mapping[str, Any]) -> None:
    """Contours of the gap over the triangle of distributions."""
    at = arrays["laws"] @ _CORNERS
    top = float(arrays["gap"].max())
    steps = [0.0, *(level for level in _LEVELS if level < top), top]
    panel.tricontourf(at[:, 0], at[:, 1], arrays["gap"], levels=steps, cmap=style.SHADES, vmin=0.0, vmax=2 * top)
    lines = panel.tricontour(at[:, 0], at[:, 1], arrays["gap"], levels=_LEVELS, colors=style.INK, linewidths=0.45)
    panel.clabel(lines, _LABELLED, fontsize=8, fmt="%g")
    for (name, colour, marker), law in zip(_MARKS, arrays["marks"], strict=True):
        x, y = law @ _CORNERS
        size = 9 if marker == "*" else 4.5
        panel.plot(x, y, marker, color=colour, markersize=size, linestyle="", zorder=4, label=name)
    for index, (x, y) in enumerate(_CORNERS):
        below = index < 2
        panel.annotate(
            f"$z={index + 1}$",
            (x, y),
            xytext=(0, -4 if below else 3),
            textcoords="offset points",
            ha="center",
            va="top" if below else "bottom",
        )
    panel.set(aspect="equal", xticks=[], yticks=[], xlim=(-0.08, 1.08), ylim=(-0.1, 0.95))
    panel.set_title("gap of the bound for all $q(z)$")
    panel.grid(False)
    panel.spines[:].set_visible(False)
