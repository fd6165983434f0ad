"""NICE: non-linear independent components estimation, a normalising flow of additive coupling layers.

Coupling   y_a = x_a,  y_b = x_b + m(x_a)          |det J| = 1, inverted by subtracting       (1)
Scaling    z = exp(s) * y                            log |det J| = sum_d s_d                    (2)
Density    log p(x) = sum_d log p_L(z_d) + sum_d s_d,  p_L the standard logistic law           (3)

The image is flattened row by row and cut into its upper and lower half; the layers alternate which half is changed. A change of
variables needs a density on a continuum, so pixels are dequantised: x = (pixel + u) / 256.

References: Dinh, Krueger & Bengio 2015, sections 3 and 5. Axis letters: n images, d pixels.
"""

import itertools
import math
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from dgm.data.tensors import DIGITS, ImageData, Shape, Treatment, treat
from dgm.maths.distributions import sample_logistic, standard_logistic_log_prob
from dgm.settings import Settings
from dgm.training.fitted import Fitted
from dgm.training.loop import Context, ascent, train
from dgm.training.precision import Precision

__all__ = ["AdditiveCoupling", "Config", "Model", "fit"]


class Config(Settings):
    """Settings of a NICE model."""

    epochs: int = Field(50, ge=1, description="passes over the training images")
    batch_size: int = Field(256, ge=1, description="images a step; the last batch of an epoch may be smaller")
    learning_rate: float = Field(1e-3, gt=0, description="of Adam")
    scale_learning_rate: float | None = Field(None, gt=0, description="of the log-scales; null means the same as the rest")
    couplings: int = Field(4, ge=1, description="number of additive coupling layers")
    hidden_layers: int = Field(5, ge=1, description="hidden ReLU layers of each coupling network")
    hidden_units: int = Field(1000, ge=1, description="units of each hidden layer")
    precision: Precision = Field("auto", description="arithmetic of the training step")
    curve_images: int = Field(2000, ge=1, description="test images behind each point of the learning curve")


class AdditiveCoupling(nn.Module):
    """Equation (1): adds a function of one half to the other half; of an odd number of pixels the upper half has one more."""

    def __init__(self, changes_upper: bool, hidden_layers: int, hidden_units: int, pixels: int = math.prod(DIGITS)) -> None:
        super().__init__()
        self.changes_upper = changes_upper
        lower, upper = pixels // 2, pixels - pixels // 2
        given, changed = (lower, upper) if changes_upper else (upper, lower)
        widths = [given, *[hidden_units] * hidden_layers]
        layers: list[nn.Module] = []
        for inputs, outputs in itertools.pairwise(widths):
            layers += [nn.Linear(inputs, outputs), nn.ReLU()]
        self.m = nn.Sequential(*layers, nn.Linear(hidden_units, changed))

    def forward(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """Data to latent: add."""
        return self._shifted(x, 1.0)

    def inverse(self, y: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """Latent to data: subtract."""
        return self._shifted(y, -1.0)

    def _shifted(self, x: Tensor, sign: float) -> Tensor:
        upper, lower = x.chunk(2, dim=1)
        if self.changes_upper:
            return torch.cat([upper + sign * self.m(lower), lower], 1)
        return torch.cat([upper, lower + sign * self.m(upper)], 1)


class Model(nn.Module):
    """The flow; offers DrawsImages and HasLogProb."""

    treatment: ClassVar[Treatment] = "dequantised"
    sample_treatment: ClassVar[Treatment] = "grey"

    def __init__(self, config: Config, shape: Shape = DIGITS) -> None:
        super().__init__()
        self.shape, pixels = shape, math.prod(shape)
        self.couplings = nn.ModuleList(
            AdditiveCoupling(i % 2 == 1, config.hidden_layers, config.hidden_units, pixels) for i in range(config.couplings)
        )
        self.log_scale = nn.Parameter(torch.zeros(pixels))

    def forward(self, x: Float[Tensor, "n d"]) -> tuple[Float[Tensor, "n d"], Float[Tensor, ""]]:
        """Latent code z and log |det dz/dx|, which is the same for every x."""
        for coupling in self.couplings:
            x = coupling(x)
        return x * torch.exp(self.log_scale), self.log_scale.sum()

    def inverse(self, z: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """The image whose latent code is z."""
        x = z * torch.exp(-self.log_scale)
        for coupling in reversed(self.couplings):
            assert isinstance(coupling, AdditiveCoupling)
            x = coupling.inverse(x)
        return x

    def log_prob(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """log p(x) in nats for dequantised x in [0, 1), equation (3)."""
        z, log_det = self(x)
        log_prob: Tensor = standard_logistic_log_prob(z) + log_det
        return log_prob

    def sample(self, n: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Images from the prior of the training (``samples``) and from standard normal codes (``low_temperature``).

        The normal law has 0.551 times the logistic law's standard deviation pi / sqrt(3), so the second set shows the model at a
        reduced temperature. Values are not clipped to [0, 1].
        """
        size = (n, len(self.log_scale))
        logistic = sample_logistic(size, generator)
        normal = torch.randn(size, generator=generator, device=generator.device)
        codes = {"samples": logistic, "low_temperature": normal}
        return {name: self.inverse(z).view(n, *self.shape) for name, z in codes.items()}


def fit(config: Config, data: ImageData, context: Context) -> Fitted:
    """Maximise the mean of equation (3) with Adam; the history has the log-likelihood in nats an image on both splits.

    Raises:
        FloatingPointError: when the log-likelihood stops being finite.
    """
    generators, device = context.generators, context.device
    with generators.default("initialise"):
        model = Model(config, data.shape).to(device)
    groups: list[dict[str, Any]] = [
        {"params": list(model.couplings.parameters())},
        {"params": [model.log_scale], "lr": config.scale_learning_rate or config.learning_rate},
    ]
    optimiser = torch.optim.Adam(groups, lr=config.learning_rate, fused=True)
    noise = generators["dequantise"]

    def terms(batch: Tensor) -> dict[str, Tensor]:
        return {"log_likelihood": model.log_prob(treat(data.train_images[batch], Model.treatment, noise)).mean()}

    curve = treat(data.test_images[: config.curve_images], Model.treatment, generators.fresh("curve"))

    def evaluate(epoch: int) -> dict[str, dict[str, float]]:
        with torch.no_grad():
            values = torch.cat([model.log_prob(x) for x in curve.split(1000)])
        return {"test": {"log_likelihood": float(values.mean()), "log_likelihood_median": float(values.median())}}

    history = train(
        ascent(terms, objective="log_likelihood", optimiser=optimiser, precision=config.precision, context=context),
        n=len(data.train_images),
        batch_size=config.batch_size,
        epochs=config.epochs,
        state={"model": model, "optimiser": optimiser},
        context=context,
        evaluate=evaluate,
    )
    return Fitted(model, history, context.facts)
