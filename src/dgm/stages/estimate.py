"""Estimate the likelihood of one fitted model that has a decoder."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dgm.runtime import stage
from dgm.runtime.device import acquire
from dgm.runtime.interruption import deferred
from dgm.settings import Limits, parse

QUICK_SIDES = (50, 100)
"""Grids of the quadrature in builds with limits: a decoder of a few steps is smooth."""


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the command line and estimate."""
    parser = stage.run_parser(__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--settings", required=True, type=json.loads, help="the run's block `estimates` as JSON")
    parser.add_argument("--metrics", type=Path, required=True)
    parser.add_argument("--estimates", type=Path, required=True, help="array file to write: values of each image, curves")
    return stage.run(_estimate, parser.parse_args(argv), "estimate")


def _estimate(arguments: argparse.Namespace) -> dict[str, Any]:
    say = stage.logger(arguments.log)
    with acquire(arguments.gpu, arguments.threads, say=say) as device:
        with deferred():  # compiled code that is being imported aborts when a signal handler raises
            from dgm.data import tensors
            from dgm.evaluation import likelihood_estimates
            from dgm.maths import decoder_quadrature
            from dgm.metrics_table import save
            from dgm.models import kind_of, load_model
            from dgm.runtime.files import save_arrays
            from dgm.runtime.streams import Generators

        where = f"runs.{arguments.run}.estimates"
        settings = parse(likelihood_estimates.Estimates, arguments.settings, where)
        limits = parse(Limits, arguments.limits, "limits")
        settings = likelihood_estimates.capped(settings, limits)
        sides = QUICK_SIDES if limits.steps else decoder_quadrature.SIDES
        model = load_model(arguments.model, device.type).requires_grad_(requires_grad=False)
        data = tensors.load(arguments.data, device.type)
        if not isinstance(data, tensors.ImageData):
            raise ValueError(f"{where}: likelihoods are estimated for models of images")
        clock = time.perf_counter()
        found = likelihood_estimates.estimate(model, data, settings, Generators(arguments.seed, device.type), sides)
        seconds = time.perf_counter() - clock
        save_arrays(arguments.estimates, found.arrays)
        save(arguments.metrics, ((arguments.run, kind_of(model), reading) for reading in found.readings))
        say(f"{len(found.readings)} estimates in {seconds:.1f} s")
        return {
            "run": arguments.run,
            **device.record(),
            "seconds_estimating": round(seconds, 3),
            "settings": settings.model_dump(),
        }


if __name__ == "__main__":
    sys.exit(main())
