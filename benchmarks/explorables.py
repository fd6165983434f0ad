"""Measure how soon the figures that a reader can change answer, on a phone whose processor is throttled four times.

``python benchmarks/explorables.py results/mnist-5k/report/index.html`` opens each explorable in Chromium, moves each control over
its whole range and presses each button, and prints the milliseconds of script and layout: median and largest over the moves of the
controls, and the largest over the buttons. The goal is 50. Screenshots of each can be kept with ``--shots FOLDER``.
"""

import argparse
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

TIMES = """part => {
  const timed = (change) => {
    const start = performance.now();
    change();
    part.offsetHeight;
    return performance.now() - start;
  };
  const moves = [];
  for (const control of part.querySelectorAll("input[type=range]")) {
    const [low, high] = [Number(control.min), Number(control.max)];
    for (let step = 0; step < 25; step++) {
      control.value = low + (high - low) * ((7 * step) % 25) / 24;
      moves.push(timed(() => control.dispatchEvent(new Event("input", { bubbles: true }))));
    }
  }
  const presses = [...part.querySelectorAll(".buttons button")].map((button) => timed(() => button.click()));
  moves.sort((one, other) => one - other);
  return [moves[Math.floor(moves.length / 2)], moves.at(-1), Math.max(...presses)];
}"""


def main() -> int:
    """Entry point."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("page", type=Path)
    options.add_argument("--browser", default="/usr/bin/chromium", help="Chromium's program")
    options.add_argument("--shots", type=Path, help="folder for a screenshot of each, as a phone shows it")
    arguments = options.parse_args()
    print(f"{'figure':30} {'median':>7} {'move':>7} {'button':>7}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=arguments.browser, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
        page.goto(arguments.page.resolve().as_uri(), timeout=300_000)
        page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 4})
        for part in page.locator("details.explore").all():
            name = part.get_attribute("data-figure")
            part.evaluate("part => { part.open = true; }")
            part.locator(".readings dd").first.wait_for()
            median, move, button = part.evaluate(TIMES)
            print(f"{name:30} {median:7.0f} {move:7.0f} {button:7.0f}")
            if arguments.shots:
                arguments.shots.mkdir(parents=True, exist_ok=True)
                part.screenshot(path=arguments.shots / f"{name}.png")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
