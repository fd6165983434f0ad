"""Seconds of a `snakemake` call that finds everything up to date.

    python benchmarks/noop_build.py [--rounds 3] [-- OPTIONS OF SNAKEMAKE]

The results must have been built with the same options before; the script builds nothing that is missing, but says so and stops.
Goal: under five seconds.
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GOAL = 5.0


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("options", nargs="*", help="for Snakemake, after --")
    arguments = parser.parse_args()
    snakemake = [sys.executable, "-m", "snakemake", "--cores", "all", *arguments.options]
    trial = subprocess.run([*snakemake, "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False)
    said = trial.stdout + trial.stderr
    if trial.returncode or "Nothing to be done" not in said:
        print(said[-2000:] + "\nthere is work to do: build first, with the same options", file=sys.stderr)
        return 1
    seconds = []
    for _ in range(arguments.rounds):
        started = time.perf_counter()
        subprocess.run(snakemake, cwd=ROOT, capture_output=True, check=True)
        seconds.append(time.perf_counter() - started)
    verdict = "reached" if min(seconds) < GOAL else "MISSED"
    print(f"second build: best {min(seconds):.2f} s, median {statistics.median(seconds):.2f} s; goal {GOAL:g} s: {verdict}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
