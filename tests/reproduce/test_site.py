"""The published folder: every relative link leads to a file in it, and its files are those of the manifest."""

import json
import shutil
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import jinja2
import pytest

from dgm.report.build import PREVIEW
from dgm.report.macros import SYNTAX
from dgm.reproduce.manifest import faults
from dgm.reproduce.site import REPOSITORY, collect
from dgm.stages import manifest

PUBLISHED = ("report/index.html", "report/report.pdf", "report/mine.pdf", "tables/metrics.csv", "arrays/mine.npz")
QUESTIONS = ("q/mine-1.html", "q/mine-2.html", "q/page.css")
KEPT = ("report/report.tex", "models/nice.pt")


INDEX = {
    "storedFields": {
        "0": {"kind": "question", "anchor": "mine-1", "title": "One & <two>", "text": "What is asked? " * 20},
        "1": {"kind": "question", "anchor": "mine-2", "title": "The next", "text": "Short."},
        "2": {"kind": "figure", "anchor": "fig-mine", "title": "Figure 1", "text": "Not a question."},
    }
}

PLACE, DRAWING = "data:image/svg+xml,<svg viewBox='0 0 4 3'/>", "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>"

BODY = f"""<a href="#a">A</a> <a href="../tables/metrics.csv#row=2">1</a> <a href="../arrays/mine.npz">data</a>
<article class="question" id="mine-1"><h3>One</h3><a href="#mine-1/two">own</a> <a href="#mine-2">other</a> <a id="mine-1/two"></a>
<a href="../arrays/mine.npz">data</a>
<img class="later" src="{PLACE}" alt="Dots" width="4" height="3"><noscript><img src="{DRAWING}" alt="Dots"></noscript>
</article>
<article class="question open" id="mine-2"><h3>The next</h3></article>
<script type="application/json" id="index">{json.dumps(INDEX).replace("</", "<" + chr(92) + "/")}</script>"""


class Links(HTMLParser):
    """Addresses that a page names."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.found += [found[name] or "" for name in ("href", "src") if name in found]
        if found.get("property") == "og:image":
            self.found.append(found["content"] or "")


def targets(page: Path) -> Iterator[Path]:
    """Where the relative links of a page lead."""
    for link in Links(page).found:
        parts = urlsplit(link)
        if not parts.scheme and parts.path:
            yield (page.parent / unquote(parts.path)).resolve()


@pytest.fixture
def made(tmp_path: Path) -> Callable[[str], Path]:
    """Makes the results folder of a finished build whose report names a preview at the address that is given."""

    def make(address: str) -> Path:
        results = tmp_path / "results" / "mnist-5k"
        for name in (*PUBLISHED, *KEPT):
            (results / name).parent.mkdir(parents=True, exist_ok=True)
            (results / name).write_text(name, encoding="utf-8")
        templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(REPOSITORY / "report" / "templates"), **SYNTAX, autoescape=True
        )
        head = templates.get_template("head.html.j2").render(
            heading="Mine & more", description="“Said” of it", preview=address + PREVIEW
        )
        page = f"<html><head>{head}<style>body {{ margin: 0 }}</style></head><body>{BODY}</body></html>"
        (results / "report" / "index.html").write_text(page, encoding="utf-8")
        record = results / "records" / "manifest" / "manifest.json"
        assert (
            manifest.main(["--results", str(results), "--manifest", str(results / "manifest.json"), "--record", str(record)]) == 0
        )
        return results

    return make


def test_every_relative_link_leads_to_a_file_of_the_folder(made: Callable[[str], Path], tmp_path: Path) -> None:
    site = tmp_path / "site"
    collect(made("../"), site)
    linked = {target for page in site.rglob("*.html") for target in targets(page)}
    assert linked == {path.resolve() for path in site.rglob("*") if path.is_file()} - {(site / "index.html").resolve()}
    assert {path.relative_to(site.resolve()).as_posix() for path in linked} == {*PUBLISHED, *QUESTIONS, "manifest.json", PREVIEW}


def test_the_manifest_holds_for_the_published_files(made: Callable[[str], Path], tmp_path: Path) -> None:
    results = made("../")
    collect(results, tmp_path / "site")
    found = faults(tmp_path / "site")
    assert found.changed == ()
    assert set(found.missing) == set(KEPT)


def test_a_known_address_is_that_of_the_image_in_both_pages(made: Callable[[str], Path], tmp_path: Path) -> None:
    collect(made("https://example.org/report/"), tmp_path / "site")
    for page in (tmp_path / "site" / "index.html", tmp_path / "site" / "report" / "index.html"):
        assert "https://example.org/report/report.png" in Links(page).found


def test_what_an_earlier_call_left_is_gone(made: Callable[[str], Path], tmp_path: Path) -> None:
    results, site = made("../"), tmp_path / "site"
    collect(results, site)
    before = {path: path.read_bytes() for path in site.rglob("*") if path.is_file()}
    shutil.copy(site / "manifest.json", site / "report" / "old.pdf")
    assert collect(results, site) == len(before)
    assert {path: path.read_bytes() for path in site.rglob("*") if path.is_file()} == before


def test_a_report_without_an_image_for_previews_is_refused_and_the_folder_stays(
    made: Callable[[str], Path], tmp_path: Path
) -> None:
    results, site = made("../"), tmp_path / "site"
    collect(results, site)
    (results / "report" / "index.html").write_text("<html><head><title>Old</title></head></html>", encoding="utf-8")
    with pytest.raises(ValueError, match=r"index\.html: names no image for previews"):
        collect(results, site)
    assert (site / "index.html").is_file()


def test_a_question_has_a_small_page_of_its_own_that_leads_into_the_report(made: Callable[[str], Path], tmp_path: Path) -> None:
    site = tmp_path / "site"
    collect(made("../"), site)
    page = (site / "q" / "mine-1.html").read_text(encoding="utf-8")
    found = Links(site / "q" / "mine-1.html").found
    assert "<title>mine-1 One &amp; &lt;two&gt;</title>" in page
    assert 'content="What is asked? ' in page and page.count("What is asked?") == 2 * 10  # thirty words, in two descriptions
    assert {"#mine-1/two", "../report/index.html#mine-2", "../report/index.html#mine-1", "mine-2.html"} <= set(found)
    assert DRAWING in found and "noscript" not in page and 'alt="Dots" width="4"' in page
    assert "<script" not in page
    assert (site / "q" / "page.css").read_text(encoding="utf-8") == "body { margin: 0 }"
    last = Links(site / "q" / "mine-2.html").found
    assert "mine-1.html" in last and "mine-2.html" not in last


def test_a_file_that_the_page_links_to_and_the_build_lacks_is_named(made: Callable[[str], Path], tmp_path: Path) -> None:
    results = made("../")
    (results / "arrays" / "mine.npz").unlink()
    with pytest.raises(OSError, match=r"mine\.npz"):
        collect(results, tmp_path / "site")
