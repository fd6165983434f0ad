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

    The square is the one around the data, over which the normaliser is integrated. Titles count the points outside their panel.
    """
    made, axes, _ = style.panels(len(panels), aspect=1.0, lines=2)
    for panel, spec in zip(axes, panels, strict=True):
        arrays = sources[spec["source"]]
        proposal, half = arrays["proposal_points"][:shown], float(arrays["half_width"])
        style.points(panel, proposal, 3.0, color=style.COLOURS["grey"], label="proposal points")
        style.points(panel, sources["data"]["train"], 2.0, color=style.COLOURS["blue"], label="data")
        corner = arrays["centre"] - half
        panel.add_patch(Rectangle(tuple(corner), 2 * half, 2 * half, fill=False, color=style.INK, linewidth=0.8))
        reach = 1.6 * half
        outside = int((np.abs(proposal).max(1) > reach).sum())
        title = f"{spec['title']}\n({outside} more points outside)" if outside else spec["title"]
        panel.set(aspect="equal", xlim=(-reach, reach), ylim=(-reach, reach), title=title, xlabel="first coordinate")
    axes[0].set_ylabel("second coordinate")
    style.legend(made, axes[:1])
    return made
