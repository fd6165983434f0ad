"""Train one run: settings and images in, a fitted model and its learning curve out."""

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dgm import cli
from dgm.config import Limits, parse
from dgm.device import acquire


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the command line and train."""
    parser = cli.run_parser(__doc__)
    parser.add_argument("--kind", required=True)
    parser.add_argument("--settings", required=True, type=json.loads, help="the run's settings as JSON")
    parser.add_argument("--code", default="", help="fingerprint of the code; a checkpoint of other code is not continued")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--history", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True, help="where an interrupted training is kept")
    return cli.run(_train, parser.parse_args(argv), "train")


def _train(arguments: argparse.Namespace) -> dict[str, Any]:
    say = cli.logger(arguments.log)
    with acquire(arguments.gpu, arguments.threads, say=say) as device:
        import torch

        from dgm import artefacts, dataset, models
        from dgm.loop import Checkpoint, Context
        from dgm.rng import Generators

        limits = parse(Limits, arguments.limits, "limits")
        module = models.load(arguments.kind)
        config = parse(module.Config, arguments.settings, f"runs.{arguments.run}.settings")
        data = dataset.load(arguments.data, device.type)
        checkpoint = Checkpoint(arguments.checkpoint, _identity(arguments))
        context = Context(
            run=arguments.run,
            generators=Generators(arguments.seed, device.type),
            device=torch.device(device.type),
            max_steps=limits.steps,
            checkpoint=checkpoint,
            say=say,
        )
        fitted = module.fit(config, data, context)
        artefacts.save_history(arguments.history, fitted.history)
        artefacts.save_model(arguments.model, arguments.kind, arguments.settings, fitted.model)
        checkpoint.remove()
        return {
            "run": arguments.run,
            "kind": arguments.kind,
            "data": arguments.data.stem,
            **device.record(),
            **fitted.facts,
        }


def _identity(arguments: argparse.Namespace) -> str:
    """What a checkpoint belongs to: settings, limits, seed, code and the content of the data."""
    parts = [arguments.kind, arguments.settings, arguments.limits, arguments.seed, arguments.code]
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode())
    digest.update(arguments.data.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
