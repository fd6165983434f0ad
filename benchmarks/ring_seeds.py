"""Test log-likelihoods on the ring with R = 10 over several seeds: true density, kernel estimate and energy-based model.

    python benchmarks/ring_seeds.py --seeds 0 1 2

Each seed draws its own data and starts its own training, as a build with that seed does.
"""

import argparse
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from dgm.data import tensors
from dgm.maths import ring_mixture
from dgm.models import ebm, kde
from dgm.runtime.streams import Generators
from dgm.settings import parse
from dgm.stages import simulate
from dgm.training.loop import Context


def main() -> None:
    """Print one line a seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    torch.set_num_threads(1)
    for seed in parser.parse_args().seeds:
        with TemporaryDirectory() as folder:
            files = [
                f"--{name}={Path(folder, name)}{suffix}"
                for name, suffix in (("points", ".npz"), ("metrics", ".csv"), ("record", ".json"))
            ]
            if simulate.main(["--name=ring_r10", '--settings={"radius": 10.0}', f"--seed={seed}", *files]):
                raise SystemExit("the ring cannot be simulated")
            data = tensors.load(Path(folder, "points.npz"))
        assert isinstance(data, tensors.PointData)
        found = {"truth": float(ring_mixture.log_density(data.test.double().numpy(), 10, 10.0).mean())}
        for name, module, settings in (("kde", kde, {}), ("ebm", ebm, {"proposal_samples": 4096})):
            context = Context(name, Generators(seed))
            model = module.fit(parse(module.Config, settings, name), data, context).model
            with torch.no_grad():
                found[name] = float(model.log_density(data.test).mean())
            found[f"{name} seconds"] = context.facts["seconds_in_steps"]
        print(json.dumps({"seed": seed} | {name: round(value, 4) for name, value in found.items()}), flush=True)


if __name__ == "__main__":
    main()
