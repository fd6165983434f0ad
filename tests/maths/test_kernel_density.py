"""Kernel density estimates: a density, the formula written out, and the choice of the bandwidth."""

import numpy as np
import pytest

from dgm.maths import kernel_density, ring_mixture


def written_out(x: np.ndarray, kernels: np.ndarray, bandwidth: float) -> np.ndarray:
    squares = ((x[:, None] - kernels) ** 2).sum(2)
    return np.log((np.exp(-0.5 * squares / bandwidth**2) / (2 * np.pi * bandwidth**2)).mean(1))


@pytest.mark.parametrize("bandwidth", [0.4, 2.0])
def test_log_density_is_the_formula(bandwidth: float) -> None:
    rng = np.random.default_rng(0)
    x, kernels = rng.normal(0, 2, (30, 2)), rng.normal(0, 2, (50, 2))
    np.testing.assert_allclose(kernel_density.log_density(x, kernels, bandwidth), written_out(x, kernels, bandwidth), atol=1e-9)


def test_it_integrates_to_one() -> None:
    kernels = np.random.default_rng(0).normal(0, 1, (20, 2))
    axis, points = ring_mixture.grid(1.0, margin=7.0, count=161)
    mass = np.exp(kernel_density.log_density(points, kernels, 0.6)).sum() * (axis[1] - axis[0]) ** 2
    assert mass == pytest.approx(1, abs=1e-6)


def test_a_point_far_from_all_kernels_keeps_its_digits() -> None:
    """A tree with small leaves loses nats here."""
    kernels = ring_mixture.sample(1000, 10, 10.0, np.random.default_rng(0))[0]
    far = np.array([[0.0, 0.0], [15.0, 1.0]])
    nearest = ((far[:, None] - kernels) ** 2).sum(2).min(1)
    values = kernel_density.log_density(far, kernels, 0.1)
    alone = -0.5 * nearest / 0.01 - np.log(1000 * 2 * np.pi * 0.01)
    assert (values >= alone - 1e-6).all()
    assert (values <= alone + np.log(1000)).all()


def test_the_curve_agrees_with_single_fits() -> None:
    rng = np.random.default_rng(0)
    x, kernels = rng.normal(0, 2, (40, 2)), rng.normal(0, 2, (60, 2))
    expected = [kernel_density.log_density(x, kernels, bandwidth).mean() for bandwidth in kernel_density.BANDWIDTHS]
    np.testing.assert_allclose(kernel_density.curve(x, kernels, kernel_density.BANDWIDTHS), expected, atol=1e-9)


def test_the_grid_of_the_question() -> None:
    assert len(kernel_density.BANDWIDTHS) == 20
    assert kernel_density.BANDWIDTHS[0] == 0.1
    assert kernel_density.BANDWIDTHS[2] == pytest.approx(0.6157894737, abs=1e-10)
    assert kernel_density.BANDWIDTHS[-1] == 5.0


def test_validation_has_an_inner_maximum_and_training_has_not() -> None:
    rng = np.random.default_rng(0)
    train, validation = (ring_mixture.sample(1000, 10, 10.0, rng)[0] for _ in range(2))
    scores = kernel_density.curve(validation, train, kernel_density.BANDWIDTHS)
    assert kernel_density.choose(kernel_density.BANDWIDTHS, scores) == 2
    assert (np.diff(kernel_density.curve(train, train, kernel_density.BANDWIDTHS)) < 0).all()


def test_of_equal_scores_the_widest_kernel_is_chosen() -> None:
    assert kernel_density.choose([1.0, 3.0, 2.0], np.array([-1.0, -1.0, -2.0])) == 1
    assert kernel_density.choose([1.0, 3.0], np.array([-1.0, np.nan])) == 0


@pytest.mark.parametrize(("bandwidths", "scores"), [([], []), ([1.0, 2.0], [np.nan, -np.inf])])
def test_nothing_to_choose_from_is_refused(bandwidths, scores) -> None:
    with pytest.raises(ValueError, match="no bandwidth to choose from"):
        kernel_density.choose(bandwidths, np.array(scores))
