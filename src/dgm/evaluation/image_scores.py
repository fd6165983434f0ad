"""Numbers from arrays: likelihood units and sample quality, each with its standard error where it has one.

Arrays in, numbers out; no files, no models. Axis letters: n images or samples, k components.
"""

import math

import numpy as np
from jaxtyping import Float, Int, Shaped

from dgm.maths.measured import Measured, mean

__all__ = [
    "bits_per_dim",
    "class_entropy",
    "class_information",
    "neighbour_correlation",
    "pixel_entropy",
]


def bits_per_dim(log_likelihood: Measured, dimensions: int) -> Measured:
    """(-log p / d + log 256) / log 2 for a density of pixels scaled to [0, 1); Dinh et al. 2015 report the nats instead."""
    return Measured(
        (-log_likelihood.value / dimensions + math.log(256)) / math.log(2),
        log_likelihood.stderr / dimensions / math.log(2),
        log_likelihood.n,
        "bits/dim",
    )


def class_entropy(predicted: Int[np.ndarray, " n"], classes: int = 10) -> Measured:
    """Entropy in nats of the histogram of predicted classes; log(10) = 2.303 when all digits are equally frequent.

    The mean of the surprises -log share(c_i), whose standard error is that of the entropy (delta method).
    """
    share = np.bincount(predicted, minlength=classes) / len(predicted)
    return mean(-np.log(share[predicted]))


def class_information(log_p: Float[np.ndarray, "n k"]) -> Measured:
    """Mutual information in nats between an image and its class: mean_i KL(p(c | x_i) || mean_j p(c | x_j)).

    Equal to H(mean p) - mean H(p): large only if single images are recognised *and* images differ; between 0 and log k. The
    standard error is that of the mean of the n divergences, which are also the influence function of the estimate (the change
    of the average law has no first-order effect).
    """
    p = np.exp(log_p)
    average = p.mean(0)
    return mean((p * (log_p - np.log(average))).sum(1))


def pixel_entropy(p: Float[np.ndarray, "k ..."]) -> Measured:
    """Mean entropy in nats of the Bernoulli pixels of all prototypes; log 2 = 0.693 is pure noise."""
    inside = np.clip(p.astype(np.float64), 1e-12, 1 - 1e-12)
    entropy = -(inside * np.log(inside) + (1 - inside) * np.log1p(-inside))
    return Measured(float(entropy.mean()), n=len(p), unit="nats")


def neighbour_correlation(images: Shaped[np.ndarray, "n h w"], clusters: Int[np.ndarray, " n"]) -> Measured:
    """Correlation of horizontally neighbouring pixels within clusters, pooled over pairs and clusters.

    Covariance and variances are summed over all pairs before dividing: sum cov / sqrt(sum var_left * sum var_right), so pixels
    that never vary carry no weight. It is 0 for a mixture of independent pixels. The standard error treats the three sums as sums
    over independent images (delta method).
    """
    sums = np.zeros((len(images), 3))  # of each image: left times right, left squared, right squared
    for cluster in np.unique(clusters):
        members = images[clusters == cluster].astype(np.float64)
        centred = members - members.mean(0)
        left, right = centred[:, :, :-1], centred[:, :, 1:]
        sums[clusters == cluster] = np.stack([(a * b).sum((1, 2)) for a, b in ((left, right), (left, left), (right, right))], 1)
    covariance, left_variance, right_variance = sums.sum(0)
    if left_variance == 0 or right_variance == 0:
        return Measured(math.nan, n=len(images), unit="correlation")
    correlation = float(covariance / math.sqrt(left_variance * right_variance))
    shares = sums / np.array([math.sqrt(left_variance * right_variance), left_variance, right_variance])
    influence = shares[:, 0] - correlation * (shares[:, 1] + shares[:, 2]) / 2
    return Measured(correlation, float(np.sqrt((influence**2).sum())), len(images), "correlation")
