"""Arithmetic of the training step: bfloat16 where the hardware is fast at it, else float32. Evaluation is always float32.

Float32 is meant in full: :mod:`dgm.device` forbids CUDA to use TF32 in its place.
"""

from contextlib import AbstractContextManager
from typing import Literal

import torch

__all__ = ["Precision", "autocast", "resolve"]

Precision = Literal["auto", "bfloat16", "float32"]


def resolve(precision: Precision, device: torch.device) -> Literal["bfloat16", "float32"]:
    """``auto`` means bfloat16 on a CPU with AMX or AVX-512 BF16 units and on a GPU of compute capability 8.0 or later."""
    if precision != "auto":
        return precision
    if device.type == "cuda":
        fast = torch.cuda.get_device_capability(device) >= (8, 0)
    else:
        fast = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return "bfloat16" if fast else "float32"


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[None]:
    """The context in which a training step computes its forward pass (parameters and sums stay float32)."""
    return torch.autocast(device.type, torch.bfloat16, enabled=resolve(precision, device) == "bfloat16")
