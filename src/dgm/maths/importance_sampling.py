"""Self-normalised importance sampling: expectations under a density that is known up to a constant.

F = E_p[f],   p = e^E / e^A,   w_m = e^E(X_m) / q(X_m),   X_m ~ q
F_hat = sum_m w_m f(X_m) / sum_m w_m                                                            (1)
A_hat = log (1/M sum_m w_m)                                                                     (2)
ESS   = (sum_m w_m)^2 / sum_m w_m^2                                                             (3)

All functions take log weights, log w_m = E(X_m) - log q(X_m), and never exponentiate them unshifted.
Reference: Owen 2013, chapter 9. Axis letter: m proposal points.
"""

import math

import numpy as np
from jaxtyping import Float

from dgm.maths.measured import Measured

__all__ = ["effective_sample_size", "effective_share", "expectation", "log_normaliser", "normalised", "softmax_scores"]


def normalised(log_weights: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
    """w_m / sum w: a softmax of the log weights."""
    shifted = np.exp(log_weights - log_weights.max())
    shares: np.ndarray = shifted / shifted.sum()
    return shares


def effective_sample_size(log_weights: Float[np.ndarray, " m"]) -> float:
    """Equation (3): how many equally weighted draws the weighted ones are worth; between 1 and m."""
    return float(1 / (normalised(log_weights) ** 2).sum())


def effective_share(log_weights: Float[np.ndarray, " m"]) -> Measured:
    """Equation (3) over m, in (0, 1]: E[w]^2 / E[w^2], with the standard error of a ratio of means (delta method)."""
    w = np.exp(log_weights - log_weights.max())
    first, second = w.mean(), (w**2).mean()
    share = float(first**2 / second)
    influence = share * (2 * (w / first - 1) - (w**2 / second - 1))
    return Measured(share, float(influence.std(ddof=1)) / math.sqrt(len(w)), len(w), "share")


def expectation(log_weights: Float[np.ndarray, " m"], values: Float[np.ndarray, " m"]) -> Measured:
    """Equation (1) with the standard error of a ratio (delta method): sqrt(sum wbar_m^2 (f_m - F_hat)^2)."""
    share = normalised(log_weights)
    estimate = float(share @ values)
    error = float(np.sqrt((share**2) @ (values - estimate) ** 2))
    return Measured(estimate, error, len(values))


def log_normaliser(log_weights: Float[np.ndarray, " m"]) -> Measured:
    """Equation (2) in nats; its standard error is the coefficient of variation of the weights over sqrt(m) (delta method)."""
    top = float(log_weights.max())
    weights = np.exp(log_weights - top)
    m = len(weights)
    error = float(weights.std(ddof=1) / weights.mean()) / math.sqrt(m) if m > 1 else math.nan
    return Measured(top + math.log(weights.mean()), error, m, "nats")


def softmax_scores(log_values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """log(e^v_i / sum_j e^v_j) for the n points themselves, which is no log-density.

    It normalises over the points in the place of the plane: a constant added to the log-density or energy changes nothing, and the
    mean is at most -log n whatever the model, with equality for a constant one.
    """
    shifted = log_values - log_values.max()
    scores: np.ndarray = shifted - math.log(np.exp(shifted).sum())
    return scores
