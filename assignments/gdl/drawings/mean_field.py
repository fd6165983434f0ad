"""A correlated Gaussian with its two best factorised approximations, and their variance as the correlation grows."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from dgm.figures import style

__all__ = ["draw"]

_CURVES: tuple[tuple[str, str, str, Any], ...] = (
    ("target", "posterior $p$", style.COLOURS["grey"], "-"),
    ("reverse", r"least $D_{\mathrm{KL}}(q\,\|\,p)$", style.COLOURS["vermilion"], "-"),
    ("forward", r"least $D_{\mathrm{KL}}(p\,\|\,q)$", style.COLOURS["blue"], "--"),
)


def draw(sources: Mapping[str, Any]) -> Figure:
    """Draw the arrays of the demonstration ``mean_field`` (alias ``arrays``)."""
    arrays = sources["arrays"]
    made, (contour, curve), _ = style.panels(2, aspect=1.0, lines=1)
    for name, _, colour, line in _CURVES:
        peak = arrays[name].max()
        # levels at one and two standard deviations of each density
        levels = [peak * 0.1353, peak * 0.6065]
        contour.contour(arrays["axis"], arrays["axis"], arrays[name], levels=levels, colors=colour, linestyles=line, linewidths=1.3)
    contour.set(xlabel="first coordinate", ylabel="second coordinate", aspect="equal", xlim=(-2.9, 2.9), ylim=(-2.9, 2.9))
    contour.set_title("correlation 0.9, at 1 and 2 sd")
    for name, _, colour, line in _CURVES[1:]:
        curve.plot(arrays["rho"], arrays[f"{name}_variance"], line, color=colour)
    curve.set(xlabel="correlation of the posterior", ylabel="variance of one coordinate", ylim=(0, 1.1))
    curve.set_title("variance of the fit")
    handles = [Line2D([], [], color=colour, linestyle=line) for _, _, colour, line in _CURVES]
    made.legend(handles, [label for _, label, _, _ in _CURVES], loc="outside lower center", ncols=3)
    return made
