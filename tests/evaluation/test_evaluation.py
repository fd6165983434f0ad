"""What the evaluate stage makes of the samples of a model; the measures themselves are tested in ``test_sample_quality.py``."""

import csv

import numpy as np
import pytest
import torch
from precision import close, tolerance
from shipped import CONFIG
from torch import nn

from dgm.data.tensors import ImageData, load, treat
from dgm.evaluation import references, sample_quality
from dgm.evaluation.evaluate import evaluate
from dgm.evaluation.quality import Judge
from dgm.models import classifier, load_model, resample
from dgm.runtime.streams import Generators

QUALITY = {
    "frechet_distance",
    "kernel_distance",
    "precision",
    "recall",
    "density",
    "coverage",
    "class_distance",
    "missing_classes",
    "two_sample_accuracy",
    "neighbour_accuracy",
    "neighbour_ratio",
    "neighbour_ratio_features",
    "frechet_distance_grey",
    "frechet_distance_second",
    "kernel_distance_second",
}
RECORD = {"seconds_in_steps": 1.0, "images_per_second": 1.0, "epochs": 1}


@pytest.fixture
def judges(images, context):
    """Both classifiers, after an epoch."""
    settings = {"epochs": 1, "batch_size": 20, "shift": 0}
    made = (classifier.Config(architecture=name, **settings) for name in ("convolutional", "perceptron"))
    return [classifier.fit(config, images, context).model.eval() for config in made]


def looked_at(judges, images):
    """Judges with what they make of real images."""
    with torch.no_grad():
        return [Judge(judge, references.measure(images, Generators(0), judge)) for judge in judges]


class Drawn(nn.Module):
    """Has samples under a treatment; how they came about is no matter."""

    def __init__(self, treatment):
        super().__init__()
        self.sample_treatment = treatment

    def sample(self, n, generator):
        raise AssertionError("samples are read, not drawn")


def measured(images, judges, samples, treatment="grey", model=None):
    samples = {name: np.asarray(value) for name, value in samples.items()}
    rows, _ = evaluate(
        "made-up",
        model or Drawn(treatment),
        images,
        Generators(0),
        samples=samples,
        judges=looked_at(judges, images),
        train_record=RECORD,
    )
    return {(row.metric, row.split): row.measured for row in rows}


def numbers(found):
    """What was measured, entry by entry: two results without a number are equal, which Python 3.13 no longer says of the whole."""
    return {(*key, name): getattr(one, name) for key, one in found.items() for name in ("value", "stderr", "n")}


def test_every_array_of_samples_gets_every_measure(images, judges):
    x = images.train_images[:120].float() / 255
    found = measured(images, judges, {"samples": x, "means": x, "low_temperature": x, "codes": np.zeros((120, 2))})
    for split in ("samples", "means", "low_temperature"):
        assert {metric for metric, name in found if name == split} >= QUALITY
    assert {found[metric, "samples"].n for metric in QUALITY - {"neighbour_accuracy"}} == {100}, "as many as test images"
    assert found["neighbour_accuracy", "samples"].n == 200
    assert found["confidence", "samples"].n == 120


def test_samples_beyond_the_number_of_test_images_change_no_quality(images, judges):
    x = images.train_images.float() / 255
    more, fewer = (measured(images, judges, {"samples": x[:n]}) for n in (200, 100))
    quality = [{(metric, "samples"): found[metric, "samples"] for metric in QUALITY} for found in (more, fewer)]
    np.testing.assert_equal(*map(numbers, quality))


def test_binary_samples_are_compared_with_binary_images(images, judges):
    noise = torch.randint(256, (300, 28, 28), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    images = ImageData(noise[:200], images.train_labels, noise[200:], images.test_labels)  # no two of them equal when thresholded
    x = treat(images.train_images[:100], "thresholded", torch.Generator()).view(-1, 28, 28)
    binary, grey = (measured(images, judges, {"samples": x}, treatment) for treatment in ("thresholded", "grey"))
    assert binary["frechet_distance_grey", "samples"].value == grey["frechet_distance", "samples"].value
    assert grey["frechet_distance_grey", "samples"].value == grey["frechet_distance", "samples"].value
    assert binary["neighbour_ratio", "samples"].value == 0, "copies of the training images under the same treatment"
    assert grey["neighbour_ratio", "samples"].value > 0
    with torch.no_grad():
        real = judges[0].features(treat(images.test_images, "thresholded", torch.Generator()))
        expected = sample_quality.frechet_distance(real, judges[0].features(x.flatten(1)))
        scale = float(real.square().sum(1).mean())  # of the moments, whose difference is the distance
    close(binary["frechet_distance", "samples"].value, expected.value, torch.float32, terms=100 + 64 * 7 * 7, scale=scale)


def test_pixel_probabilities_are_compared_with_grey_images(images, judges):
    means = images.train_images[:100].float() / 255
    draws = (torch.rand(means.shape, generator=torch.Generator().manual_seed(0)) < means).to(torch.uint8)
    found = measured(images, judges, {"samples": draws, "means": means}, "dynamically binarised")
    assert found["neighbour_ratio", "means"].value == 0
    assert found["neighbour_ratio", "samples"].value > 0
    assert found["frechet_distance", "means"] == found["frechet_distance_grey", "means"]


def test_real_images_cut_to_the_number_of_samples_are_the_first_ones(images, judges):
    """Every number of a reference belongs to one image, so that fewer samples are compared with the first test images."""
    fewer = ImageData(images.train_images, images.train_labels, images.test_images[:30], images.test_labels[:30])
    with torch.no_grad():
        whole, cut = (references.measure(data, Generators(0), judges[0]) for data in (images, fewer))
    for treatment in ("grey", "thresholded", "statically binarised"):  # the fourth draws other pixels for other images
        one, two = (references.Reference.read(found, treatment, 30, torch.device("cpu")) for found in (whole, cut))
        for name, value in vars(one).items():
            assert torch.allclose(value, getattr(two, name), rtol=1e-4, atol=1e-4), name


def test_samples_outside_the_range_of_pixels_are_clipped(images, judges):
    x = images.train_images[:100].float() / 255
    outside = torch.where(x == 0, -1.0, torch.where(x == 1, 2.0, x))
    found, expected = (numbers(measured(images, judges, {"samples": samples})) for samples in (outside, x))
    assert found == pytest.approx(expected, nan_ok=True)


def test_the_second_distance_is_that_of_the_second_classifier(images, judges):
    x = images.train_images[:100].float() / 255
    found = measured(images, judges, {"samples": x})
    swapped = measured(images, judges[::-1], {"samples": x})
    for metric in ("frechet_distance", "kernel_distance"):
        assert found[f"{metric}_second", "samples"] == swapped[metric, "samples"]
        assert found[f"{metric}_second", "samples"] != found[metric, "samples"]


def test_images_drawn_from_the_training_set_are_known_by_their_distance(images, judges, context):
    model = resample.fit(resample.Config(distinct=10), images, context).model
    samples = model.sample(100, torch.Generator().manual_seed(0))
    found = measured(images, judges, samples, model=model)
    assert found["neighbour_ratio", "samples"].value == 0
    # the features of a copy are computed in another batch; features are some ten times as large as the distances
    assert found["neighbour_ratio_features", "samples"].value < tolerance(torch.float32, 9 + 9 * 32 + 64 * 7 * 7, 10)
    assert found["recall", "samples"].value == 0, "ten copies of each leave balls of radius zero"


def test_every_judged_run_of_the_build_has_its_rows(tiny_results):
    with (tiny_results / "tables" / "metrics.csv").open(newline="") as file:
        rows = [(row["run"], row["metric"], row["split"]) for row in csv.DictReader(file)]
    assert len(rows) == len(set(rows))
    splits: dict[str, set[str]] = {}
    for run, metric, split in rows:
        if metric == "frechet_distance":
            splits.setdefault(run, set()).add(split)
    assert splits["gan"] == {"samples", "grid_1", "grid_2", "grid_3"}
    assert splits["nice"] == {"samples", "low_temperature"}
    assert splits["vae_mlp"] == splits["vqvae"] == splits["vade"] == {"samples", "means"}
    plain = {run for run, block in CONFIG["runs"].items() if block["kind"] in ("bmm", "resample")}
    assert {run: splits[run] for run in plain} == {run: {"samples"} for run in plain}
    for run, found in splits.items():
        for split in found:
            assert {(run, metric, split) for metric in QUALITY} <= set(rows)
    # how real images score is said once, by the first classifier
    assert {(judge, "accuracy", "test") for judge in CONFIG["judges"]} <= set(rows)
    assert rows.count(("real_test", "confidence", "test")) == 1


def test_a_snapshot_is_measured_on_samples_of_its_own(tiny_results):
    model = load_model(tiny_results / "models" / "gan.pt")
    data = load(tiny_results / "data" / "images.npz")
    judges = [load_model(tiny_results / "models" / f"{name}.pt") for name in CONFIG["judges"]]
    with torch.no_grad():
        samples = {"samples": model.sample(40, torch.Generator().manual_seed(1))["samples"]}
    before = measured(data, judges, samples, model=model)
    with torch.no_grad():
        model.grid_weights[0].zero_()  # an image without content
    after = measured(data, judges, samples, model=model)
    assert after["frechet_distance", "grid_1"] != before["frechet_distance", "grid_1"]
    for split in ("samples", "grid_2", "grid_3"):
        assert after["frechet_distance", split] == before["frechet_distance", split]
