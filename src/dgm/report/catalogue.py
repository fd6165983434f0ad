"""What the report is made of: questions, answers, figures, tables, papers, as declared in the files of ``report/``.

Each kind of entry is a pydantic class, so a misspelt key is reported with its path. Reading is cheap (no heavy imports), so
the workflow may use it to learn which figures and tables an answer needs.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

import yaml
from pydantic import Field, model_validator

from dgm.errors import unknown
from dgm.settings import Settings, parse

__all__ = [
    "Answer",
    "Assignment",
    "Catalogue",
    "Chapter",
    "Column",
    "Correction",
    "Figure",
    "Paper",
    "Question",
    "Row",
    "Table",
    "Text",
    "load",
    "load_figures",
    "load_tables",
    "read_yaml",
]


class Assignment(Settings):
    """One of the assignments. ``intro`` is Markdown, shown before its questions."""

    id: str = Field(pattern=r"^[a-z]+$")
    title: str
    intro: str = ""


class Question(Settings):
    """One question in our own words. ``statement`` is Markdown with TeX mathematics."""

    id: str = Field(pattern=r"^[a-z]+-[0-9A-Za-z.-]+$")
    assignment: str
    title: str
    statement: str
    kind: str = ""


class Figure(Settings):
    """A figure: the module of ``dgm.figures`` that draws it and the result files it is drawn from."""

    draw: str = Field(pattern=r"^[a-z_0-9]+$", description="module of dgm.figures")
    sources: dict[str, str] = Field(default_factory=dict, alias="from", description="alias -> path relative to results/<dataset>")
    settings: dict[str, Any] = Field(default_factory=dict, description="keyword arguments of draw")
    caption: str
    alt: str
    width: float = Field(1.0, gt=0, le=1, description="fraction of the text width")


class Row(Settings):
    """A row of a table: a label in Markdown and the run whose metrics fill it. ``split`` stands in for that of every column.

    ``group`` is a heading in Markdown above this row; ``texts`` has the cells of the columns of text, by their key.
    """

    label: str
    run: str
    split: str | None = None
    group: str = ""
    texts: dict[str, str] = Field(default_factory=dict)


class Column(Settings):
    """A column of a table: one metric, or the texts that the rows have under a key, such as published numbers with their source.

    ``optional`` allows cells without a value, which show a dash; ``stderr`` adds the standard error to the cells that have one, and
    to means over several seeds half their 95 % interval; ``field`` shows something else in place of the value: the number of
    ``seeds``, its ``scatter`` over repeated trainings, or how it scatters when it is ``judged`` by other classifiers.
    """

    label: str
    metric: str = ""
    text: str = ""
    split: str = "test"
    field: Literal["value", "seeds", "scatter", "judged"] = "value"
    digits: int | None = Field(None, ge=0)
    stderr: bool = False
    optional: bool = False
    scale: float = Field(1.0, description="factor applied to value and standard error, e.g. 1e-6 to show millions")

    @model_validator(mode="after")
    def _of_one_kind(self) -> Self:
        if bool(self.metric) == bool(self.text):
            raise ValueError(f"column {self.label!r} needs either a metric or the key of a text")
        return self


class Table(Settings):
    """A table of metrics: rows are runs, columns are metrics or texts."""

    caption: str
    rows: list[Row] = Field(min_length=1)
    columns: list[Column] = Field(min_length=1)
    notes: str = ""

    @model_validator(mode="after")
    def _has_the_texts(self) -> Self:
        keys = {column.text for column in self.columns if column.text}
        for row in self.rows:
            if stray := set(row.texts) - keys:
                raise ValueError(f"row {row.label!r} has texts {sorted(stray)} without a column; the columns have {sorted(keys)}")
        for column in self.columns:
            if column.text and not column.optional and not all(column.text in row.texts for row in self.rows):
                raise ValueError(f"column {column.label!r}: a row lacks the text {column.text!r}; add it or say 'optional: true'")
        return self


class Paper(Settings):
    """A cited paper."""

    authors: list[str] = Field(min_length=1, description="'Family, Given' each")
    title: str
    year: int
    where: str = ""
    url: str | None = None


class Correction(Settings):
    """What is at fault in the published answer, or in the question as it was printed; the box in the answer says more.

    ``wrong``: a formula, number or other statement that a check can reject, and does; ``misargued``: a reason that is false or
    beside the point, with no formula at stake; ``incomplete``: true as far as it goes; ``missing``: nothing readable was published.
    """

    of: Literal["answer", "question"] = "answer"
    fault: Literal["wrong", "misargued", "incomplete", "missing"]
    printed: str = Field(min_length=1, description="one inline sentence in our own words, for the table of corrections")


class Header(Settings):
    """The YAML header of an answer file. ``argued`` says what in it rests on argument alone, and why no program tests it."""

    question: str
    figures: list[str] = Field(default_factory=list)
    tables: list[str] = Field(default_factory=list)
    correction: Correction | None = None
    argued: str = ""


class ChapterHeader(Settings):
    """The YAML header of a chapter file.

    ``place``: before the assignments, after them, or at the end, after the lists of corrections and checks; chapters of one
    place follow the order of their file names.
    """

    title: str
    place: Literal["before", "after", "end"]
    everywhere: bool = Field(False, description="whether the PDF of each assignment has it, too")
    figures: list[str] = Field(default_factory=list)
    tables: list[str] = Field(default_factory=list)


class Text(Settings):
    """A Markdown template with a header that names the figures and tables it shows."""

    path: Path
    figures: tuple[str, ...]
    tables: tuple[str, ...]
    text: str
    line: int = Field(description="number of lines before the text in the file")


class Answer(Text):
    """An answer file: its header and its Markdown template."""

    question: str
    correction: Correction | None = None
    argued: str = ""


class Chapter(Text):
    """A chapter beside the assignments: introduction, notation, comparison, glossary. Its name is that of its file."""

    name: str
    title: str
    place: Literal["before", "after", "end"]
    everywhere: bool


class Catalogue(Settings):
    """Everything declared under ``report/``, in order."""

    folder: Path
    assignments: dict[str, Assignment]
    questions: dict[str, Question]
    answers: dict[str, Answer]
    chapters: dict[str, Chapter]
    figures: dict[str, Figure]
    tables: dict[str, Table]
    papers: dict[str, Paper]

    def placed(self, place: Literal["before", "after", "end"]) -> list[Chapter]:
        """The chapters of one place, in order."""
        return [chapter for chapter in self.chapters.values() if chapter.place == place]

    def used(self, what: Literal["figures", "tables"]) -> tuple[str, ...]:
        """Names of the figures or tables that some answer or chapter shows, in the order of the report."""
        names: dict[str, None] = {}
        for text in (*self.placed("before"), *self.answers.values(), *self.placed("after"), *self.placed("end")):
            names.update(dict.fromkeys(getattr(text, what)))
        return tuple(names)


class _UniqueKeys(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # libyaml where it is there: 10 times faster
    """YAML in which a key that occurs twice is an error instead of a silent overwrite."""


def _mapping(loader: _UniqueKeys, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key, _ in node.value:
        name = loader.construct_object(key)
        if name in seen:
            raise yaml.constructor.ConstructorError(None, None, f"key {name!r} occurs twice", key.start_mark)
        seen.add(name)
    made: dict[Any, Any] = loader.construct_mapping(node, deep=True)
    return made


_UniqueKeys.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)

RESERVED = ("main", "corrections", "making", "checks", "bibliography")
"""Parts of the report that are not written in a file of their own."""

S = TypeVar("S", bound=Settings)

_CORRECTION = re.compile(r"^:::+ *(correction\b|\{[^}]*\.correction\b)", re.MULTILINE)


def read_yaml(path: Path) -> Any:
    """The content of a YAML file.

    Raises:
        ValueError: when the file is missing, not YAML, or repeats a key; the message names file and line.
    """
    return _yaml(_read(path), str(path))


def load_figures(path: Path) -> dict[str, Figure]:
    """Read ``figures.yaml``."""
    return _entries(path, Figure)


def load_tables(path: Path) -> dict[str, Table]:
    """Read ``tables.yaml``."""
    return _entries(path, Table)


def load(folder: Path) -> Catalogue:
    """Read all declarations of the report folder and check that they fit together.

    Raises:
        ValueError: naming the file and the entry, when an answer belongs to no question, two answers to one, a figure and a
            table share a name, a chapter is called like another part, or a header names a figure or table that does not exist.
    """
    path = folder / "questions.yaml"
    content = read_yaml(path)
    if not isinstance(content, dict) or set(content) != {"assignments", "questions"}:
        raise ValueError(f"{path}: need exactly the keys 'assignments' and 'questions', each a list")
    assignments = _listed(Assignment, content["assignments"], f"{path}: assignments")
    questions = _listed(Question, content["questions"], f"{path}: questions")
    for question in questions.values():
        if question.assignment not in assignments:
            raise unknown("assignment", question.assignment, assignments, f"{path}: question {question.id}")
    figures, tables = load_figures(folder / "figures.yaml"), load_tables(folder / "tables.yaml")
    for name in sorted(set(figures) & set(tables)):
        raise ValueError(f"{folder / 'tables.yaml'}: {name}: a figure has this name already; references could mean either")
    papers = _entries(folder / "bibliography.yaml", Paper)
    answers: dict[str, Answer] = {}
    for file in sorted((folder / "answers").glob("*/*.md")):
        answer = read_answer(file)
        if answer.question not in questions:
            raise unknown("question", answer.question, questions, str(file))
        if answer.question in answers:
            raise ValueError(f"{file}: question {answer.question!r} is answered by {answers[answer.question].path} already")
        answers[answer.question] = answer
    chapters = {file.stem: read_chapter(file) for file in sorted((folder / "chapters").glob("*.md"))}
    for name in sorted(set(chapters) & {*questions, *assignments, *RESERVED}):
        raise ValueError(f"{chapters[name].path}: {name!r} names another part of the report already; call the file otherwise")
    for text in (*answers.values(), *chapters.values()):
        for what, names, known in (("figure", text.figures, figures), ("table", text.tables, tables)):
            for name in names:
                if name not in known:
                    raise unknown(what, name, known, str(text.path))
    return Catalogue(
        folder=folder,
        assignments=assignments,
        questions=questions,
        answers={name: answers[name] for name in questions if name in answers},
        chapters=chapters,
        figures=figures,
        tables=tables,
        papers=papers,
    )


def read_answer(path: Path) -> Answer:
    """Split an answer file into header and text.

    Raises:
        ValueError: when there is no header between two lines ``---``, a key of it is wrong, or only one of the header and the text
            speaks of a correction.
    """
    header, text, line = _split(path, Header, "question: ID")
    if (header.correction is None) != (_CORRECTION.search(text) is None):
        raise ValueError(f"{path}: 'correction:' in the header and a box '::: correction' in the text go together; one is missing")
    return Answer(
        question=header.question,
        path=path,
        figures=tuple(header.figures),
        tables=tuple(header.tables),
        correction=header.correction,
        argued=header.argued,
        text=text,
        line=line,
    )


def read_chapter(path: Path) -> Chapter:
    """Split a chapter file into header and text. Raises ValueError as :func:`read_answer` does for its header."""
    header, text, line = _split(path, ChapterHeader, "title: …' and 'place: …")
    return Chapter(
        name=path.stem,
        title=header.title,
        place=header.place,
        everywhere=header.everywhere,
        path=path,
        figures=tuple(header.figures),
        tables=tuple(header.tables),
        text=text,
        line=line,
    )


def _split(path: Path, kind: type[S], needed: str) -> tuple[S, str, int]:
    """Header, text, and the number of lines before the text."""
    lines = _read(path).splitlines()
    if not lines or lines[0].strip() != "---" or "---" not in (line.strip() for line in lines[1:]):
        raise ValueError(f"{path}: needs a header between two lines '---' with at least '{needed}'")
    end = next(index for index, line in enumerate(lines[1:], start=1) if line.strip() == "---")
    block = _yaml("\n".join(lines[1:end]), str(path))
    header = parse(kind, block if isinstance(block, dict) else {}, str(path))
    return header, "\n".join(lines[end + 1 :]) + "\n", end + 1


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ValueError(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 text ({error})") from None


def _yaml(text: str, where: str) -> Any:
    try:
        return yaml.load(text, Loader=_UniqueKeys)  # nosec B506  # a safe loader with one check more
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        raise ValueError(f"{where}{place}: not valid YAML: {getattr(error, 'problem', None) or error}") from None


def _entries(path: Path, kind: type[S]) -> dict[str, S]:
    content = read_yaml(path)
    if content is None:
        return {}
    if not isinstance(content, Mapping):
        raise ValueError(f"{path}: got a {type(content).__name__}; need a mapping from name to entry")
    made = {}
    for name, block in content.items():
        if not isinstance(block, Mapping):
            raise ValueError(f"{path}: {name}: got {block!r}; need a mapping")
        made[str(name)] = parse(kind, block, f"{path}: {name}")
    return made


def _listed(kind: type[S], content: Any, where: str) -> dict[str, S]:
    if not isinstance(content, list):
        raise ValueError(f"{where}: got a {type(content).__name__}; need a list")
    made: dict[str, S] = {}
    for index, block in enumerate(content):
        name = block.get("id", index) if isinstance(block, dict) else index
        entry = parse(kind, block if isinstance(block, dict) else {}, f"{where}.{name}")
        if name in made:
            raise ValueError(f"{where}: id {name!r} occurs twice")
        made[str(name)] = entry
    return made
