"""What a training returns, and how its learning curve is written."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from dgm.runtime.files import write_text

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
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["epoch", "step", "split", "term", "value"])
    writer.writerows((epoch, step, split, term, repr(float(value))) for epoch, step, split, term, value in rows)
    write_text(path, text.getvalue())
