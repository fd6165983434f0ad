"""A GPU made of main memory, which shows on any machine what would fail on a real one and what would wait for it.

:class:`MadeUpDevice` is a mode of torch that sees every call. A tensor lies on the GPU when its storage is marked so; results are
marked where a call put them. What CUDA refuses raises :class:`Misplaced`; what makes the processor wait for the GPU is noted. Calls
that a function of torch makes inside itself are not seen, nor is the speed of anything.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from dgm.assignments import PACKAGE
from dgm.runtime import device

__all__ = ["MadeUpDevice", "Misplaced", "NotRecordable", "Wait", "made_up_device"]

HOST, CARD = torch.device("cpu"), torch.device("cuda:0")

MOVES = {"to", "cpu", "cuda"}
TO_NUMPY = {"numpy", "__array__", "__dlpack__"}

ACROSS = {"copy_", "__setitem__", "data.__set__", "_has_compatible_shallow_copy_type"}
"""Calls that may have tensors of both devices, beside indexing."""

NO_SCALARS = {"cat", "stack"}
"""Calls that refuse even a tensor without axes of the other device."""

METADATA = {
    "shape.__get__", "dtype.__get__", "ndim.__get__", "layout.__get__", "requires_grad.__get__", "is_leaf.__get__",
    "grad_fn.__get__", "_version.__get__", "names.__get__", "is_sparse.__get__", "size", "dim", "numel", "nelement", "stride",
    "storage_offset", "element_size", "is_contiguous", "is_floating_point", "is_complex", "untyped_storage", "__len__", "__hash__",
}  # fmt: skip

WAITS = {
    "item", "tolist", "__bool__", "__int__", "__float__", "__index__", "__complex__", "__contains__", "__format__", "__repr__",
    "__reduce_ex__", "is_nonzero", "equal", "allclose", "nonzero", "argwhere", "masked_select", "unique", "unique_consecutive",
    "bincount", "one_hot", "linalg_cholesky", "linalg_eigh", "linalg_inv", "linalg_solve",
}  # fmt: skip
"""Calls whose result, or whose shape, the processor must know."""


class Misplaced(RuntimeError):
    """What CUDA would refuse."""


class NotRecordable(RuntimeError):
    """What CUDA would refuse while a graph is recorded."""


@dataclass(frozen=True)
class Wait:
    """A call that waits for the GPU: what it is, where (``file:line``), and the package's functions it was in, outermost first."""

    what: str
    where: str
    functions: tuple[str, ...]

    @property
    def function(self) -> str:
        """The innermost function, ``<file>:<name>``."""
        return self.functions[-1] if self.functions else ""


class Generator(torch.Generator):
    """Draws on the processor and says that it lies where it was asked for."""

    lies: torch.device

    def __new__(cls, device: torch.device | str = HOST) -> "Generator":
        made = super().__new__(cls, HOST)
        made.lies = _place(device)
        return made

    def __init__(self, device: torch.device | str = HOST) -> None:
        pass

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return self.lies


class MadeUpDevice(TorchFunctionMode):
    """The mode; ``waits`` are what it saw."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[Wait] = []
        self.recording: Sequence[torch.Generator] | None = None  # while a graph is: the generators that it knows

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name, kwargs = _name(func), dict(kwargs or {})
        if name in METADATA:
            return func(*args, **kwargs)
        if name in ASKED:
            return ASKED[name](_lies(args[0]))
        if name in MOVES:
            return self._move(name, func, args, kwargs)
        tensors = list(_tensors((args, kwargs)))
        places = [_lies(tensor) for tensor in tensors]
        on_card = CARD in places
        if on_card:
            self._check(name, args, kwargs, tensors, places)
        target = CARD if on_card else HOST
        if name == "copy_":
            target = places[0]
        if kwargs.get("device") is not None:
            target, kwargs["device"] = _place(kwargs["device"]), HOST
            if name in {"tensor", "as_tensor"} and (target == CARD) != on_card:
                self._note(f"{name} on another device")
        generator = kwargs.get("generator")
        if generator is not None and _place(generator.device) != target:
            raise Misplaced(f"{name} on {target} with a generator on {generator.device}")
        if generator is not None and self.recording is not None and generator not in self.recording:
            raise NotRecordable(f"{name} draws from a generator that the graph does not know")
        result = func(*args, **kwargs)
        if target == CARD:
            _mark(result)
        return result

    def _check(self, name: str, args: Any, kwargs: Any, tensors: list[Tensor], places: list[torch.device]) -> None:
        """Refuse what CUDA would, and note what waits, of a call with a tensor on the GPU."""
        mixed = HOST in places
        if name in TO_NUMPY:
            raise Misplaced(f"{name} of a tensor on the GPU")
        if name in WAITS or (name == "where" and len(args) == 1):
            self._note(name)
        elif name in {"__getitem__", "__setitem__"}:
            self._check_index(name, args)
        elif name == "copy_" and mixed:
            self._note("copy_ across devices")
        elif mixed and name not in ACROSS:
            others = [tensor for tensor, place in zip(tensors, places, strict=True) if place == HOST]
            if name in NO_SCALARS or any(tensor.dim() for tensor in others):
                raise Misplaced(f"{name} of tensors on both devices; on the processor: {[tuple(other.shape) for other in others]}")

    def _check_index(self, name: str, args: Any) -> None:
        own, parts = args[0], args[1] if isinstance(args[1], tuple) else (args[1],)
        gathers = [part for part in parts if isinstance(part, list) or (isinstance(part, Tensor) and part.dim())]
        for part in gathers:
            if isinstance(part, list):
                self._note("index by a list")
            elif _lies(part) != _lies(own):
                if _lies(own) == HOST:
                    raise Misplaced("an index on the GPU into a tensor on the processor")
                self._note("index from the processor")
            elif part.dtype in (torch.bool, torch.uint8) and (name == "__getitem__" or isinstance(args[2], Tensor)):
                self._note("index by a mask")
        value = args[2] if name == "__setitem__" else None
        if isinstance(value, Tensor) and _lies(value) != _lies(own):
            if gathers and value.dim():
                raise Misplaced("values on the other device for an index")
            self._note("values from the other device")

    def _move(self, name: str, func: Any, args: Any, kwargs: Any) -> Any:
        source = _lies(args[0])
        target, left = source, [args[0]]
        for value in args[1:]:
            if isinstance(value, torch.device | str):
                target = _place(value)
                left.append(HOST)
                continue
            if isinstance(value, Tensor):
                target = _lies(value)
            left.append(value)
        if kwargs.get("device") is not None:
            target, kwargs["device"] = _place(kwargs["device"]), HOST
        if name != "to":
            target, func, left = CARD if name == "cuda" else HOST, Tensor.to, [args[0], HOST]
        moved = func(*left, **kwargs)
        if source != target:
            self._note(f"move to {'the GPU' if target == CARD else 'the processor'}")
            if moved.untyped_storage().data_ptr() == args[0].untyped_storage().data_ptr():
                moved = moved.clone()
        if target == CARD:
            _mark(moved)
        return moved

    def _note(self, what: str) -> None:
        frame, found = sys._getframe(1), []
        where = "?"
        while frame is not None:
            file = frame.f_code.co_filename
            if file.startswith(str(PACKAGE)):
                short = file[len(str(PACKAGE)) + 1 :]
                if not found:
                    where = f"{short}:{frame.f_lineno}"
                found.append(f"{short}:{frame.f_code.co_name}")
            frame = frame.f_back  # type: ignore[assignment]
        if self.recording is not None:
            raise NotRecordable(f"{what} at {where} waits for the device")
        self.waits.append(Wait(what, where, tuple(reversed(found))))


ASKED: dict[str, Callable[[torch.device], object]] = {
    "device.__get__": lambda place: place,
    "is_cuda.__get__": lambda place: place == CARD,
    "is_cpu.__get__": lambda place: place == HOST,
    "get_device": lambda place: 0 if place == CARD else -1,
}
"""Questions after the place of a tensor."""


@contextmanager
def made_up_device() -> Iterator[MadeUpDevice]:
    """Inside, a job that asks for a GPU gets the made-up one."""
    autocast = torch.autocast
    replaced: list[tuple[object, str, object]] = [
        (torch, "Generator", Generator),
        (torch, "autocast", lambda kind, *others, **named: autocast("cpu", *others, **named)),
        (torch.cuda, "get_device_capability", lambda *_: (9, 0)),
        (torch.cuda, "max_memory_allocated", lambda: 0),
        (device, "_describe", lambda gpu, threads: device.Device("cuda" if gpu else "cpu", "made up")),
    ]
    with ExitStack() as stack:
        stack.enter_context(patch.dict("os.environ", {device.VARIABLE: ""}))
        for home, name, value in replaced:
            stack.enter_context(patch.object(home, name, value))
        yield stack.enter_context(MadeUpDevice())


def _name(func: Any) -> str:
    name: str = getattr(func, "__name__", str(func))
    return f"{func.__self__.__name__}.{name}" if name in {"__get__", "__set__"} else name


def _place(given: torch.device | str) -> torch.device:
    return CARD if torch.device(given).type == "cuda" else HOST


def _lies(tensor: Tensor) -> torch.device:
    return CARD if hasattr(tensor.untyped_storage(), "on_made_up_device") else HOST


def _mark(value: object) -> None:
    for tensor in _tensors(value):
        tensor.untyped_storage().on_made_up_device = True  # type: ignore[attr-defined] # lives as long as the storage


def _tensors(value: object) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _tensors(part)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))
