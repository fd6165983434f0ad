"""Energy-based model of points in the plane, trained by maximum likelihood with self-normalised importance sampling.

Model      p(x) = exp(E(x) - A),   A = log int exp(E(x)) dx,   E: 2 - h - ReLU - h - ReLU - 1          (1)
           E is the logarithm of the density before it is normalised, minus what physics calls the energy.
Gradient   grad mean_i log p(x_i) = mean_i grad E(x_i) - E_p[grad E]                                     (2)
Estimate   E_p[f] ~ sum_m wbar_m f(X_m),   wbar = softmax(E(X_m) - log q(X_m)),   X_m ~ q                (3)
Objective  mean_i E(x_i) - A_hat,   A_hat = logsumexp_m(E(X_m) - log q(X_m)) - log M                     (4)

The gradient of (4) is (2) with the estimate (3) in it, so one backward pass through (4) does what a loop over parameters would.
In the plane A can also be had by a quadrature; the trained model keeps that one, and :meth:`Model.measure` holds the estimate
against it.

References: Owen 2013, chapter 9; Song & Kingma 2021. Axis letters: n points, m proposal points, h hidden units, g grid
cells.
"""

import math
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from dgm.data.tensors import ImageData, PointData
from dgm.maths import importance_sampling, measured, ring_mixture
from dgm.maths.distributions import log_mean_exp
from dgm.maths.measured import Measured, Measurements
from dgm.runtime.streams import Generators
from dgm.settings import Settings
from dgm.training.fitted import Fitted
from dgm.training.loop import Context, ascent, train

__all__ = ["Config", "Model", "fit", "objective"]

CELLS = 800  # of the quadrature along each side of the square
REACH = 3.0  # half-width of the square beyond which no mass is looked for, in half-widths of the one around the data
FRESH = 200_000  # proposal points behind the measured estimate of the normaliser
AT_ONCE = 50_000
SHOWN = 2000


class Config(Settings):
    """Settings of the energy-based model."""

    hidden_units: int = Field(64, ge=1, description="h, units of each of the two hidden layers")
    proposal: Literal["gaussian", "box"] = Field(
        "gaussian",
        description="q: an inflated Gaussian with the mean and variance of the data, or the uniform law on a square around them",
    )
    inflation: float = Field(1.2, gt=0, description="of the Gaussian proposal: its standard deviation over that of the data")
    margin: float = Field(3.0, gt=0, description="distance from the data to the edge of the square, in each coordinate")
    proposal_samples: int = Field(4096, ge=2, description="M, fresh points of the proposal at every step")
    epochs: int = Field(600, ge=1, description="passes over the training points")
    batch_size: int = Field(200, ge=1, description="training points a step")
    learning_rate: float = Field(5e-3, gt=0, description="of Adam at the start; it falls to zero along a cosine")
    curve_every: int = Field(10, ge=1, description="epochs between two points of the learning curve")


class Model(nn.Module):
    """A normalised density with a network as its exponent; offers Sampler, HasDensity and Measures."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        h = config.hidden_units
        self.network = nn.Sequential(nn.Linear(2, h), nn.ReLU(), nn.Linear(h, h), nn.ReLU(), nn.Linear(h, 1))
        self.proposal = config.proposal
        self.centre: Tensor
        self.half_width: Tensor
        self.spread: Tensor
        self.log_normaliser: Tensor
        self.register_buffer("centre", torch.zeros(2))
        self.register_buffer("half_width", torch.ones(()))
        self.register_buffer("spread", torch.ones(()))
        self.register_buffer("log_normaliser", torch.zeros((), dtype=torch.float64))

    def settle(self, data: Float[Tensor, "n 2"], config: Config) -> None:
        """Place the proposal, and the square that the quadrature and the samples cover, around the data."""
        self.centre.copy_(data.mean(0))
        self.half_width.copy_((data - self.centre).abs().max() + config.margin)
        self.spread.copy_(config.inflation * (data - self.centre).square().mean().sqrt())

    def energy(self, x: Float[Tensor, "n 2"]) -> Float[Tensor, " n"]:
        """E(x), the log-density up to a constant."""
        energies: Tensor = self.network(x).squeeze(1)
        return energies

    def log_density(self, x: Float[Tensor, "n 2"]) -> Float[Tensor, " n"]:
        """Log p(x) = E(x) - A in nats, with A from the quadrature."""
        return torch.cat([self.energy(part) for part in x.split(AT_ONCE)]).double() - self.log_normaliser

    def propose(self, m: int, generator: torch.Generator) -> Float[Tensor, "m 2"]:
        """Draw X_1..X_m from the proposal q."""
        if self.proposal == "box":
            unit = torch.rand((m, 2), generator=generator, device=self.centre.device)
            return self.centre + self.half_width * (2 * unit - 1)
        return self.centre + self.spread * torch.randn((m, 2), generator=generator, device=self.centre.device)

    def log_proposal(self, x: Float[Tensor, "m 2"]) -> Float[Tensor, " m"]:
        """Log q(x)."""
        if self.proposal == "box":
            inside = ((x - self.centre).abs() <= self.half_width).all(1)
            return torch.where(inside, -2 * torch.log(2 * self.half_width), -math.inf)
        squares = ((x - self.centre) / self.spread).square().sum(1)
        return -0.5 * squares - 2 * torch.log(self.spread) - math.log(2 * math.pi)

    def log_weights(self, m: int, generator: torch.Generator) -> Float[Tensor, " m"]:
        """Log w = E(X) - log q(X) for fresh proposal points."""
        x = self.propose(m, generator)
        return self.energy(x) - self.log_proposal(x)

    def log_mass(self, reach: float = 1.0, cells: int = CELLS) -> float:
        """Log of the integral of exp(E) over the square around the data, ``reach`` times as wide, by midpoints of its cells."""
        centres, area = self._cells(cells, reach)
        with torch.no_grad():
            total = torch.stack([self.energy(part).double().logsumexp(0) for part in centres.split(AT_ONCE)]).logsumexp(0)
        return float(total) + math.log(area)

    def normalise(self, cells: int = CELLS) -> None:
        """Set A so that the density integrates to one over the square around the data."""
        self.log_normaliser.fill_(self.log_mass(cells=cells))

    def slopes(self, directions: int = 3600) -> Float[Tensor, " d"]:
        """Slope of E along rays from the origin, far beyond the last kink: exp(E) has a finite integral where all are negative.

        Far out a ReLU network is linear along a ray, E(t u) = t s(u) + const, and s(u) is the same network without its biases.
        """
        angle = 2 * math.pi * torch.arange(directions, device=self.centre.device) / directions
        x = torch.stack([torch.cos(angle), torch.sin(angle)], dim=1).to(self.centre)
        linear = [layer for layer in self.network if isinstance(layer, nn.Linear)]
        for layer in linear[:-1]:
            x = torch.relu(x @ layer.weight.T)
        return (x @ linear[-1].weight.T).squeeze(1)

    def sample(self, n: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Inverse sampling on the grid of the quadrature: a cell by its mass, then a uniform point in the cell."""
        centres, area = self._cells(CELLS, 1.0)
        energies = torch.cat([self.energy(part) for part in centres.split(AT_ONCE)]).double()
        levels = torch.softmax(energies, 0).cumsum(0)
        uniform = torch.rand(n, generator=generator, dtype=torch.float64, device=levels.device)
        chosen = torch.searchsorted(levels, uniform * levels[-1]).clamp(max=len(levels) - 1)
        shift = torch.rand((n, 2), generator=generator, device=centres.device) - 0.5
        return {"samples": centres[chosen] + math.sqrt(area) * shift}

    def measure(self, data: ImageData | PointData, generators: Generators) -> Measurements:
        """The normaliser twice, quality of the weights, mass where nothing controls it, softmax score, and fields for pictures."""
        assert isinstance(data, PointData)
        noise = generators["measure"]
        x = self.propose(FRESH, noise)
        log_weights = (self.energy(x).double() - self.log_proposal(x).double()).cpu().numpy()
        inside, everything = self.log_mass(), self.log_mass(REACH, 2 * CELLS)
        slopes = self.slopes()
        test = data.test.to(self.centre)
        energies = self.energy(test).double().cpu().numpy()
        readings = [
            ("log_normaliser_grid", "model", Measured(float(self.log_normaliser), n=CELLS**2, unit="nats")),
            ("log_normaliser", "samples", importance_sampling.log_normaliser(log_weights)),
            ("effective_share", "samples", importance_sampling.effective_share(log_weights)),
            ("mass_outside", "model", Measured(max(0.0, 1 - math.exp(inside - everything)), n=4 * CELLS**2, unit="probability")),
            ("largest_slope", "model", Measured(float(slopes.max()), n=len(slopes), unit="nats")),
            ("half_width", "model", Measured(float(self.half_width), n=len(data.train))),
            ("proposal_spread", "model", Measured(float(self.spread), n=len(data.train))),
            ("softmax_score", "test", measured.mean(importance_sampling.softmax_scores(energies))),
        ]
        axis, points = ring_mixture.grid(data.radius)
        wide = np.linspace(-REACH, REACH, 181) * float(self.half_width)
        first, second = np.meshgrid(wide, wide)
        far = np.stack([first.ravel(), second.ravel()], axis=1) + self.centre.cpu().numpy()
        arrays = {
            "axis": axis,
            "density": np.exp(self._on(points)).reshape(len(axis), -1),
            "far_axis": wide,
            "far_log_density": self._on(far).reshape(len(wide), -1),
            "proposal_points": x[:SHOWN].cpu().numpy(),
            "log_weights": log_weights[:SHOWN],
            "centre": self.centre.cpu().numpy(),
            "half_width": self.half_width.cpu().numpy(),
            "slopes": slopes.cpu().numpy(),
            "energies_test": energies,
        }
        return Measurements(readings, arrays)

    def _on(self, points: Float[np.ndarray, "g 2"]) -> Float[np.ndarray, " g"]:
        values: np.ndarray = self.log_density(torch.from_numpy(points).to(self.centre)).cpu().numpy()
        return values

    def _cells(self, cells: int, reach: float) -> tuple[Float[Tensor, "g 2"], float]:
        """Midpoints of the cells of a square around the data, and the area of a cell."""
        width = 2 * reach * float(self.half_width) / cells
        line = (torch.arange(cells, device=self.centre.device) + 0.5) * width - reach * self.half_width
        first, second = torch.meshgrid(line, line, indexing="ij")
        return torch.stack([first.ravel(), second.ravel()], dim=1) + self.centre, width**2


def objective(
    on_data: Float[Tensor, " n"], on_proposal: Float[Tensor, " m"], log_proposal: Float[Tensor, " m"]
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Equation (4) from E(x_i), E(X_m) and log q(X_m): the estimated mean log-likelihood, and A_hat."""
    normaliser = log_mean_exp(on_proposal - log_proposal)
    return on_data.mean() - normaliser, normaliser


def fit(config: Config, data: PointData, context: Context) -> Fitted:
    """Maximise equation (4) with Adam.

    The history has, for training steps, the estimated log-likelihood and normaliser (nats) and the effective sample size over M;
    for validation points the log-likelihood with the normaliser of the quadrature, and that normaliser.

    Raises:
        FloatingPointError: when the objective stops being finite.
    """
    generators = context.generators
    with generators.default("initialise"):
        model = Model(config).to(context.device)
    model.settle(data.train, config)
    optimiser = torch.optim.Adam(model.parameters(), lr=config.learning_rate, fused=True)
    steps = config.epochs * math.ceil(len(data.train) / config.batch_size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    proposal = generators["proposal"]

    def terms(batch: Tensor) -> dict[str, Tensor]:
        x = model.propose(config.proposal_samples, proposal)
        log_q = model.log_proposal(x)
        energies = model.energy(torch.cat([data.train[batch], x]))
        on_data, on_proposal = energies[: len(batch)], energies[len(batch) :]
        estimate, normaliser = objective(on_data, on_proposal, log_q)
        share = torch.softmax(on_proposal.detach() - log_q, 0)
        effective = 1 / share.square().sum() / config.proposal_samples
        return {"log_likelihood": estimate, "log_normaliser": normaliser, "effective_share": effective}

    def evaluate(epoch: int) -> dict[str, dict[str, float]]:
        normaliser = model.log_mass(cells=200)
        with torch.no_grad():
            likelihood = float(model.energy(data.validation).double().mean()) - normaliser
        return {"validation": {"log_likelihood": likelihood, "log_normaliser": normaliser}}

    history = train(
        ascent(terms, objective="log_likelihood", optimiser=optimiser, precision="float32", context=context),
        n=len(data.train),
        batch_size=config.batch_size,
        epochs=config.epochs,
        state={"model": model, "optimiser": optimiser, "schedule": schedule},
        context=context,
        evaluate=evaluate,
        evaluate_every=config.curve_every,
    )
    model.normalise()
    return Fitted(model, history, context.facts)
