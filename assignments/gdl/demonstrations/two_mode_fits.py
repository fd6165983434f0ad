"""Forward and reverse KL fits of one Gaussian to 1/2 N(-a, 1) + 1/2 N(a, 1).

Arrays: ``x`` [n], ``target``, ``forward``, ``reverse_left``, ``reverse_right`` [n] densities for a = 4; ``optima`` [3, 3]: one row
(mean, standard deviation, divergence) each for the forward fit, the two reverse fits; ``separation`` [m] values of a with
``forward_divergence``, ``reverse_central`` and ``reverse_side`` [m], the least divergences found from a start at the centre and
from a start at one mode (the latter repeats the centre where no side minimum exists).
"""

import numpy as np

from dgm.maths.divergences import fit_reverse, forward_kl, log_normal_density, moment_match, reverse_kl
from dgm.maths.reverse_kl import central_fit, two_modes

__all__ = ["compute"]


def compute(seed: int = 0) -> dict[str, np.ndarray]:
    """All arrays of the illustration; nothing is drawn at random, so ``seed`` changes nothing."""
    target = two_modes(4.0)
    x = np.linspace(-12.0, 12.0, 961)
    forward = moment_match(target)
    left, right = (fit_reverse(target, (start, 1.0)) for start in (-4.0, 4.0))
    separation = np.linspace(0.25, 6.0, 47)
    targets = [two_modes(float(a)) for a in separation]
    return {
        "x": x,
        "target": np.exp(target.log_density(x)),
        "forward": np.exp(log_normal_density(x, *forward)),
        "reverse_left": np.exp(log_normal_density(x, *left)),
        "reverse_right": np.exp(log_normal_density(x, *right)),
        "optima": np.array(
            [
                [*forward, forward_kl(target, *forward)],
                [*left, reverse_kl(target, *left)],
                [*right, reverse_kl(target, *right)],
            ]
        ),
        "separation": separation,
        "forward_divergence": np.array([forward_kl(each, *moment_match(each)) for each in targets]),
        "reverse_central": np.array([central_fit(float(a)).divergence for a in separation]),
        "reverse_side": np.array(
            [reverse_kl(each, *fit_reverse(each, (float(a), 1.0))) for each, a in zip(targets, separation, strict=True)]
        ),
    }
