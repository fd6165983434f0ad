import errno
import os
import signal
from pathlib import Path

import pytest
import torch

from dgm.runtime.files import save_tensors
from dgm.runtime.interruption import Interrupted, listening
from dgm.runtime.streams import Generators
from dgm.training import loop
from dgm.training.loop import CHECKPOINT_SECONDS, Checkpoint, Context, checkpoint_seconds, train


class Line:
    """y = a x fitted by stochastic gradient descent, noisy on purpose so that every random stream matters."""

    def __init__(self, checkpoint=None, say=lambda line: None, max_steps=None):
        self.context = Context(run="line", generators=Generators(1), checkpoint=checkpoint, say=say, max_steps=max_steps)
        self.x = torch.linspace(-1, 1, 40)
        self.model = torch.nn.Linear(1, 1)
        with torch.no_grad():
            self.model.weight.fill_(0.0)
            self.model.bias.fill_(0.0)
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=0.05)
        self.steps = 0
        self.before_step = lambda number: None
        self.seen = []

    def step(self, batch):
        self.steps += 1
        self.before_step(self.steps)
        self.seen.append(batch.tolist())
        noise = torch.randn(len(batch), generator=self.context.generators["noise"])
        x = self.x[batch]
        loss = (self.model(x[:, None])[:, 0] - 3 * x - 0.1 * noise).square().mean()
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return {"loss": loss, "slope": self.model.weight.detach()[0, 0]}

    def train(self, epochs=6, batch_size=16, **options):
        state = {"model": self.model, "optimiser": self.optimiser}
        return train(
            self.step, n=40, batch_size=batch_size, epochs=epochs, state=state, context=self.context, **options
        )  # fmt: skip


def weights(line):
    return [parameter.detach().clone() for parameter in line.model.parameters()]


def test_every_epoch_visits_every_image_once_in_a_new_order():
    line = Line()
    line.train(epochs=2)
    first, second = ([i for batch in part for i in batch] for part in (line.seen[:3], line.seen[3:]))
    assert sorted(first) == sorted(second) == list(range(40))
    assert first != second
    assert [len(batch) for batch in line.seen[:3]] == [16, 16, 8]


def test_drop_last_leaves_the_short_batch_out():
    line = Line()
    line.train(epochs=1, drop_last=True)
    assert [len(batch) for batch in line.seen] == [16, 16]


def test_fewer_images_than_a_batch_is_an_error():
    with pytest.raises(ValueError, match="40 images are fewer than one batch of 64"):
        Line().train(batch_size=64, drop_last=True)


def test_history_has_the_mean_of_each_term_and_the_evaluations():
    line = Line()
    rows = line.train(epochs=4, evaluate=lambda epoch: {"test": {"error": 0.5}}, evaluate_every=3)
    assert [row[0] for row in rows if row[3] == "loss"] == [1, 2, 3, 4]
    assert [row[0] for row in rows if row[3] == "error"] == [3, 4]  # every third epoch, and the last
    assert rows[0][:4] == (1, 3, "train", "loss")
    losses = [row[4] for row in rows if row[3] == "loss"]
    assert losses[-1] < losses[0]


def test_max_steps_ends_the_training_inside_an_epoch():
    line = Line(max_steps=4)
    rows = line.train()
    assert line.steps == 4
    assert rows[-1][:2] == (2, 4)


def stop(number=signal.SIGTERM):
    os.kill(os.getpid(), number)


def interrupted(line, **options):
    """What the log says of a training that is told to stop."""
    said = []
    with pytest.raises(Interrupted) as stopped, listening(said.append):
        line.train(**options)
    assert stopped.value.code == 128 + signal.SIGTERM
    return said[-1]


def ends_like_an_undisturbed_one(path, **options):
    """Continue from the checkpoint, compare, and return the number of steps that were left."""
    undisturbed, said = Line(), []
    expected = undisturbed.train(**options)
    resumed = Line(Checkpoint(path, "id"), said.append)
    assert resumed.train(**options) == expected
    assert all(torch.equal(a, b) for a, b in zip(weights(resumed), weights(undisturbed), strict=True))
    assert said[0] == f"continuing at step {undisturbed.steps - resumed.steps}"
    return resumed.steps


@pytest.mark.parametrize("stop_at", [1, 2, 3, 7, 17, 18])
@pytest.mark.parametrize("signals", [1, 3])
def test_interrupted_training_ends_with_the_weights_and_history_of_an_undisturbed_one(tmp_path, stop_at, signals):
    line = Line(Checkpoint(tmp_path / "line.pt", "id"))
    line.before_step = lambda step: [stop() for _ in range(signals)] if step == stop_at else None
    assert interrupted(line) == f"stopped by SIGTERM at step {stop_at} of 18; the next call continues there"
    assert line.steps == stop_at
    assert ends_like_an_undisturbed_one(tmp_path / "line.pt") == 18 - stop_at  # nothing is done twice


@pytest.mark.parametrize("stop_at", [1, 3, 6])
def test_an_evaluation_is_left_at_once_and_repeated(tmp_path, stop_at):
    begun = []

    def evaluate(epoch, to_be_stopped=True):
        begun.append(epoch)
        if to_be_stopped and epoch == stop_at:
            stop()
            pytest.fail("the evaluation goes on")
        return {"test": {"error": epoch / 10}}

    line = Line(Checkpoint(tmp_path / "line.pt", "id"))
    assert interrupted(line, evaluate=evaluate) == f"stopped by SIGTERM at step {3 * stop_at} of 18; the next call continues there"
    assert begun == list(range(1, stop_at + 1))
    begun.clear()
    assert ends_like_an_undisturbed_one(tmp_path / "line.pt", evaluate=lambda epoch: evaluate(epoch, False)) == 18 - 3 * stop_at
    assert begun == [*range(1, 7), *range(stop_at, 7)]  # of the undisturbed one, and of the one that continues


def test_what_was_stopped_after_its_last_step_takes_none_again(tmp_path):
    line = Line(Checkpoint(tmp_path / "line.pt", "id"))
    with pytest.raises(Interrupted), listening(lambda line: None):
        line.train()
        stop()  # a model may still have something to do
    assert ends_like_an_undisturbed_one(tmp_path / "line.pt") == 0


def test_what_was_stopped_before_its_first_step_writes_nothing(tmp_path):
    line = Line(Checkpoint(tmp_path / "line.pt", "id"))
    line.context.generators.permutation = lambda *_: stop()
    assert interrupted(line) == "stopped by SIGTERM at step 0 of 18; the next call continues there"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_signal_while_a_checkpoint_is_written_does_not_harm_it(tmp_path, monkeypatch, moment):
    saves = []

    def save(path, content):
        saves.append(path)
        for _ in range(3 if len(saves) == 4 and moment == "before" else 0):
            stop()
        save_tensors(path, content)
        for _ in range(3 if len(saves) == 4 and moment == "after" else 0):
            stop()

    monkeypatch.setattr(loop, "save_tensors", save)
    line = Line(Checkpoint(tmp_path / "line.pt", "id", every_seconds=0))
    assert interrupted(line) == "stopped by SIGTERM at step 4 of 18; the next call continues there"
    assert [path.name for path in tmp_path.iterdir()] == ["line.pt"]
    monkeypatch.undo()
    assert ends_like_an_undisturbed_one(tmp_path / "line.pt") == 14


@pytest.mark.parametrize("last", range(1, 18))
def test_a_training_that_was_killed_without_warning_continues_at_its_last_checkpoint(tmp_path, last):
    class Killed(BaseException):
        pass

    def kill(step):
        if step == last + 1:
            raise Killed

    line = Line(Checkpoint(tmp_path / "line.pt", "id", every_seconds=0))
    line.before_step = kill
    with pytest.raises(Killed):
        line.train()
    assert ends_like_an_undisturbed_one(tmp_path / "line.pt") == 18 - last


def test_a_full_disk_stops_no_training_and_is_said(tmp_path, monkeypatch):
    said = []

    def full(path, content):
        if line.steps in (3, 4):
            raise OSError(errno.ENOSPC, f"cannot write {path}: No space left on device")
        save_tensors(path, content)

    monkeypatch.setattr(loop, "save_tensors", full)
    line = Line(Checkpoint(tmp_path / "line.pt", "id", every_seconds=0), said.append)
    line.before_step = lambda step: stop() if step == 4 else None
    assert interrupted(line) == "stopped by SIGTERM at step 4 of 18; the next call continues at step 2"
    assert said[0] == (
        f"no checkpoint: cannot write {tmp_path / 'line.pt'}: No space left on device; "
        "the training goes on, but a kill costs all since the last one"
    )
    assert ends_like_an_undisturbed_one(tmp_path / "line.pt") == 16


@pytest.mark.parametrize(("text", "seconds"), [(None, 60.0), ("0", 0.0), ("2.5", 2.5), ("inf", float("inf"))])
def test_the_environment_says_how_often_a_checkpoint_is_written(monkeypatch, text, seconds):
    monkeypatch.delenv(CHECKPOINT_SECONDS, raising=False)
    if text is not None:
        monkeypatch.setenv(CHECKPOINT_SECONDS, text)
    assert checkpoint_seconds() == seconds


@pytest.mark.parametrize("text", ["", "often", "-1", "nan"])
def test_a_bad_interval_is_named(monkeypatch, text):
    monkeypatch.setenv(CHECKPOINT_SECONDS, text)
    with pytest.raises(ValueError, match=f"DGM_CHECKPOINT_SECONDS: got '{text}'; allowed: seconds between two checkpoints"):
        checkpoint_seconds()


def test_a_checkpoint_of_other_settings_is_not_continued(tmp_path):
    first = Line(Checkpoint(tmp_path / "line.pt", "one", every_seconds=0))
    first.train(epochs=1)
    said = []
    second = Line(Checkpoint(tmp_path / "line.pt", "two"), said.append)
    second.train(epochs=1)
    assert second.steps == 3
    assert "other settings" in said[0]


class Harm:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def flipped(content):
    """One bit of it changed, in the middle of a tensor."""
    place = content.index(torch.full((50,), 3.0).numpy().tobytes()) + 100
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: b"",
        lambda content: os.urandom(1000),
        lambda content: content[:100] + os.urandom(len(content) - 100),
        flipped,
    ],
    ids=["truncated", "empty", "random", "random after its head", "one bit"],
)
def test_a_damaged_checkpoint_is_reported_and_ignored(tmp_path, damage):
    path, said = tmp_path / "line.pt", []
    Checkpoint(path, "id").save({"progress": {}, "model": torch.full((50,), 3.0)})
    path.write_bytes(damage(path.read_bytes()))
    line = Line(Checkpoint(path, "id"), said.append)
    line.train(epochs=1)
    assert line.steps == 3
    assert said[0].startswith(f"{path}: not a readable file of tensors (")
    assert said[0].endswith("); starting anew")
    assert len(said) == 2


@pytest.mark.parametrize("content", [{"identity": "id"}, {"identity": "id", "state": 5}, {"weights": torch.zeros(2)}])
def test_a_foreign_file_of_tensors_is_no_checkpoint(tmp_path, content):
    said = []
    torch.save(content, tmp_path / "line.pt")
    assert Checkpoint(tmp_path / "line.pt", "id").load(said.append) is None
    assert said == [f"{tmp_path / 'line.pt'}: not a checkpoint; starting anew"]


def test_a_checkpoint_cannot_execute_code(tmp_path):
    said = []
    torch.save({"identity": "id", "state": Harm(tmp_path / "executed")}, tmp_path / "line.pt")
    line = Line(Checkpoint(tmp_path / "line.pt", "id"), said.append)
    line.train(epochs=1)
    assert line.steps == 3
    assert "not a readable file of tensors (UnpicklingError); starting anew" in said[0]
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("bad_step", [1, 5, 18])
def test_a_loss_that_is_not_finite_stops_with_run_step_and_last_finite_values(tmp_path, bad_step):
    line = Line(Checkpoint(tmp_path / "line.pt", "id", every_seconds=0))

    def poison(step):
        if step == bad_step:
            line.model.weight.data.fill_(float("nan"))

    line.before_step = poison
    with pytest.raises(FloatingPointError, match=rf"run line: .* not finite at step {bad_step}; last finite values: loss .*slope"):
        line.train()
    saved = torch.load(tmp_path / "line.pt", weights_only=True) if bad_step > 1 else None
    if saved:  # the checkpoint on disk is from before
        assert all(torch.isfinite(value).all() for value in saved["state"]["model"].values())
    else:
        assert not (tmp_path / "line.pt").exists()


def test_evaluating_more_often_changes_no_weight():
    often, rarely = Line(), Line()
    often.train(evaluate=lambda epoch: {"test": {"x": float(torch.rand(1))}})
    rarely.train()
    assert all(torch.equal(a, b) for a, b in zip(weights(often), weights(rarely), strict=True))


def test_denormal_numbers_count_as_zero_in_training_and_are_numbers_again_after_it():
    tiny = torch.tensor(1e-310, dtype=torch.float64)
    line = Line()
    seen = []
    line.before_step = lambda number: seen.append(float(tiny * 0.5))
    line.train(epochs=1)
    assert set(seen) == {0.0}
    assert float(tiny * 0.5) == 5e-311
    line.before_step = lambda number: 1 / 0
    with pytest.raises(ZeroDivisionError):
        line.train(epochs=1)
    assert float(tiny * 0.5) == 5e-311
