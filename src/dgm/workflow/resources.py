"""What the jobs of a run ask of a scheduler: CPU threads, GPUs, memory and time, read from ``workflow/resources.yaml``.

None of it changes a result, so it is no part of ``config.yaml``, and changing it retrains nothing.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, PositiveInt

from dgm.errors import unknown
from dgm.runtime.yaml_files import read_yaml
from dgm.settings import Settings, parse

__all__ = ["STAGES", "Request", "Requests"]

STAGES = ("train", "sample", "reference", "evaluate", "estimate")
"""The stages whose jobs belong to one run."""


class Request(Settings):
    """What one job asks for."""

    threads: int = Field(ge=1, description="CPU threads, where cores are few")
    threads_from: dict[PositiveInt, PositiveInt] = Field({}, description="cores of the build -> CPU threads from so many cores on")
    gpu: int = Field(ge=0, le=1, description="GPUs; no job uses more than one")
    mem_mb: int = Field(ge=100, description="memory in MB")
    runtime: int = Field(ge=1, description="minutes")

    def threads_with(self, cores: int | None) -> int:
        """Threads in a build with so many cores (``--cores``; None where a scheduler has them).

        The number of threads settles the order in which sums are added, and with it the last digits of a trained model: builds
        promise equal bytes for equal threads.
        """
        reached = [least for least in self.threads_from if cores is not None and least <= cores]
        return self.threads_from[max(reached)] if reached else self.threads


Stages = dict[str, dict[str, Any]]
"""Stage -> what is said of its request."""


class Asked(Settings):
    """The blocks of ``workflow/resources.yaml``."""

    every_run: Stages = Field({})
    kinds: dict[str, Stages] = Field({})
    runs: dict[str, Stages] = Field({})


class Requests:
    """The requests of all runs.

    Args:
        path: a YAML file: ``every_run`` is stage -> request, ``kinds`` and ``runs`` are name -> stage -> what differs from it.
        kinds: of each run, by name.
        known: all kinds of models.

    Raises:
        ValueError: naming the file and the key that is unknown, missing or impossible.
    """

    def __init__(self, path: Path, kinds: dict[str, str], known: Iterable[str]) -> None:
        self._path, self._kinds = path, kinds
        content = read_yaml(path)
        if not isinstance(content, Mapping):
            raise ValueError(f"{path}: got a {type(content).__name__}; need a mapping")
        for key in set(content) - set(Asked.model_fields):
            raise unknown("block", key, Asked.model_fields, str(path))
        self._asked = parse(Asked, content, str(path))
        for what, blocks, names in (("kind", self._asked.kinds, list(known)), ("run", self._asked.runs, list(kinds))):
            for name, stages in blocks.items():
                if name not in names:
                    raise unknown(what, name, names, f"{path}: {what}s")
                for stage in set(stages) - set(STAGES):
                    raise unknown("stage", stage, STAGES, f"{path}: {what}s.{name}")
        self._made: dict[tuple[str, str, str], Request] = {}
        for run in kinds:
            for stage in STAGES:
                self.of(stage, run)

    def of(self, stage: str, run: str) -> Request:
        """The request of one job at its first attempt."""
        kind = self._kinds[run]
        own = self._asked.runs.get(run, {}).get(stage, {})
        key = (stage, kind, run if own else "")
        if key not in self._made:
            block = {**self._asked.every_run.get(stage, {}), **self._asked.kinds.get(kind, {}).get(stage, {}), **own}
            self._made[key] = parse(Request, block, f"{self._path}: {stage} of run {run}")
        return self._made[key]
