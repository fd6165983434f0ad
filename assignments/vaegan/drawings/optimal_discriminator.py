"""Two densities, the best discriminator between them, and why its answer is best at three points."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]

_PLACES = (("purple", "s", "-"), ("ochre", "o", "--"), ("blue", "^", "-."))


def draw(sources: Mapping[str, Any]) -> Figure:
    """Draw the arrays of the demonstration ``optimal_discriminator`` (alias ``arrays``)."""
    arrays = sources["arrays"]
    x = arrays["x"]
    made, (densities, answer, gain), corner = style.panels(3, aspect=0.8)
    style.area(densities, x, arrays["data"], color=style.COLOURS["grey"], alpha=0.4, label=r"data, $p_{\mathrm{data}}$")
    densities.plot(x, arrays["model"], color=style.COLOURS["vermilion"], label="generator, $p_G$")
    densities.set(xlabel="$x$", ylabel="density", ylim=(0, None), title="the two densities")
    answer.plot(x, arrays["discriminator"], color=style.INK, label="best discriminator, $D^*$")
    answer.axhline(0.5, color=style.COLOURS["grey"], linewidth=0.8, linestyle=":")
    answer.set(xlabel="$x$", ylabel="$D^*(x)$", ylim=(-0.03, 1.03), title="best discriminator")
    for place, best, curve, (name, mark, line) in zip(arrays["places"], arrays["best"], arrays["gain"], _PLACES, strict=True):
        colour = style.COLOURS[name]
        answer.plot(place, best, mark, color=colour, markersize=5)
        gain.plot(arrays["answer"], curve, line, color=colour)
        gain.plot([], [], line, marker=mark, color=colour, markersize=5, label=f"at $x={place:g}$")
        gain.plot(arrays["answer"][curve.argmax()], curve.max(), mark, color=colour, markersize=5, clip_on=False)
    gain.set(xlabel="answer $y$", ylabel="gain at $x$", xlim=(0, 1), ylim=(-2.2, 0.1), title="gain at three points")
    style.label_panels([densities, answer, gain])
    style.legend(made, [densities, answer, gain], corner)
    return made
