"""What a config asks for: the runs, figures and checks of a build, and what each job must know to be up to date.

The Snakefile builds one :class:`Plan` whenever it is read. Only light modules are imported, and everything that can be wrong
before a job starts is reported here, all faults at once.
"""

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dgm.assignments import FILE as ASSIGNMENT
from dgm.assignments import REPOSITORY, find, importable, modules
from dgm.data.sources import DATASETS, content_digest
from dgm.errors import unknown
from dgm.evaluation import registry
from dgm.report import catalogue
from dgm.report.captions import Captions
from dgm.runtime.folders import visible
from dgm.runtime.seeds import repeats
from dgm.workflow.fingerprint import annotation, defines, fingerprint, names
from dgm.workflow.resources import Request, Requests
from dgm.workflow.schema import FILE, faults, read

__all__ = ["Plan", "flags", "gpu_limit"]

JUDGES = 2
"""How many classifiers may measure samples: the first by features and predictions, the second by features again."""

SAMPLES = 2_000
"""Samples of every model at least; of a model of images one for every test image."""

IMAGES = "images"
"""Name of the prepared images among the data that a run may be fitted to."""

REAL_IMAGES = "real_test"
"""Name under which the metrics table lists the scores of real test images."""

UNREPEATED = frozenset({"classifier", "resample"})
"""Kinds of which `seeds` makes no second: the measuring instruments, and the floors, which train nothing."""

DECODER_METHODS = ("log_likelihood_given", "observed")
"""What shows that a model has a decoder: :class:`dgm.protocols.HasDecoder` or :class:`dgm.protocols.HasNoiselessDecoder`."""

LIBRARIES = ("katex", "minisearch", "esbuild", "d3-scale", "d3-shape")
"""Packages of JavaScript that the page is made with."""

LISTS = ("figures", "tables", "bibliography")
"""Names of the YAML files that an assignment may have, and the report has."""

RESULTS_OF_RUN = (("models", "pt"), ("history", "csv"), ("evaluations", "npz"))
"""Folder and suffix of what every run leaves, beside its metrics."""

PLACEHOLDERS = "{}<>"
"""Around the names of wildcards and path variables in Snakemake's paths."""

COMMON = ("report", "checks")
"""The printed documents beside those of the assignments: the whole report and its supplement."""

LIMITS_OF = {
    "prepare": {"train_images", "test_images"},
    "demonstrate": {"repeats"},
    "train": {"steps"},
    "sample": {"samples"},
    "estimate": {"steps", "samples"},
}
"""The caps a stage acts on; the stages not named here are told all of them."""


class Plan:
    """A validated config and the registries of the repository.

    Args:
        config: the merged content of ``config.yaml``, ``--configfile`` and ``--config``.
        repository: folder that holds ``report/``, ``assignments/`` and ``workflow/``.

    Raises:
        ValueError: one line a fault: the path of the key, what came, and what is allowed.
    """

    def __init__(self, config: Mapping[str, Any], repository: Path = REPOSITORY) -> None:
        self._schema = read(repository / FILE.relative_to(REPOSITORY))
        wrong = faults(config, self._schema)
        if wrong:
            raise ValueError("\n".join(wrong))
        self.report = repository / "report"
        self.dataset: str = config["dataset"]
        self.data_dir: str = config.get("data_dir") or ""
        self.address: str = config.get("address", "")
        self.seed: int = config["seed"]
        self.seeds: int = config.get("seeds", 1)
        self.limits: dict[str, Any] = {key: value for key, value in config.get("limits", {}).items() if value is not None}
        found = [find(name, repository) for name in config["assignments"]]
        declared = catalogue.load(self.report, found)
        self.folders = {path.resolve().name: path for path in found}
        wanted = _wanted(declared, config["runs"], config.get("judges", []))
        self.catalogue = declared.of(wanted)
        self._blocks: dict[str, Any] = {run: block for run, block in config["runs"].items() if run in wanted}
        self.left_out = [run for run in config["runs"] if run not in wanted]
        self.judges = [run for run in config.get("judges", []) if run in wanted]
        self.repeated = [run for run in self._blocks if self._repeats(run)]
        self._instances = {name: (run, i) for run in self.repeated for i, name in enumerate(repeats(run, self.seeds), 1)}
        self._place = {run: place for place, run in enumerate(self._blocks)}
        spared = {config["runs"][run].get("data") for run in self.left_out} - {block.get("data") for block in self._blocks.values()}
        self._rings: dict[str, Any] = {name: ring for name, ring in config.get("rings", {}).items() if name not in spared}
        variant = config.get("variant", "")
        self.results = f"results/{self.dataset}-{variant}" if variant else f"results/{self.dataset}"
        self._check_places(repository, variant)
        self.data_content = content_digest(self.dataset, self.data_dir)
        self.assignments = list(self.folders)
        self._homes = {name: a for a in self.assignments for name in self.catalogue.assignments[a].demonstrations}
        self.demonstrations = list(self._homes)
        kinds = {run: self.kind(run) for run in self._blocks}
        self._requests = Requests(repository / "workflow" / "resources.yaml", kinds, names("models"))
        self._check_data()
        self._check_estimates()
        self._check_code()
        self.figures = self.catalogue.figures
        self._check_report()

    @property
    def runs(self) -> list[str]:
        """All runs, in the order of the config."""
        return list(self._blocks)

    @property
    def instances(self) -> dict[str, str]:
        """Runs repeated with other seeds, ``<run>-seed<i>`` with i = 1 … ``seeds`` - 1, each with the run that has the first."""
        return {instance: run for instance, (run, _) in self._instances.items()}

    @property
    def pattern(self) -> str:
        """A regular expression for the names of all that is trained.

        Snakemake reads it whenever it puts a name into a path, several times a job, so it names the runs and the seeds and not
        every pair of them.
        """
        again = f"(?:{'|'.join(self.repeated)})-seed(?:{'|'.join(map(str, range(1, self.seeds)))})"
        return "|".join([*self.runs, again] if self._instances else self.runs)

    @property
    def trained(self) -> list[str]:
        """All that is trained: the runs, and those repeated with other seeds."""
        return [*self.runs, *self._instances]

    @property
    def sampled_runs(self) -> list[str]:
        """The runs whose model defines ``sample``."""
        return [run for run in self._blocks if self.samples(run)]

    @property
    def estimated_runs(self) -> list[str]:
        """The runs whose likelihood is estimated: those with a block ``estimates``."""
        return [run for run in self.runs if self.estimated(run)]

    @property
    def rings(self) -> list[str]:
        """The simulated data sets."""
        return list(self._rings)

    @property
    def tabulated(self) -> list[str]:
        """What has a file of metrics: trained runs, simulated data sets (scores of the true density) and demonstrations."""
        return [*self.trained, *self.rings, *self.demonstrations]

    @property
    def measured(self) -> list[str]:
        """What tables may have rows of: runs, rings and demonstrations, and the real images that the classifier scores."""
        return [*self.runs, *self.rings, *self.demonstrations, REAL_IMAGES]

    @property
    def documents(self) -> list[str]:
        """The printed documents: the whole report, its supplement, and each assignment by itself."""
        return [*COMMON, *self.assignments]

    def block(self, run: str) -> dict[str, Any]:
        """What the config says of a run; a run repeated with another seed has the block of the first."""
        block: dict[str, Any] = self._blocks[self._first(run)]
        return block

    def data(self, run: str) -> str:
        """Name of the data that a run is fitted to: ``images`` or a ring."""
        name: str = self.block(run).get("data", IMAGES)
        return name

    def judged(self, run: str) -> bool:
        """Whether a classifier scores a run's samples, where the build has one."""
        return self.samples(run) and self.data(run) == IMAGES

    def draws(self, run: str) -> int:
        """How many samples are drawn of a run."""
        return max(SAMPLES, DATASETS[self.dataset].test_images) if self.judged(run) else SAMPLES

    def evidence(self, run: str) -> dict[str, list[str]]:
        """What evaluate reads beside model and data, by the option it is given as: files relative to the results folder.

        Samples of images, where the model draws any, the classifiers that measure them, and what these make of real images. Nothing
        in a build without classifiers.
        """
        if not (self.judges and self.judged(run)):
            return {}
        return {
            "classifiers": [f"models/{name}.pt" for name in self.judges],
            "references": [f"references/{name}.npz" for name in self.judges],
            "samples": [f"samples/{run}.npz"],
        }

    def scale(self, run: str) -> list[str]:
        """The option of evaluate under which the first classifier says how real images score."""
        return ["--scale"] if run in self.judges[:1] else []

    def priority(self, run: str) -> int:
        """Trainings start in the order of the config, so that the long ones, which stand first there, are not left for the end."""
        return len(self._blocks) - self._place[self._first(run)]

    def request(self, stage: str, run: str) -> Request:
        """What a job of a run asks of a scheduler; a run repeated with another seed asks for what the first does."""
        return self._requests.of(stage, self._first(run))

    def seed_of(self, run: str) -> int:
        """The seed of a run's training and sampling: its own or the common one, which a repeated run adds its number to."""
        seed: int = self.block(run).get("seed", self.seed)
        return seed + (self._instances[run][1] if run in self._instances else 0)

    def ring(self, name: str) -> str:
        """Settings of a simulated data set, as JSON."""
        return as_json(self._rings[name])

    def samples(self, run: str) -> bool:
        """Whether a run's model can draw samples."""
        return defines(f"dgm.models.{self.kind(run)}", "Model", "sample")

    def estimated(self, run: str) -> bool:
        """Whether a run's likelihood is estimated."""
        return "estimates" in self.block(run)

    def estimates(self, run: str) -> str:
        """How a run's likelihood is estimated, as JSON: its block with what it says for this data set laid over."""
        return self._laid_over(run, "estimates")

    def kind(self, run: str) -> str:
        """The kind of a run, which is the name of its module."""
        kind: str = self.block(run)["kind"]
        return kind

    def settings(self, run: str) -> str:
        """A run's settings as JSON: its block with what it says for this data set laid over."""
        return self._laid_over(run, "settings")

    def _laid_over(self, run: str, key: str) -> str:
        block = self.block(run)
        return as_json({**block.get(key, {}), **block.get(f"{key}_for", {}).get(self.dataset, {})})

    def limits_of(self, stage: str) -> str:
        """The caps that a stage acts on, as JSON."""
        return as_json({key: value for key, value in self.limits.items() if key in LIMITS_OF.get(stage, self.limits)})

    def code(self, stage: str, *modules: str) -> str:
        """Digest of the code of a stage and of the modules that it picks at run time."""
        return fingerprint(f"dgm.stages.{stage}", *(f"dgm.{module}" for module in modules))

    def config_json(self) -> str:
        """What the report says about its config: each run with the settings in force, defaults of its kind among them."""
        runs = {run: {"kind": self.kind(run), "settings": self._in_force(run), "data": self.data(run)} for run in self.runs}
        common = {"dataset": self.dataset, "seed": self.seed, "seeds": self.seeds, "limits": self.limits}
        return as_json({**common, "address": self.address, "runs": runs, "instances": self.instances})

    def _in_force(self, run: str) -> dict[str, Any]:
        kind: Mapping[str, Any] = self._schema.get("$defs", {}).get(self.kind(run), {})
        defaults = {key: entry["default"] for key, entry in kind.get("properties", {}).items() if "default" in entry}
        return {**defaults, **json.loads(self.settings(run))}

    def folder(self, assignment: str) -> str:
        """The folder of an assignment."""
        return str(self.folders[assignment])

    def demonstrated_in(self, demonstration: str) -> str:
        """The folder of the assignment that a closed-form illustration belongs to."""
        return self.folder(self._homes[demonstration])

    def reads(self, assignment: str) -> list[str]:
        """The runs, rings and demonstrations that the claims of an assignment may read."""
        declared = self.catalogue.assignments[assignment]
        rings = dict.fromkeys(name for run in declared.runs if (name := self.data(run)) != IMAGES)
        return [*declared.runs, *rings, *declared.demonstrations]

    def about(self, assignment: str) -> list[str]:
        """The data sets that the questions of an assignment are about; none means all."""
        return list(self.catalogue.assignments[assignment].datasets)

    def files_read(self, assignment: str) -> list[str]:
        """The files that the check of an assignment waits for, relative to the results folder."""
        declared = self.catalogue.assignments[assignment]
        runs, names = declared.runs, self.reads(assignment)
        jobs = self._jobs_of(runs)
        return [
            "data/images.npz",
            "data/provenance.json",
            *(f"data/{name}.npz" for name in names if name in self._rings),
            *(f"arrays/{name}.npz" for name in declared.demonstrations),
            *(f"metrics/{name}.csv" for name in names),
            *(f"{folder}/{run}.{suffix}" for folder, suffix in RESULTS_OF_RUN for run in runs),
            *(f"samples/{run}.npz" for run in jobs["sample"]),
            *(f"estimates/{run}.{suffix}" for run in jobs["estimate"] for suffix in ("npz", "csv")),
            *(f"records/{stage}/{run}.json" for stage, those in jobs.items() for run in those),
        ]

    def check_code(self, assignment: str) -> str:
        """Digest of the code that tests the claims of an assignment."""
        folder = self.folders[assignment]
        return fingerprint("dgm.stages.check", *(f"{importable(folder)}.claims.{name}" for name in modules(folder / "claims")))

    def demonstration_code(self, name: str) -> str:
        """Digest of the code of a closed-form illustration."""
        return fingerprint("dgm.stages.demonstrate", f"{importable(self.folders[self._homes[name]])}.demonstrations.{name}")

    def drawing_code(self, figure: str) -> str:
        """Digest of the code that draws a figure."""
        return fingerprint("dgm.stages.plot", catalogue.drawing(self.figures[figure], self.catalogue.homes[figure], figure))

    @property
    def explorables(self) -> list[str]:
        """The figures that a reader can change on the page."""
        return [name for name, figure in self.figures.items() if figure.explore]

    def explored(self, figure: str) -> catalogue.Explorable:
        """What a reader can change in a figure. Raises ValueError for a figure in which that is nothing."""
        found = self.figures[figure].explore
        if found is None:
            raise ValueError(f"{self.catalogue.homes[figure]}: {figure}: has no key explore")
        return found

    def exporting(self, figure: str) -> str:
        """What decides which numbers a figure hands to the page, as JSON."""
        return as_json(self.explored(figure).model_dump(include={"module", "sources"}))

    def exporting_code(self, figure: str) -> str:
        """Digest of the code that exports the numbers of a figure."""
        return fingerprint(
            "dgm.stages.export", catalogue.explorable(self.explored(figure), self.catalogue.homes[figure], figure)[0]
        )

    def artefacts(self) -> list[str]:
        """Files a figure may be drawn from, and explored with, relative to the results folder."""
        return [
            "data/images.npz",
            *(f"data/{name}.npz" for name in self.rings),
            "tables/metrics.csv",
            "tables/seeds.csv",
            "tables/costs.csv",
            *(f"{folder}/{run}.{suffix}" for folder, suffix in (*RESULTS_OF_RUN, ("metrics", "csv")) for run in self.runs),
            *(f"samples/{run}.npz" for run in self.sampled_runs),
            *(f"estimates/{run}.{suffix}" for suffix in ("npz", "csv") for run in self.estimated_runs),
            *(f"arrays/{name}.npz" for name in self.demonstrations),
        ]

    def figures_file(self, figure: str) -> str:
        """The file that declares a figure."""
        return str(self.catalogue.homes[figure])

    def sources(self, figure: str) -> list[str]:
        """The files that a figure is drawn from, relative to the results folder."""
        return list(self.figures[figure].sources.values())

    def drawing(self, figure: str) -> str:
        """What decides how a figure is drawn, as JSON; its caption and alt text are the report's."""
        return as_json(self.figures[figure].model_dump(include={"draw", "sources", "settings"}))

    def category(self, figure: str) -> str:
        """Where the report shows a figure: title of the assignment or chapter."""
        for answer in self.catalogue.answers.values():
            if figure in answer.figures:
                return self.catalogue.assignments[self.catalogue.questions[answer.question].assignment].title
        titles = [chapter.title for chapter in self.catalogue.chapters.values() if figure in chapter.figures]
        return titles[0] if titles else "Shown nowhere"

    def captions(self) -> Captions:
        """Captions of the figures, for Snakemake's own report: those of the page, read when the first is asked for."""
        return Captions(Path(self.results) / "report" / "index.html", iter(self.figures))

    def jobs(self) -> list[str]:
        """The jobs whose cost is tabulated, ``<stage>/<run>``."""
        return [f"{stage}/{run}" for stage, runs in self._jobs_of(self.trained).items() for run in runs]

    def _jobs_of(self, runs: Iterable[str]) -> dict[str, list[str]]:
        """By stage, those of the runs that have a job of it."""
        runs = list(runs)
        sampled, estimated = ([run for run in runs if has(run)] for has in (self.samples, self.estimated))
        judging = [run for run in runs if run in self.judges and any(map(self.judged, self.trained))]
        return {"train": runs, "sample": sampled, "reference": judging, "evaluate": runs, "estimate": estimated}

    def metric_files(self) -> list[str]:
        """The files that the table of metrics joins, relative to the results folder."""
        estimated = [run for run in self.trained if self.estimated(run)]
        return [*(f"metrics/{name}.csv" for name in self.tabulated), *(f"estimates/{run}.csv" for run in estimated)]

    def records(self) -> list[str]:
        """Names of the records of all jobs that the report shows something of: ``<stage>/<name>``."""
        return [
            "prepare/images",
            *(f"simulate/{name}" for name in self.rings),
            *(f"{stage}/{run}" for stage in ("train", "evaluate") for run in self.runs),
            *(f"sample/{run}" for run in self.sampled_runs),
            *(f"estimate/{run}" for run in self.estimated_runs),
            "tabulate/metrics",
            "costs/jobs",
            *(f"demonstrate/{name}" for name in self.demonstrations),
            *(f"check/{assignment}" for assignment in self.assignments),
            "collect/questions",
            *(f"plot/{figure}" for figure in self.figures),
            *(f"export/{figure}" for figure in self.explorables),
        ]

    def parts_json(self) -> str:
        """What a whole build has, for the report of one that failed (:mod:`dgm.stages.rescue`)."""
        return as_json(
            {
                "metric_files": self.metric_files(),
                "jobs": self.jobs(),
                "repeated": self.repeated,
                "seeds": self.seeds,
                "limits": self.limits_of("check"),
                "assignments": {name: str(folder) for name, folder in self.folders.items()},
                "reads": {name: self.reads(name) for name in self.assignments},
                "figures": {figure: [self.figures_file(figure), self.sources(figure)] for figure in self.figures},
            }
        )

    def report_sources(self) -> dict[str, list[str]]:
        """The files that the report is written from: of assignments, of ``report/``, of the page's libraries; and CITATION.cff."""
        libraries = [self.report.parent / "node_modules" / name / "package.json" for name in LIBRARIES]
        folders = [self.report, *self.folders.values()]
        lists = [path for folder in folders for name in LISTS if (path := folder / f"{name}.yaml").is_file()]
        return {
            "assignments": [str(folder / ASSIGNMENT) for folder in self.folders.values()],
            "answers": [str(path) for folder in self.folders.values() for path in catalogue.files(folder / "answers")],
            "chapters": [str(path) for path in catalogue.files(self.report / "chapters")],
            "explorables": [str(path) for folder in self.folders.values() for path in visible(folder, "explorables/*.js")],
            "templates": [str(path) for path in visible(self.report, "templates/**/*")],
            "lists": [str(path) for path in lists],
            "trainings": [str(self.report / f"{name}.csv") for name in ("stability", "scatter")],
            "metrics": [os.path.relpath(registry.FILE)],
            "libraries": [str(path) for path in libraries],
            "citation": [str(self.report.parent / "CITATION.cff")],
        }

    def _repeats(self, run: str) -> bool:
        """Whether `seeds` counts for a run: of images, without a seed of its own, and of a kind whose values vary with the seed."""
        block = self._blocks[run]
        return not {"data", "seed"} & set(block) and block["kind"] not in UNREPEATED

    def _first(self, run: str) -> str:
        """The run that a repeated one repeats, or the run itself."""
        return self._instances[run][0] if run in self._instances else run

    def _check_places(self, repository: Path, variant: str) -> None:
        """No path holds what Snakemake reads as a placeholder; other data sets' results and the common documents lie elsewhere."""
        wrong = [
            f"{what} {path}: holds one of {' '.join(PLACEHOLDERS)}, which Snakemake reads as a placeholder; rename the folder"
            for what, path in (("the workflow's folder", str(repository)), ("data_dir:", self.data_dir))
            if set(PLACEHOLDERS) & set(path)
        ]
        for other in DATASETS:
            if len(other) > len(self.dataset) and f"{self.results}-".startswith(f"results/{other}-"):
                wrong.append(f"variant: got {variant!r}; {self.results} would be a folder of data set {other}; call it otherwise")
        taken = [name for name in COMMON if name in self.folders]
        wrong += [f"assignments: {name}: a document of every build has this name; call the folder otherwise" for name in taken]
        if wrong:
            raise ValueError("\n".join(wrong))

    def _check_data(self) -> None:
        """Models of points name a ring, models of images name none; rings, runs and demonstrations have names of their own."""
        wrong: list[object] = []
        for run in self.runs:
            kind, name = self.kind(run), self._blocks[run].get("data")
            points = annotation(f"dgm.models.{kind}", "fit", "data") == "PointData"
            where = f"runs.{run}.data"
            if not points and name is not None:
                wrong.append(f"{where}: got {name!r}; a run of kind {kind} is fitted to the images and takes no such key")
            elif points and name is None:
                wrong.append(f"{where}: missing; a run of kind {kind} needs one of: {', '.join(self.rings) or 'no ring'}")
            elif points and name not in self._rings:
                wrong.append(unknown("ring", str(name), self.rings, where))
        for name, times in Counter([*self.tabulated, REAL_IMAGES, IMAGES]).items():
            if times > 1 and name in self._instances:
                first = self._first(name)
                wrong.append(f"{name}: is what run {first} is called with another seed (seeds: {self.seeds}); call it otherwise")
            elif times > 1:
                wrong.append(f"{name}: names more than one run, ring or demonstration; call one of them otherwise")
        if wrong:
            raise ValueError("\n".join(map(str, wrong)))

    def _check_estimates(self) -> None:
        """Likelihoods are estimated for models that make an image from a code."""
        wrong = [
            f"runs.{run}.estimates_for: nothing to lay it over; the run needs a key estimates, which may be empty"
            for run in self.runs
            if "estimates_for" in self._blocks[run] and not self.estimated(run)
        ]
        for run in self.estimated_runs:
            module = f"dgm.models.{self.kind(run)}"
            if not any(defines(module, "Model", method) for method in DECODER_METHODS):
                wrong.append(
                    f"runs.{run}.estimates: a model of kind {self.kind(run)} has no decoder whose likelihood could be estimated"
                )
        if wrong:
            raise ValueError("\n".join(wrong))

    def _check_code(self) -> None:
        """The code of assignments can be read, and no file of theirs is left out because of its name."""
        for name, folder in self.folders.items():
            for part in ("claims", "demonstrations", "drawings", "explorables"):
                stray = [path for path in visible(folder / part, "*.py") if not path.stem.isidentifier()]
                if stray:
                    raise ValueError(f"{stray[0]}: cannot be the name of a module; call the file otherwise, such as with _ for -")
            self.check_code(name)

    def _check_report(self) -> None:
        """Every figure has a module that draws it and sources that this build makes; every table has runs of this config.

        Those of an assignment have to be among what it reads; a figure may also be drawn from the tables of all runs.
        """
        known = {str(self.report): (self.artefacts(), self.measured)}
        for name, folder in self.folders.items():
            own = [*self.reads(name), *(REAL_IMAGES for run in self.catalogue.assignments[name].runs if run in self.judges)]
            known[str(folder)] = (
                [path for path in self.artefacts() if path.startswith("tables/") or Path(path).stem in (*own, IMAGES)],
                own,
            )
        wrong = []
        for name, figure in self.figures.items():
            home = self.catalogue.homes[name]
            try:
                catalogue.drawing(figure, home, f"{home}: {name}.draw")
            except ValueError as error:
                wrong.append(error)
            read = [(f"{name}.from.{alias}", path) for alias, path in figure.sources.items()]
            if figure.explore:
                read += [(f"{name}.explore.from.{alias}", path) for alias, path in figure.explore.sources.items()]
                try:
                    catalogue.explorable(figure.explore, home, f"{home}: {name}.explore.module")
                except ValueError as error:
                    wrong.append(error)
            for place, path in read:
                if path not in known[str(home.parent)][0]:
                    wrong.append(unknown("file of its runs called", path, known[str(home.parent)][0], f"{home}: {place}"))
        for name, table in self.catalogue.tables.items():
            home = self.catalogue.homes[name]
            for row in table.rows:
                if row.run not in known[str(home.parent)][1]:
                    wrong.append(unknown("run", row.run, known[str(home.parent)][1], f"{home}: {name}"))
        if wrong:
            raise ValueError("\n".join(map(str, wrong)))


def _wanted(declared: catalogue.Catalogue, runs: Iterable[str], judges: Iterable[str]) -> frozenset[str]:
    """The runs of a build: those that its assignments read, those that its chapters add, and those that nobody else reads.

    Raises:
        ValueError: when an assignment reads a run, or ``judges`` names one, that the config does not have, or when an assignment is
            about an unknown data set.
    """
    runs, judges = list(runs), list(judges)
    wrong: list[object] = [unknown("run", run, runs, "judges") for run in judges if run not in runs]
    for assignment in declared.assignments.values():
        wrong += [unknown("run", run, runs, f"{assignment.file}: runs") for run in assignment.runs if run not in runs]
        foreign = [name for name in assignment.datasets if name not in DATASETS]
        wrong += [unknown("data set", name, DATASETS, f"{assignment.file}: datasets") for name in foreign]
    if len(judges) > JUDGES:
        wrong.append(f"judges: got {len(judges)}; at most {JUDGES} classifiers measure samples")
    if wrong:
        raise ValueError("\n".join(map(str, wrong)))
    read = {run for assignment in declared.assignments.values() for run in assignment.runs}
    added = {run for chapter in declared.chapters.values() if read.issuperset(chapter.needs) for run in chapter.adds}
    spoken_for = declared.read_elsewhere | {run for chapter in declared.chapters.values() for run in chapter.adds}
    wanted = read | added | {run for run in runs if run not in spoken_for | read}
    return frozenset(wanted | set(judges) if wanted & set(judges) else wanted)


def flags(files: Mapping[str, str | Iterable[str]]) -> list[str]:
    """Words of a command line from named files: ``train_record=a, samples=[b, c]`` becomes ``--train-record a --samples b c``."""
    return [
        word
        for name, paths in files.items()
        for word in (f"--{name.replace('_', '-')}", *([paths] if isinstance(paths, str) else map(str, paths)))
    ]


def as_json(value: object) -> str:
    """JSON that is the same for equal values, so that it can decide about reruns."""
    return json.dumps(value, sort_keys=True)


def gpu_limit(given: Iterable[str], found: int, jobs: int = 1) -> int | None:
    """How many jobs may hold a GPU at once: ``jobs`` on each GPU of this machine, unless the user said otherwise or there is none.

    Without a limit Snakemake starts as many such jobs as there are cores, which is right for a machine without a GPU.
    """
    return None if "gpu" in given or found == 0 else found * jobs
