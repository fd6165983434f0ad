"""Any text survives LaTeX: it is typeset and read back from the PDF."""

import re
import shutil
import subprocess
import unicodedata
from pathlib import Path

import pytest

from dgm.report import latex

needs_latex = pytest.mark.skipif(
    shutil.which("pdflatex") is None or shutil.which("pdftotext") is None, reason="no LaTeX or no pdftotext on this machine"
)

NASTY = r"a_b^c~d {e} \f $g$ 5% #1 & <h> |i| k--l `m' "


def typeset(body: str, folder: Path) -> str:
    """The text of a PDF made from ``body``, all blanks removed."""
    preamble = (
        r"\documentclass{article}\usepackage[utf8]{inputenc}\usepackage[T1]{fontenc}\usepackage{lmodern,textcomp,amsmath,amssymb}"
    )
    source = (
        preamble + r"\pagestyle{empty}" + latex.declarations(body, "test") + "\\begin{document}\n" + body + "\n\\end{document}\n"
    )
    (folder / "a.tex").write_text(source)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "a.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, encoding="utf-8", errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]
    read = subprocess.run(["pdftotext", "-raw", "a.pdf", "-"], cwd=folder, capture_output=True, text=True, check=True).stdout
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", read))


@needs_latex
def test_special_characters_are_printed_as_they_are(tmp_path: Path) -> None:
    expected = re.sub(r"\s", "", NASTY)
    assert typeset(latex.escape(NASTY), tmp_path).replace("‘", "`").replace("’", "'") == expected
    assert typeset(latex.break_anywhere(NASTY), tmp_path) == expected


@needs_latex
def test_every_declared_character_can_be_printed(tmp_path: Path) -> None:
    characters = [*latex._TEXT, *latex._MATH, *latex._UPPER, *latex._LOWER, *"äöüßéèçñøåłž§©«»"]
    read = typeset(r"\\ ".join(f"a{character}b" for character in characters), tmp_path)
    for character in "−αΩ≤→∞éø":
        assert f"a{character}b" in read


def test_a_character_without_a_form_is_named_with_its_place() -> None:
    with pytest.raises(ValueError, match=r"x\.md: LaTeX has no form for '語' \(U\+8A9E\) near: before 語 after"):
        latex.declarations("before 語 after", "x.md")
    assert latex.declarations("plain é text", "x.md") == ""


def test_a_listing_keeps_every_character_and_its_indentation() -> None:
    code = 'def f(x: int) -> str:  # σ² of "x"\n    return f"{x}_{x:>3}%"\n\n    # end'
    lines = latex.listing(code, "python").splitlines()[1:-1]
    assert [int(line.split("{")[1].split("}")[0]) for line in lines] == [0, 4, 0, 4]
    assert r"\codekeyword{def}" in lines[0] and r"\codename{f}" in lines[0] and r"\codecomment{" in lines[0]
    assert len(latex.listing("a\nb\n", "text").splitlines()) == 4
