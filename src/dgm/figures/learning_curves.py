"""Learning curves of one or more runs, one panel each, from their history files."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]


def draw(
    sources: Mapping[str, Any],
    *,
    panels: Sequence[Mapping[str, Any]],
    x: str = "epoch",
    xlabel: str = "epoch",
    ylabel: str = "nats per image",
    share_y: bool = False,
    aspect: float = 0.8,
) -> Figure:
    """Draw one panel for each entry of ``panels``, two in a row.

    The legend is the figure's where all panels have the same labels; else each panel has its own below its axis.

    Args:
        sources: history tables (epoch, step, split, term, value) by alias.
        panels: each with ``title`` and ``curves``: a list of mappings with ``source``, ``term``, ``label`` and, if wanted,
            ``split`` (one split only), ``peak`` (mark the highest point with its place), ``drop`` (leave out so many first points),
            ``faint`` (thin grey lines, every term that starts with ``term``) and ``sign`` (-1 shows a bound as a loss). A panel may
            have a ``ylabel`` of its own, a ``range`` of its vertical axis (lowest and highest value) and a ``reference``: a dotted
            horizontal line with ``at`` and ``label``.
        x: column for the horizontal axis, ``epoch`` or ``step``.
        xlabel: its label.
        ylabel: label of the vertical axes.
        share_y: the same vertical range for all panels.
        aspect: height of a panel over its width.

    Raises:
        ValueError: when a curve finds no rows, naming its source, term and split and the terms there are.
    """
    labels = [list(_labels(spec)) for spec in panels]
    one = all(some == labels[0] and "highest" not in some for some in labels)
    lines = 1 - len(panels) % 2 if one else max(map(len, labels))
    made, axes, spare = style.panels(len(panels), aspect, lines, sharey=share_y)
    for index, (panel, spec) in enumerate(zip(axes, panels, strict=True)):
        for place, curve in enumerate(spec["curves"]):
            _curve(panel, sources[curve["source"]], curve, x, place)
        if reference := spec.get("reference"):
            panel.axhline(reference["at"], linestyle=":", color=style.INK, label=reference["label"])
        panel.set(xlabel=xlabel, title=spec.get("title", ""))
        if not share_y or index % 2 == 0:
            panel.set_ylabel(spec.get("ylabel", ylabel))
        if "range" in spec:
            panel.set_ylim(*spec["range"])
        style.whole_numbers(panel)
    if len(axes) > 2:
        style.label_panels(axes)
    if one:
        style.legend(made, axes, spare)
    else:
        for panel in axes if spare is None else axes[:-1]:
            style.legend_below(panel)
        if spare is not None:
            style.legend(made, axes[-1:], spare)
    return made


def _labels(panel: Mapping[str, Any]) -> Iterator[str]:
    """What the legend of a panel says, a line each; the place of a highest point is in the data."""
    for curve in panel["curves"]:
        yield from [curve["label"], *["highest"] * bool(curve.get("peak"))]
    if "reference" in panel:
        yield panel["reference"]["label"]


def _curve(panel: Axes, history: pd.DataFrame, curve: Mapping[str, Any], x: str, index: int) -> None:
    term, split = curve["term"], curve.get("split")
    faint = bool(curve.get("faint", False))
    chosen = history["term"].str.startswith(term) if faint else history["term"] == term
    if split is not None:
        chosen &= history["split"] == split
    rows = history[chosen]
    if rows.empty:
        there = sorted(set(zip(history["term"], history["split"], strict=True)))
        raise ValueError(f"learning_curves: {curve['source']} has no rows with term {term!r}, split {split!r}; there are {there}")
    sign = float(curve.get("sign", 1))
    if faint:
        for _, one in rows[rows[x] >= rows[x].min() + int(curve.get("drop", 0))].groupby("term"):
            panel.plot(one[x], sign * one["value"], color=style.COLOURS["grey"], alpha=0.5, linewidth=0.7)
        panel.plot([], [], color=style.COLOURS["grey"], alpha=0.7, linewidth=0.7, label=curve["label"])
        return
    rows = rows.sort_values(x).iloc[min(int(curve.get("drop", 0)), len(rows) - 1) :]
    colour, line = style.CYCLE[index % len(style.CYCLE)], style.LINES[index % len(style.LINES)]
    alone = "s^vD"[index % 4] if len(rows) == 1 else ""  # a line through one point cannot be seen
    panel.plot(rows[x], sign * rows["value"], line, marker=alone, color=colour, label=curve["label"])
    if curve.get("peak", False):
        best = rows.iloc[int(rows["value"].to_numpy().argmax())]
        panel.plot([best[x]], [sign * best["value"]], "o", color=colour, label=f"highest, {x} {best[x]:.0f}")
