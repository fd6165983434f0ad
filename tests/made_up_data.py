"""Data sets in the format of MNIST, made up."""

import gzip
from pathlib import Path

import numpy as np

from dgm.data.sources import IDX_FILES

SIZES = {"train": 30, "test": 12}


def idx(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return header + array.astype(np.uint8).tobytes()


def made_up(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    found = {}
    for part, n in SIZES.items():
        found[f"{part}_images"] = rng.integers(0, 256, (n, 28, 28)).astype(np.uint8)
        found[f"{part}_labels"] = rng.integers(0, 10, n).astype(np.uint8)
    return found


def write_folder(folder: Path, arrays: dict[str, np.ndarray], zipped: bool = True) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for key, name in IDX_FILES.items():
        content = idx(arrays[key])
        (folder / (name + ".gz" * zipped)).write_bytes(gzip.compress(content, mtime=0) if zipped else content)
    return folder
