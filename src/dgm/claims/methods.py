"""How a claim may be tested, and what kind of evidence each way gives."""

from collections.abc import Mapping
from typing import Literal

__all__ = ["EVIDENCE", "MEASURED", "Evidence", "Method"]

Method = Literal[
    "symbolic", "exact rationals", "enumeration", "quadrature", "optimisation", "finite differences", "automatic differentiation",
    "Monte Carlo", "closed form", "recomputation", "measurement",
]  # fmt: skip

Evidence = Literal["proved", "computed", "sampled", "measured", "reread"]

MEASURED: Method = "measurement"
"""The method of a :class:`dgm.claims.claim.Finding`, which has a verdict and never decides whether a build fails."""

EVIDENCE: Mapping[str, Evidence] = {
    "symbolic": "proved",
    "exact rationals": "proved",
    "enumeration": "proved",
    "closed form": "computed",
    "quadrature": "computed",
    "optimisation": "computed",
    "finite differences": "computed",
    "automatic differentiation": "computed",
    "Monte Carlo": "sampled",
    MEASURED: "measured",
    "recomputation": "reread",
}
"""``proved``: algebra, fractions or all cases, exact up to the rounding of the comparison; ``computed``: numbers with a small
error of rounding or approximation; ``sampled``: random draws with a stated interval; ``measured``: what training showed, an
estimate with its error against a threshold; ``reread``: a number or a count of this build, had by a second route."""
