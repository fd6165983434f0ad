"""A factorised Gaussian against a correlated one: both divergences, and coordinate ascent on the bound.

Target: mean 0, unit variances, correlation r. Model: N(m₁, s₁²) N(m₂, s₂²). A button sets one factor to the best for the other
under the reverse divergence D(q || p), the gap of the evidence lower bound.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dgm.maths.divergences import mean_field_variances

__all__ = ["TOLERANCE", "TRIES", "export", "numbers"]

START = {"rho": 0.9, "mean1": 1.5, "mean2": -1.0, "sd1": 1.0, "sd2": 1.0}

TRIES: Sequence[tuple[Mapping[str, float], Sequence[str]]] = (
    ({}, ()),
    ({}, ("first",)),
    ({}, ("first", "second", "first", "second")),
    ({"rho": -0.6, "mean1": 0.0, "mean2": 2.0, "sd1": 0.3}, ("second",)),
    ({"rho": 0.0, "mean1": 0.0, "mean2": 0.0}, ()),
    ({"rho": 0.95, "mean1": -2.0, "sd2": 1.8}, ("first", "first", "second")),
)

TOLERANCE = {"abs": 1e-9}
"""All values are closed forms."""


def export(sources: Mapping[str, Any]) -> dict[str, Any]:
    """Where the controls start."""
    return {"start": START}


def numbers(sources: Mapping[str, Any], setting: Mapping[str, float], pressed: Sequence[str]) -> dict[str, float]:
    """The numbers shown at a setting, after the buttons, from the formulas for Gaussians of any dimension."""
    at = START | dict(setting)
    covariance = np.array([[1.0, at["rho"]], [at["rho"], 1.0]])
    mean, variances = np.array([at["mean1"], at["mean2"]]), np.array([at["sd1"], at["sd2"]]) ** 2
    precision = np.linalg.inv(covariance)
    for name in pressed:
        own, other = (0, 1) if name == "first" else (1, 0)
        mean[own] = -precision[own, other] * mean[other] / precision[own, own]
        variances[own] = mean_field_variances(covariance)[0][own]
    reverse = _kl(mean, np.diag(variances), np.zeros(2), covariance)
    forward = _kl(np.zeros(2), covariance, mean, np.diag(variances))
    named = {f"{what}{i + 1}": float(values[i]) for what, values in (("mean", mean), ("sd", np.sqrt(variances))) for i in range(2)}
    return {"reverse": reverse, "forward": forward, **named}


def _kl(mean: np.ndarray, covariance: np.ndarray, other_mean: np.ndarray, other: np.ndarray) -> float:
    """D(N(mean, covariance) || N(other_mean, other))."""
    inverse, off = np.linalg.inv(other), mean - other_mean
    ratio = math.log(np.linalg.det(other) / np.linalg.det(covariance))
    return 0.5 * float(np.trace(inverse @ covariance) + off @ inverse @ off - len(mean) + ratio)
