"""What a reader can look for on the page, and its index.

MiniSearch, a small library, makes the index when the page is made and searches it in the browser. Both cut texts into terms with
``page/search-options.js``. A formula stands in it once, as its TeX.
"""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from dgm.evaluation.registry import Metric
from dgm.report.catalogue import Catalogue
from dgm.report.document import Document
from dgm.report.macros import Shown
from dgm.report.node import library, run

__all__ = ["Entry", "entries", "index"]


class Entry(NamedTuple):
    """Something to be found: what it is, the target of the link to it, and the name (``id``) that readers may know it by."""

    id: str
    kind: str
    anchor: str
    title: str
    text: str


def entries(
    catalogue: Catalogue,
    document: Document,
    shown: Shown,
    *,
    appendices: Mapping[str, str],
    metrics: Collection[Metric],
    papers: Collection[tuple[str, str, str]],
) -> Iterator[Entry]:
    """Questions with their answers, figures, tables, sections of chapters, terms, rows of notation, metrics and papers.

    Args:
        catalogue: what the report declares.
        document: its pieces, parsed.
        shown: the figures and tables that answers show.
        appendices: their names, which are their anchors, and their titles.
        metrics: those that tables show.
        papers: key, title and authors with year of each cited one.
    """
    for name in catalogue.questions:
        keys = [key for key in (f"statement {name}", f"answer {name}", f"printed {name}") if key in document.pieces]
        text = " ".join(document.plain(key) for key in keys)
        yield Entry(name, "question", name, document.plain(f"title {name}"), text)
    for kind, prefix, names in (("figure", "fig", shown.figures), ("table", "tab", shown.tables)):
        for name in names:
            keys = [f"caption {name}", *(key for key in document.pieces if key.split(" ")[:2] in (["row", name], ["group", name]))]
            label, text = shown.label(name), " ".join(map(document.plain, keys))
            yield Entry(f"{label} {name}", kind, f"{prefix}-{name}", label, text)
    for key, title in (
        *((f"assignment {assignment.id}", assignment.title) for assignment in catalogue.assignments.values()),
        *((f"chapter {chapter.name}", chapter.title) for chapter in catalogue.chapters.values()),
    ):
        for part in document.parts(key):
            # what is looked up by a symbol is found by its meaning, which reads better in a list
            swapped = part.kind == "row" and "\\" in part.title
            head, text = (part.text, part.title) if swapped else (part.title, part.text)
            yield Entry(part.title if swapped else "", part.kind, part.anchor, head or title, text)
    for name, title in appendices.items():
        yield Entry("", "section", name, title, "")
    for metric in metrics:
        yield Entry(metric.metric, "metric", f"metric-{metric.metric}", metric.label, metric.meaning)
    for key, title, authors in papers:
        yield Entry(key, "paper", f"paper-{key}", title, authors)


def index(listed: Iterator[Entry], options: Path) -> str:
    """The index as JSON.

    Args:
        listed: what can be found.
        options: ``page/search-options.js`` of the templates.

    Raises:
        ValueError: when MiniSearch or Node is missing, or does not run.
    """
    return run(
        Path(__file__).with_name("search.mjs"),
        {
            "minisearch": str(library("minisearch", "dist/es/index.js")),
            "options": options.read_text(encoding="utf-8"),
            "documents": [{"number": number, **entry._asdict()} for number, entry in enumerate(listed)],
        },
    )
