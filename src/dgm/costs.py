"""What the jobs of a run cost in time and memory: from the record that each writes, and from Snakemake's look at its process.

The numbers depend on the machine and differ from build to build, so they stand in a table of their own.
"""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dgm.files import Damaged, load_json
from dgm.measurements import Measured, Reading

__all__ = ["measured", "of_benchmark", "of_record"]

MEGABYTE = 1e6
MEBIBYTE = 2**20
MEASURED = {
    "max_rss": ("peak_memory", "MB", MEBIBYTE / MEGABYTE),
    "s": ("job_seconds", "s", 1.0),
    "cpu_time": ("job_cpu_seconds", "s", 1.0),
}
"""Key of a benchmark file -> metric, unit, factor. Snakemake writes memory in units of 2^20 bytes and calls them MB."""

NEEDED = {"train": ("seconds_in_steps", "epochs", "images_per_second"), "sample": ("seconds_sampling", "count")}
"""What the record of a stage must have."""


def measured(results: Path, stage: str, run: str) -> Iterator[Reading]:
    """Readings of the job ``stage`` of ``run``, from its record and, where there is one, its benchmark file in ``results``.

    Raises:
        ValueError: naming a file that is not readable.
    """
    yield from of_record(stage, load_json(results / "records" / stage / f"{run}.json", NEEDED.get(stage, ())))
    benchmark = results / "benchmarks" / stage / f"{run}.jsonl"
    if benchmark.exists():
        yield from of_benchmark(stage, _last_record(benchmark))


def of_record(stage: str, record: Mapping[str, Any]) -> Iterator[Reading]:
    """What a job measured of itself.

    A training: seconds in optimiser steps, over all attempts of a training that was interrupted (the time of the job is of the
    last one alone); images a second; seconds an epoch; peak memory on the GPU in MB (10^6 bytes), where there was one.
    A sampling: seconds for a thousand samples.
    """
    if stage == "train":
        seconds, epochs = record["seconds_in_steps"], record["epochs"]
        yield "train_seconds", "train", Measured(seconds, n=1, unit="s")
        yield "images_per_second", "train", Measured(record["images_per_second"], n=1, unit="1/s")
        yield "seconds_per_epoch", "train", Measured(seconds / epochs, n=epochs, unit="s")
    if stage == "sample":
        seconds, count = record["seconds_sampling"], record["count"]
        yield "sample_seconds_per_1000", "samples", Measured(1000 * seconds / count, n=count, unit="s")
    if record.get("gpu_peak_bytes") is not None:
        yield "gpu_peak_memory", stage, Measured(record["gpu_peak_bytes"] / MEGABYTE, n=1, unit="MB")


def of_benchmark(stage: str, benchmark: Mapping[str, Any]) -> Iterator[Reading]:
    """What Snakemake measured of the process: largest resident memory in MB (10^6 bytes), wall and processor time in seconds.

    A job that was over before it was looked at has "NA" for what could not be measured, and no reading of it. An interrupted
    training counts from its last start.
    """
    for key, (metric, unit, factor) in MEASURED.items():
        value = benchmark.get(key)
        if isinstance(value, int | float) and math.isfinite(value):
            yield metric, stage, Measured(value * factor, n=1, unit=unit)


def _last_record(path: Path) -> Mapping[str, Any]:
    """Of a file with a record a line."""
    try:
        content: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8").splitlines()[-1])
    except (ValueError, IndexError) as error:
        raise Damaged(path, f"not readable ({error})") from None
    return content
