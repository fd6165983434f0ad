"""What the report is made of: questions, answers, figures, tables, papers, as assignments and ``report/`` declare them.

Each kind of entry is a pydantic class, so a misspelt key is reported with its path. Reading is cheap (no heavy imports), so
the workflow may use it to learn which figures and tables an answer needs.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, Literal, Self, TypeVar

from pydantic import Field, model_validator

from dgm.assignments import FILE, NAMESPACE, drawings, importable, modules, within
from dgm.errors import unknown
from dgm.runtime.folders import visible
from dgm.runtime.yaml_files import parse_yaml, read_text, read_yaml
from dgm.settings import Settings, parse

__all__ = [
    "Answer",
    "Assignment",
    "Catalogue",
    "Chapter",
    "Column",
    "Correction",
    "Explorable",
    "Figure",
    "Paper",
    "Question",
    "Row",
    "Table",
    "Text",
    "drawing",
    "explorable",
    "files",
    "load",
    "load_figures",
]


class Asked(Settings):
    """One question of ``assignment.yaml``, in our own words. ``statement`` is Markdown with TeX mathematics."""

    id: str = Field(pattern=r"^[a-z0-9_]+-[0-9A-Za-z._-]+$")
    title: str
    statement: str
    kind: str = ""


class Question(Asked):
    """A question and the assignment it belongs to."""

    assignment: str


class Declared(Settings):
    """``assignment.yaml``. ``intro`` is Markdown, shown before the questions; ``runs`` are all that the assignment may read.

    ``datasets`` are those that the questions are about. On other images a build skips findings, and claims that need a full budget.
    """

    title: str
    intro: str = ""
    runs: list[str] = Field(default_factory=list, description="runs of the config")
    datasets: list[str] = Field(default_factory=list, description="data sets that the questions are about; all if it is empty")
    questions: list[Asked] = Field(min_length=1)


class Assignment(Settings):
    """An assignment, without its questions. ``id`` is the name of its folder."""

    id: str
    folder: Path
    title: str
    intro: str
    runs: tuple[str, ...]
    datasets: tuple[str, ...]

    @property
    def file(self) -> Path:
        """Where it is declared."""
        return self.folder / FILE

    @property
    def demonstrations(self) -> list[str]:
        """Names of its closed-form illustrations."""
        return modules(self.folder / "demonstrations")


class Explorable(Settings):
    """What a reader can change in a figure on the page: a module exports numbers, a script of the same name uses them.

    ``about`` says in a sentence, without formulas, what there is to try.
    """

    module: str = Field(pattern=r"^[a-z_0-9]+$", description="of explorables/ beside the figures file: <module>.py and <module>.js")
    sources: dict[str, str] = Field(default_factory=dict, alias="from", description="alias -> path relative to results/<dataset>")
    title: str = Field(min_length=1)
    about: str = ""


class Figure(Settings):
    """A figure: the module that draws it and the result files it is drawn from, and what of it can be changed on the page."""

    draw: str = Field(pattern=r"^[a-z_0-9]+$", description="module of drawings/ in the same folder, or of dgm.figures")
    sources: dict[str, str] = Field(default_factory=dict, alias="from", description="alias -> path relative to results/<dataset>")
    settings: dict[str, Any] = Field(default_factory=dict, description="keyword arguments of draw")
    caption: str
    alt: str
    width: float = Field(0.7, gt=0, le=1, description="fraction of the text width; that of the drawing")
    explore: Explorable | None = None


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

    ``place``: before the assignments, after them, or at the end, after the lists of corrections and checks; chapters of one place
    follow the order of their file names. ``about`` names assignments, without which the chapter is left out, or none. A chapter is
    left out, too, where the assignments do not read all runs that it ``needs``; ``adds`` names the runs that are trained because of
    this chapter alone.
    """

    title: str
    place: Literal["before", "after", "end"]
    everywhere: bool = Field(False, description="whether the PDF of each assignment has it, too")
    about: list[str] = Field(default_factory=list)
    needs: list[str] = Field(default_factory=list)
    adds: list[str] = Field(default_factory=list)
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
    about: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    adds: tuple[str, ...] = ()


class Catalogue(Settings):
    """Everything that assignments and ``report/`` declare, in order.

    ``homes`` names the file of each figure and table; ``elsewhere`` has what is no part of this report, but of one with other
    assignments or more runs: names of questions, figures and tables, and titles of chapters.
    """

    folder: Path
    homes: dict[str, Path]
    elsewhere: dict[str, str]
    read_elsewhere: frozenset[str] = Field(description="runs that assignments beside these read, and chapters about others add")
    lacking: dict[str, tuple[str, ...]] = Field(description="chapters that are left out, and the runs that they lack")
    assignments: dict[str, Assignment]
    questions: dict[str, Question]
    answers: dict[str, Answer]
    chapters: dict[str, Chapter]
    figures: dict[str, Figure]
    tables: dict[str, Table]
    papers: dict[str, Paper]

    def of(self, runs: Collection[str]) -> "Catalogue":
        """What a build with these runs shows: chapters that need others are left out, with their figures and tables."""
        lacking = {
            name: missing
            for name, chapter in self.chapters.items()
            if (missing := tuple(run for run in (*chapter.needs, *chapter.adds) if run not in runs))
        }
        return self.without(lacking).model_copy(update={"lacking": lacking})

    def without(self, names: Collection[str]) -> "Catalogue":
        """The same without these chapters, their figures and their tables."""
        left_out = [self.chapters[name] for name in names]
        hidden = {shown: chapter.title for chapter in left_out for shown in (*chapter.figures, *chapter.tables)}
        return self.model_copy(
            update={
                "elsewhere": self.elsewhere | hidden | {chapter.name: chapter.title for chapter in left_out},
                "chapters": {name: chapter for name, chapter in self.chapters.items() if name not in names},
                "figures": {name: figure for name, figure in self.figures.items() if name not in hidden},
                "tables": {name: table for name, table in self.tables.items() if name not in hidden},
            }
        )

    def placed(self, place: Literal["before", "after", "end"]) -> list[Chapter]:
        """The chapters of one place, in order."""
        return [chapter for chapter in self.chapters.values() if chapter.place == place]

    def used(self, what: Literal["figures", "tables"]) -> tuple[str, ...]:
        """Names of the figures or tables that some answer or chapter shows, in the order of the report."""
        names: dict[str, None] = {}
        for text in (*self.placed("before"), *self.answers.values(), *self.placed("after"), *self.placed("end")):
            names.update(dict.fromkeys(getattr(text, what)))
        return tuple(names)


RESERVED = ("main", "corrections", "making", "checks", "bibliography")
"""Parts of the report that are not written in a file of their own."""

S = TypeVar("S", bound=Settings)

_CORRECTION = re.compile(r"^:::+ *(correction\b|\{[^}]*\.correction\b)", re.MULTILINE)


def load_figures(path: Path) -> dict[str, Figure]:
    """Read ``figures.yaml``."""
    return _entries(path, Figure)


def drawing(figure: Figure, file: Path, where: str) -> str:
    """The module that draws a figure declared in ``file``: one of the folder's own ``drawings/``, else one that all may use.

    Raises:
        ValueError: naming the nearest modules when there is none; the message starts with ``where``.
    """
    packages = drawings(file)
    for package, names in packages.items():
        if figure.draw in names:
            return f"{package}.{figure.draw}"
    known = [name for names in packages.values() for name in names]
    raise unknown(f"module of {' or '.join(packages)} named", figure.draw, known, where)


def explorable(entry: Explorable, file: Path, where: str) -> tuple[str, Path]:
    """The module that exports the numbers of an explorable declared in ``file``, and the script that uses them.

    Raises:
        ValueError: when the folder has no such module, or no script of its name; the message starts with ``where``.
    """
    folder = file.parent / "explorables"
    known = modules(folder)
    if entry.module not in known:
        raise unknown(f"module of {folder} named", entry.module, known, where)
    script = folder / f"{entry.module}.js"
    if not script.is_file():
        raise ValueError(f"{where}: {script} is not there; {entry.module}.py exports what it uses")
    return f"{importable(file.parent)}.explorables.{entry.module}", script


def load(folder: Path, assignments: Sequence[Path], runs: Collection[str] | None = None) -> Catalogue:
    """Read what assignments and the report folder declare, and check that it fits together.

    Args:
        folder: ``report/``.
        assignments: folders of the assignments, in the order of the report.
        runs: those of the build; chapters that need others are left out. None: all that chapters ask for.

    Raises:
        ValueError: naming the file and the entry, when two assignments share a name, an answer belongs to no question, two answers
            to one, a figure and a table share a name, a chapter is called like another part, or a header names a figure or table
            that does not exist.
    """
    declared = {path.resolve().name: path for path in assignments}
    if len(declared) < len(assignments):
        raise ValueError(f"assignments: two folders have one name: {', '.join(map(str, assignments))}")
    made: dict[str, Assignment] = {}
    questions: dict[str, Question] = {}
    answers: dict[str, Answer] = {}
    figures, tables = _Named("figure", Figure), _Named("table", Table)
    papers = _entries(folder / "bibliography.yaml", Paper)
    for name, path in declared.items():
        made[name], asked = read_assignment(path)
        questions |= asked
        answers |= _answers(path, asked)
        figures.add(path / "figures.yaml", tables)
        tables.add(path / "tables.yaml", figures)
        papers |= _entries(path / "bibliography.yaml", Paper, needed=False)
    figures.add(folder / "figures.yaml", tables)
    tables.add(folder / "tables.yaml", figures)
    chapters = {file.stem: read_chapter(file) for file in files(folder / "chapters")}
    for name in sorted(set(chapters) & {*questions, *made, *RESERVED}):
        raise ValueError(f"{chapters[name].path}: {name!r} names another part of the report already; call the file otherwise")
    for text in (*answers.values(), *chapters.values()):
        for what, names, known in (("figure", text.figures, figures.entries), ("table", text.tables, tables.entries)):
            for name in names:
                if name not in known:
                    raise unknown(what, name, known, str(text.path))
    elsewhere, read_elsewhere = _elsewhere(folder, made)
    others = [name for name, chapter in chapters.items() if chapter.about and not set(chapter.about) & set(made)]
    whole = Catalogue(
        folder=folder,
        homes=figures.homes | tables.homes,
        elsewhere=elsewhere,
        read_elsewhere=read_elsewhere | {run for name in others for run in chapters[name].adds},
        lacking={},
        assignments=made,
        questions=questions,
        answers={name: answers[name] for name in questions if name in answers},
        chapters=chapters,
        figures=figures.entries,
        tables=tables.entries,
        papers=papers,
    )
    return whole.without(others) if runs is None else whole.without(others).of(runs)


class _Named(Generic[S]):
    """Figures, or tables, of several files, each under a name that nothing else has."""

    def __init__(self, what: str, kind: type[S]) -> None:
        self.what = what
        self.kind = kind
        self.entries: dict[str, S] = {}
        self.homes: dict[str, Path] = {}

    def add(self, path: Path, others: "_Named[Any]") -> None:
        """Read a file, if it is there."""
        for name, entry in _entries(path, self.kind, needed=False).items():
            for known in (self, others):
                if name in known.homes:
                    said = f"a {known.what} of {known.homes[name]} has this name already; references could mean either"
                    raise ValueError(f"{path}: {name}: {said}")
            self.entries[name], self.homes[name] = entry, path


def files(folder: Path) -> list[Path]:
    """The texts of a folder in order."""
    return visible(folder, "*.md")


def read_assignment(folder: Path) -> tuple[Assignment, dict[str, Question]]:
    """Read ``assignment.yaml``.

    Raises:
        ValueError: for a wrong key, a question that stands twice, or one whose id does not begin with that of the assignment.
    """
    path = folder / FILE
    content = read_yaml(path)
    declared = parse(Declared, content if isinstance(content, Mapping) else {}, str(path))
    name = folder.resolve().name
    questions: dict[str, Question] = {}
    for asked in declared.questions:
        if not asked.id.startswith(f"{name}-"):
            raise ValueError(f"{path}: questions: {asked.id}: ids of this assignment begin with {name}-")
        if asked.id in questions:
            raise ValueError(f"{path}: questions: {asked.id!r} stands twice")
        questions[asked.id] = Question(assignment=name, **asked.model_dump())
    assignment = Assignment(
        id=name,
        folder=folder,
        title=declared.title,
        intro=declared.intro,
        runs=tuple(dict.fromkeys(declared.runs)),
        datasets=tuple(declared.datasets),
    )
    return assignment, questions


def _answers(folder: Path, questions: Mapping[str, Question]) -> dict[str, Answer]:
    answers: dict[str, Answer] = {}
    for file in files(folder / "answers"):
        answer = read_answer(file)
        if answer.question not in questions:
            raise unknown("question", answer.question, questions, str(file))
        if answer.question in answers:
            raise ValueError(f"{file}: question {answer.question!r} is answered by {answers[answer.question].path} already")
        answers[answer.question] = answer
    return answers


def _elsewhere(folder: Path, made: Mapping[str, Assignment]) -> tuple[dict[str, str], frozenset[str]]:
    """What the assignments beside these and beside the report folder declare, so that a reference to it is no mistake.

    Returns:
        names of their questions, figures and tables, each with a title, and the runs that they read.
    """
    found: dict[str, str] = {}
    runs: set[str] = set()
    beside = [folder.resolve().parent / NAMESPACE, *(assignment.folder.resolve().parent for assignment in made.values())]
    for path in within(beside):
        if path.name not in made:
            try:
                others, asked = read_assignment(path)
                figures = _entries(path / "figures.yaml", Figure, needed=False)
                tables = _entries(path / "tables.yaml", Table, needed=False)
            except ValueError:  # a draft or a copy beside ours is no concern of this report
                continue
            runs |= set(others.runs)
            found |= {question.id: question.title for question in asked.values()}
            found |= dict.fromkeys((*figures, *tables), path.name)
    return found, frozenset(runs)


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
        about=tuple(header.about),
        needs=tuple(header.needs),
        adds=tuple(header.adds),
        path=path,
        figures=tuple(header.figures),
        tables=tuple(header.tables),
        text=text,
        line=line,
    )


def _split(path: Path, kind: type[S], needed: str) -> tuple[S, str, int]:
    """Header, text, and the number of lines before the text."""
    lines = read_text(path).splitlines()
    if not lines or lines[0].strip() != "---" or "---" not in (line.strip() for line in lines[1:]):
        raise ValueError(f"{path}: needs a header between two lines '---' with at least '{needed}'")
    end = next(index for index, line in enumerate(lines[1:], start=1) if line.strip() == "---")
    block = parse_yaml("\n".join(lines[1:end]), str(path))
    header = parse(kind, block if isinstance(block, dict) else {}, str(path))
    return header, "\n".join(lines[end + 1 :]) + "\n", end + 1


def _entries(path: Path, kind: type[S], needed: bool = True) -> dict[str, S]:
    content = read_yaml(path) if needed or path.is_file() else None
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
