"""The best discriminator between data with two modes and a generator that covers one of them.

Arrays: ``x`` [n]; ``data``, ``model`` [n] densities; ``discriminator`` [n]; ``places`` [3], three points, with the best answers
``best`` [3] there; ``answer`` [m] in (0, 1), and ``gain`` [3, m], what that answer earns at each place, divided by the sum of
both densities.
"""

import numpy as np

from dgm.maths.adversarial_game import best_discriminator
from dgm.maths.divergences import GaussianMixture1D

__all__ = ["DATA", "MODEL", "PLACES", "compute"]

DATA = GaussianMixture1D(weights=(0.5, 0.5), means=(-2.0, 2.0), sds=(0.8, 0.8))
MODEL = GaussianMixture1D(weights=(1.0,), means=(1.5,), sds=(1.0,))
PLACES = (-2.0, 0.5, 3.0)


def compute(seed: int = 0) -> dict[str, np.ndarray]:
    """All arrays of the illustration; nothing is drawn at random, so ``seed`` changes nothing."""
    x, places, answer = np.linspace(-5.0, 5.5, 421), np.array(PLACES), np.linspace(0.002, 0.998, 499)
    data, model = (np.exp(law.log_density(x)) for law in (DATA, MODEL))
    best = best_discriminator(*(np.exp(law.log_density(places)) for law in (DATA, MODEL)))
    return {
        "x": x,
        "data": data,
        "model": model,
        "discriminator": best_discriminator(data, model),
        "places": places,
        "best": best,
        "answer": answer,
        "gain": best[:, None] * np.log(answer) + (1 - best[:, None]) * np.log1p(-answer),
    }
