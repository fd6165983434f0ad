"""Train one run: settings and images in, a fitted model and its learning curve out."""

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dgm.runtime import stage
from dgm.runtime.device import acquire
from dgm.runtime.interruption import deferred
from dgm.settings import Limits, parse


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the command line and train."""
    parser = stage.run_parser(__doc__)
    parser.add_argument("--kind", required=True)
    parser.add_argument("--settings", required=True, type=json.loads, help="the run's settings as JSON")
    parser.add_argument("--code", default="", help="fingerprint of the code; a checkpoint of other code is not continued")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--history", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True, help="where an interrupted training is kept")
    arguments = parser.parse_args(argv)
    status = stage.run(_train, arguments, "train")
    if status == 0:  # and not before: without its record the job would be repeated
        _forget(arguments.checkpoint)
    return status


def _train(arguments: argparse.Namespace) -> dict[str, Any]:
    say = stage.logger(arguments.log)
    with acquire(arguments.gpu, arguments.threads, say=say) as device:
        with deferred():  # compiled code that is being imported aborts when a signal handler raises
            import torch

            from dgm import models
            from dgm.data import tensors
            from dgm.runtime.streams import Generators
            from dgm.training import cuda_graphs
            from dgm.training.fitted import save_history
            from dgm.training.loop import Checkpoint, Context, checkpoint_seconds

        limits = parse(Limits, arguments.limits, "limits")
        module = models.load(arguments.kind)
        config = parse(module.Config, arguments.settings, f"runs.{arguments.run}.settings")
        replayed = cuda_graphs.wanted(device.type)
        data = tensors.load(arguments.data, device.type)
        context = Context(
            run=arguments.run,
            generators=Generators(arguments.seed, device.type),
            device=torch.device(device.type),
            max_steps=limits.steps,
            checkpoint=Checkpoint(
                arguments.checkpoint, _identity(arguments, device.device.streams, replayed), checkpoint_seconds()
            ),
            say=say,
        )
        fitted = module.fit(config, data, context)
        save_history(arguments.history, fitted.history)
        models.save_model(arguments.model, arguments.kind, arguments.settings, fitted.model)
        return {
            "run": arguments.run,
            "kind": arguments.kind,
            "data": arguments.data.stem,
            **device.record(),
            **fitted.facts,
            **({"cuda_graphs": True} if replayed else {}),
        }


def _forget(checkpoint: Path) -> None:
    """Remove the checkpoints of a run and of its phases, ``<run>.<phase>.pt``, those of earlier settings too."""
    if checkpoint.parent.is_dir():
        for path in checkpoint.parent.iterdir():
            if path.name.removeprefix(".").startswith(f"{checkpoint.stem}."):  # with a dot in front what a killed writer left
                path.unlink()


def _identity(arguments: argparse.Namespace, streams: str, replayed: bool) -> str:
    """What a checkpoint belongs to: settings, limits, seed, code, the content of the data, and what computes.

    ``streams`` is that of the :class:`~dgm.runtime.device.Device`; ``replayed`` says whether steps come from CUDA graphs.
    """
    parts = [
        arguments.kind,
        arguments.settings,
        arguments.limits,
        arguments.seed,
        arguments.code,
        streams,
        replayed,
        version("torch"),
    ]
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode())
    digest.update(arguments.data.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    try:
        status = main()
    except SystemExit as left:
        status = left.code if isinstance(left.code, int) else 1
    # Python takes a while to put torch away, and a kill meanwhile would cost the whole training: its checkpoint is gone
    sys.stderr.flush()
    os._exit(status)
