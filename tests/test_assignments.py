"""Assignments are folders: found by name or path, imported from where they lie, and built alone."""

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from shipped import CONFIG, FOLDERS, ROOT

from dgm import assignments, new
from dgm.claims.claim import Claim
from dgm.claims.evidence import Evidence
from dgm.claims.registry import claims
from dgm.claims.tables import STOPPED
from dgm.report import catalogue
from dgm.report.macros import Templates
from dgm.report.results import Results
from dgm.runtime.files import load_table
from dgm.stages import check
from dgm.workflow.fingerprint import fingerprint
from dgm.workflow.plan import Plan

QUESTION = {"title": "T", "statement": "S"}


def write(folder: Path, **declared: Any) -> Path:
    """An assignment with one question and one claim."""
    (folder / "claims").mkdir(parents=True)
    content = {"title": "Made up", "questions": [{"id": f"{folder.name}-1", **QUESTION}], **declared}
    (folder / assignments.FILE).write_text(yaml.safe_dump(content))
    (folder / "claims" / "all.py").write_text(
        "from dgm.claims.claim import Claim\nfrom dgm.claims.registry import question\nfrom ._helper import TWO\n\n\n"
        f'@question("{folder.name}-1")\ndef check(evidence):\n    yield Claim("two", "two", "enumeration", 2, TWO)\n'
    )
    (folder / "claims" / "_helper.py").write_text("TWO = 2\n")
    return folder


def plan(*folders: object, **changes: Any) -> Plan:
    return Plan({**CONFIG, "assignments": [str(folder) for folder in folders], **changes}, ROOT)


# ------------------------------------------------------------------------------------------------ where they lie


def test_a_folder_is_found_by_path_and_by_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = write(tmp_path / "mine")
    first = next(iter(FOLDERS))
    monkeypatch.chdir(tmp_path)
    assert assignments.find(str(there), ROOT) == there
    assert assignments.find("mine", ROOT) == Path("mine")
    assert assignments.find(first, ROOT) == assignments.find(f"assignments/{first}", ROOT) == FOLDERS[first]
    with pytest.raises(ValueError, match=f"assignments: yours: no folder with assignment.yaml there; .*{first}"):
        assignments.find("yours", ROOT)


def test_a_folder_whose_name_is_no_module_is_refused(tmp_path: Path) -> None:
    (tmp_path / "my-own").mkdir()
    (tmp_path / "my-own" / assignments.FILE).write_text("")
    with pytest.raises(ValueError, match="the folder is called 'my-own'"):
        assignments.find(str(tmp_path / "my-own"), ROOT)


def test_what_editors_leave_is_no_module(tmp_path: Path) -> None:
    for name in (
        "one.py",
        "_private.py",
        ".#one.py",
        "._one.py",
        "two-b.py",
        "pack/__init__.py",
        ".ipynb_checkpoints/one-checkpoint.py",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert assignments.modules(tmp_path) == ["one", "pack"]
    for name in ("a.md", ".#a.md", "._a.md", ".ipynb_checkpoints/a.md"):
        (tmp_path / name).touch() if (tmp_path / name).parent.exists() else None
    assert [path.name for path in catalogue.files(tmp_path)] == ["a.md"]


def test_its_code_is_imported_from_where_it_lies_and_counts_for_reruns(tmp_path: Path) -> None:
    there = write(tmp_path / "elsewhere" / "mine")
    (found,) = claims(there)["mine-1"](Evidence(tmp_path))
    assert isinstance(found, Claim) and found.passed
    assert assignments.source_file("assignments.mine.claims.all") == there / "claims" / "all.py"
    before = plan(there).check_code("mine")
    (there / "claims" / "_helper.py").write_text("TWO = 1 + 1\n")
    again = f"from dgm.workflow.plan import Plan; print(Plan({ {**CONFIG, 'assignments': [str(there)]}!r}).check_code('mine'))"
    after = subprocess.run([sys.executable, "-c", again], capture_output=True, text=True, check=True, cwd=ROOT)
    assert after.stdout.strip() != before
    assert before == before.lower() and len(before) == 16 and fingerprint("dgm.stages.check") != before


def test_a_folder_of_the_same_name_takes_the_place_of_the_first(tmp_path: Path) -> None:
    one, two = (write(tmp_path / name / "mine") for name in ("one", "two"))
    (two / "claims" / "_helper.py").write_text("TWO = 3\n")
    assert [next(iter(claims(folder)["mine-1"](Evidence(tmp_path)))).passed for folder in (one, two, one)] == [True, False, True]


# ------------------------------------------------------------------------------------------------ what is built


@pytest.mark.parametrize("name", FOLDERS)
def test_a_build_of_one_trains_what_it_reads_and_what_judges_that(name: str) -> None:
    made = plan(name)
    read = set(made.catalogue.assignments[name].runs)
    judges = set(CONFIG["judges"])
    assert set(made.runs) == (read | judges if read & judges else read)
    assert set(made.left_out) == set(CONFIG["runs"]) - set(made.runs)
    assert made.runs == [run for run in CONFIG["runs"] if run in made.runs], "the order of the config"
    assert made.documents == ["report", "checks", name]
    assert all(made.category(figure) == made.catalogue.assignments[name].title for figure in made.figures)
    assert set(made.catalogue.lacking) == {chapter.name for chapter in plan(*FOLDERS).catalogue.chapters.values() if chapter.needs}


def test_all_together_train_every_run() -> None:
    made = plan(*FOLDERS)
    assert made.left_out == [] and made.catalogue.lacking == {} and made.catalogue.elsewhere == {}


def test_a_run_that_nobody_else_reads_is_trained(tmp_path: Path) -> None:
    runs = {**CONFIG["runs"], "own": {"kind": "gmm", "data": "own_ring"}, "read": {"kind": "gmm", "data": "own_ring"}}
    rings = {**CONFIG["rings"], "own_ring": {"radius": 1.0}, "points_alone": {"radius": 2.0}}
    made = plan(write(tmp_path / "mine", runs=["read"]), runs=runs, rings=rings)
    assert made.runs == ["own", "read"]
    assert made.rings == ["own_ring", "points_alone"]
    assert made.judges == [] and made.evidence("read") == {}


def test_samples_are_measured_where_a_classifier_is_among_the_runs(tmp_path: Path) -> None:
    judge, image_run = CONFIG["judges"][0], next(run for run, block in CONFIG["runs"].items() if block["kind"] == "nice")
    without, with_one = (write(tmp_path / name, runs=runs) for name, runs in (("a", [image_run]), ("b", [image_run, judge])))
    assert plan(without).evidence(image_run) == {}
    assert plan(with_one).judges == CONFIG["judges"]
    assert list(plan(with_one).evidence(image_run)) == ["classifiers", "references", "samples"]


@pytest.mark.parametrize("name", FOLDERS)
def test_the_check_waits_for_the_files_of_what_is_read_alone(name: str) -> None:
    made = plan(*FOLDERS)
    names = set(made.reads(name))
    waited = made.files_read(name)
    assert {Path(path).stem for path in waited if path.split("/")[0] not in ("data",)} <= names
    assert len(waited) == len(set(waited))
    assert not [path for path in waited if path.startswith("tables/")]


def test_a_run_that_is_not_named_is_refused(tiny_results: Path) -> None:
    all_runs = list(CONFIG["runs"])
    one, other = all_runs[0], all_runs[2]
    evidence = Evidence(tiny_results, reads=frozenset({one}))
    assert evidence.history(one).shape[0] > 0
    for ask in (evidence.history, evidence.evaluations, evidence.model_path):
        with pytest.raises(ValueError, match=f"'{other}' is not among the runs of assignment.yaml"):
            ask(other)
    with pytest.raises(KeyError, match=f"'{other}' is not among the runs of assignment.yaml"):
        evidence.metric(other, "parameters", "model")
    assert Evidence(tiny_results).metric(other, "parameters", "model") > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"runs": ["nise"]}, r"assignment\.yaml: runs: no run 'nise'; nearest: 'nice"),
        ({"runs": "nice"}, r"assignment\.yaml\.runs: got 'nice'"),
        ({"questions": []}, r"assignment\.yaml\.questions: got \[\]"),
        ({"questions": [{"id": "other-1", **QUESTION}]}, "other-1: ids of this assignment begin with mine-"),
        ({"question": []}, r"assignment\.yaml\.question: unknown key"),
    ],
)
def test_a_fault_of_the_declaration_is_named_before_any_job(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        plan(write(tmp_path / "mine", **change))


@pytest.mark.parametrize("name", ["report", "checks"])
def test_a_folder_called_like_a_document_of_every_build_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"assignments: {name}: a document of every build has this name"):
        plan(write(tmp_path / name))


def test_a_folder_called_like_an_assignment_of_the_repository_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = next(iter(FOLDERS))
    with pytest.raises(ValueError, match=f"{first} is an assignment of the repository; call the folder otherwise"):
        assignments.find(str(write(tmp_path / first)), ROOT)
    assert new.main(["assignment", str(tmp_path / "other" / first)]) == 1
    assert f"{first} is an assignment of the repository; take another name" in capsys.readouterr().err
    assert new.main(["assignment", ""]) == 1
    assert "name a folder" in capsys.readouterr().err


def test_a_file_whose_name_is_no_module_is_refused(tmp_path: Path) -> None:
    there = write(tmp_path / "mine")
    (there / "claims" / "more-claims.py").touch()
    with pytest.raises(ValueError, match=r"more-claims\.py: cannot be the name of a module"):
        plan(there)


def test_a_fault_of_the_syntax_is_named_before_any_job(tmp_path: Path) -> None:
    there = write(tmp_path / "mine")
    (there / "claims" / "broken.py").write_text("def f(:\n")
    with pytest.raises(ValueError, match=r"broken\.py: line 1: invalid syntax"):
        plan(there)


def checked(there: Path, folder: Path, dataset: str = "mnist-5k", about: Iterable[str] = ()) -> tuple[int, list[dict[str, str]]]:
    """Status of the check stage, and its rows."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    (folder / "data" / "provenance.json").write_text(json.dumps({"dataset": dataset}))
    words = ["--assignment", there, "--results", folder, "--stability", ROOT / "report" / "stability.csv"]
    words += ["--checks", folder / "c.csv", "--about", *about]
    status = check.main([*map(str, words), "--reads", "--record", str(folder / "r.json"), "--log", str(folder / "log")])
    return status, load_table(folder / "c.csv") if status == 0 else []


def test_what_a_check_claims_before_an_exception_counts_and_the_line_is_named(tmp_path: Path) -> None:
    there = write(tmp_path / "mine")
    with (there / "claims" / "all.py").open("a") as file:
        file.write("    yield Claim('three', 'three', 'enumeration', 3, [1, 2][2])\n")
    status, rows = checked(there, tmp_path)
    assert status == 0 and [(row["claim"], row["passed"]) for row in rows] == [
        ("two", "True"),
        ("the check runs (all.py, line 9: IndexError: list index out of range)", "False"),
    ]


def test_findings_are_skipped_on_images_that_the_assignment_is_not_about(tmp_path: Path) -> None:
    there = write(tmp_path / "mine", datasets=["kmnist"])
    with (there / "claims" / "all.py").open("a") as file:
        file.write("    yield Claim('three', 'three', 'enumeration', 3, 3, needs_full_budget=True)\n")
    passed = {
        dataset: [row["passed"] for row in checked(there, tmp_path / dataset, dataset, plan(there).about("mine"))[1]]
        for dataset in ("kmnist", "mnist")
    }
    assert passed == {"kmnist": ["True", "True"], "mnist": ["True", "skipped"]}
    assert plan(write(tmp_path / "other")).about("other") == []


def test_an_assignment_about_an_unknown_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"mine/assignment\.yaml: datasets: no data set 'kmnits'; nearest: 'kmnist'"):
        plan(write(tmp_path / "mine", datasets=["kmnits"]))


def test_an_id_given_twice_is_a_false_claim(tmp_path: Path) -> None:
    there = write(tmp_path / "mine")
    with (there / "claims" / "all.py").open("a") as file:
        file.write("    yield Claim('two', 'the same id', 'enumeration', 2, TWO)\n")
    status, rows = checked(there, tmp_path)
    assert status == 0 and [(row["id"], row["passed"]) for row in rows] == [("two", "True"), (STOPPED, "False")]
    assert "the id 'two' is given twice" in rows[1]["claim"]


def test_a_check_of_an_unknown_question_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    there = write(tmp_path / "mine")
    (there / "claims" / "all.py").write_text((there / "claims" / "all.py").read_text().replace("mine-1", "mine-2"))
    assert checked(there, tmp_path)[0] == 1
    assert "assignments/mine/claims/all.py:6 check: the check of a question: no question 'mine-2'" in capsys.readouterr().err


def test_a_copy_beside_the_folder_changes_no_reference(tmp_path: Path) -> None:
    there, copy, broken = (write(tmp_path / name) for name in ("mine", "mine_old", "draft"))
    (copy / assignments.FILE).write_text((there / assignments.FILE).read_text())
    (broken / assignments.FILE).write_text("a: b: c\n")
    declared = catalogue.load(ROOT / "report", [there])
    assert Templates(declared, Results(tmp_path, {}))._question("mine-1") == '[]{.to-question name="mine-1"}'


def test_two_folders_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="two folders have one name"):
        plan(*(write(tmp_path / name / "mine") for name in ("three", "four")))
    with pytest.raises(ValueError, match="two folders have one name"):
        catalogue.load(ROOT / "report", [write(tmp_path / name / "mine") for name in ("one", "two")])


def test_a_figure_of_what_the_assignment_does_not_read_is_refused(tmp_path: Path) -> None:
    one, other = list(CONFIG["runs"])[:2]
    there = write(tmp_path / "mine", runs=[one])
    figure = {"draw": "learning_curves", "from": {"run": f"history/{other}.csv"}, "caption": "C", "alt": "A"}
    (there / "figures.yaml").write_text(yaml.safe_dump({"curve": figure}))
    with pytest.raises(ValueError, match=rf"curve\.from\.run: no file of its runs called 'history/{other}\.csv'"):
        plan(there)


def test_references_to_what_is_not_built_are_words_and_others_are_mistakes(tmp_path: Path) -> None:
    elsewhere = catalogue.load(ROOT / "report", [write(tmp_path / "mine")]).elsewhere
    every = catalogue.load(ROOT / "report", list(FOLDERS.values()))
    assert set(every.questions) | set(every.figures) | set(every.tables) >= set(elsewhere) - set(every.chapters)
    assert set(every.questions) <= set(elsewhere)


# ------------------------------------------------------------------------------------------------ new ones


def test_a_new_assignment_is_declared_without_fault_and_never_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert new.main(["assignment", "mine"]) == 0
    said = capsys.readouterr().out
    assert f"--snakefile {ROOT.resolve() / 'Snakefile'}" in said and "--configfile mine/config.yaml" in said
    own = yaml.safe_load((tmp_path / "mine" / "config.yaml").read_text())
    merged = {**CONFIG, **own, "runs": {**CONFIG["runs"], **own["runs"]}, "rings": {**CONFIG["rings"], **own["rings"]}}
    made = Plan(merged, ROOT)
    assert made.runs == ["mine_mixture"] and made.rings == ["mine_ring"] and len(made.figures) == 1
    assert not re.search(r"@[A-Z]+@", "".join(path.read_text() for path in (tmp_path / "mine").rglob("*") if path.is_file()))
    assert new.main(["assignment", "mine"]) == 1
    assert "mine/assignment.yaml: exists already" in capsys.readouterr().err
    assert new.main(["assignment", "my-own"]) == 1
    assert "'my-own' cannot be the id of an assignment" in capsys.readouterr().err
    assert new.main(["figure", "curve", "--assignment", "mine"]) == 0
    assert list(Plan(merged, ROOT).figures) == ["mine-2-means", "mine-curve"]
    assert new.main(["figure", "curve", "--assignment", "mine"]) == 1


def test_new_files_keep_to_the_style_of_the_project(tmp_path: Path) -> None:
    assert new.main(["assignment", str(tmp_path / "mine")]) == 0
    assert new.main(["figure", "curve", "--assignment", str(tmp_path / "mine")]) == 0
    rules = ["--config", str(ROOT / "pyproject.toml"), str(tmp_path)]
    for command in (["ruff", "check", "--no-cache", *rules], ["ruff", "format", "--check", "--no-cache", *rules]):
        done = subprocess.run(
            [str(Path(sys.executable).with_name("ruff")), *command[1:]], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


def test_a_new_model_meets_its_own_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dgm.workflow import schema

    package = tmp_path / "src" / "dgm"
    package.mkdir(parents=True)
    monkeypatch.setattr(new, "PACKAGE", package)
    monkeypatch.setattr(schema, "main", lambda words: 0)  # which would write the repository's
    assert new.main(["model", "made_up_kind"]) == 0
    written = package / "models" / "made_up_kind.py"
    test = tmp_path / "tests" / "models" / "test_made_up_kind.py"
    test.write_text(test.read_text().replace("dgm.models.made_up_kind", "made_up_kind"))
    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    path = [str(written.parent), str(ROOT / "tests"), str(ROOT / "src")]
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(test)]
    done = subprocess.run(words, cwd=tmp_path, env=json.loads(json.dumps({**_environment(), "PYTHONPATH": ":".join(path)})),
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    assert "2 passed" in done.stdout


def _environment() -> dict[str, str]:
    import os

    return dict(os.environ)
