"""Claims of the answer on a network head for the mean and the triangular factor of a Gaussian, and on what it gains.

``stated`` is what the answer states, by the formulas of :mod:`dgm.maths.distributions` and :mod:`dgm.models.vae_mlp`;
``found`` comes from torch's own distributions, from draws, from finite differences, or from per-image values of the trained
models.
"""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from dgm.claims.claim import Claim, Finding, holds
from dgm.claims.evidence import Evidence
from dgm.claims.gradients import worst_relative_error
from dgm.claims.registry import question
from dgm.maths import distributions, measured
from dgm.maths.measured import Measured

__all__: list[str] = []

SEEDS = (0, 1, 2)
DRAWS = 100_000
POSTERIORS = 1000
BAND = 5  # standard errors that a Monte Carlo result may be off


def _random_encoder(dimensions: int, covariance: str) -> Any:
    """An encoder whose factor depends on the image, float64, with 20 random images."""
    import torch

    from dgm.models import vae_mlp
    from dgm.settings import parse

    settings = {"covariance": covariance, "latent_dimensions": dimensions, "hidden_units": 32}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        encoder = vae_mlp.Encoder(parse(vae_mlp.Config, settings, "settings")).double()
        start = encoder(torch.rand((20, 784), dtype=torch.float64)).factor.detach()
        torch.nn.init.normal_(encoder.spread.weight, std=0.5)
        images = torch.rand((20, 784), dtype=torch.float64)
    return encoder, images, start


@question("dgm-2-3")
def dgm_2_3(evidence: Evidence) -> Iterable[Claim | Finding]:
    """The head, its factor and divergence, and diagonal against full covariance on equal seeds."""
    import torch

    for m in (2, 5):
        encoder, images, start = _random_encoder(m, "full")
        found = encoder.mean.out_features + encoder.spread.out_features
        yield Claim(
            f"head-outputs-m{m}", f"outputs for M = {m}: M + M(M + 1)/2", "enumeration", float(m + m * (m + 1) // 2), float(found)
        )
        factor = encoder(images).factor
        lower = bool((torch.triu(factor, 1) == 0).all() and (factor.diagonal(dim1=1, dim2=2) > 0).all())
        yield holds(f"factor-lower-triangular-m{m}", f"L is lower triangular with positive diagonal, M = {m}", "enumeration", lower)
        distance = float((start - torch.eye(m)).abs().max())
        yield Claim(
            f"distance-from-identity-m{m}",
            f"distance of L from the identity at the start, M = {m}",
            "closed form",
            0.0,
            distance,
            1e-12,
        )

    encoder, images, _ = _random_encoder(2, "full")
    posterior = encoder(images)
    law = torch.distributions.MultivariateNormal(posterior.mean, scale_tril=posterior.factor)
    prior = torch.distributions.MultivariateNormal(torch.zeros(2, dtype=torch.float64), torch.eye(2, dtype=torch.float64))
    closed = posterior.kl_to_prior()
    difference = float((closed - torch.distributions.kl_divergence(law, prior)).detach().abs().max())
    yield Claim(
        "divergence-error", "closed-form divergence minus that of torch.distributions", "closed form", 0.0, difference, 1e-10
    )
    noise = torch.randn((20_000, 20, 2), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with torch.no_grad():
        z = posterior.draw(noise)
        density = float((posterior.log_prob(z[:10]) - law.log_prob(z[:10])).abs().max())
        ratio = posterior.log_prob(z) - distributions.gaussian_log_prob(z, torch.zeros_like(z), torch.ones_like(z))
    yield Claim("log-density-error", "log q(z|x) minus that of torch.distributions", "closed form", 0.0, density, 1e-9)
    scaled = (ratio.mean(0) - closed.detach()) / (ratio.std(0) / math.sqrt(len(ratio)))
    yield Claim(
        "sampled-divergence-distance",
        "divergence from 20,000 draws minus closed form, in standard errors",
        "Monte Carlo",
        0.0,
        float(scaled.abs().max()),
        BAND,
    )
    factor = posterior.factor.detach()
    covariance = torch.cov((z[:, 0] - posterior.mean.detach()[0]).T)
    stated = factor[0] @ factor[0].T
    error = float((covariance - stated).abs().max() / stated.diagonal().max())
    yield Claim(
        "covariance-of-draws-error",
        "covariance of the draws minus L L^T, relative",
        "Monte Carlo",
        0.0,
        error,
        BAND * math.sqrt(2 / len(z)),
    )

    def objective() -> Any:
        found = encoder(images)
        return (found.kl_to_prior() + found.draw(noise[0]).square().sum(1)).mean()

    worst = worst_relative_error(objective, encoder.parameters())
    yield Claim("gradient-error", "relative error of the gradient through mu and L", "finite differences", 0.0, worst, 1e-4)
    half = float((torch.relu(torch.randn(DRAWS, generator=torch.Generator().manual_seed(1))) == 0).double().mean())
    yield Claim(
        "relu-zero-share",
        "share of exact zeros that a ReLU makes of normal units",
        "Monte Carlo",
        0.5,
        half,
        BAND * 0.5 / math.sqrt(DRAWS),
    )
    yield from _sigmoid_diagonal()

    yield from _comparison(evidence)


def _sigmoid_diagonal() -> Iterable[Claim]:
    """What a sigmoid on the diagonal of L, all of whose values lie below 1, can give and cannot give."""
    import torch

    from dgm.models.vae_mlp import Posterior

    generator = torch.Generator().manual_seed(2)
    units = 3 * torch.randn((POSTERIORS, 2), generator=generator, dtype=torch.float64)
    lower = torch.zeros((POSTERIORS, 2, 2), dtype=torch.float64)
    lower[:, 1, 0] = 3 * torch.randn(POSTERIORS, generator=generator, dtype=torch.float64)
    log_diagonal, mean = torch.nn.functional.logsigmoid(units), torch.zeros((POSTERIORS, 2), dtype=torch.float64)
    upright, tilted = (_covariance(Posterior(mean, log_diagonal, below).factor) for below in (None, lower))
    largest = float(upright.diagonal(dim1=1, dim2=2).max().sqrt())
    statement = f"diagonal L with a sigmoid: no standard deviation of {POSTERIORS:,} posteriors is above 1"
    yield holds("sigmoid-deviations-below-one", statement, "closed form", largest <= 1)
    # Schur complement: the variance of z_2 once z_1 is known
    given = (tilted[:, 1, 1] - tilted[:, 1, 0] ** 2 / tilted[:, 0, 0]).sqrt()
    relative = float(((given - log_diagonal[:, 1].exp()) / tilted[:, 1, 1].sqrt()).abs().max())
    statement = "full L: standard deviation of z_2 given z_1 minus L_22, over that of z_2, largest difference"
    yield Claim(
        "conditional-deviation-difference",
        statement,
        "closed form",
        0.0,
        relative,
        1e-6,  # half of the 16 digits cancel below the root
    )
    example = torch.tensor([[0.9, 0.0], [3.0, 0.9]], dtype=torch.float64)
    deviation = float(_covariance(example)[1, 1].sqrt())
    statement = "standard deviation of z_2 for the rows (0.9, 0) and (3, 0.9) of L"
    yield Claim("deviation-of-second-coordinate", statement, "closed form", math.sqrt(3.0**2 + 0.9**2), deviation, 1e-12)


def _covariance(factor: Any) -> Any:
    """Covariance matrices of N(0, L L^T) as torch's own normal distribution has them."""
    import torch

    zero = torch.zeros(factor.shape[:-1], dtype=factor.dtype)
    return torch.distributions.MultivariateNormal(zero, scale_tril=factor).covariance_matrix


def _over_seeds(values: list[float], unit: str = "nats") -> Measured:
    """Mean over seeds with its standard error."""
    return measured.mean(np.array(values), unit)


def _comparison(evidence: Evidence) -> Iterable[Claim | Finding]:
    """Diagonal against full covariance: differences of runs of one seed on the same images, and their mean over the seeds."""
    gained: dict[str, list[float]] = {}
    for name, word, text in (
        ("exact_bound", "elbo", "ELBO"),
        ("exact_kl", "prior-divergence", "divergence from the prior"),
        ("posterior_divergence", "posterior-divergence", "divergence from the posterior"),
        ("exact_log_likelihood", "log-likelihood", "log-likelihood"),
    ):
        gains = [evidence.metric(f"vae_full_s{k}", name) - evidence.metric(f"vae_diagonal_s{k}", name) for k in SEEDS]
        gained[name] = gains
        paired = []
        for k in SEEDS:
            full, diagonal = (evidence.evaluations(f"vae_{covariance}_s{k}") for covariance in ("full", "diagonal"))
            if not (full["exact_images"] == diagonal["exact_images"]).all():
                raise ValueError(f"seed {k}: diagonal and full covariance were measured on different images")
            paired.append(full[name] - diagonal[name])
        by_image = np.mean(paired, axis=1)
        yield Claim(
            f"{word}-mean-difference",
            f"{text}: full minus diagonal, mean over seeds",
            "recomputation",
            float(np.mean(gains)),
            float(by_image.mean()),
            1e-6,
        )
        error = float(np.std(gains, ddof=1)) / math.sqrt(len(SEEDS))
        own = math.sqrt(sum((g - sum(by_image) / 3) ** 2 for g in by_image) / 2 / 3)
        yield Claim(f"{word}-standard-error", f"{text}: standard error over seeds of that mean", "recomputation", error, own, 1e-6)
        low, high = min(gains), max(gains)
        yield Claim(
            f"{word}-smallest-difference",
            f"{text}: smallest difference of a seed",
            "recomputation",
            low,
            float(by_image.min()),
            1e-6,
        )
        yield Claim(
            f"{word}-largest-difference",
            f"{text}: largest difference of a seed",
            "recomputation",
            high,
            float(by_image.max()),
            1e-6,
        )
    yield Finding(
        "elbo-rises",
        "full minus diagonal covariance: difference of the ELBO, mean over three seeds, in nats",
        _over_seeds(gained["exact_bound"]),
        above=0.0,
    )
    yield Finding(
        "closer-to-the-posterior",
        "full minus diagonal covariance: difference of the mean divergence from the true posterior, mean over three seeds, in nats",
        _over_seeds(gained["posterior_divergence"]),
        below=0.0,
    )
    yield Finding(
        "closer-to-the-prior",
        "full minus diagonal covariance: difference of the mean divergence from the prior, mean over three seeds, in nats",
        _over_seeds(gained["exact_kl"]),
        below=0.0,
    )
    used = [evidence.metric(f"vae_full_s{k}", "posterior_correlation") for k in SEEDS]
    statement = "mean absolute correlation within the posteriors of the full covariance, mean over three seeds"
    yield Finding("correlation-used", statement, _over_seeds(used, "1"), above=0.1)
    distance = evidence.evaluations("vae_diagonal_s0")["posterior_divergence"]
    yield Finding(
        "few-images-make-the-mean",
        "share of the summed distance from the posterior that the tenth of the images with the largest distances makes",
        measured.bootstrapped(_share_of_largest, distance, seed=0, unit="share"),
        above=0.5,
    )


def _share_of_largest(values: np.ndarray) -> float:
    """Share of the sum that the largest tenth of the values makes."""
    ordered = np.sort(values)[::-1]
    return float(ordered[: max(1, len(values) // 10)].sum() / values.sum())
