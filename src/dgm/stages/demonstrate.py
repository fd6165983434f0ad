"""Compute the arrays behind one closed-form illustration; no data set and no training are involved."""

import importlib
import inspect
import json
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dgm import metrics_table
from dgm.assignments import importable, modules
from dgm.errors import unknown
from dgm.runtime import stage
from dgm.runtime.files import save_arrays
from dgm.settings import Limits, parse

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    options = stage.parser(__doc__)
    options.add_argument("--assignment", type=Path, required=True, help="folder of the assignment")
    options.add_argument("--name", required=True, help="module of its demonstrations/")
    options.add_argument("--arrays", type=Path, required=True, help=".npz file to write")
    options.add_argument("--metrics", type=Path, required=True, help="CSV file to write: the numbers that tables show")
    options.add_argument("--seed", type=int, required=True, help="seed of the illustrations that draw at random")
    options.add_argument("--limits", default="{}", help="caps of a quick build, as JSON")
    return stage.run(work, options.parse_args(argv), "demonstrate")


def work(arguments: Namespace) -> dict[str, Any]:
    """Compute and save."""
    known = modules(arguments.assignment / "demonstrations")
    if arguments.name not in known:
        raise unknown("demonstration", arguments.name, known, str(arguments.assignment))
    illustration = importlib.import_module(f"{importable(arguments.assignment)}.demonstrations.{arguments.name}")
    limits = parse(Limits, json.loads(arguments.limits), "limits")
    usual = inspect.signature(illustration.compute).parameters.get("repeats")
    fewer = {"repeats": min(usual.default, limits.repeats)} if usual and limits.repeats else {}
    arrays: dict[str, np.ndarray] = illustration.compute(seed=arguments.seed, **fewer)
    bad = sorted(name for name, values in arrays.items() if not np.all(np.isfinite(values)))
    if bad:
        raise ValueError(f"demonstrate: {arguments.name}: values that are not finite in {bad}; the illustration is wrong")
    readings = illustration.measure(arrays) if hasattr(illustration, "measure") else []
    save_arrays(arguments.arrays, arrays)
    metrics_table.save(arguments.metrics, [(arguments.name, "demonstration", reading) for reading in readings])
    return {"name": arguments.name, "seed": arguments.seed, "arrays": {name: list(values.shape) for name, values in arrays.items()}}


if __name__ == "__main__":
    sys.exit(main())
