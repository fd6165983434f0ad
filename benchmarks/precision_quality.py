"""Does training in bfloat16 cost quality? Trains in both precisions, from the same seeds, and scores everything in float32.

    python benchmarks/precision_quality.py [--epochs-nice 20] [--epochs-vae 10] [--seeds 2]

Prints the test log-likelihood of NICE and the test bound of the convolutional VAE (nats per image) for each seed and precision, and
the difference of the two precisions beside the spread between seeds, which is what a difference has to exceed to mean anything.
"""

import argparse
import statistics
from pathlib import Path

import numpy as np
import torch

from dgm.data import tensors
from dgm.data.tensors import treat
from dgm.models import nice, vae_conv
from dgm.runtime.device import use_threads
from dgm.runtime.streams import Generators
from dgm.training.loop import Context
from dgm.training.precision import Precision, resolve

ROOT = Path(__file__).resolve().parent.parent


def score(model: torch.nn.Module, data: tensors.ImageData) -> float:
    """Mean test log-likelihood or bound in nats per image, float32, the same noise for every model."""
    generator = torch.Generator().manual_seed(0)
    x = treat(data.test_images, model.treatment, generator)
    with torch.no_grad():
        if isinstance(model, nice.Model):
            return float(torch.cat([model.log_prob(part) for part in x.split(500)]).mean())
        assert isinstance(model, vae_conv.Model)
        return float(torch.cat([model.bound(part, generator)["bound"] for part in x.split(500)]).mean())


def main() -> None:
    """Train and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs-nice", type=int, default=20)
    parser.add_argument("--epochs-vae", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--data", type=Path, default=ROOT / "results/mnist-5k/data/images.npz")
    arguments = parser.parse_args()
    use_threads(1)
    data = tensors.load(arguments.data)
    print(f"'auto' is {resolve('auto', torch.device('cpu'))} on this machine")
    precisions: tuple[Precision, ...] = ("float32", "bfloat16")
    for name, module, settings in (
        ("NICE", nice, {"epochs": arguments.epochs_nice, "scale_learning_rate": 2e-2}),
        ("VAE", vae_conv, {"epochs": arguments.epochs_vae, "batch_size": 128}),
    ):
        scores: dict[str, list[float]] = {precision: [] for precision in precisions}
        for seed in range(arguments.seeds):
            for precision in precisions:
                config = module.Config(**settings, precision=precision, curve_images=1)
                fitted = module.fit(config, data, Context(run=name, generators=Generators(seed)))
                scores[precision].append(score(fitted.model.eval(), data))
                print(f"{name}, seed {seed}, {precision}: {scores[precision][-1]:.2f} nats", flush=True)
        paired = np.subtract(scores["bfloat16"], scores["float32"])
        spread = statistics.stdev(scores["float32"]) if arguments.seeds > 1 else float("nan")
        print(f"{name}: bfloat16 minus float32 {paired.mean():+.2f} nats; between seeds in float32 {spread:.2f}")


if __name__ == "__main__":
    main()
