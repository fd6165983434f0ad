"""The Gaussians that minimise the two divergences, on a linear and on a logarithmic scale, and their mass in the valley."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]

_CURVES = (
    ("forward_fit", "argmin D(p||q)", "blue", "-"),
    ("reverse_fit", "argmin D(q||p)", "vermilion", "--"),
)


def draw(sources: Mapping[str, Any]) -> Figure:
    """Draw the arrays of the demonstration ``kl_landscape`` (alias ``arrays``)."""
    arrays = sources["arrays"]
    x = arrays["x"]
    made, axes = style.figure(1, 3, aspect=1.1, width_ratios=[1.25, 1.25, 0.8])
    density, logs, mass = axes[0]
    for panel in (density, logs):
        panel.axvspan(-1, 1, color=style.COLOURS["grey"], alpha=0.15, linewidth=0)
        panel.set(xlabel="x", xlim=(-10, 10))
    density.fill_between(x, np.exp(arrays["target"]), color=style.COLOURS["grey"], alpha=0.35, linewidth=0, label="target p")
    logs.plot(x, arrays["target"], color=style.COLOURS["grey"], linewidth=2.2, label="target p")
    for name, label, colour, line in _CURVES:
        density.plot(x, np.exp(arrays[name]), line, color=style.COLOURS[colour], label=label)
        logs.plot(x, arrays[name], line, color=style.COLOURS[colour])
    density.set(ylabel="density", ylim=(0, 0.58), title="densities")
    density.legend(loc="upper left")
    logs.set(ylabel="log density", ylim=(-34, 1), title="their logarithms")
    bars = mass.bar(
        ["forward", "reverse", "target"],
        arrays["valley"],
        color=[style.COLOURS[name] for name in ("blue", "vermilion", "grey")],
        width=0.65,
    )
    mass.bar_label(bars, labels=[f"{value:.4f}" for value in arrays["valley"]], fontsize=6.5, padding=1)
    mass.set(yscale="log", ylim=(5e-4, 1), ylabel="probability of |x| < 1", title="mass in the valley")
    mass.tick_params(axis="x", labelsize=6.5)
    mass.grid(False, axis="x")
    return made
