"""What is printed of a failed job: its message, and not the files it read."""

import logging
from pathlib import Path

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from dgm.workflow.failures import LAST_LINES, SHOWN_COMMAND, Failures


def record(log: Path, **said: object) -> logging.LogRecord:
    """As Snakemake makes one for a job that failed."""
    made = logging.LogRecord("snakemake", logging.ERROR, "", 0, "Error in rule render", None, None)
    files = [f"results/models/{run}.pt" for run in range(400)]
    defaults = {"event": LogEvent.JOB_ERROR, "rule_name": "render", "input": files, "output": files[:2], "log": [str(log)],
                "shellcmd": "python -m dgm.stages.render " + "x" * 5000, "aux": {}, "wildcards": {}}  # fmt: skip
    vars(made).update({**defaults, **said})
    return made


def test_files_and_command_are_cut_and_the_end_of_the_log_is_shown(tmp_path: Path) -> None:
    log = tmp_path / "report.log"
    log.write_text("\n".join(f"line {n}" for n in range(100)) + "\nrender: no figure 'wiggle'\n")
    failures, made = Failures(), record(log)
    assert failures.filter(made)
    said = vars(made)
    assert len(said["input"]) == 4 and said["input"][-1] == "… and 397 more"
    assert said["output"] == ["results/models/0.pt", "results/models/1.pt"]
    assert len(said["shellcmd"]) < SHOWN_COMMAND + 100
    assert said["aux"]["message"].rstrip().endswith("render: no figure 'wiggle'")
    assert said["aux"]["message"].count("\n") == LAST_LINES
    assert failures.jobs == {"render report": "render: no figure 'wiggle'"} and not failures.interrupted


def test_a_job_without_a_log_is_remembered_too(tmp_path: Path) -> None:
    failures = Failures()
    failures.filter(record(tmp_path / "train" / "gan.log", rule_name="train", wildcards={"run": "gan"}))
    assert failures.jobs == {"train gan": "no message in its log"}


@pytest.mark.parametrize(
    ("message", "stopped"),
    [
        ("Terminating processes on user request, this might take some time.", True),
        ("Will exit after finishing currently running jobs (scheduler).", True),
        ("Finished jobid: 1", False),
    ],
)
def test_an_interrupted_build_is_told_from_a_failed_one(message: str, stopped: bool) -> None:
    failures = Failures()
    failures.filter(logging.LogRecord("snakemake", logging.INFO, "", 0, message, None, None))
    assert failures.interrupted is stopped and failures.jobs == {}


def test_no_line_of_an_error_is_longer_than_a_reader_bears() -> None:
    made = logging.LogRecord("snakemake", logging.ERROR, "", 0, "RuleException:\nCommand '" + "x" * 20_000 + "'", None, None)
    Failures().filter(made)
    assert made.msg.startswith("RuleException:\nCommand") and max(map(len, made.msg.splitlines())) < 2 * SHOWN_COMMAND
