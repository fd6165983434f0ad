"""How often each code of a vector-quantised autoencoder is used, and how usage grew during the training."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]


def draw(sources: Mapping[str, Any]) -> Figure:
    """Draw ``code_usage`` [K] of the alias ``evaluation``, largest first, and ``code_perplexity`` of the alias ``history``."""
    usage = np.sort(sources["evaluation"]["code_usage"])[::-1]
    history = sources["history"].query("term == 'code_perplexity'").sort_values("epoch")
    made, (left, right), _ = style.panels(2, lines=2)
    # one outline in place of a bar for each of many codes
    left.stairs(
        100 * usage / usage.sum(), np.arange(len(usage) + 1) + 0.5, fill=True, color=style.COLOURS["blue"], label="each code"
    )
    left.axhline(100 / len(usage), color=style.COLOURS["vermilion"], linestyle="--", linewidth=1, label="all equally often")
    left.set(xlabel="code, by rank", ylabel="share of positions (%)", title="use on test images")
    left.grid(axis="x", visible=False)
    right.plot(history["epoch"], history["value"], color=style.COLOURS["blue"], label="on test images")
    right.axhline(len(usage), color=style.COLOURS["vermilion"], linestyle="--", linewidth=1, label="number of codes")
    right.set(xlabel="epoch", ylabel="perplexity of the codes", title="during training", ylim=(0, 1.08 * len(usage)))
    for panel in (left, right):
        style.legend_below(panel)
    return made
