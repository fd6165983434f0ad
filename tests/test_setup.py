"""The set-up: locks that name no place, a second call without work, no trace of the machine that something was written on."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = ["requirements-uv.txt", "requirements.txt", "package.json", "package-lock.json", ".npmrc"]
HOSTS = re.compile(r"(?:pypi|pythonhosted|npmjs|pytorch)\.(?:org|com)|--(?:extra-)?index-url|--find-link[s]")
PLACES = re.compile(r"""(?<![\w.$}])/(?:home|root|Users|work|tmp)/\w""")


def pinned(name: str) -> dict[str, list[str]]:
    """Package -> versions in a lock (several, where they depend on the Python version)."""
    found: dict[str, list[str]] = {}
    for package, version in re.findall(r"^([a-z0-9._-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE):
        found.setdefault(package, []).append(version)
    return found


def committed() -> list[Path]:
    """The text files under version control."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a git working tree")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:8192]]


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-uv.txt"])
def test_every_locked_package_has_hashes(lock: str) -> None:
    lines = (ROOT / lock).read_text().splitlines()
    entries = [i for i, line in enumerate(lines) if re.match(r"[a-z0-9._-]+==", line)]
    assert entries
    for i in entries:
        assert lines[i].endswith("\\") and "--hash=sha256:" in lines[i + 1], lines[i]
    rest = [
        line for line in lines if line.strip() and not re.match(r"[a-z0-9._-]+==|\s+--hash=sha256:[0-9a-f]{64}( \\)?$|\s*#", line)
    ]
    assert not rest, "a lock holds packages and hashes only"


def test_locks_agree_with_what_is_asked_for() -> None:
    locked = pinned("requirements.txt")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    asked = [re.split(r"[\[<>=~! ]", requirement)[0] for requirement in wanted]
    assert [name for name in asked if name not in locked] == []
    assert pinned("requirements-uv.txt") == {"uv": locked["uv"]}


def imported(path: Path) -> Iterator[str]:
    """First part of the name of each module that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module).partition(".")[0]


def test_the_package_asks_for_what_it_imports() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = {re.split(r"[\[<>=~! ]", requirement)[0].replace("-", "_") for requirement in project["dependencies"]}
    called = {"sklearn": "scikit_learn", "yaml": "pyyaml", "pypandoc": "pypandoc_binary", "cycler": "matplotlib", "PIL": "pillow"}
    others = {name for path in (ROOT / "src").rglob("*.py") for name in imported(path)} - set(sys.stdlib_module_names) - {"dgm"}
    assert {called.get(name, name) for name in others} - asked == set()


def test_node_packages_are_pinned_by_checksum() -> None:
    asked = json.loads((ROOT / "package.json").read_text())["dependencies"]
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert packages[""]["dependencies"] == asked
    for name, version in asked.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), f"{name}: need one exact version, got {version}"
        assert packages[f"node_modules/{name}"]["version"] == version
    for name, package in packages.items():
        assert "resolved" not in package, f"{name}: names the registry it came from"
        assert not name or package["integrity"].startswith("sha512-"), name


def test_no_committed_file_names_a_registry_or_a_place() -> None:
    faults = []
    for path in committed():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if line.startswith("#    uv pip compile"):
                continue
            found = HOSTS.search(line.replace("--no-emit-index-url", "")) or PLACES.search(line)
            if found:
                faults.append(f"{path.relative_to(ROOT)}:{number}: {found.group(0)}")
    assert faults == []


def test_ci_run_is_a_valid_script_that_calls_both_commands() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", str(script)], check=True)
    assert {"make report", "make test", "make lint"} <= set(re.findall(r"make [a-z]+$", script.read_text(), re.MULTILINE))


# --- make, in a folder of its own with stand-ins for Python


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of all that the set-up reads."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    for name in [*LOCKS, "Makefile"]:
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Call make without what an enclosing make has exported."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "PYTHON"))}
    return subprocess.run(["make", *words], cwd=folder, env=environment, capture_output=True, text=True, check=False)


def stand_in(path: Path, script: str) -> Path:
    """An executable shell script."""
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_second_setup_does_nothing_until_a_lock_changes(folder: Path) -> None:
    assert make(folder, "-q", "setup").returncode == 1
    stamp = re.findall(r"^touch (\S+)$", make(folder, "-n", "setup").stdout, re.MULTILINE)
    assert len(stamp) == 1
    (folder / ".venv").mkdir()
    (folder / stamp[0]).touch()
    assert make(folder, "-q", "setup").returncode == 0
    for name in LOCKS:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content)  # a new time stamp
        assert make(folder, "-q", "setup").returncode == 0, f"a fresh time stamp of {name} starts the set-up"
        (folder / name).write_bytes(content + b"\n")
        assert make(folder, "-q", "setup").returncode == 1, f"a change of {name} goes unnoticed"
        (folder / name).write_bytes(content)
    moved = folder.rename(folder.with_name(folder.name + "-moved"))
    assert make(moved, "-q", "setup").returncode == 1, "an environment cannot be moved"


def test_an_old_python_is_named(folder: Path) -> None:
    old = stand_in(folder / "old", 'if [ "$1" = --version ]; then echo "Python 3.9.1"; else exit 1; fi')
    done = make(folder, "report", f"PYTHON={old}")
    assert done.returncode != 0
    assert "needs Python >= 3.11" in done.stderr and "Python 3.9.1" in done.stderr and "make report PYTHON=" in done.stderr
    assert not (folder / ".venv").exists()


def test_a_python_without_venv_is_named(folder: Path) -> None:
    bare = stand_in(folder / "bare", 'case "$2" in *ensurepip*) exit 1;; esac')
    done = make(folder, "test", f"PYTHON={bare}")
    assert done.returncode != 0
    assert "no venv module" in done.stderr and "python3-venv" in done.stderr
    assert not (folder / ".venv").exists()


def test_an_interrupted_setup_is_not_taken_for_a_finished_one(folder: Path) -> None:
    # makes the environment, whose own Python then fails to install anything
    made = "mkdir -p .venv/bin; printf '#!/bin/sh\\nexit 1\\n' > .venv/bin/python; chmod +x .venv/bin/python"
    python = stand_in(folder / "python", f'if [ "$2" = venv ]; then {made}; fi')
    assert make(folder, "setup", f"PYTHON={python}").returncode != 0
    assert (folder / ".venv").is_dir()
    assert not list((folder / ".venv").glob("ready-*"))
    assert make(folder, "-q", "setup").returncode == 1


def test_help_lists_every_target(folder: Path) -> None:
    targets = re.search(r"^\.PHONY: (.*)$", (folder / "Makefile").read_text(), re.MULTILINE)
    assert targets
    said = make(folder).stdout
    assert [name for name in targets.group(1).split() if f"make {name} " not in said] == []
