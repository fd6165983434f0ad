"""Snakemake as a user calls it, and repositories small enough to be built in a test.

How the workflow is tested:

- The whole workflow on the budgets of ``tests/smoke.yaml`` is built once (:func:`smoke_build`), in a clone below
  ``.pytest_cache/smoke``, which later calls of pytest bring up to date instead of building anew. Tests that change anything work
  on copies, or on a :func:`small_repository`.
- ``make test-slurm`` (``tests/slurm``) builds an assignment of seven runs through a Slurm of one node with two made-up GPUs,
  takes two jobs away from their trainings, and demands that ``dgm.reproduce.verify`` finds no difference to the build without
  Slurm.
- Files of tests that build come first, so that no process waits for them at the end (``tests/conftest.py``).
- No GPU is needed to see where a tensor lies: ``tests/made_up_device.py`` is a mode of torch that enforces the rules of two
  devices in main memory and notes what waits for the GPU. ``tests/runtime/test_device_placement.py`` takes every path of
  ``config.yaml`` through it, stopped trainings too. A wait within a training step fails, unless its list ``ALLOWED`` gives the
  reason. What CUDA computes, and how fast, is not tested there.
- While editing, ``make quick`` runs the lint of the code and, for 45 seconds, the tests that import or name what changed since
  the last commit (``tests/touched.py``). It leaves out whole builds.
"""

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from dgm.assignments import PACKAGE
from dgm.runtime.device import STAGE_ENVIRONMENT
from dgm.runtime.files import save_json
from dgm.runtime.fork_server import SOCKET, start

__all__ = [
    "MADE_UP_GPUS",
    "QUICK",
    "REPOSITORY",
    "SHIPPED",
    "SMOKE",
    "allow_made_up_gpus",
    "command",
    "copy_sources",
    "one_server",
    "planned",
    "quick",
    "small_repository",
    "smoke_build",
    "snakemake",
    "tool",
    "toy_repository",
    "unsealed",
]

REPOSITORY = PACKAGE.parents[1]
SHIPPED: dict[str, Any] = yaml.safe_load((REPOSITORY / "config.yaml").read_text())

SMOKE = ("--configfile", "tests/smoke.yaml")
"""Options of the quick build."""

QUICK = f"results/{SHIPPED['dataset']}-smoke"
"""Results folder of the quick build, seen from its clone."""

UNFINISHED = shutil.ignore_patterns("*.pyc.*", "provenance.[0-9]*")
"""What others are writing into ``__pycache__``; the rest of it spares a copy to compile and read all modules again."""

MADE_UP_GPUS = ("GPU-1a", "GPU-2b")
"""Cards that this machine does not have: the jobs of the quick build take turns on them and compute on the CPU."""


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


def unsealed(record: Path) -> dict[str, Any]:
    """What a record says, without the checksums of itself and of the tables that its job wrote: for files that a test changes."""
    return {key: value for key, value in json.loads(record.read_text(encoding="utf-8")).items() if key not in ("seal", "written")}


def rewrite(record: Path, **changes: object) -> None:
    """Change a record, with the checksum of itself and without those of the tables that its job wrote."""
    content = {**unsealed(record), **changes}
    record.unlink()  # it may be a link to the record of another build
    save_json(record, content)


def quick(clone: Path, *words: str, cores: int = 2, **environment: str) -> subprocess.CompletedProcess[str]:
    """A call on tiny budgets in a copy of the sources."""
    return snakemake("--cores", str(cores), *SMOKE, *words, repository=clone, folder=clone, **environment)


def tool(name: str, *words: str, repository: Path) -> subprocess.CompletedProcess[str]:
    """Run ``python -m dgm.reproduce.<name>`` in a clone; what it says on both channels is ``stdout``."""
    environment = {**os.environ, "PYTHONPATH": str(repository / "src")}
    called = [sys.executable, "-m", f"dgm.reproduce.{name}", *words]
    return subprocess.run(
        called, cwd=repository, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


@contextmanager
def one_server(repository: Path = REPOSITORY) -> Iterator[None]:
    """Have one process run the stages of all calls inside, which saves each of them the imports.

    Its code is that of ``repository`` now, whatever the place of a call holds.
    """
    server = start({**os.environ, **STAGE_ENVIRONMENT, "PYTHONPATH": str(repository / "src")})
    try:
        yield
    finally:
        if server is not None:
            server.communicate()
            del os.environ[SOCKET]


def copy_sources(root: Path) -> Path:
    """Make ``root`` hold what a clone does, as far as the workflow reads it; results that it holds stay."""
    root.mkdir(parents=True, exist_ok=True)
    for name in ("assignments", "src", "workflow", "report", "profiles", "tests"):
        shutil.rmtree(root / name, ignore_errors=True)
        shutil.copytree(REPOSITORY / name, root / name, ignore=UNFINISHED)
    for name in ("Snakefile", "config.yaml", "CITATION.cff"):
        shutil.copy(REPOSITORY / name, root / name)
    if not (root / "node_modules").is_symlink():
        (root / "node_modules").symlink_to(REPOSITORY / "node_modules")
    return root


def allow_made_up_gpus(clone: Path) -> None:
    """Let jobs of this clone hold :data:`MADE_UP_GPUS`: elsewhere a job that finds no CUDA on its GPU stops."""
    text = "from dgm.runtime import device\n\ndevice._demand_cuda = lambda seen: None\n"
    (clone / "src" / "sitecustomize.py").write_text(text)  # Python imports it before anything else


def smoke_build() -> Path:
    """A clone that holds the quick build; do not change its files.

    It is kept beside what pytest remembers and brought up to date, as any build is, so that only the first call after a change
    takes minutes. Processes of pytest-xdist share it: one builds, the others wait.
    """
    root = REPOSITORY / ".pytest_cache" / "smoke"
    root.parent.mkdir(exist_ok=True)
    with root.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        allow_made_up_gpus(copy_sources(root))
        done = quick(root, CUDA_VISIBLE_DEVICES=",".join(MADE_UP_GPUS))
    assert done.returncode == 0, done.stdout[-8000:]
    return root


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
        shutil.copytree(source / name, folder / name, ignore=UNFINISHED)
    for name in ("Snakefile", "CITATION.cff"):
        shutil.copy(source / name, folder / name)
    shutil.copytree(source / "report", folder / "report", ignore=shutil.ignore_patterns("chapters", "figures.yaml", "tables.yaml"))
    toy = folder / "assignments" / "toy"
    toy.mkdir(parents=True)
    (toy / "assignment.yaml").write_text(OPEN_QUESTION)
    needed = {name: {"kind": "classifier"} for name in ("classifier", "second")}  # which measure the samples of others
    smoke = yaml.safe_load((source / "tests" / "smoke.yaml").read_text())
    whole = {
        "assignments": ["toy"],
        "judges": list(needed),
        "dataset": "mnist-5k",
        "seed": 0,
        "rings": {},
        "runs": {**needed, **(runs or {"nice": {"kind": "nice"}})},
        **smoke,
        **config,
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(whole))
    return folder


OPEN_QUESTION = """
title: Toys
questions:
  - {id: toy-1, title: The first one, statement: Say it.}
"""

TOY_QUESTIONS = """
title: Toys
intro: Two questions.
runs: [RUNS]
questions:
  - {id: toy-1, title: The first one, statement: Say it., kind: program}
  - {id: toy-2, title: The second one, statement: Say it too., kind: program}
"""

TOY_ANSWER = """---
question: toy-{n}
figures: [{run}-curve]
---
The flow `{run}` reaches << num("{run}", "log_likelihood") >> nats.
<% finding "toy-{n}/finite" %>That is much.<% undecided %>Nobody knows.<% contradicted %>That is little.<% endfinding %>


<< fig("{run}-curve") >>
"""

TOY_FIGURE = """
{run}-curve:
  draw: learning_curves
  from: {{run: history/{run}.csv}}
  settings:
    panels: [{{title: A flow, curves: [{{source: run, term: log_likelihood, label: training}}]}}]
  caption: A curve.
  alt: The learning curve of a flow.
"""

TOY_CHECK = '''
"""Claims of the toys."""

from collections.abc import Iterable

from dgm.claims.claim import Claim, Finding
from dgm.claims.evidence import Evidence
from dgm.claims.registry import question

SUM = 4


@question("toy-1")
def toy_1(evidence: Evidence) -> Iterable[Claim | Finding]:
    """Of the first run."""
    yield Claim("sum", "two and two", "enumeration", 4, SUM)
    yield Finding("finite", "its likelihood is much", evidence.measured("{first}", "log_likelihood"), above=0.0)


@question("toy-2")
def toy_2(evidence: Evidence) -> Iterable[Claim | Finding]:
    """Of the second run."""
    yield Claim("sum", "one and one", "enumeration", 2, 1 + 1)
    yield Finding("finite", "its likelihood is much", evidence.measured("{second}", "log_likelihood"), above=0.0)
'''


def toy_repository(folder: Path, runs: Mapping[str, Any], **config: Any) -> Path:
    """Make ``folder`` a :func:`small_repository` with an assignment of two questions, one on each of the first two ``runs``.

    Both must have a log-likelihood.
    """
    repository = small_repository(REPOSITORY, folder, runs, **config)
    pair = tuple(runs)[:2]
    toy = repository / "assignments" / "toy"
    (toy / "assignment.yaml").write_text(TOY_QUESTIONS.replace("RUNS", ", ".join(runs)))
    for name in ("claims", "answers"):
        (toy / name).mkdir()
    (toy / "claims" / "toy.py").write_text(TOY_CHECK.format(first=pair[0], second=pair[1]))
    for n, run in enumerate(pair, 1):
        (toy / "answers" / f"toy-{n}.md").write_text(TOY_ANSWER.format(n=n, run=run))
    (toy / "figures.yaml").write_text("".join(TOY_FIGURE.format(run=run) for run in pair))
    (repository / "node_modules").symlink_to(REPOSITORY / "node_modules")
    return repository
