"""The written text as a whole: every question answered once and checked, one notation, no computed number typed by hand."""

import re
from collections import Counter
from collections.abc import Iterator

import pytest
from shipped import ROOT, claims, load

from dgm.report.catalogue import Answer

REPORT = ROOT / "report"
CATALOGUE = load()
ANSWERS = CATALOGUE.answers

CALL = re.compile(r"<<.*?>>|<%.*?%>", re.DOTALL)
LISTING = re.compile(r"^(~~~+|```+).*?^\1", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`[^`]*`")

NOTATION = {
    r"\\mathrm\{KL\}(?!\})|\\operatorname\{KL\}": r"D_{\mathrm{KL}}(q\,\|\,p)",
    r"D_\{\\mathrm\{KL\}\}(\\[bB]ig+l?)?\(\s*\w(_\{?\w+\}?)?\s*,": r"D_{\mathrm{KL}}(q\,\|\,p), with a double bar",
    r"\\ln\b": r"\log",
    r"\\epsilon\b": r"\varepsilon",
    r"\^T\b|\^\{T\}": r"^\top",
    r"(?<![\\a-zA-Z])(?:E_|E\[)": r"\mathbb{E}",
    r"\\mathcal\{E\}|\\mathrm\{E\}": r"\mathbb{E}",
    r"(?<![\\a-zA-Z{])N\((?!\d)": r"\mathcal{N}(\mu, \sigma^2)",
    r"\\mathrm\{ELBO\}|\\text\{ELBO\}": r"\mathcal{L}",
    r"p_\{?data\}?|p_d\b(?=\(x)": r"p_{\mathrm{data}}",
    r"\\operatorname\{Var\}|\\mathbb\{V\}": r"\mathrm{Var}",
}
"""Patterns that another way of writing would show, and the one way; ``report/chapters/notation.md`` is its table."""


def sources() -> Iterator[tuple[str, str]]:
    """Every Markdown template that a person writes: where it stands, and its text without calls, listings and code."""
    for name, answer in ANSWERS.items():
        yield name, answer.text
        yield f"{name}: argued", answer.argued
        yield f"{name}: correction", answer.correction.printed if answer.correction else ""
    for name, chapter in CATALOGUE.chapters.items():
        yield name, chapter.text
    for name, figure in CATALOGUE.figures.items():
        yield f"caption of {name}", figure.caption
    for name, table in CATALOGUE.tables.items():
        yield f"caption of {name}", f"{table.caption}\n{table.notes}"


TEXTS = {where: CODE.sub(" ", LISTING.sub(" ", CALL.sub("CALL", text))) for where, text in sources() if text}


def typed_numbers(text: str, given: str = "") -> list[str]:
    """Numbers in ``text`` that look computed and are not in ``given``.

    That is: anything right after an ``\\approx``; decimals with three significant digits or more; whole numbers from a
    thousand on, round ones (1000, 60 000) excepted.
    """
    plain = re.sub(r"(?<=\d)(\\,|\{,\}|\u00a0|,)(?=\d{3}\b)", "", text)
    given = re.sub(r"(?<=\d)(\\,|\{,\}|\u00a0|,)(?=\d{3}\b)", "", given)
    known = set(re.findall(r"\d+(?:\.\d+)?", given))
    found = [match.group(1) for match in re.finditer(r"\\approx\s*(-?(?!0\b(?!\.))\d+(?:\.\d+)?)", plain)]
    for match in re.finditer(r"(?<![\w.{])\d+(?:\.\d+)?(?![\d.]*\w)|(?<=[{(=])\d+\.\d+", plain):
        number = match.group()
        digits = number.replace(".", "").strip("0")
        long = len(number.replace(".", "").lstrip("0")) >= 3 and "." in number
        if (long or ("." not in number and int(number) >= 1000 and len(digits) > 1)) and number not in known:
            found.append(number)
    return found


# ---------------------------------------------------------------------- the instrument itself


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (r"$\log 4\approx 1.4$", ["1.4"]),
        (r"it is $0.693$ nats", ["0.693"]),
        (r"$784$ pixels, $\varepsilon=10^{-6}$, $(0.9,0.2)$, $0.05$, $100$ epochs", []),
        (r"the $394{,}284$ parameters", ["394284"]),
        ("15\u00a0699 parameters", ["15699"]),
        (r"$3\,924$ and 7849", ["3924", "7849"]),
        (r"$x_{1000}$", []),
        (r"$p(x)\approx0$ beyond", []),
    ],
)
def test_typed_numbers_are_found(text: str, found: list[str]) -> None:
    assert typed_numbers(text) == found
    assert typed_numbers(text, "given 1.4, 0.693, 394284, 15699, 3924, 7849") == [n for n in found if n == "1.4"]


@pytest.mark.parametrize(
    "text",
    [
        r"$\mathrm{KL}(q,p)$",
        r"$D_{\mathrm{KL}}(q,p)$",
        r"$\ln 2$",
        r"$\epsilon$",
        "$A^T$",
        r"$E_q[f]$",
        r"$N(\mu,1)$",
        r"$p_{data}$",
    ],
)
def test_another_notation_is_found(text: str) -> None:
    assert any(re.search(pattern, text) for pattern in NOTATION)


@pytest.mark.parametrize(
    "text",
    [r"$D_{\mathrm{KL}}(q\,\|\,p)$", r"$\mathbb{E}_q[f]$", r"$E_\theta(x)$", r"$\mathcal{N}(\mu,1)$", r"$p_{\mathrm{data}}$"],
)
def test_the_notation_itself_is_not(text: str) -> None:
    assert not [pattern for pattern in NOTATION if re.search(pattern, text.replace("E_\\theta", ""))]


# ---------------------------------------------------------------------- the text


def test_every_question_is_answered_in_its_place_and_has_a_check() -> None:
    assert list(ANSWERS) == list(CATALOGUE.questions)
    for name, answer in ANSWERS.items():
        assert answer.path == ROOT / "assignments" / CATALOGUE.questions[name].assignment / "answers" / f"{name}.md"
    checked = [name for assignment in CATALOGUE.assignments for name in claims(assignment)]
    assert Counter(checked) == Counter(list(ANSWERS))


@pytest.mark.parametrize("name", ANSWERS)
def test_the_result_stands_first(name: str) -> None:
    assert re.match(r"\s*(\*\*Result\.?\*\*|::: *\{?\.?result)", ANSWERS[name].text), ANSWERS[name].text[:80]


@pytest.mark.parametrize("where", TEXTS)
def test_no_computed_number_is_typed_by_hand(where: str) -> None:
    question = CATALOGUE.questions.get(where.partition(":")[0])
    assert typed_numbers(TEXTS[where], question.statement if question else "") == []


@pytest.mark.parametrize("where", TEXTS)
def test_one_notation(where: str) -> None:
    text = re.sub(r"E_(\\theta|\{\\theta\})", "", TEXTS[where])
    assert {found.group(): right for pattern, right in NOTATION.items() for found in re.finditer(pattern, text)} == {}


@pytest.mark.parametrize("name", CATALOGUE.questions)
def test_statements_use_the_same_notation(name: str) -> None:
    text = re.sub(r"E_(\\theta|\{\\theta\})", "", CATALOGUE.questions[name].statement)
    assert {found.group(): right for pattern, right in NOTATION.items() for found in re.finditer(pattern, text)} == {}


@pytest.mark.parametrize("where", TEXTS)
def test_nothing_is_left_to_do(where: str) -> None:
    assert not re.search(r"\bTODO\b|\bFIXME\b|\bXXX\b|\?\?", TEXTS[where])


CORRECTED: dict[str, Answer] = {name: answer for name, answer in ANSWERS.items() if answer.correction}


@pytest.mark.parametrize("name", CORRECTED)
def test_a_correction_fits_a_line_of_the_table(name: str) -> None:
    correction = CORRECTED[name].correction
    assert correction and 4 <= len(re.sub(r"\$[^$]*\$", "x", correction.printed).split()) <= 45
