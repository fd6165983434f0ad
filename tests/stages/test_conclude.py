"""The last job of a build: what it says, and that a false claim fails it while a finding never does."""

import csv
from pathlib import Path

import pytest

from dgm.claims.tables import COLUMNS, QUESTIONS
from dgm.stages import conclude

NUMBERS = {"stated": "4.0", "found": "4.0", "tolerance": "0.0", "passed": "True"}
CLAIM = {
    "question": "toy-1",
    "id": "sum",
    "claim": "two and two",
    "method": "enumeration",
    "function": "assignments/toy/claims/toy.py:3 toy_1",
} | NUMBERS
FINDING = {"question": "toy-2", "id": "rises", "claim": "it rises", "method": "measurement", "found": "1.0", "stderr": "0.1"}


def call(folder: Path, *rows: dict[str, str]) -> int:
    tables = folder / "results" / "toys" / "tables"
    tables.mkdir(parents=True, exist_ok=True)
    questions = [{"id": f"toy-{n}", "assignment": "toy", "answered": "True"} for n in (1, 2)]
    for name, columns, content in (("checks", COLUMNS, rows), ("questions", QUESTIONS, questions)):
        with (tables / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(content)
    words = ["--checks", str(tables / "checks.csv"), "--questions", str(tables / "questions.csv"), "--report", "report/index.html"]
    words += ["--assignments", "elsewhere/toy"]
    return conclude.main([*words, "--record", str(folder / "record.json"), "--log", str(folder / "log")])


@pytest.mark.parametrize("verdict", ["shown", "not decided", "contradicted", "skipped"])
def test_no_verdict_on_a_finding_fails_a_build(verdict: str, tmp_path: Path) -> None:
    assert call(tmp_path, CLAIM, FINDING | {"verdict": verdict}) == 0
    said = (tmp_path / "log").read_text()
    assert "2 of 2 questions answered; 1 of 1 claims hold; 1 findings: 1 " + verdict in said


def test_a_false_claim_fails_it_and_the_message_leads_to_its_places(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(tmp_path, CLAIM | {"passed": "False", "found": "5.0"}, FINDING | {"verdict": "shown"}) == 1
    said = capsys.readouterr().err
    places = (
        "elsewhere/toy/answers/toy-1.md",
        "elsewhere/toy/claims/toy.py:3 toy_1",
        "--force",
        "checks/toy.csv",
        "report/index.html",
    )
    for part in ("toy-1/sum: two and two: stated 4.0 (within 0.0), found 5.0", *places):
        assert part in said
    assert not (tmp_path / "record.json").exists()
    assert said.strip().splitlines()[-1] == "1 claim is false (toy-1); the report marks it: report/index.html", (
        "what a summary shows"
    )
