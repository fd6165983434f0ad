"""Draw images from one fitted model.

A killed job begins again and writes the same bytes; checkpoints, as trainings have them, would save seconds. The longest job of the
default build took 4.0 s (``vqvae``, whose prior draws the codes one by one, on two cores without a GPU). A model whose samples take
longer than a minute should write parts, each from a generator of its own.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dgm.runtime import stage
from dgm.runtime.device import acquire
from dgm.runtime.interruption import deferred
from dgm.settings import Limits, parse

AT_ONCE = 500


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the command line and sample."""
    parser = stage.run_parser(__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--count", type=int, default=2000, help="how many")
    parser.add_argument("--samples", type=Path, required=True)
    return stage.run(_sample, parser.parse_args(argv), "sample")


def _sample(arguments: argparse.Namespace) -> dict[str, Any]:
    say = stage.logger(arguments.log)
    with acquire(arguments.gpu, arguments.threads, say=say) as device:
        with deferred():  # compiled code that is being imported aborts when a signal handler raises
            import torch

            from dgm.models import load_model
            from dgm.protocols import Describes, Sampler
            from dgm.runtime.files import save_arrays
            from dgm.runtime.streams import Generators

        limits = parse(Limits, arguments.limits, "limits")
        model = load_model(arguments.model, device.type)
        if not isinstance(model, Sampler):
            raise ValueError(f"run {arguments.run}: {type(model).__module__} offers no samples")
        generator = Generators(arguments.seed, device.type)[f"sample/{arguments.run}"]
        count = min(arguments.count, limits.samples or arguments.count)
        sizes = [min(AT_ONCE, count - start) for start in range(0, count, AT_ONCE)]
        with torch.no_grad():
            model.sample(sizes[0], torch.Generator(device.type))  # the first pass pays for set-up, so it is not timed
            clock = time.perf_counter()
            parts = [model.sample(size, generator) for size in sizes]
            # copying to the host waits for the device, so the clock may stop
            arrays = {name: [part[name].cpu() for part in parts] for name in parts[0]}
            seconds = time.perf_counter() - clock
        drawn = {name: torch.cat(values).numpy() for name, values in arrays.items()}
        described = {name: value.cpu().numpy() for name, value in model.describe().items()} if isinstance(model, Describes) else {}
        save_arrays(arguments.samples, {**drawn, **described})
        say(f"{count} samples in {seconds:.2f} s")
        return {"run": arguments.run, **device.record(), "count": count, "seconds_sampling": round(seconds, 4)}


if __name__ == "__main__":
    sys.exit(main())
