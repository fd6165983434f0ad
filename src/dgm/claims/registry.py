"""Which function tests which question."""

import importlib
from collections.abc import Callable, Iterable

from dgm.claims.claim import Claim, Finding
from dgm.claims.evidence import Evidence

__all__ = ["Check", "claims", "question"]

Check = Callable[[Evidence], Iterable[Claim | Finding]]
_REGISTRY: dict[str, Check] = {}


def question(question_id: str) -> Callable[[Check], Check]:
    """Register a function as the check of one question."""

    def register(check: Check) -> Check:
        if question_id in _REGISTRY:
            raise ValueError(f"two checks for question {question_id!r}")
        _REGISTRY[question_id] = check
        return check

    return register


def claims(assignment: str) -> dict[str, Check]:
    """All registered checks of an assignment, by question id, in order of definition."""
    importlib.import_module(f"dgm.checks.{assignment}")
    return {name: check for name, check in _REGISTRY.items() if name.startswith(f"{assignment}-")}
