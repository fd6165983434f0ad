"""The claims about divergences, bounds and estimators hold, and fail when a formula, a drawing or a table is wrong."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from shipped import claims

from dgm.claims.evidence import Evidence
from dgm.maths import distributions, divergences, gradient_estimators, reverse_kl, variational_bounds
from dgm.runtime.files import load_arrays, save_arrays

DEMONSTRATIONS = ("kl_landscape", "asymmetric_pair", "ring_bounds", "bound_estimators")
MODULES = {"dgm.divergences", "dgm.gaussian_transform", "ebm.bounds", "vaegan.bounds", "vaegan.lower_bound"}
CHECKS = {
    name: check
    for assignment in ("vaegan", "dgm", "ebm")
    for name, check in claims(assignment).items()
    if check.__module__.removeprefix("assignments.").replace(".claims.", ".") in MODULES
}


@pytest.fixture
def results(tiny_results: Path) -> Path:
    """A build's arrays of the demonstrations, which no budget limits, and the table with their numbers."""
    return tiny_results


def false_claims(question: str, results: Path) -> list[str]:
    """Statements of the claims that do not hold."""
    return [claim.statement for claim in CHECKS[question](Evidence(results)) if not claim.passed]


@pytest.mark.parametrize("question", CHECKS)
def test_claims_hold(question: str, results: Path) -> None:
    tested = list(CHECKS[question](Evidence(results)))
    assert len(tested) >= 4
    assert [claim.statement for claim in tested if not claim.passed] == []
    statements = [claim.statement for claim in tested]
    assert len(set(statements)) == len(statements)


def without_expected_gradient(log_target, x, mean, sd):
    """The score-function estimate with the sign of the log-ratio turned round."""
    return -gradient_estimators.gaussian_score(x, mean, sd) * (divergences.log_normal_density(x, mean, sd) - log_target(x))[:, None]


def of_one_component(x, radius):
    """The log-density of the component at (R, 0) in the place of the average over all."""
    return -math.log(2 * math.pi) - 0.5 * ((x - np.array([radius, 0.0])) ** 2).sum(1)


def with_normaliser_of_the_line(x, radius):
    """The bound with the one-dimensional normaliser."""
    return -0.5 * math.log(2 * math.pi) - 0.5 * ((x**2).sum(1) + radius**2)


def diagonal_only(z, mean, factor):
    """The log-density with the off-diagonal entries of the factor left out."""
    scale = factor.diagonal()
    return -0.5 * (((z - mean) / scale).square() + 2 * scale.log() + math.log(2 * math.pi)).sum(-1)


MUTATIONS: list[tuple[str, object, str, Callable[..., object]]] = [
    ("dgm-1-1-s1", gradient_estimators, "score_gradient", without_expected_gradient),
    ("dgm-1-1-s1", gradient_estimators, "gaussian_score", lambda x, m, s: np.stack([(x - m) / s**2, ((x - m) / s) ** 2], axis=1)),
    (
        "dgm-1-1-s1",
        gradient_estimators,
        "pathwise_gradient",
        lambda slope, e, m, s: np.stack([-slope(m + s * e), -slope(m + s * e) * s * e], 1),
    ),
    (
        "dgm-1-1-s2",
        gradient_estimators,
        "gaussian_score",
        lambda x, m, s: np.stack([(x - m) / s**2, ((x - m) / s) ** 2 - 0.75], axis=1),
    ),
    ("dgm-1-1-s3", divergences, "kl_to_quartic", lambda m, s: m**4 + 6 * m**2 * s**2 + 3 * s**4 - math.log(s)),
    ("dgm-1-1-s3", divergences, "kl_to_quartic", lambda m, s: m**4 + s**4 - math.log(s) - 1.4189385332046727),
    ("dgm-1-2-a", reverse_kl, "fold_distance", lambda: 2.42),
    ("dgm-1-2-a", reverse_kl, "equal_value_distance", lambda: 2.8001),
    ("dgm-1-2-a", reverse_kl, "reverse_minima", lambda target, starts: ([], [])),
    ("dgm-1-2-a", divergences, "reverse_kl", divergences.forward_kl),
    ("dgm-1-2-b", divergences, "moment_match", lambda target: (0.0, 4.0)),
    ("dgm-1-2-c", divergences, "normal_mass", lambda low, high, m, s: math.erf((high - m) / s)),
    ("dgm-2-1", distributions, "kl_triangular_to_standard_normal", lambda mean, factor: factor.square().sum() / 2),
    ("dgm-2-1", distributions, "triangular_gaussian_log_prob", diagonal_only),
    ("dgm-2-2", distributions, "triangular_gaussian_log_prob", diagonal_only),
    ("ebm-2-1", variational_bounds, "discrete_bound", lambda joint, q: (q * joint).sum(1)),
    ("vaegan-1a", distributions, "bernoulli_log_prob_of_probabilities", lambda x, p: (x * p.log()).sum(-1)),
    ("vaegan-1b", variational_bounds, "gaussian_outputs", lambda dimensions, covariance: 2 * dimensions),
    ("vaegan-1c", divergences, "kl_discrete", lambda p, q: -float((np.asarray(p) * np.log(q)).sum())),
    ("vaegan-1d", divergences, "kl_discrete", lambda p, q: float(np.abs(np.subtract(p, q)).sum())),
    ("vaegan-1g", divergences, "kl_gaussian", lambda m, s, a, b: math.log(b / s) + (s**2 + (m - a) ** 2) / (2 * b**2)),
    ("vaegan-1h", divergences, "kl_gaussian", lambda m, s, a, b: (m - a) ** 2 / s**2),
    ("vaegan-1i", variational_bounds, "discrete_maximiser", lambda likelihood, prior: likelihood / likelihood.sum()),
    ("vaegan-1j", divergences, "kl_discrete", lambda p, q: float((np.asarray(q) * np.log(np.divide(q, p))).sum())),
    ("ebm-2-2", divergences, "forward_kl", divergences.reverse_kl),
    ("ebm-2-2", divergences, "reverse_kl", divergences.forward_kl),
    ("ebm-2-3-c1", variational_bounds, "uniform_bound", of_one_component),
    ("ebm-2-3-c1", variational_bounds, "uniform_bound", with_normaliser_of_the_line),
    ("ebm-2-3-c1", variational_bounds, "uniform_gap", lambda x, k, r: math.log(k) * np.ones(len(x))),
    ("ebm-2-3-c2", variational_bounds, "discrete_bound", lambda joint, q: joint.max(1) + math.log(10)),
    ("ebm-2-4-c1", variational_bounds, "uniform_bound", of_one_component),
    ("ebm-2-4-c1", variational_bounds, "log_bessel", lambda t: t - 0.5 * np.log(2 * np.pi * t)),
    ("ebm-2-4-c2", variational_bounds, "log_bessel", lambda t: t),
    ("vaegan-1e", gradient_estimators, "bound_variances", lambda x, m, s: (0.25, 0.25)),
    ("vaegan-1e", gradient_estimators, "bound_draws", lambda x, m, s, e: (m + s * e, m + s * e)),
    ("vaegan-1f", variational_bounds, "constant_code_bound", lambda images: -math.log(2)),
    ("vaegan-1f", variational_bounds, "code_bound", lambda images: 0.0),
]


@pytest.mark.parametrize(("question", "owner", "name", "wrong"), MUTATIONS, ids=[f"{q}-{name}" for q, _, name, _ in MUTATIONS])
def test_a_wrong_formula_is_rejected(
    question: str, owner: object, name: str, wrong: Callable[..., object], results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, wrong)
    assert false_claims(question, results)


@pytest.mark.parametrize(
    ("question", "demonstration", "array"),
    [
        ("dgm-1-2-a", "kl_landscape", "thresholds"),
        ("dgm-1-2-a", "kl_landscape", "reverse_minima"),
        ("dgm-1-2-a", "kl_landscape", "saddles"),
        ("dgm-1-2-b", "kl_landscape", "forward_minimum"),
        ("dgm-1-2-c", "kl_landscape", "valley"),
        ("ebm-2-2", "asymmetric_pair", "variances_pq"),
        ("ebm-2-3-c1", "ring_bounds", "r10_uniform"),
        ("ebm-2-4-c1", "ring_bounds", "r10_uniform_at_mean"),
        ("ebm-2-4-c2", "ring_bounds", "r10_around_limit"),
    ],
)
def test_a_drawing_of_other_numbers_is_rejected(
    question: str, demonstration: str, array: str, results: Path, tmp_path: Path
) -> None:
    for name in DEMONSTRATIONS:
        arrays = load_arrays(results / "arrays" / f"{name}.npz")
        if name == demonstration:
            arrays[array] = arrays[array] * np.linspace(1.5, 1.6, len(arrays[array])).reshape(-1, *[1] * (arrays[array].ndim - 1))
        save_arrays(tmp_path / "arrays" / f"{name}.npz", arrays)
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "all.csv").write_text((results / "tables" / "metrics.csv").read_text())
    assert any("drawn" in claim for claim in false_claims(question, tmp_path))


@pytest.mark.parametrize(
    ("question", "run"),
    [
        ("ebm-2-2", "asymmetric_pair"),
        ("ebm-2-3-c1", "ring_bounds"),
        ("ebm-2-3-c2", "ring_bounds"),
        ("vaegan-1e", "bound_estimators"),
    ],
)
def test_a_table_of_other_numbers_is_rejected(question: str, run: str, results: Path, tmp_path: Path) -> None:
    table = pd.read_csv(results / "tables" / "metrics.csv")
    table.loc[table["run"] == run, "value"] *= 1.01
    (tmp_path / "metrics").mkdir()
    table.to_csv(tmp_path / "metrics" / "all.csv", index=False, na_rep="nan")
    (tmp_path / "arrays").symlink_to(results / "arrays")
    assert any("table" in claim for claim in false_claims(question, tmp_path))
