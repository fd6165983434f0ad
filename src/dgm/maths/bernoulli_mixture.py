"""The Bernoulli mixture as the derivations state it, term by term, in any exact or floating number type.

Model   P(x) = sum_k pi_k prod_d (p_d^(k))^x_d (1 - p_d^(k))^(1 - x_d),   x in {0, 1}^D          (1)

Every function multiplies and adds only what it is given, so ``fractions.Fraction`` in gives ``Fraction`` out. That makes
these functions the oracle for the log-space implementation in :mod:`dgm.models.bmm`, and useless for D = 784, where the
products underflow. Letters: n images, K components, D pixels; ``x`` [D], ``data`` [n, D], ``p`` [K, D], ``pi`` [K].

References: Bishop, Pattern Recognition and Machine Learning, 2006, section 9.3.3.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "bernoulli_likelihood",
    "complete_likelihood",
    "expected_complete_log_likelihood",
    "indicator_probability",
    "log_likelihood",
    "m_step",
    "mixture_covariance",
    "mixture_likelihood",
    "responsibilities",
]

Number = Any  # int, float or Fraction; arithmetic is all that is asked of it
Vector = Sequence[Number]
Matrix = Sequence[Vector]


def bernoulli_likelihood(x: Sequence[int], p: Vector) -> Number:
    """P(x | p) = prod_d p_d^x_d (1 - p_d)^(1 - x_d) for independent pixels.

    Raises:
        ValueError: when ``x`` and ``p`` differ in length or a pixel is neither 0 nor 1.
    """
    if len(x) != len(p):
        raise ValueError(f"bernoulli_likelihood: {len(x)} pixels but {len(p)} probabilities; give one probability for each pixel")
    if any(pixel not in (0, 1) for pixel in x):
        raise ValueError(f"bernoulli_likelihood: pixels {list(x)}; only 0 and 1 are allowed")
    return math.prod(probability if pixel else 1 - probability for pixel, probability in zip(x, p, strict=True))


def mixture_likelihood(x: Sequence[int], p: Matrix, pi: Vector) -> Number:
    """P(x | p, pi) of equation (1): the component is summed out."""
    return sum(weight * bernoulli_likelihood(x, row) for weight, row in zip(pi, p, strict=True))


def log_likelihood(data: Sequence[Sequence[int]], p: Matrix, pi: Vector) -> float:
    """The log-likelihood log P(X | pi, p) = sum_i log P(x^(i) | p, pi) in nats, for independent images."""
    return sum(math.log(mixture_likelihood(x, p, pi)) for x in data)


def indicator_probability(z: Sequence[int], pi: Vector) -> Number:
    """P(z | pi) = prod_k pi_k^z_k for a one-hot indicator ``z`` [K]."""
    return math.prod(weight**bit for weight, bit in zip(pi, z, strict=True))


def complete_likelihood(assignment: Sequence[int], data: Sequence[Sequence[int]], p: Matrix, pi: Vector) -> Number:
    """P(Z, X | pi, p) = prod_i prod_k [pi_k P(x^(i) | p^(k))]^(z_k^(i)).

    ``assignment`` [n] holds the index of the active component of each image, which is Z without its zeros.
    """
    joint: Number = 1
    for active, x in zip(assignment, data, strict=True):
        z = [int(k == active) for k in range(len(pi))]
        joint *= indicator_probability(z, pi) * math.prod(
            bernoulli_likelihood(x, row) ** bit for row, bit in zip(p, z, strict=True)
        )
    return joint


def responsibilities(data: Sequence[Sequence[int]], p: Matrix, pi: Vector) -> list[list[Number]]:
    """eta(z_k^(i)) = P(z_k^(i) = 1 | x^(i), pi, p) by Bayes' rule; [n, K], every row sums to one."""
    rows = []
    for x in data:
        joint = [weight * bernoulli_likelihood(x, row) for weight, row in zip(pi, p, strict=True)]
        total = sum(joint)
        rows.append([term / total for term in joint])
    return rows


def expected_complete_log_likelihood(data: Sequence[Sequence[int]], eta: Matrix, new_p: Matrix, new_pi: Vector) -> float:
    """sum_i sum_k eta_ik [log new_pi_k + sum_d (x_d log new_p_d^(k) + (1 - x_d) log(1 - new_p_d^(k)))], in nats."""
    return sum(
        float(weight) * (math.log(share) + sum(math.log(q if bit else 1 - q) for bit, q in zip(x, row, strict=True)))
        for x, weights in zip(data, eta, strict=True)
        for weight, share, row in zip(weights, new_pi, new_p, strict=True)
    )


def m_step(data: Sequence[Sequence[int]], eta: Matrix) -> tuple[list[list[Number]], list[Number]]:
    """The maximisers p^(k) = sum_i eta_ik x^(i) / N_k and pi_k = N_k / n, where N_k = sum_i eta_ik.

    Raises:
        ValueError: when a component has no responsibility at all, so that its p is undetermined.
    """
    sizes = [sum(column) for column in zip(*eta, strict=True)]
    if any(size == 0 for size in sizes):
        raise ValueError(f"m_step: component sizes {[float(size) for size in sizes]}; every component needs some responsibility")
    total = sum(sizes)
    p = [
        [sum(row[k] * x[d] for row, x in zip(eta, data, strict=True)) / size for d in range(len(data[0]))]
        for k, size in enumerate(sizes)
    ]
    return p, [size / total for size in sizes]


def mixture_covariance(p: npt.ArrayLike, pi: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Covariance [D, D] of the mixture's pixels.

    Off the diagonal Cov(x_d, x_e) = sum_k pi_k p_d^(k) p_e^(k) - m_d m_e with m = sum_k pi_k p^(k); on it m_d (1 - m_d).
    """
    rows, weights = np.asarray(p, dtype=np.float64), np.asarray(pi, dtype=np.float64)
    mean = weights @ rows
    covariance = rows.T @ (weights[:, None] * rows) - np.outer(mean, mean)
    np.fill_diagonal(covariance, mean * (1 - mean))
    return covariance
