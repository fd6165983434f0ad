"""The two variational bounds of the ring mixture: along a ray through a mean, and in the plane."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]

_RINGS = (("r10", "R = 10"), ("r1", "R = 1"))
_DEPTH = {("r10", "posterior"): 24, ("r10", "uniform"): 120, ("r1", "posterior"): 9, ("r1", "uniform"): 9}
"""How far below its highest value, in nats, a bound is drawn in shades."""


def draw(sources: Mapping[str, Any]) -> Figure:
    """Draw the arrays of the demonstration ``ring_bounds`` (alias ``arrays``)."""
    arrays = sources["arrays"]
    made, axes = style.figure(2, 3, aspect=0.9)
    for row, (ring, title) in zip(axes, _RINGS, strict=True):
        distance, exact, uniform = (arrays[f"{ring}_{name}"] for name in ("radius", "exact", "uniform"))
        row[0].plot(distance, exact, color=style.COLOURS["blue"], label="q = posterior")
        row[0].plot(distance, uniform, "--", color=style.COLOURS["vermilion"], label="q uniform")
        row[0].fill_between(distance, uniform, exact, color=style.COLOURS["grey"], alpha=0.15, linewidth=0, label="gap")
        row[0].set(xlabel="|x| on the ray to a mean", ylabel="bound (nats)", title=title, xlim=(0, distance[-1]))
        axis = arrays[f"{ring}_axis"]
        for panel, name, what in ((row[1], "density", "posterior"), (row[2], "bound", "uniform")):
            values = arrays[f"{ring}_{name}"]
            lowest = max(values.min(), values.max() - _DEPTH[ring, what])
            levels = np.linspace(lowest, values.max(), 13)
            drawn = panel.contourf(axis, axis, values, levels=levels, cmap=style.SEQUENTIAL, extend="min")
            drawn.set_rasterized(True)
            bar = made.colorbar(
                drawn, ax=panel, shrink=0.85, ticks=levels[::3], format=lambda value, _: f"{value:.3g}".replace("-", "−")
            )
            bar.ax.tick_params(labelsize=6)
            panel.plot(*arrays[f"{ring}_means"].T, "+", color="white", markersize=4, markeredgewidth=0.8)
            panel.set(aspect="equal", title=f"q {'=' if what == 'posterior' else 'is'} {what}")
            panel.grid(False)
    axes[0, 0].legend(loc="lower left")
    return made
