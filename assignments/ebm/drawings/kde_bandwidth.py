"""Log-likelihood of training and validation points against the bandwidth of a kernel density estimate."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]


def draw(sources: Mapping[str, Any], *, panels: Sequence[Mapping[str, str]]) -> Figure:
    """Draw, for each entry of ``panels`` (``source``, ``title``), ``curve_train`` and ``curve_validation`` over ``bandwidths``."""
    made, axes, _ = style.panels(len(panels), lines=1)
    for panel, spec in zip(axes, panels, strict=True):
        arrays = sources[spec["source"]]
        x, validation = arrays["bandwidths"], arrays["curve_validation"]
        panel.plot(x, arrays["curve_train"], "--s", color=style.COLOURS["vermilion"], markersize=2.5, label="training points")
        panel.plot(x, validation, "-o", color=style.COLOURS["blue"], markersize=2.5, label="validation points")
        best = int(validation.argmax())
        panel.plot(x[best], validation[best], "o", color=style.COLOURS["blue"], markersize=7, markerfacecolor="none")
        below: dict[str, Any] = {"xytext": (0, -16), "textcoords": "offset points", "ha": "center"}
        panel.annotate(f"{x[best]:.4f}", (x[best], validation[best]), **below)
        low = float(validation.min())
        panel.set(xlabel="bandwidth", title=spec["title"], xscale="log", ylim=(low - 0.05 * abs(low), None))
        panel.set_xticks([0.1, 0.2, 0.5, 1, 2, 5], ["0.1", "0.2", "0.5", "1", "2", "5"])
        panel.minorticks_off()
    axes[0].set_ylabel("nats per point")
    style.legend(made, axes)
    return made
