"""Three ways to say how far U[s, 1 + s] is from U[0, 1], as functions of the shift s.

Arrays: ``shift`` [n]; ``wasserstein``, ``jensen_shannon`` [n]; ``infinite`` [n], true where the Kullback-Leibler divergence is
infinite (it is 0 elsewhere); ``share`` [m], shares of U[0, 2] mixed into the second law, and ``smoothed`` [2, m], the divergences
that are finite then, for the shifts ``smoothed_shift`` [2]; ``intervals`` [3, 2], the three laws of the question.
"""

import math

import numpy as np

from dgm.maths.adversarial_game import jensen_shannon_uniform, kl_uniform_to_smoothed, wasserstein_uniform
from dgm.maths.divergences import kl_uniform

__all__ = ["BACKGROUND", "INTERVALS", "compute"]

INTERVALS = ((0.0, 1.0), (0.5, 1.5), (1.0, 2.0))
"""The laws P_1, P_2, P_3 of the question."""

BACKGROUND = (0.0, 2.0)


def compute(seed: int = 0) -> dict[str, np.ndarray]:
    """All arrays of the illustration; nothing is drawn at random, so ``seed`` changes nothing."""
    shift, share = np.linspace(-2.0, 2.0, 161), np.logspace(-12, 0, 121)
    first, *others = INTERVALS
    moved = [(float(s), 1 + float(s)) for s in shift]
    return {
        "shift": shift,
        "wasserstein": np.array([wasserstein_uniform(first, each) for each in moved]),
        "jensen_shannon": np.array([jensen_shannon_uniform(first, each) for each in moved]),
        "infinite": np.array([kl_uniform(first, each) == math.inf for each in moved]),
        "share": share,
        "smoothed": np.array([[kl_uniform_to_smoothed(first, q, BACKGROUND, float(e)) for e in share] for q in others]),
        "smoothed_shift": np.array([q[0] for q in others]),
        "intervals": np.array(INTERVALS),
    }
