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
            standard errors, are those of the difference to the line: the exact value, or without it the annealed one.
        gaps: the entries of the last panel, upper minus lower estimate of each simulated image.
    """
    made, axes = style.figure(1, len(curves) + 1, aspect=1.15)
    for panel, spec in zip(axes[0], curves, strict=False):
        _curves(panel, sources[spec["source"]])
        panel.set_title(spec["title"])
    axes[0, 0].set_ylabel("log-likelihood (nats per image)")
    _gaps(axes[0, -1], [(spec["title"], sources[spec["source"]]) for spec in gaps])
    style.label_panels(axes)
    return made


def _curves(panel: Axes, arrays: Mapping[str, Any]) -> None:
    annealed = arrays["annealed"]
    n, sizes = len(annealed), arrays["curve_sizes"]
    exact = arrays["exact_log_likelihood"][:n] if "exact_log_likelihood" in arrays else None
    line = annealed if exact is None else exact
    for name, label, colour, mark in CURVES:
        if name in arrays:
            values = arrays[name][:, :n]
            errors = [_interval(row - line) for row in values]
            panel.errorbar(
                sizes, values.mean(1), yerr=errors, fmt=mark, color=style.COLOURS[colour], markersize=3, elinewidth=0.8, label=label
            )
    colour = style.COLOURS["vermilion"]
    if exact is None:
        panel.axhline(annealed.mean(), color=colour, linestyle=":", linewidth=1.2, label="annealed")
    else:
        panel.axhline(exact.mean(), color=style.INK, linewidth=0.9, label="exact")
        at = 4.0 * float(sizes[-1])  # beside the curves: annealing has no number of draws of this kind
        error = _interval(annealed - exact)
        panel.errorbar(
            [at], [annealed.mean()], yerr=[error], fmt="D", color=colour, markersize=3.5, elinewidth=0.8, label="annealed"
        )
    # a single draw of the defensive proposal is far below all else and would flatten the rest
    low, high = float(arrays["iwae_curve"][:, :n].mean(1).min()), float(max(line.mean(), annealed.mean()))
    room = 0.12 * (high - low) + 0.5
    panel.set(xscale="log", xlabel="draws k", ylim=(low - 3 * room, high + room))
    panel.legend(loc="lower right", fontsize=6, handlelength=1.8)


def _gaps(panel: Axes, entries: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    for place, (_, arrays) in enumerate(entries):
        gap = arrays["simulated_upper"] - arrays["simulated_lower"]
        beside = place + np.linspace(-0.18, 0.18, len(gap))
        panel.plot(beside, gap, ".", color=style.COLOURS["grey"], markersize=3, label="" if place else "one image")
        panel.errorbar(
            [place],
            [gap.mean()],
            yerr=[_interval(gap)],
            fmt="D",
            color=style.COLOURS["vermilion"],
            markersize=4,
            label="" if place else "mean",
        )
    panel.axhline(0, color=style.INK, linewidth=0.6)
    panel.set_yscale("symlog", linthresh=1.0)
    panel.set(xticks=range(len(entries)), xticklabels=[title for title, _ in entries], xlim=(-0.5, len(entries) - 0.5))
    panel.set(ylabel="upper minus lower (nats)", title="both directions")
    panel.legend(loc="upper left", fontsize=6)


def _interval(differences: np.ndarray) -> float:
    """Two standard errors of the mean."""
    return 2 * float(differences.std(ddof=1)) / math.sqrt(len(differences))
