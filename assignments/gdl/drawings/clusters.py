"""Which digits the components of a mixture hold: one heat map a run."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]


def draw(sources: Mapping[str, Any], *, panels: Sequence[Mapping[str, str]], classes: int = 10) -> Figure:
    """Draw, for each entry of ``panels`` (``source``, ``title``), ``clusters_test`` against ``test_labels`` of the alias ``data``.

    Each column is normalised by the number of images of its digit; rows are sorted by their majority digit.
    """
    labels = sources["data"]["test_labels"]
    made, axes = style.figure(1, len(panels), aspect=1.5)
    for axis, panel in zip(axes[0], panels, strict=True):
        clusters = sources[panel["source"]]["clusters_test"]
        counts, _, _ = np.histogram2d(clusters, labels, bins=(np.arange(clusters.max() + 2), np.arange(classes + 1)))
        order = np.lexsort((-counts.max(1), counts.argmax(1)))
        share = counts[order] / np.maximum(counts.sum(0), 1)
        shown = axis.imshow(share, cmap=style.SHADES, vmin=0, vmax=1, aspect="auto", interpolation="none")
        axis.set(title=panel["title"], xlabel="digit", xticks=range(classes), yticks=[])
        axis.grid(False)
        axis.tick_params(axis="x", length=0)
        axis.spines[:].set_visible(True)
    axes[0][0].set_ylabel("component")
    made.colorbar(shown, ax=axes[0].tolist(), location="bottom", shrink=0.6, aspect=30, label="share of the digit's images")
    return made
