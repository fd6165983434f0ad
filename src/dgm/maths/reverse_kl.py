"""Where the reverse KL of one Gaussian to a two-mode mixture is stationary, and how that changes with the distance of the modes.

Target p_a = 1/2 N(-a, 1) + 1/2 N(a, 1), approximation q = N(mean, sd^2), objective

    F_a(mean, log sd) = D(q || p_a)                                                                                    (1)

For another width s of the modes, divide a, mean and sd by s: the divergence does not change under an invertible change of variable.

F_a has a stationary point at the centre for every a, by symmetry. Two minima at the sides appear in a fold, where (1) has a
vanishing gradient and a singular Hessian, and become the better ones at a larger a, where their value meets that of the centre.
Both distances are computed: the side minimum is followed from far-apart modes inwards, then a root finder takes over.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dgm.maths.divergences import GaussianMixture1D, fit_reverse, reverse_derivatives, reverse_kl

__all__ = [
    "Stationary",
    "central_fit",
    "equal_value_distance",
    "fold_distance",
    "reverse_minima",
    "side_branch",
    "stationary_point",
    "two_modes",
]

_FAR = 4.0  # from here the side branch is followed inwards
_STEP = 0.02  # of the distance, small enough for Newton's method to keep to the branch


@dataclass(frozen=True)
class Stationary:
    """A stationary point of the reverse KL: the Gaussian, its divergence, and the eigenvalues of the Hessian in (mean, log sd)."""

    mean: float
    sd: float
    divergence: float
    eigenvalues: tuple[float, float]

    @property
    def is_minimum(self) -> bool:
        """Whether the Hessian is positive definite."""
        return min(self.eigenvalues) > 0


def two_modes(a: float) -> GaussianMixture1D:
    """The target: equal halves of two unit Gaussians at -a and a."""
    return GaussianMixture1D(weights=(0.5, 0.5), means=(-a, a), sds=(1.0, 1.0))


def stationary_point(target: GaussianMixture1D, start: tuple[float, float]) -> Stationary:
    """The stationary point that Newton's method finds from ``start`` = (mean, sd).

    Raises:
        ValueError: when it does not converge.
    """
    from scipy.optimize import root

    found = root(
        lambda at: reverse_derivatives(target, float(at[0]), float(at[1]))[0],
        np.array([start[0], math.log(start[1])]),
        jac=lambda at: reverse_derivatives(target, float(at[0]), float(at[1]))[1],
        options={"xtol": 1e-13},
    )
    if float(np.abs(found.fun).max()) > 1e-8:
        raise ValueError(f"stationary_point: no root of the gradient found from start {start}: {found.message}")
    return _described(target, found.x)


def reverse_minima(target: GaussianMixture1D, starts: Iterable[tuple[float, float]]) -> tuple[list[Stationary], list[int]]:
    """All minima that descent reaches from ``starts`` = (mean, sd), ordered by mean, and for each start the index of its minimum.

    Descent by simplex steps, which need no derivative, so that the Hessian is a test of the result and not a part of the search.
    """
    ends = [stationary_point(target, fit_reverse(target, start)) for start in starts]
    ends = [end if end.is_minimum else _off_the_saddle(target, end) for end in ends]
    minima: list[Stationary] = []
    for end in sorted(ends, key=lambda found: found.mean):
        if not any(_same(end, known) for known in minima):
            minima.append(end)
    return minima, [next(i for i, known in enumerate(minima) if _same(end, known)) for end in ends]


def central_fit(a: float) -> Stationary:
    """The best Gaussian with mean 0, a stationary point of (1) for every a; the start takes log cosh(a x) as a |x| - log 2."""
    wide = 0.5 * (math.sqrt(2 / math.pi) * a + math.sqrt(2 * a**2 / math.pi + 4))
    return stationary_point(two_modes(a), (0.0, wide))


def side_branch(far: float = _FAR) -> Iterator[tuple[float, Stationary]]:
    """The minimum at the right-hand mode from a = ``far`` inwards, until it is lost in the fold."""
    a, point = far, stationary_point(two_modes(far), (far, 1.0))
    while point.is_minimum and point.mean > 0.05:
        yield a, point
        a -= _STEP
        try:
            point = stationary_point(two_modes(a), (point.mean, point.sd))
        except ValueError:
            return


def fold_distance() -> float:
    """The half distance a at which the side minima appear: gradient and determinant of the Hessian of (1) vanish together.

    Raises:
        ValueError: when the root finder fails.
    """
    from scipy.optimize import root

    *_, (a, last) = side_branch()

    def conditions(at: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        gradient, hessian = reverse_derivatives(two_modes(float(at[2])), float(at[0]), float(at[1]))
        return np.array([*gradient, np.linalg.det(hessian)])

    found = root(conditions, np.array([last.mean, math.log(last.sd), a]), options={"xtol": 1e-12})
    if float(np.abs(found.fun).max()) > 1e-8:
        raise ValueError(f"fold_distance: no fold found near a = {a}: {found.message}")
    return float(found.x[2])


def equal_value_distance() -> float:
    """The half distance a at which the side minima and the centre are equally good; beyond it the side minima are global."""
    from scipy.optimize import brentq

    outer: tuple[float, Stationary] | None = None
    for a, side in side_branch():
        if side.divergence > central_fit(a).divergence:
            break
        outer = (a, side)
    else:
        raise ValueError("equal_value_distance: the side minima stay better than the centre down to the fold")
    if outer is None:
        raise ValueError(f"equal_value_distance: the centre is better already at a = {a}")
    begun = outer[1]

    def excess(at: float) -> float:
        return stationary_point(two_modes(at), (begun.mean, begun.sd)).divergence - central_fit(at).divergence

    return float(brentq(excess, a, outer[0], xtol=1e-12))


def _described(target: GaussianMixture1D, at: npt.NDArray[np.float64]) -> Stationary:
    low, high = np.linalg.eigvalsh(reverse_derivatives(target, float(at[0]), float(at[1]))[1])
    sd = math.exp(float(at[1]))
    return Stationary(float(at[0]), sd, reverse_kl(target, float(at[0]), sd), (float(low), float(high)))


def _off_the_saddle(target: GaussianMixture1D, point: Stationary) -> Stationary:
    """Descend again from beside a stationary point that is no minimum (a simplex may shrink onto a saddle)."""
    return stationary_point(target, fit_reverse(target, (point.mean + 0.3, point.sd)))


def _same(one: Stationary, other: Stationary) -> bool:
    return abs(one.mean - other.mean) < 1e-5 and abs(one.sd - other.sd) < 1e-5
