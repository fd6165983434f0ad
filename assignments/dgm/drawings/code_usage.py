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
    made, axes = style.figure(1, 2, aspect=0.62)
    left, right = axes[0]
    left.bar(np.arange(1, len(usage) + 1), 100 * usage / usage.sum(), width=0.85, color=style.COLOURS["blue"])
    left.axhline(100 / len(usage), color=style.COLOURS["vermilion"], linestyle="--", linewidth=1, label="all codes equally often")
    left.set(xlabel="code, by rank", ylabel="share of positions (%)", title="usage over the whole test set")
    left.grid(axis="x", visible=False)
    left.legend(loc="upper right")
    right.plot(history["epoch"], history["value"], color=style.COLOURS["blue"], label="on test images")
    right.axhline(len(usage), color=style.COLOURS["vermilion"], linestyle="--", linewidth=1, label="codes there are")
    right.set(xlabel="epoch", ylabel="perplexity of the codes", title="during training", ylim=(0, 1.08 * len(usage)))
    right.legend(loc="lower right")
    return made
