"""Fits from several starts, of which the best is kept; an interrupted one repeats no finished start."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from dgm.artefacts import HistoryRow
from dgm.loop import Context

__all__ = ["Attempt", "best_of"]


@dataclass(frozen=True)
class Attempt:
    """One finished start: its final mean log-likelihood (nats), that of every iteration, what was fitted, a line for the log."""

    score: float
    trace: list[float]
    fitted: Mapping[str, Tensor]
    summary: str


def best_of(
    attempt: Callable[[int], Attempt], restarts: int, n: int, context: Context
) -> tuple[dict[str, Tensor], list[HistoryRow]]:
    """Make ``restarts`` attempts on n examples and keep the one with the highest score.

    Returns:
        What the best attempt fitted, and the history: ``log_likelihood`` of the best and ``log_likelihood/start_<i>`` of all, one
        row an iteration. The context's facts receive score, place and costs; an iteration is one pass over the data, an epoch.
    """
    saved = context.checkpoint.load(context.say) if context.checkpoint else None
    kept: dict[str, Any] = saved or {"start": 0, "best": -math.inf, "rows": [], "seconds": 0.0}
    for start in range(kept["start"], restarts):
        clock = time.perf_counter()
        made = attempt(start)
        kept["rows"] += [(0, i, "train", f"log_likelihood/start_{start}", value) for i, value in enumerate(made.trace)]
        context.say(f"start {start + 1} of {restarts}: {made.summary}")
        if made.score > kept["best"]:
            kept |= {"best": made.score, "fitted": dict(made.fitted), "trace": made.trace, "best_start": start}
        kept["start"] = start + 1
        kept["seconds"] += time.perf_counter() - clock
        if context.checkpoint:
            context.checkpoint.save(kept)
    rows: list[HistoryRow] = [(0, i, "train", "log_likelihood", value) for i, value in enumerate(kept["trace"])]
    rows += [(row[0], row[1], row[2], row[3], row[4]) for row in kept["rows"]]
    passes = len(kept["rows"])
    context.facts |= {
        "best_start": kept["best_start"],
        "log_likelihood_fitted": kept["best"],
        "epochs": passes,
        "seconds_in_steps": round(kept["seconds"], 4),
        "images_per_second": round(passes * n / kept["seconds"], 1),
    }
    return kept["fitted"], rows
