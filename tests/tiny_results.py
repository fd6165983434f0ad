"""A results folder of every run of config.yaml, made by the real stages on made-up images, a hundred points and two steps each.

What it shows is nonsense; that it has every file, array and metric that figures, tables and checks ask for is the point.
"""

import hashlib
import json
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from shipped import FOLDERS

from dgm.assignments import importable, modules
from dgm.runtime.files import save_arrays
from dgm.stages import costs, demonstrate, estimate, evaluate, reference, sample, simulate, tabulate, train
from dgm.workflow.fingerprint import fingerprint, names
from dgm.workflow.plan import Plan, flags

REPOSITORY = Path(__file__).parents[1]
LIMITS = {"steps": 2, "samples": 32, "repeats": 4}
IMAGES, TEST_IMAGES = 200, 100


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
        for stage in ("train", "sample", "reference", "evaluate", "estimate", "simulate", "demonstrate", "tabulate", "costs")
    )
    packages = {"dgm.models": names("models")} | {
        f"{importable(folder)}.demonstrations": modules(folder / "demonstrations") for folder in FOLDERS.values()
    }
    picked = (f"{package}.{name}" for package, found in packages.items() for name in found)
    texts = (REPOSITORY / "config.yaml", Path(__file__))
    content = "".join([fingerprint(*stages, *picked), *(path.read_text(encoding="utf-8") for path in texts)])
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def affordable(settings: Mapping[str, Any], images: int = IMAGES) -> dict[str, Any]:
    """A run's own settings, with no more images than there are, and no more components than images."""
    capped = {name: min(settings[name], images) for name in ("images", "components", "distinct") if settings.get(name)}
    return {**settings, **capped}


def build(folder: Path) -> None:
    """Write everything that tables, checks and figures read, with two processes at a time."""
    plan = plan_of_points(100)
    write_data(plan, folder)
    parts: list[Any] = [(_demonstrate, name) for name in plan.demonstrations] + [(_run, run) for run in plan.runs]
    judges = [part for part in parts if part[1].startswith("classifier")]  # one after the other, and before all that they measure
    others = [part for part in parts if part not in judges]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for some in (*([part] for part in judges), others):
            for made in [pool.submit(work, name, folder) for work, name in some]:
                made.result()
    metrics = [str(folder / path) for path in plan.metric_files()]
    files = {"table": "tables/metrics.csv", "seeds-table": "tables/seeds.csv"}
    _stage(tabulate, folder, "tabulate/metrics", {}, files, ["--metrics", *metrics])
    more = ["--results", str(folder), "--jobs", *plan.jobs()]
    _stage(costs, folder, "costs/jobs", {}, {"table": "tables/costs.csv"}, more)


def _demonstrate(name: str, folder: Path) -> None:
    files = {"arrays": f"arrays/{name}.npz", "metrics": f"metrics/{name}.csv"}
    home = plan_of_points(100).demonstrated_in(name)
    words = {"assignment": home, "name": name, "seed": 0, "limits": json.dumps(LIMITS)}
    _stage(demonstrate, folder, f"demonstrate/{name}", words, files)


def _run(run: str, folder: Path) -> None:
    run_stages(plan_of_points(100), run, folder)


def plan_of_points(points: int) -> Plan:
    """The plan of config.yaml, with so few points on its rings."""
    config = yaml.safe_load((REPOSITORY / "config.yaml").read_text())
    config["rings"] = {name: ring | {"points": points} for name, ring in config["rings"].items()}
    return Plan(config, REPOSITORY)


def write_data(plan: Plan, folder: Path, images: int = IMAGES, test_images: int = TEST_IMAGES) -> None:
    """Write what the runs are fitted to: made-up images, and points on the rings."""
    rng = np.random.default_rng(0)
    arrays = {}
    for split, n in (("train", images), ("test", test_images)):
        arrays[f"{split}_images"], arrays[f"{split}_labels"] = made_up_digits(n, rng)
    save_arrays(folder / "data" / "images.npz", arrays)
    sizes = {"train": images, "test": test_images}
    (folder / "data" / "provenance.json").write_text(json.dumps({"dataset": "mnist-5k", "images": sizes}))
    for name in plan.rings:
        files = {"points": f"data/{name}.npz", "metrics": f"metrics/{name}.csv"}
        _stage(simulate, folder, f"simulate/{name}", {"name": name, "settings": plan.ring(name), "seed": 0}, files)


def run_stages(
    plan: Plan, run: str, folder: Path, *, gpu: int = 0, images: int = IMAGES, smaller: Mapping[str, Any] | None = None
) -> None:
    """Train a run on so many images, draw from it, measure it, estimate its likelihood; ``smaller`` are settings of this call."""
    kind, limits, seed = plan.kind(run), json.dumps(LIMITS), plan.seed_of(run)
    settings = json.dumps(affordable(json.loads(plan.settings(run)), images) | dict(smaller or {}))
    on = {"run": run, "limits": limits, "gpu": gpu}
    data, model = {"data": f"data/{plan.data(run)}.npz"}, {"model": f"models/{run}.pt"}
    files = {**data, **model, "history": f"history/{run}.csv", "checkpoint": f"checkpoints/{run}.pt"}
    _stage(train, folder, f"train/{run}", on | {"kind": kind, "settings": settings, "seed": seed}, files)
    files = {**data, **model, "metrics": f"metrics/{run}.csv", "evaluations": f"evaluations/{run}.npz"}
    files["train-record"] = f"records/train/{run}.json"
    if plan.samples(run):
        drawn = {"samples": f"samples/{run}.npz"}
        _stage(sample, folder, f"sample/{run}", on | {"seed": seed}, model | drawn)
    if run in plan.judges:
        _stage(reference, folder, f"reference/{run}", on | {"seed": 0}, data | model | {"references": f"references/{run}.npz"})
    read = {option: [folder / path for path in paths] for option, paths in plan.evidence(run).items()}
    _stage(evaluate, folder, f"evaluate/{run}", on | {"seed": 0}, files, [*flags(read), *plan.scale(run)])
    if run in plan.estimated_runs:
        files = {**data, **model, "metrics": f"estimates/{run}.csv", "estimates": f"estimates/{run}.npz"}
        _stage(estimate, folder, f"estimate/{run}", on | {"settings": plan.estimates(run), "seed": 0}, files)


def _stage(stage: Any, folder: Path, record: str, words: Mapping[str, object], files: Mapping[str, str], more: Any = ()) -> None:
    """Call a stage as its rule does; its own message becomes the error where it fails."""
    options = [item for name, word in words.items() for item in (f"--{name}", str(word))]
    options += [item for name, path in files.items() for item in (f"--{name}", str(folder / path))]
    log = folder / "logs" / f"{record}.log"
    options += ["--record", str(folder / "records" / f"{record}.json"), "--log", str(log), *more]
    log.parent.mkdir(parents=True, exist_ok=True)
    if stage.main(options) != 0:
        raise AssertionError(f"{record}: {log.read_text()}")
