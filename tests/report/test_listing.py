"""Listings are valid Python that does what the original does, without docstrings and without importing anything."""

import ast
import sys
from pathlib import Path

import pytest

from dgm.report import listing
from dgm.report.listing import source_of

PACKAGE = Path(listing.__file__).parents[1]


def dump(tree: ast.AST) -> str:
    """A syntax tree without docstrings."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None and len(node.body) > 1:
            node.body = node.body[1:]
    return ast.dump(tree)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_every_object_of_the_package_is_listed_faithfully(path: Path) -> None:
    module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            documented = ast.parse(source_of(module, node.name, docstring=True)).body[0]
            assert ast.dump(documented) == ast.dump(node)
            assert dump(ast.parse(source_of(module, node.name)).body[0]) == dump(node)


def test_methods_and_constants_are_found() -> None:
    assert source_of("dgm.report.macros", "Shown.label").startswith("def label(self, name: str)")
    assert source_of("dgm.report.numbers", "ROUNDING_NOISE") == "ROUNDING_NOISE = 1e-9"


def test_nothing_is_imported() -> None:
    before = "dgm.models.bmm" in sys.modules
    assert "def " in source_of("dgm.models.bmm", "e_step")
    assert ("dgm.models.bmm" in sys.modules) == before


def test_unknown_names_are_answered_with_near_ones() -> None:
    with pytest.raises(ValueError, match=r"no module 'dgm\.models\.bnm'; nearest: .*'dgm\.models\.bmm'"):
        source_of("dgm.models.bnm", "e_step")
    with pytest.raises(ValueError, match=r"no object in dgm\.models\.bmm 'e_stop'; nearest: 'e_step'"):
        source_of("dgm.models.bmm", "e_stop")
    with pytest.raises(ValueError, match="no module"):
        source_of("os.path", "join")
