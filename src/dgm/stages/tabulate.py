"""Join the metrics of all runs into one table, one row a number, and summarise those of runs repeated with other seeds."""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dgm.maths.significance import summary
from dgm.metrics_table import COLUMNS
from dgm.runtime import stage
from dgm.runtime.files import Damaged, load_table, write_table
from dgm.runtime.seeds import repeats

__all__ = ["SEEDS", "join", "main", "over_seeds"]

SEEDS = ("run", "metric", "split", "unit", "mean", "standard_deviation", "lower", "upper", "seeds")
"""Columns of the table over seeds; ``lower`` and ``upper`` bound the 95 % interval, nan with one seed."""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    options = stage.parser(__doc__)
    options.add_argument("--metrics", type=Path, nargs="+", required=True, help="CSV files, one a run")
    options.add_argument("--repeated", nargs="*", default=[], metavar="RUN", help="runs that were trained with several seeds")
    options.add_argument("--seeds", type=int, default=1, help="how many")
    options.add_argument("--table", type=Path, required=True, help="CSV file to write")
    options.add_argument("--seeds-table", type=Path, required=True, help="CSV file to write: means over seeds")
    return stage.run(work, options.parse_args(argv), "tabulate")


def work(arguments: argparse.Namespace) -> dict[str, Any]:
    """Read, join, write."""
    rows = join(arguments.metrics)
    write_table(arguments.table, COLUMNS, rows)
    instances = {name: run for run in arguments.repeated for name in repeats(run, arguments.seeds)}
    write_table(arguments.seeds_table, SEEDS, over_seeds(rows, instances))
    return {"runs": len(arguments.metrics), "rows": len(rows)}


def over_seeds(rows: Iterable[Mapping[str, str]], instances: Mapping[str, str]) -> list[dict[str, object]]:
    """Mean, standard deviation and 95 % interval over seeds, one row for each number of a run with the first seed.

    Args:
        rows: those of the table of metrics.
        instances: repeated run -> the run with the first seed.
    """
    gathered: dict[tuple[str, str, str], list[float]] = {}
    units: dict[tuple[str, str, str], str] = {}
    for row in rows:
        key = (instances.get(row["run"], row["run"]), row["metric"], row["split"])
        gathered.setdefault(key, []).append(float(row["value"]))
        units.setdefault(key, row["unit"])
    made: list[dict[str, object]] = []
    for key, values in gathered.items():
        found = summary(values)
        numbers = (found.mean, found.deviation, found.lower, found.upper, found.n)
        made.append(dict(zip(SEEDS, (*key, units[key], *numbers), strict=True)))
    return made


def join(paths: Sequence[Path]) -> list[dict[str, str]]:
    """The rows of all files, in order, the numbers as they were written.

    Raises:
        ValueError: for a file with other columns, a value that is not a number, or a metric that stands twice.
    """
    rows: list[dict[str, str]] = []
    seen: dict[tuple[str, str, str], Path] = {}
    for path in paths:
        for number, row in enumerate(load_table(path, COLUMNS), 2):
            for column in ("value", "stderr", "n"):
                try:
                    float(row[column])
                except ValueError:
                    raise Damaged(path, f"line {number}: {column}: expected a number, found {row[column]!r}") from None
            key = (row["run"], row["metric"], row["split"])
            if key in seen:
                raise ValueError(f"{path}: line {number}: {' '.join(key)} stands in {seen[key]} already")
            seen[key] = path
            rows.append(row)
    return rows


if __name__ == "__main__":
    sys.exit(main())
