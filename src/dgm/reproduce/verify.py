"""Build once more in a scratch folder, and say what of the two builds differs.

``python -m dgm.reproduce.verify [options of the build]``: the exit status is 1 when anything differs but times, memory and dates.
What shows times (the report, and figures drawn from the table of costs) is made again from the scratch build with the records and
costs of the first, and must then be the same, byte for byte. ``--files-only`` builds nothing and compares the files of the build
with its own manifest; ``--against RESULTS`` compares with a build that is there already.
"""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dgm.assignments import PACKAGE, REPOSITORY
from dgm.reproduce import snakemake_notes
from dgm.reproduce.differences import Comparison, compare, places
from dgm.reproduce.manifest import REMEDY, faults, listed, load
from dgm.runtime.device import NONDETERMINISTIC, STAGE_ENVIRONMENT
from dgm.runtime.files import load_record, save_json
from dgm.runtime.folders import visible

__all__ = ["main", "remake"]

COSTS = "tables/costs.csv"

TEXTS = ("--report-dir", "--assignments", "--figures")
"""Options whose values are files and folders of the repository, or of an assignment elsewhere, in the commands that are called
again."""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, **snakemake_notes.PARSER
    )
    snakemake_notes.add_directory(options)
    ways = options.add_mutually_exclusive_group()
    ways.add_argument(
        "--files-only", action="store_true", help="compare the files of the build with its manifest, and build nothing"
    )
    ways.add_argument("--against", type=Path, metavar="RESULTS", help="the results folder of another build, in place of a new one")
    arguments, words = options.parse_known_args(argv)
    try:
        return _verify(arguments, words)
    except (ValueError, OSError) as error:
        print(f"verify: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("verify: interrupted; nothing was compared to the end", file=sys.stderr)
        return 130


def _verify(arguments: argparse.Namespace, words: Sequence[str]) -> int:
    build = snakemake_notes.find(arguments.directory, words)
    if not _whole(build.results):
        return 1
    if arguments.files_only:
        return 0
    if build.pending:
        raise ValueError(
            f"{build.name}: {len(build.pending)} of {len(build.outputs)} files are not up to date: {listed(list(build.pending))}; "
            "build first, with the same options"
        )
    root = build.folder / ".snakemake"
    scratch = Path(tempfile.mkdtemp(prefix="verify-", dir=root))
    second = arguments.against
    if second is None:
        print(f"building {build.name} once more, in {scratch}", flush=True)
        second = scratch / "build" / build.name
        command = snakemake_notes.snakemake(scratch / "build", "--cores", "all", *words)
        if subprocess.run(command, check=False).returncode != 0:
            raise ValueError(f"the second build failed; what it has made is kept in {scratch}")
    if not _whole(second):
        return 1
    outputs = frozenset(os.path.relpath(path, build.name) for path in build.outputs)
    found = _compared(build.results, second, outputs, scratch / "again")
    print(found.table())
    if found.only_first:
        print(f"left over from other configs, not compared: {listed(list(found.only_first))}")
    for line in places(build.results, second):
        print(f"made with {line}")
    for path, operations in _nondeterministic(build.results).items():
        print(f"not deterministic on its device: {path}: {', '.join(operations)}")
    if found.equal:
        shutil.rmtree(scratch)
        print("the two builds are the same")
        return 0
    print(f"the two builds differ; the second is {second}, its report with the times of the first is kept in {scratch / 'again'}")
    return 1


def _whole(results: Path) -> bool:
    """Whether the files of a build are those of its manifest; says what is wrong, and what the manifest does not list."""
    count, found = len(load(results)["artefacts"]), faults(results)
    if found.missing or found.changed:
        print(f"verify: {results}: {found}; {REMEDY}", file=sys.stderr)
        return False
    unlisted = f"; not in the manifest: {listed(list(found.unlisted))}" if found.unlisted else ""
    print(f"{results}: {count} files are as the manifest says{unlisted}", flush=True)
    return True


def _compared(first: Path, second: Path, outputs: frozenset[str], scratch: Path) -> Comparison:
    """The comparison of two builds, with what shows times made again."""
    figures = _figures_of_costs(second)
    drawn = tuple(f"figures/{figure}." for figure in figures)
    timed = frozenset(name for name in outputs if name.startswith(("report/", "records/typeset/", *drawn)))
    found = compare(first, second, outputs, lambda name: name not in timed)
    again = compare(first, remake(first, second, figures, scratch), outputs, lambda name: name in timed)
    named = (replace(part, name=f"{part.name}, with the first build's times") for part in again.parts)
    return replace(found, parts=(*found.parts, *named))


def remake(first: Path, second: Path, figures: Sequence[str], scratch: Path) -> Path:
    """Make what shows times once more from the second build, with the records and costs of the first.

    The jobs are those that the second build recorded, run in the working directory ``scratch``. How many pages a document has
    depends on the times that it shows, so the records of typesetting are made again, too.

    Args:
        first: results folder whose times are shown.
        second: results folder of all else.
        figures: names of the figures that show times.
        scratch: a new folder, which becomes the working directory.

    Returns:
        The results folder below ``scratch``.

    Raises:
        ValueError: when a job fails, with its message.
    """
    commands = {f"plot/{name}": _words(second, f"plot/{name}") for name in figures}
    commands["render/report"] = _words(second, "render/report")
    for path in visible(second / "records", "typeset/*.json"):
        commands[f"typeset/{path.stem}"] = _words(second, f"typeset/{path.stem}")
    remade = scratch / _after("--results", commands["render/report"])
    # linked, not copied: a stage puts a new file in the place of an old one and never writes into it
    shutil.copytree(second, remade, copy_function=_link, ignore=shutil.ignore_patterns("records", "report", "logs"))
    shutil.copytree(first / "records", remade / "records")
    for record in visible(remade / "records", "*/*.json"):  # whose checksums are those of the other build's files
        save_json(record, {key: value for key, value in load_record(record).items() if key != "written"})
    (remade / COSTS).unlink()
    shutil.copy(first / COSTS, remade / COSTS)
    for job, words in commands.items():
        here = {"--log": Path("logs", f"{job}.log")}
        here["--record"] = Path("records", f"{job}.json")  # not among those that the report speaks of
        environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent), **STAGE_ENVIRONMENT}
        told = retold(_located(words, (REPOSITORY, second.parents[1], first.parents[1])), here)
        done = subprocess.run(told, cwd=scratch, env=environment, capture_output=True, text=True, encoding="utf-8", check=False)
        if done.returncode != 0:
            raise ValueError(f"{job} cannot be made again from {second}: {done.stderr.strip()}")
    for job, words in commands.items():
        if job.startswith("typeset/"):
            said = {**_record(scratch, job), "command": shlex.join(words)}
            save_json(remade / "records" / f"{job}.json", said)
    return remade


def retold(words: Sequence[str], values: Mapping[str, str | Path]) -> list[str]:
    """A recorded command with this Python, and with other values of some of its options."""
    told = [str(values.get(option, word)) for option, word in zip(["", *words], words, strict=False)]
    return [sys.executable, *told[1:]]


def _located(words: Sequence[str], places: Sequence[Path]) -> list[str]:
    """The words of a command, with the texts that it reads where the first of the places has them."""
    found, option = [], ""
    for word in words:
        option = word if word.startswith("--") else option
        there = (place / word for place in places if option in TEXTS and word != option and (place / word).exists())
        found.append(str(next(there, Path(word)).absolute()) if option in TEXTS and word != option else word)
    return found


def _figures_of_costs(results: Path) -> list[str]:
    """The figures that are drawn from the table of costs."""
    names = sorted(path.stem for path in visible(results / "records", "plot/*.json"))
    return [name for name in names if COSTS in _record(results, f"plot/{name}")["sources"].values()]


def _nondeterministic(results: Path) -> dict[str, list[str]]:
    """Operations that have no deterministic implementation on the device they ran on, by job."""
    records = visible(results / "records", "*/*.json")
    found = {f"{path.parent.name}/{path.stem}": _record(results, f"{path.parent.name}/{path.stem}") for path in records}
    return {job: record[NONDETERMINISTIC] for job, record in found.items() if NONDETERMINISTIC in record}


def _words(results: Path, job: str) -> list[str]:
    """The command of a job, as its record tells it."""
    return shlex.split(_record(results, job)["command"])


def _after(option: str, words: Sequence[str]) -> str:
    return words[words.index(option) + 1]


def _link(source: str, target: str) -> None:
    os.symlink(os.path.abspath(source), target)


def _record(results: Path, job: str) -> dict[str, Any]:
    return load_record(results / "records" / f"{job}.json")


if __name__ == "__main__":
    sys.exit(main())
