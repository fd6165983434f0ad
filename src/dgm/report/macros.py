"""The calls that answers and captions may make between ``<<`` and ``>>``.

An answer is a Jinja2 template over Markdown. Its calls return Markdown: numbers as text, everything that looks different in the
two outputs (figures, tables, references, citations, links to questions, listings) as an empty span or block with a class, which
:mod:`dgm.report.document` fills in.
"""

import math
import re
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import jinja2
import jinja2.ext
import jinja2.nodes
import jinja2.parser

from dgm.claims.methods import EVIDENCE
from dgm.errors import unknown
from dgm.evaluation.registry import UNNAMED_UNITS, higher_is_better
from dgm.maths.measured import Measured
from dgm.maths.significance import DECISIVE, compare
from dgm.report.catalogue import Catalogue, Paper, Text
from dgm.report.document import traced
from dgm.report.listing import source_of
from dgm.report.numbers import exact, number, with_error
from dgm.report.results import CheckedClaim, JudgedFinding, Metric, Results

__all__ = ["MISSING", "SYNTAX", "Shown", "Templates", "citation", "duration"]


@dataclass
class Shown:
    """What the answers show and cite, in order: numbers follow from it."""

    figures: dict[str, str] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)
    papers: set[str] = field(default_factory=set)

    def label(self, name: str) -> str:
        """``Figure 3`` or ``Table 2``. Raises ValueError for what no answer shows."""
        for word, names in (("Figure", self.figures), ("Table", self.tables)):
            if name in names:
                return f"{word}\u00a0{list(names).index(name) + 1}"
        raise unknown("figure or table shown by an answer", name, [*self.figures, *self.tables])


SYNTAX: dict[str, Any] = {
    "variable_start_string": "<<",
    "variable_end_string": ">>",
    "block_start_string": "<%",
    "block_end_string": "%>",
    "comment_start_string": "<#",
    "comment_end_string": "#>",
    "undefined": jinja2.StrictUndefined,
    "trim_blocks": True,
    "lstrip_blocks": True,
}
"""How a template is written, in answers and in frames: delimiters that TeX does not use, and no silent blanks."""


class ByVerdict(jinja2.ext.Extension):
    """Words that follow the verdict of a finding; the block must say what is said under each of the three.

    ``<% finding "toy-1/rises" %> shown <% undecided %> not decided <% contradicted %> contradicted <% endfinding %>``
    """

    tags = {"finding"}  # noqa: RUF012 - as jinja2 declares it

    def parse(self, parser: jinja2.parser.Parser) -> jinja2.nodes.Node:
        """One branch for each verdict, in this order."""
        line = next(parser.stream).lineno
        name = parser.parse_expression()
        shown = parser.parse_statements(("name:undecided",), drop_needle=True)
        undecided = parser.parse_statements(("name:contradicted",), drop_needle=True)
        contradicted = parser.parse_statements(("name:endfinding",), drop_needle=True)

        def has(verdict: str) -> jinja2.nodes.Expr:
            called = jinja2.nodes.Call(jinja2.nodes.Name("verdict_of", "load"), [name], [], None, None)
            return jinja2.nodes.Compare(called, [jinja2.nodes.Operand("eq", jinja2.nodes.Const(verdict))])

        rest = jinja2.nodes.If(has("contradicted"), contradicted, [], undecided)
        return jinja2.nodes.If(has("shown"), shown, [], [rest]).set_lineno(line)


class Traced(str):
    """A number in words that says where it comes from: ``target`` is the address of its row, from the folder of the page."""

    target: str

    def __new__(cls, text: str, target: str) -> Self:
        """The text with its target."""
        made = super().__new__(cls, text)
        made.target = target
        return made


MISSING = "?"
"""What stands in the place of a number that an incomplete build lacks, in prose and in formulas."""


class Templates:
    """Renders the Markdown templates of one report.

    With ``incomplete`` a call that fails is a gap, :data:`MISSING`, and its message goes to ``lacking``; else it is an error.
    """

    def __init__(self, catalogue: Catalogue, results: Results, incomplete: bool = False) -> None:
        self.catalogue = catalogue
        self.results = results
        self.incomplete = incomplete
        self.lacking: list[str] = []
        self.shown = Shown()
        options: dict[str, Any] = {**SYNTAX, "keep_trailing_newline": True, "autoescape": False, "extensions": [ByVerdict]}
        self._plain = jinja2.Environment(**options)  # nosec B701  # makes Markdown, which pandoc escapes
        self._tracing = jinja2.Environment(  # nosec B701
            **options, finalize=lambda value: traced(value, value.target) if isinstance(value, Traced) else value
        )

    def shown_text(self, source: Text) -> str:
        """The Markdown of an answer or chapter. Its figures and tables are numbered, so these must come in the order of the report.

        Raises:
            ValueError: with file and line, for a call that fails; when header and calls do not name the same figures and tables.
        """
        here: dict[str, list[str]] = {"figures": [], "tables": []}
        self.lacking = []
        try:
            calls = self._calls() | self._placements(source, here)
            markdown = self._render(source.text, str(source.path), source.line, calls, self._tracing)
        except ValueError as error:
            if not self.incomplete:
                raise
            self.lacking.append(str(error))
            markdown = ""
        if self.lacking:
            return f"::: missing\n{_gaps(self.lacking)}\n:::\n\n{markdown}"
        for what, listed in (("figures", source.figures), ("tables", source.tables)):
            unused = [name for name in listed if name not in here[what]]
            if unused:
                raise ValueError(f"{source.path}: the header lists {what} {unused}, which the text never shows")
        return markdown

    def text(self, template: str, where: str) -> str:
        """The Markdown of a caption, note, label or introduction of an assignment."""
        return self._render(template, where, 0, self._calls(), self._plain)

    @staticmethod
    def _render(text: str, where: str, offset: int, calls: Mapping[str, Any], environment: jinja2.Environment) -> str:
        try:
            return environment.from_string(text).render(calls)
        except jinja2.TemplateSyntaxError as error:
            raise ValueError(f"{where}: line {error.lineno + offset}: {error.message}") from None
        except jinja2.UndefinedError as error:
            message = str(error)
            name = message.split("'")[1] if message.startswith("'") else ""
            if name and "has no attribute" not in message:
                message = str(unknown("call", name, calls))
            raise ValueError(f"{_place(error, where, offset)}: {message}") from None
        except (ValueError, KeyError, TypeError) as error:
            message = str(error.args[0]) if error.args else repr(error)
            raise ValueError(f"{_place(error, where, offset)}: {message}") from None

    def _calls(self) -> dict[str, Any]:
        calls = self._lookups()
        return {name: self._lenient(name, call) if callable(call) else call for name, call in calls.items()}

    def _lenient(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same call, which leaves a gap where it fails and may; no verdict counts as not decided.

        It may in an incomplete build, and where the check of the question that it asks for has stopped; that fails the build later.
        """

        def attempt(*words: Any, **named: Any) -> Any:
            try:
                return call(*words, **named)
            except (ValueError, KeyError) as error:
                if not self.incomplete and not (words and self.results.has_stopped(str(words[0]).partition("/")[0])):
                    raise
                self.lacking.append(str(error.args[0]) if error.args else repr(error))
                return "not decided" if name == "verdict_of" else MISSING

        return attempt

    def _lookups(self) -> dict[str, Any]:
        return {
            "num": self._num,
            "pm": self._pm,
            "check": self._check,
            "found": self._found,
            "verdict_of": lambda name: self.results.finding(name).verdict,
            "published": self._published,
            "better": self._better,
            "setting": self._setting,
            "seconds": self._seconds,
            "device": self._device,
            "seeds": self.results.seeds,
            "dataset": self.results.dataset,
            "ref": self._ref,
            "answer": self._question,
            "chapter": self._chapter,
            "count": self._count,
            "cite": self._cite,
            "code": self._code,
            "has_metric": self.results.has_metric,
            "has_chapter": self.catalogue.chapters.__contains__,
        }

    def _placements(self, source: Text, here: dict[str, list[str]]) -> dict[str, Any]:
        def place(what: str, name: str) -> str:
            listed = source.figures if what == "figures" else source.tables
            known = self.catalogue.figures if what == "figures" else self.catalogue.tables
            if name not in known:
                raise unknown(what[:-1], name, known)
            if name not in listed:
                raise ValueError(f"{what[:-1]} {name!r} is shown but not in the header; add it to '{what}: {list(listed)}'")
            shown = self.shown.figures if what == "figures" else self.shown.tables
            if name in shown:
                raise ValueError(f"{what[:-1]} {name!r} is shown in {shown[name]} already; refer to it with ref({name!r})")
            shown[name] = str(source.path)
            here[what].append(name)
            return f'\n\n::: {{.placed-{what[:-1]} name="{name}"}}\n:::\n\n'

        return {"fig": lambda name: place("figures", name), "table": lambda name: place("tables", name)}

    def _num(  # noqa: PLR0917 - answers call it with positions
        self, run: str, metric: str, split: str = "test", field: str = "value", digits: int | None = None, scale: float = 1.0
    ) -> str:
        row = self.results.metric(run, metric, split)
        value = row.field(field) * scale
        stderr = row.spread * abs(scale) if field == "value" else math.nan
        if digits is None and field == "stderr":
            return number(value, None, value)
        try:
            return Traced(number(value, digits, stderr), f"../{row.place}")
        except ValueError:
            raise ValueError(f"{field} of {metric!r} of run {run!r} ({split}) is not a number") from None

    def _pm(self, run: str, metric: str, split: str = "test", digits: int | None = None, scale: float = 1.0) -> str:
        row = self.results.metric(run, metric, split)
        try:
            return Traced(with_error(row.value * scale, row.spread * abs(scale), digits), f"../{row.place}")
        except ValueError as error:
            raise ValueError(f"{metric!r} of run {run!r} ({split}): {error}") from None

    def _check(self, name: str, digits: int | None = None, field: str = "found") -> str:
        row = self.results.claim(name)
        if field not in ("found", "stated", "error", "tolerance"):
            raise unknown("field of checks.csv", field, ("found", "stated", "error", "tolerance"))
        value = getattr(row, field)
        return Traced(str(value).lower() if isinstance(value, bool) else number(value, digits), f"#{name}")

    def _found(self, name: str, digits: int | None = None, scale: float = 1.0) -> str:
        """The estimate of a finding with its error, in which the scatter of training is contained where that was measured."""
        finding = self.results.finding(name)
        unit = f"\u00a0{finding.unit}" if finding.unit not in UNNAMED_UNITS else ""
        value, error = finding.estimate * scale, finding.error * abs(scale)
        return Traced((with_error(value, error, digits) if error > 0 else number(value, digits)) + unit, f"#{name}")

    def _published(self, name: str, digits: int | None = None) -> str:
        row = self.results.claim(name)
        if row.published is None:
            known = [name for name, claim in self.results.claims.items() if claim.published is not None]
            raise unknown("claim that rejects a published value", name, known)
        return Traced(str(row.published).lower() if isinstance(row.published, bool) else number(row.published, digits), f"#{name}")

    def _better(  # noqa: PLR0917
        self,
        first: str,
        second: str,
        metric: str,
        split: str = "test",
        labels: tuple[str, str] | None = None,
        digits: int | None = None,
    ) -> str:
        """A verdict: which run is better, by how much, or that no difference was found; how many images and trainings it rests on.

        :func:`dgm.maths.significance.compare` decides, image by image where both runs were measured on the same images, with the
        scatter of training in the error where ``report/scatter.csv`` has it. What follows "±" is one standard error of the
        difference, or half its 95 % interval where a run was repeated with other seeds.
        """
        one, two = self.results.metric(first, metric, split), self.results.metric(second, metric, split)
        upwards = higher_is_better(metric)
        names = labels or (f"`{first}`", f"`{second}`")
        unit = f"\u00a0{one.unit}" if one.unit not in UNNAMED_UNITS else ""
        difference = self.results.difference(first, second, metric, split)
        scatter = (one.scatter, two.scatter)
        verdict = compare(_values(one), _values(two), upwards, difference, scatter)
        spread = verdict.half_width / DECISIVE if verdict.test == "standard errors" else verdict.half_width
        size = abs(verdict.difference)
        shown = (with_error(size, spread, digits) if spread > 0 else number(size, digits)) + unit
        basis = _basis(one, two, difference, with_scatter=not any(map(math.isnan, scatter)))
        if verdict.better is None:
            return f"no difference found between {names[0]} and {names[1]} ({shown}; {basis})"
        return f"{names[0] if verdict.better == 'first' else names[1]} is better, by {shown} ({basis})"

    def _setting(self, run: str, key: str) -> str:
        value = self.results.setting(run, key)
        if isinstance(value, bool):
            return "yes" if value else "no"
        if value is None:
            return "none"
        if isinstance(value, int):
            return number(value)
        if isinstance(value, float):
            return exact(value)
        if isinstance(value, list | tuple):
            return ", ".join(str(item) for item in value)
        return str(value)

    def _seconds(self, run: str, stage: str = "train") -> str:
        return duration(self.results.record(run, stage).seconds)

    def _device(self, run: str, stage: str = "train") -> str:
        """What a job computed on, in words."""
        return self.results.record(run, stage).device

    def _ref(self, name: str) -> str:
        if name not in self.catalogue.figures and name not in self.catalogue.tables:
            if name in self.catalogue.elsewhere:
                return "a figure or table of the full report"
            raise unknown("figure or table", name, [*self.catalogue.figures, *self.catalogue.tables])
        return f'[]{{.to-shown name="{name}"}}'

    def _question(self, name: str, text: str = "") -> str:
        if name not in self.catalogue.questions:
            if name in self.catalogue.elsewhere:
                return text or name
            raise unknown("question", name, self.catalogue.questions)
        return f'[{text}]{{.to-question name="{name}"}}'

    def _chapter(self, name: str, text: str = "") -> str:
        if name not in self.catalogue.chapters:
            if name in self.catalogue.elsewhere:
                return f"{text or self.catalogue.elsewhere[name]} of the full report"
            raise unknown("chapter", name, self.catalogue.chapters)
        return f'[{text or self.catalogue.chapters[name].title}]{{.to-chapter name="{name}"}}'

    def _count(self, what: str, value: str = "") -> str:
        """How many questions, answers, assignments, claims, or corrections (of one fault) there are."""
        corrections = [answer.correction for answer in self.catalogue.answers.values() if answer.correction]
        claims = [claim for listed in self.results.checks.values() for claim in listed]
        methods = [EVIDENCE.get(claim.method) for claim in claims]
        counted: dict[str, int] = {
            "assignments": len(self.catalogue.assignments),
            "questions": len(self.catalogue.questions),
            "answers": len(self.catalogue.answers),
            "runs": len(self.results.runs),
            "claims": sum(isinstance(claim, CheckedClaim) for claim in claims),
            "findings": sum(isinstance(claim, JudgedFinding) for claim in claims),
            **{str(kind): methods.count(kind) for kind in EVIDENCE.values()},
            "rejected": sum(claim.published is not None for claim in claims),
            "printed": sum(claim.published is not None and claim.printed for claim in claims),
            "corrections": sum(value in ("", correction.fault) for correction in corrections),
        }
        if what not in counted:
            raise unknown("count of", what, counted)
        return number(counted[what])

    def _cite(self, *keys: str, note: str = "", text: bool = False) -> str:
        if not keys:
            raise ValueError("cite needs the key of a paper")
        for key in keys:
            if key not in self.catalogue.papers:
                raise unknown("paper in bibliography.yaml", key, self.catalogue.papers)
            self.shown.papers.add(key)
        way = "text" if text else "parenthesis"
        return f'[{note}]{{.to-papers names="{" ".join(keys)}" way="{way}"}}'

    def _code(self, module: str, name: str, docstring: bool = False) -> str:
        listing = source_of(module, name, docstring)
        fence = "~" * 12
        return f'\n\n{fence} {{.python source="{module}.{name}"}}\n{listing}\n{fence}\n\n'


def _gaps(messages: list[str]) -> str:
    """What an answer lacks, as Markdown of plain words: each message once, the first few."""
    different = list(dict.fromkeys(" ".join(message.split()) for message in messages))
    listed = [re.sub(r"([\\`*_{}\[\]<>#|~^$])", r"\\\1", message[:300]) for message in different[:3]]
    more = [f"and {len(different) - 3} more"] if len(different) > 3 else []
    return f'Numbers of this build are missing here and read "{MISSING}": ' + "; ".join([*listed, *more]) + "."


def duration(seconds: float) -> str:
    """A time span for reading: ``0.4 s``, ``12 s``, ``3 min 20 s``, ``1 h 5 min``."""
    if not math.isfinite(seconds):
        return "unknown time"
    if seconds < 9.95:
        return f"{seconds:.1f}\u00a0s"
    if seconds < 119.5:
        return f"{seconds:.0f}\u00a0s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}\u00a0min" + (f"\u00a0{rest}\u00a0s" if rest else "")
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours}\u00a0h" + (f"\u00a0{minutes}\u00a0min" if minutes else "")


def citation(paper: Paper) -> str:
    """Authors as cited: ``Kingma & Welling``, ``Goodfellow et al.``."""
    families = [author.split(",")[0].strip() for author in paper.authors]
    if len(families) > 2:
        return f"{families[0]} et\u00a0al."
    return " & ".join(families)


def _values(metric: Metric) -> Measured | tuple[float, ...]:
    """What a comparison rests on: the values of all seeds, or the only estimate with its standard error."""
    return metric.values if metric.seeds > 1 else Measured(metric.value, metric.stderr)


def _basis(one: Metric, two: Metric, difference: Measured | None, with_scatter: bool) -> str:
    """What a comparison rests on: images and trainings."""
    if max(one.seeds, two.seeds) > 1:
        return f"{one.seeds} and {two.seeds} seeds"
    n = difference.n if difference else min((int(row.n) for row in (one, two) if row.n > 1), default=0)
    counted = [f"$n={n}$" + (", paired" if difference else "")] if n else []
    return ", ".join(
        [
            *counted,
            "one seed each, error with the scatter of training"
            if with_scatter
            else "one seed each, whose scatter is not in the error",
        ]
    )


def _place(error: BaseException, where: str, offset: int) -> str:
    """File and line of the template that an exception came through."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<template>"]
    line = lines[-1] if lines else None
    if line is None or (offset == 0 and line == 1 and Path(where).suffix != ".md"):
        return where
    return f"{where}: line {line + offset}"
