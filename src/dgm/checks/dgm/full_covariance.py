"""Claims of the answer on a network head for the mean and the triangular factor of a Gaussian, and on what it gains.

``expected`` is what the answer states, by the formulas of :mod:`dgm.distributions` and :mod:`dgm.models.vae_mlp`; ``computed``
comes from torch's own laws, from draws, from finite differences, or from per-image values of the trained models.
"""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from dgm import distributions
from dgm.checks import Claim, Evidence, question
from dgm.checks._gradients import worst_relative_error

__all__: list[str] = []

SEEDS = (0, 1, 2)
DRAWS = 100_000
BAND = 5  # standard errors that a Monte Carlo result may be off


def _random_encoder(dimensions: int, covariance: str) -> Any:
    """An encoder whose factor depends on the image, float64, with 20 random images."""
    import torch

    from dgm.config import parse
    from dgm.models import vae_mlp

    settings = {"covariance": covariance, "latent_dimensions": dimensions, "hidden_units": 32}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        encoder = vae_mlp.Encoder(parse(vae_mlp.Config, settings, "settings")).double()
        start = encoder(torch.rand((20, 784), dtype=torch.float64)).factor.detach()
        torch.nn.init.normal_(encoder.spread.weight, std=0.5)
        images = torch.rand((20, 784), dtype=torch.float64)
    return encoder, images, start


@question("dgm-2-3")
def dgm_2_3(evidence: Evidence) -> Iterable[Claim]:
    """The head, its factor and divergence, and diagonal against full covariance on equal seeds."""
    import torch

    for m in (2, 5):
        encoder, images, start = _random_encoder(m, "full")
        found = encoder.mean.out_features + encoder.spread.out_features
        yield Claim(f"outputs for M = {m}: M + M(M + 1)/2", "enumeration", float(m + m * (m + 1) // 2), float(found))
        factor = encoder(images).factor
        lower = bool((torch.triu(factor, 1) == 0).all() and (factor.diagonal(dim1=1, dim2=2) > 0).all())
        yield Claim(f"L is lower triangular with positive diagonal, M = {m}", "enumeration", expected=True, computed=lower)
        distance = float((start - torch.eye(m)).abs().max())
        yield Claim(f"distance of L from the identity at the start, M = {m}", "closed form", 0.0, distance, 1e-12)

    encoder, images, _ = _random_encoder(2, "full")
    posterior = encoder(images)
    law = torch.distributions.MultivariateNormal(posterior.mean, scale_tril=posterior.factor)
    prior = torch.distributions.MultivariateNormal(torch.zeros(2, dtype=torch.float64), torch.eye(2, dtype=torch.float64))
    closed = posterior.kl_to_prior()
    difference = float((closed - torch.distributions.kl_divergence(law, prior)).detach().abs().max())
    yield Claim("closed-form divergence minus that of torch.distributions", "closed form", 0.0, difference, 1e-10)
    noise = torch.randn((20_000, 20, 2), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with torch.no_grad():
        z = posterior.draw(noise)
        density = float((posterior.log_prob(z[:10]) - law.log_prob(z[:10])).abs().max())
        ratio = posterior.log_prob(z) - distributions.gaussian_log_prob(z, torch.zeros_like(z), torch.ones_like(z))
    yield Claim("log q(z|x) minus that of torch.distributions", "closed form", 0.0, density, 1e-9)
    scaled = (ratio.mean(0) - closed.detach()) / (ratio.std(0) / math.sqrt(len(ratio)))
    yield Claim(
        "divergence from 20,000 draws minus closed form, in standard errors", "Monte Carlo", 0.0, float(scaled.abs().max()), BAND
    )
    factor = posterior.factor.detach()
    covariance = torch.cov((z[:, 0] - posterior.mean.detach()[0]).T)
    stated = factor[0] @ factor[0].T
    error = float((covariance - stated).abs().max() / stated.diagonal().max())
    yield Claim("covariance of the draws minus L L^T, relative", "Monte Carlo", 0.0, error, BAND * math.sqrt(2 / len(z)))

    def objective() -> Any:
        found = encoder(images)
        return (found.kl_to_prior() + found.draw(noise[0]).square().sum(1)).mean()

    worst = worst_relative_error(objective, encoder.parameters())
    yield Claim("relative error of the gradient through mu and L", "finite differences", 0.0, worst, 1e-4)
    half = float((torch.relu(torch.randn(DRAWS, generator=torch.Generator().manual_seed(1))) == 0).double().mean())
    yield Claim("share of exact zeros that a ReLU makes of normal units", "Monte Carlo", 0.5, half, BAND * 0.5 / math.sqrt(DRAWS))
    largest = float(torch.sigmoid(torch.linspace(-800, 800, 1601, dtype=torch.float64)).max())
    yield Claim("largest standard deviation that a sigmoid can give", "closed form", 1.0, largest, 1e-12)

    yield from _comparison(evidence)


def _comparison(evidence: Evidence) -> Iterable[Claim]:
    """Diagonal against full covariance: means over seeds of paired differences, with the spread over seeds."""
    for name, text in (
        ("exact_bound", "ELBO"),
        ("exact_kl", "divergence from the prior"),
        ("posterior_divergence", "divergence from the posterior"),
        ("exact_log_likelihood", "log-likelihood"),
    ):
        gains = [evidence.metric(f"vae_full_s{k}", name) - evidence.metric(f"vae_diagonal_s{k}", name) for k in SEEDS]
        paired = []
        for k in SEEDS:
            full, diagonal = (evidence.evaluations(f"vae_{covariance}_s{k}") for covariance in ("full", "diagonal"))
            if not (full["exact_images"] == diagonal["exact_images"]).all():
                raise ValueError(f"seed {k}: diagonal and full covariance were measured on different images")
            paired.append(full[name] - diagonal[name])
        by_image = np.mean(paired, axis=1)
        yield Claim(
            f"{text}: full minus diagonal, mean over seeds", "recomputation", float(np.mean(gains)), float(by_image.mean()), 1e-6
        )
        error = float(np.std(gains, ddof=1)) / math.sqrt(len(SEEDS))
        own = math.sqrt(sum((g - sum(by_image) / 3) ** 2 for g in by_image) / 2 / 3)
        yield Claim(f"{text}: standard error over seeds of that mean", "recomputation", error, own, 1e-6)
        low, high = min(gains), max(gains)
        yield Claim(f"{text}: smallest difference of a seed", "recomputation", low, float(by_image.min()), 1e-6)
        yield Claim(f"{text}: largest difference of a seed", "recomputation", high, float(by_image.max()), 1e-6)
