"""The latent plane with the trained decoder: what a code decodes to, and how well it explains a test image.

The page has the decoder's last layer in 8 bits; what that changes is measured here and shown there.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import torch

from dgm.maths.distributions import bernoulli_log_prob, standard_normal_log_prob
from dgm.models.vae_mlp import Decoder
from dgm.report.explorables import packed, quantised, unpacked

__all__ = ["TOLERANCE", "TRIES", "export", "numbers"]

START = {"z1": 0.0, "z2": 0.0, "image": 0}

IMAGES, POINTS, DRAWS = 12, 800, 40
"""How many test images can be chosen, posterior means are shown, and draws of noise are stored."""

TRIES: Sequence[tuple[Mapping[str, float], Sequence[str]]] = (
    ({}, ()),
    ({"z1": 1.5, "z2": -0.5}, ()),
    ({"image": 3}, ("mean",)),
    ({"image": 7}, ("draw", "draw", "draw")),
    ({"z1": -3.0, "z2": 3.0, "image": 11}, ()),
    ({"image": 5}, ("draw", "mean")),
)

TOLERANCE = {"abs": 1e-5, "likelihood": 0.01, "weight": 0.01, "ink": 0.01}
"""Sums over 784 pixels, in nats and in pixels, add up the rounding of float32; both sides have the last layer in 8 bits."""


def export(sources: Mapping[str, Any]) -> dict[str, Any]:
    """The decoder, posterior means of training images, some test images with their posteriors and exact likelihoods."""
    decoder, measured = sources["model"].decoder, sources["measured"]
    images, mean, sd = _posteriors(sources)
    exact, coarse = (_likelihoods(each, images, mean) for each in (decoder, _coarse(decoder)))
    return {
        "start": START,
        "first": packed(decoder.first.weight.detach().numpy(), "float32"),
        "first_bias": packed(decoder.first.bias.detach().numpy(), "float32"),
        "second": quantised(decoder.second.weight.detach().numpy()),
        "second_bias": packed(decoder.second.bias.detach().numpy(), "float32"),
        "points": packed(measured["train_means"][:POINTS], "float32"),
        "labels": packed(measured["train_labels"][:POINTS], "uint8"),
        "images": packed(images, "uint8"),
        "mean": packed(mean, "float32"),
        "sd": packed(sd, "float32"),
        "exact": measured["exact_log_likelihood"][: len(images)].tolist(),
        "bound": measured["exact_bound"][: len(images)].tolist(),
        "noise": packed(_noise(), "float32"),
        "error": float(np.abs(coarse - exact).max()),
    }


def numbers(sources: Mapping[str, Any], setting: Mapping[str, float], pressed: Sequence[str]) -> dict[str, float]:
    """The numbers shown at a setting, by the modules of the model, with the last layer of the decoder in 8 bits."""
    at = START | dict(setting)
    images, means, sds = _posteriors(sources)
    image, mean, sd = images[int(at["image"])], means[int(at["image"])], sds[int(at["image"])]
    z, drawn = np.array([at["z1"], at["z2"]], dtype=np.float32), 0
    for name in pressed:
        z = mean if name == "mean" else mean + sd * _noise()[drawn]
        drawn += name == "draw"
    decoder = _coarse(sources["model"].decoder)
    likelihood = float(_likelihoods(decoder, image[None], z[None])[0])
    prior = float(standard_normal_log_prob(torch.from_numpy(z)))
    posterior = -0.5 * float((((z - mean) / sd) ** 2 + 2 * np.log(sd) + np.log(2 * np.pi)).sum())
    return {
        "z1": float(z[0]),
        "z2": float(z[1]),
        "likelihood": likelihood,
        "weight": likelihood + prior - posterior,
        "ink": float(decoder(torch.from_numpy(z)).sum()),
    }


def _noise() -> np.ndarray:
    """Standard normal draws [n, 2], the same in every build."""
    return np.random.default_rng(0).standard_normal((DRAWS, 2)).astype(np.float32)


def _posteriors(sources: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Test images [n, 784] in {0, 1}, mean and standard deviation [n, 2] of q(z | x)."""
    images = sources["measured"]["exact_images"][:IMAGES]
    with torch.no_grad():
        found = sources["model"].encoder(torch.from_numpy(images).float())
        return images, found.mean.numpy(), torch.exp(found.log_diagonal).numpy()


def _coarse(decoder: Decoder) -> Decoder:
    """The decoder that the page has."""
    made = deepcopy(decoder).requires_grad_(False)
    made.second.weight.copy_(torch.from_numpy(unpacked(quantised(made.second.weight.numpy()))))
    return made


def _likelihoods(decoder: Decoder, images: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """log p(x | z) of each image at its code, in nats."""
    with torch.no_grad():
        return np.asarray(bernoulli_log_prob(torch.from_numpy(images).float(), decoder.logits(torch.from_numpy(codes))).numpy())
