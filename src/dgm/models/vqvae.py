"""Vector-quantised autoencoder for binary images with a grid of discrete codes, and a prior over the codes learned afterwards.

Codes      z_e = encoder(x) in R^(T x D),  k_t = argmin_j |z_e,t - e_j|,  z_q,t = e_k_t       (1)
Model      k ~ p(k),  x_d | k ~ Bernoulli(sigmoid(f_d(z_q)))                                     (2)
Posterior  q(k | x) = 1 for the k of (1), else 0
Bound      log p(x) >= log p(x | z_q(x)) + log p(k(x))                                           (3)
Loss       -log p(x | z_q) + beta |z_e - sg[z_q]|^2, gradient straight through (1)               (4)

The first phase descends (4) and keeps the codebook as moving averages (:mod:`dgm.layers.codebook`); there the prior is uniform and
its share of the bound the constant -T log K. The second phase leaves the codes as they are and fits an autoregressive p(k)
(:mod:`dgm.layers.causal_transformer`) to them by maximum likelihood. The posterior has one point, without entropy: its KL
divergence to the prior is -log p(k(x)).

Reference: van den Oord, Vinyals & Kavukcuoglu 2017, equations 1 to 3, section 3.3 (prior) and appendix A.1 (moving averages).
Axis letters: n images, p pixels, h rows and w columns of them, t positions (a quarter of the rows by a quarter of the columns, 49
of 28 x 28 pixels), d numbers of a code, k codes, c channels.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn

from dgm.data.tensors import DIGITS, ImageData, PointData, Shape, Treatment, treat
from dgm.layers.causal_transformer import CausalTransformer
from dgm.layers.codebook import Codebook, straight_through
from dgm.layers.residual import residual_stack
from dgm.maths import measured
from dgm.maths.distributions import bernoulli_log_prob, sample_bernoulli
from dgm.maths.measured import Measured, Measurements
from dgm.runtime.streams import Generators
from dgm.settings import Settings
from dgm.training.fitted import Fitted, HistoryRow
from dgm.training.loop import Context, ascent, train
from dgm.training.phases import Phases
from dgm.training.precision import Precision

__all__ = ["Config", "Model", "fit"]

CELL = 4  # rows and columns of the pixels that a code stands for
AT_ONCE = 500
PICTURES = 16  # test images kept with their codes and reconstructions


class Config(Settings):
    """Settings of the VQ-VAE and of its prior."""

    epochs: int = Field(50, ge=1, description="passes over the training images while encoder, codebook and decoder are trained")
    prior_epochs: int = Field(50, ge=1, description="passes over the training images while the prior is trained")
    batch_size: int = Field(64, ge=1, description="images a step in both phases; the last batch of an epoch may be smaller")
    learning_rate: float = Field(1e-3, gt=0, description="of Adam in the first phase; falls to zero along a half cosine")
    prior_learning_rate: float = Field(1e-3, gt=0, description="of Adam in the second phase; falls likewise")
    codes: int = Field(64, ge=2, description="vectors K in the codebook")
    code_dimensions: int = Field(16, ge=1, description="numbers D in a code")
    commitment: float = Field(0.25, ge=0, description="weight beta of the commitment term")
    decay: float = Field(0.99, ge=0, lt=1, description="of the codebook's moving averages")
    least_count: float = Field(1.0, gt=0, description="vectors a batch, on average, below which a code is restarted")
    hidden_channels: int = Field(64, ge=1, description="channels of encoder and decoder")
    residual_channels: int = Field(32, ge=1, description="channels inside the residual blocks")
    prior_width: int = Field(96, ge=1, description="width of the prior's transformer")
    prior_heads: int = Field(2, ge=1, description="attention heads of the prior; they divide its width")
    prior_layers: int = Field(3, ge=1, description="blocks of the prior")
    damaged_share: float = Field(0.1, ge=0, lt=1, description="of the prior's conditions replaced by random codes in training")
    precision: Precision = Field("auto", description="arithmetic of the training step")
    curve_images: int = Field(1000, ge=1, description="test images behind each point of the learning curves")


class Model(nn.Module):
    """Encoder, codebook, decoder and prior; offers DrawsImages, HasImportanceWeightedBound and Measures."""

    treatment: ClassVar[Treatment] = "dynamically binarised"
    sample_treatment: ClassVar[Treatment] = "dynamically binarised"

    def __init__(self, config: Config, shape: Shape = DIGITS) -> None:
        super().__init__()
        if any(side % CELL for side in shape):
            raise ValueError(f"images of {shape[0]} x {shape[1]} pixels: both sides must be multiples of {CELL}")
        self.shape, self.grid = shape, (shape[0] // CELL, shape[1] // CELL)
        self.positions = math.prod(self.grid)
        hidden, residual = config.hidden_channels, config.residual_channels
        self.encoder = nn.Sequential(
            nn.Conv2d(1, hidden // 2, 4, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden // 2, hidden, 4, stride=2, padding=1),
            residual_stack(hidden, residual),
            nn.Conv2d(hidden, config.code_dimensions, 1),
        )
        self.codebook = Codebook(config.codes, config.code_dimensions, config.decay, config.least_count)
        self.decoder = nn.Sequential(
            nn.Conv2d(config.code_dimensions, hidden, 3, padding=1),
            residual_stack(hidden, residual),
            nn.ConvTranspose2d(hidden, hidden // 2, 4, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(hidden // 2, 1, 4, stride=2, padding=1),
        )
        self.prior = CausalTransformer(
            config.codes, self.positions, width=config.prior_width, heads=config.prior_heads, layers=config.prior_layers
        )
        self.to(memory_format=torch.channels_last)

    def encode(self, x: Float[Tensor, "n p"]) -> Float[Tensor, "n t d"]:
        """The encodings z_e, position by position in rows of the grid."""
        images = x.view(-1, 1, *self.shape).contiguous(memory_format=torch.channels_last)
        z: Tensor = self.encoder(images).float()
        return z.permute(0, 2, 3, 1).flatten(1, 2)

    def quantise(self, z: Float[Tensor, "n t d"]) -> Int[Tensor, "n t"]:
        """Equation (1): the nearest codes."""
        codes: Tensor = self.codebook(z.flatten(0, 1))
        return codes.view(len(z), self.positions)

    def decode(self, z: Float[Tensor, "n t d"]) -> Float[Tensor, "n p"]:
        """Logits of the pixel probabilities."""
        grid = z.view(len(z), *self.grid, -1).permute(0, 3, 1, 2)  # channels last in memory already
        logits: Tensor = self.decoder(grid)
        return logits.float().flatten(1)

    def terms(self, x: Float[Tensor, "n p"], restart: torch.Generator | None = None) -> dict[str, Float[Tensor, " n"]]:
        """The two terms of (4) without signs and weight. With ``restart`` given, the codebook is updated before it is looked up.

        The squared distance is a sum over positions and numbers, as the log-likelihood is a sum over pixels.
        """
        z = self.encode(x)
        codes = self.quantise(z)
        if restart is not None:
            self.codebook.update(z.flatten(0, 1), codes.flatten(), restart)
        quantised = self.codebook.vectors[codes]
        reconstruction = bernoulli_log_prob(x, self.decode(straight_through(z, quantised)))
        commitment = (z - quantised).square().sum((1, 2))
        return {"reconstruction": reconstruction, "commitment": commitment}

    def bound(self, x: Float[Tensor, "n p"], generator: torch.Generator) -> dict[str, Float[Tensor, " n"]]:
        """Equation (3) in nats an image: ``bound`` = ``reconstruction`` - ``kl``, ``kl`` = -log p(k(x)). Nothing is drawn."""
        codes = self.quantise(self.encode(x))
        reconstruction = bernoulli_log_prob(x, self.decode(self.codebook.vectors[codes]))
        kl = -self.prior.log_prob(codes)
        return {"bound": reconstruction - kl, "reconstruction": reconstruction, "kl": kl}

    def importance_weighted_bound(self, x: Float[Tensor, "n p"], k: int, generator: torch.Generator) -> Float[Tensor, " n"]:
        """The bound (3) for every k: all draws from a posterior of one point are equal, and so are their k weights."""
        return self.bound(x, generator)["bound"]

    def sample(self, n: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Codes from the prior, decoded, and the same with every code drawn from the uniform law.

        ``codes`` [n, t], pixel probabilities ``means`` and a Bernoulli draw of them (``samples``), all from the learned prior;
        ``uniform_means`` from the uniform one.
        """
        codes = self.prior.sample(n, generator)
        means = self._means(codes)
        drawn = sample_bernoulli(means, generator)
        uniform = torch.randint(self.prior.symbols, codes.shape, generator=generator, device=generator.device)
        return {"samples": drawn.to(torch.uint8), "means": means, "codes": codes, "uniform_means": self._means(uniform)}

    def reconstruct(self, x: Float[Tensor, "n p"]) -> Float[Tensor, "n h w"]:
        """Pixel probabilities decoded from the codes of x."""
        return self._means(self.quantise(self.encode(x)))

    def _means(self, codes: Int[Tensor, "n t"]) -> Float[Tensor, "n h w"]:
        return torch.sigmoid(self.decode(self.codebook.vectors[codes])).view(-1, *self.shape)

    def measure(self, data: ImageData | PointData, generators: Generators) -> Measurements:
        """Use of the codes and errors of the reconstruction over all test images, and the bound under the uniform prior.

        ``codes_used`` counts the codes that at least one position of one test image gets; ``code_perplexity`` is the exponential of
        the entropy of their relative frequencies over all positions of all test images. ``squared_error`` is that of the pixel
        probabilities against the binary image the codes were made from, a mean over pixels; ``quantisation_error`` the mean of
        |z_e - z_q|^2 over the total variance of z_e. Arrays: ``code_usage`` [k], ``codebook`` [k, d], and of the first images their
        binary ``pictures``, ``picture_codes`` on the grid (codes numbered by the ink of the patches they stand for, from empty to
        full) and ``picture_means``, the decoded pixel probabilities.
        """
        assert isinstance(data, ImageData)
        x = treat(data.test_images, self.treatment, generators["codes/test"])
        parts = [self._per_image(part) for part in x.split(AT_ONCE)]
        codes, reconstruction, kl, pixels, distance, ink = (torch.cat(column) for column in zip(*parts, strict=True))
        z = torch.cat([self.encode(part) for part in x.split(AT_ONCE)]).flatten(0, 1)
        usage = torch.bincount(codes.flatten(), minlength=self.prior.symbols)
        entropy = _entropy(usage)
        # the mean surprise of an image's codes; its error is that of the entropy (delta method)
        surprise = -(usage / usage.sum()).clamp(min=1e-12).log()[codes].double().mean(1).cpu().numpy()
        error = measured.mean(surprise).stderr
        uniform = self.positions * math.log(self.prior.symbols)
        of_code = torch.zeros(len(usage), dtype=ink.dtype, device=ink.device).index_add_(0, codes.flatten(), ink.flatten())
        rank = (of_code / usage.clamp(min=1)).argsort(stable=True).argsort()
        n, positions = len(x), codes.numel()
        spread = float((z - z.mean(0)).square().sum(1).mean())
        relative = measured.mean((distance / self.positions / spread).double().cpu().numpy(), unit="share")

        def nats(values: Tensor) -> Measured:
            return measured.mean(values.double().cpu().numpy())

        readings = [
            ("codes_used", "test", Measured(int((usage > 0).sum()), n=positions, unit="count")),
            ("code_perplexity", "test", Measured(math.exp(entropy), math.exp(entropy) * error, n, "codes")),
            ("code_entropy", "test", Measured(entropy, error, n, "nats")),
            ("kl_uniform_prior", "test", Measured(uniform, n=n, unit="nats")),
            ("bound_uniform_prior", "test", nats(reconstruction - uniform)),
            ("prior_gain", "test", nats(uniform - kl)),
            ("kl_per_position", "test", nats(kl / self.positions)),
            ("squared_error", "test", measured.mean(pixels.double().cpu().numpy(), unit="")),
            ("quantisation_error", "test", relative),
        ]
        arrays = {
            "code_usage": usage,
            "codebook": self.codebook.vectors,
            "pictures": x[:PICTURES].view(-1, *self.shape),
            "picture_codes": rank[codes[:PICTURES]].view(-1, *self.grid),
            "picture_means": self._means(codes[:PICTURES]),
        }
        return Measurements(readings, {name: value.cpu().numpy() for name, value in arrays.items()})

    def _per_image(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Codes, reconstruction and KL in nats, squared error of the pixels, squared distance to the codes, ink of each patch."""
        z = self.encode(x)
        codes = self.quantise(z)
        quantised = self.codebook.vectors[codes]
        logits = self.decode(quantised)
        means = torch.sigmoid(logits)
        pixels = (means - x).square().mean(1)
        ink = means.view(-1, self.grid[0], CELL, self.grid[1], CELL).mean((2, 4)).flatten(1)
        distance = (z - quantised).square().sum((1, 2))
        return codes, bernoulli_log_prob(x, logits), -self.prior.log_prob(codes), pixels, distance, ink


def fit(config: Config, data: ImageData, context: Context) -> Fitted:
    """Train encoder, codebook and decoder by (4), then the prior; the history has all terms in nats an image.

    Terms of the first phase: ``reconstruction``, ``commitment`` (without its weight) and, on test images, ``code_perplexity``; of
    the second: ``log_prior``. Each phase counts its epochs from 1.

    Raises:
        FloatingPointError: when a term stops being finite.
        ValueError: when ``prior_heads`` does not divide ``prior_width``, or four a side of the images.
    """
    with context.generators.default("initialise"):
        model = Model(config, data.shape).to(context.device)
    phases = Phases(model, context)
    phases.run("codes", lambda own: _learn_codes(model, config, data, own))
    phases.run("prior", lambda own: _learn_prior(model, config, data, own))
    context.facts |= phases.facts()
    return Fitted(model, phases.rows, context.facts)


def _learn_codes(model: Model, config: Config, data: ImageData, context: Context) -> list[HistoryRow]:
    """First phase: equation (4), and equation (3) of :mod:`dgm.layers.codebook`."""
    binarise, restart = context.generators["binarise"], context.generators["restart"]

    def terms(batch: Tensor) -> dict[str, Tensor]:
        x = treat(data.train_images[batch], Model.treatment, binarise)
        found = {name: value.mean() for name, value in model.terms(x, restart).items()}
        return {"objective": found["reconstruction"] - config.commitment * found["commitment"], **found}

    def on_test(x: Tensor) -> dict[str, float]:
        parts = [model.terms(part) for part in x.split(AT_ONCE)]
        codes = torch.cat([model.quantise(model.encode(part)) for part in x.split(AT_ONCE)])
        means = {name: float(torch.cat([part[name] for part in parts]).mean()) for name in parts[0]}
        return {**means, "code_perplexity": math.exp(_entropy(torch.bincount(codes.flatten())))}

    weights = [*model.encoder.parameters(), *model.decoder.parameters()]
    phase = _Phase(model, config, data, context, weights, config.learning_rate, config.epochs)
    return phase.ascend(terms, "objective", on_test)


def _learn_prior(model: Model, config: Config, data: ImageData, context: Context) -> list[HistoryRow]:
    """Second phase: maximum likelihood of the codes of freshly binarised images; the codes themselves are fixed."""
    binarise, damage = context.generators["prior/binarise"], context.generators["prior/damage"]

    def terms(batch: Tensor) -> dict[str, Tensor]:
        x = treat(data.train_images[batch], Model.treatment, binarise)
        with torch.no_grad():
            codes = model.quantise(model.encode(x))
        # a few wrong conditions keep the prior from leaning on exact repetitions of training sequences
        chosen = torch.rand(codes.shape, generator=damage, device=codes.device) < config.damaged_share
        random = torch.randint(config.codes, codes.shape, generator=damage, device=codes.device)
        return {"log_prior": model.prior.log_prob(codes, torch.where(chosen, random, codes)).mean()}

    def on_test(x: Tensor) -> dict[str, float]:
        parts = [model.prior.log_prob(model.quantise(model.encode(part))) for part in x.split(AT_ONCE)]
        return {"log_prior": float(torch.cat(parts).mean())}

    weights = list(model.prior.parameters())
    phase = _Phase(model, config, data, context, weights, config.prior_learning_rate, config.prior_epochs)
    return phase.ascend(terms, "log_prior", on_test)


@dataclass(frozen=True)
class _Phase:
    """What both phases share: Adam with a rate that falls to zero along a half cosine, and one set of binary test images."""

    model: Model
    config: Config
    data: ImageData
    context: Context
    weights: list[nn.Parameter]
    learning_rate: float
    epochs: int

    def ascend(
        self, terms: Callable[[Tensor], dict[str, Tensor]], objective: str, on_test: Callable[[Tensor], dict[str, float]]
    ) -> list[HistoryRow]:
        """Maximise ``objective`` among ``terms`` of a batch of indices; ``on_test`` gives the curve from the test images."""
        config, data, context = self.config, self.data, self.context
        optimiser = torch.optim.Adam(self.weights, lr=self.learning_rate, fused=True)
        steps = self.epochs * math.ceil(len(data.train_images) / config.batch_size)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=steps)
        precision = config.precision
        curve = treat(data.test_images[: config.curve_images], Model.treatment, context.generators.fresh("curve"))

        def evaluate(epoch: int) -> dict[str, dict[str, float]]:
            with torch.no_grad():
                return {"test": on_test(curve)}

        return train(
            ascent(terms, objective=objective, optimiser=optimiser, precision=precision, context=context),
            n=len(data.train_images),
            batch_size=config.batch_size,
            epochs=self.epochs,
            state={"model": self.model, "optimiser": optimiser, "schedule": schedule},
            context=context,
            evaluate=evaluate,
        )


def _entropy(counts: Int[Tensor, " k"]) -> float:
    """Entropy in nats of relative frequencies."""
    return float(torch.special.entr(counts.double() / counts.sum()).sum())
