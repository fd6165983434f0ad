"""Graphical models: circles for random variables, shaded where observed, dots for parameters, plates for repetition."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch

from dgm.figures import style

__all__ = ["draw"]

RADIUS = 0.34
DOT = 0.07


def draw(sources: Mapping[str, Any], *, panels: Sequence[Mapping[str, Any]], aspect: float = 0.66) -> Figure:
    """Draw one graph a panel; no data are needed.

    Args:
        sources: unused.
        panels: each with ``title``, ``size`` (width, height of the canvas), ``nodes`` (name -> ``at`` [x, y], ``label``, and
            ``observed`` or ``parameter`` where true), ``edges`` (pairs of names, and a third entry ``dashed`` where the
            arrow stands for a computed, not a modelled, dependence) and ``plates`` (``box`` [left, bottom, width, height] and
            ``label``).
        aspect: height of a panel over its width.

    Raises:
        ValueError: for an edge between nodes that do not exist.
    """
    made, axes = style.figure(1, len(panels), aspect=aspect)
    for axis, panel in zip(axes[0], panels, strict=True):
        _panel(axis, panel)
    return made


def _panel(axis: Axes, panel: Mapping[str, Any]) -> None:
    width, height = panel["size"]
    axis.set(xlim=(0, width), ylim=(0, height), aspect="equal", title=panel["title"])
    axis.set_axis_off()
    for plate in panel.get("plates", ()):
        left, bottom, across, up = plate["box"]
        axis.add_patch(
            FancyBboxPatch(
                (left, bottom),
                across,
                up,
                boxstyle="round,pad=0,rounding_size=0.15",
                fill=False,
                edgecolor=style.INK,
                linewidth=0.8,
                zorder=1,
            )
        )
        axis.text(left + across - 0.12, bottom + 0.1, plate["label"], ha="right", va="bottom")
    nodes = panel["nodes"]
    shapes = {name: axis.add_patch(_shape(node)) for name, node in nodes.items()}
    for edge in panel["edges"]:
        missing = set(edge[:2]) - set(nodes)
        if missing:
            raise ValueError(f"graphical_model: edge {list(edge)} names {sorted(missing)}; the nodes are {sorted(nodes)}")
        line = "dashed" if "dashed" in edge[2:] else "solid"
        axis.add_patch(
            FancyArrowPatch(
                tuple(nodes[edge[0]]["at"]),
                tuple(nodes[edge[1]]["at"]),
                patchA=shapes[edge[0]],
                patchB=shapes[edge[1]],
                arrowstyle="-|>",
                mutation_scale=9,
                linewidth=1.0,
                linestyle=line,
                color=style.INK,
                shrinkA=0,
                shrinkB=0,
                zorder=2,
            )
        )
    for node in nodes.values():
        x, y = node["at"]
        if node.get("parameter"):
            dx, dy = node.get("label_at", (0, 0.16))
            axis.text(x + dx, y + dy, node["label"], ha="center", va="center", zorder=4)
        else:
            axis.text(x, y, node["label"], ha="center", va="center", fontsize=10, zorder=4)


def _shape(node: Mapping[str, Any]) -> Circle:
    if node.get("parameter"):
        return Circle(tuple(node["at"]), DOT, facecolor=style.INK, edgecolor=style.INK, zorder=3)
    face = (*to_rgb(style.COLOURS["grey"]), 0.4) if node.get("observed") else "none"
    return Circle(tuple(node["at"]), RADIUS, facecolor=face, edgecolor=style.INK, linewidth=1.0, zorder=3)
