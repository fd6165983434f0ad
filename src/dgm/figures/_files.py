"""How a figure becomes files: a PDF for print, and an SVG without what no reader needs."""

import base64
import hashlib
import io
import logging
import re
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from PIL import Image
from scour import scour

from dgm.figures import style
from dgm.runtime.files import write_bytes

__all__ = ["save", "shortest_png", "shortest_svg"]

DPI = 200
"""Pixels an inch of what is drawn as pixels, such as thousands of points."""

DIGITS = 5
"""Digits of a coordinate: hundredths of a point, as figures are hundreds of points wide."""

_DARK_INK = "#e4e6ea"
_STYLE = f"<style>:where(svg){{color:{style.INK}}}@media(prefers-color-scheme:dark){{:where(svg){{color:{_DARK_INK}}}}}</style>"
"""For a file that is shown by itself or as an image; where a page holds the figure, any rule of the page comes first."""

_ROUND = '<style type="text/css">*{stroke-linejoin: round; stroke-linecap: butt}</style>'
"""A rule of matplotlib that would reach into a page; round joins stand at the root of the figure instead."""

_PNG = re.compile(r"data:image/png;base64,([^\"]+)")
_HEAD = re.compile(r"^<!DOCTYPE[^>]*>\s*<svg([^>]*)>")
_SPACE = re.compile(r'<use [^>]*href="#([^"]+)"/>')
"""A sign of a text; that of a space has no shape, and none is kept."""

_PLACE = re.compile(r'(?<= [xy]=")(-?\d+\.\d{3,})(?=")')


def save(drawn: Figure, name: str, svg: Path, pdf: Path) -> None:
    """Write the figure ``name`` twice; equal figures give equal bytes, and a file appears whole or not at all."""
    logging.getLogger("fontTools").setLevel(logging.ERROR)  # it reports the date stamps of fonts, about which nothing can be done
    kinds = {name: value for name, value in style.SETTINGS.items() if name.split(".")[0] in ("svg", "pdf", "savefig", "path")}
    undated = {
        "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
        "pdf": {"CreationDate": None, "ModDate": None, "Producer": None, "Creator": None},
    }
    with matplotlib.rc_context(kinds):
        for kind, path in (("svg", svg), ("pdf", pdf)):
            buffer = io.BytesIO()
            drawn.savefig(buffer, format=kind, metadata=undated[kind], dpi=DPI)
            content = buffer.getvalue() if kind == "pdf" else shortest_svg(buffer.getvalue().decode(), name).encode()
            write_bytes(path, content)


def shortest_svg(text: str, name: str) -> str:
    """The same picture in fewer bytes, in the ink of the page that holds it.

    Args:
        text: an SVG of matplotlib.
        name: of the figure; ids begin with letters that come from it, so that one page can hold many figures.
    """
    text = text.replace(style.INK, "currentColor").replace(_ROUND, "")
    text = _PLACE.sub(lambda found: f"{float(found[1]):.2f}", text)
    text = _PNG.sub(
        lambda found: f"data:image/png;base64,{base64.b64encode(shortest_png(base64.b64decode(found[1]))).decode()}", text
    )
    options = scour.sanitizeOptions()
    options.digits = options.cdigits = DIGITS
    options.strip_xml_prolog = options.strip_comments = options.remove_metadata = True
    options.strip_ids = options.shorten_ids = True
    options.shorten_ids_prefix = f"f{hashlib.sha256(name.encode()).hexdigest()[:4]}"
    options.indent_type, options.newlines = "none", False
    short: str = scour.scourString(text, options)
    short = short.replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "").replace("xlink:href", "href")  # as SVG 2 has it
    short = _SPACE.sub(lambda found: found[0] if f'id="{found[1]}"' in short else "", short)
    return _HEAD.sub(lambda found: f'<svg{found[1]} stroke-linejoin="round">{_STYLE}', short, count=1)


def shortest_png(png: bytes) -> bytes:
    """The same pixels as grey values or with a palette, where they have few enough colours, in the fewest bytes."""
    pixels = np.array(Image.open(io.BytesIO(png)).convert("RGBA"))
    pixels[pixels[..., 3] == 0] = 0  # what cannot be seen has one colour
    colours, index = np.unique(pixels.reshape(-1, 4), axis=0, return_inverse=True)
    opaque = bool((colours[:, 3] == 255).all())
    images = [Image.fromarray(pixels).convert("RGB") if opaque else Image.fromarray(pixels)]
    if opaque and (colours[:, :1] == colours[:, 1:3]).all():
        images.append(Image.fromarray(pixels[..., 0]))
    if len(colours) <= 256:
        palette = Image.fromarray(index.reshape(pixels.shape[:2]).astype(np.uint8)).convert("P")
        palette.putpalette(colours[:, :3].tobytes())
        if not opaque:
            palette.info["transparency"] = colours[:, 3].tobytes()
        images.append(palette)
    return min((_encoded(image) for image in images), key=len)


def _encoded(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
