"""How often a model makes each digit, as a classifier sees it, beside the shares of the training images."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]


def draw(sources: Mapping[str, Any], *, panels: Sequence[Mapping[str, str]], aspect: float = 0.5) -> Figure:
    """Draw one panel for each entry of ``panels`` (``source``, ``title``), from files of the evaluate stage.

    Bars are ``class_shares`` [10] of all samples, their dark part ``class_shares_recognised`` those of which the classifier is
    sure; lines are ``class_shares_data`` [10].
    """
    made, axes, _ = style.panels(len(panels), aspect, lines=1, sharey=True)
    for axis, panel in zip(axes, panels, strict=True):
        arrays = sources[panel["source"]]
        digits = range(len(arrays["class_shares"]))
        axis.bar(digits, arrays["class_shares"], color=style.COLOURS["sky"], alpha=0.6, label="samples")
        axis.bar(digits, arrays["class_shares_recognised"], color=style.COLOURS["blue"], label="samples recognised")
        ends = [digit - 0.45 for digit in digits], [digit + 0.45 for digit in digits]
        axis.hlines(arrays["class_shares_data"], *ends, color=style.COLOURS["vermilion"], linewidth=2, label="training images")
        axis.set(title=panel["title"], xlabel="digit", xticks=digits)
        axis.grid(False, axis="x")
    axes[0].set_ylabel("share")
    style.legend(made, axes)
    return made
