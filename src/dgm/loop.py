"""The one minibatch loop: shuffled batches by index, named loss terms, checkpoints, progress, and a stop at non-finite losses.

A model hands over a step function that takes the indices of a batch, updates the parameters and returns named terms. Nothing in
the loop waits for the device between two reports.
"""

import math
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from dgm.files import write_atomically
from dgm.precision import Precision, autocast, resolve
from dgm.rng import Generators

__all__ = ["Checkpoint", "Context", "Interrupted", "Stateful", "ascent", "train"]

REPORT_EVERY_STEPS = 200  # how often the device is asked whether all terms were finite


class Stateful(Protocol):
    """Whatever a checkpoint keeps: model, optimiser, scheduler."""

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to continue."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> Any:
        """Continue from it."""
        ...


class Interrupted(SystemExit):
    """Raised after SIGTERM or SIGINT, when the checkpoint is on disk; the exit status is 128 + the signal number."""


@dataclass(frozen=True)
class Checkpoint:
    """Where an unfinished training is kept, and what it belongs to.

    ``identity`` names settings, code and data; a file with another identity is ignored, because continuing it would mix two
    trainings.
    """

    path: Path
    identity: str
    every_seconds: float = 60.0

    def save(self, state: Mapping[str, Any]) -> None:
        """Write the state atomically."""
        write_atomically(self.path, lambda file: torch.save({"identity": self.identity, "state": dict(state)}, file))

    def load(self, say: Callable[[str], None]) -> dict[str, Any] | None:
        """The saved state, or None when there is none for this identity. A damaged file is reported and ignored."""
        try:
            saved = torch.load(self.path, weights_only=True, map_location="cpu")
            if saved["identity"] != self.identity:
                say(f"{self.path}: belongs to other settings, code or data; starting anew")
                return None
            return dict(saved["state"])
        except FileNotFoundError:
            return None
        except Exception as error:  # a damaged file fails in many ways inside torch.load
            say(f"{self.path}: not a readable checkpoint ({type(error).__name__}); starting anew")
            return None

    def remove(self) -> None:
        """Forget the unfinished training."""
        self.path.unlink(missing_ok=True)


@dataclass
class Context:
    """What a training is given besides its settings and its data."""

    run: str
    generators: Generators
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    max_steps: int | None = None
    checkpoint: Checkpoint | None = None
    say: Callable[[str], None] = lambda line: None
    facts: dict[str, Any] = field(default_factory=dict)
    """Measurements of the training itself (images per second, precision, …), for the record."""


@dataclass
class _Progress:
    """Where the training stands; all that a checkpoint needs besides the stateful objects."""

    epoch: int = 0  # finished epochs
    batch: int = 0  # finished batches of the current epoch
    step: int = 0  # finished optimiser steps
    seconds: float = 0.0  # spent in steps, over all attempts
    sums: Tensor | None = None  # of each term over the current epoch
    names: list[str] = field(default_factory=list)  # of the terms
    rows: list[tuple[int, int, str, str, float]] = field(default_factory=list)


def ascent(
    terms: Callable[[Tensor], Mapping[str, Tensor]],
    *,
    objective: str,
    optimiser: torch.optim.Optimizer,
    precision: Precision,
    context: Context,
    schedule: torch.optim.lr_scheduler.LRScheduler | None = None,
) -> Callable[[Tensor], Mapping[str, Tensor]]:
    """A step for :func:`train` that climbs one objective by one gradient.

    Args:
        terms: takes indices [b] of a batch, returns named scalars that carry gradients; evaluated under autocast.
        objective: the term to maximise.
        optimiser: of all parameters.
        precision: arithmetic of ``terms``; what it resolves to is recorded among the facts of the training.
        context: device and facts.
        schedule: of the learning rate, moved on at every step.
    """
    context.facts["precision"] = resolve(precision, context.device)

    def step(batch: Tensor) -> Mapping[str, Tensor]:
        with autocast(precision, context.device):
            found = terms(batch)
        optimiser.zero_grad(set_to_none=True)
        (-found[objective]).backward()
        optimiser.step()
        if schedule is not None:
            schedule.step()
        return found

    return step


def train(
    step: Callable[[Tensor], Mapping[str, Tensor]],
    *,
    n: int,
    batch_size: int,
    epochs: int,
    state: Mapping[str, Stateful],
    context: Context,
    evaluate: Callable[[int], Mapping[str, Mapping[str, float]]] | None = None,
    evaluate_every: int = 1,
    drop_last: bool = False,
) -> list[tuple[int, int, str, str, float]]:
    """Run ``step`` over shuffled batches for ``epochs`` epochs.

    Args:
        step: takes indices [b] of a batch, updates the parameters, returns the terms to record as scalar tensors.
        n: number of training images.
        batch_size: images a step; the last batch of an epoch is smaller unless ``drop_last``.
        epochs: passes over the data; ``context.max_steps`` may end the training sooner.
        state: what a checkpoint keeps, by name. The context's generators are kept too.
        context: run name, generators, device, checkpoint and log.
        evaluate: called every ``evaluate_every`` epochs and at the end, with the number of finished epochs; returns split -> term
            -> value.
        evaluate_every: in epochs.
        drop_last: leave the incomplete batch out.

    Returns:
        The history: rows (epoch, step, split, term, value); ``split`` is ``train`` for the means of the step's terms over an epoch.

    Raises:
        FloatingPointError: when a term is not finite, with run, step and the last finite values.
        ValueError: when the data are fewer than one batch and ``drop_last`` is set.
        Interrupted: after SIGTERM or SIGINT, once the checkpoint is written.
    """
    batches = n // batch_size if drop_last else math.ceil(n / batch_size)
    if batches == 0:
        raise ValueError(f"run {context.run}: {n} images are fewer than one batch of {batch_size}")
    total = min(batches * epochs, context.max_steps or batches * epochs)
    kept: dict[str, Stateful] = {**state, "generators": context.generators}
    at = _restore(kept, context)
    guard = _FiniteGuard(context)
    clock = time.perf_counter()
    saved = clock

    with _denormals_flushed(), _stop_requests() as stop, _bar(context.run, total, at.step) as advance:
        while at.step < total or at.batch:  # an attempt may have ended between the last batch of an epoch and its report
            order = context.generators.permutation(n, f"shuffle/{at.epoch}")
            while at.batch < batches and at.step < total:
                terms = step(order[at.batch * batch_size : (at.batch + 1) * batch_size])
                at.names = list(terms)
                values = torch.stack([term.detach().float() for term in terms.values()])
                at.sums = values if at.sums is None else at.sums + values
                at.batch, at.step = at.batch + 1, at.step + 1
                guard.see(values, at.names, at.step)
                advance(1)
                if stop or time.perf_counter() - saved > _interval(context):
                    guard.check()
                    now = time.perf_counter()
                    at.seconds, clock, saved = at.seconds + now - clock, now, now
                    _save(kept, at, context)
                if stop:
                    context.say(f"interrupted at step {at.step} of {total}; the next call continues here")
                    raise Interrupted(128 + stop[0])
            guard.check()
            at.seconds += time.perf_counter() - clock
            sums = at.sums
            assert sums is not None
            means = (sums / at.batch).tolist()
            at.epoch, at.batch, at.sums = at.epoch + 1, 0, None
            new = [(at.epoch, at.step, "train", name, value) for name, value in zip(at.names, means, strict=True)]
            if evaluate and (at.epoch % evaluate_every == 0 or at.step == total):
                new += [(at.epoch, at.step, split, k, v) for split, d in evaluate(at.epoch).items() for k, v in d.items()]
            at.rows += new
            rate = at.step / at.seconds
            context.say(
                f"epoch {at.epoch} of {epochs}, step {at.step} of {total}: "
                + ", ".join(f"{split} {name} {value:.4g}" for _, _, split, name, value in new)
                + f"; {rate * batch_size:.0f} images/s, {(total - at.step) / rate:.0f} s left"
            )
            clock = time.perf_counter()
    context.facts["steps"] = at.step
    context.facts["epochs"] = at.epoch
    context.facts["seconds_in_steps"] = round(at.seconds, 3)
    context.facts["images_per_second"] = round(at.step * min(batch_size, n) / at.seconds, 1)
    return at.rows


class _FiniteGuard:
    """Remembers, on the device, the first step with a non-finite term and the last finite values."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.bad: Tensor | None = None
        self.last: Tensor | None = None
        self.names: list[str] = []
        self.unchecked = 0

    def see(self, values: Tensor, names: list[str], step: int) -> None:
        if self.bad is None or self.last is None:
            self.bad = torch.zeros((), dtype=torch.int64, device=values.device)
            self.last = torch.full_like(values, math.nan)
            self.names = names
        fine = torch.isfinite(values).all() & (self.bad == 0)
        self.last = torch.where(fine, values, self.last)
        self.bad = torch.where(fine | (self.bad > 0), self.bad, step)
        self.unchecked += 1
        if self.unchecked >= REPORT_EVERY_STEPS:
            self.check()

    def check(self) -> None:
        self.unchecked = 0
        if self.bad is None or self.last is None:
            return
        bad = int(self.bad)
        if bad:
            last = ", ".join(f"{name} {value:.6g}" for name, value in zip(self.names, self.last.tolist(), strict=True))
            raise FloatingPointError(
                f"run {self.context.run}: the loss is not finite at step {bad}; last finite values: {last}. "
                "Nothing of this training is kept; a smaller learning rate is the usual remedy"
            )


def _interval(context: Context) -> float:
    return context.checkpoint.every_seconds if context.checkpoint else math.inf


def _save(kept: Mapping[str, Stateful], at: _Progress, context: Context) -> None:
    if context.checkpoint:
        progress = {**vars(at), "rows": [list(row) for row in at.rows]}
        context.checkpoint.save({"progress": progress, **{name: part.state_dict() for name, part in kept.items()}})


def _restore(kept: Mapping[str, Stateful], context: Context) -> _Progress:
    saved = context.checkpoint.load(context.say) if context.checkpoint else None
    if saved is None:
        return _Progress()
    for name, part in kept.items():
        part.load_state_dict(saved[name])
    at = _Progress(**{**saved["progress"], "rows": [tuple(row) for row in saved["progress"]["rows"]]})
    if at.sums is not None:
        at.sums = at.sums.to(context.device)
    context.say(f"continuing at step {at.step}")
    return at


@contextmanager
def _denormals_flushed() -> Iterator[None]:
    """Denormal numbers count as zero inside, and are numbers again afterwards.

    Adam's first moment of a weight without gradient (a dead unit, a pixel that is always black) halves every seven steps and soon
    is denormal, which processors handle in microcode: on NICE that made the optimiser's step eight times slower.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@contextmanager
def _stop_requests() -> Iterator[list[int]]:
    """A list that receives the number of a termination signal, so that the loop can leave between two steps."""
    received: list[int] = []
    previous = {}
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            previous[number] = signal.signal(number, lambda got, _frame: received.append(got))
    except ValueError:  # not in the main thread: the caller handles signals
        pass
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def _bar(run: str, total: int, done: int) -> Iterator[Callable[[int], Any]]:
    """A progress bar with rate and time left on a terminal; nothing elsewhere (the log has plain lines)."""
    if not sys.stderr.isatty():
        yield lambda steps: None
        return
    from tqdm import tqdm

    with tqdm(total=total, initial=done, desc=run, unit="step", smoothing=0.05, leave=False) as bar:
        yield bar.update
