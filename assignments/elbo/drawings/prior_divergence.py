"""The divergence of a Gaussian from the standard normal distribution as a map, and its slopes in variance and log-variance."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]

_LEVELS = [0.1, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0]
_WIDTHS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)


def draw(sources: Mapping[str, Any]) -> Figure:
    """Draw the arrays of the demonstration ``prior_divergence`` (alias ``arrays``)."""
    arrays = sources["arrays"]
    made, axes = style.figure(1, 2, aspect=0.85)
    surface, slopes = axes[0]
    pale = {"cmap": "Blues", "vmin": 0.0, "vmax": 2 * float(arrays["divergence"].max())}
    filled = surface.contourf(arrays["mean"], arrays["log_variance"], arrays["divergence"], levels=40, **pale)
    filled.set_rasterized(True)
    lines = surface.contour(
        arrays["mean"], arrays["log_variance"], arrays["divergence"], levels=_LEVELS, colors=style.INK, linewidths=0.5
    )
    surface.clabel(lines, fontsize=6, fmt="%g")
    surface.plot(0, 0, "*", color=style.COLOURS["vermilion"], markersize=9, zorder=4)
    surface.plot(*arrays["example"], "o", color=style.COLOURS["blue"], markersize=5, zorder=4)
    surface.set(xlabel=r"mean $\mu_z$", ylabel=r"log-variance $s$", title="divergence from the prior (nats)")
    right = surface.secondary_yaxis("right")
    right.set_yticks([2 * np.log(width) for width in _WIDTHS], [f"{width:g}" for width in _WIDTHS])
    right.set_ylabel(r"standard deviation $\sigma_z$")
    surface.grid(False)
    slopes.plot(arrays["variance"], arrays["slope_variance"], color=style.COLOURS["vermilion"], label="in the variance")
    slopes.plot(arrays["variance"], arrays["slope_log_variance"], color=style.COLOURS["blue"], label="in the log-variance")
    slopes.set(
        xscale="log", xlabel=r"variance $\sigma_z^2$", ylabel="slope of the divergence", title="two slopes of one divergence"
    )
    slopes.set_yscale("asinh", linear_width=0.5)  # smooth through zero: no kink that the curves do not have
    slopes.set_yticks([-1e5, -1e3, -10, -0.5, 10, 100], ["$-10^5$", "$-10^3$", "$-10$", "$-1/2$", "$10$", "$100$"])
    slopes.minorticks_off()
    slopes.set_ylim(2 * float(arrays["slope_variance"].min()), 10 * float(arrays["slope_log_variance"].max()))
    slopes.legend(loc="lower right")
    return made
