"""A build that is told to stop, or whose Snakemake is killed, leaves no process behind; the next call ends with the same bytes."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from workflows import REPOSITORY, command, one_server, small_repository, snakemake

from dgm.runtime.fork_server import SOCKET


def heed_signals() -> None:
    """As in a terminal: tests that run in the background inherit that Ctrl-C and its end are ignored."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


pytestmark = pytest.mark.pipeline

RUNS = {
    "nice": {"kind": "nice", "settings": {"hidden_layers": 2, "hidden_units": 64, "epochs": 15, "batch_size": 20}},
    "bmm": {"kind": "bmm", "settings": {"components": 200, "restarts": 2, "iterations": 50, "tolerance": 0.0}},
}
RESULTS = Path("results", "mnist-5k-stopped")


def target(run: str) -> str:
    return str(RESULTS / "models" / f"{run}.pt")


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[None]:
    """For the builds that nobody stops."""
    with one_server():
        yield


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two trainings of some seconds, by gradients and by EM."""
    folder = tmp_path_factory.mktemp("stopped") / "repository"
    return small_repository(REPOSITORY, folder, RUNS, variant="stopped", limits={"train_images": 1000, "test_images": 100})


@pytest.fixture(scope="module")
def undisturbed(repository: Path) -> Path:
    """The folder of a build that nobody stops."""
    folder = repository.parent / "undisturbed"
    done = snakemake("--cores", "2", *map(target, RUNS), repository=repository, folder=folder)
    assert done.returncode == 0, done.stdout
    return folder


def of_session(leader: int) -> list[psutil.Process]:
    """All processes of a session that are alive."""
    alive = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE:
                alive.append(process)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return alive


WAYS: dict[str, tuple[str, Callable[[int], None]]] = {
    "SIGTERM to Snakemake": ("nice", lambda pid: os.kill(pid, signal.SIGTERM)),
    "SIGTERM to all": ("bmm", lambda pid: os.killpg(pid, signal.SIGTERM)),
    "Ctrl-C": ("nice", lambda pid: os.killpg(pid, signal.SIGINT)),
    "the terminal closes": ("bmm", lambda pid: os.killpg(pid, signal.SIGHUP)),
    "kill -9 of Snakemake": ("nice", lambda pid: os.kill(pid, signal.SIGKILL)),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_stopped_build_leaves_a_checkpoint_and_no_process_and_continues(
    way: str, repository: Path, undisturbed: Path, tmp_path: Path
) -> None:
    run, stop = WAYS[way]
    outputs = [RESULTS / "models" / f"{run}.pt", RESULTS / "history" / f"{run}.csv"]
    folder, said = tmp_path / "build", tmp_path / "said"
    shutil.copytree(undisturbed, folder)
    log, checkpoint = folder / RESULTS / "logs" / "train" / f"{run}.log", folder / RESULTS / "checkpoints" / f"{run}.pt"
    for path in (*outputs, log):
        (folder / path).unlink()
    environment = {**os.environ, "DGM_CHECKPOINT_SECONDS": "0.2"}
    environment.pop(SOCKET, None)  # it starts its own
    words = command("--cores", "1", target(run), repository=repository, folder=folder)
    with (
        said.open("w") as file,
        subprocess.Popen(
            words,
            cwd=repository,
            env=environment,
            stdout=file,
            stderr=file,
            start_new_session=True,
            preexec_fn=heed_signals,  # noqa: PLW1509
        ) as build,
    ):
        deadline = time.monotonic() + 200
        while not checkpoint.exists():  # the training is on its way
            assert build.poll() is None, said.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        stop(build.pid)
        clock = time.monotonic()
        while of_session(build.pid):
            assert time.monotonic() < clock + 30, of_session(build.pid)
            time.sleep(0.05)
    assert build.returncode != 0
    assert "Traceback" not in said.read_text()
    lines = [line for line in log.read_text().splitlines() if "stopped by" in line]
    assert len(lines) == 1
    assert lines[0].endswith("the next call continues there")
    assert checkpoint.exists()
    assert not any((folder / path).exists() for path in outputs)
    assert not list(folder.rglob("*.part"))

    again = snakemake("--cores", "1", target(run), repository=repository, folder=folder)
    assert again.returncode == 0, again.stdout
    assert "continuing" in log.read_text()
    for path in outputs:
        assert (folder / path).read_bytes() == (undisturbed / path).read_bytes(), path
    assert not list(checkpoint.parent.iterdir())
