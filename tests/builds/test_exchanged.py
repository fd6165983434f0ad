"""Two models' files exchanged: findings that compare them turn round, and so do the words that the answers print."""

import csv
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from shipped import FOLDERS, claims, load
from workflows import rewrite

from dgm.claims import verdicts
from dgm.claims.claim import Finding
from dgm.claims.evidence import Evidence
from dgm.claims.tables import COLUMNS
from dgm.report.macros import Templates
from dgm.report.results import Results
from dgm.runtime.files import load_table
from dgm.stages import check, collect

REPOSITORY = Path(__file__).parents[2]
REPORT = REPOSITORY / "report"
CONFIG = yaml.safe_load((REPOSITORY / "config.yaml").read_text())

CASES = {
    "gdl-4a": ({"nice": "nice_scale_rate"}, {"own-rate-likelier"}),
    "gdl-3e": ({"bmm_k20": "bmm_k20_all", "bmm_stored_k500": "bmm_stored_k100"}, {"more-images", "more-components"}),
}
"""The runs that are exchanged, and the findings that are differences of these runs."""


TABLES = ("tables", "metrics", "estimates")
"""Folders of files whose rows name runs."""


def exchange(results: Path, folder: Path, pairs: Mapping[str, str]) -> Path:
    """A copy of a results folder in which each run of ``pairs`` has the files and the numbers of its partner."""
    partner = {**pairs, **{two: one for one, two in pairs.items()}}
    for path in results.rglob("*"):
        name = f"{partner.get(path.stem, path.stem)}{path.suffix}"
        target = folder / path.relative_to(results).parent / name
        if path.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, target) if path.parent.name not in TABLES else shutil.copy(path, target)
    for path in (folder / "records").glob("*/*.json"):
        rewrite(path, name=path.stem)
    for path in (path for name in TABLES for path in (folder / name).glob("*.csv")):
        with path.open(newline="") as file:
            rows = list(csv.reader(file))
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([partner.get(row[0], row[0]), *row[1:]] for row in rows)
    return folder


def found(question: str, results: Path) -> dict[str, Finding]:
    """The findings of a question."""
    made = claims(question.partition("-")[0])[question](Evidence(results))
    return {finding.id: finding for finding in made if isinstance(finding, Finding)}


@pytest.mark.parametrize("question", CASES)
def test_findings_and_words_turn_round_with_the_files(question: str, tiny_results: Path, tmp_path: Path) -> None:
    pairs, differences = CASES[question]
    original, other = exchange(tiny_results, tmp_path / "original", {}), exchange(tiny_results, tmp_path / "exchanged", pairs)
    before, after = found(question, original), found(question, other)
    for name in differences:
        assert before[name].estimate.value != 0
        assert after[name].estimate.value == pytest.approx(-before[name].estimate.value)
        assert after[name].estimate.stderr == pytest.approx(before[name].estimate.stderr)

    one, two = words(question, original), words(question, other)
    for name in differences:
        assert {one[name][0], two[name][0]} in ({"shown", "contradicted"}, {"not decided"}), name
        assert one[name][0] == "not decided" or one[name][1] != two[name][1], name


def words(question: str, results: Path) -> dict[str, tuple[str, str]]:
    """Verdict and printed text of each block of an answer; the text is that which the answer has for this verdict."""
    assignment = question.partition("-")[0]
    checks, stability = results / "checks" / f"{assignment}.csv", results / "stability.csv"
    stability.write_text(",".join(verdicts.COLUMNS) + "\n")
    paths = {"--results": results, "--stability": stability, "--checks": checks, "--record": results / "r.json"}
    told = [str(word) for pair in paths.items() for word in pair]
    assert check.main(["--assignment", str(FOLDERS[assignment]), "--log", str(results / "log"), *told]) == 0
    tables = {f"--{name}-table": results / "tables" / f"{name}.csv" for name in ("checks", "questions", "corrections")}
    told = [str(word) for pair in ({"--report-dir": REPORT, "--record": results / "r.json"} | tables).items() for word in pair]
    told += ["--assignments", *map(str, FOLDERS.values())]
    assert collect.main(["--incomplete", "--checks", str(checks), *told]) == 0
    rows = load_table(tables["--checks-table"], COLUMNS)
    judged = {row["id"]: row["verdict"] for row in rows if row["question"] == question and row["verdict"]}
    templates = Templates(load(), Results(results, CONFIG))
    source = (FOLDERS[assignment] / "answers" / f"{question}.md").read_text()
    block = rf'<% finding "{question}/([a-z0-9-]+)" %>(.*?)<% undecided %>(.*?)<% contradicted %>(.*?)<% endfinding %>'
    printed = {}
    for match in re.finditer(block, source, re.DOTALL):
        text = templates.text(match[0], "here.md")
        branch = match[2 + ("shown", "not decided", "contradicted").index(judged[match[1]])]
        assert text == templates.text(branch, "here.md"), match[1]
        printed[match[1]] = (judged[match[1]], text)
    return printed
