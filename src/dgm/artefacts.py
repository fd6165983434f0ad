"""The only file that knows how a fitted model and its history are written and read."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from dgm import models
from dgm.config import parse
from dgm.files import Damaged, load_tensors, save_tensors, write_text

__all__ = ["Fitted", "HistoryRow", "kind_of", "load_model", "save_history", "save_model"]

HistoryRow = tuple[int, int, str, str, float]
"""epoch, step, split, term, value."""


@dataclass(frozen=True)
class Fitted:
    """What ``fit`` returns: the model, its learning curve, and facts about the training for the record."""

    model: nn.Module
    history: list[HistoryRow]
    facts: dict[str, Any] = field(default_factory=dict)


def save_model(path: Path, kind: str, settings: dict[str, Any], model: nn.Module) -> None:
    """Write kind, settings and state: enough to rebuild the model from the file alone."""
    state = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    save_tensors(path, {"kind": kind, "settings": settings, "state": state})


def load_model(path: Path, device: torch.device | str = "cpu") -> nn.Module:
    """Rebuild a fitted model in evaluation mode. Executes no code from the file.

    Raises:
        Damaged: when the file is missing, damaged or not one of ours.
    """
    saved = load_tensors(path)
    try:
        kind, settings, state = saved["kind"], dict(saved["settings"]), dict(saved["state"])
        module = models.load(kind)
        model: nn.Module = module.Model(parse(module.Config, settings, "settings"))
    except (KeyError, ValueError, TypeError) as error:
        raise Damaged(path, f"holds no model of this code ({type(error).__name__}: {error})") from None
    try:
        model.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError):
        raise Damaged(path, f"its weights are not those of a model of kind {kind} with these settings") from None
    return model.to(device).eval()


def kind_of(model: nn.Module) -> str:
    """The kind of a model: the name of its module."""
    return type(model).__module__.rpartition(".")[2]


def save_history(path: Path, rows: Iterable[HistoryRow]) -> None:
    """Write a learning curve as CSV, with the shortest decimal that reads back as the same number."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["epoch", "step", "split", "term", "value"])
    writer.writerows((epoch, step, split, term, repr(float(value))) for epoch, step, split, term, value in rows)
    write_text(path, text.getvalue())
