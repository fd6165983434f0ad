"""The replay of a build on other numbers of cores: bounds that every schedule keeps, and a finished build read back."""

import importlib.util
import json
import sys
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgm.assignments import PACKAGE
from dgm.reproduce.snakemake_notes import METADATA, metadata_file


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("replay", PACKAGE.parents[1] / "benchmarks" / "replay.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["replay"] = module
    spec.loader.exec_module(module)
    return module


replay = _load()


@st.composite
def builds(draw: st.DrawFn) -> dict[str, Any]:
    """Jobs that need only such as stand before them."""
    names = [f"job{number}" for number in range(draw(st.integers(1, 12)))]
    return {
        name: replay.Job(
            name,
            draw(st.floats(0.1, 100)),
            frozenset(draw(st.lists(st.sampled_from(names[:place]), max_size=3)) if place else ()),
            draw(st.integers(0, 3)),
        )
        for place, name in enumerate(names)
    }


@given(builds(), st.integers(1, 8), st.floats(0, 1), st.data())
def test_a_schedule_is_no_shorter_than_its_longest_chain_nor_than_its_work_on_all_cores(jobs, cores, parallel, data) -> None:
    threads = {name: data.draw(st.integers(1, cores)) for name in jobs}
    makespan, busy = replay.schedule(jobs, threads, cores, parallel)
    chain = replay.critical_path(jobs, threads, parallel)
    work = sum(threads[name] * job.seconds * (1 - parallel + parallel / threads[name]) for name, job in jobs.items())
    assert makespan >= sum(seconds for _, seconds in chain) * (1 - 1e-9)
    assert makespan * cores * busy == pytest.approx(work)
    assert busy <= 1 + 1e-9
    assert all(earlier in jobs[later].needs for (earlier, _), (later, _) in pairwise(chain))


@given(builds())
def test_one_core_does_one_job_after_the_other(jobs) -> None:
    makespan, busy = replay.schedule(jobs, {}, 1, 0.9)
    assert makespan == pytest.approx(sum(job.seconds for job in jobs.values()))
    assert busy == pytest.approx(1)


def test_the_first_of_two_that_could_start_is_the_more_urgent() -> None:
    asked = {"a": (1, 0), "b": (1, 0), "c": (2, 9)}
    jobs = {name: replay.Job(name, seconds, frozenset(), priority) for name, (seconds, priority) in asked.items()}
    assert replay.schedule(jobs, {}, 2, 0.9)[0] == pytest.approx(2)


def test_a_finished_build_is_read_from_what_snakemake_notes(tmp_path: Path) -> None:
    asked = {"train/flow": ("data/images.npz", "models/flow.pt"), "sample/flow": ("models/flow.pt", "samples/flow.npz")}
    for job, (needed, made) in asked.items():
        outputs = [f"results/x/records/{job}.json", f"results/x/{made}"]
        for output in outputs:
            path = tmp_path / METADATA / metadata_file(output)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"input": [f"results/x/{needed}"], "log": [f"results/x/logs/{job}.log"]}))
        record = tmp_path / outputs[0]
        record.parent.mkdir(parents=True)
        record.write_text(json.dumps({"seconds": 4.0, "cpu_seconds": 3.0}))
    for clock, seconds in (("cpu", 3.0), ("wall", 4.0)):
        found = replay.recorded(tmp_path, "results/x", clock)
        assert {name: (job.seconds, job.needs) for name, job in found.items()} == {
            "train/flow": (seconds, frozenset()),
            "sample/flow": (seconds, frozenset({"train/flow"})),
        }
