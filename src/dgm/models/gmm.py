"""Mixture of Gaussians with identity covariance for points, fitted by expectation maximisation.

The mathematics, with equation numbers, is in :mod:`dgm.maths.unit_mixture`; this module gives it settings, restarts that survive an
interruption, and the abilities of a model. Axis letters: n points, k components.
"""

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from dgm.data.tensors import ImageData, PointData
from dgm.maths import measured, ring_mixture, unit_mixture
from dgm.maths.measured import Measured, Measurements
from dgm.maths.unit_mixture import ITERATIONS, RESTARTS, TOLERANCE, Fit
from dgm.runtime.streams import Generators
from dgm.settings import Settings
from dgm.training.fitted import Fitted
from dgm.training.loop import Context
from dgm.training.restarts import Attempt, best_of

__all__ = ["Config", "Model", "fit"]


class Config(Settings):
    """Settings of a mixture of Gaussians."""

    components: int = Field(10, ge=1, le=1000, description="number K of mixture components")
    restarts: int = Field(RESTARTS, ge=1, description="k-means++ starts; the fit with the highest training likelihood is kept")
    iterations: int = Field(ITERATIONS, ge=1, description="at most so many EM iterations a start")
    tolerance: float = Field(TOLERANCE, ge=0, lt=1, description="stop when an iteration gains less than this, in nats a point")


class Model(nn.Module):
    """A fitted mixture; offers Sampler, Describes, HasDensity and Measures."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.means: Tensor
        self.weights: Tensor
        self.register_buffer("means", torch.zeros((config.components, 2), dtype=torch.float64))
        self.register_buffer("weights", torch.full((config.components,), 1 / config.components, dtype=torch.float64))

    def parameter_count(self) -> int:
        """2 K coordinates of means and K - 1 free weights."""
        return self.means.numel() + len(self.weights) - 1

    def log_density(self, x: Float[Tensor, "n 2"]) -> Float[Tensor, " n"]:
        """Log p(x) in nats."""
        values = unit_mixture.e_step(x.double().cpu().numpy(), self.means.cpu().numpy(), self.weights.cpu().numpy())[1]
        return torch.from_numpy(values).to(x.device)

    def sample(self, n: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Ancestral sampling: a component from the weights, then a point around its mean."""
        components = torch.multinomial(self.weights, n, replacement=True, generator=generator)
        noise = torch.randn((n, 2), generator=generator, dtype=torch.float64, device=self.means.device)
        return {"samples": self.means[components] + noise, "components": components}

    def describe(self) -> dict[str, Tensor]:
        """``means`` [k, 2] and ``weights`` [k]."""
        return {"means": self.means, "weights": self.weights}

    def measure(self, data: ImageData | PointData, generators: Generators) -> Measurements:
        """Errors of means and weights after matching the components to the true ones, and the training likelihood over the truth's.

        Where the numbers of components differ there is no matching, and only the fitted parameters are returned.
        """
        assert isinstance(data, PointData)
        means, weights = self.means.cpu().numpy(), self.weights.cpu().numpy()
        arrays = {"means": means, "weights": weights}
        if len(means) != data.components:
            return Measurements([], arrays)
        truth = ring_mixture.means(data.components, data.radius)
        matched = unit_mixture.match(means, weights, truth, np.full(data.components, 1 / data.components))
        points = _points(data)
        gain = unit_mixture.e_step(points, means, weights)[1] - ring_mixture.log_density(points, data.components, data.radius)
        readings = [
            ("mean_error", "model", Measured(matched.mean_error, n=len(means))),
            ("weight_error", "model", Measured(matched.weight_error, n=len(means))),
            ("smallest_weight", "model", Measured(float(weights.min()), n=len(means))),
            ("largest_weight", "model", Measured(float(weights.max()), n=len(means))),
            ("training_gain", "model", measured.mean(gain)),
        ]
        order = matched.order
        return Measurements(readings, {"means": means[order], "weights": weights[order], "true_means": truth})


def _points(data: PointData) -> Float[np.ndarray, "n 2"]:
    points: np.ndarray = data.train.double().cpu().numpy()
    return points


def fit(config: Config, data: PointData, context: Context) -> Fitted:
    """Fit by EM from several k-means++ starts and keep the one with the highest training log-likelihood.

    The history has the mean log-likelihood a point (nats) of every start (``log_likelihood/start_<i>``) and of the one kept
    (``log_likelihood``), one row an iteration.

    Raises:
        ValueError: when there are fewer points than components.
        FloatingPointError: when the log-likelihood is not finite.
    """
    points = _points(data)
    if len(points) < config.components:
        raise ValueError(f"run {context.run}: {config.components} components need at least as many points; got {len(points)}")
    iterations = min(config.iterations, context.max_steps or config.iterations)

    def begin(start: int) -> Attempt:
        seed = context.generators.seed_of(f"start/{start}") % 2**32  # what scikit-learn takes
        means, weights = unit_mixture.start(points, config.components, seed)
        return _attempt(start, Fit(means, weights))

    def improve(at: Attempt) -> Attempt:
        fit = Fit(at.parameters["means"].numpy(), at.parameters["weights"].numpy(), at.trace)
        return _attempt(at.start, unit_mixture.iterate(points, fit, iterations, config.tolerance))

    def judge(at: Attempt) -> tuple[float, str]:
        return at.trace[-1], f"{at.passes - 1} iterations, {at.trace[-1]:.6f} nats a point"

    best = best_of(begin, improve, judge, restarts=config.restarts, n=len(points), context=context)
    context.facts |= best.facts()
    model = Model(config)
    model.means.copy_(best.parameters["means"])
    model.weights.copy_(best.parameters["weights"])
    return Fitted(model.to(context.device), best.curves(), context.facts)


def _attempt(start: int, fit: Fit) -> Attempt:
    parameters = {"means": torch.from_numpy(fit.means), "weights": torch.from_numpy(fit.weights)}
    return Attempt(start, parameters, fit.trace, passes=len(fit.trace), finished=fit.finished)
