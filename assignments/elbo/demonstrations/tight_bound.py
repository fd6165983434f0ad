"""Where the evidence lower bound touches the log-evidence: over all laws of a code with three values, and along a parameter.

Three values of z with the prior (0.1, 0.3, 0.6) and p(x | z) = (0.5, 0.6, 0.1) at the given x, so p(x, z) = (0.05, 0.18, 0.06).
Arrays: ``laws`` [n, 3], a triangular grid of laws q of z, with ``gap`` [n] = log p(x) minus the bound; ``marks`` [4, 3] and
``mark_gaps`` [4] of the posterior, an arbitrary q, the prior and the normalised likelihood.

The model p(z) = N(0, 1), p(x | z) = N(scale z, 1) at x = 2. Arrays: ``scale`` [m]; ``log_evidence`` [m]; ``touch`` [t] scales whose
posterior is held fixed in the bounds ``held`` [t, m]; ``restricted`` [m] the best bound with a q of variance 1; ``peaks`` [2, 2],
rows (scale, value) of the highest log-evidence and of the highest restricted bound.
"""

import math

import numpy as np

from dgm.maths.divergences import best_scales, elbo_scaled_gaussian, kl_discrete, log_normal_density, posterior_scaled_gaussian
from dgm.maths.variational_bounds import discrete_bound, discrete_maximiser

__all__ = ["ARBITRARY", "LIKELIHOOD", "PRIOR", "X", "compute"]

PRIOR, LIKELIHOOD = np.array([0.1, 0.3, 0.6]), np.array([0.5, 0.6, 0.1])
ARBITRARY = np.array([0.2, 0.5, 0.3])
X = 2.0
_SIDE = 60  # steps along a side of the triangle


def compute(seed: int = 0) -> dict[str, np.ndarray]:
    """All arrays of the illustration; nothing is drawn at random, so ``seed`` changes nothing."""
    joint = PRIOR * LIKELIHOOD
    posterior = discrete_maximiser(LIKELIHOOD, PRIOR)
    laws = np.array([(i, j, _SIDE - i - j) for i in range(_SIDE + 1) for j in range(_SIDE + 1 - i)]) / _SIDE
    marks = np.array([posterior, ARBITRARY, PRIOR, LIKELIHOOD / LIKELIHOOD.sum()])
    scale = np.linspace(0.0, 4.0, 161)
    touch = np.array([0.5, math.sqrt(3.0), 3.0])
    likeliest, restricted = best_scales(X)
    return {
        "laws": laws,
        "gap": math.log(joint.sum()) - discrete_bound(np.log(joint)[None, :], laws),
        "marks": marks,
        "mark_gaps": np.array([kl_discrete(q, posterior) for q in marks]),
        "scale": scale,
        "log_evidence": np.array([_log_evidence(s) for s in scale]),
        "touch": touch,
        "held": np.array([[elbo_scaled_gaussian(X, s, *posterior_scaled_gaussian(X, t)) for s in scale] for t in touch]),
        "restricted": np.array([_restricted(s) for s in scale]),
        "peaks": np.array([(likeliest, _log_evidence(likeliest)), (restricted, _restricted(restricted))]),
    }


def _log_evidence(scale: float) -> float:
    """Log N(x; 0, 1 + scale^2)."""
    return float(log_normal_density(X, 0.0, math.sqrt(1 + scale**2)))


def _restricted(scale: float) -> float:
    """The bound at the best q with variance 1, which has the mean of the posterior."""
    return elbo_scaled_gaussian(X, scale, posterior_scaled_gaussian(X, scale)[0], 1.0)
