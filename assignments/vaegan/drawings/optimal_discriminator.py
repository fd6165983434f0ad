"""Two densities, the best discriminator between them, and why its answer is best at three points."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]

_PLACES = (("purple", "s", "-"), ("orange", "o", "--"), ("blue", "^", "-."))


def draw(sources: Mapping[str, Any]) -> Figure:
    """Draw the arrays of the demonstration ``optimal_discriminator`` (alias ``arrays``)."""
    arrays = sources["arrays"]
    x = arrays["x"]
    made, axes = style.figure(1, 3, aspect=0.9)
    densities, answer, gain = axes[0]
    densities.fill_between(x, arrays["data"], color=style.COLOURS["grey"], alpha=0.4, linewidth=0, label="data")
    densities.plot(x, arrays["model"], color=style.COLOURS["vermilion"], label="generator")
    densities.set(xlabel="x", ylabel="density", ylim=(0, 0.55), title="the two laws")
    densities.legend(loc="upper left")
    answer.plot(x, arrays["discriminator"], color=style.INK)
    answer.axhline(0.5, color=style.COLOURS["grey"], linewidth=0.8, linestyle=":")
    answer.set(xlabel="x", ylabel="D*(x)", ylim=(-0.03, 1.03), title="best discriminator")
    for place, best, curve, (name, mark, line) in zip(arrays["places"], arrays["best"], arrays["gain"], _PLACES, strict=True):
        colour = style.COLOURS[name]
        answer.plot(place, best, mark, color=colour, markersize=5)
        gain.plot(arrays["answer"], curve, line, color=colour, label=f"x = {place:g}")
        gain.plot(arrays["answer"][curve.argmax()], curve.max(), mark, color=colour, markersize=5, clip_on=False)
    gain.set(xlabel="answer y", ylabel="gain at x", xlim=(0, 1), ylim=(-2.2, 0.1), title="gain at three points")
    gain.legend(loc="lower center")
    return made
