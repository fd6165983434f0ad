"""CUDA graphs made of main memory: what a graph would repeat is repeated, with the tensors that it was recorded with.

While a graph is recorded, torch's calls are noted; they are made as well, because Python needs shapes, and undone at the end, since
a card computes nothing while it records. A replay makes the calls once more and puts each result where the first one lay. What
Python decided when the graph was recorded (a number, a branch, a new tensor) therefore stays as it was, as on a card.

A wait for the device while a graph is recorded, or a draw from a generator that it does not know, raises :class:`NotRecordable`.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import torch
from made_up_device import CARD, MadeUpDevice, NotRecordable
from torch import Tensor
from torch.optim import Optimizer
from torch.utils._python_dispatch import TorchDispatchMode

from dgm.training.cuda_graphs import CUDA_GRAPHS

__all__ = ["Graph", "made_up_graphs"]

ATEN = torch.ops.aten
WAITING = {ATEN._local_scalar_dense, ATEN.nonzero, ATEN.masked_select, ATEN._unique2, ATEN.equal, ATEN.is_nonzero, ATEN.bincount}


class Graph:
    """Takes the place of ``torch.cuda.CUDAGraph``."""

    def __init__(self) -> None:
        self.generators: list[torch.Generator] = []
        self.calls: list[tuple[Any, Any, Any, Any]] = []
        self.replays = 0

    def register_generator_state(self, generator: torch.Generator) -> None:
        """Let the graph draw from a generator."""
        self.generators.append(generator)

    def replay(self) -> None:
        """Repeat the calls."""
        self.replays += 1
        with torch._C.DisableTorchFunction(), torch.no_grad():
            for func, args, kwargs, first in self.calls:
                again = func(*args, **kwargs)
                for old, new, place in _results(func, first, again):
                    if place is None:  # neither a view nor a tensor that was given
                        old.copy_(new)


class _Recorder(TorchDispatchMode):
    """Notes calls, makes them, and remembers what they overwrite."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # of torch
        self.graph = graph
        self.before: dict[int, tuple[Tensor, Tensor]] = {}
        self.states = [(generator, generator.get_state()) for generator in graph.generators]

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func.overloadpacket in WAITING:
            raise NotRecordable(f"{func} waits for the device")
        for tensor in _overwritten(func, args, kwargs):
            self.before.setdefault(tensor.untyped_storage().data_ptr(), (tensor, tensor.detach().clone()))
        found = func(*args, **kwargs)
        self.graph.calls.append((func, args, kwargs, found))
        return found

    def undo(self) -> None:
        """Make as if nothing had been computed."""
        for tensor, value in self.before.values():
            tensor.copy_(value)
        for generator, state in self.states:
            generator.set_state(state)


def _overwritten(func: Any, args: Any, kwargs: Any) -> Iterator[Tensor]:
    """The tensors that a call changes in place, by its schema."""
    schema = func._schema.arguments
    for place, argument in enumerate(schema):
        if argument.alias_info is not None and argument.alias_info.is_write:
            value = kwargs.get(argument.name) if argument.kwarg_only else (args[place] if place < len(args) else None)
            for tensor in value if isinstance(value, list | tuple) else [value]:
                if isinstance(tensor, Tensor):
                    yield tensor


def _results(func: Any, first: Any, again: Any) -> Iterator[tuple[Tensor, Tensor, Any]]:
    """The tensors of two calls, each with what the schema says of its place."""
    if isinstance(first, Tensor):
        yield first, again, func._schema.returns[0].alias_info
    elif isinstance(first, list | tuple):
        places = [entry.alias_info for entry in func._schema.returns]
        if len(places) != len(first):  # a list of tensors
            places = places * len(first)
        for old, new, place in zip(first, again, places, strict=True):
            if isinstance(old, Tensor):
                yield old, new, place


class _Stream:
    def wait_stream(self, other: object) -> None:
        """There is only one."""


@contextmanager
def made_up_graphs(gpu: MadeUpDevice) -> Iterator[list[Graph]]:
    """Inside, graphs are switched on and made up; yields those that were recorded."""
    made: list[Graph] = []

    @contextmanager
    def record(graph: Graph, stream: object = None) -> Iterator[None]:
        gpu.recording = graph.generators
        try:
            with _Recorder(graph) as recorder:
                yield
        finally:
            gpu.recording = None
        with torch._C.DisableTorchFunction(), torch.no_grad():
            recorder.undo()
        made.append(graph)

    @contextmanager
    def on_stream(stream: object) -> Iterator[None]:
        yield

    grouped = Optimizer._group_tensors_by_device_and_dtype

    def on_card(*args: Any, **kwargs: Any) -> Any:
        """What the optimiser groups by device: all of it lies on the made-up one."""
        return {(CARD, dtype): tensors for (_, dtype), tensors in grouped(*args, **kwargs).items()}

    replaced = {"CUDAGraph": Graph, "graph": record, "Stream": _Stream, "stream": on_stream, "current_stream": _Stream}
    with ExitStack() as stack:
        stack.enter_context(patch.dict("os.environ", {CUDA_GRAPHS: "1"}))
        stack.enter_context(patch.object(Optimizer, "_group_tensors_by_device_and_dtype", staticmethod(on_card)))
        for name, value in replaced.items():
            stack.enter_context(patch.object(torch.cuda, name, value))
        yield made
