"""The closed-form illustrations: deterministic, finite, and what they claim to show."""

import json
from pathlib import Path

import numpy as np
import pytest

from dgm.demonstrations import mean_field, square_distance, two_mode_fits
from dgm.files import load_arrays
from dgm.measurements import COLUMNS
from dgm.stages import demonstrate

NAMES = ("mean_field", "square_distance", "two_mode_fits")


def test_two_mode_fits() -> None:
    arrays = two_mode_fits.compute()
    for name in ("target", "forward", "reverse_left", "reverse_right"):
        assert np.trapezoid(arrays[name], arrays["x"]) == pytest.approx(1, abs=1e-2)
    (_, forward_sd, forward), (left, _, reverse), (right, _, _) = arrays["optima"]
    assert forward_sd == pytest.approx(17**0.5)
    assert left == pytest.approx(-right, abs=1e-6)
    assert reverse < np.log(2) < forward
    # a start at a mode joins the centre while the modes overlap, and ends below it once they have parted
    apart = arrays["separation"] > 2.81
    assert np.all(arrays["reverse_side"][apart] < arrays["reverse_central"][apart])
    close = arrays["separation"] < 2
    np.testing.assert_allclose(arrays["reverse_side"][close], arrays["reverse_central"][close], atol=1e-6)


def test_mean_field() -> None:
    arrays = mean_field.compute()
    np.testing.assert_allclose(arrays["reverse_variance"], 1 - arrays["rho"] ** 2)
    np.testing.assert_allclose(arrays["forward_variance"], 1)
    for name in ("target", "reverse"):
        mass = np.trapezoid(np.trapezoid(arrays[name], arrays["axis"]), arrays["axis"])
        assert mass == pytest.approx(1, abs=0.01)


def test_square_distance_follows_its_seed() -> None:
    first, again, other = (square_distance.compute(seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first["distances"], again["distances"])
    assert not np.array_equal(first["distances"], other["distances"])
    centres = (first["edges"][1:] + first["edges"][:-1]) / 2
    expected = np.interp(centres, first["z"], first["density"])
    assert np.abs(first["histogram"] - expected).max() < 0.1


@pytest.mark.parametrize("name", NAMES)
def test_the_stage_writes_the_arrays(name: str, tmp_path: Path) -> None:
    arrays, record = tmp_path / "a.npz", tmp_path / "r.json"
    table = tmp_path / "m.csv"
    command = ["--name", name, "--arrays", str(arrays), "--metrics", str(table), "--seed", "3", "--record", str(record)]
    assert demonstrate.main(command) == 0
    assert table.read_text().startswith(",".join(COLUMNS))
    written = load_arrays(arrays)
    assert all(np.isfinite(values).all() for values in written.values())
    assert set(json.loads(record.read_text())["arrays"]) == set(written)


def test_an_unknown_illustration_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = ["--arrays", str(tmp_path / "a.npz"), "--metrics", str(tmp_path / "m.csv"), "--record", str(tmp_path / "r.json")]
    command = ["--name", "mean_feld", "--seed", "0", *files]
    assert demonstrate.main(command) == 1
    message = capsys.readouterr().err
    assert "mean_feld" in message
    assert "mean_field" in message
    assert not (tmp_path / "a.npz").exists()
