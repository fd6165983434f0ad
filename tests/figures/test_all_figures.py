"""What holds for every figure: it can be read in print and on a phone, on white and on dark ground, and does not mislead."""

import base64
import io
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import Collection
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, StepPatch
from matplotlib.text import Text
from PIL import Image
from shipped import load

from dgm.figures import style
from dgm.figures._files import shortest_png, shortest_svg
from dgm.report.catalogue import drawing
from dgm.stages import plot

CATALOGUE = load()
FIGURES = CATALOGUE.figures
PHONE = 358
"""Pixels that a page leaves to a figure on a phone of 390."""
PAPER = "#ffffff"
DARK = "#14171b"
ON_MAPS = {"#ffffff", "#000000"}
"""Lines on a colour map, and the plates of short texts on top of points: their ground is drawn with them."""


@pytest.fixture(scope="module")
def picture(tiny_results: Path) -> Callable[[str], Figure]:
    """Draws a figure once."""
    made: dict[str, Figure] = {}

    def draw(name: str) -> Figure:
        if name not in made:
            entry, home = FIGURES[name], CATALOGUE.homes[name]
            with style.context():
                made[name] = plot.drawn(entry, drawing(entry, home, name), tiny_results, name)
        return made[name]

    return draw


@pytest.fixture(scope="module")
def vector(picture: Callable[[str], Figure]) -> Callable[[str], str]:
    """Writes a figure once."""
    made: dict[str, str] = {}

    def write(name: str) -> str:
        if name not in made:
            with style.context():
                buffer = io.BytesIO()
                picture(name).savefig(buffer, format="svg", metadata={"Date": None})
            made[name] = shortest_svg(buffer.getvalue().decode(), name)
        return made[name]

    return write


def texts(made: Figure) -> Iterator[Text]:
    """What can be read."""
    for axes in made.axes:
        off = [] if axes.axison else [axes.xaxis, axes.yaxis]
        hidden = {text for axis in off for text in axis.findobj(Text)}
        ticks = {tick for axis in (axes.xaxis, axes.yaxis) for tick in _outside(axis)}
        yield from (text for text in axes.findobj(Text) if text.get_visible() and text.get_text() and text not in hidden | ticks)
    for part in (*made.legends, *made.texts):
        yield from (text for text in part.findobj(Text) if text.get_text())


def _outside(axis) -> Iterator[Text]:
    """Labels of ticks beyond the ends of an axis, which are never drawn."""
    low, high = sorted(axis.get_view_interval())
    room = 1e-9 * (high - low)
    for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
        if not low - room <= tick.get_loc() <= high + room:
            yield from (tick.label1, tick.label2)


def legends(made: Figure) -> list[Legend]:
    return [*made.legends, *(axes.get_legend() for axes in made.axes if axes.get_legend())]


def panels(made: Figure) -> list[Axes]:
    return [axes for axes in made.axes if axes.axison]


@pytest.mark.parametrize("name", FIGURES)
def test_every_text_can_be_read_in_print_and_on_a_phone(name: str, picture) -> None:
    made = picture(name)
    width = made.get_figwidth()
    assert width == pytest.approx(style.TEXT * FIGURES[name].width)
    sizes = [text.get_fontsize() for text in texts(made)]
    assert min(sizes, default=8.0) >= 7.0
    assert min(sizes, default=8.0) * PHONE / (72 * width) >= 9.0


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_is_cut_off_and_no_legend_lies_on_a_panel_or_on_words(name: str, picture) -> None:
    made = picture(name)
    whole = made.bbox
    for text in texts(made):
        box = text.get_window_extent()
        assert box.x0 > whole.x0 - 2 and box.y0 > whole.y0 - 2, text
        assert box.x1 < whole.x1 + 2 and box.y1 < whole.y1 + 2, text
    shown = legends(made)
    boxes = [legend.get_window_extent() for legend in shown]
    inside = {text for legend in shown for text in legend.findobj(Text)}
    others = [text.get_window_extent() for text in texts(made) if text not in inside]
    for box in boxes:
        assert not any(box.overlaps(axes.get_window_extent()) for axes in panels(made))
        assert not any(box.overlaps(other) for other in others)
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


@pytest.mark.parametrize("name", FIGURES)
def test_titles_and_labels_of_panels_do_not_meet(name: str, picture) -> None:
    words = [text for axes in picture(name).axes for text in (axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label)]
    boxes = [(text, text.get_window_extent()) for text in words if text.get_text() and text.get_visible()]
    for (one, first), (other, second) in combinations(boxes, 2):
        assert not first.overlaps(second), (one, other)


def colours(made: Figure) -> Iterator[str]:
    """Of all lines, areas, points and texts that are drawn in one colour each."""
    for part in made.findobj(Line2D):
        if part.get_linestyle() != "None":
            yield to_hex(part.get_color())
        if part.get_marker() not in ("None", "", None):
            yield from (to_hex(colour) for colour in (part.get_markeredgecolor(), part.get_markerfacecolor()) if colour != "none")
    frames = {legend.get_frame() for legend in legends(made) if not legend.get_frame_on()}
    for part in set(made.findobj(Patch)) - frames:
        yield from (to_hex(colour) for colour in (part.get_facecolor(), part.get_edgecolor()) if colour[3] > 0)
    for part in made.findobj(Collection):
        if part.get_array() is None:
            for some in (part.get_facecolor(), part.get_edgecolor()):
                yield from {to_hex(colour) for colour in some if colour[3] > 0}
    yield from (to_hex(text.get_color()) for text in texts(made))


@pytest.mark.parametrize("name", FIGURES)
def test_every_colour_is_of_the_palette(name: str, picture) -> None:
    known = {colour.lower() for colour in (style.INK, *style.COLOURS.values(), *style.CLASSES)}
    end_of_map = {to_hex(style.SEQUENTIAL(0.0))}  # of a colour bar that goes on
    assert set(colours(picture(name))) <= known | ON_MAPS | end_of_map


def luminance(colour: str) -> float:
    values = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def test_the_palette_stands_out_from_white_and_from_the_dark_ground_of_the_page() -> None:
    sheet = (Path(CATALOGUE.folder) / "templates" / "page" / "page.css").read_text(encoding="utf-8")
    assert DARK in sheet
    for colour in (*style.COLOURS.values(), *style.CLASSES):
        assert contrast(colour, PAPER) >= 3 and contrast(colour, DARK) >= 3
    assert len(set(style.CLASSES)) == 10


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_does_not_mislead(name: str, picture) -> None:
    for axes in panels(picture(name)):
        for axis in (axes.xaxis, axes.yaxis):
            if axis.get_scale() in ("symlog", "asinh"):  # partly linear: the part is marked
                assert [text for text in axes.texts if text.get_text() == "linear"]
                strips = [sorted(patch.get_extents().transformed(axes.transData.inverted()).intervaly) for patch in axes.patches]
                assert any(low == pytest.approx(-high) for low, high in strips)
        if axes.get_yscale() != "linear":  # a bar begins at zero, which such an axis does not have
            assert not [part for part in axes.containers if isinstance(part, BarContainer)]
            assert not [part for part in axes.patches if isinstance(part, StepPatch) and part.get_fill()]


@pytest.mark.parametrize("name", FIGURES)
def test_mathematics_in_figures_is_set_as_in_the_text(name: str, picture) -> None:
    for text in texts(picture(name)):
        plain = re.sub(r"\$[^$]*\$", "", text.get_text())
        assert not re.search(r"[=|^∝²]|\bD\(|\b[KLRM]\b", plain), plain


@pytest.mark.parametrize("name", FIGURES)
def test_a_vector_file_holds_nothing_that_no_reader_needs(name: str, vector) -> None:
    text = vector(name)
    root = ElementTree.fromstring(text)
    assert root.tag.endswith("}svg")
    assert not re.search("<!--|<!DOCTYPE|<metadata|<\\?xml", text)
    assert style.INK.lower() not in text.lower().replace(f"color:{style.INK}".lower(), "")  # ink is the colour of the text around
    for found in re.findall(r"base64,([^\"]+)\"", text):
        png = base64.b64decode(found)
        assert len(png) <= len(shortest_png(png))


def test_figures_on_one_page_share_no_ids(vector) -> None:
    seen: set[str] = set()
    for name in FIGURES:
        ids = set(re.findall(r'\bid="([^"]+)"', vector(name)))
        assert ids and not ids & seen
        seen |= ids


@pytest.mark.parametrize("colour_count", [2, 16, 200, 300])
@pytest.mark.parametrize("seen", ["grey", "coloured", "with holes"])
def test_short_pictures_keep_every_pixel(colour_count: int, seen: str) -> None:
    rng = np.random.default_rng(0)
    palette = rng.integers(0, 256, (colour_count, 4), dtype=np.uint8)
    palette[:, 3] = 255
    if seen == "grey":
        palette[:, 1:3] = palette[:, :1]
    if seen == "with holes":
        palette[::2] = 0
    pixels = palette[rng.integers(0, colour_count, (40, 30))]
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    short = shortest_png(buffer.getvalue())
    assert len(short) <= len(buffer.getvalue())
    np.testing.assert_array_equal(np.array(Image.open(io.BytesIO(short)).convert("RGBA")), pixels)
    if colour_count <= 16:
        assert Image.open(io.BytesIO(short)).mode in ("L", "P")
