"""How long a build would take on other numbers of cores: its jobs with the times that they recorded, put in order anew.

    python benchmarks/replay.py [--results results/mnist-5k] [--cores 1 2 4 8 16 64] [--clock cpu|wall] [--parallel 0.7]

Snakemake notes for each file from what it was made; the records of the jobs have their seconds and threads. The script starts the
jobs as Snakemake does: whenever cores are free, those whose inputs exist, the highest priority first. It prints the makespan, its
ratio to that on two cores, how busy the cores are, and the critical path. ``--clock cpu`` (the default) counts processor time,
which other programs on the machine disturb little. A job that has more threads on more cores (workflow/resources.yaml) takes
1 - p + p / threads of its time, with the parallel part p of ``--parallel`` (measured: 0.71 for the convolutional VAE, 0.69 for
NICE, in batches of 64). Starts of jobs and Snakemake's own work are left out.
"""

import argparse
import heapq
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import yaml

from dgm.reproduce.snakemake_notes import METADATA, metadata_key
from dgm.workflow.plan import Plan
from dgm.workflow.resources import STAGES

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Job:
    """One job of a build: seconds on one thread, the jobs that it waits for, and what decides when it starts."""

    name: str
    seconds: float
    needs: frozenset[str]
    priority: int = 0


def recorded(folder: Path, results: str, clock: str) -> dict[str, Job]:
    """The jobs of a finished build in a working directory, by name."""
    made: dict[str, str] = {}  # output -> job
    inputs: dict[str, set[str]] = {}
    records: dict[str, Path] = {}
    for path in (folder / METADATA).rglob("*"):
        if not path.is_file():
            continue
        output = metadata_key(PurePosixPath(path.relative_to(folder / METADATA).as_posix()))
        if not output.startswith(f"{results}/"):
            continue
        noted = json.loads(path.read_text(encoding="utf-8"))
        name = str(PurePosixPath(noted["log"][0]).relative_to(f"{results}/logs").with_suffix(""))
        made[output] = name
        inputs.setdefault(name, set()).update(noted["input"] or ())
        if output.startswith(f"{results}/records/"):
            records[name] = folder / output
    jobs = {}
    for name, path in records.items():
        record = json.loads(path.read_text(encoding="utf-8"))
        seconds = float(record["seconds"] if clock == "wall" else record.get("cpu_seconds", record["seconds"]))
        needs = frozenset(made[file] for file in inputs[name] if file in made) - {name}
        jobs[name] = Job(name, seconds, needs)
    return jobs


def schedule(jobs: Mapping[str, Job], threads: Mapping[str, int], cores: int, parallel: float) -> tuple[float, float]:
    """Makespan in seconds, and the mean share of busy cores."""
    waiting = {name: set(job.needs & jobs.keys()) for name, job in jobs.items()}
    ready = [(-job.priority, name) for name, job in jobs.items() if not waiting[name]]
    heapq.heapify(ready)
    running: list[tuple[float, str, int]] = []
    now, free, busy = 0.0, cores, 0.0
    while ready or running:
        kept = []
        while ready:
            item = heapq.heappop(ready)
            asked = min(threads.get(item[1], 1), cores)
            if asked > free:
                kept.append(item)
                continue
            seconds = jobs[item[1]].seconds * _slower(asked, parallel)
            free -= asked
            busy += asked * seconds
            heapq.heappush(running, (now + seconds, item[1], asked))
        for item in kept:
            heapq.heappush(ready, item)
        now, done, asked = heapq.heappop(running)
        free += asked
        for name, left in waiting.items():
            if done in left:
                left.remove(done)
                if not left:
                    heapq.heappush(ready, (-jobs[name].priority, name))
    return now, busy / (now * cores) if now else 1.0


def critical_path(jobs: Mapping[str, Job], threads: Mapping[str, int], parallel: float) -> list[tuple[str, float]]:
    """The chain of jobs that takes longest on endlessly many cores, with the seconds of each."""
    length: dict[str, float] = {}
    before: dict[str, str] = {}

    def of(name: str) -> float:
        if name not in length:
            needs = {need: of(need) for need in jobs[name].needs & jobs.keys()}
            last = max(needs, key=needs.__getitem__, default=None)
            if last is not None:
                before[name] = last
            length[name] = needs.get(last or "", 0.0) + jobs[name].seconds * _slower(threads.get(name, 1), parallel)
        return length[name]

    name: str | None = max(jobs, key=of)
    chain = []
    while name is not None:
        chain.append((name, jobs[name].seconds * _slower(threads.get(name, 1), parallel)))
        name = before.get(name)
    return chain[::-1]


def _slower(threads: int, parallel: float) -> float:
    return 1 - parallel + parallel / threads


def planned(jobs: Mapping[str, Job], plan: Plan, cores: int) -> dict[str, int]:
    """Threads of the jobs of runs in a build with so many cores."""
    asked = {f"{stage}/{run}": plan.request(stage, run) for stage in STAGES for run in plan.trained}
    return {name: asked[name].threads_with(cores) for name in asked.keys() & jobs.keys()}


def main(argv: Sequence[str] | None = None) -> int:
    """Replay and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--directory", type=Path, default=ROOT, help="the working directory of the build")
    parser.add_argument("--results", default="results/mnist-5k")
    parser.add_argument("--cores", type=int, nargs="+", default=[1, 2, 4, 8, 16, 64])
    parser.add_argument("--clock", choices=("cpu", "wall"), default="cpu")
    parser.add_argument("--parallel", type=float, default=0.7)
    options = parser.parse_args(argv)
    jobs = recorded(options.directory, options.results, options.clock)
    if not jobs:
        print(f"{options.directory / options.results}: no finished jobs; build first", file=sys.stderr)
        return 1
    plan = Plan(yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8")), ROOT)
    for run in plan.trained:
        name = f"train/{run}"
        if name in jobs:
            jobs[name] = replace(jobs[name], priority=plan.priority(run))
    of_two, _ = schedule(jobs, planned(jobs, plan, 2), 2, options.parallel)
    for cores in sorted(options.cores):
        threads = planned(jobs, plan, cores)
        makespan, busy = schedule(jobs, threads, cores, options.parallel)
        chain = critical_path(jobs, threads, options.parallel)
        longest = sum(seconds for _, seconds in chain)
        said = f"{makespan:5.0f} s, {makespan / of_two:4.2f} of two cores, {busy:4.0%} busy; longest chain {longest:.0f} s"
        print(f"{cores:3d} cores: {said}")
    print("longest chain:", ", ".join(f"{name} {seconds:.0f} s" for name, seconds in chain if seconds >= 1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
