"""Claims behind the comparison of all models, which question gdl-4c asks for: scores by other routes, and what they rank.

The recomputed scores are those of grey and of thresholded samples, whose references are no random draws of pixels.
"""

import math
from collections.abc import Iterator
from typing import Any, cast

import numpy as np

from dgm.claims.claim import Claim, Finding
from dgm.claims.evidence import Evidence
from dgm.maths.measured import Measured, bootstrapped

from ._shared import MIXTURES, apart

__all__ = ["RANKED", "compared"]

RANKED = (*MIXTURES, "bmm_k20_all", "independent_pixels", "nice", "nice_scale_rate", "gan", "vae_mlp", "vae_conv", "vade", "vqvae")
"""The models that both classifiers put in order."""

FLOORS = {"vae_conv": "real_binarised", "nice": "real_grey", "nice_scale_rate": "real_grey"} | dict.fromkeys(
    MIXTURES, "real_thresholded"
)
"""The models of question gdl-4c, and the real images that have the treatment of their samples."""


def compared(evidence: Evidence) -> Iterator[Claim | Finding]:
    """Scores of samples by another route, the floors, the ranking and the verdict."""
    from scipy.stats import spearmanr

    for run, binary in (("nice_scale_rate", False), ("bmm_k20", True), ("real_grey", False)):
        real, generated = _features(evidence, run, binary)
        stated = evidence.metric(run, "frechet_distance", "samples")
        computed = _frechet_distance(real, generated)
        yield Claim(
            f"distance-ratio-{run.replace('_', '-')}",
            f"Fréchet distance of {run}, by the eigenvalues of CC', over the one in the table",
            "recomputation",
            1.0,
            computed / stated,
            1e-3,
        )
        if run == "nice_scale_rate":
            for metric, share in zip(("precision", "coverage"), _shares(real, generated), strict=True):
                stated = evidence.metric(run, metric, "samples")
                # a neighbour at the very edge of a ball may fall to either side by rounding
                yield Claim(
                    f"{metric}-{run.replace('_', '-')}",
                    f"{metric} of {run}, by a tree of neighbours",
                    "recomputation",
                    stated,
                    share,
                    5 / len(real),
                )
    yield from _floors(evidence)
    first, second = (
        np.array([evidence.metric(run, f"frechet_distance{suffix}", "samples") for run in RANKED]) for suffix in ("", "_second")
    )
    agreement = float(spearmanr(first, second).statistic)
    yield Claim(
        "rank-correlation",
        "rank correlation of the Fréchet distances of all models under both classifiers",
        "recomputation",
        agreement,
        _rank_correlation(first, second),
        1e-9,
    )
    yield Finding(
        "classifiers-agree",
        "agreement of both classifiers on the order of all models, by rank correlation",
        bootstrapped(lambda one, two: float(spearmanr(one, two).statistic), first, second, seed=0),
        above=0.7,  # half of the variance of one ranking is then in the other
    )
    yield from _three(evidence)
    yield from _many_components(evidence)


def _three(evidence: Evidence) -> Iterator[Finding]:
    """The VAE against the nearest of the other models of the question, by both scores."""
    informed = {run: evidence.measured(run, "class_information", "samples") for run in FLOORS}
    rival = max((run for run in FLOORS if run != "vae_conv"), key=lambda run: informed[run].value)
    yield Finding(
        "most-informative",
        "class information of the VAE's samples minus the highest of the other models compared",
        apart(informed["vae_conv"], informed[rival]),
        above=0.0,
    )
    multiples = {run: _in_floors(evidence, run) for run in FLOORS}
    rival = min((run for run in FLOORS if run != "vae_conv"), key=lambda run: multiples[run].value)
    yield Finding(
        "nearest",
        "Fréchet distance in multiples of that of real images, the nearest of the other models compared minus the VAE",
        apart(multiples[rival], multiples["vae_conv"]),
        above=0.0,
    )


def _in_floors(evidence: Evidence, run: str) -> Measured:
    """The Fréchet distance of a model's samples over that of real images with their treatment; the error by the delta method."""
    distance, floor = (evidence.measured(model, "frechet_distance", "samples") for model in (run, FLOORS[run]))
    ratio = distance.value / floor.value
    return Measured(ratio, ratio * math.hypot(distance.stderr / distance.value, floor.stderr / floor.value), distance.n)


def _many_components(evidence: Evidence) -> Iterator[Finding]:
    """Mixtures with 100 and 200 components, fitted to all training images, against the VAE."""
    for name, metric, components, more in (
        ("information", "class_information", 100, 1),
        ("information", "class_information", 200, 1),
        ("precision", "precision", 100, 1),
        ("coverage", "coverage", 200, 1),
        ("recall", "recall", 100, -1),
        ("distance", "frechet_distance", 100, 1),
        ("distance-second", "frechet_distance_second", 100, 1),
        ("told-apart", "two_sample_accuracy", 100, 1),
    ):
        runs = (f"bmm_stored_k{components}", "vae_conv")
        first, second = (evidence.measured(run, metric, "samples") for run in (runs if more > 0 else runs[::-1]))
        order = (
            f"the mixture with $K={components}$ minus the VAE" if more > 0 else f"the VAE minus the mixture with $K={components}$"
        )
        yield Finding(f"{name}-k{components}", f"{metric.replace('_', ' ')} of samples, {order}", apart(first, second), above=0.0)


def _floors(evidence: Evidence) -> Iterator[Finding]:
    """What known faults of real images do to the scores."""
    thresholded = evidence.measured("real_thresholded", "frechet_distance_grey", "samples")
    incomplete = evidence.measured("real_no_nine", "frechet_distance", "samples")
    yield Finding(
        "threshold-seen",
        "Fréchet distance from grey digits, thresholded digits minus digits without nines",
        apart(thresholded, incomplete),
        above=0.0,
    )
    repeated, complete = (evidence.measured(run, "coverage", "samples") for run in ("real_thousand", "real_grey"))
    yield Finding(
        "copies-cover-less",
        "two thirds of the coverage of training images minus that of a tenth of them, repeated ten times",
        Measured(2 / 3 * complete.value - repeated.value, math.hypot(2 / 3 * complete.stderr, repeated.stderr), repeated.n),
        above=0.0,
    )


def _features(evidence: Evidence, run: str, binary: bool) -> tuple[np.ndarray, np.ndarray]:
    """Classifier features of as many test images as samples and of the samples, float64."""
    import torch

    from dgm.models import load_model

    classifier = cast(Any, load_model(evidence.model_path("classifier")))
    test, drawn = evidence.images()["test_images"], evidence.samples(run)["samples"]
    real = test > 127 if binary else test / 255
    n = min(len(real), len(drawn))
    found = []
    for images in (real, drawn):
        x = torch.from_numpy(np.clip(images[:n], 0, 1).astype(np.float32)).flatten(1)
        with torch.no_grad():
            found.append(torch.cat([classifier.features(part) for part in x.split(500)]).double().numpy())
    return found[0], found[1]


def _frechet_distance(real: np.ndarray, generated: np.ndarray) -> float:
    """|m - m'|^2 + tr C + tr C' - 2 sum of the roots of the eigenvalues of C C', which is not symmetric."""
    c, other = np.cov(real.T), np.cov(generated.T)
    roots = np.sqrt(np.linalg.eigvals(c @ other).astype(np.complex128)).real.sum()
    apart = real.mean(0) - generated.mean(0)
    return float(apart @ apart + np.trace(c) + np.trace(other) - 2 * roots)


def _shares(real: np.ndarray, generated: np.ndarray, k: int = 5) -> tuple[float, float]:
    """Precision and coverage with balls to the k-th neighbour."""
    from sklearn.neighbors import KDTree

    tree = KDTree(real)
    radius = tree.query(real, k + 1)[0][:, -1]
    inside = [bool((np.linalg.norm(real - x, axis=1) <= radius).any()) for x in generated]
    nearest = KDTree(generated).query(real, 1)[0][:, 0]
    return float(np.mean(inside)), float(np.mean(nearest <= radius))


def _rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's 1 - 6 sum d^2 / (n (n^2 - 1)) for values without ties."""
    n = len(first)
    ranks = [np.argsort(np.argsort(values)) for values in (first, second)]
    squares = math.fsum(float(a - b) ** 2 for a, b in zip(*ranks, strict=True))
    return 1 - 6 * squares / (n * (n * n - 1))
