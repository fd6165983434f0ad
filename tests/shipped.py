"""The repository as it is shipped: its assignments, their checks and its catalogue."""

from pathlib import Path

import yaml

from dgm.assignments import find, importable
from dgm.claims import registry
from dgm.claims.registry import Check
from dgm.report import catalogue

ROOT = Path(__file__).resolve().parents[1]
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
FOLDERS = {folder.name: folder for folder in (find(str(ROOT / name), ROOT) for name in CONFIG["assignments"])}

for path in FOLDERS.values():
    importable(path)


def claims(assignment: str) -> dict[str, Check]:
    """The checks of an assignment, by question."""
    return registry.claims(FOLDERS[assignment])


def load() -> catalogue.Catalogue:
    """All that the repository declares."""
    return catalogue.load(ROOT / "report", list(FOLDERS.values()))
