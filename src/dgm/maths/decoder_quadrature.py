"""The exact likelihood of images under a decoder with a latent plane, by quadrature over the plane.

    p(x) = int p(x | z) N(z; 0, I) dz ~ h^2 sum_j p(x | z_j) N(z_j; 0, I)                                            (1)

over the midpoints z_j of a square grid with spacing h. For a smooth integrand that vanishes at the edges the error of this sum
falls faster than any power of h: for a posterior shaped like a Gaussian with standard deviation s it is 2 exp(-2 pi^2 s^2 / h^2),
about one per cent at h = 2 s. In the coordinates u = Phi(z), where the prior is uniform, one needs no edge, but codes far from the
origin, where a trained encoder puts many images, share a few points at the rim, and the error falls only as h^2. For Bernoulli
pixels with logits l(z)

    log p(x | z) = x . l(z) - sum_d log(1 + exp l_d(z)),                                                             (2)

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

from dgm.maths.distributions import standard_normal_log_prob

__all__ = ["REACH", "SIDES", "LogLikelihood", "log_likelihood", "log_likelihood_on_grid", "midpoints"]

REACH = 8.0
"""Half the side of the square, in standard deviations of the prior, which has a share of 1e-15 outside."""

SIDES = (100, 200, 400, 800)
"""Grids that :func:`log_likelihood` tries in turn: h = 0.16, 0.08, 0.04, 0.02."""

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


def midpoints(side: int, device: torch.device | str = "cpu", reach: float = REACH) -> Float[Tensor, "s 2"]:
    """The points z_j of equation (1): midpoints of the cells of a side x side grid over [-reach, reach]^2."""
    line = ((2 * torch.arange(side, dtype=torch.float64) + 1) / side - 1) * reach
    return torch.cartesian_prod(line, line).float().to(device)


def log_likelihood_on_grid(
    logits: Callable[[Float[Tensor, "s 2"]], Float[Tensor, "s d"]], x: Float[Tensor, "n d"], side: int, reach: float = REACH
) -> Float[Tensor, " n"]:
    """Equation (1) on one grid, in nats an image.

    Args:
        logits: of the pixels, given latent points.
        x: binary images.
        side: points along each coordinate.
        reach: of the grid from the origin, along each coordinate.
    """
    total = torch.full((len(x),), -math.inf, device=x.device, dtype=torch.float64)
    for z in midpoints(side, x.device, reach).split(AT_ONCE):
        found = logits(z)
        joint = x @ found.T + (standard_normal_log_prob(z) - softplus(found).sum(1))
        total = torch.logaddexp(total, joint.logsumexp(1).double())
    return total + 2 * math.log(2 * reach / side)


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
