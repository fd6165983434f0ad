"""The whole report of the made-up example: complete, self-contained, the same twice, and the same content in both outputs."""

import html
import json
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest
from conftest import Example

from dgm.evaluation.registry import METRICS
from dgm.report.build import Report
from dgm.report.shown import _as_address

VOID = {"meta", "img", "input", "br", "hr", "wbr", "link", "path", "line"}


class Page(HTMLParser):
    """Tags with their attributes, and whether they are properly nested."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self._open: list[str] = []
        self.feed(html)
        assert not self._open, self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open and self._open.pop() == tag, (tag, self.getpos())

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]


def plain_text(markup: str) -> str:
    """HTML without its tags."""
    return html.unescape(re.sub(r"<[^>]+>", "", markup))


@pytest.fixture(scope="module")
def page(built: Report) -> Page:
    return Page(built.html)


def test_the_page_needs_nothing_from_outside(built: Report, page: Page) -> None:
    for _, attributes in page.tags:
        for name in ("src", "srcset", "data", "poster", "action", "background"):
            assert attributes.get(name, "data:").startswith("data:"), attributes
    assert not page.all("link") and not page.all("iframe") and not page.all("object")
    style = re.search(r"<style>(.*?)</style>", built.html, re.DOTALL)
    assert style and "@import" not in style.group(1)
    assert set(re.findall(r"url\(([a-z]+:)?", style.group(1))) == {"data:"}
    outside = [attributes["href"] for attributes in page.all("a") if not attributes.get("href", "#").startswith("#")]
    papers = [address for address in outside if not address.startswith("../")]  # the others are files of the build
    assert papers == ["https://arxiv.org/abs/1312.6114"]


def test_numbers_figures_and_tables_lead_to_the_files_that_they_are_from(original: Example, built: Report, page: Page) -> None:
    files = {attributes["href"].removeprefix("../") for attributes in page.all("a") if attributes.get("href", "").startswith("../")}
    paths = {file.partition("#")[0] for file in files}
    printed = {"report/report.pdf", "report/checks.pdf"}
    assert paths == {"tables/metrics.csv", *printed, *original.load().figures["wiggle"].sources.values()}
    lines = (original.results / "tables" / "metrics.csv").read_text().splitlines()
    traced = re.findall(r'<a class="num"[^>]* href="\.\./tables/metrics\.csv#row=(\d+)">([^<]*)</a>', built.html)
    assert traced
    for place, shown in traced:
        value = float(lines[int(place) - 1].split(",")[3])
        assert float(re.findall(r"[\d.]+", shown.replace(",", ""))[0]) == pytest.approx(abs(value), rel=0.02)
    assert '<a class="num" tabindex="-1" href="#toy-1/integral">1.3863</a>' in built.html
    assert not re.search("[\ue010-\ue014]", built.html + built.tex)


def test_other_programs_can_show_a_preview_of_a_link(original: Example, page: Page) -> None:
    title = original.build().html.split("<title>", 1)[1].split("</title>", 1)[0]
    named = {meta.get("name") or meta.get("property"): meta["content"] for meta in page.all("meta") if "content" in meta}
    assert named["og:title"] == html.unescape(title) and named["og:description"] == named["description"] != ""
    assert named["twitter:card"] == "summary_large_image"
    assert named["og:image"] == "../report.png"
    assert "og:url" not in named  # nobody knows the address


def test_the_image_of_the_preview_has_the_address_that_the_config_names(example: Example) -> None:
    example.config["address"] = "https://example.org/a/"
    assert '<meta property="og:image" content="https://example.org/a/report.png">' in example.build().html


def test_every_link_inside_leads_somewhere_and_ids_are_unique(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for attributes in page.all("a"):
        if attributes.get("href", "").startswith("#"):
            assert attributes["href"][1:] in ids
    for question in ("toy-1", "toy-2", "late-1", "fig-wiggle", "tab-scores", "paper-kingma2014"):
        assert question in ids
    assert "paper-uncited" not in ids


def test_a_table_has_headings_of_groups_and_cells_of_text_in_both_outputs(page: Page, built: Report) -> None:
    table = built.html.split('id="tab-scores"', 1)[1].split("</table>", 1)[0]
    rows = re.findall(r"<tr.*?</tr>", table, re.DOTALL)
    assert "<em>Dequantised</em> toys</th>" in rows[1] and 'colspan="4"' in rows[1]
    assert "Flow" in rows[2] and 'href="#paper-dinh2015"' in rows[2].split("<td class=text>")[1]
    assert "Mixture" in rows[3] and "<td class=text>–</td>" in rows[3]
    lines = built.tex.split("hypertarget{tab-scores}", 1)[1].split("end{table}", 1)[0].splitlines()
    heading = next(i for i, line in enumerate(lines) if "multicolumn{4}" in line)
    assert "Dequantised" in lines[heading] and "Flow" in lines[heading + 1] and "paper-dinh2015" in lines[heading + 1]
    assert all(line.count("&") == 3 for line in lines if "Flow" in line or "Mixture" in line)
    assert "begin{tabular}{@{}lrrl@{}}" in "".join(lines)


def test_figures_have_alternative_texts_and_sizes(page: Page) -> None:
    for image in page.all("img"):
        assert int(image["width"]) > 100 and int(image["height"]) > 100
    # one image for browsers without scripts, and one that is drawn when the reader comes near
    assert [image["alt"] for image in page.all("img")] == ["Sixteen “noisy” tiles & a curve, −99.3 nats"] * 2


def test_the_page_is_accessible(page: Page) -> None:
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("main")) == len(page.all("h1")) == 1
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))
    assert page.all("a")[0] == {"class": "skip", "href": "#main"}
    assert page.all("a")[1]["href"] == "#main"  # the rest is tested in a browser (tests/report/test_page.py)


def test_the_answers_read_as_written(built: Report) -> None:
    text = plain_text(re.sub(r'<span class="katex-mathml">.*?</math></span>', "", built.html)).replace("\u00a0", " ")
    for expected in (
        "It is log4, that is 1.3863 nats.",
        "On toys with 100 images, the flow reaches −99.3 nats, that is −99.3 ± 0.4;",
        "Outside, 19,158,352 and ",
        "the flow is better, by 53.2 ± 1.4 nats (n=1000, one seed each, whose scatter is not in the error); otherwise",
        "no difference found between flow and mix (0.02 ± 0.03; n=1000, one seed each, whose scatter is not in the error)",
        "It took 3 min 20 s with 12 epochs at rate 0.001.",
        "See Figure 1 and Table 1, (Kingma & Welling, 2014) and (Kingma & Welling, 2014; Dinh et al., 2015, Table 2),",
        "Dinh et al. (2015).",
        "see toy-2 or the comparison.",
        "Samples x∼p after 12 epochs.",
        "Not answered yet.",
        "2 of 2 claims hold",
        "1 measured: 1 shown; 1 skipped",
        "−99.3 ± 0.4",
        "2 of 3 questions answered, 1 open",
        "Correction of the published answer",
        "The published value is log5, that is 1.6094.",
        "3 questions, 1 wrong; see toy-1, late-1 and Outlook.",
        "Back to the preface, Figure 1 and",
    ):
        assert expected in re.sub(r"[\s\u200b]+", " ", text), expected


def test_provenance_stands_under_every_figure_and_table(built: Report) -> None:
    for element in re.findall(r'<figure class="shown".*?</figure>', built.html, re.DOTALL):
        line = re.search(r'<details class="origin"><summary>(.*?)</summary>', element)
        assert line
        for expected in ("rule ", "run", "data toys", "commit 0123456789", " in ", "CPU"):
            assert expected in line.group(1)
        assert "python -m dgm.stages." in element and "snakemake --cores all results/toys/" in element
    assert "0123456789+changes" in built.html and "with uncommitted changes" in built.html
    assert built.tex.count("snakemake") >= 1 and "0123456789+changes" in built.tex


@pytest.mark.parametrize(("files", "cut"), [(10, False), (20_000, True)])
def test_a_command_of_thousands_of_files_is_shown_in_part(example: Example, files: int, cut: bool) -> None:
    command = "python -m dgm.stages.plot " + " ".join(f"file-{i}.csv" for i in range(files))
    example.change_record("plot", "wiggle", command=command)
    page = example.build().html
    assert (command in page) != cut
    assert "file-1.csv" in page
    assert (f"and so on for {len(command):,} characters: records/plot/wiggle.json" in page) == cut
    assert page.count("file-") < 10_000


def test_all_claims_are_listed_with_their_numbers(built: Report) -> None:
    for statement in (
        "the integral of log 4 over [0; 1] is",
        "E_q[log p] &lt;= log p for all q",
        "the flow has its size",
        "the flow recognises more digits than the mixture",
    ):
        rejecting = statement.startswith("the integral")
        assert built.html.count(statement) == 1 + rejecting  # under the question, and in the list of corrections
    assert "1.3862944" in built.html and "10<sup>−12</sup>" in built.html
    assert r"\(10^{-12}\)" in built.checks and r"E\_q{[}log p{]}" in built.checks and r"\(10^{-12}\)" not in built.tex


def test_both_outputs_have_the_same_counts_and_questions(built: Report) -> None:
    assert built.counts == {
        "questions": 3, "answered": 2, "open": 1, "corrected": 1, "claims": 3, "passed": 2, "failed": 0, "skipped": 1, "missing": 0,
        "findings": 1, "shown": 1, "undecided": 0, "contradicted": 0, "figures": 1, "tables": 1,
    }  # fmt: skip
    for question in ("toy-1", "toy-2", "late-1"):
        assert f'id="{question}"' in built.html and rf"\hypertarget{{question-{question}}}" in built.tex


WORDS = {
    "title": "Which model is better",
    "introduction of an assignment": "Two questions on",
    "statement": "and say why",
    "answer": "By substitution",
    "chapter before": "What it means.",
    "chapter after": "Back to",
    "caption": "Samples ",
    "label of a row": "Mixture, ",
    "label of a column": "Parameters",
    "notes": "Larger is better",
    "claim": "the flow has its size",
    "finding": "the flow recognises more digits than the mixture",
    "correction in the table": "from ",
    "argument": "a matter of convention",
    "paper": "Auto-Encoding Variational Bayes",
    "fact": "Work",
    "run": "Settings",
    "coverage": "reject a published value",
}


@pytest.mark.parametrize("what", WORDS)
def test_no_output_leaves_anything_out(what: str, built: Report) -> None:
    assert WORDS[what] in built.html and WORDS[what] in (built.checks if what in {"claim", "finding", "argument"} else built.tex)


def test_every_anchor_of_one_output_is_in_the_other(built: Report, page: Page) -> None:
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    targets = set(re.findall(r"\\hypertarget\{([^}]+)\}", built.tex))
    for kind in ("fig-", "tab-", "paper-"):
        assert {name for name in ids if name.startswith(kind)} == {name for name in targets if name.startswith(kind)} != set()
    for kind in ("question-", "chapter-"):
        assert {name.removeprefix(kind) for name in targets if name.startswith(kind)} <= ids
    assert {"question-toy-1", "question-late-1", "chapter-preface", "chapter-outlook"} <= targets


def test_corrections_stand_beside_what_is_right(built: Report) -> None:
    table = re.search(r'<table class="corrections">(.*?)</table>', built.html, re.DOTALL)
    assert table
    text = " ".join(plain_text(re.sub(r'<span class="katex-mathml">.*?</math></span>', "", table.group(1))).split())
    assert "toy-1 wrongThe value log5" in text and "1.609441.38629" in text
    assert "1.60944 & 1.38629" in built.tex and "toy-1}} (wrong): The value" in built.tex
    assert "Printed: 1.6094379, rejected" in built.html and "Printed: 1.6094379, rejected" in built.checks


def test_the_evidence_is_counted(built: Report) -> None:
    coverage = re.search(r'<table class="metrics coverage">(.*?)</table>', built.html, re.DOTALL)
    assert coverage
    rows = [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row) for row in re.findall(r"<tr>(.*?)</tr>", coverage.group(1))]
    assert rows[0][1:] == [
        "questions",
        "checks",
        "proved",
        "computed",
        "sampled",
        "measured",
        "reread",
        "reject a published value",
        "answers argued in part",
    ]
    assert rows[-1] == ["all", "3", "4", "1", "1", "0", "1", "1", "1", "1"]
    assert "2 of 2 claims hold: 1 proved, 1 computed" in built.html
    assert "all & 3 & 4 & 1 & 1 & 0 & 1 & 1 & 1 & 1" in built.tex


def test_each_assignment_has_a_document_of_its_own(built: Report) -> None:
    assert set(built.parts) == {"toy", "late"}
    toy, late = built.parts["toy"], built.parts["late"]
    assert "By substitution" in toy and "By substitution" not in late
    assert "1 of the" not in toy and r"\section{Later}" in late and r"\section{Later}" not in toy
    for part in built.parts.values():  # what stands in every document, and what only the full report has
        assert "What it means." in part and "Back to" not in part and "How this report was made" not in part
        targets = set(re.findall(r"\\hypertarget\{([^}]+)\}", part))
        assert set(re.findall(r"\\hyperlink\{([^}]+)\}", part)) <= targets
    links = r"\href{report.pdf\#question-late-1}{late-1} and \href{report.pdf\#chapter-outlook}{Outlook} of the full report"
    assert links in toy.replace("\n", " ")
    assert "Auto-Encoding" in toy and "Auto-Encoding" not in late
    assert r"\textbf{2} of 2 questions answered" in toy and r"\textbf{0} of 1 questions answered, 1 open" in late


def test_a_link_to_another_document_leads_to_a_target_in_it(built: Report) -> None:
    for other, text in (("report", built.tex), ("checks", built.checks)):
        targets = set(re.findall(r"\\hypertarget\{([^}]+)\}", text))
        sources = [source for source in (built.tex, built.checks, *built.parts.values()) if source != text]
        links = {link for source in sources for link in re.findall(rf"\\href\{{{other}\.pdf\\#([^}}]+)\}}", source)}
        assert links and links <= targets
    assert set(re.findall(r"\\hyperlink\{([^}]+)\}", built.checks)) == set()


def test_the_script_is_only_an_improvement(built: Report) -> None:
    without = re.sub(r"<script>.*?</script>", "", built.html, flags=re.DOTALL)
    for tool in ("open-search", "open-view"):  # of no use without scripts
        assert re.search(rf'<button [^>]*id="{tool}"[^>]* hidden', without)
    assert '<button class="tool only-narrow" popovertarget="contents"' in without  # needs none
    assert "onclick" not in without and "javascript:" not in without


def test_equal_input_gives_equal_bytes(example: Example, built: Report) -> None:
    again = example.build()
    assert again.html == built.html and again.tex == built.tex


def test_a_failed_check_is_shown_as_failed(example: Example) -> None:
    example.replace(example.results / "tables" / "checks.csv", "1e-12,True", "1e-12,False")
    html = example.build().html
    assert "1 of 2 claims hold" in html and '<details class="checks failed">' in html


def test_a_trial_build_says_so(example: Example) -> None:
    assert "This is a trial build" not in example.build().html
    example.config["limits"] = {"steps": 10, "samples": None}
    report = example.build()
    for text in (report.html, report.tex):
        assert "This is a trial build." in text and "numbers about them mean nothing" in text
    assert "steps ≤ 10" in report.html and "samples ≤" not in report.html


def test_operations_that_may_differ_from_run_to_run_are_told(example: Example) -> None:
    assert "Not deterministic there" not in example.build().html
    for name in ("flow", "mix"):
        example.change_record("train", name, nondeterministic=["put_"])
    report = example.build()
    assert "put_ (train flow, train mix)" in report.html
    assert "Not deterministic there" in report.tex and r"put\_" in report.tex


def test_a_question_answered_later_moves_from_open_to_answered(example: Example) -> None:
    path = example.assignments[1] / "answers" / "late-1.md"
    path.parent.mkdir()
    path.write_text("---\nquestion: late-1\n---\n$x = \\pm\\sqrt 2$.\n")
    report = example.build()
    assert report.counts["open"] == 0
    assert "Not answered yet" not in report.html and "Not answered yet" not in report.tex
    assert "no machine check" in report.html


def test_footnotes_of_different_answers_do_not_mix(example: Example) -> None:
    with example.second.open("a") as file:
        file.write("\nAnother.[^a]\n\n[^a]: A second note.\n")
    report = example.build()
    page = re.sub(r"<script.*?</script>", "", report.html, flags=re.DOTALL)  # the index of the search has it too
    assert page.count("A second note.") == report.tex.count("A second note.") == 1
    assert page.count("A note with") == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("$\\frac{1}{$ is wrong", r"toy-1\.md: .*(?s:.*)in: \\frac\{1\}\{"),
        ("$\\nosuch$", r"toy-1\.md: Undefined control sequence: \\nosuch"),
        ("$$\\begin{align} a \\end{align}$$", r"toy-1\.md: 'align' inside \$\$ stops LaTeX; write 'aligned'"),
        ("::: korrection\nx\n:::", r"toy-1\.md: no fenced block 'korrection'; nearest: 'correction'"),
        ("::: remark\nnever closed", r"toy-1\.md: a fenced block .* is never closed"),
        ("~~~~ {.python}\nnever closed", r"toy-1\.md: a fenced block .* is never closed"),
        ("![x](x.png)", r"toy-1\.md: contains an image; images are shown with fig"),
        ("A 語 here", r"toy-1\.md: LaTeX has no form for '語'"),
        ('<< ref("wiggle2") >>', r"toy-1\.md: line \d+: no figure or table 'wiggle2'; nearest: 'wiggle'"),
    ],
)
def test_faults_in_an_answer_are_named_with_the_file(example: Example, text: str, message: str) -> None:
    example.append(text)
    with pytest.raises(ValueError, match=message):
        example.build()


def test_a_reference_to_something_that_no_answer_shows_is_an_error(example: Example) -> None:
    with (example.report / "figures.yaml").open("a") as file:
        file.write("\nhidden: {draw: wiggle, caption: c, alt: a}\n")
    example.append('<< ref("hidden") >>')
    with pytest.raises(ValueError, match=r"toy-1\.md: no figure or table shown by an answer 'hidden'"):
        example.build()


@pytest.mark.parametrize("suffix", ["svg", "pdf"])
def test_a_figure_that_was_not_drawn_is_named(example: Example, suffix: str) -> None:
    (example.results / "figures" / f"wiggle.{suffix}").unlink()
    with pytest.raises(ValueError, match=rf"wiggle\.{suffix}: no such file"):
        example.build()


def test_faults_in_captions_and_tables_are_named(example: Example) -> None:
    example.replace(example.report / "figures.yaml", 'setting("flow", "epochs")', 'setting("flow", "epoch")')
    with pytest.raises(ValueError, match=r"figures\.yaml: wiggle: caption: no setting of run 'flow' 'epoch'; nearest: 'epochs'"):
        example.build()
    example.replace(example.report / "figures.yaml", 'setting("flow", "epoch")', "1")
    example.replace(example.report / "tables.yaml", "metric: parameters, optional: true", "metric: parameters")
    with pytest.raises(ValueError, match=r"tables\.yaml: scores: column 'Parameters': no metric of run 'mix' 'parameters'"):
        example.build()
    example.replace(example.report / "tables.yaml", "metric: parameters", "metric: params")
    with pytest.raises(ValueError, match="nearest: 'parameters'"):
        example.build()


def test_two_papers_of_one_year_are_told_apart(example: Example) -> None:
    with (example.report / "bibliography.yaml").open("a") as file:
        file.write("\nkingma2014b: {authors: ['Kingma, D.', 'Welling, M.'], title: Zebra, year: 2014}\n")
    example.append('<< cite("kingma2014b") >>')
    html = example.build().html
    assert "Kingma &amp; Welling, 2014a" in html and "Kingma &amp; Welling, 2014b" in html


def test_the_stage_writes_all_files_and_a_record(finished: Example) -> None:
    folder = finished.results / "report"
    assert Page((folder / "index.html").read_text()).all("main")
    assert "By substitution" in (folder / "toy.tex").read_text()
    record = json.loads((finished.results / "records" / "render" / "report.json").read_text())
    assert record["counts"]["answered"] == 2
    assert "1 questions open" in (finished.results / "logs" / "render" / "report.log").read_text()
    images = re.findall(r'src="data:image/svg\+xml,([^"]+)"', (folder / "index.html").read_text())
    drawings = [ElementTree.fromstring(unquote(html.unescape(image))) for image in images]
    assert drawings and {drawing.tag for drawing in drawings} == {"{http://www.w3.org/2000/svg}svg"}


@pytest.mark.parametrize(
    "drawing", ["<svg width='1' fill='url(#a)'>50 %</svg>", '<svg title="it\'s">&lt;</svg>', '<svg a="b">\n</svg>']
)
def test_a_drawing_survives_its_way_through_an_address(drawing: str) -> None:
    address = str(_as_address(drawing.encode()))
    assert not set('"&#') & set(address)
    assert unquote(address).replace('"', "'") == drawing.replace('"', "'").replace("\n", " ")


def test_a_failing_render_leaves_the_old_report(example: Example, capsys: pytest.CaptureFixture[str]) -> None:
    assert example.render() == 0
    before = (example.results / "report" / "index.html").read_bytes()
    example.append('<< num("flow", "nothing") >>')
    assert example.render() == 1
    assert (example.results / "report" / "index.html").read_bytes() == before
    message = capsys.readouterr().err
    assert message.startswith("render: ") and "toy-1.md: line " in message and message.count("\n") == 1


def test_bad_config_json_is_refused(example: Example, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from dgm.stages import render

    words = ["--results", example.results, "--report-dir", example.report, "--html", tmp_path / "a", "--tex", tmp_path / "b"]
    words += ["--checks", tmp_path / "c"]
    words += ["--assignments", *example.assignments]
    for text, reason in (("{", "not JSON"), ("[]", "got a list; need a mapping")):
        assert render.main(["--config-json", text, "--record", str(tmp_path / "r"), *map(str, words)]) == 1
        assert reason in capsys.readouterr().err


def test_each_metric_of_a_table_is_explained(built: Report) -> None:
    heads = re.findall(r'<a class="metric" href="#metric-(\w+)" title="([^"]+)"', built.html)
    assert heads
    for metric, meaning in heads:
        assert meaning == METRICS[metric].meaning
        assert built.html.count(f'<dt id="metric-{metric}">') == 1
        assert METRICS[metric].meaning[1:] in built.tex
    assert built.html.count('<dt id="metric-') == len({metric for metric, _ in heads})
    assert not any("\\section{What the numbers" in part for part in built.parts.values())
