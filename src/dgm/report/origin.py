"""What made a figure, a table, the whole report: read from the records that every job leaves."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dgm.report.catalogue import Figure, Table
from dgm.report.macros import duration
from dgm.report.results import Record, Results

__all__ = ["Origin", "of_figure", "of_report", "of_table", "short"]

OUTSIDE = "outside a repository"

STAGE_OF_FOLDER = {
    "data": "prepare",
    "models": "train",
    "history": "train",
    "samples": "sample",
    "evaluations": "evaluate",
    "estimates": "estimate",
    "metrics": "evaluate",
    "arrays": "demonstrate",
}
"""Which stage writes the files of a folder of ``results/<dataset>``."""


@dataclass(frozen=True)
class Origin:
    """The jobs behind something shown, the last one first."""

    rule: str
    target: str
    runs: tuple[str, ...]
    dataset: str
    jobs: tuple[Record, ...]

    @property
    def commits(self) -> tuple[str, ...]:
        """Commits of all jobs, without repetition, each shortened and marked when the tree had uncommitted changes."""
        made: dict[str, None] = {}
        for job in self.jobs:
            if job.commit:
                made[short(job.commit) + ("+changes" if job.dirty else "")] = None
        return tuple(made)

    @property
    def named_commits(self) -> str:
        """The first two commits and the number of the others, or why there is none."""
        commits = self.commits
        if commits:
            return ", ".join(commits[:2]) + (f" and {len(commits) - 2} more" if len(commits) > 2 else "")
        reasons = [job.commit_unknown for job in self.jobs if job.commit_unknown]
        return f"unknown, as git says: {reasons[0]}" if reasons else OUTSIDE

    @property
    def seconds(self) -> float:
        """Wall time of all jobs together."""
        return math.fsum(job.seconds for job in self.jobs if math.isfinite(job.seconds))

    @property
    def devices(self) -> tuple[str, ...]:
        """Devices that the jobs name, without repetition; jobs that need no choice of a device name none."""
        return tuple(dict.fromkeys(job.device for job in self.jobs if job.content.get("device"))) or ("CPU",)

    def line(self) -> list[str]:
        """The parts of the provenance line: rule, runs, data set, commit, time, device."""
        parts = [f"rule {self.rule}"]
        if self.runs:
            parts.append(f"run{'s' if len(self.runs) > 1 else ''} {', '.join(self.runs)}")
            parts.append(f"data {self.dataset}")
        elif any(job.stage == "demonstrate" for job in self.jobs):
            parts.append("closed form, no data")
        else:
            parts.append(f"data {self.dataset}")
        if not self.jobs:
            return [*parts, "no record of its jobs"]
        parts.append(f"commit {self.named_commits}" if self.named_commits != OUTSIDE else OUTSIDE)
        parts.append(f"{duration(self.seconds)} in {len(self.jobs)} job{'s' if len(self.jobs) > 1 else ''}")
        parts.append(", ".join(self.devices))
        return parts


def short(commit: str) -> str:
    """The first ten digits of a commit."""
    return commit[:10]


def of_figure(name: str, figure: Figure, results: Results) -> Origin:
    """Origin of a figure: the plot job, and the jobs that wrote its sources."""
    wanted: list[tuple[str, str]] = [("plot", name)]
    runs: dict[str, None] = {}
    for path in figure.sources.values():
        folder, _, file = path.rpartition("/")
        stem = file.rpartition(".")[0]
        stage = STAGE_OF_FOLDER.get(folder)
        if stage == "prepare":
            simulated = ("simulate", stem)
            wanted.append(simulated if simulated in results.records else _only(results, "prepare"))
        elif stage == "demonstrate":
            wanted.append((stage, stem))
        elif stage:
            runs[stem] = None
            wanted += [(stage, stem), ("train", stem)]
        elif path == "tables/metrics.csv":
            wanted.append(_only(results, "tabulate"))
    return _origin("plot", f"figures/{name}.svg", results, runs, wanted)


def of_table(table: Table, results: Results) -> Origin:
    """Origin of a table: the evaluations, estimates and trainings of its runs."""
    runs = dict.fromkeys(row.run for row in table.rows)
    wanted = [
        _only(results, "tabulate"),
        *((stage, run) for run in runs for stage in ("evaluate", "estimate", "train", "simulate", "demonstrate")),
    ]
    trained = [run for run in runs if ("train", run) in results.records]
    return _origin("tabulate", "tables/metrics.csv", results, trained, wanted)


def of_report(results: Results) -> Origin:
    """Origin of everything: all records of the build, but not those of the report itself."""
    wanted = [key for key in results.records if key[0] not in ("render", "typeset", "conclude", "manifest")]
    return _origin("render", "report/index.html", results, results.runs, wanted)


def _origin(rule: str, target: str, results: Results, runs: Iterable[str], wanted: Sequence[tuple[str, str]]) -> Origin:
    jobs = {key: results.records[key] for key in wanted if key in results.records}
    return Origin(
        rule=rule,
        target=f"results/{results.folder.name}/{target}",
        runs=tuple(runs),
        dataset=", ".join(_datasets(jobs.values(), str(results.dataset["name"]))),
        jobs=tuple(jobs.values()),
    )


def _datasets(jobs: Iterable[Record], images: str) -> list[str]:
    """What the jobs computed on: the images of this build, or simulated points by name."""
    simulated = [str(job.content["data"]) for job in jobs if job.content.get("data", "images") != "images"]
    drawn = [job.name for job in jobs if job.stage == "simulate"]
    named = [images] if any(job.content.get("data") == "images" or job.stage == "prepare" for job in jobs) else []
    return list(dict.fromkeys([*named, *simulated, *drawn])) or [images]


def _only(results: Results, stage: str) -> tuple[str, str]:
    """The record of a stage that runs once, whatever it is called."""
    return next((key for key in results.records if key[0] == stage), (stage, ""))
