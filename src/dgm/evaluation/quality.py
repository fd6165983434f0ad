"""Sample quality: every array of samples beside as many real test images under the treatment of the samples.

How the digit classifiers see images is computed once for each treatment. Axis letters: n images, t training images, d = 784 pixels,
f features, c classes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from dgm.data.tensors import Treatment, treat
from dgm.evaluation import sample_quality
from dgm.evaluation.rows import AT_ONCE, Job, Row
from dgm.evaluation.scores import COMMON, RECOGNISED
from dgm.protocols import Classifies

__all__ = ["Comparison"]


@dataclass(frozen=True)
class _Seen:
    """Images, and what the classifiers make of them."""

    pixels: Float[Tensor, "n d"]
    features: Float[Tensor, "n f"]
    log_p: Float[np.ndarray, "n c"]


@dataclass(frozen=True)
class _Known:
    """Training images, and how far real test images are from the nearest of them."""

    pixels: Float[Tensor, "t d"]
    features: Float[Tensor, "t f"]
    test_distances: Float[np.ndarray, " n"]
    test_distances_features: Float[np.ndarray, " n"]


class Comparison:
    """Measures samples against real images, the first n of either.

    Args:
        job: the run whose samples are measured.
        n: images on either side.
        classifier: gives the features, classes and probabilities.
        second: another classifier, whose features give the two distances of distributions once more.
    """

    def __init__(self, job: Job, n: int, classifier: Classifies, second: Classifies | None) -> None:
        self.job, self.n = job, n
        self.classifier, self.second = classifier, second
        self._reference = cache(self._reference_under)
        self._second_reference = cache(self._second_reference_under)
        self._known = cache(self._known_under)

    def rows(self, images: Float[Tensor, "m 28 28"], treatment: Treatment, split: str) -> Iterator[Row]:
        """All metrics of one array of samples with values in [0, 1], to be compared with images under ``treatment``."""
        run, seed = self.job.run, self.job.generators.seed_of("two-sample")
        drawn, real = self._seen(images[: self.n].flatten(1)), self._reference(treatment)
        found = {
            "frechet_distance": sample_quality.frechet_distance(real.features, drawn.features),
            "kernel_distance": sample_quality.kernel_distance(real.features, drawn.features),
            **sample_quality.neighbourhoods(real.features, drawn.features),
            "class_distance": sample_quality.class_distance(real.log_p.argmax(1), drawn.log_p.argmax(1)),
            "missing_classes": sample_quality.missing_classes(drawn.log_p, sure=RECOGNISED, common=COMMON),
            "two_sample_accuracy": sample_quality.two_sample_accuracy(_array(real.features), _array(drawn.features), seed),
        }
        grey = self._reference("grey")
        found["frechet_distance_grey"] = sample_quality.frechet_distance(grey.features, drawn.features)
        if self.second is not None:
            ours, theirs = self._second_reference(treatment), _features(self.second, drawn.pixels)
            found["frechet_distance_second"] = sample_quality.frechet_distance(ours, theirs)
            found["kernel_distance_second"] = sample_quality.kernel_distance(ours, theirs)
        known = self._known(treatment)
        distances = sample_quality.nearest_distances(drawn.pixels, known.pixels)
        found["neighbour_ratio"] = sample_quality.distance_ratio(distances, known.test_distances)
        distances = sample_quality.nearest_distances(drawn.features, known.features)
        found["neighbour_ratio_features"] = sample_quality.distance_ratio(distances, known.test_distances_features)
        for metric, measured in found.items():
            yield Row(run, metric, split, measured)

    def _seen(self, x: Float[Tensor, "n d"]) -> _Seen:
        log_p = torch.cat([self.classifier.log_probabilities(part) for part in x.split(AT_ONCE)])
        return _Seen(x, _features(self.classifier, x), _array(log_p))

    def _reference_under(self, treatment: Treatment) -> _Seen:
        # a fresh stream, so that the runs of a table are measured against the same draw of the pixels
        noise = self.job.generators.fresh(f"reference/test/{treatment}")
        return self._seen(treat(self.job.data.test_images, treatment, noise)[: self.n])

    def _second_reference_under(self, treatment: Treatment) -> Float[Tensor, "n f"]:
        assert self.second is not None
        return _features(self.second, self._reference(treatment).pixels)

    def _known_under(self, treatment: Treatment) -> _Known:
        noise = self.job.generators.fresh(f"reference/train/{treatment}")
        images, real = self.job.data.train_images, self._reference(treatment)
        # part by part, because a treatment holds its draws and its results several times over
        pixels = torch.empty(len(images), images[0].numel(), device=images.device)
        for part, rows in zip(images.split(AT_ONCE), pixels.split(AT_ONCE), strict=True):
            rows.copy_(treat(part, treatment, noise))
        features = _features(self.classifier, pixels)
        return _Known(
            pixels,
            features,
            sample_quality.nearest_distances(real.pixels, pixels),
            sample_quality.nearest_distances(real.features, features),
        )


def _features(classifier: Classifies, x: Float[Tensor, "n d"]) -> Float[Tensor, "n f"]:
    return torch.cat([classifier.features(part) for part in x.split(AT_ONCE)])


def _array(values: Tensor) -> np.ndarray:
    made: np.ndarray = values.cpu().double().numpy()
    return made
