"""How the digit classifier sees images: how sure it is, and which digits it finds. Axis letters: n images, c = 10 classes."""

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from dgm.data.tensors import treat
from dgm.evaluation import image_scores
from dgm.evaluation.rows import AT_ONCE, Job, Row
from dgm.maths import measured
from dgm.maths.measured import Measured
from dgm.protocols import Classifies

__all__ = ["COMMON", "RECOGNISED", "accuracy", "classes", "scores"]

RECOGNISED = 0.9
"""A sample counts as recognised when the classifier's largest probability exceeds this."""

COMMON = 0.01
"""A class counts as common when so many of all samples are recognised as it: a tenth of an equal share."""


def accuracy(job: Job, model: Classifies, *, scale: bool) -> Iterator[Row]:
    """Accuracy on test images: grey, thresholded, and Bernoulli-drawn.

    With ``scale`` also how real digits score, as rows of a run of their own: the scale for every score of samples.
    """
    labels = job.data.test_labels
    for suffix, x in (
        ("", job.data.test_images.flatten(1).float() / 255),
        ("_binary", treat(job.data.test_images, "thresholded")),
        ("_bernoulli", treat(job.data.test_images, "dynamically binarised", job.generators["bernoulli"])),
    ):
        log_p = torch.cat([model.log_probabilities(part) for part in x.split(AT_ONCE)])
        right = (log_p.argmax(1) == labels).cpu().numpy()
        yield Row(job.run, f"accuracy{suffix}", "test", measured.proportion(right))
        if scale:
            yield from scores("real_test", suffix, "test", log_p)


def classes(job: Job, log_p: Float[Tensor, "n c"]) -> Iterator[Row]:
    """Shares of the ten classes among samples and among training images: which digits a model makes too rarely, or never.

    ``classes_covered`` counts a class with a single sample, and a shapeless sample falls into some class too; ``classes_common``
    and ``rarest_class`` count samples of which the classifier is sure.
    """
    predicted, sure = log_p.argmax(1).cpu().numpy(), (log_p.max(1).values.exp() > RECOGNISED).cpu().numpy()
    recognised = np.bincount(predicted[sure], minlength=10) / len(predicted)
    labels = job.data.train_labels.cpu().numpy()
    job.arrays["predicted_classes"] = predicted
    job.arrays["class_shares"] = np.bincount(predicted, minlength=10) / len(predicted)
    job.arrays["class_shares_recognised"] = recognised
    job.arrays["class_shares_data"] = np.bincount(labels, minlength=10) / len(labels)
    common = int((recognised >= COMMON).sum())
    yield Row(job.run, "classes_common", "samples", Measured(common, n=len(predicted), unit="count"))
    yield Row(job.run, "rarest_class", "samples", measured.proportion(sure & (predicted == recognised.argmin())))


def scores(run: str, suffix: str, split: str, log_p: Float[Tensor, "n c"]) -> Iterator[Row]:
    """Confidence, share recognised, class information, class entropy and the number of classes found."""
    largest = log_p.max(1).values.exp().double().cpu().numpy()
    predicted = log_p.argmax(1).cpu().numpy()
    yield Row(run, f"confidence{suffix}", split, measured.mean(largest, unit="probability"))
    yield Row(run, f"recognised{suffix}", split, measured.proportion(largest > RECOGNISED))
    yield Row(run, f"class_information{suffix}", split, image_scores.class_information(log_p.double().cpu().numpy()))
    yield Row(run, f"class_entropy{suffix}", split, image_scores.class_entropy(predicted))
    covered = int((np.bincount(predicted, minlength=10) > 0).sum())
    yield Row(run, f"classes_covered{suffix}", split, Measured(covered, n=len(predicted), unit="count"))
