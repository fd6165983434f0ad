"""Say what a finished build has, and fail where a claim that must hold is false; run after the report is written."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dgm.assignments import NAMESPACE
from dgm.claims.tables import COLUMNS, QUESTIONS
from dgm.runtime import stage
from dgm.runtime.files import load_table

__all__ = ["explained", "main", "summary"]


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    options = stage.parser(__doc__)
    options.add_argument("--checks", type=Path, required=True, help="tables/checks.csv")
    options.add_argument("--questions", type=Path, required=True, help="tables/questions.csv")
    options.add_argument("--assignments", type=Path, nargs="+", required=True, help="folders of the assignments")
    options.add_argument("--report", type=Path, required=True, help="report/index.html")
    return stage.run(work, options.parse_args(argv), "conclude")


def work(arguments: argparse.Namespace) -> dict[str, Any]:
    """Count; refuse false claims."""
    checks, questions = load_table(arguments.checks, COLUMNS), load_table(arguments.questions, QUESTIONS)
    said = summary(checks, questions)
    stage.logger(arguments.log)(said)
    assignments = {row["id"]: row["assignment"] for row in questions}
    folders = {folder.resolve().name: folder for folder in arguments.assignments}
    false = [row for row in checks if row["passed"] == "False"]
    if false:
        raise ValueError(
            f"{said}\n"
            + "\n".join(explained(row, folders[assignments[row["question"]]], arguments.checks.parent.parent) for row in false)
            + f"\n{len(false)} claim{'s are' if len(false) > 1 else ' is'} false ({_named(false)}); the report marks "
            f"{'them' if len(false) > 1 else 'it'}: {arguments.report}"
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


def explained(row: Mapping[str, str], folder: Path, results: Path) -> str:
    """A false claim: what was stated and found, where the answer and the check stand, and how it is tested again."""
    name = folder.resolve().name
    check = row["function"].replace(f"{NAMESPACE}/{name}", folder.as_posix(), 1)
    return (
        f"  {row['question']}/{row['id']}: {row['claim']}: "
        f"stated {row['stated']} (within {row['tolerance']}), found {row['found']}\n"
        f"    answer: {(folder / 'answers' / row['question']).as_posix()}.md\n"
        f"    check:  {check}\n"
        f"    again:  snakemake --force {results}/checks/{name}.csv, with the options of this build"
    )


def _named(rows: Sequence[Mapping[str, str]], most: int = 3) -> str:
    """The questions of these claims, the first few."""
    names = list(dict.fromkeys(row["question"] for row in rows))
    return ", ".join([*names[:most], *(["…"] if len(names) > most else [])])


if __name__ == "__main__":
    sys.exit(main())
