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
_MARKS = (  # name, colour, marker, place of the label outside the triangle, alignment
    ("posterior", "vermilion", "*", (0.95, 0.34), "left"),
    ("q of the example", "blue", "o", (0.84, 0.5), "left"),
    ("prior", "black", "s", (0.76, 0.64), "left"),
    ("normalised\nlikelihood", "purple", "D", (0.16, 0.62), "right"),
)


def draw(sources: Mapping[str, Any]) -> Figure:
    """Draw the arrays of the demonstration ``tight_bound`` (alias ``arrays``)."""
    arrays = sources["arrays"]
    made, axes = style.figure(1, 2, aspect=0.9)
    triangle, bounds = axes[0]
    _gaps(triangle, arrays)
    bounds.plot(arrays["scale"], arrays["log_evidence"], color=style.INK, label="log-evidence", zorder=3)
    colours = ("sky", "vermilion", "green")
    for place, curve, colour in zip(arrays["touch"], arrays["held"], colours, strict=True):
        bounds.plot(arrays["scale"], curve, "--", color=style.COLOURS[colour], linewidth=1.0)
        value = float(np.interp(place, arrays["scale"], arrays["log_evidence"]))
        bounds.plot(place, value, "o", color=style.COLOURS[colour], markersize=4.5, zorder=4)
    bounds.plot([], [], "--", color=style.COLOURS["grey"], linewidth=1.0, label="bound, posterior at dot held")
    bounds.plot(arrays["scale"], arrays["restricted"], color=style.COLOURS["purple"], label="best bound, variance 1")
    for (scale, value), colour in zip(arrays["peaks"], ("black", "purple"), strict=True):
        bounds.plot(scale, value, "^", color=style.COLOURS[colour], markersize=5.5, zorder=5)
    bounds.set(xlabel=r"scale $\theta$", ylabel="nats", xlim=(0, 4), ylim=(-4.4, -1.1), title="bounds along a parameter")
    bounds.legend(loc="upper right", handlelength=1.6)
    return made


def _gaps(panel: Axes, arrays: Mapping[str, Any]) -> None:
    """Contours of the gap over the triangle of distributions."""
    at = arrays["laws"] @ _CORNERS
    pale: dict[str, Any] = {"cmap": "Blues", "vmin": 0.0, "vmax": 2 * float(arrays["gap"].max())}
    filled = panel.tricontourf(at[:, 0], at[:, 1], arrays["gap"], levels=40, **pale)
    filled.set_rasterized(True)
    lines = panel.tricontour(at[:, 0], at[:, 1], arrays["gap"], levels=_LEVELS, colors=style.INK, linewidths=0.45)
    panel.clabel(lines, _LABELLED, fontsize=5.5, fmt="%g")
    for (name, colour, marker, place, side), law in zip(_MARKS, arrays["marks"], strict=True):
        x, y = law @ _CORNERS
        panel.plot(x, y, marker, color=style.COLOURS[colour], markersize=9 if marker == "*" else 4.5, zorder=4)
        leader = {"arrowstyle": "-", "linewidth": 0.5, "color": style.COLOURS[colour], "shrinkA": 1, "shrinkB": 3}
        panel.annotate(name, (x, y), xytext=place, ha=side, va="center", fontsize=6.5, arrowprops=leader, zorder=5)
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
    panel.set_title("gap of the bound over all q(z)")
    panel.grid(False)
    panel.spines[:].set_visible(False)
