"""Locks that end with the process that holds them, however it ends."""

import fcntl
import shutil
from pathlib import Path
from typing import IO

__all__ = ["BUILD_LOCK", "ROOM", "hold_build", "try_lock"]

BUILD_LOCK = Path(".snakemake", "build.lock")
"""What a build, and whoever must not meet one, locks in the working directory."""

ROOM = 50_000_000
"""Bytes that must be free where a build starts; it writes more than that."""


def try_lock(path: Path) -> IO[str] | None:
    """Lock a file without waiting.

    Returns:
        The open file, whose closing (or the end of the process) gives the lock back; None when another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.open("a+", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def hold_build(folder: Path) -> IO[str]:
    """Begin a build in a folder: nobody else may build there until the returned lock or this process ends.

    Raises:
        ValueError: when another build is running there, the disk is full, or nothing can be written.
    """
    free = shutil.disk_usage(folder).free
    if free < ROOM:
        needed = f"a build needs {ROOM / 1e6:.0f} MB at least; make room"
        raise ValueError(f"{folder}: {free / 1e6:.1f} MB are free on its disk, and {needed}")
    try:
        lock = try_lock(folder / BUILD_LOCK)
    except OSError as error:
        raise ValueError(f"{folder}: no build can be made here: {error.strerror} ({error.filename})") from None
    if lock is None:
        raise ValueError(f"another build is running in {folder}; wait for it or stop it")
    return lock
