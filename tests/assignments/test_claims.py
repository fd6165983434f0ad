"""Wrong formulas and published values are rejected, and the stage writes down what holds, what is false and what is missing."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from shipped import FOLDERS, claims, load

from dgm.claims import registry
from dgm.claims.claim import Claim
from dgm.claims.evidence import Evidence
from dgm.claims.tables import CHECKED
from dgm.maths import bernoulli_mixture, change_of_variables, distributions, divergences
from dgm.models import bmm, nice
from dgm.stages import check

REPORT = Path(__file__).parents[2] / "report"
CHECKS = {name: made for assignment in FOLDERS for name, made in claims(assignment).items()}
QUICK = ("--limits", '{"steps": 2}')


@pytest.fixture
def copied(tiny_results: Path, tmp_path: Path) -> Path:
    """The tiny results again, with files that a test may replace: new folders, links to the files."""
    for path in tiny_results.rglob("*"):
        if path.is_file():
            target = tmp_path / "results" / path.relative_to(tiny_results)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.hardlink_to(path)
    return tmp_path / "results"


def false_claims(question: str, results: Path) -> set[str]:
    """Statements of the claims that do not hold."""
    return {claim.statement for claim in CHECKS[question](Evidence(results)) if isinstance(claim, Claim) and not claim.passed}


def test_every_question_is_checked() -> None:
    assert sorted(CHECKS) == sorted(load().questions)


# The wrong formulas are those of the published answers, or the nearest plausible slip where that answer was right.


def counted_twice(p: divergences.Interval, q: divergences.Interval, epsilon: float) -> float:
    """The interval [0, 1] counted in both pieces of the reverse divergence."""
    return 0.25 * np.log(0.25) + 1.0 * np.log(1 / epsilon)


def summed(z: tuple[int, ...], pi: tuple[float, ...]) -> float:
    """A sum over k in the place of the product."""
    return sum(weight**bit for weight, bit in zip(pi, z, strict=True))


def log_of_each_component(data, p, pi):
    """The sum over components taken out of the logarithm."""
    return sum(
        np.log(float(w)) + np.log(float(bernoulli_mixture.bernoulli_likelihood(x, row)))
        for x in data
        for w, row in zip(pi, p, strict=True)
    )


def unweighted(data, p, pi):
    """Bayes' rule without the weights."""
    rows = [[bernoulli_mixture.bernoulli_likelihood(x, row) for row in p] for x in data]
    return [[term / sum(row) for term in row] for row in rows]


def divided_by_n(data, eta):
    """The M step with n in the place of N_k, and equal weights."""
    p = [[sum(row[k] * x[d] for row, x in zip(eta, data, strict=True)) / len(data) for d in range(2)] for k in range(2)]
    return p, [0.5, 0.5]


def plain_products(Xs, p, mix_p):
    """The E step without logarithms."""
    joint = mix_p.T * (Xs[:, None] * p + (1 - Xs[:, None]) * (1 - p)).prod(2)
    return joint / joint.sum(1, keepdim=True), joint.sum(1).log()


MUTATIONS: list[tuple[str, object, str, Callable[..., object]]] = [
    ("gdl-1a", divergences, "kl_to_contaminated", counted_twice),
    ("gdl-1a", divergences, "kl_uniform", lambda p, q: 1.3862943611198906),
    ("gdl-1b", divergences, "moment_match", lambda target: (4.0, 1.0)),
    ("gdl-1b", divergences, "fit_reverse", lambda target, start: (0.0, 17**0.5)),
    ("gdl-1c", divergences, "mean_field_variances", lambda sigma: (np.diag(sigma), np.diag(sigma))),
    ("gdl-1c", divergences, "elbo_linear_gaussian", lambda x, mean, sd: 0.0),
    ("gdl-2a-i", bernoulli_mixture, "bernoulli_likelihood", lambda x, p: sum(p) / len(p)),
    (
        "gdl-2a-ii",
        bernoulli_mixture,
        "mixture_likelihood",
        lambda x, p, pi: sum(bernoulli_mixture.bernoulli_likelihood(x, row) for row in p) / 2,
    ),
    ("gdl-2a-iii", bernoulli_mixture, "log_likelihood", log_of_each_component),
    ("gdl-2b-i", bernoulli_mixture, "indicator_probability", summed),
    ("gdl-2b-ii", bernoulli_mixture, "indicator_probability", summed),
    ("gdl-2b-iii-1", bernoulli_mixture, "responsibilities", unweighted),
    ("gdl-2b-iii-2", bernoulli_mixture, "responsibilities", unweighted),
    ("gdl-2c-i", bernoulli_mixture, "m_step", divided_by_n),
    ("gdl-2c-ii", bernoulli_mixture, "m_step", divided_by_n),
    ("gdl-3a", bmm, "e_step", plain_products),
    ("gdl-3b", bmm, "m_step", lambda Xs, eta, *_, **__: (eta.T @ Xs / len(Xs), eta.mean(0)[:, None])),
    ("gdl-3c", bmm, "em_iteration", lambda Xs, p, mix_p, *_, **__: (p, mix_p, Xs.sum())),
    ("gdl-3e", bernoulli_mixture, "mixture_covariance", lambda p, pi: np.zeros((2, 2))),
    ("gdl-4a", nice.AdditiveCoupling, "inverse", lambda self, y: self(y)),
    ("gdl-4b", distributions, "kl_to_standard_normal", lambda mean, log_std: (mean.square() + log_std.exp() - 1 - log_std).sum(1)),
    ("gdl-5a", change_of_variables, "reciprocal_density", lambda density, y: density(1 / np.asarray(y))),
    (
        "gdl-5b",
        change_of_variables,
        "lognormal_density",
        lambda z, mu, sigma: np.exp(-((np.log(np.abs(z) + 1e-9) - mu) ** 2) / (2 * sigma**2)),
    ),
    ("gdl-5c", change_of_variables, "square_distance_density", lambda z: np.pi * np.asarray(z) / 2),
    ("gdl-5c", change_of_variables, "square_distance_cdf", lambda z: np.minimum(np.pi * np.asarray(z) ** 2 / 4, 1.0)),
    (
        "gdl-6-1",
        change_of_variables,
        "leaky_relu_inverse",
        lambda x, slope=0.1: np.where(np.asarray(x) < 0, slope * np.asarray(x), x),
    ),
    ("gdl-6-2", change_of_variables, "leaky_relu_inverse_det", lambda z, slope=0.1: slope ** np.sum(np.asarray(z) < 0, axis=-1)),
]


@pytest.mark.parametrize(("question", "owner", "name", "wrong"), MUTATIONS, ids=[f"{q}-{name}" for q, _, name, _ in MUTATIONS])
def test_a_wrong_formula_is_rejected(
    question: str, owner: object, name: str, wrong: Callable[..., object], tiny_results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = false_claims(question, tiny_results)
    monkeypatch.setattr(owner, name, wrong)
    assert false_claims(question, tiny_results) - before


@pytest.mark.parametrize(
    ("question", "statement", "published"),
    [
        ("gdl-1a", "the part of the reverse", 0.0),
        ("gdl-1a", "of all pieces", 1.25),
        ("gdl-1b", "leaves out", np.inf),
        ("gdl-1c", "what the ELBO charges", 47.19741490700595),
        ("gdl-2a-i", "always equal", 0.25),
        ("gdl-2b-i", "z}=(0,1,0)", 2.3),
        ("gdl-2b-i", "sum of the distribution", 7.0),
        ("gdl-2b-i", "given component 2", 1.09),
        ("gdl-2c-i", "component 1, pixel 1, is", 1.022463456577816),
        ("gdl-2c-i", "cleared equation", 0.05184118494137009),
        ("gdl-2c-ii", "constraint's left side", -1.0),
        ("gdl-2c-ii", "dual function at", -0.18501085597887812),
        ("gdl-2c-ii", "multiplier", 1.5),
        ("gdl-3e", "covariance of the two", 0.0),
    ],
)
def test_the_published_value_is_rejected(question: str, statement: str, published: float, tiny_results: Path) -> None:
    (found,) = (claim for claim in CHECKS[question](Evidence(tiny_results)) if statement in claim.statement)
    assert found.published == pytest.approx(published, abs=1e-12)
    assert found.passed
    assert not replace(found, stated=published, published=None).passed


# ------------------------------------------------------------------------------------------------ the stage


def stage(results: Path, tmp_path: Path, *more: str, assignment: str = "gdl") -> tuple[int, Path]:
    table, stability = tmp_path / "out" / f"{assignment}.csv", REPORT / "stability.csv"
    words = [
        "--assignment",
        str(FOLDERS[assignment]),
        "--results",
        str(results),
        "--stability",
        str(stability),
        "--checks",
        str(table),
    ]
    return check.main([*words, "--record", str(tmp_path / "r.json"), "--log", str(tmp_path / "check.log"), *more]), table


def test_the_stage_writes_one_row_a_claim_and_skips_what_a_quick_build_cannot_show(tiny_results: Path, tmp_path: Path) -> None:
    status, path = stage(tiny_results, tmp_path, *QUICK)
    assert status == 0
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert tuple(table.columns) == CHECKED
    found = table[table["verdict"] != ""]
    assert set(table["passed"]) == {"True", "skipped", ""} and set(found["verdict"]) == {"skipped"}
    assert (found["passed"] == "").all() and (found["id"] != "").all() and len(found) > 20
    assert set(table["question"]) == set(claims("gdl"))
    assert table["function"].str.match(r"assignments/gdl/claims/\w+\.py:\d+ gdl_\w+").all()


def test_a_false_claim_is_written_down_and_the_rest_is_tested(
    tiny_results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry._REGISTRY, "elbo-3", lambda evidence: next(iter(())))
    monkeypatch.setattr(divergences, "elbo_linear_gaussian", lambda x, mean, sd: 0.0)
    status, path = stage(tiny_results, tmp_path, *QUICK, assignment="elbo")
    assert status == 0
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    false = table[table["passed"] == "False"]
    assert any(
        re.fullmatch(r"the check runs \(test_claims\.py, line \d+: StopIteration: \)", claim) for claim in false["claim"]
    ) and "the same at scale 1" in set(false["claim"])
    assert (table["passed"] == "True").sum() > 30
    assert (tmp_path / "check.log").read_text().startswith("False\t")


def test_a_missing_file_stops_the_stage_unless_the_build_is_known_to_be_incomplete(
    copied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = copied / "history" / "bmm_k5.csv"
    missing.unlink()
    status, path = stage(copied, tmp_path, *QUICK)
    assert status == 1
    assert not path.exists()
    assert capsys.readouterr().err == f"check: {missing}: no such file; build again\n"
    status, path = stage(copied, tmp_path, *QUICK, "--incomplete")
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert status == 0
    assert set(table.loc[table["passed"] == "missing", "question"]) == {"gdl-3c", "gdl-3d"}
    assert set(table["question"]) == set(claims("gdl"))
