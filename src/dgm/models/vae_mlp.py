"""Variational autoencoder of two small multilayer perceptrons, with a latent plane and a diagonal or full Gaussian posterior.

Model      z ~ N(0, I_m),  x_d | z ~ Bernoulli(f_d(z)),  f(z) = sigmoid(W_2 tanh(W_1 z + b_1) + b_2)                (1)
Posterior  q(z | x) = N(mu(x), L(x) L(x)^T), L lower triangular with positive diagonal; diagonal when so chosen     (2)
Bound      log p(x) >= E_q[log p(x | z) + log p(z) - log q(z | x)]                                                   (3)
                     = E_q[log p(x | z)] - KL(q(z | x) || p(z))                                                      (4)
Estimate   one draw z = mu + L eps, eps ~ N(0, I), for all of (3), or for the first term of (4) with the KL in closed form

References: Kingma & Welling 2014, section 3 and appendix C (MLPs); Burda, Grosse & Salakhutdinov 2016, equation 8.
Axis letters: n images, d pixels, m latent dimensions, k draws.
"""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from dgm.data.binariser import Binariser
from dgm.data.tensors import DIGITS, ImageData, Shape, Treatment, treat
from dgm.maths import decoder_quadrature, measured
from dgm.maths.distributions import (
    bernoulli_log_prob,
    gaussian_log_prob,
    kl_triangular_to_standard_normal,
    log_mean_exp,
    sample_bernoulli,
    standard_normal_log_prob,
    triangular_gaussian_log_prob,
)
from dgm.maths.measured import Measured, Measurements, Reading
from dgm.runtime.streams import Generators
from dgm.settings import Settings
from dgm.training.fitted import Fitted
from dgm.training.loop import Context, ascent, train
from dgm.training.precision import Precision

__all__ = ["Config", "Decoder", "Encoder", "Model", "Posterior", "fit"]

EXACT_IMAGES = 500  # test images whose likelihood is computed by quadrature, a few seconds for a grid of 400 x 400 points
EXACT_DRAWS = 100  # of q(z | x) behind the bounds of the same images
NEIGHBOURS = 10  # that vote on the class of a point of the latent plane
PAIRS = 3  # of images between which codes are interpolated
INTERPOLATION_STEPS = 10
AT_ONCE = 1000


class Config(Settings):
    """Settings of the MLP VAE."""

    epochs: int = Field(200, ge=1, description="passes over the training images")
    batch_size: int = Field(100, ge=1, description="images a step; the last batch of an epoch may be smaller")
    learning_rate: float = Field(1e-3, gt=0, description="of Adam")
    latent_dimensions: int = Field(2, ge=1, le=64, description="length of z; exact likelihoods are computed for 2 only")
    hidden_units: int = Field(500, ge=1, le=8192, description="in the one hidden layer of encoder and decoder")
    covariance: Literal["diagonal", "full"] = Field("diagonal", description="of the posterior q(z | x)")
    divergence: Literal["sampled", "closed"] = Field("sampled", description="KL in the bound: from the draw, or in closed form")
    precision: Precision = Field("auto", description="arithmetic of the training step")
    curve_images: int = Field(1000, ge=1, description="test images behind each point of the learning curve")


@dataclass(frozen=True)
class Posterior:
    """q(z | x) = N(mean, L L^T) of each image, L lower triangular with diagonal exp(log_diagonal) > 0."""

    mean: Float[Tensor, "n m"]
    log_diagonal: Float[Tensor, "n m"]
    lower: Float[Tensor, "n m m"] | None = None
    """The entries of L below the diagonal, zeros elsewhere; None when L is diagonal."""

    @property
    def factor(self) -> Float[Tensor, "n m m"]:
        """L."""
        diagonal = torch.diag_embed(torch.exp(self.log_diagonal))
        return diagonal if self.lower is None else diagonal + self.lower

    def draw(self, noise: Float[Tensor, "*k n m"]) -> Float[Tensor, "*k n m"]:
        """z = mean + L noise, with gradients to mean and L."""
        z = self.mean + torch.exp(self.log_diagonal) * noise
        return z if self.lower is None else z + (self.lower @ noise.unsqueeze(-1)).squeeze(-1)

    def log_prob(self, z: Float[Tensor, "*k n m"]) -> Float[Tensor, "*k n"]:
        """Log q(z | x) in nats."""
        if self.lower is None:
            return gaussian_log_prob(z, self.mean, torch.exp(2 * self.log_diagonal))
        return triangular_gaussian_log_prob(z, self.mean, self.factor)

    def kl_to_prior(self) -> Float[Tensor, " n"]:
        """KL(q(z | x) || N(0, I)) in closed form, in nats."""
        return kl_triangular_to_standard_normal(self.mean, self.factor)


class Encoder(nn.Module):
    """Pixels - hidden (tanh) - mean, logarithms of the squared diagonal of L and, for a full covariance, what lies below it.

    The two outputs of a diagonal posterior are thus mean and log-variance. The layer for L starts at zero, so that training
    starts from L = I; its draws come last, so that diagonal and full posteriors of one seed share all other initial weights.
    """

    def __init__(self, config: Config, pixels: int = math.prod(DIGITS)) -> None:
        super().__init__()
        m = config.latent_dimensions
        self.hidden = nn.Linear(pixels, config.hidden_units)
        self.mean = nn.Linear(config.hidden_units, m)
        self.full = config.covariance == "full"
        self.spread = nn.Linear(config.hidden_units, m * (m + 1) // 2 if self.full else m)
        nn.init.zeros_(self.spread.weight)
        nn.init.zeros_(self.spread.bias)
        self.rows: Tensor
        self.columns: Tensor
        below = torch.tril_indices(m, m, offset=-1)  # row by row
        for name, indices in zip(("rows", "columns"), below, strict=True):  # tensors, because a GPU would wait for a list's upload
            self.register_buffer(name, indices, persistent=False)

    def forward(self, x: Float[Tensor, "n d"]) -> Posterior:
        """The posterior of each image."""
        hidden = torch.tanh(self.hidden(x)).to(self.mean.weight.dtype)
        # Posterior standard deviations fall below 0.05, while bfloat16 has steps of 0.016 near 2: all that touches z is float32.
        with torch.autocast(x.device.type, enabled=False):
            mean, spread = self.mean(hidden), self.spread(hidden)
            m = mean.shape[1]
            if not self.full:
                return Posterior(mean, 0.5 * spread)
            lower = spread.new_zeros((len(x), m, m))
            lower[:, self.rows, self.columns] = spread[:, m:]
            return Posterior(mean, 0.5 * spread[:, :m], lower)


class Decoder(nn.Module):
    """m - hidden (tanh) - pixels (sigmoid): the Bernoulli probability of every pixel."""

    def __init__(self, latent_dimensions: int = 2, hidden_units: int = 500, pixels: int = math.prod(DIGITS)) -> None:
        super().__init__()
        self.first = nn.Linear(latent_dimensions, hidden_units)
        self.second = nn.Linear(hidden_units, pixels)

    def forward(self, z: Float[Tensor, "*n m"]) -> Float[Tensor, "*n d"]:
        """f(z) of equation (1), in (0, 1)."""
        return torch.sigmoid(self.logits(z))

    def logits(self, z: Float[Tensor, "*n m"]) -> Float[Tensor, "*n d"]:
        """What the sigmoid is applied to; losses use it, because log f(z) itself would lose digits near 0 and 1."""
        with torch.autocast(z.device.type, enabled=False):
            hidden = torch.tanh(self.first(z))
        logits: Tensor = self.second(hidden)
        return logits.to(self.second.weight.dtype)


class Model(nn.Module):
    """Encoder and decoder; offers DrawsImages, HasImportanceWeightedBound, HasBernoulliDecoder, HasProposal and Measures."""

    treatment: ClassVar[Treatment] = "dynamically binarised"
    sample_treatment: ClassVar[Treatment] = "dynamically binarised"

    def __init__(self, config: Config, shape: Shape = DIGITS) -> None:
        super().__init__()
        self.shape, pixels = shape, math.prod(shape)
        self.latent_dimensions = config.latent_dimensions
        self.closed = config.divergence == "closed"
        self.decoder = Decoder(config.latent_dimensions, config.hidden_units, pixels)
        self.encoder = Encoder(config, pixels)

    def encode(self, x: Float[Tensor, "n d"]) -> Posterior:
        """q(z | x)."""
        posterior: Posterior = self.encoder(x)
        return posterior

    def bound(self, x: Float[Tensor, "n d"], generator: torch.Generator) -> dict[str, Float[Tensor, " n"]]:
        """One draw for equation (3), or (4) if so configured, in nats an image: ``bound`` = ``reconstruction`` - ``kl``."""
        posterior = self.encode(x)
        z = posterior.draw(normal_noise(posterior.mean, generator))
        reconstruction = bernoulli_log_prob(x, self.decoder.logits(z))
        kl = posterior.kl_to_prior() if self.closed else posterior.log_prob(z) - standard_normal_log_prob(z)
        return {"bound": reconstruction - kl, "reconstruction": reconstruction, "kl": kl}

    def importance_weighted_bound(self, x: Float[Tensor, "n d"], k: int, generator: torch.Generator) -> Float[Tensor, " n"]:
        """Log (1/k) sum_j p(x | z_j) p(z_j) / q(z_j | x) with z_j ~ q(z | x), in nats (Burda et al. 2016, equation 8)."""
        posterior = self.encode(x)
        log_weights = []
        for _ in range(k):
            z = posterior.draw(normal_noise(posterior.mean, generator))
            log_ratio = standard_normal_log_prob(z) - posterior.log_prob(z)
            log_weights.append(bernoulli_log_prob(x, self.decoder.logits(z)) + log_ratio)
        return log_mean_exp(torch.stack(log_weights))

    @property
    def latent_size(self) -> int:
        """m."""
        return self.latent_dimensions

    def pixel_logits(self, z: Float[Tensor, "n m"]) -> Float[Tensor, "n d"]:
        """Log-odds of the pixels: f(z) of equation (1) before the sigmoid."""
        return self.decoder.logits(z)

    def log_likelihood_given(self, x: Float[Tensor, "n d"], z: Float[Tensor, "n m"]) -> Float[Tensor, " n"]:
        """Log p(x | z) of equation (1) in nats."""
        return bernoulli_log_prob(x, self.decoder.logits(z))

    def simulate(self, n: int, generator: torch.Generator) -> tuple[Float[Tensor, "n m"], Float[Tensor, "n d"]]:
        """Draws (z, x) of equation (1)."""
        z = torch.randn((n, self.latent_dimensions), generator=generator, device=generator.device)
        return z, sample_bernoulli(self.decoder(z), generator)

    def proposal(self, x: Float[Tensor, "n d"]) -> tuple[Float[Tensor, "n m"], Float[Tensor, "n m m"]]:
        """Mean and factor L of equation (2)."""
        posterior = self.encode(x)
        return posterior.mean, posterior.factor

    def sample(self, n: int, generator: torch.Generator) -> dict[str, Tensor]:
        """``codes`` [n, m] from the prior, their pixel probabilities ``means`` and one Bernoulli draw of each, ``samples``."""
        z = torch.randn((n, self.latent_dimensions), generator=generator, device=generator.device)
        means = self.decoder(z).view(n, *self.shape)
        return {"samples": sample_bernoulli(means, generator).to(torch.uint8), "means": means, "codes": z}

    def reconstruct(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n h w"]:
        """Pixel probabilities decoded from the posterior mean."""
        images: Tensor = self.decoder(self.encode(x).mean)
        return images.view(-1, *self.shape)

    def measure(self, data: ImageData, generators: Generators) -> Measurements:
        """Order in the latent space, the divergence computed in two ways, and the exact likelihood when z is in the plane."""
        readings: list[Reading] = []
        arrays: dict[str, np.ndarray] = {}
        x = treat(data.test_images, self.treatment, generators["measure/binarise"])
        self._measure_codes(data, x, generators, readings, arrays)
        self._measure_divergence(x, generators["measure/divergence"], readings)
        if self.latent_dimensions == 2:
            self._measure_likelihood(x[:EXACT_IMAGES], generators["measure/draws"], readings, arrays)
        self._interpolate(data, generators, arrays)
        return Measurements(readings, arrays)

    def _measure_codes(
        self,
        data: ImageData,
        x: Float[Tensor, "n d"],
        generators: Generators,
        readings: list[Reading],
        arrays: dict[str, np.ndarray],
    ) -> None:
        """Means of all training images; how often neighbours share a class; moments of the mean of all q(z | x_i)."""
        from sklearn.neighbors import KNeighborsClassifier

        binarise = generators["measure/binarise/train"]
        posteriors = [self.encode(treat(part, self.treatment, binarise)) for part in data.train_images.split(AT_ONCE)]
        means = torch.cat([posterior.mean for posterior in posteriors])
        variances = torch.cat([posterior.factor.square().sum(-1) for posterior in posteriors])
        arrays |= {"train_means": means.cpu().numpy(), "train_labels": data.train_labels.cpu().numpy()}
        neighbours = KNeighborsClassifier(min(NEIGHBOURS, len(means))).fit(arrays["train_means"], arrays["train_labels"])
        right = neighbours.predict(self.encode(x).mean.cpu().numpy()) == data.test_labels.cpu().numpy()
        readings.append(("knn_accuracy", "test", measured.proportion(right)))
        for j in range(self.latent_dimensions):
            coordinate = means[:, j].double().cpu().numpy()
            readings.append((f"aggregate_mean_{j + 1}", "train", measured.mean(coordinate, unit="")))
            # law of total variance: Var[z] = Var[E[z | x]] + E[Var[z | x]]
            total = (coordinate - coordinate.mean()) ** 2 + variances[:, j].double().cpu().numpy()
            readings.append((f"aggregate_variance_{j + 1}", "train", measured.mean(total, unit="")))

    def _measure_divergence(self, x: Float[Tensor, "n d"], generator: torch.Generator, readings: list[Reading]) -> None:
        """KL(q(z | x) || p(z)) from one draw an image, in closed form, and their difference image by image."""
        posterior = self.encode(x)
        z = posterior.draw(normal_noise(posterior.mean, generator))
        sampled = (posterior.log_prob(z) - standard_normal_log_prob(z)).double().cpu().numpy()
        closed = posterior.kl_to_prior().double().cpu().numpy()
        readings += [
            ("kl_sampled", "test", measured.mean(sampled)),
            ("kl_closed", "test", measured.mean(closed)),
            ("kl_sampled_minus_closed", "test", measured.mean(sampled - closed)),
        ]
        if posterior.lower is not None:
            factor = posterior.factor.double()
            covariance = factor @ factor.mT
            spread = covariance.diagonal(dim1=1, dim2=2).sqrt()
            correlation = covariance / (spread[:, :, None] * spread[:, None, :])
            rows, columns = self.encoder.rows, self.encoder.columns
            absolute = correlation[:, rows, columns].abs().mean(1).cpu().numpy()
            readings.append(("posterior_correlation", "test", measured.mean(absolute, unit="")))

    def _measure_likelihood(
        self, x: Float[Tensor, "n d"], generator: torch.Generator, readings: list[Reading], arrays: dict[str, np.ndarray]
    ) -> None:
        """Exact log p(x), and the bounds of the same images: log p(x) minus the bound is KL(q(z | x) || p(z | x))."""
        exact = decoder_quadrature.log_likelihood(self.decoder.logits, x)
        posterior = self.encode(x)
        reconstructions, ratios = [], []
        for _ in range(EXACT_DRAWS):
            z = posterior.draw(normal_noise(posterior.mean, generator))
            reconstructions.append(bernoulli_log_prob(x, self.decoder.logits(z)).double())
            ratios.append((standard_normal_log_prob(z) - posterior.log_prob(z)).double())
        joint = torch.stack(reconstructions)
        kl = posterior.kl_to_prior().double()
        bound = joint.mean(0) - kl  # the closed form leaves one term to the draws
        weighted = log_mean_exp(joint + torch.stack(ratios))
        values = {
            "exact_log_likelihood": exact.values.cpu().numpy(),
            f"exact_iwae_{EXACT_DRAWS}": weighted.cpu().numpy(),
            "exact_bound": bound.cpu().numpy(),
            "exact_kl": kl.cpu().numpy(),
            "posterior_divergence": (exact.values - bound).cpu().numpy(),
        }
        arrays |= values | {"exact_images": x.to(torch.uint8).cpu().numpy()}
        readings += [(name, "test", measured.mean(found)) for name, found in values.items()]
        # a few images that the encoder misplaces dominate the mean
        readings.append(("posterior_divergence_median", "test", measured.median(values["posterior_divergence"])))
        readings.append(("quadrature_points", "test", Measured(exact.side**2, n=len(x), unit="count")))
        readings.append(("quadrature_change", "test", Measured(exact.change, n=len(x), unit="nats")))

    def _interpolate(self, data: ImageData, generators: Generators, arrays: dict[str, np.ndarray]) -> None:
        """Decode z = alpha mu_a + (1 - alpha) mu_b between training images a, b of different classes."""
        order = generators.permutation(len(data.train_labels), "measure/pairs")
        labels = data.train_labels[order].tolist()
        firsts = [labels.index(label) for label in dict.fromkeys(labels)]  # one image a class, in random order
        if len(firsts) < 2:
            raise ValueError("interpolation between classes needs training images of at least two classes")
        ends = [(firsts[2 * i % len(firsts)], firsts[(2 * i + 1) % len(firsts)]) for i in range(PAIRS)]
        images = data.train_images[order[torch.tensor(ends).flatten()]]
        means = self.encode(treat(images, self.treatment, generators["measure/binarise/pairs"])).mean.view(PAIRS, 2, -1)
        alpha = torch.arange(INTERPOLATION_STEPS + 1, device=means.device) / INTERPOLATION_STEPS
        z = alpha[None, :, None] * means[:, :1] + (1 - alpha[None, :, None]) * means[:, 1:]
        arrays |= {
            "interpolation": self.decoder(z).view(PAIRS, -1, *self.shape).cpu().numpy(),
            "interpolation_alpha": alpha.cpu().numpy(),
            "interpolation_codes": z.cpu().numpy(),
            "interpolation_ends": self.decoder(means).view(PAIRS, 2, *self.shape).cpu().numpy(),
            "interpolation_images": images.view(PAIRS, 2, *self.shape).cpu().numpy(),
            "interpolation_labels": np.array([[labels[a], labels[b]] for a, b in ends]),
        }


def normal_noise(like: Float[Tensor, "*n m"], generator: torch.Generator) -> Float[Tensor, "*n m"]:
    """Standard normal draws in the shape of a tensor, its type and its place."""
    return torch.randn(like.shape, generator=generator, device=like.device, dtype=like.dtype)


def fit(config: Config, data: ImageData, context: Context) -> Fitted:
    """Maximise the mean of the bound with Adam; the history has bound, reconstruction and KL in nats an image.

    Raises:
        FloatingPointError: when the bound stops being finite.
    """
    generators, device = context.generators, context.device
    with generators.default("initialise"):
        model = Model(config, data.shape).to(device)
    optimiser = torch.optim.Adam(model.parameters(), lr=config.learning_rate, fused=True)
    binarised, latent = Binariser(data.train_images, generators["binarise"]), generators["latent"]

    def terms(batch: Tensor) -> dict[str, Tensor]:
        return {name: value.mean() for name, value in model.bound(binarised(batch), latent).items()}

    curve = treat(data.test_images[: config.curve_images], Model.treatment, generators.fresh("curve"))

    def evaluate(epoch: int) -> dict[str, dict[str, float]]:
        with torch.no_grad():
            found = model.bound(curve, generators.fresh("curve/latent"))
        return {"test": {name: float(value.mean()) for name, value in found.items()}}

    history = train(
        ascent(terms, objective="bound", optimiser=optimiser, precision=config.precision, context=context),
        n=len(data.train_images),
        batch_size=config.batch_size,
        epochs=config.epochs,
        state={"model": model, "optimiser": optimiser},
        context=context,
        evaluate=evaluate,
    )
    return Fitted(model, history, context.facts)
