"""Test every claim of one assignment's answers; a false one stops the build."""

import csv
import io
import json
import math
import sys
import time
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dgm import cli
from dgm.checks import Claim, Evidence, claims
from dgm.config import Limits, parse
from dgm.files import Damaged, write_text

__all__ = ["COLUMNS", "examine", "main"]

DIGITS = ("mnist-5k", "mnist")
"""The data sets whose images the questions are about."""

COLUMNS = ("question", "claim", "method", "expected", "computed", "error", "tolerance", "passed", "published")
"""``published`` is empty where no published value has to be rejected."""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    options = cli.parser(__doc__)
    options.add_argument("--assignment", required=True, help="module of dgm.checks")
    options.add_argument("--results", type=Path, required=True, help="results/<dataset>")
    options.add_argument("--limits", default="{}", help="JSON: caps of a quick build; any cap skips what needs a full one")
    options.add_argument("--checks", type=Path, required=True, help="CSV file to write")
    return cli.run(work, options.parse_args(argv), "check")


def work(arguments: Namespace) -> dict[str, Any]:
    """Test, log each claim, and write the table only when none is false."""
    limits = parse(Limits, json.loads(arguments.limits), "limits")
    limited = any(value is not None for value in limits.model_dump().values())
    evidence = Evidence(arguments.results)
    as_asked = not limited and evidence.dataset() in DIGITS
    rows, seconds = examine(arguments.assignment, evidence, as_asked)
    if arguments.log:
        arguments.log.parent.mkdir(parents=True, exist_ok=True)
        arguments.log.write_text(
            "".join(
                f"{row['passed']}\t{row['question']}\t{row['claim']}\texpected {row['expected']}\tcomputed {row['computed']}\n"
                for row in rows
            )
            + "".join(f"{name}: {spent:.2f} s\n" for name, spent in seconds.items()),
            encoding="utf-8",
        )
    false = [row for row in rows if row["passed"] == "False"]
    if false:
        lines = [
            f"  {row['question']}: {row['claim']}: expected {row['expected']} (within {row['tolerance']}), found {row['computed']}"
            + (f"; the published {row['published']} must not pass" if row["published"] else "")
            for row in false
        ]
        raise ValueError(
            f"{len(false)} of {len(rows)} claims of assignment {arguments.assignment!r} are false; correct the answers in "
            f"report/answers/{arguments.assignment}/, the formulas they state, or the code in dgm/checks/{arguments.assignment}:\n"
            + "\n".join(lines)
        )
    table = io.StringIO()
    writer = csv.DictWriter(table, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(arguments.checks, table.getvalue())
    skipped = sum(row["passed"] == "skipped" for row in rows)
    return {"assignment": arguments.assignment, "claims": len(rows), "skipped": skipped}


def examine(assignment: str, evidence: Evidence, as_asked: bool) -> tuple[list[dict[str, str]], Mapping[str, float]]:
    """Rows of the check table and the seconds of each question.

    A check that stops with an exception is a false claim of that question, so that one report lists all that is wrong.

    Raises:
        Damaged: when a check meets a file of the build that is not whole, which is no fault of the answer.
    """
    rows, seconds = [], {}
    for name, check in claims(assignment).items():
        started = time.perf_counter()
        try:
            tested = list(check(evidence))
        except Damaged:
            raise
        except Exception as error:
            tested = [Claim(f"the check runs ({type(error).__name__}: {error})", "enumeration", expected=True, computed=False)]
        seconds[name] = time.perf_counter() - started
        rows += [_row(name, claim, as_asked) for claim in tested]
    return rows, seconds


def _row(question: str, claim: Claim, as_asked: bool) -> dict[str, str]:
    skipped = claim.needs_full_budget and not as_asked
    return {
        "question": question,
        "claim": claim.statement,
        "method": claim.method,
        "expected": _text(claim.expected),
        "computed": _text(claim.computed),
        "error": _text(0.0 if float(claim.computed) == float(claim.expected) else claim.error),
        "tolerance": _text(claim.tolerance),
        "passed": "skipped" if skipped else str(claim.passed),
        "published": "" if claim.published is None else _text(claim.published),
    }


def _text(value: float | bool) -> str:
    if isinstance(value, bool):
        return str(value)
    return repr(float(value)) if math.isfinite(value) else str(float(value))


if __name__ == "__main__":
    sys.exit(main())
