"""Claims about the GAN's networks, losses and training step fail when a formula or a step is wrong."""

import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid

from dgm.checks import Evidence, claims
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


MUTATIONS = [
    ("vaegan-4d", "discriminator_loss", summed),
    ("vaegan-4d", "discriminator_loss", swapped),
    ("vaegan-4d", "train_step", undetached),
    ("vaegan-4e", "generator_loss", saturating),
    ("vaegan-4e", "train_step", undetached),
    ("vaegan-4c", "initialise", lambda net: None),
    ("vaegan-4c", "initialise", lambda net: [nn.init.zeros_(layer.bias) for layer in net if hasattr(layer, "bias")]),
]


@pytest.mark.parametrize(("question", "name", "wrong"), MUTATIONS)
def test_a_wrong_formula_makes_a_claim_false(question, name, wrong, monkeypatch, tmp_path):
    evidence = Evidence(tmp_path)  # these claims read no files
    assert all(claim.passed for claim in CHECKS[question](evidence))
    monkeypatch.setattr(gan, name, wrong)
    assert not all(claim.passed for claim in CHECKS[question](evidence))
