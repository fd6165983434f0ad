"""What goes wrong around a build is one message, nothing half is taken for a result, and after the cure the next call succeeds."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from disks import fill, mounted, remount
from workflows import REPOSITORY, one_server, small_repository, snakemake

from dgm.runtime.fork_server import SOCKET

pytestmark = pytest.mark.pipeline

RESULTS = Path("results", "mnist-5k-smoke")
RUNS = {"nice": {"kind": "nice", "settings": {"hidden_layers": 2, "hidden_units": 64}}}
TARGETS = [str(RESULTS / path) for path in ("tables/metrics.csv", "tables/costs.csv", "models/nice.pt")]


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[None]:
    """For the builds and stages of this file."""
    with one_server():
        yield


def stage(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a recorded command, or one like it."""
    environment = {"PYTHONPATH": str(REPOSITORY / "src"), "PATH": "", SOCKET: os.environ.get(SOCKET, "")}
    return subprocess.run([sys.executable, *words[1:]], cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of two classifiers and a flow."""
    return small_repository(REPOSITORY, tmp_path_factory.mktemp("faulty") / "repository", RUNS)


@pytest.fixture(scope="module")
def built(repository: Path) -> Path:
    """The folder of a build of the tables; a test puts back what it changes."""
    folder = repository.parent / "build"
    done = snakemake("--cores", "2", *TARGETS, repository=repository, folder=folder)
    assert done.returncode == 0, done.stdout
    return folder


def truncate(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: 6 * len(content) // 10])


def replace(path: Path) -> None:
    """By a whole file of the same format, but of somebody else."""
    if path.suffix == ".npz":
        np.savez(path, other=np.zeros(3))
    elif path.suffix == ".pt":
        torch.save({"weights": torch.zeros(3)}, path)
    else:
        path.write_text("some,columns\n1,2\n" if path.suffix == ".csv" else "{}\n", encoding="utf-8")


DAMAGE = {"truncated": truncate, "empty": lambda path: path.write_bytes(b""), "missing": Path.unlink, "foreign": replace}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize(
    ("job", "damaged"),
    [
        ("train/nice", "data/images.npz"),
        ("sample/nice", "models/nice.pt"),
        ("evaluate/nice", "models/nice.pt"),
        ("reference/classifier", "models/classifier.pt"),
        ("reference/classifier", "data/images.npz"),
        ("evaluate/nice", "models/classifier.pt"),
        ("evaluate/nice", "references/second.npz"),
        ("evaluate/nice", "samples/nice.npz"),
        ("evaluate/nice", "data/images.npz"),
        ("evaluate/nice", "records/train/nice.json"),
        ("tabulate/metrics", "metrics/nice.csv"),
        ("costs/jobs", "records/train/nice.json"),
        ("costs/jobs", "records/sample/nice.json"),
    ],
)
def test_a_stage_that_reads_a_damaged_file_says_which_and_what_to_do(built: Path, job: str, damaged: str, damage: str) -> None:
    command = shlex.split(json.loads((built / RESULTS / "records" / f"{job}.json").read_text())["command"])
    path = built / RESULTS / damaged
    content = path.read_bytes()
    DAMAGE[damage](path)
    try:
        done = stage(command, built)
    finally:
        path.write_bytes(content)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"{job.partition('/')[0]}: {RESULTS / damaged}: ")
    assert done.stderr.endswith("; build again\n" if damage == "missing" else "; delete it and build again\n")
    assert done.stderr.count("\n") == 1


def test_a_classifier_in_the_place_of_another_model_is_seen_and_the_other_way_round(built: Path) -> None:
    command = shlex.split(json.loads((built / RESULTS / "records" / "evaluate" / "nice.json").read_text())["command"])
    flow, classifier = (str(RESULTS / "models" / f"{name}.pt") for name in ("nice", "classifier"))
    for option, path, message in (
        ("--model", classifier, "holds a model of kind classifier; the one that was trained is of kind nice"),
        ("--classifiers", flow, "holds no classifier"),
    ):
        changed = [*command]
        changed[command.index(option) + 1] = path
        done = stage(changed, built)
        assert done.returncode == 1
        assert done.stderr == f"evaluate: {path}: {message}; delete it and build again\n"


def test_what_a_damaged_file_says_is_the_cure(repository: Path, built: Path, tmp_path: Path) -> None:
    folder = tmp_path / "build"
    shutil.copytree(built, folder)
    model, table = folder / RESULTS / "models" / "nice.pt", folder / TARGETS[0]
    before = {path: path.read_bytes() for path in (model, table)}
    truncate(model)
    broken = snakemake("--cores", "1", *TARGETS, repository=repository, folder=folder)
    assert broken.returncode != 0
    assert f"{RESULTS / 'models' / 'nice.pt'}: not as the job train wrote it" in broken.stdout
    assert "Traceback" not in broken.stdout
    model.unlink()
    cured = snakemake("--cores", "1", *TARGETS, repository=repository, folder=folder)
    assert cured.returncode == 0, cured.stdout
    assert {path: path.read_bytes() for path in before} == before


def test_a_full_disk_stops_the_build_with_a_message_and_room_is_the_cure(repository: Path, built: Path, tmp_path: Path) -> None:
    folder = tmp_path / "build"
    with mounted(folder / "results", "size=40m") as disk:
        shutil.copytree(built / "results", disk, dirs_exist_ok=True)
        shutil.copytree(built / ".snakemake", folder / ".snakemake")
        target = disk.parent / RESULTS / "models" / "nice.pt"
        for path in (target, target.parents[1] / "history" / "nice.csv"):
            path.unlink()
        filler = fill(disk, but=200_000)
        full = snakemake("--cores", "1", *TARGETS, repository=repository, folder=folder)
        assert full.returncode != 0
        assert f"train: cannot write {RESULTS / 'models' / 'nice.pt'}: No space left on device" in full.stdout
        assert "Traceback" not in full.stdout
        assert not target.exists()
        filler.unlink()
        cured = snakemake("--cores", "1", *TARGETS, repository=repository, folder=folder)
        assert cured.returncode == 0, cured.stdout
        assert (folder / TARGETS[0]).read_bytes() == (built / TARGETS[0]).read_bytes()
        assert not list(disk.rglob("*.part"))


@pytest.mark.parametrize(
    ("there", "message"),
    [
        (True, "Write-protected output files for rule "),
        (False, f"OSError: [Errno 30] Read-only file system: '{RESULTS.parent}"),
    ],
    ids=["of an earlier build", "empty"],
)
def test_read_only_results_stop_the_build_with_a_message(
    repository: Path, built: Path, tmp_path: Path, there: bool, message: str
) -> None:
    """Snakemake's own, before any job."""
    folder = tmp_path / "build"
    with mounted(folder / "results", "size=40m") as disk:
        if there:
            shutil.copytree(built / "results", disk, dirs_exist_ok=True)
            shutil.copytree(built / ".snakemake", folder / ".snakemake")
            (folder / RESULTS / "models" / "nice.pt").unlink()
        remount(disk, "ro")
        refused = snakemake("--cores", "1", *TARGETS, repository=repository, folder=folder)
        assert refused.returncode != 0
        assert message in refused.stdout
        assert "Traceback" not in refused.stdout
        if there:
            remount(disk, "rw")
            cured = snakemake("--cores", "1", *TARGETS, repository=repository, folder=folder)
            assert cured.returncode == 0, cured.stdout


def test_a_working_folder_without_room_is_refused_before_any_job(repository: Path, tmp_path: Path) -> None:
    with mounted(tmp_path / "build", "size=10m") as folder:
        refused = snakemake("--cores", "1", *TARGETS, repository=repository, folder=folder)
    assert refused.returncode != 0
    assert "10.5 MB are free on its disk" in refused.stdout or "10.4 MB are free on its disk" in refused.stdout
    assert refused.stdout.count("make room") == 1
    assert "rule prepare" not in refused.stdout
