"""Sample quality: every array of samples beside as many real test images under the treatment of the samples.

Axis letters: n images, t training images, d pixels, f features, c classes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float
from torch import Tensor

from dgm.data.tensors import Treatment
from dgm.evaluation import sample_quality
from dgm.evaluation.references import Reference, features, pixels
from dgm.evaluation.rows import Job, Row
from dgm.evaluation.scores import COMMON, RECOGNISED
from dgm.protocols import Classifies

__all__ = ["Comparison", "Judge", "Seen", "seen"]


@dataclass(frozen=True)
class Seen:
    """Images, and what a classifier makes of them."""

    pixels: Float[Tensor, "n d"]
    features: Float[Tensor, "n f"]
    log_p: Float[Tensor, "n c"]


@dataclass(frozen=True)
class Judge:
    """A digit classifier, and what it makes of real images (:func:`dgm.evaluation.references.measure`)."""

    classifier: Classifies
    references: Mapping[str, np.ndarray]


def seen(classifier: Classifies, images: Float[Tensor, "n h w"]) -> Seen:
    """Images with values in [0, 1] as a classifier sees them."""
    x = images.flatten(1)
    found = features(classifier, x)
    return Seen(x, found, classifier.classify(found))


class Comparison:
    """Measures samples against real images, the first n of either.

    Args:
        job: the run whose samples are measured.
        n: images on either side.
        judges: gives features, classes and probabilities; the second one, if any, the distances of distributions once more.
    """

    def __init__(self, job: Job, n: int, judges: Sequence[Judge]) -> None:
        self.job, self.n, self.judges = job, n, judges
        device = job.data.test_images.device
        self._reference = cache(lambda place, treatment: Reference.read(judges[place].references, treatment, n, device))
        self._known_pixels = cache(lambda treatment: pixels(job.data, "train", treatment, job.generators))

    def rows(self, samples: Seen, treatment: Treatment, split: str) -> Iterator[Row]:
        """All metrics of one array of samples, to be compared with images under ``treatment``."""
        run, seed = self.job.run, self.job.generators.seed_of("two-sample")
        drawn = Seen(samples.pixels[: self.n], samples.features[: self.n], samples.log_p[: self.n])
        real: Reference = self._reference(0, treatment)
        predicted = drawn.log_p.argmax(1).cpu().numpy()
        found = {
            "frechet_distance": sample_quality.frechet_distance(real.features, drawn.features),
            "kernel_distance": sample_quality.kernel_distance(real.features, drawn.features),
            **sample_quality.neighbourhoods(real.features, drawn.features),
            "class_distance": sample_quality.class_distance(real.predicted.cpu().numpy(), predicted),
            "missing_classes": sample_quality.missing_classes(_array(drawn.log_p), sure=RECOGNISED, common=COMMON),
            "two_sample_accuracy": sample_quality.two_sample_accuracy(_array(real.features), _array(drawn.features), seed),
            "frechet_distance_grey": sample_quality.frechet_distance(self._reference(0, "grey").features, drawn.features),
        }
        for place, judge in enumerate(self.judges[1:], 1):
            ours, theirs = self._reference(place, treatment).features, features(judge.classifier, drawn.pixels)
            found["frechet_distance_second"] = sample_quality.frechet_distance(ours, theirs)
            found["kernel_distance_second"] = sample_quality.kernel_distance(ours, theirs)
        distances = sample_quality.nearest_distances(drawn.pixels, self._known_pixels(treatment))
        found["neighbour_ratio"] = sample_quality.distance_ratio(distances, real.distances.cpu().numpy())
        distances = sample_quality.nearest_distances(drawn.features, real.train_features)
        found["neighbour_ratio_features"] = sample_quality.distance_ratio(distances, real.distances_features.cpu().numpy())
        for metric, measured in found.items():
            yield Row(run, metric, split, measured)


def _array(values: Tensor) -> np.ndarray:
    made: np.ndarray = values.cpu().double().numpy()
    return made
