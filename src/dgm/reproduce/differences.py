"""How two builds differ, artefact by artefact.

Times, memory, dates, and the place where a job ran are no part of the comparison: :mod:`dgm.reproduce.manifest` lists the files and
the entries of records that hold them. Everything else must be the same, byte for byte.
"""

import csv
import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from dgm.reproduce.manifest import MEASURED_KEYS, PLACE_KEYS, artefacts, load, measured, sha256
from dgm.runtime.files import load_arrays, load_record, load_tensors

__all__ = ["Comparison", "Part", "compare", "describe", "entries", "places", "same_costs"]

OF_THE_MACHINE = frozenset({"--threads", "--gpu"})
"""Options of a recorded command that follow from the machine, as the device in the record does."""


@dataclass(frozen=True)
class Part:
    """Artefacts of one kind: how many there are, and what differs, by path."""

    name: str
    files: int
    differences: Mapping[str, str]


@dataclass(frozen=True)
class Comparison:
    """All kinds of artefacts, and the files of the first build that the second does not make."""

    parts: tuple[Part, ...]
    only_first: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether no artefact differs."""
        return not any(part.differences for part in self.parts)

    def table(self) -> str:
        """One line a kind, and below it one line for each artefact that differs."""
        rows = [("artefacts", "files", "equal", "differ")]
        rows += [
            (part.name, str(part.files), str(part.files - len(part.differences)), str(len(part.differences))) for part in self.parts
        ]
        width = max(len(row[0]) for row in rows)
        lines = [f"{name:<{width}}  {files:>6}  {equal:>6}  {differ:>6}" for name, files, equal, differ in rows]
        lines += [f"{path}: {said}" for part in self.parts for path, said in part.differences.items()]
        return "\n".join(lines)


def compare(first: Path, second: Path, outputs: frozenset[str], chosen: Callable[[str], bool]) -> Comparison:
    """Compare two builds.

    Args:
        first: results folder.
        second: results folder of the other build.
        outputs: the artefacts that the second build makes when it is complete, relative to the folder; a file of the first that
            is none of them was left over by a build with another config, and is no difference.
        chosen: which artefacts to compare.
    """
    names = {
        folder: set(filter(chosen, (path.relative_to(folder).as_posix() for path in artefacts(folder))))
        for folder in (first, second)
    }
    common, differences = names[first] & names[second], dict[str, str]()
    for name in sorted(names[first] ^ names[second]):
        if name in names[second]:
            differences[name] = "is not in the first build"
        elif name in outputs:
            differences[name] = "is not in the second build"
    compared = common | set(differences)
    seen = (_repository(first), _repository(second))
    for name in sorted(common):
        said = _difference(name, first, second, seen)
        if said:
            differences[name] = said
    kinds = Counter(_kind(name) for name in compared)
    parts = [
        Part(kind, count, {name: said for name, said in sorted(differences.items()) if _kind(name) == kind})
        for kind, count in sorted(kinds.items())
    ]
    return Comparison(tuple(parts), tuple(sorted(names[first] - names[second] - outputs)))


def places(first: Path, second: Path) -> list[str]:
    """How devices and versions of packages differ between two builds, one line each."""
    one, two = load(first), load(second)
    lines = []
    names = [", ".join(sorted({device["name"] for device in manifest["devices"]})) for manifest in (one, two)]
    if one["devices"] != two["devices"]:
        lines.append(f"device: {names[0]} / {names[1]}" if names[0] != names[1] else f"other devices or threads of kind {names[0]}")
    versions = (one["versions"], two["versions"])
    for package in sorted(set(versions[0]) | set(versions[1])):
        found = [version.get(package, "not installed") for version in versions]
        if found[0] != found[1]:
            lines.append(f"{package}: {found[0]} / {found[1]}")
    return lines


def entries(record: Mapping[str, Any], repository: str = "") -> dict[str, Any]:
    """What a record says beside times and place.

    Args:
        record: content of the file.
        repository: the repository as the job saw it; paths of the recorded command are told from there.
    """
    kept = {key: value for key, value in record.items() if key not in MEASURED_KEYS | PLACE_KEYS}
    if "command" in kept:
        words = shlex.split(kept["command"])
        words = [word for i, word in enumerate(words) if not {word, words[i - 1]} & OF_THE_MACHINE]
        kept["command"] = [word.removeprefix(f"{repository}/") for word in words] if repository else words
    return kept


def same_costs(first: Path, second: Path) -> str:
    """How two tables of costs differ beside their times: in their rows and the counts these rest on. Empty if they do not."""
    tables = []
    for path in (first, second):
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        tables.append({(row["run"], row["kind"], row["metric"], row["split"], row["unit"]): row["n"] for row in rows})
    if set(tables[0]) != set(tables[1]):
        differing = sorted(" ".join(key) for key in set(tables[0]) ^ set(tables[1]))
        return f"{len(differing)} rows are in one of the tables alone, the first is {differing[0]}"
    other = [" ".join(key) for key, n in tables[0].items() if tables[1][key] != n]
    return f"{len(other)} numbers rest on another count, the first is {other[0]}" if other else ""


def describe(first: Path, second: Path) -> str:
    """How two files differ: the largest difference of numbers where they hold any."""
    try:
        if first.suffix == ".npz":
            return _of_arrays(load_arrays(first), load_arrays(second))
        if first.suffix == ".pt":
            return _of_arrays(_weights(first), _weights(second))
        if first.suffix == ".csv":
            return _of_tables(first, second)
    except (ValueError, OSError) as error:
        return f"not readable ({error})"
    sizes = [path.stat().st_size for path in (first, second)]
    return f"other bytes ({sizes[0]} and {sizes[1]} of them)"


def _repository(results: Path) -> str:
    """The repository as the jobs of a build saw it from their working directory; empty where it was that directory."""
    words = shlex.split(load_record(results / "records" / "collect" / "questions.json", ("command",))["command"])
    folder = str(PurePosixPath(words[words.index("--report-dir") + 1]).parent)
    return "" if folder == "." else folder


def _difference(name: str, first: Path, second: Path, seen: tuple[str, str]) -> str:
    """How an artefact that both builds have differs; empty if it does not."""
    one, two = first / name, second / name
    if name == "tables/costs.csv":
        return same_costs(one, two)
    if measured(name) or sha256(one) == sha256(two):
        return ""
    if name.startswith("records/"):
        found = [entries(load_record(path), repository) for path, repository in zip((one, two), seen, strict=True)]
        return "; ".join(
            f"{key}: {found[0].get(key)!r} / {found[1].get(key)!r}"
            for key in sorted(set(found[0]) | set(found[1]))
            if found[0].get(key) != found[1].get(key)
        )
    return describe(one, two)


def _kind(name: str) -> str:
    folder = name.partition("/")[0]
    if folder == "records":
        return "records, but for times and place"
    if name == "tables/costs.csv":
        return "tables/costs.csv, but for times"
    return folder


def _weights(path: Path) -> dict[str, np.ndarray]:
    """All tensors of a saved model, by the path of their keys."""
    import torch

    def flat(value: object, at: str) -> Iterator[tuple[str, np.ndarray]]:
        if isinstance(value, torch.Tensor):
            yield at, value.detach().to(torch.float64 if value.is_floating_point() else value.dtype).numpy()
        elif isinstance(value, Mapping):
            for key, inner in value.items():
                yield from flat(inner, f"{at}.{key}".lstrip("."))
        else:
            yield at, np.array(repr(value))

    return dict(flat(load_tensors(path), ""))


def _of_arrays(first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray]) -> str:
    if set(first) != set(second):
        return f"in one file alone: {', '.join(sorted(set(first) ^ set(second)))}"
    worst, where = -1.0, ""
    for name, one in first.items():
        two = second[name]
        if one.shape != two.shape or one.dtype != two.dtype:
            return f"{name} is {one.dtype} {list(one.shape)} / {two.dtype} {list(two.shape)}"
        if not np.issubdtype(one.dtype, np.number) and one.dtype != bool:
            if not np.array_equal(one, two):
                return f"{name} holds other words"
            continue
        if not np.array_equal(one, two, equal_nan=np.issubdtype(one.dtype, np.inexact)):
            largest = _largest(one.astype(np.float64), two.astype(np.float64))
            if largest > worst:
                worst, where = largest, name
    return f"{where} differs by at most {worst:.3g}" if where else "equal arrays in other bytes"


def _largest(one: np.ndarray, two: np.ndarray) -> float:
    """The largest absolute difference; infinite where only one of two entries is a finite number."""
    with np.errstate(invalid="ignore"):
        apart = np.where((one == two) | (np.isnan(one) & np.isnan(two)), 0.0, np.abs(one - two))
    return float(np.where(np.isnan(apart), np.inf, apart).max(initial=0.0))


def _of_tables(first: Path, second: Path) -> str:
    rows = [list(csv.reader(path.read_text(encoding="utf-8").splitlines())) for path in (first, second)]
    if len(rows[0]) != len(rows[1]) or rows[0][:1] != rows[1][:1]:
        return f"other rows or columns ({len(rows[0])} and {len(rows[1])} lines)"
    worst, where, other = -1.0, "", 0
    for number, (one, two) in enumerate(zip(*rows, strict=True), start=1):
        if one == two:
            continue
        other += 1
        try:
            cells = [(float(a), float(b)) for a, b in zip(one, two, strict=True) if a != b]
        except ValueError:
            return f"line {number} has other words: {','.join(one)[:100]} / {','.join(two)[:100]}"
        largest = _largest(*(np.array(column) for column in zip(*cells, strict=True)))
        if largest > worst:
            worst, where = largest, f"line {number}"
    return f"numbers of {other} lines differ, by at most {worst:.3g} ({where})" if other else "equal rows in other bytes"
