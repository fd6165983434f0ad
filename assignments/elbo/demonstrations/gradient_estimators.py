"""Score-function against reparameterised estimates of the derivative of E |z|^2 in the first mean, z ~ N(mean, sd^2 I).

At mean = sd = 1 in one dimension both estimate the number 2. Arrays: ``pathwise``, ``score``, ``score_baseline`` [n] single-draw
estimates; ``edges`` [b + 1] with ``pathwise_histogram``, ``score_histogram`` [b] densities of these (draws outside the edges
count in the total); ``sd`` [m] and ``dimensions`` [d] with the variances ``<estimator>_by_sd``, ``<estimator>_by_dimension`` in
closed form, and ``sampled_sd`` [s], ``sampled_dimensions`` [t] with ``<estimator>_sampled_by_sd``,
``<estimator>_sampled_by_dimension`` of draws.
"""

import numpy as np

from dgm.maths.gradient_estimators import best_baseline, pathwise_draws, pathwise_variance, score_draws, score_variance
from dgm.maths.measured import Measured, Reading, mean
from dgm.runtime.seeds import derived_seed

__all__ = ["compute", "measure"]

DRAWS = 200_000


def compute(seed: int = 0) -> dict[str, np.ndarray]:
    """All arrays; every estimator uses the same draws."""
    rng = np.random.default_rng(derived_seed(seed, "gradient_estimators"))
    noise = rng.standard_normal((DRAWS, 1))
    arrays = {
        "pathwise": pathwise_draws(1.0, 1.0, noise),
        "score": score_draws(1.0, 1.0, noise),
        "score_baseline": score_draws(1.0, 1.0, noise, best_baseline(1.0, 1.0)),
    }
    edges = np.linspace(-12.0, 24.0, 145)
    arrays["edges"] = edges
    for name in ("pathwise", "score"):
        counts, _ = np.histogram(arrays[name], edges)
        arrays[f"{name}_histogram"] = counts / (DRAWS * np.diff(edges))
    sd, dimensions = np.geomspace(0.05, 3.0, 60), np.arange(1, 65)
    sampled_sd, sampled_dimensions = np.array([0.05, 0.1, 0.3, 1.0, 3.0]), np.array([1, 4, 16, 64])
    for suffix, widths, sizes in (("", sd, dimensions), ("_sampled", sampled_sd, sampled_dimensions)):
        arrays[f"{suffix}_sd".strip("_")] = widths
        arrays[f"{suffix}_dimensions".strip("_")] = sizes.astype(float)
        for by, cases in (("sd", [(float(s), 1) for s in widths]), ("dimension", [(1.0, int(d)) for d in sizes])):
            values = [_sampled(s, d, rng) if suffix else _closed(s, d) for s, d in cases]
            for name, column in zip(("pathwise", "score", "score_baseline"), zip(*values, strict=True), strict=True):
                arrays[f"{name}{suffix}_by_{by}"] = np.array(column)
    return arrays


def measure(arrays: dict[str, np.ndarray]) -> list[Reading]:
    """Means and variances of single draws; the split names the estimator."""
    exact = dict(zip(("pathwise", "score", "score_baseline"), _closed(1.0, 1), strict=True))
    readings: list[Reading] = []
    for name, variance in exact.items():
        draws = arrays[name]
        readings += [
            ("gradient_sampled", name, mean(draws, unit="")),
            ("variance", name, Measured(variance)),
            ("variance_sampled", name, mean((draws - draws.mean()) ** 2, unit="")),
        ]
    return readings


def _closed(sd: float, dimensions: int) -> tuple[float, float, float]:
    """Variances of the reparameterised, the score-function estimator, and the latter with the best constant baseline."""
    baseline = best_baseline(1.0, sd, dimensions)
    return pathwise_variance(sd), score_variance(1.0, sd, dimensions), score_variance(1.0, sd, dimensions, baseline)


def _sampled(sd: float, dimensions: int, rng: np.random.Generator, draws: int = 20_000) -> tuple[float, float, float]:
    """The same from draws."""
    noise = rng.standard_normal((draws, dimensions))
    score, based = (score_draws(1.0, sd, noise, baseline) for baseline in (0.0, best_baseline(1.0, sd, dimensions)))
    return float(pathwise_draws(1.0, sd, noise).var()), float(score.var()), float(based.var())
