"""How well clusters agree with labels. Axis letter: n images."""

import math

import numpy as np
from jaxtyping import Int

from dgm.measurements import Measured

__all__ = ["clustering_accuracy", "purity"]


def purity(labels: Int[np.ndarray, " n"], clusters: Int[np.ndarray, " n"]) -> Measured:
    """Share of images that carry the majority label of their cluster. It rises with the number of clusters alone."""
    right = sum(np.bincount(labels[clusters == cluster]).max() for cluster in np.unique(clusters))
    share = right / len(labels)
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
    table = np.zeros((k, k), dtype=np.int64)
    np.add.at(table, (clusters, labels), 1)
    rows, columns = linear_sum_assignment(-table)
    share = table[rows, columns].sum() / len(labels)
    return Measured(share, math.sqrt(share * (1 - share) / len(labels)), len(labels), "share")
