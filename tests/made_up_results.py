"""A results folder in which every claim of the gdl answers holds, made in seconds: models with random weights, made-up curves."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from dgm import sample_quality
from dgm.artefacts import load_model, save_history, save_model
from dgm.checks.gdl.model_comparison import RANKED
from dgm.config import parse
from dgm.files import load_arrays, save_arrays
from dgm.measurements import COLUMNS
from dgm.metrics import class_information
from dgm.models import bmm, classifier, nice, vae_conv
from dgm.stages.demonstrate import main as demonstrate

MIXTURES = {"bmm_k5": 5, "bmm_k10": 10, "bmm_k20": 20, "bmm_k20_all": 20}
Metrics = dict[tuple[str, str, str], float]


def build(results: Path) -> None:
    """Write the folder."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (64, 28, 28), dtype=np.uint8)
    labels = np.arange(64, dtype=np.uint8) % 7
    data = {"train_images": images, "train_labels": labels, "test_images": images, "test_labels": labels}
    save_arrays(results / "data" / "images.npz", data)
    (results / "data" / "provenance.json").write_text(json.dumps({"dataset": "mnist-5k"}))
    metrics: Metrics = {}
    for run, k in MIXTURES.items():
        _mixture(results, run, k, images, metrics)
    _flows(results, metrics)
    _autoencoder(results, metrics)
    _classifier(results, metrics)
    _quality(results, metrics, rng)
    write_metrics(results, metrics)
    for name in ("two_mode_fits", "mean_field", "square_distance"):
        files = {"arrays": results / "arrays" / f"{name}.npz", "metrics": results / "metrics" / f"{name}.csv"}
        files["record"] = results / "records" / "demonstrate" / f"{name}.json"
        options = [word for option, path in files.items() for word in (f"--{option}", str(path))]
        assert demonstrate(["--name", name, "--seed", "0", *options]) == 0


def write_metrics(results: Path, metrics: Mapping[tuple[str, str, str], float]) -> None:
    """Write ``tables/metrics.csv``."""
    (results / "tables").mkdir(exist_ok=True)
    with (results / "tables" / "metrics.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(
            [run, run.split("_")[0], metric, repr(float(value)), "0.01", "64", split, ""]
            for (run, metric, split), value in metrics.items()
        )


def _bars(n: int) -> np.ndarray:
    """Images of ten kinds that a classifier can tell apart."""
    bars = np.zeros((n, 28, 28), np.uint8)
    for i in range(n):
        bars[i, :, 2 * (i % 10) : 2 * (i % 10) + 6] = 1
    return bars


def _mixture(results: Path, run: str, k: int, images: np.ndarray, metrics: Metrics) -> None:
    generator = torch.Generator().manual_seed(k)
    model = bmm.Model(parse(bmm.Config, {"components": k}, run))
    model.p.copy_(0.3 + 0.4 * torch.rand(model.p.shape, generator=generator, dtype=torch.float64))
    weights = 0.5 + torch.rand((k, 1), generator=generator, dtype=torch.float64)
    model.mix_p.copy_(weights / weights.sum())
    save_model(results / "models" / f"{run}.pt", "bmm", {"components": k}, model)
    x = torch.from_numpy((images.reshape(-1, 784) > 127).astype(np.float64))
    test = float(model.log_prob(x).mean())
    clusters = model.responsibilities(x).argmax(1).numpy()
    drawn = {name: v.numpy() for name, v in (model.sample(64, generator) | model.describe()).items()}
    readable = 64 * k // 25  # more components, more samples that a classifier can tell apart
    drawn["samples"][:readable] = _bars(readable)
    save_arrays(results / "samples" / f"{run}.npz", drawn)
    save_arrays(results / "evaluations" / f"{run}.npz", {"clusters_test": clusters})
    curve = test + 10 * k - 20 / np.arange(1.0, 12.0)
    rows = [(0, i, "train", "log_likelihood", float(v)) for i, v in enumerate(curve)]
    rows += [(0, i, "train", "log_likelihood/start_0", float(v)) for i, v in enumerate(curve)]
    rows += [(0, i, "train", "log_likelihood/start_1", float(v) - 1) for i, v in enumerate(curve)]
    save_history(results / "history" / f"{run}.csv", rows)
    _judged(metrics, run, 784 * k + k - 1, 1.0, 0.3 + k / 100)
    metrics |= {
        (run, "log_likelihood", "test"): test,
        (run, "purity", "test"): 0.3 + k / 50,
        (run, "prototype_entropy", "model"): 0.6 - k / 100,
        (run, "neighbour_correlation_samples", "samples"): 0.001,
        (run, "neighbour_correlation_data", "test"): 0.4,
    }


def _flows(results: Path, metrics: Metrics) -> None:
    for run in ("nice", "nice_scale_rate"):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = nice.Model(parse(nice.Config, {}, run))
        with torch.no_grad():
            model.log_scale.copy_(_log_scales(run))
            drawn = {name: v.numpy() for name, v in model.sample(64, torch.Generator().manual_seed(0)).items()}
        save_model(results / "models" / f"{run}.pt", "nice", {}, model)
        save_arrays(results / "samples" / f"{run}.npz", drawn)
        rows = [(e, e, split, "log_likelihood", float(-1000 / e)) for e in range(1, 6) for split in ("train", "test")]
        save_history(results / "history" / f"{run}.csv", rows)
        _judged(metrics, run, 19_158_352, 100.0, 0.7)
        metrics[run, "log_likelihood", "test"] = 784 * (np.log(256) - 5 * np.log(2))
        metrics[run, "log_likelihood_median", "test"] = metrics[run, "log_likelihood", "test"] + 100
        metrics[run, "bits_per_dim", "test"] = 5.0


def _log_scales(run: str) -> torch.Tensor:
    """As far as five steps of Adam go, or as they should be: large at the border, small in the centre."""
    if run == "nice":
        return torch.full((784,), 0.005)
    scales = torch.full((28, 28), 4.0)
    scales[0] = 7.0
    scales[10:18, 10:18] = 2.0
    return scales.flatten()


def _autoencoder(results: Path, metrics: Metrics) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = vae_conv.Model(parse(vae_conv.Config, {}, "vae_conv"))
    save_model(results / "models" / "vae_conv.pt", "vae_conv", {}, model)
    bars = _bars(64)
    save_arrays(results / "samples" / "vae_conv.npz", {"samples": bars, "means": 0.9 * bars.astype(np.float32)})
    rows: list[Any] = [
        (e, e, split, term, sign * 100 / e)
        for e in range(1, 6)
        for split in ("train", "test")
        for term, sign in (("bound", -1.0), ("reconstruction", -0.8), ("kl", 0.2))
    ]
    save_history(results / "history" / "vae_conv.csv", rows)
    _judged(metrics, "vae_conv", 974_241, 200.0, 0.95)
    metrics["vae_conv", "bound_same_images", "test"] = -100.0
    metrics["vae_conv", "iwae_50", "test"] = -95.0


def _classifier(results: Path, metrics: Metrics) -> None:
    """A classifier with random weights in its body, sharpened so that different images get different classes."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = classifier.Model(parse(classifier.Config, {}, "classifier"))
    bars = np.load(results / "samples" / "vae_conv.npz")["samples"][:10]
    with torch.no_grad():
        features = model.body(torch.from_numpy(bars).float()[:, None])
        features = (features - features.mean(0)) / features.std()
        model.head.weight.copy_(3 * features)
        model.head.bias.zero_()
    save_model(results / "models" / "classifier.pt", "classifier", {}, model)
    for run in (*MIXTURES, "nice", "nice_scale_rate", "vae_conv"):
        samples = load_arrays(results / "samples" / f"{run}.npz")["samples"]
        metrics[run, "class_information", "samples"] = _information(model, samples.astype(np.float32).clip(0, 1))
    test = load_arrays(results / "data" / "images.npz")["test_images"]
    metrics["real_test", "class_information", "test"] = _information(model, (test / 255).astype(np.float32))


def _quality(results: Path, metrics: Metrics, rng: np.random.Generator) -> None:
    """Scores that checks recompute from the samples, and others in the order that the claims speak of."""
    model = cast(classifier.Model, load_model(results / "models" / "classifier.pt"))
    test = load_arrays(results / "data" / "images.npz")["test_images"]
    save_arrays(results / "samples" / "real_grey.npz", {"samples": rng.random((64, 28, 28), dtype=np.float32)})
    for place, run in enumerate(RANKED, 1):
        metrics |= {(run, f"frechet_distance{suffix}", "samples"): 1000.0 * place for suffix in ("", "_second")}
    for run, real in (("real_grey", test / 255), ("nice_scale_rate", test / 255), ("bmm_k20", test > 127)):
        drawn = load_arrays(results / "samples" / f"{run}.npz")["samples"]
        first, second = (_features(model, images) for images in (real, drawn))
        found = sample_quality.neighbourhoods(first, second) | {"frechet_distance": sample_quality.frechet_distance(first, second)}
        metrics |= {(run, name, "samples"): measured.value for name, measured in found.items()}
        metrics[run, "frechet_distance_second", "samples"] = found["frechet_distance"].value
    metrics |= {(run, "frechet_distance", "samples"): 1.0 for run in ("real_thresholded", "real_binarised", "real_no_nine")}
    metrics["vae_conv", "frechet_distance", "samples"] = metrics["vae_conv", "frechet_distance_second", "samples"] = 1e-6
    metrics["real_thresholded", "frechet_distance_grey", "samples"] = 2.0
    metrics["real_grey", "coverage", "samples"], metrics["real_thousand", "coverage", "samples"] = 0.9, 0.5


def _features(model: classifier.Model, images: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        features = model.features(torch.from_numpy(images.astype(np.float32).clip(0, 1)).flatten(1))
    values: np.ndarray = features.double().numpy()
    return values


def _information(model: classifier.Model, images: np.ndarray) -> float:
    with torch.no_grad():
        log_p = model.log_probabilities(torch.from_numpy(images).flatten(1)).double().numpy()
    return class_information(log_p).value


def _judged(metrics: Metrics, run: str, parameters: int, seconds: float, confidence: float) -> None:
    metrics |= {
        (run, "parameters", "model"): float(parameters),
        (run, "train_seconds", "train"): seconds,
        (run, "seconds_per_epoch", "train"): seconds / 50,
        (run, "sample_seconds_per_1000", "samples"): 0.1,
        (run, "confidence", "samples"): confidence,
    }
