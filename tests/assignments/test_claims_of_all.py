"""Every check runs on the files of a build, what needs no full budget holds there, and the report names only what checks make."""

import dataclasses
import functools
import re
from pathlib import Path

import pytest
from sentences import texts
from shipped import FOLDERS, claims, load

from dgm.claims.claim import Claim, Finding
from dgm.claims.evidence import Evidence
from dgm.claims.methods import EVIDENCE

ANSWERS = load().answers
QUESTIONS = [(assignment, question) for assignment in FOLDERS for question in claims(assignment)]


every_question = pytest.mark.parametrize(("assignment", "question"), QUESTIONS, ids=[question for _, question in QUESTIONS])


@functools.cache
def claims_of(assignment: str, question: str, results: Path) -> list[Claim | Finding]:
    """Claims and findings of one question, computed once for the tests of this module."""
    return list(claims(assignment)[question](Evidence(results)))


@every_question
def test_claims_that_need_no_full_budget_hold(assignment: str, question: str, tiny_results: Path) -> None:
    tested = claims_of(assignment, question, tiny_results)
    assert tested, "a question with a check makes at least one claim"
    assert [claim.id for claim in tested if not claim.passed and not claim.needs_full_budget] == []
    for said in ([claim.id for claim in tested], [claim.statement for claim in tested]):
        assert len(set(said)) == len(said)
    assert {claim.method for claim in tested} <= set(EVIDENCE)


@every_question
def test_published_mistakes_are_rejected(assignment: str, question: str, tiny_results: Path) -> None:
    """Each published value, put in the place of ours, makes its claim false; a published answer called wrong has such a claim."""
    mutants = [claim for claim in claims_of(assignment, question, tiny_results) if claim.published is not None]
    for claim in mutants:
        if claim.needs_full_budget:
            continue  # an untrained model may well look as the published answer says
        assert not dataclasses.replace(claim, stated=claim.published, published=None).passed, claim.id
    correction = ANSWERS[question].correction
    if mutants:
        assert correction is not None
    if correction is not None and correction.fault == "wrong":
        assert mutants, f"{question}: called wrong, but no claim rejects anything published"


def test_the_answers_name_claims_that_exist(tiny_results: Path) -> None:
    calls = re.compile(r'(?:check|published)\(\\?"([^"\\]+)\\?"(?! ~)')
    found = {call for where, text in texts() if "/answers/" in where for call in calls.findall(text)}
    assert len(found) > 200
    made = {
        f"{question}/{claim.id}"
        for assignment, question in QUESTIONS
        for claim in claims_of(assignment, question, tiny_results)
        if isinstance(claim, Claim)
    }
    assert found - made == set()


def test_findings_of_the_report_exist_and_have_names_of_their_own(tiny_results: Path) -> None:
    made = [
        f"{question}/{claim.id}"
        for assignment, question in QUESTIONS
        for claim in claims_of(assignment, question, tiny_results)
        if isinstance(claim, Finding)
    ]
    assert len(set(made)) == len(made)
    assert all(re.fullmatch(r"[a-z0-9-]+/[a-z0-9]+(-[a-z0-9]+)*", name) for name in made)
    named = {name for _, text in texts() for name in re.findall(r"(?:finding|found\()\s*\"([^\"]+)\"", text)}
    assert named <= set(made)
