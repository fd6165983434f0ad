"""The tables and the manifest that close a build."""

import csv
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dgm.claims.tables import CHECKED, COLUMNS
from dgm.report import catalogue
from dgm.reproduce import manifest
from dgm.runtime.files import save_json
from dgm.stages import collect, tabulate
from dgm.stages import manifest as manifest_stage

# tabulate


def _metrics(folder: Path, run: str, rows: list[str]) -> Path:
    path = folder / f"{run}.csv"
    path.write_text("\n".join([",".join(tabulate.COLUMNS), *rows]) + "\n")
    return path


def test_metrics_are_joined_in_order_and_digit_for_digit(tmp_path: Path) -> None:
    files = [
        _metrics(tmp_path, "b", ["b,nice,bits_per_dim,4.340000000000001,0.01,1000,test,bits"]),
        _metrics(
            tmp_path, "a", ["a,bmm,log_likelihood,-152.5,nan,1000,test,nats", "a,bmm,log_likelihood,-150.0,0.5,1000,train,nats"]
        ),
    ]
    written = [word for name in ("table", "seeds-table", "record") for word in (f"--{name}", str(tmp_path / f"{name}.out"))]
    words = ["--metrics", *map(str, files), *written]
    assert tabulate.main(words) == 0
    lines = (tmp_path / "table.out").read_text().splitlines()
    assert lines == [files[0].read_text().splitlines()[0], *(line for file in files for line in file.read_text().splitlines()[1:])]


def test_numbers_of_repeated_runs_are_summarised_with_those_of_the_first_seed(tmp_path: Path) -> None:
    values = {"a": 1.0, "a-seed1": 2.0, "a-seed2": 6.0, "b": -0.5}
    files = [_metrics(tmp_path, run, [f"{run},nice,m,{value},0.1,9,test,nats"]) for run, value in values.items()]
    files[1].write_text(files[1].read_text() + "a-seed1,nice,of one seed,4.0,nan,0,model,\n")
    rows = tabulate.over_seeds(tabulate.join(files), {"a-seed1": "a", "a-seed2": "a"})
    assert [tuple(row[name] for name in ("run", "metric", "split", "unit", "seeds")) for row in rows] == [
        ("a", "m", "test", "nats", 3), ("a", "of one seed", "model", "", 1), ("b", "m", "test", "nats", 1),
    ]  # fmt: skip
    expected = stats.ttest_1samp([1.0, 2.0, 6.0], 0).confidence_interval(0.95)
    assert (rows[0]["mean"], rows[0]["standard_deviation"]) == pytest.approx((3.0, np.std([1, 2, 6], ddof=1)))
    assert (rows[0]["lower"], rows[0]["upper"]) == pytest.approx((expected.low, expected.high))
    assert (rows[2]["mean"], rows[2]["lower"], rows[2]["upper"]) == pytest.approx((-0.5, np.nan, np.nan), nan_ok=True)


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=20))
def test_every_float_survives(tmp_path_factory: pytest.TempPathFactory, values: list[float]) -> None:
    folder = tmp_path_factory.mktemp("metrics")
    file = _metrics(folder, "a", [f"a,nice,m{place},{value!r},0.0,1,test,nats" for place, value in enumerate(values)])
    assert [float(row["value"]) for row in tabulate.join([file])] == values


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a,nice,m,high,0,1,test,nats", r"a\.csv: line 2: value: expected a number, found 'high'"),
        ("a,nice,m,1,,1,test,nats", r"stderr: expected a number, found ''"),
        ("a,nice,m", r"a\.csv: line 2 has 3 of 8 columns; delete it and build again"),
    ],
)
def test_what_is_no_number_is_named(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tabulate.join([_metrics(tmp_path, "a", [row])])


def test_a_metric_that_stands_twice_is_named(tmp_path: Path) -> None:
    row = "a,nice,m,1,0,1,test,nats"
    with pytest.raises(ValueError, match=r"b\.csv: line 2: a m test stands in .*a\.csv already"):
        tabulate.join([_metrics(tmp_path, "a", [row]), _metrics(tmp_path, "b", [row])])


def test_other_columns_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("run,value\n")
    with pytest.raises(ValueError, match=r"expected the columns run, kind, .* found run, value"):
        tabulate.join([tmp_path / "a.csv"])


# collect


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """Three questions: one answered and corrected, one answered, one open."""
    folder = tmp_path / "report"
    folder.mkdir()
    (folder / "bibliography.yaml").write_text("{}\n")
    for name, questions in {"first": ("first-1", "first-2"), "second": ("second-1",)}.items():
        listed = "".join(f"- {{id: {question}, title: T, statement: S}}\n" for question in questions)
        (tmp_path / name / "answers").mkdir(parents=True)
        (tmp_path / name / "assignment.yaml").write_text(f"title: T\nquestions:\n{listed}")
    (tmp_path / "first/answers/first-1.md").write_text(
        "---\nquestion: first-1\ncorrection: {fault: wrong, printed: It said so.}\n---\nText.\n\n::: correction\nNot so.\n:::\n"
    )
    (tmp_path / "first/answers/first-2.md").write_text("---\nquestion: first-2\n---\nThe word correction alone corrects nothing.\n")
    return folder


def folders(report: Path) -> list[Path]:
    return [report.parent / name for name in ("first", "second")]


def _check(question: str, passed: str = "True", published: str = "") -> dict[str, str]:
    row = dict.fromkeys(CHECKED, "")
    said = {"question": question, "id": "sum", "claim": "a claim, with a comma", "method": "closed form", "passed": passed}
    return {**row, **said, "published": published, "source": "printed" if published else ""}


FINDING = {**dict.fromkeys(CHECKED, ""), "question": "first-2", "claim": "a finding", "id": "rises", "verdict": "shown"}


def _write_checks(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, CHECKED)
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_every_question_has_one_row(report: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [_check("first-1", published="2.5"), _check("first-1", "skipped"), _check("first-2", "False"), FINDING]
    words = [
        "--checks",
        str(_write_checks(tmp_path / "first.csv", rows)),
        "--report-dir",
        str(report),
        "--assignments",
        *map(str, folders(report)),
    ]
    words += ["--checks-table", str(tmp_path / "c.csv"), "--questions-table", str(tmp_path / "q.csv")]
    words += ["--corrections-table", str(tmp_path / "k.csv")]
    assert collect.main([*words, "--record", str(tmp_path / "r.json")]) == 0
    with (tmp_path / "q.csv").open() as file:
        found = [tuple(row.values()) for row in csv.DictReader(file)]
    assert found == [
        ("first-1", "first", "True", "2", "1", "0", "0", "True"),
        ("first-2", "first", "True", "1", "0", "1", "1", "False"),
        ("second-1", "second", "False", "0", "0", "0", "0", "False"),
    ]
    with (tmp_path / "c.csv").open() as file:
        listed = list(csv.DictReader(file))
    assert [row["claim"] for row in listed] == ["a claim, with a comma"] * 3 + ["a finding"]
    assert tuple(listed[0]) == COLUMNS
    with (tmp_path / "k.csv").open() as file:
        corrected = list(csv.DictReader(file))
    assert [(row["question"], row["fault"], row["printed"], row["published"], row["source"]) for row in corrected] == [
        ("first-1", "wrong", "It said so.", "2.5", "printed")
    ]
    said = "2 of 3 questions are answered; of 3 claims 1 hold, 1 are false, 1 are skipped; of 1 findings 1 shown"
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([_check("first-1")], r"answers without a check: .*first/answers/first-2\.md"),
        ([_check("first-1"), _check("first-2"), _check("first-22")], "no question 'first-22'; nearest: 'first-2'"),
    ],
)
def test_a_gap_between_answers_and_checks_stops_the_build(report: Path, rows: list[dict[str, str]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        collect.summarise(catalogue.load(report, folders(report)), rows)


def test_a_correction_without_a_number_is_listed_and_a_rejected_value_needs_a_correction(report: Path) -> None:
    declared = catalogue.load(report, folders(report))
    (row,) = collect.corrections(declared, [_check("first-1"), _check("first-2")])
    assert row["question"] == "first-1" and row["id"] == row["published"] == ""
    with pytest.raises(ValueError, match=r"first-2\.md: needs a correction; a check rejects a published value: 'sum'"):
        collect.corrections(declared, [_check("first-1"), _check("first-2", published="3")])


# manifest


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results" / "mnist-5k"
    files = {
        "models/nice.pt": "weights",
        "tables/metrics.csv": "numbers",
        "models/.nice.pt.abc.part": "half",
        "logs/train/nice.log": "log",
        "checkpoints/nice.pt": "checkpoint",
        "records/manifest/manifest.json": "{}",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    device = {"type": "cpu", "name": "A"}
    for stage, name, said in (
        ("train", "nice", {"seconds": 12.5, "device": device, "commit": "c" * 40}),
        ("sample", "nice", {"seconds": 1.5, "device": device, "commit": "d" * 40}),
        ("plot", "curve", {"seconds": 0.5}),
    ):
        save_json(folder / "records" / stage / f"{name}.json", {"stage": stage, "name": name, **said})
    return folder


def test_the_manifest_covers_what_the_results_are(results: Path) -> None:
    words = ["--results", str(results), "--manifest", str(results / "manifest.json")]
    assert manifest_stage.main([*words, "--record", str(results / "records/manifest/manifest.json")]) == 0
    found = json.loads((results / "manifest.json").read_text())
    assert set(found["artefacts"]) == {
        "models/nice.pt",
        "tables/metrics.csv",
        "records/train/nice.json",
        "records/sample/nice.json",
        "records/plot/curve.json",
    }
    for name, digest in found["artefacts"].items():
        assert digest == hashlib.sha256((results / name).read_bytes()).hexdigest()
    assert found["seconds"] == {"plot/curve": 0.5, "sample/nice": 1.5, "train/nice": 12.5}
    assert found["devices"] == [{"name": "A", "type": "cpu"}]
    assert found["commits"] == ["c" * 40, "d" * 40]
    assert {"numpy", "torch", "snakemake"} <= {name.lower() for name in found["versions"]}


def test_the_manifest_does_not_depend_on_an_earlier_one(results: Path) -> None:
    before = manifest.describe(results)
    (results / "manifest.json").write_text("{}")
    assert manifest.describe(results) == before


@pytest.mark.parametrize("content", ["", "{}", '{"seconds"'])
def test_a_damaged_record_is_named(results: Path, content: str) -> None:
    (results / "records/train/nice.json").write_text(content)
    with pytest.raises(ValueError, match=r"train/nice\.json: .*delete it and build again"):
        manifest.describe(results)


def test_faults_name_what_is_missing_changed_and_unlisted(results: Path) -> None:
    words = ["--results", str(results), "--manifest", str(results / "manifest.json")]
    assert manifest_stage.main([*words, "--record", str(results / "records/manifest/manifest.json")]) == 0
    found = manifest.faults(results)
    assert (found.missing, found.changed, found.unlisted) == ((), (), ())
    (results / "models/nice.pt").write_text("Weights")
    (results / "tables/metrics.csv").unlink()
    (results / "tables/mine.csv").write_text("notes")
    (results / "logs/train/nice.log").write_text("another log")
    found = manifest.faults(results)
    assert (found.missing, found.changed, found.unlisted) == (("tables/metrics.csv",), ("models/nice.pt",), ("tables/mine.csv",))
    assert str(found) == "2 of its files differ from the manifest: tables/metrics.csv (missing), models/nice.pt (changed)"


@pytest.mark.parametrize("content", ["", "[]", '{"artefacts": []}', "{}"])
def test_a_manifest_that_is_none_is_named(results: Path, content: str) -> None:
    with pytest.raises(ValueError, match=r"manifest\.json: no such file; the build is not finished"):
        manifest.faults(results)
    (results / "manifest.json").write_text(content)
    with pytest.raises(ValueError, match=r"manifest\.json: .*; delete it and build again"):
        manifest.faults(results)
