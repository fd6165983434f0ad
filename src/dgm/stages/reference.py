"""What a digit classifier makes of real images: the reference of every model whose samples it measures."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dgm.runtime import stage
from dgm.runtime.device import acquire
from dgm.runtime.interruption import deferred


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the command line and measure."""
    parser = stage.run_parser(__doc__)
    parser.add_argument("--model", type=Path, required=True, help="the classifier")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--references", type=Path, required=True)
    return stage.run(_reference, parser.parse_args(argv), "reference")


def _reference(arguments: argparse.Namespace) -> dict[str, Any]:
    with acquire(arguments.gpu, arguments.threads, say=stage.logger(arguments.log)) as device:
        with deferred():  # compiled code that is being imported aborts when a signal handler raises
            import torch

            from dgm.data import tensors
            from dgm.evaluation.references import measure
            from dgm.models import load_classifier
            from dgm.runtime.files import save_arrays
            from dgm.runtime.streams import Generators

        with torch.no_grad():
            data = tensors.load(arguments.data, device.type)
            if not isinstance(data, tensors.ImageData):
                raise ValueError(f"{arguments.data}: holds no images")
            arrays = measure(data, Generators(arguments.seed, device.type), load_classifier(arguments.model, device.type))
        save_arrays(arguments.references, arrays)
        return {"run": arguments.run, **device.record()}


if __name__ == "__main__":
    sys.exit(main())
