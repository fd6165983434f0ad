"""How a claim may be tested, and what kind of evidence each way gives."""

from collections.abc import Mapping
from typing import Literal

__all__ = ["EVIDENCE", "Evidence", "Method"]

Method = Literal[
    "symbolic", "exact rationals", "enumeration", "quadrature", "optimisation", "finite differences", "automatic differentiation",
    "Monte Carlo", "closed form", "trained model",
]  # fmt: skip

Evidence = Literal["proved", "computed", "sampled", "measured"]

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
    "trained model": "measured",
}
"""``proved``: algebra, fractions or all cases, exact up to the rounding of the comparison; ``computed``: numbers with a small
error of rounding or approximation; ``sampled``: random draws with a stated interval; ``measured``: what this build trained."""
