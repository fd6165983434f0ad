"""Write what a build consists of: checksums, commit, versions, devices, seconds of each job."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dgm.reproduce.manifest import describe
from dgm.runtime import stage
from dgm.runtime.files import save_json

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    options = stage.parser(__doc__)
    options.add_argument("--results", type=Path, required=True, help="results/<dataset>")
    options.add_argument("--manifest", type=Path, required=True, help="JSON file to write")
    return stage.run(work, options.parse_args(argv), "manifest")


def work(arguments: argparse.Namespace) -> dict[str, Any]:
    """Describe the build and write it down."""
    described = {**stage.commit(), **describe(arguments.results)}
    save_json(arguments.manifest, described)
    return {"artefacts": len(described["artefacts"])}


if __name__ == "__main__":
    sys.exit(main())
