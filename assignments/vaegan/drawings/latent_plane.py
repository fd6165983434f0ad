"""Points of a latent plane, coloured by class."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from dgm.figures import style
from dgm.figures._classes import class_legend, scatter_classes, write_classes

__all__ = ["draw"]


def draw(
    sources: Mapping[str, Any],
    *,
    source: str = "measured",
    points: str = "train_means",
    labels: str = "train_labels",
    radii: tuple[float, ...] = (1.177, 2.448),
) -> Figure:
    """Scatter ``points`` [n, 2] in one colour for each value of ``labels`` [n], written near the median of its points.

    Args:
        sources: arrays by alias.
        source: the alias of the arrays.
        points: name of the points.
        labels: name of the classes, whole numbers.
        radii: of dashed circles around the origin; those of the default hold half and 95 % of a standard normal distribution.
    """
    z, classes = np.asarray(sources[source][points]), np.asarray(sources[source][labels])
    made, axes = style.figure(aspect=0.95)
    panel = axes[0, 0]
    scatter_classes(panel, z, classes)
    middles = {int(label): np.median(z[classes == label], axis=0) for label in np.unique(classes)}
    write_classes(panel, middles, 0.06 * float(np.ptp(z, axis=0).max()))
    for radius in radii:
        panel.add_patch(Circle((0, 0), radius, fill=False, edgecolor=style.INK, linewidth=0.9, linestyle="--"))
    panel.set(xlabel=r"$\mu_1(x)$", ylabel=r"$\mu_2(x)$", aspect="equal")
    class_legend(made, classes)
    return made
