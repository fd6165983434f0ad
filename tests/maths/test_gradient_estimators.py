"""Estimators against their closed-form means and variances, and against finite differences."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgm.maths import divergences as dv
from dgm.maths import gradient_estimators as es

NOISE = np.random.default_rng(0).standard_normal(100_000)
reals, widths = st.floats(-2, 2), st.floats(0.3, 2)


@given(reals, reals, widths)
def test_both_forms_estimate_the_bound_with_the_stated_variance(x: float, mean: float, sd: float) -> None:
    exact = dv.elbo_linear_gaussian(x, mean, sd)
    for draws, variance in zip(es.bound_draws(x, mean, sd, NOISE), es.bound_variances(x, mean, sd), strict=True):
        assert draws.mean() == pytest.approx(exact, abs=5 * math.sqrt(variance / len(NOISE)) + 1e-9)
        assert draws.var() == pytest.approx(variance, rel=0.06, abs=1e-9)


def test_form_two_is_constant_at_the_posterior() -> None:
    one, two = es.bound_draws(1.7, 0.85, math.sqrt(0.5), NOISE[:100])
    np.testing.assert_allclose(two, dv.log_normal_density(1.7, 0, math.sqrt(2)), rtol=1e-12)
    assert one.std() > 0.1


@given(reals, widths, st.integers(1, 5))
def test_gradient_estimators_have_the_stated_mean_and_variance(mean: float, sd: float, dimensions: int) -> None:
    noise = np.random.default_rng(dimensions).standard_normal((100_000, dimensions))
    for baseline in (0.0, es.best_baseline(mean, sd, dimensions)):
        draws, variance = es.score_draws(mean, sd, noise, baseline), es.score_variance(mean, sd, dimensions, baseline)
        assert draws.mean() == pytest.approx(2 * mean, abs=5 * math.sqrt(variance / len(noise)))
        assert draws.var() == pytest.approx(variance, rel=0.12)
    path = es.pathwise_draws(mean, sd, noise)
    assert path.mean() == pytest.approx(2 * mean, abs=5 * math.sqrt(es.pathwise_variance(sd) / len(noise)))
    assert path.var() == pytest.approx(es.pathwise_variance(sd), rel=0.05)


@given(reals, widths, st.integers(1, 6), st.floats(-3, 3))
def test_no_baseline_beats_the_best(mean: float, sd: float, dimensions: int, shift: float) -> None:
    best = es.best_baseline(mean, sd, dimensions)
    assert es.score_variance(mean, sd, dimensions, best) <= es.score_variance(mean, sd, dimensions, best + shift) + 1e-9


@given(reals, widths, reals, widths)
def test_divergence_gradients_agree_with_finite_differences(m: float, s: float, a: float, b: float) -> None:
    def numeric(function):
        step = 1e-5
        moves = ((m + step, s), (m - step, s)), ((m, s * math.exp(step)), (m, s * math.exp(-step)))
        return [(function(*up) - function(*down)) / (2 * step) for up, down in moves]

    reverse = numeric(lambda mean, sd: dv.kl_gaussian(mean, sd, a, b))
    forward = numeric(lambda mean, sd: dv.kl_gaussian(a, b, mean, sd))
    ways = [
        (es.score_gradient(lambda x: dv.log_normal_density(x, a, b), m + s * NOISE, m, s), reverse),
        (es.pathwise_gradient(lambda x: -(x - a) / b**2, NOISE, m, s), reverse),
        (es.likelihood_gradient(a + b * NOISE, m, s), forward),
    ]
    for draws, exact in ways:
        error = draws.std(0) / math.sqrt(len(draws)) + 1e-7
        assert np.all(np.abs(draws.mean(0) - exact) < 5 * error)
