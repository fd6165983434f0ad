"""Two laws with very different divergences in the two directions, under two readings of their parameters."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]

_READINGS = (("variances", "5, 3, 0.8 as variances"), ("deviations", "as standard deviations"))


def draw(sources: Mapping[str, Any]) -> Figure:
    """Draw the arrays of the demonstration ``asymmetric_pair`` (alias ``arrays``)."""
    arrays = sources["arrays"]
    x = arrays["x"]
    made, axes = style.figure(2, 3, aspect=0.85)
    for row, (reading, title) in zip(axes, _READINGS, strict=True):
        density, logs, moved = row
        density.fill_between(x, arrays[f"{reading}_p"], color=style.COLOURS["grey"], alpha=0.4, linewidth=0, label="p")
        density.plot(x, arrays[f"{reading}_q"], color=style.COLOURS["vermilion"], label="q")
        density.set(ylabel="density", title=title)
        logs.plot(x, arrays[f"{reading}_log_p"], color=style.COLOURS["grey"], linewidth=2.2, label="log p")
        logs.plot(x, arrays[f"{reading}_log_q"], color=style.COLOURS["vermilion"], label="log q")
        logs.set(ylabel="log density", ylim=(-60, 3), title="logarithms")
        moved.plot(arrays["shift"], arrays[f"{reading}_pq"], color=style.COLOURS["blue"], label="D(p||q)")
        moved.plot(arrays["shift"], arrays[f"{reading}_qp"], "--", color=style.COLOURS["green"], label="D(q||p)")
        moved.axvline(-10.0, color=style.INK, linewidth=0.8, linestyle=":")
        moved.set(yscale="log", ylabel="nats", ylim=(0.5, 6000), title="as q moves")
        for panel in (density, logs):
            panel.set_xlim(-20, 20)
    for panel, label in zip(axes[-1], ("x", "x", "mean of q"), strict=True):
        panel.set_xlabel(label)
    axes[0, 0].legend(loc="upper right")
    axes[0, 1].legend(loc="lower right")
    axes[0, 2].legend(loc="upper right")
    return made
