"""Convolutional variational autoencoder for binary images, with residual stacks and a latent variable of 16 x 2 x 2 numbers.

Model      z ~ N(0, I),  x_d | z ~ Bernoulli(sigmoid(f_d(z)))                                   (1)
Posterior  q(z | x) = N(mu(x), diag sigma(x)^2)
Bound      log p(x) >= E_q log p(x | z) - KL(q(z | x) || p(z))                                   (2)
           KL = 1/2 sum (mu^2 + sigma^2 - 1 - log sigma^2)                                       (3)
Estimate   one reparameterised draw z = mu + sigma * eps for the first term of (2), (3) in closed form

Images are binarised anew at every visit and padded with zeros to sides that can be halved four times: 28 x 28 pixels with two rows
on each side, to 32 x 32. The likelihood is a sum over all 1024 pixels, the border included, which is certain after a few steps and
adds almost nothing.

References: Kingma & Welling 2014, section 3 and appendix B; Burda, Grosse & Salakhutdinov 2016, equation 8.
Axis letters: n images, c channels, d pixels, h rows and w columns of an image, r and s with its border, l latent
numbers (64 of 28 x 28 pixels).
"""

import math
from typing import ClassVar

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import pad

from dgm.data.tensors import DIGITS, ImageData, Shape, Treatment, treat
from dgm.layers.residual import residual_stack
from dgm.maths.distributions import (
    bernoulli_log_prob,
    gaussian_log_prob,
    kl_to_standard_normal,
    log_mean_exp,
    sample_bernoulli,
    sample_gaussian,
    standard_normal_log_prob,
)
from dgm.settings import Settings
from dgm.training.fitted import Fitted
from dgm.training.loop import Context, ascent, train
from dgm.training.precision import Precision

__all__ = ["Config", "Model", "fit"]

STAGES = 4  # each halves the sides: 32, 16, 8, 4, 2


class Config(Settings):
    """Settings of the convolutional VAE."""

    epochs: int = Field(50, ge=1, description="passes over the training images")
    batch_size: int = Field(256, ge=1, description="images a step; the last batch of an epoch may be smaller")
    learning_rate: float = Field(5e-4, gt=0, description="of Adam")
    latent_channels: int = Field(16, ge=1, description="channels of the latent variable, 2 x 2 for 28 x 28 pixels")
    hidden_channels: int = Field(64, ge=1, description="channels between the stages")
    residual_channels: int = Field(32, ge=1, description="channels inside the residual blocks")
    precision: Precision = Field("auto", description="arithmetic of the training step")
    curve_images: int = Field(1000, ge=1, description="test images behind each point of the learning curve")


def encoder_stage(inputs: int, outputs: int, hidden: int, residual: int) -> nn.Sequential:
    """Halve the side of the image."""
    return nn.Sequential(
        nn.Conv2d(inputs, hidden, 4, stride=2, padding=1),
        nn.ReLU(inplace=True),
        residual_stack(hidden, residual),
        nn.Conv2d(hidden, outputs, 3, padding=1),
    )


def decoder_stage(inputs: int, outputs: int, hidden: int, residual: int) -> nn.Sequential:
    """Double the side of the image."""
    return nn.Sequential(
        nn.Conv2d(inputs, hidden, 3, padding=1),
        residual_stack(hidden, residual),
        nn.ConvTranspose2d(hidden, outputs, 4, stride=2, padding=1),
    )


class Model(nn.Module):
    """Encoder and decoder; offers DrawsImages, HasImportanceWeightedBound, HasBernoulliDecoder and HasProposal."""

    treatment: ClassVar[Treatment] = "dynamically binarised"
    sample_treatment: ClassVar[Treatment] = "dynamically binarised"

    def __init__(self, config: Config, shape: Shape = DIGITS) -> None:
        super().__init__()
        hidden, residual, latent = config.hidden_channels, config.residual_channels, config.latent_channels
        self.shape = shape
        spare = [-side % 2**STAGES for side in reversed(shape)]  # columns first, as padding has it
        self.border = [size for each in spare for size in (each // 2, each - each // 2)]
        self.latent_shape = (latent, *(-(-side // 2**STAGES) for side in shape))
        self.encoder = nn.Sequential(
            *(
                encoder_stage(1 if i == 0 else hidden, 2 * latent if i == STAGES - 1 else hidden, hidden, residual)
                for i in range(STAGES)
            )
        )
        self.decoder = nn.Sequential(
            *(
                decoder_stage(latent if i == 0 else hidden, 1 if i == STAGES - 1 else hidden, hidden, residual)
                for i in range(STAGES)
            )
        )
        self.to(memory_format=torch.channels_last)

    def encode(self, x: Float[Tensor, "n d"]) -> tuple[Float[Tensor, "n l"], Float[Tensor, "n l"]]:
        """Mean and log standard deviation of q(z | x)."""
        mean, log_std = self.encoder(self._padded(x)).float().chunk(2, dim=1)
        return mean.flatten(1), log_std.flatten(1)

    def decode(self, z: Float[Tensor, "n l"]) -> Float[Tensor, "n 1 r s"]:
        """Logits of the pixel probabilities, border included."""
        codes = z.view(len(z), *self.latent_shape)
        logits: Tensor = self.decoder(codes.contiguous(memory_format=torch.channels_last))
        return logits.float()

    def bound(self, x: Float[Tensor, "n d"], generator: torch.Generator) -> dict[str, Float[Tensor, " n"]]:
        """Equation (2) in nats an image: ``bound`` = ``reconstruction`` - ``kl``."""
        mean, log_std = self.encode(x)
        noise = torch.randn(mean.shape, generator=generator, device=mean.device)
        reconstruction = bernoulli_log_prob(self._padded(x), self.decode(mean + torch.exp(log_std) * noise))
        kl = kl_to_standard_normal(mean, log_std)
        return {"bound": reconstruction - kl, "reconstruction": reconstruction, "kl": kl}

    def importance_weighted_bound(self, x: Float[Tensor, "n d"], k: int, generator: torch.Generator) -> Float[Tensor, " n"]:
        """Log (1/k) sum_j p(x | z_j) p(z_j) / q(z_j | x) with z_j ~ q(z | x), in nats (Burda et al. 2016, equation 8)."""
        mean, log_std = self.encode(x)
        target, variance = self._padded(x), torch.exp(2 * log_std)
        log_weights = []
        for _ in range(k):
            z = sample_gaussian(mean, variance, generator)
            log_ratio = standard_normal_log_prob(z) - gaussian_log_prob(z, mean, variance)
            log_weights.append(bernoulli_log_prob(target, self.decode(z)) + log_ratio)
        return log_mean_exp(torch.stack(log_weights))

    @property
    def latent_size(self) -> int:
        """Numbers in the code."""
        return math.prod(self.latent_shape)

    def pixel_logits(self, z: Float[Tensor, "n l"]) -> Float[Tensor, "n d"]:
        """Log-odds of the pixels of equation (1), border cut off."""
        return self._cropped(self.decode(z)).flatten(1)

    def log_likelihood_given(self, x: Float[Tensor, "n d"], z: Float[Tensor, "n l"]) -> Float[Tensor, " n"]:
        """Log p(x | z) of equation (1) in nats, over the d pixels: the border is summed out, while (2) asks for a black one."""
        return bernoulli_log_prob(x, self.pixel_logits(z))

    def simulate(self, n: int, generator: torch.Generator) -> tuple[Float[Tensor, "n l"], Float[Tensor, "n d"]]:
        """Draws (z, x) of equation (1), border cut off."""
        z = torch.randn((n, self.latent_size), generator=generator, device=generator.device)
        return z, sample_bernoulli(torch.sigmoid(self.pixel_logits(z)), generator)

    def proposal(self, x: Float[Tensor, "n d"]) -> tuple[Float[Tensor, "n l"], Float[Tensor, "n l l"]]:
        """Mean of q(z | x) and its standard deviations as a diagonal matrix."""
        mean, log_std = self.encode(x)
        return mean, torch.diag_embed(torch.exp(log_std))

    def sample(self, n: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Codes from the prior, decoded: pixel probabilities (``means``) and a Bernoulli draw of them (``samples``)."""
        z = torch.randn((n, self.latent_size), generator=generator, device=generator.device)
        means = self._cropped(torch.sigmoid(self.decode(z)))
        return {"samples": sample_bernoulli(means, generator).to(torch.uint8), "means": means}

    def reconstruct(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n h w"]:
        """Pixel probabilities decoded from the posterior mean."""
        return self._cropped(torch.sigmoid(self.decode(self.encode(x)[0])))

    def _padded(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n 1 r s"]:
        return pad(x.view(-1, 1, *self.shape), self.border).contiguous(memory_format=torch.channels_last)

    def _cropped(self, images: Float[Tensor, "n 1 r s"]) -> Float[Tensor, "n h w"]:
        return pad(images[:, 0], [-size for size in self.border])


def fit(config: Config, data: ImageData, context: Context) -> Fitted:
    """Maximise the mean of equation (2) with Adam; the history has bound, reconstruction and KL in nats an image.

    Raises:
        FloatingPointError: when the bound stops being finite.
    """
    generators, device = context.generators, context.device
    with generators.default("initialise"):
        model = Model(config, data.shape).to(device)
    optimiser = torch.optim.Adam(model.parameters(), lr=config.learning_rate, fused=True)
    binarise, latent = generators["binarise"], generators["latent"]

    def terms(batch: Tensor) -> dict[str, Tensor]:
        x = treat(data.train_images[batch], Model.treatment, binarise)
        return {name: value.mean() for name, value in model.bound(x, latent).items()}

    curve = treat(data.test_images[: config.curve_images], Model.treatment, generators.fresh("curve"))

    def evaluate(epoch: int) -> dict[str, dict[str, float]]:
        noise = generators.fresh("curve/latent")
        with torch.no_grad():
            parts = [model.bound(x, noise) for x in curve.split(500)]
        return {"test": {name: float(torch.cat([part[name] for part in parts]).mean()) for name in parts[0]}}

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
