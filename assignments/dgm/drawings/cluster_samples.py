"""Samples of a mixture prior, one row a cluster: its decoded mean, then draws from it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]


def draw(sources: Mapping[str, Any], *, images: int = 10, rows: int = 2) -> Figure:
    """Draw the clusters of a run in two columns, sorted by majority digit.

    Args:
        sources: ``evaluations`` with ``cluster_samples`` [k, n, 28, 28] and ``cluster_digits`` [k] (-1: an empty cluster), and
            ``samples`` with ``cluster_means`` [k, 28, 28] and ``weights`` [k].
        images: draws shown of each cluster.
        rows: columns of clusters in the figure.
    """
    evaluations, described = sources["evaluations"], sources["samples"]
    drawn, digits = evaluations["cluster_samples"][:, :images], evaluations["cluster_digits"]
    means, weights = described["cluster_means"], described["weights"]
    order = np.lexsort((-weights, np.where(digits < 0, digits.max() + 1, digits)))
    down = -(-len(order) // rows)
    across = drawn.shape[1] + 1
    made, axes = style.figure(down, rows, aspect=1.18 / across)
    for axis in axes.ravel():
        axis.set_axis_off()
    for place, k in enumerate(order):
        axis = axes[place % down, place // down]
        strip = style.tile(np.concatenate([means[k][None], drawn[k]]), across)
        style.show_image(axis, strip, vmin=0, vmax=1)
        axis.axvline(28.5, color=style.COLOURS["orange"], linewidth=1.2)
        digit = "empty" if digits[k] < 0 else f"most often {digits[k]}"
        axis.text(-2, 14, f"{digit}\n{weights[k]:.3f}", ha="right", va="center", fontsize=6.5)
    return made
