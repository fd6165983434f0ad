"""The list of questions: complete, in order, and set by both KaTeX and LaTeX."""

import functools
import json
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pypandoc
import pytest
from shipped import load

from dgm.report.formulas import Formula, check_for_latex, latex_macros, set_with_katex

COUNTS = {"gdl": 25, "vaegan": 31, "dgm": 19, "elbo": 8, "ebm": 14}
IDS = """
gdl: 1a 1b 1c 2a-i 2a-ii 2a-iii 2b-i 2b-ii 2b-iii-1 2b-iii-2 2c-i 2c-ii 3a 3b 3c 3d 3e 4a 4b 4c 5a 5b 5c 6-1 6-2
vaegan: 1a 1b 1c 1d 1e 1f 1g 1h 1i 1j 2a 2b-i 2b-ii 2b-iii 2b-iv 2c 2d 2e-i 2e-ii 2e-iii 3a 3b 3c 3d 3e 4a 4b 4c 4d 4e 4f
dgm: 1-1-s1 1-1-s2 1-1-s3 1-2-a 1-2-b 1-2-c 2-1 2-2 2-3 3-1 3-2 3-3-1 3-3-2 3-4 3-5 4-1 4-2 4-3 4-4
elbo: 1a 1b 2a 2b 2c 3 4 5
ebm: 1-1 1-2-r10 1-2-r1 1-3 1-4 1-5 1-6 1-7 2-1 2-2 2-3-c1 2-3-c2 2-4-c1 2-4-c2
"""
KINDS = {"numeric", "short-answer", "derivation", "implementation", "experiment", "figure"}
CATALOGUE = load()
QUESTIONS = [question.model_dump() for question in CATALOGUE.questions.values()]


@functools.cache
def read(markdown: str) -> tuple[list[tuple[str, bool]], str]:
    """The formulas (TeX, whether displayed) of a Markdown text and its words outside them, as pandoc reads it."""
    found: list[tuple[str, bool]] = []
    words: list[str] = []

    def visit(node: Any) -> None:
        if isinstance(node, dict):
            if node.get("t") == "Math":
                found.append((node["c"][1], node["c"][0]["t"] == "DisplayMath"))
            elif node.get("t") == "Str":
                words.append(node["c"])
            else:
                visit(list(node.values()))
        elif isinstance(node, list):
            for value in node:
                visit(value)

    visit(json.loads(pypandoc.convert_text(markdown, "json", format="markdown"))["blocks"])
    return found, " ".join(words)


def sentences(markdown: str) -> list[str]:
    """The sentences of a statement without spaces and capitals; fragments under four words are no sentences."""
    text = re.sub(r"\$\$.*?\$\$", " ", " ".join(markdown.split()))
    return [part.lower() for part in re.split(r"(?<=[.?!])\s+", text) if len(part.split()) >= 4]


@pytest.fixture(scope="module")
def all_formulas() -> list[Formula]:
    """The formulas of all statements and introductions."""
    texts = {entry["id"]: entry["statement"] for entry in QUESTIONS} | {
        name: assignment.intro for name, assignment in CATALOGUE.assignments.items()
    }
    made = [Formula(tex, display, name) for name, text in texts.items() for tex, display in read(text)[0]]
    assert len(made) > 97
    return made


def test_ids_complete_and_in_order() -> None:
    lines = [line.split(": ") for line in IDS.strip().splitlines()]
    expected = [f"{assignment}-{part}" for assignment, parts in lines for part in parts.split()]
    assert [entry["id"] for entry in QUESTIONS] == expected
    assert len(set(expected)) == 97
    assert Counter(entry["assignment"] for entry in QUESTIONS) == COUNTS
    assert list(CATALOGUE.assignments) == list(COUNTS)


def test_fields() -> None:
    for assignment in CATALOGUE.assignments.values():
        assert assignment.title.strip() and assignment.intro.strip()
    for entry in QUESTIONS:
        assert set(entry) == {"id", "assignment", "title", "kind", "statement"}, entry["id"]
        assert entry["id"].startswith(entry["assignment"] + "-")
        assert entry["kind"] in KINDS, entry["id"]
        assert 5 <= len(entry["title"]) <= 72 and not entry["title"].endswith("."), entry["id"]
        assert len(entry["statement"].split()) >= 12, f"{entry['id']}: too short to work on"


def test_nothing_is_said_twice() -> None:
    assert not [title for title, count in Counter(entry["title"].lower() for entry in QUESTIONS).items() if count > 1]
    said = Counter(sentence for entry in QUESTIONS for sentence in sentences(entry["statement"]))
    assert not [sentence for sentence, count in said.items() if count > 1]


def test_every_formula_is_closed() -> None:
    for entry in QUESTIONS:
        assert not re.search(r"[$\\]", read(entry["statement"])[1]), f"{entry['id']}: TeX outside a formula"


def test_katex_sets_every_formula(all_formulas: list[Formula]) -> None:
    set_html = set_with_katex(all_formulas)
    assert set(set_html) == {(formula.tex, formula.display) for formula in all_formulas}
    for formula in all_formulas:
        check_for_latex(formula)


def test_a_wrong_formula_is_reported() -> None:
    with pytest.raises(ValueError, match="gdl-0"):
        set_with_katex([Formula(r"\frac{1}{2", False, "gdl-0")])


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="LaTeX is not installed")
def test_latex_sets_every_formula(all_formulas: list[Formula], tmp_path: Path) -> None:
    body = "\n\n".join(rf"\[{formula.tex}\]" if formula.display else f"${formula.tex}$" for formula in all_formulas)
    source = "\n".join(
        [r"\documentclass{article}", r"\usepackage{amsmath,amssymb}", latex_macros(), r"\begin{document}", body, r"\end{document}"]
    )
    (tmp_path / "formulas.tex").write_text(source)
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-draftmode", "formulas.tex"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-1500:]
