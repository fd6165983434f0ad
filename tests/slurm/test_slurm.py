"""``make test-slurm``: the workflow through a real Slurm of one node with two made-up GPUs, beside a build on this machine."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from workflows import QUICK, SHIPPED, allow_made_up_gpus, command, snakemake, tool, toy_repository

from dgm.workflow.resources import STAGES

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(3600)]

SCRIPT = Path(__file__).with_name("single-node.sh")

# the profile, and what a small cluster without accounting needs: as it is, it asks seldom
PROFILE = [
    *("--profile", "profiles/slurm"),
    *("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2"),
    *("--seconds-between-status-checks", "2", "--latency-wait", "10"),
    *("--default-resources", "slurm_partition=main", "mem_mb=500", "runtime=10", "--set-resources", "train:gpu_model=made_up"),
]

CANCELLED, OUT_OF_TIME = "nice", "vae_conv"
"""Runs whose first job is taken away in the middle of its training."""

NAMES = (
    "nice",
    "bmm_k5",
    "vae_conv",
    "vae_mlp",
    "real_grey",
    "kde_r10",
    "ebm_r10",
)
RUNS = {name: SHIPPED["runs"][name] for name in NAMES}
"""Every way to ask for resources: with and without a GPU, images and points, likelihood estimates, much and little memory."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("slurm")
    done = subprocess.run([SCRIPT, "start", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    yield
    subprocess.run([SCRIPT, "stop", folder], check=True)


@dataclass(frozen=True)
class Submitted:
    """A build by Slurm in a repository of its own; ``taken`` is run -> number of the job that was taken from it."""

    clone: Path
    taken: dict[str, str]

    @property
    def results(self) -> Path:
        return self.clone / QUICK

    def records(self, *stages: str) -> dict[str, dict[str, Any]]:
        """Records of the jobs of some stages, by ``<stage>/<name>``."""
        paths = [path for stage in stages for path in (self.results / "records" / stage).glob("*.json")]
        return {f"{path.parent.name}/{path.stem}": json.loads(path.read_text()) for path in paths}


@pytest.fixture(scope="module")
def submitted(cluster: None, tmp_path_factory: pytest.TempPathFactory) -> Submitted:
    """A build that loses two jobs on the way."""
    clone = toy_repository(tmp_path_factory.mktemp("build") / "clone", RUNS, rings={"ring_r10": SHIPPED["rings"]["ring_r10"]})
    allow_made_up_gpus(clone)
    # a checkpoint after every step, so that a training can be caught between its first and its last
    environment = {**os.environ, "DGM_CHECKPOINT_SECONDS": "0"}
    with (
        (clone.parent / "said").open("w+") as said,
        subprocess.Popen(
            command(*PROFILE, repository=clone, folder=clone), cwd=clone, env=environment, stdout=said, stderr=said
        ) as build,
    ):
        try:
            taken = held_up({OUT_OF_TIME, CANCELLED}, clone / QUICK, build)
            slurm("scontrol", "update", f"JobId={taken[OUT_OF_TIME]}", "TimeLimit=1")
            slurm("scancel", taken[CANCELLED])
            build.wait()
        finally:
            build.kill()
        text = (clone.parent / "said").read_text()
    assert build.returncode == 0, text[-8000:]
    return Submitted(clone, taken)


def held_up(runs: set[str], results: Path, build: "subprocess.Popen[bytes]") -> dict[str, str]:
    """Stop trainings in the middle, whichever comes first; return the number of the job of each.

    Slurm wakes a training up (SIGCONT) when it ends its job (SIGTERM).
    """
    taken: dict[str, str] = {}
    while waiting := runs - set(taken):
        assert build.poll() is None, f"the build ended before {waiting} could be caught"
        for run in waiting:
            if (results / "checkpoints" / f"{run}.pt").exists():
                taken[run] = stop_training(run)
            assert run in taken or not (results / "models" / f"{run}.pt").exists(), f"{run} ended before it could be caught"
        time.sleep(0.01)
    return taken


def stop_training(run: str) -> str:
    """Stop (SIGSTOP) the process that trains a run; return the number of its job."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode().split("\0")
            if words[1:5] == ["-m", "dgm.stages.train", "--run", run]:
                os.kill(int(folder.name), signal.SIGSTOP)
                environment = dict(entry.partition("=")[::2] for entry in (folder / "environ").read_text().split("\0"))
                return environment["SLURM_JOB_ID"]
        except (FileNotFoundError, ProcessLookupError):  # it ended while we looked
            pass
    raise AssertionError(f"no process trains {run}")


def slurm(*words: str) -> str:
    """What a command of Slurm says."""
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def jobs() -> list[dict[str, str]]:
    """All jobs that Slurm has seen: what ``scontrol`` says of each."""
    lines = slurm("scontrol", "show", "--oneliner", "job").splitlines()
    return [dict(re.findall(r"(\S+?)=(\S*)", line)) for line in lines]


def test_no_two_jobs_held_a_gpu_at_once(submitted: Submitted) -> None:
    held: dict[str, list[tuple[float, float]]] = {}
    for record in submitted.records(*STAGES).values():
        began = datetime.fromisoformat(record["started"]).timestamp()
        held.setdefault(record["device"]["gpu"], []).append((began, began + record["seconds"]))
    assert set(held) == {"0", "1", ""}
    assert len(held["0"]) + len(held["1"]) > 4  # how many of them each GPU had is the scheduler's choice
    for gpu in "01":
        for (_, end), (start, _) in pairwise(sorted(held[gpu])):
            assert start >= end, f"GPU {gpu} was shared"


def test_every_job_asked_for_what_its_run_needs(submitted: Submitted) -> None:
    asked = {job["JobId"]: job for job in jobs()}
    records = submitted.records("train")
    for name, record in records.items():
        job = asked[record["scheduler_job"]]
        wanted = "gres:gpu:made_up:1" if record["device"]["gpu"] else ""
        assert job.get("TresPerJob", "") in (wanted, "gres:gpu:made_up:0")
        assert (job["NumCPUs"], job["MinMemoryNode"]) in {("1", "3000M"), ("1", "6000M"), ("1", "9000M")}, name
    assert asked[records["train/nice"]["scheduler_job"]]["MinMemoryNode"] == "6000M"  # at the second attempt


def test_light_stages_ran_here_and_small_jobs_shared_a_submission(submitted: Submitted) -> None:
    local = submitted.records("prepare", "simulate", "plot", "tabulate", "costs", "collect", "render", "manifest")
    assert {record["scheduler_job"] for record in local.values()} == {""}
    measured = submitted.records("sample", "evaluate")
    numbers = {name: record["scheduler_job"] for name, record in measured.items()}
    assert "" not in numbers.values()
    for name, number in numbers.items():
        if name.startswith("evaluate/") and "--samples" in measured[name]["command"]:
            assert numbers[name.replace("evaluate/", "sample/")] == number, name
    assert len(set(numbers.values())) < len(numbers) / 3


@pytest.mark.parametrize(("run", "state"), [(CANCELLED, "CANCELLED"), (OUT_OF_TIME, "TIMEOUT")])
def test_a_training_whose_job_was_taken_continues_in_the_next(submitted: Submitted, run: str, state: str) -> None:
    (first,) = (job for job in jobs() if job["JobId"] == submitted.taken[run])
    assert first["JobState"] == state
    assert submitted.records("train")[f"train/{run}"]["scheduler_job"] not in ("", submitted.taken[run])
    # Snakemake begins the log of a second attempt anew
    log = (submitted.results / "logs" / "train" / f"{run}.log").read_text()
    assert re.search(r"continuing at step [1-9]", log), log


def test_the_report_equals_that_of_this_machine(submitted: Submitted) -> None:
    here = submitted.clone.parent / "here"
    done = snakemake("--cores", "2", repository=submitted.clone, folder=here)
    assert done.returncode == 0, done.stdout[-8000:]
    done = tool("verify", "--against", str(submitted.results), "--directory", str(here), repository=submitted.clone)
    assert done.returncode == 0, done.stdout
    assert "the two builds are the same" in done.stdout


def test_nothing_is_left_to_do(submitted: Submitted) -> None:
    done = snakemake(*PROFILE, "--dry-run", repository=submitted.clone, folder=submitted.clone)
    assert "Nothing to be done" in done.stdout, done.stdout[-4000:]
