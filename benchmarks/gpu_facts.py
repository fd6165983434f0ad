"""What a build does with its GPUs: time, speed, utilisation and memory of every training.

    python benchmarks/gpu_facts.py [--results results/mnist] [--samples FILE] -- --cores all --config dataset=mnist …

Calls Snakemake with what stands after ``--`` while ``nvidia-smi`` is read once a second, and prints a row a run: seconds of the job
and in steps, images a second, mean utilisation of the card that the job held, and the most memory that torch has held on it.
Without ``--`` nothing is built, and a file of samples that an earlier call kept is read.
"""

import argparse
import csv
import json
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
QUERY = ["nvidia-smi", "--query-gpu=timestamp,uuid,utilization.gpu", "--format=csv,noheader,nounits", "--loop=1"]


class Sample(NamedTuple):
    """One reading: seconds since the epoch, the card, its utilisation in percent."""

    time: float
    uuid: str
    utilisation: float


def read(lines: Iterable[str]) -> Iterator[Sample]:
    """The readings in the output of nvidia-smi; a line that was cut off is left out."""
    for row in csv.reader(lines, skipinitialspace=True):
        try:
            stamp, uuid, utilisation = row
            yield Sample(datetime.strptime(stamp, "%Y/%m/%d %H:%M:%S.%f").timestamp(), uuid, float(utilisation))
        except ValueError:
            continue


def facts(record: Mapping[str, Any], samples: Iterable[Sample]) -> dict[str, float]:
    """What one training did with its card, from its record and the readings of that card while it was held."""
    began = datetime.fromisoformat(record["started"]).timestamp()
    start, end = began + record["seconds_waiting"], began + record["seconds"]
    uuid = record["device"]["uuid"]
    seen = [sample.utilisation for sample in samples if sample.uuid == uuid and start <= sample.time <= end]
    return {
        "job, s": record["seconds"] - record["seconds_waiting"],
        "in steps, s": record.get("seconds_in_steps", float("nan")),
        "images/s": record.get("images_per_second", float("nan")),
        "utilisation, %": statistics.mean(seen) if seen else float("nan"),
        "memory, MB": record["gpu_peak_bytes"] / 1e6,
    }


def main() -> int:
    """Build, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path("results/mnist"))
    parser.add_argument("--samples", type=Path, default=Path("gpu_samples.csv"))
    parser.add_argument("options", nargs="*", help="for Snakemake, after --")
    arguments = parser.parse_args()
    if arguments.options:
        if shutil.which(QUERY[0]) is None:
            print(f"{QUERY[0]} is not installed: there is no GPU to watch", file=sys.stderr)
            return 1
        with arguments.samples.open("w") as file, subprocess.Popen(QUERY, stdout=file) as watch:
            try:
                build = subprocess.run([sys.executable, "-m", "snakemake", *arguments.options], cwd=ROOT, check=False)
            finally:
                watch.terminate()
        if build.returncode:
            return build.returncode
    with arguments.samples.open() as file:
        samples = list(read(file))
    records = [json.loads(path.read_text()) for path in sorted((ROOT / arguments.results / "records" / "train").glob("*.json"))]
    rows = {record["run"]: facts(record, samples) for record in records if record["device"]["type"] == "cuda"}
    if not rows:
        print(f"{arguments.results}: no training ran on a GPU", file=sys.stderr)
        return 1
    names = list(next(iter(rows.values())))
    print(f"| run | {' | '.join(names)} |\n|{'---|' * (len(names) + 1)}")
    for run, found in rows.items():
        print(f"| {run} | {' | '.join(f'{found[name]:.4g}' for name in names)} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
