"""A build in another place: packed and unpacked, by ``tar`` too, and compared with the one that it was."""

import csv
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from workflows import QUICK, one_server, planned, rewrite, snakemake, tool, toy_repository, unsealed

from dgm.runtime.device import STAGE_ENVIRONMENT

pytestmark = pytest.mark.pipeline

SETTINGS = {"hidden_layers": 1, "hidden_units": 8}
RUNS = {"nice": {"kind": "nice", "settings": SETTINGS}, "nice_wide": {"kind": "nice", "settings": {**SETTINGS, "hidden_units": 9}}}

COST_FIGURE = """
comparison-cost:
  draw: scatter
  from: {metrics: tables/metrics.csv, costs: tables/costs.csv}
  settings:
    panels:
      - title: training
        x: {label: seconds, metric: train_seconds, split: train, scale: log}
        y: {label: distance, metric: frechet_distance, split: samples, scale: log}
        points: [{run: nice, label: one}, {run: nice_wide, label: the other}]
  caption: Cost and distance.
  alt: Two points.
"""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A repository with a finished build, one figure of which is drawn from times."""
    repository = toy_repository(tmp_path_factory.mktemp("here") / "repository", RUNS)
    with (repository / "assignments" / "toy" / "figures.yaml").open("a") as figures:
        figures.write(COST_FIGURE)
    answer = repository / "assignments" / "toy" / "answers" / "toy-1.md"
    text = answer.read_text().replace("figures: [", "figures: [comparison-cost, ")
    answer.write_text(f'{text}\n<< fig("comparison-cost") >>\n')
    with one_server(repository):  # for the copies too
        done = build(repository)
        assert done.returncode == 0, done.stdout[-4000:]
        yield repository


def build(repository: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return snakemake("--cores", "2", *words, repository=repository, folder=repository)


@pytest.fixture(scope="module")
def packed(here: Path) -> Path:
    """The build in one file."""
    target = here.parent / "packed.tar.gz"
    done = tool("archive", "pack", "--to", str(target), repository=here)
    assert done.returncode == 0, done.stdout
    return target


def clone(here: Path, root: Path) -> Path:
    """A copy of the sources, newer than any result."""
    shutil.copytree(here, root, symlinks=True, ignore=shutil.ignore_patterns("results", ".snakemake", "__pycache__"))
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.touch()
    return root


@pytest.fixture(scope="module")
def elsewhere(here: Path, packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another clone at another place, with the build unpacked."""
    root = clone(here, tmp_path_factory.mktemp("elsewhere") / "deep" / "clone")
    done = tool("archive", "unpack", str(packed), repository=root)
    assert done.returncode == 0, done.stdout
    return root


def test_an_unpacked_build_has_nothing_to_do_and_renders_without_training(here: Path, elsewhere: Path) -> None:
    done = build(elsewhere, "--dry-run")
    assert "Nothing to be done" in done.stdout, done.stdout[-4000:]
    done = build(elsewhere, "--forcerun", "render")
    assert done.returncode == 0, done.stdout[-4000:]
    assert {rule for rule, _ in planned(done.stdout)} - {"all", "build"} == (
        {"render", "conclude", "manifest"} | ({"typeset"} if shutil.which("pdflatex") else set())
    )
    for path in (here / QUICK).glob("report/*"):
        assert (elsewhere / QUICK / "report" / path.name).read_bytes() == path.read_bytes(), path.name


def test_no_note_of_an_archive_names_the_place_it_was_made_at(here: Path, packed: Path) -> None:
    place = str(here.parent).encode()
    with tarfile.open(packed) as tar:
        notes = [member for member in tar if member.name.startswith(".snakemake/metadata/")]
        contents = {member.name: tar.extractfile(member) for member in notes}
        naming = [name for name, content in contents.items() if content is not None and place in content.read()]
    assert len(notes) > 30
    assert naming == []


@pytest.mark.skipif(shutil.which("tar") is None, reason="tar is not installed")
def test_plain_tar_unpacks_an_archive_as_well(here: Path, packed: Path, tmp_path: Path) -> None:
    root = clone(here, tmp_path / "clone")
    subprocess.run(["tar", "xzf", str(packed)], cwd=root, check=True)
    assert "Nothing to be done" in build(root, "--dry-run").stdout


def test_what_is_no_whole_build_is_not_packed(elsewhere: Path) -> None:
    target = elsewhere.parent / "never.tar.gz"
    words = ["pack", "--to", str(target)]
    done = tool("archive", *words, "--config", "seed=1", repository=elsewhere)
    assert done.returncode == 1
    assert re.fullmatch(rf"archive: {QUICK}: the build is not finished: \d+ of \d+ files would be made: .*\n", done.stdout)
    table = elsewhere / QUICK / "samples" / "nice.npz"
    content = table.read_bytes()
    try:
        table.write_bytes(content[:-1])
        done = tool("archive", *words, repository=elsewhere)
        assert (done.returncode, "samples/nice.npz" in done.stdout) == (1, True)
        done = tool("verify", "--files-only", repository=elsewhere)
        assert (done.returncode, "samples/nice.npz (changed)" in done.stdout) == (1, True)
    finally:
        table.write_bytes(content)
    assert tool("verify", "--files-only", repository=elsewhere).returncode == 0
    assert not target.exists()


def run_again(root: Path, *jobs: str) -> None:
    """Run the recorded commands of jobs once more."""
    for job in jobs:
        command = json.loads((root / QUICK / "records" / f"{job}.json").read_text())["command"]
        words = [sys.executable, *shlex.split(command)[1:]]
        environment = {**os.environ, "PYTHONPATH": str(root / "src"), **STAGE_ENVIRONMENT}
        subprocess.run(words, cwd=root, env=environment, check=True, capture_output=True)


def test_builds_that_differ_in_times_are_the_same_and_others_are_not(here: Path, elsewhere: Path) -> None:
    second = elsewhere / QUICK
    for path in second.glob("records/*/*.json"):
        rewrite(path, started="2031-01-01T00:00:00+00:00", seconds=7 * unsealed(path)["seconds"] + 100)
    with (second / "tables" / "costs.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    rows[1:] = [[*row[:3], str(1.0 + place + float(row[3])), *row[4:]] for place, row in enumerate(rows[1:])]
    with (second / "tables" / "costs.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    documents = [f"typeset/{path.stem}" for path in second.glob("records/typeset/*.json")]
    run_again(elsewhere, "plot/comparison-cost", "render/report", *documents, "manifest/manifest")
    for name in ("report/index.html", "figures/comparison-cost.svg"):
        assert (second / name).read_bytes() != (here / QUICK / name).read_bytes(), name
    done = tool("verify", "--against", str(second), repository=here)
    assert done.returncode == 0, done.stdout
    assert "the two builds are the same" in done.stdout
    assert not list((here / ".snakemake").glob("verify-*"))

    kept = torch.load(second / "models" / "nice.pt", weights_only=True)
    next(iter(kept["state"].values())).flatten()[0] += 0.5
    torch.save(kept, second / "models" / "nice.pt")
    run_again(elsewhere, "manifest/manifest")
    done = tool("verify", "--against", str(second), repository=here)
    assert done.returncode == 1
    assert re.search(r"^models/nice\.pt: state\.\S+ differs by at most 0\.5$", done.stdout, re.MULTILINE), done.stdout
    assert re.search(r"^report, with the first build's times +\d+ +\d+ +0$", done.stdout, re.MULTILINE), done.stdout
