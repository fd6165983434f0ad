"""Figures that a reader can change on the page: the numbers they need, packed as JSON, and one script for all of them.

A figure with the key ``explore`` names a module of the ``explorables/`` beside its ``figures.yaml``. ``<module>.py`` has

``export(sources) -> dict``
    what the page needs: plain numbers, texts and lists, arrays through :func:`packed`, large ones through :func:`quantised`;
``TRIES``
    settings of the controls at which tests compare the page with Python, each with the buttons that are pressed;
``numbers(sources, setting, pressed) -> dict``
    the numbers that the page shows there, computed by the code of this package and not by that of the page;
``TOLERANCE``
    how far the page may be from them: ``abs`` for all, or by the name of a number.

``<module>.js`` has the controls, the arithmetic and the drawing of the page; ``report/templates/explore/kit.js`` says how.
"""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dgm.report.node import library, run

__all__ = ["KIT", "as_json", "packed", "quantised", "script", "unpacked"]

KIT = Path("templates") / "explore"
"""Where the modules lie that all explorables share, seen from ``report/``."""

KINDS: Mapping[str, str] = {"float64": "<f8", "float32": "<f4", "int32": "<i4", "int16": "<i2", "uint8": "|u1"}
"""What arrays the page reads: types of numbers by name, least significant byte first."""


def packed(array: Any, kind: str = "float64") -> dict[str, Any]:
    """An array as JSON: its shape, its type and its bytes in base 64.

    Args:
        array: values of any shape.
        kind: one of ``float64``, ``float32``, ``int32``, ``int16``, ``uint8``.

    Raises:
        ValueError: for another type, values that are not finite, or whole numbers that it cannot hold.
    """
    values = np.asarray(array)
    if kind not in KINDS:
        raise ValueError(f"packed: got type {kind!r}; allowed: {', '.join(KINDS)}")
    if not np.all(np.isfinite(values)):
        raise ValueError("packed: some values are not finite")
    with np.errstate(all="ignore"):
        held = values.astype(KINDS[kind])
    if np.issubdtype(held.dtype, np.integer) and not np.array_equal(held, values):
        raise ValueError(f"packed: {kind} does not hold these values, from {values.min()} to {values.max()}")
    return {"shape": list(held.shape), "kind": kind, "data": base64.b64encode(held.tobytes()).decode()}


def quantised(array: Any) -> dict[str, Any]:
    """A matrix, or a vector, in 8 bits: each row has a scale of its own, ``value = scale * code`` with codes from -127 to 127.

    Args:
        array: values [rows, columns] or [columns], finite.

    Returns:
        What :func:`packed` returns, with ``scale``, the packed scales [rows]; codes are stored as ``code + 128``.
    """
    values = np.atleast_2d(np.asarray(array, dtype=np.float64))
    scale = np.abs(values).max(1) / 127
    codes = np.rint(np.divide(values, scale[:, None], out=np.zeros_like(values), where=scale[:, None] > 0))
    shape = list(np.asarray(array).shape)
    return {**packed(codes + 128, "uint8"), "shape": shape, "scale": packed(scale, "float32")}


def unpacked(content: Mapping[str, Any]) -> np.ndarray:
    """The array that the page reads: of :func:`packed` the same, of :func:`quantised` the nearest that 8 bits hold."""
    held = np.frombuffer(base64.b64decode(content["data"]), dtype=KINDS[content["kind"]])
    if "scale" in content:
        scale = unpacked(content["scale"]).astype(np.float64)
        held = ((held.astype(np.float64) - 128).reshape(len(scale), -1) * scale[:, None]).ravel()
    return held.reshape(content["shape"])


def as_json(content: Mapping[str, Any]) -> str:
    """What :func:`export` of a module returned, as JSON. Raises ValueError where JSON has no such value."""
    try:
        return json.dumps(content, allow_nan=False, separators=(",", ":"), default=_plain)
    except (TypeError, ValueError) as error:
        raise ValueError(f"what is exported is no JSON: {error}; arrays go through packed() or quantised()") from None


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"got a {type(value).__name__}")


def script(explored: Mapping[str, Path], report: Path) -> str:
    """One script for the page, with every explorable and the parts of the libraries that they use.

    Args:
        explored: by figure, the script of its explorable.
        report: ``report/``, which has the shared modules.

    Raises:
        ValueError: when esbuild or Node is missing, or a script cannot be read; the message names file and line.
    """
    kit = report.resolve() / KIT
    return run(
        Path(__file__).with_name("bundle.mjs"),
        {
            "esbuild": str(library("esbuild", "lib/main.js")),
            "libraries": str(library("esbuild", "package.json").parents[1]),
            "kit": {path.stem: str(path) for path in sorted(kit.glob("*.js"))},
            "explored": {figure: str(path.resolve()) for figure, path in explored.items()},
        },
    )
