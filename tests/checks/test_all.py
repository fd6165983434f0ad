"""Every check of every assignment runs on the files of a build, and what needs no full budget holds on any build."""

import dataclasses
import functools
from pathlib import Path

import pytest

from dgm.checks import Claim, Evidence, claims
from dgm.methods import EVIDENCE
from dgm.provenance import names
from dgm.report.catalogue import load

ANSWERS = load(Path(__file__).parents[2] / "report").answers
QUESTIONS = [(assignment, question) for assignment in names("checks") for question in claims(assignment)]


every_question = pytest.mark.parametrize(("assignment", "question"), QUESTIONS, ids=[question for _, question in QUESTIONS])


@functools.cache
def claims_of(assignment: str, question: str, results: Path) -> list[Claim]:
    """The claims of one question, computed once for the tests of this module."""
    return list(claims(assignment)[question](Evidence(results)))


@every_question
def test_claims_that_need_no_full_budget_hold(assignment: str, question: str, tiny_results: Path) -> None:
    tested = claims_of(assignment, question, tiny_results)
    assert tested, "a question with a check makes at least one claim"
    assert [claim.statement for claim in tested if not claim.passed and not claim.needs_full_budget] == []
    statements = [claim.statement for claim in tested]
    assert len(set(statements)) == len(statements)
    assert {claim.method for claim in tested} <= set(EVIDENCE)


@every_question
def test_published_mistakes_are_rejected(assignment: str, question: str, tiny_results: Path) -> None:
    """Each published value, put in the place of ours, makes its claim false; a published answer called wrong has such a claim."""
    mutants = [claim for claim in claims_of(assignment, question, tiny_results) if claim.published is not None]
    for claim in mutants:
        if claim.needs_full_budget:
            continue  # an untrained model may well look as the published answer says
        assert not dataclasses.replace(claim, expected=claim.published, published=None).passed, claim.statement
    correction = ANSWERS[question].correction
    if mutants:
        assert correction is not None
    if correction is not None and correction.fault == "wrong":
        assert mutants, f"{question}: called wrong, but no claim rejects anything published"
