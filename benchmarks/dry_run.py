"""Processor time and memory of a dry run against the number of jobs, which the number of seeds sets.

    python benchmarks/dry_run.py [--jobs 1000 3000 10000] [--finished] [-- OPTIONS OF SNAKEMAKE]

A call of Snakemake builds one data set; a sweep over data sets is one call for each. With `--finished` every file of the build is
there, empty, with Snakemake's metadata of the job that makes it: the dry run reads all of it and must find nothing to do. Processor
time, so that a busy machine can measure it. Goal: under 60 seconds for 10,000 jobs.
"""

import argparse
import math
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from dgm.workflow.plan import Plan

ROOT = Path(__file__).resolve().parent.parent
GOAL = 60.0
JOBS = 10_000


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1_000, 3_000, JOBS], help="about how many")
    parser.add_argument("--finished", action="store_true", help="measure a build that has nothing left to do")
    parser.add_argument("options", nargs="*", help="for Snakemake, after --")
    arguments = parser.parse_args()
    print("  seeds    jobs   seconds   MB   growth of the seconds with the jobs")
    measured: list[tuple[int, float]] = []
    for wanted in arguments.jobs:
        seeds = seeds_for(wanted)
        options = [*arguments.options, "--config", f"seeds={seeds}"]
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            said, seconds, memory = snakemake(folder, "--dry-run", "--quiet", "rules", *options)
            jobs = int(re.findall(r"^total +(\d+)$", said, re.MULTILINE)[0])
            if arguments.finished:
                pretend(folder, options)
                said, seconds, memory = snakemake(folder, "--dry-run", *options)
                if "Nothing to be done" not in said:
                    raise SystemExit(f"{said[-2000:]}\nthe build is there, and yet there is work to do")
        growth = ""
        if measured:  # the slope between two points of a double logarithmic plot; 1 is linear
            before, took = measured[-1]
            growth = f"{math.log(seconds / took) / math.log(jobs / before):.2f}"
        measured.append((jobs, seconds))
        print(f"{seeds:7d} {jobs:7d} {seconds:9.1f} {memory:4.0f}   {growth}", flush=True)
    jobs, seconds = measured[-1]
    if jobs >= 0.95 * JOBS:
        print(f"{jobs:,} jobs in {seconds:.0f} s; goal {GOAL:g} s: {'reached' if seconds < GOAL else 'MISSED'}")
    return 0


def seeds_for(jobs: int) -> int:
    """The number of seeds with which the build has about ``jobs`` jobs."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    plans = [Plan({**config, "seeds": seeds}) for seeds in (1, 2)]
    one, two = (len({*plan.records(), *plan.jobs()}) for plan in plans)
    return max(1, 1 + round((jobs - one) / (two - one)))


def snakemake(folder: Path, *words: str) -> tuple[str, float, float]:
    """What Snakemake says in ``folder``, its seconds of processor time, and its largest resident memory in MB (10^6 bytes)."""
    place = ["--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder), "--cores", "1"]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        command = [sys.executable, "-m", "snakemake", *place, *words]
        with subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=subprocess.STDOUT) as process:
            _, status, used = os.wait4(process.pid, 0)  # of this process alone, where resource.getrusage sums up all
            process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read()
    if process.returncode:
        raise SystemExit(text[-4000:])
    return text, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6


def pretend(folder: Path, options: list[str]) -> None:
    """Make every file of the build, empty, and the metadata of the jobs that write them."""
    said, _, _ = snakemake(folder, "--summary", *options)
    for line in said.splitlines():
        if line.startswith("results/"):
            path = folder / line.split("\t")[0]
            job = path.parts[-3:]
            for made in [path, *([path.parents[2] / "benchmarks" / job[1] / f"{path.stem}.jsonl"] if job[0] == "records" else [])]:
                made.parent.mkdir(parents=True, exist_ok=True)
                made.touch()
    snakemake(folder, "--touch", "--forceall", "--quiet", "all", "--scheduler", "greedy", *options)


if __name__ == "__main__":
    sys.exit(main())
