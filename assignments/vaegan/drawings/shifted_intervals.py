"""Three shifted intervals, their distances from the first one, and a divergence that a little noise makes finite."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]

_ROOF = 2.6  # where the infinite values are drawn


def draw(sources: Mapping[str, Any]) -> Figure:
    """Draw the arrays of the demonstration ``shifted_intervals`` (alias ``arrays``)."""
    arrays = sources["arrays"]
    made, axes = style.figure(1, 3, aspect=0.95)
    laws, distances, smoothed = axes[0]
    for place, ((low, high), name) in enumerate(zip(arrays["intervals"], ("grey", "sky", "orange"), strict=True)):
        bottom = -1.4 * place
        laws.fill_between([low, high], bottom, bottom + 1, color=style.COLOURS[name], alpha=0.6, linewidth=0)
        laws.plot([0, low, low, high, high, 2], bottom + np.array([0, 0, 1, 1, 0, 0]), color=style.COLOURS[name])
        laws.text((low + high) / 2, bottom + 0.5, f"$\\mathbb{{P}}_{place + 1}$", ha="center", va="center")
    laws.set(xlabel="x", xticks=(0, 0.5, 1, 1.5, 2), yticks=(), title="the three densities")
    laws.spines["left"].set_visible(False)
    shift, infinite = arrays["shift"], arrays["infinite"].astype(bool)
    divergence = {"color": style.COLOURS["vermilion"], "linewidth": 1.2}
    distances.plot(shift, np.where(infinite, _ROOF, np.nan), ":", **divergence, label="KL: infinite")
    distances.plot(shift[~infinite], np.zeros((~infinite).sum()), "o", **divergence)
    distances.plot(shift, arrays["wasserstein"], color=style.COLOURS["blue"], label="Wasserstein")
    distances.plot(shift, arrays["jensen_shannon"], "--", color=style.COLOURS["green"], label="Jensen–Shannon")
    for s, name in zip(arrays["smoothed_shift"], ("sky", "orange"), strict=True):
        distances.axvline(s, ymax=0.6, color=style.COLOURS[name], linewidth=1.2, zorder=0.9)
    distances.set(xlabel="shift s", xlim=(-2, 2), ylim=(-0.1, 4.2), title="distances from U[0, 1]")
    distances.set_yticks([0, np.log(2), 2, _ROOF], ["0", "log 2", "2", r"$\infty$"])
    distances.legend(loc="upper center", handlelength=1.8)
    for s, curve, name, line in zip(arrays["smoothed_shift"], arrays["smoothed"], ("sky", "orange"), ("-", "--"), strict=True):
        smoothed.plot(arrays["share"], curve, line, color=style.COLOURS[name], label=f"s = {s:g}")
    smoothed.set(xscale="log", xlabel="share of U[0, 2] mixed in", ylabel="KL (nats)", title="KL made finite", ylim=(0, None))
    smoothed.set_xticks([1e-12, 1e-8, 1e-4, 1])
    smoothed.legend(loc="upper right")
    return made
