"""Measure what the page of a finished build costs in a real browser.

``python benchmarks/page.py results/mnist-5k/report/index.html [another.html …]`` opens each page in Chromium, wide (1440 x 900) and
as a phone (390 x 844, processor throttled four times), and prints a table: bytes of the file, processor time of the page's process
until it is idle, its memory, the sum of layout shifts, and the median time between two frames while the page scrolls. Times of one
call can be compared with each other only. The browser is Debian's (``apt-get install chromium``), driven by Playwright.
"""

import argparse
import re
import statistics
import sys
import time
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

SCREENS = {"wide": (1440, 900, 1), "phone": (390, 844, 4)}
"""Width and height in CSS pixels, and how many times the processor is throttled."""

SCROLL = """async (pixels) => {
  const times = [];
  for (let frame = 0; frame < 120; frame++) {
    window.scrollBy(0, pixels);
    times.push(await new Promise(requestAnimationFrame));
  }
  return times.slice(1).map((time, index) => time - times[index]);
}"""

SHIFTS = """
  window.shifted = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
"""


def main() -> int:
    """Entry point."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("pages", nargs="+", type=Path)
    options.add_argument("--browser", default="/usr/bin/chromium", help="Chromium's program")
    options.add_argument("--repeat", type=int, default=3, help="loads of each page; the median is printed")
    arguments = options.parse_args()
    print(f"{'page':40} {'screen':6} {'MB':>6} {'CPU s':>6} {'MiB':>5} {'shift':>6} {'frame ms':>8}")
    with sync_playwright() as playwright:
        for path in arguments.pages:
            for screen in SCREENS:
                found = []
                for _ in range(arguments.repeat):
                    browser = playwright.chromium.launch(executable_path=arguments.browser, args=["--no-sandbox"])
                    found.append(measure(browser, path, screen))
                    browser.close()
                cpu, memory, shift, frame = (statistics.median(column) for column in zip(*found, strict=True))
                size = path.stat().st_size / 1e6
                print(f"{str(path)[-40:]:40} {screen:6} {size:6.2f} {cpu:6.2f} {memory:5.0f} {shift:6.3f} {frame:8.1f}")
    return 0


def measure(browser: Browser, path: Path, screen: str) -> tuple[float, float, float, float]:
    """Processor time (s), memory (MiB), layout shift and median frame (ms) of one load."""
    width, height, slower = SCREENS[screen]
    page = browser.new_page(viewport={"width": width, "height": height}, has_touch=slower > 1)
    page.add_init_script(SHIFTS)
    if slower > 1:
        page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slower})
    page.goto(path.resolve().as_uri(), wait_until="load", timeout=300_000)
    settle(page)
    process = renderer()
    cpu = process.cpu_times()
    memory = process.memory_info().rss / 2**20
    frames = page.evaluate(SCROLL, height // 4)
    shift = page.evaluate("window.shifted")
    page.close()
    # a throttled page sleeps: what it computed is the time in which it did not
    return cpu.user + cpu.system, memory, shift, statistics.median(frames)


def settle(page: Page) -> None:
    """Wait until the page's process has used hardly any processor time for a second."""
    process = renderer()
    for _ in range(120):
        before = sum(process.cpu_times()[:2])
        time.sleep(1)
        page.evaluate("0")
        if sum(process.cpu_times()[:2]) - before < 0.05:
            return


def renderer() -> psutil.Process:
    """The process of the only page: the renderer with the most processor time."""
    found = [
        process
        for process in psutil.Process().children(recursive=True)
        if re.search(r"--type=renderer", " ".join(process.cmdline()))
    ]
    return max(found, key=lambda process: sum(process.cpu_times()[:2]))


if __name__ == "__main__":
    sys.exit(main())
