"""A model whose marginal likelihood is known in closed form, and the mean of draws with its error."""

import math

import torch

from dgm.maths.annealing import Annealing, sigmoid_schedule


class LinearGaussian:
    """x | z ~ N(W z + b, s^2 I): log p(x) = log N(x; b, W W^T + s^2 I)."""

    def __init__(self, pixels: int = 6, latent: int = 3, deviation: float = 0.4, seed: int = 0) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.weights = torch.randn((pixels, latent), generator=generator)
        self.bias = torch.randn(pixels, generator=generator)
        self.deviation = deviation

    def log_likelihood_given(self, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        residual = (x - z @ self.weights.T - self.bias) / self.deviation
        return -0.5 * (residual.square() + math.log(2 * math.pi * self.deviation**2)).sum(1)

    def simulate(self, n: int, seed: int = 1000) -> tuple[torch.Tensor, torch.Tensor]:
        generator = torch.Generator().manual_seed(seed)
        z = torch.randn((n, self.weights.shape[1]), generator=generator)
        x = z @ self.weights.T + self.bias
        return z, x + self.deviation * torch.randn(x.shape, generator=generator)

    def exact(self, x: torch.Tensor) -> torch.Tensor:
        covariance = self.weights @ self.weights.T + self.deviation**2 * torch.eye(len(self.bias))
        return torch.distributions.MultivariateNormal(self.bias.double(), covariance.double()).log_prob(x.double())

    def annealing(self, temperatures: int = 60, chains: int = 20, leapfrog_steps: int = 4) -> Annealing:
        betas = sigmoid_schedule(temperatures)
        return Annealing(self.log_likelihood_given, self.weights.shape[1], betas, chains, leapfrog_steps)


def interval(values: torch.Tensor) -> tuple[float, float]:
    return float(values.mean()), float(values.std() / math.sqrt(len(values)))
