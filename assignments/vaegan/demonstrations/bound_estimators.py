"""Two estimators of one variational bound, in the model p(z) = N(0, 1), p(x | z) = N(z, 1) at x = 1.

Form 1 computes the divergence from the prior in closed form and samples the reconstruction; form 2 samples all three terms.
Arrays: ``posterior``, ``far`` [2, n] single-draw values (form 1, form 2) at q = N(1/2, 1/2), the exact posterior, and at
q = N(2, 1); ``bounds`` [2] and ``variances`` [2, 2] of the two cases in closed form; ``log_evidence`` [] = log N(1; 0, 2).
"""

import math

import numpy as np

from dgm.maths.divergences import elbo_linear_gaussian, log_normal_density
from dgm.maths.gradient_estimators import bound_draws, bound_variances
from dgm.maths.measured import Measured, Reading, mean
from dgm.runtime.seeds import derived_seed

__all__ = ["CASES", "X", "compute", "measure"]

X = 1.0
CASES = {"posterior": (0.5, math.sqrt(0.5)), "far": (2.0, 1.0)}
"""Mean and standard deviation of q in each case."""

DRAWS = 200_000


def compute(seed: int = 0) -> dict[str, np.ndarray]:
    """All arrays; both forms use the same draws."""
    noise = np.random.default_rng(derived_seed(seed, "bound_estimators")).standard_normal(DRAWS)
    return {
        **{case: np.stack(bound_draws(X, *q, noise)) for case, q in CASES.items()},
        "bounds": np.array([elbo_linear_gaussian(X, *q) for q in CASES.values()]),
        "variances": np.array([bound_variances(X, *q) for q in CASES.values()]),
        "log_evidence": log_normal_density(X, 0.0, math.sqrt(2)),
    }


def measure(arrays: dict[str, np.ndarray]) -> list[Reading]:
    """Mean and variance of single draws; the split names case and form, such as ``far_form_1``."""
    readings: list[Reading] = []
    for index, case in enumerate(CASES):
        for form in (1, 2):
            split, draws = f"{case}_form_{form}", arrays[case][form - 1]
            deviations = (draws - draws.mean()) ** 2
            readings += [
                ("bound", split, Measured(float(arrays["bounds"][index]), unit="nats")),
                ("bound_sampled", split, mean(draws)),
                ("variance", split, Measured(float(arrays["variances"][index, form - 1]))),
                ("variance_sampled", split, mean(deviations, unit="")),
            ]
    return readings
