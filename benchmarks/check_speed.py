"""Seconds that the checks of each assignment take on one core, on the files of a finished build.

    python benchmarks/check_speed.py [results/<dataset>]

Each assignment runs as the workflow runs it: a process of its own, with the start of Python and its packages. Goal: under 30 s
each.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from dgm.assignments import NAMESPACE, PACKAGE, within

GOAL = 30.0


def seconds(assignment: Path, results: Path) -> float:
    """Wall-clock time of one check job, pinned to one core where the system allows it."""
    core = {min(os.sched_getaffinity(0))} if hasattr(os, "sched_setaffinity") else None
    with tempfile.TemporaryDirectory() as folder:
        words = [
            sys.executable,
            "-m",
            "dgm.stages.check",
            "--stability",
            str(PACKAGE.parents[1] / "report" / "stability.csv"),
            "--assignment",
            str(assignment),
            "--results",
            str(results),
        ]
        words += ["--checks", f"{folder}/checks.csv", "--record", f"{folder}/record.json"]
        started = time.perf_counter()
        subprocess.run(
            words,
            check=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            preexec_fn=(lambda: os.sched_setaffinity(0, core)) if core else None,
        )
        return time.perf_counter() - started


def main() -> int:
    """Print one line an assignment; the exit status says whether all stay under the goal."""
    results = Path(sys.argv[1] if len(sys.argv) > 1 else "results/mnist-5k")
    slow = False
    for assignment in within([PACKAGE.parents[1] / NAMESPACE]):
        taken = seconds(assignment, results)
        slow |= taken > GOAL
        print(f"{assignment.name:8} {taken:6.1f} s")
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
