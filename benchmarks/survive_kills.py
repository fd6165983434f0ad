"""Kill a build again and again without warning, and compare what it ends with, byte by byte, with an undisturbed build.

    python benchmarks/survive_kills.py [--kills 20] [--seed 0] [--configfile tests/smoke.yaml] [TARGET...]

The first build is left alone, and its course noted. The second one is killed (SIGKILL to Snakemake and all of its jobs) at random
moments of that course and called again each time: a moment is a number of finished jobs and the processor time since the last of
them, so that the kills are spread over the whole build however much of it has to be repeated. Goal: every kill is survived.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import yaml

ROOT = Path(__file__).resolve().parent.parent
COMPARED = ("models", "history", "samples", "evaluations", "estimates", "metrics", "arrays", "data", "checks", "tables", "figures")
"""Folders whose files hold no times; but for the table of costs and the figures that are drawn from it."""


class Build:
    """One call of Snakemake, in a session of its own."""

    def __init__(self, folder: Path, words: list[str], checkpoint_seconds: float) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.log = folder / "snakemake.log"
        environment = {**os.environ, "DGM_CHECKPOINT_SECONDS": str(checkpoint_seconds)}
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "snakemake", "--directory", str(folder), "-s", str(ROOT / "Snakefile"), *words],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.sessions = {self.process.pid}

    def finished_jobs(self) -> int:
        """Jobs whose record is on disk."""
        return sum(1 for _ in self.folder.glob("results/*/records/*/*.json"))

    def seconds(self) -> float:
        """Processor time of this call so far, of jobs that have ended too."""
        spent = 0.0
        for process in self._alive():
            with suppress(psutil.NoSuchProcess):
                spent += sum(process.cpu_times()[:4])  # own and that of children that have ended: user, system
        return spent

    def running(self) -> bool:
        """Whether Snakemake is."""
        return self.process.poll() is None

    def jobs(self) -> list[str]:
        """The jobs under way, each as stage and name."""
        return sorted(filter(None, (_job(process) for process in self._alive())))

    def kill(self) -> None:
        """End every process of the build, and wait until they are gone."""
        self._find_sessions()
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        while left := list(self._alive()):  # a job may have made a process group of its own
            for process in left:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            time.sleep(0.05)

    def _find_sessions(self) -> None:
        """Note the session of the process that runs the stages; Snakemake gives it one of its own."""
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(self.process.pid).children():
                with suppress(ProcessLookupError):
                    self.sessions.add(os.getsid(child.pid))

    def _alive(self) -> Iterator[psutil.Process]:
        self._find_sessions()
        for number in psutil.pids():
            with suppress(ProcessLookupError, psutil.NoSuchProcess):
                if os.getsid(number) in self.sessions:
                    process = psutil.Process(number)
                    if process.status() != psutil.STATUS_ZOMBIE:
                        yield process


def _job(process: psutil.Process) -> str:
    """Stage and name of the job that a process runs; empty where it runs none."""
    with suppress(psutil.Error):
        words = process.cmdline()
        stage = next((word.removeprefix("dgm.stages.") for word in words if word.startswith("dgm.stages.")), "")
        names = [words[i + 1] for i, word in enumerate(words[:-1]) if word in ("--run", "--name", "--figure", "--assignment")]
        return " ".join([stage, *names]) if stage else ""
    return ""


def undisturbed(folder: Path, words: list[str], checkpoint_seconds: float) -> list[tuple[float, int]]:
    """Build without a kill. Returns the course: processor time and jobs finished by then, whenever that number grew."""
    build = Build(folder, words, checkpoint_seconds)
    course = [(0.0, 0)]
    while True:
        running, done, spent = build.running(), build.finished_jobs(), build.seconds()
        if done > course[-1][1]:
            course.append((max(spent, course[-1][0]), done))
        if not running:
            break
        time.sleep(0.2)
    if build.process.returncode:
        raise SystemExit(f"the undisturbed build failed:\n{build.log.read_text()[-4000:]}")
    return course


def moments(course: list[tuple[float, int]], kills: int, seed: int) -> list[tuple[int, float]]:
    """Finished jobs and processor time since the last of them, for moments drawn uniformly over the course."""
    chosen = random.Random(seed)  # nosec B311  # moments that can be repeated, no secret
    drawn = sorted(chosen.uniform(0, course[-1][0]) for _ in range(kills))
    found = []
    for moment in drawn:
        at, done = max(entry for entry in course if entry[0] <= moment)
        found.append((done, moment - at))
    return found


def killed(folder: Path, words: list[str], checkpoint_seconds: float, when: list[tuple[int, float]]) -> list[str]:
    """Build with a kill at each moment. Returns what each kill struck."""
    struck = []
    for number, (done, seconds) in enumerate(when, 1):
        build = Build(folder, words, checkpoint_seconds)
        clock, reached = time.monotonic(), None
        while build.running():
            spent = build.seconds()
            if reached is None and build.finished_jobs() >= done and (done == 0 or build.jobs()):
                reached = spent  # the start of Snakemake itself does not count again
            if reached is not None and spent - reached >= seconds:
                break
            time.sleep(0.1)
        if not build.running():
            if build.process.returncode:
                raise SystemExit(f"call {number} failed:\n{build.log.read_text()[-4000:]}")
            print(f"kill {number}: the build was done before", flush=True)
            break
        jobs = build.jobs()
        build.kill()
        struck.append(", ".join(jobs) or "Snakemake alone")
        print(
            f"kill {number}: after {time.monotonic() - clock:.1f} s of this call, {build.finished_jobs()} jobs finished "
            f"(drawn: {done}, and {seconds:.1f} s of processor time); it struck {struck[-1]}",
            flush=True,
        )
    last = Build(folder, words, checkpoint_seconds)
    if last.process.wait():
        raise SystemExit(f"the last call failed:\n{last.log.read_text()[-4000:]}")
    return struck


def differences(first: Path, second: Path) -> tuple[int, list[str]]:
    """How many files were compared, and the names of those that differ or are in one build alone."""
    declared = [path for folder in (ROOT / "report", ROOT / "assignments") for path in folder.glob("**/figures.yaml")]
    entries = {name: entry for path in declared for name, entry in (yaml.safe_load(path.read_text()) or {}).items()}
    left_out = {"tables/costs.csv"}
    for name, entry in entries.items():
        if "tables/costs.csv" in entry.get("from", {}).values():
            left_out |= {f"figures/{name}.svg", f"figures/{name}.pdf"}
    files = [
        {path.relative_to(folder).as_posix(): path for kind in COMPARED for path in (folder / kind).rglob("*") if path.is_file()}
        for folder in (first, second)
    ]
    names = sorted((set(files[0]) | set(files[1])) - left_out)
    same = [name in files[0] and name in files[1] and files[0][name].read_bytes() == files[1][name].read_bytes() for name in names]
    return len(names), [name for name, equal in zip(names, same, strict=True) if not equal]


def main() -> int:
    """Build, kill, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--configfile", type=Path, help="laid over config.yaml; tests/smoke.yaml by default")
    parser.add_argument("--checkpoint-seconds", type=float, default=1.0, help="between two checkpoints of a training")
    parser.add_argument("--folder", type=Path, help="where to build; a temporary folder by default")
    parser.add_argument("targets", nargs="*", help="files to build; all by default")
    arguments = parser.parse_args()
    config = (arguments.configfile or ROOT / "tests" / "smoke.yaml").resolve()
    words = [*arguments.targets, "--cores", str(arguments.cores), "--configfile", str(config)]
    with tempfile.TemporaryDirectory() as temporary:
        root = (arguments.folder or Path(temporary)).resolve()
        course = undisturbed(root / "undisturbed", words, arguments.checkpoint_seconds)
        print(f"undisturbed: {course[-1][1]} jobs in {course[-1][0]:.0f} s of processor time", flush=True)
        when = moments(course, arguments.kills, arguments.seed)
        struck = killed(root / "killed", words, arguments.checkpoint_seconds, when)
        (first,), (second,) = (list((root / name / "results").iterdir()) for name in ("undisturbed", "killed"))
        compared, different = differences(first, second)
        left = [str(path.relative_to(second)) for path in (*second.rglob("*.part"), *second.glob("checkpoints/*"))]
    rules = Counter(job.partition(" ")[0] for jobs in struck for job in jobs.split(", "))
    print("rules struck: " + ", ".join(f"{rule} {count}" for rule, count in rules.most_common()))
    for name in different:
        print(f"differs: {name}")
    for name in left:
        print(f"left over: {name}")
    survived = not different and not left
    print(f"{len(struck)} kills of seed {arguments.seed}; {compared} files compared, {len(different)} differ: ", end="")
    print("every kill was survived" if survived else "NOT survived")
    return 0 if survived else 1


if __name__ == "__main__":
    sys.exit(main())
