"""Means over seeds with their intervals, and which of two runs is better, decided by a test.

Two sources of chance are kept apart. An estimate on the test images varies with the images drawn, which its standard error says; a
training varies with its seed, which only trainings repeated with other seeds show. Values over seeds are taken as independent draws
of a normal distribution whose mean and variance are unknown, all measured on the same images.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from dgm.maths.measured import Measured

__all__ = ["DECISIVE", "LEVEL", "Summary", "Verdict", "compare", "summary"]

DECISIVE = 3.0
"""Standard errors by which an estimate must lie beyond its threshold."""

LEVEL = 0.05
"""Level of the tests; intervals cover with probability 1 - LEVEL."""

Test = Literal["standard errors", "Welch", "prediction"]


@dataclass(frozen=True)
class Summary:
    """Mean and standard deviation of n values, with the Student t interval for the mean; nan where there are fewer than two."""

    mean: float
    deviation: float
    lower: float
    upper: float
    n: int

    @property
    def half_width(self) -> float:
        """Half the length of the interval."""
        return (self.upper - self.lower) / 2

    @property
    def stderr(self) -> float:
        """Standard error of the mean, s / sqrt(n)."""
        return self.deviation / math.sqrt(self.n)


def summary(values: Sequence[float], level: float = LEVEL) -> Summary:
    """Mean m of ``values`` and the Student t interval m -+ t s / sqrt(n), t the 1 - level/2 quantile for n - 1 degrees of freedom.

    Where a value is infinite or nan, so is the mean, and there is no interval.

    Raises:
        ValueError: without any value.
    """
    n = len(values)
    if n == 0:
        raise ValueError("a mean over seeds needs a value")
    if n == 1:
        return Summary(float(values[0]), math.nan, math.nan, math.nan, 1)
    if not all(map(math.isfinite, values)):
        infinite = {value for value in values if not math.isfinite(value)}
        mean = infinite.pop() if len(infinite) == 1 else math.nan
        return Summary(mean, math.nan, math.nan, math.nan, n)
    mean, deviation = _moments(values)
    half = _quantile(n - 1, level) * deviation / math.sqrt(n)
    return Summary(mean, deviation, mean - half, mean + half, n)


@dataclass(frozen=True)
class Verdict:
    """Which of two is better: ``first``, ``second``, or None where no difference was found.

    ``difference`` is first minus second. It counts where it exceeds ``half_width``: three standard errors of two estimates, half of
    the 95 % interval of values over seeds.
    """

    better: Literal["first", "second"] | None
    difference: float
    half_width: float
    test: Test


def compare(
    first: Measured | Sequence[float],
    second: Measured | Sequence[float],
    upwards: bool = True,
    difference: Measured | None = None,
    scatter: tuple[float, float] = (math.nan, math.nan),
) -> Verdict:
    """Decide between two runs.

    - Two estimates of one seed each: the difference must exceed :data:`DECISIVE` times its standard error.
    That is
      the error of the mean of paired differences where both runs were measured on the same images (``difference``), else the root
      of the sum of the two squares; the scatter over trainings of either side is added where it is known.
    - Values over seeds on both sides: Welch's t-test at the 5 % level, which allows for unequal variances. The squared standard
      error of the difference is s_1^2 / n_1 + s_2^2 / n_2, the degrees of freedom are those of Welch and Satterthwaite.
    - Values over seeds on one side only: what another seed would have done to the single value is unknown. It is taken to vary like
      the repeated ones, which gives s^2 (1 + 1/n), as for the prediction of one more value; the standard error of the single
      value, where it has one, is added. For a value without a seed, such as that of real images, this is cautious.

    Args:
        first: an estimate, or the values of at least two seeds.
        second: the same of the other run.
        upwards: whether larger is better.
        difference: first minus second image by image, for two estimates on the same images.
        scatter: standard deviation of each side over trainings, nan where it is not known.

    Raises:
        ValueError: for fewer than two seeds, or for values over seeds that are not finite.

    Source: Welch, "The generalization of 'Student's' problem when several different population variances are involved" (1947).
    """
    if isinstance(first, Measured) and isinstance(second, Measured):
        found = (
            Measured(first.value - second.value, math.hypot(*_known(first.stderr, second.stderr)))
            if difference is None
            else difference
        )
        error = math.hypot(*_known(found.stderr, *scatter))  # an estimate without a standard error is exact
        return _verdict(found.value, DECISIVE * error, upwards, "standard errors")
    if isinstance(first, Measured):
        return _verdict(*_predicted(first, second), upwards, "prediction")
    if isinstance(second, Measured):
        apart, half_width = _predicted(second, first)
        return _verdict(-apart, half_width, upwards, "prediction")
    (one, s), (two, t) = _checked(first), _checked(second)
    half_width = _half_width([(s**2 / len(first), len(first) - 1), (t**2 / len(second), len(second) - 1)])
    return _verdict(one - two, half_width, upwards, "Welch")


def _known(*errors: float) -> list[float]:
    return [error for error in errors if not math.isnan(error)]


def _predicted(single: Measured, values: Measured | Sequence[float]) -> tuple[float, float]:
    """The single value minus the mean of the repeated ones, and the half-width of its interval."""
    assert not isinstance(values, Measured)
    mean, deviation = _checked(values)
    n = len(values)
    parts = [(deviation**2 * (1 + 1 / n), float(n - 1))]
    if not math.isnan(single.stderr):
        parts.append((single.stderr**2, math.inf))
    return single.value - mean, _half_width(parts)


def _half_width(parts: Sequence[tuple[float, float]]) -> float:
    """t sqrt(V), V the sum of independent variances v with nu degrees of freedom each; together they have V^2 / sum(v^2 / nu)."""
    total = sum(variance for variance, _ in parts)
    if total == 0:
        return 0.0
    shares = sum((variance / total) ** 2 / freedom for variance, freedom in parts)  # shares do not underflow where squares do
    return _quantile(1 / shares if shares > 0 else math.inf, LEVEL) * math.sqrt(total)


def _verdict(difference: float, half_width: float, upwards: bool, test: Test) -> Verdict:
    if math.isnan(difference) or abs(difference) <= half_width:
        return Verdict(None, difference, half_width, test)
    return Verdict("first" if (difference > 0) == upwards else "second", difference, half_width, test)


def _checked(values: Sequence[float]) -> tuple[float, float]:
    if len(values) < 2:
        raise ValueError(f"a test over seeds needs two values or more on a side; got {len(values)}")
    if not all(map(math.isfinite, values)):
        raise ValueError(f"a test over seeds needs finite values; got {', '.join(map(str, values))}")
    return _moments(values)


def _moments(values: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation; exactly the value and 0 where all are equal, which rounding would spoil."""
    if min(values) == max(values):
        return float(values[0]), 0.0
    return float(np.mean(values)), float(np.std(values, ddof=1))


def _quantile(freedom: float, level: float) -> float:
    return float(special.stdtrit(freedom, 1 - level / 2) if math.isfinite(freedom) else special.ndtri(1 - level / 2))
