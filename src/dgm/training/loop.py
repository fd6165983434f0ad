"""The one minibatch loop: shuffled batches by index, named loss terms, checkpoints, progress, and a stop at non-finite losses.

A model hands over a step function that takes the indices of a batch, updates the parameters and returns named terms. Nothing in
the loop waits for the device between two reports, and on CUDA a graph may repeat the step (:mod:`dgm.training.cuda_graphs`).
"""

import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from dgm.runtime import interruption
from dgm.runtime.files import Damaged, load_tensors, remove, save_tensors
from dgm.runtime.streams import Generators
from dgm.training import cuda_graphs
from dgm.training.precision import Precision, autocast, products, resolve

__all__ = ["CHECKPOINT_SECONDS", "Checkpoint", "Context", "Stateful", "ascent", "checkpoint_seconds", "train"]

REPORT_EVERY_STEPS = 200  # how often the device is asked whether all terms were finite

CHECKPOINT_SECONDS = "DGM_CHECKPOINT_SECONDS"
"""The environment variable that says how many seconds of a training a kill may cost; it is no matter of science."""


class Stateful(Protocol):
    """Whatever a checkpoint keeps: model, optimiser, scheduler."""

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to continue."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> Any:
        """Continue from it."""
        ...


def checkpoint_seconds() -> float:
    """Seconds between two checkpoints, from the environment: 60 by default.

    Raises:
        ValueError: when the variable holds no such number.
    """
    text = os.environ.get(CHECKPOINT_SECONDS, "60")
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not seconds >= 0:
        raise ValueError(f"{CHECKPOINT_SECONDS}: got {text!r}; allowed: seconds between two checkpoints, at least 0")
    return seconds


@dataclass
class Checkpoint:
    """Where an unfinished training is kept, and what it belongs to.

    ``identity`` names settings, code and data; a file with another identity is ignored, because continuing it would mix two
    trainings.
    """

    path: Path
    identity: str
    every_seconds: float = 60.0
    _last: float = field(init=False, repr=False, default_factory=time.perf_counter)

    def due(self) -> bool:
        """Whether the last attempt to save was ``every_seconds`` ago."""
        return time.perf_counter() - self._last >= self.every_seconds

    def save(self, state: Mapping[str, Any]) -> None:
        """Write the state atomically.

        Raises:
            OSError: when the disk is full or not writable.
        """
        try:
            save_tensors(self.path, {"identity": self.identity, "state": dict(state)})
        finally:
            self._last = time.perf_counter()

    def load(self, say: Callable[[str], None]) -> dict[str, Any] | None:
        """The saved state, or None when there is none for this identity. A damaged file is reported and ignored."""
        if not self.path.exists():
            return None
        try:
            saved = load_tensors(self.path)
            if saved["identity"] != self.identity:
                say(f"{self.path}: belongs to other settings, code or data, or to another device; starting anew")
                return None
            return dict(saved["state"])
        except Damaged as error:
            say(f"{self.path}: {error.fault}; starting anew")
        except (KeyError, TypeError, ValueError):
            say(f"{self.path}: not a checkpoint; starting anew")
        return None

    def remove(self) -> None:
        """Forget the unfinished training."""
        remove(self.path)


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

    def saved(self) -> dict[str, Any] | None:
        """The state to continue from, if there is one."""
        return self.checkpoint.load(self.say) if self.checkpoint else None

    def save_is_due(self) -> bool:
        """Whether a checkpoint should be written now."""
        return self.checkpoint is not None and self.checkpoint.due()

    def save(self, state: Mapping[str, Any]) -> bool:
        """Write a checkpoint and say whether it is on disk.

        A checkpoint only saves time, so that a training outlives a full disk: the log says so, and the next one is tried in time.
        """
        if self.checkpoint is None:
            return False
        try:
            self.checkpoint.save(state)
        except OSError as error:
            self.say(f"no checkpoint: {error.strerror or error}; the training goes on, but a kill costs all since the last one")
            return False
        return True


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
    optimiser: Optimizer,
    precision: Precision,
    context: Context,
) -> Callable[[Tensor], Mapping[str, Tensor]]:
    """A step for :func:`train` that climbs one objective by one gradient.

    Args:
        terms: takes indices [b] of a batch, returns named scalars that carry gradients; evaluated under autocast.
        objective: the term to maximise.
        optimiser: of all parameters.
        precision: arithmetic of ``terms``; what it resolves to is recorded among the facts of the training.
        context: device and facts.
    """
    context.facts["precision"] = resolve(precision, context.device)

    def step(batch: Tensor) -> Mapping[str, Tensor]:
        optimiser.zero_grad(set_to_none=True)
        with products(precision, context.device):
            with autocast(precision, context.device):
                found = terms(batch)
            (-found[objective]).backward()
        optimiser.step()
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
        state: what a checkpoint keeps, by name. The context's generators are kept too. A schedule of the learning rate among it
            moves on after every step.
        context: run name, generators, device, checkpoint and log.
        evaluate: called every ``evaluate_every`` epochs and at the end, with the number of finished epochs; returns split -> term
            -> value. An interrupted call is repeated, so two calls must do the same as one: it draws from fresh generators.
        evaluate_every: in epochs.
        drop_last: leave the incomplete batch out.

    Returns:
        The history: rows (epoch, step, split, term, value); ``split`` is ``train`` for the means of the step's terms over an epoch.

    Raises:
        FloatingPointError: when a term is not finite, with run, step and the last finite values.
        ValueError: when the data are fewer than one batch and ``drop_last`` is set.
        Interrupted: when told to stop (:mod:`dgm.runtime.interruption`), with the last finished step in the checkpoint.
    """
    batches = n // batch_size if drop_last else math.ceil(n / batch_size)
    if batches == 0:
        raise ValueError(f"run {context.run}: {n} images are fewer than one batch of {batch_size}")
    total = min(batches * epochs, context.max_steps or batches * epochs)
    an_epoch = batches * batch_size if drop_last else n  # images
    kept: dict[str, Stateful] = {**state, "generators": context.generators}
    at = _restore(kept, context)
    ledger = _Ledger(at, context)
    keeper = _Keeper(kept, at, ledger, total, context)
    schedules = [part for part in state.values() if isinstance(part, LRScheduler)]
    step = cuda_graphs.replayed(step, [part for part in state.values() if isinstance(part, Optimizer)], context.generators)
    whole_step = interruption.deferred()  # which changes parameters in place
    with _denormals_flushed(), _bar(context.run, total, at.step) as advance:
        interruption.keep(keeper.leave)
        while at.step < total or at.batch:  # an attempt may have ended between the last batch of an epoch and its report
            order = context.generators.permutation(n, f"shuffle/{at.epoch}")
            keeper.start_clock()
            while at.batch < batches and at.step < total:
                with whole_step:
                    ledger.add(step(order[at.batch * batch_size : (at.batch + 1) * batch_size]))
                    for schedule in schedules:
                        schedule.step()
                    at.batch, at.step = at.batch + 1, at.step + 1
                    advance(1)
                    if ledger.full():
                        ledger.read()
                    if context.save_is_due():
                        keeper.save()
            ledger.read()
            keeper.stop_clock()
            sums = at.sums
            assert sums is not None
            means = (sums / at.batch).tolist()
            epoch = at.epoch + 1
            new = [(epoch, at.step, "train", name, value) for name, value in zip(at.names, means, strict=True)]
            if evaluate and (epoch % evaluate_every == 0 or at.step == total):
                # may be interrupted, and is repeated then
                new += [(epoch, at.step, split, k, v) for split, d in evaluate(epoch).items() for k, v in d.items()]
            with interruption.deferred():
                at.epoch, at.batch, at.sums = epoch, 0, None
                at.rows += new
            rate = at.step / at.seconds
            context.say(
                f"epoch {at.epoch} of {epochs}, step {at.step} of {total}: "
                + ", ".join(f"{split} {name} {value:.4g}" for _, _, split, name, value in new)
                + f"; {rate * an_epoch / batches:.0f} images/s, {(total - at.step) / rate:.0f} s left"
            )
    context.facts["steps"] = at.step
    context.facts["epochs"] = at.epoch
    context.facts["seconds_in_steps"] = round(at.seconds, 3)
    seen = at.step // batches * an_epoch + at.step % batches * min(batch_size, n)
    context.facts["images_per_second"] = round(seen / at.seconds, 1)
    return at.rows


class _Ledger:
    """The terms of the last steps, written down on the device with one call a step; reading them waits for it."""

    def __init__(self, at: _Progress, context: Context) -> None:
        self.at, self.context = at, context
        self.rows: Tensor | None = None
        self.unread = 0
        self.last: list[float] = []  # of the last finite step

    def add(self, terms: Mapping[str, Tensor]) -> None:
        """Note the terms of one step more."""
        values = [term.detach().float() for term in terms.values()]
        if self.rows is None:
            self.rows, self.at.names = torch.empty((REPORT_EVERY_STEPS, len(values)), device=self.context.device), list(terms)
        torch.stack(values, out=self.rows[self.unread])
        self.unread += 1

    def full(self) -> bool:
        """Whether it must be read before the next step."""
        return self.unread == REPORT_EVERY_STEPS

    def read(self) -> None:
        """Add what was noted to the sums of the epoch.

        Raises:
            FloatingPointError: when a term was not finite.
        """
        if self.rows is None:
            return
        first = self.at.step - self.unread + 1
        rows, self.unread = self.rows[: self.unread].cpu(), 0
        for step, row in enumerate(rows, first):
            if not row.isfinite().all():
                values = self.last or [math.nan] * len(row)
                last = ", ".join(f"{name} {value:.6g}" for name, value in zip(self.at.names, values, strict=True))
                raise FloatingPointError(
                    f"run {self.context.run}: the loss is not finite at step {step}; last finite values: {last}. "
                    "Nothing of this training is kept; a smaller learning rate is the usual remedy"
                )
            self.last = row.tolist()
            self.at.sums = row.clone() if self.at.sums is None else self.at.sums + row


class _Keeper:
    """Knows how a training under way is saved, and what of it is on disk."""

    def __init__(self, kept: Mapping[str, Stateful], at: _Progress, ledger: _Ledger, total: int, context: Context) -> None:
        self.kept, self.at, self.ledger, self.total, self.context = kept, at, ledger, total, context
        self.on_disk = (at.step, at.epoch)
        self.clock: float | None = None  # since when time counts that is not in at.seconds yet

    def start_clock(self) -> None:
        self.clock = time.perf_counter()

    def stop_clock(self) -> None:
        if self.clock is not None:
            self.at.seconds += time.perf_counter() - self.clock
        self.clock = None

    def save(self) -> None:
        self.ledger.read()
        self.stop_clock()
        progress = {**vars(self.at), "rows": [list(row) for row in self.at.rows]}
        if self.context.save({"progress": progress, **{name: part.state_dict() for name, part in self.kept.items()}}):
            self.on_disk = (self.at.step, self.at.epoch)
        self.start_clock()

    def leave(self) -> str:
        if (self.at.step, self.at.epoch) != self.on_disk:
            self.save()
        then = "there" if self.on_disk[0] == self.at.step else f"at step {self.on_disk[0]}"
        return f" at step {self.at.step} of {self.total}; the next call continues {then}"


def _restore(kept: Mapping[str, Stateful], context: Context) -> _Progress:
    saved = context.saved()
    if saved is None:
        return _Progress()
    for name, part in kept.items():
        part.load_state_dict(saved[name])
    at = _Progress(**{**saved["progress"], "rows": [tuple(row) for row in saved["progress"]["rows"]]})
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
def _bar(run: str, total: int, done: int) -> Iterator[Callable[[int], Any]]:
    """A progress bar with rate and time left on a terminal; nothing elsewhere (the log has plain lines)."""
    if not sys.stderr.isatty():
        yield lambda steps: None
        return
    from tqdm import tqdm

    with tqdm(total=total, initial=done, desc=run, unit="step", smoothing=0.05, leave=False) as bar:
        yield bar.update
