"""The game of discriminator and generator played with laws instead of networks, and the distances that come out of it.

Value      V(D, p_G) = sum_x p_data(x) log D(x) + p_G(x) log(1 - D(x))                    (1)
Best D     D*(x) = p_data(x) / (p_data(x) + p_G(x))                                       (2)
Its value  V(D*, p_G) = -log 4 + 2 JSD(p_data, p_G)                                       (3)
Shortfall  V(D*, p_G) - V(D, p_G) = sum_x (p_data + p_G)(x) KL(Ber(D*(x)) || Ber(D(x)))   (4)

Laws are arrays [k] over k points; (2) takes densities too. Divergences are in nats. Uniform laws are given by their intervals.

References: Goodfellow et al. 2014, section 4; Arjovsky, Chintala and Bottou 2017, section 2.
"""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from scipy.special import rel_entr, xlogy

from dgm.maths.divergences import Interval, kl_discrete

__all__ = [
    "best_discriminator",
    "best_value",
    "generated_law",
    "jensen_shannon",
    "jensen_shannon_uniform",
    "kl_uniform_to_smoothed",
    "overlap",
    "shortfall",
    "value",
    "wasserstein_uniform",
]

Law = Float[np.ndarray, " k"]


def generated_law(outputs: Int[np.ndarray, " m"] | Sequence[int], noise: Float[np.ndarray, " m"], points: int) -> Law:
    """p_G(x), the total probability of all noise values z with G(z) = x; ``outputs`` lists G(z), ``noise`` the law of z."""
    law: Law = np.bincount(np.asarray(outputs), weights=noise, minlength=points)
    return law


def value(data: Law, model: Law, discriminator: Law) -> float:
    """V of equation (1); a point without mass adds nothing, whatever D says there."""
    return float((xlogy(data, discriminator) + xlogy(model, 1 - discriminator)).sum())


def best_discriminator(data: Law, model: Law) -> Law:
    """D* of equation (2); 1/2 where neither law has mass, as good as any other number there."""
    total = np.asarray(data) + np.asarray(model)
    best: Law = np.divide(data, total, out=np.full(total.shape, 0.5), where=total > 0)
    return best


def jensen_shannon(p: Law, q: Law) -> float:
    """JSD(p, q) = KL(p || m) / 2 + KL(q || m) / 2 with m = (p + q) / 2: from 0 (p = q) to log 2 (no common mass)."""
    middle = (np.asarray(p) + np.asarray(q)) / 2
    return 0.5 * kl_discrete(p, middle) + 0.5 * kl_discrete(q, middle)


def best_value(data: Law, model: Law) -> float:
    """The largest value over all discriminators, equation (3)."""
    return -math.log(4) + 2 * jensen_shannon(data, model)


def shortfall(data: Law, model: Law, discriminator: Law) -> float:
    """What a discriminator loses against the best one, equation (4): never negative."""
    best = best_discriminator(data, model)
    lost = rel_entr(best, discriminator) + rel_entr(1 - best, 1 - discriminator)
    return float(((data + model) * lost).sum())


def overlap(p: Interval, q: Interval) -> float:
    """Length of the common part of two intervals."""
    return max(0.0, min(p[1], q[1]) - max(p[0], q[0]))


def jensen_shannon_uniform(p: Interval, q: Interval) -> float:
    """JSD(U[p], U[q]).

    Outside the other interval a density is twice the mixture m, inside it is the share 2 |q| / (|p| + |q|) of it (for p), so with
    o the common length each half is log 2 + (o / |p|) log(|q| / (|p| + |q|)). For a shift by s of an interval of length 1
    this is min(s, 1) log 2.
    """
    common = overlap(p, q)
    first, second = p[1] - p[0], q[1] - q[0]
    halves = [math.log(2) + common / own * math.log(other / (first + second)) for own, other in ((first, second), (second, first))]
    return 0.5 * sum(halves)


def wasserstein_uniform(p: Interval, q: Interval) -> float:
    """W_1(U[p], U[q]), the integral over u in (0, 1) of the absolute difference of the quantiles.

    The difference runs linearly from the distance l of the left ends to the distance r of the right ones: |l + r| / 2 where it
    keeps its sign, (l^2 + r^2) / (2 |r - l|) where it changes it.
    """
    left, right = q[0] - p[0], q[1] - p[1]
    if left * right >= 0:
        return abs(left + right) / 2
    return (left**2 + right**2) / (2 * abs(right - left))


def kl_uniform_to_smoothed(p: Interval, q: Interval, background: Interval, epsilon: float) -> float:
    """KL(U[p] || (1 - eps) U[q] + eps U[background]) with p inside the background: finite, but it grows like log(1 / eps).

    Raises:
        ValueError: when p is not inside the background, or epsilon is not in (0, 1].
    """
    if not background[0] <= p[0] < p[1] <= background[1]:
        raise ValueError(f"kl_uniform_to_smoothed: p = {p} must be an interval inside the background {background}")
    if not 0 < epsilon <= 1:
        raise ValueError(f"kl_uniform_to_smoothed: epsilon = {epsilon}; allowed are values in (0, 1]")
    length = p[1] - p[0]
    share = overlap(p, q) / length
    thin = epsilon / (background[1] - background[0])
    full = (1 - epsilon) / (q[1] - q[0]) + thin
    return -(1 - share) * math.log(length * thin) - share * math.log(length * full)
