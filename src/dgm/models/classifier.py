"""A small digit classifier, convolutional or a perceptron: the measuring instrument for sample quality, never a generative model.

Samples arrive as grey levels (NICE), as binary pixels (mixture, VAE) or as probabilities. A classifier trained on grey levels alone
would call binary digits strange for their texture, so every training image is shown grey, thresholded or Bernoulli-drawn at
random, shifted by up to two pixels.

Axis letters: n images, d pixels, h rows and w columns of them, f = 128 features.
"""

import math
from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from dgm.data.tensors import DIGITS, ImageData, Shape
from dgm.settings import Settings
from dgm.training.fitted import Fitted
from dgm.training.loop import Context, ascent, train
from dgm.training.precision import Precision

__all__ = ["Config", "Model", "fit"]


class Config(Settings):
    """Settings of the classifier."""

    architecture: Literal["convolutional", "perceptron"] = Field(
        "convolutional", description="two convolutions, or fully connected layers of 256 and 128 units"
    )
    epochs: int = Field(10, ge=1, description="passes over the training images")
    batch_size: int = Field(128, ge=1, description="images a step")
    learning_rate: float = Field(1e-3, gt=0, description="of Adam; falls to zero along half a cosine")
    shift: int = Field(2, ge=0, le=6, description="largest random shift of a training image, in pixels")
    precision: Precision = Field("auto", description="arithmetic of the training step")


def convolutional(shape: Shape) -> nn.Sequential:
    """Image [n, 1, h, w] to features [n, 128] by two convolutions."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64 * (shape[0] // 4) * (shape[1] // 4), 128),
        nn.ReLU(),
    )


def perceptron(shape: Shape) -> nn.Sequential:
    """Image [n, 1, h, w] to features [n, 128] by fully connected layers, which know nothing of neighbouring pixels."""
    return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU())


class Model(nn.Module):
    """A body that ends in 128 features, and a linear head for ten classes; offers Classifies."""

    def __init__(self, config: Config, shape: Shape = DIGITS) -> None:
        super().__init__()
        self.shape = shape
        self.body = (convolutional if config.architecture == "convolutional" else perceptron)(shape)
        self.head = nn.Linear(128, 10)
        self.to(memory_format=torch.channels_last)

    def features(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n 128"]:
        """The last hidden layer, on which sample distances are computed."""
        values: Tensor = self.body(x.view(-1, 1, *self.shape).contiguous(memory_format=torch.channels_last))
        return values.float()

    def logits(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n 10"]:
        """Unnormalised log-probabilities."""
        values: Tensor = self.head(self.features(x))
        return values.float()

    def classify(self, features: Float[Tensor, "n 128"]) -> Float[Tensor, "n 10"]:
        """Log-probabilities of the ten digits from the features of images."""
        values: Tensor = self.head(features)
        return values.float().log_softmax(1)

    def log_probabilities(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n 10"]:
        """Log-probabilities of the ten digits for images in [0, 1]."""
        return self.classify(self.features(x))


def augment(images: Tensor, shift: int, generator: torch.Generator) -> Float[Tensor, "n d"]:
    """Grey, thresholded or Bernoulli-drawn with equal chance, shifted by up to ``shift`` pixels along each axis."""
    grey = images.float() / 255
    n, device = len(grey), grey.device
    noise = torch.rand(grey.shape, generator=generator, device=device)
    style = torch.randint(3, (n, 1, 1), generator=generator, device=device)
    x = torch.where(style == 0, grey, torch.where(style == 1, (grey > 0.5).float(), (noise < grey).float()))
    x = nn.functional.pad(x, (shift,) * 4)
    down, right = torch.randint(2 * shift + 1, (2, n, 1), generator=generator, device=device)
    rows = (down + torch.arange(images.shape[1], device=device)).unsqueeze(2)
    columns = (right + torch.arange(images.shape[2], device=device)).unsqueeze(1)
    return x[torch.arange(n, device=device).view(n, 1, 1), rows, columns].flatten(1)


def fit(config: Config, data: ImageData, context: Context) -> Fitted:
    """Maximise the log-probability of the right digit with Adam; the history has it (nats) and the test accuracy.

    Raises:
        FloatingPointError: when the log-probability stops being finite.
    """
    generators, device = context.generators, context.device
    with generators.default("initialise"):
        model = Model(config, data.shape).to(device)
    optimiser = torch.optim.Adam(model.parameters(), lr=config.learning_rate, fused=True)
    steps = config.epochs * -(-len(data.train_images) // config.batch_size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)

    def terms(batch: Tensor) -> dict[str, Tensor]:
        x = augment(data.train_images[batch], config.shift, generators["augment"])
        return {"log_probability": -cross_entropy(model.logits(x), data.train_labels[batch])}

    def evaluate(epoch: int) -> dict[str, dict[str, float]]:
        with torch.no_grad():
            parts = [model.logits(x.flatten(1).float() / 255).argmax(1) for x in data.test_images.split(1000)]
        return {"test": {"accuracy": float((torch.cat(parts) == data.test_labels).float().mean())}}

    history = train(
        ascent(
            terms,
            objective="log_probability",
            optimiser=optimiser,
            precision=config.precision,
            context=context,
        ),
        n=len(data.train_images),
        batch_size=config.batch_size,
        epochs=config.epochs,
        state={"model": model, "optimiser": optimiser, "schedule": schedule},
        context=context,
        evaluate=evaluate,
    )
    return Fitted(model, history, context.facts)
