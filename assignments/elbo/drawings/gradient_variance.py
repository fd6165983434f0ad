"""Single-draw gradient estimates of two kinds, and their variances as the width and the dimension of q change."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from dgm.figures import style

__all__ = ["draw"]

_ESTIMATORS = (
    ("score", "score function", "vermilion", "-"),
    ("score_baseline", "with best baseline", "ochre", "--"),
    ("pathwise", "reparameterised", "blue", "-"),
)


def draw(sources: Mapping[str, Any]) -> Figure:
    """Draw the arrays of the demonstration ``gradient_estimators`` (alias ``arrays``)."""
    arrays = sources["arrays"]
    made, (histogram, width, dimension), place = style.panels(3)
    for name, _, colour, _ in _ESTIMATORS:
        if name != "score_baseline":
            histogram.stairs(arrays[f"{name}_histogram"], arrays["edges"], color=style.COLOURS[colour], linewidth=1.0)
    histogram.axvline(2.0, color=style.INK, linewidth=0.8, linestyle=":", label="true value, 2")
    histogram.set(xlabel="estimate from one draw", ylabel="density", xlim=(-8, 20), yscale="log", ylim=(1e-4, 1))
    histogram.set_title("distribution")
    for panel, by, x, sampled in ((width, "sd", "sd", "sampled_sd"), (dimension, "dimension", "dimensions", "sampled_dimensions")):
        for name, label, colour, line in _ESTIMATORS:
            panel.plot(arrays[x], arrays[f"{name}_by_{by}"], line, color=style.COLOURS[colour], label=label)
            panel.plot(arrays[sampled], arrays[f"{name}_sampled_by_{by}"], ".", color=style.COLOURS[colour], markersize=6)
        panel.set(xscale="log", yscale="log", ylabel="variance of one draw")
    width.set(xlabel="standard deviation of $q$", title="narrower $q$")
    dimension.set(xlabel="dimensions of $z$", title="more dimensions")
    style.label_panels([histogram, width, dimension])
    handles, labels = width.get_legend_handles_labels()
    handles += [*histogram.get_legend_handles_labels()[0], Line2D([], [], color=style.INK, marker=".", markersize=6, linestyle="")]
    assert place is not None
    place.legend(handles, [*labels, "true value, 2", "measured on draws"], loc="center", labelspacing=0.6)
    return made
