"""Which metrics a fitted model gets: every one whose protocol it meets. Axis letters: n images, d pixels."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from dgm.data.tensors import ImageData, PointData
from dgm.evaluation.clusters import agreement
from dgm.evaluation.likelihoods import bounds, likelihoods
from dgm.evaluation.points import densities
from dgm.evaluation.quality import Judge
from dgm.evaluation.rows import Job, Row
from dgm.evaluation.samples import judged
from dgm.evaluation.scores import accuracy
from dgm.evaluation.size import cost
from dgm.protocols import Classifies, DrawsImages, HasBound, HasClusters, HasLogProb, Measures
from dgm.runtime.streams import Generators

__all__ = ["Row", "evaluate"]


def evaluate(
    run: str,
    model: nn.Module,
    data: ImageData | PointData,
    generators: Generators,
    *,
    samples: Mapping[str, np.ndarray] | None,
    judges: Sequence[Judge] = (),
    scale: bool = False,
    train_record: dict[str, Any],
) -> tuple[list[Row], dict[str, np.ndarray]]:
    """All metrics of one run, and the per-image values behind them.

    Args:
        run: name of the run.
        model: the fitted model in evaluation mode.
        data: images or points, in their splits, on the model's device.
        generators: streams for binarisation, dequantisation and latent draws.
        samples: the arrays of the sample stage, for models that sample.
        judges: the digit classifiers that measure samples: the first by predictions and features, the second by features once more.
        scale: whether the run is the first judge itself, which says how real images score.
        train_record: the record of the training job.
    """
    offers: object = model  # protocols are asked of the object, whatever its class
    arrays: dict[str, np.ndarray] = {}
    rows = list(cost(run, model, train_record))
    with torch.no_grad():
        if isinstance(data, PointData):
            rows += densities(run, offers, data, arrays)
        else:
            rows += _images(Job(run, model, data, generators, arrays), offers, samples, judges, scale)
        if isinstance(offers, Measures):
            own = offers.measure(data, generators)
            rows += [Row(run, *reading) for reading in own.readings]
            arrays.update(own.arrays)
    return rows, arrays


def _images(
    job: Job,
    offers: object,
    samples: Mapping[str, np.ndarray] | None,
    judges: Sequence[Judge],
    scale: bool,
) -> Iterator[Row]:
    if isinstance(offers, HasLogProb):
        yield from likelihoods(job, offers)
    if isinstance(offers, HasBound):
        yield from bounds(job, offers)
    if isinstance(offers, HasClusters):
        yield from agreement(job, offers, samples)
    if isinstance(offers, Classifies):
        yield from accuracy(job, offers, scale=scale)
    if samples is not None and isinstance(offers, DrawsImages) and judges:
        yield from judged(job, offers, samples, judges)
