"""Self-normalised importance sampling on a line: E(x) = -x^4 / 4, proposal N(0, 1.5^2), expectation of f(x) = x^2.

Exact: e^A = Gamma(1/4) / sqrt(2), F = 2 Gamma(3/4) / Gamma(1/4). Arrays: ``x`` with ``target`` and ``proposal`` densities;
``sizes`` [s] with ``estimate``, ``error`` (standard errors), ``log_normaliser`` and ``effective_share`` of one growing sample;
``repeat_sizes`` [r] with ``rms`` and ``bias`` of the estimate over many samples of each size, and ``asymptotic`` its standard
deviation for large samples; ``exact`` (F, A).
"""

import math

import numpy as np
from jaxtyping import Float
from scipy.special import gamma

from dgm.maths import importance_sampling

__all__ = ["EXACT_LOG_NORMALISER", "EXACT_MEAN", "SPREAD", "compute", "energy", "log_proposal"]

SPREAD = 1.5
DRAWS = 400_000
REPEATS = 4000
EXACT_LOG_NORMALISER = math.log(gamma(0.25) / math.sqrt(2))
EXACT_MEAN = float(2 * gamma(0.75) / gamma(0.25))


def energy(x: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """E(x) = -x^4 / 4."""
    return -(x**4) / 4


def log_proposal(x: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """log N(x; 0, 1.5^2)."""
    density: np.ndarray = -0.5 * (x / SPREAD) ** 2 - math.log(SPREAD * math.sqrt(2 * math.pi))
    return density


def compute(seed: int = 0) -> dict[str, np.ndarray]:
    """All arrays of the illustration; the same seed gives the same arrays."""
    rng = np.random.default_rng(seed)
    draws = SPREAD * rng.standard_normal(DRAWS)
    log_weights = energy(draws) - log_proposal(draws)
    sizes = np.unique(np.geomspace(20, DRAWS, 60).astype(int))
    estimates = [importance_sampling.expectation(log_weights[:m], draws[:m] ** 2) for m in sizes]
    x = np.linspace(-5, 5, 401)
    arrays = {
        "x": x,
        "target": np.exp(energy(x) - EXACT_LOG_NORMALISER),
        "proposal": np.exp(log_proposal(x)),
        "sizes": sizes,
        "estimate": np.array([one.value for one in estimates]),
        "error": np.array([one.stderr for one in estimates]),
        "log_normaliser": np.array([importance_sampling.log_normaliser(log_weights[:m]).value for m in sizes]),
        "effective_share": np.array([importance_sampling.effective_sample_size(log_weights[:m]) / m for m in sizes]),
        "exact": np.array([EXACT_MEAN, EXACT_LOG_NORMALISER]),
    }
    repeat_sizes = np.array([10, 30, 100, 300, 1000])
    rms, bias = [], []
    for m in repeat_sizes:
        many = SPREAD * rng.standard_normal((REPEATS, m))
        weights = np.exp(energy(many) - log_proposal(many))
        error = (weights * many**2).sum(1) / weights.sum(1) - EXACT_MEAN
        rms.append(math.sqrt((error**2).mean()))
        bias.append(error.mean())
    share = importance_sampling.normalised(log_weights)
    spread = math.sqrt(DRAWS * float(share**2 @ (draws**2 - EXACT_MEAN) ** 2))
    return arrays | {
        "repeat_sizes": repeat_sizes,
        "rms": np.array(rms),
        "bias": np.array(bias),
        "asymptotic": spread / np.sqrt(repeat_sizes),
    }
