"""Writing files so that they appear whole or not at all."""

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

__all__ = ["load_arrays", "save_arrays", "write_atomically", "write_text"]


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Call ``write`` on a temporary file beside ``path``, flush it to disk, and rename it into place.

    Raises:
        OSError: naming ``path`` when the disk is full or not writable; no part of the file is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise OSError(error.errno, f"cannot write {path}: {error.strerror or error}") from error
        raise


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    write_atomically(path, lambda file: file.write(text.encode()))


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays as ``.npz``; equal arrays give equal bytes."""
    write_atomically(path, lambda file: np.savez_compressed(file, allow_pickle=False, **dict(arrays)))


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read the named arrays of an ``.npz`` file.

    Raises:
        ValueError: when the file is missing, truncated or not an ``.npz`` file.
    """
    import zipfile

    try:
        # numpy leaves the file open when it is damaged, so the file is opened here
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return dict(arrays)
    except FileNotFoundError:
        raise ValueError(f"{path}: no such file") from None
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: not a readable .npz file ({error}); delete it and build again") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
