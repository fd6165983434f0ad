"""A view of a build of which parts are missing: the files that are there under their own names, and tables of what they hold.

Checks and the report read ``tables/metrics.csv`` and its like, which the workflow writes only when all of their parts exist. The
view is a folder of links beside tables of the parts that do exist, so nothing of the build is touched, and the next call of the
workflow finds it as it was.
"""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from dgm.runtime.files import write_text
from dgm.runtime.folders import below

__all__ = ["LINKED", "joined", "view"]

LINKED = ("data", "models", "history", "samples", "evaluations", "estimates", "arrays", "metrics")
"""Folders that the view links to as a whole."""


def view(results: Path, folder: Path) -> Path:
    """Make ``folder`` a view of ``results`` anew: whole folders and single records and figures as links, empty ``tables``."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in LINKED:
        if (results / name).is_dir():
            _link(results / name, folder / name)
    for name in ("records", "figures"):
        for path in below(results / name):
            _link(path, folder / path.relative_to(results))
    (folder / "tables").mkdir()
    return folder


def joined(parts: Iterable[Path], table: Path) -> None:
    """Join CSV files with one header, those that exist, into one file."""
    texts = [path.read_text(encoding="utf-8").splitlines() for path in parts if path.is_file()]
    lines = [line for text in texts[:1] for line in text[:1]] + [line for text in texts for line in text[1:]]
    write_text(table, "".join(f"{line}\n" for line in lines))


def _link(target: Path, link: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(os.path.relpath(target, link.parent.resolve()))
