"""Models of points in the plane: the log-likelihood beside that of the true density. Axis letters: n points."""

from collections.abc import Iterator

import numpy as np
from torch import Tensor

from dgm.data.tensors import PointData
from dgm.evaluation.rows import Row
from dgm.maths import measured, ring_mixture
from dgm.protocols import HasDensity

__all__ = ["densities"]


def densities(run: str, offers: object, data: PointData, arrays: dict[str, np.ndarray]) -> Iterator[Row]:
    """Log-likelihood of each split, and how far it lies below that of the true density on the same points."""
    if not isinstance(offers, HasDensity):
        return
    for split in ("train", "validation", "test"):
        x: Tensor = getattr(data, split)
        values = offers.log_density(x).double().cpu().numpy()
        truth = ring_mixture.log_density(x.double().cpu().numpy(), data.components, data.radius)
        arrays[f"log_likelihood_{split}"] = values
        yield Row(run, "log_likelihood", split, measured.mean(values))
        yield Row(run, "gap_to_truth", split, measured.mean(truth - values))
