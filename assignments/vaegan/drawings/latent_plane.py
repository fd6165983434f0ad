"""Points of a latent plane, coloured by class."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from dgm.figures import style

__all__ = ["apart", "draw"]


def draw(
    sources: Mapping[str, Any],
    *,
    source: str = "measured",
    points: str = "train_means",
    labels: str = "train_labels",
    radii: tuple[float, ...] = (1.177, 2.448),
    width: float = 0.85,
) -> Figure:
    """Scatter ``points`` [n, 2] in one colour for each value of ``labels`` [n], written near the median of its points.

    The points are drawn as one picture of fixed resolution, so that the file does not grow with their number.

    Args:
        sources: arrays by alias.
        source: the alias of the arrays.
        points: name of the points.
        labels: name of the classes, whole numbers.
        radii: of dashed circles around the origin; those of the default hold half and 95 % of a standard normal distribution.
        width: fraction of the text width.
    """
    z, classes = np.asarray(sources[source][points]), np.asarray(sources[source][labels])
    colours = colormaps["tab10"].colors  # type: ignore[attr-defined] # ten colours, one more than the palette of the style has
    made, axes = style.figure(width=width, aspect=0.88)
    panel = axes[0, 0]
    size = min(6.0, 30_000 / len(z))
    # in random order, so that no class lies on top of the others everywhere
    order = np.random.default_rng(0).permutation(len(z))
    shades = np.array([colours[label % len(colours)] for label in classes])
    panel.scatter(*z[order].T, c=shades[order], s=size, linewidths=0, alpha=0.7, rasterized=True)
    present = np.unique(classes)
    middles = np.array([np.median(z[classes == label], axis=0) for label in present])
    for label, at in zip(present, apart(middles, 0.06 * np.ptp(z, axis=0).max()), strict=True):
        colour = colours[label % len(colours)]
        panel.plot([], [], "o", color=colour, label=str(label))
        box = {"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": colour, "alpha": 0.85}
        panel.text(*at, str(label), ha="center", va="center", fontsize=8, bbox=box)
    for radius in radii:
        panel.add_patch(Circle((0, 0), radius, fill=False, edgecolor=style.INK, linewidth=0.8, linestyle="--"))
    panel.set(xlabel=r"$\mu_1(x)$", ylabel=r"$\mu_2(x)$", aspect="equal")
    panel.legend(title="digit", loc="center left", bbox_to_anchor=(1.0, 0.5))
    return made


def apart(points: np.ndarray, distance: float) -> np.ndarray:
    """Push points [n, 2] away from each other, pair by pair, until none lies nearer than ``distance`` to another."""
    moved = np.array(points, dtype=float)
    for _ in range(200):
        steps = moved[:, None] - moved[None]
        lengths = np.linalg.norm(steps, axis=-1)
        np.fill_diagonal(lengths, np.inf)
        if lengths.min() >= distance:
            break
        i, j = np.unravel_index(lengths.argmin(), lengths.shape)
        direction = steps[i, j] / lengths[i, j] if lengths[i, j] > 0 else np.array([0.0, 1.0])
        push = (1.01 * distance - lengths[i, j]) / 2 * direction
        moved[i] += push
        moved[j] -= push
    return moved
