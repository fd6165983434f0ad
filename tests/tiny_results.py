"""A results folder of every run of config.yaml, made by the real stages on made-up images, a hundred points and two steps each.

What it shows is nonsense; that it has every file, array and metric that figures, tables and checks ask for is the point.
"""

import hashlib
import json
import resource
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from dgm.files import save_arrays
from dgm.plan import Plan
from dgm.provenance import fingerprint, names
from dgm.stages import costs, demonstrate, estimate, evaluate, sample, simulate, tabulate, train

REPOSITORY = Path(__file__).parents[1]
LIMITS = {"steps": 2, "samples": 32}
IMAGES = 200


def made_up_digits(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 [n, 28, 28] and labels [n]: a bright bar whose place depends on the label."""
    labels = np.arange(n, dtype=np.uint8) % 10
    pictures = rng.integers(0, 60, (n, 28, 28))
    for picture, label in zip(pictures, labels, strict=True):
        picture[4:24, 2 * label + 2 : 2 * label + 6] = rng.integers(200, 256, (20, 4))
    return pictures.astype(np.uint8), labels


def digest() -> str:
    """Of all that decides what :func:`build` writes: code of stages, models and demonstrations, the configuration, this file."""
    stages = (
        f"dgm.stages.{stage}"
        for stage in ("train", "sample", "evaluate", "estimate", "simulate", "demonstrate", "tabulate", "costs")
    )
    modules = (f"dgm.{folder}.{name}" for folder in ("models", "demonstrations") for name in names(folder))
    texts = (REPOSITORY / "config.yaml", Path(__file__))
    content = "".join([fingerprint(*stages, *modules), *(path.read_text(encoding="utf-8") for path in texts)])
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def affordable(settings: Mapping[str, Any]) -> dict[str, Any]:
    """A run's own settings, with no more images than there are, and no more components than images."""
    capped = {name: min(settings[name], IMAGES) for name in ("images", "components", "distinct") if settings.get(name)}
    return {**settings, **capped}


def build(folder: Path) -> None:
    """Write everything that tables, checks and figures read."""
    config = yaml.safe_load((REPOSITORY / "config.yaml").read_text())
    config["rings"] = {name: ring | {"points": 100} for name, ring in config["rings"].items()}
    plan = Plan(config, REPOSITORY)
    rng = np.random.default_rng(0)
    arrays = {}
    for split, n in (("train", IMAGES), ("test", 100)):
        arrays[f"{split}_images"], arrays[f"{split}_labels"] = made_up_digits(n, rng)
    save_arrays(folder / "data" / "images.npz", arrays)
    (folder / "data" / "provenance.json").write_text(json.dumps({"dataset": "mnist-5k"}))
    for name in plan.rings:
        files = {"points": f"data/{name}.npz", "metrics": f"metrics/{name}.csv"}
        _stage(simulate, folder, f"simulate/{name}", {"name": name, "settings": plan.ring(name), "seed": 0}, files)
    for name in plan.demonstrations:
        files = {"arrays": f"arrays/{name}.npz", "metrics": f"metrics/{name}.csv"}
        _stage(demonstrate, folder, f"demonstrate/{name}", {"name": name, "seed": 0}, files)
    for run in plan.runs:
        _run(plan, run, folder)
    metrics = [str(folder / path) for path in plan.metric_files()]
    files = {"table": "tables/metrics.csv", "seeds-table": "tables/seeds.csv"}
    _stage(tabulate, folder, "tabulate/metrics", {}, files, ["--metrics", *metrics])
    more = ["--results", str(folder), "--jobs", *plan.jobs()]
    _stage(costs, folder, "costs/jobs", {}, {"table": "tables/costs.csv"}, more)


def _run(plan: Plan, run: str, folder: Path) -> None:
    kind, limits, seed = plan.kind(run), json.dumps(LIMITS), plan.seed_of(run)
    settings = json.dumps(affordable(json.loads(plan.settings(run))))
    data, model = {"data": f"data/{plan.data(run)}.npz"}, {"model": f"models/{run}.pt"}
    files = {**data, **model, "history": f"history/{run}.csv", "checkpoint": f"checkpoints/{run}.pt"}
    _stage(train, folder, f"train/{run}", {"run": run, "kind": kind, "settings": settings, "limits": limits, "seed": seed}, files)
    files = {**data, **model, "metrics": f"metrics/{run}.csv", "evaluations": f"evaluations/{run}.npz"}
    files["train-record"] = f"records/train/{run}.json"
    if plan.samples(run):
        drawn = {"samples": f"samples/{run}.npz"}
        _stage(sample, folder, f"sample/{run}", {"run": run, "limits": limits, "seed": seed}, model | drawn)
    files |= {option.replace("_", "-"): path for option, path in plan.evidence(run).items()}
    _stage(evaluate, folder, f"evaluate/{run}", {"run": run, "limits": limits, "seed": 0}, files)
    if run in plan.estimated_runs:
        files = {**data, **model, "metrics": f"estimates/{run}.csv", "estimates": f"estimates/{run}.npz"}
        words = {"run": run, "settings": plan.estimates(run), "limits": limits, "seed": 0}
        _stage(estimate, folder, f"estimate/{run}", words, files)


def _stage(stage: Any, folder: Path, record: str, words: Mapping[str, object], files: Mapping[str, str], more: Any = ()) -> None:
    """Call a stage as its rule does, and measure it as Snakemake would; its own message becomes the error where it fails."""
    options = [item for name, word in words.items() for item in (f"--{name}", str(word))]
    options += [item for name, path in files.items() for item in (f"--{name}", str(folder / path))]
    log = folder / "logs" / f"{record}.log"
    options += ["--record", str(folder / "records" / f"{record}.json"), "--log", str(log), *more]
    log.parent.mkdir(parents=True, exist_ok=True)
    clock = time.perf_counter(), time.process_time()
    if stage.main(options) != 0:
        raise AssertionError(f"{record}: {log.read_text()}")
    measured = {"s": time.perf_counter() - clock[0], "cpu_time": time.process_time() - clock[1]}
    measured["max_rss"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # of all so far, in units of 2^20 bytes
    benchmark = folder / "benchmarks" / f"{record}.jsonl"
    benchmark.parent.mkdir(parents=True, exist_ok=True)
    benchmark.write_text(json.dumps(measured) + "\n")
