"""The one home of sizes, colours and fonts of all figures, and of how a figure becomes files.

A figure module ``dgm/figures/<name>.py`` defines ``draw(sources, **settings) -> Figure``; ``sources`` maps the aliases of
``figures.yaml`` to arrays (``.npz``), data frames (``.csv``) or mappings (``.json``).
It draws what it is given and computes nothing::

    def draw(sources: Mapping[str, Any], *, columns: int = 10) -> Figure:
        return style.image_grid(sources["samples"]["images"], columns=columns)

The plot stage calls ``draw`` inside :func:`context`, so a module need not touch matplotlib's settings. Nothing here uses
``pyplot``: figures are plain objects without a window or global state.
"""

import io
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dgm.runtime.files import write_bytes

__all__ = [
    "COLOURS",
    "CYCLE",
    "HEIGHT_OF_TITLE",
    "INK",
    "LINES",
    "SEQUENTIAL",
    "WIDTH",
    "context",
    "figure",
    "image_grid",
    "label_panels",
    "save",
    "show_image",
    "show_images",
    "tile",
]

WIDTH = 6.3
"""Width of the text block of the report in inches: a figure of relative width 1 fills it."""

HEIGHT_OF_TITLE = 0.28
"""Room above an image panel for a one-line title, in inches."""

INK = "#222222"
"""Colour of axes and text."""

COLOURS: Mapping[str, str] = {
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "green": "#009E73",
    "purple": "#CC79A7",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "grey": "#6E6E6E",
    "black": "#222222",
}
"""Colours that stay apart for colour-blind readers (the palette of Okabe and Ito, its yellow left out: too pale on white)."""

CYCLE: tuple[str, ...] = tuple(COLOURS.values())
"""The order in which curves take their colours."""

LINES: tuple[str, ...] = ("-", "--", "-.", ":")
"""Line styles, to tell curves apart in a black-and-white print too."""

SEQUENTIAL = "cividis"
"""Colour map of densities and other one-signed fields."""

_SETTINGS: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # ships with matplotlib, so every machine draws the same
    "font.size": 8.0,
    "mathtext.fontset": "cm",
    "axes.titlesize": 8.5,
    "axes.labelsize": 8.0,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "legend.fontsize": 7.0,
    "legend.frameon": False,
    "axes.prop_cycle": cycler(color=list(CYCLE)),
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.4,
    "lines.markersize": 3.5,
    "figure.facecolor": "white",
    "figure.dpi": 100.0,
    "savefig.facecolor": "white",
    "image.interpolation": "none",  # vector files keep the pixels of an image as they are
    "image.cmap": SEQUENTIAL,
    "svg.fonttype": "path",  # the reader needs no font
    "svg.hashsalt": "dgm",  # the ids in the file depend on its content only
    "pdf.fonttype": 42,
    "pdf.compression": 9,
}


@contextmanager
def context() -> Iterator[None]:
    """Matplotlib's defaults with the settings of this module, whatever the user's ``matplotlibrc`` says."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        yield


def figure(rows: int = 1, cols: int = 1, width: float = 1.0, aspect: float = 0.72, **subplots: Any) -> tuple[Figure, NDArray[Any]]:
    """An empty figure with a grid of axes.

    Args:
        rows: number of rows of panels.
        cols: number of columns of panels.
        width: fraction of the text width, in (0, 1].
        aspect: height of one panel divided by its width.
        subplots: passed to :meth:`matplotlib.figure.Figure.subplots` (``sharex``, ``width_ratios``, …).

    Returns:
        The figure and its axes, always an array of shape [rows, cols].

    Raises:
        ValueError: when ``rows``, ``cols``, ``width`` or ``aspect`` is out of range.
    """
    if rows < 1 or cols < 1:
        raise ValueError(f"figure: got rows={rows}, cols={cols}; both must be at least 1")
    if not 0 < width <= 1 or aspect <= 0:
        raise ValueError(f"figure: got width={width}, aspect={aspect}; width is a fraction of the text width, aspect is positive")
    inches = WIDTH * width
    made = Figure(figsize=(inches, inches / cols * aspect * rows), layout="constrained")
    FigureCanvasAgg(made)
    return made, np.asarray(made.subplots(rows, cols, squeeze=False, **subplots))


def tile(images: NDArray[Any], columns: int, gap: int = 2, background: float | None = None) -> NDArray[Any]:
    """Put images side by side, row by row, with a gap between them.

    Args:
        images: [n, height, width], or [n, 1, height, width], or [n, side²] (square images, flattened).
        columns: images in a row; the last row is filled up with the background.
        gap: pixels between two images.
        background: value of gaps and empty places; by default the largest value of ``images``, which is white on a grey map.

    Returns:
        One array [rows * (height + gap) - gap, columns * (width + gap) - gap].

    Raises:
        ValueError: for an empty or wrongly shaped array, or ``columns`` < 1.
    """
    images = np.asarray(images)
    if images.ndim == 4 and images.shape[1] == 1:
        images = images[:, 0]
    if images.ndim == 2 and images.shape[1] == int(np.sqrt(images.shape[1]) + 0.5) ** 2:
        side = int(np.sqrt(images.shape[1]) + 0.5)
        images = images.reshape(-1, side, side)
    if images.ndim != 3 or len(images) == 0:
        raise ValueError(
            f"tile: got images of shape {images.shape}; need [n, height, width], [n, 1, height, width] or [n, side²], n > 0"
        )
    if columns < 1:
        raise ValueError(f"tile: got columns={columns}; need at least 1")
    count, height, width = images.shape
    rows = -(-count // columns)
    fill = images.max() if background is None else background
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), fill, dtype=images.dtype)
    for place, image in enumerate(images):
        top, left = (place // columns) * (height + gap), (place % columns) * (width + gap)
        sheet[top : top + height, left : left + width] = image
    return sheet


def show_image(axes: Axes, image: NDArray[Any], title: str = "", cmap: str = "gray", **imshow: Any) -> None:
    """Show one [height, width] array with crisp pixels and without ticks."""
    axes.imshow(image, cmap=cmap, interpolation="none", **imshow)
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
    axes.spines[:].set_visible(False)
    if title:
        axes.set_title(title)


def show_images(axes: Axes, images: NDArray[Any], columns: int, title: str = "", **imshow: Any) -> None:
    """Show :func:`tile` of ``images`` in one panel, for figures that mix image panels with others."""
    show_image(axes, tile(images, columns), title, **imshow)


def image_grid(
    images: NDArray[Any] | Mapping[str, NDArray[Any]], columns: int = 10, width: float = 1.0, gap: int = 2, **imshow: Any
) -> Figure:
    """A figure of image tiles; a mapping gives one titled panel an entry, side by side.

    Args:
        images: an array that :func:`tile` accepts, or titles mapped to such arrays.
        columns: images in a row of each panel.
        width: fraction of the text width of the whole figure.
        gap: pixels between two images.
        imshow: passed on to ``imshow``, e.g. ``vmin=0, vmax=1``.
    """
    panels = images if isinstance(images, Mapping) else {"": images}
    sheets = {title: tile(array, columns, gap) for title, array in panels.items()}
    room = HEIGHT_OF_TITLE if any(sheets) else 0.0
    inches = WIDTH * width
    tallest = max(sheet.shape[0] / sheet.shape[1] for sheet in sheets.values())
    made = Figure(figsize=(inches, inches / len(sheets) * tallest + room), layout="constrained")
    FigureCanvasAgg(made)
    for axes, (title, sheet) in zip(made.subplots(1, len(sheets), squeeze=False)[0], sheets.items(), strict=True):
        show_image(axes, sheet, title, **imshow)
    return made


def label_panels(axes: Sequence[Axes] | NDArray[Any]) -> None:
    """Write (a), (b), … before the titles of the panels, in reading order."""
    for index, panel in enumerate(np.asarray(axes, dtype=object).ravel()):
        panel.set_title(f"({chr(ord('a') + index)}) {panel.get_title()}".rstrip(), loc="left")
        panel.set_title("", loc="center")


def save(drawn: Figure, svg: Path, pdf: Path) -> None:
    """Write the figure twice; equal figures give equal bytes, and a file appears whole or not at all."""
    logging.getLogger("fontTools").setLevel(logging.ERROR)  # it reports the date stamps of fonts, about which nothing can be done
    kinds = {name: value for name, value in _SETTINGS.items() if name.split(".")[0] in ("svg", "pdf", "savefig")}
    undated = {
        "svg": {"Date": None, "Creator": None},
        "pdf": {"CreationDate": None, "ModDate": None, "Producer": None, "Creator": None},
    }
    with matplotlib.rc_context(kinds):
        for kind, path in (("svg", svg), ("pdf", pdf)):
            buffer = io.BytesIO()
            drawn.savefig(buffer, format=kind, metadata=undated[kind], dpi=200)
            write_bytes(path, buffer.getvalue())
