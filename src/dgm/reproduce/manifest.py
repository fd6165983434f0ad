"""What a build consists of: the checksum of each file, the code it came from, where and how long each job ran."""

import hashlib
import json
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from dgm.runtime.files import Damaged, load_record, load_sealed
from dgm.runtime.folders import below

__all__ = [
    "MANIFEST",
    "MEASURED_FILES",
    "MEASURED_KEYS",
    "OWN",
    "PLACE_KEYS",
    "REMEDY",
    "SOURCES",
    "Faults",
    "artefacts",
    "describe",
    "faults",
    "listed",
    "load",
    "measured",
    "sha256",
]

MANIFEST = "manifest.json"

OWN = (MANIFEST, "records/manifest/manifest.json")
"""What the manifest's own job writes; the manifest cannot list it."""

SOURCES = "sources"
"""Where an archive has copies of what the build was made from."""

LEFT_OUT = (MANIFEST, "records/manifest", "logs", "checkpoints", SOURCES)
"""What says nothing about the results, or is written after the manifest."""

MEASURED_FILES = ("tables/costs.csv",)
"""Files of times and memory, which no two builds share."""

MEASURED_KEYS = frozenset(
    {
        "started",
        "seconds",
        "written",
        "seal",
        "cpu_seconds",
        "memory_bytes",
        "seconds_waiting",
        "seconds_in_steps",
        "seconds_sampling",
        "seconds_estimating",
        "phase_seconds",
        "images_per_second",
        "gpu_peak_bytes",
    }
)
"""The entries of a record that were measured: times and memory."""

PLACE_KEYS = frozenset({"commit", "commit_unknown", "dirty", "device", "host", "python", "scheduler_job", "versions"})
"""The entries of a record that say where and with what a job ran."""


REMEDY = "build again, which continues an interrupted build; delete a file first that was damaged or edited"
"""What helps where files are not those of the manifest."""


@dataclass(frozen=True)
class Faults:
    """How a folder differs from its manifest: files that are gone, whose content is another, that the manifest does not list."""

    missing: tuple[str, ...]
    changed: tuple[str, ...]
    unlisted: tuple[str, ...]

    def __str__(self) -> str:
        """The first files that are gone or changed, with the number of all."""
        named = [f"{path} (missing)" for path in self.missing] + [f"{path} (changed)" for path in self.changed]
        return f"{len(named)} of its files differ from the manifest: {listed(named)}"


def describe(results: Path) -> dict[str, Any]:
    """The manifest of the build in ``results``, without the commit.

    Raises:
        ValueError: naming the record that is not readable.
    """
    records = {path.relative_to(results / "records").with_suffix("").as_posix(): _record(path) for path in _records(results)}
    devices = {json.dumps(record["device"], sort_keys=True) for record in records.values() if "device" in record}
    return {
        "artefacts": {path.relative_to(results).as_posix(): sha256(path) for path in artefacts(results)},
        "differs_between_builds": {"files": list(MEASURED_FILES), "keys_of_records": sorted(MEASURED_KEYS | PLACE_KEYS)},
        "devices": [json.loads(device) for device in sorted(devices)],
        "commits": sorted({record["commit"] for record in records.values() if "commit" in record}),
        "seconds": {name: record["seconds"] for name, record in records.items()},
        "versions": dict(sorted((dist.metadata["Name"], dist.version) for dist in metadata.distributions())),
    }


def load(results: Path) -> dict[str, Any]:
    """The manifest that a build has written.

    Raises:
        ValueError: when there is none, or it is not readable.
    """
    path = results / MANIFEST
    if not path.exists():
        raise ValueError(f"{path}: no such file; the build is not finished")
    found = load_sealed(path, ("artefacts",))
    if not isinstance(found["artefacts"], dict):
        raise Damaged(path, "artefacts is no mapping")
    return found


def faults(results: Path) -> Faults:
    """Compare the files of a build with its manifest.

    Raises:
        ValueError: when there is no readable manifest.
    """
    expected = load(results)["artefacts"]
    present = {path.relative_to(results).as_posix(): path for path in artefacts(results)}
    return Faults(
        missing=tuple(name for name in expected if name not in present),
        changed=tuple(name for name, digest in expected.items() if name in present and sha256(present[name]) != digest),
        unlisted=tuple(name for name in present if name not in expected),
    )


def artefacts(results: Path) -> list[Path]:
    """All files of a build, those in linked folders too, but for :data:`LEFT_OUT` and files that are still being written."""
    return [path for path in below(results) if not _below(path.relative_to(results).as_posix(), LEFT_OUT)]


def measured(name: str) -> bool:
    """Whether an artefact holds nothing but times and memory."""
    return _below(name, MEASURED_FILES)


def listed(names: list[str], limit: int = 5) -> str:
    """The first names, and how many more there are."""
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _below(name: str, entries: tuple[str, ...]) -> bool:
    return any(name == entry or name.startswith(f"{entry}/") for entry in entries)


def _records(results: Path) -> list[Path]:
    return [path for path in artefacts(results) if path.relative_to(results).parts[0] == "records"]


def _record(path: Path) -> dict[str, Any]:
    return load_record(path, ("seconds",))
