"""The train stage as a job sees it: a process that may diverge, be refused, or be killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from dgm.files import save_arrays
from dgm.stages import sample, train

SOURCE = Path(__file__).parent.parent / "src"


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


def test_a_job_terminated_in_the_middle_continues_to_the_same_bytes(tmp_path, data):
    settings = {"epochs": 40, "batch_size": 20, "hidden_layers": 2, "hidden_units": 64}
    whole, halved = tmp_path / "whole", tmp_path / "halved"
    whole.mkdir()
    halved.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}

    def start(folder):
        command = [sys.executable, "-m", "dgm.stages.train", *arguments(folder, data, "nice", **settings)]
        return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)

    assert start(whole).wait(300) == 0
    job = start(halved)
    deadline = time.monotonic() + 200
    while "epoch 5 of" not in ((halved / "log").read_text() if (halved / "log").exists() else ""):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    job.send_signal(signal.SIGTERM)
    assert job.wait(60) == 128 + signal.SIGTERM
    assert not (halved / "m.pt").exists()
    assert start(halved).wait(300) == 0
    assert "continuing at step" in (halved / "log").read_text()
    assert (halved / "h.csv").read_bytes() == (whole / "h.csv").read_bytes()
    first, second = (torch.load(folder / "m.pt", weights_only=True)["state"] for folder in (whole, halved))
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_a_model_without_samples_is_refused_by_name(tmp_path, data, capsys):
    assert train.main(arguments(tmp_path, data, "classifier", epochs=1)) == 0
    words = ["--run", "trial", "--model", str(tmp_path / "m.pt"), "--samples", str(tmp_path / "s.npz")]
    assert sample.main([*words, "--record", str(tmp_path / "s.json"), "--log", str(tmp_path / "log")]) == 1
    assert "run trial: dgm.models.classifier offers no samples" in capsys.readouterr().err
