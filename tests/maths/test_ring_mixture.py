"""The ring mixture: a density, its symmetries, its samples."""

import numpy as np
import pytest

from dgm.maths import ring_mixture


@pytest.mark.parametrize("radius", [1.0, 10.0])
def test_the_density_integrates_to_one(radius: float) -> None:
    axis, points = ring_mixture.grid(radius, margin=8.0, count=201)
    mass = np.exp(ring_mixture.log_density(points, 10, radius)).sum() * (axis[1] - axis[0]) ** 2
    assert mass == pytest.approx(1, abs=1e-9)


def test_log_density_at_a_mean() -> None:
    assert ring_mixture.log_density(np.array([[10.0, 0.0]]), 10, 10.0)[0] == pytest.approx(-4.140462149246906, abs=1e-12)


def test_means_lie_on_the_circle_and_end_on_the_axis() -> None:
    means = ring_mixture.means(7, 3.0)
    np.testing.assert_allclose(np.hypot(*means.T), 3.0)
    np.testing.assert_allclose(means[-1], [3.0, 0.0], atol=1e-12)
    gaps = np.linalg.norm(means - np.roll(means, 1, axis=0), axis=1)
    np.testing.assert_allclose(gaps, 2 * 3.0 * np.sin(np.pi / 7))


def test_a_turn_by_one_component_changes_nothing() -> None:
    x = np.random.default_rng(0).normal(0, 4, (30, 2))
    angle = 2 * np.pi / 10
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    np.testing.assert_allclose(ring_mixture.log_density(x @ turn.T, 10, 5.0), ring_mixture.log_density(x, 10, 5.0), atol=1e-10)


def test_responsibilities_are_bayes_rule() -> None:
    x = np.random.default_rng(0).normal(0, 2, (20, 2))
    densities = np.stack([np.exp(-0.5 * ((x - mean) ** 2).sum(1)) for mean in ring_mixture.means(4, 2.0)], axis=1)
    np.testing.assert_allclose(ring_mixture.responsibilities(x, 4, 2.0), densities / densities.sum(1, keepdims=True), atol=1e-12)


def test_points_far_away_stay_finite() -> None:
    far = np.array([[1e4, -1e4]])
    assert np.isfinite(ring_mixture.log_density(far, 10, 10.0)).all()
    assert ring_mixture.responsibilities(far, 10, 10.0).sum() == pytest.approx(1)


def test_samples_have_the_moments_of_the_mixture() -> None:
    x, components = ring_mixture.sample(40_000, 10, 1.0, np.random.default_rng(0))
    np.testing.assert_allclose(x.mean(0), 0, atol=0.03)
    np.testing.assert_allclose(np.cov(x.T), 1.5 * np.eye(2), atol=0.05)
    np.testing.assert_allclose(np.bincount(components, minlength=10) / 40_000, 0.1, atol=0.008)
    x, components = ring_mixture.sample(2000, 10, 10.0, np.random.default_rng(0))
    assert (ring_mixture.responsibilities(x, 10, 10.0).argmax(1) == components).mean() > 0.99


def test_the_grid_is_what_a_picture_expects() -> None:
    axis, points = ring_mixture.grid(2.0, margin=1.0, count=5)
    assert axis.tolist() == [-3.0, -1.5, 0.0, 1.5, 3.0]
    field = (points[:, 0] + 10 * points[:, 1]).reshape(5, 5)
    assert field[0, 4] == 3.0 - 30.0  # columns run along the first coordinate, rows along the second
