"""Join the metrics of all runs into one table, one row a number."""

import argparse
import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dgm import cli
from dgm.files import write_text
from dgm.measurements import COLUMNS

__all__ = ["join", "main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    options = cli.parser(__doc__)
    options.add_argument("--metrics", type=Path, nargs="+", required=True, help="CSV files, one a run")
    options.add_argument("--table", type=Path, required=True, help="CSV file to write")
    return cli.run(work, options.parse_args(argv), "tabulate")


def work(arguments: argparse.Namespace) -> dict[str, Any]:
    """Read, join, write."""
    rows = join(arguments.metrics)
    table = io.StringIO()
    writer = csv.DictWriter(table, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(arguments.table, table.getvalue())
    return {"runs": len(arguments.metrics), "rows": len(rows)}


def join(paths: Sequence[Path]) -> list[dict[str, str]]:
    """The rows of all files, in order, the numbers as they were written.

    Raises:
        ValueError: for a file with other columns, a value that is not a number, or a metric that stands twice.
    """
    rows: list[dict[str, str]] = []
    seen: dict[tuple[str, str, str], Path] = {}
    for path in paths:
        with path.open(newline="") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise ValueError(f"{path}: expected the columns {', '.join(COLUMNS)}; found {', '.join(reader.fieldnames or ())}")
            for row in reader:
                where = f"{path}: line {reader.line_num}"
                for column in ("value", "stderr", "n"):
                    try:
                        float(row[column])
                    except (TypeError, ValueError):
                        raise ValueError(f"{where}: {column}: expected a number, found {row[column]!r}") from None
                key = (row["run"], row["metric"], row["split"])
                if key in seen:
                    raise ValueError(f"{where}: {' '.join(key)} stands in {seen[key]} already")
                seen[key] = path
                rows.append(row)
    return rows


if __name__ == "__main__":
    sys.exit(main())
