"""What a build has produced, as claims about trained models read it."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from dgm.maths.measured import Measured
from dgm.runtime.files import load_arrays, load_frame, load_json

__all__ = ["Evidence"]


@dataclass(frozen=True)
class Evidence:
    """What a build has produced, for claims about trained models. ``results`` is ``results/<dataset>``."""

    results: Path

    def dataset(self) -> str:
        """Name of the data set, as the prepare stage recorded it."""
        return str(load_json(self.results / "data" / "provenance.json", ("dataset",))["dataset"])

    def metric(self, run: str, metric: str, split: str = "test", field: str = "value") -> float:
        """One number of ``tables/metrics.csv`` or ``tables/costs.csv``. Raises KeyError naming the missing run or metric."""
        files = [self.results / "tables" / f"{name}.csv" for name in ("metrics", "costs")]
        table = pd.concat([_table(file, file.stat().st_mtime_ns, file.stat().st_size) for file in files if file.exists()])
        rows = table[(table["run"] == run) & (table["metric"] == metric) & (table["split"] == split)]
        if len(rows) != 1:
            raise KeyError(f"metrics.csv and costs.csv have {len(rows)} rows for run={run!r}, metric={metric!r}, split={split!r}")
        return float(rows.iloc[0][field])

    def measured(self, run: str, metric: str, split: str = "test") -> Measured:
        """A number of the tables with its standard error and the count behind it."""
        value, stderr, n = (self.metric(run, metric, split, field) for field in ("value", "stderr", "n"))
        return Measured(value, stderr, int(n))

    def history(self, run: str) -> pd.DataFrame:
        """The learning curve of a run: epoch, step, split, term, value."""
        return load_frame(self.results / "history" / f"{run}.csv")

    def samples(self, run: str) -> dict[str, np.ndarray]:
        """The arrays written by the sample stage."""
        return load_arrays(self.results / "samples" / f"{run}.npz")

    def arrays(self, demonstration: str) -> dict[str, np.ndarray]:
        """The arrays of a closed-form illustration."""
        return load_arrays(self.results / "arrays" / f"{demonstration}.npz")

    def evaluations(self, run: str) -> dict[str, np.ndarray]:
        """The arrays written by the evaluate stage."""
        return load_arrays(self.results / "evaluations" / f"{run}.npz")

    def estimates(self, run: str) -> dict[str, np.ndarray]:
        """The arrays written by the estimate stage."""
        return load_arrays(self.results / "estimates" / f"{run}.npz")

    def points(self, ring: str) -> dict[str, np.ndarray]:
        """A simulated data set."""
        return load_arrays(self.results / "data" / f"{ring}.npz")

    def images(self) -> dict[str, np.ndarray]:
        """The prepared data set."""
        return load_arrays(self.results / "data" / "images.npz")

    def model_path(self, run: str) -> Path:
        """The saved model of a run, for :func:`dgm.models.load_model`."""
        return self.results / "models" / f"{run}.pt"


@lru_cache(maxsize=8)
def _table(path: Path, changed: int, size: int) -> pd.DataFrame:
    """A table as it was at that time of change and size: checks ask for hundreds of numbers of it."""
    return load_frame(path)
