"""EM for Gaussians with known covariance: Bayes' rule, a rising likelihood, recovery, and matching of labels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dgm.maths import ring_mixture
from dgm.maths import unit_mixture as em


def points(seed: int = 0, n: int = 200, radius: float = 5.0, components: int = 4) -> np.ndarray:
    return ring_mixture.sample(n, components, radius, np.random.default_rng(seed))[0]


def test_the_density_is_that_of_the_ring_at_its_parameters() -> None:
    x = points()
    gamma, log_likelihood = em.e_step(x, ring_mixture.means(4, 5.0), np.full(4, 0.25))
    np.testing.assert_allclose(log_likelihood, ring_mixture.log_density(x, 4, 5.0), atol=1e-10)
    np.testing.assert_allclose(gamma, ring_mixture.responsibilities(x, 4, 5.0), atol=1e-10)


def test_far_points_do_not_underflow() -> None:
    gamma, log_likelihood = em.e_step(np.array([[1e3, 0.0]]), np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([0.5, 0.5]))
    assert np.isfinite(log_likelihood).all()
    np.testing.assert_allclose(gamma.sum(1), 1)
    assert gamma[0, 1] > 0.999


def test_a_component_of_weight_zero_gets_nothing() -> None:
    gamma, log_likelihood = em.e_step(points(), np.array([[0.0, 0.0], [9.0, 9.0]]), np.array([1.0, 0.0]))
    assert np.isfinite(log_likelihood).all()
    assert (gamma[:, 1] == 0).all()
    means, weights = em.m_step(points(), gamma)
    assert np.isfinite(means).all()
    assert weights.tolist() == [1.0, 0.0]


def test_the_m_step_is_a_weighted_mean() -> None:
    x = points(n=6)
    gamma = np.random.default_rng(0).dirichlet(np.ones(3), 6)
    means, weights = em.m_step(x, gamma)
    for k in range(3):
        np.testing.assert_allclose(means[k], np.average(x, axis=0, weights=gamma[:, k]))
    np.testing.assert_allclose(weights, gamma.mean(0))


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), components=st.integers(1, 6), radius=st.floats(0.5, 8))
def test_the_likelihood_never_falls(seed: int, components: int, radius: float) -> None:
    x = points(seed, 80, radius, 5)
    trace = em.em(x, *em.start(x, components, seed), iterations=40, tolerance=0).trace
    assert (np.diff(trace) >= -1e-12 * np.abs(trace[:-1])).all()


def test_the_best_start_is_kept_and_recovers_the_means() -> None:
    x = points(n=800)
    best, fits = em.fit(x, 4, [0, 1, 2])
    assert best.trace[-1] == max(one.trace[-1] for one in fits)
    matched = em.match(best.means, best.weights, ring_mixture.means(4, 5.0), np.full(4, 0.25))
    assert matched.mean_error < 0.25
    assert matched.weight_error < 0.04


def test_no_small_move_of_the_means_raises_the_likelihood() -> None:
    x = points(n=300)
    best, _ = em.fit(x, 4, [0], iterations=500, tolerance=0)
    rng = np.random.default_rng(0)
    for _ in range(10):
        moved = em.e_step(x, best.means + 0.05 * rng.standard_normal((4, 2)), best.weights)[1].mean()
        assert moved < best.trace[-1]


def test_matching_undoes_a_permutation() -> None:
    truth, weights = ring_mixture.means(5, 3.0), np.arange(1, 6) / 15
    order = [3, 0, 4, 1, 2]
    matched = em.match(truth[order], weights[order], truth, weights)
    assert [order[k] for k in matched.order] == [0, 1, 2, 3, 4]
    assert matched.mean_error == 0
    assert matched.weight_error == 0


def test_the_error_is_the_root_mean_square_distance() -> None:
    truth = ring_mixture.means(2, 10.0)
    moved = truth + np.array([[3.0, 4.0], [0.0, 0.0]])
    assert em.match(moved, np.array([0.6, 0.4]), truth, np.array([0.5, 0.5])).mean_error == pytest.approx(np.sqrt(12.5))


@pytest.mark.parametrize(
    ("x", "components", "seeds", "error", "message"),
    [
        (np.zeros((3, 2)), 4, [0], ValueError, "4 components need at least as many points; got 3"),
        (np.zeros((3, 2)), 2, [], ValueError, "at least one start"),
        (np.array([[0.0, np.nan]] * 3), 2, [0], FloatingPointError, "not all finite"),
    ],
)
def test_impossible_input_is_refused(x, components, seeds, error, message) -> None:
    with pytest.raises(error, match=message):
        em.fit(x, components, seeds)


def test_different_numbers_of_components_cannot_be_matched() -> None:
    with pytest.raises(ValueError, match="3 estimated means against 4 true ones"):
        em.match(np.zeros((3, 2)), np.ones(3) / 3, np.zeros((4, 2)), np.ones(4) / 4)
