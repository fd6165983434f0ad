"""Independent pixels: the simplest distribution of binary images, a place to start a model from.

Density    log p(x) = sum_d x_d log p_d + (1 - x_d) log(1 - p_d),   p_d = sigmoid(a_d)          (1)

Name the paper and its section here. Axis letters: n images, d pixels.
"""

from typing import ClassVar

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from dgm.data.tensors import ImageData, Treatment, treat
from dgm.maths.distributions import bernoulli_log_prob
from dgm.settings import Settings
from dgm.training.fitted import Fitted
from dgm.training.loop import Context, ascent, train
from dgm.training.precision import Precision

__all__ = ["Config", "Model", "fit"]


class Config(Settings):
    """Settings of independent pixels."""

    epochs: int = Field(5, ge=1, description="passes over the training images")
    batch_size: int = Field(100, ge=1, description="images a step; the last batch of an epoch may be smaller")
    learning_rate: float = Field(1e-2, gt=0, description="of Adam")
    precision: Precision = Field("auto", description="arithmetic of the training step")


class Model(nn.Module):
    """A Bernoulli variable a pixel; offers DrawsImages and HasLogProb."""

    treatment: ClassVar[Treatment] = "thresholded"
    sample_treatment: ClassVar[Treatment] = "thresholded"

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(784))

    def log_prob(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """Log p(x) in nats, equation (1)."""
        log_prob: Tensor = bernoulli_log_prob(x, self.logits.expand_as(x))
        return log_prob

    def sample(self, n: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Images [n, 28, 28] of zeros and ones."""
        probabilities = torch.sigmoid(self.logits).expand(n, -1)
        return {"samples": torch.bernoulli(probabilities, generator=generator).view(n, 28, 28)}


def fit(config: Config, data: ImageData, context: Context) -> Fitted:
    """Maximise the mean of equation (1) with Adam; the history has the log-likelihood in nats an image on both splits.

    Raises:
        FloatingPointError: when the log-likelihood stops being finite.
    """
    generators, device = context.generators, context.device
    model = Model(config).to(device)
    optimiser = torch.optim.Adam(model.parameters(), lr=config.learning_rate, fused=True)
    noise = generators["treat"]
    test = treat(data.test_images, Model.treatment, generators.fresh("curve"))

    def terms(batch: Tensor) -> dict[str, Tensor]:
        return {"log_likelihood": model.log_prob(treat(data.train_images[batch], Model.treatment, noise)).mean()}

    def evaluate(epoch: int) -> dict[str, dict[str, float]]:
        with torch.no_grad():
            return {"test": {"log_likelihood": float(model.log_prob(test).mean())}}

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
