"""A build of which a part failed still ends with a report: the failure at its place and at the top, the rest as it should be."""

import shutil
from pathlib import Path

import pytest
from workflows import snakemake, toy_repository

pytestmark = pytest.mark.pipeline

RESULTS = Path("results", "mnist-5k-smoke")
BROKEN = "\\nosuchcommand"
REPORT = RESULTS / "report" / "index.html"
RUNS = {
    "nice": {"kind": "nice", "settings": {"hidden_layers": 1, "hidden_units": 8}},
    "broken": {"kind": "nice", "settings": {"hidden_layers": 1, "hidden_units": 8, "learning_rate": 1e30}},
}


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """Repository, folder and output of a build in which one of two trainings fails, and LaTeX refuses the supplement."""
    repository = toy_repository(tmp_path_factory.mktemp("failed") / "repository", RUNS)
    supplement = repository / "report" / "templates" / "checks.tex.j2"
    supplement.write_text(supplement.read_text(encoding="utf-8").replace("\\noindent", f"{BROKEN}\\noindent", 1), encoding="utf-8")
    folder = repository.parent / "build"
    done = snakemake("--cores", "2", repository=repository, folder=folder)
    assert done.returncode == 1, done.stdout
    return repository, folder, done.stdout


def test_a_failed_training_costs_its_own_numbers_alone(failed: tuple[Path, Path, str]) -> None:
    _, folder, _ = failed
    page = (folder / REPORT).read_text()
    assert "This build is not whole." in page
    assert "train broken: train: run broken: the loss is not finite" in page
    healthy, broken = page.split("<article")[1:3]
    assert "What this build lacks here" in broken and "could not be drawn" in broken
    assert "What this build lacks here" not in healthy and "data:image/svg+xml" in healthy and " nats" in healthy
    assert (folder / RESULTS / "report" / "report.tex").is_file()


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX on this machine")
def test_a_failed_supplement_costs_no_other_document(failed: tuple[Path, Path, str]) -> None:
    _, folder, _ = failed
    documents = folder / RESULTS / "report"
    assert BROKEN in (documents / "checks.tex").read_text(encoding="utf-8") and not (documents / "checks.pdf").exists()
    for name in ("report", "toy"):
        assert (documents / f"{name}.pdf").read_bytes().startswith(b"%PDF")


def test_its_end_says_what_failed_where_its_log_is_and_where_the_report_is(failed: tuple[Path, Path, str]) -> None:
    _, _, said = failed
    end = said.splitlines()[-12:]
    assert any(line.startswith("Failed: train broken: ") and "the loss is not finite" in line for line in end), said[-3000:]
    assert any(str(REPORT) in line for line in end)
    assert max(map(len, said.splitlines())) < 2000
    assert f"{RESULTS}/logs/train/broken.log" in said


def test_after_the_cure_the_same_call_makes_the_whole_report(failed: tuple[Path, Path, str]) -> None:
    repository, folder, _ = failed
    config = repository / "config.yaml"
    supplement = repository / "report" / "templates" / "checks.tex.j2"
    supplement.write_text(supplement.read_text(encoding="utf-8").replace(BROKEN, ""), encoding="utf-8")
    config.write_text(config.read_text().replace("learning_rate: 1.0e+30", "learning_rate: 0.001"))
    done = snakemake("--cores", "2", repository=repository, folder=folder)
    assert done.returncode == 0, done.stdout
    assert "not whole" not in (folder / REPORT).read_text()
    assert not (folder / RESULTS / ".incomplete").exists()
    assert "2 of 2 questions answered; 2 of 2 claims hold" in done.stdout
    again = snakemake("--cores", "2", repository=repository, folder=folder)
    assert "Nothing to be done" in again.stdout


def test_a_false_claim_fails_the_build_after_the_report_is_written(failed: tuple[Path, Path, str]) -> None:
    repository, folder, _ = failed
    check = repository / "assignments" / "toy" / "claims" / "toy.py"
    check.write_text(check.read_text().replace("SUM = 4", "SUM = 5"))
    done = snakemake("--cores", "2", repository=repository, folder=folder)
    assert done.returncode == 1
    page = (folder / REPORT).read_text()
    assert "This build is not whole." in page and "is false: two and two" in page
    assert "assignments/toy/answers/toy-1.md" in done.stdout and "assignments/toy/claims/toy.py" in done.stdout
    assert str(REPORT) in "\n".join(done.stdout.splitlines()[-12:])
