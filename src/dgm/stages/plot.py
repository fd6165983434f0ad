"""Draw one figure of a ``figures.yaml`` from saved results, as SVG and PDF."""

import importlib
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure as Drawing

from dgm.errors import unknown
from dgm.figures import style
from dgm.figures._files import save
from dgm.report.catalogue import Figure, drawing, load_figures
from dgm.report.sources import load_sources
from dgm.runtime import stage

__all__ = ["drawn", "main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    options = stage.parser(__doc__)
    options.add_argument("--figure", required=True, help="name of an entry of the figures file")
    options.add_argument("--figures", type=Path, required=True, help="figures.yaml of an assignment, or report/figures.yaml")
    options.add_argument("--results", type=Path, required=True, help="results/<dataset>, to which the sources are relative")
    options.add_argument("--svg", type=Path, required=True)
    options.add_argument("--pdf", type=Path, required=True)
    return stage.run(work, options.parse_args(argv), "plot")


def work(arguments: Namespace) -> dict[str, Any]:
    """Draw the figure and write both files."""
    figures = load_figures(arguments.figures)
    if arguments.figure not in figures:
        raise unknown("figure", arguments.figure, figures, str(arguments.figures))
    entry = figures[arguments.figure]
    where = f"{arguments.figures}: {arguments.figure}"
    name = drawing(entry, arguments.figures, where)
    with style.context():
        made = drawn(entry, name, arguments.results, where)
        save(made, arguments.figure, arguments.svg, arguments.pdf)
    return {"figure": arguments.figure, "draw": name, "sources": dict(entry.sources)}


def drawn(entry: Figure, name: str, results: Path, where: str) -> Drawing:
    """What the module ``name`` draws of an entry, from the files of a build.

    Raises:
        ValueError: for a source that is missing or unreadable, or a drawing that returns no figure; the message begins with
            ``where``.
    """
    draw: Callable[..., Drawing] = importlib.import_module(name).draw
    sources = load_sources(entry.sources, results, where)
    try:
        made = draw(sources, **entry.settings)
    except (KeyError, TypeError) as error:
        # most often a misspelt alias, array or setting: say where it was asked for, keep the traceback for the log
        raise type(error)(f"{where}: {name}.draw failed: {error!r}") from error
    if not isinstance(made, Drawing):
        raise ValueError(f"{where}: {name}.draw returned {type(made).__name__}; it has to return a figure of matplotlib")
    for _ in range(2):  # the first layout does not know yet which ticks there will be
        made.draw_without_rendering()
    made.set_layout_engine("none")
    return made


if __name__ == "__main__":
    sys.exit(main())
