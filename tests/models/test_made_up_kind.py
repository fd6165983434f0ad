"""Independent pixels: a distribution, and what a training makes of it."""

import itertools

import pytest
import torch

from dgm.data.tensors import ImageData
from dgm.models.made_up_kind import Config, Model, fit
from dgm.training.loop import Context


def test_the_probabilities_of_all_images_sum_to_one() -> None:
    model = Model(Config())
    model.logits = torch.nn.Parameter(torch.linspace(-1, 1, 8))
    images = torch.tensor(list(itertools.product((0.0, 1.0), repeat=8)))
    assert float(model.log_prob(images).detach().logsumexp(0)) == pytest.approx(0, abs=1e-5)


def test_a_training_gains_on_images_that_it_has_not_seen(images: ImageData, context: Context) -> None:
    fitted = fit(Config(epochs=3, batch_size=50, learning_rate=0.1), images, context)
    curve = [value for _, _, split, _, value in fitted.history if split == "test"]
    assert curve[-1] > curve[0]
