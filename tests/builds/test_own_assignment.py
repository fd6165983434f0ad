"""The page for a newcomer, followed to the letter in a folder outside the repository."""

import csv
import os
import re
import subprocess
from pathlib import Path

import pytest
from workflows import REPOSITORY

PAGE = (REPOSITORY / "docs" / "your-own-assignment.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder in which the commands of the page ran one after another, and what they said."""
    folder = tmp_path_factory.mktemp("elsewhere")
    commands = "\n".join(re.findall(r"^```sh\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))
    environment = {**os.environ, "DGM": str(REPOSITORY), "PYTHONPATH": str(REPOSITORY / "src")}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
    return folder, done.stdout


@pytest.mark.pipeline
def test_each_build_ends_as_the_page_says(followed: tuple[Path, str]) -> None:
    _, said = followed
    ends = re.findall(r"(\d of \d questions answered; \d of \d claims hold)", said)
    assert list(dict.fromkeys(ends)) == [
        "2 of 2 questions answered; 4 of 4 claims hold",
        "2 of 2 questions answered; 1 of 4 claims hold",
        "3 of 3 questions answered; 6 of 6 claims hold",
    ]
    assert said.count("the build failed, as it should") == 1


@pytest.mark.pipeline
def test_it_trains_its_own_runs_alone_and_leaves_a_complete_report(followed: tuple[Path, str]) -> None:
    folder, _ = followed
    results = folder / "results" / "mnist-5k-mine"
    assert {path.stem for path in (results / "models").iterdir()} == {"mine_mixture", "mine_two"}
    page = (results / "report" / "index.html").read_text(encoding="utf-8")
    for shown in ('id="mine-1"', 'id="mine-3"', 'id="fig-mine-2-means"', 'id="fig-mine-curve"', 'id="tab-mine-2-scores"'):
        assert shown in page
    assert "two components" in page and "trial build" not in page
    assert {path.name for path in (results / "report").glob("*.tex")} == {"report.tex", "checks.tex", "mine.tex"}
    assert (results / "manifest.json").is_file()
    with (results / "tables" / "checks.csv").open() as file:
        methods = {row["method"] for row in csv.DictReader(file)}
    assert len(methods - {"measurement"}) >= 3


@pytest.mark.pipeline
def test_no_file_of_the_repository_changed(followed: tuple[Path, str]) -> None:
    assert not (REPOSITORY / "mine").exists()
    assert not list((REPOSITORY / "src").rglob("*mine_*"))
