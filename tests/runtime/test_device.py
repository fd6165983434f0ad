"""Sharing out GPUs, with made-up ids in processes of their own."""

import json
import os
import subprocess
import sys
import tempfile
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dgm.runtime import device
from dgm.runtime.device import acquire, gpu_ids, jobs_per_gpu, use_threads

# torch's part is played by a stand-in, which notes what it is asked for: loading the real one takes seconds a process, and it would
# not know these GPUs
STAND_IN = """
import json, os, sys
from types import SimpleNamespace as Names
asked = {}
torch = Names(
    cuda=Names(
        is_initialized=lambda: False,
        is_available=lambda: os.environ.get("CUDA_VISIBLE_DEVICES", "") != "",
        get_device_properties=lambda index: Names(name="made up", uuid="1"),
    ),
    backends=Names(cudnn=Names(allow_tf32=True), cuda=Names(matmul=Names(allow_tf32=False))),
    set_num_threads=lambda n: None,
    use_deterministic_algorithms=lambda mode, warn_only: asked.update(deterministic=mode, warn_only=warn_only),
    utils=Names(deterministic=Names(fill_uninitialized_memory=True)),
)
sys.modules["torch"] = torch
from dgm.runtime.device import acquire
"""

JOB = (
    STAND_IN
    + """
with acquire(1, poll=0.05, say=lambda line: print(line, flush=True)):
    print("has", os.environ.get("CUDA_VISIBLE_DEVICES", "no choice"), flush=True)
    sys.stdin.readline()
"""
)


class Job:
    """A process that holds a GPU until it is told to end, or killed."""

    def __init__(self, folder: Path, **environment: str) -> None:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("SLURM", "CUDA"))}
        self.process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(JOB)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**kept, "PYTHONPATH": "src", "TMPDIR": str(folder), **environment},
        )

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.communicate("\n", timeout=10)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=10)


@pytest.fixture
def jobs(tmp_path: Path):  # type: ignore[no-untyped-def]
    started: list[Job] = []

    def start(**environment: str) -> Job:
        started.append(Job(tmp_path, **environment))
        return started[-1]

    yield start
    for job in started:
        if job.process.poll() is None:
            job.kill()


def test_two_jobs_never_share_a_gpu(jobs) -> None:  # type: ignore[no-untyped-def]
    first, second = jobs(CUDA_VISIBLE_DEVICES="5,7"), jobs(CUDA_VISIBLE_DEVICES="5,7")
    assert {first.line(), second.line()} == {"has 5", "has 7"}


def test_a_third_job_waits_until_one_ends(jobs) -> None:  # type: ignore[no-untyped-def]
    first, second = jobs(CUDA_VISIBLE_DEVICES="5,7"), jobs(CUDA_VISIBLE_DEVICES="5,7")
    held = {first: first.line(), second: second.line()}
    third = jobs(CUDA_VISIBLE_DEVICES="5,7")
    assert third.line().startswith("waiting for a GPU: 5, 7 taken")
    second.end()
    assert third.line() == held[second]


def test_a_killed_job_frees_its_gpu(jobs) -> None:  # type: ignore[no-untyped-def]
    first = jobs(CUDA_VISIBLE_DEVICES="GPU-1a/b")
    assert first.line() == "has GPU-1a/b"
    second = jobs(CUDA_VISIBLE_DEVICES="GPU-1a/b")
    assert second.line().startswith("waiting")
    first.kill()
    assert second.line() == "has GPU-1a/b"


def test_the_choice_of_a_scheduler_stands(jobs) -> None:  # type: ignore[no-untyped-def]
    # the scheduler numbers the cards of each job from 0, so both jobs see "0" and mean different cards
    first = jobs(CUDA_VISIBLE_DEVICES="0", SLURM_JOB_ID="11")
    second = jobs(CUDA_VISIBLE_DEVICES="0", SLURM_JOB_ID="12")
    assert (first.line(), second.line()) == ("has 0", "has 0")
    assert jobs(SLURM_JOB_ID="13").line() == "has no choice"


def test_the_gpus_of_one_allocation_are_shared_out(jobs) -> None:  # type: ignore[no-untyped-def]
    first = jobs(CUDA_VISIBLE_DEVICES="0,1", SLURM_JOB_ID="11")
    assert first.line() == "has 0"
    assert jobs(CUDA_VISIBLE_DEVICES="0,1", SLURM_JOB_ID="11").line() == "has 1"
    assert jobs(CUDA_VISIBLE_DEVICES="0,1", SLURM_JOB_ID="12").line() == "has 0"


def test_jobs_share_gpus_where_they_are_allowed_to(jobs) -> None:  # type: ignore[no-untyped-def]
    shared = {"CUDA_VISIBLE_DEVICES": "5,7", "DGM_JOBS_PER_GPU": "2"}
    pair = [jobs(**shared), jobs(**shared)]
    assert {job.line() for job in pair} == {"has 5", "has 7"}, "a GPU that nobody has comes before one that is shared"
    assert {jobs(**shared).line(), jobs(**shared).line()} == {"has 5", "has 7"}
    fifth = jobs(**shared)
    assert fifth.line().startswith("waiting")
    pair[0].end()
    assert fifth.line().startswith("has")


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "two", "", "2 "])
def test_a_bad_number_of_jobs_is_one_message(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("DGM_JOBS_PER_GPU", text)
    with pytest.raises(ValueError, match=f"^DGM_JOBS_PER_GPU: got '{text}'; allowed: "):
        jobs_per_gpu()


def made_up_files(monkeypatch: pytest.MonkeyPatch, folder: Path, *names: str) -> None:
    """Make these the device files of the machine."""
    for name in names:
        (folder / name).touch()
    monkeypatch.setattr(device, "Path", lambda *parts: folder if parts == ("/dev",) else Path(*parts))
    for name in ("CUDA_VISIBLE_DEVICES", "SLURM_JOB_ID"):
        monkeypatch.setenv(name, "")  # so that what a job sets is undone
        monkeypatch.delenv(name)


def test_gpus_are_counted_as_cuda_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made_up_files(monkeypatch, tmp_path, "nvidia3", "nvidiactl", "nvidia-uvm", "nvidia3x")
    assert gpu_ids() == ["0"], "a container that was given card 3 of its host"
    made_up_files(monkeypatch, tmp_path, "nvidia0", "nvidia11")
    assert gpu_ids() == ["0", "1", "2"]


def no_driver() -> None:
    raise RuntimeError("Found no NVIDIA driver on your system. Please check.")


def test_a_promised_gpu_without_cuda_is_a_message(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made_up_files(monkeypatch, tmp_path, "nvidia3")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.cuda.init", no_driver)
    said = "no CUDA .*CUDA_VISIBLE_DEVICES is not set, device files: .*nvidia3.* --resources gpu=0.*PyTorch .*: .*driver"
    with pytest.raises(ValueError, match=said), acquire(1):
        pass
    for number in ("11", "12"):  # the choice of a scheduler is a promise as well
        monkeypatch.setenv("SLURM_JOB_ID", number)
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
        with pytest.raises(ValueError, match="CUDA_VISIBLE_DEVICES is '0'"), acquire(1):
            pass


@pytest.mark.parametrize("visible", [None, "", "-1"])
def test_where_no_gpu_is_seen_the_cpu_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, visible: str | None) -> None:
    made_up_files(monkeypatch, tmp_path, *([] if visible is None else ["nvidia0"]))
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    with acquire(1, say=pytest.fail) as held:
        assert held.type == "cpu"


@pytest.mark.parametrize(
    ("said", "visible", "expected"),
    [
        ("1a-2b", "0", "GPU-1a-2b"),
        ("GPU-1a-2b", "0", "GPU-1a-2b"),
        ("MIG-1a-2b", "0", "MIG-1a-2b"),
        ("1a-2b", "MIG-1a-2b", "MIG-1a-2b"),
        ("", "0", ""),
    ],
)
def test_a_uuid_has_one_prefix(said: str, visible: str, expected: str) -> None:
    assert device._uuid(said, visible) == expected


def test_another_card_is_another_stream_of_random_numbers() -> None:
    cards = [device.Device("cuda", name, "GPU-1", "0") for name in ("small", "large")]
    assert len({card.streams for card in cards}) == 2
    assert device.Device("cpu", "any").streams == "cpu", "checkpoints made on a CPU go on everywhere"


def test_a_hundred_jobs_never_share_one_of_three_gpus(tmp_path: Path) -> None:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("SLURM", "CUDA"))}
    environment = {**kept, "PYTHONPATH": "src", "TMPDIR": str(tmp_path), "CUDA_VISIBLE_DEVICES": "0,GPU-1a,2"}
    # one write a line, so that lines of several processes keep their order
    script = STAND_IN + textwrap.dedent(
        """
        import time
        def note(word):
            os.write(log, f"{word} {os.environ['CUDA_VISIBLE_DEVICES']}\\n".encode())
        log = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        with acquire(1, poll=0.01, say=lambda line: None):
            note("takes")
            time.sleep(0.02)
            note("leaves")
        """
    )
    log = tmp_path / "log"

    def job(_: int) -> int:
        return subprocess.run([sys.executable, "-c", script, str(log)], env=environment, check=False).returncode

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(job, range(100))) == {0}
    taken: set[str] = set()
    most = 0
    for line in log.read_text().splitlines():
        word, gpu = line.split()
        assert (gpu in taken) == (word == "leaves"), f"{gpu} was shared"
        (taken.add if word == "takes" else taken.remove)(gpu)
        most = max(most, len(taken))
    assert len(log.read_text().splitlines()) == 200
    assert most == 3 and not taken


@pytest.mark.parametrize(
    ("visible", "expected"), [("0,2", ["0", "2"]), ("", []), ("-1", []), ("1,-1,2", ["1"]), ("GPU-a, GPU-b", ["GPU-a", "GPU-b"])]
)
def test_the_visible_gpus_are_the_pool(monkeypatch: pytest.MonkeyPatch, visible: str, expected: list[str]) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpu_ids() == expected


def test_no_gpu_means_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "9")
    with acquire(0, threads=1) as held:
        assert held.type == "cpu"
        said = held.record()
        assert said["device"]["name"]
        assert (said["device"]["gpu"], said["device"]["uuid"], said["gpu_peak_bytes"]) == ("", "", None)
        assert os.environ["CUDA_VISIBLE_DEVICES"] == ""
        assert os.environ["OMP_NUM_THREADS"] == os.environ["MKL_NUM_THREADS"] == "1"


def test_more_than_one_gpu_is_refused() -> None:
    with pytest.raises(ValueError, match="--gpu 2"), acquire(2):
        pass


ON_CUDA = (
    STAND_IN
    + """
with acquire(int(sys.argv[1])) as device:
    print(json.dumps([device.type, asked, os.environ.get("CUBLAS_WORKSPACE_CONFIG"), torch.backends.cudnn.allow_tf32]))
"""
)


@pytest.mark.parametrize(
    ("gpu", "expected"),
    [(0, ["cpu", {}, None, True]), (1, ["cuda", {"deterministic": True, "warn_only": True}, ":4096:8", False])],
)
def test_deterministic_and_exact_algorithms_are_asked_for_on_cuda_alone(tmp_path: Path, gpu: int, expected: list[object]) -> None:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("SLURM", "CUBLAS"))}
    environment = {**kept, "PYTHONPATH": "src", "TMPDIR": str(tmp_path), "CUDA_VISIBLE_DEVICES": "3"}
    words = [sys.executable, "-c", ON_CUDA, str(gpu)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == expected


def test_threads_reach_what_is_loaded_already() -> None:
    from threadpoolctl import threadpool_info

    try:
        for count in (2, 1):
            use_threads(count)
            assert {library["num_threads"] for library in threadpool_info()} == {count}
    finally:
        use_threads(1)


def test_threads_reach_torch() -> None:
    import torch

    before = torch.get_num_threads()
    try:
        use_threads(1)
        assert torch.get_num_threads() == 1
        with pytest.raises(ValueError, match="threads: got 0"):
            use_threads(0)
    finally:
        torch.set_num_threads(before)
