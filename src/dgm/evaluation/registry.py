"""The metrics of ``tables/metrics.csv`` and ``tables/costs.csv``: which direction is better, if any; standard library only.

A comparison asks :func:`higher_is_better`, and refuses a metric whose direction nobody declared. A metric without a direction says
what something is, not how good it is.
"""

import difflib
from collections.abc import Mapping

__all__ = ["DECLARED", "declared", "higher_is_better"]

HIGHER = (
    "accuracy", "annealed", "annealed_lower", "ari", "bound", "bound_same_images", "bound_uniform_prior", "class_information",
    "classes_common", "classes_covered", "clustering_accuracy", "confidence", "coverage", "density", "effective_share",
    "exact_bound", "exact_log_likelihood", "grey_bound", "grey_reconstruction", "images_per_second", "knn_accuracy",
    "log_likelihood", "log_likelihood_fitted",
    "log_likelihood_median", "nmi", "precision", "prior_gain", "purity", "rarest_class", "recall",
    "recognised", "reconstruction", "smallest_cluster", "argmax_agreement",
)  # fmt: skip
"""Likelihoods and bounds on them, and shares of what is right or covered."""

LOWER = (
    "bits_per_dim", "annealed_bits_per_dim", "annealed_gap", "class_distance", "frechet_distance", "frechet_distance_grey",
    "gap_to_truth", "kernel_distance", "kl_to_geometric", "mass_outside", "mean_error", "missing_classes", "mixture_kl",
    "neighbour_accuracy",
    "peak_memory", "gpu_peak_memory", "posterior_divergence", "posterior_divergence_median", "job_seconds", "job_cpu_seconds",
    "quantisation_error", "sample_seconds_per_1000", "seconds_per_epoch", "squared_error", "train_seconds", "two_sample_accuracy",
    "weight_error",
)  # fmt: skip
"""Distances from what is right, and costs."""

NEITHER = (
    "aggregate_mean_1", "aggregate_mean_2", "aggregate_variance_1", "aggregate_variance_2", "annealed_acceptance",
    "annealed_effective_samples", "annealed_minus_exact", "annealed_upper", "bandwidth", "class_entropy", "clusters_in_use",
    "code_entropy", "code_perplexity", "codes_used", "exact_kl", "grey_assignment", "grey_entropy", "grey_kl", "grey_prior",
    "half_width", "jsd_bound", "kl", "kl_closed", "kl_per_position", "kl_sampled", "kl_sampled_minus_closed", "kl_uniform_prior",
    "largest_slope", "largest_weight", "log_normaliser", "log_normaliser_grid", "neighbour_correlation_data",
    "neighbour_correlation_samples", "neighbour_distance", "neighbour_ratio", "neighbour_ratio_features", "observation_sd",
    "parameters", "posterior_correlation", "probability_real", "proposal_spread", "prototype_entropy", "quadrature_change",
    "quadrature_points", "smallest_weight", "softmax_score", "training_gain", "exact_minus_lower", "upper_minus_exact",
    "iwae_effective_samples", "defensive_effective_samples",
)  # fmt: skip
"""What describes a model or an estimate. ``jsd_bound`` is how far the discriminator tells data from samples: it is low for a good
generator and for a bad discriminator. ``class_entropy`` is best at that of the data."""

DECLARED: Mapping[str, bool | None] = {
    **dict.fromkeys(HIGHER, True),
    **dict.fromkeys(LOWER, False),
    **dict.fromkeys(NEITHER, None),
}
"""For each metric whether a larger value is the better one; None where neither is."""

SUFFIXES = ("_low_temperature", "_means", "_binary", "_bernoulli", "_second")
"""The same metric of other samples, of other treatments of the images, or by the second classifier."""

WITH_DRAWS = ("iwae", "defensive", "exact_iwae")
"""Importance-weighted bounds, followed by the number of draws: larger is better."""


def declared(metric: str) -> bool:
    """Whether a metric is known here, with a direction or without."""
    return _known(metric) is not None


def higher_is_better(metric: str) -> bool:
    """Whether a larger value of a metric is the better one.

    Raises:
        ValueError: for a metric that is not declared, or that has no better direction.
    """
    name = _known(metric)
    if name is None:
        near = difflib.get_close_matches(metric, DECLARED, 3)
        raise ValueError(
            f"no direction declared for metric {metric!r}; near are {', '.join(near) or 'none'}; see dgm/evaluation/registry.py"
        )
    upwards = True if name in WITH_DRAWS else DECLARED[name]
    if upwards is None:
        raise ValueError(f"metric {metric!r} has no better direction; it says what a model is, not how good it is")
    return upwards


def _known(metric: str) -> str | None:
    """The declared name of a metric."""
    if "_minus_" in metric and metric not in DECLARED:
        return "annealed_minus_exact"  # a difference of two estimates of one number
    for suffix in ("", *SUFFIXES):
        name = metric.removesuffix(suffix) if suffix else metric
        stem, _, draws = name.rpartition("_")
        if draws.isdigit() and stem in WITH_DRAWS:
            return stem
        if name in DECLARED:
            return name
    return None
