"""Choose the epochs of a run on a validation part of the training images; the test images are never looked at.

    python benchmarks/choose_budgets.py --run nice --epochs 300 [--set batch_size=128]

Trains on four fifths of the prepared training images with a generous number of epochs, follows the learning curve on the
remaining fifth, and prints the epoch where it is best. The budget of config.yaml is that epoch, rounded.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from dgm.runtime.device import STAGE_ENVIRONMENT
from dgm.runtime.files import load_arrays, save_arrays

ROOT = Path(__file__).resolve().parent.parent
SCORES = {"nice": "log_likelihood", "vae_conv": "bound", "vae_mlp": "bound", "classifier": "accuracy"}


def split(source: Path, target: Path) -> None:
    """Write four fifths of the training images as training part and one fifth as the part that the stage calls test."""
    arrays = load_arrays(source)
    images, labels = arrays["train_images"], arrays["train_labels"]
    order = np.random.default_rng(0).permutation(len(images))
    cut = len(images) * 4 // 5
    train, validation = order[:cut], order[cut:]
    parts = {
        "train_images": images[train],
        "train_labels": labels[train],
        "test_images": images[validation],
        "test_labels": labels[validation],
    }
    save_arrays(target, parts)


def main() -> None:
    """Train one run on the split and print its curve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a setting")
    parser.add_argument("--data", type=Path, default=ROOT / "results/mnist-5k/data/images.npz")
    parser.add_argument("--scratch", type=Path, default=ROOT / "results/budgets")
    arguments = parser.parse_args()
    run = yaml.safe_load((ROOT / "config.yaml").read_text())["runs"][arguments.run]
    overrides = dict(item.split("=", 1) for item in arguments.set)
    settings = run.get("settings", {}) | {key: yaml.safe_load(value) for key, value in overrides.items()}
    settings["epochs"] = arguments.epochs
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    data = arguments.scratch / "split.npz"
    split(arguments.data, data)
    stem = arguments.scratch / arguments.run
    command = [sys.executable, "-m", "dgm.stages.train", "--run", arguments.run, "--kind", run["kind"]]
    command += ["--settings", json.dumps(settings), "--data", str(data), "--model", f"{stem}.pt", "--history", f"{stem}.csv"]
    command += ["--checkpoint", str(arguments.scratch / "checkpoints" / f"{arguments.run}.pt")]
    command += ["--record", f"{stem}.json", "--log", f"{stem}.log"]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **STAGE_ENVIRONMENT})
    history = pd.read_csv(f"{stem}.csv")
    score = SCORES[run["kind"]]
    curves = history[history["term"] == score].pivot_table(index="epoch", columns="split", values="value")
    validation = curves["test"]
    print(f"{arguments.run} {settings}: best {score} on validation {validation.max():.4g} at epoch {validation.idxmax()}")
    print(curves.rename(columns={"test": "validation"}).iloc[:: max(1, len(curves) // 12)].to_string(float_format="%.4g"))


if __name__ == "__main__":
    main()
