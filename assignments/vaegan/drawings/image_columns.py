"""Images in a table: every column an array, every row one index, as for probabilities beside draws of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]


def draw(sources: Mapping[str, Any], *, columns: Sequence[Mapping[str, Any]], rows: int = 10, width: float = 0.2) -> Figure:
    """Draw the first ``rows`` images of each column's array, row i of all columns beside each other.

    Args:
        sources: arrays by alias.
        columns: each with ``source``, ``array`` ([n, 28, 28], values in [0, 1]) and ``title``.
        rows: rows of the table.
        width: fraction of the text width.

    Raises:
        ValueError: when an array has fewer than ``rows`` images.
    """
    chosen = []
    for column in columns:
        images = np.asarray(sources[column["source"]][column["array"]])
        if len(images) < rows:
            raise ValueError(
                f"image_columns: {column['array']} of {column['source']} has {len(images)} images; {rows} rows are asked for"
            )
        chosen.append(images[:rows].astype(np.float64))
    made, axes = style.figure(1, len(columns), width=width, aspect=rows + 0.3)
    for axis, images, column in zip(axes[0], chosen, columns, strict=True):
        style.show_images(axis, images, 1, column["title"], vmin=0.0, vmax=1.0)
    return made
