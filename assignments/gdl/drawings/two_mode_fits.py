"""Forward and reverse KL fits of a Gaussian to a two-mode target, and the divergences as the modes move apart."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]


def draw(sources: Mapping[str, Any]) -> Figure:
    """Draw the arrays of the demonstration ``two_mode_fits`` (alias ``arrays``)."""
    arrays = sources["arrays"]
    x = arrays["x"]
    made, axes = style.figure(1, 3, aspect=1.15)
    forward, reverse, sweep = axes[0]
    for panel in (forward, reverse):
        panel.fill_between(x, arrays["target"], color=style.COLOURS["grey"], alpha=0.3, linewidth=0, label="target p")
        panel.set(xlabel="x", ylabel="density", ylim=(0, 0.62))
    forward.plot(x, arrays["forward"], color=style.COLOURS["blue"], label="argmin D(p||q)")
    forward.set_title("A: forward KL")
    reverse.plot(x, arrays["reverse_right"], color=style.COLOURS["vermilion"], label="argmin D(q||p)")
    reverse.plot(x, arrays["reverse_left"], "--", color=style.COLOURS["vermilion"], linewidth=1, label="equally good")
    reverse.set_title("B: reverse KL")
    half = arrays["separation"]
    sweep.plot(half, arrays["forward_divergence"], color=style.COLOURS["blue"], label="forward, wide")
    sweep.plot(half, arrays["reverse_central"], ":", color=style.COLOURS["green"], label="reverse, wide")
    sweep.plot(half, arrays["reverse_side"], "--", color=style.COLOURS["vermilion"], label="reverse, from one mode")
    sweep.set(xlabel="half distance of the modes", ylabel="least divergence (nats)", ylim=(0, 2.2), title="as the modes part")
    for panel, place in ((forward, "upper left"), (reverse, "upper left"), (sweep, "lower right")):
        panel.legend(loc=place)
    return made
