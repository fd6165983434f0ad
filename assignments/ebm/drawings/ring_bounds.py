"""The two variational bounds of the ring mixture: along a ray through a mean, and in the plane."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]

_RINGS = (("r10", "$R=10$"), ("r1", "$R=1$"))
_MAPS = (("density", "posterior"), ("bound", "uniform"))
_STEPS = 12


def draw(sources: Mapping[str, Any]) -> Figure:
    """Draw the arrays of the demonstration ``ring_bounds`` (alias ``arrays``)."""
    arrays = sources["arrays"]
    made, axes = style.figure(2, 4, aspect=1.65, height_ratios=(1.15, 1))
    grid = axes[0, 0].get_gridspec()
    for axis in axes[0]:
        axis.remove()
    rays = [made.add_subplot(grid[0, 2 * column : 2 * column + 2]) for column in range(2)]
    for index, (panel, (ring, title)) in enumerate(zip(rays, _RINGS, strict=True)):
        distance, exact, uniform = (arrays[f"{ring}_{name}"] for name in ("radius", "exact", "uniform"))
        panel.plot(distance, exact, color=style.COLOURS["blue"], label="$q$ posterior")
        panel.plot(distance, uniform, "--", color=style.COLOURS["vermilion"], label="$q$ uniform")
        panel.fill_between(distance, uniform, exact, color=style.COLOURS["grey"], alpha=0.2, linewidth=0, label="gap")
        panel.set(xlabel=r"$\|x\|$ on the ray to a mean", title=title, xlim=(0, distance[-1]))
        _maps(made, axes[1, 2 * index : 2 * index + 2], arrays, ring)
    rays[0].set_ylabel("bound (nats)")
    style.label_panels([*rays, *axes[1]])
    style.legend(made, rays[:1], where="upper")
    return made


def _maps(made: Figure, axes: np.ndarray, arrays: Mapping[str, Any], ring: str) -> None:
    """Both bounds in the plane with the same colours for the same values; the steps are finer near the highest value."""
    fields = [arrays[f"{ring}_{name}"] for name, _ in _MAPS]
    top, bottom = max(float(field.max()) for field in fields), min(float(field.min()) for field in fields)
    levels = top - (top - bottom) * np.linspace(1, 0, _STEPS + 1) ** 2
    norm = BoundaryNorm(levels, style.SEQUENTIAL.N)
    axis = arrays[f"{ring}_axis"]
    for panel, field, (_, what) in zip(axes, fields, _MAPS, strict=True):
        drawn = panel.contourf(axis, axis, field, levels=levels, cmap=style.SEQUENTIAL, norm=norm)
        drawn.set_rasterized(True)
        panel.plot(*arrays[f"{ring}_means"].T, "+", color="white", markersize=3.5, markeredgewidth=0.7)
        panel.set(aspect="equal", title=what, xticks=[], yticks=[])
    ticks = levels[[0, 4, 8, _STEPS]]
    bar = made.colorbar(drawn, ax=axes.tolist(), location="bottom", spacing="uniform", ticks=ticks, shrink=0.92, label="nats")
    bar.ax.set_xticklabels([f"{value:.3g}".replace("-", "−") for value in ticks])
