"""The workflow as a user runs it: dry runs, bad configs, and (marked ``pipeline``) a whole build on tiny budgets."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import yaml
from made_up_data import made_up, write_folder
from shipped import load as declared
from workflows import (
    MADE_UP_GPUS,
    QUICK,
    REPOSITORY,
    SHIPPED,
    command,
    copy_sources,
    one_server,
    planned,
    quick,
    small_repository,
    smoke_build,
    snakemake,
    tool,
)

from dgm.workflow.resources import STAGES

# the first test that wants the quick build waits for it
pytestmark = pytest.mark.timeout(2400)


def test_a_dry_run_of_the_shipped_config_plans_every_job(tmp_path: Path) -> None:
    done = snakemake("--cores", "2", "--dry-run", folder=tmp_path)
    assert done.returncode == 0, done.stdout
    jobs = planned(done.stdout)
    assert {run for rule, run in jobs if rule == "train"} == set(SHIPPED["runs"])
    assert {run for rule, run in jobs if rule == "sample"} == set(SHIPPED["runs"]) - {
        "classifier",
        "classifier_second",
        "kmeans_pixels",
        "gmm_pixels",
    }
    assert {figure for rule, figure in jobs if rule == "plot"} == set(CATALOGUE.figures)
    explored = {name for name, figure in CATALOGUE.figures.items() if figure.explore}
    assert {figure for rule, figure in jobs if rule == "export"} == explored
    assert {("prepare", ""), ("tabulate", ""), ("check", "gdl"), ("collect", ""), ("render", ""), ("manifest", "")} <= jobs
    typeset = {document for rule, document in jobs if rule == "typeset"}
    assert typeset == (set(DOCUMENTS) if shutil.which("pdflatex") else set())
    assert not (tmp_path / "results").exists()


def test_without_latex_the_pdf_is_left_out(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "git", "which"):
        found = shutil.which(name)
        assert found is not None
        (tools / name).symlink_to(found)
    done = snakemake("--cores", "2", "--dry-run", folder=tmp_path / "out", PATH=str(tools))
    assert done.returncode == 0, done.stdout
    jobs = planned(done.stdout)
    assert "typeset" not in {rule for rule, _ in jobs}
    assert ("render", "") in jobs


@pytest.mark.parametrize(
    ("words", "messages"),
    [
        (["dataset=mnits"], ["dataset: unknown data set 'mnits' (did you mean mnist or kmnist?)"]),
        (
            ["sed=1", "seed=-1"],
            ["sed: unknown key (did you mean seed or seeds?)", "seed: got -1; allowed: a whole number, at least 0"],
        ),
        (["dataset=mnist", "data_dir=gone"], ["data_dir: gone is not a folder"]),
    ],
)
def test_a_bad_config_stops_before_any_job(tmp_path: Path, words: list[str], messages: list[str]) -> None:
    done = snakemake("--cores", "2", "--config", *words, folder=tmp_path)
    assert done.returncode != 0
    for message in messages:
        assert done.stdout.count(message) == 1
    assert "Traceback" not in done.stdout
    assert "Building DAG" not in done.stdout
    assert not (tmp_path / "results").exists()


def test_lint_finds_nothing(tmp_path: Path) -> None:
    done = snakemake("--lint", folder=tmp_path)
    assert done.returncode == 0, done.stdout


def test_the_workflow_is_formatted() -> None:
    words = [sys.executable, "-m", "snakefmt.snakefmt", "--check", "Snakefile", "workflow"]
    done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_catalogue_finds_the_workflow_below_workflow(tmp_path: Path) -> None:
    words = [
        sys.executable,
        "-m",
        "snakemake",
        "-s",
        "workflow/Snakefile",
        "--directory",
        str(tmp_path),
        "--cores",
        "1",
        "-n",
        "-q",
    ]
    done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_more_seeds_add_trainings_and_draw_no_figure_from_them(tmp_path: Path) -> None:
    done = snakemake("--cores", "2", "--dry-run", "--config", "seeds=2", folder=tmp_path)
    assert done.returncode == 0, done.stdout
    jobs = planned(done.stdout)
    again = {run for rule, run in jobs if rule == "train"} - set(SHIPPED["runs"])
    assert "nice-seed1" in again
    assert {run.removesuffix("-seed1") for run in again} < set(SHIPPED["runs"])
    of = {rule: {run for name, run in jobs if name == rule} for rule in ("sample", "evaluate")}
    assert again <= of["evaluate"]
    assert {run for run in again if run.removesuffix("-seed1") in of["sample"]} == again & of["sample"] != set()
    inputs = re.findall(r"^rule plot:\n    input: (.*)$", done.stdout, re.MULTILINE)
    assert inputs and not any("-seed" in line for line in inputs)


# a whole build


CATALOGUE = declared()
DOCUMENTS = (
    "report",
    "checks",
    *CATALOGUE.assignments,
)


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the clone that holds the quick build, in which a test may change modules and results."""
    root = tmp_path_factory.mktemp("build") / "repository"
    return shutil.copytree(smoke_build(), root, symlinks=True)


@pytest.fixture(scope="module")
def built(copied: Path) -> Path:
    """The results folder of the quick build."""
    return copied / QUICK


@pytest.mark.pipeline
def test_a_killed_build_continues_and_leaves_no_half_result(copied: Path) -> None:
    folder = copied.parent / "killed"
    target = f"results/{SHIPPED['dataset']}-smoke/models/nice.pt"
    words = [target, "--cores", "1", "--configfile", str(copied / "tests" / "smoke.yaml")]
    log = folder / f"results/{SHIPPED['dataset']}-smoke/logs/train/nice.log"
    with subprocess.Popen(
        command(*words, repository=copied, folder=folder),
        cwd=copied,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as build:
        deadline = time.monotonic() + 120
        while not (log.exists() and "step" in log.read_text()):  # the training is on its way
            assert build.poll() is None, "the build ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.killpg(build.pid, signal.SIGSTOP)  # hold it there, or it would be done before the second one looks
        second = snakemake(*words, repository=copied, folder=folder)
        os.killpg(build.pid, signal.SIGKILL)
    assert second.returncode != 0
    assert "another build is running" in second.stdout
    assert not (folder / target).exists()
    assert (folder / target).parents[1].joinpath("data", "images.npz").exists()

    again = snakemake(*words, repository=copied, folder=folder)
    assert again.returncode == 0, again.stdout
    assert (folder / target).exists()
    assert ("prepare", "") not in planned(again.stdout)


AWKWARD = 'it\'s "$(touch owned)" `touch owned`; touch owned & *\\'


@pytest.mark.pipeline
def test_folders_may_have_awkward_names(tmp_path: Path) -> None:
    repository, folder = tmp_path / f"repository {AWKWARD}", tmp_path / f"results {AWKWARD}"
    copy_sources(repository)
    data = write_folder(tmp_path / f"data {AWKWARD}", made_up())
    config = tmp_path / f"config {AWKWARD}.yaml"
    config.write_text(yaml.safe_dump({"dataset": "kmnist", "data_dir": str(data), "variant": "smoke", "limits": {"samples": 64}}))
    names = ["data/images.npz", "figures/dgm-1-2-landscape.svg", "samples/kde_r1.npz", "metrics/kde_r1.csv"]
    targets = [f"results/kmnist-smoke/{name}" for name in names]
    done = snakemake("--cores", "2", "--configfile", str(config), "--", *targets, repository=repository, folder=folder)
    assert done.returncode == 0, done.stdout
    assert {rule for rule, _ in planned(done.stdout)} == {
        "prepare",
        "simulate",
        "demonstrate",
        "plot",
        "train",
        "sample",
        "evaluate",
    }
    assert all((folder / target).stat().st_size > 0 for target in targets)
    assert not list(tmp_path.rglob("owned")) and not (REPOSITORY / "owned").exists()


@pytest.mark.pipeline
def test_a_quick_build_makes_everything(built: Path) -> None:
    page = (built / "report" / "index.html").read_text()
    with (built / "tables" / "questions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == list(CATALOGUE.questions)
    for row in rows:
        assert f'id="{row["id"]}"' in page
        answer = CATALOGUE.assignments[row["assignment"]].folder / "answers" / f"{row['id']}.md"
        assert (row["answered"] == "True") == answer.exists()
    with (built / "tables" / "checks.csv").open() as file:
        checks = list(csv.DictReader(file))
    assert {row["passed"] for row in checks if not row["verdict"]} == {"True", "skipped"}
    assert {row["verdict"] for row in checks if not row["passed"]} == {"skipped"}
    with (built / "tables" / "metrics.csv").open() as file:
        assert set(SHIPPED["runs"]) <= {row["run"] for row in csv.DictReader(file)}
    for figure in CATALOGUE.figures:
        assert (built / "figures" / f"{figure}.svg").stat().st_size > 0
        assert (built / "figures" / f"{figure}.pdf").stat().st_size > 0
    assert not list(built.rglob("*.part"))
    assert not list(built.glob("checkpoints/*"))


@pytest.mark.pipeline
def test_no_link_of_the_report_is_dead(built: Path) -> None:
    page = (built / "report" / "index.html").read_text()
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    links = re.findall(r'href="([^"]+)"', page)
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    papers = yaml.safe_load((REPOSITORY / "report" / "bibliography.yaml").read_text())
    files = {link.partition("#")[0] for link in links if link.startswith("../")}
    printed = {f"../report/{name}.pdf" for name in ("report", "checks")}  # made where LaTeX is installed
    assert printed <= files and all((built / "report" / file).is_file() for file in files - printed)
    outside = {link for link in links if not link.startswith(("#", "../"))}
    assert outside <= {paper["url"] for paper in papers.values() if "url" in paper}
    for name in DOCUMENTS:
        source = (built / "report" / f"{name}.tex").read_text()
        targets = re.findall(r"\\hypertarget\{([^}]+)\}", source)
        assert len(targets) == len(set(targets))
        assert set(re.findall(r"\\hyperlink\{([^}]+)\}", source)) <= set(targets), name


@pytest.mark.pipeline
def test_both_outputs_hold_the_same_questions_figures_tables_and_papers(built: Path) -> None:
    ids = set(re.findall(r'\sid="([^"]+)"', (built / "report" / "index.html").read_text()))
    sources = {name: (built / "report" / f"{name}.tex").read_text() for name in DOCUMENTS}
    targets = {name: set(re.findall(r"\\hypertarget\{([^}]+)\}", source)) for name, source in sources.items()}
    for kind in ("fig-", "tab-", "paper-"):
        assert {name for name in ids if name.startswith(kind)} == {name for name in targets["report"] if name.startswith(kind)}
    questions = {name for name in targets["report"] if name.startswith("question-")}
    assert {name.removeprefix("question-") for name in questions} <= ids
    own = [{name for name in targets[part] if name.startswith("question-")} for part in DOCUMENTS[1:]]
    assert set.union(*own) == questions and sum(map(len, own)) == len(questions) == 97


@pytest.mark.pipeline
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="LaTeX is not installed")
@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_document_is_typeset_without_overfull_lines(name: str, built: Path) -> None:
    assert (built / "report" / f"{name}.pdf").read_bytes().startswith(b"%PDF")
    record = json.loads((built / "records" / "typeset" / f"{name}.json").read_text())
    assert record["warnings"] == []
    assert record["pages"] > 5


@pytest.mark.pipeline
def test_every_published_mistake_is_rejected(built: Path) -> None:
    with (built / "tables" / "corrections.csv").open() as file:
        rows = list(csv.DictReader(file))
    with_numbers = {row["question"] for row in rows if row["claim"]}
    assert {row["question"] for row in rows if row["fault"] == "wrong"} <= with_numbers
    for row in rows:
        if row["claim"] and row["published"] not in ("True", "False"):
            published, computed = float(row["published"]), float(row["found"])
            assert not abs(published - computed) <= float(row["tolerance"] or 0), row["claim"]


@pytest.mark.pipeline
def test_the_manifest_lists_every_artefact_and_job(built: Path) -> None:
    found = json.loads((built / "manifest.json").read_text())
    for name in ("models/nice.pt", "tables/metrics.csv", "report/index.html", "data/images.npz"):
        assert re.fullmatch(r"[0-9a-f]{64}", found["artefacts"][name])
    for run in SHIPPED["runs"]:
        assert found["seconds"][f"train/{run}"] > 0
    assert found["devices"]
    assert found["versions"]["torch"]


@pytest.mark.pipeline
def test_no_two_jobs_of_a_build_shared_a_gpu(built: Path) -> None:
    records = [json.loads(path.read_text()) for stage in STAGES for path in (built / "records" / stage).glob("*.json")]
    held: dict[str, list[tuple[float, float]]] = {"": []}
    for record in records:
        began = datetime.fromisoformat(record["started"]).timestamp()
        held.setdefault(record["device"]["gpu"], []).append((began + record["seconds_waiting"], began + record["seconds"]))
    assert set(held) == {*MADE_UP_GPUS, ""}
    for gpu in MADE_UP_GPUS:
        spans = sorted(held[gpu])
        assert len(spans) > 10
        for (_, end), (start, _) in pairwise(spans):
            # a record's clock stops after the card is given back, later on a busy machine; jobs that share one overlap by seconds
            assert start > end - 0.5, f"{gpu} was shared"
    on_cpu = {
        path.stem for path in (built / "records" / "train").glob("*.json") if not json.loads(path.read_text())["device"]["gpu"]
    }
    assert on_cpu == {
        run for run, block in SHIPPED["runs"].items() if block["kind"] in {"resample", "pixel_clusters", "gmm", "kde", "ebm"}
    }
    manifest = json.loads((built / "manifest.json").read_text())
    assert {device["gpu"] for device in manifest["devices"]} == {*MADE_UP_GPUS, ""}


@pytest.mark.pipeline
def test_a_second_build_has_nothing_to_do(copied: Path, built: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in built.rglob("*") if path.is_file()}
    done = quick(copied)
    assert done.returncode == 0
    assert "Nothing to be done" in done.stdout
    assert {path: path.stat().st_mtime_ns for path in built.rglob("*") if path.is_file()} == before


@pytest.fixture
def small(copied: Path, tmp_path: Path) -> Iterator[Path]:
    """A repository of three runs without figures and demonstrations, whose tables build within a minute."""
    with one_server():
        yield small_repository(copied, tmp_path)


@pytest.mark.pipeline
def test_more_seeds_train_nothing_again_and_their_numbers_are_tabulated(small: Path) -> None:
    folder = small / "results" / "mnist-5k-smoke"
    tables = [f"results/mnist-5k-smoke/tables/{name}.csv" for name in ("metrics", "seeds", "costs")]

    def build(*words: str) -> subprocess.CompletedProcess[str]:
        done = snakemake("--cores", "2", *tables, *words, repository=small, folder=small)
        assert done.returncode == 0, done.stdout[-4000:]
        return done

    def rows(name: str) -> list[dict[str, str]]:
        with (folder / "tables" / f"{name}.csv").open() as file:
            return list(csv.DictReader(file))

    build()
    assert {row["seeds"] for row in rows("seeds")} == {"1"}
    costs = {(row["run"], row["metric"], row["split"]): float(row["value"]) for row in rows("costs")}
    record = json.loads((folder / "records" / "train" / "nice.json").read_text())
    assert costs["nice", "train_seconds", "train"] == record["seconds_in_steps"]
    assert costs["nice", "job_seconds", "train"] == record["seconds"] > record["seconds_in_steps"]
    assert "Nothing to be done" in build().stdout

    more = ("--config", "seeds=2")
    jobs = planned(build(*more).stdout)
    assert {(rule, run) for rule, run in jobs if run} == {(rule, "nice-seed1") for rule in ("train", "sample", "evaluate")}
    assert "Nothing to be done" in build(*more).stdout
    metrics = {(row["run"], row["metric"], row["split"]): float(row["value"]) for row in rows("metrics")}
    found = {(row["run"], row["metric"], row["split"]): row for row in rows("seeds")}
    row = found["nice", "log_likelihood", "test"]
    values = [metrics[run, "log_likelihood", "test"] for run in ("nice", "nice-seed1")]
    assert len(set(values)) == 2
    assert float(row["mean"]) == pytest.approx(sum(values) / 2)
    assert float(row["lower"]) < min(values) < max(values) < float(row["upper"])
    assert found["classifier", "accuracy", "test"]["seeds"] == "1"


@pytest.mark.pipeline
def test_a_comment_reruns_nothing_and_a_layer_its_own_runs(copied: Path, built: Path) -> None:
    module = copied / "src" / "dgm" / "models" / "nice.py"
    original = module.read_text()
    try:
        module.write_text(original.replace("\nclass Config", "\n# a comment\nclass Config", 1) + "\n# another\n")
        assert module.read_text() != original
        assert "Nothing to be done" in quick(copied, "--dry-run").stdout

        module.write_text(original.replace("nn.ReLU()", "nn.ELU()"))
        assert module.read_text() != original
        jobs = planned(quick(copied, "--dry-run").stdout)
    finally:
        module.write_text(original)
    own = {run for run, block in SHIPPED["runs"].items() if block["kind"] == "nice"}
    for rule in ("train", "sample", "evaluate"):
        assert {run for name, run in jobs if name == rule} == own
    assert ("prepare", "") not in jobs
    assert ("render", "") in jobs


@pytest.mark.pipeline
def test_a_setting_of_one_run_reruns_that_run_alone(copied: Path, built: Path) -> None:
    changed = copied.parent / "changed.yaml"
    changed.write_text(yaml.safe_dump({"runs": {"bmm_k5": {"settings": {"restarts": 2}}}}))
    jobs = planned(quick(copied, str(changed), "--dry-run").stdout)
    assert {run for rule, run in jobs if rule == "train"} == {"bmm_k5"}


# what comes after a build: verify, archive, Snakemake's own report


def test_the_tools_say_what_snakemake_says_of_a_bad_config_and_what_a_build_lacks(tmp_path: Path) -> None:
    done = tool("archive", "pack", "--directory", str(tmp_path), "--config", "dataset=mnits", repository=REPOSITORY)
    assert done.returncode == 1
    assert done.stdout.startswith("archive: ") and done.stdout.count("dataset: unknown data set 'mnits'") == 1
    done = tool("verify", "--files-only", "--directory", str(tmp_path), repository=REPOSITORY)
    assert done.returncode == 1
    assert done.stdout == f"verify: {tmp_path / 'results/mnist-5k/manifest.json'}: no such file; the build is not finished\n"


@pytest.mark.pipeline
def test_no_artefact_names_the_place_it_was_made_at(built: Path) -> None:
    place = str(REPOSITORY / ".pytest_cache").encode()
    assert [path for path in built.rglob("*") if path.is_file() and "logs" not in path.parts and place in path.read_bytes()] == []


@pytest.mark.pipeline
def test_snakemakes_own_report_has_every_figure_with_caption_and_category(copied: Path, built: Path) -> None:
    target = copied.parent / "report.zip"
    done = quick(copied, "--report", str(target))
    assert done.returncode == 0, done.stdout[-4000:]
    with zipfile.ZipFile(target) as files:
        page = files.read("report/report.html").decode()
        names = files.namelist()
    results, categories = (
        json.JSONDecoder().raw_decode(page, page.index("{", page.index(f'<script id="{name}">')))[0]
        for name in ("results", "categories")
    )
    where = {path: category for category, groups in categories.items() for paths in groups.values() for path in paths}
    titles = {name: assignment.title for name, assignment in CATALOGUE.assignments.items()}
    chapters = {figure: chapter.title for chapter in CATALOGUE.chapters.values() for figure in chapter.figures}
    for figure in CATALOGUE.figures:
        path = f"{QUICK}/figures/{figure}.svg"
        assert any(name.endswith(results[path]["data_uri"].removeprefix("data/")) for name in names), figure
        assert re.search(r"<strong>Figure\s\d+\.</strong> \S+", results[path]["caption"]), figure
        assert "system-message" not in results[path]["caption"], figure
        assert where[path] == (chapters.get(figure) or titles[figure.partition("-")[0]]), figure
    for name in ("metrics", "seeds", "costs", "checks", "questions", "corrections"):
        assert where[f"{QUICK}/tables/{name}.csv"] == "Tables" and results[f"{QUICK}/tables/{name}.csv"]["caption"]
    assert where[f"{QUICK}/report/index.html"] == "Report"
    assert "Nothing to be done" in quick(copied, "--dry-run").stdout


@pytest.mark.pipeline
def test_the_same_files_elsewhere_are_the_same_data(copied: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for part in ("train", "t10k"):
        labels = rng.integers(0, 10, 20, dtype=np.uint8)
        images = rng.integers(0, 256, (20, 28, 28), dtype=np.uint8)
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
            (tmp_path / "here").mkdir(exist_ok=True)
            (tmp_path / "here" / f"{part}-{kind}-ubyte").write_bytes(header + array.tobytes())
    words = ["results/fashion-mnist/data/images.npz", "--config", "dataset=fashion-mnist"]

    def build(folder: Path, *more: str) -> str:
        done = snakemake("--cores", "1", *words, f"data_dir={folder}", *more, repository=copied, folder=tmp_path / "out")
        assert done.returncode == 0, done.stdout
        return done.stdout

    assert ("prepare", "") in planned(build(tmp_path / "here"))
    there = (tmp_path / "here").rename(tmp_path / "there")
    assert "Nothing to be done" in build(there, "--dry-run")
    labels = there / "t10k-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-1] + b"\x03" if labels.read_bytes()[-1] != 3 else labels.read_bytes()[:-1] + b"\x04")
    assert ("prepare", "") in planned(build(there, "--dry-run"))
