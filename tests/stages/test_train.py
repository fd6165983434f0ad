"""The train stage as a job sees it: a process that may diverge, be refused, or be killed."""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from disks import fill, mounted

from dgm.runtime import stage
from dgm.runtime.files import save_arrays
from dgm.stages import sample, train

SOURCE = Path(__file__).parents[2] / "src"


@pytest.fixture
def data(tmp_path, images):
    path = tmp_path / "images.npz"
    save_arrays(path, {name: value.numpy() for name, value in vars(images).items()})
    return path


def arguments(folder, data, kind, **settings):
    words = {"run": "trial", "kind": kind, "settings": json.dumps(settings), "data": data, "gpu": 0}
    words |= {"model": folder / "m.pt", "history": folder / "h.csv", "checkpoint": folder / "c.pt", "record": folder / "r.json"}
    return [str(word) for name, value in words.items() for word in (f"--{name}", value)] + ["--log", str(folder / "log")]


def test_a_training_writes_model_history_and_record_and_removes_its_checkpoint(tmp_path, data):
    assert train.main(arguments(tmp_path, data, "bmm", components=3, restarts=2)) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"images.npz", "m.pt", "h.csv", "r.json", "log"}
    record = json.loads((tmp_path / "r.json").read_text())
    assert record["kind"] == "bmm"
    assert record["device"]["type"] == "cpu"
    assert record["images_per_second"] > 0


def test_a_diverging_training_says_run_and_step_and_keeps_nothing(tmp_path, data, capsys):
    # a log-scale that leaves the range of float32 in one step
    settings = {"hidden_layers": 1, "hidden_units": 8, "scale_learning_rate": 1e6, "epochs": 2}
    assert train.main(arguments(tmp_path, data, "nice", **settings)) == 1
    message = capsys.readouterr().err
    assert "run trial: the loss is not finite at step" in message
    assert "last finite values: log_likelihood" in message
    assert message in (tmp_path / "log").read_text()
    assert {path.name for path in tmp_path.iterdir()} == {"images.npz", "log"}


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        ("bmm", {"components": -1}, r"runs.trial.settings.components: got -1"),
        ("bmm", {"components": 5, "images": 10**6}, r"images = 1000000, but the training set has 200"),
        ("nice", {"epochs": "many"}, r"runs.trial.settings.epochs: got 'many'"),
        ("nice", {"epoch": 3}, r"runs.trial.settings.epoch: unknown key"),
        ("flow", {}, r"unknown kind 'flow'; known:"),
    ],
)
def test_bad_settings_are_one_message(tmp_path, data, capsys, kind, settings, message):
    assert train.main(arguments(tmp_path, data, kind, **settings)) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "m.pt").exists()


def test_damaged_data_are_named(tmp_path, data, capsys):
    data.write_bytes(data.read_bytes()[:1000])
    assert train.main(arguments(tmp_path, data, "bmm", components=2)) == 1
    assert f"{data}: not a readable .npz file" in capsys.readouterr().err


SMALL = {
    "nice": {"epochs": 8, "batch_size": 20, "hidden_layers": 2, "hidden_units": 64},
    "bmm": {"components": 60, "restarts": 2, "iterations": 8, "tolerance": 0.0},
}


def attempt(folder, data, kind, seconds=None, number=signal.SIGTERM, **environment):
    """Status of a training that gets a signal after so many seconds, what it says, and how long it takes to leave."""
    command = [sys.executable, "-m", "dgm.stages.train", *arguments(folder, data, kind, **SMALL[kind])]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), **environment}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as job:
        clock = time.monotonic()
        if seconds is not None:
            time.sleep(seconds)
            clock = time.monotonic()
            job.send_signal(number)
        _, said = job.communicate(timeout=300)
    return job.returncode, said, time.monotonic() - clock


@pytest.mark.parametrize("kind", SMALL)
def test_a_job_that_is_stopped_and_killed_at_any_moment_continues_to_the_same_bytes(tmp_path, data, kind):
    """Imports and the reading of the data are among the moments."""
    whole, pieced, chosen = tmp_path / "whole", tmp_path / "pieced", random.Random(0)
    whole.mkdir()
    pieced.mkdir()
    status, _, seconds = attempt(whole, data, kind)
    assert status == 0
    for number in [signal.SIGTERM, signal.SIGKILL, signal.SIGINT] * 2:
        status, said, left = attempt(pieced, data, kind, chosen.uniform(0, seconds), number, DGM_CHECKPOINT_SECONDS="0")
        if status == 0:
            break
        assert status in (-number, 128 + number)  # the former before the stage listens
        assert "Traceback" not in said
        if status > 0:
            assert left < 10
            assert said.startswith(f"train: stopped by {number.name}") and said.count("\n") == 1
    else:
        assert attempt(pieced, data, kind)[0] == 0
    assert {path.name for path in pieced.iterdir()} == {"m.pt", "h.csv", "r.json", "log"}
    for name in ("m.pt", "h.csv"):
        assert (pieced / name).read_bytes() == (whole / name).read_bytes()


def test_checkpoints_are_left_until_the_record_is_written(tmp_path, data, monkeypatch):
    """Without its record Snakemake takes the job for not done, and calls it again."""

    def full(path, text):
        raise OSError(28, f"cannot write {path}: No space left on device")

    words = arguments(tmp_path, data, "nice", **SMALL["nice"])
    monkeypatch.setenv("DGM_CHECKPOINT_SECONDS", "0")
    with monkeypatch.context() as patch:
        patch.setattr(stage, "save_json", full)
        assert train.main(words) == 1
    assert (tmp_path / "c.pt").exists()
    assert train.main(words) == 0
    assert "continuing at step 80" in (tmp_path / "log").read_text()
    assert not (tmp_path / "c.pt").exists()


def test_a_finished_training_leaves_nothing_of_earlier_attempts(tmp_path, data):
    for name in ("c.pt", "c.old_phase.pt", ".c.pt.abc.part", ".c.older_phase.pt.abc.part", "c-seed1.pt"):
        (tmp_path / name).write_bytes(b"cut off")
    assert train.main(arguments(tmp_path, data, "bmm", components=3, restarts=1)) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"images.npz", "m.pt", "h.csv", "r.json", "log", "c-seed1.pt"}
    assert "c.pt: not a readable file of tensors" in (tmp_path / "log").read_text()


def test_a_training_outlives_a_full_disk_for_its_checkpoints(tmp_path, data, monkeypatch):
    monkeypatch.setenv("DGM_CHECKPOINT_SECONDS", "0")
    with mounted(tmp_path / "disk", "size=1m") as disk:
        fill(disk, but=0)
        words = arguments(tmp_path, data, "nice", **SMALL["nice"])
        words[words.index("--checkpoint") + 1] = str(disk / "c.pt")
        assert train.main(words) == 0
        assert [path.name for path in disk.iterdir()] == ["filler"]
    assert (
        f"no checkpoint: cannot write {disk / 'c.pt'}: No space left on device; the training goes on"
        in (tmp_path / "log").read_text()
    )
    assert (tmp_path / "m.pt").exists()


def test_a_full_disk_for_the_results_is_one_message_and_the_next_call_succeeds(tmp_path, data, capsys):
    with mounted(tmp_path / "disk", "size=1m") as disk:
        filler = fill(disk, but=20_000)
        words = arguments(disk, data, "bmm", components=20, restarts=1)  # a model of 125 kB
        assert train.main(words) == 1
        assert capsys.readouterr().err == f"train: cannot write {disk / 'm.pt'}: No space left on device\n"
        assert "m.pt" not in {path.name for path in disk.iterdir()}
        filler.unlink()
        assert train.main(words) == 0


def test_a_bad_interval_of_checkpoints_is_one_message(tmp_path, data, capsys, monkeypatch):
    monkeypatch.setenv("DGM_CHECKPOINT_SECONDS", "soon")
    assert train.main(arguments(tmp_path, data, "bmm", components=3)) == 1
    assert capsys.readouterr().err.startswith("train: DGM_CHECKPOINT_SECONDS: got 'soon'; allowed: seconds")


def test_another_device_or_data_set_is_another_training(tmp_path, data):
    parsed = argparse.Namespace(kind="bmm", settings={}, limits={}, seed=0, code="", data=data)
    identity = train._identity(parsed, "cpu", replayed=False)
    assert identity == train._identity(parsed, "cpu", replayed=False)
    assert identity != train._identity(parsed, "cuda", replayed=False)
    assert identity != train._identity(parsed, "cpu", replayed=True)
    data.write_bytes(data.read_bytes() + b" ")
    assert identity != train._identity(parsed, "cpu", replayed=False)


@pytest.mark.parametrize(("said", "status"), [("0", 0), ("1", 0), ("on", 1)])
def test_cuda_graphs_do_nothing_on_the_cpu_and_a_wrong_word_is_one_message(tmp_path, data, capsys, monkeypatch, said, status):
    monkeypatch.setenv("DGM_CUDA_GRAPHS", said)
    assert train.main(arguments(tmp_path, data, "classifier", epochs=1)) == status
    assert ("DGM_CUDA_GRAPHS: got 'on'" in capsys.readouterr().err) == bool(status)


def test_a_model_without_samples_is_refused_by_name(tmp_path, data, capsys):
    assert train.main(arguments(tmp_path, data, "classifier", epochs=1)) == 0
    words = ["--run", "trial", "--model", str(tmp_path / "m.pt"), "--samples", str(tmp_path / "s.npz")]
    assert sample.main([*words, "--record", str(tmp_path / "s.json"), "--log", str(tmp_path / "log")]) == 1
    assert "run trial: dgm.models.classifier offers no samples" in capsys.readouterr().err
