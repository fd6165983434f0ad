"""Points of a square, and the density and the distribution function of their distance from its centre."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import Circle

from dgm.figures import style

__all__ = ["draw"]


def draw(sources: Mapping[str, Any]) -> Figure:
    """Draw the arrays of the demonstration ``square_distance`` (alias ``arrays``)."""
    arrays = sources["arrays"]
    made, (square, density, cumulated), place = style.panels(3)
    style.points(square, arrays["points"], 1.5, color=style.COLOURS["grey"], label="points")
    for radius, line in ((1.0, "-"), (1.2, "--")):
        circle = Circle((1, 1), radius, fill=False, color=style.COLOURS["vermilion"], linestyle=line, linewidth=1.2)
        square.add_patch(circle)
        square.plot([], [], line, color=style.COLOURS["vermilion"], linewidth=1.2, label=f"circle, radius {radius:g}")
    square.set(xlim=(0, 2), ylim=(0, 2), aspect="equal", title="the square", xticks=(0, 1, 2), yticks=(0, 1, 2))
    density.stairs(
        arrays["histogram"], arrays["edges"], fill=True, color=style.COLOURS["sky"], alpha=0.5, label="simulated distances"
    )
    density.plot(arrays["z"], arrays["density"], color=style.COLOURS["blue"], label="density")
    density.set(xlabel="distance $z$", ylabel="density", xlim=(0, 1.5), ylim=(0, 1.7), title="density")
    cumulated.plot(arrays["z"], arrays["cdf"], color=style.COLOURS["green"], label="distribution function")
    cumulated.set(xlabel="distance $z$", ylabel="probability", xlim=(0, 1.5), ylim=(0, 1.05), title="distribution function")
    style.label_panels([square, density, cumulated])
    style.legend(made, [square, density, cumulated], place)
    return made
