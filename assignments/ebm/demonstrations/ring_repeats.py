"""EM and the kernel estimate on twenty simulated data sets of each ring: what holds on average, not by one lucky draw.

Each repeat draws 1000 points for training, validation and test. Arrays with suffix ``_r10`` or ``_r1`` have one entry a repeat:
``mean_error``, ``weight_error``, ``training_gain`` (fitted minus true density, nats a training point) and ``gmm_test`` of EM with
the restarts and iterations of the runs; ``bandwidth`` and ``kde_test`` of the kernel estimate; ``truth_test``, the score of the
true density on the same test points.
"""

from collections.abc import Mapping

import numpy as np

from dgm.maths import kernel_density, measured, ring_mixture, unit_mixture
from dgm.maths.measured import Measured, Reading
from dgm.runtime.seeds import derived_seed

from .ring_density import COMPONENTS, RADII

__all__ = ["compute", "measure"]

REPEATS = 20
POINTS = 1000


def compute(seed: int = 0, repeats: int = REPEATS, points: int = POINTS) -> dict[str, np.ndarray]:
    """All arrays of the illustration; the same seed gives the same arrays."""
    arrays: dict[str, np.ndarray] = {}
    for name, radius in RADII.items():
        # the same seeds for every radius: the same components and the same noise around other means
        rows = [_repeat(radius, points, derived_seed(seed, f"repeat/{repeat}")) for repeat in range(repeats)]
        arrays |= {f"{key}_{name}": np.array([row[key] for row in rows]) for key in rows[0]}
    return arrays


def _repeat(radius: float, points: int, seed: int) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    train, validation, test = (ring_mixture.sample(points, COMPONENTS, radius, rng)[0] for _ in range(3))
    starts = [int(value) for value in rng.integers(0, 2**32, unit_mixture.RESTARTS)]
    found, _ = unit_mixture.fit(train, COMPONENTS, starts)
    truth, equal = ring_mixture.means(COMPONENTS, radius), np.full(COMPONENTS, 1 / COMPONENTS)
    matched = unit_mixture.match(found.means, found.weights, truth, equal)
    scores = kernel_density.curve(validation, train, kernel_density.BANDWIDTHS)
    bandwidth = kernel_density.BANDWIDTHS[kernel_density.choose(kernel_density.BANDWIDTHS, scores)]
    return {
        "mean_error": matched.mean_error,
        "weight_error": matched.weight_error,
        "training_gain": found.trace[-1] - float(ring_mixture.log_density(train, COMPONENTS, radius).mean()),
        "gmm_test": float(unit_mixture.e_step(test, found.means, found.weights)[1].mean()),
        "bandwidth": bandwidth,
        "kde_test": float(kernel_density.log_density(test, train, bandwidth).mean()),
        "truth_test": float(ring_mixture.log_density(test, COMPONENTS, radius).mean()),
    }


def measure(arrays: Mapping[str, np.ndarray]) -> list[Reading]:
    """Means over the repeats with their standard errors; ``…_spread`` is the standard deviation between repeats.

    The split names method and ring: ``gmm_r10``, ``kde_r10``, ``gmm_r1``, ``kde_r1``.
    """
    readings: list[Reading] = []
    for name in RADII:
        for key in ("mean_error", "weight_error", "training_gain"):
            readings += _summary(key, f"gmm_{name}", arrays[f"{key}_{name}"])
        for kind in ("gmm", "kde"):
            split, scores = f"{kind}_{name}", arrays[f"{kind}_test_{name}"]
            readings += _summary("log_likelihood", split, scores)
            readings += _summary("gap_to_truth", split, arrays[f"truth_test_{name}"] - scores)
        chosen = arrays[f"bandwidth_{name}"]
        usual = float(np.median(chosen))
        readings.append(("bandwidth", f"kde_{name}", Measured(usual, n=len(chosen))))
        readings.append(("usual_bandwidth_share", f"kde_{name}", measured.proportion(chosen == usual)))
    return readings


def _summary(metric: str, split: str, values: np.ndarray) -> list[Reading]:
    spread = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
    return [(metric, split, measured.mean(values, unit="")), (f"{metric}_spread", split, Measured(spread, n=len(values)))]
