"""The samples of a model as the digit classifiers see them: how sure, and how far from real images."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from dgm.evaluation.quality import Comparison, Judge, seen
from dgm.evaluation.rows import AT_ONCE, Job, Row
from dgm.evaluation.scores import classes, scores
from dgm.protocols import DrawsImages, KeepsSnapshots

__all__ = ["judged"]


def judged(job: Job, model: DrawsImages, samples: Mapping[str, np.ndarray], judges: Sequence[Judge]) -> Iterator[Row]:
    """Scores and quality of every array of samples, and of what a model drew with the weights it had while it was trained.

    Scores are of all samples. Quality is of as many as there are test images, the same number for all models.
    """
    device, classifier = job.data.test_images.device, judges[0].classifier
    arrays = {
        name: seen(classifier, torch.from_numpy(samples[name]).to(device).float().clamp(0, 1))
        for name in ("samples", "low_temperature", "means")
        if name in samples
    }
    yield from classes(job, arrays["samples"].log_p)
    job.arrays["class_log_probabilities"] = arrays["samples"].log_p.float().cpu().numpy()
    for name, drawn in arrays.items():
        yield from scores(job.run, "" if name == "samples" else f"_{name}", "samples", drawn.log_p)
    comparison = Comparison(job, min(len(job.data.test_images), len(samples["samples"])), judges)
    for name, drawn in arrays.items():
        # pixel probabilities are no draw of binary pixels: their like among real images are grey levels
        yield from comparison.rows(drawn, "grey" if name == "means" else model.sample_treatment, name)
    if isinstance(model, KeepsSnapshots):
        for place in range(model.snapshots()):
            drawn = seen(classifier, _drawn_at(model, place, len(samples["samples"]), job))
            yield from scores(job.run, "", f"grid_{place + 1}", drawn.log_p)
            yield from comparison.rows(drawn, model.sample_treatment, f"grid_{place + 1}")


def _drawn_at(model: KeepsSnapshots, place: int, n: int, job: Job) -> Tensor:
    generator = job.generators[f"snapshot/{place}"]
    return torch.cat([model.sample_at(place, min(AT_ONCE, n - at), generator) for at in range(0, n, AT_ONCE)])
