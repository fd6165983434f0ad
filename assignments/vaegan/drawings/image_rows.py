"""Images in a table: every row an array, every column one index, as for probabilities above draws of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]

_WORDS = 1.1  # images that would fit beside a row, where its title stands


def draw(sources: Mapping[str, Any], *, rows: Sequence[Mapping[str, Any]], columns: int = 10) -> Figure:
    """Draw the first ``columns`` images of each row's array, image i of all rows below each other.

    Args:
        sources: arrays by alias.
        rows: each with ``source``, ``array`` ([n, 28, 28], values in [0, 1]) and ``title``.
        columns: columns of the table.

    Raises:
        ValueError: when an array has fewer than ``columns`` images.
    """
    chosen = []
    for row in rows:
        images = np.asarray(sources[row["source"]][row["array"]])
        if len(images) < columns:
            raise ValueError(
                f"image_rows: {row['array']} of {row['source']} has {len(images)} images; {columns} columns are asked for"
            )
        chosen.append(images[:columns].astype(np.float64))
    made, axes = style.figure(len(rows), 1, aspect=1.06 / (columns + _WORDS))
    for axis, images, row in zip(axes[:, 0], chosen, rows, strict=True):
        style.show_images(axis, images, columns, vmin=0.0, vmax=1.0)
        axis.set_ylabel(row["title"], rotation=0, ha="right", va="center")
    return made
