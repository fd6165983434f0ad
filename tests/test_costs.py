"""What jobs cost: from records and benchmark files as Snakemake writes them, into one table."""

import csv
import json
from pathlib import Path

import pytest

from dgm.costs import of_benchmark, of_record
from dgm.measurements import COLUMNS
from dgm.stages import costs

TRAINED = {"kind": "nice", "seconds_in_steps": 12.0, "epochs": 4, "images_per_second": 500.0, "gpu_peak_bytes": None}
SAMPLED = {"seconds_sampling": 3.0, "count": 2000}
MEASURED = {"s": 20.5, "h:m:s": "0:00:20", "max_rss": 1000.0, "cpu_time": 19.25, "mean_load": 93.9}


def test_what_a_training_and_a_sampling_say_of_themselves() -> None:
    found = {metric: (split, reading.value, reading.unit) for metric, split, reading in of_record("train", TRAINED)}
    assert found == {
        "train_seconds": ("train", 12.0, "s"),
        "images_per_second": ("train", 500.0, "1/s"),
        "seconds_per_epoch": ("train", 3.0, "s"),
    }
    [(metric, split, reading)] = of_record("sample", SAMPLED)
    assert (metric, split, reading.value, reading.n) == ("sample_seconds_per_1000", "samples", 1.5, 2000)
    assert list(of_record("evaluate", {"seconds": 3.0})) == []


def test_memory_of_a_gpu_is_that_of_the_job_which_had_one() -> None:
    found = {(metric, split): reading for metric, split, reading in of_record("train", TRAINED | {"gpu_peak_bytes": 2_500_000})}
    assert (found["gpu_peak_memory", "train"].value, found["gpu_peak_memory", "train"].unit) == (2.5, "MB")


def test_what_snakemake_measured() -> None:
    found = {metric: (split, reading.value, reading.unit) for metric, split, reading in of_benchmark("sample", MEASURED)}
    assert found == {
        "peak_memory": ("sample", 1048.576, "MB"),  # 1000 times 2^20 bytes
        "job_seconds": ("sample", 20.5, "s"),
        "job_cpu_seconds": ("sample", 19.25, "s"),
    }


@pytest.mark.parametrize("missing", ["NA", None, float("nan")])
def test_a_job_too_short_to_be_measured_has_no_reading(missing: object) -> None:
    short = MEASURED | {"max_rss": missing, "cpu_time": missing}
    assert [metric for metric, _, _ in of_benchmark("train", short)] == ["job_seconds"]
    assert list(of_benchmark("train", {})) == []


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Records of three jobs of a run, benchmark files of two."""
    for stage, record in (("train", TRAINED), ("sample", SAMPLED), ("evaluate", {"seconds": 1.0})):
        path = tmp_path / "records" / stage / "flow.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(record))
    for stage in ("train", "evaluate"):
        path = tmp_path / "benchmarks" / stage / "flow.jsonl"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"s": 1.0}) + "\n" + json.dumps(MEASURED) + "\n")  # the second line is the later
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
    (results / "benchmarks" / "train" / "flow.jsonl").write_text("")
    assert tabulated(results) == 1
    assert "train/flow.jsonl: not readable" in capsys.readouterr().err
