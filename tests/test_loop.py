import os
import signal

import pytest
import torch

from dgm.loop import Checkpoint, Context, Interrupted, train
from dgm.rng import Generators


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


@pytest.mark.parametrize("stop_at", [1, 2, 3, 7, 17, 18])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_interrupted_training_ends_with_the_weights_and_history_of_an_undisturbed_one(tmp_path, stop_at, number):
    undisturbed = Line()
    expected = undisturbed.train()

    interrupted = Line(Checkpoint(tmp_path / "line.pt", "id"))
    interrupted.before_step = lambda step: os.kill(os.getpid(), number) if step == stop_at else None
    with pytest.raises(Interrupted) as stopped:
        interrupted.train()
    assert stopped.value.code == 128 + number
    assert interrupted.steps == stop_at

    said = []
    resumed = Line(Checkpoint(tmp_path / "line.pt", "id"), said.append)
    rows = resumed.train()
    assert resumed.steps == undisturbed.steps - stop_at  # nothing was done twice
    assert rows == expected
    assert all(torch.equal(a, b) for a, b in zip(weights(resumed), weights(undisturbed), strict=True))
    assert said[0] == f"continuing at step {stop_at}"


def test_a_checkpoint_of_other_settings_is_not_continued(tmp_path):
    first = Line(Checkpoint(tmp_path / "line.pt", "one", every_seconds=0))
    first.train(epochs=1)
    said = []
    second = Line(Checkpoint(tmp_path / "line.pt", "two"), said.append)
    second.train(epochs=1)
    assert second.steps == 3
    assert "other settings" in said[0]


def test_a_damaged_checkpoint_is_reported_and_ignored(tmp_path):
    path = tmp_path / "line.pt"
    Line(Checkpoint(path, "id", every_seconds=0)).train(epochs=1)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    said = []
    line = Line(Checkpoint(path, "id"), said.append)
    line.train(epochs=1)
    assert line.steps == 3
    assert "not a readable checkpoint" in said[0]


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
