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
    made, axes = style.figure(1, 3, aspect=1.05)
    densities, growing, errors = axes[0]
    densities.plot(arrays["x"], arrays["target"], color=style.COLOURS["blue"], label="target p")
    densities.plot(arrays["x"], arrays["proposal"], "--", color=style.COLOURS["vermilion"], label="proposal q")
    densities.set(xlabel="x", ylabel="density", title="target and proposal", ylim=(0, 0.55))
    densities.legend(loc="upper left", ncols=2, columnspacing=0.8, handlelength=1.4)
    sizes, estimate, error = arrays["sizes"], arrays["estimate"], arrays["error"]
    growing.fill_between(
        sizes,
        estimate - 1.96 * error,
        estimate + 1.96 * error,
        color=style.COLOURS["sky"],
        alpha=0.4,
        linewidth=0,
        label="95 % interval",
    )
    growing.plot(sizes, estimate, color=style.COLOURS["blue"], label="estimate")
    growing.axhline(arrays["exact"][0], color=style.INK, linestyle=":", linewidth=1, label="exact")
    growing.set(xlabel="draws M", xscale="log", title="one growing sample", ylabel="estimate of E[x²]")
    growing.legend(loc="lower right")
    m = arrays["repeat_sizes"]
    errors.plot(m, arrays["rms"], "o", color=style.COLOURS["blue"], label="root mean square")
    errors.plot(m, arrays["asymptotic"], "-", color=style.COLOURS["blue"], linewidth=1, label="∝ M to the −1/2")
    errors.plot(m, np.abs(arrays["bias"]), "s", color=style.COLOURS["vermilion"], label="size of the bias")
    first = abs(arrays["bias"][0]) * m[0]
    errors.plot(m, first / m, "--", color=style.COLOURS["vermilion"], linewidth=1, label="∝ 1/M")
    errors.set(xlabel="draws M", xscale="log", yscale="log", title="error over many samples")
    errors.set_ylim(float(np.abs(arrays["bias"]).min()) / 60, 1)
    errors.legend(loc="lower left", fontsize=6)
    return made
