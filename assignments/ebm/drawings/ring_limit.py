"""What becomes of both bounds of the ring mixture as the number of components grows."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]


def draw(sources: Mapping[str, Any], *, components: Sequence[int] = (3, 10, 20)) -> Figure:
    """Draw the arrays of the demonstration ``ring_bounds`` (alias ``arrays``); ``components`` are those drawn around the circle."""
    arrays = sources["arrays"]
    made, axes = style.figure(1, 3, aspect=1.1)
    wide, around, narrow = axes[0]
    for panel, ring, title in ((wide, "r10", "R = 10"), (narrow, "r1", "R = 1")):
        counts, limit = arrays[f"{ring}_components"], arrays[f"{ring}_around_limit"][0]
        panel.plot(counts, arrays[f"{ring}_at_mean"], color=style.COLOURS["blue"], label="posterior, at a mean")
        panel.plot(counts, arrays[f"{ring}_at_half"], "--", color=style.COLOURS["sky"], label="posterior, halfway")
        panel.axhline(limit, color=style.INK, linestyle=":", linewidth=1, label="its limit")
        panel.plot(counts, arrays[f"{ring}_uniform_at_mean"], "-.", color=style.COLOURS["vermilion"], label="uniform")
        panel.set(xscale="log", xlabel="number of components K", ylabel="bound at |x| = R (nats)", title=title)
    wide.set_yscale("symlog", linthresh=1)
    wide.set_ylim(-200, -2)
    wide.set_yticks([-100, -50, -20, -10, -5, -3], labels=["-100", "-50", "-20", "-10", "-5", "-3"])
    narrow.set_xlim(2, 20)
    narrow.set_xticks([2, 5, 10, 20], labels=["2", "5", "10", "20"])
    narrow.minorticks_off()
    for count, line in zip(components, style.LINES, strict=False):
        around.plot(arrays["r10_angle"], arrays[f"r10_around_{count}"], line, linewidth=1.1, label=f"K={count}")
    around.axhline(arrays["r10_around_limit"][0], color=style.INK, linestyle=":", linewidth=1)
    around.set(
        xlabel="angle of x", ylabel="log p(x) at |x| = R (nats)", title="around the circle, R = 10", ylim=(-16, 1), xlim=(-1.4, 1.4)
    )
    around.legend(loc="upper center", ncols=3, handlelength=1.2, columnspacing=0.7, fontsize=6.3)
    narrow.legend(loc="lower right")
    return made
