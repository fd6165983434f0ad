"""Published values are rejected, and the stage writes down what holds, what is false and what is missing."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from outcomes import CHECKS
from shipped import FOLDERS, claims, load

from dgm.claims import registry
from dgm.claims.evidence import Evidence
from dgm.claims.tables import CHECKED, STOPPED
from dgm.maths import divergences
from dgm.stages import check

REPORT = Path(__file__).parents[2] / "report"
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


def test_every_question_is_checked() -> None:
    assert sorted(CHECKS) == sorted(load().questions)


@pytest.mark.parametrize(
    ("question", "name", "published"),
    [
        ("gdl-1a", "reverse-part-inside", 0.0),
        ("gdl-1a", "measure-of-all-pieces", 1.25),
        ("gdl-1b", "log-ratio-at-missed-mode", np.inf),
        ("gdl-1c", "charge-for-code", 47.19741490700595),
        ("gdl-2a-i", "equal-pixels-probability", 0.25),
        ("gdl-2b-i", "indicator-probability", 2.3),
        ("gdl-2b-i", "indicator-sum", 7.0),
        ("gdl-2b-i", "image-given-component", 1.09),
        ("gdl-2c-i", "component-1-pixel-1", 1.022463456577816),
        ("gdl-2c-i", "cleared-equation-left-side", 0.05184118494137009),
        ("gdl-2c-ii", "constraint-at-feasible-weights", -1.0),
        ("gdl-2c-ii", "dual-at-two", -0.18501085597887812),
        ("gdl-2c-ii", "best-multiplier", 1.5),
        ("gdl-3e", "covariance-of-pixels", 0.0),
    ],
)
def test_the_published_value_is_rejected(question: str, name: str, published: float, tiny_results: Path) -> None:
    (found,) = (claim for claim in CHECKS[question](Evidence(tiny_results)) if claim.id == name)
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
    (said,) = false["claim"][false["id"] == STOPPED]
    assert re.fullmatch(r"the check runs \(test_claims\.py, line \d+: StopIteration: \)", said)
    assert "the same at scale 1" in set(false["claim"])
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
