"""Codes of images in a plane, once by true label and once by cluster."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dgm.figures import style
from dgm.figures._classes import class_legend, scatter_classes, write_classes

__all__ = ["draw"]


def draw(sources: Mapping[str, Any], *, images: int = 4000) -> Figure:
    """Draw ``codes`` [m, 2] and ``cluster_codes`` [k, 2] of the alias ``evaluations``, with ``test_labels`` of the alias ``data``.

    Left: the first ``images`` codes coloured by digit, the digit written at the median of its codes. Right: coloured by
    ``clusters_test``, with the cluster means and the majority digit of each (``cluster_digits``).
    """
    found, labels = sources["evaluations"], sources["data"]["test_labels"]
    codes, means, digits = found["codes"], found["cluster_codes"], found["cluster_digits"]
    made, (left, right), _ = style.panels(2, aspect=0.98, lines=2, sharex=True, sharey=True)
    scatter_classes(left, codes[:images], labels[:images])
    near = 0.08 * float(np.ptp(codes, axis=0).max())
    write_classes(left, {int(digit): np.median(codes[labels == digit], axis=0) for digit in np.unique(labels)}, near)
    left.set(title="coloured by digit", ylabel="second principal axis")
    # a cluster takes the colour of its majority digit, so that equal colours left and right mean agreement
    scatter_classes(right, codes[:images], digits[found["clusters_test"]][:images])
    for mean, digit in zip(means, digits, strict=True):
        right.plot(*mean, "+", color="white", markersize=9, markeredgewidth=3, zorder=3)
        right.plot(*mean, "+", color="black", markersize=8, markeredgewidth=1.5, zorder=4)
        style.write(right, mean, "empty" if digit < 0 else str(digit), (7, 6))
    right.set(title="coloured by cluster")
    for axis in (left, right):
        axis.set_xlabel("first principal axis")
        axis.grid(False)
        axis.tick_params(labelbottom=False, labelleft=False, length=0)
    class_legend(made, labels)
    return made
