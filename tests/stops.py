"""A signal to stop at a chosen moment of a computation, counted in calls of functions of the package, so that it repeats."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from dgm.assignments import PACKAGE
from dgm.runtime.interruption import Interrupted, listening

T = TypeVar("T")


@contextmanager
def counted(call: int | None = None) -> Iterator[list[int]]:
    """Count the calls of functions of the package inside the block, and send SIGTERM to this process at the given one."""
    calls = [0]

    def profile(frame: Any, event: str, _: Any) -> None:
        # not this module's own machinery: the count is one of the work
        file = frame.f_code.co_filename
        if event == "call" and file.startswith(str(PACKAGE)) and not file.endswith("interruption.py"):
            calls[0] += 1
            if calls[0] == call:
                signal.raise_signal(signal.SIGTERM)

    sys.setprofile(profile)
    try:
        yield calls
    finally:
        sys.setprofile(None)


def in_pieces(whole: Callable[[], T], resumable: Callable[[], T], pieces: int) -> tuple[T, T, int]:
    """The result of ``whole``; that of ``resumable``, stopped after each ``pieces``-th part of these calls and called again; how
    often it was stopped.
    """
    with counted() as calls:
        undisturbed = whole()
    part = max(1, calls[0] // pieces)
    for stops in range(pieces):
        try:
            with counted(part), listening(lambda line: None):
                return undisturbed, resumable(), stops
        except Interrupted:
            continue
    return undisturbed, resumable(), pieces
