"""Markdown pieces to HTML and LaTeX through one syntax tree.

All pieces of the report (statements, answers, captions, claims, …) are parsed by one call of pandoc and written by one call a
format. In between, the tree is walked once for each format: formulas, numbers, references, listings and boxes are set by us.
"""

import json
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from dgm.errors import unknown
from dgm.report.formulas import Formula, check_for_latex, set_with_katex
from dgm.report.numbers import GROUP, in_formula, in_prose

__all__ = ["BOXES", "Backend", "Document", "Part", "Piece", "fill", "placeholder", "traced"]

Node = dict[str, Any]

BOXES: Mapping[str, str] = {
    "result": "Result",
    "correction": "Correction of the published answer",
    "proof": "Proof",
    "remark": "Remark",
    "more": "More",
    "missing": "What this build lacks here",
}
"""Fenced blocks that an answer may use, and their headings. ``more`` is folded on the page: limits, other models, duality."""

_READER = "markdown-auto_identifiers-citations-example_lists-fancy_lists+startnum-implicit_figures-implicit_header_references" + (
    "-latex_macros-line_blocks-markdown_in_html_blocks-pandoc_title_block-raw_attribute-raw_html-raw_tex-strikeout-subscript"
    "-superscript-task_lists-yaml_metadata_block"
)
_OPEN, _CLOSE = "\ue010", "\ue011"
_MARK = re.compile(f"{_OPEN}piece ([0-9]+){_CLOSE}")
_TRACED, _FROM, _END = "\ue012", "\ue013", "\ue014"
_TRACES = re.compile(f"({_TRACED}[^{_FROM}]*{_FROM}|{_END})")
_PUNCTUATION = re.compile(r"^[.,;:!?)\]’”'’-]*[.,;:!?)]")


@dataclass(frozen=True)
class Piece:
    """A piece of Markdown. ``where`` is named in messages; an inline piece must be a single paragraph.

    ``headings`` replaces headings of :data:`BOXES`. ``anchor`` is the link target that the piece stands in: its displayed formulas
    are ``<anchor>/eq-1`` and so on, its headings ``<anchor>/<words>``. ``depth`` is how many headings stand above its own.
    """

    where: str
    markdown: str
    inline: bool = False
    headings: Mapping[str, str] = field(default_factory=dict)
    anchor: str = ""
    depth: int = 2


class Part(NamedTuple):
    """What a reader may look for inside a piece: a section, a term with its meaning, or a row of a table."""

    kind: Literal["section", "term", "row"]
    anchor: str
    title: str
    text: str


class Backend(Protocol):
    """What differs between the outputs."""

    writer: str
    raw: str

    def formula(self, tex: str, display: bool, punctuation: str, label: str = "") -> str:
        """A formula, with the punctuation that may not be parted from it; ``label`` is the link target of a numbered one."""

    def trace(self, target: str) -> tuple[str, str]:
        """What stands before and after a number whose row is there."""

    def to_shown(self, name: str) -> str:
        """A reference to a figure or table."""

    def to_question(self, name: str, text: str) -> str:
        """A link to a question."""

    def to_chapter(self, name: str, text: str) -> str:
        """A link to a chapter."""

    def to_papers(self, names: list[str], way: str, note: str) -> str:
        """A citation."""

    def listing(self, code: str, language: str, source: str) -> str:
        """A code block."""

    def code(self, text: str) -> str:
        """A word in typewriter type."""

    def text(self, text: str) -> str:
        """Plain text, escaped."""

    def box(self, kind: str, heading: str) -> tuple[str, str]:
        """What stands before and after a fenced block."""

    def header_level(self, depth: int) -> int:
        """Level of a heading; titles of assignments and chapters have depth 1, those of questions 2."""

    def heading(self, target: str) -> str:
        """The name of the link target at a heading; empty where headings have none."""

    def table(self) -> tuple[str, str]:
        """What stands before and after a Markdown table."""


@dataclass
class Document:
    """Collects pieces, parses them together, and writes them in a format."""

    pieces: dict[str, Piece] = field(default_factory=dict)
    _trees: dict[str, list[Node]] = field(default_factory=dict)
    _version: list[int] = field(default_factory=list)

    def add(self, key: str, markdown: str, where: str, **options: Any) -> str:
        """Add a piece with the options of :class:`Piece`; returns its key. Raises ValueError when the key is taken."""
        if key in self.pieces:
            raise ValueError(f"two pieces of the report are called {key!r}")
        self.pieces[key] = Piece(where, markdown, **options)
        return key

    def parse(self) -> None:
        """Parse all pieces.

        Raises:
            ValueError: naming the piece, when it leaves a block open, contains an image or an unknown fenced block, or is not one
                paragraph where it should be.
        """
        parts = []
        for index, piece in enumerate(self.pieces.values()):
            # footnotes of different pieces may have the same name
            notes = re.sub(r"\[\^([^\]\s]+)\]", rf"[^{index}-\1]", piece.markdown)
            parts.append(f"{_OPEN}piece {index}{_CLOSE}\n\n{notes}\n\n")
        parts.append(f"{_OPEN}piece {len(parts)}{_CLOSE}\n")
        tree = json.loads(_pandoc("".join(parts), "-f", _READER, "-t", "json"))
        self._version = tree["pandoc-api-version"]
        found: list[list[Node]] = []
        for block in tree["blocks"]:
            marked = _MARK.fullmatch(_text_of(block)) if block["t"] == "Para" else None
            if marked:
                if int(marked.group(1)) != len(found):
                    break
                found.append([])
            else:
                found[-1].append(block)
        keys = list(self.pieces)
        if len(found) != len(keys) + 1:
            raise ValueError(f"{self.pieces[keys[len(found) - 1]].where}: a fenced block (::: or ~~~ or ```) is never closed")
        for key, blocks in zip(keys, found, strict=False):
            piece = self.pieces[key]
            if piece.inline and (len(blocks) > 1 or (blocks and blocks[0]["t"] not in ("Para", "Plain"))):
                raise ValueError(f"{piece.where}: must be a single paragraph without blocks: {piece.markdown[:80]!r}")
            for node in _nodes(blocks):
                if node["t"] in ("Math", "Code", "CodeBlock"):  # nothing links out of a formula, or out of code
                    node["c"][1] = _TRACES.sub("", node["c"][1])
            made = [{"t": "Plain", "c": block["c"]} for block in blocks] if piece.inline else blocks
            self._trees[key] = [self._validated(block, piece) for block in made]

    def formulas(self) -> Iterator[Formula]:
        """All formulas of all pieces, ready to be set."""
        for key, blocks in self._trees.items():
            for node in _nodes(blocks):
                if node["t"] == "Math":
                    formula = Formula(in_formula(node["c"][1]), node["c"][0]["t"] == "DisplayMath", self.pieces[key].where)
                    check_for_latex(formula)
                    yield formula
                elif node["t"] == "Str":
                    for kind, text in _words(node["c"]):
                        if kind == "math":
                            yield Formula(text, False, self.pieces[key].where)

    def set_formulas(self) -> dict[tuple[str, bool], str]:
        """All formulas set by KaTeX."""
        return set_with_katex(self.formulas())

    def plain(self, key: str) -> str:
        """A piece as plain text."""
        return " ".join(_text_of(block) for block in self._trees[key]).strip()

    def parts(self, key: str) -> list[Part]:
        """The sections of a piece, what stands before the first among them, and the terms and table rows inside these."""
        anchor = self.pieces[key].anchor
        sections: list[tuple[str, str, list[Node]]] = [(anchor, "", [])]
        for block in self._trees[key]:
            if block["t"] == "Header":
                title = _text_of(block["c"][2])
                sections.append((_target(anchor, title), title, []))
            else:
                sections[-1][2].append(block)
        found: list[Part] = []
        for target, title, blocks in sections:
            inner: list[Part] = []
            for node in _nodes(blocks):
                if node["t"] == "DefinitionList":
                    inner += [Part("term", target, _text_of(term), _text_of(meaning)) for term, meaning in node["c"]]
                elif node["t"] == "Table":
                    rows = [row for body in node["c"][4] for row in (*body[2], *body[3])]
                    cells = [[_text_of(cell[4]) for cell in row[1]] for row in rows]
                    inner += [Part("row", target, first, "; ".join(rest)) for first, *rest in cells]
            whole = [block for block in blocks if not (inner and block["t"] in ("DefinitionList", "Table"))]
            found += [Part("section", target, title, " ".join(map(_text_of, whole))), *inner]
        return [part for part in found if part.title or part.text]

    def cited(self, keys: Iterable[str]) -> set[str]:
        """The papers that these pieces cite."""
        names: set[str] = set()
        for node in _nodes([self._trees[key] for key in keys]):
            if node["t"] == "Span" and "to-papers" in node["c"][0][1]:
                names.update(dict(node["c"][0][2])["names"].split())
        return names

    def write(self, backend: Backend, keys: Iterable[str] | None = None) -> dict[str, str]:
        """Pieces in one format, by key; all of them unless ``keys`` says which."""
        wanted = list(self._trees if keys is None else keys)
        blocks: list[Node] = []
        for index, key in enumerate(wanted):
            tree = self._trees[key]
            walked = _Walk(backend, self.pieces[key], tree).blocks(tree)
            blocks += [_raw_block(backend.raw, f"{_OPEN}piece {index}{_CLOSE}"), *walked]
        document = {"pandoc-api-version": self._version, "meta": {}, "blocks": blocks}
        written = _pandoc(
            json.dumps(document), "-f", "json", "-t", backend.writer, "--wrap=none", "--no-highlight", "--reference-location=block"
        )
        parts = _MARK.split(written)
        texts = dict(zip((int(number) for number in parts[1::2]), parts[2::2], strict=True))
        return {key: texts[index].strip() for index, key in enumerate(wanted)}

    def _validated(self, block: Node, piece: Piece) -> Node:
        for node in _nodes([block]):
            if node["t"] == "Image":
                raise ValueError(f"{piece.where}: contains an image; images are shown with fig(NAME), so that the build makes them")
            if node["t"] == "Str" and node["c"].startswith((":::", "~~~", "```")):
                raise ValueError(f"{piece.where}: a fenced block (::: or ~~~ or ```) is never closed, or closed twice")
            if node["t"] == "Div":
                classes = node["c"][0][1]
                if not any(name in BOXES or name.startswith("placed-") for name in classes):
                    raise unknown("fenced block", " ".join(classes), BOXES, piece.where)
        return block


class _Walk:
    """One pass over a piece for one backend; makes new nodes and leaves the tree as it is."""

    def __init__(self, backend: Backend, piece: Piece, tree: list[Node]) -> None:
        self.backend = backend
        self.piece = piece
        self.headings = {**BOXES, **piece.headings}
        self.above = piece.depth + 1 - min((node["c"][0] for node in _nodes(tree) if node["t"] == "Header"), default=1)
        self.displayed = 0
        self.after = ""

    def blocks(self, nodes: list[Node]) -> list[Node]:
        return [made for node in nodes for made in self._block(node)]

    def _block(self, node: Node) -> list[Node]:  # noqa: PLR0911 - one return a kind of block
        kind, raw = node["t"], self.backend.raw
        if kind == "Div":
            (_, classes, pairs), inner = node["c"]
            placed = next((name for name in classes if name.startswith("placed-")), None)
            if placed:
                return [_raw_block(raw, placeholder(placed.removeprefix("placed-"), dict(pairs)["name"]))]
            box = next(name for name in classes if name in BOXES)
            before, after = self.backend.box(box, self.headings[box])
            return [_raw_block(raw, before), *self.blocks(inner), _raw_block(raw, after)]
        if kind == "CodeBlock":
            (_, classes, pairs), text = node["c"]
            return [_raw_block(raw, self.backend.listing(text, classes[0] if classes else "", dict(pairs).get("source", "")))]
        if kind == "Header":
            level, _, inlines = node["c"]
            target = self.backend.heading(_target(self.piece.anchor, _text_of(inlines)) if self.piece.anchor else "")
            heading = [self.backend.header_level(level + self.above), [target, ["unnumbered"], []], self._inlines(inlines)]
            return [{"t": "Header", "c": heading}]
        if kind == "Table":
            before, after = self.backend.table()
            return [_raw_block(raw, before), {"t": kind, "c": self._any(node["c"])}, _raw_block(raw, after)]
        if "c" in node:
            return [{"t": kind, "c": self._any(node["c"])}]
        return [node]

    def _any(self, content: Any) -> Any:
        if isinstance(content, list):
            if content and all(isinstance(item, dict) and "t" in item for item in content):
                if any(item["t"] in _BLOCKS for item in content):
                    return self.blocks(content)
                return self._inlines(content)
            return [self._any(item) for item in content]
        return content

    def _inlines(self, nodes: list[Node]) -> list[Node]:
        made: list[Node] = []
        nodes = list(nodes)
        for index, node in enumerate(nodes):
            kind = node["t"]
            if kind == "Math":
                punctuation = ""
                following = nodes[index + 1] if index + 1 < len(nodes) else None
                if following and following["t"] == "Str" and node["c"][0]["t"] == "InlineMath":
                    glued = _PUNCTUATION.match(following["c"])
                    if glued:
                        punctuation = glued.group()
                        nodes[index + 1] = {"t": "Str", "c": following["c"][glued.end() :]}
                display = node["c"][0]["t"] == "DisplayMath"
                self.displayed += display
                label = f"{self.piece.anchor}/eq-{self.displayed}" if display and self.piece.anchor else ""
                made.append(self._raw(self.backend.formula(in_formula(node["c"][1]), display, punctuation, label)))
            elif kind == "Str":
                made += [self._word(part, text) for part, text in _words(node["c"])]
            elif kind == "Span":
                made += self._span(node)
            elif kind == "Code":
                made.append(self._raw(self.backend.code(node["c"][1])))
            elif kind == "Note":
                made.append({"t": "Note", "c": self.blocks(node["c"])})
            elif "c" in node:
                made.append({"t": kind, "c": self._any(node["c"])})
            else:
                made.append(node)
        return made

    def _word(self, kind: str, text: str) -> Node:
        if kind == "text":
            return {"t": "Str", "c": text}
        if kind == "math":
            return self._raw(self.backend.formula(in_formula(text), False, ""))
        if kind == "from":
            before, self.after = self.backend.trace(text)
            return self._raw(before)
        return self._raw(self.after)

    def _span(self, node: Node) -> list[Node]:
        (_, classes, pairs), inner = node["c"]
        values = dict(pairs)
        if "to-shown" in classes:
            try:
                return [self._raw(self.backend.to_shown(values["name"]))]
            except ValueError as error:
                raise ValueError(f"{self.piece.where}: {error}") from None
        if "to-question" in classes:
            return [self._raw(self.backend.to_question(values["name"], _text_of({"t": "Plain", "c": inner})))]
        if "to-chapter" in classes:
            return [self._raw(self.backend.to_chapter(values["name"], _text_of({"t": "Plain", "c": inner})))]
        if "to-papers" in classes:
            note = _text_of({"t": "Plain", "c": inner})
            return [self._raw(self.backend.to_papers(values["names"].split(), values["way"], note))]
        return self._inlines(inner)

    def _raw(self, text: str) -> Node:
        return {"t": "RawInline", "c": [self.backend.raw, text]}


_QUOTES = {"SingleQuote": ("‘", "’"), "DoubleQuote": ("“", "”")}
_BLOCKS = frozenset(
    {"Plain", "Para", "LineBlock", "CodeBlock", "RawBlock", "BlockQuote", "OrderedList", "BulletList", "DefinitionList"}
    | {"Header", "HorizontalRule", "Table", "Figure", "Div"}
)


def _target(anchor: str, title: str) -> str:
    """The link target of a heading: ``<anchor>/<words>`` of a piece that has an anchor, which is unique while its headings are."""
    words = re.sub(r"[^a-z0-9]+", "-", re.sub(r"\\[a-zA-Z]+", "", title).lower()).strip("-")
    return f"{anchor}/{words or 'section'}"


def traced(text: str, target: str) -> str:
    """Text that leads to where it comes from, wherever the output has room for a link."""
    return f"{_TRACED}{target}{_FROM}{text}{_END}"


def _words(text: str) -> Iterator[tuple[str, str]]:
    """A string between two blanks: ``text``, ``math`` for powers of ten, and ``from`` with a target and ``end`` around a number."""
    for part in _TRACES.split(text):
        if part.startswith(_TRACED):
            yield "from", part[1:-1]
        elif part == _END:
            yield "end", ""
        elif part:
            yield from in_prose(part)


def placeholder(kind: str, name: str) -> str:
    """Stands for a figure or table until all pieces, captions among them, are written."""
    return f"{_OPEN}{kind} {name}{_CLOSE}"


def fill(text: str, kinds: Mapping[str, Callable[[str], str]]) -> str:
    """Replace each :func:`placeholder` by what the function of its kind makes of the name."""
    pattern = re.compile(f"{_OPEN}({'|'.join(kinds)}) ([^{_CLOSE}]+){_CLOSE}")
    return pattern.sub(lambda found: kinds[found.group(1)](found.group(2)), text)


def _raw_block(kind: str, text: str) -> Node:
    return {"t": "RawBlock", "c": [kind, text]}


def _nodes(content: Any) -> Iterator[Node]:
    if isinstance(content, dict):
        if "t" in content:
            yield content
        for value in content.values():
            yield from _nodes(value)
    elif isinstance(content, list):
        for item in content:
            yield from _nodes(item)


def _text_of(content: Any) -> str:
    """The words of a node or a list of nodes, without markup."""
    if isinstance(content, list):
        return "".join(_text_of(item) for item in content)
    if not isinstance(content, dict) or "t" not in content:
        return ""
    kind, inner = content["t"], content.get("c", [])
    text = ""
    if kind == "Str":
        text = "".join(part for kind, part in _words(inner) if kind in ("text", "math"))
    elif kind in ("Space", "SoftBreak", "LineBreak"):
        text = " "
    elif kind in ("Math", "Code"):
        text = inner[1].replace(GROUP, ",")
    elif kind == "Quoted":
        before, after = _QUOTES[inner[0]["t"]]
        text = before + _text_of(inner[1]) + after
    else:
        text = _text_of(inner)
    return text


def _pandoc(text: str, *options: str) -> str:
    import pypandoc

    program = Path(pypandoc.__file__).parent / "files" / "pandoc"
    command = [str(program) if program.is_file() else pypandoc.get_pandoc_path(), *options]
    done = subprocess.run(command, input=text, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode != 0:
        raise ValueError(f"pandoc: {done.stderr.strip()}")
    return done.stdout
