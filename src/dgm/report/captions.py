"""The captions of figures and tables as the page shows them, for reports that others make of the same files."""

import html
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path

__all__ = ["Captions", "captions"]


class Captions(Mapping[str, str]):
    """Captions as HTML by the name of the figure or table; the page is read when the first one is asked for.

    Args:
        page: ``index.html`` of a build.
        names: the figures and tables that it should show. What it does not, and all while it is not there, has no caption.
    """

    def __init__(self, page: Path, names: Iterator[str]) -> None:
        self.page = page
        self.names = tuple(names)

    @cached_property
    def found(self) -> dict[str, str]:
        """The captions of the page."""
        return captions(self.page.read_text(encoding="utf-8")) if self.page.is_file() else {}

    def __getitem__(self, name: str) -> str:
        if name not in self.names:
            raise KeyError(name)
        return self.found.get(name, "")

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def captions(page: str) -> dict[str, str]:
    """The captions of all figures and tables of the page, by name.

    Links are words, since what they lead to stays behind, and of a formula only its MathML is kept, which needs no style sheet.
    """
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return {name: re.sub(r"[ \t\n]+", " ", "".join(parts)).strip() for name, parts in reader.captions.items()}


class _Reader(HTMLParser):
    """Collects what stands between the tags ``figcaption`` of each figure with an id."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.captions: dict[str, list[str]] = {}
        self._figure = ""
        self._parts: list[str] | None = None
        self._hidden = 0  # open tags inside the drawn half of a formula

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        if tag == "figure":
            self._figure = (values.get("id") or "").partition("-")[2]
        elif tag == "figcaption" and self._figure:
            self._parts = self.captions.setdefault(self._figure, [])
        elif self._parts is not None and (self._hidden or values.get("class") == "katex-html"):
            self._hidden += tag == "span"
        elif self._parts is not None and tag != "a":
            self._parts.append(self.get_starttag_text() or "")

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if not self._hidden:
            self.handle_starttag(tag, attributes)

    def handle_endtag(self, tag: str) -> None:
        if tag == "figcaption":
            self._parts = None
        elif self._hidden:
            self._hidden -= tag == "span"
        elif self._parts is not None and tag != "a":
            self._parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if self._parts is not None and not self._hidden:
            self._parts.append(html.escape(data, quote=False))
