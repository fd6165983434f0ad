"""Log-densities, log-probabilities and divergences, in nats, each with its equation.

Axis letters: n images, d coordinates.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

__all__ = [
    "bernoulli_log_prob",
    "diagonal_gaussian_log_prob",
    "kl_to_standard_normal",
    "sample_logistic",
    "standard_logistic_log_prob",
]


def standard_logistic_log_prob(z: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
    """Sum over d of log [e^-z / (1 + e^-z)^2] = -softplus(z) - softplus(-z). Standard deviation pi / sqrt(3)."""
    return -(softplus(z) + softplus(-z)).sum(1)


def sample_logistic(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Standard logistic draws by inversion: log u - log(1 - u) with u uniform on (0, 1)."""
    u = torch.rand(shape, generator=generator, device=generator.device, dtype=torch.float64)
    return torch.logit(u.clamp(2**-54, 1 - 2**-53)).float()


def bernoulli_log_prob(x: Float[Tensor, "n ..."], logits: Float[Tensor, "n ..."]) -> Float[Tensor, " n"]:
    """Sum of x log p + (1 - x) log(1 - p) with p = sigmoid(logits), computed without forming p."""
    return -binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(1)


def diagonal_gaussian_log_prob(
    z: Float[Tensor, "*b d"], mean: Float[Tensor, "*b d"], log_std: Float[Tensor, "*b d"]
) -> Float[Tensor, "*b"]:
    """Sum over d of log N(z; mean, exp(log_std)^2)."""
    return -0.5 * (((z - mean) * torch.exp(-log_std)).square() + 2 * log_std + math.log(2 * math.pi)).sum(-1)


def kl_to_standard_normal(mean: Float[Tensor, "n d"], log_std: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
    """KL(N(mean, exp(log_std)^2) || N(0, I)) = 1/2 sum (mean^2 + sigma^2 - 1 - log sigma^2) (Kingma & Welling 2014, appendix B)."""
    return 0.5 * (mean.square() + torch.exp(2 * log_std) - 1 - 2 * log_std).sum(1)
