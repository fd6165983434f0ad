"""What jobs cost: from their records into one table."""

import csv
from pathlib import Path

import pytest

from dgm.evaluation.costs import of_record
from dgm.metrics_table import COLUMNS
from dgm.runtime.files import save_json
from dgm.stages import costs

TRAINED = {"kind": "nice", "seconds_in_steps": 12.0, "epochs": 4, "images_per_second": 500.0, "gpu_peak_bytes": None}
SAMPLED = {"seconds_sampling": 3.0, "count": 2000}
USED = {"seconds": 20.5, "memory_bytes": 1_048_576_000, "cpu_seconds": 19.25}


def test_what_a_training_and_a_sampling_say_of_themselves() -> None:
    found = {metric: (split, reading.value, reading.unit) for metric, split, reading in of_record("train", TRAINED)}
    assert found == {
        "train_seconds": ("train", 12.0, "s"),
        "images_per_second": ("train", 500.0, "1/s"),
        "seconds_per_epoch": ("train", 3.0, "s"),
    }
    [(metric, split, reading)] = of_record("sample", SAMPLED)
    assert (metric, split, reading.value, reading.n) == ("sample_seconds_per_1000", "samples", 1.5, 2000)
    assert list(of_record("evaluate", {})) == []


def test_memory_of_a_gpu_is_that_of_the_job_which_had_one() -> None:
    found = {(metric, split): reading for metric, split, reading in of_record("train", TRAINED | {"gpu_peak_bytes": 2_500_000})}
    assert (found["gpu_peak_memory", "train"].value, found["gpu_peak_memory", "train"].unit) == (2.5, "MB")


def test_what_every_job_says_of_itself() -> None:
    found = {metric: (split, reading.value, reading.unit) for metric, split, reading in of_record("evaluate", USED)}
    assert found == {
        "peak_memory": ("evaluate", 1048.576, "MB"),
        "job_seconds": ("evaluate", 20.5, "s"),
        "job_cpu_seconds": ("evaluate", 19.25, "s"),
    }


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Records of three jobs of a run, one of which says nothing of what it used."""
    for stage, record in (("train", TRAINED | USED), ("sample", SAMPLED), ("evaluate", USED)):
        path = tmp_path / "records" / stage / "flow.json"
        save_json(path, {"stage": stage, "name": "flow", **record})
    return tmp_path


def tabulated(results: Path) -> int:
    words = ["--jobs", "train/flow", "sample/flow", "evaluate/flow", "--table", str(results / "costs.csv")]
    return costs.main(["--results", str(results), *words, "--record", str(results / "record.json")])


def test_the_table_has_the_columns_of_the_metrics(results: Path) -> None:
    assert tabulated(results) == 0
    with (results / "costs.csv").open() as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    assert tuple(reader.fieldnames or ()) == COLUMNS
    assert {(row["run"], row["kind"]) for row in rows} == {("flow", "nice")}
    assert {(row["metric"], row["split"]): float(row["value"]) for row in rows}.items() >= {
        ("train_seconds", "train"): 12.0, ("sample_seconds_per_1000", "samples"): 1.5,
        ("peak_memory", "train"): 1048.576, ("job_seconds", "evaluate"): 20.5,
    }.items()  # fmt: skip
    assert ("job_seconds", "sample") not in {(row["metric"], row["split"]) for row in rows}


def test_a_file_that_is_not_readable_is_named(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (results / "records" / "train" / "flow.json").write_text("")
    assert tabulated(results) == 1
    assert "train/flow.json: not readable" in capsys.readouterr().err
