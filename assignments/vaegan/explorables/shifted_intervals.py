"""Distances of a shifted interval, with a share of a wide one mixed in: closed forms at any shift that the reader chooses."""

from collections.abc import Mapping, Sequence
from typing import Any

from assignments.vaegan.demonstrations.shifted_intervals import BACKGROUND, INTERVALS
from dgm.maths.adversarial_game import jensen_shannon_uniform, kl_uniform_to_smoothed, wasserstein_uniform
from dgm.maths.divergences import kl_uniform

__all__ = ["TOLERANCE", "TRIES", "export", "numbers"]

START = {"shift": 0.5, "exponent": -3.0}

TRIES: Sequence[tuple[Mapping[str, float], Sequence[str]]] = (
    ({}, ()),
    ({"shift": 0.0}, ()),
    ({"shift": -0.35, "exponent": -12.0}, ()),
    ({"shift": 1.0, "exponent": 0.0}, ()),
    ({"shift": 1.9, "exponent": -6.5}, ()),
)

TOLERANCE = {"abs": 1e-9}


def export(sources: Mapping[str, Any]) -> dict[str, Any]:
    """Where the controls start, the fixed interval, and the one that is mixed in."""
    return {"start": START, "first": INTERVALS[0], "background": BACKGROUND}


def numbers(sources: Mapping[str, Any], setting: Mapping[str, float], pressed: Sequence[str]) -> dict[str, float]:
    """The numbers shown at a setting."""
    at = START | dict(setting)
    first, moved = INTERVALS[0], (at["shift"], 1 + at["shift"])
    return {
        "wasserstein": wasserstein_uniform(first, moved),
        "jensen_shannon": jensen_shannon_uniform(first, moved),
        "kl": kl_uniform(first, moved),
        "smoothed": kl_uniform_to_smoothed(first, moved, BACKGROUND, 10 ** at["exponent"]),
    }
