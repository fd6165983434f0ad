"""How well the components of a mixture are the ten digits. Axis letters: n images, k components."""

from collections.abc import Iterator, Mapping

import numpy as np
import torch

from dgm.evaluation import image_scores
from dgm.evaluation.rows import AT_ONCE, Job, Row, splits
from dgm.maths import clustering, measured
from dgm.maths.measured import Measured
from dgm.protocols import HasClusters

__all__ = ["agreement"]


def agreement(job: Job, model: HasClusters, samples: Mapping[str, np.ndarray] | None) -> Iterator[Row]:
    """Agreement of clusters and digits on test images; for mixtures of pixels also what becomes of neighbouring pixels."""
    labels = job.data.test_labels.cpu().numpy()
    for split, x in splits(job, model.treatment):
        if split != "test":
            continue
        responsibilities = torch.cat([model.responsibilities(part) for part in x.split(AT_ONCE)])
        clusters = responsibilities.argmax(1).cpu().numpy()
        job.arrays["clusters_test"] = clusters
        yield Row(job.run, "purity", split, clustering.purity(labels, clusters))
        if responsibilities.shape[1] == len(np.unique(labels)):
            yield Row(job.run, "clustering_accuracy", split, clustering.clustering_accuracy(labels, clusters))
        seed = job.generators.seed_of("bootstrap")
        for name, score in (("nmi", clustering.normalised_mutual_information), ("ari", clustering.adjusted_rand_index)):
            yield Row(job.run, name, split, measured.bootstrapped(score, labels, clusters, seed=seed))
        images = x.view(-1, *job.data.shape).cpu().numpy()
        yield Row(job.run, "neighbour_correlation_data", split, image_scores.neighbour_correlation(images, clusters))
    if samples is not None and "prototypes" in samples:
        correlation = image_scores.neighbour_correlation(samples["samples"], samples["components"])
        yield Row(job.run, "neighbour_correlation_samples", "samples", correlation)
        yield Row(job.run, "prototype_entropy", "model", image_scores.pixel_entropy(samples["prototypes"]))
        weights = samples["weights"]
        yield Row(job.run, "smallest_weight", "model", Measured(float(weights.min()), n=len(weights)))
        yield Row(job.run, "largest_weight", "model", Measured(float(weights.max()), n=len(weights)))
