"""What a build has produced, as claims about trained models read it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from dgm.evaluation import costs
from dgm.maths.measured import Measured
from dgm.metrics_table import COLUMNS
from dgm.runtime.files import load_arrays, load_frame, load_json, load_table
from dgm.runtime.folders import visible

__all__ = ["Evidence"]


@dataclass(frozen=True)
class Evidence:
    """The files of a build. ``results`` is ``results/<dataset>``.

    ``reads`` names the runs, rings and demonstrations that the assignment may read, which are those that its check waits for; None
    allows all. Whatever else is asked for is refused with a ValueError.
    """

    results: Path
    reads: frozenset[str] | None = field(default=None, kw_only=True)

    def dataset(self) -> str:
        """Name of the data set, as the prepare stage recorded it."""
        return str(load_json(self.results / "data" / "provenance.json", ("dataset",))["dataset"])

    def metric(self, run: str, metric: str, split: str = "test", field: str = "value") -> float:
        """One number of a run, ring or demonstration, or of the real images that a classifier was tried on; costs are numbers, too.

        Raises:
            KeyError: naming the run or metric that the build does not have.
        """
        own = self._numbers(run)
        # the scores of real images stand among those of the classifier
        parts = [own] if own else [self._numbers(name) for name in self._names()]
        rows = [row for part in parts for row in part.get((run, metric, split), ())]
        if len(rows) != 1:
            where = "" if self.reads is None or run in self.reads else f"; {NOT_NAMED.format(run)}"
            raise KeyError(
                f"the tables of metrics have {len(rows)} rows for run={run!r}, metric={metric!r}, split={split!r}{where}"
            )
        return float(rows[0][field])

    def _names(self) -> Iterable[str]:
        """All that has numbers and may be read."""
        return self.reads if self.reads is not None else [path.stem for path in visible(self.results / "metrics", "*.csv")]

    def _numbers(self, name: str) -> Mapping[tuple[str, str, str], Sequence[Mapping[str, str]]]:
        """The numbers of a run, ring or demonstration by run, metric and split; none of what may not be read."""
        if self.reads is not None and name not in self.reads:
            return {}
        tables = [self.results / folder / f"{name}.csv" for folder in ("metrics", "estimates")]
        files = [*tables, *(self.results / "records" / stage / f"{name}.json" for stage in JOBS)]
        there = [path for path in files if path.is_file()]
        return _read(self.results, tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in there))

    def measured(self, run: str, metric: str, split: str = "test") -> Measured:
        """A number of the tables with its standard error and the count behind it."""
        value, stderr, n = (self.metric(run, metric, split, field) for field in ("value", "stderr", "n"))
        return Measured(value, stderr, int(n))

    def history(self, run: str) -> pd.DataFrame:
        """The learning curve of a run: epoch, step, split, term, value."""
        return load_frame(self._file("history", run, "csv"))

    def samples(self, run: str) -> dict[str, np.ndarray]:
        """The arrays written by the sample stage."""
        return load_arrays(self._file("samples", run, "npz"))

    def arrays(self, demonstration: str) -> dict[str, np.ndarray]:
        """The arrays of a closed-form illustration."""
        return load_arrays(self._file("arrays", demonstration, "npz"))

    def evaluations(self, run: str) -> dict[str, np.ndarray]:
        """The arrays written by the evaluate stage."""
        return load_arrays(self._file("evaluations", run, "npz"))

    def estimates(self, run: str) -> dict[str, np.ndarray]:
        """The arrays written by the estimate stage."""
        return load_arrays(self._file("estimates", run, "npz"))

    def points(self, ring: str) -> dict[str, np.ndarray]:
        """A simulated data set."""
        return load_arrays(self._file("data", ring, "npz"))

    def images(self) -> dict[str, np.ndarray]:
        """The prepared data set."""
        return load_arrays(self.results / "data" / "images.npz")

    def model_path(self, run: str) -> Path:
        """The saved model of a run, for :func:`dgm.models.load_model`."""
        return self._file("models", run, "pt")

    def _file(self, folder: str, name: str, suffix: str) -> Path:
        if self.reads is not None and name not in self.reads:
            raise ValueError(NOT_NAMED.format(name))
        return self.results / folder / f"{name}.{suffix}"


NOT_NAMED = "{!r} is not among the runs of assignment.yaml, on which alone the check waits; add it there"


@lru_cache(maxsize=256)
def _read(results: Path, files: tuple[tuple[Path, int, int], ...]) -> Mapping[tuple[str, str, str], list[Mapping[str, str]]]:
    """The rows of these files, as they were at that time of change and size: checks ask for hundreds of their numbers."""
    found: dict[tuple[str, str, str], list[Mapping[str, str]]] = {}
    for path, _, _ in files:
        rows = load_table(path, COLUMNS) if path.suffix == ".csv" else _costs(results, path)
        for row in rows:
            found.setdefault((row["run"], row["metric"], row["split"]), []).append(row)
    return found


def _costs(results: Path, record: Path) -> Iterator[Mapping[str, str]]:
    for metric, split, found in costs.measured(results, record.parent.name, record.stem):
        number = {"value": repr(float(found.value)), "stderr": repr(float(found.stderr)), "n": str(found.n)}
        yield {"run": record.stem, "metric": metric, "split": split, **number}


JOBS = ("train", "sample", "reference", "evaluate", "estimate")
"""The jobs of a run whose costs are numbers."""
