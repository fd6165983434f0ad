"""The samples of a model as the digit classifiers see them: how sure, and how far from real images."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from dgm.evaluation.quality import Comparison
from dgm.evaluation.rows import AT_ONCE, Job, Row
from dgm.evaluation.scores import classes, scores
from dgm.protocols import Classifies, DrawsImages, KeepsSnapshots

__all__ = ["judged"]


def judged(
    job: Job, model: DrawsImages, samples: dict[str, np.ndarray], classifier: Classifies, second: Classifies | None
) -> Iterator[Row]:
    """Scores and quality of every array of samples, and of what a model drew with the weights it had while it was trained.

    Scores are of all samples. Quality is of as many as there are test images, the same number for all models.
    """
    device = job.data.test_images.device
    arrays = {
        name: torch.from_numpy(samples[name]).to(device).float().clamp(0, 1)
        for name in ("samples", "low_temperature", "means")
        if name in samples
    }
    for name, images in arrays.items():
        log_p = torch.cat([classifier.log_probabilities(part) for part in images.flatten(1).split(AT_ONCE)])
        if name == "samples":
            yield from classes(job, log_p)
            job.arrays["class_log_probabilities"] = log_p.float().cpu().numpy()
        yield from scores(job.run, "" if name == "samples" else f"_{name}", "samples", log_p)
    n = min(len(job.data.test_images), len(samples["samples"]))
    comparison = Comparison(job, n, classifier, second)
    for name, images in arrays.items():
        # pixel probabilities are no draw of binary pixels: their like among real images are grey levels
        yield from comparison.rows(images, "grey" if name == "means" else model.sample_treatment, name)
    if isinstance(model, KeepsSnapshots):
        for place in range(model.snapshots()):
            drawn = _drawn_at(model, place, len(samples["samples"]), job)
            log_p = torch.cat([classifier.log_probabilities(part) for part in drawn.flatten(1).split(AT_ONCE)])
            yield from scores(job.run, "", f"grid_{place + 1}", log_p)
            yield from comparison.rows(drawn, model.sample_treatment, f"grid_{place + 1}")


def _drawn_at(model: KeepsSnapshots, place: int, n: int, job: Job) -> Tensor:
    generator = job.generators[f"snapshot/{place}"]
    return torch.cat([model.sample_at(place, min(AT_ONCE, n - at), generator) for at in range(0, n, AT_ONCE)])
