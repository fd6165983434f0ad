"""The divergence of a Gaussian from the standard normal distribution as a map, and its slopes in variance and log-variance."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]

_LEVELS = [0.1, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0]
_LABELLED = [0.5, 1.0, 2.0, 4.0, 8.0]


def draw(sources: Mapping[str, Any]) -> Figure:
    """Draw the arrays of the demonstration ``prior_divergence`` (alias ``arrays``)."""
    arrays = sources["arrays"]
    made, (surface, slopes), _ = style.panels(2, aspect=1.0, lines=2)
    mean, log_variance, divergence = arrays["mean"], arrays["log_variance"], arrays["divergence"]
    style.show_field(surface, mean, log_variance, divergence, cmap=style.SHADES, vmin=0.0, vmax=2 * float(divergence.max()))
    lines = surface.contour(mean, log_variance, divergence, levels=_LEVELS, colors=style.INK, linewidths=0.5)
    surface.clabel(lines, _LABELLED, fontsize=8, fmt="%g")
    surface.plot(0, 0, "*", color=style.COLOURS["vermilion"], markersize=9, linestyle="", zorder=4, label="prior")
    surface.plot(*arrays["example"], "o", color=style.COLOURS["blue"], markersize=5, zorder=4, label=r"$\mathcal{N}(0.5,4)$")
    surface.set(xlabel=r"mean $\mu_z$", ylabel=r"log-variance $s$", title="divergence (nats)")
    slopes.plot(arrays["variance"], arrays["slope_variance"], color=style.COLOURS["vermilion"], label="in the variance")
    slopes.plot(arrays["variance"], arrays["slope_log_variance"], "--", color=style.COLOURS["blue"], label="in the log-variance")
    slopes.set(xscale="log", xlabel=r"variance $\sigma_z^2$", ylabel="slope", title="two slopes of it")
    style.linear_zone(slopes, 0.5, "asinh", side="left")  # smooth through zero: no kink that the curves do not have
    slopes.set_yticks([-1e5, -1e3, -10, -0.5, 10, 100], ["$-10^5$", "$-10^3$", "$-10$", "$-0.5$", "$10$", "$100$"])
    slopes.minorticks_off()
    slopes.set_ylim(2 * float(arrays["slope_variance"].min()), 10 * float(arrays["slope_log_variance"].max()))
    for panel in (surface, slopes):
        style.legend_below(panel)
    return made
