"""A pair of laws with very different divergences in the two directions: p a mixture of normals at -5 and 10, q a normal at -10.

The second parameters 5, 3 and 0.8 are read as variances (as the question says) and as standard deviations. Arrays, for either
``reading`` in ``variances``, ``deviations``: ``x`` [n]; ``<reading>_p``, ``<reading>_q`` [n] densities; ``<reading>_log_p``,
``<reading>_log_q`` [n]; ``shift`` [m] means of a moved q with ``<reading>_pq`` = D(p || q) and ``<reading>_qp`` = D(q || p) [m];
``weight`` [w] of the left mode with ``<reading>_pq_by_weight``, ``<reading>_qp_by_weight`` [w] at the stated q.
"""

import math

import numpy as np

from dgm.maths.divergences import GaussianMixture1D, forward_kl, kl_gaussian, log_normal_density, reverse_kl
from dgm.maths.measured import Measured, Reading

__all__ = ["MEAN", "READINGS", "compute", "measure", "mixture"]

READINGS = {"variances": (math.sqrt(5.0), math.sqrt(3.0), math.sqrt(0.8)), "deviations": (5.0, 3.0, 0.8)}
"""Standard deviations of the left mode, the right mode and q."""

MEAN = -10.0
"""The stated mean of q."""

SHIFTS = {"stated": -10.0, "at_left_mode": -5.0, "at_zero": 0.0}


def mixture(reading: str, left_weight: float = 0.5) -> GaussianMixture1D:
    """The law p."""
    left, right, _ = READINGS[reading]
    return GaussianMixture1D(weights=(left_weight, 1 - left_weight), means=(-5.0, 10.0), sds=(left, right))


def compute(seed: int = 0) -> dict[str, np.ndarray]:
    """All arrays of the illustration; nothing is drawn at random, so ``seed`` changes nothing."""
    x, shift, weight = np.linspace(-22.0, 22.0, 881), np.linspace(-15.0, 15.0, 121), np.linspace(0.02, 0.98, 97)
    arrays = {"x": x, "shift": shift, "weight": weight}
    for reading, (_, _, sd) in READINGS.items():
        p, log_q = mixture(reading), log_normal_density(x, MEAN, sd)
        weighted = [mixture(reading, float(w)) for w in weight]
        arrays |= {
            f"{reading}_p": np.exp(p.log_density(x)),
            f"{reading}_q": np.exp(log_q),
            f"{reading}_log_p": p.log_density(x),
            f"{reading}_log_q": log_q,
            f"{reading}_pq": np.array([forward_kl(p, float(m), sd) for m in shift]),
            f"{reading}_qp": np.array([reverse_kl(p, float(m), sd) for m in shift]),
            f"{reading}_pq_by_weight": np.array([forward_kl(each, MEAN, sd) for each in weighted]),
            f"{reading}_qp_by_weight": np.array([reverse_kl(each, MEAN, sd) for each in weighted]),
        }
    return arrays


def measure(arrays: dict[str, np.ndarray]) -> list[Reading]:
    """Both divergences and their ratio; the split names reading and place of q, such as ``variances_stated``."""
    readings: list[Reading] = []
    for reading, (left, _, sd) in READINGS.items():
        p = mixture(reading)
        for place, mean in SHIFTS.items():
            split, pq, qp = f"{reading}_{place}", forward_kl(p, mean, sd), reverse_kl(p, mean, sd)
            readings += [("divergence_pq", split, Measured(pq, unit="nats")), ("divergence_qp", split, Measured(qp, unit="nats"))]
            readings.append(("divergence_ratio", split, Measured(pq / qp)))
        # D(q || p) falls as the left mode, the nearer one, gets more weight; the infimum is that of the left mode alone
        readings.append(("least_divergence_qp", reading, Measured(kl_gaussian(MEAN, sd, -5.0, left), unit="nats")))
    return readings
