"""Self-normalised importance sampling on a line: the two densities, one growing sample, and the error over many samples."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]


def draw(sources: Mapping[str, Any]) -> Figure:
    """Draw the arrays of the demonstration ``importance_convergence`` (alias ``arrays``)."""
    arrays = sources["arrays"]
    made, (densities, growing, errors), place = style.panels(3)
    densities.plot(arrays["x"], arrays["target"], color=style.COLOURS["purple"], label="target $p$")
    densities.plot(arrays["x"], arrays["proposal"], "--", color=style.COLOURS["green"], label="proposal $q$")
    densities.set(xlabel="$x$", ylabel="density", title="target and proposal", ylim=(0, None))
    sizes, estimate, error = arrays["sizes"], arrays["estimate"], arrays["error"]
    band: dict[str, Any] = {"color": style.COLOURS["blue"], "alpha": 0.25, "linewidth": 0}
    growing.plot(sizes, estimate, color=style.COLOURS["blue"], label=r"estimate $\hat F$")
    growing.fill_between(sizes, estimate - 1.96 * error, estimate + 1.96 * error, **band, label="95 % interval")
    growing.axhline(arrays["exact"][0], color=style.INK, linestyle=":", linewidth=1, label="exact value")
    growing.set(xlabel="draws $M$", xscale="log", title="one growing sample", ylabel=r"$\mathbb{E}_p[x^2]$")
    m = arrays["repeat_sizes"]
    errors.plot(m, arrays["rms"], "o", color=style.COLOURS["vermilion"], label="root mean square error")
    errors.plot(m, arrays["asymptotic"], "-", color=style.COLOURS["vermilion"], linewidth=1, label=r"$\propto M^{-1/2}$")
    errors.plot(m, np.abs(arrays["bias"]), "s", color=style.COLOURS["ochre"], label="size of the bias")
    first = abs(arrays["bias"][0]) * m[0]
    errors.plot(m, first / m, "--", color=style.COLOURS["ochre"], linewidth=1, label=r"$\propto M^{-1}$")
    errors.set(xlabel="draws $M$", xscale="log", yscale="log", title="over many samples", ylabel="error")
    style.label_panels([densities, growing, errors])
    style.legend(made, [densities, growing, errors], place)
    return made
