"""Real images as the digit classifiers see them, under each treatment that samples may be compared under.

They are the same for all models, so one job a classifier makes them (:mod:`dgm.stages.reference`), and every evaluation of samples
reads them.
Axis letters: n test images, t training images, d pixels, f features.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from dgm.data.tensors import ImageData, Treatment, treat
from dgm.evaluation import sample_quality
from dgm.evaluation.rows import AT_ONCE
from dgm.protocols import Classifies
from dgm.runtime.streams import Generators

__all__ = ["ARRAYS", "COMPARED", "Reference", "features", "measure", "pixels"]

COMPARED: tuple[Treatment, ...] = ("grey", "thresholded", "statically binarised", "dynamically binarised")
"""The treatments of real images that samples may be compared with."""


def _key(treatment: Treatment, name: str) -> str:
    return f"{treatment.replace(' ', '_')}_{name}"


@dataclass(frozen=True)
class Reference:
    """Real images under one treatment: features and classes of test images, and their distances to the nearest training image."""

    features: Float[Tensor, "n f"]
    predicted: Int[Tensor, " n"]
    train_features: Float[Tensor, "t f"]
    distances: Float[Tensor, " n"]
    distances_features: Float[Tensor, " n"]

    @classmethod
    def read(cls, arrays: Mapping[str, np.ndarray], treatment: Treatment, n: int, device: torch.device) -> "Reference":
        """From the arrays of :func:`measure`, with the first ``n`` test images."""
        found = {each.name: torch.from_numpy(arrays[_key(treatment, each.name)]).to(device) for each in fields(cls)}
        return cls(**{name: value if name == "train_features" else value[:n] for name, value in found.items()})


ARRAYS = tuple(_key(treatment, each.name) for treatment in COMPARED for each in fields(Reference))
"""Names of the arrays of a file of references."""


def measure(data: ImageData, generators: Generators, classifier: Classifies) -> dict[str, np.ndarray]:
    """The arrays of a :class:`Reference` for each treatment of :data:`COMPARED`.

    Args:
        data: images, on the device of the classifiers.
        generators: streams for the pixels that a treatment draws.
        classifier: gives features and classes.
    """
    arrays: dict[str, np.ndarray] = {}
    for treatment in COMPARED:
        test, train = (pixels(data, split, treatment, generators) for split in ("test", "train"))
        seen, known = features(classifier, test), features(classifier, train)
        found = Reference(
            seen,
            classifier.classify(seen).argmax(1),
            known,
            torch.from_numpy(sample_quality.nearest_distances(test, train)),
            torch.from_numpy(sample_quality.nearest_distances(seen, known)),
        )
        arrays |= {_key(treatment, each.name): getattr(found, each.name).cpu().numpy() for each in fields(found)}
    return arrays


def pixels(data: ImageData, split: str, treatment: Treatment, generators: Generators) -> Float[Tensor, "m d"]:
    """All images of a split, from a fresh stream: every job draws the same pixels."""
    images = data.test_images if split == "test" else data.train_images
    noise = generators.fresh(f"reference/{split}/{treatment}")
    made = torch.empty(len(images), images[0].numel(), device=images.device)
    # part by part, because a treatment holds its draws and its results several times over
    for part, rows in zip(images.split(AT_ONCE), made.split(AT_ONCE), strict=True):
        rows.copy_(treat(part, treatment, noise))
    return made


def features(classifier: Classifies, x: Float[Tensor, "m d"]) -> Float[Tensor, "m f"]:
    """Features of many images."""
    return torch.cat([classifier.features(part) for part in x.split(AT_ONCE)])
