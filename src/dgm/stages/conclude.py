"""Say what a finished build has, and fail where a claim that must hold is false; run after the report is written."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dgm.claims.tables import COLUMNS, QUESTIONS
from dgm.runtime import stage
from dgm.runtime.files import load_table

__all__ = ["explained", "main", "summary"]


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    options = stage.parser(__doc__)
    options.add_argument("--checks", type=Path, required=True, help="tables/checks.csv")
    options.add_argument("--questions", type=Path, required=True, help="tables/questions.csv")
    options.add_argument("--report", type=Path, required=True, help="report/index.html")
    return stage.run(work, options.parse_args(argv), "conclude")


def work(arguments: argparse.Namespace) -> dict[str, Any]:
    """Count; refuse false claims."""
    checks, questions = load_table(arguments.checks, COLUMNS), load_table(arguments.questions, QUESTIONS)
    said = summary(checks, questions)
    stage.logger(arguments.log)(said)
    assignments = {row["id"]: row["assignment"] for row in questions}
    false = [row for row in checks if row["passed"] == "False"]
    if false:
        raise ValueError(
            f"{said}\n{len(false)} claim{'s are' if len(false) > 1 else ' is'} false; the report marks "
            f"{'them' if len(false) > 1 else 'it'}: {arguments.report}\n"
            + "\n".join(explained(row, assignments[row["question"]], arguments.checks.parent.parent) for row in false)
        )
    return {"summary": said}


def summary(checks: Iterable[Mapping[str, str]], questions: Sequence[Mapping[str, str]]) -> str:
    """One line: questions answered, claims that hold, findings by verdict."""
    checks = list(checks)
    passed = Counter(row["passed"] for row in checks if row["passed"])
    verdicts = Counter(row["verdict"] for row in checks if row["verdict"])
    tested = passed["True"] + passed["False"]
    parts = [
        f"{sum(row['answered'] == 'True' for row in questions)} of {len(questions)} questions answered",
        f"{passed['True']} of {tested} claims hold",
        *(f"{passed[word]} claims {word}" for word in ("skipped", "missing") if passed[word]),
    ]
    if verdicts:
        listed = ", ".join(
            f"{verdicts[word]} {word}" for word in ("shown", "not decided", "contradicted", "skipped") if verdicts[word]
        )
        parts.append(f"{verdicts.total()} findings: {listed}")
    return "; ".join(parts)


def explained(row: Mapping[str, str], assignment: str, results: Path) -> str:
    """A false claim: what was stated and found, where the answer and the check stand, and how it is tested again."""
    return (
        f"  {row['question']}: {row['claim']}: expected {row['expected']} (within {row['tolerance']}), found {row['computed']}\n"
        f"    answer: report/answers/{assignment}/{row['question']}.md\n"
        f"    check:  {row['function']}\n"
        f"    again:  snakemake --cores 1 --force {results}/checks/{assignment}.csv"
    )


if __name__ == "__main__":
    sys.exit(main())
