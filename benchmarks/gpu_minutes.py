"""The first minutes on a GPU, without Snakemake: every kind of model trained twice, its bytes compared, its speed measured.

    PYTHONPATH=src python benchmarks/gpu_minutes.py --folder OUT [--data-dir FOLDER] [--steps 300] [--minutes 8] [--gpu 1] [RUN …]

One run of every kind is trained twice, sampled, evaluated and estimated by the stages of the pipeline, with ``--steps`` optimiser
steps (0: the whole budget) on MNIST from ``--data-dir``, else on made-up digits. A row a run goes to standard output and to
``OUT/gpu.csv``: the processor, images a second of both trainings (the first may warm up libraries) and of one in the other
arithmetic (float32 for bfloat16), seconds of the jobs, the most memory that torch held, whether both trainings gave the same
weights, and operations that torch calls nondeterministic. When the minutes are over the remaining runs are named and left out.

The exit status is 1 if a stage failed, or a job that asked for a GPU got none. ``--gpu 0`` tries the script on the CPU. It needs
the Python packages of the stages (torch, numpy, scipy, scikit-learn, pandas, pydantic, jaxtyping, PyYAML), not Snakemake.
"""

import argparse
import csv
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from dgm import fork_server
from dgm.device import STAGE_ENVIRONMENT
from dgm.files import load_json, save_arrays
from dgm.plan import CLASSIFIER, SECOND_CLASSIFIER, Plan

ROOT = Path(__file__).resolve().parent.parent
COLUMNS = ("run", "device", "precision", "images/s", "again", "other precision", "train s", "sample s", "evaluate s", "estimate s",
           "memory MB", "same bytes", "nondeterministic")  # fmt: skip


@dataclass
class Bench:
    """Calls stages and remembers what failed."""

    plan: Plan
    folder: Path
    steps: int
    gpu: int
    failed: list[str] = field(default_factory=list)

    def stage(self, name: str, run: str, words: Mapping[str, object]) -> dict[str, Any]:
        """Run one stage; its record with the seconds of the whole process, or an empty one if it failed."""
        record = self.folder / "records" / f"{name}-{run}.json"
        limits = {"steps": self.steps, "samples": 500} if self.steps else {}
        known = {"run": run, "limits": json.dumps(limits), "seed": 0, "threads": 1, "gpu": self.gpu, "record": record}
        command = [sys.executable, "-m", f"dgm.stages.{name}"]
        command += [item for key, word in {**known, **words}.items() for item in (f"--{key}", str(word))]
        clock = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            self.failed.append(f"{name} {run}: {done.stderr.strip()[-500:]}")
            return {}
        return {**load_json(record), "process": time.perf_counter() - clock}

    def train(self, run: str, place: str, **more: object) -> dict[str, Any]:
        """Train a run, its model at ``place``."""
        settings = {**json.loads(self.plan.settings(run)), **more}
        files = {"data": self.data(run), "model": self.folder / f"{place}.pt", "history": self.folder / f"{place}.csv"}
        words = {
            "kind": self.plan.kind(run),
            "settings": json.dumps(settings),
            "checkpoint": self.folder / "checkpoints" / f"{place}.pt",
        }
        found = self.stage("train", run, {**files, **words})
        if found and self.gpu and self.plan.request("train", run).gpu and found["device"]["type"] != "cuda":
            self.failed.append(f"train {run}: asked for a GPU and got {found['device']['name']}")
        return found

    def data(self, run: str) -> Path:
        """The file that a run is fitted to."""
        return self.folder / f"{self.plan.data(run)}.npz"

    def row(self, run: str) -> dict[str, object]:
        """All that is measured of one run."""
        first, again = self.train(run, run), self.train(run, f"{run}-again")
        if not first or not again:
            return {"run": run}
        other = {"bfloat16": "float32", "float32": "bfloat16"}.get(first.get("precision", ""))
        swapped = self.train(run, f"{run}-other", precision=other) if other else {}
        jobs = {"train": first}
        model = {"model": self.folder / f"{run}.pt"}
        if self.plan.samples(run):
            jobs["sample"] = self.stage(
                "sample", run, {**model, "samples": self.folder / f"{run}.npz", "count": self.plan.draws(run)}
            )
        evidence = {"classifier": f"{CLASSIFIER}.pt", "classifier_second": f"{SECOND_CLASSIFIER}.pt", "samples": f"{run}.npz"}
        seen = {option.replace("_", "-"): self.folder / evidence[option] for option in self.plan.evidence(run)}
        record = {"train-record": self.folder / "records" / f"train-{run}.json"}
        made = {"metrics": self.folder / f"{run}.metrics.csv", "evaluations": self.folder / f"{run}.evaluations.npz"}
        jobs["evaluate"] = self.stage("evaluate", run, {**model, "data": self.data(run), **seen, **record, **made})
        if self.plan.estimated(run):
            made = {"metrics": self.folder / f"{run}.estimates.csv", "estimates": self.folder / f"{run}.estimates.npz"}
            words = {"data": self.data(run), "settings": self.plan.estimates(run)}
            jobs["estimate"] = self.stage("estimate", run, {**model, **words, **made})
        return {
            "run": run,
            "device": first["device"]["name"],
            "precision": first.get("precision", ""),
            "images/s": round(first["images_per_second"]),
            "again": round(again["images_per_second"]),
            "other precision": round(swapped["images_per_second"]) if swapped else "",
            **{f"{stage} s": round(found["process"], 1) for stage, found in jobs.items() if found},
            "memory MB": round((first["gpu_peak_bytes"] or 0) / 1e6),
            "same bytes": _weights(self.folder / f"{run}.pt") == _weights(self.folder / f"{run}-again.pt"),
            "nondeterministic": " ".join(sorted({name for found in jobs.values() for name in found.get("nondeterministic", ())})),
        }


def _weights(path: Path) -> str:
    """Digest of all tensors of a saved model."""
    state = torch.load(path, weights_only=True, map_location="cpu")["state"]
    digest = hashlib.sha256()
    for name in sorted(state):
        digest.update(name.encode() + state[name].contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def one_of_each_kind(plan: Plan) -> list[str]:
    """The classifiers, which judge the others, and the first run of every other kind that has images."""
    firsts: dict[str, str] = {}
    for run in plan.runs:
        if plan.data(run) == "images":
            firsts.setdefault(plan.kind(run), run)
    return list(dict.fromkeys([CLASSIFIER, SECOND_CLASSIFIER, *firsts.values()]))


def prepare(folder: Path, data_dir: Path | None) -> None:
    """Write ``images.npz``: MNIST, or made-up digits as many as mnist-5k has."""
    if data_dir is not None:
        words = ["--dataset", "mnist", "--data-dir", str(data_dir), "--limits", "{}", "--images", str(folder / "images.npz")]
        words += ["--provenance", str(folder / "provenance.json"), "--record", str(folder / "prepare.json")]
        subprocess.run([sys.executable, "-m", "dgm.stages.prepare", *words], check=True)
        return
    random, arrays = np.random.default_rng(0), {}
    for split, n in (("train", 4000), ("test", 1000)):
        labels = np.arange(n, dtype=np.uint8) % 10
        images = random.integers(0, 60, (n, 28, 28), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[4:24, 2 * label + 2 : 2 * label + 6] += 190
        arrays |= {f"{split}_images": images, f"{split}_labels": labels}
    save_arrays(folder / "images.npz", arrays)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="for all that is written")
    parser.add_argument("--data-dir", type=Path, help="the four files of MNIST")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--gpu", type=int, choices=(0, 1), default=1)
    parser.add_argument("runs", nargs="*", metavar="RUN")
    options = parser.parse_args(argv)
    end = time.monotonic() + 60 * options.minutes
    (options.folder / "records").mkdir(parents=True, exist_ok=True)
    os.environ.update({"PYTHONPATH": str(ROOT / "src"), **STAGE_ENVIRONMENT})
    fork_server.start(os.environ)
    prepare(options.folder, options.data_dir)
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    if options.data_dir is not None:
        config |= {"dataset": "mnist", "data_dir": str(options.data_dir)}
    bench = Bench(Plan(config, ROOT), options.folder, options.steps, options.gpu)
    asked = options.runs or one_of_each_kind(bench.plan)
    with (options.folder / "gpu.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for place, run in enumerate(asked):
            if time.monotonic() > end:
                print(f"the {options.minutes:g} minutes are over; left out: {', '.join(asked[place:])}")
                break
            row = bench.row(run)
            writer.writerow(row)
            file.flush()
            print(", ".join(f"{name} {row[name]}" for name in COLUMNS if row.get(name, "") != ""), flush=True)
    for said in bench.failed:
        print(f"FAILED {said}", file=sys.stderr)
    return 1 if bench.failed else 0


if __name__ == "__main__":
    sys.exit(main())
