"""The files of one build, as the report reads them: metrics, checks, records, data set.

Every lookup that fails names the nearest names that exist.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from dgm.claims.methods import MEASURED
from dgm.claims.tables import COLUMNS, CORRECTIONS, STOPPED
from dgm.errors import unknown
from dgm.maths.measured import Measured, mean
from dgm.maths.significance import summary
from dgm.runtime.files import load_arrays, load_json, load_record, load_table
from dgm.runtime.folders import visible

SCATTER = ("dataset", "run", "metric", "split", "trainings", "mean", "deviation", "classifiers", "judged")
"""Columns of ``report/scatter.csv``: mean and standard deviation over trainings; standard deviation over classifiers, of one
training's samples."""

__all__ = ["CheckedClaim", "JudgedFinding", "Metric", "Record", "Results"]


@dataclass(frozen=True)
class Metric:
    """One number of a run: a row of ``tables/metrics.csv`` or ``tables/costs.csv``, or the mean over the rows of several seeds.

    ``stderr`` is ``nan`` where there is none: that of the estimate, and of the mean over ``values`` where the run was repeated.
    """

    run: str
    kind: str
    metric: str
    value: float
    stderr: float
    n: float
    split: str
    unit: str
    values: tuple[float, ...] = ()
    scatter: float = math.nan
    """Standard deviation over repeated trainings, from ``report/scatter.csv``; nan where it was not measured."""
    judged: float = math.nan
    """Standard deviation over repeated trainings of the classifier alone, which judges the same samples each time; as above."""
    place: str = ""
    """Where the row stands, such as ``tables/metrics.csv#row=2`` for the first after the header (RFC 7111, section 2.1)."""

    @property
    def seeds(self) -> int:
        """How many seeds the number rests on."""
        return max(1, len(self.values))

    @property
    def spread(self) -> float:
        """What follows "±": one standard error of an estimate, half the 95 % interval of a mean over seeds."""
        return summary(self.values).half_width if self.seeds > 1 else self.stderr

    def field(self, name: str) -> float:
        """``value``, ``stderr``, ``n``, ``seeds``, ``scatter`` or ``judged``. Raises ValueError for another name."""
        names = ("value", "stderr", "n", "seeds", "scatter", "judged")
        if name not in names:
            raise unknown("field of metrics.csv", name, names)
        return float(getattr(self, name))

    def over(self, values: tuple[float, ...]) -> "Metric":
        """The same number as a mean over the values of several seeds."""
        found = summary(values)
        return replace(self, value=found.mean, stderr=found.stderr, values=values)


@dataclass(frozen=True)
class CheckedClaim:
    """A claim of ``tables/checks.csv``; ``status`` is ``passed``, ``failed``, ``skipped`` or ``missing``.

    ``published`` comes from ``tables/corrections.csv``: the value of the published answer, which this claim rejects, and
    whether it was ``printed`` there or follows from what was. ``function`` is where its check stands.
    """

    question: str
    id: str
    claim: str
    method: str
    stated: float | bool
    found: float | bool
    error: float
    tolerance: float
    status: str
    published: float | bool | None = None
    printed: bool = False
    function: str = ""


@dataclass(frozen=True)
class JudgedFinding:
    """A finding of ``tables/checks.csv``: what training showed; ``status`` is its verdict, or ``skipped``.

    ``stderr`` is the estimate's own standard error over ``n`` images, points or draws, ``scatter`` its standard deviation over
    ``trainings`` repeated trainings, nan where there are none, of which so many showed, did not decide and contradicted it.
    """

    question: str
    id: str
    claim: str
    estimate: float
    stderr: float
    n: int
    unit: str
    threshold: float
    above: bool
    status: str
    scatter: float = math.nan
    trainings: int = 0
    shown: int = 0
    undecided: int = 0
    contradicted: int = 0
    published: float | bool | None = None
    printed: bool = False
    method: str = MEASURED
    function: str = ""

    @property
    def error(self) -> float:
        """Standard error of the estimate with the scatter of training in it, where that was measured."""
        return self.stderr if math.isnan(self.scatter) else math.hypot(self.stderr, self.scatter)

    @property
    def found(self) -> float:
        """The estimate, where claims and findings stand in one list."""
        return self.estimate

    @property
    def verdict(self) -> str:
        """shown, not decided or contradicted; a skipped finding decides nothing."""
        return self.status if self.status in ("shown", "contradicted") else "not decided"


Checked = TypeVar("Checked", CheckedClaim, JudgedFinding)


@dataclass(frozen=True)
class Record:
    """``records/<stage>/<name>.json``: what one job did."""

    stage: str
    name: str
    content: Mapping[str, Any]

    @property
    def seconds(self) -> float:
        """Wall time of the job."""
        return float(self.content.get("seconds", math.nan))

    @property
    def device(self) -> str:
        """Device the job computed on; jobs that say nothing used the processor."""
        device = self.content.get("device") or "CPU"
        if not isinstance(device, Mapping):
            return str(device)
        name = str(device.get("name") or device.get("type"))
        threads = int(device.get("threads") or 0)
        return f"{name}, {threads} thread{'s' if threads > 1 else ''}" if device.get("type") == "cpu" and threads else name

    @property
    def commit(self) -> str:
        """Commit of the source tree, or an empty string outside a repository."""
        return str(self.content.get("commit") or "")

    @property
    def commit_unknown(self) -> str:
        """Why git did not tell the commit; empty where it did, and outside a repository."""
        return str(self.content.get("commit_unknown") or "")

    @property
    def dirty(self) -> bool:
        """Whether the source tree had uncommitted changes."""
        return bool(self.content.get("dirty"))

    @property
    def command(self) -> str:
        """The command of the job."""
        return str(self.content.get("command") or "")


class Results:
    """``results/<dataset>`` of one build and the config it was made with."""

    def __init__(self, folder: Path, config: Mapping[str, Any], scatter: Path | None = None) -> None:
        self.folder = folder
        self.config = config
        self._scatter_table = scatter

    @cached_property
    def _scatter(self) -> dict[tuple[str, str, str], tuple[float, float]]:
        """Standard deviations over trainings, and over classifiers alone, by (run, metric, split); none for a trial's numbers."""
        limited = any(value is not None for value in (self.config.get("limits") or {}).values())
        if self._scatter_table is None or limited:
            return {}
        rows = load_table(self._scatter_table, SCATTER)
        dataset = str(self.config.get("dataset"))
        return {
            (row["run"], row["metric"], row["split"]): (_float(row["deviation"]), _float(row["judged"]))
            for row in rows
            if row["dataset"] == dataset
        }

    @cached_property
    def metrics(self) -> dict[tuple[str, str, str], Metric]:
        """All metrics and costs by (run, metric, split); means over seeds for runs that were repeated."""
        rows: dict[tuple[str, str, str], Metric] = {}
        repeated: dict[tuple[str, str, str], list[float]] = {}
        columns = ("run", "kind", "metric", "value", "stderr", "n", "split", "unit")
        tables = ["tables/metrics.csv", *(name for name in ("tables/costs.csv",) if (self.folder / name).exists())]
        placed = [(f"{name}#row={line}", row) for name in tables for line, row in enumerate(self._table(name, columns), start=2)]
        for place, row in placed:
            if row["run"] in self.instances:
                key = (self.instances[row["run"]], row["metric"], row["split"])
                repeated.setdefault(key, []).append(_float(row["value"]))
                continue
            scatter, judged = self._scatter.get((row["run"], row["metric"], row["split"]), (math.nan, math.nan))
            made = Metric(
                run=row["run"],
                kind=row["kind"],
                metric=row["metric"],
                value=_float(row["value"]),
                stderr=_float(row["stderr"]),
                n=_float(row["n"]),
                split=row["split"],
                unit=row["unit"],
                scatter=scatter,
                judged=judged,
                place=place,
            )
            rows[made.run, made.metric, made.split] = made
        return rows | {key: rows[key].over((rows[key].value, *values)) for key, values in repeated.items() if key in rows}

    @cached_property
    def checks(self) -> dict[str, list[CheckedClaim | JudgedFinding]]:
        """All claims and findings by question, in the order of the answers."""
        rejected = {
            (row["question"], row["id"]): (_truth_or_float(row["published"]), row["source"] == "printed")
            for row in self._table("tables/corrections.csv", CORRECTIONS)
            if row["id"]
        }
        checks: dict[str, list[CheckedClaim | JudgedFinding]] = {}
        for row in self._table("tables/checks.csv", COLUMNS):
            made = self._finding_of(row) if row["verdict"] else self._claim_of(row)
            if (row["question"], row["id"]) in rejected:
                published, printed = rejected[row["question"], row["id"]]
                made = replace(made, published=published, printed=printed)
            checks.setdefault(row["question"], []).append(made)
        return checks

    def _claim_of(self, row: Mapping[str, str]) -> CheckedClaim:
        words = {"true": "passed", "false": "failed", "skipped": "skipped", "missing": "missing"}
        status = words.get(row["passed"].lower())
        if status is None:
            raise unknown(
                "entry of passed", row["passed"], ("True", "False", "skipped", "missing"), str(self.folder / "tables/checks.csv")
            )
        return CheckedClaim(
            question=row["question"],
            id=row["id"],
            claim=row["claim"],
            method=row["method"],
            stated=_truth_or_float(row["stated"]),
            found=_truth_or_float(row["found"]),
            error=_float(row["error"]),
            tolerance=_float(row["tolerance"]),
            status=status,
            function=row["function"],
        )

    def _finding_of(self, row: Mapping[str, str]) -> JudgedFinding:
        verdicts = ("shown", "not decided", "contradicted", "skipped")
        if row["verdict"] not in verdicts:
            raise unknown("verdict", row["verdict"], verdicts, str(self.folder / "tables/checks.csv"))
        side, _, threshold = row["threshold"].partition(" ")
        return JudgedFinding(
            question=row["question"],
            id=row["id"],
            claim=row["claim"],
            estimate=_float(row["found"]),
            stderr=_float(row["stderr"]),
            n=int(row["n"]),
            unit=row["unit"],
            threshold=_float(threshold),
            above=side == "above",
            status=row["verdict"],
            scatter=_float(row["scatter"]),
            trainings=int(row["trainings"]),
            shown=int(row["shown"]),
            undecided=int(row["undecided"]),
            contradicted=int(row["contradicted"]),
            function=row["function"],
        )

    @cached_property
    def records(self) -> dict[tuple[str, str], Record]:
        """All records by (stage, name)."""
        made = {}
        for path in visible(self.folder / "records", "*/*.json"):
            made[path.parent.name, path.stem] = Record(stage=path.parent.name, name=path.stem, content=load_record(path))
        return made

    @cached_property
    def failures(self) -> list[str]:
        """What could not be made, one line a part, in a report of an incomplete build (:mod:`dgm.stages.rescue`)."""
        path = self.folder / "failures.json"
        return [str(line) for line in load_json(path, ("failures",))["failures"]] if path.is_file() else []

    @property
    def runs(self) -> list[str]:
        """Names of all runs of the config."""
        return list(self.config.get("runs", {}))

    @property
    def seeds(self) -> int:
        """How often the runs of images were trained."""
        return int(self.config.get("seeds", 1))

    @cached_property
    def instances(self) -> Mapping[str, str]:
        """Runs repeated with other seeds, each with the run that has the first."""
        return _mapping(self.config.get("instances"))

    def has_metric(self, run: str, metric: str, split: str = "test") -> bool:
        """Whether ``metrics.csv`` has this row."""
        return (run, metric, split) in self.metrics

    def metric(self, run: str, metric: str, split: str = "test") -> Metric:
        """One number of a run. Raises ValueError naming the nearest run, metric or split."""
        if (run, metric, split) in self.metrics:
            return self.metrics[run, metric, split]
        runs = {row.run for row in self.metrics.values()}
        if run not in runs:
            raise unknown("run with metrics", run, runs)
        if metric not in {row.metric for row in self.metrics.values() if row.run == run}:
            raise unknown(f"metric of run {run!r}", metric, {row.metric for row in self.metrics.values() if row.run == run})
        splits = {row.split for row in self.metrics.values() if row.run == run and row.metric == metric}
        raise unknown(f"split of metric {metric!r} of run {run!r}", split, splits)

    @cached_property
    def claims(self) -> dict[str, CheckedClaim]:
        """All claims, named ``<question>/<id>``."""
        return self._named(CheckedClaim)

    def claim(self, name: str) -> CheckedClaim:
        """A tested claim, by ``<question>/<id>``. Raises ValueError naming the nearest names."""
        if name not in self.claims:
            raise unknown("claim", name, self.claims)
        return self.claims[name]

    def has_stopped(self, question: str) -> bool:
        """Whether the check of a question has stopped at an exception, so that claims may be missing."""
        return any(claim.id == STOPPED for claim in self.checks.get(question, []))

    @cached_property
    def findings(self) -> dict[str, JudgedFinding]:
        """All findings, named ``<question>/<id>``."""
        return self._named(JudgedFinding)

    def _named(self, kind: type[Checked]) -> dict[str, Checked]:
        listed = (made for some in self.checks.values() for made in some if isinstance(made, kind))
        return {f"{made.question}/{made.id}": made for made in listed}

    def finding(self, name: str) -> JudgedFinding:
        """What training showed, by ``<question>/<id>``. Raises ValueError naming the nearest names."""
        if name not in self.findings:
            raise unknown("finding", name, self.findings)
        return self.findings[name]

    def difference(self, first: str, second: str, metric: str, split: str = "test") -> Measured | None:
        """First minus second run, image by image, where both were measured on the same images or points; else None."""
        data = [self.config.get("runs", {}).get(run, {}).get("data") for run in (first, second)]
        one, two = self.values(first, metric, split), self.values(second, metric, split)
        if one is None or two is None or len(one) != len(two) or data[0] != data[1]:
            return None
        return mean(one - two)

    def values(self, run: str, metric: str, split: str = "test") -> np.ndarray | None:
        """The values of a metric for each image, [n], as the evaluate stage keeps them; None where it keeps none."""
        name = f"{metric}_{split}"
        path = self.folder / "evaluations" / f"{run}.npz"
        if not path.is_file():
            return None
        arrays = _arrays(path, path.stat().st_mtime_ns)
        return arrays[name] if name in arrays and arrays[name].ndim == 1 else None

    def settings(self, run: str) -> dict[str, Any]:
        """The settings of a run in force, defaults of its kind among them."""
        runs = self.config.get("runs", {})
        if run not in runs:
            raise unknown("run in the config", run, runs)
        return dict(_mapping(runs[run].get("settings")))

    def setting(self, run: str, key: str) -> Any:
        """One setting of a run, or its ``kind``; ``a.b`` reaches into mappings."""
        value: Any = {"kind": self.config.get("runs", {}).get(run, {}).get("kind"), **self.settings(run)}
        for part in key.split("."):
            if not isinstance(value, Mapping) or part not in value:
                raise unknown(f"setting of run {run!r}", key, value if isinstance(value, Mapping) else ())
            value = value[part]
        return value

    @property
    def variant(self) -> str:
        """What the results folder has after the name of the data set, such as ``smoke``."""
        dataset = str(self.config.get("dataset", ""))
        rest = self.folder.name.removeprefix(f"{dataset}-")
        return str(self.config.get("variant") or (rest if rest != self.folder.name else ""))

    def record(self, run: str, stage: str = "train") -> Record:
        """The record of a job. Raises ValueError when it left none."""
        if (stage, run) not in self.records:
            raise unknown(f"record of stage {stage!r} for", run, (name for kind, name in self.records if kind == stage))
        return self.records[stage, run]

    @cached_property
    def dataset(self) -> dict[str, Any]:
        """``name``, and the numbers of images ``train`` and ``test``, from ``data/provenance.json``."""
        sizes = load_json(self.folder / "data" / "provenance.json", ("images",))["images"]
        return {"name": str(self.config.get("dataset", self.folder.name)), **sizes}

    def _table(self, name: str, columns: tuple[str, ...]) -> list[dict[str, str]]:
        return load_table(self.folder / name, columns)


@lru_cache(maxsize=64)
def _arrays(path: Path, changed: int) -> Mapping[str, np.ndarray]:
    """The arrays of a file as they were at that time: comparisons ask for the same runs again and again."""
    return load_arrays(path)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return {"true": 1.0, "false": 0.0}.get(text.lower(), math.nan)


def _truth_or_float(text: str) -> float | bool:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    return _float(text)
