"""One row of the metrics table, and the files that rows are written to."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dgm.files import write_text
from dgm.metrics import Measured

__all__ = ["COLUMNS", "Measurements", "Reading", "save"]

COLUMNS = ("run", "kind", "metric", "value", "stderr", "n", "split", "unit")

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
