"""Tables of metrics: how rows are written, and how one number is read."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from dgm.maths.measured import Reading
from dgm.runtime.files import write_table

__all__ = ["COLUMNS", "joined", "only_row", "save"]

COLUMNS = ("run", "kind", "metric", "value", "stderr", "n", "split", "unit")

KEY = ["run", "metric", "split"]


def joined(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Tables of metrics (run, metric, split among their columns), one row a number, as one table with these three as its index."""
    return pd.concat(list(tables), ignore_index=True).set_index(KEY).sort_index()


def only_row(table: pd.DataFrame, run: str, metric: str, split: str, where: str) -> Mapping[str, Any]:
    """The row of a number in a table from :func:`joined`.

    Raises:
        ValueError: when there is no such row, or more than one; the message starts with ``where``.
    """
    key = (run, metric, split)
    found = table.loc[[key]] if key in table.index else table.iloc[:0]
    if len(found) != 1:
        raise ValueError(f"{where}: {len(found)} rows for run {run!r}, metric {metric!r}, split {split!r}; need one")
    return {str(name): value for name, value in found.iloc[0].items()}


def save(path: Path, rows: Iterable[tuple[str, str, Reading]]) -> None:
    """Write rows (run, kind, reading) as CSV, with the shortest decimals that read back as the same numbers."""
    write_table(
        path,
        COLUMNS,
        (
            (run, kind, metric, float(found.value), float(found.stderr), found.n, split, found.unit)
            for run, kind, (metric, split, found) in rows
        ),
    )
