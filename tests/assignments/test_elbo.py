"""The claims of the elbo answers hold, and fail when a formula, a drawing, a metric or a measured array is wrong."""

import functools
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from shipped import FOLDERS, claims

from dgm.claims.claim import Finding
from dgm.claims.evidence import Evidence
from dgm.maths import divergences, gradient_estimators, variational_bounds
from dgm.models import vae_mlp
from dgm.models.vae_mlp import Posterior
from dgm.report.catalogue import read_answer
from dgm.runtime.files import load_arrays, save_arrays

ANSWERS = FOLDERS["elbo"] / "answers"
CHECKS = claims("elbo")
EVERY = ["elbo-1a", "elbo-1b", "elbo-2a", "elbo-2b", "elbo-2c", "elbo-3", "elbo-4", "elbo-5"]


def false_claims(question: str, results: Path) -> set[str]:
    """Statements of the claims that do not hold."""
    return {claim.statement for claim in CHECKS[question](Evidence(results)) if not claim.passed}


@functools.cache
def false_anyway(question: str, results: Path) -> set[str]:
    """The same of the unchanged results, two steps of training in which need not show what a full budget does."""
    return false_claims(question, results)


def test_every_question_is_checked_and_answered() -> None:
    assert sorted(CHECKS) == EVERY
    assert sorted(path.stem for path in ANSWERS.glob("*.md")) == EVERY


@pytest.mark.parametrize("question", EVERY)
def test_a_wrong_published_value_is_one_a_claim_rejects(question: str, tiny_results: Path) -> None:
    tested = list(CHECKS[question](Evidence(tiny_results)))
    correction = read_answer(ANSWERS / f"{question}.md").correction
    if correction is not None and correction.fault == "wrong":
        rejected = [claim for claim in tested if claim.published is not None]
        assert rejected
        assert all(float(claim.published) != float(claim.stated) for claim in rejected)


def test_the_bound_is_called_by_its_name() -> None:
    result = read_answer(ANSWERS / "elbo-2b.md").text.split("\n\n")[0]
    assert "evidence lower bound" in result
    assert "empirical" not in result.lower()


def exchanged(m: float, s: float, a: float, b: float) -> float:
    return REAL_KL(a, b, m, s)


def rooted(p, q) -> float:
    """The divergence with the logarithm of the square root."""
    return 0.5 * REAL_DISCRETE(p, q)


def against_the_prior_alone(joint, q):
    """The bound without the entropy of q."""
    return (q * joint).sum(1)


def with_entropy_subtracted(joint, q):
    return (q * joint + q * np.log(q)).sum(1)


def of_a_product(joint, q):
    """A product over the values of z in the place of a sum."""
    return np.prod(q * (joint - np.log(q)), axis=1)


def shifted(x: float, scale: float) -> tuple[float, float]:
    """The posterior with the prior's precision forgotten."""
    return x / scale, 1 / scale


def with_variance_for_scale(x: float, scale: float, mean: float, sd: float) -> float:
    return REAL_SCALED(x, scale, mean, sd**2)


def without_spread(x: float, scale: float, mean: float, sd: float) -> float:
    """The misfit of the mean only: the term scale^2 sd^2 is missing."""
    return REAL_SCALED(x, scale, mean, sd) + 0.5 * scale**2 * sd**2


def raised(x: float, mean: float, sd: float) -> float:
    """The divergence added, not subtracted."""
    return REAL_LINEAR(x, mean, sd) + 2 * REAL_KL(mean, sd, 0.0, 1.0)


REAL_KL, REAL_DISCRETE = divergences.kl_gaussian, divergences.kl_discrete
REAL_SCALED, REAL_LINEAR = divergences.elbo_scaled_gaussian, divergences.elbo_linear_gaussian

MUTATIONS: list[tuple[str, object, str, Callable[..., object]]] = [
    ("elbo-1a", divergences, "kl_gaussian", exchanged),
    ("elbo-1a", divergences, "kl_gaussian", lambda m, s, a, b: -REAL_KL(m, s, a, b)),
    ("elbo-1a", divergences, "kl_uniform", lambda p, q: math.log((p[1] - p[0]) / (q[1] - q[0]))),
    ("elbo-1a", divergences, "kl_uniform", lambda p, q: abs(math.log((p[1] - p[0]) / (q[1] - q[0])))),
    ("elbo-1a", divergences, "log_normal_density", lambda x, m, s: -0.5 * ((np.asarray(x) - m) / s) ** 2 - math.log(s)),
    ("elbo-1b", divergences, "kl_discrete", lambda p, q: -REAL_DISCRETE(p, q)),
    ("elbo-1b", divergences, "kl_discrete", rooted),
    ("elbo-1b", divergences, "kl_uniform", lambda p, q: 0.0),
    ("elbo-2a", variational_bounds, "discrete_bound", against_the_prior_alone),
    ("elbo-2a", variational_bounds, "discrete_bound", with_entropy_subtracted),
    ("elbo-2a", variational_bounds, "discrete_bound", of_a_product),
    ("elbo-2a", divergences, "kl_discrete", lambda p, q: REAL_DISCRETE(q, p)),
    ("elbo-2a", divergences, "elbo_scaled_gaussian", without_spread),
    ("elbo-2a", divergences, "elbo_linear_gaussian", raised),
    ("elbo-2b", variational_bounds, "discrete_bound", against_the_prior_alone),
    ("elbo-2c", variational_bounds, "discrete_maximiser", lambda likelihood, prior: likelihood / likelihood.sum()),
    ("elbo-2c", variational_bounds, "discrete_maximiser", lambda likelihood, prior: likelihood * prior),
    ("elbo-2c", divergences, "kl_discrete", rooted),
    ("elbo-2c", divergences, "elbo_scaled_gaussian", with_variance_for_scale),
    ("elbo-2c", divergences, "elbo_scaled_gaussian", without_spread),
    ("elbo-2c", divergences, "posterior_scaled_gaussian", shifted),
    ("elbo-2c", divergences, "best_scales", lambda x: (abs(x), math.sqrt(abs(x)))),
    ("elbo-2c", divergences, "best_scales", lambda x: (math.sqrt(x**2 - 1), math.sqrt(x**2 - 1))),
    ("elbo-3", divergences, "kl_gaussian", exchanged),
    ("elbo-3", divergences, "kl_gaussian", lambda m, s, a, b: 2 * REAL_KL(m, s, a, b)),
    ("elbo-3", divergences, "kl_gaussian", lambda m, s, a, b: REAL_KL(m, s, a, b) - 2 * math.log(b / s)),
    ("elbo-3", divergences, "kl_from_log_variance", lambda m, s: 0.5 * (math.exp(2 * s) + m**2 - 1 - s)),
    ("elbo-3", divergences, "kl_from_log_variance", lambda m, s: 0.5 * (math.exp(s) + m**2 - 1 + s)),
    ("elbo-4", divergences, "kl_slope_log_variance", lambda s: 0.5 * (math.exp(s) + 1)),
    ("elbo-4", divergences, "kl_slope_log_variance", lambda s: math.exp(s) - 1),
    ("elbo-4", divergences, "kl_slope_variance", lambda v: 0.5 * (1 + 1 / v)),
    ("elbo-4", divergences, "kl_slope_variance", lambda v: 0.5 * (1 - 1 / math.sqrt(v))),
    ("elbo-4", divergences, "kl_from_log_variance", lambda m, s: math.exp(s) + m**2 - 1 - s),
    ("elbo-5", gradient_estimators, "score_variance", lambda m, s, d=1, b=0.0: 4 * s**2),
    ("elbo-5", gradient_estimators, "score_draws", lambda m, s, e, b=0.0: (m + s * e[:, 0]) ** 2),
    ("elbo-5", gradient_estimators, "pathwise_variance", lambda s: 4.0),
    ("elbo-5", gradient_estimators, "pathwise_draws", lambda m, s, e: m + s * e[:, 0]),
    ("elbo-5", gradient_estimators, "best_baseline", lambda m, s, d=1: m**2 + s**2),
]


@pytest.mark.parametrize(
    ("question", "owner", "name", "wrong"), MUTATIONS, ids=[f"{m[0]}-{m[2]}-{i}" for i, m in enumerate(MUTATIONS)]
)
def test_a_wrong_formula_is_rejected(question, owner, name, wrong, tiny_results, monkeypatch) -> None:
    before = false_anyway(question, tiny_results)
    monkeypatch.setattr(owner, name, wrong)
    assert false_claims(question, tiny_results) - before


REAL_DRAW = Posterior.draw
MODEL_MUTATIONS = [
    ("elbo-4", Posterior, "draw", lambda self, noise: REAL_DRAW(self, 2 * noise)),
    ("elbo-4", vae_mlp.nn.init, "zeros_", lambda tensor: tensor),
]


@pytest.mark.parametrize(("question", "owner", "name", "wrong"), MODEL_MUTATIONS, ids=["draw", "start"])
def test_a_wrong_encoder_is_rejected(question, owner, name, wrong, tiny_results, monkeypatch) -> None:
    before = false_anyway(question, tiny_results)
    monkeypatch.setattr(owner, name, wrong)
    assert false_claims(question, tiny_results) - before


@pytest.fixture
def copied(tiny_results: Path, tmp_path: Path) -> Path:
    """The tiny results, with files that a test may change."""
    for name in ("data", "models"):
        (tmp_path / name).symlink_to(tiny_results / name)
    for name in ("arrays", "metrics", "evaluations"):
        (tmp_path / name).mkdir()
    for name in ("gradient_estimators", "tight_bound", "prior_divergence"):
        shutil.copy(tiny_results / "arrays" / f"{name}.npz", tmp_path / "arrays")
    shutil.copy(tiny_results / "evaluations" / "vae_mlp.npz", tmp_path / "evaluations")
    shutil.copy(tiny_results / "tables" / "metrics.csv", tmp_path / "metrics" / "all.csv")
    return tmp_path


ARRAYS = [
    ("elbo-2a", "evaluations/vae_mlp", "exact_log_likelihood", lambda a: a - 60.0),
    ("elbo-2a", "evaluations/vae_mlp", "exact_bound", lambda a: a - 60.0),
    ("elbo-2c", "arrays/tight_bound", "gap", lambda a: a + 0.01),
    ("elbo-2c", "arrays/tight_bound", "mark_gaps", lambda a: a[::-1]),
    ("elbo-2c", "arrays/tight_bound", "log_evidence", lambda a: a + 0.01),
    ("elbo-2c", "arrays/tight_bound", "held", lambda a: a + 0.01),
    ("elbo-2c", "arrays/tight_bound", "held", lambda a: a - 0.01),
    ("elbo-2c", "arrays/tight_bound", "restricted", lambda a: a + 1.0),
    ("elbo-2c", "arrays/tight_bound", "touch", lambda a: a[::-1]),
    ("elbo-3", "arrays/prior_divergence", "divergence", lambda a: a[::-1]),
    ("elbo-3", "evaluations/vae_mlp", "exact_kl", lambda a: a + 0.1),
    ("elbo-5", "arrays/gradient_estimators", "score_sampled_by_sd", lambda a: 1.5 * a),
]


@pytest.mark.parametrize(("question", "file", "name", "change"), ARRAYS, ids=[f"{a[0]}-{a[2]}-{i}" for i, a in enumerate(ARRAYS)])
def test_a_wrong_array_is_rejected(question, file, name, change, copied, tiny_results) -> None:
    before = false_anyway(question, tiny_results)
    path = copied / f"{file}.npz"
    arrays = load_arrays(path)
    path.unlink()
    save_arrays(path, arrays | {name: np.ascontiguousarray(change(arrays[name]))})
    assert false_claims(question, copied) - before


def test_a_table_of_other_numbers_is_rejected(copied) -> None:
    path = copied / "metrics" / "all.csv"
    table = pd.read_csv(path)
    table.loc[table["run"] == "gradient_estimators", "value"] *= 1.01
    table.to_csv(path, index=False, na_rep="nan")
    assert any("table" in claim for claim in false_claims("elbo-5", copied))


def test_plain_draws_with_a_gradient_are_rejected(tiny_results, monkeypatch) -> None:
    monkeypatch.setattr(torch.distributions.Normal, "sample", torch.distributions.Normal.rsample)
    assert any("through plain draws" in claim for claim in false_claims("elbo-5", tiny_results))


def test_a_collapsed_encoder_is_found(copied) -> None:
    """A mean divergence near zero contradicts that the codes say anything."""
    path = copied / "metrics" / "all.csv"
    table = pd.read_csv(path)
    chosen = (table["run"] == "vae_mlp") & (table["metric"] == "kl_closed")
    assert chosen.sum() == 1
    verdicts = []
    for value in (7.0, 0.01):
        table.loc[chosen, ["value", "stderr", "n"]] = [value, 0.05, 100]
        table.to_csv(path, index=False, na_rep="nan")
        verdicts += [one.passed for one in CHECKS["elbo-3"](Evidence(copied)) if isinstance(one, Finding)]
    assert verdicts == [True, False]
