"""The whole report: from declarations and results to ``index.html``, ``report.tex``, ``checks.tex`` and one file an assignment."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import jinja2
import yaml
from markupsafe import Markup

from dgm.assignments import REPOSITORY
from dgm.claims.methods import EVIDENCE
from dgm.evaluation.registry import Metric, explained
from dgm.report import explorables, latex, origin, search
from dgm.report.backends import HtmlBackend, LatexBackend, year_labels
from dgm.report.catalogue import Catalogue, Chapter, Correction, Paper, explorable
from dgm.report.document import Document, fill
from dgm.report.formulas import katex_css, latex_macros, shortened
from dgm.report.listing import Checked, check_source
from dgm.report.macros import SYNTAX, Templates, duration
from dgm.report.node import library
from dgm.report.numbers import exact, number, plain, with_error
from dgm.report.origin import Origin
from dgm.report.results import CheckedClaim, JudgedFinding, Record, Results
from dgm.report.shown import Contents, in_script
from dgm.runtime.device import NONDETERMINISTIC

__all__ = ["PREVIEW", "Report", "build"]

PREVIEW = "report.png"
"""The image that stands for the report where somebody links to it; it lies in the root of the published folder."""

LONGEST_COMMAND = 5000
"""Characters of a command that the page shows."""

STYLES = "/* styles of formulas */"
"""Stands in the page's style sheet for what :func:`dgm.report.formulas.shortened` adds."""

APPENDICES = {
    "corrections": "Corrections",
    "metrics": "What the numbers in the tables are",
    "making": "How this report was made",
    "checks": "What was checked, and how",
    "bibliography": "Bibliography",
}
"""Anchor and title of what stands on the page after the answers."""

LIBRARIES: Mapping[str, tuple[str, str]] = {
    "minisearch": ("minisearch", "dist/umd/index.js"),
    "copy-tex": ("katex", "dist/contrib/copy-tex.min.js"),
}
"""What the page's own scripts call: package and file of each."""

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
    """The page, the LaTeX of the report, of its supplement and of each assignment by its name, and counts for the log."""

    html: str
    tex: str
    checks: str
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
        document.add(f"assignment {assignment.id}", templates.text(assignment.intro, where), where, anchor=assignment.id, depth=1)
    for question in catalogue.questions.values():
        where = f"{catalogue.assignments[question.assignment].file}: question {question.id}"
        document.add(f"title {question.id}", question.title, where, inline=True)
        document.add(f"statement {question.id}", question.statement, where)
        if question.id in catalogue.answers:
            answer = catalogue.answers[question.id]
            headings = {"correction": FAULTS[answer.correction.of, answer.correction.fault]} if answer.correction else {}
            document.add(
                f"answer {question.id}", templates.shown_text(answer), str(answer.path), headings=headings, anchor=question.id
            )
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
        checks=context.checks(),
        parts={assignment: context.tex(assignment) for assignment in catalogue.assignments},
        counts=context.counts(),
    )


class _Context:
    """Fills the frames."""

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
        self.templates = templates
        self.shown = templates.shown
        self.document = document
        self.tex_folder = tex_folder
        self.years = years

    @cached_property
    def repository(self) -> str:
        """The address of the repository that CITATION.cff names; empty where it names none."""
        cited = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text(encoding="utf-8"))
        return str(cited.get("repository-code", "")).rstrip("/")

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
        environment = self._frames(autoescape=True)
        environment.filters["exact"] = lambda value, digits=8: Markup(backend.text(exact(value, digits)))
        environment.filters["number"] = lambda value: Markup(backend.text(value))
        marked = {key: Markup(text) for key, text in texts.items()}  # nosec B704  # pandoc has escaped them
        contents = Contents(self.catalogue, self.results, self.templates, marked, lambda text: Markup(backend.text(text)))
        laid_out: Any = environment.get_template("shown.html.j2").module
        kinds = {
            "figure": lambda name: str(laid_out.figure(contents.embedded(name, self._alt(name)))),
            "table": lambda name: str(laid_out.table(contents.table(name))),
        }
        filled = {key: Markup(fill(text, kinds)) for key, text in texts.items()}
        page, styles = shortened(
            environment.get_template("report.html.j2").render(
                **self._common(filled, None),
                metrics=[
                    {"metric": metric.metric, "label": metric.label, "text": explained(metric)} for metric in contents.metrics()
                ],
                search_index=self._index(contents.metrics()),
                libraries={name: Markup(library(*place).read_text(encoding="utf-8")) for name, place in LIBRARIES.items()},  # nosec B704
                preview=(self.results.config.get("address") or "../") + PREVIEW,
                katex_css=Markup(katex_css("".join(texts.values())) + STYLES),  # nosec B704
                papers=self._papers(self.shown.papers),
                appendices=APPENDICES,
                explorables=self._explorables(),
            )
        )
        return _one_line_each(page.replace(STYLES, styles, 1).replace("<th></th>", "<td></td>"))  # a corner is no heading

    def _explorables(self) -> Markup:
        """The script of the figures that a reader can change; empty where there are none."""
        homes = self.catalogue.homes
        explored = {
            name: explorable(entry, homes[name], f"{homes[name]}: {name}.explore")[1]
            for name in self.shown.figures
            if (entry := self.catalogue.figures[name].explore)
        }
        return Markup(explorables.script(explored, self.catalogue.folder) if explored else "")  # nosec B704  # the bundler codes "</script"

    def _index(self, metrics: Sequence[Metric]) -> Markup:
        papers = [(key, paper.title, f"{authors} ({year})") for key, paper, year, authors in self._papers(self.shown.papers)]
        present = {"metrics": bool(metrics), "bibliography": bool(papers)}
        appendices = {name: title for name, title in APPENDICES.items() if present.get(name, True)}
        listed = search.entries(self.catalogue, self.document, self.shown, appendices=appendices, metrics=metrics, papers=papers)
        return in_script(search.index(listed, self.catalogue.folder / "templates" / "page" / "search-options.js"))

    def tex(self, part: str | None) -> str:
        """``report.tex``, or the LaTeX of one assignment, whose references to the rest of the report lead into ``report.pdf``."""
        if part is None:
            return self._printed("report.tex.j2", None, list(self.document.pieces), self.shown.papers, None)
        keys = self._keys(part)
        papers = self.document.cited(keys)
        return self._printed("report.tex.j2", part, keys, papers, self._targets(part, papers))

    def checks(self) -> str:
        """``checks.tex``, the supplement that lists every check; all its references lead into ``report.pdf``."""
        return self._printed("checks.tex.j2", None, list(self.document.pieces), set(), set())

    def _printed(self, template: str, part: str | None, keys: list[str], papers: set[str], present: set[str] | None) -> str:
        backend = LatexBackend(self.catalogue, self.shown, self.years, present)
        texts = self.document.write(backend, keys)
        environment = self._frames(autoescape=False)
        environment.filters["exact"] = lambda value, digits=8: backend.text(exact(value, digits))
        environment.filters["number"] = backend.text
        environment.filters["tex"] = lambda value: backend.text(str(value))
        environment.filters["plain"] = lambda value: latex.escape(str(value))
        environment.filters["code"] = lambda value: backend.code(str(value))
        contents = Contents(self.catalogue, self.results, self.templates, texts, backend.text)
        laid_out: Any = environment.get_template("shown.tex.j2").module
        kinds = {
            "figure": lambda name: str(laid_out.figure(contents.included(name, self._alt(name), self.tex_folder))),
            "table": lambda name: str(laid_out.table(contents.table(name))),
        }
        filled = {key: fill(text, kinds) for key, text in texts.items()}
        for key, text in filled.items():
            latex.declarations(text, self.document.pieces[key].where)
        body = environment.get_template(template).render(
            **self._common(filled, part),
            metrics=[{"metric": metric.metric, "label": metric.label, "text": explained(metric)} for metric in contents.metrics()],
            macros=latex_macros(),
            papers=self._papers(papers),
        )
        mark = "%% characters"
        return body.replace(mark, latex.declarations(body, template.removesuffix(".j2")), 1)

    def _frames(self, autoescape: bool) -> jinja2.Environment:
        environment = jinja2.Environment(  # nosec B701  # True for HTML; TeX is escaped by its backend
            loader=jinja2.FileSystemLoader(self.catalogue.folder / "templates"),
            **SYNTAX,
            autoescape=autoescape,
        )
        environment.filters |= {"duration": duration, "short": origin.short, "command": _command}
        return environment

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
            *(f"question-{name}" for name in questions),
            *(f"{kind}-{name}" for name, kind in kinds.items()),
            *(f"chapter-{chapter.name}" for chapter in self._chapters("before", part)),
            *(f"paper-{name}" for name in papers),
        }

    def _alt(self, name: str) -> str:
        return plain(self.document.plain(f"alt {name}"))

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
            "code": self._checked_by(name, claims),
            "fault": _fault(answer.correction) if answer and answer.correction else "",
            "printed": texts.get(f"printed {name}"),
            "argued": texts.get(f"argued {name}"),
        }

    def _checked_by(self, name: str, claims: Sequence[CheckedClaim | JudgedFinding]) -> Checked | None:
        """The function that made these claims; None where there are none, or where it is not there any more."""
        place = next((claim.function for claim in claims if claim.function), "")
        found = check_source(place) if place else None
        record = self.results.records.get(("check", self.catalogue.questions[name].assignment))
        if found is None or record is None or not record.commit or record.dirty or not self.repository:
            return found
        return found._replace(address=f"{self.repository}/blob/{record.commit}/{found.path}#L{found.line}")

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
            ("Commit", made.named_commits),
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


def _add_chapter(document: Document, templates: Templates, chapter: Chapter) -> None:
    document.add(f"chapter {chapter.name}", templates.shown_text(chapter), str(chapter.path), anchor=chapter.name, depth=1)


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


def _command(job: Record) -> str:
    """The command of a job; that of a sweep names thousands of files, and stands under every table."""
    if len(job.command) <= LONGEST_COMMAND:
        return job.command
    return f"{job.command[:LONGEST_COMMAND]} … and so on for {len(job.command):,} characters: records/{job.stage}/{job.name}.json"


def _authors(paper: Paper) -> str:
    if len(paper.authors) == 1:
        return paper.authors[0]
    return ", ".join(paper.authors[:-1]) + " and " + paper.authors[-1]


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


def _one_line_each(page: str) -> str:
    """The page without trailing blanks and without runs of empty lines."""
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+\n", "\n", page))
