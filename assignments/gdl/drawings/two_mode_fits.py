"""Forward and reverse KL fits of a Gaussian to a two-mode target, and the divergences as the modes move apart."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]

_FORWARD = r"least $D_{\mathrm{KL}}(p\,\|\,q)$"
_REVERSE = r"least $D_{\mathrm{KL}}(q\,\|\,p)$"


def draw(sources: Mapping[str, Any]) -> Figure:
    """Draw the arrays of the demonstration ``two_mode_fits`` (alias ``arrays``)."""
    arrays = sources["arrays"]
    x = arrays["x"]
    made, (forward, reverse, sweep), place = style.panels(3, aspect=0.8)
    for panel in (forward, reverse):
        style.area(panel, x, arrays["target"], color=style.COLOURS["grey"], alpha=0.35, label="target $p$")
        panel.set(xlabel="$x$", ylabel="density", ylim=(0, 0.45))
    forward.plot(x, arrays["forward"], color=style.COLOURS["blue"], label=_FORWARD)
    forward.set_title("forward divergence")
    reverse.plot(x, arrays["reverse_right"], color=style.COLOURS["vermilion"], label=f"{_REVERSE},\nat one mode")
    reverse.plot(x, arrays["reverse_left"], "--", color=style.COLOURS["vermilion"], linewidth=1, label="equally good")
    reverse.set_title("reverse divergence")
    half = arrays["separation"]
    sweep.plot(half, arrays["forward_divergence"], color=style.COLOURS["blue"])
    sweep.plot(half, arrays["reverse_central"], ":", color=style.COLOURS["green"], label=f"{_REVERSE},\nwide")
    sweep.plot(half, arrays["reverse_side"], color=style.COLOURS["vermilion"])
    sweep.set(xlabel="half distance of the modes", ylabel="nats", ylim=(0, 2.2), title="as the modes part")
    style.label_panels([forward, reverse, sweep])
    style.legend(made, [forward, reverse, sweep], place)
    return made
