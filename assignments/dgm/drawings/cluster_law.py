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
    made, axes = style.figure(1, 2, aspect=0.75)
    law, bound = axes[0]
    law.fill_between(arrays["z"], arrays["code_law"], color=style.COLOURS["grey"], alpha=0.3, linewidth=0, label="$q(z|x)$")
    law.plot(arrays["z"], arrays["cluster_probability"], color=style.COLOURS["black"], label="$p(c=1|z)$")
    for (name, colour, _), (gamma, _) in list(zip(_MARKS, arrays["marks"], strict=True))[1:]:
        law.axhline(gamma, color=style.COLOURS[colour], linestyle="--", label=f"{name} $\\gamma_1$")
    law.set(xlabel="$z$", ylabel="density or probability", ylim=(0, 1.05), title="cluster posterior under $q(z|x)$")
    law.legend(loc="upper right")
    bound.plot(arrays["gamma"], arrays["bound"], color=style.COLOURS["black"])
    bound.axhline(arrays["log_evidence"][0], color=style.COLOURS["green"], linestyle=":", label=r"$\log p(x)$")
    for (name, colour, mark), (gamma, value) in zip(_MARKS, arrays["marks"], strict=True):
        bound.plot([gamma], [value], mark, color=style.COLOURS[colour], markersize=5, label=name)
    bound.set(xlabel=r"$\gamma_1$", ylabel="bound (nats)", title="the bound as a function of the cluster law")
    bound.legend(loc="lower left")
    return made
