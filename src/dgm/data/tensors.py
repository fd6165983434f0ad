"""The data as tensors: prepared images with the treatments under which models see them, and simulated points in the plane.

A likelihood has a meaning only together with the treatment of the data it was computed on; see :data:`TREATMENTS`.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Shaped, UInt8
from torch import Tensor

from dgm.runtime.files import load_arrays, require

__all__ = ["DIGITS", "TREATMENTS", "ImageData", "PointData", "Shape", "Treatment", "load", "treat"]

Shape = tuple[int, int]
"""Rows and columns of an image."""

DIGITS: Shape = (28, 28)
"""Of the prepared images: what a model is made for that is told nothing else."""

Treatment = Literal["thresholded", "dynamically binarised", "statically binarised", "dequantised", "grey"]

TREATMENTS: dict[Treatment, str] = {
    "thresholded": "x > 1/2, deterministic, support {0, 1}",
    "dynamically binarised": "x ~ Bernoulli(pixel / 255), a fresh draw at every visit, support {0, 1}",
    "statically binarised": "x ~ Bernoulli(pixel / 255), one draw of each image for good, the same in every run, support {0, 1}",
    "dequantised": "(pixel + u) / 256 with u uniform on [0, 1), support [0, 1)",
    "grey": "pixel / 255; under a Bernoulli decoder a cross-entropy score, no likelihood",
}


@dataclass(frozen=True)
class ImageData:
    """Images and labels on one device; images stay uint8, so that the whole set fits and batches are one index operation."""

    train_images: UInt8[Tensor, "n h w"]
    train_labels: Shaped[Tensor, " n"]
    test_images: UInt8[Tensor, "m h w"]
    test_labels: Shaped[Tensor, " m"]

    @property
    def shape(self) -> Shape:
        """Rows and columns."""
        rows, columns = self.train_images.shape[1:]
        return rows, columns


@dataclass(frozen=True)
class PointData:
    """Points in the plane, in three splits, and the ring mixture they were drawn from (:mod:`dgm.maths.ring_mixture`)."""

    train: Float[Tensor, "n 2"]
    validation: Float[Tensor, "n 2"]
    test: Float[Tensor, "n 2"]
    components: int
    radius: float


def load(path: Path, device: torch.device | str = "cpu") -> ImageData | PointData:
    """Read the file written by the prepare stage (images) or by the simulate stage (points, float32).

    Raises:
        Damaged: when the file is unreadable or lacks an array.
    """
    arrays = load_arrays(path)
    if "radius" in arrays:
        require(path, ("train", "validation", "test", "components"), arrays)
        train, validation, test = (torch.from_numpy(arrays[name]).float().to(device) for name in ("train", "validation", "test"))
        return PointData(train, validation, test, components=int(arrays["components"]), radius=float(arrays["radius"]))
    require(path, ("train_images", "train_labels", "test_images", "test_labels"), arrays)

    def tensor(name: str) -> Tensor:
        return torch.from_numpy(arrays[name]).to(device)

    return ImageData(tensor("train_images"), tensor("train_labels").long(), tensor("test_images"), tensor("test_labels").long())


def treat(images: UInt8[Tensor, "n h w"], treatment: Treatment, generator: torch.Generator | None = None) -> Float[Tensor, "n d"]:
    """Grey levels to the support of a model, flattened row by row; see :data:`TREATMENTS`.

    The generator serves the treatments that draw anew; the others neither need nor touch it.

    Raises:
        ValueError: for an unknown treatment, or one that draws without a generator.
    """
    grey = images.flatten(1).float()
    if treatment == "thresholded":
        return (grey > 127.5).float()
    if treatment == "grey":
        return grey / 255
    if treatment == "statically binarised":
        return _stored_draw(images)
    if treatment not in TREATMENTS:
        raise ValueError(f"unknown treatment {treatment!r}; known: {list(TREATMENTS)}")
    if generator is None:
        raise ValueError(f"{treatment} pixels are drawn: give a generator")
    noise = torch.rand(grey.shape, generator=generator, device=grey.device)
    return (noise * 255 < grey).float() if treatment == "dynamically binarised" else (grey + noise) / 256


STORED_DRAW = b"statically binarised, draw 0"  # another text would be another data set


def _stored_draw(images: UInt8[Tensor, "n h w"]) -> Float[Tensor, "n d"]:
    """The one binarisation of each image: its pixels against noise that SHAKE-128 makes from the image itself.

    So the draw needs no file and no seed, and is the same whatever subset, order, split or device the image is met in. Equal images
    get equal draws.
    """
    return torch.cat([_draw(part) for part in images.split(4096)])  # in parts, because the noise takes 20 bytes a pixel


def _draw(images: UInt8[Tensor, "n h w"]) -> Float[Tensor, "n d"]:
    noise = b"".join(hashlib.shake_128(STORED_DRAW + image.tobytes()).digest(4 * image.size) for image in images.cpu().numpy())
    # 32 bits a pixel: u < pixel / 255 in whole numbers, so that 0 never and 255 always gives a one
    u = torch.from_numpy(np.frombuffer(noise, dtype="<u4").astype(np.int64)).to(images.device)
    grey = images.flatten(1).long()
    return (u.view(grey.shape) * 255 < grey << 32).float()
