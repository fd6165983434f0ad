"""The samples of a model as the digit classifier sees them."""

from collections.abc import Iterator

import numpy as np
import torch

from dgm import measurements
from dgm.evaluation.rows import AT_ONCE, Job, Row
from dgm.evaluation.scores import RECOGNISED, classes, scores
from dgm.protocols import Classifies

__all__ = ["judged"]


def judged(job: Job, samples: dict[str, np.ndarray], classifier: Classifies) -> Iterator[Row]:
    """Scores of every array of samples, and of the images that a model kept while it was trained."""
    device = job.data.test_images.device
    for name, suffix in (("samples", ""), ("low_temperature", "_low_temperature"), ("means", "_means")):
        if name not in samples:
            continue
        x = torch.from_numpy(samples[name]).to(device).float().clamp(0, 1).flatten(1)
        log_p = torch.cat([classifier.log_probabilities(part) for part in x.split(AT_ONCE)])
        if name == "samples":
            yield from classes(job, log_p)
        yield from scores(job.run, suffix, "samples", log_p)
    for place, grid in enumerate(samples.get("grids", ()), 1):  # kept during training, the first one earliest
        log_p = classifier.log_probabilities(torch.from_numpy(grid).to(device).flatten(1))
        largest = log_p.max(1).values.exp().double().cpu().numpy()
        yield Row(job.run, "confidence", f"grid_{place}", measurements.mean(largest, unit="probability"))
        yield Row(job.run, "recognised", f"grid_{place}", measurements.proportion(largest > RECOGNISED))
