"""Self-normalised importance sampling: weights, estimates with their errors, and the score that is no likelihood."""

import numpy as np
import pytest

from assignments.ebm.demonstrations import importance_convergence as line
from dgm.maths import importance_sampling


def draws(m: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    x = line.SPREAD * np.random.default_rng(seed).standard_normal(m)
    return x, line.energy(x) - line.log_proposal(x)


def test_estimates_cover_the_exact_values() -> None:
    means, normalisers = [], []
    for seed in range(200):
        x, log_weights = draws(500, seed)
        mean, normaliser = importance_sampling.expectation(log_weights, x**2), importance_sampling.log_normaliser(log_weights)
        means.append(abs(mean.value - line.EXACT_MEAN) < 1.96 * mean.stderr)
        normalisers.append(abs(normaliser.value - line.EXACT_LOG_NORMALISER) < 1.96 * normaliser.stderr)
    assert 0.89 < np.mean(means) <= 0.995
    assert 0.89 < np.mean(normalisers) <= 0.995


def test_a_constant_cancels_in_expectations_and_adds_to_the_normaliser() -> None:
    x, log_weights = draws(1000)
    assert importance_sampling.expectation(log_weights + 900, x**2).value == pytest.approx(
        importance_sampling.expectation(log_weights, x**2).value
    )
    shifted, plain = (importance_sampling.log_normaliser(values) for values in (log_weights + 900, log_weights))
    assert shifted.value - plain.value == pytest.approx(900)
    assert shifted.stderr == pytest.approx(plain.stderr)


def test_effective_sample_size_between_one_and_all() -> None:
    assert importance_sampling.effective_sample_size(np.full(50, -3.0)) == pytest.approx(50)
    assert importance_sampling.effective_sample_size(np.array([0.0] + [-800.0] * 49)) == pytest.approx(1)
    assert importance_sampling.effective_sample_size(np.log([1.0, 1.0, 2.0])) == pytest.approx(16 / 6)


def test_a_single_draw_has_no_error() -> None:
    assert np.isnan(importance_sampling.log_normaliser(np.array([0.3])).stderr)


def test_softmax_scores_say_nothing_about_the_plane() -> None:
    values = np.random.default_rng(0).normal(0, 3, 400)
    scores = importance_sampling.softmax_scores(values)
    assert np.exp(scores).sum() == pytest.approx(1)
    np.testing.assert_allclose(importance_sampling.softmax_scores(values + 1e4), scores, atol=1e-9)
    assert scores.mean() < -np.log(400)
    np.testing.assert_allclose(importance_sampling.softmax_scores(np.zeros(400)), -np.log(400))
