"""How far a build is, as one line a minute says it."""

import json
import logging
import time
from pathlib import Path

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from dgm.workflow.progress import SHOWN, Job, Progress


class Clock:
    """Seconds that pass when told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def tell(progress: Progress, event: LogEvent, **said: object) -> None:
    record = logging.LogRecord("snakemake", logging.INFO, "", 0, "", None, None)
    vars(record).update(event=event, **said)
    assert progress.filter(record)


def started(clock: Clock, jobs: dict[int, Job], records: Path) -> tuple[Progress, list[str]]:
    """A build that has just begun; its lines are asked for and not waited for."""
    lines: list[str] = []
    progress = Progress(lines.append, every=1e6, clock=clock)
    progress.begin(jobs, records)
    return progress, lines


def recorded(folder: Path, rule: str, name: str, seconds: object) -> None:
    path = folder / rule / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"seconds": seconds}))


def test_ended_running_and_failed_jobs_are_told_apart(tmp_path: Path, clock: Clock) -> None:
    jobs = {n: Job("train", f"run{n}") for n in range(3)} | {9: Job("render", "report")}
    progress, _ = started(clock, jobs, tmp_path)
    tell(progress, LogEvent.JOB_STARTED, jobs=[0, 1])
    tell(progress, LogEvent.JOB_FINISHED, job_id=0)
    assert progress.line() == "1 of 4 jobs have ended; 1 of 3 trainings; running: train run1"
    tell(progress, LogEvent.JOB_ERROR, jobid=1)
    assert progress.line() == "1 of 4 jobs have ended; 1 of 3 trainings; 1 failed"


def test_a_training_says_its_epoch_and_many_jobs_are_counted(tmp_path: Path, clock: Clock) -> None:
    log = tmp_path / "gan.log"
    log.write_text(
        "00:00:01 epoch 1 of 200, step 10 of 20: loss 2; 292 images/s, 99 s left\n"
        "00:00:09 epoch 120 of 200, step 3 of 20: loss 1; 9 images/s, 74 s left\n"
    )
    jobs = {0: Job("train", "gan", log), **{n: Job("plot", f"f{n}", tmp_path / "none.log") for n in range(1, SHOWN + 3)}}
    progress, _ = started(clock, jobs, tmp_path)
    tell(progress, LogEvent.JOB_STARTED, jobs=list(jobs))
    line = progress.line()
    assert "train gan (epoch 120 of 200, 74 s left), plot f1" in line
    assert f"plot f{SHOWN - 1} and 3 more" in line and f"plot f{SHOWN}" not in line


def test_the_time_left_follows_from_past_times_speed_and_jobs_at_once(tmp_path: Path, clock: Clock) -> None:
    for name in "abcd":
        recorded(tmp_path, "train", name, 60)
    jobs = {n: Job("train", name) for n, name in enumerate("abcd")}
    progress, _ = started(clock, jobs, tmp_path)
    assert progress.left() is None  # nothing has ended that would tell the speed
    tell(progress, LogEvent.JOB_STARTED, jobs=[0, 1])
    clock.now += 120
    tell(progress, LogEvent.JOB_FINISHED, job_id=0)
    tell(progress, LogEvent.JOB_FINISHED, job_id=1)
    assert progress.left() == pytest.approx(120)  # two jobs of 60 s at half the speed, two at once
    tell(progress, LogEvent.JOB_STARTED, jobs=[2, 3])
    clock.now += 90
    assert progress.left() == pytest.approx(30)
    assert progress.line().endswith("about 1 min left")


def test_one_long_job_cannot_be_shared(tmp_path: Path, clock: Clock) -> None:
    recorded(tmp_path, "train", "long", 600)
    recorded(tmp_path, "train", "a", 60)
    recorded(tmp_path, "train", "b", 60)
    progress, _ = started(clock, {0: Job("train", "a"), 1: Job("train", "b"), 2: Job("train", "long")}, tmp_path)
    tell(progress, LogEvent.JOB_STARTED, jobs=[0, 1])
    clock.now += 60
    tell(progress, LogEvent.JOB_FINISHED, job_id=0)
    tell(progress, LogEvent.JOB_FINISHED, job_id=1)
    assert progress.left() == pytest.approx(600)


def test_a_new_run_is_expected_to_take_what_others_of_its_rule_took_and_a_new_rule_is_unknown(tmp_path: Path, clock: Clock) -> None:
    recorded(tmp_path, "train", "a", 30)
    recorded(tmp_path, "train", "b", 90)
    (tmp_path / "train" / "torn.json").write_text("{")
    recorded(tmp_path, "train", "worthless", None)
    progress, _ = started(clock, {0: Job("train", "a"), 1: Job("train", "new")}, tmp_path)
    assert progress.past == {0: 30, 1: 60}
    progress, _ = started(clock, {0: Job("train", "a"), 1: Job("render", "report")}, tmp_path)
    tell(progress, LogEvent.JOB_STARTED, jobs=[0])
    clock.now += 30
    tell(progress, LogEvent.JOB_FINISHED, job_id=0)
    assert progress.left() is None


def test_a_line_is_said_again_and_again_until_all_has_ended(tmp_path: Path) -> None:
    lines: list[str] = []
    progress = Progress(lines.append, every=0.01)
    progress.begin({0: Job("train", "a")}, tmp_path)
    tell(progress, LogEvent.JOB_STARTED, jobs=[0])
    deadline = time.monotonic() + 30
    while len(lines) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert lines[0].startswith("0 of 1 jobs have ended; 0 of 1 trainings") and len(lines) >= 2
    tell(progress, LogEvent.JOB_FINISHED, job_id=0)
