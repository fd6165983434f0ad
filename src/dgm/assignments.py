"""Where an assignment lies: a folder with its questions, answers and code, which Python imports as ``assignments.<id>``.

The folder may stand anywhere; its name is the id of the assignment. Standard library only, as the workflow reads this first.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from dgm.runtime.folders import visible

__all__ = ["FILE", "NAMESPACE", "PACKAGE", "REPOSITORY", "drawings", "find", "importable", "modules", "source_file", "within"]

PACKAGE = Path(__file__).parent
REPOSITORY = PACKAGE.parents[1]
"""The folder of the engine."""

NAMESPACE = "assignments"
"""The package that assignments are imported from, and the repository's folder of them."""

FILE = "assignment.yaml"
"""Title, introduction, runs and questions of an assignment."""

_folders: dict[str, Path] = {}


def find(name: str, repository: Path) -> Path:
    """The folder that a config means by ``name``: a path seen from the repository or the working directory, or an id.

    Raises:
        ValueError: when there is none, its name cannot be that of a Python module, or is that of an assignment of the repository.
    """
    tried = [repository / name, repository / NAMESPACE / name, Path(name)]
    for folder in tried:
        if (folder / FILE).is_file():
            identity = folder.resolve().name
            if not identity.isidentifier() or identity != identity.lower():
                raise ValueError(
                    f"assignments: {name}: the folder is called {identity!r}; "
                    "its name is the id of the assignment and takes lower-case letters, digits and _ alone, a letter first"
                )
            shipped = repository / NAMESPACE / identity
            if (shipped / FILE).is_file() and shipped.resolve() != folder.resolve():
                raise ValueError(f"assignments: {name}: {identity} is an assignment of the repository; call the folder otherwise")
            return folder
    there = ", ".join(folder.name for folder in within([repository / NAMESPACE])) or "none"
    raise ValueError(f"assignments: {name}: no folder with {FILE} there; assignments of the repository: {there}")


def within(parents: Iterable[Path]) -> list[Path]:
    """The assignments that lie in these folders."""
    return [path.parent for parent in dict.fromkeys(map(Path.resolve, parents)) for path in visible(parent, f"*/{FILE}")]


def importable(folder: Path) -> str:
    """The package that holds the code of an assignment, ``assignments.<id>``, which can be imported from now on.

    What was imported from another folder of this name is forgotten; no build has two.
    """
    folder = folder.resolve()
    name = f"{NAMESPACE}.{folder.name}"
    if _folders.get(folder.name) != folder:
        for old in [module for module in sys.modules if f"{module}.".startswith(f"{name}.")]:
            del sys.modules[old]
        _folders[folder.name] = folder
        above = sys.modules.setdefault(NAMESPACE, _package(NAMESPACE, []))
        sys.modules[name] = _package(name, [str(folder)])
        setattr(above, folder.name, sys.modules[name])
    return name


def _package(name: str, path: list[str]) -> ModuleType:
    made = ModuleType(name)
    made.__path__ = path
    return made


def modules(folder: Path) -> list[str]:
    """Names of the public modules and packages of a folder: each is an entry of a registry, such as a kind of model."""
    found = {path.stem for path in visible(folder, "*.py")} | {path.parent.name for path in visible(folder, "*/__init__.py")}
    return sorted(name for name in found if name.isidentifier() and not name.startswith("_"))


def drawings(figures: Path) -> dict[str, list[str]]:
    """The packages whose drawings a ``figures.yaml`` may name, with the modules of each: its own folder's, and those for all."""
    folder = figures.parent
    own = {f"{importable(folder)}.drawings": modules(folder / "drawings")} if (folder / FILE).is_file() else {}
    return {**own, f"{PACKAGE.name}.figures": [name for name in modules(PACKAGE / "figures") if name != "style"]}


def source_file(module: str) -> Path | None:
    """The file of a module of the engine or of an assignment that is importable; None where there is none."""
    first, *rest = module.split(".")
    if first == PACKAGE.name:
        stem = PACKAGE.joinpath(*rest)
    elif first == NAMESPACE and rest and rest[0] in _folders:
        stem = _folders[rest[0]].joinpath(*rest[1:])
    else:
        return None
    for path in (stem.with_suffix(".py"), stem / "__init__.py"):
        if path.is_file():
            return path
    return None
