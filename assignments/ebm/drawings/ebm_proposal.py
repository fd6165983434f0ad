"""Points of the proposals of an energy-based model, with the data they have to cover."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from dgm.figures import style

__all__ = ["draw"]


def draw(sources: Mapping[str, Any], *, panels: Sequence[Mapping[str, str]], shown: int = 1000) -> Figure:
    """Draw, for each entry of ``panels`` (``source``, ``title``), ``proposal_points`` and ``train`` of the alias ``data``.

    The square is the one around the data, over which the normaliser is integrated.
    """
    made, axes = style.figure(1, len(panels), aspect=1.0)
    for panel, spec in zip(axes[0], panels, strict=True):
        arrays = sources[spec["source"]]
        proposal, half = arrays["proposal_points"][:shown], float(arrays["half_width"])
        panel.plot(*proposal.T, ".", color=style.COLOURS["grey"], markersize=2, alpha=0.7, label="proposal points", rasterized=True)
        panel.plot(*sources["data"]["train"].T, ".", color=style.COLOURS["blue"], markersize=1.5, label="data", rasterized=True)
        corner = arrays["centre"] - half
        panel.add_patch(Rectangle(tuple(corner), 2 * half, 2 * half, fill=False, color=style.INK, linewidth=0.8))
        reach = 1.6 * half
        panel.set(aspect="equal", xlim=(-reach, reach), ylim=(-reach, reach), title=spec["title"], xlabel="first coordinate")
        outside = np.abs(proposal).max(1) > reach
        if outside.any():
            panel.text(0.98, 0.02, f"{int(outside.sum())} points lie outside", transform=panel.transAxes, ha="right", fontsize=6.5)
    axes[0][0].set_ylabel("second coordinate")
    axes[0][0].legend(loc="upper left", markerscale=4)
    return made
