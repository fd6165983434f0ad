"""Both divergences of N(mean, sd^2) and 1/2 N(-a, 1) + 1/2 N(a, 1) as functions of (mean, log sd), and their minima.

Arrays, for a = 4: ``mean`` [m], ``log_sd`` [l], ``reverse``, ``forward`` [l, m] divergences D(q || p), D(p || q);
``reverse_minima`` [3, 3] and ``saddles`` [2, 3], rows (mean, sd, divergence); ``forward_minimum`` [3]; ``starts`` [s, 2] and
``paths`` [s, t, 2], the lines of steepest descent of the reverse divergence in (mean, log sd). For the sweep: ``separation`` [r],
``central`` [r] divergence of the centred fit; ``side_separation``, ``side``, ``side_mean`` [u] of the side minimum where it
exists; ``thresholds`` [2], the distances at which side minima appear and become global. For the drawing of the fits: ``x``,
``target``, ``forward_fit``, ``reverse_fit`` [n] logarithms of densities, ``valley`` [3] the probability of |x| < 1 under forward
fit, reverse fit and target.
"""

import math

import numpy as np

from dgm.maths.divergences import forward_kl, log_normal_density, moment_match, normal_mass, reverse_derivatives, reverse_kl
from dgm.maths.measured import Measured, Reading
from dgm.maths.reverse_kl import (
    Stationary,
    central_fit,
    equal_value_distance,
    fold_distance,
    reverse_minima,
    side_branch,
    stationary_point,
    two_modes,
)

__all__ = ["compute", "measure"]

A = 4.0
STARTS = [(mean, sd) for mean in (-6.0, -3.0, -1.0, 0.0, 1.0, 3.0, 6.0) for sd in (0.4, 1.0, 3.0, 6.0)]
CASES = {"far": 4.0, "between": 2.6, "close": 1.0}
"""Half distances of the modes in the table: side minima global, present but not global, absent."""


def compute(seed: int = 0) -> dict[str, np.ndarray]:
    """All arrays of the illustration; nothing is drawn at random, so ``seed`` changes nothing."""
    target = two_modes(A)
    mean, log_sd = np.linspace(-6.5, 6.5, 105), np.linspace(math.log(0.4), math.log(9.0), 61)
    minima, _ = reverse_minima(target, STARTS)
    saddles = [stationary_point(target, (side * 1.9, 2.2)) for side in (-1, 1)]
    matched = moment_match(target)
    x = np.linspace(-11.0, 11.0, 881)
    begun = [(m, sd) for m, sd in STARTS if abs(m) in (1.0, 6.0)]
    separation = np.linspace(0.05, 5.0, 100)
    branch = list(side_branch(5.0))
    narrow = minima[-1]
    arrays = {
        "mean": mean,
        "log_sd": log_sd,
        "reverse": np.array([[reverse_kl(target, m, math.exp(s)) for m in mean] for s in log_sd]),
        "forward": np.array([[forward_kl(target, m, math.exp(s)) for m in mean] for s in log_sd]),
        "reverse_minima": np.array([_row(point) for point in minima]),
        "saddles": np.array([_row(point) for point in saddles]),
        "forward_minimum": np.array([*matched, forward_kl(target, *matched)]),
        "starts": np.array([(m, math.log(sd)) for m, sd in begun]),
        "paths": np.array([_descent(m, math.log(sd)) for m, sd in begun]),
        "separation": separation,
        "central": np.array([central_fit(float(a)).divergence for a in separation]),
        "side_separation": np.array([a for a, _ in branch]),
        "side": np.array([point.divergence for _, point in branch]),
        "side_mean": np.array([point.mean for _, point in branch]),
        "thresholds": np.array([fold_distance(), equal_value_distance()]),
        "x": x,
        "target": target.log_density(x),
        "forward_fit": log_normal_density(x, *matched),
        "reverse_fit": log_normal_density(x, narrow.mean, narrow.sd),
        "valley": np.array(
            [
                normal_mass(-1, 1, *matched),
                normal_mass(-1, 1, narrow.mean, narrow.sd),
                0.5 * (normal_mass(-1, 1, A, 1) + normal_mass(-1, 1, -A, 1)),
            ]
        ),
    }
    for name, a in CASES.items():
        found, _ = reverse_minima(two_modes(a), STARTS)
        arrays[f"minima_{name}"] = np.array([[*_row(point), *point.eigenvalues] for point in found])
    return arrays


def measure(arrays: dict[str, np.ndarray]) -> list[Reading]:
    """Rows of the table of minima: the split names the case, such as ``reverse_far_left``."""
    readings: list[Reading] = []
    for name, a in CASES.items():
        target = two_modes(a)
        mean, sd = moment_match(target)
        rows = {f"forward_{name}": np.array([mean, sd, forward_kl(target, mean, sd), *_forward_curvature(sd)])}
        for point in arrays[f"minima_{name}"]:
            where = "centre" if abs(point[0]) < 0.05 else "left" if point[0] < 0 else "right"
            rows[f"reverse_{name}_{where}"] = point
        for case, row in rows.items():
            at = abs(float(row[0])) > 1e-9
            values = {"mean": float(row[0]) if at else 0.0, "sd": float(row[1]), "smallest_eigenvalue": float(row[3])}
            readings += [(metric, case, Measured(value)) for metric, value in values.items()]
            readings.append(("divergence", case, Measured(float(row[2]), unit="nats")))
    for case, value in zip(("appear", "global"), arrays["thresholds"], strict=True):
        readings.append(("separation", case, Measured(float(value))))
    for case, value in zip(("forward", "reverse", "target"), arrays["valley"], strict=True):
        readings.append(("valley_mass", case, Measured(float(value), unit="probability")))
    return readings


def _row(point: Stationary) -> list[float]:
    return [point.mean, point.sd, point.divergence]


def _forward_curvature(sd: float) -> list[float]:
    """Eigenvalues of the Hessian of the forward divergence in (mean, log sd) at its minimum: diag(1 / sd^2, 2)."""
    return sorted([1 / sd**2, 2.0])


def _descent(mean: float, log_sd: float, steps: int = 400, length: float = 0.03) -> np.ndarray:
    """A line of steepest descent with steps of at most ``length``, [steps, 2]."""
    target, at, path = two_modes(A), np.array([mean, log_sd]), []
    for _ in range(steps):
        path.append(at)
        gradient, _ = reverse_derivatives(target, float(at[0]), float(at[1]))
        at = at - gradient * min(0.1, length / max(float(np.linalg.norm(gradient)), 1e-12))
    return np.array(path)
