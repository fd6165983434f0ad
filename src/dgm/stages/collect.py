"""Join the checks of all assignments, and say of every question whether it is answered, checked and corrected, and of what."""

import argparse
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dgm.claims.tables import CHECKED, COLUMNS, CORRECTIONS, QUESTIONS
from dgm.errors import unknown
from dgm.report import catalogue
from dgm.runtime import stage
from dgm.runtime.files import load_table, write_table

__all__ = ["corrections", "main", "summarise"]

WORDS = {"True": "hold", "False": "are false", "skipped": "are skipped", "missing": "are missing"}
"""What is said of claims, by the entry of their column ``passed``."""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    options = stage.parser(__doc__)
    options.add_argument("--checks", type=Path, nargs="*", default=[], help="CSV files, one an assignment")
    options.add_argument("--report-dir", type=Path, required=True, help="report/")
    options.add_argument("--assignments", type=Path, nargs="+", required=True, help="folders of the assignments")
    options.add_argument("--checks-table", type=Path, required=True, help="CSV file to write: all checks")
    options.add_argument("--questions-table", type=Path, required=True, help="CSV file to write: one row a question")
    options.add_argument("--corrections-table", type=Path, required=True, help="CSV file to write: faults of published answers")
    options.add_argument("--incomplete", action="store_true", help="checks may be missing")
    return stage.run(work, options.parse_args(argv), "collect")


def work(arguments: argparse.Namespace) -> dict[str, Any]:
    """Read, join, write the tables, and say how many questions are open."""
    checks = [row for path in arguments.checks for row in load_table(path, CHECKED)]
    declared = catalogue.load(arguments.report_dir, arguments.assignments)
    questions = summarise(declared, checks, arguments.incomplete)
    write_table(arguments.checks_table, COLUMNS, checks)
    write_table(arguments.questions_table, QUESTIONS, questions)
    write_table(arguments.corrections_table, CORRECTIONS, corrections(declared, checks, arguments.incomplete))
    unanswered = sum(row["answered"] == "False" for row in questions)
    passed = Counter(row["passed"] for row in checks if row["passed"])
    verdicts = Counter(row["verdict"] for row in checks if row["verdict"])
    said = (
        f"{len(questions) - unanswered} of {len(questions)} questions are answered; "
        f"of {passed.total()} claims {', '.join(f'{passed[word]} {text}' for word, text in WORDS.items() if passed[word])}; "
        f"of {verdicts.total()} findings {', '.join(f'{count} {word}' for word, count in sorted(verdicts.items())) or 'none'}"
    )
    print(said)
    if arguments.log:
        stage.logger(arguments.log)(said)
    words = {"claims": passed.total(), "false": passed["False"], "skipped": passed["skipped"], "missing": passed["missing"]}
    return {"questions": len(questions), "open": unanswered, **words, "findings": verdicts.total(), "shown": verdicts["shown"]}


def summarise(declared: catalogue.Catalogue, checks: Sequence[Mapping[str, str]], incomplete: bool = False) -> list[dict[str, str]]:
    """One row a question, in the order of the report.

    Raises:
        ValueError: when a check belongs to no question, or an answer has no check.
    """
    for row in checks:
        if row["question"] not in declared.questions:
            raise unknown("question", row["question"], declared.questions, "a check")
    unchecked = sorted(set(declared.answers) - {row["question"] for row in checks})
    if unchecked and not incomplete:
        places = ", ".join(str(declared.answers[name].path) for name in unchecked)
        raise ValueError(f"answers without a check: {places}; add a function to claims/ of the assignment for each")
    rows = []
    for name, question in declared.questions.items():
        own = [row for row in checks if row["question"] == name]
        answer = declared.answers.get(name)
        rows.append(
            {
                "id": name,
                "assignment": question.assignment,
                "answered": str(answer is not None),
                "checks": str(sum(bool(row["passed"]) for row in own)),
                "passed": str(sum(row["passed"] == "True" for row in own)),
                "findings": str(sum(bool(row["verdict"]) for row in own)),
                "shown": str(sum(row["verdict"] == "shown" for row in own)),
                "corrected": str(answer is not None and answer.correction is not None),
            }
        )
    return rows


def corrections(
    declared: catalogue.Catalogue, checks: Sequence[Mapping[str, str]], incomplete: bool = False
) -> list[dict[str, str]]:
    """One row for each published value that a check rejects, or one a corrected question where no number is at stake.

    Raises:
        ValueError: when a check rejects a published value, but the answer says nothing of a correction.
    """
    rows = []
    for name, answer in declared.answers.items():
        rejected = [row for row in checks if row["question"] == name and row["published"]]
        if answer.correction is None:
            if rejected and not incomplete:
                raise ValueError(f"{answer.path}: needs a correction; a check rejects a published value: {rejected[0]['id']!r}")
            continue
        said = {"question": name, "fault": answer.correction.fault, "printed": answer.correction.printed}
        numbers = ("id", "claim", "method", "published", "source", "found", "tolerance")
        rows += [{**said, **{key: row[key] for key in numbers}} for row in rejected] or [{**said, **dict.fromkeys(numbers, "")}]
    return rows


if __name__ == "__main__":
    sys.exit(main())
