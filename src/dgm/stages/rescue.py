"""Write the report of a build that failed, from what there is: what failed is marked at its place and listed at the top."""

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from dgm.metrics_table import COLUMNS
from dgm.reproduce.incomplete import view
from dgm.runtime import stage
from dgm.runtime.files import load_table, write_text
from dgm.stages import check, collect, costs, plot, render, tabulate, typeset

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    options = stage.parser(__doc__)
    options.add_argument("--results", type=Path, required=True, help="results/<dataset>")
    options.add_argument("--report-dir", type=Path, required=True, help="report/")
    options.add_argument("--config-json", required=True, help="the whole config of the build, as JSON")
    options.add_argument(
        "--parts", type=json.loads, required=True, help="what the build should have made, as JSON (dgm.workflow.plan)"
    )
    options.add_argument("--failed", nargs="*", default=[], help="what failed, one line a job")
    return stage.run(work, options.parse_args(argv), "rescue")


def work(arguments: argparse.Namespace) -> dict[str, Any]:
    """Make tables, checks and figures of what is there in a view of the build, render, and copy the documents to ``report/``."""
    made = _Rescue(arguments)
    made.tables()
    made.checks()
    made.figures()
    documents = made.documents()
    shutil.rmtree(made.folder)
    return {"failures": made.failures, "documents": documents}


class _Rescue:
    """The steps, each of which goes on when a part of it fails."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments, self.parts = arguments, arguments.parts
        self.failures: list[str] = list(arguments.failed)
        self.folder = view(arguments.results, arguments.results / ".incomplete")

    def tables(self) -> None:
        """Metrics of the runs that were measured, costs of the jobs that ended."""
        whole = []
        for name in self.parts["metric_files"]:
            path = self.folder / name
            if path.is_file() and self._attempt(f"{name} is not readable", partial(load_table, path, COLUMNS)):
                whole.append(str(path))
        repeated = ["--repeated", *self.parts["repeated"], "--seeds", str(self.parts["seeds"])]
        tables = ["--table", self._at("tables/metrics.csv"), "--seeds-table", self._at("tables/seeds.csv")]
        self._stage("tables of metrics", "tabulate/metrics", tabulate.main, "--metrics", *whole, *repeated, *tables)
        jobs = [job for job in self.parts["jobs"] if self._ended(job)]
        self._stage(
            "the table of costs",
            "costs/jobs",
            costs.main,
            "--results",
            str(self.folder),
            "--jobs",
            *jobs,
            "--table",
            self._at("tables/costs.csv"),
        )

    def _ended(self, job: str) -> bool:
        run = job.partition("/")[2]
        return all((self.folder / "records" / f"{name}.json").is_file() for name in (job, f"train/{run}"))

    def checks(self) -> None:
        """Claims and findings on what is there."""
        tested = []
        for assignment, folder in self.parts["assignments"].items():
            table = self._at(f"checks/{assignment}.csv")
            words = ["--assignment", folder, "--reads", *self.parts["reads"][assignment]]
            words += ["--results", str(self.folder), "--limits", self.parts["limits"], "--incomplete"]
            stability = ["--stability", str(self.arguments.report_dir / "stability.csv")]
            if self._stage(
                f"checks of assignment {assignment}", f"check/{assignment}", check.main, *words, *stability, "--checks", table
            ):
                tested.append(table)
        names = ("checks", "questions", "corrections")
        tables = [word for name in names for word in (f"--{name}-table", self._at(f"tables/{name}.csv"))]
        where = [*self._sources(), "--incomplete"]
        self._stage("the tables of checks", "collect/questions", collect.main, "--checks", *tested, *where, *tables)

    def figures(self) -> None:
        """Figures that were not drawn, but whose sources are there."""
        for name, (home, sources) in self.parts["figures"].items():
            if all((self.folder / "figures" / f"{name}.{suffix}").exists() for suffix in ("svg", "pdf")):
                continue
            if any(line.startswith(f"plot {name}: ") for line in self.arguments.failed):
                continue  # it was tried and is listed
            lacking = [path for path in sources if not (self.folder / path).is_file()]
            if lacking:
                self.failures.append(f"figure {name} is not drawn; it needs {', '.join(lacking)}")
                continue
            words = ["--figure", name, "--figures", home, "--results", str(self.folder)]
            files = ["--svg", self._at(f"figures/{name}.svg"), "--pdf", self._at(f"figures/{name}.pdf")]
            self._stage(f"figure {name}", f"plot/{name}", plot.main, *words, *files)

    def documents(self) -> list[str]:
        """The page, the LaTeX files and, where LaTeX is installed, the PDFs; names of those that were written."""
        write_text(self.folder / "failures.json", json.dumps({"failures": self.failures}) + "\n")
        words = ["--config-json", self.arguments.config_json, "--results", str(self.folder), "--incomplete"]
        where = [*self._sources(), "--html", self._at("report/index.html"), "--tex", self._at("report/report.tex")]
        where += ["--checks", self._at("report/checks.tex")]
        parts = [self._at(f"report/{assignment}.tex") for assignment in self.parts["assignments"]]
        if not self._stage("the report", "render/report", render.main, *words, *where, "--parts", *parts):
            raise ValueError("the report could not be written: " + "; ".join(self.failures[-1:]))
        if shutil.which("pdflatex"):
            for document in ("report", "checks", *self.parts["assignments"]):
                files = ["--tex", self._at(f"report/{document}.tex"), "--pdf", self._at(f"report/{document}.pdf")]
                self._stage(f"{document}.pdf", f"typeset/{document}", typeset.main, *files)
        target = self.arguments.results / "report"
        target.mkdir(parents=True, exist_ok=True)
        written = sorted((self.folder / "report").iterdir())
        for path in written:
            shutil.copyfile(path, target / path.name)
        return [path.name for path in written]

    def _sources(self) -> list[str]:
        return ["--report-dir", str(self.arguments.report_dir), "--assignments", *self.parts["assignments"].values()]

    def _at(self, name: str) -> str:
        return str(self.folder / name)

    def _stage(self, what: str, job: str, run: Callable[[Sequence[str]], int], *words: str) -> bool:
        """Call a stage, whose record takes the place of the one of the build; whether it succeeded."""
        record = ["--record", self._at(f"records/{job}.json"), "--log", str(self.arguments.log or self._at("log"))]

        def call() -> None:
            if run([*words, *record]) != 0:
                raise ValueError("its log has the message")

        return self._attempt(f"{what} could not be made", call)

    def _attempt(self, what: str, call: Callable[[], object]) -> bool:
        try:
            call()
        except Exception as error:  # whatever is wrong with one part, the rest is worth having
            self.failures.append(f"{what}: {error}")
            return False
        return True


if __name__ == "__main__":
    sys.exit(main())
