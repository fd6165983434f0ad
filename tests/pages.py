"""The page of the quick build in Chromium."""

import shutil
from pathlib import Path
from typing import Any

from playwright.sync_api import Page
from workflows import REPOSITORY

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}

FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"

_SHIFTS = """
  window.shifted = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
"""


def opened(page: Page, file: Path, wrong: list[str]) -> Page:
    """The page, loaded; what it does wrong from then on is noted."""
    page.on("console", lambda said: said.type in ("error", "warning") and wrong.append(said.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda asked: asked.url.startswith(("data:", file.as_uri())) or wrong.append(asked.url))
    page.set_default_timeout(10_000)
    page.add_init_script(_SHIFTS)
    page.goto(file.as_uri(), wait_until="load", timeout=300_000)
    return page


def violations(page: Page, part: str = "html") -> list[tuple[str, Any]]:
    """What axe finds in a part of the page: the rule, and the first five elements that break it."""
    page.add_script_tag(path=REPOSITORY / "node_modules" / "axe-core" / "axe.min.js")
    found = page.evaluate("part => axe.run(part, { resultTypes: ['violations'] })", part)["violations"]
    return [(rule["id"], [node["target"] for node in rule["nodes"]][:5]) for rule in found]
