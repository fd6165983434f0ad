"""Two estimates of the cluster probabilities in the one-dimensional example of :mod:`dgm.maths.mixture_prior`.

Arrays: ``z`` [n] with ``code_law`` [n] the density q(z), and ``cluster_probability`` [n] p(c = 1 | z); ``gamma`` [m] values of
g_1 with ``bound`` [m]; ``marks`` [3, 2]: a row (g_1, bound) each for the given, the averaged and the geometric cluster law;
``log_evidence`` [1]; ``spread`` [s] variances of q(z) with ``averaged`` and ``geometric`` [s], the two estimates of g_1, and
``loss`` [s], how much bound the averaged one gives away.
"""

import dataclasses

import numpy as np

from dgm.maths.measured import Measured, Reading
from dgm.maths.mixture_prior import EXAMPLE, log_normal

__all__ = ["GIVEN", "compute", "measure"]

GIVEN = (0.8, 0.2)
"""A cluster law chosen by hand, far from both estimates."""

SPREADS = (0.36, 0.09, 0.01)
"""Variances of q(z) shown in the table: that of the example, and two narrower ones."""


def compute(seed: int = 0) -> dict[str, np.ndarray]:
    """All arrays of the illustration; nothing is drawn at random, so ``seed`` changes nothing."""
    z = np.linspace(-2.5, 3.5, 301)
    gamma = np.linspace(0.005, 0.995, 199)
    laws = np.array([GIVEN, EXAMPLE.averaged(), EXAMPLE.geometric()])
    spread = np.array(SPREADS)
    examples = [dataclasses.replace(EXAMPLE, q_variance=float(v)) for v in spread]
    averaged = np.array([example.averaged() for example in examples])
    geometric = np.array([example.geometric() for example in examples])
    return {
        "z": z,
        "code_law": np.exp(log_normal(z, EXAMPLE.q_mean, EXAMPLE.q_variance)),
        "cluster_probability": EXAMPLE.responsibilities(z)[:, 0],
        "gamma": gamma,
        "bound": np.array([EXAMPLE.bound((g, 1 - g)) for g in gamma]),
        "marks": np.array([[law[0], EXAMPLE.bound(law)] for law in laws]),
        "log_evidence": np.array([EXAMPLE.log_evidence()]),
        "spread": spread,
        "averaged": averaged[:, 0],
        "geometric": geometric[:, 0],
        "loss": np.array([e.bound(g) - e.bound(a) for e, a, g in zip(examples, averaged, geometric, strict=True)]),
    }


def measure(arrays: dict[str, np.ndarray]) -> list[Reading]:
    """``gamma`` and ``bound`` of the laws (splits ``given``, ``averaged``, ``geometric``), and both estimates as q(z) narrows."""
    readings: list[Reading] = []
    for split, (gamma, bound) in zip(("given", "averaged", "geometric"), arrays["marks"], strict=True):
        readings += [("gamma", split, Measured(float(gamma))), ("bound", split, Measured(float(bound), unit="nats"))]
    for index, variance in enumerate(arrays["spread"]):
        split = f"variance {variance:g}"
        readings += [
            ("gamma_averaged", split, Measured(float(arrays["averaged"][index]))),
            ("gamma_geometric", split, Measured(float(arrays["geometric"][index]))),
            ("bound_given_away", split, Measured(float(arrays["loss"][index]), unit="nats")),
        ]
    readings.append(("log_evidence", "model", Measured(float(arrays["log_evidence"][0]), unit="nats")))
    return readings
