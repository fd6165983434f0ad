"""Bernoulli draws of grey images, quick enough not to hold up a small network.

``treat(images, "dynamically binarised", …)`` of :mod:`dgm.data.tensors` draws a floating-point number a pixel and passes over the
batch five times, which takes a quarter of a training step of the MLP autoencoder. Here four pixels share one random number of 64
bits and are compared as integers; the probabilities are the same to 2^-16.
"""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

__all__ = ["Binariser"]

LEVELS = 65536  # values of a 16-bit number
LARGEST = 255


class Binariser:
    """Draws x ~ Bernoulli(pixel / 255) for batches of a fixed set of images.

    The probability of a one is pixel / 255 rounded to a multiple of 2^-16, and at most 1 - 2^-16; a black pixel is always 0.

    Args:
        images: the whole set; two bytes a pixel are kept.
        generator: of the draws, on the images' device.

    Raises:
        ValueError: when the number of pixels of an image is not a multiple of four.
    """

    def __init__(self, images: UInt8[Tensor, "n h w"], generator: torch.Generator) -> None:
        pixels = images[0].numel()
        if pixels % 4:
            raise ValueError(f"got images of {pixels} pixels; their number must be a multiple of 4, as four share a random number")
        table = (torch.arange(LARGEST + 1, dtype=torch.float64) * LEVELS / LARGEST).round().clamp(max=LEVELS - 1) - LEVELS // 2
        self._thresholds = table.to(torch.int16).to(images.device)[images.flatten(1).int()]
        self._generator = generator

    def __call__(self, batch: Tensor) -> Float[Tensor, "b d"]:
        """Fresh draws, float32 0 or 1, of the images with these indices."""
        thresholds = self._thresholds.index_select(0, batch)
        words = torch.empty((len(batch), thresholds.shape[1] // 4), dtype=torch.int64, device=thresholds.device)
        words.random_(-(2**63), None, generator=self._generator)  # all 64 bits
        return (words.view(torch.int16) < thresholds).float()
