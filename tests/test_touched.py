"""What counts as touched by a change."""

import subprocess
from pathlib import Path

import pytest
from touched import changed, touches

TEST = """
import helper
from assignments.toy import claims
from dgm.evaluation import costs
TABLE = "report/tables.yaml"
"""


@pytest.mark.parametrize(
    ("path", "touched"),
    [
        ("tests/test_it.py", True),
        ("tests/helper.py", True),
        ("tests/other.py", False),
        ("src/dgm/evaluation/costs.py", True),
        ("src/dgm/runtime/files.py", False),
        ("assignments/toy/claims/loop.py", True),
        ("src/dgm/claims/registry.py", False),
        ("src/dgm/models/nice.py", False),
        ("report/tables.yaml", True),
        ("report/figures.yaml", False),
        ("workflow/rules/runs.smk", False),
    ],
)
def test_a_test_is_touched_by_what_it_imports_and_names(path: str, touched: bool, tmp_path: Path) -> None:
    test = tmp_path / "tests" / "test_it.py"
    test.parent.mkdir()
    test.write_text(TEST)
    assert touches(test, [Path(path)], tmp_path) is touched


def test_the_last_commit_counts_where_nothing_is_edited(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True)

    git("init")
    (tmp_path / "one").write_text("1")
    git("add", "one")
    git("commit", "-m", "one")
    assert changed(tmp_path) == {Path("one")}
    (tmp_path / "two").write_text("2")
    assert changed(tmp_path) == {Path("two")}
    (tmp_path / "one").write_text("3")
    assert changed(tmp_path) == {Path("one"), Path("two")}
