"""The one home of sizes, colours, fonts and layouts of all figures.

A figure module ``dgm/figures/<name>.py`` defines ``draw(sources, **settings) -> Figure``; ``sources`` maps the aliases of
``figures.yaml`` to arrays (``.npz``), data frames (``.csv``) or mappings (``.json``).
It draws what it is given and computes nothing::

    def draw(sources: Mapping[str, Any], *, columns: int = 10) -> Figure:
        made, axes = style.figure()
        style.show_images(axes[0, 0], sources["samples"]["images"], columns)
        return made

The plot stage calls ``draw`` inside :func:`context`, so a module need not touch matplotlib's settings. Nothing here uses
``pyplot``: figures are plain objects without a window or global state.

A figure has no ground of its own: paper shows through, or a dark page. What is drawn in :data:`INK` takes the colour of the text
around it; all other colours stand out from both grounds (:data:`COLOURS`, :data:`CLASSES`).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.legend import Legend
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import ScaledTranslation
from numpy.typing import NDArray

__all__ = [
    "CLASSES",
    "COLOURS",
    "CYCLE",
    "INK",
    "LINES",
    "SEQUENTIAL",
    "SETTINGS",
    "SHADES",
    "SHARE",
    "TEXT",
    "area",
    "context",
    "figure",
    "label_panels",
    "legend",
    "legend_below",
    "linear_zone",
    "panels",
    "points",
    "room_for_titles",
    "show_field",
    "show_image",
    "show_images",
    "tile",
    "whole_numbers",
    "write",
]

TEXT = 6.3
"""Width of the text block of the report in inches."""

SHARE = 0.7
"""Width of a figure as a fraction of the text block, unless it says otherwise: its 8 points are 9 pixels on a phone."""

INK = "#222222"
"""Colour of axes and text in print; the SVG file writes ``currentColor`` in its place."""

COLOURS: Mapping[str, str] = {
    "blue": "#0072B2",
    "vermilion": "#C94A00",
    "green": "#009E73",
    "purple": "#C673A0",
    "ochre": "#B58A00",
    "sky": "#3D9AD1",
    "grey": "#747474",
}
"""Colours after the palette of Okabe and Ito, its pale ones darkened: all have a contrast of 3 to white and to a dark page."""

CYCLE: tuple[str, ...] = (*COLOURS.values(), INK)
"""The order in which curves take their colours."""

CLASSES: tuple[str, ...] = (
    "#0081D2",
    "#CA805A",
    "#037A20",
    "#B60BA4",
    "#A39208",
    "#8420FF",
    "#679086",
    "#B73258",
    "#706FFF",
    "#C279B7",
)
"""Colours of the ten classes, in all figures the same; found by a search for the largest distances to every kind of eye."""

LINES: tuple[str, ...] = ("-", "--", "-.", ":")
"""Line styles, to tell curves apart in a black-and-white print too."""

SEQUENTIAL = matplotlib.colormaps["cividis"].resampled(64)
"""Colour map of densities and other one-signed fields that fill their panel; with few enough steps to make small files."""

SHADES = LinearSegmentedColormap.from_list("shades", [(*to_rgb(COLOURS["blue"]), alpha) for alpha in (0.0, 1.0)], N=64)
"""Colour map from nothing to full blue, for fields that carry lines and text."""

_FAINT = 0.14
_BELOW = 29.0  # points from an axis to what stands below its ticks and its label
_LINE = 0.16  # inches of a line of a legend

SETTINGS: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # ships with matplotlib, so every machine draws the same
    "font.size": 8.0,
    "mathtext.fontset": "cm",
    "axes.titlesize": 8.5,
    "axes.labelsize": 8.0,
    "axes.labelpad": 2.5,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "xtick.major.pad": 2.5,
    "ytick.major.pad": 2.5,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "legend.fontsize": 8.0,
    "legend.title_fontsize": 8.0,
    "legend.frameon": False,
    "legend.handlelength": 1.7,
    "legend.handletextpad": 0.5,
    "legend.columnspacing": 1.2,
    "legend.labelspacing": 0.35,
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
    "axes.facecolor": "none",
    "grid.color": INK,
    "grid.alpha": _FAINT,
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.4,
    "lines.markersize": 3.5,
    "figure.facecolor": "none",
    "figure.dpi": 100.0,
    "figure.constrained_layout.w_pad": 0.03,
    "figure.constrained_layout.h_pad": 0.03,
    "savefig.facecolor": "none",
    "image.interpolation": "none",  # vector files keep the pixels of an image as they are
    "image.cmap": "cividis",
    "path.simplify_threshold": 0.2,
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
        matplotlib.rcParams.update(SETTINGS)
        yield


def figure(rows: int = 1, cols: int = 1, width: float = SHARE, aspect: float = 0.8, **subplots: Any) -> tuple[Figure, NDArray[Any]]:
    """An empty figure with a grid of axes.

    Args:
        rows: number of rows of panels.
        cols: number of columns of panels; more than two leave little room beside the text of ticks and labels.
        width: fraction of the text width, in (0, 1]; the same as ``width`` of its entry in ``figures.yaml``.
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
    inches = TEXT * width
    made = Figure(figsize=(inches, inches / cols * aspect * rows), layout="constrained")
    FigureCanvasAgg(made)
    return made, np.asarray(made.subplots(rows, cols, squeeze=False, **subplots))


def panels(count: int, aspect: float = 0.85, lines: int = 0, **subplots: Any) -> tuple[Figure, list[Axes], Axes | None]:
    """A figure with ``count`` panels, two in a row.

    Args:
        count: number of panels.
        aspect: height of a panel divided by its width.
        lines: lines of a legend below each panel, for which the figure becomes higher.
        subplots: passed to :meth:`matplotlib.figure.Figure.subplots`.

    Returns:
        The figure, its panels in reading order, and the empty place after the last one, for a legend, where there is one.
    """
    rows, columns = -(-count // 2), min(count, 2)
    room = lines * _LINE * columns / (TEXT * SHARE)
    made, axes = figure(rows, columns, aspect=aspect + room, **subplots)
    used, spare = axes.ravel()[:count].tolist(), axes.ravel()[count:].tolist()
    for axis in spare:
        axis.set_axis_off()
    return made, used, spare[0] if spare else None


def legend(made: Figure, axes: Sequence[Axes], place: Axes | None = None, columns: int = 3, where: str = "lower") -> None:
    """One legend for several panels, each label once: in the panel ``place`` if given, else below or above all, in columns."""
    found: dict[str, Any] = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    if place is None:
        outside: Any = f"outside {where} center"
        shown = made.legend(list(found.values()), list(found), loc=outside, ncols=min(columns, len(found)))
    else:
        shown = place.legend(list(found.values()), list(found), loc="center", labelspacing=0.6)
    _enlarge(shown)


def legend_below(panel: Axes) -> None:
    """The legend of one panel below its axis, where no curve can run under it."""
    drop = _BELOW if panel.get_xlabel() else _BELOW / 2
    below = panel.transAxes + ScaledTranslation(0, -drop / 72, panel.get_figure(root=True).dpi_scale_trans)  # type: ignore[union-attr]
    _enlarge(panel.legend(loc="upper center", bbox_to_anchor=(0.5, 0), bbox_transform=below, borderaxespad=0))


def _enlarge(shown: Legend) -> None:
    """Points that are small because they are many can be seen in the legend."""
    for handle in shown.legend_handles:
        if isinstance(handle, PathCollection):
            handle.set_sizes([max(12.0, *handle.get_sizes())])


def linear_zone(panel: Axes, half: float, scale: str = "symlog", side: str = "right") -> None:
    """A vertical axis for values of both signs: linear up to ``half`` to either side of zero, in a shaded strip that says so.

    The word stands at one ``side``. Beyond the strip the axis is logarithmic; with ``scale="asinh"`` one passes smoothly into the
    other, so that curves get no kink.
    """
    panel.set_yscale(scale, **{"linthresh" if scale == "symlog" else "linear_width": half})
    panel.axhspan(-half, half, color=COLOURS["grey"], alpha=0.15, linewidth=0, zorder=0)
    at = 0.98 if side == "right" else 0.02
    panel.text(at, half, "linear", transform=panel.get_yaxis_transform(), ha=side, va="top")


def whole_numbers(panel: Axes) -> None:
    """Ticks of the horizontal axis at whole numbers, such as epochs."""
    panel.xaxis.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))


def tile(images: NDArray[Any], columns: int, gap: int = 2, background: float = np.nan) -> NDArray[Any]:
    """Put images side by side, row by row, with a gap between them.

    Args:
        images: [n, height, width], or [n, 1, height, width], or [n, side²] (square images, flattened).
        columns: images in a row; the last row is filled up with the background.
        gap: pixels between two images.
        background: value of gaps and empty places; by default nothing is drawn there.

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
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), background, dtype=np.float64)
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
    """Show :func:`tile` of ``images`` in one panel."""
    show_image(axes, tile(images, columns), title, **imshow)


def show_field(panel: Axes, x: NDArray[Any], y: NDArray[Any], values: NDArray[Any], **imshow: Any) -> AxesImage:
    """Colours of ``values`` [len(y), len(x)] on an even grid, smooth between its points."""
    across, up = ((axis[-1] - axis[0]) / (len(axis) - 1) / 2 for axis in (x, y))  # a pixel reaches half a step to either side
    extent = (x[0] - across, x[-1] + across, y[0] - up, y[-1] + up)
    settings: dict[str, Any] = {
        "origin": "lower",
        "aspect": "auto",
        "interpolation": "bilinear",
        "interpolation_stage": "data",
        "cmap": SEQUENTIAL,
    } | imshow
    shown = panel.imshow(values, extent=extent, **settings)
    panel.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    panel.grid(False)
    return shown


def room_for_titles(titles: Sequence[str], across: int) -> float:
    """What titles above image panels add to the aspect of a panel where ``across`` share the width: each line takes some."""
    lines = max((title.count("\n") + 1 for title in titles if title), default=0)
    return (_LINE * lines + 0.07) * across / (TEXT * SHARE)


def area(panel: Axes, x: NDArray[Any], y: NDArray[Any], **settings: Any) -> None:
    """Fill from a curve down to zero, through at most some 250 of its points."""
    step = max(1, len(x) // 250)
    x, y = x[::step], y[::step]
    panel.fill([x[0], *x, x[-1]], [0, *y, 0], **({"linewidth": 0} | settings))


def points(panel: Axes, places: NDArray[Any], size: float, **settings: Any) -> None:
    """Many points [n, 2] as one picture of fixed resolution and few colours, so that the file does not grow with their number."""
    x, y = places.T
    panel.scatter(x, y, s=size, linewidths=0, rasterized=True, antialiased=False, **settings)


def write(panel: Axes, at: Sequence[float], text: str, offset: tuple[float, float] = (0, 0), edge: str = "none") -> None:
    """A short text on top of points or a map: black on a white plate, on any ground."""
    panel.annotate(
        text,
        (float(at[0]), float(at[1])),
        xytext=offset,
        textcoords="offset points",
        ha="center",
        va="center",
        color="black",
        bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": edge, "alpha": 0.85},
        zorder=5,
    )


def label_panels(axes: Sequence[Axes] | NDArray[Any]) -> None:
    """Write (a), (b), … before the titles of the panels, in reading order."""
    for index, panel in enumerate(np.asarray(axes, dtype=object).ravel()):
        panel.set_title(f"({chr(ord('a') + index)}) {panel.get_title()}".rstrip(), loc="left")
        panel.set_title("", loc="center")
