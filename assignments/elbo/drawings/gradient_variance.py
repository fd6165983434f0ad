"""Single-draw gradient estimates of two kinds, and their variances as the width and the dimension of q change."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]

_ESTIMATORS = (
    ("score", "score function", "vermilion", "-"),
    ("score_baseline", "with best baseline", "orange", "--"),
    ("pathwise", "reparameterised", "blue", "-"),
)


def draw(sources: Mapping[str, Any]) -> Figure:
    """Draw the arrays of the demonstration ``gradient_estimators`` (alias ``arrays``)."""
    arrays = sources["arrays"]
    made, axes = style.figure(1, 3, aspect=1.1)
    histogram, width, dimension = axes[0]
    for name, label, colour, _ in _ESTIMATORS:
        if name != "score_baseline":
            histogram.stairs(
                arrays[f"{name}_histogram"], arrays["edges"], fill=True, alpha=0.55, color=style.COLOURS[colour], label=label
            )
    histogram.axvline(2.0, color=style.INK, linewidth=0.8, linestyle=":")
    histogram.set(xlabel="estimate from one draw", ylabel="density", xlim=(-8, 20), yscale="log", ylim=(1e-4, 30))
    histogram.set_title("both estimate 2 (dotted)")
    histogram.legend(loc="upper right")
    for panel, by, x, sampled in ((width, "sd", "sd", "sampled_sd"), (dimension, "dimension", "dimensions", "sampled_dimensions")):
        for name, label, colour, line in _ESTIMATORS:
            panel.plot(arrays[x], arrays[f"{name}_by_{by}"], line, color=style.COLOURS[colour], label=label)
            panel.plot(arrays[sampled], arrays[f"{name}_sampled_by_{by}"], ".", color=style.COLOURS[colour], markersize=5)
        panel.set(xscale="log", yscale="log", ylabel="variance of one draw")
    width.set(xlabel="standard deviation of q", title="narrower q")
    dimension.set(xlabel="dimensions of z", title="more dimensions")
    dimension.legend(loc="upper left")
    dimension.set_ylim(2, 3e5)
    return made
