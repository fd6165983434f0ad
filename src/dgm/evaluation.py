"""Which metrics a fitted model gets: every one whose protocol it meets.

Evaluation runs in float32 (float64 for the mixtures) whatever precision the training used. Axis letters: n images, d pixels.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dgm import clustering, measurements, metrics, ring
from dgm.dataset import ImageData, PointData, Treatment, treat
from dgm.measurements import Measured
from dgm.protocols import Classifies, HasBound, HasClusters, HasDensity, HasLogProb, Measures
from dgm.rng import Generators

__all__ = ["Row", "evaluate"]

AT_ONCE = 500
IMPORTANCE_IMAGES = 500  # test images behind the importance-weighted bound: 50 decoder passes each
IMPORTANCE_SAMPLES = 50
RECOGNISED = 0.9  # a sample counts as recognised when the classifier's largest probability exceeds this
COMMON = 0.01  # a class counts as common when so many of all samples are recognised as it: a tenth of an equal share


@dataclass(frozen=True)
class Row:
    """One row of the metrics table."""

    run: str
    metric: str
    split: str
    measured: Measured


@dataclass(frozen=True)
class _Job:
    run: str
    model: nn.Module
    data: ImageData
    generators: Generators
    arrays: dict[str, np.ndarray]  # what the figures may want: per-image values


def evaluate(
    run: str,
    model: nn.Module,
    data: ImageData | PointData,
    generators: Generators,
    *,
    samples: dict[str, np.ndarray] | None,
    classifier: object,
    train_record: dict[str, Any],
    sample_record: dict[str, Any] | None,
) -> tuple[list[Row], dict[str, np.ndarray]]:
    """All metrics of one run, and the per-image values behind them.

    Args:
        run: name of the run.
        model: the fitted model in evaluation mode.
        data: images or points, in their splits, on the model's device.
        generators: streams for binarisation, dequantisation and latent draws.
        samples: the arrays of the sample stage, for models that sample.
        classifier: the digit classifier that judges samples; None when the run is the classifier itself.
        train_record: the record of the training job (seconds, images per second).
        sample_record: the record of the sampling job.
    """
    offers: object = model  # protocols are asked of the object, whatever its class
    arrays: dict[str, np.ndarray] = {}
    rows = list(_cost(run, model, train_record, sample_record))
    with torch.no_grad():
        if isinstance(data, PointData):
            rows += _points(run, offers, data, arrays)
        else:
            rows += _images(_Job(run, model, data, generators, arrays), offers, samples, classifier)
        if isinstance(offers, Measures):
            own = offers.measure(data, generators)
            rows += [Row(run, *reading) for reading in own.readings]
            arrays.update(own.arrays)
    return rows, arrays


def _images(job: _Job, offers: object, samples: dict[str, np.ndarray] | None, classifier: object) -> Iterator[Row]:
    if isinstance(offers, HasLogProb):
        yield from _likelihood(job, offers)
    if isinstance(offers, HasBound):
        yield from _bound(job, offers)
    if isinstance(offers, HasClusters):
        yield from _clusters(job, offers, samples)
    if isinstance(offers, Classifies):
        yield from _classifier(job, offers)
    if samples is not None and isinstance(classifier, Classifies):
        yield from _samples(job, samples, classifier)


def _points(run: str, offers: object, data: PointData, arrays: dict[str, np.ndarray]) -> Iterator[Row]:
    """Log-likelihood of each split, and how far it lies below that of the true density on the same points."""
    if not isinstance(offers, HasDensity):
        return
    for split in ("train", "validation", "test"):
        x: Tensor = getattr(data, split)
        values = offers.log_density(x).double().cpu().numpy()
        truth = ring.log_density(x.double().cpu().numpy(), data.components, data.radius)
        arrays[f"log_likelihood_{split}"] = values
        yield Row(run, "log_likelihood", split, measurements.mean(values))
        yield Row(run, "gap_to_truth", split, measurements.mean(truth - values))


def _cost(run: str, model: nn.Module, train_record: dict[str, Any], sample_record: dict[str, Any] | None) -> Iterator[Row]:
    own = getattr(model, "parameter_count", None)
    count = own() if callable(own) else sum(parameter.numel() for parameter in model.parameters())
    yield Row(run, "parameters", "model", Measured(count, unit="count"))
    # time in optimiser steps, over all attempts of a training that was interrupted; the record's own time is of the last one alone
    yield Row(run, "train_seconds", "train", Measured(train_record["seconds_in_steps"], n=1, unit="s"))
    yield Row(run, "images_per_second", "train", Measured(train_record["images_per_second"], n=1, unit="1/s"))
    seconds = train_record["seconds_in_steps"] / train_record["epochs"]
    yield Row(run, "seconds_per_epoch", "train", Measured(seconds, n=train_record["epochs"], unit="s"))
    if "log_likelihood_fitted" in train_record:
        yield Row(run, "log_likelihood_fitted", "train", Measured(train_record["log_likelihood_fitted"], unit="nats"))
    if sample_record is not None:
        seconds = 1000 * sample_record["seconds_sampling"] / sample_record["count"]
        yield Row(run, "sample_seconds_per_1000", "samples", Measured(seconds, n=sample_record["count"], unit="s"))


def _splits(job: _Job, treatment: Treatment) -> Iterator[tuple[str, Tensor]]:
    """Train and test images under the model's treatment; the train split is cut to the size of the test split."""
    tested = len(job.data.test_images)
    for split, images in (("train", job.data.train_images[:tested]), ("test", job.data.test_images)):
        yield split, treat(images, treatment, job.generators[f"{treatment}/{split}"])


def _likelihood(job: _Job, model: HasLogProb) -> Iterator[Row]:
    for split, x in _splits(job, model.treatment):
        values = torch.cat([model.log_prob(part) for part in x.split(AT_ONCE)]).double().cpu().numpy()
        job.arrays[f"log_likelihood_{split}"] = values
        measured = measurements.mean(values)
        yield Row(job.run, "log_likelihood", split, measured)
        yield Row(job.run, "log_likelihood_median", split, measurements.median(values))
        if model.treatment == "dequantised":
            yield Row(job.run, "bits_per_dim", split, metrics.bits_per_dim(measured))


def _bound(job: _Job, model: HasBound) -> Iterator[Row]:
    noise = job.generators["bound"]
    for split, x in _splits(job, model.treatment):
        parts = [model.bound(part, noise) for part in x.split(AT_ONCE)]
        # a Bernoulli decoder scores grey pixels, but that score is no bound on a likelihood and must not be called one
        prefix = "grey_" if model.treatment == "grey" else ""
        for term in parts[0]:
            values = torch.cat([part[term] for part in parts]).double().cpu().numpy()
            if term == "bound":
                job.arrays[f"{prefix}bound_{split}"] = values
            yield Row(job.run, f"{prefix}{term}", split, measurements.mean(values))
        if split == "test" and not prefix:
            some = x[:IMPORTANCE_IMAGES]
            weighted = torch.cat([model.importance_weighted_bound(part, IMPORTANCE_SAMPLES, noise) for part in some.split(AT_ONCE)])
            values = weighted.double().cpu().numpy()
            job.arrays["importance_weighted_test"] = values
            yield Row(job.run, f"iwae_{IMPORTANCE_SAMPLES}", "test", measurements.mean(values))
            # the same images under the plain bound, so that the two can be compared without the choice of images
            yield Row(job.run, "bound_same_images", "test", measurements.mean(job.arrays["bound_test"][:IMPORTANCE_IMAGES]))
            if hasattr(model, "reconstruct"):
                job.arrays["originals"] = x[:16].view(-1, 28, 28).cpu().numpy()
                job.arrays["reconstructions"] = model.reconstruct(x[:16]).cpu().numpy()


def _clusters(job: _Job, model: HasClusters, samples: dict[str, np.ndarray] | None) -> Iterator[Row]:
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    labels = job.data.test_labels.cpu().numpy()
    for split, x in _splits(job, model.treatment):
        if split != "test":
            continue
        responsibilities = torch.cat([model.responsibilities(part) for part in x.split(AT_ONCE)])
        clusters = responsibilities.argmax(1).cpu().numpy()
        job.arrays["clusters_test"] = clusters
        yield Row(job.run, "purity", split, clustering.purity(labels, clusters))
        if responsibilities.shape[1] == len(np.unique(labels)):
            yield Row(job.run, "clustering_accuracy", split, clustering.clustering_accuracy(labels, clusters))
        n = len(labels)
        yield Row(job.run, "nmi", split, Measured(float(normalized_mutual_info_score(labels, clusters)), n=n))
        yield Row(job.run, "ari", split, Measured(float(adjusted_rand_score(labels, clusters)), n=n))
        images = x.view(-1, 28, 28).cpu().numpy()
        yield Row(job.run, "neighbour_correlation_data", split, metrics.neighbour_correlation(images, clusters))
    if samples is not None and "prototypes" in samples:
        correlation = metrics.neighbour_correlation(samples["samples"], samples["components"])
        yield Row(job.run, "neighbour_correlation_samples", "samples", correlation)
        yield Row(job.run, "prototype_entropy", "model", metrics.pixel_entropy(samples["prototypes"]))
        weights = samples["weights"]
        yield Row(job.run, "smallest_weight", "model", Measured(float(weights.min()), n=len(weights)))
        yield Row(job.run, "largest_weight", "model", Measured(float(weights.max()), n=len(weights)))


def _classifier(job: _Job, model: Classifies) -> Iterator[Row]:
    """Accuracy on grey and on thresholded test images, and how real digits score: the scale for every sample score."""
    labels = job.data.test_labels
    for suffix, x in (
        ("", job.data.test_images.flatten(1).float() / 255),
        ("_binary", treat(job.data.test_images, "thresholded", job.generators["unused"])),
        ("_bernoulli", treat(job.data.test_images, "dynamically binarised", job.generators["bernoulli"])),
    ):
        log_p = torch.cat([model.log_probabilities(part) for part in x.split(AT_ONCE)])
        right = (log_p.argmax(1) == labels).cpu().numpy()
        yield Row(job.run, f"accuracy{suffix}", "test", measurements.proportion(right))
        yield from _scores("real_test", suffix, "test", log_p)


def _samples(job: _Job, samples: dict[str, np.ndarray], classifier: Classifies) -> Iterator[Row]:
    device = job.data.test_images.device
    for name, suffix in (("samples", ""), ("low_temperature", "_low_temperature"), ("means", "_means")):
        if name not in samples:
            continue
        x = torch.from_numpy(samples[name]).to(device).float().clamp(0, 1).flatten(1)
        log_p = torch.cat([classifier.log_probabilities(part) for part in x.split(AT_ONCE)])
        if name == "samples":
            yield from _classes(job, log_p)
        yield from _scores(job.run, suffix, "samples", log_p)
    for place, grid in enumerate(samples.get("grids", ()), 1):  # kept during training, the first one earliest
        log_p = classifier.log_probabilities(torch.from_numpy(grid).to(device).flatten(1))
        largest = log_p.max(1).values.exp().double().cpu().numpy()
        yield Row(job.run, "confidence", f"grid_{place}", measurements.mean(largest, unit="probability"))
        yield Row(job.run, "recognised", f"grid_{place}", measurements.proportion(largest > RECOGNISED))


def _classes(job: _Job, log_p: Tensor) -> Iterator[Row]:
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
    yield Row(job.run, "rarest_class", "samples", measurements.proportion(sure & (predicted == recognised.argmin())))


def _scores(run: str, suffix: str, split: str, log_p: Tensor) -> Iterator[Row]:
    largest = log_p.max(1).values.exp().double().cpu().numpy()
    predicted = log_p.argmax(1).cpu().numpy()
    yield Row(run, f"confidence{suffix}", split, measurements.mean(largest, unit="probability"))
    yield Row(run, f"recognised{suffix}", split, measurements.proportion(largest > RECOGNISED))
    yield Row(run, f"class_information{suffix}", split, metrics.class_information(log_p.double().cpu().numpy()))
    yield Row(run, f"class_entropy{suffix}", split, metrics.class_entropy(predicted))
    covered = int((np.bincount(predicted, minlength=10) > 0).sum())
    yield Row(run, f"classes_covered{suffix}", split, Measured(covered, n=len(predicted), unit="count"))
