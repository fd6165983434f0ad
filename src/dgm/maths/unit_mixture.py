"""Mixture of Gaussians with identity covariance, fitted by expectation maximisation.

Model    p(x) = sum_k pi_k N(x; mu_k, I)                                                        (1)
E step   gamma_ik = p(k | x_i) = exp(B_ik - logsumexp_j B_ij),   B_ik = log pi_k + log N(x_i; mu_k, I)   (2)
M step   mu_k = sum_i gamma_ik x_i / N_k,   pi_k = N_k / n,   N_k = sum_i gamma_ik              (3)

With the covariance known (2) and (3) are all there is, and the log-likelihood of the data never falls. It has many local maxima,
so :func:`fit` starts several times from k-means++ centres and keeps the best.

References: Dempster, Laird & Rubin 1977; Bishop 2006, section 9.2.2; Arthur & Vassilvitskii 2007 (starts).
Axis letters: n points, k components, d dimensions. Everything is float64.
"""

import math
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment

__all__ = [
    "ITERATIONS",
    "RESTARTS",
    "TOLERANCE",
    "Fit",
    "Matched",
    "e_step",
    "em",
    "fit",
    "iterate",
    "log_joint",
    "m_step",
    "match",
    "start",
]

RESTARTS = 10
ITERATIONS = 500
TOLERANCE = 1e-8


@dataclass(frozen=True)
class Fit:
    """What EM found from one start, or has found so far."""

    means: Float[np.ndarray, "k d"]
    weights: Float[np.ndarray, " k"]
    trace: list[float] = field(default_factory=list)
    """Mean log-likelihood a point before the first iteration and after each, in nats; the last one belongs to the parameters when
    finished, else to those of the iteration before."""
    finished: bool = False


@dataclass(frozen=True)
class Matched:
    """Estimated against true parameters, after the labels have been matched."""

    order: list[int]
    """The estimated component that stands for the true component 0, 1, …"""
    mean_error: float
    """Root mean square, over components, of the distance between estimated and true mean."""
    weight_error: float
    """Mean absolute error of a weight."""


def log_joint(x: Float[np.ndarray, "n d"], means: Float[np.ndarray, "k d"], weights: Float[np.ndarray, " k"]) -> np.ndarray:
    """B of equation (2), [n, k]. A component of weight 0 gets minus infinity."""
    with np.errstate(divide="ignore"):
        offset = np.log(weights) - 0.5 * (means**2).sum(1) - 0.5 * x.shape[1] * math.log(2 * math.pi)
    # components lie in the slow axis: sums over a short last axis cost numpy several times as much
    joint: np.ndarray = means @ x.T
    joint += offset[:, None]
    joint -= 0.5 * np.einsum("ij,ij->i", x, x)
    return joint.T


def e_step(
    x: Float[np.ndarray, "n d"], means: Float[np.ndarray, "k d"], weights: Float[np.ndarray, " k"]
) -> tuple[Float[np.ndarray, "n k"], Float[np.ndarray, " n"]]:
    """Responsibilities and the log-likelihood of each point in nats, equation (2)."""
    joint = log_joint(x, means, weights).T
    top = joint.max(0)
    joint -= top
    torch.from_numpy(joint).exp_()  # numpy's takes two to four times as long without AVX-512
    total = joint.sum(0)
    joint /= total
    return joint.T, np.log(total) + top


def m_step(
    x: Float[np.ndarray, "n d"], gamma: Float[np.ndarray, "n k"]
) -> tuple[Float[np.ndarray, "k d"], Float[np.ndarray, " k"]]:
    """Means and weights from the responsibilities, equation (3). A component without points goes to the origin with weight 0."""
    sizes = gamma.sum(0)
    means = (gamma.T @ x) / np.where(sizes > 0, sizes, 1.0)[:, None]
    return means, sizes / sizes.sum()


def start(x: Float[np.ndarray, "n d"], components: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Centres chosen by k-means++ among the points, and equal weights."""
    from sklearn.cluster import kmeans_plusplus

    centres, _ = kmeans_plusplus(x, components, random_state=seed)
    return np.asarray(centres, dtype=np.float64), np.full(components, 1 / components)


def iterate(x: Float[np.ndarray, "n d"], at: Fit, iterations: int = ITERATIONS, tolerance: float = TOLERANCE) -> Fit:
    """One pass over the points: (2), and (3) unless the fit is finished.

    It is when the last iteration gained less than ``tolerance`` nats a point, or ``iterations`` of them were made.

    Raises:
        FloatingPointError: when the log-likelihood is not finite.
    """
    gamma, log_likelihood = e_step(x, at.means, at.weights)
    trace = [*at.trace, float(log_likelihood.mean())]
    if not math.isfinite(trace[-1]):
        raise FloatingPointError(f"EM: log-likelihood not finite after iteration {len(at.trace)}; before: {at.trace[-1:]}")
    if len(trace) > iterations or (len(trace) > 1 and trace[-1] - trace[-2] < tolerance):
        return Fit(at.means, at.weights, trace, finished=True)
    return Fit(*m_step(x, gamma), trace)


def em(
    x: Float[np.ndarray, "n d"],
    means: Float[np.ndarray, "k d"],
    weights: Float[np.ndarray, " k"],
    iterations: int = ITERATIONS,
    tolerance: float = TOLERANCE,
) -> Fit:
    """Repeat :func:`iterate` until it is finished."""
    at = Fit(means, weights)
    while not at.finished:
        at = iterate(x, at, iterations, tolerance)
    return at


def fit(
    x: Float[np.ndarray, "n d"],
    components: int,
    seeds: list[int],
    iterations: int = ITERATIONS,
    tolerance: float = TOLERANCE,
) -> tuple[Fit, list[Fit]]:
    """EM from one k-means++ start for each seed.

    Returns:
        The fit with the highest log-likelihood, and all of them in the order of the seeds.

    Raises:
        ValueError: when there are fewer points than components, or no seed.
        FloatingPointError: when a point or a log-likelihood is not finite.
    """
    if len(x) < components:
        raise ValueError(f"{components} components need at least as many points; got {len(x)}")
    if not seeds:
        raise ValueError("EM needs at least one start; got no seed")
    if not np.isfinite(x).all():
        raise FloatingPointError("EM: the points are not all finite numbers")
    fits = [em(x, *start(x, components, seed), iterations, tolerance) for seed in seeds]
    return max(fits, key=lambda one: one.trace[-1]), fits


def match(
    means: Float[np.ndarray, "k d"],
    weights: Float[np.ndarray, " k"],
    true_means: Float[np.ndarray, "k d"],
    true_weights: Float[np.ndarray, " k"],
) -> Matched:
    """Label the estimated components by the one-to-one assignment with the least sum of squared distances (Hungarian method).

    Raises:
        ValueError: when the numbers of components differ.
    """
    if means.shape != true_means.shape:
        raise ValueError(f"{len(means)} estimated means against {len(true_means)} true ones: no one-to-one assignment")
    squares = ((true_means[:, None] - means) ** 2).sum(2)
    rows, order = linear_sum_assignment(squares)
    return Matched(
        order=[int(k) for k in order],
        mean_error=float(np.sqrt(squares[rows, order].mean())),
        weight_error=float(np.abs(weights[order] - true_weights).mean()),
    )
