"""Trainings in several phases, each resumable, together one run."""

import dataclasses
from collections.abc import Callable
from typing import Any

from torch import nn

from dgm.runtime import interruption
from dgm.training.fitted import HistoryRow
from dgm.training.loop import Context

__all__ = ["Phases"]


class Phases:
    """Runs the phases of a training one after another; an interrupted training repeats no finished phase.

    The checkpoint of the run keeps the model, the random streams, history and facts after the last finished phase; the phase in
    progress has a file of its own beside it.
    """

    def __init__(self, model: nn.Module, context: Context) -> None:
        self.model, self.context = model, context
        saved = context.saved()
        self.done: dict[str, dict[str, Any]] = saved["done"] if saved else {}
        self.rows: list[HistoryRow] = [tuple(row) for row in saved["rows"]] if saved else []
        if saved:
            model.load_state_dict(saved["model"])
            context.generators.load_state_dict(saved["generators"])
            context.say(f"finished phases: {', '.join(self.done)}")

    def run(self, name: str, work: Callable[[Context], list[HistoryRow]]) -> None:
        """Do ``work`` with a context of its own, unless an earlier attempt finished it; it returns the rows of its history."""
        context = self.context
        own = dataclasses.replace(context, facts={})
        if context.checkpoint:
            path, identity = context.checkpoint.path, context.checkpoint.identity
            beside = path.with_name(f"{path.stem}.{name}{path.suffix}")
            own.checkpoint = dataclasses.replace(context.checkpoint, path=beside, identity=f"{identity}/{name}")
        if name not in self.done:
            context.say(f"phase {name}")
            interruption.keep(lambda: f" in phase {name}; the next call begins it again")  # a loop inside may know better
            rows = work(own)
            with interruption.deferred():
                self.rows += rows
                self.done[name] = own.facts
                state = {"done": self.done, "rows": [list(row) for row in self.rows], "model": self.model.state_dict()}
                if context.save({**state, "generators": context.generators.state_dict()}) and own.checkpoint:
                    own.checkpoint.remove()
                interruption.keep(lambda: f" after phase {name}; the next call continues there")
        elif own.checkpoint:
            own.checkpoint.remove()  # left by a kill between the two files

    def facts(self) -> dict[str, Any]:
        """Epochs, steps and seconds of all phases of :func:`dgm.training.loop.train` together, and the seconds of each."""
        timed = {name: facts for name, facts in self.done.items() if "epochs" in facts}
        seconds = sum(facts["seconds_in_steps"] for facts in timed.values())
        images = sum(facts["images_per_second"] * facts["seconds_in_steps"] for facts in timed.values())
        return {
            "steps": sum(facts["steps"] for facts in timed.values()),
            "epochs": sum(facts["epochs"] for facts in timed.values()),
            "seconds_in_steps": round(seconds, 3),
            "images_per_second": round(images / seconds, 1),
            "precision": next(reversed(timed.values()))["precision"],
            "phase_seconds": {name: facts["seconds_in_steps"] for name, facts in timed.items()},
        }
