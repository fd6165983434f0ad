"""What answers say, in a form that code can test.

A claim states what the answer says (``stated``) beside what an independent computation gives (``found``); a false one fails
the build. A finding says what training showed: an estimate with its standard error against a threshold, which is shown, not
decided or contradicted, and never fails a build.
"""

import math
import re
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dgm.claims.methods import EVIDENCE, MEASURED, Method
from dgm.claims.verdicts import decide
from dgm.errors import unknown
from dgm.maths.measured import Measured, mean

__all__ = ["Claim", "Finding", "Method", "frequency", "holds", "paired"]

ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
"""Form of an id: lower-case words, joined by hyphens."""


@dataclass(frozen=True)
class Claim:
    """One statement of an answer and the number or truth value that tests it.

    ``id`` names the claim within its question; answers print its number with ``check("<question>/<id>")``. A statement that is
    true or false, without a number, is a claim too: see :func:`holds`.
    ``passed`` is ``|found - stated| <= tolerance`` for numbers (``nan`` never passes), equality for booleans.
    ``published`` is what the published answer has in the place of ``stated``: a number that it printed (``printed``), or one that
    follows from what it printed. Such a claim passes only if the published value would not, so each published mistake is a mutant
    that the claim must reject.
    Set ``needs_full_budget`` for what a build with ``limits``, or one on images that the questions are not about, cannot be
    expected to have; such a build records the claim as skipped.

    Raises:
        ValueError: for an id that is not lower-case words joined by hyphens, for an unknown method, and for that of a finding,
            which has an error and a verdict.
    """

    id: str
    statement: str
    method: Method
    stated: float | bool
    found: float | bool
    tolerance: float = 0.0
    needs_full_budget: bool = False
    published: float | bool | None = None
    printed: bool = False

    def __post_init__(self) -> None:
        _check_id(self.id, "claim")
        if self.method not in EVIDENCE:
            raise unknown("method", self.method, EVIDENCE, f"claim {self.id!r}")
        if self.method == MEASURED:
            raise ValueError(f"claim {self.id!r}: what training showed needs an error and a verdict; make it a Finding")

    @property
    def error(self) -> float:
        """Absolute difference of what was found and what is stated."""
        return abs(float(self.found) - float(self.stated))

    @property
    def passed(self) -> bool:
        """Whether the claim holds within its tolerance, and the published value, if there is one, does not."""
        return self._met_by(self.stated) and (self.published is None or not self._met_by(self.published))

    def _met_by(self, value: float | bool) -> bool:
        if float(self.found) == float(value):  # also two infinities of one sign
            return True
        return bool(abs(float(self.found) - float(value)) <= self.tolerance)


def holds(  # noqa: PLR0917 - in the order of a claim
    id: str,
    statement: str,
    method: Method,
    found: bool,
    needs_full_budget: bool = False,
    published: bool | None = None,
    printed: bool = False,
) -> Claim:
    """The claim that a statement is true; ``found`` is the truth value of an independent computation.

    ``published`` is ``False`` where the published answer denies the statement.
    """
    return Claim(id, statement, method, True, bool(found), 0.0, needs_full_budget, published, printed)


@dataclass(frozen=True)
class Finding:
    """What training showed: an estimate with its standard error, and the threshold beyond which the answer says it lies.

    Name it by ``id``, so that answers can bind their words to its verdict; give one of ``above`` and ``below``. The estimate's
    standard error comes from the images, points or draws behind it, from differences of pairs wherever both sides saw the same ones
    (:func:`paired`); that of a number of the fitted parameters is 0, with ``n = 0``. The scatter of training comes on top of it
    (:mod:`dgm.claims.verdicts`), and is no business of the check. ``published`` is a published value that the estimate must
    exclude, ``printed`` says whether it was printed or follows from what was.

    Raises:
        ValueError: for an id that is not lower-case words joined by hyphens, for an estimate without an error model, or without
            exactly one threshold.
    """

    id: str
    statement: str
    estimate: Measured
    above: float | None = None
    below: float | None = None
    published: float | None = None
    printed: bool = False

    method: ClassVar[Method] = MEASURED
    needs_full_budget: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check_id(self.id, "finding")
        if (self.above is None) == (self.below is None):
            raise ValueError(f"finding {self.id!r}: give one of above and below")
        n, stderr = self.estimate.n, self.estimate.stderr
        undefined = math.isnan(self.estimate.value)  # such as a correlation without variance, in a quick build
        if not undefined and (math.isnan(stderr) or stderr < 0 or (n == 0 and stderr != 0) or n < 0 or n == 1):
            raise ValueError(
                f"finding {self.id!r}: {self.estimate} has no error model; give the standard error and the number of images, "
                "points or draws behind it, or stderr = 0 and n = 0 for a number of the fitted parameters"
            )

    @property
    def threshold(self) -> float:
        """What the estimate is compared with."""
        return float(self.above if self.above is not None else self.below or 0.0)

    @property
    def is_above(self) -> bool:
        """Whether the estimate is said to be larger than the threshold; else smaller."""
        return self.above is not None

    @property
    def found(self) -> float:
        """The estimate."""
        return self.estimate.value

    @property
    def passed(self) -> bool:
        """Whether this build shows it by its own error alone, without the scatter of training."""
        return (
            decide(self.estimate.value, self.estimate.stderr, self.threshold, self.is_above) == "shown" and not self.published_fits
        )

    @property
    def published_fits(self) -> bool:
        """Whether a published value lies within three of the estimate's own errors."""
        if self.published is None:
            return False
        return decide(self.estimate.value, self.estimate.stderr, self.published, above=True) == "not decided"


def _check_id(name: str, what: str) -> None:
    if not ID.fullmatch(name):
        raise ValueError(f"{what} {name!r}: an id has lower-case words, joined by hyphens, as in 'mass-is-one'")


def paired(first: np.ndarray, second: np.ndarray, unit: str = "nats") -> Measured:
    """Mean of first minus second over the images, points or draws that both sides saw, [n], with the error of the differences.

    Raises:
        ValueError: for arrays of different lengths, which are no pairs.
    """
    if first.shape != second.shape:
        raise ValueError(f"pairs need equal numbers of values on both sides; got {first.shape} and {second.shape}")
    return mean(first.astype(np.float64) - second.astype(np.float64), unit)


def frequency(flags: np.ndarray) -> Measured:
    """Relative frequency of true entries, [n].

    Its error is that of the adjusted frequency (k + 2) / (n + 4), so that none and all have one too.

    Source: Agresti and Coull, "Approximate is better than 'exact' for interval estimation of binomial proportions" (1998).
    """
    n = len(flags)
    adjusted = (int(np.sum(flags)) + 2) / (n + 4)
    return Measured(float(np.mean(flags)), math.sqrt(adjusted * (1 - adjusted) / (n + 4)), n, "")
