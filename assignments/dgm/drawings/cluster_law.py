"""Choosing the cluster law of a mixture-prior autoencoder in one dimension: the posterior of the cluster, and the bound."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from dgm.figures import style

__all__ = ["draw"]

_MARKS = (("given", "purple", "s"), ("averaged", "blue", "D"), ("geometric", "vermilion", "o"))


def draw(sources: Mapping[str, Any]) -> Figure:
    """Draw the arrays of the demonstration ``mixture_prior`` (alias ``arrays``)."""
    arrays = sources["arrays"]
    made, (law, bound), _ = style.panels(2, lines=4)
    style.area(law, arrays["z"], arrays["code_law"], color=style.COLOURS["grey"], alpha=0.3, label=r"$q(z\mid x)$")
    law.plot(arrays["z"], arrays["cluster_probability"], color=style.INK, label=r"$p(c=1\mid z)$")
    for (name, colour, _), (gamma, _) in list(zip(_MARKS, arrays["marks"], strict=True))[1:]:
        law.axhline(gamma, color=style.COLOURS[colour], linestyle="--", label=f"{name} $\\gamma_1$")
    law.set(xlabel="$z$", ylabel="density or probability", ylim=(0, 1.05), title="posterior of the cluster")
    bound.plot(arrays["gamma"], arrays["bound"], color=style.INK)
    bound.axhline(arrays["log_evidence"][0], color=style.COLOURS["green"], linestyle=":", label=r"$\log p(x)$")
    for (name, colour, mark), (gamma, value) in zip(_MARKS, arrays["marks"], strict=True):
        bound.plot([gamma], [value], mark, color=style.COLOURS[colour], markersize=5, label=f"{name} $\\gamma_1$")
    bound.set(xlabel=r"$\gamma_1$", ylabel="bound (nats)", title="bound by cluster law")
    style.legend_below(law)
    style.legend_below(bound)
    return made
