"""Which build a call of Snakemake speaks of, and what Snakemake knows about it.

The tools beside the workflow (:mod:`dgm.reproduce.archive`, :mod:`dgm.reproduce.verify`) take the options that the build was made
with, and leave it to Snakemake to say what follows from them: ``--summary`` lists every file of the build and whether it would be
made again.
"""

import argparse
import csv
import subprocess
import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from dgm.reproduce.manifest import MANIFEST

__all__ = ["METADATA", "PARSER", "Build", "add_directory", "find", "metadata_file", "metadata_key", "snakemake"]

METADATA = PurePosixPath(".snakemake/metadata")
"""Where Snakemake keeps, for each file that it made, how it was made; relative to the working directory."""

LONGEST_NAME = 255
"""Bytes in the name of a file on the usual file systems."""


@dataclass(frozen=True)
class Build:
    """One build: the working directory, its results folder relative to that, its files, and those that would be made (again)."""

    folder: Path
    name: str
    outputs: frozenset[str]
    pending: tuple[str, ...]

    @property
    def results(self) -> Path:
        """The results folder."""
        return self.folder / self.name


PARSER: dict[str, Any] = {
    "allow_abbrev": False,
    "epilog": "All other words are handed to Snakemake, such as --configfile FILE or --config dataset=mnist.",
}
"""Settings of the argument parser of a tool that hands the words it does not know to Snakemake."""


def add_directory(parser: argparse.ArgumentParser) -> None:
    """Add the option ``--directory``, which Snakemake has, too."""
    parser.add_argument("-d", "--directory", type=Path, default=Path(), help="the working directory of the build, as for Snakemake")


def snakemake(folder: Path, *words: str) -> list[str]:
    """The command line of Snakemake with this environment's Python, for a build in ``folder``."""
    return [sys.executable, "-m", "snakemake", "--directory", str(folder), *words]


def find(folder: Path, words: Sequence[str]) -> Build:
    """The build that Snakemake would make in ``folder`` when called with ``words``.

    Raises:
        ValueError: with Snakemake's own message, when it cannot read the workflow or its config.
    """
    done = subprocess.run(snakemake(folder, "--summary", *words), capture_output=True, text=True, encoding="utf-8", check=False)
    lines = done.stdout.splitlines()
    start = next((index for index, line in enumerate(lines) if line.startswith("output_file\t")), None)
    if done.returncode != 0 or start is None:
        raise ValueError(f"snakemake --summary failed:\n{(done.stderr or done.stdout).strip()}")
    rows = list(csv.DictReader(lines[start:], delimiter="\t", quoting=csv.QUOTE_NONE))
    manifest = next((row["output_file"] for row in rows if PurePosixPath(row["output_file"]).name == MANIFEST), None)
    if manifest is None:
        raise ValueError(f"no {MANIFEST} among the files of this build; name no target, so that the build is the whole one")
    return Build(
        folder=folder,
        name=str(PurePosixPath(manifest).parent),
        outputs=frozenset(row["output_file"] for row in rows),
        pending=tuple(f"{row['output_file']} ({row['status']})" for row in rows if row["plan"] != "no update"),
    )


def metadata_file(key: str) -> PurePosixPath:
    """Where Snakemake keeps what it knows about the output file ``key``, relative to :data:`METADATA`.

    The name is the path in base 64; a name too long for the file system is split, all parts but the last being folders that start
    with "@".
    """
    encoded = urlsafe_b64encode(key.encode()).decode()
    size = LONGEST_NAME - 1
    parts = [encoded[start : start + size] for start in range(0, len(encoded), size)]
    return PurePosixPath(*(f"@{part}" for part in parts[:-1]), parts[-1])


def metadata_key(file: PurePosixPath) -> str:
    """The output file that a file below :data:`METADATA` speaks of; the inverse of :func:`metadata_file`.

    Raises:
        ValueError: when it is no such name.
    """
    encoded = "".join(part.removeprefix("@") for part in file.parts)
    try:
        key = urlsafe_b64decode(encoded.encode()).decode()
    except ValueError:  # not base 64, or not text
        key = ""
    if not key or metadata_file(key) != file:
        raise ValueError(f"{METADATA / file}: not a name that Snakemake gives to what it knows about a file")
    return key
