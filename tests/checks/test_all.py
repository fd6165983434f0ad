"""Every check of every assignment runs on the files of a build, and what needs no full budget holds on any build."""

from pathlib import Path

import pytest

from dgm.checks import Evidence, claims
from dgm.provenance import names

QUESTIONS = [(assignment, question) for assignment in names("checks") for question in claims(assignment)]


@pytest.mark.parametrize(("assignment", "question"), QUESTIONS, ids=[question for _, question in QUESTIONS])
def test_claims_that_need_no_full_budget_hold(assignment: str, question: str, tiny_results: Path) -> None:
    tested = list(claims(assignment)[question](Evidence(tiny_results)))
    assert tested, "a question with a check makes at least one claim"
    assert [claim.statement for claim in tested if not claim.passed and not claim.needs_full_budget] == []
    statements = [claim.statement for claim in tested]
    assert len(set(statements)) == len(statements)
