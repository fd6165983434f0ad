"""Every metric of a build is declared, and only what has a direction can be compared."""

import csv
from pathlib import Path

import pandas as pd
import pytest
from sentences import runs

from dgm.evaluation.registry import FILE, METRICS, UNNAMED_UNITS, declared, explained, higher_is_better


def test_every_metric_of_a_trained_run_is_declared(tiny_results: Path) -> None:
    table = pd.concat(pd.read_csv(tiny_results / "tables" / f"{name}.csv") for name in ("metrics", "costs"))
    trained = table[table["run"].isin(runs())]
    assert len(trained) > 500
    assert sorted({metric for metric in trained["metric"] if not declared(metric)}) == []
    written = {(row.metric, "" if pd.isna(row.unit) else row.unit) for row in trained.itertuples()}
    assert sorted((metric, unit) for metric, unit in written if declared(metric).unit != unit) == []


def test_the_registry_says_of_each_metric_what_it_is() -> None:
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["metric"] for row in rows] == sorted(METRICS) and len(rows) == len(METRICS)
    labels = [metric.label for metric in METRICS.values()]
    assert len(set(labels)) == len(labels)
    for metric in METRICS.values():
        assert metric.better in ("", "higher", "lower")
        assert 1 <= len(metric.label.split()) <= 4, metric.metric
        assert 5 <= len(metric.meaning.split()) <= 30 and metric.meaning[-1] not in ".;", metric.metric
        assert metric.unit in UNNAMED_UNITS or explained(metric).count(f"; in {metric.unit}") == 1


def test_meaning_unit_and_direction_make_one_line() -> None:
    assert explained(METRICS["log_likelihood"]).endswith("; in nats; higher is better.")
    assert explained(METRICS["purity"]) == "Share of test images that carry the majority digit of their cluster; higher is better."
    assert explained(METRICS["kl"]).endswith("; in nats.")


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
    assert declared(metric) is None
    with pytest.raises(ValueError, match=f"no metric '{metric}'"):
        higher_is_better(metric)
