"""Codes of images in a plane, once by true label and once by cluster."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]

POINTS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6E6E6E", "#222222", "#8C510A", "#B2A300")
"""Ten colours for ten classes; the numbers written at the centres say which is which."""


def draw(sources: Mapping[str, Any], *, images: int = 4000) -> Figure:
    """Draw ``codes`` [m, 2] and ``cluster_codes`` [k, 2] of the alias ``evaluations``, with ``test_labels`` of the alias ``data``.

    Left: the first ``images`` codes coloured by digit, the digit written at the median of its codes. Right: coloured by
    ``clusters_test``, with the cluster means and the majority digit of each (``cluster_digits``).
    """
    found, labels = sources["evaluations"], sources["data"]["test_labels"]
    codes, means, digits = found["codes"], found["cluster_codes"], found["cluster_digits"]
    made, axes = style.figure(1, 2, aspect=0.9, sharex=True, sharey=True)
    left, right = axes[0]
    _scatter(left, codes[:images], labels[:images])
    for digit in np.unique(labels):
        _write(left, np.median(codes[labels == digit], axis=0), str(digit))
    left.set(title="coloured by digit", xlabel="first principal axis", ylabel="second principal axis")
    # a cluster takes the colour of its majority digit, so that equal colours left and right mean agreement
    _scatter(right, codes[:images], digits[found["clusters_test"]][:images])
    for mean, digit in zip(means, digits, strict=True):
        right.plot(*mean, "+", color="white", markersize=9, markeredgewidth=3, zorder=3)
        right.plot(*mean, "+", color=style.INK, markersize=8, markeredgewidth=1.5, zorder=4)
        _write(right, mean, "empty" if digit < 0 else str(digit), (7, 6))
    right.set(title="coloured by cluster", xlabel="first principal axis")
    for axis in (left, right):
        axis.grid(False)
        axis.tick_params(labelbottom=False, labelleft=False, length=0)
    return made


def _scatter(axis: Axes, codes: np.ndarray, classes: np.ndarray) -> None:
    colours = [POINTS[int(which) % len(POINTS)] for which in classes]
    # as pixels: thousands of circles would make the file large and slow to show
    axis.scatter(codes[:, 0], codes[:, 1], s=3, c=colours, alpha=0.55, linewidths=0, rasterized=True)


def _write(axis: Axes, at: np.ndarray, text: str, offset: tuple[float, float] = (0, 0)) -> None:
    axis.annotate(
        text,
        (float(at[0]), float(at[1])),
        xytext=offset,
        textcoords="offset points",
        ha="center",
        va="center",
        fontweight="bold",
        bbox={"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none", "alpha": 0.8},
        zorder=5,
    )
