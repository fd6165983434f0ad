"""Points of a square and the density of their distance from its centre."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import Circle

from dgm.figures import style

__all__ = ["draw"]


def draw(sources: Mapping[str, Any]) -> Figure:
    """Draw the arrays of the demonstration ``square_distance`` (alias ``arrays``)."""
    arrays = sources["arrays"]
    made, axes = style.figure(1, 2, aspect=0.75)
    square, density = axes[0]
    points = arrays["points"]
    square.plot(points[:, 0], points[:, 1], ".", color=style.COLOURS["grey"], markersize=1.5)
    for radius, line in ((1.0, "-"), (1.2, "--")):
        square.add_patch(Circle((1, 1), radius, fill=False, color=style.COLOURS["vermilion"], linestyle=line, linewidth=1.2))
    square.set(xlim=(0, 2), ylim=(0, 2), aspect="equal", title="circles of radius 1 and 1.2", xticks=(0, 1, 2), yticks=(0, 1, 2))
    density.stairs(arrays["histogram"], arrays["edges"], fill=True, color=style.COLOURS["sky"], alpha=0.5, label="simulated points")
    density.plot(arrays["z"], arrays["density"], color=style.COLOURS["blue"], label="derived density")
    density.plot(arrays["z"], arrays["cdf"], "--", color=style.COLOURS["green"], label="distribution function")
    density.set(xlabel="distance z", xlim=(0, 1.5), ylim=(0, 1.75), title="density and distribution function")
    density.legend(loc="upper left")
    return made
