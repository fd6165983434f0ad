"""Both directions of the Kullback-Leibler divergence between two modes and one Gaussian that the reader moves.

Target: (1 - w)N(-a, 1) + wN(a, 1). Model: N(m, s²). A button takes ten steps of gradient descent in (m, log s) on one direction.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dgm.maths.divergences import GaussianMixture1D, forward_kl, moment_match, reverse_derivatives, reverse_kl

__all__ = ["TOLERANCE", "TRIES", "export", "numbers"]

START = {"mean": 1.0, "sd": 2.0, "distance": 4.0, "weight": 0.5}

STEPS, RATE, LONGEST = 10, 0.2, 0.3
"""Steps of a press, the rate of descent, and the most that one step changes the mean or the logarithm of the deviation."""

TRIES: Sequence[tuple[Mapping[str, float], Sequence[str]]] = (
    ({}, ()),
    ({}, ("reverse", "reverse")),
    ({}, ("forward", "forward", "forward")),
    ({"mean": -3.0, "sd": 1.0}, ("reverse",)),
    ({"mean": -5.0, "sd": 0.5, "distance": 2.0, "weight": 0.2}, ()),
    ({"mean": 5.0, "sd": 4.0, "distance": 1.0, "weight": 0.9}, ("forward", "reverse")),
    ({"distance": 0.0, "mean": 0.0, "sd": 1.0}, ()),
)

TOLERANCE = {"abs": 1e-6}
"""Both sides add up over grids, of different points."""


def export(sources: Mapping[str, Any]) -> dict[str, Any]:
    """Where the controls start, and how a press descends."""
    return {"start": START, "steps": STEPS, "rate": RATE, "longest": LONGEST}


def numbers(sources: Mapping[str, Any], setting: Mapping[str, float], pressed: Sequence[str]) -> dict[str, float]:
    """The numbers shown at a setting, after the buttons."""
    at = START | dict(setting)
    target = GaussianMixture1D((1 - at["weight"], at["weight"]), (-at["distance"], at["distance"]), (1.0, 1.0))
    mean, log_sd = at["mean"], math.log(at["sd"])
    for name in pressed:
        for _ in range(STEPS):
            gradient = reverse_derivatives(target, mean, log_sd)[0] if name == "reverse" else _forward(target, mean, log_sd)
            step = np.clip(RATE * gradient, -LONGEST, LONGEST)
            mean, log_sd = mean - float(step[0]), log_sd - float(step[1])
    sd = math.exp(log_sd)
    return {"mean": mean, "sd": sd, "reverse": reverse_kl(target, mean, sd), "forward": forward_kl(target, mean, sd)}


def _forward(target: GaussianMixture1D, mean: float, log_sd: float) -> np.ndarray:
    """Gradient of D(P || N(m, s²)) in (m, log s), which the two moments of P decide."""
    middle, spread = moment_match(target)
    off, variance = mean - middle, math.exp(2 * log_sd)
    return np.array([off / variance, 1 - (spread**2 + off**2) / variance])
