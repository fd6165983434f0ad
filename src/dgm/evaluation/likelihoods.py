"""Log-likelihoods and bounds on them, each under the model's own treatment of the data. Axis letters: n images, d pixels."""

from collections.abc import Iterator

import torch

from dgm.evaluation import image_scores
from dgm.evaluation.rows import AT_ONCE, Job, Row, splits
from dgm.maths import measured as measurements
from dgm.protocols import HasBound, HasImportanceWeightedBound, HasLogProb

__all__ = ["bounds", "likelihoods"]

IMPORTANCE_IMAGES = 500  # test images behind the importance-weighted bound: 50 decoder passes each
IMPORTANCE_SAMPLES = 50


def likelihoods(job: Job, model: HasLogProb) -> Iterator[Row]:
    """Mean and median log-likelihood of both splits in nats an image, and bits per dimension of dequantised pixels."""
    for split, x in splits(job, model.treatment):
        values = torch.cat([model.log_prob(part) for part in x.split(AT_ONCE)]).double().cpu().numpy()
        job.arrays[f"log_likelihood_{split}"] = values
        measured = measurements.mean(values)
        yield Row(job.run, "log_likelihood", split, measured)
        yield Row(job.run, "log_likelihood_median", split, measurements.median(values))
        if model.treatment == "dequantised":
            yield Row(job.run, "bits_per_dim", split, image_scores.bits_per_dim(measured, x.shape[1]))


def bounds(job: Job, model: HasBound) -> Iterator[Row]:
    """The bound and its terms on both splits; where the model offers it, the importance-weighted bound of some test images."""
    noise = job.generators["bound"]
    for split, x in splits(job, model.treatment):
        parts = [model.bound(part, noise) for part in x.split(AT_ONCE)]
        # a Bernoulli decoder scores grey pixels, but that score is no bound on a likelihood and must not be called one
        prefix = "grey_" if model.treatment == "grey" else ""
        for term in parts[0]:
            values = torch.cat([part[term] for part in parts]).double().cpu().numpy()
            if term == "bound" or split == "test":  # of test images all terms, so that two models can be compared image by image
                job.arrays[f"{prefix}{term}_{split}"] = values
            yield Row(job.run, f"{prefix}{term}", split, measurements.mean(values))
        if split == "test" and not prefix and isinstance(model, HasImportanceWeightedBound):
            some = x[:IMPORTANCE_IMAGES]
            weighted = torch.cat([model.importance_weighted_bound(part, IMPORTANCE_SAMPLES, noise) for part in some.split(AT_ONCE)])
            values = weighted.double().cpu().numpy()
            job.arrays["importance_weighted_test"] = values
            yield Row(job.run, f"iwae_{IMPORTANCE_SAMPLES}", "test", measurements.mean(values))
            # the same images under the plain bound, so that the two can be compared without the choice of images
            yield Row(job.run, "bound_same_images", "test", measurements.mean(job.arrays["bound_test"][:IMPORTANCE_IMAGES]))
            if hasattr(model, "reconstruct"):
                job.arrays["originals"] = x[:16].view(-1, *job.data.shape).cpu().numpy()
                job.arrays["reconstructions"] = model.reconstruct(x[:16]).cpu().numpy()
