"""What ``report/`` declares: read in full, and every fault named with its file and entry."""

from pathlib import Path

import pytest
from conftest import ROOT, Example

from dgm.report.catalogue import load


def test_everything_declared_is_read(example: Example) -> None:
    catalogue = load(example.report)
    assert list(catalogue.questions) == ["toy-1", "toy-2", "late-1"]
    assert list(catalogue.answers) == ["toy-1", "toy-2"]
    assert catalogue.used("figures") == ("wiggle",) and catalogue.used("tables") == ("scores",)
    assert catalogue.figures["wiggle"].sources == {"samples": "samples/flow.npz", "history": "history/flow.csv"}
    assert catalogue.answers["toy-2"].text.startswith("On << dataset.name >>")


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("questions.yaml", "assignment: toy\n", "assignment: toyy\n", r"question toy-1: no assignment 'toyy'; nearest: 'toy'"),
        ("questions.yaml", "id: toy-2", "id: toy-1", r"questions\.yaml: questions: id 'toy-1' occurs twice"),
        ("questions.yaml", "kind: program", "sort: program", r"questions\.yaml: questions\.toy-2\.sort: unknown key"),
        ("questions.yaml", "assignments:", "assignment:", r"need exactly the keys 'assignments' and 'questions'"),
        ("figures.yaml", "draw: wiggle", "drew: wiggle", r"figures\.yaml: wiggle\.draw: missing(?s:.*)drew: unknown key"),
        ("figures.yaml", "width: 0.8", "width: 1.8", r"figures\.yaml: wiggle\.width: got 1\.8; .*less than or equal to 1"),
        ("figures.yaml", "wiggle:", "wiggle: 3\nother:", r"figures\.yaml: wiggle: got 3; need a mapping"),
        ("tables.yaml", "rows:", "rows: []\n  lines:", r"tables\.yaml: scores\.rows"),
        ("bibliography.yaml", "year: 2014", "year: early", r"bibliography\.yaml: kingma2014\.year: got 'early'"),
        (
            "tables.yaml",
            "text: published, optional: true",
            "text: published",
            r"column 'Published': a row lacks the text 'published'",
        ),
        ("tables.yaml", "text: published", "text: printed", r"row 'Flow' has texts \['published'\] without a column; .*'printed'"),
        ("tables.yaml", "text: published", "text: published, metric: rate", r"column 'Published' needs either a metric or the key"),
        ("tables.yaml", "scores:", "wiggle:", r"tables\.yaml: wiggle: a figure has this name already"),
        (
            "bibliography.yaml",
            "uncited:",
            "dinh2015:",
            r"bibliography\.yaml, line \d+: not valid YAML: key 'dinh2015' occurs twice",
        ),
        ("answers/toy/toy-1.md", "question: toy-1", "question: toy-7", r"toy-1\.md: no question 'toy-7'; nearest: 'toy-"),
        ("answers/toy/toy-1.md", "question: toy-1", "question: toy-2", r"question 'toy-2' is answered by .*toy-1\.md already"),
        ("answers/toy/toy-1.md", "figures: []", "figures: [wigle]", r"toy-1\.md: no figure 'wigle'; nearest: 'wiggle'"),
        ("answers/toy/toy-1.md", "tables: []", "tables: [score]", r"toy-1\.md: no table 'score'; nearest: 'scores'"),
        ("answers/toy/toy-1.md", "figures: []", "figure: []", r"toy-1\.md\.figure: unknown key"),
        ("answers/toy/toy-1.md", "---\nquestion", "question", r"toy-1\.md: needs a header between two lines '---'"),
    ],
)
def test_a_fault_is_named_with_its_place(example: Example, file: str, old: str, new: str, message: str) -> None:
    example.replace(example.report / file, old, new)
    with pytest.raises(ValueError, match=message):
        load(example.report)


def test_a_missing_file_is_named(example: Example) -> None:
    (example.report / "tables.yaml").unlink()
    with pytest.raises(ValueError, match=r"tables\.yaml: no such file"):
        load(example.report)


def test_the_shipped_report_is_declared_without_fault() -> None:
    catalogue = load(ROOT / "report")
    modules = {path.stem for path in (ROOT / "src" / "dgm" / "figures").glob("*.py")}
    for name, figure in catalogue.figures.items():
        assert figure.draw in modules, name
        assert figure.alt.strip() and figure.caption.strip()
    assert not set(catalogue.figures) & set(catalogue.tables)
    for answer in catalogue.answers.values():
        assert (
            answer.path
            == ROOT / "report" / "answers" / Path(catalogue.questions[answer.question].assignment) / f"{answer.question}.md"
        )
