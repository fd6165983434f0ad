"""Render the page, and the LaTeX of the report, its supplement and each assignment, from the answers and the results of a build."""

import json
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dgm.assignments import importable
from dgm.errors import unknown
from dgm.report.build import build
from dgm.report.catalogue import load
from dgm.report.results import Results
from dgm.runtime import stage
from dgm.runtime.files import write_text

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    options = stage.parser(__doc__)
    options.add_argument("--config-json", required=True, help="the whole config of the build, as JSON")
    options.add_argument("--results", type=Path, required=True, help="results/<dataset>")
    options.add_argument("--report-dir", type=Path, required=True, help="report/")
    options.add_argument("--assignments", type=Path, nargs="+", required=True, help="folders of the assignments")
    options.add_argument("--html", type=Path, required=True)
    options.add_argument("--tex", type=Path, required=True)
    options.add_argument("--checks", type=Path, required=True, help="LaTeX file to write: the supplement that lists every check")
    options.add_argument("--parts", type=Path, nargs="*", default=[], help="LaTeX files to write: <assignment>.tex each")
    options.add_argument(
        "--incomplete", action="store_true", help="parts of the build may be missing; mark them where they would stand"
    )
    return stage.run(work, options.parse_args(argv), "render")


def work(arguments: Namespace) -> dict[str, Any]:
    """Render all files, or write none."""
    try:
        config = json.loads(arguments.config_json)
    except ValueError as error:
        raise ValueError(f"--config-json: not JSON ({error})") from None
    if not isinstance(config, dict):
        raise ValueError(f"--config-json: got a {type(config).__name__}; need a mapping")
    for folder in arguments.assignments:
        importable(folder)  # answers may show its code
    catalogue = load(arguments.report_dir, arguments.assignments, config.get("runs"))
    for path in arguments.parts:
        if path.stem not in catalogue.assignments:
            raise unknown("assignment", path.stem, catalogue.assignments, "--parts")
    scatter = arguments.report_dir / "scatter.csv"
    results = Results(arguments.results, config, scatter if scatter.is_file() else None)
    report = build(catalogue, results, arguments.tex.parent, arguments.incomplete)
    write_text(arguments.html, report.html)
    write_text(arguments.tex, report.tex)
    write_text(arguments.checks, report.checks)
    for path in arguments.parts:
        write_text(path, report.parts[path.stem])
    counts = report.counts
    say = stage.logger(arguments.log)
    say(f"{counts['answered']} answers, {counts['figures']} figures, {counts['tables']} tables, {counts['open']} questions open")
    return {"counts": dict(counts)}


if __name__ == "__main__":
    sys.exit(main())
