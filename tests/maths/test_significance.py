"""Means over seeds, their intervals, and the decision between two runs: rates of error, power, and what must not matter."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dgm.maths.measured import Measured
from dgm.maths.significance import DECISIVE, Verdict, compare, summary

REPEATS = 4000
VALUES = st.lists(st.integers(-10_000, 10_000).map(lambda n: n / 64), min_size=2, max_size=6)
SINGLE = st.builds(Measured, st.integers(-10_000, 10_000).map(lambda n: n / 64), st.sampled_from([math.nan, 0.25, 3.0]))
SIDES = VALUES | SINGLE


def decided(verdicts: list[Verdict]) -> float:
    return float(np.mean([verdict.better is not None for verdict in verdicts]))


def around(rate: float) -> pytest.approx:
    """Four standard errors of a share of :data:`REPEATS`."""
    return pytest.approx(rate, abs=4 * math.sqrt(rate * (1 - rate) / REPEATS))


def mirrored(verdict: Verdict) -> Verdict:
    swap = {"first": "second", "second": "first", None: None}
    return Verdict(swap[verdict.better], -verdict.difference, verdict.half_width, verdict.test)


def scaled(side: Measured | list[float], factor: float, shift: float = 0.0) -> Measured | list[float]:
    if isinstance(side, Measured):
        return Measured(factor * side.value + shift, factor * side.stderr)
    return [factor * value + shift for value in side]


@pytest.mark.parametrize("n", [2, 3, 10])
def test_the_interval_covers_the_mean_in_95_of_100_cases(n: int) -> None:
    rng = np.random.default_rng(n)
    made = [summary(list(rng.normal(3, 2, n))) for _ in range(REPEATS)]
    assert np.mean([one.lower <= 3 <= one.upper for one in made]) == around(0.95)


def test_the_interval_is_that_of_scipy() -> None:
    values = [0.3, -1.2, 4.5, 2.2]
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    made = summary(values)
    assert (made.lower, made.upper) == pytest.approx((expected.low, expected.high), rel=1e-12)
    assert (made.mean, made.deviation, made.n) == (np.mean(values), np.std(values, ddof=1), 4)
    assert made.half_width == pytest.approx(stats.t.ppf(0.975, 3) * made.stderr)


def test_what_has_no_interval() -> None:
    one = summary([2.5])
    assert (one.mean, one.n) == (2.5, 1) and all(map(math.isnan, (one.deviation, one.lower, one.upper, one.half_width)))
    assert summary([-math.inf, 1.0]).mean == -math.inf and math.isnan(summary([-math.inf, 1.0]).half_width)
    assert math.isnan(summary([math.nan, math.inf]).mean)
    with pytest.raises(ValueError, match="needs a value"):
        summary([])


@pytest.mark.parametrize("n", [3, 10])
def test_equal_distributions_differ_in_5_of_100_cases(n: int) -> None:
    rng = np.random.default_rng(n)
    rate = decided([compare(list(rng.normal(0, 1, n)), list(rng.normal(0, 1, n))) for _ in range(REPEATS)])
    assert 0.03 < rate < 0.06  # with few values Welch's test stays below its level
    assert n == 3 or rate == around(0.05)


def test_unequal_variances_keep_the_level() -> None:
    rng = np.random.default_rng(0)
    rate = decided([compare(list(rng.normal(0, 1, 4)), list(rng.normal(0, 20, 12))) for _ in range(REPEATS)])
    assert 0.035 < rate < 0.065


def test_one_value_beside_repeated_ones_keeps_the_level() -> None:
    rng = np.random.default_rng(0)
    rate = decided([compare(Measured(rng.normal()), list(rng.normal(0, 1, 3))) for _ in range(REPEATS)])
    assert rate == around(0.05)
    # an image error on the single value alone widens its distribution and the interval alike
    rate = decided([compare(list(rng.normal(0, 1, 8)), Measured(rng.normal(0, math.hypot(1, 3)), 3.0)) for _ in range(REPEATS)])
    assert rate == around(0.05)


def test_two_estimates_keep_the_level_of_three_standard_errors() -> None:
    rng = np.random.default_rng(0)
    rate = decided([compare(Measured(rng.normal(0, 1), 1.0), Measured(rng.normal(0, 2), 2.0)) for _ in range(REPEATS)])
    assert rate == around(2 * stats.norm.sf(DECISIVE))


def test_power_is_that_of_the_t_test_and_grows() -> None:
    rng = np.random.default_rng(0)
    rates = []
    for shift in (1.0, 2.0, 4.0):
        verdicts = [compare(list(rng.normal(shift, 1, 5)), list(rng.normal(0, 1, 5))) for _ in range(REPEATS)]
        rates.append(decided(verdicts))
        wrong = np.mean([verdict.better == "second" for verdict in verdicts])
        assert wrong < 0.01
    t, centre = stats.t.ppf(0.975, 8), 2 / math.sqrt(2 / 5)
    pooled = stats.nct.sf(t, 8, centre)  # with a common variance, which is known to have slightly more power than Welch's test
    assert pooled - 0.08 < rates[1] < pooled + 0.01
    assert rates[0] < rates[1] < rates[2] and rates[2] > 0.99


@pytest.mark.filterwarnings("ignore:Precision loss occurred")  # scipy's, where the values of one side are equal
@given(VALUES, VALUES)
def test_the_decision_is_that_of_scipy(first: list[float], second: list[float]) -> None:
    verdict = compare(first, second)
    if len(set(first)) == len(set(second)) == 1:
        assert (verdict.better is None) == (first[0] == second[0]) and verdict.half_width == 0
        return
    expected = stats.ttest_ind(first, second, equal_var=False)
    interval = expected.confidence_interval(0.95)
    assert verdict.half_width == pytest.approx((interval.high - interval.low) / 2, rel=1e-9)
    if abs(expected.pvalue - 0.05) > 1e-9:
        assert (verdict.better is not None) == (expected.pvalue < 0.05)


@given(SIDES, SIDES, st.booleans())
def test_swapping_the_sides_mirrors_the_verdict(
    first: Measured | list[float], second: Measured | list[float], upwards: bool
) -> None:
    assert compare(second, first, upwards) == mirrored(compare(first, second, upwards))


@given(SIDES, SIDES, st.sampled_from([2.0**-40, 0.5, 8.0, 2.0**60]))
def test_the_unit_of_the_metric_does_not_matter(
    first: Measured | list[float], second: Measured | list[float], factor: float
) -> None:
    plain, other = compare(first, second), compare(scaled(first, factor), scaled(second, factor))
    assert other.better == plain.better and other.test == plain.test
    assert (other.difference, other.half_width) == pytest.approx((factor * plain.difference, factor * plain.half_width))


@given(SIDES, SIDES)
def test_the_direction_turns_the_verdict_and_nothing_else(first: Measured | list[float], second: Measured | list[float]) -> None:
    up, down = compare(first, second, upwards=True), compare(first, second, upwards=False)
    assert {up.better, down.better} in ({None}, {"first", "second"})
    assert (up.difference, up.half_width, up.test) == (down.difference, down.half_width, down.test)
    if up.better is not None:
        assert (up.better == "first") == (up.difference > 0)


def test_the_test_follows_what_is_known() -> None:
    pair, single = [1.0, 2.0], Measured(0.0, 0.1)
    assert [compare(*sides).test for sides in ((single, single), (pair, pair), (pair, single), (single, pair))] == [
        "standard errors", "Welch", "prediction", "prediction",
    ]  # fmt: skip
    # a single value says less than repeated ones with the same mean
    assert compare(pair, Measured(9.0)).half_width > compare(pair, [9.0, 9.0]).half_width


def test_what_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="two values or more"):
        compare([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match=r"finite values; got 1\.0, nan"):
        compare([1.0, math.nan], Measured(0.0))
    assert compare(Measured(math.nan), Measured(0.0)).better is None
