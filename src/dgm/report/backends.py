"""How the elements of an answer look in HTML and in LaTeX."""

import html
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers.python import PythonLexer

from dgm.report import latex
from dgm.report.catalogue import Catalogue
from dgm.report.macros import Shown, citation
from dgm.report.numbers import in_prose

__all__ = ["HtmlBackend", "LatexBackend", "year_labels"]


def year_labels(catalogue: Catalogue, cited: set[str]) -> dict[str, str]:
    """Year of each cited paper, with a letter where authors and year alone would be ambiguous."""
    groups: dict[tuple[str, int], list[str]] = {}
    for key in sorted(cited, key=lambda key: (catalogue.papers[key].title, key)):
        paper = catalogue.papers[key]
        groups.setdefault((citation(paper), paper.year), []).append(key)
    return {
        key: f"{year}{chr(ord('a') + index) if len(keys) > 1 else ''}"
        for (_, year), keys in groups.items()
        for index, key in enumerate(keys)
    }


@dataclass(frozen=True)
class _References:
    """What both backends look references up in."""

    catalogue: Catalogue
    shown: Shown
    years: Mapping[str, str]

    def cited(self, names: list[str], way: str) -> list[tuple[str, str]]:
        """Key and wording of each paper."""
        made = []
        for name in names:
            authors = citation(self.catalogue.papers[name])
            made.append((name, f"{authors} ({self.years[name]}" if way == "text" else f"{authors}, {self.years[name]}"))
        return made


class HtmlBackend(_References):
    """HTML 5 with formulas set by KaTeX."""

    writer = "html5"
    raw = "html"

    def __init__(
        self, catalogue: Catalogue, shown: Shown, years: Mapping[str, str], formulas: Mapping[tuple[str, bool], str]
    ) -> None:
        super().__init__(catalogue, shown, years)
        object.__setattr__(self, "formulas", formulas)

    formulas: Mapping[tuple[str, bool], str]

    def formula(self, tex: str, display: bool, punctuation: str, label: str = "") -> str:
        """KaTeX's HTML. Punctuation is kept on the line where the formula ends; a displayed formula has its number beside it."""
        made = self.formulas[tex, display]
        if label:
            number = label.rpartition("-")[2]
            made = f'<span class="eq" id="{label}">{made}<a class="number" href="#{label}">({number})</a></span>'
        return f'<span class="glued">{made}{html.escape(punctuation)}</span>' if punctuation else made

    def trace(self, target: str) -> tuple[str, str]:
        """A link that reading and tabbing pass over: there are hundreds."""
        return f'<a class="num" tabindex="-1" href="{html.escape(target)}">', "</a>"

    def to_shown(self, name: str) -> str:
        """``<a href="#fig-NAME">Figure 3</a>``."""
        kind = "fig" if name in self.shown.figures else "tab"
        return f'<a href="#{kind}-{name}">{self.shown.label(name)}</a>'

    def to_question(self, name: str, text: str) -> str:
        """A link with the question's title as tooltip."""
        title = html.escape(re.sub(r"[$\\]", "", self.catalogue.questions[name].title), quote=True)
        return f'<a href="#{name}" title="{title}">{html.escape(text) or name}</a>'

    def to_chapter(self, name: str, text: str) -> str:
        """A link to a chapter."""
        return f'<a href="#{name}">{html.escape(text)}</a>'

    def to_papers(self, names: list[str], way: str, note: str) -> str:
        """Links into the bibliography."""
        links = [
            f'<a href="#paper-{key}">{html.escape(words)}{(", " + html.escape(note)) if note and key == names[-1] else ""}'
            + (")</a>" if way == "text" else "</a>")
            for key, words in self.cited(names, way)
        ]
        return " and ".join(links) if way == "text" else f"({'; '.join(links)})"

    def listing(self, code: str, language: str, source: str) -> str:
        """A listing in a box that scrolls."""
        body = (
            highlight(code, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True)) if language == "python" else html.escape(code)
        )
        head = f"<figcaption><code>{html.escape(source)}</code></figcaption>" if source else ""
        pre = "<pre>"
        return f'<figure class="listing">{head}{pre}<code>{body.rstrip()}</code></pre></figure>'

    def code(self, text: str) -> str:
        """``<code>`` with possible breaks after separators."""
        return f"<code>{_breakable(text)}</code>"

    def text(self, text: str) -> str:
        """Escaped text with superscript powers of ten."""
        return "".join(
            html.escape(part) if kind == "text" else re.sub(r"(\\times )?10\^\{(-?)(\d+)\}", _power, part).replace("-", "−")
            for kind, part in in_prose(text)
        )

    def box(self, kind: str, heading: str) -> tuple[str, str]:
        """An ``<aside>`` with a heading; what is more than was asked for is folded."""
        if kind == "more":
            return f'<details class="more"><summary>{html.escape(heading)}</summary>', "</details>"
        return f'<aside class="box {kind}"><p class="box-title">{html.escape(heading)}</p>', "</aside>"

    def header_level(self, depth: int) -> int:
        """Titles of assignments are ``h2``."""
        return min(depth + 1, 6)

    def heading(self, target: str) -> str:
        """The ``id`` of the heading."""
        return target

    def table(self) -> tuple[str, str]:
        """Wide tables scroll in their own box."""
        return '<div class="scroll" role="group" aria-label="Table">', "</div>"


class LatexBackend(_References):
    """LaTeX with the packages of texlive-latex-recommended.

    ``present`` are the link targets of a document that holds only a part of the report; other links lead into ``report.pdf``.
    """

    writer = "latex"
    raw = "latex"

    def __init__(
        self, catalogue: Catalogue, shown: Shown, years: Mapping[str, str], present: Collection[str] | None = None
    ) -> None:
        super().__init__(catalogue, shown, years)
        object.__setattr__(self, "present", present)

    present: Collection[str] | None

    def link(self, target: str, text: str, elsewhere: str = "") -> str:
        """``text`` as a link, with ``elsewhere`` after it where this document has no such target."""
        if self.present is None or target in self.present:
            return rf"\hyperlink{{{target}}}{{{text}}}"
        return rf"\href{{report.pdf\#{target}}}{{{text}}}{elsewhere}"

    def formula(self, tex: str, display: bool, punctuation: str, label: str = "") -> str:
        r"""``\(…\)`` or ``\[…\]``, a labelled one with its number."""
        body = tex.strip()
        if not display:
            return f"\\({body}\\){latex.escape(punctuation)}"
        number = rf"\tag{{{label.rpartition('-')[2]}}}" if label else ""
        return f"\\[{body}{number}\\]"

    def trace(self, target: str) -> tuple[str, str]:
        """Nothing: paper has no rows to go to."""
        return "", ""

    def to_shown(self, name: str) -> str:
        """A numbered reference; the numbers are ours, so that both outputs agree."""
        kind = "fig" if name in self.shown.figures else "tab"
        return self.link(f"{kind}-{name}", latex.escape(self.shown.label(name)), " of the full report")

    def to_question(self, name: str, text: str) -> str:
        """A link to the question."""
        return self.link(f"question-{name}", latex.escape(text or name))

    def to_chapter(self, name: str, text: str) -> str:
        """A link to a chapter."""
        return self.link(f"chapter-{name}", latex.escape(text), " of the full report")

    def to_papers(self, names: list[str], way: str, note: str) -> str:
        """Links into the bibliography."""
        links = []
        for key, words in self.cited(names, way):
            extra = f", {note}" if note and key == names[-1] else ""
            end = ")" if way == "text" else ""
            links.append(self.link(f"paper-{key}", latex.escape(words + extra) + end))
        return " and ".join(links) if way == "text" else f"({'; '.join(links)})"

    def listing(self, code: str, language: str, source: str) -> str:
        """A listing of folded lines."""
        head = rf"\codesource{{{latex.break_anywhere(source)}}}" + "\n" if source else ""
        return head + latex.listing(code, language)

    def code(self, text: str) -> str:
        """Typewriter type that may be broken after separators."""
        return latex.break_anywhere(text)

    def text(self, text: str) -> str:
        """Escaped text with powers of ten as formulas."""
        return "".join(latex.escape(part) if kind == "text" else rf"\({part}\)" for kind, part in in_prose(text))

    def box(self, kind: str, heading: str) -> tuple[str, str]:
        """An environment with a heading."""
        return rf"\begin{{reportbox}}{{{kind}}}{{{latex.escape(heading)}}}", r"\end{reportbox}"

    def header_level(self, depth: int) -> int:
        """Titles of questions are subsections; headings of chapters too are below what the contents list."""
        return min(max(depth, 3), 5)

    def heading(self, target: str) -> str:
        """None: nothing links to headings of the document on paper."""
        return ""

    def table(self) -> tuple[str, str]:
        """A Markdown table may break across pages; it is set a little smaller."""
        return r"\begingroup\small", r"\endgroup"


def _breakable(text: str) -> str:
    return re.sub(r"(?<=[_./=,])(?=[^\s<&])", "<wbr>", html.escape(text))


def _power(found: re.Match[str]) -> str:
    times, sign, exponent = found.groups()
    return f"{'×' if times else ''}10<sup>{'−' if sign else ''}{exponent}</sup>"
