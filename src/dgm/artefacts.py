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
from dgm.files import write_atomically, write_text

__all__ = ["Fitted", "HistoryRow", "load_model", "save_history", "save_model"]

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
    write_atomically(path, lambda file: torch.save({"kind": kind, "settings": settings, "state": state}, file))


def load_model(path: Path, device: torch.device | str = "cpu") -> nn.Module:
    """Rebuild a fitted model in evaluation mode. Executes no code from the file.

    Raises:
        ValueError: when the file is missing, damaged or not one of ours.
    """
    try:
        saved = torch.load(path, weights_only=True, map_location="cpu")
        kind, settings, state = saved["kind"], dict(saved["settings"]), dict(saved["state"])
    except FileNotFoundError:
        raise ValueError(f"{path}: no such model") from None
    except Exception as error:  # a damaged file fails in many ways inside torch.load
        raise ValueError(f"{path}: not a readable model file ({type(error).__name__}); delete it and build again") from None
    module = models.load(kind)
    model: nn.Module = module.Model(parse(module.Config, settings, f"{path}: settings"))
    try:
        model.load_state_dict(state)
    except RuntimeError:
        raise ValueError(f"{path}: its weights are not those of a model of kind {kind} with these settings") from None
    return model.to(device).eval()


def save_history(path: Path, rows: Iterable[HistoryRow]) -> None:
    """Write a learning curve as CSV, with the shortest decimal that reads back as the same number."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["epoch", "step", "split", "term", "value"])
    writer.writerows((epoch, step, split, term, repr(float(value))) for epoch, step, split, term, value in rows)
    write_text(path, text.getvalue())
