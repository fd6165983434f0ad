"""Claims on NICE, the VAE, changes of variable and the leaky rectifier fail when a formula or a sample is wrong."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from shipped import claims
from torch.nn.functional import softplus

from dgm.claims.claim import Claim
from dgm.claims.evidence import Evidence
from dgm.maths import change_of_variables, distributions
from dgm.models import nice, vae_conv
from dgm.runtime.files import load_arrays, save_arrays

CHECKS = claims("gdl")


def made(question: str, results: Path) -> list[Claim]:
    """The claims that any build must meet."""
    return [claim for claim in CHECKS[question](Evidence(results)) if not claim.needs_full_budget]


def false_claims(question: str, results: Path) -> set[str]:
    return {claim.statement for claim in made(question, results) if not claim.passed}


REAL_FORWARD = nice.Model.forward
REAL_BERNOULLI = vae_conv.bernoulli_log_prob


def volume_ignored(self, x):
    z, log_det = REAL_FORWARD(self, x)
    return z, 0 * log_det


def volume_of_one_pixel(self, x):
    z, log_det = REAL_FORWARD(self, x)
    return z, log_det / 784


def normal_prior(z):
    return -0.5 * (z.square() + np.log(2 * np.pi)).sum(1)


def one_softplus(z):
    return -softplus(z).sum(1)


def mean_over_pixels(x, logits):
    return REAL_BERNOULLI(x, logits) / 1024


def divergence_of_variances(mean, log_std):
    return 0.5 * (mean.square() + torch.exp(log_std) - 1 - log_std).sum(1)


def reversed_divergence(mean, log_std):
    precision = torch.exp(-2 * log_std)
    return 0.5 * ((1 + mean.square()) * precision - 1 + 2 * log_std).sum(1)


def without_derivative(density, y):
    return density(1 / np.asarray(y, dtype=float))


def signed_derivative(density, y):
    return -density(1 / np.asarray(y, dtype=float)) / np.asarray(y, dtype=float) ** 2


def everywhere(z, mu, sigma):
    """The printed formula, with |z| where it is undefined."""
    z = np.abs(np.asarray(z, dtype=float))
    return np.exp(-((np.log(np.maximum(z, 1e-300)) - mu) ** 2) / (2 * sigma**2)) / (
        np.maximum(z, 1e-300) * sigma * np.sqrt(2 * np.pi)
    )


def deviation_for_variance(z, mu, sigma):
    z = np.asarray(z, dtype=float)
    safe = np.where(z > 0, z, 1.0)
    return np.where(z > 0, np.exp(-((np.log(safe) - mu) ** 2) / (2 * sigma)) / (safe * np.sqrt(2 * np.pi * sigma)), 0.0)


def one_segment(z):
    """Two segments cut off where there are four."""
    z = np.asarray(z, dtype=float)
    beyond = np.clip(z, 1, np.sqrt(2))
    inside = np.where(z <= 1, np.pi * z / 2, beyond * (np.pi / 2 - np.arccos(1 / beyond)))
    return np.where((z >= 0) & (z <= np.sqrt(2)), inside, 0.0)


def same_slope(x, slope=0.1):
    return change_of_variables.leaky_relu(x, slope)


def every_coordinate(z, slope=0.1):
    return (1 / slope) ** np.asarray(z).shape[-1]


def not_inverted(z, slope=0.1):
    return slope ** np.sum(np.asarray(z) < 0, axis=-1)


MUTATIONS = [
    ("gdl-4a", nice.Model, "forward", volume_ignored),
    ("gdl-4a", nice.Model, "forward", volume_of_one_pixel),
    ("gdl-4a", nice, "standard_logistic_log_prob", normal_prior),
    ("gdl-4a", nice, "standard_logistic_log_prob", one_softplus),
    ("gdl-4b", vae_conv, "bernoulli_log_prob", mean_over_pixels),
    ("gdl-4b", vae_conv, "kl_to_standard_normal", divergence_of_variances),
    ("gdl-4b", distributions, "kl_to_standard_normal", reversed_divergence),
    ("gdl-4c", vae_conv, "residual_stack", lambda hidden, residual: torch.nn.Identity()),
    ("gdl-5a", change_of_variables, "reciprocal_density", without_derivative),
    ("gdl-5a", change_of_variables, "reciprocal_density", signed_derivative),
    ("gdl-5b", change_of_variables, "lognormal_density", everywhere),
    ("gdl-5b", change_of_variables, "lognormal_density", deviation_for_variance),
    ("gdl-5c", change_of_variables, "square_distance_density", one_segment),
    ("gdl-6-1", change_of_variables, "leaky_relu_inverse", same_slope),
    ("gdl-6-1", change_of_variables, "leaky_relu_inverse", lambda x, slope=0.1: np.asarray(x) / slope),
    ("gdl-6-2", change_of_variables, "leaky_relu_inverse_det", every_coordinate),
    ("gdl-6-2", change_of_variables, "leaky_relu_inverse_det", not_inverted),
]


@pytest.mark.parametrize(("question", "owner", "name", "wrong"), MUTATIONS, ids=[f"{q}-{w.__name__}" for q, _, _, w in MUTATIONS])
def test_a_wrong_formula_is_rejected(question, owner, name, wrong, tiny_results, monkeypatch):
    monkeypatch.setattr(owner, name, wrong)
    assert any(not claim.passed for claim in CHECKS[question](Evidence(tiny_results)) if not claim.needs_full_budget)


@pytest.fixture
def copied(tiny_results, tmp_path):
    """The tiny results with samples that a test may replace."""
    for folder in tiny_results.iterdir():
        if folder.name != "samples":
            (tmp_path / folder.name).symlink_to(folder)
    shutil.copytree(tiny_results / "samples", tmp_path / "samples")
    return tmp_path


def test_samples_of_another_law_are_rejected(copied):
    path = copied / "samples" / "nice.npz"
    arrays = load_arrays(path)
    save_arrays(path, arrays | {"samples": arrays["low_temperature"]})
    assert false_claims("gdl-4a", copied) == {"nice: standard deviation of the codes of the samples of the model"}


def test_real_values_are_no_sample_of_the_mixture(copied):
    path = copied / "samples" / "bmm_k20.npz"
    arrays = load_arrays(path)
    noise = np.random.default_rng(0).normal(0, 0.1, arrays["samples"].shape)
    save_arrays(path, arrays | {"samples": arrays["samples"] + noise})
    assert any("0 or 1" in statement for statement in false_claims("gdl-4c", copied))


@pytest.mark.parametrize(
    ("question", "words", "value"),
    [
        ("gdl-4a", "nice: standard deviation of the codes of the samples of the model", 1.0),
        ("gdl-4a", "nice_scale_rate: standard deviation of the codes of the samples of the model", 1.0),
        ("gdl-4c", "percentage of the mixture's sampled values that are 0 or 1", 0.0),
        ("gdl-5b", "of the points -2, -1, -0.5 and 0", 4),
        ("gdl-6-2", "second diagonal entry of the Jacobian there", 0.1),
    ],
)
def test_what_was_published_is_rejected(question, words, value, tiny_results):
    (claim,) = (claim for claim in made(question, tiny_results) if claim.statement.startswith(words))
    assert claim.published == value
    assert claim.passed
    assert not Claim(claim.statement, claim.method, value, claim.found, claim.tolerance).passed
