"""Which files of a folder count: those that somebody put there, not what editors, systems and Python leave beside them.

Standard library only, because the workflow uses it whenever it is read.
"""

import os
from pathlib import Path

__all__ = ["below", "hidden", "visible"]


def hidden(name: str) -> bool:
    """Whether a name is that of no file of ours: ``.#a.md``, ``._a.py``, ``.ipynb_checkpoints``, ``#a.md#``, ``a.md~``."""
    return name.startswith((".", "#")) or name.endswith("~") or name == "__pycache__"


def visible(folder: Path, pattern: str) -> list[Path]:
    """The files of a folder that match a pattern of :meth:`pathlib.Path.glob`, in order."""
    found = (path for path in folder.glob(pattern) if path.is_file())
    return sorted(path for path in found if not any(map(hidden, path.relative_to(folder).parts)))


def below(folder: Path) -> list[Path]:
    """All files below a folder, in order, those in linked folders too; each folder is entered once."""
    found, entered = [], set()
    for place, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in entered:
            folders.clear()
            continue
        entered.add(real)
        folders[:] = [name for name in folders if not hidden(name)]
        found += [Path(place, name) for name in files if not hidden(name) and Path(place, name).is_file()]
    return sorted(found)
