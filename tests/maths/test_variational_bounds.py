"""Bounds stay below what they bound, touch it where they should, and reach their limits."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgm.maths import ring_mixture
from dgm.maths import variational_bounds as vb

places = st.tuples(st.floats(-12, 12), st.floats(-12, 12))


@given(places, st.integers(2, 30), st.floats(0.1, 10))
def test_uniform_bound_and_gap_make_the_log_density(place: tuple[float, float], components: int, radius: float) -> None:
    x = np.array([place])
    joint = ring_mixture.log_joint(x, components, radius)
    direct = vb.discrete_bound(joint, np.full((1, components), 1 / components))
    np.testing.assert_allclose(vb.uniform_bound(x, radius), direct, rtol=1e-9, atol=1e-9)
    gap = vb.uniform_gap(x, components, radius)
    assert gap[0] >= -1e-9
    np.testing.assert_allclose(direct + gap, ring_mixture.log_density(x, components, radius), rtol=1e-9, atol=1e-9)


@given(places, st.integers(0, 100))
def test_no_law_beats_the_posterior(place: tuple[float, float], seed: int) -> None:
    x = np.array([place])
    joint, posterior = ring_mixture.log_joint(x, 10, 3.0), ring_mixture.responsibilities(x, 10, 3.0)
    best = vb.discrete_bound(joint, posterior)
    np.testing.assert_allclose(best, ring_mixture.log_density(x, 10, 3.0), rtol=1e-9)
    other = np.random.default_rng(seed).dirichlet(np.ones(10), size=1)
    assert vb.discrete_bound(joint, other)[0] <= best[0] + 1e-9


@given(places, st.floats(0.1, 10))
def test_many_components_reach_the_limit(place: tuple[float, float], radius: float) -> None:
    x = np.array([place])
    np.testing.assert_allclose(ring_mixture.log_density(x, 1000, radius), vb.limit_log_density(x, radius), atol=1e-8)
    np.testing.assert_allclose(vb.uniform_gap(x, 1000, radius), vb.uniform_gap_limit(x, radius), atol=1e-8)


def test_log_bessel_does_not_overflow() -> None:
    values = vb.log_bessel(np.array([0.0, 1.0, 1e4]))
    assert values[0] == 0
    assert values[1] == pytest.approx(math.log(1.2660658777520084))
    assert values[2] == pytest.approx(1e4 - 0.5 * math.log(2e4 * math.pi), abs=1e-4)


def test_a_law_that_does_not_sum_to_one_is_refused() -> None:
    with pytest.raises(ValueError, match="sum to 1"):
        vb.discrete_bound(np.zeros((1, 2)), np.array([[0.5, 0.6]]))


@given(st.integers(0, 50))
def test_a_code_never_hurts_and_helps_unless_pixels_are_independent(seed: int) -> None:
    images = np.random.default_rng(seed).integers(0, 2, (20, 3)).astype(float)
    assert vb.constant_code_bound(images) <= vb.code_bound(images) + 1e-12
    grid = np.stack(np.meshgrid([0.0, 1.0], [0.0, 1.0]), -1).reshape(-1, 2)
    assert vb.constant_code_bound(grid) == pytest.approx(vb.code_bound(grid)) == pytest.approx(-2 * math.log(2))


def test_outputs_of_a_gaussian_head() -> None:
    assert [vb.gaussian_outputs(10, name) for name in ("identity", "diagonal", "full")] == [10, 20, 65]
    with pytest.raises(ValueError, match="'banded'"):
        vb.gaussian_outputs(2, "banded")


@given(st.integers(0, 50))
def test_the_maximiser_reaches_the_log_evidence(seed: int) -> None:
    rng = np.random.default_rng(seed)
    likelihood, prior = rng.uniform(0.01, 1, 4), rng.dirichlet(np.ones(4))
    best = vb.discrete_maximiser(likelihood, prior)
    assert best.sum() == pytest.approx(1)
    assert vb.discrete_bound(np.log([likelihood * prior]), best[None])[0] == pytest.approx(math.log(likelihood @ prior))
