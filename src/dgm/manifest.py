"""What a build consists of: the checksum of each file, the code it came from, where and how long each job ran."""

import hashlib
import json
from importlib import metadata
from pathlib import Path
from typing import Any

from dgm.files import load_json

__all__ = ["artefacts", "describe", "sha256"]

LEFT_OUT = ("logs", "benchmarks", "checkpoints", "records/manifest", "manifest.json")
"""What says nothing about the results, or is written after the manifest."""


def describe(results: Path) -> dict[str, Any]:
    """The manifest of the build in ``results``, without the commit.

    Raises:
        ValueError: naming the record that is not readable.
    """
    records = {path.relative_to(results / "records").with_suffix("").as_posix(): _record(path) for path in _records(results)}
    devices = {json.dumps(record["device"], sort_keys=True) for record in records.values() if "device" in record}
    return {
        "artefacts": {path.relative_to(results).as_posix(): sha256(path) for path in artefacts(results)},
        "devices": [json.loads(device) for device in sorted(devices)],
        "commits": sorted({record["commit"] for record in records.values() if "commit" in record}),
        "seconds": {name: record["seconds"] for name, record in records.items()},
        "versions": dict(sorted((dist.metadata["Name"], dist.version) for dist in metadata.distributions())),
    }


def artefacts(results: Path) -> list[Path]:
    """All files of a build, but for :data:`LEFT_OUT` and files that are still being written."""
    kept = []
    for path in sorted(results.rglob("*")):
        name = path.relative_to(results).as_posix()
        left_out = any(name == entry or name.startswith(f"{entry}/") for entry in LEFT_OUT)
        if path.is_file() and not path.name.startswith(".") and not left_out:
            kept.append(path)
    return kept


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _records(results: Path) -> list[Path]:
    return [path for path in artefacts(results) if path.relative_to(results).parts[0] == "records"]


def _record(path: Path) -> dict[str, Any]:
    return load_json(path, ("seconds",))
