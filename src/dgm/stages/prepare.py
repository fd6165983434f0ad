"""Write a data set as arrays, with a record of where they came from."""

import argparse
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dgm.data.sources import DATASETS, load
from dgm.runtime.files import save_arrays, write_text
from dgm.runtime.stage import parser, run
from dgm.settings import Limits, parse


def work(arguments: argparse.Namespace) -> dict[str, Any]:
    """Load, cap, and write ``images.npz`` and ``provenance.json``."""
    limits = parse(Limits, json.loads(arguments.limits), "limits")
    loaded = load(arguments.dataset, arguments.data_dir)
    arrays = loaded.data.first(limits.train_images, limits.test_images).arrays()
    source = asdict(DATASETS[arguments.dataset])
    record = {
        "dataset": arguments.dataset,
        "title": source["title"],
        "licence": source["licence"],
        "reference": source["reference"],
        **loaded.origin,
        "images": {"train": len(arrays["train_images"]), "test": len(arrays["test_images"])},
        "sha256": {name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in arrays.items()},
    }
    save_arrays(arguments.images, arrays)
    write_text(arguments.provenance, json.dumps(record, indent=1) + "\n")
    return {"dataset": arguments.dataset, "way": loaded.origin["way"], "images": record["images"]}


def main(argv: Sequence[str] | None = None) -> int:
    """Command line of the stage."""
    made = parser(__doc__)
    made.add_argument("--dataset", required=True, help=f"one of {', '.join(DATASETS)}")
    made.add_argument("--data-dir", default="", help="folder with the IDX files; empty to download")
    made.add_argument("--limits", default="{}", help="caps, as JSON")
    made.add_argument("--images", type=Path, required=True, help="array file to write")
    made.add_argument("--provenance", type=Path, required=True, help="JSON file to write: source, licence, checksums")
    return run(work, made.parse_args(argv), "prepare")


if __name__ == "__main__":
    raise SystemExit(main())
