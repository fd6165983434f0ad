"""Fits from several starts: the best is kept, and whoever is stopped repeats neither a finished start nor a finished iteration."""

import signal
from pathlib import Path

import pytest
import torch

from dgm.runtime.interruption import Interrupted, listening
from dgm.runtime.streams import Generators
from dgm.training.loop import Checkpoint, Context
from dgm.training.restarts import Attempt, Best, best_of

SCORES = [3.0, 5.0, 4.0]


class Climb:
    """Three starts of three iterations each, which multiply by pi; ``stop_at`` counts begun iterations and judgements."""

    def __init__(self, path: Path | None = None, every_seconds: float = 60.0, stop_at: int | None = None) -> None:
        self.said: list[str] = []
        checkpoint = Checkpoint(path, "id", every_seconds) if path else None
        self.context = Context("climb", Generators(0), checkpoint=checkpoint, say=self.said.append)
        self.stop_at = stop_at
        self.events = 0
        self.iterations = 0

    def tick(self) -> None:
        self.events += 1
        if self.events == self.stop_at:
            signal.raise_signal(signal.SIGTERM)

    def begin(self, start: int) -> Attempt:
        return Attempt(start, {"x": torch.full((2,), float(start + 1), dtype=torch.float64)})

    def improve(self, at: Attempt) -> Attempt:
        self.tick()
        self.iterations += 1
        x = at.parameters["x"] * torch.pi
        return Attempt(at.start, {"x": x}, [*at.trace, float(x[0])], passes=at.passes + 1, finished=at.passes == 2)

    def judge(self, at: Attempt) -> tuple[float, str]:
        self.tick()
        return SCORES[at.start], "done"

    def run(self) -> Best:
        return best_of(self.begin, self.improve, self.judge, restarts=3, n=10, context=self.context)


def test_the_start_with_the_highest_score_is_kept_and_all_are_shown() -> None:
    climb = Climb()
    best = climb.run()
    assert (best.start, best.score) == (1, 5.0)
    assert best.parameters["x"].tolist() == pytest.approx([2 * torch.pi**3] * 2)
    rows = best.curves()
    assert [row[1] for row in rows] == [0, 1, 2] * 4
    assert [row[4] for row in rows[:3]] == [row[4] for row in rows if row[3] == "log_likelihood/start_1"]
    assert climb.context.facts["epochs"] == 9
    assert climb.said == [f"start {i} of 3: done" for i in (1, 2, 3)]


@pytest.mark.parametrize("event", range(1, 13))
def test_stopped_anywhere_it_continues_with_the_iteration_under_way(tmp_path: Path, event: int) -> None:
    expected, said = Climb().run(), []
    stopped = Climb(tmp_path / "c.pt", stop_at=event)
    with pytest.raises(Interrupted), listening(said.append):
        stopped.run()
    start = 1 + (event - 1) // 4
    assert said == [f"stopped by SIGTERM in start {start} of 3; the next call continues there"]
    resumed = Climb(tmp_path / "c.pt")
    found = resumed.run()
    assert stopped.iterations + resumed.iterations == 9
    assert torch.equal(found.parameters["x"], expected.parameters["x"])
    assert (found.start, found.score, found.traces) == (expected.start, expected.score, expected.traces)
    assert resumed.context.facts["epochs"] == 9
    if event > 1:
        assert resumed.said[0] == f"continuing in start {start} of 3"


def test_stopped_after_the_last_start_it_has_nothing_left_to_do(tmp_path: Path) -> None:
    with pytest.raises(Interrupted), listening(lambda line: None):
        Climb(tmp_path / "c.pt").run()
        signal.raise_signal(signal.SIGTERM)
    resumed = Climb(tmp_path / "c.pt")
    assert resumed.run().score == 5.0
    assert resumed.events == 0
    assert resumed.said == ["continuing after the last start"]


@pytest.mark.parametrize("event", range(2, 13))
def test_killed_without_warning_it_continues_at_its_last_checkpoint(tmp_path: Path, event: int) -> None:
    class Killed(BaseException):
        pass

    class Victim(Climb):
        def tick(self) -> None:
            self.events += 1
            if self.events == event:
                raise Killed

    expected = Climb().run()
    victim = Victim(tmp_path / "c.pt", every_seconds=0)
    with pytest.raises(Killed):
        victim.run()
    resumed = Climb(tmp_path / "c.pt")
    found = resumed.run()
    assert victim.iterations + resumed.iterations == 9
    assert torch.equal(found.parameters["x"], expected.parameters["x"])
    assert found.traces == expected.traces
