"""The best discriminator, its game's value and the Jensen-Shannon divergence, for densities that the reader moves.

Data: ½N(-m, 0.8²) + ½N(m, 0.8²). Generator: N(a, s²). All integrals are trapezoid sums over a grid of 1,201 points from -8 to 8.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.integrate import quad

from assignments.vaegan.demonstrations.optimal_discriminator import DATA, MODEL
from dgm.maths.adversarial_game import best_discriminator
from dgm.maths.divergences import GaussianMixture1D

__all__ = ["TOLERANCE", "TRIES", "export", "numbers"]

START = {"distance": DATA.means[1], "mean": MODEL.means[0], "sd": MODEL.sds[0], "place": 0.5}

TRIES: Sequence[tuple[Mapping[str, float], Sequence[str]]] = (
    ({}, ()),
    ({"mean": 0.0, "sd": 2.0}, ()),
    ({"distance": 0.0, "mean": 0.0, "sd": 0.8, "place": 1.0}, ()),
    ({"distance": 3.0, "mean": -3.0, "sd": 0.4, "place": -2.5}, ()),
    ({"distance": 1.2, "mean": 2.6, "sd": 1.5, "place": 3.0}, ()),
)

TOLERANCE = {"abs": 2e-5}
"""The page adds up over a grid; here the integrals are adaptive ones, over the whole line."""


def export(sources: Mapping[str, Any]) -> dict[str, Any]:
    """Where the controls start, and the widths of the data's two modes."""
    return {"start": START, "width": DATA.sds[0]}


def numbers(sources: Mapping[str, Any], setting: Mapping[str, float], pressed: Sequence[str]) -> dict[str, float]:
    """The numbers shown at a setting, by adaptive quadrature."""
    at = START | dict(setting)
    data = GaussianMixture1D(weights=(0.5, 0.5), means=(-at["distance"], at["distance"]), sds=DATA.sds)
    model = GaussianMixture1D(weights=(1.0,), means=(at["mean"],), sds=(at["sd"],))
    here = np.array([at["place"]])
    densities = [np.exp(law.log_density(here)) for law in (data, model)]

    def gained(x: float) -> float:
        p, q = (float(np.exp(law.log_density(np.array([x])))[0]) for law in (data, model))
        total = p + q
        return float(sum(part * np.log(part / total) for part in (p, q) if part > 0))

    value = quad(gained, -8, 8, points=[-at["distance"], at["distance"], at["mean"]], limit=400, epsabs=1e-10)[0]
    return {"best": float(best_discriminator(*densities)[0]), "value": value, "divergence": value / 2 + np.log(2)}
