"""The exact likelihood of images under a decoder with a latent plane, by quadrature in the coordinates of the prior.

With u = Phi(z) in each coordinate, Phi the standard normal distribution function, the prior becomes uniform on the unit square:

    p(x) = int p(x | z) N(z; 0, I) dz = int_[0,1]^2 p(x | Phi^-1(u)) du ~ side^-2 sum_j p(x | z_j),                  (1)

z_j = Phi^-1 of the side^2 midpoints of a square grid. For Bernoulli pixels with logits l(z)

    log p(x | z) = x . l(z) - sum_d log(1 + exp l_d(z)),                                                            (2)

so all images and points together are one matrix product. A bound from an encoder cannot tell a poor decoder from a poor
encoder; this number depends on the decoder alone. Axis letters: n images, s = side^2 points, d pixels.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

__all__ = ["SIDES", "LogLikelihood", "log_likelihood", "log_likelihood_on_grid", "midpoints"]

SIDES = (100, 200, 400, 800)
"""Grids that :func:`log_likelihood` tries in turn."""

AT_ONCE = 4096  # points decoded in one go: 13 MB of logits


@dataclass(frozen=True)
class LogLikelihood:
    """Result of a refinement."""

    values: Float[Tensor, " n"]
    """Log p(x) in nats an image, on the finest grid."""
    side: int
    """Points of the finest grid along each coordinate."""
    change: float
    """Mean absolute change, in nats an image, from the grid before it."""


def midpoints(side: int, device: torch.device | str = "cpu") -> Float[Tensor, "s 2"]:
    """The points z_j of equation (1): standard normal quantiles of the midpoints of a side x side grid."""
    u = (torch.arange(side, dtype=torch.float64) + 0.5) / side
    z = torch.special.ndtri(u).float().to(device)
    return torch.cartesian_prod(z, z)


def log_likelihood_on_grid(
    logits: Callable[[Float[Tensor, "s 2"]], Float[Tensor, "s d"]], x: Float[Tensor, "n d"], side: int
) -> Float[Tensor, " n"]:
    """Equation (1) on one grid, in nats an image.

    Args:
        logits: of the pixels, given latent points.
        x: binary images.
        side: points along each coordinate.
    """
    total = torch.full((len(x),), -math.inf, device=x.device, dtype=torch.float64)
    for z in midpoints(side, x.device).split(AT_ONCE):
        found = logits(z)
        joint = x @ found.T - softplus(found).sum(1)
        total = torch.logaddexp(total, joint.logsumexp(1).double())
    return total - 2 * math.log(side)


def log_likelihood(
    logits: Callable[[Float[Tensor, "s 2"]], Float[Tensor, "s d"]],
    x: Float[Tensor, "n d"],
    *,
    tolerance: float = 0.05,
    sides: Sequence[int] = SIDES,
) -> LogLikelihood:
    """Equation (1) on finer and finer grids, until two in a row agree or the last one is reached.

    Args:
        logits: of the pixels, given latent points.
        x: binary images.
        tolerance: in nats; grids agree when the mean absolute difference over images is below it.
        sides: of the grids, at least two, rising.

    Raises:
        ValueError: for fewer than two grids or grids that do not get finer.
    """
    if len(sides) < 2 or list(sides) != sorted(set(sides)):
        raise ValueError(f"quadrature: got grids of side {list(sides)}; at least two are compared, each finer than the one before")
    values, change = log_likelihood_on_grid(logits, x, sides[0]), math.inf
    for side in sides[1:]:
        before, values = values, log_likelihood_on_grid(logits, x, side)
        change = float((values - before).abs().mean())
        if change < tolerance:
            break
    return LogLikelihood(values, side, change)
