"""Claims behind the comparison of all models, which question gdl-4c asks for: scores by other routes, and what they rank.

The recomputed scores are those of grey and of thresholded samples, whose references are no random draws of pixels.
"""

import math
from collections.abc import Iterator
from typing import Any, cast

import numpy as np

from dgm.checks import Claim, Evidence
from dgm.checks.gdl._shared import MIXTURES

__all__ = ["RANKED", "compared"]

RANKED = (*MIXTURES, "bmm_k20_all", "independent_pixels", "nice", "nice_scale_rate", "gan", "vae_mlp", "vae_conv", "vade", "vqvae")
"""The models that both classifiers put in order."""

FLOORS = {"vae_conv": "real_binarised", "nice": "real_grey", "nice_scale_rate": "real_grey"} | dict.fromkeys(
    MIXTURES, "real_thresholded"
)
"""The models of question gdl-4c, and the real images that have the treatment of their samples."""


def compared(evidence: Evidence) -> Iterator[Claim]:
    """Scores of samples by another route, the floors, the ranking and the verdict."""
    for run, binary in (("nice_scale_rate", False), ("bmm_k20", True), ("real_grey", False)):
        real, generated = _features(evidence, run, binary)
        stated = evidence.metric(run, "frechet_distance", "samples")
        computed = _frechet_distance(real, generated)
        yield Claim(
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
                yield Claim(f"{metric} of {run}, by a tree of neighbours", "recomputation", stated, share, 5 / len(real))
    yield from _floors(evidence)
    first, second = ([evidence.metric(run, f"frechet_distance{suffix}", "samples") for run in RANKED] for suffix in ("", "_second"))
    yield Claim(
        "rank correlation of the Fréchet distances of all models under both classifiers",
        "recomputation",
        1.0,
        _rank_correlation(first, second),
        0.1,
        needs_full_budget=True,
    )
    apart = {run: evidence.metric(run, "frechet_distance", "samples") for run in FLOORS}
    apart = {run: distance / evidence.metric(FLOORS[run], "frechet_distance", "samples") for run, distance in apart.items()}
    yield Claim(
        "in multiples of the distance of real images, the VAE's samples are the nearest of the models compared",
        "recomputation",
        expected=True,
        computed=min(apart, key=lambda run: apart[run]) == "vae_conv",
        needs_full_budget=True,
    )


def _floors(evidence: Evidence) -> Iterator[Claim]:
    """What known faults of real images do to the scores."""
    thresholded = evidence.metric("real_thresholded", "frechet_distance_grey", "samples")
    incomplete = evidence.metric("real_no_nine", "frechet_distance", "samples")
    yield Claim(
        "thresholded digits are further from grey ones than digits without nines are",
        "recomputation",
        expected=True,
        computed=thresholded > incomplete,
        needs_full_budget=True,
    )
    repeated, complete = (evidence.metric(run, "coverage", "samples") for run in ("real_thousand", "real_grey"))
    yield Claim(
        "a tenth of the images, repeated ten times, covers less than two thirds of what all of them cover",
        "recomputation",
        expected=True,
        computed=repeated < 2 / 3 * complete,
        needs_full_budget=True,
    )


def _features(evidence: Evidence, run: str, binary: bool) -> tuple[np.ndarray, np.ndarray]:
    """Classifier features of as many test images as samples and of the samples, float64."""
    import torch

    from dgm.artefacts import load_model

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


def _rank_correlation(first: list[float], second: list[float]) -> float:
    """Spearman's 1 - 6 sum d^2 / (n (n^2 - 1)) for values without ties."""
    n = len(first)
    ranks = [np.argsort(np.argsort(values)) for values in (first, second)]
    squares = math.fsum(float(a - b) ** 2 for a, b in zip(*ranks, strict=True))
    return 1 - 6 * squares / (n * (n * n - 1))
