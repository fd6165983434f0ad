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
    made, (laws, distances, smoothed), place_of_legend = style.panels(3)
    for place, ((low, high), name) in enumerate(zip(arrays["intervals"], ("grey", "sky", "ochre"), strict=True)):
        bottom = -1.4 * place
        laws.fill_between([low, high], bottom, bottom + 1, color=style.COLOURS[name], alpha=0.6, linewidth=0)
        laws.plot([0, low, low, high, high, 2], bottom + np.array([0, 0, 1, 1, 0, 0]), color=style.COLOURS[name])
        laws.text((low + high) / 2, bottom + 0.5, f"$\\mathbb{{P}}_{place + 1}$", ha="center", va="center")
    laws.set(xlabel="$x$", xticks=(0, 0.5, 1, 1.5, 2), yticks=(), title="the three densities")
    laws.spines["left"].set_visible(False)
    shift, infinite = arrays["shift"], arrays["infinite"].astype(bool)
    divergence: dict[str, Any] = {"color": style.COLOURS["vermilion"], "linewidth": 1.2}
    distances.plot(shift, np.where(infinite, _ROOF, np.nan), ":", **divergence, label=r"$D_{\mathrm{KL}}$, infinite")
    distances.plot(shift[~infinite], np.zeros((~infinite).sum()), "o", **divergence, label=r"$D_{\mathrm{KL}}$, zero")
    distances.plot(shift, arrays["wasserstein"], color=style.COLOURS["blue"], label="$W_1$")
    distances.plot(shift, arrays["jensen_shannon"], "--", color=style.COLOURS["green"], label=r"$\mathrm{JSD}$")
    for s, name in zip(arrays["smoothed_shift"], ("sky", "ochre"), strict=True):
        distances.axvline(s, ymax=0.8, color=style.COLOURS[name], linewidth=1.2, zorder=0.9)
    distances.set(xlabel="shift $s$", xlim=(-2, 2), ylim=(-0.1, 2.9), title="distances from $U[0,1]$")
    distances.set_yticks([0, np.log(2), 2, _ROOF], ["0", r"$\log2$", "2", r"$\infty$"])
    for s, curve, name, line in zip(arrays["smoothed_shift"], arrays["smoothed"], ("sky", "ochre"), ("-", "--"), strict=True):
        smoothed.plot(arrays["share"], curve, line, color=style.COLOURS[name], label=f"$s={s:g}$")
    smoothed.set(xscale="log", xlabel="share of $U[0,2]$ mixed in", ylabel="nats", ylim=(0, None))
    smoothed.set_title(r"$D_{\mathrm{KL}}$ made finite")
    smoothed.set_xticks([1e-12, 1e-8, 1e-4, 1])
    style.label_panels([laws, distances, smoothed])
    style.legend(made, [distances, smoothed], place_of_legend)
    return made
