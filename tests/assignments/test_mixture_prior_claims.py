"""Claims and findings about the mixture-prior autoencoder fail and turn when a result is another."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from outcomes import CHECKS, false_claims, findings

from assignments.dgm.claims import mixture_prior as checks
from assignments.dgm.demonstrations import mixture_prior as drawing
from dgm.claims.claim import Finding
from dgm.claims.evidence import Evidence
from dgm.maths import clustering, mixture_prior
from dgm.maths.mixture_prior import Example
from dgm.models import vade

METRICS = {
    ("mixture_kl", "one draw"): 19.2,
    ("mixture_kl", "averaged"): 19.1,
    ("mixture_kl", "geometric"): 19.0,
    ("kl_to_geometric", "averaged"): 0.1,
    ("argmax_agreement", "averaged"): 0.99,
    ("grey_bound", "test"): -100.0,
    ("grey_reconstruction", "test"): -81.0,
    ("grey_prior", "test"): -8.0,
    ("grey_assignment", "test"): -2.0,
    ("grey_entropy", "test"): -9.0,
    ("smallest_cluster", "test"): 0.06,
    ("grey_bound", "train"): -90.0,
}
LABELS = np.arange(1000) % 10
WRONG = np.random.default_rng(0).permutation(LABELS)


def clusters(right: float) -> np.ndarray:
    """Clusters of which that share is right and the rest is drawn."""
    return np.where(np.random.default_rng(1).random(len(LABELS)) < right, LABELS, WRONG)


DRAWN = drawing.compute(seed=0)


@dataclasses.dataclass(frozen=True)
class MadeUp(Evidence):
    """Numbers of a good trained model, some of them replaced."""

    changed: dict[tuple[str, str], float] = dataclasses.field(default_factory=dict)
    accuracies: tuple[float, ...] = (0.7, 0.75, 0.8)
    scores: tuple[float, ...] = (-120.0, -101.0, -100.0)
    weights: tuple[float, ...] = (0.1,) * 10
    drawn: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    shares: dict[str, float] = dataclasses.field(default_factory=dict)

    def metric(self, run: str, metric: str, split: str = "test", field: str = "value") -> float:
        assert run == checks.RUN
        return {"value": (METRICS | self.changed)[metric, split], "stderr": 0.01, "n": 1000.0}[field]

    def images(self) -> dict[str, np.ndarray]:
        return {"test_labels": LABELS}

    def evaluations(self, run: str) -> dict[str, np.ndarray]:
        share = ({checks.RUN: 0.8, checks.RANDOM_START: 0.4, checks.PIXELS: 0.5} | self.shares)[run]
        scores = np.random.default_rng(2).normal(-150 + 50 * share, 20, len(LABELS))
        return {"clusters_test": clusters(share), "grey_bound_test": scores}

    def arrays(self, demonstration: str) -> dict[str, np.ndarray]:
        return DRAWN | self.drawn

    def samples(self, run: str) -> dict[str, np.ndarray]:
        return {"weights": np.array(self.weights)}

    def history(self, run: str) -> pd.DataFrame:
        curves = {"clustering_accuracy": self.accuracies, "bound": self.scores}
        rows = [(epoch, epoch, "test", term, value) for term, curve in curves.items() for epoch, value in enumerate(curve)]
        return pd.DataFrame(rows, columns=["epoch", "step", "split", "term", "value"])


def found(question: str, **changes: Any) -> dict[str, Finding]:
    return findings(question, MadeUp(Path(), **changes))


TRUE_NORMAL, TRUE_EVIDENCE, TRUE_MARGINAL = checks._normal, Example.log_evidence, checks._linear_marginal
TRUE_BOUND, TRUE_TERMS = Example.bound, vade.bound_terms


def test_a_missing_term_of_the_direct_bound_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    """The computed side can fail too: without the weights p(c) no number of the example is met."""
    joint = checks._joint
    monkeypatch.setattr(checks, "_joint", lambda x, z, c: joint(x, z, c) / mixture_prior.EXAMPLE.weights[c])
    checks._five_terms.cache_clear()
    try:
        assert {"bound-of-example", "log-evidence-of-example"} <= false_claims("dgm-3-2", MadeUp(Path()))
    finally:
        checks._five_terms.cache_clear()


@pytest.mark.parametrize(("question", "values"), [("dgm-3-1", 1), ("dgm-3-2", 1), ("dgm-3-4", 2), ("dgm-3-5", 1)])
def test_the_printed_formula_is_rejected(question: str, values: int) -> None:
    """An answer that repeated the published statement would fail."""
    tested = [claim for claim in CHECKS[question](MadeUp(Path())) if claim.published is not None]
    assert len(tested) == values
    for claim in tested:
        assert claim.passed
        assert not dataclasses.replace(claim, stated=claim.published, published=None).passed


@pytest.mark.parametrize(
    ("question", "changes"),
    [
        ("dgm-3-1", {"weights": (0.2,) * 10}),
        ("dgm-3-1", {"weights": (-0.1, 0.3, *(0.1,) * 8)}),
        ("dgm-3-3-2", {"drawn": {"averaged": DRAWN["geometric"]}}),
        ("dgm-3-3-2", {"drawn": {"marks": DRAWN["marks"][::-1]}}),
        ("dgm-3-3-2", {"changed": {("mixture_kl", "averaged"): 18.9}}),
        ("dgm-3-3-2", {"changed": {("kl_to_geometric", "averaged"): 0.2}}),
        ("dgm-3-5", {"changed": {("grey_prior", "test"): 8.0}}),
    ],
)
def test_a_wrong_result_is_rejected(question: str, changes: dict[str, Any]) -> None:
    assert false_claims(question, MadeUp(Path(), **changes))


GOOD = {
    "dgm-3-3-2": {"same-cluster", "averaging-costs-little"},
    "dgm-3-5": {
        "better-on-training-images",
        "score-above-random-start",
        "third-phase-raises-score",
        "information-above-pixels",
        "accuracy-above-pixels",
        "accuracy-above-random-start",
        "every-cluster-used",
    },
}


@pytest.mark.parametrize("question", GOOD)
def test_a_good_model_shows_what_is_expected_of_it(question: str) -> None:
    shown = {name for name, finding in found(question, changed={("kl_to_geometric", "averaged"): 0.01}).items() if finding.passed}
    assert shown == GOOD[question]


@pytest.mark.parametrize(
    ("question", "name", "changes"),
    [
        ("dgm-3-3-2", "same-cluster", {"changed": {("argmax_agreement", "averaged"): 0.5}}),
        ("dgm-3-3-2", "averaging-costs-little", {"changed": {("kl_to_geometric", "averaged"): 0.2}}),
        ("dgm-3-5", "better-on-training-images", {"changed": {("grey_bound", "train"): -110.0}}),
        ("dgm-3-5", "score-above-random-start", {"shares": {checks.RANDOM_START: 0.8}}),
        ("dgm-3-5", "third-phase-raises-score", {"scores": (-100.0, -101.0)}),
        ("dgm-3-5", "third-phase-finds-no-digit", {"accuracies": (0.4, 0.8)}),
        ("dgm-3-5", "information-above-pixels", {"shares": {checks.PIXELS: 0.9}}),
        ("dgm-3-5", "accuracy-above-pixels", {"shares": {checks.PIXELS: 0.8}}),
        ("dgm-3-5", "accuracy-above-random-start", {"shares": {checks.RANDOM_START: 0.9}}),
        ("dgm-3-5", "every-cluster-used", {"changed": {("smallest_cluster", "test"): 0.0}}),
    ],
)
def test_another_model_does_not(question: str, name: str, changes: dict[str, Any]) -> None:
    assert not found(question, **changes)[name].passed


def test_accuracies_are_compared_image_by_image() -> None:
    """The estimate is the difference of both accuracies, and knows how often only one of the two is right."""
    from dgm.maths.clustering import clustering_accuracy

    one, other = (clusters(share) for share in (0.8, 0.5))
    estimate = found("dgm-3-5")["accuracy-above-pixels"].estimate
    accuracies = [clustering_accuracy(LABELS, each).value for each in (one, other)]
    assert estimate.value == pytest.approx(accuracies[0] - accuracies[1])
    apart = (one == LABELS).astype(float) - (other == LABELS)
    assert estimate.stderr == pytest.approx(apart.std(ddof=1) / len(LABELS) ** 0.5)


def test_a_lost_digit_and_a_mixed_cluster_are_found() -> None:
    assert found("dgm-3-5")["a-digit-without-cluster"].estimate.value == 0
    mixed = found("dgm-3-5", shares={checks.RUN: 0.3})["a-mixed-cluster"]
    assert mixed.passed
    assert not found("dgm-3-5")["a-mixed-cluster"].passed
    assert checks._lost_digits(np.array([0, 0, 1, 1, 0]), np.array([0, 0, 1, 1, 1])) == 0
    assert checks._lost_digits(np.array([0, 0, 1, 0, 0]), np.array([0, 0, 1, 1, 1])) == 1


def test_shared_information_is_that_of_the_library() -> None:
    from sklearn.metrics import normalized_mutual_info_score

    for clustered in (clusters(0.8), clusters(0.3), LABELS // 3, 0 * LABELS):
        expected = normalized_mutual_info_score(LABELS, clustered)
        assert clustering.normalised_mutual_information(LABELS, clustered) == pytest.approx(expected, abs=1e-12)
