"""One module a model; its file name is the ``kind`` of a run.

A module holds ``Config`` (its settings), ``Model(config)`` (an ``nn.Module`` that offers protocols of :mod:`dgm.protocols`) and
``fit(config, data, context) -> Fitted``.
"""

import importlib
from pathlib import Path
from types import ModuleType

__all__ = ["kinds", "load"]


def kinds() -> list[str]:
    """The names of all models."""
    return sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))


def load(kind: str) -> ModuleType:
    """Import the module of a kind.

    Raises:
        ValueError: with the list of known kinds.
    """
    if kind not in kinds():
        raise ValueError(f"unknown kind {kind!r}; known: {kinds()}")
    return importlib.import_module(f"dgm.models.{kind}")
