"""What Snakemake prints of a failed job: the message and where its log lies, not the hundreds of files it read."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["LAST_LINES", "Failures"]

LAST_LINES = 12
"""Lines from the end of a log that are shown: the message of an error, or the end of a traceback."""

STOPPED = ("Terminating processes on user request", "Will exit after finishing currently running jobs")
"""What Snakemake says first when it is told to stop, by Ctrl-C and by SIGTERM."""

SHOWN_FILES = 3
SHOWN_COMMAND = 300


@dataclass
class Failures(logging.Filter):
    """A filter of Snakemake's log that shortens what is said of a failed job, and remembers which jobs failed.

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
        if getattr(getattr(record, "event", None), "value", None) == "job_error":
            self._shorten(record)
        return True

    def _shorten(self, record: logging.LogRecord) -> None:
        said = vars(record)
        logs = [Path(path) for path in said.get("log") or ()]
        last = [line for path in logs for line in _tail(path)]
        name = f"{said.get('rule_name', 'job')} {' '.join(map(str, (said.get('wildcards') or {}).values()))}".strip()
        if not said.get("wildcards"):
            stem = next((path.stem for path in logs), "")
            name = f"{said.get('rule_name', 'job')} {stem}".strip()
        self.jobs[name] = last[-1] if last else "no message in its log"
        said["input"], said["output"] = _few(said.get("input")), _few(said.get("output"))
        if said.get("shellcmd"):
            said["shellcmd"] = _cut(str(said["shellcmd"]))
        if last:
            said["aux"] = {**(said.get("aux") or {}), "message": "\n        ".join(["", *last])}


def _cut(line: str) -> str:
    return line if len(line) <= SHOWN_COMMAND + 60 else f"{line[:SHOWN_COMMAND]} … ({len(line):,} characters)"


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
