"""Claims about the GAN's networks, losses, training step and samples fail when a formula, a layer or a result is wrong."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid

from dgm.artefacts import save_history, save_model
from dgm.checks import Evidence, claims
from dgm.config import parse
from dgm.files import load_arrays, save_arrays
from dgm.models import gan

CHECKS = claims("vaegan")


def saturating(fake):
    return logsigmoid(-fake).mean()


def summed(real, fake):
    return 2 * gan_loss(real, fake)


def swapped(real, fake):
    return gan_loss(fake, real)


gan_loss = gan.discriminator_loss


def undetached(model, images, z, optimisers, precision="float32"):
    """The discriminator's step without cutting off the generator."""
    fake = model.generator(z)
    loss = gan_loss(model.discriminator(images.view(-1, 1, 28, 28)), model.discriminator(fake))
    loss.backward()
    optimisers[0].step()
    loss = binary_cross_entropy_with_logits(model.discriminator(model.generator(z)), torch.ones(len(z), 1))
    loss.backward()
    optimisers[1].step()
    return {}


def other_noise_for_the_generator(model, images, z, optimisers, precision="float32"):
    """The generator's step with the noise in another order."""
    fake = model.generator(z).detach()
    loss = gan_loss(model.discriminator(images.view(-1, 1, 28, 28)), model.discriminator(fake))
    loss.backward()
    optimisers[0].step()
    model.discriminator.requires_grad_(requires_grad=False)
    loss = binary_cross_entropy_with_logits(model.discriminator(model.generator(z.flip(0))), torch.ones(len(z), 1))
    loss.backward()
    optimisers[1].step()
    return {}


def normal_weights(net):
    for layer in net.children():
        if hasattr(layer, "weight"):
            nn.init.kaiming_normal_(layer.weight)
            nn.init.zeros_(layer.bias)


MUTATIONS = [
    ("vaegan-4d", "discriminator_loss", summed),
    ("vaegan-4d", "discriminator_loss", swapped),
    ("vaegan-4d", "train_step", undetached),
    ("vaegan-4e", "generator_loss", saturating),
    ("vaegan-4e", "train_step", undetached),
    ("vaegan-4e", "train_step", other_noise_for_the_generator),
    ("vaegan-4c", "initialise", normal_weights),
    ("vaegan-4c", "initialise", lambda net: None),
    ("vaegan-4c", "initialise", lambda net: [nn.init.zeros_(layer.bias) for layer in net if hasattr(layer, "bias")]),
]


@pytest.mark.parametrize(("question", "name", "wrong"), MUTATIONS)
def test_a_wrong_formula_makes_a_claim_false(question, name, wrong, monkeypatch, tmp_path):
    evidence = Evidence(tmp_path)  # these claims read no files
    assert all(claim.passed for claim in CHECKS[question](evidence))
    monkeypatch.setattr(gan, name, wrong)
    assert not all(claim.passed for claim in CHECKS[question](evidence))


def test_a_discriminator_that_tells_images_apart_gives_slopes(monkeypatch, tmp_path):
    monkeypatch.setattr(nn.init, "zeros_", lambda tensor: tensor)
    failing = [claim.statement for claim in CHECKS["vaegan-4e"](Evidence(tmp_path)) if not claim.passed]
    assert [statement.split(" in G")[0] for statement in failing] == [
        "largest slope of L_G",
        "largest slope of the loss of the game",
    ]


class Padded(gan.DNet):
    """The last convolution keeps the side of its maps."""

    def __init__(self):
        super().__init__()
        self[6], self[9] = nn.Conv2d(4, 8, 3, padding=1), nn.Linear(392, 1)


class Averaging(gan.DNet):
    """Mean pooling in the place of maximum pooling: the shapes are the same."""

    def __init__(self):
        super().__init__()
        self[2] = nn.AvgPool2d(2, stride=2)


class Squashed(gan.DNet):
    """Returns probabilities, not logits."""

    def forward(self, x):
        return torch.sigmoid(super().forward(x))


class Smooth(gan.GNet):
    """Bilinear upsampling: the same shapes and sizes, other pixels."""

    def __init__(self, latent):
        super().__init__(latent)
        self[3] = nn.Upsample(scale_factor=2, mode="bilinear")


class Steep(gan.GNet):
    """PyTorch's default slope of LeakyReLU."""

    def __init__(self, latent):
        super().__init__(latent)
        self[1] = nn.LeakyReLU(0.01)


class Signed(gan.GNet):
    """Pixels between -1 and 1."""

    def __init__(self, latent):
        super().__init__(latent)
        self[10] = nn.Tanh()


class Unbiased(gan.GNet):
    """A convolution without the bias that it could have."""

    def __init__(self, latent):
        super().__init__(latent)
        self[4] = nn.Conv2d(32, 16, 3, padding=1, bias=False)


SETTINGS = {"epochs": 4, "batch_size": 8, "grid_epochs": [1, 2, 4]}
METRICS = {
    ("recognised", "grid_1"): 0.2,
    ("recognised", "grid_3"): 0.5,
    ("neighbour_distance", "test"): 12.0,
    ("confidence", "samples"): 0.8,
    ("classes_covered", "samples"): 10.0,
    ("classes_common", "samples"): 9.0,
}


def write(results: Path) -> None:
    """A run of the GAN in which every claim holds: random weights, made-up curves and metrics."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = gan.Model(parse(gan.Config, SETTINGS, "gan"))
    generator = torch.Generator().manual_seed(0)
    model.grid_noise.copy_(gan.uniform_noise(64, 64, generator))
    for place, epoch in enumerate(SETTINGS["grid_epochs"]):
        model.keep_grid(place, epoch)
    save_model(results / "models" / "gan.pt", "gan", SETTINGS, model)
    with torch.no_grad():
        arrays = {name: array.numpy() for name, array in (model.sample(8, generator) | model.describe()).items()}
    save_arrays(results / "samples" / "gan.npz", arrays)
    terms = (("discriminator_loss", 0.65), ("generator_loss", 0.75))
    save_history(results / "history" / "gan.csv", [(e, 2 * e, "train", term, value) for e in range(1, 5) for term, value in terms])
    pictures = np.random.default_rng(0).integers(100, 256, (20, 28, 28), dtype=np.uint8)
    pictures[0] = 0
    save_arrays(results / "data" / "images.npz", {"train_images": pictures, "test_images": pictures})
    table = pd.DataFrame([("gan", *key, value) for key, value in METRICS.items()], columns=["run", "metric", "split", "value"])
    (results / "tables").mkdir()
    table.to_csv(results / "tables" / "metrics.csv", index=False)


def false_claims(question: str, results: Path) -> list[str]:
    return [claim.statement for claim in CHECKS[question](Evidence(results)) if not claim.passed]


@pytest.mark.parametrize("question", ["vaegan-4a", "vaegan-4b", "vaegan-4f"])
def test_claims_about_a_run_hold(question, tmp_path):
    write(tmp_path)
    assert false_claims(question, tmp_path) == []


@pytest.mark.parametrize(
    ("question", "name", "wrong"),
    [("vaegan-4a", "DNet", net) for net in (Padded, Averaging, Squashed)]
    + [("vaegan-4b", "GNet", net) for net in (Smooth, Steep, Signed, Unbiased)],
)
@pytest.mark.filterwarnings("ignore:.*align_corners")
def test_another_network_is_rejected(question, name, wrong, monkeypatch, tmp_path):
    monkeypatch.setattr(gan, name, wrong)
    write(tmp_path)
    assert any(not claim.passed for claim in CHECKS[question](Evidence(tmp_path)))


def other_noise(arrays):
    return arrays | {"grid_noise": 2 * arrays["grid_noise"]}


def brighter(arrays):
    return arrays | {"grids": arrays["grids"] + 1}


def two_grids(arrays):
    return arrays | {"grids": arrays["grids"][[0, 2, 2]][:2]}


def same_epoch(arrays):
    return arrays | {"grid_epochs": np.array([1, 1, 4])}


@pytest.mark.parametrize("wrong", [other_noise, brighter, two_grids, same_epoch])
def test_other_grids_are_rejected(wrong, tmp_path):
    write(tmp_path)
    path = tmp_path / "samples" / "gan.npz"
    save_arrays(path, wrong(load_arrays(path)))
    assert any(not claim.passed for claim in CHECKS["vaegan-4f"](Evidence(tmp_path)))


def test_grids_of_different_noise_are_rejected(tmp_path):
    write(tmp_path)
    saved = torch.load(tmp_path / "models" / "gan.pt", weights_only=True)
    saved["state"]["grid_noise"] = saved["state"]["grid_noise"].flip(0)
    torch.save(saved, tmp_path / "models" / "gan.pt")
    assert any("one saved noise" in statement for statement in false_claims("vaegan-4f", tmp_path))


@pytest.mark.parametrize(
    ("metric", "split", "value"),
    [
        ("recognised", "grid_3", 0.25),
        ("neighbour_distance", "test", 0.0),
        ("confidence", "samples", 0.5),
        ("classes_covered", "samples", 7.0),
        ("classes_common", "samples", 3.0),
    ],
)
def test_a_contradicting_metric_is_rejected(metric, split, value, tmp_path):
    write(tmp_path)
    path = tmp_path / "tables" / "metrics.csv"
    table = pd.read_csv(path)
    table.loc[(table["metric"] == metric) & (table["split"] == split), "value"] = value
    table.to_csv(path, index=False)
    assert len(false_claims("vaegan-4f", tmp_path)) == 1


@pytest.mark.parametrize(("column", "change"), [("value", 1.0), ("value", float("nan")), ("step", 1)])
def test_another_history_is_rejected(column, change, tmp_path):
    write(tmp_path)
    path = tmp_path / "history" / "gan.csv"
    history = pd.read_csv(path)
    history.loc[history["epoch"] == 4, column] += change
    history.to_csv(path, index=False)
    assert false_claims("vaegan-4f", tmp_path)


def test_a_history_with_a_gap_is_rejected(tmp_path):
    write(tmp_path)
    path = tmp_path / "history" / "gan.csv"
    history = pd.read_csv(path)
    history.drop(index=2).to_csv(path, index=False)
    assert false_claims("vaegan-4f", tmp_path) == ["both losses are recorded at every epoch"]
