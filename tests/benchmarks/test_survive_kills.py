"""Kills without warning at random moments of a build: the script that counts them, on a small build, and that it can fail."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from workflows import REPOSITORY, small_repository

SCRIPT = Path("benchmarks", "survive_kills.py")
RUNS = {
    "nice": {"kind": "nice", "settings": {"hidden_layers": 2, "hidden_units": 64, "epochs": 8, "batch_size": 50}},
    "bmm": {"kind": "bmm", "settings": {"components": 100, "restarts": 2, "iterations": 10}},
}


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("survive_kills", REPOSITORY / SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_moments_are_spread_over_the_course_and_depend_on_the_seed(script: ModuleType) -> None:
    course = [(0.0, 0), (10.0, 1), (12.0, 5), (40.0, 6)]
    found = script.moments(course, 2000, seed=0)
    assert found == script.moments(course, 2000, seed=0) != script.moments(course, 2000, seed=1)
    seconds = {0: 10.0, 1: 2.0, 5: 28.0}
    assert {done for done, _ in found} == set(seconds)
    for done, length in seconds.items():
        waits = [wait for at, wait in found if at == done]
        assert min(waits) >= 0 and max(waits) <= length
        assert len(waits) / 2000 == pytest.approx(length / 40, abs=0.04)


def test_files_that_differ_or_are_missing_are_listed_but_for_what_holds_times(script: ModuleType, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for name in ("models/a.pt", "models/b.pt", "tables/metrics.csv", "tables/costs.csv", "figures/x.svg", "records/train/a.json"):
        (first / name).parent.mkdir(parents=True, exist_ok=True)
        (first / name).write_bytes(b"content")
    shutil.copytree(first, second)
    assert script.differences(first, second) == (4, [])
    (second / "tables" / "costs.csv").write_bytes(b"other")
    (second / "records" / "train" / "a.json").write_bytes(b"other")
    assert script.differences(first, second) == (4, [])
    (second / "models" / "a.pt").write_bytes(b"contend")
    (second / "models" / "b.pt").unlink()
    (second / "samples").mkdir()
    (second / "samples" / "a.npz").touch()
    assert script.differences(first, second) == (5, ["models/a.pt", "models/b.pt", "samples/a.npz"])


@pytest.mark.pipeline
def test_a_small_build_survives_kills_without_warning(tmp_path: Path) -> None:
    repository = small_repository(REPOSITORY, tmp_path / "repository", RUNS, limits={"train_images": 1000, "test_images": 100})
    (repository / SCRIPT).parent.mkdir()
    shutil.copy(REPOSITORY / SCRIPT, repository / SCRIPT)
    words = ["--kills", "2", "--checkpoint-seconds", "0.2", "--configfile", str(repository / "config.yaml")]
    targets = [f"results/mnist-5k-smoke/{path}" for path in ("tables/metrics.csv", "tables/costs.csv")]
    done = subprocess.run(
        [sys.executable, str(repository / SCRIPT), *words, *targets], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("every kill was survived\n")
    assert done.stdout.count("it struck") >= 1
