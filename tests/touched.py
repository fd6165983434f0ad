"""Which test files a change touches: those that import a changed module themselves, or name a changed file.

It is a choice for the loop of editing and trying (``make quick``), where seconds count: a fault may show first in a test that
reaches the changed code through other modules. ``make test`` runs everything.
"""

import ast
import subprocess
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def changed(root: Path = ROOT) -> set[Path]:
    """Files that differ from the last commit, or those of the last commit where nothing does; relative to the repository."""

    def git(*words: str) -> list[str]:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    now = [*git("diff", "--name-only", "HEAD"), *git("ls-files", "--others", "--exclude-standard")]
    return {Path(name) for name in now or git("diff-tree", "--no-commit-id", "--name-only", "-r", "--root", "HEAD")}


def touches(test: Path, changes: Iterable[Path], root: Path = ROOT) -> bool:
    """Whether a test file is among the changes or speaks of one of them.

    It speaks of a module by importing it or a package that it lies in (but the outermost), of another file by a string with its
    name or that of a folder with it.
    """
    tree = ast.parse(test.read_text(encoding="utf-8"))
    imported, strings = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            strings |= set(Path(node.value).parts) if len(node.value) < 200 else set()
    for path in changes:
        if root / path == test or imported & set(_modules(path)):
            return True
        if path.suffix != ".py" and strings & {path.name, *path.parts[1:-1]}:
            return True
    return False


def _modules(path: Path) -> list[str]:
    """Dotted names of a Python file of the package, an assignment or the tests' helpers, and of the inner packages with it."""
    if path.suffix != ".py" or path.parts[0] not in {"src", "tests", "assignments"}:
        return []
    parts = [part for part in path.with_suffix("").parts[path.parts[0] != "assignments" :] if part != "__init__"]
    return [".".join(parts[:end]) for end in range(min(2, len(parts)), len(parts) + 1)]
