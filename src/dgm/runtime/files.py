"""Files that appear whole or not at all, and are read only when they are whole.

Who reads a file of the build gets its content or :class:`Damaged`, which names the file, what is wrong with it, and the remedy.
The checksum of each file stands in the record of the job that wrote it (:func:`take_written`), and a reader compares it with what
it finds. What no record speaks of, such as checkpoints and the records themselves, has its checksum inside.
"""

import csv
import hashlib
import itertools
import json
import os
import re
import struct
import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from io import BytesIO, StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Damaged",
    "load_arrays",
    "load_bytes",
    "load_frame",
    "load_json",
    "load_record",
    "load_sealed",
    "load_table",
    "load_tensors",
    "load_text",
    "remove",
    "require",
    "save_arrays",
    "save_json",
    "save_tensors",
    "take_written",
    "write_atomically",
    "write_bytes",
    "write_table",
    "write_text",
]


COMMON_RECORDS = ("prepare", "tabulate", "costs", "collect", "render")
"""Stages whose records are not named after the files that they write."""

Read = TypeVar("Read")

_written: dict[str, str] = {}


class Damaged(ValueError):
    """A file of the build is missing, cut off, changed or not what it should be."""

    def __init__(self, path: Path, fault: str, remedy: str = "delete it and build again") -> None:
        super().__init__(f"{path}: {fault}; {remedy}")
        self.fault = fault

    @classmethod
    def missing(cls, path: Path) -> "Damaged":
        """There is no such file."""
        return cls(path, "no such file", "build again")


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Call ``write`` on a temporary file beside ``path``, flush it to disk, and rename it into place.

    What a killed writer of the same file has left is removed first.

    Raises:
        OSError: naming ``path`` when the disk is full or not writable; no part of the file is left behind.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_unfinished(path)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=_prefix(path), suffix=".part")
        try:
            with os.fdopen(descriptor, "wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o666 & ~_umask())
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OSError(error.errno, f"cannot write {path}: {error.strerror or error}") from error


def remove(path: Path) -> None:
    """Remove a file, where there is one, and what killed writers have left of it."""
    _written.pop(_place(path), None)
    path.unlink(missing_ok=True)
    if path.parent.is_dir():
        _remove_unfinished(path)


def _prefix(path: Path) -> str:
    return f".{path.name}."


def _remove_unfinished(path: Path) -> None:
    with os.scandir(path.parent) as entries:
        for entry in entries:
            if entry.name.startswith(_prefix(path)) and entry.name.endswith(".part"):
                Path(entry.path).unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically, and remember its checksum."""
    write_atomically(path, lambda file: file.write(content))
    _written[_place(path)] = hashlib.sha256(content).hexdigest()


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically, and remember its checksum."""
    write_bytes(path, text.encode())


def take_written() -> dict[str, str]:
    """SHA-256 of what this process has written and not removed since the last call, by folder and name: ``metrics/nice.csv``."""
    taken = dict(sorted(_written.items()))
    _written.clear()
    return taken


def _place(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _as_written(path: Path, content: bytes) -> None:
    """Refuse a file of the build that differs from what its job has written, where a record says so."""
    records = path.parent.parent / "records"
    if path.parent.parent.name == "records" or not records.is_dir():
        return
    own = (folder / f"{path.stem}.json" for folder in sorted(records.iterdir()))
    common = (record for stage in COMMON_RECORDS for record in sorted((records / stage).glob("*.json")))
    for record in itertools.chain(own, common):
        try:
            said = load_json(record).get("written", {}).get(_place(path))
        except (OSError, Damaged, AttributeError):  # no record, or one that its own readers refuse
            continue
        if said is None:
            continue
        if said != hashlib.sha256(content).hexdigest():
            raise Damaged(path, f"not as the job {record.parent.name} wrote it")
        return  # one job writes a file; records of sweeps, which name thousands, need not be read


def load_table(path: Path, columns: Sequence[str] = ()) -> list[dict[str, str]]:
    """Read the rows of a CSV file with these columns, or any where none are named.

    Raises:
        Damaged: when the file is missing, cut off, or has other columns.
    """
    return _rows(path, _lines(path), columns)


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object] | Sequence[object]]) -> None:
    """Write rows as CSV under these columns: mappings, of which other keys are left out, or the entries in order.

    Floating-point numbers get the shortest decimals that read back as the same numbers.
    """
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        entries = [row[column] for column in columns] if isinstance(row, Mapping) else row
        writer.writerow([repr(float(entry)) if isinstance(entry, float) else entry for entry in entries])
    write_text(path, text.getvalue())


def load_frame(path: Path) -> "pd.DataFrame":
    """Read a CSV file as a data frame of pandas.

    Raises:
        Damaged: when the file is missing or cut off.
    """
    import pandas as pd

    text = _lines(path)
    _rows(path, text, ())  # pandas fills up a row that is too short
    try:
        return pd.read_csv(StringIO(text))
    except ValueError as error:
        raise Damaged(path, f"not a readable table ({_first_line(error)})") from None


def save_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a mapping as JSON, with the checksum of the rest under the key ``seal``; :func:`load_sealed` asks for it."""
    write_text(path, _json({**content, "seal": _checksum(content)}))


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=1, sort_keys=True) + "\n"


def _checksum(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(_json(content).encode()).hexdigest()


def load_json(path: Path, keys: Sequence[str] = ()) -> dict[str, Any]:
    """Read a JSON file whose content is a mapping with these keys among its own.

    Raises:
        Damaged: when the file is missing, no such JSON, lacks a key, or has a checksum of other content.
    """
    text = load_text(path)
    try:
        content = json.loads(text)
        seal = content.get("seal") if isinstance(content, dict) else None
        intact = seal is None or seal == _checksum({key: value for key, value in content.items() if key != "seal"})
    except (ValueError, RecursionError) as error:
        raise Damaged(path, f"not readable JSON ({error})") from None
    if not isinstance(content, dict):
        raise Damaged(path, f"expected a mapping, found a {type(content).__name__}")
    if not intact:
        raise Damaged(path, "wrong checksum")
    require(path, keys, content)
    return content


def load_sealed(path: Path, keys: Sequence[str] = ()) -> dict[str, Any]:
    """Read what :func:`save_json` wrote, without its checksum.

    Raises:
        Damaged: as :func:`load_json`, and when there is no checksum.
    """
    content = load_json(path, ("seal", *keys))
    del content["seal"]
    return content


def load_record(path: Path, keys: Sequence[str] = ()) -> dict[str, Any]:
    """Read the record of a job, ``records/<stage>/<name>.json``.

    Raises:
        Damaged: as :func:`load_sealed`, and when it is the record of another job.
    """
    content = load_sealed(path, ("stage", "name", *keys))
    found, expected = f"{content['stage']}/{content['name']}", f"{path.parent.name}/{path.stem}"
    if found != expected:
        raise Damaged(path, f"the record of {found}")
    return content


def require(path: Path, names: Iterable[str], found: Collection[str]) -> None:
    """Refuse a file that lacks one of the names.

    Raises:
        Damaged: when one is missing.
    """
    missing = [name for name in names if name not in found]
    if missing:
        raise Damaged(path, f"lacks {', '.join(missing)}; found {', '.join(sorted(found)) or 'nothing'}")


def load_bytes(path: Path) -> bytes:
    """Read a file.

    Raises:
        Damaged: when it is missing, or not as its job wrote it.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise Damaged.missing(path) from None
    _as_written(path, content)
    return content


def load_text(path: Path) -> str:
    """Read UTF-8 text, without the byte-order mark that some editors begin it with.

    Raises:
        Damaged: as :func:`load_bytes`, and for what is no such text.
    """
    content = load_bytes(path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Damaged(path, f"not a text file ({error})") from None


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _lines(path: Path) -> str:
    """Text whose last line has its end: a number that was cut off is a number too."""
    text = load_text(path)
    if not text.endswith("\n"):
        raise Damaged(path, "cut off: its last line has no end" if text else "empty")
    return text


def _rows(path: Path, text: str, columns: Sequence[str]) -> list[dict[str, str]]:
    try:
        header, *rows = csv.reader(StringIO(text, newline=""), strict=True)
    except csv.Error as error:
        raise Damaged(path, f"not a readable table ({error})") from None
    if columns and header != list(columns):
        raise Damaged(path, f"expected the columns {', '.join(columns)}; found {', '.join(header)}")
    for number, row in enumerate(rows, 2):
        if len(row) != len(header):
            raise Damaged(path, f"line {number} has {len(row)} of {len(header)} columns")
    return [dict(zip(header, row, strict=True)) for row in rows]


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays as ``.npz``; equal arrays give equal bytes."""
    buffer = BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **dict(arrays))
    write_bytes(path, _sealed(buffer.getvalue()))


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read the named arrays of an ``.npz`` file.

    Raises:
        Damaged: when the file is missing, or one bit of it is not as it was written, or it is that of another job.
    """

    def read(content: BytesIO) -> dict[str, np.ndarray]:
        with np.load(content, allow_pickle=False) as arrays:
            return dict(arrays)

    return _unsealed(path, read, ".npz file")


def save_tensors(path: Path, content: Mapping[str, Any]) -> None:
    """Write plain values and tensors in the format of torch."""
    import torch

    # by way of memory, because torch turns an error of the disk into one of its own, without its reason
    buffer = BytesIO()
    torch.save(dict(content), buffer)
    write_bytes(path, _sealed(buffer.getvalue()))


def load_tensors(path: Path) -> dict[str, Any]:
    """Read what :func:`save_tensors` wrote, onto the CPU. Executes no code from the file.

    Raises:
        Damaged: when the file is missing, or one bit of it is not as it was written, or it is that of another job.
    """
    import torch

    return _unsealed(path, lambda content: dict(torch.load(content, weights_only=True, map_location="cpu")), "file of tensors")


SEAL = re.compile(rb"sha256:([0-9a-f]{64})\Z")
"""What the comment of a ZIP archive says of all bytes before it. Neither numpy nor torch would notice a change of its directory."""


def _sealed(archive: bytes) -> bytes:
    """A ZIP archive without a comment, with one that has its checksum."""
    content = archive[:-2] + struct.pack("<H", len("sha256:") + 64)  # an archive ends in the length of its comment
    return content + f"sha256:{hashlib.sha256(content).hexdigest()}".encode()


def _unsealed(path: Path, read: Callable[[BytesIO], Read], what: str) -> Read:
    """What an archive holds, once its checksum has been compared: its own, or those of its members in one of somebody else."""
    import zipfile

    content = load_bytes(path)
    try:
        seal = SEAL.search(content, max(0, len(content) - 71))
        if seal is None:
            with zipfile.ZipFile(BytesIO(content)) as archive:
                broken = archive.testzip()
            if broken is not None:
                raise ValueError(f"wrong checksum of {broken}")
        elif hashlib.sha256(content[: seal.start()]).hexdigest().encode() != seal.group(1):
            raise ValueError("wrong checksum")
        return read(BytesIO(content))
    except Exception as error:  # a damaged file fails in many ways inside zipfile, numpy and torch
        reason = _first_line(error) if isinstance(error, ValueError | zipfile.BadZipFile) else type(error).__name__
        raise Damaged(path, f"not a readable {what} ({reason})") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
