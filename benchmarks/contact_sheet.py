"""All figures of a build on one picture, each with its name, to look at before and after a change of drawings.

    python benchmarks/contact_sheet.py [--results results/mnist-5k] [--sheet sheet.png] [--dark] [NAME ...]

Each figure is drawn anew from the arrays of the build by the drawings as they are now: on the left of its cell as large as it is in
print (100 pixels an inch), on the right as wide as on a phone (358 pixels). ``--dark`` shows the dark ground of the page and its
ink.
Without names all figures are shown that the build has the files for.
"""

import argparse
from pathlib import Path

import yaml

PRINT, PHONE = 100, 358  # pixels an inch, pixels
GAP, LINE = 16, 20
ACROSS = 3
LIGHT, DARK = ("#ffffff", "#222222"), ("#14171b", "#e4e6ea")  # ground and ink
ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Draw and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--results", type=Path, default=ROOT / "results" / "mnist-5k")
    parser.add_argument("--sheet", type=Path, default=Path("sheet.png"))
    parser.add_argument("--dark", action="store_true")
    arguments = parser.parse_args()

    from PIL import Image, ImageDraw

    from dgm.assignments import find
    from dgm.report import catalogue

    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    known = catalogue.load(ROOT / "report", [find(str(ROOT / name), ROOT) for name in config["assignments"]])
    ground, ink = DARK if arguments.dark else LIGHT
    cells = []
    for name in arguments.names or known.figures:
        if missing := [path for path in known.figures[name].sources.values() if not (arguments.results / path).is_file()]:
            print(f"{name}: left out, the build has no {missing[0]}")
            continue
        sizes = pictures(known.figures[name], known.homes[name], arguments.results, ground, ink)
        cell = Image.new("RGB", (sum(size.width for size in sizes) + GAP, max(size.height for size in sizes) + LINE), ground)
        cell.paste(sizes[0], (0, 0))
        cell.paste(sizes[1], (sizes[0].width + GAP, 0))
        ImageDraw.Draw(cell).text((0, cell.height - LINE + 2), name, fill=ink)
        cells.append(cell)
    width = max(cell.width for cell in cells) + GAP
    heights = [0] * min(ACROSS, len(cells))
    places = []
    for cell in cells:
        column = heights.index(min(heights))
        places.append((column * width, heights[column]))
        heights[column] += cell.height + GAP
    sheet = Image.new("RGB", (width * len(heights), max(heights)), ground)
    for cell, place in zip(cells, places, strict=True):
        sheet.paste(cell, place)
    sheet.save(arguments.sheet)
    print(f"{len(cells)} figures: {arguments.sheet}")


def pictures(entry, home: Path, results: Path, ground: str, ink: str) -> list:
    """A figure at the size of print and at the width of a phone."""
    import io

    import matplotlib
    from PIL import Image

    from dgm.figures import style
    from dgm.report.catalogue import drawing
    from dgm.stages import plot

    with style.context():
        # as a page does: what is drawn in ink takes the colour of its text
        matplotlib.rcParams.update({key: ink for key, value in style.SETTINGS.items() if value == style.INK})
        usual, style.INK = style.INK, ink
        try:
            made = plot.drawn(entry, drawing(entry, home, str(home)), results, str(home))
        finally:
            style.INK = usual
        found = []
        for dpi in (PRINT, PHONE / made.get_figwidth()):
            buffer = io.BytesIO()
            made.savefig(buffer, format="png", dpi=dpi, facecolor=ground)
            found.append(Image.open(buffer).convert("RGB"))
    return found


if __name__ == "__main__":
    main()
