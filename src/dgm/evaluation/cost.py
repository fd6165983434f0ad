"""What a run costs: parameters, seconds of training and of sampling."""

from collections.abc import Iterator
from typing import Any

from torch import nn

from dgm.evaluation.rows import Row
from dgm.measurements import Measured

__all__ = ["cost"]


def cost(run: str, model: nn.Module, train_record: dict[str, Any], sample_record: dict[str, Any] | None) -> Iterator[Row]:
    """Rows from the model itself and from the records of its jobs."""
    own = getattr(model, "parameter_count", None)
    count = own() if callable(own) else sum(parameter.numel() for parameter in model.parameters())
    yield Row(run, "parameters", "model", Measured(count, unit="count"))
    # time in optimiser steps, over all attempts of a training that was interrupted; the record's own time is of the last one alone
    yield Row(run, "train_seconds", "train", Measured(train_record["seconds_in_steps"], n=1, unit="s"))
    yield Row(run, "images_per_second", "train", Measured(train_record["images_per_second"], n=1, unit="1/s"))
    seconds = train_record["seconds_in_steps"] / train_record["epochs"]
    yield Row(run, "seconds_per_epoch", "train", Measured(seconds, n=train_record["epochs"], unit="s"))
    if "log_likelihood_fitted" in train_record:
        yield Row(run, "log_likelihood_fitted", "train", Measured(train_record["log_likelihood_fitted"], unit="nats"))
    if sample_record is not None:
        seconds = 1000 * sample_record["seconds_sampling"] / sample_record["count"]
        yield Row(run, "sample_seconds_per_1000", "samples", Measured(seconds, n=sample_record["count"], unit="s"))
