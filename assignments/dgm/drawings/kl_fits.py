"""The Gaussians that minimise the two divergences, on a linear and on a logarithmic scale, and their mass in the valley."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]

_CURVES = (
    ("forward_fit", r"least $D_{\mathrm{KL}}(p\,\|\,q)$", "blue", "-", "o"),
    ("reverse_fit", r"least $D_{\mathrm{KL}}(q\,\|\,p)$", "vermilion", "--", "s"),
)


def draw(sources: Mapping[str, Any]) -> Figure:
    """Draw the arrays of the demonstration ``kl_landscape`` (alias ``arrays``)."""
    arrays = sources["arrays"]
    x = arrays["x"]
    made, (density, logs, mass), place = style.panels(3)
    for panel in (density, logs):
        panel.axvspan(-1, 1, color=style.COLOURS["green"], alpha=0.2, linewidth=0, label=r"valley, $|x|<1$")
        panel.set(xlabel="$x$", xlim=(-10, 10))
    style.area(density, x, np.exp(arrays["target"]), color=style.COLOURS["grey"], alpha=0.35, label="target $p$")
    logs.plot(x, arrays["target"], color=style.COLOURS["grey"], linewidth=2.2)
    for name, label, colour, line, _ in _CURVES:
        density.plot(x, np.exp(arrays[name]), line, color=style.COLOURS[colour], label=label)
        logs.plot(x, arrays[name], line, color=style.COLOURS[colour])
    density.set(ylabel="density", ylim=(0, None), title="densities")
    logs.set(ylabel="log density", ylim=(-34, 1), title="their logarithms")
    names, marks = ("forward fit", "reverse fit", "target $p$"), ("o", "s", "D")
    for row, (value, mark, colour) in enumerate(zip(arrays["valley"], marks, ("blue", "vermilion", "grey"), strict=True)):
        mass.plot(value, row, mark, color=style.COLOURS[colour], markersize=6)
        above: dict[str, Any] = {"xytext": (0, 6), "textcoords": "offset points", "ha": "center"}
        mass.annotate(f"{value:.4f}", (value, row), **above)
    mass.set(xscale="log", xlim=(3e-4, 1), xlabel=r"$P(|x|<1)$", title="mass in the valley")
    mass.set(yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.5, -0.7))
    style.label_panels([density, logs, mass])
    style.legend(made, [density], place)
    return made
