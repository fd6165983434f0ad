"""The explorables of the shipped assignments, and what the page shows of them at a setting."""

import importlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page
from shipped import load
from workflows import REPOSITORY

from dgm.report.catalogue import Explorable, explorable
from dgm.report.explorables import script
from dgm.report.sources import load_sources

REPORT = REPOSITORY / "report"

CATALOGUE = load()


@dataclass(frozen=True)
class Explored:
    """One explorable: the figure it belongs to, its module, its script, and the files it is made from."""

    figure: str

    @property
    def entry(self) -> Explorable:
        found = CATALOGUE.figures[self.figure].explore
        assert found is not None
        return found

    @property
    def script(self) -> Path:
        return explorable(self.entry, CATALOGUE.homes[self.figure], self.figure)[1]

    @property
    def module(self) -> Any:
        return importlib.import_module(explorable(self.entry, CATALOGUE.homes[self.figure], self.figure)[0])

    def sources(self, results: Path) -> dict[str, Any]:
        """What the files of a build hold."""
        return load_sources(self.entry.sources, results, self.figure)

    def page_alone(self, results: Path, folder: Path, slip: tuple[str, str] | None = None) -> Path:
        """A page with this explorable and nothing else; ``slip`` is a piece of its script and what stands there by mistake."""
        text = self.script.read_text(encoding="utf-8")
        if slip:
            assert text.count(slip[0]) == 1, f"{self.script}: {slip[0]!r} is there {text.count(slip[0])} times"
            text = text.replace(*slip)
        (folder / self.script.name).write_text(text, encoding="utf-8")
        data = (results / "explorables" / f"{self.figure}.json").read_text(encoding="utf-8")
        made = script({self.figure: folder / self.script.name}, REPORT)
        page = folder / "alone.html"
        page.write_text(
            '<!DOCTYPE html><meta charset="utf-8"><title>.</title>'
            f'<details class="explore" data-figure="{self.figure}"><summary>.</summary><div class="explored"></div>'
            f'<script type="application/json">{data}</script></details><script>{made}</script>',
            encoding="utf-8",
        )
        return page

    def part(self, page: Page) -> Locator:
        """The explorable on a page, opened, with its last numbers at hand."""
        found = page.locator(f'details.explore[data-figure="{self.figure}"]')
        found.evaluate(
            """part => new Promise((done) => {
              if (part.open) return done();
              part.querySelector(".explored").addEventListener("explored", (event) => { part.shown = event.detail; });
              part.addEventListener("toggle", () => setTimeout(done), { once: true });
              part.open = true;
            })"""
        )
        return found

    def numbers(self, part: Locator, setting: Mapping[str, Any], pressed: Sequence[str]) -> dict[str, float]:
        """What the page shows after the controls have been set and buttons were pressed, all from the start."""
        shown = part.evaluate(
            """(part, [setting, pressed]) => {
              part.querySelector("button[name=again]").click();
              for (const [key, value] of Object.entries(setting)) {
                const control = part.querySelector(`[name="${key}"]`);
                control.value = value;
                control.dispatchEvent(new Event("input", { bubbles: true }));
              }
              for (const name of pressed) part.querySelector(`button[name="${name}"]`).click();
              return Object.fromEntries(Object.entries(part.shown.numbers).map(([name, value]) => [name, String(value)]));
            }""",
            [dict(setting), list(pressed)],
        )
        return {name: float(value.replace("Infinity", "inf").replace("NaN", "nan")) for name, value in shown.items()}

    def differences(self, part: Locator, results: Path) -> Iterator[str]:
        """Numbers of the page that are not those of Python, at all settings that the module names."""
        sources = self.sources(results)
        tolerance = self.module.TOLERANCE
        for setting, pressed in self.module.TRIES:
            wanted = self.module.numbers(sources, setting, pressed)
            found = self.numbers(part, setting, pressed)
            if set(found) != set(wanted):
                yield f"{setting}: names {sorted(found)}, not {sorted(wanted)}"
            for name in set(found) & set(wanted):
                near = pytest.approx(wanted[name], abs=tolerance.get(name, tolerance["abs"]), rel=0)
                if math.isnan(found[name]) or found[name] != near:
                    yield f"{setting}, {list(pressed)}: {name} is {found[name]}, not {wanted[name]}"


EXPLORED = [Explored(name) for name, figure in CATALOGUE.figures.items() if figure.explore]
