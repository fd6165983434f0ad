"""Write the numbers that one figure hands to the page, for a reader to explore."""

import importlib
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dgm.errors import unknown
from dgm.report.catalogue import explorable, load_figures
from dgm.report.explorables import as_json
from dgm.report.sources import load_sources
from dgm.runtime import stage
from dgm.runtime.files import write_text

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    options = stage.parser(__doc__)
    options.add_argument("--figure", required=True, help="name of an entry of the figures file, which has the key explore")
    options.add_argument("--figures", type=Path, required=True, help="figures.yaml of an assignment")
    options.add_argument("--results", type=Path, required=True, help="results/<dataset>, to which the sources are relative")
    options.add_argument("--data", type=Path, required=True, help="JSON file to write")
    return stage.run(work, options.parse_args(argv), "export")


def work(arguments: Namespace) -> dict[str, Any]:
    """Export and write."""
    figures = load_figures(arguments.figures)
    explored = {name: figure.explore for name, figure in figures.items() if figure.explore}
    if arguments.figure not in explored:
        raise unknown("figure to explore", arguments.figure, explored, str(arguments.figures))
    entry = explored[arguments.figure]
    where = f"{arguments.figures}: {arguments.figure}.explore"
    name, _ = explorable(entry, arguments.figures, where)
    sources = load_sources(entry.sources, arguments.results, where)
    try:
        content = as_json(importlib.import_module(name).export(sources))
    except (KeyError, TypeError, ValueError) as error:
        raise type(error)(f"{where}: {name}.export failed: {error!r}") from error
    write_text(arguments.data, content)
    return {"figure": arguments.figure, "module": name, "sources": dict(entry.sources), "bytes": len(content)}


if __name__ == "__main__":
    sys.exit(main())
