"""Changes of variable: round trips, masses, and Jacobians by finite differences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgm.maths import change_of_variables

numbers = st.floats(-1e3, 1e3, allow_subnormal=False)


@given(st.lists(numbers, min_size=1, max_size=6), st.floats(0.01, 2))
def test_leaky_relu_round_trip(values: list[float], slope: float) -> None:
    z = np.array(values)
    np.testing.assert_allclose(
        change_of_variables.leaky_relu_inverse(change_of_variables.leaky_relu(z, slope), slope), z, rtol=1e-12
    )
    np.testing.assert_allclose(
        change_of_variables.leaky_relu(change_of_variables.leaky_relu_inverse(z, slope), slope), z, rtol=1e-12
    )


@given(st.lists(numbers.filter(lambda v: abs(v) > 1e-3), min_size=1, max_size=6), st.floats(0.05, 2))
def test_inverse_determinant_by_finite_differences(values: list[float], slope: float) -> None:
    z, step = np.array(values), 1e-5
    slopes = (change_of_variables.leaky_relu(z + step, slope) - change_of_variables.leaky_relu(z - step, slope)) / (2 * step)
    assert change_of_variables.leaky_relu_inverse_det(z, slope) == pytest.approx(1 / np.prod(slopes), rel=1e-4)


def test_pushforward_of_a_plane_has_mass_one() -> None:
    axis = np.linspace(-0.9, 8, 1781)  # a point of the axis lies at 0, where the density jumps
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)

    def normal(z: np.ndarray) -> np.ndarray:
        return np.exp(-0.5 * (z**2).sum(-1)) / (2 * np.pi)

    density = change_of_variables.leaky_relu_pushforward(normal, grid)
    assert density.sum() * (axis[1] - axis[0]) ** 2 == pytest.approx(1, abs=0.02)


@given(st.floats(0.01, 100), st.floats(0.01, 100))
def test_reciprocal_of_a_cauchy_variable_is_cauchy(a: float, b: float) -> None:
    points = np.array([a, -b])
    np.testing.assert_allclose(
        change_of_variables.reciprocal_density(change_of_variables.cauchy_density, points),
        change_of_variables.cauchy_density(points),
        rtol=1e-12,
    )


def test_reciprocal_density_refuses_zero() -> None:
    with pytest.raises(ValueError, match="y = 0"):
        change_of_variables.reciprocal_density(change_of_variables.cauchy_density, [1.0, 0.0])


@given(st.floats(-1, 1), st.floats(0.2, 1))
def test_lognormal_mass_and_support(mu: float, sigma: float) -> None:
    log_z = np.linspace(mu - 10 * sigma, mu + 10 * sigma, 4001)
    z = np.exp(log_z)
    assert np.trapezoid(change_of_variables.lognormal_density(z, mu, sigma) * z, log_z) == pytest.approx(1, abs=1e-8)
    assert np.all(change_of_variables.lognormal_density([-2.0, 0.0], mu, sigma) == 0)


def test_square_distance_density_is_the_slope_of_its_distribution_function() -> None:
    z = np.linspace(0.01, 1.41, 200)
    step = 1e-6
    slope = (change_of_variables.square_distance_cdf(z + step) - change_of_variables.square_distance_cdf(z - step)) / (2 * step)
    np.testing.assert_allclose(
        change_of_variables.square_distance_density(z), slope, atol=2e-3
    )  # the slope of the density is infinite at 1
    away = np.abs(z - 1) > 0.01
    np.testing.assert_allclose(change_of_variables.square_distance_density(z)[away], slope[away], atol=1e-7)


def test_square_distance_ends() -> None:
    np.testing.assert_allclose(
        change_of_variables.square_distance_cdf([-1.0, 0.0, 1.0, 2**0.5, 3.0]), [0, 0, np.pi / 4, 1, 1], atol=1e-12
    )
    np.testing.assert_allclose(change_of_variables.square_distance_density([-0.5, 0.0, 1.5]), 0)
    assert np.all(np.diff(change_of_variables.square_distance_cdf(np.linspace(0, 1.5, 500))) >= 0)
