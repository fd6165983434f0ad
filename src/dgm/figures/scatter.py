"""Runs as points between two metrics, such as cost and quality, with an interval in each direction where the metric has one."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from dgm.figures import style
from dgm.metrics_table import joined, only_row

__all__ = ["draw"]

MARKS: Mapping[str, tuple[str, str]] = {
    "bmm": ("s", "vermilion"),
    "nice": ("o", "blue"),
    "vae_mlp": ("v", "green"),
    "vae_conv": ("^", "green"),
    "vade": ("D", "purple"),
    "vqvae": ("P", "ochre"),
    "gan": ("X", "sky"),
}
"""Marker and colour of each kind of model, the same in all panels; other kinds are grey dots."""


def draw(
    sources: Mapping[str, pd.DataFrame],
    *,
    panels: Sequence[Mapping[str, Any]],
    legend_columns: int = 3,
    share_x: bool | str = False,
    share_y: bool | str = False,
    aspect: float = 0.9,
) -> Figure:
    """Draw one panel for each entry of ``panels``, two in a row.

    Args:
        sources: tables of metrics (run, kind, metric, value, stderr, n, split, unit), one row a number; all are searched.
        panels: each with ``points``, axes ``x`` and ``y`` (``label``, ``metric``, ``split``; ``scale`` if not linear) and,
            if wanted, ``title`` and ``lines``. A point has ``run`` and ``label``; ``hollow`` marks a variant of its kind; its own
            ``x`` or ``y`` (``metric``, ``split``) stand in for those of the axis. A line (``run``, ``label``) goes across at its
            value of ``y``.
        legend_columns: entries in a row of the legend below the panels; beside the last of an odd number it needs no rows.
        share_x: panels with one range of the horizontal axis: all, those of a ``row`` or of a ``col``.
        share_y: the same for the vertical axis.
        aspect: height of a panel divided by its width.

    Raises:
        ValueError: when a table has no row, or more than one, of what a point or line asks for.
    """
    table = joined(sources.values())
    made, axes, spare = style.panels(len(panels), aspect, sharex=share_x, sharey=share_y)
    for axis, panel in zip(axes, panels, strict=True):
        for point in panel["points"]:
            x, y = (_row(table, point["run"], panel[name] | point.get(name, {})) for name in ("x", "y"))
            marker, colour = MARKS.get(str(y["kind"]), ("o", "grey"))
            axis.errorbar(
                x["value"],
                y["value"],
                xerr=_interval(x),
                yerr=_interval(y),
                fmt=marker,
                color=style.COLOURS[colour],
                markerfacecolor="none" if point.get("hollow") else style.COLOURS[colour],
                markersize=5.5,
                elinewidth=0.8,
                label=point["label"],
            )
        for line in panel.get("lines", ()):
            row = _row(table, line["run"], panel["y"])
            axis.axhline(row["value"], color=style.INK, linestyle="--", linewidth=0.9, label=line["label"])
        for name in ("x", "y"):
            spec = panel[name]
            axis.set(**{f"{name}label": spec["label"], f"{name}scale": spec.get("scale", "linear")})
        axis.set_title(panel.get("title", ""))
        axis.margins(0.1)
    for place, (axis, panel) in enumerate(zip(axes, panels, strict=True)):  # once all that share a range have drawn
        for name in ("x", "y"):
            if panel[name].get("scale") == "log":
                _label_decades(axis.xaxis if name == "x" else axis.yaxis)
        if share_x and place + 2 < len(axes):
            axis.set_xlabel("")
        if share_y and place % 2:
            axis.set_ylabel("")
    style.label_panels(axes)
    style.legend(made, axes, spare, legend_columns)
    return made


def _label_decades(axis: Axis) -> None:
    """Tick labels of a logarithmic axis that do not run into each other: powers of ten, and 2 and 5 of each where there are few."""
    axis.set_minor_formatter(NullFormatter())
    low, high = axis.get_view_interval()
    if high < 100 * low:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))


def _row(table: pd.DataFrame, run: str, spec: Mapping[str, Any]) -> Mapping[str, Any]:
    return only_row(table, run, spec["metric"], spec["split"], "scatter")


def _interval(row: Mapping[str, Any]) -> float | None:
    """Two standard errors to either side."""
    return 2 * float(row["stderr"]) if math.isfinite(row["stderr"]) else None
