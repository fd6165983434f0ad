"""What all stages share: records, logs, and one message for an expected error."""

import argparse
import json
import signal
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from disks import fill, mounted

from dgm.runtime import stage
from dgm.runtime.interruption import Interrupted


def _arguments(folder: Path) -> argparse.Namespace:
    return stage.parser("a stage").parse_args(["--record", str(folder / "r" / "record.json"), "--log", str(folder / "x.log")])


def test_the_record_says_what_was_done(tmp_path: Path) -> None:
    assert stage.run(lambda arguments: {"run": "nice", "steps": 7}, _arguments(tmp_path), "train") == 0
    record = json.loads((tmp_path / "r" / "record.json").read_text())
    assert record["stage"] == "train"
    assert record["command"].startswith("python -m dgm.stages.train")
    assert (record["run"], record["steps"]) == ("nice", 7)
    assert record["seconds"] >= 0
    assert "numpy" in record["versions"]


@pytest.mark.parametrize("kind", [ValueError, OSError, KeyError, FloatingPointError])
def test_an_expected_error_is_one_line_and_leaves_no_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: type[Exception]
) -> None:
    def work(arguments: argparse.Namespace) -> dict[str, Any]:
        raise kind("bad value")

    assert stage.run(work, _arguments(tmp_path), "train") == 1
    assert capsys.readouterr().err == "train: bad value\n"
    assert (tmp_path / "x.log").read_text() == "train: bad value\n"
    assert not (tmp_path / "r" / "record.json").exists()


def test_a_defect_keeps_its_traceback_in_the_log(tmp_path: Path) -> None:
    def work(arguments: argparse.Namespace) -> dict[str, Any]:
        raise TypeError("a defect")

    with pytest.raises(TypeError, match="a defect"):
        stage.run(work, _arguments(tmp_path), "train")
    log = (tmp_path / "x.log").read_text()
    assert "Traceback" in log
    assert "TypeError: a defect" in log
    assert not (tmp_path / "r" / "record.json").exists()


def test_a_log_that_cannot_be_written_does_not_hide_the_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.log").mkdir()

    def work(arguments: argparse.Namespace) -> dict[str, Any]:
        raise ValueError("the error")

    assert stage.run(work, _arguments(tmp_path), "train") == 1
    assert "the error" in capsys.readouterr().err


def test_the_logger_appends(tmp_path: Path) -> None:
    say = stage.logger(tmp_path / "logs" / "x.log")
    say("one")
    say("two")
    assert [line.split(" ", 1)[1] for line in (tmp_path / "logs" / "x.log").read_text().splitlines()] == ["one", "two"]


def test_commit_is_hexadecimal_or_absent() -> None:
    found = stage.commit()
    assert found == {} or (len(found["commit"]) == 40 and isinstance(found["dirty"], bool))


def test_operations_without_a_deterministic_implementation_stand_in_the_record(tmp_path: Path) -> None:
    def work(arguments: argparse.Namespace) -> None:
        for name in ("cumsum_cuda_kernel", "put_", "cumsum_cuda_kernel"):
            warnings.warn(f"{name} does not have a deterministic implementation, but you set …", UserWarning, stacklevel=1)

    assert stage.run(work, _arguments(tmp_path), "train") == 0
    record = json.loads((tmp_path / "r" / "record.json").read_text())
    assert record["nondeterministic"] == ["cumsum_cuda_kernel", "put_"]


def test_torch_warns_in_the_words_that_are_looked_for(tmp_path: Path) -> None:
    def work(arguments: argparse.Namespace) -> None:
        torch.zeros(3).put_(torch.tensor([0]), torch.ones(1))

    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        assert stage.run(work, _arguments(tmp_path), "train") == 0
    finally:
        torch.use_deterministic_algorithms(False)
    assert json.loads((tmp_path / "r" / "record.json").read_text())["nondeterministic"] == ["put_"]


def test_a_record_says_nothing_of_operations_when_none_warned(tmp_path: Path) -> None:
    with warnings.catch_warnings(record=True) as others:
        warnings.simplefilter("always")
        assert stage.run(lambda arguments: warnings.warn("another matter", stacklevel=1), _arguments(tmp_path), "train") == 0
    assert [str(warning.message) for warning in others] == ["another matter"]
    assert "nondeterministic" not in json.loads((tmp_path / "r" / "record.json").read_text())


def test_without_a_terminal_the_log_still_has_the_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone:
        def write(self, text: str) -> int:
            raise OSError(5, "Input/output error")

        def flush(self) -> None:
            raise OSError(5, "Input/output error")

    def work(arguments: argparse.Namespace) -> dict[str, Any]:
        signal.raise_signal(signal.SIGHUP)
        return {}

    monkeypatch.setattr("sys.stderr", Gone())
    with pytest.raises(Interrupted):
        stage.run(work, _arguments(tmp_path), "train")
    assert (tmp_path / "x.log").read_text().endswith("stopped by SIGHUP; the next call starts this job again\n")


def test_a_log_on_a_full_disk_is_no_reason_to_stop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with mounted(tmp_path / "disk", "size=1m") as disk:
        fill(disk, but=0)
        stage.logger(disk / "logs" / "x.log")("epoch 1")
    assert capsys.readouterr().err.endswith(" epoch 1\n")
