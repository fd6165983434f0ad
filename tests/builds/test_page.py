"""The page of the quick build in a real browser, as a reader uses it: wide, on a phone, in the dark, with the keyboard, on paper.

Times and memory depend on the machine; ``benchmarks/page.py`` measures them.
"""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages import CHROMIUM, FRAMES, PHONE, WIDE, opened, violations
from playwright.sync_api import Browser, Page

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.timeout(2400),  # the first test that wants the quick build waits for it
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium"),
]

KEPT = ("gdl-1a", "gdl-3d", "gdl-3a", "elbo-2c", "vaegan-3e")
"""Questions of the short page, in which axe and the printer are done within seconds: figures, code, wide formulas, a table."""

SEARCHES = {
    # numbers and names
    "vaegan-3c": r"vaegan-3c",
    "gdl-2c-i": r"gdl-2c-i",
    "figure 20": r"fig-.*",
    "table 2": r"tab-.*",
    "Kingma 2014": r"paper-kingma2014",
    "Goodfellow": r"paper-goodfellow2014",
    "corrections": r"corrections",
    "notation": r"notation",
    # terms
    "frechet distance": r".*frechet.*|glossary.*",
    "reparameterization": r"elbo-5|vaegan-2b-ii|glossary.*",
    "annealed importance sampling": r"glossary.*|.*annealed.*|comparison-details.*",
    "bits per dimension": r"glossary.*|metric-.*",
    "dequantization": r"glossary.*|gdl-4a.*",
    "codebook": r"glossary.*|dgm-4-4.*",
    "ELBO": r"elbo-2b|glossary.*|elbo",
    "responsibilities": r"gdl-2b-ii|glossary.*",
    "Jensen": r"vaegan-1c.*",
    "Wasserstein": r"vaegan-3e.*|glossary.*",
    "straight-through": r"dgm-4-3.*|glossary.*",
    "normalising flow": r"gdl-4a.*|gdl-6.*|gdl|glossary.*",
    "Jacobian": r"gdl-6-2.*|glossary.*",
    r"D_{\mathrm{KL}}": r"notation.*|gdl-1.*|elbo-1.*|vaegan-1.*",
    # misspelt
    "bernuolli mixture": r"gdl-2.*|glossary.*|gdl",
    "discriminater": r"vaegan-3.*|vaegan-4.*|glossary.*",
    "responsibilites": r"gdl-2b-ii|glossary.*",
    "leeky relu": r"gdl-6-1.*",
    # in words
    "why can the KL divergence not be negative": r"elbo-1b.*",
    "how far is a random point of a square from its centre": r"gdl-5c.*",
    "how to choose the bandwidth of a kernel": r"ebm-1-3.*",
    "when is the bound equal to the evidence": r"elbo-2c.*",
}
"""What is typed, and a pattern of the places of which one is to be among the first three hits."""

THROUGH = f"""(async () => {{
  while (scrollY + innerHeight < document.body.scrollHeight - 1) {{
    window.scrollBy(0, innerHeight / 2);
    await {FRAMES};
  }}
}})()"""

CUT = f"""(async () => {{
  const cut = [];
  let wide = 0;
  for (const formula of document.querySelectorAll("main .katex-display")) {{
    if (formula.closest("details:not([open])") || formula.scrollWidth <= formula.clientWidth + 1) continue;
    formula.scrollIntoView({{ behavior: "instant", block: "center" }});
    await {FRAMES}.then(() => {FRAMES});
    if (formula.scrollWidth <= formula.clientWidth + 1) continue;
    wide += 1;
    const style = getComputedStyle(formula);
    const signed = formula.classList.contains("wide") && style.overflowX === "auto" && style.backgroundImage !== "none";
    if (!signed) cut.push(formula.textContent);
  }}
  return [wide, cut];
}})()"""
"""How many formulas are wider than the screen, and those of them that say nothing of it."""

FOR_AXE = """for (const formula of document.querySelectorAll(".katex")) {
  formula.querySelector(".katex-html")?.replaceChildren();
  const math = formula.querySelector("math");
  math.replaceWith(math.querySelector("annotation").textContent);
}"""
"""Formulas without what is set for the eye alone, and with their TeX in place of MathML, which axe does not read."""

FIRST_HITS = """[...document.querySelectorAll("#hits > li")].slice(0, 3)
  .map((hit) => [hit.dataset.anchor, hit.querySelector("b").textContent])"""

CLAIMS = """[...document.querySelectorAll(".claims tbody tr")].map((row) =>
  [...row.cells[0].childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.data.trim())
    .reduce((one, other) => (one.length < other.length ? other : one), ""))"""
"""The longest piece of text between two formulas of each claim."""


@pytest.fixture(scope="module")
def short(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page with a few questions, and without the rows of tables of numbers that repeat one form."""
    html = file.read_text(encoding="utf-8")
    html = re.sub(
        r'<article class="question[^"]*" id="([^"]+)".*?</article>', lambda m: m[0] if m[1] in KEPT else "", html, flags=re.DOTALL
    )
    html = re.sub(r'<section class="chapter" id="(?!glossary")[^"]+".*?</section>', "", html, flags=re.DOTALL)
    html = re.sub(
        r'(<table class="(?:corrections|runs)">.*?<tbody>(?:.*?</tr>){3}).*?</tbody>', r"\1</tbody>", html, flags=re.DOTALL
    )
    path = tmp_path_factory.mktemp("short") / "index.html"
    path.write_text(html, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def wide(browser: Browser, file: Path, wrong: list[str]) -> Iterator[Page]:
    """The whole page on a wide screen."""
    page = browser.new_page(viewport=WIDE)
    yield opened(page, file, wrong)
    page.close()


@pytest.fixture(scope="module")
def phone(browser: Browser, file: Path, wrong: list[str]) -> Iterator[Page]:
    """The whole page on a phone."""
    page = browser.new_page(viewport=PHONE, has_touch=True, is_mobile=True)
    yield opened(page, file, wrong)
    page.close()


def test_the_page_is_one_file_of_at_most_12_megabytes_beside_what_can_be_explored(file: Path) -> None:
    explored = sum(path.stat().st_size for path in (file.parents[1] / "explorables").glob("*.json"))
    assert file.stat().st_size - explored <= 12e6


def test_nothing_moves_while_the_page_loads_and_scrolls_and_nothing_is_fetched(wide: Page, phone: Page, wrong: list[str]) -> None:
    for page in (wide, phone):
        for _ in range(40):
            page.evaluate(f"window.scrollBy(0, innerHeight / 2), {FRAMES}")
        assert page.evaluate("window.shifted") < 0.02
        assert wrong == []
        page.evaluate("window.scrollTo(0, 0)")


@pytest.mark.parametrize("query", SEARCHES)
def test_a_search_finds_what_is_meant_among_the_first_three(wide: Page, query: str) -> None:
    wide.keyboard.press("/")
    wide.locator("#search input").fill(query)
    hits = wide.evaluate(FIRST_HITS)
    wide.keyboard.press("Escape")
    wide.locator("#search").wait_for(state="hidden")
    wanted = [anchor for anchor, title in hits if re.fullmatch(SEARCHES[query], anchor)]
    assert wanted, hits
    if match := re.fullmatch(r"(figure|table) (\d+)", query):
        assert " ".join(hits[0][1].lower().split()) == f"{match[0]}."


def test_nonsense_is_not_found(wide: Page) -> None:
    wide.keyboard.press("/")
    wide.locator("#search input").fill("zzz")
    assert wide.locator("#search [role=status]").inner_text() == "0 hits"
    wide.keyboard.press("Escape")
    wide.locator("#search").wait_for(state="hidden")


def test_the_keyboard_alone_searches_chooses_and_goes(wide: Page) -> None:
    wide.keyboard.press("/")
    wide.keyboard.type("gumbel softmax bernoulli")
    chosen = "#hits [aria-selected=true]"
    first = wide.locator(chosen).get_attribute("id")
    wide.keyboard.press("ArrowDown")
    second = wide.locator(chosen)
    assert second.get_attribute("id") != first == "hit-0"
    assert wide.locator("#search input").get_attribute("aria-activedescendant") == second.get_attribute("id")
    anchor = second.get_attribute("data-anchor")
    wide.keyboard.press("Enter")
    assert wide.evaluate("decodeURIComponent(location.hash)") == f"#{anchor}"
    assert not wide.locator("#search").is_visible()
    assert wide.evaluate("CSS.highlights.get('hit')?.size ?? 0") > 0


def test_the_bar_names_the_place_and_steps_to_the_next(wide: Page) -> None:
    goto(wide, "gdl-3a")
    wide.wait_for_function("document.querySelector('.place').hash === '#gdl-3a'")
    here = wide.locator("#contents a[aria-current=location]")
    assert here.get_attribute("href") == "#gdl-3a"
    assert here.is_visible()
    wide.locator(".step[rel=next]").click()
    wide.wait_for_function("document.querySelector('.place').hash === '#gdl-3b'")
    wide.locator(".step[rel=prev]").click()
    wide.wait_for_function("document.querySelector('.place').hash === '#gdl-3a'")


def test_the_bar_and_the_contents_are_always_at_hand_on_a_phone(phone: Page) -> None:
    goto(phone, "vaegan-3e")
    assert phone.locator(".bar").bounding_box()["y"] == 0
    assert not phone.locator("#contents").is_visible()
    phone.locator("button[popovertarget=contents]").tap()
    assert phone.locator("#contents a[href='#vaegan-3e']").is_visible()
    phone.locator("#contents a[href='#vaegan-3d']").tap()
    assert not phone.locator("#contents").is_visible()
    phone.wait_for_function("document.querySelector('.place').hash === '#vaegan-3d'")
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_a_reference_shows_what_it_leads_to(wide: Page, phone: Page) -> None:
    link = "#glossary a[href='#elbo-2c'], #glossary a[href='#elbo-1a']"
    card = wide.locator("#preview")
    goto(wide, "glossary")
    wide.locator(link).first.hover()
    card.wait_for(state="visible")
    assert wide.locator(link).first.get_attribute("href")[1:] in card.inner_text()
    wide.keyboard.press("Escape")
    card.wait_for(state="hidden")
    goto(phone, "glossary")
    phone.locator(link).first.scroll_into_view_if_needed()
    before = phone.evaluate("scrollY")
    phone.locator(link).first.tap()
    card = phone.locator("#preview")
    card.wait_for(state="visible")
    assert phone.evaluate("scrollY") == before
    card.locator(".go").tap()
    card.wait_for(state="hidden")
    phone.wait_for_function(f"scrollY !== {before}")


def test_the_reader_chooses_the_colours_and_the_page_remembers(wide: Page) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light = wide.evaluate(ground)
    wide.locator("#open-view").click()
    wide.locator("#view [value=dark]").check()
    dark = wide.evaluate(ground)
    assert dark != light
    assert wide.evaluate("localStorage.getItem('theme')") == "dark"
    wide.locator("#view [value='']").check()
    wide.emulate_media(color_scheme="dark")
    assert wide.evaluate(ground) == dark
    wide.locator("#view [value=light]").check()
    assert wide.evaluate(ground) == light
    wide.locator("#view [value='']").check()
    wide.emulate_media(color_scheme="light")
    wide.keyboard.press("Escape")


def test_formulas_code_tables_and_links_are_copied(wide: Page) -> None:
    goto(wide, "elbo-2c")
    formula = wide.locator("#elbo-2c .eq").first
    formula.hover()
    formula.locator(".copy").click()
    tex = formula.locator("annotation").first.text_content()
    assert pasted(wide, "TeX") == tex != ""
    wide.locator("#elbo-2c h3").hover()
    wide.locator("#elbo-2c h3 .anchor").click()
    assert pasted(wide, "Link").endswith("/index.html#elbo-2c")
    goto(wide, "gdl-3a")
    wide.locator("#gdl-3a .listing").first.hover()
    wide.locator("#gdl-3a .listing .copy").first.click()
    assert "def " in pasted(wide, "Code")
    table = wide.locator("figure:has(table)").first
    table.scroll_into_view_if_needed()
    table.locator(".copy").click()
    rows = pasted(wide, "Table").split("\n")
    assert len(rows) == table.locator("tr").count()
    assert all("," in row for row in rows)


def test_a_figure_opens_in_full(phone: Page) -> None:
    goto(phone, "gdl-3d")
    figure = phone.locator("#gdl-3d .shown:has(img)").first
    figure.locator(".zoom").tap()
    large = phone.locator("#zoomed img")
    assert large.evaluate("image => image.complete && image.naturalWidth > 0")
    assert large.bounding_box()["width"] > figure.locator("img").first.bounding_box()["width"]
    phone.locator("#zoomed button").tap()
    assert phone.locator("#zoomed img").count() == 0


def test_a_claim_leads_to_the_code_that_checks_it_and_a_number_to_its_row(wide: Page, file: Path) -> None:
    goto(wide, "gdl-1a")
    claim = wide.locator("#gdl-1a .claims tbody tr").first.get_attribute("id")
    goto(wide, str(claim))
    assert wide.locator(f"[id='{claim}']").is_visible()
    code = wide.locator("#gdl-1a details.code")
    code.locator("summary").click()
    assert "def " in code.locator("pre").inner_text()
    for number in wide.locator("a.num").evaluate_all("links => links.slice(0, 50).map((link) => link.getAttribute('href'))"):
        if number.startswith("../"):
            assert (file.parent / number.partition("#")[0]).is_file()
        else:
            assert wide.locator(f"[id='{number[1:]}']").count() == 1


def test_no_formula_is_cut_without_a_sign_on_a_phone(phone: Page) -> None:
    wide, cut = phone.evaluate(CUT)
    assert cut == []
    assert wide > 0


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("screen", [WIDE, PHONE], ids=["wide", "phone"])
def test_axe_finds_nothing(browser: Browser, short: Path, screen: dict[str, int], theme: str) -> None:
    page = opened(browser.new_page(viewport=screen, color_scheme=theme), short, [])
    page.evaluate(THROUGH)
    page.evaluate(FOR_AXE)
    found = violations(page)
    page.close()
    assert found == []


def test_paper_has_the_contents_all_claims_and_page_numbers(browser: Browser, short: Path, tmp_path: Path) -> None:
    page = opened(browser.new_page(viewport=WIDE), short, [])
    claims = page.evaluate(CLAIMS)
    page.pdf(path=tmp_path / "page.pdf", format="A4", prefer_css_page_size=True)
    page.close()
    sheets = text_of(tmp_path / "page.pdf", "-layout").rstrip("\f\n").split("\f")
    assert [sheet.split()[-1] for sheet in sheets] == [str(number) for number in range(1, len(sheets) + 1)]
    assert "About these questions" in sheets[0]
    words = " ".join(text_of(tmp_path / "page.pdf", "-raw").split())
    assert len(claims) > 20
    assert [claim for claim in claims if " ".join(claim.split()) not in words] == []


def test_nothing_of_all_this_was_fetched_or_went_wrong(wrong: list[str]) -> None:
    assert wrong == []


def text_of(pdf: Path, order: str) -> str:
    """The words of a PDF: as they stand (``-layout``), or in the order in which they are set (``-raw``)."""
    read = ["pdftotext", order, str(pdf), "-"]
    return subprocess.run(read, capture_output=True, text=True, encoding="utf-8", check=True).stdout


def goto(page: Page, anchor: str) -> None:
    """The page at a place, as after a click on a link to it."""
    page.evaluate("anchor => { location.hash = ''; location.hash = anchor; }", anchor)
    page.evaluate(FRAMES)


def pasted(page: Page, what: str) -> str:
    """What the clipboard holds once the page says that it has copied it, pasted into a field that is made for it."""
    page.locator("#said").filter(has_text=f"{what} copied").wait_for(state="attached")
    field = page.evaluate_handle("document.querySelector('main').appendChild(document.createElement('textarea'))").as_element()
    assert field
    field.evaluate("field => field.focus({ preventScroll: true })")
    page.keyboard.press("Control+V")
    page.wait_for_function("field => field.value", arg=field)
    text = field.input_value()
    field.evaluate("field => field.remove()")
    return text
