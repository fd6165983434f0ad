"""What a fitted model costs on any machine, and what its training says of itself; times and memory are in
:mod:`dgm.evaluation.costs`."""

from collections.abc import Iterator
from typing import Any

from torch import nn

from dgm.evaluation.rows import Row
from dgm.maths.measured import Measured

__all__ = ["cost"]


def cost(run: str, model: nn.Module, train_record: dict[str, Any]) -> Iterator[Row]:
    """The number of parameters, and the likelihood that a fit by EM reached."""
    own = getattr(model, "parameter_count", None)
    count = own() if callable(own) else sum(parameter.numel() for parameter in model.parameters())
    yield Row(run, "parameters", "model", Measured(count, unit="count"))
    if "log_likelihood_fitted" in train_record:
        yield Row(run, "log_likelihood_fitted", "train", Measured(train_record["log_likelihood_fitted"], unit="nats"))
