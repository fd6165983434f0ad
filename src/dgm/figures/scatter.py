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
    "vqvae": ("P", "orange"),
    "gan": ("X", "sky"),
    "resample": ("*", "black"),
}
"""Marker and colour of each kind of model, the same in all panels; other kinds are grey dots."""


def draw(
    sources: Mapping[str, pd.DataFrame], *, panels: Sequence[Mapping[str, Any]], legend_columns: int = 4, aspect: float = 0.85
) -> Figure:
    """Draw one panel for each entry of ``panels``.

    Args:
        sources: tables of metrics (run, kind, metric, value, stderr, n, split, unit), one row a number; all are searched.
        panels: each with ``points``, axes ``x`` and ``y`` (``label``, ``metric``, ``split``; ``scale`` if not linear) and,
            if wanted, ``title`` and ``lines``. A point has ``run`` and ``label``; ``hollow`` marks a variant of its kind; its own
            ``x`` or ``y`` (``metric``, ``split``) stand in for those of the axis. A line (``run``, ``label``) goes across at its
            value of ``y``.
        legend_columns: entries in a row of the legend below the panels.
        aspect: height of a panel divided by its width.

    Raises:
        ValueError: when a table has no row, or more than one, of what a point or line asks for.
    """
    table = joined(sources.values())
    made, axes = style.figure(1, len(panels), aspect=aspect)
    handles: dict[str, Any] = {}
    for axis, panel in zip(axes[0], panels, strict=True):
        for point in panel["points"]:
            x, y = (_row(table, point["run"], panel[name] | point.get(name, {})) for name in ("x", "y"))
            marker, colour = MARKS.get(str(y["kind"]), ("o", "grey"))
            drawn = axis.errorbar(
                x["value"],
                y["value"],
                xerr=_interval(x),
                yerr=_interval(y),
                fmt=marker,
                color=style.COLOURS[colour],
                markerfacecolor="white" if point.get("hollow") else style.COLOURS[colour],
                markersize=6,
                elinewidth=0.8,
            )
            handles.setdefault(point["label"], drawn)
        for line in panel.get("lines", ()):
            row = _row(table, line["run"], panel["y"])
            handles.setdefault(
                line["label"], axis.axhline(row["value"], color=style.COLOURS["grey"], linestyle="--", linewidth=0.9)
            )
        for name in ("x", "y"):
            spec = panel[name]
            axis.set(**{f"{name}label": spec["label"], f"{name}scale": spec.get("scale", "linear")})
            if spec.get("scale") == "log":
                _label_decades(axis.xaxis if name == "x" else axis.yaxis)
        axis.set_title(panel.get("title", ""))
    made.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=legend_columns)
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
