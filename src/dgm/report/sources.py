"""Result files that a figure is drawn from, or whose numbers it hands to the page."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dgm.runtime.files import load_arrays, load_frame, load_json

__all__ = ["load_source", "load_sources"]


def load_sources(sources: Mapping[str, str], results: Path, where: str) -> dict[str, Any]:
    """What files of a build hold, by alias; ``sources`` has their paths from ``results``. Raises as :func:`load_source` does."""
    return {alias: load_source(results / path, f"{where}: from.{alias}") for alias, path in sources.items()}


def load_source(path: Path, where: str) -> Any:
    """Arrays of an ``.npz``, a data frame of a ``.csv``, the content of a ``.json`` file, or the trained model of a ``.pt``.

    Raises:
        ValueError: for a missing or unreadable file or another suffix; the message starts with ``where``.
    """
    try:
        if path.suffix == ".npz":
            return load_arrays(path)
        if path.suffix == ".csv":
            return load_frame(path)
        if path.suffix == ".json":
            return load_json(path)
        if path.suffix == ".pt":
            from dgm.models import load_model  # imports torch, which few figures need

            return load_model(path)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    raise ValueError(f"{where}: {path}: got suffix {path.suffix!r}; a figure is made from .npz, .csv, .json or .pt")
