"""What a job does when it is told to stop: by Slurm (SIGTERM), by Ctrl-C (SIGINT), by the end of its terminal (SIGHUP).

Signals belong to a process as a whole, so the one home of all requests to stop is this module and not an object that is handed
around. Inside :func:`listening` the first signal ends the work where it stands, by :class:`Interrupted`; later ones change nothing.
Work that must not be left in the middle is done inside :class:`deferred`, which ends before the request is heeded. Who has
something worth keeping tells :func:`keep` how to save it.

Whatever the process is doing, it is gone :data:`GRACE` seconds after the signal: schedulers kill soon after they have asked.
"""

import os
import select
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any

__all__ = ["GRACE", "WITH_PARENT", "Interrupted", "deferred", "hand_on_to_jobs", "keep", "listening"]

GRACE = 8.0
"""Seconds from the signal to the end of the process."""

WITH_PARENT = "DGM_STOP_WITH_PARENT"
"""The environment variable that makes the end of the parent a request to stop, so that a killed build leaves no job behind."""

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Interrupted(SystemExit):
    """A request to stop has ended the work; the exit status is 128 + the number of the signal."""


@dataclass
class _State:
    """Of this process, while it listens."""

    number: int | None = None  # of the first signal
    deferrals: int = 0  # blocks under way that must not be left in the middle
    save: Callable[[], str] | None = None


_state: _State | None = None


class deferred:  # used like a function
    """A ``with`` block that a request to stop does not leave in the middle; it is heeded at the end of the outermost one."""

    def __enter__(self) -> None:
        if _state is not None:
            _state.deferrals += 1

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if _state is not None:
            _state.deferrals -= 1
            if _state.number is not None and _state.deferrals == 0 and kind is None:
                raise Interrupted(128 + _state.number)


def keep(save: Callable[[], str] | None) -> None:
    """Set what is done before the process leaves, in place of what was set before; None for nothing.

    ``save`` is called between two blocks of :class:`deferred`. It returns what the log shall say of it.
    """
    if _state is not None:
        _state.save = save


@contextmanager
def listening(say: Callable[[str], None], grace: float = GRACE) -> Iterator[None]:
    """Heed requests to stop inside the block, which is left by :class:`Interrupted` with one line in the log.

    A signal that the parent had ignored (``nohup``, a job in the background of a script) stays ignored. Outside the main thread,
    where Python allows no handlers, nothing happens.
    """
    global _state  # noqa: PLW0603
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _state = state = _State()
    over = threading.Event()
    reader, writer = os.pipe()
    os.set_blocking(writer, False)  # as Python asks of the end that it writes to
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    watcher = threading.Thread(target=_watch, args=(reader, over, say, grace), daemon=True)
    watcher.start()
    handled = {number: signal.getsignal(number) for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN}
    try:
        for number in handled:
            signal.signal(number, _receive)
        yield
    except BaseException as error:
        stopped = _interruption_behind(error)
        if stopped is None or state.number is None:
            raise
        say(f"stopped by {signal.Signals(state.number).name}{_saved(state)}")
        raise stopped from None
    finally:
        state.deferrals += 1  # the work is done or given up
        over.set()
        for number, handler in handled.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(before)
        os.close(writer)  # which wakes the watcher
        watcher.join()
        os.close(reader)
        _state = None


def _receive(number: int, _frame: FrameType | None) -> None:
    if _state is None or _state.number is not None:
        return
    _state.number = number
    if _state.deferrals == 0:
        raise Interrupted(128 + number)


def _interruption_behind(error: BaseException | None) -> Interrupted | None:
    """The request to stop that ended the work; libraries may have put an exception of their own in its place."""
    while error is not None:
        if isinstance(error, Interrupted):
            return error
        error = error.__cause__ or error.__context__
    return None


def _saved(state: _State) -> str:
    if state.save is None:
        return "; the next call starts this job again"
    try:
        return state.save()
    except Exception as error:
        return f"; nothing was saved: {error}"


def _watch(reader: int, over: threading.Event, say: Callable[[str], None], grace: float) -> None:
    """End the process when it does not end by itself: a signal may meet a call of minutes into compiled code."""
    parent = os.getppid() if os.environ.get(WITH_PARENT) else None
    while True:
        readable, _, _ = select.select([reader], [], [], None if parent is None else 1.0)
        if not readable:
            if os.getppid() != parent:
                parent = None
                os.kill(os.getpid(), signal.SIGTERM)
            continue
        received = [number for number in os.read(reader, 64) if number in SIGNALS]
        if received:
            break
        if over.is_set():
            return
    if not over.wait(grace):
        name = signal.Signals(received[0]).name
        say(f"stopped by {name}, {grace:g} s after it came, in the middle of the work; the next call repeats what is not saved")
        os._exit(128 + received[0])


def hand_on_to_jobs() -> None:
    """Let what tells this process to stop, SIGTERM or SIGINT, reach the stages that it runs on this machine.

    For Snakemake: told to stop, it waits until its running jobs are done, which may be hours.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        previous = signal.getsignal(number)

        def handler(received: int, frame: FrameType | None, previous: Any = previous) -> None:
            for process in _stages():
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGTERM)
            if callable(previous):
                previous(received, frame)

        if previous is not signal.SIG_IGN:
            signal.signal(number, handler)


def _stages() -> list[int]:
    """Ids of the descendants of this process that run a stage."""
    import psutil

    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # it has ended meanwhile
            if any(word.startswith("dgm.stages.") for word in process.cmdline()):
                found.append(process.pid)
    return found
