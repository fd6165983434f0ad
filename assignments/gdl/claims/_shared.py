"""What several modules of this package use: the small mixture of questions 2 and 3, integrals, the trained mixtures.

The small mixture: K = D = 2, pi = (2/5, 3/5), p^(1) = (9/10, 1/5), p^(2) = (3/10, 7/10) and the data (1, 0), (0, 1), (1, 1).
All its probabilities are fifths and tenths, so 500 equally likely outcomes describe it completely.
"""

import functools
import itertools
import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, cast

import numpy as np

from dgm.claims.evidence import Evidence
from dgm.maths.measured import Measured

__all__ = ["DATA", "MIXTURES", "PI", "P", "apart", "component_terms", "counted", "integral", "normal", "outcomes"]

P = ((Fraction(9, 10), Fraction(1, 5)), (Fraction(3, 10), Fraction(7, 10)))
PI = (Fraction(2, 5), Fraction(3, 5))
DATA = ((1, 0), (0, 1), (1, 1))
MIXTURES = ("bmm_k5", "bmm_k10", "bmm_k20")


def outcomes() -> Iterator[tuple[int, tuple[int, int]]]:
    """The 500 equally likely outcomes of the small mixture: component and image. No product of probabilities is formed."""
    for chooser, first, second in itertools.product(range(5), range(10), range(10)):
        component = 0 if chooser < 2 else 1
        tenths = ((9, 2), (3, 7))[component]
        yield component, (int(first < tenths[0]), int(second < tenths[1]))


@functools.cache
def counted(x: tuple[int, int], component: int | None = None) -> Fraction:
    """Share of the outcomes with image ``x`` (and, if given, that component)."""
    hits = sum(image == x and component in (None, active) for active, image in outcomes())
    return Fraction(hits, 500)


def integral(density: Callable[[float], Any], *points: float) -> float:
    """Quadrature by mpmath through the given break points."""
    import mpmath

    return float(mpmath.quad(lambda t: density(float(t)), list(points)))


def normal(x: float, mean: float = 0.0, sd: float = 1.0) -> float:
    return math.exp(-0.5 * ((x - mean) / sd) ** 2) / (sd * math.sqrt(2 * math.pi))


def component_terms(evidence: Evidence, run: str) -> tuple[np.ndarray, np.ndarray]:
    """Log pi_k + log P(x | p^(k)) of the thresholded test images, [n, k], and their labels [n].

    Component by component and pixel by pixel, unlike the one matrix product of the model.
    """
    from dgm.models import load_model

    data = evidence.images()
    images = data["test_images"].reshape(-1, 784) > 127
    model = cast(Any, load_model(evidence.model_path(run)))
    p, weights = model.p.numpy(), model.mix_p.numpy().ravel()
    terms = [np.log(weights[c]) + np.where(images, np.log(p[c]), np.log1p(-p[c])).sum(1) for c in range(len(p))]
    return np.stack(terms, axis=1), data["test_labels"]


def apart(first: Measured, second: Measured) -> Measured:
    """First minus second for numbers of different draws, whose errors are independent."""
    return Measured(first.value - second.value, math.hypot(first.stderr, second.stderr), min(first.n, second.n), first.unit)
