"""Stationary points of the reverse KL: they are what they claim to be, and the thresholds separate what they should."""

import math

import numpy as np
import pytest

from dgm.maths import divergences as dv
from dgm.maths import reverse_kl as fits

STARTS = [(m, s) for m in (-4.0, 0.0, 1.5, 4.0) for s in (0.6, 3.0)]


@pytest.fixture(scope="module")
def fold() -> float:
    return fits.fold_distance()


@pytest.fixture(scope="module")
def equal() -> float:
    return fits.equal_value_distance()


@pytest.mark.parametrize("point", [(0.3, 0.2), (3.0, -0.5), (-1.0, 1.2)])
def test_derivatives_are_those_of_the_divergence(point: tuple[float, float]) -> None:
    target = dv.GaussianMixture1D(weights=(0.3, 0.7), means=(-2.0, 1.5), sds=(0.7, 1.2))
    gradient, hessian = dv.reverse_derivatives(target, *point)
    step = 1e-4

    def value(m: float, s: float) -> float:
        return dv.reverse_kl(target, m, math.exp(s))

    m, s = point
    numeric = [(value(m + step, s) - value(m - step, s)) / (2 * step), (value(m, s + step) - value(m, s - step)) / (2 * step)]
    np.testing.assert_allclose(gradient, numeric, atol=1e-6)
    moved = [dv.reverse_derivatives(target, m + dm, s + ds)[0] for dm, ds in ((step, 0), (-step, 0), (0, step), (0, -step))]
    np.testing.assert_allclose(hessian[0], (moved[0] - moved[1]) / (2 * step), atol=1e-6)
    np.testing.assert_allclose(hessian[1], (moved[2] - moved[3]) / (2 * step), atol=1e-6)


def test_minima_lie_below_their_surroundings_and_are_mirror_images() -> None:
    target = fits.two_modes(4.0)
    minima, reached = fits.reverse_minima(target, STARTS)
    assert [round(point.mean, 3) for point in minima] == [-4.0, 0.0, 4.0]
    assert minima[0].divergence == pytest.approx(minima[2].divergence, abs=1e-12)
    assert minima[1].divergence > minima[0].divergence + 1
    assert set(reached) == {0, 1, 2}
    for point in minima:
        assert point.is_minimum
        around = [(dx, ds) for dx in (-0.01, 0, 0.01) for ds in (-0.01, 0, 0.01) if (dx, ds) != (0, 0)]
        values = [dv.reverse_kl(target, point.mean + dx, point.sd * math.exp(ds)) for dx, ds in around]
        assert min(values) > point.divergence


def test_a_saddle_is_not_taken_for_a_minimum() -> None:
    saddle = fits.stationary_point(fits.two_modes(4.0), (1.9, 2.2))
    assert not saddle.is_minimum
    assert max(saddle.eigenvalues) > 0


def test_side_minima_exist_on_one_side_of_the_fold_only(fold: float) -> None:
    counts = [len(fits.reverse_minima(fits.two_modes(a), [(a, 1.1), (0.0, 2.0), (-a, 1.1)])[0]) for a in (fold - 0.02, fold + 0.02)]
    assert counts == [1, 3]


def test_the_better_minimum_changes_at_equal_values(fold: float, equal: float) -> None:
    assert fold < equal
    for a, side_wins in ((equal - 0.01, False), (equal + 0.01, True)):
        side = fits.stationary_point(fits.two_modes(a), (a, 1.05))
        assert side.mean > 2
        assert (side.divergence < fits.central_fit(a).divergence) is side_wins


def test_the_branch_runs_from_the_mode_into_the_fold(fold: float) -> None:
    distances, points = zip(*fits.side_branch(), strict=True)
    assert distances[0] == 4.0
    assert 0 <= distances[-1] - fold < 0.03
    smallest = [min(point.eigenvalues) for point in points]
    assert smallest[-1] < 0.2 < smallest[0]
    assert all(point.mean > 1.5 for point in points)


def test_scaling_all_lengths_changes_nothing() -> None:
    wide = dv.GaussianMixture1D(weights=(0.5, 0.5), means=(-8.0, 8.0), sds=(2.0, 2.0))
    one, two = fits.stationary_point(wide, (8.0, 2.0)), fits.stationary_point(fits.two_modes(4.0), (4.0, 1.0))
    assert one.divergence == pytest.approx(two.divergence, abs=1e-9)
    assert (one.mean, one.sd) == pytest.approx((2 * two.mean, 2 * two.sd), abs=1e-6)
