"""Which source files a job depends on, and one digest of what they mean.

A job depends on the module it starts from and on every module of the engine and of assignments that can be reached from it through
import statements, wherever in a file they stand. :func:`fingerprint` hashes the syntax trees of these files without docstrings, so
that a changed layer changes the digest and a changed comment does not. Modules that a stage picks at run time (a model kind, a
figure) cannot be seen by following imports; the workflow names them explicitly. Standard library only: this runs whenever the
workflow is read. Reading two hundred syntax trees takes seconds, so what was read is kept beside Python's bytecode for files of
exactly this content. A kept file that is missing, damaged, of other code or of another Python costs time alone.
"""

import ast
import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

from dgm import assignments

__all__ = ["annotation", "defines", "fingerprint", "names", "reachable"]

PASSIVE = frozenset(
    {"dgm.runtime.stage", "dgm.runtime.device", "dgm.runtime.fork_server", "dgm.runtime.locks", "dgm.workflow.fingerprint"}
)
"""Modules that say how a job is started, timed and recorded, never what it computes; they enter no fingerprint."""


@cache
def fingerprint(*modules: str) -> str:
    """Digest of the code that ``modules`` and everything they import consist of.

    Args:
        modules: dotted names inside this package, such as ``"dgm.stages.train"``.

    Returns:
        16 hexadecimal digits.

    Raises:
        ValueError: when a module does not exist or is not valid Python.
    """
    read = {name: _read(name) for name in sorted(reachable(*modules))}
    _keep(read)
    digest = hashlib.sha256()
    for name, found in read.items():
        digest.update(f"{name} {found.digest}\n".encode())
    return digest.hexdigest()[:16]


def reachable(*modules: str) -> frozenset[str]:
    """``modules``, the packages they lie in, and all modules of this package reachable from them through imports."""
    for name in modules:
        _source(name)
    seen: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in seen or name in PASSIVE:
            continue
        seen.add(name)
        above = name.rpartition(".")[0]
        if _file(above) is not None:
            waiting.append(above)
        waiting.extend(_imports(name))
    return frozenset(seen)


def names(package: str) -> list[str]:
    """Names of the public modules of a subpackage, such as ``models``: a file or a package there is an entry of the registry."""
    return assignments.modules(assignments.PACKAGE / package)


@cache
def defines(module: str, name: str, method: str) -> bool:
    """Whether the class ``name`` of a module has ``method``: in its own body, or from a class of the engine that it inherits
    from."""
    body = _tree(module).body
    for node in body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            if any(isinstance(line, ast.FunctionDef) and line.name == method for line in node.body):
                return True
            return any(defines(*_origin(module, ast.unparse(base)), method) for base in node.bases)
    return False


def _origin(module: str, written: str) -> tuple[str, str]:
    """Module and name of a class that is written ``Base`` or ``alias.Base`` in a module."""
    first, _, rest = written.partition(".")
    for node in _tree(module).body:
        if isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                if first == (alias.asname or alias.name):
                    return (f"{node.module}.{alias.name}", rest) if rest else (str(node.module), alias.name)
    return module, written


def annotation(module: str, function: str, parameter: str) -> str:
    """The annotation of a parameter of a module's function, as it is written, without quotes; empty where there is none."""
    for node in _tree(module).body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            for argument in node.args.args:
                if argument.arg == parameter and argument.annotation is not None:
                    return ast.unparse(argument.annotation).strip("'\"")
    return ""


@cache
def _file(name: str) -> Path | None:
    return assignments.source_file(name)


def _source(name: str) -> Path:
    path = _file(name)
    if path is None:
        raise ValueError(f"no module {name!r} below {assignments.PACKAGE}")
    return path


@cache
def _tree(name: str) -> ast.Module:
    if _file(name) is None and name.partition(".")[0] != assignments.PACKAGE.name:
        return ast.Module([], [])  # another package, such as torch
    path = _source(name)
    try:
        return ast.parse(path.read_bytes())
    except SyntaxError as error:
        raise ValueError(f"{path}: line {error.lineno}: {error.msg}") from None


class _Read(NamedTuple):
    """What a fingerprint needs of one module."""

    content: str
    """SHA-256 of the file."""
    digest: str
    """SHA-256 of what it means."""
    imports: list[str]
    """All that its import statements may name."""


@cache
def _read(name: str) -> _Read:
    path = _source(name)
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    kept = _kept().get(name)
    if kept is not None and kept.content == content:
        return kept
    digest = hashlib.sha256(_spell(_tree(name)).encode()).hexdigest()
    return _Read(content, digest, sorted(_imported(name, is_package=path.name == "__init__.py")))


def _place() -> Path:
    return assignments.PACKAGE / "__pycache__" / "provenance.json"


def _version() -> list[str]:
    """What else decides what is read: this file and Python."""
    return [hashlib.sha256(Path(__file__).read_bytes()).hexdigest(), sys.version]


@cache
def _kept() -> dict[str, _Read]:
    """What earlier processes have read, and this one."""
    with suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
        said = json.loads(_place().read_text(encoding="utf-8"))
        if said["version"] == _version():
            return {name: _Read(*read) for name, read in said["modules"].items()}
    return {}


def _keep(read: Mapping[str, _Read]) -> None:
    """Keep what is not kept yet, where one may write."""
    kept = _kept()
    if all(kept.get(name) == found for name, found in read.items()):
        return
    kept.update(read)
    beside = _place().with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        _place().parent.mkdir(exist_ok=True)
        beside.write_text(json.dumps({"version": _version(), "modules": kept}), encoding="utf-8")
        beside.replace(_place())


@cache
def _imports(name: str) -> frozenset[str]:
    """Modules of this package that the module imports itself."""
    return frozenset(module for module in _read(name).imports if _file(module) is not None)


def _imported(name: str, *, is_package: bool) -> set[str]:
    package = name if is_package else name.rpartition(".")[0]
    found: set[str] = set()
    for node in _executed(_tree(name)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:  # one dot is the package itself, each further dot its parent
                parts = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parts, *filter(None, [node.module])])
            found.add(base)
            found.update(f"{base}.{alias.name}" for alias in node.names)  # a name may be a submodule
    return found


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes but the bodies of ``if TYPE_CHECKING:``, which never run."""
    yield node
    if isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}:
        children: Iterator[ast.AST] = iter(node.orelse)
    else:
        children = ast.iter_child_nodes(node)
    for child in children:
        yield from _executed(child)


def _spell(value: object) -> str:
    """The syntax tree as text, without positions, docstrings and empty fields (newer Pythons add some of those)."""
    if isinstance(value, list):
        return "[" + ",".join(_spell(item) for item in value) + "]"
    if not isinstance(value, ast.AST):
        return repr(value)
    fields = dict(ast.iter_fields(value))
    fields.pop("kind", None)
    if isinstance(value, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        fields["body"] = [line for line in fields["body"] if not _is_docstring(line)]
    kept = (f"{key}={_spell(item)}" for key, item in fields.items() if item is not None and item != [])
    return f"{type(value).__name__}({','.join(kept)})"


def _is_docstring(node: ast.AST) -> bool:
    """A bare string is a statement without effect, whether it opens a body or documents the name above it."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
