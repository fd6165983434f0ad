"""What a training returns, and how its learning curve is written."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from dgm.runtime.files import write_table

__all__ = ["Fitted", "HistoryRow", "save_history"]

HistoryRow = tuple[int, int, str, str, float]
"""epoch, step, split, term, value."""


@dataclass(frozen=True)
class Fitted:
    """What ``fit`` returns: the model, its learning curve, and facts about the training for the record."""

    model: nn.Module
    history: list[HistoryRow]
    facts: dict[str, Any] = field(default_factory=dict)


def save_history(path: Path, rows: Iterable[HistoryRow]) -> None:
    """Write a learning curve as CSV, with the shortest decimal that reads back as the same number."""
    write_table(path, ("epoch", "step", "split", "term", "value"), ((*row[:4], float(row[4])) for row in rows))
