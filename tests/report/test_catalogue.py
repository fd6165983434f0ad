"""What ``report/`` declares: read in full, and every fault named with its file and entry."""

import pytest
from conftest import Example

QUESTIONS = "assignments/toy/assignment.yaml"
ANSWER = "assignments/toy/answers/toy-1.md"


def test_everything_declared_is_read(example: Example) -> None:
    catalogue = example.load()
    assert list(catalogue.questions) == ["toy-1", "toy-2", "late-1"]
    assert list(catalogue.answers) == ["toy-1", "toy-2"]
    assert catalogue.used("figures") == ("wiggle",) and catalogue.used("tables") == ("scores",)
    assert catalogue.figures["wiggle"].sources == {"samples": "samples/flow.npz", "history": "history/flow.csv"}
    assert catalogue.answers["toy-2"].text.startswith("On << dataset.name >>")


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (
            QUESTIONS,
            "id: toy-1\n",
            "id: toyy-1\n",
            r"questions: toyy-1: ids of this assignment begin with toy-",
        ),
        (QUESTIONS, "id: toy-2", "id: toy-1", r"assignment\.yaml: questions: 'toy-1' stands twice"),
        (QUESTIONS, "kind: program", "sort: program", r"assignment\.yaml\.questions\.1\.sort: unknown key"),
        (QUESTIONS, "questions:", "question:", r"assignment\.yaml\.questions: missing"),
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
        ("tables.yaml", "scores:", "wiggle:", r"tables\.yaml: wiggle: a figure of .* has this name already"),
        (
            "bibliography.yaml",
            "uncited:",
            "dinh2015:",
            r"bibliography\.yaml, line \d+: not valid YAML: key 'dinh2015' occurs twice",
        ),
        (
            ANSWER,
            "question: toy-1",
            "question: toy-7",
            r"toy-1\.md: no question 'toy-7'; nearest: 'toy-",
        ),
        (
            ANSWER,
            "question: toy-1",
            "question: toy-2",
            r"question 'toy-2' is answered by .*toy-1\.md already",
        ),
        (ANSWER, "figures: []", "figures: [wigle]", r"toy-1\.md: no figure 'wigle'; nearest: 'wiggle'"),
        (ANSWER, "tables: []", "tables: [score]", r"toy-1\.md: no table 'score'; nearest: 'scores'"),
        (ANSWER, "figures: []", "figure: []", r"toy-1\.md\.figure: unknown key"),
        (ANSWER, "---\nquestion", "question", r"toy-1\.md: needs a header between two lines '---'"),
    ],
)
def test_a_fault_is_named_with_its_place(example: Example, file: str, old: str, new: str, message: str) -> None:
    example.replace((example.folder if "/" in file else example.report) / file, old, new)
    with pytest.raises(ValueError, match=message):
        example.load()


def test_a_missing_file_is_named(example: Example) -> None:
    (example.report / "bibliography.yaml").unlink()
    with pytest.raises(ValueError, match=r"bibliography\.yaml: no such file"):
        example.load()
