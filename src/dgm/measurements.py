"""One row of the metrics table, and the files that rows are written to.

Models with numbers of their own import this module and not :mod:`dgm.metrics`, so that a changed metric trains none of them again.
"""

import csv
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dgm.files import write_text

__all__ = ["COLUMNS", "Measured", "Measurements", "Reading", "save"]

COLUMNS = ("run", "kind", "metric", "value", "stderr", "n", "split", "unit")


@dataclass(frozen=True)
class Measured:
    """A number with its standard error (nan where none is defined), the count it rests on, and its unit."""

    value: float
    stderr: float = math.nan
    n: int = 0
    unit: str = ""


Reading = tuple[str, str, Measured]
"""Metric, split, number. The split says what the number was computed on: ``train``, ``test``, ``samples``, ``model``, or a case."""


@dataclass(frozen=True)
class Measurements:
    """Numbers for the metrics table, and arrays for figures and checks."""

    readings: list[Reading] = field(default_factory=list)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)


def save(path: Path, rows: Iterable[tuple[str, str, Reading]]) -> None:
    """Write rows (run, kind, reading) as CSV, with the shortest decimals that read back as the same numbers."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for run, kind, (metric, split, measured) in rows:
        number = [repr(float(measured.value)), repr(float(measured.stderr)), measured.n]
        writer.writerow([run, kind, metric, *number, split, measured.unit])
    write_text(path, text.getvalue())
