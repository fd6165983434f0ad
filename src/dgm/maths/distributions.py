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
    "bernoulli_log_prob_of_probabilities",
    "gaussian_log_prob",
    "kl_to_standard_normal",
    "kl_triangular_to_standard_normal",
    "log_mean_exp",
    "sample_bernoulli",
    "sample_gaussian",
    "sample_logistic",
    "standard_logistic_log_prob",
    "standard_normal_log_prob",
    "triangular_gaussian_log_prob",
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


def log_mean_exp(values: Float[Tensor, "..."], dim: int = 0) -> Tensor:
    """Log of the mean of exp(values) along one dimension: of log weights of importance sampling the estimate of log p(x)."""
    return values.logsumexp(dim) - math.log(values.shape[dim])


def standard_normal_log_prob(z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b"]:
    """Log N(z; 0, I) in nats."""
    return -0.5 * (z.square() + math.log(2 * math.pi)).sum(-1)


def kl_to_standard_normal(mean: Float[Tensor, "n d"], log_std: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
    """KL(N(mean, exp(log_std)^2) || N(0, I)) = 1/2 sum (mean^2 + sigma^2 - 1 - log sigma^2) (Kingma & Welling 2014, appendix B)."""
    return 0.5 * (mean.square() + torch.exp(2 * log_std) - 1 - 2 * log_std).sum(1)


def gaussian_log_prob(
    z: Float[Tensor, "*b d"], mean: Float[Tensor, "*b d"], variance: Float[Tensor, "*b d"]
) -> Float[Tensor, "*b"]:
    """Log N(z; mean, diag(variance)) = -1/2 sum_j [log(2 pi variance_j) + (z_j - mean_j)^2 / variance_j], in nats."""
    return -0.5 * (torch.log(2 * math.pi * variance) + (z - mean).square() / variance).sum(-1)


def bernoulli_log_prob_of_probabilities(x: Float[Tensor, "*b d"], p: Float[Tensor, "*b d"]) -> Float[Tensor, "*b"]:
    """Sum over d of x log p + (1 - x) log(1 - p), in nats; finite for every p in [0, 1].

    p is moved into [eps, 1 - eps] with the machine epsilon of its type, so that a pixel that contradicts a certain p costs
    -log eps (16 nats in float32) and not infinity. :func:`bernoulli_log_prob` needs no such repair and serves in training.
    """
    eps = torch.finfo(p.dtype).eps
    inside = p.clamp(eps, 1 - eps)
    return (x * torch.log(inside) + (1 - x) * torch.log1p(-inside)).sum(-1)


def sample_gaussian(
    mean: Float[Tensor, "*b d"], variance: Float[Tensor, "*b d"], generator: torch.Generator
) -> Float[Tensor, "*b d"]:
    """z = mean + sqrt(variance) * eps with eps ~ N(0, I): a draw of N(mean, diag(variance)) that passes gradients to both."""
    noise = torch.randn(mean.shape, generator=generator, device=mean.device, dtype=mean.dtype)
    return mean + torch.sqrt(variance) * noise


def sample_bernoulli(p: Float[Tensor, "*b"], generator: torch.Generator) -> Float[Tensor, "*b"]:
    """x = 1 where u < p with u uniform on [0, 1), independently: 0 or 1 in the type of p. No gradient passes."""
    uniform = torch.rand(p.shape, generator=generator, device=p.device, dtype=p.dtype)
    return (uniform < p).to(p.dtype)


def triangular_gaussian_log_prob(
    z: Float[Tensor, "*b d"], mean: Float[Tensor, "*b d"], factor: Float[Tensor, "*b d d"]
) -> Float[Tensor, "*b"]:
    """Log N(z; mean, L L^T) = -1/2 |L^-1 (z - mean)|^2 - sum_i log L_ii - d/2 log(2 pi), L lower triangular, L_ii > 0, in nats."""
    whitened = torch.linalg.solve_triangular(factor, (z - mean).unsqueeze(-1), upper=False).squeeze(-1)
    log_diagonal = torch.log(factor.diagonal(dim1=-2, dim2=-1))
    log_prob: Tensor = -0.5 * (whitened.square() + 2 * log_diagonal + math.log(2 * math.pi)).sum(-1)
    return log_prob


def kl_triangular_to_standard_normal(mean: Float[Tensor, "*b d"], factor: Float[Tensor, "*b d d"]) -> Float[Tensor, "*b"]:
    """KL(N(mean, L L^T) || N(0, I)) = 1/2 (|L|_F^2 + |mean|^2 - d) - sum_i log L_ii, in nats."""
    log_diagonal = torch.log(factor.diagonal(dim1=-2, dim2=-1))
    return 0.5 * (factor.square().sum((-2, -1)) + mean.square().sum(-1) - mean.shape[-1]) - log_diagonal.sum(-1)
