"""What becomes of both bounds of the ring mixture as the number of components grows."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]

_AROUND = (("purple", "-"), ("ochre", "--"), ("green", "-."))


def draw(sources: Mapping[str, Any], *, components: Sequence[int] = (3, 10, 20)) -> Figure:
    """Draw the arrays of the demonstration ``ring_bounds`` (alias ``arrays``); ``components`` are those drawn around the circle."""
    arrays = sources["arrays"]
    made, (wide, around, narrow), place = style.panels(3)
    for panel, ring, title in ((wide, "r10", "$R=10$"), (narrow, "r1", "$R=1$")):
        counts, limit = arrays[f"{ring}_components"], arrays[f"{ring}_around_limit"][0]
        # all values are negative: a logarithmic axis of their size that points down
        panel.plot(counts, -arrays[f"{ring}_at_mean"], color=style.COLOURS["blue"], label="posterior, at a mean")
        panel.plot(counts, -arrays[f"{ring}_at_half"], "--", color=style.COLOURS["sky"], label="posterior, halfway")
        panel.plot(
            counts, -arrays[f"{ring}_uniform_at_mean"], "-.", color=style.COLOURS["vermilion"], label="uniform $q$, at a mean"
        )
        panel.axhline(-limit, color=style.INK, linestyle=":", linewidth=1, label=r"posterior, $K\to\infty$")
        panel.set(xscale="log", yscale="log", xlabel="number of components $K$", ylabel=r"bound (nats)", title=title)
        panel.invert_yaxis()
    for panel, ticks in ((wide, (3, 5, 10, 20, 50, 100)), (narrow, (2.4, 2.5, 2.6, 2.7, 2.8))):
        panel.set_yticks(ticks, labels=[f"−{tick:g}" for tick in ticks])
        panel.minorticks_off()
    narrow.set_xlim(2, 20)
    narrow.set_xticks([2, 5, 10, 20], labels=["2", "5", "10", "20"])
    for count, (colour, line) in zip(components, _AROUND, strict=False):
        around.plot(arrays["r10_angle"], arrays[f"r10_around_{count}"], line, color=style.COLOURS[colour], label=f"$K={count}$")
    around.axhline(arrays["r10_around_limit"][0], color=style.INK, linestyle=":", linewidth=1)
    around.set(xlabel="angle of $x$", ylabel=r"$\log p(x)$", title="around the circle, $R=10$", xlim=(-1.4, 1.4), ylim=(-16, 0))
    style.label_panels([wide, around, narrow])
    style.legend(made, [wide, around], place)
    return made
