"""How often a model makes each digit, as a classifier sees it, beside the shares of the training images."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]


def draw(sources: Mapping[str, Any], *, panels: Sequence[Mapping[str, str]], aspect: float = 0.5, width: float = 0.75) -> Figure:
    """Draw one panel for each entry of ``panels`` (``source``, ``title``), from files of the evaluate stage.

    Bars are ``class_shares`` [10] of all samples, their dark part ``class_shares_recognised`` those of which the classifier is
    sure; lines are ``class_shares_data`` [10].
    """
    made, axes = style.figure(1, len(panels), aspect=aspect, width=width, sharey=True)
    for axis, panel in zip(axes[0], panels, strict=True):
        arrays = sources[panel["source"]]
        digits = range(len(arrays["class_shares"]))
        axis.bar(digits, arrays["class_shares"], color=style.COLOURS["sky"], label="samples")
        axis.bar(digits, arrays["class_shares_recognised"], color=style.COLOURS["blue"], label="samples recognised")
        ends = [digit - 0.45 for digit in digits], [digit + 0.45 for digit in digits]
        axis.hlines(arrays["class_shares_data"], *ends, color=style.COLOURS["vermilion"], linewidth=2, label="training images")
        axis.set(title=panel["title"], xlabel="digit", xticks=digits)
        axis.grid(False, axis="x")
        axis.set_ylim(0, 1.3 * max(arrays["class_shares"].max(), arrays["class_shares_data"].max()))
        axis.legend(loc="upper center", ncols=3, columnspacing=1.0, handlelength=1.5)
    axes[0][0].set_ylabel("share")
    return made
