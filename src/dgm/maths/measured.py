"""Numbers with their standard errors, and the rows of the metrics table that they fill.

Models with numbers of their own import this module and not :mod:`dgm.evaluation.image_scores`, so that a changed metric trains none
of them again.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Shaped

__all__ = ["Measured", "Measurements", "Reading", "bootstrapped", "mean", "median", "proportion"]


@dataclass(frozen=True)
class Measured:
    """A number with its standard error (nan where none is defined), the count it rests on, and its unit."""

    value: float
    stderr: float = math.nan
    n: int = 0
    unit: str = ""


def mean(values: Float[np.ndarray, " n"], unit: str = "nats") -> Measured:
    """Arithmetic mean with standard error s / sqrt(n)."""
    n = len(values)
    error = float(np.std(values, ddof=1)) / math.sqrt(n) if n > 1 else math.nan
    return Measured(float(np.mean(values)), error, n, unit)


def median(values: Float[np.ndarray, " n"], unit: str = "nats") -> Measured:
    """Median with the standard error of an order statistic: half the gap between the ranks n/2 -+ sqrt(n)/2."""
    ordered = np.sort(values)
    n = len(ordered)
    half = math.sqrt(n) / 2
    low, high = max(0, math.floor(n / 2 - half)), min(n - 1, math.ceil(n / 2 + half))
    return Measured(float(np.median(ordered)), float(ordered[high] - ordered[low]) / 2, n, unit)


def proportion(flags: Shaped[np.ndarray, " n"]) -> Measured:
    """Share of true entries with its binomial standard error."""
    n, share = len(flags), float(np.mean(flags))
    return Measured(share, math.sqrt(share * (1 - share) / n), n, "share")


def bootstrapped(
    score: Callable[..., float], *columns: Shaped[np.ndarray, " n"], seed: int, repeats: int = 200, unit: str = ""
) -> Measured:
    """A score of n rows, with the standard deviation of the scores of ``repeats`` resamples of the rows as its standard error.

    Source: Efron, "Bootstrap methods: another look at the jackknife" (1979).
    """
    n, rng = len(columns[0]), np.random.default_rng(seed)
    drawn = (rng.integers(n, size=n) for _ in range(repeats))
    scores = [float(score(*(column[rows] for column in columns))) for rows in drawn]
    return Measured(float(score(*columns)), float(np.std(scores, ddof=1)), n, unit)


Reading = tuple[str, str, Measured]
"""Metric, split, number. The split says what the number was computed on: ``train``, ``test``, ``samples``, ``model``, or a case."""


@dataclass(frozen=True)
class Measurements:
    """Numbers for the metrics table, and arrays for figures and checks."""

    readings: list[Reading] = field(default_factory=list)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
