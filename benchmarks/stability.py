"""Repeat the default build's trainings with other seeds and other arithmetic, and keep what each finding and each metric was.

    python benchmarks/stability.py build [--seeds 0 1 …] [--arithmetic float32 bfloat16 avx2] [--without RUN …] [--folder DIR]
    python benchmarks/stability.py judge [--folder DIR]
    python benchmarks/stability.py collect [--folder DIR]

``build`` makes one results folder for each seed and arithmetic, up to the metrics, and continues where an earlier call stopped;
then it collects. ``collect`` judges the findings on every folder there is and writes ``report/stability.csv`` (one row for each
finding of each repeated build) and ``report/scatter.csv`` (mean and standard deviation of every metric of a trained run). What a
folder lacks is left out. Rows of other processors and of other arithmetic that are in the table already stay. The checks read the
first file, the comparisons of the report the second.

``judge`` measures the samples of the first build with the classifiers of the others. What then differs is the scatter of the
classifier alone, which ``collect`` writes into the last columns of the second file.

``avx2`` is float32 with ``ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2``, the kernels of a common laptop. Runs with a seed of
their own are the same in every build of one arithmetic, so that only its first build makes and counts them.
"""

import argparse
import csv
import io
import os
import platform
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import yaml

from dgm.assignments import NAMESPACE, within
from dgm.claims.claim import Finding
from dgm.claims.evidence import Evidence
from dgm.claims.registry import claims
from dgm.claims.verdicts import COLUMNS
from dgm.report.results import SCATTER
from dgm.reproduce.incomplete import joined, view
from dgm.reproduce.verify import retold
from dgm.runtime.device import STAGE_ENVIRONMENT
from dgm.runtime.files import Damaged, load_frame, load_json, load_table, write_text
from dgm.training.precision import resolve
from dgm.workflow.plan import Plan

ROOT = Path(__file__).resolve().parent.parent
STABILITY, SCATTERS = ROOT / "report" / "stability.csv", ROOT / "report" / "scatter.csv"
ENVIRONMENTS: Mapping[str, Mapping[str, str]] = {
    "float32": {},
    "bfloat16": {},
    "avx2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"},
}


@dataclass(frozen=True)
class Build:
    """One repeated build: results folder, seed, arithmetic."""

    results: Path
    seed: int
    arithmetic: str


def shipped() -> dict[str, dict[str, object]]:
    """The runs of the shipped configuration."""
    runs: dict[str, dict[str, object]] = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))["runs"]
    return runs


def targets(results: str, without: Sequence[str]) -> list[str]:
    """The files that a repeated build makes: metrics and samples of every run, and estimates of those that have any."""
    plan = Plan(yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8")), ROOT)
    left_out = set(without)
    wanted = [f"{results}/metrics/{name}.csv" for name in (*plan.runs, *plan.rings, *plan.demonstrations) if name not in left_out]
    wanted += [f"{results}/samples/{run}.npz" for run in plan.sampled_runs if run not in left_out]
    return [*wanted, *(f"{results}/estimates/{run}.csv" for run in plan.estimated_runs if run not in left_out)]


def build(seed: int, arithmetic: str, options: argparse.Namespace) -> None:
    """One call of Snakemake."""
    variant = f"stability-{arithmetic}-{seed}"
    precision = "bfloat16" if arithmetic == "bfloat16" else "float32"
    with tempfile.TemporaryDirectory() as scratch:
        config = Path(scratch) / "precision.yaml"
        settable = {"gan", "nice", "vade", "vae_conv", "vae_mlp", "vqvae"}
        blocks = {run: {"settings": {"precision": precision}} for run, block in shipped().items() if block["kind"] in settable}
        config.write_text(yaml.safe_dump({"seed": seed, "variant": variant, "runs": blocks}), encoding="utf-8")
        words = ["--directory", str(options.folder), "-s", str(ROOT / "Snakefile"), "--cores", str(options.cores)]
        own = [run for run, block in shipped().items() if "seed" in block and seed != options.seeds[0]]
        asked = targets(f"results/mnist-5k-{variant}", [*options.without, *own])
        command = [sys.executable, "-m", "snakemake", *words, "--configfile", str(config), "--", *asked]
        subprocess.run(command, env={**os.environ, **ENVIRONMENTS[arithmetic]}, check=False)


def folders(folder: Path) -> list[Build]:
    """The repeated builds below a folder, the default build among them: the machine's own arithmetic and the lowest seed first."""
    found = []
    for path in sorted(folder.glob("results/mnist-5k*")):
        named = re.fullmatch(r"mnist-5k(?:-stability-(\w+)-(\d+))?", path.name)
        if named:
            found.append(Build(path, int(named.group(2) or 0), named.group(1) or native()))
    return sorted(found, key=lambda build: (build.arithmetic != native(), build.arithmetic, build.seed))


def native() -> str:
    """What ``precision: auto`` means on this machine."""
    return resolve("auto", torch.device("cpu"))


def processor() -> str:
    """The name of the processor, without its frequency."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        name = re.search(r"model name\s*: (.*)", text)
        return re.sub(r" @.*|\(R\)|\(TM\)", "", name.group(1)).strip() if name else platform.machine()
    except OSError:
        return platform.processor() or platform.machine()


def completed(build: Build, scratch: Path) -> Path:
    """A view of a build with a table of what it has."""
    folder = view(build.results.resolve(), scratch / build.results.name)
    joined(
        [*sorted((folder / "metrics").glob("*.csv")), *sorted((folder / "estimates").glob("*.csv"))], folder / "tables/metrics.csv"
    )
    return folder


def read(build: Build) -> tuple[list[str], list[dict[str, object]], list[tuple[str, str, str, float]]]:
    """What a build shows: what is false in it or stops a check; all findings that the files allow; its metrics."""
    said: list[str] = []
    found: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = completed(build, Path(scratch))
        evidence = Evidence(folder)
        for assignment in within([ROOT / NAMESPACE]):
            for question, check in claims(assignment).items():
                try:
                    for claim in check(evidence):
                        if isinstance(claim, Finding):
                            estimate = claim.estimate
                            numbers = {"estimate": repr(float(estimate.value)), "stderr": repr(float(estimate.stderr))}
                            found.append({"question": question, "finding": claim.id, **numbers, "n": estimate.n})
                        elif not claim.passed:
                            said.append(f"FALSE {question}: {claim.statement}: stated {claim.stated}, found {claim.found}")
                except (Damaged, KeyError) as error:
                    said.append(f"{question} stops: {str(error)[:160]}")
        table = load_frame(folder / "tables" / "metrics.csv")[["run", "metric", "split", "value"]]
        return said, found, list(table.itertuples(index=False, name=None))


def judge(options: argparse.Namespace) -> None:
    """Repeat the measurements of the first build's samples, as it recorded them, with the classifier of every other build.

    Of the runs in the table of the report that shows it.
    """
    first, *others = folders(options.folder)
    tables = yaml.safe_load((ROOT / "report" / "tables.yaml").read_text(encoding="utf-8"))
    shown = {row["run"] for row in tables["comparison-second"]["rows"]}
    for other in others:
        classifier = other.results / "models" / "classifier.pt"
        if not classifier.exists() or other.arithmetic != first.arithmetic:
            continue
        for path in sorted((first.results / "records" / "evaluate").glob("*.json")):
            words = shlex.split(load_json(path)["command"])
            made = judged(options.folder, other) / f"{path.stem}.csv"
            if path.stem not in shown or made.exists():
                continue
            told = {"--classifiers": classifier, "--references": other.results / "references" / "classifier.npz"}
            told |= {"--metrics": made, "--evaluations": made.with_suffix(".npz")}
            told |= {"--record": made.with_suffix(".json"), "--log": made.with_suffix(".log")}
            environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), **STAGE_ENVIRONMENT}
            subprocess.run(retold(words, told), cwd=options.folder, env=environment, check=True)
            made.with_suffix(".npz").unlink()


def judged(folder: Path, build: Build) -> Path:
    """Where the measurements with the classifier of a build are kept."""
    return folder.resolve() / "results" / "judged" / build.results.name


def by_classifier(builds: Sequence[Build], folder: Path) -> dict[tuple[str, str, str], list[float]]:
    """Values of one build's samples, by (run, metric, split), one for each classifier; only what depends on the classifier."""
    values: dict[tuple[str, str, str], list[float]] = {}
    tables = [path for build in builds[1:] for path in sorted(judged(folder, build).glob("*.csv"))]
    runs = {path.stem for path in tables}
    for path in [*sorted((builds[0].results / "metrics").glob("*.csv")), *tables]:
        for run, metric, split, value in load_frame(path)[["run", "metric", "split", "value"]].itertuples(index=False):
            if run in runs:
                values.setdefault((run, metric, split), []).append(float(value))
    return {key: found for key, found in values.items() if len(set(found)) > 1 and np.isfinite(found).all()}


def collect(options: argparse.Namespace) -> None:
    """Judge the findings on all folders and write both tables."""
    builds, machine = folders(options.folder), processor()
    if not builds:
        raise SystemExit(f"{options.folder}: no repeated builds")
    rows: list[dict[str, object]] = []
    values: dict[tuple[str, str, str], list[float]] = {}
    trained = set(shipped())
    met: set[str] = set()  # kinds of arithmetic of which a build was read
    with ProcessPoolExecutor(options.cores, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        for made, (said, found, table) in zip(builds, pool.map(read, builds), strict=True):
            print("\n  ".join([made.results.name, *said]), flush=True)
            own = {run for run, block in shipped().items() if "seed" in block} if made.arithmetic in met else set()
            met.add(made.arithmetic)
            common = {"dataset": "mnist-5k", "seed": made.seed, "arithmetic": made.arithmetic, "processor": machine}
            rows += [{**common, **row} for row in found]
            for run, metric, split, value in table:
                if run in trained - own:
                    values.setdefault((run, metric, split), []).append(float(value))
    seen = {(str(row["seed"]), row["arithmetic"], row["processor"]) for row in rows}
    kept = [row for row in load_table(STABILITY, COLUMNS) if (row["seed"], row["arithmetic"], row["processor"]) not in seen]
    _write(STABILITY, COLUMNS, [*kept, *rows])
    classified = by_classifier(builds, options.folder)
    spread = [
        {"dataset": "mnist-5k", "run": run, "metric": metric, "split": split, "trainings": len(found),
         "mean": f"{np.mean(found):.6g}", "deviation": f"{np.std(found, ddof=1):.3g}",
         "classifiers": len(classified.get((run, metric, split), [])) or "",
         "judged": _deviation(classified.get((run, metric, split), []))}
        for (run, metric, split), found in values.items()
        if len(found) >= 3 and np.isfinite(found).all()
    ]  # fmt: skip
    _write(SCATTERS, SCATTER, spread)
    print(f"{len(rows)} findings of {len(builds)} builds in {STABILITY}, {len(spread)} metrics in {SCATTERS}")


def _deviation(values: Sequence[float]) -> str:
    return f"{np.std(values, ddof=1):.3g}" if len(values) >= 3 else ""


def _write(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("build", "judge", "collect"))
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--arithmetic", nargs="+", choices=tuple(ENVIRONMENTS), default=["float32"])
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    parser.add_argument("--without", nargs="*", default=[], metavar="RUN", help="runs that are left out")
    parser.add_argument("--folder", type=Path, default=ROOT, help="where results/ lies")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.what == "build":
        for seed in options.seeds:
            for arithmetic in options.arithmetic:
                build(seed, arithmetic, options)
    if options.what == "judge":
        judge(options)
    collect(options)


if __name__ == "__main__":
    main()
