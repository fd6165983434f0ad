"""Points of a plane in the colours of their classes, with a legend of the classes."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from dgm.figures import style

__all__ = ["apart", "class_legend", "scatter_classes", "write_classes"]


def scatter_classes(panel: Axes, points: np.ndarray, classes: np.ndarray) -> None:
    """Draw ``points`` [n, 2] in the colours of ``classes`` [n]; a point without a class, which is -1, is grey."""
    # in random order, so that no class lies on top of the others everywhere
    order = np.random.default_rng(0).permutation(len(points))
    shades = np.array([style.COLOURS["grey"] if label < 0 else style.CLASSES[label % len(style.CLASSES)] for label in classes])
    style.points(panel, points[order], float(np.clip(10_000 / len(points), 3.0, 8.0)), c=shades[order])


def write_classes(panel: Axes, middles: Mapping[int, np.ndarray], distance: float = 0.0) -> None:
    """Write each class at its place, in a frame of its colour; places nearer than ``distance`` are moved apart."""
    places = apart(np.array(list(middles.values())), distance)
    for label, place in zip(middles, places, strict=True):
        style.write(panel, place, str(label), edge=style.CLASSES[label % len(style.CLASSES)])


def class_legend(made: Figure, classes: np.ndarray) -> None:
    """One row below the panels that says which colour is which digit."""
    present = np.unique(classes)
    handles = [Line2D([], [], marker="o", linestyle="", color=style.CLASSES[label % len(style.CLASSES)]) for label in present]
    made.legend(
        handles,
        [str(label) for label in present],
        loc="outside lower center",
        ncols=len(present),
        handlelength=0.8,
        columnspacing=0.9,
        title="digit",
    )


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
