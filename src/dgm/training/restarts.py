"""Fits from several starts, of which the best is kept; an interrupted one repeats no finished start and no finished iteration."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from dgm.runtime import interruption
from dgm.training.fitted import HistoryRow
from dgm.training.loop import Context

__all__ = ["Attempt", "Best", "best_of"]


@dataclass(frozen=True)
class Attempt:
    """One start, under way or finished."""

    start: int
    parameters: dict[str, Tensor]
    trace: list[float] = field(default_factory=list)
    """What the history shows of every iteration."""
    objective: float = -math.inf
    """What the last iteration climbed to, where that is something else than the last value of the trace."""
    passes: int = 0
    """Over the data, so far."""
    finished: bool = False


@dataclass(frozen=True)
class Best:
    """The parameters that scored highest, their score and start, and the traces of all starts."""

    parameters: dict[str, Tensor]
    score: float
    start: int
    traces: list[list[float]]

    def facts(self) -> dict[str, Any]:
        """For the record, where the score is the mean log-likelihood in nats."""
        return {"best_start": self.start, "log_likelihood_fitted": self.score}

    def curves(self) -> list[HistoryRow]:
        """History: ``log_likelihood`` of the best start and ``log_likelihood/start_<i>`` of all, one row an iteration."""
        named = [("log_likelihood", self.traces[self.start])]
        named += [(f"log_likelihood/start_{start}", trace) for start, trace in enumerate(self.traces)]
        return [(0, i, "train", name, value) for name, trace in named for i, value in enumerate(trace)]


@dataclass
class _Progress:
    """All that a checkpoint needs."""

    parameters: dict[str, Tensor] = field(default_factory=dict)
    score: float = -math.inf
    start: int = -1  # that of these parameters
    traces: list[list[float]] = field(default_factory=list)  # of the finished starts
    passes: int = 0
    seconds: float = 0.0  # over all calls
    attempt: dict[str, Any] | None = None  # the start under way


def best_of(
    begin: Callable[[int], Attempt],
    improve: Callable[[Attempt], Attempt],
    judge: Callable[[Attempt], tuple[float, str]],
    *,
    restarts: int,
    n: int,
    context: Context,
) -> Best:
    """Make ``restarts`` attempts on n examples and keep the one with the highest score.

    Args:
        begin: makes the attempt of a start from its number, counted from 0, alone.
        improve: makes one iteration. Leaves its argument as it is, so that it may be interrupted anywhere.
        judge: the score of a finished attempt and a line for the log.
        restarts: how many attempts.
        n: number of examples.
        context: checkpoint and log; its facts receive the costs. A pass over the examples counts as an epoch.
    """
    at = _Progress(**(context.saved() or {}))
    attempt = None if at.attempt is None else Attempt(**at.attempt)
    clock = time.perf_counter()

    def place() -> str:
        start = len(at.traces) + 1
        return f"in start {start} of {restarts}" if start <= restarts else "after the last start"

    def save() -> bool:
        nonlocal clock
        now = time.perf_counter()
        at.seconds, clock = at.seconds + now - clock, now
        return context.save(vars(at) | {"attempt": attempt and vars(attempt)})

    def leave() -> str:
        then = "there" if save() else "at the last checkpoint"
        return f" {place()}; the next call continues {then}"

    if attempt or at.traces:
        context.say(f"continuing {place()}")
    interruption.keep(leave)
    while len(at.traces) < restarts:
        if attempt is None:
            attempt = begin(len(at.traces))
        while not attempt.finished:
            attempt = improve(attempt)
            if context.save_is_due():
                with interruption.deferred():
                    save()
        score, summary = judge(attempt)
        with interruption.deferred():
            context.say(f"start {len(at.traces) + 1} of {restarts}: {summary}")
            if score > at.score:
                at.parameters, at.score, at.start = attempt.parameters, score, len(at.traces)
            at.traces.append(attempt.trace)
            at.passes += attempt.passes
            attempt = None
    seconds = at.seconds + time.perf_counter() - clock
    context.facts |= {
        "epochs": at.passes,
        "seconds_in_steps": round(seconds, 4),
        "images_per_second": round(at.passes * n / seconds, 1),
    }
    return Best(at.parameters, at.score, at.start, at.traces)
