"""Words follow verdicts: every block says something else under each verdict, and a gap is marked where a build lacks a number."""

import dataclasses
import re

import pytest
from conftest import Example
from sentences import FINDING, texts

from dgm.report.macros import MISSING, Templates
from dgm.report.numbers import plain
from dgm.report.results import Results

BLOCK = (
    '<% finding "toy-2/leads" %>The flow leads by << found("toy-2/leads") >>.'
    "<% undecided %>Open.<% contradicted %>It trails.<% endfinding %>"
)


def judged(results: Results, **changed: object) -> Results:
    """The same results with another verdict on the only finding."""
    finding = dataclasses.replace(results.finding("toy-2/leads"), **changed)
    vars(results)["findings"] = {"toy-2/leads": finding}
    return results


@pytest.fixture
def results(original: Example) -> Results:
    return Results(original.results, original.config)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("shown", "The flow leads by 0.12 ± 0.02."),
        ("not decided", "Open."),
        ("skipped", "Open."),
        ("contradicted", "It trails."),
    ],
)
def test_a_block_says_what_its_verdict_allows(original: Example, results: Results, status: str, said: str) -> None:
    templates = Templates(original.load(), judged(results, status=status))
    assert plain(templates.text(BLOCK, "here.md")).replace("\u00a0", " ") == said


def test_the_printed_error_holds_the_scatter_of_training(original: Example, results: Results) -> None:
    finding = results.finding("toy-2/leads")
    assert finding.error == pytest.approx((0.02**2 + 0.01**2) ** 0.5)
    wide = judged(results, scatter=0.3)
    said = Templates(original.load(), wide).text('<< found("toy-2/leads") >>', "here.md")
    assert plain(said).replace("\u00a0", " ") == "0.1 ± 0.3"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('<% finding "toy-2/leads" %>a<% undecided %>b<% endfinding %>', "endfinding"),
        ('<% finding "toy-2/leads" %>a<% contradicted %>b<% undecided %>c<% endfinding %>', "contradicted"),
        ('<% finding "toy-2/lead" %>a<% undecided %>b<% contradicted %>c<% endfinding %>', "no finding 'toy-2/lead'.*toy-2/leads"),
        ('<< found("toy-1/leads") >>', "no finding 'toy-1/leads'"),
    ],
)
def test_a_block_without_all_three_verdicts_or_with_a_wrong_name_is_an_error(
    original: Example, results: Results, text: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Templates(original.load(), results).text(text, "here.md")


def test_the_page_says_verdict_estimate_and_trainings(original: Example) -> None:
    report = original.build()
    for text in (report.html, report.checks):
        assert "shown; shown in 10 of 10 trainings" in text
        assert "1000" in text
    assert "<b>1</b> findings of training: 1 shown, 0 not decided, 0 contradicted" in report.html
    assert report.counts["claims"] == 3 and report.counts["findings"] == 1 and report.counts["shown"] == 1


def test_a_finding_may_reject_a_published_value(example: Example) -> None:
    path = example.results / "tables" / "corrections.csv"
    row = "toy-1,wrong,The value,leads,the flow recognises more digits than the mixture,measurement,0.5,follows,0.12,"
    path.write_text(path.read_text() + row + "\n")
    checks = example.results / "tables" / "checks.csv"
    lines = checks.read_text().splitlines()
    lines[-1] = lines[-1].replace("toy-2,leads", "toy-1,leads")
    checks.write_text("\n".join(lines) + "\n")
    report = example.build()
    assert "Would follow from what was printed: 0.5, rejected" in report.html and "would follow: 0.5" in report.html
    assert "would follow: 0.5" in report.tex


# ------------------------------------------------------------------------------------------------ parts that are missing


def test_what_a_build_lacks_is_marked_at_its_place_and_listed_at_the_top(example: Example) -> None:
    metrics = example.results / "tables" / "metrics.csv"
    rows = [line for line in metrics.read_text().splitlines() if not line.startswith("mix,")]
    metrics.write_text("\n".join(rows) + "\n")
    (example.results / "figures" / "wiggle.svg").unlink()
    (example.results / "figures" / "wiggle.pdf").unlink()
    (example.results / "failures.json").write_text('{"failures": ["train mix: the loss is not finite"]}')
    with pytest.raises(ValueError, match="mix"):
        example.build()
    report = example.build(incomplete=True)
    for text in (report.html, report.tex):
        assert "This build is not whole." in text
        assert "train mix: the loss is not finite" in text
        assert "could not be drawn" in text
        assert "What this build lacks here" in text
    answers = report.html.split("<article")
    whole, gapped = answers[1], answers[2]
    assert "What this build lacks here" not in whole and "1.3863" in whole
    assert re.search(r'reaches <a class="num"[^>]*>\u2212', gapped) and MISSING in gapped


def test_a_whole_build_has_no_word_of_gaps(original: Example) -> None:
    report = original.build(incomplete=True)
    assert report.html == original.build().html
    assert "not whole" not in report.html and 'class="box missing"' not in report.html


def test_a_false_claim_is_listed_at_the_top_and_the_report_is_written(example: Example) -> None:
    path = example.results / "tables" / "checks.csv"
    path.write_text(path.read_text().replace("6.7e-16,1e-12,True", "6.7e-16,1e-12,False", 1))
    report = example.build()
    assert "This build is not whole." in report.html
    assert 'The claim <a href="#toy-1/integral">toy-1/integral</a> is false: the integral of log 4' in report.html
    assert report.counts["failed"] == 1


# ------------------------------------------------------------------------------------------------ the report itself


def sources() -> list[tuple[str, str]]:
    """Where a text with findings stands, and each of its blocks."""
    return [(where, block) for where, text in texts() for block in FINDING.findall(text)]


@pytest.mark.parametrize(("where", "block"), sources())
def test_every_block_of_the_report_says_something_else_where_it_is_not_shown(where: str, block: str) -> None:
    parts = re.split(r"<%\s*(?:finding\b[^%]*|undecided|contradicted|endfinding)\s*%>", block)
    shown, undecided, contradicted = (" ".join(part.split()) for part in parts[1:4])
    assert shown != contradicted, f"{where}: {block}"
    assert undecided != shown, f"{where}: {block}"
    assert contradicted, f"{where}: a contradicted finding is passed over in silence: {block}"
