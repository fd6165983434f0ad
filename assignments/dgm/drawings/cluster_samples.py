"""Samples of a mixture prior, one row a cluster: its decoded mean, then draws from it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]

_WORDS = 2.6  # images that would fit beside a row, where its digit and weight stand


def draw(sources: Mapping[str, Any], *, images: int = 10) -> Figure:
    """Draw the clusters of a run, sorted by majority digit.

    Args:
        sources: ``evaluations`` with ``cluster_samples`` [k, n, 28, 28] and ``cluster_digits`` [k] (-1: an empty cluster), and
            ``samples`` with ``cluster_means`` [k, 28, 28] and ``weights`` [k].
        images: draws shown of each cluster.
    """
    evaluations, described = sources["evaluations"], sources["samples"]
    drawn, digits = evaluations["cluster_samples"][:, :images], evaluations["cluster_digits"]
    means, weights = described["cluster_means"], described["weights"]
    order = np.lexsort((-weights, np.where(digits < 0, digits.max() + 1, digits)))
    across = drawn.shape[1] + 1
    made, axes = style.figure(len(order), 1, aspect=1.08 / (across + _WORDS))
    for axis, k in zip(axes[:, 0], order, strict=True):
        strip = style.tile(np.concatenate([means[k][None], drawn[k]]), across)
        style.show_image(axis, strip, vmin=0, vmax=1)
        axis.axvline(28.5, color=style.COLOURS["ochre"], linewidth=1.5)
        digit = "empty" if digits[k] < 0 else f"most often {digits[k]}"
        axis.text(-4, 14, f"{digit}\n{weights[k]:.3f}", ha="right", va="center", linespacing=1.0)
    return made
