"""No model: images drawn from the training set, whole or with a known fault. What the measures of sample quality give at best.

A perfect model draws images like those it was trained on, so a sample from the training set scores as well as any model can: the
floor of a distance, the ceiling of a share. Images that lack a digit, or that are few and come again, say what each measure sees.

Axis letters: n images.
"""

import time

import torch
from pydantic import Field
from torch import Tensor, nn

from dgm.data.tensors import DIGITS, ImageData, Treatment, treat
from dgm.settings import Settings
from dgm.training.fitted import Fitted
from dgm.training.loop import Context

__all__ = ["Config", "Model", "fit"]


class Config(Settings):
    """Settings of a sample from the training images."""

    treatment: Treatment = Field("grey", description="under which the images are shown")
    without_digit: int | None = Field(None, ge=0, le=9, description="a digit that is left out; null keeps all")
    distinct: int | None = Field(None, ge=1, description="draw from so many images only, again and again; null takes all")


class Model(nn.Module):
    """Stored training images; offers DrawsImages."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.sample_treatment: Treatment = config.treatment
        self.images = torch.zeros((1, *DIGITS), dtype=torch.uint8)
        self._drawn_with: torch.Generator | None = None
        self._order = torch.zeros(0, dtype=torch.int64)

    def get_extra_state(self) -> Tensor:
        """The images [n, h, w], uint8: extra state, because their number is known from the data alone."""
        return self.images

    def set_extra_state(self, state: Tensor) -> None:
        """Take the images from a saved model."""
        self.images = state

    def parameter_count(self) -> int:
        """Nothing is estimated."""
        return 0

    def sample(self, n: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Images in random order, each once before any comes again, and so on over further calls with the same generator."""
        if generator is not self._drawn_with:
            self._drawn_with, self._order = generator, self._order[:0]
        while len(self._order) < n:
            more = torch.randperm(len(self.images), generator=generator, device=generator.device).cpu()
            self._order = torch.cat([self._order, more])
        chosen, self._order = self._order[:n], self._order[n:]
        images = self.images.cpu()[chosen].to(generator.device)
        return {"samples": treat(images, self.sample_treatment, generator).view(images.shape)}


def fit(config: Config, data: ImageData, context: Context) -> Fitted:
    """Store the images to draw from. The history has their number.

    Raises:
        ValueError: when there are fewer images than asked for.
    """
    clock = time.perf_counter()
    kept = torch.arange(len(data.train_images), device=data.train_images.device)
    if config.without_digit is not None:
        kept = kept[data.train_labels != config.without_digit]
    wanted = config.distinct or len(kept)
    if wanted > len(kept):
        raise ValueError(f"run {context.run}: distinct = {wanted}, but there are {len(kept)} images to draw from")
    kept = kept[context.generators.permutation(len(kept), "distinct")[:wanted]]
    model = Model(config)
    model.images = data.train_images[kept].cpu()
    seconds = max(time.perf_counter() - clock, 1e-6)
    context.facts |= {"epochs": 1, "seconds_in_steps": round(seconds, 4), "images_per_second": round(wanted / seconds, 1)}
    return Fitted(model, [(1, 1, "train", "images", float(wanted))], context.facts)
