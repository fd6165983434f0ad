"""The game over laws and its distances, against definitions, numerical search and quadrature."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assignments.vaegan.demonstrations import optimal_discriminator, shifted_intervals
from dgm.maths import adversarial_game as game

seeds = st.integers(0, 1000)
ends = st.tuples(st.floats(-2, 2), st.floats(0.2, 3)).map(lambda pair: (pair[0], pair[0] + pair[1]))


def laws(seed: int, k: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(k), size=2)


def test_a_generated_law_adds_up_the_noise_that_leads_to_a_point() -> None:
    np.testing.assert_allclose(game.generated_law([2, 0, 2], np.array([0.5, 0.2, 0.3]), 4), [0.2, 0, 0.8, 0])


@given(seeds)
def test_no_discriminator_beats_the_best_one(seed: int) -> None:
    data, model = laws(seed)
    other = np.random.default_rng(seed).uniform(0.01, 0.99, 4)
    best = game.best_discriminator(data, model)
    assert game.value(data, model, best) == pytest.approx(game.best_value(data, model))
    lost = game.best_value(data, model) - game.value(data, model, other)
    assert lost == pytest.approx(game.shortfall(data, model, other), abs=1e-12)
    assert lost >= 0


@given(seeds)
def test_jensen_shannon_is_symmetric_and_between_zero_and_log_two(seed: int) -> None:
    p, q = laws(seed)
    assert game.jensen_shannon(p, q) == pytest.approx(game.jensen_shannon(q, p))
    assert 0 < game.jensen_shannon(p, q) < math.log(2)
    assert game.jensen_shannon(p, p) == pytest.approx(0, abs=1e-15)
    assert game.jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == pytest.approx(math.log(2))


def test_points_without_mass_leave_the_value_alone() -> None:
    data, model = np.array([0.5, 0.5, 0, 0]), np.array([0, 0.5, 0.5, 0])
    best = game.best_discriminator(data, model)
    np.testing.assert_array_equal(best, [1, 0.5, 0, 0.5])
    assert game.value(data, model, best) == pytest.approx(-math.log(2))
    best[3] = 0.9
    assert game.value(data, model, best) == pytest.approx(-math.log(2))


@given(ends, ends)
def test_wasserstein_distance_of_intervals_is_the_distance_of_quantiles(p: tuple[float, float], q: tuple[float, float]) -> None:
    u = (np.arange(4000) + 0.5) / 4000
    quantiles = [low + (high - low) * u for low, high in (p, q)]
    assert game.wasserstein_uniform(p, q) == pytest.approx(np.abs(quantiles[0] - quantiles[1]).mean(), abs=1e-6)
    assert game.wasserstein_uniform(p, q) == pytest.approx(game.wasserstein_uniform(q, p))


@given(ends, ends)
def test_jensen_shannon_of_intervals_is_that_of_the_masses_between_their_ends(
    p: tuple[float, float], q: tuple[float, float]
) -> None:
    edges = np.unique([*p, *q])
    middles, lengths = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    masses = [np.where((middles > low) & (middles < high), lengths / (high - low), 0) for low, high in (p, q)]
    assert game.jensen_shannon_uniform(p, q) == pytest.approx(game.jensen_shannon(*masses), abs=1e-9)


@given(st.floats(0, 1), st.floats(1e-6, 1))
def test_smoothed_divergence_is_the_integral_of_the_log_ratio(shift: float, share: float) -> None:
    low = -math.log(share / 2)  # log-ratio where only the background is
    high = -math.log1p(-share / 2)
    found = game.kl_uniform_to_smoothed((0, 1), (shift, 1 + shift), (0, 2), share)
    assert found == pytest.approx(shift * low + (1 - shift) * high, abs=1e-9)


@pytest.mark.parametrize(
    ("interval", "share", "said"), [((-1.0, 0.5), 0.1, "inside the background"), ((0.0, 1.0), 0.0, "epsilon = 0.0")]
)
def test_bad_input_is_named(interval: tuple[float, float], share: float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        game.kl_uniform_to_smoothed(interval, (0, 1), (0, 2), share)


def test_shifted_intervals() -> None:
    arrays = shifted_intervals.compute()
    assert arrays["shift"][~arrays["infinite"]].tolist() == [0.0]
    assert np.all(arrays["jensen_shannon"] <= arrays["wasserstein"] + 1e-12)
    far = np.abs(arrays["shift"]) >= 1
    np.testing.assert_allclose(arrays["jensen_shannon"][far], math.log(2))
    assert np.all(np.diff(arrays["smoothed"], axis=1) < 0)


def test_optimal_discriminator() -> None:
    arrays = optimal_discriminator.compute()
    equal = np.abs(arrays["discriminator"] - 0.5) < 1e-3
    np.testing.assert_allclose(arrays["data"][equal], arrays["model"][equal], rtol=0.01)
    np.testing.assert_allclose(arrays["answer"][arrays["gain"].argmax(1)], arrays["best"], atol=0.002)
