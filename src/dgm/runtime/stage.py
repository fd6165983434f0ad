"""What all stages share: one message for an expected error, a log file, and a record of what was done."""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from dgm.runtime import interruption
from dgm.runtime.device import NONDETERMINISTIC, nondeterministic_operations
from dgm.runtime.files import save_json, take_written

__all__ = ["commit", "logger", "parser", "run", "run_parser"]

SCHEDULER_NUMBERS = ("SLURM_JOB_ID", "LSB_JOBID", "PBS_JOBID", "JOB_ID")
"""Variables in which Slurm, LSF, PBS and Grid Engine tell a job its number."""

LIBRARIES = ("numpy", "scipy", "torch", "torchvision", "scikit-learn", "sympy", "mpmath", "matplotlib", "pandas", "jinja2")

PLACES_OF_GIT = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE"})
"""Variables that lead git to another repository than that of the folder it is called in."""

SOURCES = ("src", "assignments", "report", "workflow", "Snakefile")
"""Where a file that git does not know changes what a job does."""

EXPECTED = (ValueError, OSError, KeyError, FloatingPointError)


def parser(description: str | None) -> argparse.ArgumentParser:
    """An argument parser with the options every stage has: ``--record`` and ``--log``."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--record", type=Path, required=True, help="JSON file that says what was done, written last")
    made.add_argument("--log", type=Path, help="file that receives plain progress lines")
    return made


def run_parser(description: str | None) -> argparse.ArgumentParser:
    """The same with the options of every stage that works on one run: which, how much of it, and on what."""
    made = parser(description)
    made.add_argument("--run", required=True)
    made.add_argument("--limits", type=json.loads, default={}, help="caps for a quick build, as JSON")
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--threads", type=int, default=1)
    made.add_argument("--gpu", type=int, default=0)
    return made


def run(work: Callable[[argparse.Namespace], dict[str, Any] | None], arguments: argparse.Namespace, stage: str) -> int:
    """Do the work, write its record, and return the exit status.

    ``work`` may return extra entries for the record (device, images per second, …). An expected error becomes one message on
    standard error and in the log, and status 1; a signal to stop becomes one line and status 128 + its number; anything else is a
    defect, and its traceback goes to both places.
    """
    started, clock = datetime.now(UTC), time.perf_counter()
    take_written()  # of what this process did before

    def say(line: str) -> None:
        _append(arguments.log, f"{datetime.now():%H:%M:%S} {line}")
        _print(f"{stage}: {line}")

    try:
        with interruption.listening(say), nondeterministic_operations() as operations:
            extra = work(arguments) or {}
            record = {
                "stage": stage,
                "name": arguments.record.stem,
                "command": f"python -m dgm.stages.{stage} " + " ".join(_quoted(sys.argv[1:])),
                "started": started.isoformat(timespec="milliseconds"),
                "seconds": round(time.perf_counter() - clock, 3),
                "written": take_written(),
                **_used(),
                **_place(),
                "python": platform.python_version(),
                "versions": _versions(),
                **commit(),
                **({NONDETERMINISTIC: sorted(operations)} if operations else {}),
                **extra,
            }
            save_json(arguments.record, record)
    except EXPECTED as error:
        message = f"{stage}: {_said(error)}"
        _append(arguments.log, message)
        _print(message)
        return 1
    except Exception:
        _append(arguments.log, traceback.format_exc())
        raise
    return 0


def _said(error: Exception) -> str:
    """What an error says, without the quotes of a KeyError and the number of an OSError whose words name the file."""
    if isinstance(error, KeyError) and error.args:
        return str(error.args[0])
    if isinstance(error, OSError) and error.filename is None and error.strerror:
        return error.strerror
    return str(error)


def _append(log: Path | None, text: str) -> bool:
    """Whether the log has the text now; a full disk is no reason to stop."""
    if log is None:
        return False
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            file.write(text.rstrip("\n") + "\n")
    except OSError:
        return False
    return True


def _print(line: str) -> None:
    """To standard error, if there still is one: the terminal may be what has gone."""
    with suppress(OSError):
        print(line, file=sys.stderr, flush=True)


def logger(log: Path | None) -> Callable[[str], None]:
    """A function that appends one time-stamped line to the log file, or writes it to standard error where that is not possible."""

    def say(line: str) -> None:
        stamped = f"{datetime.now():%H:%M:%S} {line}"
        if not _append(log, stamped):
            _print(stamped)

    return say


def _quoted(words: Sequence[str]) -> list[str]:
    import shlex

    return [shlex.quote(word) for word in words]


def _used() -> dict[str, float]:
    """Processor time of this process and of those that it has waited for, in seconds, and the largest resident memory of one."""
    own, others = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = sum(used.ru_utime + used.ru_stime for used in (own, others))
    unit = 1 if sys.platform == "darwin" else 1024
    return {"cpu_seconds": round(seconds, 3), "memory_bytes": unit * max(own.ru_maxrss, others.ru_maxrss)}


def _versions() -> dict[str, str]:
    """Versions of the libraries that stages use, as far as they are installed."""
    found = {}
    for name in LIBRARIES:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def _place() -> dict[str, str]:
    """Where the job ran, so that a faulty node can be traced: the machine and, on a cluster, the scheduler's number of the job."""
    numbers = (os.environ[name] for name in SCHEDULER_NUMBERS if name in os.environ)
    return {"host": platform.node(), "scheduler_job": next(numbers, "")}


def commit() -> dict[str, Any]:
    """The commit of the source tree and whether it had uncommitted changes, new files among them; empty outside a repository.

    A repository that does not track this file is not that of the source, such as one in which an unpacked archive lies, or one that
    variables of git name. Where git refuses to read, as in a folder of another owner, ``commit_unknown`` has its reason.
    """
    source = Path(__file__).resolve()
    root = source.parents[3]
    environment = {name: value for name, value in os.environ.items() if name not in PLACES_OF_GIT}

    def git(*words: str) -> str:
        done = subprocess.run(  # nosec B607  # the git of PATH, as in a shell
            ["git", *words],
            cwd=root,
            env={**environment, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=True,
        )
        return done.stdout.strip()

    try:
        git("ls-files", "--error-unmatch", source.relative_to(root).as_posix())
        changes = git("status", "--porcelain", "--untracked-files=no") or git(
            "ls-files", "--others", "--exclude-standard", *SOURCES
        )
        return {"commit": git("rev-parse", "HEAD"), "dirty": bool(changes)}
    except subprocess.CalledProcessError as error:
        reason = str(error.stderr).strip().partition("\n")[0].removeprefix("fatal: ")
        return {} if "not a git repository" in reason or "did not match" in reason else {"commit_unknown": reason}
    except OSError:
        return {}
