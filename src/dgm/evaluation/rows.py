"""A row of the metrics table, and what every group of metrics is given.

Axis letters: n images, d pixels.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from dgm.data.tensors import ImageData, Treatment, treat
from dgm.maths.measured import Measured
from dgm.runtime.streams import Generators

__all__ = ["AT_ONCE", "Job", "Row", "splits"]

AT_ONCE = 500
"""Images that pass through a model together."""


@dataclass(frozen=True)
class Row:
    """One row of the metrics table."""

    run: str
    metric: str
    split: str
    measured: Measured


@dataclass(frozen=True)
class Job:
    """One fitted model of images, the data it is measured on, and the arrays kept for figures and checks."""

    run: str
    model: nn.Module
    data: ImageData
    generators: Generators
    arrays: dict[str, np.ndarray]  # what the figures may want: per-image values


def splits(job: Job, treatment: Treatment) -> Iterator[tuple[str, Tensor]]:
    """Train and test images under the model's treatment; the train split is cut to the size of the test split."""
    tested = len(job.data.test_images)
    for split, images in (("train", job.data.train_images[:tested]), ("test", job.data.test_images)):
        yield split, treat(images, treatment, job.generators[f"{treatment}/{split}"])
