"""Arithmetic of the training step: bfloat16 where the hardware is fast at it, else float32. Evaluation is always float32.

Float32 is meant in full: :mod:`dgm.runtime.device` forbids CUDA to use TF32 in its place.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

__all__ = ["Precision", "RoundedProducts", "autocast", "has_units", "products", "resolve"]

Precision = Literal["auto", "bfloat16", "float32"]

ATEN = torch.ops.aten
PRODUCTS = {ATEN.mm.default, ATEN.addmm.default, ATEN.bmm.default, ATEN.convolution.default, ATEN.convolution_backward.default}


def resolve(precision: Precision, device: torch.device) -> Literal["bfloat16", "float32"]:
    """``auto`` means bfloat16 on a CPU with AMX or AVX-512 BF16 units and on a GPU of compute capability 8.0 or later."""
    if precision != "auto":
        return precision
    return "bfloat16" if has_units(device) else "float32"


def has_units(device: torch.device) -> bool:
    """Whether a device multiplies numbers of bfloat16 faster than those of float32."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[None]:
    """The context in which a training step computes its forward pass (parameters and sums stay float32)."""
    return torch.autocast(device.type, torch.bfloat16, enabled=resolve(precision, device) == "bfloat16")


def products(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """The context of forward and backward pass: on a CPU without units, products of bfloat16 are :class:`RoundedProducts`."""
    slow = resolve(precision, device) == "bfloat16" and device.type == "cpu" and not has_units(device)
    return RoundedProducts() if slow else nullcontext()


class RoundedProducts(TorchDispatchMode):
    """Matrix products and convolutions of bfloat16 numbers, computed in float32 and rounded to bfloat16.

    A unit for bfloat16 does the same: the product of two such numbers is exact in float32, and the unit keeps sums in float32 too.
    Only the order of the sums differs. On a CPU without units torch's own kernels of bfloat16 take about ten times as long as those
    of float32, and training steps with this mode 1.05 to 1.45 times as long (benchmarks/README.md).
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # of torch

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func not in PRODUCTS or not any(_is_bfloat16(value) for value in args):
            return func(*args, **kwargs)
        found = func(*(value.float() if _is_bfloat16(value) else value for value in args), **kwargs)
        return tuple(map(_rounded, found)) if isinstance(found, tuple) else _rounded(found)


def _is_bfloat16(value: object) -> bool:
    return isinstance(value, Tensor) and value.dtype == torch.bfloat16


def _rounded(value: Tensor | None) -> Tensor | None:
    return None if value is None else value.bfloat16()
