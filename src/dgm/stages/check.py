"""Test every claim of one assignment's answers and judge every finding; what is false is written down, not raised."""

import inspect
import json
import math
import os
import sys
import time
import traceback
from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dgm.claims import verdicts
from dgm.claims.claim import Claim, Finding, holds
from dgm.claims.evidence import Evidence
from dgm.claims.registry import Check, claims
from dgm.claims.tables import CHECKED, STOPPED
from dgm.errors import unknown
from dgm.report.catalogue import read_assignment
from dgm.runtime import stage
from dgm.runtime.files import Damaged, write_table
from dgm.settings import Limits, parse

__all__ = ["examine", "main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    options = stage.parser(__doc__)
    options.add_argument("--assignment", type=Path, required=True, help="folder of the assignment")
    options.add_argument("--reads", nargs="*", help="runs, rings and demonstrations that its claims may read; all by default")
    options.add_argument("--about", nargs="*", default=[], help="data sets that the questions are about; all by default")
    options.add_argument("--results", type=Path, required=True, help="results/<dataset>")
    options.add_argument("--limits", default="{}", help="JSON: caps of a quick build; any cap skips what needs a full one")
    options.add_argument("--stability", type=Path, required=True, help="CSV file: findings of repeated trainings")
    options.add_argument(
        "--incomplete", action="store_true", help="files of the build may be missing; so are the claims on them then"
    )
    options.add_argument("--checks", type=Path, required=True, help="CSV file to write")
    return stage.run(work, options.parse_args(argv), "check")


def work(arguments: Namespace) -> dict[str, Any]:
    """Test, log each claim, and write the table."""
    limits = parse(Limits, json.loads(arguments.limits), "limits")
    limited = any(value is not None for value in limits.model_dump().values())
    evidence = Evidence(arguments.results, reads=None if arguments.reads is None else frozenset(arguments.reads))
    dataset = evidence.dataset()
    as_asked = not limited and dataset in (arguments.about or [dataset])
    trials = verdicts.load(arguments.stability, dataset)
    rows, seconds = examine(arguments.assignment, evidence, as_asked, trials, incomplete=arguments.incomplete)
    _log(arguments.log, rows, seconds)
    write_table(arguments.checks, CHECKED, rows)
    count = {word: sum(row["passed"] == word for row in rows) for word in ("False", "skipped", "missing")}
    findings = sum(bool(row["verdict"]) for row in rows)
    count = {"false": count["False"], "skipped": count["skipped"], "missing": count["missing"]}
    return {"assignment": arguments.assignment.resolve().name, "claims": len(rows) - findings, "findings": findings, **count}


def examine(
    assignment: Path,
    evidence: Evidence,
    as_asked: bool,
    trials: Mapping[tuple[str, str], verdicts.Trials],
    incomplete: bool = False,
) -> tuple[list[dict[str, str]], Mapping[str, float]]:
    """Rows of the check table and the seconds of each question.

    A check that stops with an exception is a false claim of that question, so that one report lists all that is wrong. With
    ``incomplete`` one that stops at a missing file is a missing claim.

    Raises:
        Damaged: when a check meets a file of the build that is not whole, which is no fault of the answer.
        ValueError: when a check is of a question that the assignment does not have.
    """
    rows, seconds = [], {}
    checks = claims(assignment)
    _, questions = read_assignment(assignment)
    for name in checks:
        if name not in questions:
            raise unknown("question", name, questions, f"{_where(checks[name])}: the check of a question")
    for name, check in checks.items():
        started = time.perf_counter()
        made: list[Claim | Finding] = []
        try:
            for claim in check(evidence):
                if any(claim.id == earlier.id for earlier in made):
                    raise ValueError(f"the id {claim.id!r} is given twice")
                made.append(claim)
            missing = ""
        except Damaged as error:
            if not incomplete:
                raise
            missing = str(error)
        except Exception as error:
            missing = f"{error}" if incomplete and isinstance(error, KeyError) else ""
            if not missing:
                what = f"the check runs ({_line(error)}: {type(error).__name__}: {error})"
                made.append(holds(STOPPED, what, "recomputation", found=False))
        seconds[name] = time.perf_counter() - started
        where = _where(check)
        rows += [{**_row(name, claim, as_asked, trials), "function": where} for claim in made]
        if missing:
            said = {
                "question": name,
                "id": "files-exist",
                "claim": f"not tested: {missing}",
                "method": "recomputation",
                "passed": "missing",
            }
            rows.append({**dict.fromkeys(CHECKED, ""), **said, "function": where})
    return rows, seconds


def _row(
    question: str, claim: Claim | Finding, as_asked: bool, trials: Mapping[tuple[str, str], verdicts.Trials]
) -> dict[str, str]:
    common = {
        **dict.fromkeys(CHECKED, ""),
        "question": question,
        "id": claim.id,
        "claim": claim.statement,
        "method": claim.method,
        "found": _text(claim.found),
        "published": "" if claim.published is None else _text(claim.published),
        "source": "" if claim.published is None else ("printed" if claim.printed else "follows"),
    }
    skipped = claim.needs_full_budget and not as_asked
    if isinstance(claim, Claim):
        return {
            **common,
            "stated": _text(claim.stated),
            "error": _text(0.0 if float(claim.found) == float(claim.stated) else claim.error),
            "tolerance": _text(claim.tolerance),
            "passed": "skipped" if skipped else str(claim.passed),
        }
    estimate, repeated = claim.estimate, trials.get((question, claim.id), verdicts.Trials())
    counts = repeated.counts(claim.threshold, claim.is_above)
    return {
        **common,
        "verdict": "skipped"
        if skipped
        else repeated.judge(estimate.value, estimate.stderr, estimate.n, claim.threshold, claim.is_above),
        "threshold": f"{'above' if claim.is_above else 'below'} {claim.threshold!r}",
        "stderr": _text(estimate.stderr),
        "n": str(estimate.n),
        "unit": estimate.unit,
        "scatter": _text(repeated.scatter),
        "trainings": str(len(repeated.trials)),
        "shown": str(counts["shown"]),
        "undecided": str(counts["not decided"]),
        "contradicted": str(counts["contradicted"]),
    }


def _where(check: Check) -> str:
    """File, line and name of a check: ``assignments/<id>/claims/<file>.py:41 <name>``, wherever the folder lies."""
    path = Path(check.__module__.replace(".", "/")).with_suffix(".py")
    return f"{path.as_posix()}:{inspect.getsourcelines(check)[1]} {getattr(check, '__name__', '')}"


def _line(error: BaseException) -> str:
    """File and line of an assignment or of the engine that an exception came from."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if f"{os.sep}claims{os.sep}" in frame.filename and frame.filename != __file__] or frames
    return f"{Path(own[-1].filename).name}, line {own[-1].lineno}"


def _log(path: Path | None, rows: Iterable[Mapping[str, str]], seconds: Mapping[str, float]) -> None:
    """Every claim with its verdict, the false ones first."""
    if path is None:
        return
    ordered = sorted(rows, key=lambda row: row["passed"] != "False")
    lines = [
        f"{row['passed'] or row['verdict']}\t{row['question']}/{row['id']}\t{row['claim']}\t"
        + (f"{row['threshold']}\tfound {row['found']} ± {row['stderr']}" if row["verdict"] else
           f"stated {row['stated']} (within {row['tolerance']})\tfound {row['found']}")
        for row in ordered
    ]  # fmt: skip
    lines += [f"{name}: {spent:.2f} s" for name, spent in seconds.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _text(value: float | bool) -> str:
    if isinstance(value, bool):
        return str(value)
    return repr(float(value)) if math.isfinite(value) else str(float(value))


if __name__ == "__main__":
    sys.exit(main())
