"""The whole report: from declarations and results to the text of ``index.html``, ``report.tex`` and one file an assignment."""

import base64
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import jinja2
from markupsafe import Markup

from dgm.claims.methods import EVIDENCE
from dgm.report import latex, origin
from dgm.report.backends import HtmlBackend, LatexBackend, year_labels
from dgm.report.catalogue import Catalogue, Chapter, Column, Correction, Paper, Row, Table
from dgm.report.document import Document, fill
from dgm.report.formulas import katex_css, latex_macros
from dgm.report.macros import MISSING, SYNTAX, Templates, duration
from dgm.report.numbers import exact, number, plain, with_error
from dgm.report.origin import Origin
from dgm.report.results import CheckedClaim, JudgedFinding, Record, Results
from dgm.runtime.device import NONDETERMINISTIC

__all__ = ["Report", "build"]

POINTS_TO_PIXELS = 96 / 72

LONGEST_COMMAND = 5000
"""Characters of a command that the page shows."""

FAULTS: Mapping[tuple[str, str], str] = {
    ("answer", "wrong"): "Correction of the published answer",
    ("answer", "misargued"): "What fails in the published reasons",
    ("answer", "incomplete"): "What the published answer leaves out",
    ("answer", "missing"): "No published answer",
    ("question", "wrong"): "Correction of the printed question",
    ("question", "misargued"): "What fails in the printed question",
    ("question", "incomplete"): "What the printed question leaves out",
    ("question", "missing"): "No printed question",
}
"""Heading of the box that speaks of what was published, by where and what is at fault."""

VERDICTS: Mapping[str, str] = {"shown": "shown", "undecided": "not decided", "contradicted": "contradicted"}
"""The verdicts on findings, by the name of their count."""

EVIDENCE_KINDS: tuple[str, ...] = tuple(dict.fromkeys(EVIDENCE.values()))


@dataclass(frozen=True)
class Report:
    """The two outputs, the LaTeX of each assignment by its name, and counts for the log."""

    html: str
    tex: str
    parts: Mapping[str, str]
    counts: Mapping[str, int]


def build(catalogue: Catalogue, results: Results, tex_folder: Path, incomplete: bool = False) -> Report:
    """Render the report.

    Args:
        catalogue: what ``report/`` declares.
        results: the files of a build.
        tex_folder: folder of ``report.tex``, from which it refers to the figures.
        incomplete: whether parts of the build may be missing; they are marked where they would stand, and listed at the top.

    Raises:
        ValueError: naming file and place of whatever is missing, misspelt or cannot be set.
    """
    templates = Templates(catalogue, results, incomplete)
    document = Document()
    for chapter in catalogue.placed("before"):
        _add_chapter(document, templates, chapter)
    for assignment in catalogue.assignments.values():
        where = f"{assignment.file}: intro"
        document.add(f"assignment {assignment.id}", templates.text(assignment.intro, where), where)
    for question in catalogue.questions.values():
        where = f"{catalogue.assignments[question.assignment].file}: question {question.id}"
        document.add(f"title {question.id}", question.title, where, inline=True)
        document.add(f"statement {question.id}", question.statement, where)
        if question.id in catalogue.answers:
            answer = catalogue.answers[question.id]
            headings = {"correction": FAULTS[answer.correction.of, answer.correction.fault]} if answer.correction else {}
            document.add(f"answer {question.id}", templates.shown_text(answer), str(answer.path), headings=headings)
            if answer.correction:
                printed = templates.text(answer.correction.printed, f"{answer.path}: correction.printed")
                document.add(f"printed {question.id}", printed, f"{answer.path}: correction.printed", inline=True)
            if answer.argued:
                argued = templates.text(answer.argued, f"{answer.path}: argued")
                document.add(f"argued {question.id}", argued, f"{answer.path}: argued", inline=True)
    for chapter in (*catalogue.placed("after"), *catalogue.placed("end")):
        _add_chapter(document, templates, chapter)
    _add_shown(document, templates, catalogue)
    for name, claims in results.checks.items():
        for index, claim in enumerate(claims):
            where = f"{results.folder / 'tables/checks.csv'}: {name}, claim {index}"
            document.add(f"claim {name} {index}", _as_markdown(claim.claim), where, inline=True)
    document.parse()
    formulas = document.set_formulas()
    years = year_labels(catalogue, templates.shown.papers)
    context = _Context(catalogue, results, templates, document, tex_folder, years)
    return Report(
        html=context.html(HtmlBackend(catalogue, templates.shown, years, formulas)),
        tex=context.tex(None),
        parts={assignment: context.tex(assignment) for assignment in catalogue.assignments},
        counts=context.counts(),
    )


class _Context:
    """Fills the two frames."""

    def __init__(  # noqa: PLR0917
        self,
        catalogue: Catalogue,
        results: Results,
        templates: Templates,
        document: Document,
        tex_folder: Path,
        years: Mapping[str, str],
    ) -> None:
        self.catalogue = catalogue
        self.results = results
        self.shown = templates.shown
        self.incomplete = templates.incomplete
        self.document = document
        self.tex_folder = tex_folder
        self.years = years

    def counts(self, part: str | None = None) -> dict[str, int]:
        """Numbers of questions, answers, corrections, and claims by verdict, of the report or of one assignment."""
        questions = self._questions(part)
        claims = [claim for name in questions for claim in self.results.checks.get(name, [])]
        answered = [name for name in questions if name in self.catalogue.answers]
        shown = [self.catalogue.answers[name] for name in answered]
        whole = part is None
        return {
            "questions": len(questions),
            "answered": len(answered),
            "open": len(questions) - len(answered),
            "corrected": len(self._corrected(part)),
            "claims": sum(isinstance(claim, CheckedClaim) for claim in claims),
            "findings": sum(isinstance(claim, JudgedFinding) for claim in claims),
            **{status: sum(claim.status == status for claim in claims) for status in ("passed", "failed", "skipped", "missing")},
            **{name: sum(claim.status == status for claim in claims) for name, status in VERDICTS.items()},
            "figures": len(self.shown.figures) if whole else sum(len(answer.figures) for answer in shown),
            "tables": len(self.shown.tables) if whole else sum(len(answer.tables) for answer in shown),
        }

    def html(self, backend: HtmlBackend) -> str:
        """``index.html``."""
        texts = self.document.write(backend)
        kinds = {"figure": partial(self._html_figure, texts), "table": partial(self._html_table, texts, backend)}
        filled = {key: Markup(fill(text, kinds)) for key, text in texts.items()}
        environment = _frames(self.catalogue.folder / "templates", autoescape=True)
        environment.filters["exact"] = lambda value, digits=8: Markup(backend.text(exact(value, digits)))
        environment.filters["number"] = lambda value: Markup(backend.text(value))
        page = environment.get_template("report.html.j2").render(
            **self._common(filled, None),
            katex_css=Markup(katex_css("".join(texts.values()))),
            papers=self._papers(self.shown.papers),
        )
        return _one_line_each(page)

    def tex(self, part: str | None) -> str:
        """``report.tex``, or the LaTeX of one assignment, whose references to the rest of the report are words without a link."""
        keys, papers, present = None, self.shown.papers, None
        if part is not None:
            keys = self._keys(part)
            papers = self.document.cited(keys)
            present = self._targets(part, papers)
        backend = LatexBackend(self.catalogue, self.shown, self.years, present)
        texts = self.document.write(backend, keys)
        kinds = {"figure": partial(self._tex_figure, texts), "table": partial(self._tex_table, texts, backend)}
        filled = {key: fill(text, kinds) for key, text in texts.items()}
        for key, text in filled.items():
            latex.declarations(text, self.document.pieces[key].where)
        environment = _frames(self.catalogue.folder / "templates", autoescape=False)
        environment.filters["exact"] = lambda value, digits=8: backend.text(exact(value, digits))
        environment.filters["number"] = backend.text
        environment.filters["tex"] = lambda value: backend.text(str(value))
        environment.filters["code"] = lambda value: backend.code(str(value))
        body = environment.get_template("report.tex.j2").render(
            **self._common(filled, part),
            macros=latex_macros(),
            papers=self._papers(papers),
        )
        mark = "%% characters"
        return body.replace(mark, latex.declarations(body, "report.tex"), 1)

    def _keys(self, part: str) -> list[str]:
        """The pieces that the document of one assignment is made of."""
        questions = self._questions(part)
        shown = [name for answer in questions for name in self._shown_by(answer)]
        stems = {*questions, *shown, part, *(chapter.name for chapter in self._chapters("before", part))}
        return [key for key in self.document.pieces if key.split(" ")[1] in stems]

    def _targets(self, part: str, papers: set[str]) -> set[str]:
        """What a link in the document of one assignment may lead to."""
        questions = self._questions(part)
        kinds = {name: "fig" if name in self.shown.figures else "tab" for answer in questions for name in self._shown_by(answer)}
        return {
            *(f"{kind}-{name}" for kind in ("question", "checks") for name in questions),
            *(f"{kind}-{name}" for name, kind in kinds.items()),
            *(f"chapter-{chapter.name}" for chapter in self._chapters("before", part)),
            *(f"paper-{name}" for name in papers),
        }

    def _shown_by(self, name: str) -> tuple[str, ...]:
        answer = self.catalogue.answers.get(name)
        return (*answer.figures, *answer.tables) if answer else ()

    def _chapters(self, place: Literal["before", "after", "end"], part: str | None) -> list[Chapter]:
        return [chapter for chapter in self.catalogue.placed(place) if part is None or chapter.everywhere]

    def _common(self, texts: Mapping[str, str], part: str | None) -> dict[str, Any]:
        made = origin.of_report(self.results)
        assignments = [assignment for assignment in self.catalogue.assignments.values() if part in (None, assignment.id)]
        return {
            "part": part,
            "title": self._title(),
            "chapters": {
                place: [
                    {"name": chapter.name, "title": chapter.title, "text": texts[f"chapter {chapter.name}"]}
                    for chapter in self._chapters(place, part)
                ]
                for place in ("before", "after", "end")
            },
            "assignments": [
                {
                    "id": assignment.id,
                    "title": assignment.title,
                    "intro": texts[f"assignment {assignment.id}"],
                    "questions": [self._entry(name, texts) for name in self._questions(assignment.id)],
                    "evidence": self._evidence(assignment.id),
                }
                for assignment in assignments
            ],
            "counts": self.counts(part),
            "evidence": self._evidence(part),
            "kinds": EVIDENCE_KINDS,
            "found": _found,
            "said": _said,
            "dataset": self.results.dataset,
            "facts": self._facts(made),
            "runs": self._runs(),
            "several_devices": len({run["device"] for run in self._runs()}) > 1,
            "trial": self._trial(),
            "problems": self._problems(part),
        }

    def _title(self) -> tuple[str, str]:
        """Of the document: the common one, or that of its only assignment."""
        titles = [assignment.title for assignment in self.catalogue.assignments.values()]
        return (titles[0], "") if len(titles) == 1 else ("Deep generative models:", "answers, computed and checked")

    def _problems(self, part: str | None) -> dict[str, Any]:
        """Claims that are false, what could not be made, questions whose checks lack a part of the build; empty for a whole one."""
        questions = self._questions(part)
        listed = [claim for name in questions for claim in self.results.checks.get(name, [])]
        found = {
            "false": [
                {"name": f"{claim.question}/{claim.id}", "text": claim.claim} for claim in listed if claim.status == "failed"
            ],
            "failures": self.results.failures,
            "lacking": list(dict.fromkeys(claim.question for claim in listed if claim.status == "missing")),
        }
        return found if any(found.values()) else {}

    def _entry(self, name: str, texts: Mapping[str, str]) -> dict[str, Any]:
        claims = self.results.checks.get(name, [])
        answer = self.catalogue.answers.get(name)
        return {
            "id": name,
            "title": texts[f"title {name}"],
            "plain": self.document.plain(f"title {name}"),
            "statement": texts[f"statement {name}"],
            "answer": texts.get(f"answer {name}"),
            "claims": [{"text": texts[f"claim {name} {index}"], "row": claim} for index, claim in enumerate(claims)],
            "verdict": _verdict(claims),
            "fault": _fault(answer.correction) if answer and answer.correction else "",
            "printed": texts.get(f"printed {name}"),
            "argued": texts.get(f"argued {name}"),
        }

    def _questions(self, part: str | None) -> list[str]:
        return [question.id for question in self.catalogue.questions.values() if part in (None, question.assignment)]

    def _corrected(self, part: str | None) -> list[str]:
        answers = self.catalogue.answers
        return [name for name in self._questions(part) if name in answers and answers[name].correction]

    def _evidence(self, part: str | None) -> dict[str, int]:
        """Claims by kind of evidence, those that reject a published value, and answers of which a part is argued only."""
        questions = self._questions(part)
        claims = [claim for name in questions for claim in self.results.checks.get(name, [])]
        kinds: list[str | None] = [EVIDENCE.get(claim.method) for claim in claims]
        return {
            **{kind: kinds.count(kind) for kind in EVIDENCE_KINDS},
            "claims": len(claims),
            "rejected": sum(claim.published is not None for claim in claims),
            "printed": sum(claim.published is not None and claim.printed for claim in claims),
            "argued": sum(name in self.catalogue.answers and bool(self.catalogue.answers[name].argued) for name in questions),
            "questions": len(questions),
        }

    def _papers(self, keys: set[str]) -> list[tuple[str, Paper, str, str]]:
        cited = sorted(
            ((key, self.catalogue.papers[key]) for key in keys),
            key=lambda item: ([author.casefold() for author in item[1].authors], item[1].year, item[1].title),
        )
        return [(key, paper, self.years[key], _authors(paper)) for key, paper in cited]

    def _trial(self) -> str:
        """What makes this build a trial whose numbers mean nothing; empty for a full build."""
        limits = {key: value for key, value in (self.results.config.get("limits") or {}).items() if value is not None}
        parts = [f"{key.replace('_', ' ')} ≤ {value}" for key, value in limits.items()]
        if parts and self.results.variant:
            parts.insert(0, f"variant “{self.results.variant}”")
        return ", ".join(parts)

    def _facts(self, made: Origin) -> list[tuple[str, str]]:
        data, config = self.results.dataset, self.results.config
        versions: dict[str, str] = {}
        pythons: dict[str, None] = {}
        for job in made.jobs:
            versions.update(job.content.get("versions") or {})
            if job.content.get("python"):
                pythons[str(job.content["python"])] = None
        command = "snakemake --cores all"
        if self.results.variant == "smoke":
            command += " --configfile tests/smoke.yaml"
        command += f" --config dataset={data['name']}"
        if self.catalogue.elsewhere:
            command += f" assignments=[{','.join(self.catalogue.assignments)}]"
        facts = [
            ("Data set", f"{data['name']}: {data['train']:,} training and {data['test']:,} test images"),
            ("Seed", str(config.get("seed", "not set"))),
            ("Command", command),
            ("Commit", made.named_commits or "outside a repository"),
            ("Device", ", ".join(made.devices) or "no record"),
            ("Not deterministic there", "; ".join(_nondeterministic(made.jobs))),
            ("Left out", "; ".join(self._left_out())),
            ("Work", f"{len(made.jobs)} jobs, {duration(made.seconds)} of computing in total"),
            ("Software", ", ".join([f"Python {', '.join(pythons)}", *(f"{name} {versions[name]}" for name in sorted(versions))])),
        ]
        return [(label, text) for label, text in facts if text]

    def _left_out(self) -> list[str]:
        """Chapters that need runs which this build does not have."""
        lacking = self.catalogue.lacking
        return [f"{self.catalogue.elsewhere[name]}, which needs {_some(runs)}" for name, runs in lacking.items()]

    def _runs(self) -> list[dict[str, str]]:
        rows = []
        for run in self.results.runs:
            record = self.results.records.get(("train", run))
            settings = self.results.settings(run)
            rows.append(
                {
                    "run": run,
                    "kind": str(self.results.config["runs"][run].get("kind", "")),
                    "settings": ", ".join(f"{key}={_compact(value)}" for key, value in settings.items() if value is not None),
                    "time": duration(record.seconds) if record else "no record",
                    "device": record.device if record else "",
                }
            )
        return rows

    # ------------------------------------------------------------------ figures

    def _html_figure(self, texts: Mapping[str, str], name: str) -> str:
        entry = self.catalogue.figures[name]
        path = self.results.folder / "figures" / f"{name}.svg"
        if self.incomplete and not path.is_file():
            return (
                f'<figure class="shown" id="fig-{name}"><p class="absent">{self.shown.label(name)} could not be drawn.</p>'
                f"<figcaption><strong>{self.shown.label(name)}.</strong> {texts[f'caption {name}']}</figcaption></figure>"
            )
        content = _bytes(path)
        width, height = _svg_size(content, path)
        alt = Markup.escape(plain(self.document.plain(f"alt {name}")))
        data = base64.b64encode(content).decode()
        made = origin.of_figure(name, entry, self.results)
        return (
            f'<figure class="shown" id="fig-{name}"><div class="card"><img src="data:image/svg+xml;base64,{data}" alt="{alt}" '
            f'width="{width:.0f}" height="{height:.0f}" style="width:{entry.width * 100:.0f}%"></div>'
            f"<figcaption><strong>{self.shown.label(name)}.</strong> {texts[f'caption {name}']}</figcaption>"
            f"{_html_origin(made)}</figure>"
        )

    def _tex_figure(self, texts: Mapping[str, str], name: str) -> str:
        entry = self.catalogue.figures[name]
        path = self.results.folder / "figures" / f"{name}.pdf"
        if not path.is_file():
            if self.incomplete:
                label = latex.escape(self.shown.label(name))
                return (
                    f"\\begin{{figure}}[!htbp]\n\\centering\n\\hypertarget{{fig-{name}}}{{\\fbox{{{label} could not be drawn.}}}}\n"
                    f"\\shown{{{label}.}}{{{texts[f'caption {name}']}}}{{}}\n\\end{{figure}}"
                )
            raise ValueError(f"{path}: no such file; figure {name!r} was not drawn")
        file = Path(os.path.relpath(path, self.tex_folder)).as_posix()
        return (
            "\\begin{figure}[!htbp]\n\\centering\n"
            rf"\hypertarget{{fig-{name}}}{{\includegraphics[width={entry.width:g}\linewidth]{{{file}}}}}"
            f"\n\\shown{{{latex.escape(self.shown.label(name))}.}}{{{texts[f'caption {name}']}}}"
            f"{{{_tex_origin(origin.of_figure(name, entry, self.results))}}}\n\\end{{figure}}"
        )

    # ------------------------------------------------------------------ tables

    def _cell(self, texts: Mapping[str, str], backend: HtmlBackend | LatexBackend, name: str, place: tuple[int, int]) -> str:
        """One cell, in the language of the output: a text that was rendered already, or a number."""
        entry = self.catalogue.tables[name]
        row, column = entry.rows[place[0]], entry.columns[place[1]]
        if column.text:
            return texts[f"cell {name} {place[0]} {place[1]}"] if column.text in row.texts else "–"
        return backend.text(self._number(name, row, column))

    def _number(self, name: str, row: Row, column: Column) -> str:
        split = row.split or column.split
        if column.optional and not self.results.has_metric(row.run, column.metric, split):
            return "–"
        try:
            found = self.results.metric(row.run, column.metric, split)
            if column.field == "seeds":
                return number(found.seeds)
            if column.field in ("scatter", "judged"):
                scatter = found.field(column.field) * abs(column.scale)
                return number(scatter, column.digits) if math.isfinite(scatter) else "–"
            value, spread = found.value * column.scale, found.spread * abs(column.scale)
            shown = column.stderr and math.isfinite(spread)
            return with_error(value, spread, column.digits) if shown else number(value, column.digits, spread)
        except ValueError as error:
            if self.incomplete:
                return MISSING
            raise ValueError(f"{self.catalogue.homes[name]}: {name}: column {column.label!r}: {error}") from None

    def _on_seeds(self, table: Table) -> str:
        """A remark below a table with numbers of runs that were repeated, empty below any other."""
        keys = [
            (column, (row.run, column.metric, row.split or column.split))
            for row in table.rows
            for column in table.columns
            if column.metric and column.field == "value"
        ]
        found = [(column.stderr, self.results.metric(*key)) for column, key in keys if self.results.has_metric(*key)]
        seeds = max((metric.seeds for _, metric in found), default=1)
        if seeds == 1:
            trained = set(self.results.runs)
            counts = {
                int(metric.n)
                for (stderr, metric) in found
                if stderr and metric.run in trained and math.isfinite(metric.stderr) and metric.n > 1
            }
            if not counts:
                return ""
            n = number(min(counts)) + (f" to {number(max(counts))}" if len(counts) > 1 else "")
            return f"±: one standard error of {n} values; one training of each model, whose scatter is not in it."
        remark = f"In this build: mean over {seeds} seeds"
        if any(stderr and metric.seeds > 1 for stderr, metric in found):
            remark += ", ± half its 95\u00a0% interval"
        single = [stderr and math.isfinite(metric.stderr) for stderr, metric in found if metric.seeds == 1]
        if single:
            remark += "; one seed of runs that are not repeated" + (", ± one standard error" if any(single) else "")
        return f"{remark}."

    def _html_table(self, texts: Mapping[str, str], backend: HtmlBackend, name: str) -> str:
        entry = self.catalogue.tables[name]
        head = "".join(
            f'<th scope="col"{" class=text" if column.text else ""}>{texts[f"column {name} {index}"]}</th>'
            for index, column in enumerate(entry.columns)
        )
        width = 1 + len(entry.columns)
        rows = "".join(
            (
                f'<tr class="group"><th colspan="{width}" scope="colgroup">{texts[f"group {name} {i}"]}</th></tr>'
                if row.group
                else ""
            )
            + f'<tr><th scope="row">{texts[f"row {name} {i}"]}</th>'
            + "".join(
                f"<td{' class=text' if column.text else ''}>{self._cell(texts, backend, name, (i, j))}</td>"
                for j, column in enumerate(entry.columns)
            )
            + "</tr>"
            for i, row in enumerate(entry.rows)
        )
        remarks = [texts[f"notes {name}"] if entry.notes else "", str(Markup.escape(self._on_seeds(entry)))]
        notes = "".join(f'<p class="notes">{remark}</p>' for remark in remarks if remark)
        return (
            f'<figure class="shown" id="tab-{name}"><figcaption><strong>{self.shown.label(name)}.</strong> '
            f"{texts[f'caption {name}']}</figcaption>"
            f'<div class="scroll" tabindex="0" role="group" aria-label="{self.shown.label(name)}">'
            f'<table class="metrics"><thead><tr><td></td>{head}</tr></thead><tbody>{rows}</tbody></table></div>{notes}'
            f"{_html_origin(origin.of_table(entry, self.results))}</figure>"
        )

    def _tex_table(self, texts: Mapping[str, str], backend: LatexBackend, name: str) -> str:
        entry = self.catalogue.tables[name]
        heads = (
            rf"\wrapped{{2.1cm}}{{\ragged{'right' if column.text else 'left'}}}{{{texts[f'column {name} {index}']}}}"
            for index, column in enumerate(entry.columns)
        )
        head = " & ".join(["", *heads])
        width, alignment = len(entry.columns), "".join("l" if column.text else "r" for column in entry.columns)
        rows = " \\\\\n".join(
            (_tex_group(texts[f"group {name} {i}"], width + 1, spaced=i > 0) if row.group else "")
            + " & ".join(
                [
                    rf"\wrapped{{4.5cm}}{{\raggedright}}{{{texts[f'row {name} {i}']}}}",
                    *(
                        rf"\wrapped{{6.5cm}}{{\raggedright}}{{{cell}}}" if column.text else cell
                        for j, column in enumerate(entry.columns)
                        for cell in [self._cell(texts, backend, name, (i, j))]
                    ),
                ]
            )
            for i, row in enumerate(entry.rows)
        )
        remarks = [texts[f"notes {name}"] if entry.notes else "", latex.escape(self._on_seeds(entry))]
        notes = "".join(f"\\par\\smallskip{{\\footnotesize {remark}\\par}}" for remark in remarks if remark)
        return (
            f"\\begin{{table}}[!htbp]\n\\centering\n\\hypertarget{{tab-{name}}}{{}}%\n"
            f"\\captionabove{{{latex.escape(self.shown.label(name))}.}}{{{texts[f'caption {name}']}}}\n"
            f"\\fitted{{\\begin{{tabular}}{{@{{}}l{alignment}@{{}}}}\n\\toprule\n{head} \\\\\n\\midrule\n"
            f"{rows} \\\\\n\\bottomrule\n\\end{{tabular}}}}\n{notes}"
            f"\\origin{{{_tex_origin(origin.of_table(entry, self.results))}}}\n\\end{{table}}"
        )


def _tex_group(heading: str, width: int, spaced: bool) -> str:
    """The line of a heading inside a table."""
    return ("\\addlinespace\n" if spaced else "") + rf"\multicolumn{{{width}}}{{@{{}}l}}{{\itshape {heading}}} \\" + "\n"


def _add_chapter(document: Document, templates: Templates, chapter: Chapter) -> None:
    document.add(f"chapter {chapter.name}", templates.shown_text(chapter), str(chapter.path))


def _add_shown(document: Document, templates: Templates, catalogue: Catalogue) -> None:
    """Captions, alternative texts and labels of what the answers show."""
    for name in templates.shown.figures:
        figure, where = catalogue.figures[name], f"{catalogue.homes[name]}: {name}"
        document.add(f"caption {name}", templates.text(figure.caption, f"{where}: caption"), f"{where}: caption", inline=True)
        document.add(f"alt {name}", templates.text(figure.alt, f"{where}: alt"), f"{where}: alt", inline=True)
    for name in templates.shown.tables:
        table, where = catalogue.tables[name], f"{catalogue.homes[name]}: {name}"
        document.add(f"caption {name}", templates.text(table.caption, f"{where}: caption"), f"{where}: caption", inline=True)
        document.add(f"notes {name}", templates.text(table.notes, f"{where}: notes"), f"{where}: notes", inline=True)
        for index, row in enumerate(table.rows):
            document.add(f"row {name} {index}", templates.text(row.label, f"{where}: rows"), f"{where}: rows", inline=True)
            if row.group:
                document.add(f"group {name} {index}", templates.text(row.group, f"{where}: rows"), f"{where}: rows", inline=True)
            for place, column in enumerate(table.columns):
                if column.text in row.texts:
                    cell = templates.text(row.texts[column.text], f"{where}: rows")
                    document.add(f"cell {name} {index} {place}", cell, f"{where}: rows", inline=True)
        for index, column in enumerate(table.columns):
            label = templates.text(column.label, f"{where}: columns")
            document.add(f"column {name} {index}", label, f"{where}: columns", inline=True)


def _found(finding: JudgedFinding) -> str:
    """The estimate of a finding with its error and unit: ``0.22 ± 0.02 nats``."""
    if not math.isfinite(finding.estimate):
        return "undefined"
    value = with_error(finding.estimate, finding.error) if finding.error > 0 else number(finding.estimate)
    return value + (f" {finding.unit}" if finding.unit else "")


def _said(finding: JudgedFinding) -> str:
    """The verdict in words: ``shown; in 10 of 10 trainings``."""
    if finding.trainings < 2:
        return finding.status + ("; one training" if finding.status != "skipped" else "")
    return f"{finding.status}; shown in {finding.shown} of {finding.trainings} trainings"


def _nondeterministic(jobs: Sequence[Record]) -> list[str]:
    """Operations that may give other bytes the next time, each with the jobs that used it."""
    users: dict[str, list[str]] = {}
    for job in jobs:
        for operation in job.content.get(NONDETERMINISTIC, ()):
            users.setdefault(operation, []).append(f"{job.stage} {job.name}")
    return [f"{operation} ({', '.join(names)})" for operation, names in sorted(users.items())]


def _fault(correction: Correction) -> str:
    return correction.fault if correction.of == "answer" else f"question {correction.fault}"


def _verdict(claims: Sequence[CheckedClaim | JudgedFinding]) -> dict[str, Any]:
    """What the checks of a question say together: claims that hold by kind of evidence, then what training showed."""
    if not claims:
        return {"state": "none", "text": "no machine check"}
    tested = [claim for claim in claims if isinstance(claim, CheckedClaim)]
    done = [claim for claim in tested if claim.status in ("passed", "failed")]
    passed = sum(claim.status == "passed" for claim in done)
    parts = []
    if done:
        kinds: list[str | None] = [EVIDENCE.get(claim.method) for claim in done]
        of_kinds = ", ".join(f"{kinds.count(kind)} {kind}" for kind in EVIDENCE_KINDS if kind in kinds)
        parts.append(f"{passed} of {len(done)} {'claims hold' if len(done) > 1 else 'claim holds'}: {of_kinds}")
    findings = [claim for claim in claims if isinstance(claim, JudgedFinding) and claim.status != "skipped"]
    if findings:
        verdicts = [finding.status for finding in findings]
        listed = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in VERDICTS.values() if verdict in verdicts)
        parts.append(f"{len(findings)} measured: {listed}")
    for status in ("skipped", "missing"):
        count = sum(claim.status == status for claim in claims)
        if count:
            parts.append(f"{count} {status}")
    absent = any(claim.status == "missing" for claim in claims)
    state = "failed" if passed < len(done) or absent else ("passed" if done or findings else "skipped")
    return {"state": state, "text": "; ".join(parts)}


def _html_origin(made: Origin) -> str:
    line = " · ".join(str(Markup.escape(part)) for part in made.line())
    jobs = "".join(f"<li>{_html_job(job)}</li>" for job in made.jobs)
    again = f"<p>Again: <code>snakemake --cores all {Markup.escape(made.target)}</code></p>"
    return f'<details class="origin"><summary>{line}</summary>{again}<ul>{jobs}</ul></details>'


def _html_job(job: Record) -> Markup:
    words = f"{duration(job.seconds)}, {job.device}"
    if job.commit:
        words += f", commit {origin.short(job.commit)}" + (" with uncommitted changes" if job.dirty else "")
    command = job.command
    if len(command) > LONGEST_COMMAND:  # that of a sweep names thousands of files, and stands under every table
        command = f"{command[:LONGEST_COMMAND]} … and so on for {len(command):,} characters: records/{job.stage}/{job.name}.json"
    return Markup("<b>{} {}</b>: {}<br><code>{}</code>").format(job.stage, job.name, words, command)


def _tex_origin(made: Origin) -> str:
    return (
        r" \textperiodcentered\ ".join(latex.escape(part) for part in made.line())
        + rf". Again: {latex.break_anywhere(made.target)}"
    )


def _authors(paper: Paper) -> str:
    if len(paper.authors) == 1:
        return paper.authors[0]
    return ", ".join(paper.authors[:-1]) + " and " + paper.authors[-1]


def _frames(folder: Path, autoescape: bool) -> jinja2.Environment:
    return jinja2.Environment(  # nosec B701  # True for HTML; TeX is escaped by its backend
        loader=jinja2.FileSystemLoader(folder),
        **SYNTAX,
        autoescape=autoescape,
    )


def _some(names: Sequence[str], most: int = 3) -> str:
    """The first names, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more runs" if len(names) > most else "")


def _compact(value: object) -> str:
    """A setting for the list of runs: six significant digits are enough there; config.yaml has them all."""
    if isinstance(value, list):
        return "[" + ", ".join(map(_compact, value)) + "]"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _as_markdown(claim: str) -> str:
    """A claim as Markdown: formulas between dollars and code between backticks, everything else is plain text."""
    parts = re.split(r"(\$[^$]+\$|`[^`]+`)", claim)
    return "".join(part if index % 2 else re.sub(r"([\\`*_{}\[\]<>#|~^$])", r"\\\1", part) for index, part in enumerate(parts))


def _svg_size(content: bytes, path: Path) -> tuple[float, float]:
    """Width and height of an SVG in CSS pixels."""
    head = content[:4000].decode(errors="replace")
    sizes = {name: re.search(rf'<svg[^>]*\s{name}="([0-9.]+)(pt|px)?"', head) for name in ("width", "height")}
    found = [match for match in sizes.values() if match]
    if len(found) != 2:
        raise ValueError(f"{path}: not an SVG file with width and height")
    width, height = (float(match.group(1)) * (POINTS_TO_PIXELS if match.group(2) == "pt" else 1) for match in found)
    return width, height


def _one_line_each(page: str) -> str:
    """The page without trailing blanks and without runs of empty lines."""
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+\n", "\n", page))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ValueError(f"{path}: no such file") from None
