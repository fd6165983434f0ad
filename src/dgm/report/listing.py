"""Listings of our own source code in the report, cut out with ``ast`` so that no module is imported."""

import ast
import textwrap
from typing import NamedTuple

from dgm.assignments import PACKAGE, REPOSITORY, source_file
from dgm.errors import unknown

__all__ = ["Checked", "check_source", "source_of"]


class Checked(NamedTuple):
    """Where a function stands and what it says; ``address`` is that of the file in a public repository, if one is known."""

    path: str
    line: int
    name: str
    text: str
    address: str = ""


def check_source(place: str) -> Checked | None:
    """The function at a place of ``tables/checks.csv``, such as ``assignments/toy/claims/sums.py:34 toy_1``; None if it moved."""
    file, _, rest = place.rpartition(":")
    number, _, name = rest.partition(" ")
    path = REPOSITORY / file
    if not path.is_file():
        return None
    text = path.read_text(encoding="utf-8")
    node = _objects(ast.parse(text)).get(name)
    if not isinstance(node, ast.FunctionDef):
        return None
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return Checked(file, int(number), name, "\n".join(text.splitlines()[first - 1 : node.end_lineno]))


def source_of(module: str, name: str, docstring: bool = False) -> str:
    """The source of a function, class, method or constant.

    Args:
        module: dotted name of the engine or of an assignment, e.g. ``"dgm.models.bmm"``.
        name: the object, e.g. ``"e_step"`` or ``"Model.log_prob"``.
        docstring: whether to keep the docstring; a listing in the report is read beside text that says the same.

    Raises:
        ValueError: naming the nearest modules or objects when there is none of that name.
    """
    path = source_file(module)
    if path is None:
        known = (".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts) for file in PACKAGE.rglob("*.py"))
        raise unknown("module", module, known)
    text = path.read_text(encoding="utf-8")
    nodes = _objects(ast.parse(text))
    if name not in nodes:
        raise unknown(f"object in {module}", name, nodes)
    node = nodes[name]
    lines = text.splitlines()
    first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
    kept = list(range(first - 1, node.end_lineno or node.lineno))
    if not docstring:
        for inner in ast.walk(node):
            if isinstance(inner, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(inner) is not None and len(inner.body) > 1:
                said = inner.body[0]
                following = inner.body[1].lineno - 1
                removed = set(range(said.lineno - 1, said.end_lineno or said.lineno))
                # the empty lines after a docstring go with it
                removed |= {at for at in range(said.end_lineno or said.lineno, following) if not lines[at].strip()}
                kept = [line for line in kept if line not in removed]
    return textwrap.dedent("\n".join(lines[line] for line in kept)).rstrip()


def _objects(tree: ast.Module) -> dict[str, ast.stmt]:
    """Top-level functions, classes and constants, and the methods of classes as ``Class.method``."""
    found: dict[str, ast.stmt] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found.update({target.id: node for target in targets if isinstance(target, ast.Name)})
        if isinstance(node, ast.ClassDef):
            found.update({f"{node.name}.{method.name}": method for method in node.body if isinstance(method, ast.FunctionDef)})
    return found
