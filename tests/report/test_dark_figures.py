"""Figures on the page take its colours, whatever the system has, and are dark on white in print."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from dgm.figures import style
from dgm.figures._files import save
from dgm.report.shown import _as_address

CHROMIUM = shutil.which("chromium")
PAGES = Path(__file__).resolve().parents[2] / "report" / "templates" / "page"


def drawing(folder: Path) -> str:
    """A figure with nothing but axes and a word, as an address."""
    with style.context():
        made = Figure(figsize=(2, 2))
        made.subplots().set_title("a word")
        save(made, "example", folder / "example.svg", folder / "example.pdf")
    return str(_as_address((folder / "example.svg").read_bytes()))


@pytest.mark.skipif(CHROMIUM is None, reason="needs the program chromium")
def test_ink_and_ground_of_figures_follow_the_theme_of_the_page(tmp_path: Path) -> None:
    from PIL import Image
    from playwright.sync_api import sync_playwright

    sheet, address = (PAGES / "page.css").read_text(encoding="utf-8"), drawing(tmp_path)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for system in ("light", "dark"):
            for theme in ("", "light", "dark"):
                for medium in ("screen", "print"):
                    page = browser.new_page(color_scheme=system)
                    page.emulate_media(media=medium)
                    page.set_content(
                        f'<html data-theme="{theme}"><style>{sheet}</style><figure class="shown"><div class="card">'
                        f'<img src="data:image/svg+xml,{address}"></div></figure>'
                    )
                    page.wait_for_function("document.images[0].complete")
                    page.locator("img").screenshot(path=tmp_path / "seen.png")
                    seen = np.asarray(Image.open(tmp_path / "seen.png").convert("L"))
                    ground, dark = int(seen[0, 0]), medium == "screen" and (theme or system) == "dark"
                    assert ground < 32 if dark else ground > 250, (system, theme, medium)
                    assert seen.max() > 200 if dark else seen.min() < 64, (system, theme, medium)
                    page.close()
        browser.close()
