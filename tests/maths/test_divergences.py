"""Divergences against Monte Carlo, quadrature and their defining properties."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgm.maths import divergences as dv

reals = st.floats(-3, 3)
widths = st.floats(0.2, 3)


@given(reals, widths, reals, widths)
def test_gaussian_divergence_is_the_expected_log_ratio(m: float, s: float, a: float, b: float) -> None:
    x = np.linspace(m - 12 * s, m + 12 * s, 4001)
    log_p, log_q = dv.log_normal_density(x, m, s), dv.log_normal_density(x, a, b)
    assert dv.kl_gaussian(m, s, a, b) == pytest.approx(float(np.trapezoid(np.exp(log_p) * (log_p - log_q), x)), rel=1e-6, abs=1e-6)
    assert dv.kl_gaussian(m, s, a, b) >= -1e-12
    assert dv.kl_gaussian(m, s, m, s) == pytest.approx(0, abs=1e-12)


@given(st.floats(0.01, 1), st.floats(0, 1))
def test_uniform_inside_uniform(width: float, place: float) -> None:
    p = (place * (1 - width), place * (1 - width) + width)
    assert dv.kl_uniform(p, (0, 2)) == pytest.approx(math.log(2 / (p[1] - p[0])))
    assert dv.kl_uniform((0, 2), p) == math.inf


def test_contaminated_divergence_vanishes_at_one_and_explodes_at_zero() -> None:
    p, q = (0.0, 1.0), (-2.0, 2.0)
    values = [dv.kl_to_contaminated(p, q, 10.0**-k) for k in range(0, 13, 3)]
    assert values[0] == pytest.approx(0)
    assert np.all(np.diff(values) > 4)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: dv.kl_uniform((1, 1), (0, 2)), "right end must exceed"),
        (lambda: dv.kl_to_contaminated((0, 3), (0, 2), 0.5), "inside"),
        (lambda: dv.kl_to_contaminated((0, 1), (0, 2), 0.0), "epsilon = 0.0"),
    ],
)
def test_bad_input_is_named(call, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call()


MIXTURE = dv.GaussianMixture1D(weights=(0.3, 0.7), means=(-1.0, 2.0), sds=(0.5, 1.5))


def test_mixture_density_integrates_to_one_and_has_the_matched_moments() -> None:
    x = MIXTURE.grid()
    density = np.exp(MIXTURE.log_density(x))
    mean, sd = dv.moment_match(MIXTURE)
    assert np.trapezoid(density, x) == pytest.approx(1, abs=1e-12)
    assert np.trapezoid(density * x, x) == pytest.approx(mean, abs=1e-10)
    assert np.trapezoid(density * (x - mean) ** 2, x) == pytest.approx(sd**2, abs=1e-9)


@given(reals, widths)
def test_moment_matching_minimises_the_forward_divergence(mean: float, sd: float) -> None:
    assert dv.forward_kl(MIXTURE, *dv.moment_match(MIXTURE)) <= dv.forward_kl(MIXTURE, mean, sd) + 1e-12


def test_reverse_fit_is_a_local_minimum() -> None:
    target = dv.GaussianMixture1D(weights=(0.5, 0.5), means=(-4.0, 4.0), sds=(1.0, 1.0))
    mean, sd = dv.fit_reverse(target, (3.0, 1.0))
    least = dv.reverse_kl(target, mean, sd)
    assert mean == pytest.approx(3.999602, abs=1e-5)
    for step in ((0.01, 0), (-0.01, 0), (0, 0.01), (0, -0.01)):
        assert dv.reverse_kl(target, mean + step[0], sd + step[1]) > least


def test_both_directions_agree_for_one_gaussian() -> None:
    target = dv.GaussianMixture1D(weights=(1.0,), means=(0.7,), sds=(1.3,))
    assert dv.fit_reverse(target, (0.0, 1.0)) == pytest.approx((0.7, 1.3), abs=1e-6)
    assert dv.moment_match(target) == pytest.approx((0.7, 1.3))
    assert dv.forward_kl(target, 0.2, 2.0) == pytest.approx(dv.kl_gaussian(0.7, 1.3, 0.2, 2.0))
    assert dv.reverse_kl(target, 0.2, 2.0) == pytest.approx(dv.kl_gaussian(0.2, 2.0, 0.7, 1.3))


@given(st.integers(0, 1000))
def test_mean_field_variances_bracket_each_other(seed: int) -> None:
    factor = np.random.default_rng(seed).normal(size=(4, 4)) + 2 * np.eye(4)
    covariance = factor @ factor.T
    reverse, forward = dv.mean_field_variances(covariance)
    assert np.all(reverse <= forward * (1 + 1e-9))
    independent = dv.mean_field_variances(np.diag(forward))
    np.testing.assert_allclose(independent[0], independent[1])


@given(reals, reals, widths)
def test_elbo_stays_below_the_evidence_and_touches_it_at_the_posterior(x: float, mean: float, sd: float) -> None:
    log_evidence = float(dv.log_normal_density(x, 0.0, math.sqrt(2)))
    assert dv.elbo_linear_gaussian(x, mean, sd) <= log_evidence + 1e-12
    assert dv.elbo_linear_gaussian(x, x / 2, math.sqrt(0.5)) == pytest.approx(log_evidence)


@given(reals, widths)
def test_the_log_variance_form_is_the_gaussian_divergence(mean: float, sd: float) -> None:
    s = 2 * math.log(sd)
    assert dv.kl_from_log_variance(mean, s) == pytest.approx(dv.kl_gaussian(mean, sd, 0, 1), abs=1e-12)
    step = 1e-6
    slope = (dv.kl_from_log_variance(mean, s + step) - dv.kl_from_log_variance(mean, s - step)) / (2 * step)
    assert dv.kl_slope_log_variance(s) == pytest.approx(slope, abs=1e-6)
    assert dv.kl_slope_variance(sd**2) * sd**2 == pytest.approx(dv.kl_slope_log_variance(s), abs=1e-9)  # chain rule


@given(reals, widths)
def test_divergence_from_the_quartic_law(mean: float, sd: float) -> None:
    x = np.linspace(mean - 12 * sd, mean + 12 * sd, 4001)
    log_q = dv.log_normal_density(x, mean, sd)
    assert dv.kl_to_quartic(mean, sd) == pytest.approx(float(np.trapezoid(np.exp(log_q) * (log_q + x**4), x)), rel=1e-6, abs=1e-6)


def test_normal_mass() -> None:
    assert dv.normal_mass(-1, 1, 0, 1) == pytest.approx(0.6826894921)
    assert dv.normal_mass(-2, 4, 1, 0.5) == pytest.approx(1, abs=1e-8)


def test_mixture_slopes_are_those_of_its_log_density() -> None:
    x, step = np.linspace(-4, 6, 41), 1e-4
    first, second = MIXTURE.derivatives(x)
    up, at, down = (MIXTURE.log_density(x + shift) for shift in (step, 0, -step))
    np.testing.assert_allclose(first, (up - down) / (2 * step), atol=1e-6)
    np.testing.assert_allclose(second, (up - 2 * at + down) / step**2, atol=1e-5)


@given(st.integers(0, 200))
def test_discrete_divergence(seed: int) -> None:
    p, q = np.random.default_rng(seed).dirichlet(np.ones(4), size=2)
    assert dv.kl_discrete(p, q) > 0
    assert dv.kl_discrete(p, p) == 0
    assert dv.kl_discrete([0.5, 0.5, 0], [0.5, 0.25, 0.25]) == pytest.approx(0.5 * math.log(2))
    assert dv.kl_discrete([0.5, 0.5], [1, 0]) == math.inf
    with pytest.raises(ValueError, match="one set"):
        dv.kl_discrete([1.0], [0.5, 0.5])
