"""One module a model; its file name is the ``kind`` of a run.

A module holds ``Config`` (its settings), ``Model(config)`` (an ``nn.Module`` that offers protocols of :mod:`dgm.protocols`) and
``fit(config, data, context) -> Fitted``.

- ``Config`` is a pydantic class (:mod:`dgm.settings`). ``make schema`` generates ``workflow/schemas/config.schema.yaml`` from
  these classes, and a test fails when the two differ.
- Models have no deep base class. :mod:`dgm.evaluation` computes each metric whose protocol the model meets. Numbers and pictures
  that one model alone has come from its own ``measure``. So a new model changes no other module, unless ``measure`` brings a new
  metric: :mod:`dgm.evaluation.registry` declares each.
- What a run is fitted to follows from its model. ``fit(config, data: PointData, …)`` takes a simulated ring, which the run names
  with ``data:``; all others take the prepared images.
- A model that draws images says with ``sample_treatment`` which real images its samples are compared with.
- A run with a block ``estimates`` needs a model with ``log_likelihood_given`` or ``observed``.
- The size of the images comes from the data: ``fit`` makes ``Model(config, data.shape)``, and a model that was made so has an
  attribute ``shape``.
- A model file holds ``kind``, ``settings``, ``state`` and, of such a model, ``shape``: plain values and tensors, which
  ``torch.load(weights_only=True)`` reads.
"""

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from dgm.assignments import modules
from dgm.protocols import Classifies
from dgm.runtime.files import Damaged, load_tensors, save_tensors
from dgm.settings import parse

__all__ = ["kind_of", "kinds", "load", "load_classifier", "load_model", "save_model"]


def kinds() -> list[str]:
    """The names of all models."""
    return modules(Path(__file__).parent)


def load(kind: str) -> ModuleType:
    """Import the module of a kind.

    Raises:
        ValueError: with the list of known kinds.
    """
    if kind not in kinds():
        raise ValueError(f"unknown kind {kind!r}; known: {kinds()}")
    return importlib.import_module(f"dgm.models.{kind}")


def save_model(path: Path, kind: str, settings: dict[str, Any], model: nn.Module) -> None:
    """Write kind, settings, state and the shape of the images: enough to rebuild the model from the file alone."""
    state = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    shape: Any = getattr(model, "shape", None)
    save_tensors(path, {"kind": kind, "settings": settings, "state": state} | ({"shape": list(shape)} if shape else {}))


def load_model(path: Path, device: torch.device | str = "cpu") -> nn.Module:
    """Rebuild a fitted model in evaluation mode. Executes no code from the file.

    Raises:
        Damaged: when the file is missing, damaged or not one of ours.
    """
    saved = load_tensors(path)
    try:
        kind, settings, state = saved["kind"], dict(saved["settings"]), dict(saved["state"])
        module = load(kind)
        of_images = (tuple(saved["shape"]),) if "shape" in saved else ()
        model: nn.Module = module.Model(parse(module.Config, settings, "settings"), *of_images)
    except (KeyError, ValueError, TypeError) as error:
        raise Damaged(path, f"holds no model of this code ({type(error).__name__}: {error})") from None
    try:
        model.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError):
        raise Damaged(path, f"its weights are not those of a model of kind {kind} with these settings") from None
    return model.to(device).eval()


def load_classifier(path: Path, device: torch.device | str = "cpu") -> Classifies:
    """A fitted model that classifies images.

    Raises:
        Damaged: as :func:`load_model`, and for a model of another kind.
    """
    model: object = load_model(path, device)
    if not isinstance(model, Classifies):
        raise Damaged(path, "holds no classifier")
    return model


def kind_of(model: nn.Module) -> str:
    """The kind of a model: the name of its module."""
    return type(model).__module__.rpartition(".")[2]
