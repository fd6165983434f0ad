"""Change files of a finished build and of the repository at random, and read each by the function by which the build reads it.

    python benchmarks/mutate_files.py [--results results/mnist-5k-smoke] [--files 10000] [--seed 0] [--only NUMBER]

A file is damaged (a bit, a digit, a cut, a block twice or elsewhere, other ends of lines, another encoding …), exchanged for
another valid one of its kind, or given what its reader may stumble over: huge numbers, aliases of aliases, deep nesting, wrong
types. What a job wrote, and published data with a checksum, must then be refused with one message that names the file, or be read
as before. What a user writes (YAML, Markdown, lists, data without a checksum) may say something else, or be refused in one message.

Faults are a file that is *accepted wrongly*, an error of another kind, which would end a job in a traceback, and a reader that
needs more than ``--seconds`` or ``--gigabytes``. Each is listed with the number of its mutation, which ``--only`` makes again; the
exit status is then 1. Files of more than 8 MB are left out, as their readers have smaller ones.
"""

import argparse
import gzip
import hashlib
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import torch
from snakemake.common.configfile import load_configfile
from snakemake_interface_common.exceptions import WorkflowError

from dgm.claims import verdicts
from dgm.data import sources, tensors
from dgm.models import load_model
from dgm.reproduce import manifest
from dgm.runtime.files import (
    Damaged,
    load_arrays,
    load_bytes,
    load_frame,
    load_json,
    load_record,
    load_table,
    load_tensors,
    load_text,
)
from dgm.runtime.yaml_files import read_yaml
from dgm.training.loop import Checkpoint
from dgm.workflow.plan import Plan

ROOT = Path(__file__).resolve().parent.parent
LARGEST = 8_000_000
"""Bytes of a file that is changed."""
IDENTITY = "settings, code and data"
"""What the checkpoints belong to."""

Dice = random.Random
Mutation = Callable[[Dice, bytes], bytes]


@dataclass(frozen=True)
class Kind:
    """Files that one function reads.

    Args:
        files: the files, in a scratch folder.
        read: returns the content.
        form: ``binary``, ``text`` or ``yaml``: which mutations they get.
        written: whether a job wrote the files, or a checksum of them is published, so that no other content may be accepted.
        strangers: valid files of this kind that the reader has to refuse.
    """

    files: Sequence[Path]
    read: Callable[[Path], object]
    form: str
    written: bool
    strangers: Sequence[Path] = ()


# --- what is read, and by which function


def kinds(scratch: Path, results: Path) -> dict[str, Kind]:
    """All kinds of files that a build reads, copied into ``scratch``; those of which the build has none are left out."""
    copy = scratch / "results" / results.name
    shutil.copytree(results, copy, ignore=shutil.ignore_patterns("logs", "checkpoints", "*.html"))
    for name in ("config.yaml", "assignments", "report", "workflow"):
        take = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        take(ROOT / name, scratch / name)
    _save_checkpoints(copy / "models", scratch)
    for path in (copy / "data").glob("images.npz"):
        _publish(path, scratch)

    def those(*patterns: str, below: Path = copy) -> list[Path]:
        found = (path for pattern in patterns for path in sorted(below.glob(pattern)))
        return [path for path in found if path.is_file() and path.stat().st_size <= LARGEST]

    own, strangers = (those("*.pt", below=scratch / folder) for folder in ("checkpoints", "strangers"))
    config, repository = scratch / "config.yaml", partial(_plan, scratch)
    idx = {name: those(f"{name}/*", below=scratch / "published") for name in ("plain", "gzip")}
    made = {
        "arrays .npz": Kind(those("[!d]*/*.npz"), load_arrays, "binary", True),
        "data .npz": Kind(those("data/*.npz"), tensors.load, "binary", True),
        "models .pt": Kind(those("models/*.pt"), load_model, "binary", True),
        "checkpoints .pt": Kind(own, _continued, "binary", True, strangers),
        "records .json": Kind(those("records/*/*.json"), load_record, "text", True),
        "manifest .json": Kind(those("manifest.json"), lambda path: manifest.load(path.parent), "text", True),
        "provenance .json": Kind(those("data/provenance.json"), load_json, "text", True),
        "tables .csv": Kind(those("*/*.csv"), load_table, "text", True),
        "tables .csv, as frames": Kind(those("history/*.csv", "tables/*.csv"), load_frame, "text", True),
        "documents .tex": Kind(those("report/*.tex"), load_text, "text", True),
        "figures .svg, .pdf": Kind(those("figures/*"), load_bytes, "text", True),
        **{f"IDX, {form}": Kind(files, _checked, "binary", True) for form, files in idx.items()},
        **{f"IDX, {form}, without checksum": Kind(files, _unchecked, "binary", False) for form, files in idx.items()},
        "repeated trainings .csv": Kind(those("report/stability.csv", below=scratch), _trials, "text", False),
        "config.yaml": Kind([config], repository, "yaml", False),
        "resources.yaml": Kind(those("workflow/resources.yaml", below=scratch), repository, "yaml", False),
        "assignments .yaml": Kind(those("assignments/*/*.yaml", "report/*.yaml", below=scratch), repository, "yaml", False),
        "answers, chapters .md": Kind(
            those("assignments/*/answers/*.md", "report/chapters/*.md", below=scratch), repository, "yaml", False
        ),
    }
    return {name: kind for name, kind in made.items() if kind.files}


def _save_checkpoints(models: Path, scratch: Path) -> None:
    """Checkpoints whose states are those of fitted models: one of a training, and one of another."""
    states = [path for path in sorted(models.glob("*.pt")) if path.stat().st_size <= LARGEST]
    for path, folder in zip(states, ("checkpoints", "strangers"), strict=False):
        identity = IDENTITY if folder == "checkpoints" else "others"
        Checkpoint(scratch / folder / path.name, identity).save({"model": load_tensors(path)["state"], "step": 7})


def _continued(path: Path) -> object:
    """What a training continues from; it says in one line why it does not."""
    said: list[str] = []
    state = Checkpoint(path, IDENTITY).load(said.append)
    if state is None and len(said) == 1:
        raise ValueError(said[0])
    return state


def _publish(images: Path, scratch: Path) -> None:
    """The images of the build as IDX files, plain and gzipped, and their checksums."""
    for key, array in load_arrays(images).items():
        header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
        for form, ending, packed in (("plain", "", bytes), ("gzip", ".gz", partial(gzip.compress, mtime=0))):
            path = scratch / "published" / form / f"{sources.IDX_FILES[key]}{ending}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(packed(header + array.astype(np.uint8).tobytes()))


def _checked(path: Path) -> object:
    """The data set whose checksums are known."""
    folder = path.parents[1] / "plain"
    known = {key: hashlib.sha256(_original(folder / name)).hexdigest() for key, name in sources.IDX_FILES.items()}
    with mock.patch.dict(sources.DATASETS, {"mnist": replace(sources.DATASETS["mnist"], sha256=known)}):
        return sources.load("mnist", path.parent).data.arrays()


def _unchecked(path: Path) -> object:
    return sources.load("kmnist", path.parent).data.arrays()


def _trials(path: Path) -> object:
    return [verdicts.load(path, dataset) for dataset in sources.DATASETS]


def _plan(scratch: Path, _: Path) -> object:
    """The plan of a build, which reads the config and all that assignments and report declare, as workflow/rules do."""
    config = scratch / "config.yaml"
    read_yaml(config)
    plan = Plan(load_configfile(config), scratch)
    return [plan.config_json(), repr(plan.catalogue), plan.report_sources()]


# --- how it is changed

BOMB = "[&a [x, x, x, x, x, x, x, x]" + "".join(f", &{name} [{9 * f'*{before}, '}]" for before, name in pairwise("abcdefghi")) + "]"
VALUES = [
    *("", "~", "true", "-1", "0", "1.5", ".nan", ".inf", "1e999", "9" * 5000, "text", "''", "[]", "{}", "[1, [2]]", "{a: {b: c}}"),
    *("2026-13-45", "!!binary x", "!!int ''", "!!bool x", "!!timestamp x", "!!python/object:os.system x", "!!set {a, b}", "0o9"),
    *("{[1]: 2}", "{1: 2}", "{null: 1}", "*nowhere", "&a [*a]", "&a {b: *a}", "- - -", "? x", "<<: 1", "|", "'", '"\\x', "\t", "%"),
    *(90 * "[" + 90 * "]", 20_000 * "[", 3000 * "{a: " + 3000 * "}", BOMB, "long " * 2000, "../../etc", "{results}", "é"),
]
"""What a value is replaced by."""


def _at(dice: Dice, content: bytes) -> int:
    return dice.randrange(len(content) + 1)


def _block(dice: Dice, content: bytes) -> tuple[int, int]:
    start = _at(dice, content)
    return start, min(len(content), start + dice.choice((1, 3, 20, 500, 10_000)))


def _bit(dice: Dice, content: bytes) -> bytes:
    place = dice.randrange(len(content))
    return content[:place] + bytes([content[place] ^ 1 << dice.randrange(8)]) + content[place + 1 :]


def _digit(dice: Dice, content: bytes) -> bytes:
    found = re.compile(rb"\d").search(content, dice.randrange(len(content)))
    if found is None:
        return _bit(dice, content)
    return content[: found.start()] + dice.choice(b"0123456789".replace(found.group(), b"")).to_bytes() + content[found.end() :]


def _deleted(dice: Dice, content: bytes) -> bytes:
    start, end = _block(dice, content)
    return content[:start] + content[end:]


def _inserted(dice: Dice, content: bytes) -> bytes:
    place = _at(dice, content)
    return content[:place] + dice.randbytes(dice.choice((1, 2, 50, 5000))) + content[place:]


def _cut(dice: Dice, content: bytes) -> bytes:
    return content[: dice.choice((_at(dice, content), len(content) - 1, len(content) - dice.randrange(1, 80)))]


def _twice(dice: Dice, content: bytes) -> bytes:
    start, end = _block(dice, content)
    return content[:end] + content[start:end] + content[end:]


def _swapped(dice: Dice, content: bytes) -> bytes:
    places = sorted(_at(dice, content) for _ in range(4))
    parts = [content[a:b] for a, b in zip([0, *places], [*places, len(content)], strict=True)]
    return b"".join(parts[i] for i in (0, 3, 2, 1, 4))


def _zeros(dice: Dice, content: bytes) -> bytes:
    start, end = _block(dice, content)
    return content[:start] + bytes(end - start) + content[end:]


def _ends_of_lines(dice: Dice, content: bytes) -> bytes:
    return content.replace(b"\n", dice.choice((b"\r\n", b"\r", b"\n\n")))


def _encoded(dice: Dice, content: bytes) -> bytes:
    text = content.decode("utf-8", "replace")
    return dice.choice(
        (b"\xef\xbb\xbf" + content, text.encode("utf-16"), text.encode("utf-32"), text.encode("latin-1", "replace") + b"\xe9\n")
    )


def _huge(dice: Dice, content: bytes) -> bytes:
    found = re.compile(rb"\d+").search(content, dice.randrange(len(content)))
    number = dice.choice((b"9" * 5000, b"1e999", b"-" + b"9" * 30, b"0x" + b"f" * 40, b"9" * 25, b"NaN", b"-inf"))
    return content + number if found is None else content[: found.start()] + number + content[found.end() :]


def _value(dice: Dice, content: bytes) -> bytes:
    """Another value after a colon or the dash of a list."""
    found = list(re.finditer(rb"(?m)(:|^ *-)( [^\n]*|$)", content[:400_000]))
    if not found:
        return _inserted(dice, content)
    place = dice.choice(found)
    return content[: place.start(2)] + b" " + dice.choice(VALUES).encode() + content[place.end(2) :]


def _line(dice: Dice, content: bytes) -> bytes:
    """A line less, twice, elsewhere, or indented otherwise."""
    lines = content.splitlines(keepends=True)
    place = dice.randrange(len(lines))
    line = lines.pop(place)
    new = dice.choice(([], [line, line], [b"  " + line], [line.lstrip()], None))
    if new is None:
        lines.insert(dice.randrange(len(lines) + 1), line)
    else:
        lines[place:place] = new
    return b"".join(lines)


ANY: dict[str, Mutation] = {
    "a bit": _bit,
    "a digit": _digit,
    "a block deleted": _deleted,
    "bytes inserted": _inserted,
    "cut off": _cut,
    "a block twice": _twice,
    "blocks exchanged": _swapped,
    "zeros": _zeros,
    "empty": lambda dice, content: b"",
}
TEXT: dict[str, Mutation] = {
    "ends of lines": _ends_of_lines,
    "encoding": _encoded,
    "a huge number": _huge,
    "a value": _value,
    "a line": _line,
}
MUTATIONS: dict[str, dict[str, Mutation]] = {
    "binary": ANY | {"ends of lines": _ends_of_lines},
    "text": ANY | TEXT,
    "yaml": ANY | TEXT | {"a value ": _value, "another value": _value, "another line": _line},
}
"""By form of the file; what is hard on readers of YAML comes up more often there."""


# --- what comes of it


class Late(BaseException):
    """A reader takes too long; no reader may catch this."""


@dataclass(frozen=True)
class Outcome:
    """What a reader made of a changed file."""

    column: str
    said: str = ""

    @property
    def fault(self) -> bool:
        """Whether it should not be so."""
        return self.column in FAULTS


FAULTS = ("accepted wrongly", "another error", "too slow", "too much memory")
COLUMNS = ("refused", "same content", "other input", *FAULTS)


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise :class:`Late` after so many seconds."""

    def late(*_: object) -> None:
        raise Late

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def outcome(kind: Kind, path: Path, original: str, seconds: float) -> Outcome:
    """Read a changed file; ``original`` is the digest of what it held."""
    try:
        with limited(seconds):
            found = digest(kind.read(path))
    except Late:
        return Outcome("too slow", f"more than {seconds:g} s")
    except MemoryError as error:
        return Outcome("too much memory", str(error))
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        if type(error) not in ((ValueError, Damaged) if kind.written else (ValueError, Damaged, WorkflowError)):
            return Outcome("another error", said)
        named = path.name in str(error) or not kind.written
        return Outcome("refused", said) if named else Outcome("another error", f"does not name the file: {said}")
    other = Outcome("accepted wrongly", "read as another content") if kind.written else Outcome("other input")
    return Outcome("same content") if found == original else other


def digest(content: object) -> str:
    """A checksum of what a reader returned."""
    found = hashlib.sha256()

    def take(value: Any) -> None:
        if isinstance(value, torch.nn.Module):
            take([type(value).__module__, value.state_dict()])
        elif isinstance(value, torch.Tensor):
            take(value.detach().numpy())
        elif isinstance(value, np.ndarray):
            found.update(f"{value.dtype} {value.shape}".encode() + value.tobytes())
        elif isinstance(value, pd.DataFrame):
            take(value.to_csv())
        elif isinstance(value, Mapping):
            for key, inner in sorted(value.items(), key=repr):
                found.update(repr(key).encode())
                take(inner)
        elif isinstance(value, list | tuple):
            found.update(f"{len(value)}".encode())
            for inner in value:
                take(inner)
        elif isinstance(value, tensors.ImageData | tensors.PointData):
            take(vars(value))
        else:
            found.update(repr(value).encode())

    take(content)
    return found.hexdigest()


_originals: dict[Path, bytes] = {}


def _original(path: Path) -> bytes:
    """What a file held before it was changed."""
    if path not in _originals:
        _originals[path] = path.read_bytes()
    return _originals[path]


def changed(kind: Kind, path: Path, dice: Dice) -> tuple[str, bytes]:
    """A mutation and what it makes of a file: never what it was."""
    content = _original(path)
    while True:
        name = dice.choice([*MUTATIONS[kind.form], "another file"])
        if name == "another file":
            others = [other for other in (*kind.files, *kind.strangers) if other.suffix == path.suffix]
            made = _original(dice.choice(others))
        else:
            made = MUTATIONS[kind.form][name](dice, content)
        if made != content:
            return name, made


def mutate(
    made: Mapping[str, Kind], numbers: Sequence[int], seed: int, seconds: float
) -> Iterator[tuple[int, str, Path, str, Outcome]]:
    """Make each mutation and read the file; it is put back afterwards.

    Yields:
        number, kind, file, name of the mutation, and what came of it.
    """
    names = list(made)
    digests: dict[tuple[str, Path], str] = {}
    for number in numbers:
        dice = Dice(f"{seed}/{number}")  # nosec B311  # mutations that can be repeated, no secret
        name = names[number % len(names)]
        kind = made[name]
        path = dice.choice(kind.files)
        content = _original(path)
        if (name, path) not in digests:
            digests[name, path] = digest(kind.read(path))
        how, other = changed(kind, path, dice)
        try:
            path.write_bytes(other)
            yield number, name, path, how, outcome(kind, path, digests[name, path], seconds)
        finally:
            path.write_bytes(content)


def main(argv: Sequence[str] | None = None) -> int:
    """Change, read, count, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=ROOT / "results" / "mnist-5k-smoke", help="of a finished build")
    parser.add_argument("--files", type=int, default=10_000, help="how many changed files are read")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=20, help="that a reader may take")
    parser.add_argument("--gigabytes", type=float, default=4, help="of memory that a reader may take")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="make this mutation alone, and raise what its reader raises")
    arguments = parser.parse_args(argv)
    if not (arguments.results / manifest.MANIFEST).is_file():
        parser.error(f"{arguments.results}: no finished build; snakemake --cores all --configfile tests/smoke.yaml makes one")
    counts: dict[str, Counter[str]] = {}
    faults = 0
    with tempfile.TemporaryDirectory(prefix="mutate-") as temporary:
        made = kinds(Path(temporary).resolve(), arguments.results)
        _limit_memory(arguments.gigabytes)
        numbers = range(arguments.files) if arguments.only is None else [arguments.only]
        for number, name, path, how, found in mutate(made, numbers, arguments.seed, arguments.seconds):
            counts.setdefault(name, Counter())[found.column] += 1
            faults += found.fault
            if found.fault or arguments.only is not None:
                print(f"{number}: {name}: {path.name}: {how}: {found.column}: {found.said[:400]}", flush=True)
        print(table(made, counts))
    print(f"{sum(map(Counter.total, counts.values()))} changed files of seed {arguments.seed}: {faults} faults")
    return 1 if faults else 0


def _limit_memory(gigabytes: float) -> None:
    used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + int(gigabytes * 1e9), resource.RLIM_INFINITY))


def table(made: Mapping[str, Kind], counts: Mapping[str, Counter[str]]) -> str:
    """The counts as a table in Markdown."""
    whole = Counter[str]()
    for found in counts.values():
        whole.update(found)
    rows = [(name, len(made[name].files), found) for name, found in counts.items()]
    rows.append(("all", sum(len(made[name].files) for name in counts), whole))
    head = ["kind", "files", *COLUMNS]
    lines = [head, ["---"] * len(head)]
    lines += [[name, str(files), *(str(found[column]) for column in COLUMNS)] for name, files, found in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
