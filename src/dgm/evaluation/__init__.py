"""Which metrics a fitted model gets: every one whose protocol it meets. One module a group of metrics.

Evaluation runs in float32 (float64 for the mixtures) whatever precision the training used. Axis letters: n images, d pixels.

- Functions of arrays stand in :mod:`dgm.evaluation.image_scores` and :mod:`dgm.evaluation.sample_quality`. The modules of the
  groups (likelihoods, clusters, points, samples, scores, size) call them.
- ``judges:`` of the config names at most two classifiers, which measure the samples of all other runs: the first by its
  predictions and features, the second by its features once more. :mod:`dgm.evaluation.references` has what they make of real
  images, once for all models. A build without classifiers has no scores of samples.
- :mod:`dgm.evaluation.registry` declares for each metric which direction is better, if any. A comparison by a metric that is not
  declared, or has no direction, is an error.
- :mod:`dgm.evaluation.costs` reads what a job cost from its record. :func:`evaluate` knows no times, so that
  ``tables/metrics.csv`` is the same in two builds; ``tables/costs.csv`` differs from build to build.
- :mod:`dgm.evaluation.likelihood_estimates` estimates the likelihood of the decoder of a run with a block ``estimates``: by
  importance sampling, annealing and quadrature. The block lists the budgets; ``estimates_for.<dataset>`` is laid over them. The
  plan refuses a model without ``log_likelihood_given`` or ``observed`` before any job.
"""

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
