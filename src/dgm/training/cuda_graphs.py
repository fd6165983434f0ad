"""CUDA graphs: the kernels of a training step, recorded once and then started with a single call each step.

A step of the smaller models starts some hundred kernels, each of which computes for less time than the processor needs to start
it. A graph starts them all at once. The first steps of a training run as ever, which lets libraries choose their kernels; the next
is recorded and replayed from then on. A batch of another size, the last of an epoch, runs as ever.

What a graph may contain, and how the step keeps to it: nothing waits for the device; tensors keep their places, so that the
indices of a batch are copied into one tensor; random numbers come from the named generators, which the graph moves on; a learning
rate that a schedule changes is read from a tensor, in float32, and the schedule itself moves on between two replays.

Off unless :data:`CUDA_GRAPHS` is 1, because no card has shown yet that results are equal; on the CPU it does nothing.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from dgm.runtime.streams import Generators

__all__ = ["CUDA_GRAPHS", "WARM_UP", "replayed", "wanted"]

CUDA_GRAPHS = "DGM_CUDA_GRAPHS"
"""The environment variable that switches graphs on (1) or off (0, the default)."""

WARM_UP = 3
"""Steps that run as ever before one is recorded."""

Step = Callable[[Tensor], Mapping[str, Tensor]]


def wanted(device_type: str) -> bool:
    """Whether trainings on such a device replay a graph.

    Raises:
        ValueError: when the variable is neither 0 nor 1.
    """
    text = os.environ.get(CUDA_GRAPHS, "0")
    if text not in {"0", "1"}:
        raise ValueError(f"{CUDA_GRAPHS}: got {text!r}; allowed: 1 to replay training steps as CUDA graphs, 0 not to")
    return text == "1" and device_type == "cuda"


def replayed(step: Step, optimisers: Sequence[Optimizer], generators: Generators) -> Step:
    """The same step, from a graph where that is wanted.

    Args:
        step: takes indices [b] of a batch, updates the parameters, returns scalars. It moves no schedule.
        optimisers: all that the step uses.
        generators: all that the step draws from.
    """
    return _Replayed(step, optimisers, generators) if wanted(generators.device.type) else step


class _Replayed:
    """A step with its graph; the scalars that it returns are overwritten by the next call."""

    def __init__(self, step: Step, optimisers: Sequence[Optimizer], generators: Generators) -> None:
        self.step, self.generators = step, generators
        self.groups = [group for optimiser in optimisers for group in optimiser.param_groups]
        self.scheduled = [group for group in self.groups if "initial_lr" in group]  # which a schedule adds
        self.stream = torch.cuda.Stream()
        self.calls: Counter[int] = Counter()  # by size of the batch
        self.graph: Any = None
        self.batch = torch.empty(0)
        self.rates: list[Tensor] = []
        self.found: Mapping[str, Tensor] = {}

    def __call__(self, batch: Tensor) -> Mapping[str, Tensor]:
        if self.graph is None and self.calls[len(batch)] == WARM_UP:
            self._record(batch)
        if self.graph is None or len(batch) != len(self.batch):
            self.calls[len(batch)] += 1
            return self._as_ever(batch)
        self.batch.copy_(batch)
        for rate, group in zip(self.rates, self.scheduled, strict=True):
            rate.fill_(group["lr"])
        self.graph.replay()
        return self.found

    def _as_ever(self, batch: Tensor) -> Mapping[str, Tensor]:
        """A step without the graph, on the stream on which the graph is recorded, as autograd asks for."""
        current = torch.cuda.current_stream()
        self.stream.wait_stream(current)
        with torch.cuda.stream(self.stream):
            found = self.step(batch)
        current.wait_stream(self.stream)
        return found

    def _record(self, batch: Tensor) -> None:
        """Record the graph of a batch of this size, without computing anything."""
        self.batch = batch.clone()
        graph = torch.cuda.CUDAGraph()
        for generator in self.generators.made():
            graph.register_generator_state(generator)
        with self._recordable(), torch.cuda.graph(graph, stream=self.stream):
            found = self.step(self.batch)
        self.found = {name: term.detach() for name, term in found.items()}
        self.graph = graph

    @contextmanager
    def _recordable(self) -> Iterator[None]:
        """Inside, optimisers may be recorded, and read scheduled learning rates from tensors, which each replay finds filled."""
        kept = [(group["lr"], group["capturable"]) for group in self.groups]
        self.rates = [torch.full((), group["lr"], device=self.batch.device) for group in self.scheduled]
        for group in self.groups:
            group["capturable"] = True
        for group, rate in zip(self.scheduled, self.rates, strict=True):
            group["lr"] = rate
        try:
            yield
        finally:
            for group, (rate, capturable) in zip(self.groups, kept, strict=True):
                group["lr"], group["capturable"] = rate, capturable
