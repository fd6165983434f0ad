"""Provenance: the jobs behind a figure, a table and the report are found through the files they wrote."""

from pathlib import Path

import pytest
from conftest import Example

from dgm.claims.tables import COLUMNS
from dgm.report import origin
from dgm.report.catalogue import Figure
from dgm.report.results import Results
from dgm.runtime.files import save_json


@pytest.fixture
def results(example: Example) -> Results:
    return Results(example.results, example.config)


def test_a_figure_comes_from_its_drawing_and_from_the_writers_of_its_sources(example: Example, results: Results) -> None:
    made = origin.of_figure("wiggle", example.load().figures["wiggle"], results)
    assert [(job.stage, job.name) for job in made.jobs] == [("plot", "wiggle"), ("sample", "flow"), ("train", "flow")]
    assert made.runs == ("flow",) and made.target == "results/toys/figures/wiggle.svg"
    assert made.seconds == pytest.approx(12.3 + 12.3 + 200.0)
    assert made.commits == ("0123456789",) and made.devices == ("CPU",)


@pytest.mark.parametrize(
    ("source", "jobs", "words"),
    [
        ("data/images.npz", [("prepare", "data")], "data toys"),
        ("tables/metrics.csv", [("tabulate", "metrics")], "data toys"),
        ("evaluations/flow.npz", [("evaluate", "flow"), ("train", "flow")], "run flow"),
        ("arrays/curve.npz", [("demonstrate", "curve")], "closed form, no data"),
    ],
)
def test_each_kind_of_source_leads_to_its_jobs(example: Example, source: str, jobs: list[tuple[str, str]], words: str) -> None:
    record = {"stage": "demonstrate", "name": "curve", "seconds": 1.0}
    save_json(example.results / "records" / "demonstrate" / "curve.json", record)
    results = Results(example.results, example.config)
    figure = Figure.model_validate({"draw": "x", "from": {"a": source}, "caption": "c", "alt": "a"})
    made = origin.of_figure("unplotted", figure, results)
    assert [(job.stage, job.name) for job in made.jobs] == jobs
    assert words in made.line()


def test_changes_and_devices_are_told(example: Example, results: Results) -> None:
    made = origin.of_table(example.load().tables["scores"], results)
    assert made.commits == ("0123456789", "0123456789+changes")
    for device, words in (
        ({"name": "Fast GPU", "type": "cuda", "threads": 4, "uuid": "x"}, "Fast GPU"),
        ({"name": "Some CPU", "type": "cpu", "threads": 1, "uuid": ""}, "Some CPU, 1 thread"),
    ):
        example.change_record("train", "mix", device=device)
        made = origin.of_table(example.load().tables["scores"], Results(example.results, example.config))
        assert made.devices == ("CPU", words)


def test_the_report_counts_every_job_once_and_not_itself(example: Example) -> None:
    assert example.render() == 0
    made = origin.of_report(Results(example.results, example.config))
    assert len(made.jobs) == 7 and all(job.stage != "render" for job in made.jobs)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("tables/metrics.csv", "run,value\n", r"metrics\.csv: expected the columns .*metric.*; found run, value"),
        (
            "tables/checks.csv",
            ",".join(COLUMNS) + "\nq,,c,m,1,1,0,0,maybe" + "," * (len(COLUMNS) - 9) + "\n",
            "no entry of passed 'maybe'",
        ),
        ("data/provenance.json", "{}", r"provenance\.json: lacks images"),
        ("records/train/flow.json", "{", r"flow\.json: not readable JSON"),
    ],
)
def test_damaged_results_are_named(example: Example, file: str, content: str, message: str) -> None:
    (example.results / file).write_text(content)
    with pytest.raises(ValueError, match=message):
        example.build()


@pytest.mark.parametrize("file", ["tables/metrics.csv", "tables/checks.csv", "data/provenance.json"])
def test_missing_results_are_named(example: Example, file: str) -> None:
    (example.results / file).unlink()
    with pytest.raises(ValueError, match=f"{Path(file).name}: no such file"):
        example.build()
