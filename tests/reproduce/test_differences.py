"""What two builds differ in: times and places are no difference, everything else is, and is named."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dgm.metrics_table import COLUMNS
from dgm.models import save_model
from dgm.reproduce.differences import compare, describe, entries, places, same_costs
from dgm.runtime.files import save_arrays, save_json

OUTPUTS = frozenset(
    {"models/nice.pt", "samples/nice.npz", "metrics/nice.csv", "tables/costs.csv", "figures/a.svg", "report/index.html"}
)


def _costs(path: Path, seconds: float, n: int = 3) -> None:
    rows = [["nice", "nice", "train_seconds", seconds, "nan", n, "train", "s"]]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])


def _record(command: str = "", **extra: Any) -> dict[str, Any]:
    said = command or "python -m dgm.stages.train --run nice --threads 1 --gpu 0"
    measured = {
        "started": "2026-01-01T00:00:00+00:00",
        "seconds": 1.5,
        "seconds_in_steps": 1.0,
        "device": {"type": "cpu", "name": "A"},
    }
    return {"stage": "train", "name": "nice", "command": said, "steps": 7, **measured, **extra}


def build(folder: Path, seconds: float = 1.0, report_dir: str = "report") -> Path:
    """A results folder of one run."""
    for name in (
        "models",
        "samples",
        "metrics",
        "tables",
        "figures",
        "report",
        "records/train",
        "records/collect",
    ):
        (folder / name).mkdir(parents=True)
    model = torch.nn.Linear(2, 2)
    with torch.no_grad():
        model.weight.copy_(torch.arange(4.0).reshape(2, 2))
        model.bias.zero_()
    save_model(folder / "models" / "nice.pt", "nice", {}, model)
    save_arrays(folder / "samples" / "nice.npz", {"samples": np.arange(6.0), "labels": np.arange(3)})
    (folder / "metrics" / "nice.csv").write_text("run,metric,value\nnice,bound,-100.5\nnice,fid,3.25\n")
    (folder / "figures" / "a.svg").write_text("<svg/>")
    (folder / "report" / "index.html").write_text(f"{seconds} s")
    _costs(folder / "tables" / "costs.csv", seconds)
    save_json(folder / "records" / "train" / "nice.json", _record(seconds=seconds, seconds_in_steps=seconds / 2))
    collected = _record(f"python -m dgm.stages.collect --report-dir {report_dir}", stage="collect", name="questions")
    save_json(folder / "records" / "collect" / "questions.json", collected)
    return folder


@pytest.fixture
def first(tmp_path: Path) -> Path:
    return build(tmp_path / "first")


@pytest.fixture
def second(tmp_path: Path) -> Path:
    return build(tmp_path / "second", seconds=2.0, report_dir="../../clone/report")


def _without_report(name: str) -> bool:
    return not name.startswith("report/")


def test_times_and_places_are_no_difference(first: Path, second: Path) -> None:
    found = compare(first, second, OUTPUTS, _without_report)
    assert found.equal, found.table()
    assert {part.name: part.files for part in found.parts} == {
        "models": 1,
        "samples": 1,
        "metrics": 1,
        "figures": 1,
        "tables/costs.csv, but for times": 1,
        "records, but for times and place": 2,
    }


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("figures/a.svg", "<svg> </svg>", "other bytes (6 and 12 of them)"),
        (
            "metrics/nice.csv",
            "run,metric,value\nnice,bound,-100.25\nnice,fid,3.0\n",
            "numbers of 2 lines differ, by at most 0.25 (line 2)",
        ),
        ("metrics/nice.csv", "run,metric,value\nnice,bound,-100.5\n", "other rows or columns (3 and 2 lines)"),
        ("metrics/nice.csv", "run,metric,value\nnice,elbo,-100.5\nnice,fid,3.25\n", "line 2 has other words"),
        ("records/train/nice.json", _record(steps=8), "steps: 7 / 8"),
        ("records/train/nice.json", _record(nondeterministic=["put_"]), "nondeterministic: None / ['put_']"),
        ("records/train/nice.json", _record("python -m dgm.stages.train --run gan --threads 1 --gpu 0"), "command: "),
    ],
)
def test_another_content_is_a_difference(first: Path, second: Path, name: str, content: str | dict[str, Any], said: str) -> None:
    if isinstance(content, dict):
        save_json(second / name, content)
    else:
        (second / name).write_text(content)
    found = compare(first, second, OUTPUTS, _without_report)
    assert not found.equal
    (told,) = [part.differences for part in found.parts if part.differences]
    assert list(told) == [name]
    assert told[name].startswith(said)
    assert f"{name}: {said}" in found.table()


def test_files_of_one_build_alone_are_named(first: Path, second: Path) -> None:
    (second / "samples" / "nice.npz").unlink()
    (second / "samples" / "gan.npz").write_text("new")
    (first / "models" / "nice-seed1.pt").write_text("of a build with more seeds")
    found = compare(first, second, OUTPUTS, _without_report)
    assert {name: said for part in found.parts for name, said in part.differences.items()} == {
        "samples/nice.npz": "is not in the second build",
        "samples/gan.npz": "is not in the first build",
    }
    assert found.only_first == ("models/nice-seed1.pt",)


def test_the_largest_difference_of_weights_and_arrays_is_told(first: Path, second: Path) -> None:
    changed = torch.load(second / "models" / "nice.pt", weights_only=True)
    changed["state"]["weight"][1, 0] += 0.5
    torch.save(changed, second / "models" / "nice.pt")
    assert describe(first / "models/nice.pt", second / "models/nice.pt") == "state.weight differs by at most 0.5"
    other = {"samples": np.array([0, 1, 2, 3, 4, np.nan]), "labels": np.array([0, 1, 4])}
    save_arrays(second / "samples" / "nice.npz", other)
    assert describe(first / "samples/nice.npz", second / "samples/nice.npz") == "samples differs by at most inf"
    save_arrays(second / "samples" / "nice.npz", {"samples": np.arange(5.0), "labels": np.arange(3)})
    assert describe(first / "samples/nice.npz", second / "samples/nice.npz") == "samples is float64 [6] / float64 [5]"
    save_arrays(second / "samples" / "nice.npz", {"samples": np.arange(6.0)})
    assert describe(first / "samples/nice.npz", second / "samples/nice.npz") == "in one file alone: labels"
    (second / "samples" / "nice.npz").write_text("damaged")
    assert "not readable" in describe(first / "samples/nice.npz", second / "samples/nice.npz")


def test_costs_are_compared_but_for_what_is_measured(tmp_path: Path) -> None:
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    _costs(one, 1.0)
    _costs(two, 9.0)
    assert same_costs(one, two) == ""
    _costs(two, 1.0, n=4)
    assert same_costs(one, two) == "1 numbers rest on another count, the first is nice nice train_seconds train s"
    two.write_text(",".join(COLUMNS) + "\n")
    assert same_costs(one, two) == "1 rows are in one of the tables alone, the first is nice nice train_seconds train s"


def test_a_command_is_told_without_what_the_machine_settles() -> None:
    one = {"command": "python -m x --figures report/figures.yaml --threads 1 --gpu 0 --log 'a b'"}
    two = {"command": "python -m x --figures ../clone/report/figures.yaml --threads 8 --gpu 1 --log 'a b'"}
    assert entries(one) == entries(two, "../clone")
    assert entries(one) != entries({"command": two["command"].replace("a b", "a c")}, "../clone")


def test_devices_and_versions_are_told_where_they_differ(first: Path, second: Path) -> None:
    said = {"artefacts": {}, "devices": [{"type": "cpu", "name": "A"}], "versions": {"torch": "2.1", "numpy": "2.4"}}
    save_json(first / "manifest.json", said)
    save_json(second / "manifest.json", said)
    assert places(first, second) == []
    other = {**said, "devices": [{"type": "cuda", "name": "B"}], "versions": {"torch": "2.2", "numpy": "2.4"}}
    save_json(second / "manifest.json", other)
    assert places(first, second) == ["device: A / B", "torch: 2.1 / 2.2"]
