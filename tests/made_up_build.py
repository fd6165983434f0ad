"""A finished build of four jobs and its manifest, with what Snakemake notes about each file; nothing was computed."""

import json
from pathlib import Path

from dgm.reproduce.manifest import OWN
from dgm.reproduce.snakemake_notes import METADATA, Build, metadata_file
from dgm.runtime.files import save_json
from dgm.stages import manifest

NAME = "results/mnist-5k"

TEXT = "assignments/toy/answers/toy 1.md"
"""What the report is written from, beside results."""

JOBS = {
    "prepare/images": ([], ["data/images.npz", "data/provenance.json"]),
    "train/nice": ([f"{NAME}/data/images.npz"], ["models/nice.pt", "history/nice.csv"]),
    "tabulate/metrics": ([f"{NAME}/models/nice.pt"], ["tables/metrics.csv"]),
    "render/report": ([TEXT, f"{NAME}/tables/metrics.csv"], ["report/index.html"]),
}
"""Inputs, seen from the working directory, and outputs, seen from the results, beside the record."""

PROVENANCE = {
    "title": "Digits",
    "licence": "free",
    "reference": "nobody",
    "sha256": {"train_images": "12ab", "test_images": "34cd"},
}


def made_up_build(folder: Path) -> Build:
    """Write the build into ``folder``; two commits made it, and the second had uncommitted changes."""
    results, outputs = folder / NAME, [f"{NAME}/{name}" for name in OWN]
    write(folder / TEXT, "An answer.\n")
    for number, (job, (inputs, made)) in enumerate(JOBS.items()):
        for name in made:
            write(results / name, json.dumps(PROVENANCE) if name == "data/provenance.json" else f"content of {name}")
        record = {"commit": f"{number // 2:040}", "dirty": number > 1, "started": f"2026-01-02T03:0{number}:00.000+00:00"}
        record |= {"command": f"python -m dgm.stages.{job.partition('/')[0]} --seed {number}", "seconds": 12.5}
        record |= {"stage": job.partition("/")[0], "name": job.partition("/")[2], "python": "3.11.7", "versions": {"numpy": "2.0"}}
        save_json(results / "records" / f"{job}.json", record)
        write(results / "logs" / f"{job}.log", "a log")
        outputs += _noted(folder, job, inputs, [*made, f"records/{job}.json"])
    words = ["--results", str(results), "--manifest", str(results / OWN[0]), "--record", str(results / OWN[1])]
    assert manifest.main(words) == 0
    _noted(folder, "manifest/manifest", [name for name in outputs if not name.endswith(OWN)], list(OWN))
    write(folder / METADATA / metadata_file("results/another/models/nice.pt"), "{}")
    return Build(folder=folder, name=NAME, outputs=frozenset(outputs), pending=())


def write(path: Path, text: str) -> None:
    """Write a text into a folder that may be new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _noted(folder: Path, job: str, inputs: list[str], made: list[str]) -> list[str]:
    note = {"rule": job.partition("/")[0], "input": inputs, "log": [f"{NAME}/logs/{job}.log"]}
    for name in made:
        write(folder / METADATA / metadata_file(f"{NAME}/{name}"), json.dumps(note))
    return [f"{NAME}/{name}" for name in made]
