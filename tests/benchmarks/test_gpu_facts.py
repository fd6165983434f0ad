"""Which readings of a card belong to which training."""

import importlib.util
from datetime import UTC, datetime
from types import ModuleType

import pytest

from dgm.assignments import PACKAGE

RECORD = {
    "started": datetime.fromtimestamp(1000, UTC).isoformat(timespec="milliseconds"),
    "seconds": 60.0,
    "seconds_waiting": 20.0,
    "seconds_in_steps": 30.0,
    "images_per_second": 5000.0,
    "gpu_peak_bytes": 2_000_000_000,
    "device": {"type": "cuda", "uuid": "GPU-a"},
}


@pytest.fixture(scope="module")
def gpu_facts() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gpu_facts", PACKAGE.parents[1] / "benchmarks" / "gpu_facts.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_only_readings_of_its_card_while_it_held_it_count(gpu_facts: ModuleType) -> None:
    samples = [
        gpu_facts.Sample(time, uuid, utilisation)
        for time, uuid, utilisation in (
            (1010, "GPU-a", 1), (1020, "GPU-a", 60), (1040, "GPU-a", 80), (1061, "GPU-a", 2), (1040, "GPU-b", 3),
        )
    ]  # fmt: skip
    found = gpu_facts.facts(RECORD, samples)
    assert found == {"job, s": 40.0, "in steps, s": 30.0, "images/s": 5000.0, "utilisation, %": 70.0, "memory, MB": 2000.0}


def test_a_line_that_was_cut_off_is_left_out(gpu_facts: ModuleType) -> None:
    lines = ["2026/01/02 03:04:05.678, GPU-a, 97\n", "2026/01/02 03:04:06.678, GPU-a\n", "[N/A], GPU-a, 1\n"]
    (sample,) = gpu_facts.read(lines)
    assert (sample.uuid, sample.utilisation) == ("GPU-a", 97.0)
    assert datetime.fromtimestamp(sample.time) == datetime(2026, 1, 2, 3, 4, 5, 678000)
