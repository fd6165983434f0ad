"""Draw one simulated data set: points of a ring mixture in three splits, and what the true density scores on them."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dgm import metrics_table
from dgm.maths import importance_sampling, measured, ring_mixture
from dgm.runtime.files import save_arrays
from dgm.runtime.seeds import derived_seed
from dgm.runtime.stage import parser, run
from dgm.settings import Ring, parse

__all__ = ["main"]

SPLITS = ("train", "validation", "test")


def main(argv: Sequence[str] | None = None) -> int:
    """Command line of the stage."""
    made = parser(__doc__)
    made.add_argument("--name", required=True, help="of the data set")
    made.add_argument("--settings", required=True, type=json.loads, help="radius, components, points; as JSON")
    made.add_argument("--seed", required=True, type=int)
    made.add_argument("--points", type=Path, required=True, help="array file to write")
    made.add_argument("--metrics", type=Path, required=True, help="CSV file to write: log-likelihood of the true density")
    return run(work, made.parse_args(argv), "simulate")


def work(arguments: argparse.Namespace) -> dict[str, Any]:
    """Draw, score, write."""
    settings = parse(Ring, arguments.settings, f"rings.{arguments.name}")
    components, radius = settings.components, settings.radius
    arrays = {"components": np.array(components), "radius": np.array(radius)}
    readings = []
    for split in SPLITS:
        rng = np.random.default_rng(derived_seed(arguments.seed, f"simulate/{arguments.name}/{split}"))
        arrays[split], arrays[f"{split}_components"] = ring_mixture.sample(settings.points, components, radius, rng)
        scores = ring_mixture.log_density(arrays[split], components, radius)
        readings.append(("log_likelihood", split, measured.mean(scores)))
        readings.append(("softmax_score", split, measured.mean(importance_sampling.softmax_scores(scores))))
    save_arrays(arguments.points, arrays)
    metrics_table.save(arguments.metrics, [(arguments.name, "truth", reading) for reading in readings])
    return {"name": arguments.name, **settings.model_dump()}


if __name__ == "__main__":
    raise SystemExit(main())
