"""Formulas for both outputs from one TeX source: KaTeX sets them for HTML at build time, LaTeX for the PDF.

KaTeX's subset of TeX is what an answer may use; the few things that KaTeX accepts and LaTeX does not are refused here.
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dgm.report.node import library, run

__all__ = ["MACROS", "Formula", "check_for_latex", "katex_css", "latex_macros", "set_with_katex", "shortened"]

MACROS: Mapping[str, str] = {
    r"\E": r"\mathbb{E}",
    r"\KL": r"D_{\mathrm{KL}}",
    r"\R": r"\mathbb{R}",
    r"\Var": r"\operatorname{Var}",
    r"\Cov": r"\operatorname{Cov}",
    r"\diag": r"\operatorname{diag}",
    r"\tr": r"\operatorname{tr}",
    r"\sign": r"\operatorname{sign}",
    r"\argmin": r"\operatorname*{arg\,min}",
    r"\argmax": r"\operatorname*{arg\,max}",
}
"""Commands that answers may use in addition to what KaTeX and LaTeX (amsmath, amssymb, bm) share."""

_OUTER = re.compile(r"^\s*\\begin\{(align|equation|gather|multline|eqnarray|alignat|flalign)\*?\}")

# Families that most reports never use, and the classes that show their use.
_OPTIONAL_FONTS = {
    "KaTeX_Fraktur": ("mathfrak", "textfrak"),
    "KaTeX_SansSerif": ("mathsf", "textsf", "mathboldsf", "textboldsf", "mathitsf", "textitsf"),
    "KaTeX_Script": ("mathscr", "textscr"),
    "KaTeX_Typewriter": ("mathtt", "texttt"),
}


@dataclass(frozen=True)
class Formula:
    """A formula and the place it stands in (``where``, for messages)."""

    tex: str
    display: bool
    where: str


def latex_macros() -> str:
    """:data:`MACROS` as LaTeX definitions."""
    return "\n".join(rf"\providecommand{{{name}}}{{}}\renewcommand{{{name}}}{{{body}}}" for name, body in MACROS.items())


def check_for_latex(formula: Formula) -> None:
    """Refuse what KaTeX sets and LaTeX stops at.

    Raises:
        ValueError: with place, formula and the repair.
    """
    outer = _OUTER.match(formula.tex)
    if outer:
        name = outer.group(1)
        inner = {"align": "aligned", "gather": "gathered", "alignat": "alignedat"}.get(name, "aligned")
        raise ValueError(f"{formula.where}: {name!r} inside $$ stops LaTeX; write {inner!r}: {_short(formula.tex)}")
    if r"\tag" in formula.tex and re.search(r"\\begin\{(aligned|gathered|alignedat|split|cases)\}.*\\tag", formula.tex, re.DOTALL):
        raise ValueError(
            rf"{formula.where}: \tag inside an inner environment stops LaTeX; put it after \end: {_short(formula.tex)}"
        )
    outward = re.search(r"\\(href|url|includegraphics|htmlClass|htmlId|htmlStyle|htmlData)\b", formula.tex)
    if outward:
        raise ValueError(
            rf"{formula.where}: \{outward.group(1)} leads out of the formula, which the page does not set; "
            f"put the link or the picture beside it: {_short(formula.tex)}"
        )
    if re.search(r"\n[ \t]*\n", formula.tex):
        raise ValueError(f"{formula.where}: an empty line inside a formula stops LaTeX: {_short(formula.tex)}")


def set_with_katex(formulas: Iterable[Formula]) -> dict[tuple[str, bool], str]:
    """HTML with embedded MathML of every formula, by (tex, display); one Node process sets them all.

    Args:
        formulas: what to set; equal ones are set once.

    Raises:
        ValueError: when a formula is wrong, with place, formula and KaTeX's message for each; when KaTeX or Node is missing.
    """
    unique: dict[tuple[str, bool], Formula] = {}
    for formula in formulas:
        unique.setdefault((formula.tex, formula.display), formula)
    if not unique:
        return {}
    job = {
        "katex": str(library("katex", "dist/katex.mjs")),
        "macros": dict(MACROS),
        "formulas": [{"tex": tex, "display": display} for tex, display in unique],
    }
    answers = json.loads(run(Path(__file__).with_name("katex.mjs"), job))
    faults = [
        f"{formula.where}: {answer['error'].removeprefix('KaTeX parse error: ')}\n    in: {_short(formula.tex)}"
        for formula, answer in zip(unique.values(), answers, strict=True)
        if "error" in answer
    ]
    if faults:
        raise ValueError("KaTeX cannot set\n" + "\n".join(faults))
    return {key: str(answer["html"]) for key, answer in zip(unique, answers, strict=True)}


def shortened(html: str) -> tuple[str, str]:
    """A page whose formulas need a fifth fewer bytes, and the style sheet that it then needs.

    KaTeX writes sizes and shifts into each of 100,000 elements. A few hundred of them are different: each becomes a class.
    """
    styles: dict[str, str] = {}

    def classed(span: re.Match[str]) -> str:
        before, style = span.groups()
        name = styles.setdefault(style, f"k{len(styles)}")
        return f'<span class="{before} {name}">' if before else f"<span class={name}>"

    html = html.replace('<math xmlns="http://www.w3.org/1998/Math/MathML"', "<math")  # which HTML takes for granted
    html = re.sub(r'<span(?: class="([^"]*)")? style="([^"]*)">', classed, html)
    # repeated, a class outweighs KaTeX's own rules, as a style did
    return html, "".join(f".katex .{name}.{name}.{name}{{{style}}}" for style, name in styles.items())


def katex_css(html: str) -> str:
    """KaTeX's style sheet with the fonts inside it: woff2 only, and without the families that ``html`` does not use.

    Raises:
        ValueError: when KaTeX is not installed, or its style sheet names a font that it does not ship.
    """
    css = library("katex", "dist/katex.min.css")
    folder = css.parent

    def embedded(face: re.Match[str]) -> str:
        block = face.group(0)
        family = re.search(r'font-family:"?([A-Za-z0-9_]+)', block)
        file = re.search(r"url\((fonts/[^)]+\.woff2)\)", block)
        if not family or not file or not (folder / file.group(1)).is_file():
            raise ValueError(f"{css}: a font face without a woff2 file: {block[:120]}")
        signs = _OPTIONAL_FONTS.get(family.group(1))
        if signs and not any(sign in html for sign in signs):
            return ""
        data = base64.b64encode((folder / file.group(1)).read_bytes()).decode()
        return re.sub(r"src:[^;}]+", f'src:url(data:font/woff2;base64,{data}) format("woff2")', block)

    return re.sub(r"@font-face\{[^}]+\}", embedded, css.read_text(encoding="utf-8"))


def _short(tex: str) -> str:
    line = " ".join(tex.split())
    return line if len(line) <= 200 else line[:197] + "…"
