"""How well clusters agree with labels. Axis letters: n images, k labels, c clusters.

The two indices equal those of scikit-learn, which checks its arguments for thirty times as long as it computes: too long for a
bootstrap.
"""

import math

import numpy as np
from jaxtyping import Float, Int

from dgm.maths.measured import Measured

__all__ = ["adjusted_rand_index", "clustering_accuracy", "normalised_mutual_information", "purity"]


def purity(labels: Int[np.ndarray, " n"], clusters: Int[np.ndarray, " n"]) -> Measured:
    """Share of images that carry the majority label of their cluster. It rises with the number of clusters alone."""
    share = float(_counts(labels, clusters).max(0).sum()) / len(labels)
    return Measured(share, math.sqrt(share * (1 - share) / len(labels)), len(labels), "share")


def clustering_accuracy(labels: Int[np.ndarray, " n"], clusters: Int[np.ndarray, " n"]) -> Measured:
    """Share of agreement under the best one-to-one assignment of clusters to labels (Hungarian method).

    Raises:
        ValueError: when the numbers of clusters and labels differ, so that no one-to-one assignment exists.
    """
    from scipy.optimize import linear_sum_assignment

    k = int(max(labels.max(), clusters.max())) + 1
    if len(np.unique(labels)) < k:
        raise ValueError(f"{k} clusters against {len(np.unique(labels))} labels: no one-to-one assignment")
    table = _counts(labels, clusters)
    rows, columns = linear_sum_assignment(-table)
    share = float(table[rows, columns].sum()) / len(labels)
    return Measured(share, math.sqrt(share * (1 - share) / len(labels)), len(labels), "share")


def normalised_mutual_information(labels: Int[np.ndarray, " n"], clusters: Int[np.ndarray, " n"]) -> float:
    """Mutual information of labels and clusters over the mean of their entropies; 1 where both have a single value.

    Source: Strehl, Ghosh, "Cluster ensembles" (2002), with the arithmetic mean in place of the geometric one.
    """
    table = _counts(labels, clusters) / len(labels)
    apart, joint = _entropy(table.sum(0)) + _entropy(table.sum(1)), _entropy(table)
    return 2 * (apart - joint) / apart if apart > 0 else 1.0


def adjusted_rand_index(labels: Int[np.ndarray, " n"], clusters: Int[np.ndarray, " n"]) -> float:
    """Pairs of images that labels and clusters both keep together: 0 at the number expected by chance, 1 at the most possible.

    Source: Hubert, Arabie, "Comparing partitions" (1985), equation 5.
    """
    table = _counts(labels, clusters)
    together, by_label, by_cluster = _pairs(table), _pairs(table.sum(1)), _pairs(table.sum(0))
    expected = by_label * by_cluster / _pairs(np.array([len(labels)]))
    most = (by_label + by_cluster) / 2
    return float((together - expected) / (most - expected)) if most != expected else 1.0


def _counts(labels: Int[np.ndarray, " n"], clusters: Int[np.ndarray, " n"]) -> Float[np.ndarray, "k c"]:
    """Images of each label in each cluster."""
    k, c = int(labels.max()) + 1, int(clusters.max()) + 1
    return np.bincount(labels.astype(np.int64) * c + clusters, minlength=k * c).reshape(k, c).astype(np.float64)


def _entropy(shares: Float[np.ndarray, "..."]) -> float:
    some = shares[shares > 0]
    return float(-(some * np.log(some)).sum())


def _pairs(counts: Float[np.ndarray, "..."]) -> float:
    return float((counts * (counts - 1)).sum() / 2)
