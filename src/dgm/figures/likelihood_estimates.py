"""Estimates of a log-likelihood against the number of draws, and the gap between the two directions of annealing."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]

CURVES = (("iwae_curve", "encoder", "blue", "-o"), ("defensive_curve", "defensive proposal", "green", "--s"))


def draw(
    sources: Mapping[str, Mapping[str, Any]], *, curves: Sequence[Mapping[str, str]], gaps: Sequence[Mapping[str, str]]
) -> Figure:
    """Draw one panel for each entry of ``curves``, and a last one for ``gaps``; both are lists of ``source`` and ``title``.

    Args:
        sources: arrays of the estimate stage: ``curve_sizes`` [s], ``iwae_curve`` and perhaps ``defensive_curve`` [s, n],
            ``annealed`` [n or fewer], perhaps ``exact_log_likelihood`` [n], ``simulated_lower`` and ``simulated_upper`` [m].
        curves: the panels of means over images. All of a panel are of the same images, those that were annealed; the intervals, two
            standard errors, are those of the difference to the line: the exact value, or without it the annealed one. An arrow
            stands for a value of the defensive proposal that lies far below all others.
        gaps: the entries of the last panel, upper minus lower estimate of each simulated image.
    """
    made, axes, spare = style.panels(len(curves) + 1, aspect=0.95)
    for panel, spec in zip(axes, curves, strict=False):
        _curves(panel, sources[spec["source"]])
        panel.set(title=spec["title"], ylabel="log-likelihood (nats)")
    _gaps(axes[-1], [(spec["title"], sources[spec["source"]]) for spec in gaps])
    style.label_panels(axes)
    style.legend(made, axes, spare)
    return made


def _curves(panel: Axes, arrays: Mapping[str, Any]) -> None:
    annealed = arrays["annealed"]
    n, sizes = len(annealed), arrays["curve_sizes"]
    exact = arrays["exact_log_likelihood"][:n] if "exact_log_likelihood" in arrays else None
    line = annealed if exact is None else exact
    found = {name: arrays[name][:, :n] for name, *_ in CURVES if name in arrays}
    errors = {name: np.array([_interval(row - line) for row in values]) for name, values in found.items()}
    lowest = float((found["iwae_curve"].mean(1) - errors["iwae_curve"]).min())
    reach = 2 * max(float(line.mean()) - lowest, 1.0)
    for name, label, colour, mark in CURVES:
        if name in found:
            means = found[name].mean(1)
            near = line.mean() - means < reach
            panel.errorbar(
                sizes[near],
                means[near],
                yerr=errors[name][near],
                fmt=mark,
                color=style.COLOURS[colour],
                markersize=3,
                elinewidth=0.8,
                label=label,
            )
            for size, mean in zip(sizes[~near], means[~near], strict=True):  # so far below that it would flatten all else
                panel.annotate(
                    f"{mean:.0f}".replace("-", "−"),
                    (size, 0),
                    xycoords=panel.get_xaxis_transform(),
                    xytext=(6, 16),
                    textcoords="offset points",
                    arrowprops={"arrowstyle": "->", "color": style.COLOURS[colour], "shrinkB": 0},
                )
    colour = style.COLOURS["vermilion"]
    if exact is None:
        panel.axhline(annealed.mean(), color=colour, linestyle=":", linewidth=1.2)
    else:
        panel.axhline(exact.mean(), color=style.INK, linewidth=0.9, label="exact")
    at = 4.0 * float(sizes[-1])  # beside the curves: annealing has no number of draws of this kind
    error = _interval(annealed - line)
    panel.errorbar([at], [annealed.mean()], yerr=[error], fmt="D", color=colour, markersize=3.5, elinewidth=0.8, label="annealed")
    panel.set(xscale="log", xlabel="draws $k$")


def _gaps(panel: Axes, entries: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    for place, (_, arrays) in enumerate(entries):
        gap = arrays["simulated_upper"] - arrays["simulated_lower"]
        beside = place + np.linspace(-0.18, 0.18, len(gap))
        panel.plot(beside, gap, ".", color=style.COLOURS["grey"], markersize=3, label="" if place else "gap of one image")
        panel.errorbar(
            [place],
            [gap.mean()],
            yerr=[_interval(gap)],
            fmt="D",
            color=style.COLOURS["purple"],
            markersize=4,
            label="" if place else "mean gap",
        )
    panel.axhline(0, color=style.INK, linewidth=0.6)
    style.linear_zone(panel, 1.0)
    panel.set(xticks=range(len(entries)), xticklabels=[title for title, _ in entries], xlim=(-0.5, len(entries) - 0.5))
    panel.set(ylabel="upper minus lower (nats)", title="both directions")


def _interval(differences: np.ndarray) -> float:
    """Two standard errors of the mean."""
    return 2 * float(differences.std(ddof=1)) / math.sqrt(len(differences))
