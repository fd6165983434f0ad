"""Write the first files of an assignment, a model or a figure, which build at once and are there to be rewritten.

``python -m dgm.new assignment FOLDER``, ``python -m dgm.new model KIND``, ``python -m dgm.new figure NAME --assignment FOLDER``.
The templates lie in ``templates/``; in their texts and file names ``@NAME@`` stands for the name, ``@FOLDER@`` for the folder,
``@SHORT@`` for a name without underscores and ``@RUN@`` for a run. No file is overwritten.
"""

import argparse
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from dgm.assignments import FILE, NAMESPACE, PACKAGE
from dgm.report.catalogue import read_assignment
from dgm.runtime.files import write_text
from dgm.runtime.folders import below

__all__ = ["main"]

TEMPLATES = Path(__file__).parent / "templates"


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    options = argparse.ArgumentParser(
        prog="python -m dgm.new", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = options.add_subparsers(dest="what", required=True)
    made = what.add_parser("assignment", help="a folder with two questions, a figure, a table, a run and four claims")
    made.add_argument("folder", type=Path, help="where; its last part is the id of the assignment")
    made = what.add_parser("model", help="src/dgm/models/<kind>.py and its test")
    made.add_argument("kind", help="name of the module")
    made = what.add_parser("figure", help="a drawing of an assignment, and its entry in figures.yaml")
    made.add_argument("name", help="name of the module in drawings/")
    made.add_argument("--assignment", type=Path, required=True, help="folder of the assignment")
    arguments = options.parse_args(argv)
    try:
        print({"assignment": _assignment, "model": _model, "figure": _figure}[arguments.what](arguments), end="")
    except (ValueError, OSError) as error:
        print(f"new: {error}", file=sys.stderr)
        return 1
    return 0


def _assignment(arguments: argparse.Namespace) -> str:
    folder: Path = arguments.folder
    if not folder.name:
        raise ValueError("assignment: name a folder; its last part becomes the id")
    name = _checked(folder.resolve().name, "the id of an assignment")
    if (PACKAGE.parents[1] / NAMESPACE / name / FILE).is_file():
        raise ValueError(f"{name} is an assignment of the repository; take another name")
    _write("assignment", folder, {"NAME": name, "FOLDER": folder.as_posix(), "SHORT": name.replace("_", "-")})
    repository = PACKAGE.parents[1].resolve()
    where = [] if repository == Path.cwd().resolve() else ["--snakefile", str(repository / "Snakefile")]
    command = shlex.join(["snakemake", *where, "--cores", "all", "--configfile", str(folder / "config.yaml")])
    return f"{folder}: written. Build it with\n    {command}\n"


def _model(arguments: argparse.Namespace) -> str:
    from dgm.workflow import schema

    kind = _checked(arguments.kind)
    _write("model", PACKAGE.parents[1], {"NAME": kind})
    schema.main([])
    return (
        f"src/dgm/models/{kind}.py, tests/models/test_{kind}.py: written; the schema of the config knows the kind.\n"
        f"Next: a run in config.yaml, such as {kind}_first: {{kind: {kind}}}; name it under runs: of an assignment.\n"
    )


def _figure(arguments: argparse.Namespace) -> str:
    folder: Path = arguments.assignment
    name = _checked(arguments.name)
    assignment, _ = read_assignment(folder)
    if not assignment.runs:
        raise ValueError(f"{assignment.file}: names no run whose learning curve the figure could start from")
    figures = folder / "figures.yaml"
    words = {"NAME": name, "RUN": assignment.runs[0], "SHORT": f"{assignment.id}-{name.replace('_', '-')}"}
    before = figures.read_text(encoding="utf-8") if figures.is_file() else ""
    if f"\n{words['SHORT']}:" in f"\n{before}":
        raise ValueError(f"{figures}: has {words['SHORT']} already")
    _write("figure", folder, words, leave_out="entry.yaml")
    write_text(figures, f"{before.rstrip()}\n\n{_filled(TEMPLATES / 'figure' / 'entry.yaml', words)}".lstrip())
    return (
        f"{folder / 'drawings' / name}.py: written, and {words['SHORT']} added to {figures}.\n"
        f'Next: figures: [{words["SHORT"]}] in the header of an answer, and << fig("{words["SHORT"]}") >> in its text.\n'
    )


def _checked(name: str, what: str = "the name of a module") -> str:
    if not name.isidentifier() or name != name.lower() or name.startswith("_"):
        raise ValueError(f"{name!r} cannot be {what}; take lower-case letters, digits and _, a letter first")
    return name


def _write(what: str, folder: Path, words: Mapping[str, str], leave_out: str = "") -> None:
    """Fill the templates into the folder, all or, where one of the files exists, none."""
    wanted = {
        folder / _replaced(path.relative_to(TEMPLATES / what).as_posix(), words).removesuffix(".txt"): path
        for path in below(TEMPLATES / what)
        if path.name != leave_out
    }
    if what == "assignment" and (folder / FILE).exists():
        raise ValueError(f"{folder / FILE}: exists already; take another name")
    there = [str(path) for path in wanted if path.exists()]
    if there:
        raise ValueError(f"{', '.join(there)}: exists already; take another name, or remove it first")
    for target, path in wanted.items():
        write_text(target, _filled(path, words))


def _filled(path: Path, words: Mapping[str, str]) -> str:
    return _replaced(path.read_text(encoding="utf-8"), words)


def _replaced(text: str, words: Mapping[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(f"@{word}@", value)
    return text
