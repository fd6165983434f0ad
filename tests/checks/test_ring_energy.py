"""The claims on rings, kernel estimates and energy-based models fail when a formula or a result is wrong."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from dgm import gaussian_mixture, importance, kernel_density, ring
from dgm.checks import Evidence, claims
from dgm.checks.ebm import energy
from dgm.demonstrations import importance_convergence
from dgm.files import load_arrays, save_arrays
from dgm.measurements import Measured
from dgm.models import ebm

CHECKS = claims("ebm")


def false_claims(question: str, results: Path) -> list[str]:
    """Statements of the claims that need no full budget and do not hold."""
    return [claim.statement for claim in CHECKS[question](Evidence(results)) if not claim.passed and not claim.needs_full_budget]


def one_component(x, components, radius):
    """The published first line: the same mean in every term of the sum."""
    return -0.5 * ((x - ring.means(components, radius)[0]) ** 2).sum(1) - np.log(2 * np.pi)


def unweighted(x, means, weights):
    """An E step without the weights."""
    squares = ((x[:, None] - means) ** 2).sum(2)
    joint = np.exp(-0.5 * squares) / (2 * np.pi)
    return joint / joint.sum(1, keepdims=True), np.log(joint.mean(1))


def single_expectation(log_weights, values):
    """The published last but one line: the weights cancel and E_q[f] remains."""
    from dgm.measurements import mean

    return mean(values)


def with_proposal_weights(model):
    """The second term of the gradient as a plain average over the grid."""
    points, data = energy._plane()
    parameters = list(model.parameters())
    raised, lowered = (torch.autograd.grad(model.energy(x).mean(), parameters) for x in (data, points))
    return tuple(torch.cat([part.ravel() for part in parts]) for parts in (raised, lowered))


def unmatched(means, weights, true_means, true_weights):
    """Errors without matching the labels."""
    squares = ((means - true_means) ** 2).sum(1)
    error = float(np.sqrt(squares.mean()))
    return gaussian_mixture.Matched(list(range(len(means))), error, float(np.abs(weights - true_weights).mean()))


def plus(on_data, on_proposal, log_proposal):
    """The sign of the normaliser turned."""
    normaliser = (on_proposal - log_proposal).logsumexp(0) - np.log(len(on_proposal))
    return on_data.mean() + normaliser, normaliser


MUTATIONS: list[tuple[str, object, str, Callable[..., object]]] = [
    ("ebm-1-1", ring, "log_density", one_component),
    ("ebm-1-1", ring, "log_density", lambda x, components, radius: ring.log_joint(x, components, radius).max(1)),
    ("ebm-1-2-r10", ring, "means", lambda components, radius: np.zeros((components, 2))),
    ("ebm-1-2-r10", gaussian_mixture, "e_step", unweighted),
    ("ebm-1-2-r10", gaussian_mixture, "m_step", lambda x, gamma: (gamma.T @ x / len(x), gamma.mean(0))),
    ("ebm-1-2-r1", ring, "means", lambda components, radius: np.ones((components, 2))),
    ("ebm-1-2-r1", gaussian_mixture, "match", unmatched),
    ("ebm-1-3", kernel_density, "BANDWIDTHS", [float(v) for v in np.geomspace(0.1, 5, 20)]),
    ("ebm-1-3", kernel_density, "log_density", lambda x, kernels, h: -0.5 * ((x[:, None] - kernels) ** 2).sum(2).mean(1) / h**2),
    ("ebm-1-4", energy, "_gradients", with_proposal_weights),
    ("ebm-1-4", ebm, "objective", plus),
    ("ebm-1-5", importance, "expectation", single_expectation),
    ("ebm-1-5", importance, "log_normaliser", lambda log_weights: Measured(float(log_weights.mean()))),
    ("ebm-1-5", importance_convergence, "log_proposal", lambda x: -0.5 * (x / 1.5) ** 2),
    ("ebm-1-5", importance, "effective_sample_size", lambda log_weights: float(len(log_weights) - 1)),
    ("ebm-1-6", ebm, "objective", plus),
    ("ebm-1-6", ebm.Model, "slopes", lambda self, directions=3600: self.energy(self.centre.expand(directions, 2))),
    ("ebm-1-7", importance, "softmax_scores", lambda values: values - values.max()),
]


@pytest.mark.parametrize(("question", "owner", "name", "wrong"), MUTATIONS, ids=[f"{q}-{name}" for q, _, name, _ in MUTATIONS])
def test_a_wrong_formula_is_rejected(question, owner, name, wrong, tiny_results, monkeypatch) -> None:
    monkeypatch.setattr(owner, name, wrong)
    assert false_claims(question, tiny_results)


def test_an_objective_without_the_normaliser_is_rejected(tiny_results, monkeypatch) -> None:
    monkeypatch.setattr(energy, "_log_likelihood", lambda model: model.energy(energy._plane()[1]).mean())
    assert sum("relative error" in statement for statement in false_claims("ebm-1-4", tiny_results)) == 3


def test_a_published_score_is_rejected(copied) -> None:
    """The softmax score in the place of the energy-based model's log-likelihood."""
    verdicts = []
    for level in (-5.2, -7.95):
        path = copied / "evaluations" / "ebm_r10.npz"
        arrays = load_arrays(path)
        arrays["log_likelihood_test"] = np.full_like(arrays["log_likelihood_test"], level)
        save_arrays(path, arrays)
        verdicts += judged("ebm-1-7", copied, "test log-likelihood of the energy-based model")
    assert verdicts == [True, False]


@pytest.fixture
def copied(tiny_results: Path, tmp_path: Path) -> Path:
    """The parts of the results that the claims read, to be changed."""
    for folder in ("tables", "arrays", "data", "samples", "history"):
        shutil.copytree(tiny_results / folder, tmp_path / folder)
    (tmp_path / "evaluations").mkdir()
    for path in (tiny_results / "evaluations").glob("*_r1*.npz"):
        shutil.copy(path, tmp_path / "evaluations")
    (tmp_path / "models").symlink_to(tiny_results / "models")
    return tmp_path


def judged(question: str, results: Path, part: str) -> list[bool]:
    """Verdicts of the claims whose statement contains ``part``."""
    return [claim.passed for claim in CHECKS[question](Evidence(results)) if part in claim.statement]


@pytest.mark.parametrize(
    ("question", "run", "metric", "split", "bad", "good", "part"),
    [
        ("ebm-1-2-r10", "gmm_r10", "mean_error", "model", 0.3, 0.14, "below $0.25$"),
        ("ebm-1-2-r10", "gmm_r10", "largest_weight", "model", 0.2, 0.11, "every weight"),
        ("ebm-1-2-r1", "gmm_r1", "log_likelihood", "test", -3.5, -3.25, "test log-likelihood of the fit"),
        ("ebm-1-3", "kde_r10", "bandwidth", "validation", 0.8737, 0.61579, "bandwidth chosen"),
        ("ebm-1-3", "kde_r10", "log_likelihood", "test", -7.95, -5.21, "test log-likelihood at $R=10$"),
        ("ebm-1-6", "ebm_r10", "mass_outside", "model", 0.01, 1e-5, "Gaussian proposal: mass outside"),
        ("ebm-1-6", "ebm_r10", "largest_slope", "model", 0.1, -1.0, "Gaussian proposal: the energy falls"),
        ("ebm-1-6", "ebm_r10", "log_likelihood", "test", -5.4, -5.2, "Gaussian proposal: test log-likelihood above"),
        ("ebm-1-7", "ring_r10", "log_likelihood", "test", -7.209, -5.14, "true density on the test points"),
        ("ebm-1-7", "kde_r10", "gap_to_truth", "test", 2.7, 0.08, "true density to the kernel estimate"),
    ],
)
def test_a_contradicting_result_is_rejected(question, run, metric, split, bad, good, part, copied) -> None:
    path = copied / "tables" / "metrics.csv"
    table = pd.read_csv(path)
    chosen = (table["run"] == run) & (table["metric"] == metric) & (table["split"] == split)
    assert chosen.sum() == 1
    if metric == "largest_weight":
        table.loc[(table["run"] == run) & (table["metric"] == "smallest_weight"), "value"] = 0.09
    verdicts = []
    for value in (good, bad):
        table.loc[chosen, "value"] = value
        table.to_csv(path, index=False)
        verdicts += judged(question, copied, part)
    assert verdicts == [True, False]
