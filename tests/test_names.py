"""The engine knows no assignment: none of their names, nor of their questions, runs, figures and tables, stands in it.

Its tests know none either. Those of the shipped assignments lie in ``tests/assignments``, those of the shipped build in
``tests/builds`` and ``tests/slurm``.
"""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from shipped import CONFIG, FOLDERS, ROOT, load

from dgm import models

CATALOGUE = load()
COUNT = len(CATALOGUE.questions)
NAMES = {*FOLDERS, *CONFIG["runs"], *CONFIG["rings"], *CATALOGUE.figures, *CATALOGUE.tables}
# a run may be called like its kind, an assignment like this package
QUOTED = sorted(NAMES - {*models.kinds(), "dgm"})


def alternatives(names: Iterable[str]) -> str:
    return "|".join(map(re.escape, sorted(names, key=len, reverse=True)))


NAMED = re.compile(
    rf"(?<![\w-])(?:{alternatives(CATALOGUE.questions)})(?![\w-])"
    rf"|[\"'/`](?:{alternatives(QUOTED)})[\"'./`]"
    rf"|== ?{COUNT}\b|(?<![\d.]){COUNT} (?:questions|answers)\b"
)


def files() -> list[Path]:
    """Code of the engine, the workflow and their tests."""
    about = [ROOT / "tests" / name for name in ("assignments", "builds", "slurm")]
    found = [path for name in ("src", "tests", "workflow") for path in (ROOT / name).rglob("*")]
    code = [path for path in found if path.suffix in (".py", ".smk", ".txt") and ".egg-info" not in str(path)]
    return sorted(path for path in code if not any(path.is_relative_to(folder) for folder in about))


def test_a_name_would_be_found() -> None:
    for text in (f'"{QUOTED[0]}"', next(iter(CATALOGUE.questions)), f"len(questions) == {COUNT}"):
        assert NAMED.search(text)


@pytest.mark.parametrize("path", files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_engine_names_nothing_of_an_assignment(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [f"{number}: {line.strip()}" for number, line in enumerate(lines, 1) if NAMED.search(line)] == []
