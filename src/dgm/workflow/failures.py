"""What Snakemake prints of a job: a few of the hundreds of files it reads, and when it failed, the end of its log."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["LAST_LINES", "Failures", "event_of", "name_of"]

LAST_LINES = 12
"""Lines from the end of a log that are shown: the message of an error, or the end of a traceback."""

STOPPED = ("Terminating processes on user request", "Will exit after finishing currently running jobs")
"""What Snakemake says first when it is told to stop, by Ctrl-C and by SIGTERM."""

SHOWN_FILES = 3
SHOWN_COMMAND = 300


@dataclass
class Failures(logging.Filter):
    """A filter of Snakemake's log that shortens what is said of jobs, and remembers which failed.

    ``interrupted`` is set when the user or a scheduler has stopped the build.
    """

    jobs: dict[str, str] = field(default_factory=dict)
    """``<rule> <name>`` of each job that failed -> the last line of its log."""
    interrupted: bool = False

    def __hash__(self) -> int:
        return id(self)

    def filter(self, record: logging.LogRecord) -> bool:
        """Always True; the record is changed in place."""
        if str(record.msg).startswith(STOPPED):
            self.interrupted = True
        if record.levelno >= logging.ERROR and isinstance(record.msg, str):
            record.msg = "\n".join(map(_cut, record.msg.split("\n")))
        event = event_of(record)
        if event == "job_error":
            self._shorten(record)
        elif event == "job_info":
            _cut_files(vars(record))
        return True

    def _shorten(self, record: logging.LogRecord) -> None:
        said = vars(record)
        logs = [Path(path) for path in said.get("log") or ()]
        last = [line for path in logs for line in _tail(path)]
        name = f"{said.get('rule_name', 'job')} {name_of(said.get('wildcards') or {}, logs)}".strip()
        self.jobs[name] = last[-1] if last else "no message in its log"
        _cut_files(said)
        if said.get("shellcmd"):
            said["shellcmd"] = _cut(str(said["shellcmd"]))
        if last:
            said["aux"] = {**(said.get("aux") or {}), "message": "\n        ".join(["", *last])}


def event_of(record: logging.LogRecord) -> str:
    """What a record of Snakemake's log tells of, such as ``job_error``; empty for plain words."""
    return str(getattr(getattr(record, "event", None), "value", ""))


def name_of(wildcards: Mapping[str, object], logs: Sequence[Path]) -> str:
    """What a job is called beside its rule: by its wildcards, else by its log."""
    return " ".join(map(str, wildcards.values())) or next((path.stem for path in logs), "")


def _cut(line: str) -> str:
    return line if len(line) <= SHOWN_COMMAND + 60 else f"{line[:SHOWN_COMMAND]} … ({len(line):,} characters)"


def _cut_files(said: dict[str, Any]) -> None:
    """Hundreds of files that a job reads hide what is said of it."""
    said.update({key: _few(said.get(key)) for key in ("input", "output")})
    if said.get("reason"):
        said["reason"] = _cut(str(said["reason"]))


def _few(files: Sequence[str] | None) -> list[str]:
    listed = list(files or ())
    rest = len(listed) - SHOWN_FILES
    return [*listed[:SHOWN_FILES], f"… and {rest:,} more"] if rest > 1 else listed


def _tail(path: Path) -> list[str]:
    """The last lines of a log, empty where there is none."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [line for line in lines if line.strip()][-LAST_LINES:]
