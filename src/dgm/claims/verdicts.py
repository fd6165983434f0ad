"""What a measurement of trained models shows: an estimate against a threshold, with an error that includes the training.

Two sources of chance meet in a number about a trained model. The estimate varies with the images, points or draws that it rests on,
which its own standard error says. The model varies with the seed of its training and with the arithmetic of the processor, which
trainings repeated with other seeds and other arithmetic show. Their standard deviation is kept in ``report/stability.csv`` and
serves builds with a single seed as well:

    error = sqrt(stderr^2 + s^2),   s the standard deviation of the estimate over trainings.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dgm.maths.significance import DECISIVE
from dgm.runtime.files import Damaged, load_table

__all__ = ["COLUMNS", "ENOUGH", "STEADY", "Trial", "Trials", "Verdict", "decide", "load"]

Verdict = Literal["shown", "not decided", "contradicted"]

ENOUGH = 10
"""Trainings from which on the share of those that show a finding counts."""

STEADY = 0.9
"""Least share of the repeated trainings that must show a finding."""

COLUMNS = ("dataset", "seed", "arithmetic", "processor", "question", "finding", "estimate", "stderr", "n")
"""Of ``report/stability.csv``: one row for each finding of each repeated build."""


@dataclass(frozen=True)
class Trial:
    """One finding in one repeated build."""

    seed: int
    arithmetic: str
    processor: str
    estimate: float
    stderr: float
    n: int


def decide(estimate: float, error: float, threshold: float, above: bool) -> Verdict:
    """``shown`` if the estimate lies beyond the threshold by three errors, ``contradicted`` if as far on the other side.

    Args:
        estimate: what was measured; nan decides nothing.
        error: its standard error; 0 for a number that has none, nan for one whose error is unknown, which decides nothing.
        threshold: what the estimate is compared with.
        above: whether the finding says that the estimate is larger than the threshold; else smaller.
    """
    distance = (estimate - threshold) if above else (threshold - estimate)
    if math.isnan(distance) or math.isnan(error) or distance == 0:
        return "not decided"
    if abs(distance) < DECISIVE * error:
        return "not decided"
    return "shown" if distance > 0 else "contradicted"


@dataclass(frozen=True)
class Trials:
    """The repeated trainings of one finding."""

    trials: Sequence[Trial] = ()

    @property
    def scatter(self) -> float:
        """Standard deviation of the estimate over all trainings; nan for fewer than three, which say too little of it."""
        values = [trial.estimate for trial in self.trials]
        if len(values) < 3:
            return math.nan
        mean = math.fsum(values) / len(values)
        return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))

    @property
    def seeds(self) -> int:
        """Different seeds among the trainings."""
        return len({trial.seed for trial in self.trials})

    def error(self, stderr: float) -> float:
        """The standard error of an estimate together with the scatter of training, where that was measured."""
        return stderr if math.isnan(self.scatter) else math.hypot(stderr, self.scatter)

    def counts(self, threshold: float, above: bool) -> Mapping[Verdict, int]:
        """How many of the trainings show the finding, decide nothing, and contradict it."""
        found = [decide(trial.estimate, self.error(trial.stderr), threshold, above) for trial in self.trials]
        verdicts: tuple[Verdict, ...] = ("shown", "not decided", "contradicted")
        return {verdict: found.count(verdict) for verdict in verdicts}

    def judge(self, estimate: float, stderr: float, n: int, threshold: float, above: bool) -> Verdict:
        """The verdict on an estimate of this build.

        A number of the fitted parameters (``n = 0``) has no error but the scatter of training: where that is unknown, nothing is
        decided. What fewer than nine in ten repeated trainings show counts as not decided, whatever this build found.
        """
        if n == 0 and math.isnan(self.scatter):
            return "not decided"
        verdict = decide(estimate, self.error(stderr), threshold, above)
        counts = self.counts(threshold, above)
        if verdict == "shown" and len(self.trials) >= ENOUGH and counts["shown"] < STEADY * len(self.trials):
            return "not decided"
        return verdict


def load(path: Path, dataset: str) -> Mapping[tuple[str, str], Trials]:
    """The repeated trainings on a data set, by question and finding; empty where none were made.

    Raises:
        Damaged: for a file with other columns, or with what is not a number in the place of one.
    """
    found: dict[tuple[str, str], list[Trial]] = {}
    for line, row in enumerate(_rows(path, dataset), 2):
        try:
            trial = Trial(
                seed=int(row["seed"]),
                arithmetic=row["arithmetic"],
                processor=row["processor"],
                estimate=float(row["estimate"]),
                stderr=float(row["stderr"]),
                n=int(row["n"]),
            )
        except ValueError as error:
            raise Damaged(path, f"row {line}: {error}") from None
        found.setdefault((row["question"], row["finding"]), []).append(trial)
    return {key: Trials(tuple(trials)) for key, trials in found.items()}


def _rows(path: Path, dataset: str) -> Iterable[Mapping[str, str]]:
    return [row for row in load_table(path, COLUMNS) if row["dataset"] == dataset]
