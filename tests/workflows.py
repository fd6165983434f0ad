"""Snakemake as a user calls it, and repositories small enough to be built in a test."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from dgm.provenance import PACKAGE

__all__ = ["REPOSITORY", "command", "planned", "small_repository", "snakemake"]

REPOSITORY = PACKAGE.parents[1]


def command(*words: str, repository: Path = REPOSITORY, folder: Path) -> list[str]:
    return [sys.executable, "-m", "snakemake", "--directory", str(folder), "-s", str(repository / "Snakefile"), *words]


def snakemake(*words: str, repository: Path = REPOSITORY, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Snakemake in ``folder`` and return what it said on both channels as ``stdout``."""
    return subprocess.run(
        command(*words, repository=repository, folder=folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=repository,
        env={**os.environ, **environment},
        check=False,
    )


def planned(said: str) -> set[tuple[str, str]]:
    """Rule and wildcards of each job that a dry run lists."""
    jobs = set()
    for block in re.split(r"^(?=(?:local)?rule )", said, flags=re.MULTILINE):
        rule = re.match(r"(?:local)?rule (\w+):", block)
        wildcards = re.search(r"^    wildcards: (.*)$", block, re.MULTILINE)
        if rule:
            jobs.add((rule[1], wildcards[1].partition("=")[2] if wildcards else ""))
    return jobs


def small_repository(source: Path, folder: Path, runs: Mapping[str, Any] | None = None, **config: Any) -> Path:
    """Make ``folder`` a repository without figures and demonstrations.

    It has two classifiers and ``runs``, or one flow, within the limits of the smoke build; ``config`` are further entries of its
    ``config.yaml``.
    """
    for name in ("src", "workflow", "profiles"):
        shutil.copytree(source / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(source / "Snakefile", folder / "Snakefile")
    shutil.copytree(source / "report", folder / "report", ignore=shutil.ignore_patterns("answers", "chapters"))
    for name in ("figures", "tables"):
        (folder / "report" / f"{name}.yaml").write_text("{}\n")
    for module in (folder / "src" / "dgm" / "demonstrations").glob("[a-z]*.py"):
        module.unlink()
    needed = {name: {"kind": "classifier"} for name in ("classifier", "classifier_second")}  # which measure the samples of others
    smoke = yaml.safe_load((source / "tests" / "smoke.yaml").read_text())
    whole = {
        "dataset": "mnist-5k",
        "seed": 0,
        "rings": {},
        "runs": {**needed, **(runs or {"nice": {"kind": "nice"}})},
        **smoke,
        **config,
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(whole))
    return folder
