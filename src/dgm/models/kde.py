"""Kernel density estimate of points with Gaussian kernels; the bandwidth is the one with the highest validation likelihood.

The estimator is in :mod:`dgm.maths.kernel_density`. Axis letters: n kernels (the training points), m points, b bandwidths.
"""

import time
from typing import Annotated

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from dgm.data.tensors import ImageData, PointData
from dgm.maths import importance_sampling, kernel_density, measured, ring_mixture
from dgm.maths.measured import Measured, Measurements
from dgm.runtime.streams import Generators
from dgm.settings import Settings
from dgm.training.fitted import Fitted, HistoryRow
from dgm.training.loop import Context

__all__ = ["Config", "Model", "fit"]


class Config(Settings):
    """Settings of a kernel density estimate."""

    bandwidths: list[Annotated[float, Field(gt=0)]] = Field(
        kernel_density.BANDWIDTHS, min_length=1, description="standard deviations of the kernel to choose from"
    )


class Model(nn.Module):
    """A kernel at every training point; offers Sampler, HasDensity and Measures."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.bandwidths = config.bandwidths
        self.bandwidth: Tensor
        self.register_buffer("bandwidth", torch.tensor(config.bandwidths[0], dtype=torch.float64))
        self.kernels = torch.zeros((1, 2), dtype=torch.float64)

    def get_extra_state(self) -> Tensor:
        """The kernels [n, 2]: extra state, because their number is known from the data alone."""
        return self.kernels

    def set_extra_state(self, state: Tensor) -> None:
        """Take the kernels from a saved model."""
        self.kernels = state

    def parameter_count(self) -> int:
        """The coordinates of all kernels and the bandwidth."""
        return self.kernels.numel() + 1

    def log_density(self, x: Float[Tensor, "m 2"]) -> Float[Tensor, " m"]:
        """Log p(x) in nats."""
        values = kernel_density.log_density(_array(x), _array(self.kernels), float(self.bandwidth))
        return torch.from_numpy(values).to(x.device)

    def sample(self, n: int, generator: torch.Generator) -> dict[str, Tensor]:
        """A training point at random, and Gaussian noise of the chosen bandwidth around it."""
        kernels = self.kernels.to(generator.device)
        chosen = torch.randint(len(kernels), (n,), generator=generator, device=generator.device)
        noise = torch.randn((n, 2), generator=generator, dtype=torch.float64, device=generator.device)
        return {"samples": kernels[chosen] + self.bandwidth * noise}

    def measure(self, data: ImageData | PointData, generators: Generators) -> Measurements:
        """The chosen bandwidth, both curves over all bandwidths, and the density on a grid for the pictures."""
        assert isinstance(data, PointData)
        curves = {
            split: kernel_density.curve(_array(points), _array(self.kernels), self.bandwidths)
            for split, points in (("train", data.train), ("validation", data.validation))
        }
        axis, points = ring_mixture.grid(data.radius)
        density = np.exp(self.log_density(torch.from_numpy(points)).numpy()).reshape(len(axis), len(axis))
        arrays = {"bandwidths": np.array(self.bandwidths), **{f"curve_{split}": curve for split, curve in curves.items()}}
        test = self.log_density(data.test).cpu().numpy()
        readings = [
            ("bandwidth", "validation", Measured(float(self.bandwidth), n=len(self.bandwidths))),
            ("softmax_score", "test", measured.mean(importance_sampling.softmax_scores(test))),
        ]
        return Measurements(readings, {**arrays, "axis": axis, "density": density})


def _array(x: Tensor) -> Float[np.ndarray, "n 2"]:
    points: np.ndarray = x.double().cpu().numpy()
    return points


def fit(config: Config, data: PointData, context: Context) -> Fitted:
    """Put a kernel at every training point and keep the bandwidth under which the validation points are most likely.

    The history has the mean log-likelihood a point (nats) of training and validation points, one row a bandwidth, in the order of
    the settings. There is nothing random in it.

    Raises:
        ValueError: when no bandwidth has a finite validation likelihood.
    """
    clock = time.perf_counter()
    kernels = _array(data.train)
    scores = {
        split: kernel_density.curve(_array(getattr(data, split)), kernels, config.bandwidths) for split in ("train", "validation")
    }
    chosen = kernel_density.choose(config.bandwidths, scores["validation"])
    seconds = time.perf_counter() - clock
    model = Model(config)
    model.kernels = data.train.double().cpu()
    model.bandwidth.fill_(config.bandwidths[chosen])
    context.say(f"bandwidth {config.bandwidths[chosen]:.6g}: {scores['validation'][chosen]:.6f} nats a validation point")
    rows: list[HistoryRow] = [
        (0, i, split, "log_likelihood", float(value)) for split, curve in scores.items() for i, value in enumerate(curve)
    ]
    count = len(config.bandwidths)
    context.facts |= {
        "epochs": count,  # a bandwidth is one pass over the points
        "seconds_in_steps": round(seconds, 4),
        "images_per_second": round(count * len(kernels) / seconds, 1),
    }
    return Fitted(model.to(context.device), rows, context.facts)
