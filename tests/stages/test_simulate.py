"""The simulate stage: splits of their own, one seed one data set, and the scores of the true density."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from dgm.maths import ring_mixture
from dgm.runtime.files import load_arrays
from dgm.stages import simulate


def run(folder: Path, settings: str = '{"radius": 4.0, "points": 300}', seed: int = 0, name: str = "ring_r4") -> int:
    files = [
        f"--{option}={folder / option}.{suffix}" for option, suffix in (("points", "npz"), ("metrics", "csv"), ("record", "json"))
    ]
    return simulate.main(["--name", name, "--settings", settings, "--seed", str(seed), *files])


def test_the_file_holds_three_splits_and_their_truth(tmp_path: Path) -> None:
    assert run(tmp_path) == 0
    arrays = load_arrays(tmp_path / "points.npz")
    assert int(arrays["components"]) == 10
    assert float(arrays["radius"]) == 4.0
    splits = [arrays[split] for split in ("train", "validation", "test")]
    assert [split.shape for split in splits] == [(300, 2)] * 3
    assert not any(np.array_equal(splits[i], splits[j]) for i, j in ((0, 1), (0, 2), (1, 2)))
    for split in ("train", "validation", "test"):
        own = ring_mixture.means(10, 4.0)[arrays[f"{split}_components"]]
        assert np.abs(arrays[split] - own).std() < 1.2  # around the mean of its own component
    assert json.loads((tmp_path / "record.json").read_text())["radius"] == 4.0


def test_the_scores_are_those_of_the_true_density(tmp_path: Path) -> None:
    assert run(tmp_path) == 0
    arrays = load_arrays(tmp_path / "points.npz")
    with (tmp_path / "metrics.csv").open() as file:
        rows = {(row["metric"], row["split"]): row for row in csv.DictReader(file)}
    for split in ("train", "validation", "test"):
        values = ring_mixture.log_density(arrays[split], 10, 4.0)
        row = rows["log_likelihood", split]
        assert float(row["value"]) == pytest.approx(values.mean())
        assert float(row["stderr"]) == pytest.approx(values.std(ddof=1) / np.sqrt(300))
        assert (row["run"], row["kind"]) == ("ring_r4", "truth")
        assert float(rows["softmax_score", split]["value"]) < -np.log(300)


def test_seed_and_name_decide_the_points(tmp_path: Path) -> None:
    def points(folder: str, **changes: object) -> np.ndarray:
        (tmp_path / folder).mkdir()
        assert run(tmp_path / folder, **changes) == 0  # type: ignore[arg-type]
        return load_arrays(tmp_path / folder / "points.npz")["train"]

    first, again, other, named = points("a"), points("b"), points("c", seed=1), points("d", name="ring_other")
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, named)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ('{"radius": 0.0}', "rings.ring_r4.radius: got 0.0"),
        ("{}", "rings.ring_r4.radius: missing"),
        ('{"radius": 1.0, "points": 3}', "rings.ring_r4.points: got 3"),
        ('{"radius": 1.0, "raduis": 3}', "rings.ring_r4.raduis: unknown key"),
    ],
)
def test_bad_settings_are_named_and_nothing_is_written(
    settings: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, settings) == 1
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("*.npz"))
