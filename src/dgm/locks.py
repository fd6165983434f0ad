"""Locks that end with the process that holds them, however it ends."""

import fcntl
from pathlib import Path
from typing import IO

__all__ = ["try_lock"]


def try_lock(path: Path) -> IO[str] | None:
    """Lock a file without waiting.

    Returns:
        The open file, whose closing (or the end of the process) gives the lock back; None when another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock
