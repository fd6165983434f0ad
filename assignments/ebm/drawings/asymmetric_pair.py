"""Two laws with very different divergences in the two directions, under two readings of their parameters."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]

_READINGS = (("variances", "read as variances"), ("deviations", "as standard deviations"))


def draw(sources: Mapping[str, Any]) -> Figure:
    """Draw the arrays of the demonstration ``asymmetric_pair`` (alias ``arrays``)."""
    arrays = sources["arrays"]
    x = arrays["x"]
    made, axes = style.figure(3, 2, aspect=0.72, sharey="row")
    for column, (reading, title) in zip(axes.T, _READINGS, strict=True):
        density, logs, moved = column
        style.area(density, x, arrays[f"{reading}_p"], color=style.COLOURS["grey"], alpha=0.4, label="$p$")
        density.plot(x, arrays[f"{reading}_q"], color=style.COLOURS["vermilion"], label="$q$")
        density.set_title(title)
        logs.plot(x, arrays[f"{reading}_log_p"], color=style.COLOURS["grey"], linewidth=2.2)
        logs.plot(x, arrays[f"{reading}_log_q"], color=style.COLOURS["vermilion"])
        logs.set_ylim(-60, 3)
        forward, reverse = (f"$D_{{\\mathrm{{KL}}}}({law}\\,\\|\\,{other})$" for law, other in ("pq", "qp"))
        moved.plot(arrays["shift"], arrays[f"{reading}_pq"], color=style.COLOURS["blue"], label=forward)
        moved.plot(arrays["shift"], arrays[f"{reading}_qp"], "--", color=style.COLOURS["green"], label=reverse)
        moved.axvline(-10.0, color=style.INK, linewidth=0.8, linestyle=":")
        moved.set(yscale="log", xlabel="mean of $q$")
        for panel in (density, logs):
            panel.set(xlabel="$x$", xlim=(-20, 20))
    for panel, label in zip(axes[:, 0], ("density", "log density", "divergence (nats)"), strict=True):
        panel.set_ylabel(label)
    style.legend(made, axes[:, 0].tolist(), columns=4)
    return made
