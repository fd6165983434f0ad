"""Both divergences between a Gaussian and a two-mode target as landscapes, and the minima of one as the modes move apart."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]

_WIDTHS = (0.5, 1.0, 2.0, 4.0, 8.0)
_LEVELS = {
    "reverse": [0.75, 1.0, 1.4, 1.88, 1.943, 2.1, 2.6, 3.5, 5.0, 8.0, 13.0, 20.0],
    "forward": [0.75, 0.85, 1.0, 1.3, 1.8, 2.6, 4.0, 7.0, 13.0, 25.0, 50.0, 100.0],
}
_REVERSE = r"$D_{\mathrm{KL}}(q\,\|\,p)$"
_FORWARD = r"$D_{\mathrm{KL}}(p\,\|\,q)$"


def draw(sources: Mapping[str, Any]) -> Figure:
    """Draw the arrays of the demonstration ``kl_landscape`` (alias ``arrays``)."""
    arrays = sources["arrays"]
    made, (reverse, forward, sweep), place = style.panels(3, aspect=0.95)
    for panel, name in ((reverse, "reverse"), (forward, "forward")):
        _contours(panel, arrays, name)
    for path in arrays["paths"]:
        reverse.plot(path[:, 0], path[:, 1], color=style.COLOURS["green"], linewidth=0.8, zorder=2)
    reverse.plot(*arrays["starts"].T, ".", color=style.COLOURS["green"], markersize=4, zorder=3)
    depth = arrays["reverse_minima"][:, 2]
    deepest: dict[str, Any] = {"marker": "*", "color": style.COLOURS["vermilion"], "markersize": 9, "linestyle": "", "zorder": 4}
    other: dict[str, Any] = {"marker": "o", "color": style.COLOURS["ochre"], "markersize": 5, "linestyle": "", "zorder": 4}
    for point in arrays["reverse_minima"]:
        reverse.plot(point[0], np.log(point[1]), **(deepest if point[2] < depth.min() + 1e-6 else other))
    reverse.plot(arrays["saddles"][:, 0], np.log(arrays["saddles"][:, 1]), "x", color=style.INK, zorder=4)
    best = arrays["forward_minimum"]
    forward.plot(best[0], np.log(best[1]), **deepest)
    for panel, title in ((reverse, f"{_REVERSE}, three minima"), (forward, f"{_FORWARD}, one minimum")):
        panel.set_title(title)
    sweep.plot(arrays["separation"], arrays["central"], "--", color=style.COLOURS["ochre"])
    sweep.plot(arrays["side_separation"], arrays["side"], color=style.COLOURS["vermilion"])
    for value in arrays["thresholds"]:
        sweep.axvline(value, color=style.INK, linewidth=0.8, linestyle=":")
    sweep.set(xlabel="half distance $a$ of the modes", ylabel="nats", xlim=(0, 5), ylim=(0, 2.1), title=f"minima of {_REVERSE}")
    # what the signs mean stands beside the last panel
    for label, sign in (
        ("deepest minimum", deepest),
        ("other minimum", other),
        ("saddle", {"marker": "x", "color": style.INK, "linestyle": ""}),
        ("steepest descent", {"marker": ".", "color": style.COLOURS["green"], "linewidth": 0.8}),
        ("minimum at each side", {"color": style.COLOURS["vermilion"]}),
        ("minimum at the centre", {"color": style.COLOURS["ochre"], "linestyle": "--"}),
        ("side minima appear,\nbecome the deepest", {"color": style.INK, "linewidth": 0.8, "linestyle": ":"}),
    ):
        sweep.plot([], [], label=label, **sign)
    style.label_panels([reverse, forward, sweep])
    style.legend(made, [sweep], place)
    return made


def _contours(panel: Axes, arrays: Mapping[str, Any], name: str) -> None:
    values = arrays[name]
    shown = np.log(values)
    style.show_field(panel, arrays["mean"], arrays["log_sd"], shown, cmap=style.SHADES, vmax=1.6 * float(shown.max()))
    panel.contour(arrays["mean"], arrays["log_sd"], values, levels=_LEVELS[name], colors=style.INK, linewidths=0.45)
    panel.set(xlabel=r"mean of $q$", ylabel=r"standard deviation of $q$")
    panel.set(yticks=np.log(_WIDTHS), yticklabels=[f"{w:g}" for w in _WIDTHS])
