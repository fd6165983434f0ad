"""The closed-form illustrations: deterministic, finite, and what they claim to show."""

import json
from pathlib import Path

import numpy as np
import pytest
from shipped import CONFIG, FOLDERS

from assignments.dgm.demonstrations import kl_landscape, mixture_prior
from assignments.ebm.demonstrations import asymmetric_pair, ring_bounds, ring_density
from assignments.elbo.demonstrations import gradient_estimators
from assignments.gdl.demonstrations import mean_field, square_distance, two_mode_fits
from assignments.vaegan.demonstrations import bound_estimators
from dgm.assignments import modules
from dgm.metrics_table import COLUMNS
from dgm.runtime.files import load_arrays
from dgm.settings import Ring
from dgm.stages import demonstrate

HOMES = {name: folder for folder in FOLDERS.values() for name in modules(folder / "demonstrations")}


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


def test_kl_landscape(tiny_results: Path) -> None:
    arrays = load_arrays(tiny_results / "arrays" / "kl_landscape.npz")
    lowest = np.unravel_index(arrays["reverse"].argmin(), arrays["reverse"].shape)
    assert abs(arrays["mean"][lowest[1]]) == pytest.approx(4, abs=0.2)
    assert arrays["reverse"].min() >= arrays["reverse_minima"][:, 2].min()
    assert arrays["forward"].min() >= arrays["forward_minimum"][2]
    ends = arrays["paths"][:, -1]
    assert np.all(np.abs(ends[arrays["starts"][:, 0] == -6.0, 0] + 4) < 0.01)
    assert set(np.sign(arrays["central"][:50] - 0.7)) == {-1.0}
    readings = {(metric, split): number.value for metric, split, number in kl_landscape.measure(arrays)}
    assert readings["sd", "forward_far"] == pytest.approx(17**0.5)
    assert {split for _, split in readings} >= {"reverse_far_left", "reverse_between_centre", "reverse_close_centre", "appear"}


def test_estimator_demonstrations_follow_their_seed_and_their_closed_forms() -> None:
    for module in (bound_estimators, gradient_estimators):
        first, again, other = (module.compute(seed) for seed in (0, 0, 1))
        assert all(np.array_equal(first[name], again[name]) for name in first)
        assert any(not np.array_equal(first[name], other[name]) for name in first)
        numbers = {(metric, split): number for metric, split, number in module.measure(first)}
        for (metric, split), number in numbers.items():
            if metric == "variance_sampled":
                assert number.value == pytest.approx(numbers["variance", split].value, abs=5 * number.stderr + 1e-9)


def test_asymmetric_pair() -> None:
    arrays = asymmetric_pair.compute()
    for reading in asymmetric_pair.READINGS:
        assert np.trapezoid(arrays[f"{reading}_q"], arrays["x"]) == pytest.approx(1, abs=1e-6)
        assert np.all(arrays[f"{reading}_pq"] > 5 * arrays[f"{reading}_qp"])
        assert np.all(np.diff(arrays[f"{reading}_qp_by_weight"]) < 0)


def test_the_rings_are_those_of_the_config() -> None:
    rings = {f"ring_{name}": Ring(radius=radius, components=ring_density.COMPONENTS) for name, radius in ring_density.RADII.items()}
    assert rings == {name: Ring(**block) for name, block in CONFIG["rings"].items()}


def test_ring_bounds() -> None:
    arrays = ring_bounds.compute()
    for ring in ring_bounds.RADII:
        assert np.all(arrays[f"{ring}_uniform"] <= arrays[f"{ring}_exact"] + 1e-9)
        assert arrays[f"{ring}_at_mean"][-1] == pytest.approx(arrays[f"{ring}_around_limit"][0], abs=1e-6)
        assert np.all(arrays[f"{ring}_at_half"] <= arrays[f"{ring}_at_mean"] + 1e-9)
    gaps = {split: number.value for metric, split, number in ring_bounds.measure(arrays) if metric == "gap"}
    assert gaps["r10_centre"] == pytest.approx(0)
    assert gaps["r10_mean"] > 90


def test_mixture_prior() -> None:
    arrays = mixture_prior.compute()
    given, averaged, geometric = arrays["marks"]
    assert given[1] < averaged[1] < geometric[1] < arrays["log_evidence"][0]
    assert arrays["bound"].max() <= geometric[1]
    assert arrays["gamma"][arrays["bound"].argmax()] == pytest.approx(geometric[0], abs=0.005)
    # the estimates meet as the code gets certain
    assert np.all(np.diff(np.abs(arrays["averaged"] - arrays["geometric"])) < 0)
    assert np.all(np.diff(arrays["loss"]) < 0)
    rows = {(metric, split): measured.value for metric, split, measured in mixture_prior.measure(arrays)}
    assert rows["bound", "geometric"] == geometric[1]
    assert rows["bound_given_away", "variance 0.01"] == arrays["loss"][2]


@pytest.mark.parametrize("name", list(HOMES))
def test_the_stage_writes_the_arrays(name: str, tiny_results: Path) -> None:
    written = load_arrays(tiny_results / "arrays" / f"{name}.npz")
    assert all(np.isfinite(values).all() for values in written.values())
    assert (tiny_results / "metrics" / f"{name}.csv").read_text().startswith(",".join(COLUMNS))
    record = json.loads((tiny_results / "records" / "demonstrate" / f"{name}.json").read_text())
    assert set(record["arrays"]) == set(written)


def test_an_unknown_illustration_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = ["--arrays", str(tmp_path / "a.npz"), "--metrics", str(tmp_path / "m.csv"), "--record", str(tmp_path / "r.json")]
    command = ["--assignment", str(HOMES["mean_field"]), "--name", "mean_feld", "--seed", "0", *files]
    assert demonstrate.main(command) == 1
    message = capsys.readouterr().err
    assert "mean_feld" in message
    assert "mean_field" in message
    assert not (tmp_path / "a.npz").exists()
