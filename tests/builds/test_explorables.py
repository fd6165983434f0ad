"""Figures that a reader can change: driven in a browser, with the keyboard and by pointing; their numbers are Python's."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from explored import EXPLORED, REPORT, Explored
from pages import CHROMIUM, FRAMES, PHONE, WIDE, opened, violations
from playwright.sync_api import Browser, Page

from dgm.report.explorables import script

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.timeout(2400),  # the first test that wants the quick build waits for it
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium"),
]

SLIPS = {
    "vaegan-3c-discriminator": [
        ("1 / (1 + Math.exp(logQ - logP))", "1 / (1 + Math.exp(logP - logQ))"),
        ("value / 2 + Math.log(2)", "value + Math.log(2)"),
        ("means: [-distance, distance]", "means: [0, distance]"),
    ],
}
"""By figure, formulas of its script and what could stand there by mistake."""

EACH = pytest.mark.parametrize("explored", EXPLORED, ids=lambda explored: explored.figure)


@pytest.fixture(scope="module")
def results(file: Path) -> Path:
    """Folder of the quick build."""
    return file.parents[1]


@pytest.fixture(scope="module")
def wide(browser: Browser, file: Path, wrong: list[str]) -> Iterator[Page]:
    """The page on a wide screen."""
    page = opened(browser.new_page(viewport=WIDE), file, wrong)
    yield page
    page.close()


@EACH
def test_the_page_shows_the_numbers_that_python_computes(wide: Page, results: Path, explored: Explored) -> None:
    assert len(explored.module.TRIES) >= 5
    assert list(explored.differences(explored.part(wide), results)) == []


@pytest.mark.parametrize(("figure", "slip"), [(figure, slip) for figure, slips in SLIPS.items() for slip in slips])
def test_a_slip_in_a_formula_of_the_page_is_seen(
    browser: Browser, results: Path, tmp_path: Path, figure: str, slip: tuple[str, str]
) -> None:
    explored = Explored(figure)
    page = opened(browser.new_page(), explored.page_alone(results, tmp_path, slip), [])
    found = list(explored.differences(explored.part(page), results))
    page.close()
    assert found


@EACH
def test_the_keyboard_changes_every_control(wide: Page, explored: Explored) -> None:
    part = explored.part(wide)
    numbers = {str(sorted(explored.numbers(part, {}, ()).items()))}
    for control in part.locator(".settings input, .settings select").all():
        before = control.input_value()
        control.focus()
        wide.keyboard.press("ArrowRight" if control.get_attribute("type") == "range" else "ArrowDown")
        if control.input_value() == before:
            wide.keyboard.press("ArrowLeft" if control.get_attribute("type") == "range" else "ArrowUp")
        assert control.input_value() != before
        shown = part.evaluate("part => part.shown")
        assert str(shown["setting"][control.get_attribute("name")]) == control.input_value()
        numbers.add(str(sorted(shown["numbers"].items())))
    assert len(numbers) > 1
    for button in part.locator(".buttons button").all():
        button.focus()
        wide.keyboard.press("Enter")
    said = part.locator("[role=status]")
    said.filter(has_text=part.locator(".readings dd").first.inner_text()).wait_for(state="attached")


def test_steps_stay_where_a_control_only_looks_and_begin_anew_where_it_sets(wide: Page) -> None:
    explored = Explored("gdl-3c-loglik")
    part = explored.part(wide)
    explored.numbers(part, {}, ("run",))
    for control, steps in (("image", 5), ("components", 0)):
        part.locator(f"[name={control}]").focus()
        wide.keyboard.press("ArrowRight")
        assert part.evaluate("part => part.shown.numbers.iterations") == steps


@EACH
def test_pointing_changes_what_can_be_dragged(wide: Page, explored: Explored) -> None:
    part = explored.part(wide)
    explored.numbers(part, {}, ())
    for panel in part.locator(".panels .dragged").all():
        panel.scroll_into_view_if_needed()
        box = panel.bounding_box()
        assert box is not None
        before = part.evaluate("part => part.shown.setting")
        wide.mouse.move(box["x"] + 0.35 * box["width"], box["y"] + 0.4 * box["height"])
        wide.mouse.down()
        wide.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 0.55 * box["height"], steps=4)
        wide.mouse.up()
        assert part.evaluate("part => part.shown.setting") != before


@pytest.mark.parametrize(("screen", "theme"), [(WIDE, "light"), (WIDE, "dark"), (PHONE, "light"), (PHONE, "dark")])
def test_opened_explorables_fit_and_axe_finds_nothing(
    browser: Browser, file: Path, wrong: list[str], screen: dict[str, int], theme: str
) -> None:
    page = opened(browser.new_page(viewport=screen, color_scheme=theme), file, wrong)
    page.evaluate("document.querySelectorAll('.katex').forEach((formula) => formula.remove())")
    for explored in EXPLORED:
        part = explored.part(page)
        page.evaluate(FRAMES)
        assert part.evaluate("part => part.scrollWidth <= part.clientWidth + 1")
    assert page.evaluate("document.documentElement.scrollWidth") <= screen["width"]
    found = violations(page, "details.explore")
    page.close()
    assert found == []


def test_without_scripts_and_on_paper_there_is_the_figure_alone(browser: Browser, file: Path, wide: Page) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(file.as_uri(), timeout=300_000)
    assert page.locator("details.explore").count() == len(EXPLORED)
    assert page.locator("details.explore:visible").count() == 0
    context.close()
    wide.emulate_media(media="print")
    assert wide.locator("details.explore:visible").count() == 0
    wide.emulate_media(media="screen")


def test_explorables_add_at_most_two_and_a_half_megabytes(results: Path) -> None:
    made = script({explored.figure: explored.script for explored in EXPLORED}, REPORT)
    data = [results / "explorables" / f"{explored.figure}.json" for explored in EXPLORED]
    assert len(made.encode()) + sum(path.stat().st_size for path in data) < 2.5e6


def test_nothing_of_all_this_was_fetched_or_went_wrong(wrong: list[str]) -> None:
    assert wrong == []
