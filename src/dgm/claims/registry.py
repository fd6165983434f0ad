"""Which function tests which question."""

import importlib
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from dgm.assignments import importable, modules
from dgm.claims.claim import Claim, Finding
from dgm.claims.evidence import Evidence

__all__ = ["Check", "claims", "question"]

Check = Callable[[Evidence], Iterable[Claim | Finding]]
_REGISTRY: dict[str, Check] = {}


def question(question_id: str) -> Callable[[Check], Check]:
    """Register a function as the check of one question."""

    def register(check: Check) -> Check:
        known = _REGISTRY.get(question_id)
        if known is not None and known.__module__ in sys.modules and known.__module__ != check.__module__:
            raise ValueError(f"two checks for question {question_id!r}: in {known.__module__} and in {check.__module__}")
        _REGISTRY[question_id] = check
        return check

    return register


def claims(folder: Path) -> dict[str, Check]:
    """All checks of an assignment, by question id, in the order of its modules and of their lines."""
    package = importable(folder)
    for name in modules(folder / "claims"):
        importlib.import_module(f"{package}.claims.{name}")
    return {name: check for name, check in _REGISTRY.items() if name.startswith(f"{folder.resolve().name}-")}
