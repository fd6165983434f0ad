"""Collect a finished build into ``site/``, a folder that any host of static pages can serve.

``python -m dgm.reproduce.site [options of the build]`` copies ``report/index.html`` with the files that it links to,
``report/*.pdf``, ``tables/*.csv`` and ``manifest.json`` of the results folder to the same places of ``site/``, so that the manifest
holds for the published files. It adds a start page, ``index.html``, a page for each question, ``q/<question>.html``, and the image
that stands for the report where somebody links to it.
"""

import argparse
import html
import re
import shutil
import sys
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import jinja2
from markupsafe import Markup
from matplotlib.image import imread

from dgm.assignments import REPOSITORY
from dgm.report.build import PREVIEW
from dgm.report.macros import SYNTAX
from dgm.reproduce import snakemake_notes
from dgm.reproduce.archive import finished
from dgm.reproduce.manifest import MANIFEST
from dgm.reproduce.questions import Question, questions, styles
from dgm.runtime.files import load_text

__all__ = ["collect", "main"]

REPORT = "report/index.html"

LISTS = {"To print": "report/*.pdf", "Tables": "tables/*.csv", "Checksums of all files of the build": MANIFEST}
"""What is published beside the report: heading on the start page, and pattern of the files."""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, **snakemake_notes.PARSER
    )
    snakemake_notes.add_directory(options)
    arguments, words = options.parse_known_args(argv)
    site = arguments.directory / "site"
    try:
        build = snakemake_notes.find(arguments.directory, words)
        finished(build)
        count = collect(build.results, site)
    except (ValueError, OSError) as error:
        print(f"site: {error}", file=sys.stderr)
        return 1
    print(f"{site}: {count} files, start page {site / 'index.html'}")
    return 0


def collect(results: Path, site: Path) -> int:
    """Write the published folder anew.

    Args:
        results: results folder of a finished build.
        site: the folder; what it held is deleted.

    Returns:
        The number of files in it.

    Raises:
        ValueError: when the report is missing, or of an earlier version.
        OSError: when a file cannot be copied.
    """
    text = load_text(results / REPORT)
    head = _Head(text.partition("</head>")[0])
    if "og:image" not in head.named:
        raise ValueError(f"{results / REPORT}: names no image for previews in its head; render the report again")
    lists = {label: sorted(results.glob(pattern)) for label, pattern in LISTS.items()}
    linked = {results / html.unescape(path) for path in re.findall(r'href="\.\./([^"#]+)', text)}
    if site.exists():
        shutil.rmtree(site)
    for path in sorted({results / REPORT, *linked, *(path for paths in lists.values() for path in paths)}):
        target = site / path.relative_to(results)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    image = REPOSITORY / "docs" / PREVIEW
    shutil.copyfile(image, site / PREVIEW)
    templates = jinja2.Environment(loader=jinja2.FileSystemLoader(REPOSITORY / "report" / "templates"), **SYNTAX, autoescape=True)
    preview = head.named["og:image"]
    asked = list(questions(text, f"../{REPORT}"))
    _write_questions(asked, styles(text), preview, templates, site / "q")
    page = templates.get_template("site.html.j2").render(
        heading=head.title,
        description=head.named["description"],
        preview=preview.removeprefix("../"),
        report=REPORT,
        image=PREVIEW,
        size=imread(image).shape[1::-1],
        lists={
            label: [{"name": path.relative_to(results).as_posix(), "size": _size(path)} for path in paths]
            for label, paths in lists.items()
        },
        questions=asked,
    )
    (site / "index.html").write_text(page, encoding="utf-8")
    return sum(path.is_file() for path in site.rglob("*"))


def _write_questions(asked: Sequence[Question], css: str, preview: str, templates: jinja2.Environment, folder: Path) -> None:
    """A page for each question, and the style sheet that they share."""
    if not asked:
        return
    folder.mkdir()
    (folder / "page.css").write_text(css, encoding="utf-8")
    template = templates.get_template("question.html.j2")
    names = ["", *(question.id for question in asked), ""]
    for before, question, after in zip(names, asked, names[2:], strict=False):
        page = template.render(
            question=question,
            heading=question.title,
            description=question.description,
            body=Markup(question.body),  # nosec B704  # from the report, which has escaped it
            preview=preview,
            report=f"../{REPORT}",
            before=before,
            after=after,
        )
        (folder / f"{question.id}.html").write_text(page, encoding="utf-8")


def _size(path: Path) -> str:
    size = path.stat().st_size
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.0f} kB"


class _Head(HTMLParser):
    """Title of a page, and the content of its ``meta`` elements by their name."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.title = ""
        self.named: dict[str, str] = {}
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        found = dict(attrs)
        name = found.get("name") or found.get("property")
        if tag == "meta" and name:
            self.named[name] = found.get("content") or ""

    def handle_data(self, data: str) -> None:
        if self._inside == "title":
            self.title += data

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""


if __name__ == "__main__":
    sys.exit(main())
