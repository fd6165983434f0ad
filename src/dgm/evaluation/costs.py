"""What the jobs of a run cost in time and memory, from the record that each writes.

The numbers depend on the machine and differ from build to build, so they stand in a table of their own.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dgm.maths.measured import Measured, Reading
from dgm.runtime.files import load_record

__all__ = ["measured", "of_record"]

MEGABYTE = 1e6
USED = {
    "memory_bytes": ("peak_memory", "MB", 1 / MEGABYTE),
    "seconds": ("job_seconds", "s", 1.0),
    "cpu_seconds": ("job_cpu_seconds", "s", 1.0),
}
"""Key of a record -> metric, unit, factor."""

NEEDED = {"train": ("seconds_in_steps", "epochs", "images_per_second"), "sample": ("seconds_sampling", "count")}
"""What the record of a stage must have."""


def measured(results: Path, stage: str, run: str) -> Iterator[Reading]:
    """Readings of the job ``stage`` of ``run``, from its record in ``results``.

    Raises:
        ValueError: naming a file that is not readable.
    """
    yield from of_record(stage, load_record(results / "records" / stage / f"{run}.json", NEEDED.get(stage, ())))


def of_record(stage: str, record: Mapping[str, Any]) -> Iterator[Reading]:
    """What a job measured of itself.

    A training: seconds in optimiser steps, over all attempts of a training that was interrupted (the time of the job is of the
    last one alone); images a second; seconds an epoch; peak memory on the GPU in MB (10^6 bytes), where there was one.
    A sampling: seconds for a thousand samples. Every job: wall and processor time in seconds, largest resident memory in MB; a
    training that was interrupted counts from its last start.
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
    for key, (metric, unit, factor) in USED.items():
        if key in record:
            yield metric, stage, Measured(record[key] * factor, n=1, unit=unit)
