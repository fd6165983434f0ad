"""One small page for each question, cut from the finished report, so that a link to it opens quickly and says what it is about."""

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Question", "questions", "styles"]

MOST_WORDS = 30
"""Words of a question that its description for previews of links has."""

_ARTICLE = re.compile(r'<article class="question.*?</article>', re.DOTALL)
_ID = re.compile(r' id="([^"]+)"')
_LATER = re.compile(r'<img class="later" src="[^"]*" alt="([^"]*)"([^>]*)><noscript><img (src="[^"]*").*?</noscript>')
_INDEX = re.compile(r'<script type="application/json" id="index">(.*?)</script>', re.DOTALL)


@dataclass(frozen=True)
class Question:
    """A question with its answer.

    Attributes:
        id: its name, and that of its page.
        title: in plain words, formulas as TeX.
        description: the beginning of what is asked.
        body: the HTML of question, answer and checks; what it refers to elsewhere leads into the whole report.
    """

    id: str
    title: str
    description: str
    body: str


def questions(page: str, report: str) -> Iterator[Question]:
    """The questions of a page of a report.

    Args:
        page: its HTML.
        report: its address as seen from the page of a question.
    """
    index = _INDEX.search(page)
    entries = json.loads(index[1].replace("<\\/", "</"))["storedFields"].values() if index else ()
    found = {entry["anchor"]: entry for entry in entries if entry["kind"] == "question"}
    for article in _ARTICLE.findall(page):
        name = _ID.findall(article)[0]
        words = found[name]["text"].split()
        description = " ".join(words[:MOST_WORDS]) + (" …" if len(words) > MOST_WORDS else "")
        yield Question(name, f"{name} {found[name]['title']}", description, _alone(article, report))


def styles(page: str) -> str:
    """The style sheet of a page of a report."""
    found = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    return found[1] if found else ""


def _alone(article: str, report: str) -> str:
    """The same, with figures that need no script and links that lead out of it into the report."""
    own = {html.unescape(anchor) for anchor in _ID.findall(article)}

    def lead(found: re.Match[str]) -> str:
        return found[0] if html.unescape(found[1]) in own else f'href="{report}#{found[1]}"'

    drawn = _LATER.sub(r'<img \3 alt="\1"\2>', article)
    return re.sub(r'href="#([^"]*)"', lead, drawn)
