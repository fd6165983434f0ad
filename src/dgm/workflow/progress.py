"""One line a minute that says how far a build is: what has ended, what runs, and about how long the rest will take."""

import json
import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean

from dgm.workflow.failures import event_of

__all__ = ["Job", "Progress"]

EVERY = 60.0
"""Seconds between two lines."""

SHOWN = 4
"""Running jobs that a line names."""

_EPOCH = re.compile(r"epoch (\d+ of \d+)\b.*?([\d.,]+ (?:s|min|h)) left")


@dataclass(frozen=True)
class Job:
    """A job of the plan: its rule, the name that it is known by, and the file that it logs to."""

    rule: str
    name: str
    log: Path | None = None

    def __str__(self) -> str:
        """``train gan (epoch 120 of 200, 74 s left)``, as far as its log says so."""
        try:
            said = _EPOCH.findall((self.log or Path()).read_text(encoding="utf-8", errors="replace")[-2000:])
        except OSError:
            said = []
        return f"{self.rule} {self.name}".strip() + (f" (epoch {said[-1][0]}, {said[-1][1]} left)" if said else "")


@dataclass
class Progress(logging.Filter):
    """A filter of Snakemake's log that follows its jobs and says once a minute how the build goes.

    Args:
        say: takes a line.
        every: seconds between two lines.
        clock: seconds, as ``time.monotonic``.
    """

    say: Callable[[str], None]
    every: float = EVERY
    clock: Callable[[], float] = time.monotonic
    jobs: dict[int, Job] = field(default_factory=dict)
    """Job number of Snakemake -> job, of all that the build makes."""
    past: dict[int, float] = field(default_factory=dict)
    """Job number -> seconds that it took in an earlier build, or jobs of its rule did on average; none where a rule is new."""
    began: dict[int, float] = field(default_factory=dict)
    took: dict[int, float] = field(default_factory=dict)
    failed: set[int] = field(default_factory=set)
    start: float = 0.0

    def __hash__(self) -> int:
        return id(self)

    def begin(self, jobs: Mapping[int, Job], records: Path) -> None:
        """The jobs of a build that starts, and the folder where the last one recorded the times of its jobs.

        It has to be called before jobs run, as each job removes what it recorded.
        """
        self.jobs = dict(jobs)
        self.past = _expected(self.jobs, records)
        self.start = self.clock()
        threading.Thread(target=self._speak, daemon=True).start()

    def filter(self, record: logging.LogRecord) -> bool:
        """Always True; the record is left as it is."""
        said = vars(record)
        event = event_of(record)
        if event == "job_started":
            self.began.update(dict.fromkeys(said["jobs"], self.clock()))
        elif event in ("job_finished", "job_error"):
            number = int(said["job_id"] if event == "job_finished" else said["jobid"])
            if number in self.began:
                self.took[number] = self.clock() - self.began.pop(number)
            if event == "job_error":
                self.failed.add(number)
        return True

    def line(self) -> str:
        """What is said now."""
        done = [number for number in self.took if number not in self.failed]
        words = [f"{len(done)} of {len(self.jobs)} jobs have ended"]
        trainings = [number for number, job in self.jobs.items() if job.rule == "train"]
        if trainings:
            words.append(f"{sum(number in done for number in trainings)} of {len(trainings)} trainings")
        if self.failed:
            words.append(f"{len(self.failed)} failed")
        running = [str(self.jobs[number]) for number in list(self.began) if number in self.jobs]
        if running:
            more = f" and {len(running) - SHOWN} more" if len(running) > SHOWN else ""
            words.append(f"running: {', '.join(running[:SHOWN])}{more}")
        left = self.left()
        if left is not None:
            words.append(f"about {max(1, round(left / 60))} min left")
        return "; ".join(words)

    def left(self) -> float | None:
        """Seconds to the end: past times of what is to do, at the speed and with as many jobs at once as so far, if known."""
        ended = [number for number in self.took if number in self.past]
        expected = sum(self.past[number] for number in ended)
        if len(self.past) < len(self.jobs) or expected <= 0:
            return None
        now = self.clock()
        slower = sum(self.took[number] for number in ended) / expected
        busy = (sum(self.took.values()) + sum(now - began for began in self.began.values())) / (now - self.start)
        rest = {number: slower * seconds for number, seconds in self.past.items() if number not in self.took}
        for number, began in list(self.began.items()):
            rest[number] = max(0.0, rest.get(number, 0.0) - (now - began))
        return max(sum(rest.values()) / max(busy, 1.0), max(rest.values(), default=0.0))

    def _speak(self) -> None:
        while len(self.took) < len(self.jobs):
            time.sleep(self.every)
            self.say(self.line())


def _expected(jobs: Mapping[int, Job], records: Path) -> dict[int, float]:
    """Seconds of each job as recorded by ``<rule>/<name>.json``, else the mean over its rule; without the jobs of new rules."""
    seconds: dict[str, dict[str, float]] = {}
    for rule in {job.rule for job in jobs.values()}:
        seconds[rule] = {}
        for path in (records / rule).glob("*.json"):
            try:
                seconds[rule][path.stem] = float(json.loads(path.read_text(encoding="utf-8"))["seconds"])
            except (OSError, ValueError, KeyError, TypeError):
                continue  # what a record is worth is said by those who need it
    known = {rule: mean(times.values()) for rule, times in seconds.items() if times}
    return {number: seconds[job.rule].get(job.name, known[job.rule]) for number, job in jobs.items() if job.rule in known}
