"""KaTeX sets every formula in one go; what one of the two outputs cannot set is refused with its place."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from dgm.report import node
from dgm.report.formulas import MACROS, Formula, check_for_latex, katex_css, latex_macros, set_with_katex, shortened

SAMPLE = r"""
\log p(x) \ge \E_{q}\left[\log \frac{p(x,z)}{q(z\mid x)}\right] = \underbrace{a}_{b}
\begin{aligned} a &= b \\ &= \begin{cases} 1 & x > 0 \\ 0 & \text{else} \end{cases} \end{aligned}
\argmin_\theta \KL(q \,\|\, p) + \tr \mathbf{\Sigma} + \diag(\boldsymbol\sigma) \in \R^n
\Var[x] + \Cov[x, y] + \sign(x) + \argmax_z \mathcal{L}
""".strip().splitlines()


def test_every_formula_carries_mathml_and_equal_ones_are_set_once() -> None:
    formulas = [Formula(tex, display, "here") for tex in SAMPLE for display in (False, True)]
    made = set_with_katex(formulas + formulas)
    assert len(made) == len(formulas)
    for (tex, display), html in made.items():
        assert "<math" in html and 'class="katex-html" aria-hidden="true"' in html
        assert ("katex-display" in html) == display, tex
    assert set_with_katex([]) == {}


def test_a_wrong_formula_is_named_with_place_formula_and_reason() -> None:
    good, bad, worse = Formula("x", False, "a.md"), Formula(r"\frac{1}{", False, "b.md"), Formula(r"\nosuch", True, "c.md")
    with pytest.raises(ValueError, match="KaTeX cannot set") as caught:
        set_with_katex([good, bad, worse])
    message = str(caught.value)
    assert "a.md" not in message
    assert r"b.md: Unexpected end of input" in message.replace("Expected '}', got 'EOF'", "Unexpected end of input")
    assert r"c.md: Undefined control sequence: \nosuch" in message and r"in: \nosuch" in message


@pytest.mark.parametrize(
    ("tex", "repair"),
    [
        (r"\begin{align} a &= b \end{align}", "write 'aligned'"),
        (r"\begin{gather*} a \end{gather*}", "write 'gathered'"),
        (r"\begin{aligned} a &= b \tag{1} \end{aligned}", r"put it after \\end"),
        ("a\n\n= b", "empty line"),
    ],
)
def test_what_latex_refuses_is_refused_before(tex: str, repair: str) -> None:
    with pytest.raises(ValueError, match=f"(?s)answer.md: .*{repair}"):
        check_for_latex(Formula(tex, True, "answer.md"))


def test_missing_katex_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "REPOSITORY", tmp_path)
    with pytest.raises(ValueError, match="katex is not there; run `make setup`"):
        set_with_katex([Formula("x", False, "here")])


def test_a_shortened_page_has_the_same_styles() -> None:
    page = "".join(set_with_katex([Formula(tex, True, "here") for tex in ("x^2", r"\frac{a_1}{b}", "x^2")]).values())
    short, sheet = shortened(page)
    assert "style=" not in re.sub("<svg.*?</svg>", "", short) and len(short) < len(page)
    rules = dict(re.findall(r"\.katex \.(k\d+)\.\1\.\1\{([^}]*)\}", sheet))

    def back(span: re.Match[str]) -> str:
        *others, last = span.group(1).split(" ")
        if last not in rules:
            return span.group()
        return f'<span class="{" ".join(others)}" style="{rules[last]}">'.replace(' class=""', "")

    restored = re.sub(r'<span class="?([^">]*)"?>', back, short)
    assert restored == page.replace(' xmlns="http://www.w3.org/1998/Math/MathML"', "")


def test_the_style_sheet_needs_no_file_and_leaves_unused_fonts_out() -> None:
    plain, script = katex_css("<span>"), katex_css('<span class="mathscr">')
    assert "url(fonts/" not in plain and "http" not in plain
    assert plain.count("url(data:font/woff2;base64,") == plain.count("@font-face")
    assert "KaTeX_Script" in script and script.count("@font-face") == plain.count("@font-face") + 1
    for family in ("KaTeX_Main", "KaTeX_Math", "KaTeX_Size1", "KaTeX_AMS", "KaTeX_Caligraphic"):
        assert f"font-family:{family}" in plain or f'font-family:"{family}"' in plain


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX on this machine")
def test_latex_sets_the_same_formulas(tmp_path: Path) -> None:
    body = "\n".join(rf"\[{tex}\]" for tex in SAMPLE) + "".join(rf"\({name} x\)" for name in MACROS)
    preamble = r"\documentclass{article}\usepackage{amsmath,amssymb,bm}" + latex_macros()
    (tmp_path / "a.tex").write_text(preamble + r"\begin{document}" + body + r"\end{document}")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "a.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
