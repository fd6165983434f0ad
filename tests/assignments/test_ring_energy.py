"""Findings on rings, kernel estimates and energy-based models follow their numbers."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from outcomes import false_claims, findings

from assignments.ebm.claims import energy
from dgm.runtime.files import load_arrays, save_arrays


def test_an_objective_without_the_normaliser_is_rejected(tiny_results, monkeypatch) -> None:
    monkeypatch.setattr(energy, "_log_likelihood", lambda model: model.energy(energy._plane()[1]).mean())
    wrong = {"gradient-formula-error", "second-term-must-be-subtracted", "training-gradient-error"}
    assert wrong <= false_claims("ebm-1-4", tiny_results)


@pytest.fixture
def copied(tiny_results: Path, tmp_path: Path) -> Path:
    """The parts of the results that the claims read, to be changed."""
    for folder in ("arrays", "data", "samples", "history"):
        shutil.copytree(tiny_results / folder, tmp_path / folder)
    (tmp_path / "metrics").mkdir()
    shutil.copy(tiny_results / "tables" / "metrics.csv", tmp_path / "metrics" / "all.csv")
    (tmp_path / "evaluations").mkdir()
    for path in (tiny_results / "evaluations").glob("*_r1*.npz"):
        shutil.copy(path, tmp_path / "evaluations")
    (tmp_path / "models").symlink_to(tiny_results / "models")
    return tmp_path


def shown(question: str, results: Path, name: str) -> bool:
    """Whether a finding is shown by its own error, and excludes what was published."""
    return findings(question, results)[name].passed


@pytest.mark.parametrize(
    ("question", "run", "metric", "split", "bad", "good", "name"),
    [
        ("ebm-1-2-r10", "gmm_r10", "mean_error", "model", 0.3, 0.14, "means-found"),
        ("ebm-1-2-r10", "gmm_r10", "largest_weight", "model", 0.2, 0.11, "weights-found"),
        ("ebm-1-2-r1", "gmm_r1", "gap_to_truth", "test", 0.3, 0.01, "near-the-truth"),
        ("ebm-1-3", "kde_r10", "bandwidth", "validation", 0.8737, 0.61579, "third-value"),
        ("ebm-1-3", "kde_r10", "gap_to_truth", "test", 2.7, 0.06, "near-the-truth"),
        ("ebm-1-6", "", "mass_outside", "model", 0.01, 1e-5, "mass-inside"),
        ("ebm-1-6", "", "largest_slope", "model", 0.1, -1.0, "integrable"),
        ("ebm-1-6", "ebm_r10", "gap_to_truth", "test", 0.3, 0.05, "near-the-truth-gaussian"),
        ("ebm-1-6", "ebm_r10", "effective_share", "samples", 0.01, 0.12, "many-effective"),
        ("ebm-1-7", "kde_r10", "gap_to_truth", "test", 2.7, 0.06, "kernel-near-the-truth"),
        ("ebm-1-7", "ebm_r10", "gap_to_truth", "train", 0.05, -0.05, "energy-overfits"),
    ],
)
def test_a_finding_follows_its_number(question, run, metric, split, bad, good, name, copied) -> None:
    path = copied / "metrics" / "all.csv"
    table = pd.read_csv(path)
    chosen = table["run"].isin([run] if run else energy.RUNS) & (table["metric"] == metric) & (table["split"] == split)
    assert chosen.sum() == (1 if run else len(energy.RUNS))
    if metric == "largest_weight":
        table.loc[(table["run"] == run) & (table["metric"] == "smallest_weight"), "value"] = 0.09
    table.loc[chosen, ["stderr", "n"]] = [0.01, 100] if split != "samples" else [1e-4, 100]
    verdicts = []
    for value in (good, bad):
        table.loc[chosen, "value"] = value
        table.to_csv(path, index=False, na_rep="nan")
        verdicts.append(shown(question, copied, name))
    assert verdicts == [True, False]


def scored(results: Path, **scores: np.ndarray) -> None:
    """Give models these log-likelihoods of the test points."""
    for run, values in scores.items():
        path = results / "evaluations" / f"{run}.npz"
        arrays = load_arrays(path)
        path.unlink()
        save_arrays(path, arrays | {"log_likelihood_test": values})


def test_a_published_score_is_rejected(copied) -> None:
    """The softmax score in the place of the energy-based model's log-likelihood."""
    points = np.linspace(-1, 1, 100)
    for level, holds in ((-3.0, True), (-7.95, False)):
        scored(copied, ebm_r10=level + points)
        assert shown("ebm-1-7", copied, "no-softmax-score") is holds


def test_models_are_compared_point_by_point(copied) -> None:
    """What the points have in common cancels: a small difference shows through a large scatter."""
    points = 10 * np.random.default_rng(0).standard_normal(100)
    small = 0.01 * np.random.default_rng(1).standard_normal(100)
    scored(copied, ebm_r10=points, kde_r10=points + small, gmm_r10=points + small + 0.1, ebm_r10_m256=points - 0.02 + small)
    assert shown("ebm-1-7", copied, "no-gap")
    assert shown("ebm-1-7", copied, "mixture-beats-energy")
    assert shown("ebm-1-7", copied, "mixture-beats-kernel")
    assert shown("ebm-1-6", copied, "more-points-help")
    scored(copied, ebm_r10=points, kde_r10=points + 2.73, gmm_r10=points + 0.1 * points)
    assert not shown("ebm-1-7", copied, "no-gap")
    assert not shown("ebm-1-7", copied, "mixture-beats-energy")


@pytest.mark.parametrize(
    ("name", "array", "change"),
    [
        ("means-lost", "mean_error_r1", lambda a: a / 10),
        ("weights-lost", "weight_error_r1", lambda a: a / 10),
        ("gain-in-training", "training_gain_r1", lambda a: -a),
        ("gain-below-full", "training_gain_r1", lambda a: a + 0.05),
        ("loss-on-test", "gmm_test_r1", lambda a: a + 1),
        ("beats-kernel", "kde_test_r1", lambda a: a + 1),
    ],
)
def test_findings_over_data_sets_follow_the_repeats(name, array, change, copied) -> None:
    before = shown("ebm-1-2-r1", copied, name)
    path = copied / "arrays" / "ring_repeats.npz"
    arrays = load_arrays(path)
    path.unlink()
    save_arrays(path, arrays | {array: change(arrays[array])})
    assert before
    assert not shown("ebm-1-2-r1", copied, name)


def test_a_kernel_estimate_with_its_highest_point_at_the_edge_has_no_inner_maximum(copied) -> None:
    path = copied / "evaluations" / "kde_r10.npz"
    arrays = load_arrays(path)
    verdicts = []
    for curve in (-np.abs(np.arange(20.0) - 2), -np.arange(20.0), np.sin(np.arange(20.0))):
        path.unlink()
        save_arrays(path, arrays | {"curve_validation": curve})
        verdicts.append(shown("ebm-1-3", copied, "one-peak-wide"))
    assert verdicts == [True, False, False]
