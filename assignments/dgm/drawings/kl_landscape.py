"""Both divergences between a Gaussian and a two-mode target as landscapes, and the minima of one as the modes move apart."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]

_WIDTHS = (0.5, 1.0, 2.0, 4.0, 8.0)
_LEVELS = {
    "reverse": [0.75, 1.0, 1.4, 1.88, 1.943, 2.1, 2.6, 3.5, 5.0, 8.0, 13.0, 20.0],
    "forward": [0.75, 0.85, 1.0, 1.3, 1.8, 2.6, 4.0, 7.0, 13.0, 25.0, 50.0, 100.0],
}


def draw(sources: Mapping[str, Any]) -> Figure:
    """Draw the arrays of the demonstration ``kl_landscape`` (alias ``arrays``)."""
    arrays = sources["arrays"]
    made, axes = style.figure(1, 3, aspect=1.15, width_ratios=[1, 1, 1])
    reverse, forward, sweep = axes[0]
    for panel, name in ((reverse, "reverse"), (forward, "forward")):
        _contours(panel, arrays, name)
    for path in arrays["paths"]:
        reverse.plot(path[:, 0], path[:, 1], color=style.COLOURS["sky"], linewidth=0.7, zorder=2)
    reverse.plot(*arrays["starts"].T, ".", color=style.COLOURS["sky"], markersize=3, zorder=3)
    depth = arrays["reverse_minima"][:, 2]
    for point in arrays["reverse_minima"]:
        deepest = point[2] < depth.min() + 1e-6
        colour = style.COLOURS["vermilion" if deepest else "orange"]
        reverse.plot(point[0], np.log(point[1]), "*" if deepest else "o", color=colour, markersize=9 if deepest else 5, zorder=4)
    reverse.plot(arrays["saddles"][:, 0], np.log(arrays["saddles"][:, 1]), "x", color=style.INK, zorder=4)
    reverse.set_title("D(q||p): three minima")
    best = arrays["forward_minimum"]
    forward.plot(best[0], np.log(best[1]), "*", color=style.COLOURS["vermilion"], markersize=9, zorder=4)
    forward.set_title("D(p||q): one minimum")
    sweep.plot(arrays["separation"], arrays["central"], color=style.COLOURS["orange"], label="at the centre")
    sweep.plot(arrays["side_separation"], arrays["side"], color=style.COLOURS["vermilion"], label="at each side")
    appear, best_from = arrays["thresholds"]
    for place, text in ((appear, "side minima\nappear"), (best_from, "become\nglobal")):
        sweep.axvline(place, color=style.COLOURS["grey"], linewidth=0.8, linestyle=":")
        left = place == appear
        sweep.annotate(
            text,
            (place, 2.05),
            xytext=(-3 if left else 3, 0),
            textcoords="offset points",
            fontsize=6.5,
            va="top",
            ha="right" if left else "left",
        )
    sweep.set(xlabel="half distance a of the modes", ylabel="D(q||p) at its minima (nats)", xlim=(0, 5), ylim=(0, 2.1))
    sweep.set_title("minima of D(q||p)")
    sweep.legend(loc="center left", handlelength=1.2)
    return made


def _contours(panel: Axes, arrays: Mapping[str, Any], name: str) -> None:
    values = arrays[name]
    filled = panel.contourf(arrays["mean"], arrays["log_sd"], np.log(values), levels=24, cmap=style.SEQUENTIAL, alpha=0.55)
    filled.set_rasterized(True)
    panel.contour(arrays["mean"], arrays["log_sd"], values, levels=_LEVELS[name], colors=style.INK, linewidths=0.45)
    panel.set(xlabel="mean of q", ylabel="standard deviation of q", yticks=np.log(_WIDTHS), yticklabels=[f"{w:g}" for w in _WIDTHS])
    panel.grid(False)
