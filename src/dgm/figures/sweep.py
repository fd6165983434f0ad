"""A metric of several runs against a number that they differ in, such as the number of components of a mixture."""

import math
from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure

from dgm.figures import style
from dgm.metrics_table import joined, only_row

__all__ = ["draw"]


def draw(
    sources: Mapping[str, pd.DataFrame],
    *,
    runs: Mapping[str, float],
    curves: Sequence[Mapping[str, str]],
    xlabel: str,
    ylabel: str,
) -> Figure:
    """Draw one curve through the runs for each entry of ``curves``, over a logarithmic axis.

    Args:
        sources: tables of metrics (run, metric, split, value, stderr among their columns), one row a number; all are searched.
        runs: the runs and the number that each stands at.
        curves: each with ``metric``, ``split`` and ``label``. Bars reach two standard errors to either side where there is one.
        xlabel: what the number is.
        ylabel: what the metric is.

    Raises:
        ValueError: when a table has no row, or more than one, of what a curve asks for.
    """
    table = joined(sources.values())
    places = sorted(runs.items(), key=lambda item: item[1])
    made, axes = style.figure(aspect=0.6)
    (axis,) = axes[0]
    styles = zip(style.CYCLE, style.LINES, ("o", "s", "^", "D"), strict=False)
    for curve, (colour, line, marker) in zip(curves, styles, strict=False):
        found = [only_row(table, run, curve["metric"], curve["split"], "sweep") for run, _ in places]
        errors = [2 * row["stderr"] if math.isfinite(row["stderr"]) else 0.0 for row in found]
        x, y = [place for _, place in places], [row["value"] for row in found]
        axis.errorbar(x, y, yerr=errors, fmt=line + marker, color=colour, capsize=2, label=curve["label"])
    axis.set(xlabel=xlabel, ylabel=ylabel, xscale="log")
    axis.set_xticks([place for _, place in places], [f"{place:g}" for _, place in places])
    axis.minorticks_off()
    style.legend(made, [axis])
    return made
