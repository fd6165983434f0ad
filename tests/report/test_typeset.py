"""The PDF: made without complaint, the same twice, with the same content, and clear about what LaTeX objects to."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import Example

from dgm.stages import typeset

needs_latex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX on this machine")


def run(tex: Path, pdf: Path) -> int:
    return typeset.main(["--tex", str(tex), "--pdf", str(pdf), "--record", str(pdf.with_suffix(".json"))])


@needs_latex
@pytest.mark.parametrize(("name", "pages"), [("report", 4), ("checks", 1)])
def test_a_document_is_typeset_without_overfull_lines_and_reproducibly(
    name: str, pages: int, finished: Example, tmp_path: Path
) -> None:
    tex = finished.results / "report" / f"{name}.tex"
    listing = sorted(tex.parent.iterdir())
    assert run(tex, tmp_path / "a.pdf") == 0 and run(tex, tmp_path / "b.pdf") == 0
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()
    record = json.loads((tmp_path / "a.json").read_text())
    assert record["warnings"] == [] and record["pages"] >= pages
    assert sorted(tex.parent.iterdir()) == listing  # no auxiliary files beside the report


@needs_latex
@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no pdftotext on this machine")
def test_the_pdf_has_the_content_of_the_page(finished: Example, tmp_path: Path) -> None:
    assert run(finished.results / "report" / "report.tex", tmp_path / "a.pdf") == 0
    done = subprocess.run(["pdftotext", str(tmp_path / "a.pdf"), "-"], capture_output=True, text=True, check=True)
    text = re.sub(r"\s+", " ", done.stdout)
    for expected in (
        "that is 1.3863 nats.",
        "the flow is better, by 53.2 ± 1.4 nats",
        "See Figure 1 and Table 1, (Kingma & Welling, 2014)",
        "Not answered yet.",
        "2 of 2 claims hold",
        "Correction of the published answer",
        "19,158,352",
        "Auto-Encoding Variational Bayes",
        "rule plot",
        "--cores all",
        'return "unknown time"',
    ):
        assert expected in text, expected


@needs_latex
@pytest.mark.skipif(shutil.which("pdfinfo") is None, reason="no pdfinfo on this machine")
def test_the_pdf_says_what_it_is_and_not_who_made_it(finished: Example, tmp_path: Path) -> None:
    for name, title in (("report", "Deep generative models"), ("checks", "Supplement: all checks – Deep generative models")):
        assert run(finished.results / "report" / f"{name}.tex", tmp_path / "a.pdf") == 0
        done = subprocess.run(["pdfinfo", str(tmp_path / "a.pdf")], capture_output=True, text=True, encoding="utf-8", check=True)
        said = {key: value.strip() for key, _, value in (line.partition(":") for line in done.stdout.splitlines())}
        assert said["Title"] == f"{title}: answers, computed and checked"
        assert "2 answers to questions" in said["Subject"] and "; Later" in said["Keywords"] and not said.get("Author")


@needs_latex
@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no pdftotext on this machine")
def test_the_contents_come_before_the_first_chapter(finished: Example, tmp_path: Path) -> None:
    assert run(finished.results / "report" / "report.tex", tmp_path / "a.pdf") == 0
    words = ["pdftotext", "-l", "1", str(tmp_path / "a.pdf"), "-"]
    first = subprocess.run(words, capture_output=True, text=True, encoding="utf-8", check=True).stdout
    assert "Contents" in first and "checks.pdf" in first and "What it means." not in first


@needs_latex
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (r"\nosuchcommand", r"line 4: .*Undefined control sequence"),
        (r"$x", r"Missing \$ inserted"),
        (r"\includegraphics{no}", r"no"),
    ],
)
def test_an_error_shows_the_line_and_its_surroundings(
    tmp_path: Path, body: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tex = tmp_path / "a.tex"
    tex.write_text(
        "\\documentclass{article}\\usepackage{graphicx}\n\\begin{document}\nbefore\n" + body + "\n\nafter\n\\end{document}\n"
    )
    assert run(tex, tmp_path / "a.pdf") == 1
    said = capsys.readouterr().err
    assert re.search(message, said, re.DOTALL) and "before" in said and said.startswith("typeset: ")
    assert not (tmp_path / "a.pdf").exists()


@needs_latex
def test_lines_in_the_margin_are_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tex = tmp_path / "a.tex"
    tex.write_text("\\documentclass{article}\\begin{document}\n\\noindent\\rule{400pt}{1pt}\n\\end{document}\n")
    assert run(tex, tmp_path / "a.pdf") == 0
    (warning,) = json.loads((tmp_path / "a.json").read_text())["warnings"]
    assert "too wide" in warning and "too wide" in capsys.readouterr().err


@needs_latex
def test_a_link_that_leads_nowhere_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tex = tmp_path / "a.tex"
    tex.write_text(
        "\\documentclass{article}\\usepackage{hyperref}\\begin{document}\n\\hyperlink{nowhere}{x} \\ref{y}\n\\end{document}\n"
    )
    assert run(tex, tmp_path / "a.pdf") == 1
    assert "lead nowhere" in capsys.readouterr().err


def test_missing_input_and_missing_latex_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path / "none.tex", tmp_path / "a.pdf") == 1
    assert "none.tex: no such file" in capsys.readouterr().err
    (tmp_path / "a.tex").write_text("x")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run(tmp_path / "a.tex", tmp_path / "a.pdf") == 1
    assert "pdflatex is not installed" in capsys.readouterr().err
