"""Generative adversarial network of two small convolutional networks: DNet tells images from imitations, GNet imitates.

Model          x = G(z),  z uniform on [-1, 1]^m                                                        (1)
Discriminator  L_D = 1/2 [E_x -log s(D(x)) + E_z -log(1 - s(D(G(z))))],  s the logistic function        (2)
Generator      L_G = E_z -log s(D(G(z)))                                                                (3)
Step           one gradient step of D on (2), then one of G on (3) with the same z and the updated D

(2) is minus one half of the value V(D, G) of the minimax game, so log 2 - L_D is a lower bound on the Jensen-Shannon divergence of
data and model, attained by the best D. (3) is the non-saturating loss. Images are grey levels in [0, 1]. At chosen epochs the model
keeps what G makes of one fixed batch of noise, and the weights of G that made it.

References: Goodfellow et al. 2014, equation 1 and algorithm 1 (one discriminator step a batch); He et al. 2015 (initial weights);
Wu et al. 2017 (likelihoods of generators with noise).
Axis letters: n images, d pixels, h rows and w columns of them, m latent numbers, k kept grids, g images a grid, v weights of G.
"""

import copy
import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from pydantic import Field, field_validator
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid
from torch.nn.init import kaiming_uniform_, zeros_
from torch.nn.utils import vector_to_parameters

from dgm.data.tensors import DIGITS, ImageData, Shape, Treatment, treat
from dgm.maths.measured import Measured, Measurements
from dgm.runtime.streams import Generators
from dgm.settings import Settings
from dgm.training.fitted import Fitted
from dgm.training.loop import Context, train
from dgm.training.precision import Precision, autocast, products, resolve

__all__ = [
    "Config",
    "DNet",
    "GNet",
    "Model",
    "Observed",
    "discriminator_loss",
    "fit",
    "generator_loss",
    "initialise",
    "train_step",
    "uniform_noise",
]

AT_ONCE = 500


class Config(Settings):
    """Settings of the adversarial training."""

    epochs: int = Field(100, ge=1, description="passes over the training images")
    batch_size: int = Field(256, ge=1, description="images a step; an incomplete last batch of an epoch is left out")
    learning_rate: float = Field(2e-4, gt=0, description="of both Adam optimisers")
    latent: int = Field(64, ge=1, description="numbers in the noise vector z, each uniform on [-1, 1]")
    grid_epochs: list[int] = Field(
        [10, 30, 100],
        min_length=1,
        description="rising epochs after which a grid of generated images is kept; one beyond the end of training means that end",
    )
    grid_images: int = Field(64, ge=1, description="images in a grid, always of the same noise")
    precision: Precision = Field("auto", description="arithmetic of the training step")

    @field_validator("grid_epochs")
    @classmethod
    def _rising(cls, epochs: list[int]) -> list[int]:
        if epochs[0] < 1 or sorted(set(epochs)) != epochs:
            raise ValueError("epochs must rise and start at 1 or later")
        return epochs


def initialise(net: nn.Module) -> None:
    """Weights of every child by ``kaiming_uniform_``, U(-b, b) with b = sqrt(6 / fan_in); biases zero (He et al. 2015)."""
    for layer in net.children():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            kaiming_uniform_(layer.weight)
            if layer.bias is not None:
                zeros_(layer.bias)


def _quarters(shape: Shape) -> Shape:
    """A quarter of the rows and of the columns: each network halves or doubles the sides twice."""
    if any(side % 4 for side in shape):
        raise ValueError(f"images of {shape[0]} x {shape[1]} pixels: both sides must be multiples of 4")
    return shape[0] // 4, shape[1] // 4


class DNet(nn.Sequential):
    """Image [n, 1, h, w] to the logit [n, 1] of its being real: 593 parameters for 28 x 28 pixels.

    Raises:
        ValueError: when the sides are no multiples of four.
    """

    def __init__(self, shape: Shape = DIGITS) -> None:
        rows, columns = _quarters(shape)
        super().__init__(
            nn.Conv2d(1, 2, 3, stride=1, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2, stride=2),
            nn.Conv2d(2, 4, 3, stride=1, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2, stride=2),
            nn.Conv2d(4, 8, 3, stride=1, padding=0),
            nn.ReLU(inplace=True),
            nn.Flatten(),
            nn.Linear(8 * (rows - 2) * (columns - 2), 1),
        )
        initialise(self)


class GNet(nn.Sequential):
    """Noise [n, m] to an image [n, 1, h, w] in [0, 1]: 1568 (m + 1) + 5857 parameters for 28 x 28 pixels.

    Raises:
        ValueError: when the sides are no multiples of four.
    """

    def __init__(self, latent: int, shape: Shape = DIGITS) -> None:
        rows, columns = _quarters(shape)
        super().__init__(
            nn.Linear(latent, 32 * rows * columns),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Unflatten(1, (32, rows, columns)),
            nn.Upsample(scale_factor=2, mode="nearest"),
            nn.Conv2d(32, 16, 3, stride=1, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Upsample(scale_factor=2, mode="nearest"),
            nn.Conv2d(16, 8, 3, stride=1, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(8, 1, 3, stride=1, padding=1),
            nn.Sigmoid(),
        )
        initialise(self)


def discriminator_loss(real: Float[Tensor, "n 1"], fake: Float[Tensor, "n 1"]) -> Float[Tensor, ""]:
    """Equation (2) in nats, from the logits of real and of generated images; log 2 for logits of zero."""
    on_real = binary_cross_entropy_with_logits(real, torch.ones_like(real))
    on_fake = binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))
    return (on_real + on_fake) / 2


def generator_loss(fake: Float[Tensor, "n 1"]) -> Float[Tensor, ""]:
    """Equation (3) in nats, from the logits of generated images; its derivative in a logit is (s(logit) - 1) / n."""
    return binary_cross_entropy_with_logits(fake, torch.ones_like(fake))


def uniform_noise(n: int, latent: int, generator: torch.Generator) -> Float[Tensor, "n m"]:
    """Draws of z, uniform on [-1, 1]^m."""
    return 2 * torch.rand((n, latent), generator=generator, device=generator.device) - 1


@dataclass(frozen=True)
class Observed:
    """G with noise, so that images have a density: offers HasDecoder.

    x ~ N(G(z), deviation^2 I) on dequantised pixels, z = 2 Phi(e) - 1 with e ~ N(0, I_m), Phi the standard normal distribution
    function: z is uniform on [-1, 1]^m as in equation (1), and the code e has the prior that annealing starts from
    (Wu et al. 2017, section 2). The density is spread over all of R^d, so a little of it lies outside the pixels' range.
    """

    generator: GNet
    latent_size: int
    deviation: float
    treatment: ClassVar[Treatment] = "dequantised"

    def images_from(self, e: Float[Tensor, "n m"]) -> Float[Tensor, "n d"]:
        """G(2 Phi(e) - 1)."""
        images: Tensor = self.generator(torch.erf(e / math.sqrt(2)))
        return images.flatten(1)

    def log_likelihood_given(self, x: Float[Tensor, "n d"], z: Float[Tensor, "n m"]) -> Float[Tensor, " n"]:
        """Log N(x; G, deviation^2 I) in nats, for codes ``z`` that are standard normal a priori (e above)."""
        variance = self.deviation**2
        squares = (x - self.images_from(z)).square().sum(1)
        return -0.5 * (squares / variance + x.shape[1] * math.log(2 * math.pi * variance))

    def simulate(self, n: int, generator: torch.Generator) -> tuple[Float[Tensor, "n m"], Float[Tensor, "n d"]]:
        """Codes e and noisy images."""
        e = torch.randn((n, self.latent_size), generator=generator, device=generator.device)
        images = self.images_from(e)
        return e, images + self.deviation * torch.randn(images.shape, generator=generator, device=images.device)


class Model(nn.Module):
    """Both networks and the grids kept during training.

    Offers DrawsImages, KeepsSnapshots, Describes, Measures and HasNoiselessDecoder.
    """

    treatment: ClassVar[Treatment] = "grey"
    sample_treatment: ClassVar[Treatment] = "grey"
    grid_noise: Tensor  # [g, m], the noise behind every grid
    grids: Tensor  # [k, g, h, w] in [0, 1]
    grid_epochs: Tensor  # [k], the epochs after which the grids were made; 0 where none was
    grid_weights: Tensor  # [k, v], the generator's parameters at those epochs

    def __init__(self, config: Config, shape: Shape = DIGITS) -> None:
        super().__init__()
        self.shape = shape
        self.latent = config.latent
        self.discriminator = DNet(shape)
        self.generator = GNet(config.latent, shape)
        self.to(memory_format=torch.channels_last)
        kept, images = len(config.grid_epochs), config.grid_images
        weights = sum(parameter.numel() for parameter in self.generator.parameters())
        self.register_buffer("grid_noise", torch.zeros(images, config.latent))
        self.register_buffer("grids", torch.zeros(kept, images, *shape))
        self.register_buffer("grid_epochs", torch.zeros(kept, dtype=torch.int64))
        self.register_buffer("grid_weights", torch.zeros(kept, weights))

    def images_from(self, z: Float[Tensor, "n m"]) -> Float[Tensor, "n h w"]:
        """G(z)."""
        images: Tensor = self.generator(z)
        return images[:, 0]

    def sample(self, n: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Equation (1): ``samples`` [n, h, w] in [0, 1]."""
        return {"samples": self.images_from(uniform_noise(n, self.latent, generator))}

    def observed(self, deviation: float) -> Observed:
        """G with normal noise of this standard deviation on each pixel.

        Raises:
            ValueError: when the deviation is not positive.
        """
        if not deviation > 0:
            raise ValueError(f"observation noise: got standard deviation {deviation}; it must be positive")
        return Observed(self.generator, self.latent, deviation)

    def keep_grid(self, place: int, epoch: int) -> None:
        """Keep G(grid_noise), the epoch and G's parameters in row ``place`` of the buffers."""
        with torch.no_grad():
            self.grids[place] = self.images_from(self.grid_noise)
            self.grid_weights[place] = torch.cat([parameter.flatten() for parameter in self.generator.parameters()])
        self.grid_epochs[place] = epoch

    def snapshots(self) -> int:
        """Number of generators kept during training."""
        return len(self.grid_weights)

    def sample_at(self, place: int, n: int, generator: torch.Generator) -> Float[Tensor, "n h w"]:
        """Equation (1) with the generator kept in row ``place``: images in [0, 1]."""
        kept = copy.deepcopy(self.generator)
        vector_to_parameters(self.grid_weights[place], kept.parameters())
        images: Tensor = kept(uniform_noise(n, self.latent, generator))
        return images[:, 0]

    def describe(self) -> dict[str, Tensor]:
        """The grids kept during training, each named by its epoch's place: ``grid_noise``, ``grids``, ``grid_epochs``."""
        return {"grid_noise": self.grid_noise, "grids": self.grids, "grid_epochs": self.grid_epochs}

    def measure(self, data: ImageData, generators: Generators) -> Measurements:
        """How the discriminator judges images it has not seen against as many samples, and how far the grids are from the data.

        Readings: ``jsd_bound``, log 2 - L_D in nats, a lower bound on the Jensen-Shannon divergence of data and model; the mean
        probability of being real that D gives to test images (split ``test``) and to samples (split ``samples``); and
        ``neighbour_distance``, the mean Euclidean distance of an image from its nearest training image, for test images and for
        as many draws of each kept generator (splits ``grid_1`` ...). Array: ``neighbour_distance_test`` [n].
        """
        test = treat(data.test_images, self.treatment).view(-1, 1, *self.shape)
        noise = uniform_noise(len(test), self.latent, generators["noise"])
        real = torch.cat([self.discriminator(part) for part in test.split(AT_ONCE)])
        fake = torch.cat([self.discriminator(self.generator(part)) for part in noise.split(AT_ONCE)])
        (on_real, error_real), (on_fake, error_fake) = (_mean(-logsigmoid(logits)) for logits in (real, -fake))
        bound = math.log(2) - (on_real + on_fake) / 2
        error = math.hypot(error_real, error_fake) / 2  # images and samples are independent
        readings = [("jsd_bound", "test", Measured(bound, error, len(test), "nats"))]
        for split, logits in (("test", real), ("samples", fake)):
            readings.append(("probability_real", split, Measured(*_mean(torch.sigmoid(logits)), len(test), "probability")))
        known = treat(data.train_images, self.treatment)
        places = {"test": test} | {
            f"grid_{place + 1}": self.sample_at(place, len(test), generators[f"measure/grid_{place}"])
            for place in range(self.snapshots())
        }
        distances = {
            split: torch.cat([torch.cdist(part, known).min(1).values for part in images.flatten(1).split(AT_ONCE)])
            for split, images in places.items()
        }
        readings += [("neighbour_distance", split, Measured(*_mean(found), len(found))) for split, found in distances.items()]
        return Measurements(readings, {"neighbour_distance_test": distances["test"].cpu().numpy()})


def _mean(values: Float[Tensor, "n 1"]) -> tuple[float, float]:
    """Mean and its standard error."""
    values = values.double()
    return float(values.mean()), float(values.std() / math.sqrt(len(values)))


def train_step(
    model: Model,
    images: Float[Tensor, "n d"],
    z: Float[Tensor, "n m"],
    optimisers: tuple[torch.optim.Optimizer, torch.optim.Optimizer],
    precision: Precision = "float32",
) -> dict[str, Tensor]:
    """One step of D on equation (2), then one of G on equation (3) with the same noise; returns both losses and D's mean verdicts.

    The generated images are computed once, because the step of D leaves G as it is; D sees them twice, first without history.
    Real and generated images pass D as one batch, which gives the same sums: no layer mixes images.
    """
    device = images.device
    of_discriminator, of_generator = optimisers
    real = images.view(-1, 1, *model.shape).contiguous(memory_format=torch.channels_last)
    with autocast(precision, device):
        fake = model.generator(z)
        logits = model.discriminator(torch.cat([real.to(fake.dtype), fake.detach()])).float()
    on_real, on_fake = logits.chunk(2)
    first = discriminator_loss(on_real, on_fake)
    of_discriminator.zero_grad(set_to_none=True)
    first.backward()
    of_discriminator.step()

    model.discriminator.requires_grad_(requires_grad=False)  # D only hands the gradient on; its own would be work for nothing
    with autocast(precision, device):
        second = generator_loss(model.discriminator(fake).float())
    of_generator.zero_grad(set_to_none=True)
    second.backward()
    of_generator.step()
    model.discriminator.requires_grad_(requires_grad=True)
    return {
        "discriminator_loss": first,
        "generator_loss": second,
        "probability_real": torch.sigmoid(on_real.detach()).mean(),
        "probability_fake": torch.sigmoid(on_fake.detach()).mean(),
    }


def fit(config: Config, data: ImageData, context: Context) -> Fitted:
    """Train both networks against each other; the history has both losses in nats and D's mean verdicts on images and imitations.

    Raises:
        FloatingPointError: when a loss stops being finite.
        ValueError: when the data are fewer than one batch, or the sides of the images no multiples of four.
    """
    generators, device = context.generators, context.device
    with generators.default("initialise"):
        model = Model(config, data.shape).to(device)
    model.grid_noise.copy_(uniform_noise(config.grid_images, config.latent, generators.fresh("grid")))
    of_discriminator, of_generator = (
        torch.optim.Adam(net.parameters(), lr=config.learning_rate, fused=True) for net in (model.discriminator, model.generator)
    )
    noise = generators["noise"]
    context.facts["precision"] = resolve(config.precision, device)

    def step(batch: Tensor) -> dict[str, Tensor]:
        images = treat(data.train_images[batch], Model.treatment)
        z = uniform_noise(len(batch), config.latent, noise)
        with products(config.precision, device):
            return train_step(model, images, z, (of_discriminator, of_generator), config.precision)

    def keep(epoch: int) -> dict[str, dict[str, float]]:
        if epoch in config.grid_epochs:
            model.keep_grid(config.grid_epochs.index(epoch), epoch)
        return {}

    history = train(
        step,
        n=len(data.train_images),
        batch_size=config.batch_size,
        epochs=config.epochs,
        state={"model": model, "of_discriminator": of_discriminator, "of_generator": of_generator},
        context=context,
        evaluate=keep,
        drop_last=True,
    )
    for place in torch.nonzero(model.grid_epochs == 0).flatten().tolist():
        model.keep_grid(place, history[-1][0])
    return Fitted(model, history, context.facts)
