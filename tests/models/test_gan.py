import math

import numpy as np
import pytest
import torch
from precision import close

from dgm.models import gan, load_model, save_model
from dgm.models.gan import Config, DNet, GNet, Model
from dgm.protocols import KeepsSnapshots
from dgm.runtime.interruption import Interrupted
from dgm.runtime.streams import Generators
from dgm.settings import parse
from dgm.training.loop import Checkpoint, Context

FANS = 8 + 9 * (32 + 16 + 8)
"""Terms of the sums of the small generator's layers, one after another."""

SMALL = {"epochs": 3, "batch_size": 50, "latent": 8, "grid_epochs": [1, 2, 3], "grid_images": 4, "precision": "float32"}


def config(**settings):
    return parse(Config, SMALL | settings, "gan")


def fit(images, **settings):
    return gan.fit(config(**settings), images, Context(run="gan", generators=Generators(0)))


def test_sizes_are_those_of_the_exercise():
    assert sum(p.numel() for p in DNet().parameters()) == 593
    assert sum(p.numel() for p in GNet(64).parameters()) == 107_777
    assert DNet()(torch.zeros(3, 1, 28, 28)).shape == (3, 1)
    assert GNet(5)(torch.zeros(3, 5)).shape == (3, 1, 28, 28)


@pytest.mark.parametrize("make", [DNet, lambda: GNet(64)], ids=["discriminator", "generator"])
def test_weights_start_inside_the_kaiming_bound_and_biases_at_zero(make):
    torch.manual_seed(0)  # of the 18 weights of the first layer all are small once in 600 draws
    for layer in make().children():
        if hasattr(layer, "weight"):
            bound = math.sqrt(6 / layer.weight[0].numel())
            assert float(layer.weight.detach().abs().max()) <= bound
            assert float(layer.weight.detach().abs().max()) > 0.7 * bound
            assert not layer.bias.any()


def test_losses_are_the_mean_surprise_of_their_targets():
    real, fake = torch.tensor([[2.0], [-1.0]]), torch.tensor([[0.5], [-3.0]])
    on_real, on_fake = -torch.log(torch.sigmoid(real)).mean(), -torch.log(1 - torch.sigmoid(fake)).mean()
    close(gan.discriminator_loss(real, fake), (on_real + on_fake) / 2, terms=4)
    close(gan.generator_loss(fake), -torch.log(torch.sigmoid(fake)).mean(), terms=2)


def test_one_step_equals_the_textbook_s_two(images):
    """Both nets' updates against a plain loop: the generator run twice, real and generated images apart, nothing frozen."""
    torch.manual_seed(0)
    made = Model(config())
    torch.manual_seed(0)
    plain = Model(config())
    x, z = torch.rand(20, 784), torch.rand(20, 8) * 2 - 1
    gan.train_step(made, x, z, tuple(torch.optim.SGD(net.parameters(), 0.1) for net in (made.discriminator, made.generator)))

    criterion, ones = torch.nn.BCEWithLogitsLoss(), torch.ones(20, 1)
    for net, loss in (
        (
            plain.discriminator,
            lambda: (
                0.5 * criterion(plain.discriminator(x.view(-1, 1, 28, 28)), ones)
                + 0.5 * criterion(plain.discriminator(plain.generator(z).detach()), 0 * ones)
            ),
        ),
        (plain.generator, lambda: criterion(plain.discriminator(plain.generator(z)), ones)),
    ):
        optimiser = torch.optim.SGD(net.parameters(), 0.1)
        plain.zero_grad()
        loss().backward()
        optimiser.step()
    for (name, ours), theirs in zip(made.named_parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-4, msg=name)
        assert ours.requires_grad


def test_noise_is_uniform_on_the_cube():
    z = gan.uniform_noise(20_000, 3, torch.Generator().manual_seed(0))
    assert float(z.min()) >= -1
    assert float(z.max()) < 1
    assert float(z.mean()) == pytest.approx(0, abs=0.02)
    assert float(z.var()) == pytest.approx(1 / 3, abs=0.01)


def test_grids_show_one_noise_at_the_epochs_asked_for(images):
    short, long = fit(images, epochs=2, grid_epochs=[1, 2]).model, fit(images).model
    assert long.grid_epochs.tolist() == [1, 2, 3]
    close(long.grids[:2], short.grids)  # the future of a training does not change its past
    assert torch.equal(long.grid_noise, short.grid_noise)
    with torch.no_grad():
        close(long.grids[2], long.images_from(long.grid_noise), terms=FANS)
    assert not torch.allclose(long.grids[0], long.grids[2], atol=1e-4)


def test_a_training_that_ends_sooner_shows_its_end(images):
    fitted = gan.fit(config(grid_epochs=[1, 5, 9]), images, Context(run="gan", generators=Generators(0)))
    assert fitted.model.grid_epochs.tolist() == [1, 3, 3]
    assert torch.equal(fitted.model.grids[1], fitted.model.grids[2])


def test_grids_survive_an_interruption_and_saving(images, tmp_path):
    def run(say):
        kept = Checkpoint(tmp_path / "c.pt", "gan", every_seconds=0.0)
        return gan.fit(config(), images, Context(run="gan", generators=Generators(0), checkpoint=kept, say=say))

    def stop(line):
        if line.startswith("epoch 2"):
            raise Interrupted(143)

    whole = fit(images)
    with pytest.raises(Interrupted):
        run(stop)
    resumed = run(lambda line: None)
    assert resumed.history == whole.history
    save_model(tmp_path / "m.pt", "gan", config().model_dump(), resumed.model)
    for name, value in load_model(tmp_path / "m.pt").describe().items():
        assert torch.equal(value, whole.model.describe()[name]), name


def test_the_generators_of_earlier_epochs_draw_again(images, monkeypatch):
    model = fit(images).model.eval()
    assert isinstance(model, KeepsSnapshots)
    assert model.snapshots() == 3
    with torch.no_grad():
        now = model.sample(5, torch.Generator().manual_seed(0))["samples"]
        last, first = (model.sample_at(place, 5, torch.Generator().manual_seed(0)) for place in (2, 0))
        close(last, now, terms=FANS)  # the last epoch asked for is the end of the training
        assert not torch.allclose(first, now, atol=1e-4)
        monkeypatch.setattr(gan, "uniform_noise", lambda n, latent, generator: model.grid_noise[:n])
        for place in range(3):
            close(model.sample_at(place, 4, torch.Generator()), model.grids[place], terms=FANS)
        assert torch.equal(model.sample(5, torch.Generator().manual_seed(0))["samples"], model.images_from(model.grid_noise[:5]))


def test_samples_and_measurements(images):
    model = fit(images).model.eval()
    with torch.no_grad():
        samples = model.sample(7, torch.Generator().manual_seed(0))["samples"]
        readings = {(metric, split): value for metric, split, value in model.measure(images, Generators(0)).readings}
    assert samples.shape == (7, 28, 28)
    assert 0 <= float(samples.min()) <= float(samples.max()) <= 1
    assert readings["jsd_bound", "test"].value < math.log(2)
    assert readings["jsd_bound", "test"].stderr > 0
    for split in ("test", "samples"):
        assert 0 < readings["probability_real", split].value < 1


def test_the_divergence_bound_is_log_2_for_a_perfect_judge_and_zero_for_a_blind_one(images):
    model = Model(config()).eval()
    measured = {}
    for name, (weight, bias) in {"blind": (0.0, 0.0), "perfect": (1.0, -40.0)}.items():
        model.discriminator = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 1))
        torch.nn.init.constant_(model.discriminator[1].weight, weight)
        torch.nn.init.constant_(model.discriminator[1].bias, bias)
        model.generator = torch.nn.Sequential(torch.nn.Linear(8, 784), torch.nn.Unflatten(1, (1, 28, 28)))
        torch.nn.init.zeros_(model.generator[0].weight)
        torch.nn.init.zeros_(model.generator[0].bias)  # black images; the bars of the made-up ones are bright
        with torch.no_grad():
            measured[name] = model.measure(images, Generators(0)).readings[0][2].value
    close(measured["blind"], 0, torch.float32, terms=100, scale=math.log(2))
    assert measured["perfect"] == pytest.approx(math.log(2), abs=1e-3)


@pytest.mark.parametrize(("moving", "term"), [(0, "discriminator_loss"), (1, "generator_loss")])
def test_each_player_lowers_its_own_loss_while_the_other_rests(images, moving, term):
    torch.manual_seed(0)
    made = Model(config())
    x, z = images.train_images[:50].flatten(1) / 255, gan.uniform_noise(50, 8, torch.Generator().manual_seed(0))
    nets = (made.discriminator, made.generator)
    optimisers = tuple(torch.optim.SGD(net.parameters(), 0.05 * (player == moving)) for player, net in enumerate(nets))
    losses = [float(gan.train_step(made, x, z, optimisers)[term].detach()) for _ in range(30)]
    assert losses[-1] < losses[0] - 0.05


def test_a_diverging_training_stops_with_a_message(images):
    with pytest.raises(FloatingPointError, match=r"run gan: the loss is not finite at step \d+.*smaller learning rate"):
        fit(images, learning_rate=1e30)


@pytest.mark.parametrize("epochs", [[0, 5], [5, 5], [9, 3], []])
def test_grid_epochs_must_rise(epochs):
    with pytest.raises(ValueError, match=r"gan\.grid_epochs"):
        config(grid_epochs=epochs)


def test_too_few_images_for_a_batch_are_refused(images):
    with pytest.raises(ValueError, match="200 images are fewer than one batch of 256"):
        fit(images, batch_size=256)


def test_an_incomplete_batch_is_left_out(images):
    assert fit(images, batch_size=150).facts["steps"] == 3
    assert np.isfinite([row[4] for row in fit(images, batch_size=150).history]).all()
