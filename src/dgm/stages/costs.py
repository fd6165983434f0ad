"""Put what each job of a run cost into one table, one row a number."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dgm.evaluation.costs import measured
from dgm.metrics_table import save
from dgm.runtime import stage as cli
from dgm.runtime.files import load_record

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    options = cli.parser(__doc__)
    options.add_argument("--results", type=Path, required=True, help="results/<dataset>, with records/")
    options.add_argument("--jobs", nargs="+", required=True, help="<stage>/<run> each")
    options.add_argument("--table", type=Path, required=True, help="CSV file to write")
    return cli.run(work, options.parse_args(argv), "costs")


def work(arguments: argparse.Namespace) -> dict[str, Any]:
    """Read the files of all jobs, write the table."""
    rows = []
    for job in arguments.jobs:
        stage, _, run = job.partition("/")
        kind = load_record(arguments.results / "records" / "train" / f"{run}.json", ("kind",))["kind"]
        rows += [(run, kind, reading) for reading in measured(arguments.results, stage, run)]
    save(arguments.table, rows)
    return {"jobs": len(arguments.jobs), "rows": len(rows)}


if __name__ == "__main__":
    sys.exit(main())
