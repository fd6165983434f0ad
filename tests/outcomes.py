"""What the check of a question makes of the files of a build: which claims are false, what the findings say."""

import functools
from pathlib import Path

from shipped import FOLDERS, claims

from dgm.claims.claim import Claim, Finding
from dgm.claims.evidence import Evidence
from dgm.claims.verdicts import decide

__all__ = ["CHECKS", "false_anyway", "false_claims", "findings", "verdict"]

CHECKS = {question: check for assignment in FOLDERS for question, check in claims(assignment).items()}


def _made(question: str, results: Path | Evidence) -> list[Claim | Finding]:
    return list(CHECKS[question](results if isinstance(results, Evidence) else Evidence(results)))


def false_claims(question: str, results: Path | Evidence, any_budget: bool = False) -> set[str]:
    """Ids of the claims that do not hold; with ``any_budget`` only of those that a build with few steps must meet too."""
    made = [claim for claim in _made(question, results) if isinstance(claim, Claim)]
    return {claim.id for claim in made if not claim.passed and not (any_budget and claim.needs_full_budget)}


@functools.cache
def false_anyway(question: str, results: Path) -> set[str]:
    """The same of files that no test changes, computed once: two steps of training need not show what a full budget does."""
    return false_claims(question, results)


def findings(question: str, results: Path | Evidence) -> dict[str, Finding]:
    """The findings by id."""
    return {finding.id: finding for finding in _made(question, results) if isinstance(finding, Finding)}


def verdict(finding: Finding) -> str:
    """What a finding says by its own error, without the scatter of training."""
    return decide(finding.estimate.value, finding.estimate.stderr, finding.threshold, finding.is_above)
