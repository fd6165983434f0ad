"""The metrics of ``tables/metrics.csv`` and ``tables/costs.csv``: unit, better direction, label, meaning; standard library only.

``metrics.csv`` beside this file has one row a metric. A comparison asks :func:`higher_is_better`, and refuses a metric whose
direction nobody declared. A metric without a direction says what something is, not how good it is. The report explains each metric
that its tables show.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from dgm.errors import unknown

__all__ = ["FILE", "METRICS", "UNNAMED_UNITS", "Metric", "declared", "explained", "higher_is_better"]

UNNAMED_UNITS = frozenset({"", "1", "count", "probability", "proportion", "ratio", "correlation", "share"})
"""Units that a sentence leaves out."""

FILE = Path(__file__).with_name("metrics.csv")


@dataclass(frozen=True)
class Metric:
    """A row of ``metrics.csv``.

    ``better`` is ``higher`` or ``lower``, empty where neither is. ``jsd_bound`` has none: it is how far the discriminator tells
    data from samples, low for a good generator and for a bad discriminator. Nor has ``class_entropy``, best at that of the data.
    """

    metric: str
    unit: str
    better: str
    label: str
    meaning: str


def _read() -> Mapping[str, Metric]:
    with FILE.open(encoding="utf-8-sig", newline="") as file:
        return {row["metric"]: Metric(**row) for row in csv.DictReader(file)}


METRICS: Mapping[str, Metric] = _read()

SUFFIXES = ("_low_temperature", "_means", "_binary", "_bernoulli", "_second")
"""The same metric of other samples, of other treatments of the images, or by the second classifier."""

WITH_DRAWS = ("iwae", "defensive", "exact_iwae")
"""Importance-weighted bounds, followed by the number of draws."""


def declared(metric: str) -> Metric | None:
    """The row of a metric, with or without a suffix or a number of draws; None for one that nobody declared."""
    if "_minus_" in metric and metric not in METRICS:
        return replace(METRICS["estimates_difference"], metric=metric)
    for suffix in ("", *SUFFIXES):
        name = metric.removesuffix(suffix) if suffix else metric
        stem, _, draws = name.rpartition("_")
        found = METRICS.get(stem if draws.isdigit() and stem in WITH_DRAWS else name)
        if found is not None:
            return found
    return None


def explained(metric: Metric) -> str:
    """Meaning, unit and better direction in a line, such as "Mean of log p(x) over images; in nats; higher is better."."""
    parts = [
        metric.meaning[:1].upper() + metric.meaning[1:],
        f"in {metric.unit}" if metric.unit not in UNNAMED_UNITS else "",
        f"{metric.better} is better" if metric.better else "",
    ]
    return "; ".join(part for part in parts if part) + "."


def higher_is_better(metric: str) -> bool:
    """Whether a larger value of a metric is the better one.

    Raises:
        ValueError: for a metric that is not declared, or that has no better direction.
    """
    found = declared(metric)
    if found is None:
        raise unknown("metric", metric, METRICS, "a comparison")
    if not found.better:
        raise ValueError(f"metric {metric!r} has no better direction; it says what a model is, not how good it is")
    return found.better == "higher"
