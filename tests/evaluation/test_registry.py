"""Every metric of a build is declared, and only what has a direction can be compared."""

from pathlib import Path

import pandas as pd
import pytest
from sentences import runs

from dgm.evaluation.registry import DECLARED, HIGHER, LOWER, NEITHER, declared, higher_is_better


def test_every_metric_of_a_trained_run_is_declared(tiny_results: Path) -> None:
    table = pd.concat(pd.read_csv(tiny_results / "tables" / f"{name}.csv") for name in ("metrics", "costs"))
    trained = table[table["run"].isin(runs())]
    assert len(trained) > 500
    assert sorted({metric for metric in trained["metric"] if not declared(metric)}) == []


def test_no_metric_stands_in_two_lists() -> None:
    assert len(DECLARED) == len(HIGHER) + len(LOWER) + len(NEITHER)


@pytest.mark.parametrize(
    ("metric", "upwards"),
    [
        ("log_likelihood_median", True), ("clustering_accuracy", True), ("iwae_50", True), ("defensive_5000", True),
        ("exact_iwae_100", True),
        ("recognised_low_temperature", True), ("frechet_distance_second", False), ("bits_per_dim", False), ("train_seconds", False),
        ("missing_classes", False), ("two_sample_accuracy", False),
    ],
)  # fmt: skip
def test_directions(metric: str, upwards: bool) -> None:
    assert higher_is_better(metric) is upwards


@pytest.mark.parametrize("metric", ["jsd_bound", "class_entropy", "kl", "parameters", "neighbour_distance", "annealed_minus_exact"])
def test_what_a_model_is_has_no_better_direction(metric: str) -> None:
    with pytest.raises(ValueError, match="no better direction"):
        higher_is_better(metric)


@pytest.mark.parametrize("metric", ["weather", "bound_of_something", "log_likelyhood", "iwae_x"])
def test_an_undeclared_direction_is_an_error_that_names_near_ones(metric: str) -> None:
    assert not declared(metric)
    with pytest.raises(ValueError, match=f"no direction declared for metric '{metric}'"):
        higher_is_better(metric)
