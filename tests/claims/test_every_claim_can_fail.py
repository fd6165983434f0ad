"""Every claim of every check turns false under some wrong version of the computation, of a formula or of the files it reads."""

import sys
from collections.abc import Iterator
from pathlib import Path

import mutants
import pytest
from mutants import Misread, keep, kept, prove, registered, repeated, version

from dgm.claims.evidence import Evidence

EXCEPTIONS: dict[tuple[str, str], str] = {}
"""Claims that no mutant turns false, by question and id, with the reason why they stay. An entry that is seen failing is
an error, so the list cannot outlive its reasons."""


@pytest.mark.parametrize("question", registered([]))
def test_every_claim_is_seen_failing(question: str, request: pytest.FixtureRequest) -> None:
    """Of the checks whose code is not what it was when they were proved; of all with ``--again``."""
    check = registered([question])[question]
    if kept().get(question) == version(check) and not request.config.getoption("--again"):
        pytest.skip("proved with this code")
    proof = prove(check, Evidence(request.getfixturevalue("tiny_results")))
    assert proof.seen
    assert set(proof.unseen) == {claim for name, claim in EXCEPTIONS if name == question}
    if request.config.getoption("--keep-proofs"):
        keep(question, version(check))


def test_a_kept_proof_holds_for_one_version_of_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = tmp_path / "proved.csv"
    record.write_text("question,version\nof-old,0123\n")
    question, other = list(registered([]))[:2]
    check = registered([question])[question]
    for name in (other, question):
        keep(name, version(registered([name])[name]), record)
    assert kept(record) == {name: version(registered([name])[name]) for name in sorted((question, other))}
    before = version(check)
    monkeypatch.setattr(mutants, "fingerprint", lambda *modules: "of changed code")
    assert version(check) != before


def test_exceptions_belong_to_questions_and_give_reasons() -> None:
    assert {question for question, _ in EXCEPTIONS} <= set(registered([]))
    assert all(EXCEPTIONS.values())


@pytest.mark.parametrize("question", registered([]))
def test_no_claim_compares_an_expression_with_itself(question: str) -> None:
    assert repeated(registered([question])[question]) == []


MADE_UP = '''
"""A check with good and bad claims."""

import functools
import math

from dgm.claims.claim import Claim, holds

HALF = 0.5


def square(x):
    """A formula."""
    if x < 0:
        raise ValueError("x")
    return x * x


@functools.cache
def kept(x):
    """A cached helper."""
    return square(x) + HALF


def more(evidence):
    """Claims of a helper."""
    total = sum(square(n) for n in range(4))
    yield Claim("sum", "a sum", "enumeration", 14, total)
    yield holds("file", "a file", "recomputation", found=evidence.metric("run", "loss") > 0)
    yield holds("false-on-files", "false on the files", "recomputation", found=evidence.metric("run", "loss") > 10)


def check(evidence):
    """All claims."""
    value = kept(3)
    yield Claim("cache", "through a cache", "closed form", 9.5, value, 1e-9)
    yield Claim("literal", "a literal", "closed form", math.pi, 3.14159, 1e-3)
    yield holds("truth", "a truth", "closed form", found=True)
    apart = abs(square(2) - square(2))
    yield Claim("wide-tolerance", "a wide tolerance", "closed form", 4.0, square(2), 1e6)
    yield holds("low-threshold", "a threshold that anything meets", "closed form", found=value > -1e9)
    yield from more(evidence)
    once = square(2)
    yield Claim("same-twice", "the same twice", "closed form", square(2), float(once))
    yield Claim(f"value-{value:.0f}", "its id has its value", "closed form", 10.0, value + HALF, 1e-9)
'''


@pytest.fixture
def made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """The check above, as a module of the package."""
    path = tmp_path / "made_up.py"
    path.write_text(MADE_UP)
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "run.csv").write_text("run,kind,metric,value,stderr,n,split,unit\nrun,kind,loss,2.0,0.1,9,test,nats\n")
    name = "assignments.made_up"
    module = type(sys)(name)
    module.__file__ = str(path)
    monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(mutants, "CODE", (*mutants.CODE, str(tmp_path)))
    exec(compile(MADE_UP, str(path), "exec"), vars(module))
    yield module


def test_claims_that_cannot_fail_are_found_and_the_code_is_put_back(made_up, tmp_path: Path) -> None:
    evidence = Evidence(tmp_path)
    before = list(made_up.check(evidence))
    proof = prove(made_up.check, evidence)
    assert set(proof.unseen) == {"literal", "truth", "wide-tolerance", "low-threshold"}
    assert set(proof.seen) == {"cache", "sum", "file", "false-on-files", "same-twice", "value-10"}
    assert proof.seen["false-on-files"] == mutants.UNTRAINED
    assert proof.seen["file"].startswith("evidence: evidence.metric")
    assert repeated(made_up.check) == ["truth", "same-twice"]
    assert list(made_up.check(evidence)) == before
    assert made_up.HALF == 0.5


def test_one_source_can_be_asked_for(made_up, tmp_path: Path) -> None:
    proof = prove(made_up.check, Evidence(tmp_path), ["evidence"])
    assert set(proof.by_source) == {"evidence", "untrained"}
    assert set(proof.seen) == {"file", "false-on-files"}


@pytest.mark.parametrize("way", mutants.WAYS)
def test_wrong_files_differ_from_the_right_ones(way: str, tiny_results: Path) -> None:
    right = Evidence(tiny_results)
    for kind, reading in {
        "samples": lambda evidence: evidence.samples("nice")["samples"],
        "images": lambda evidence: evidence.images()["train_images"],
        "history": lambda evidence: evidence.history("nice")["value"].to_numpy(),
    }.items():
        wrong = reading(Misread(tiny_results, kind, way))
        if way == "shortened":
            assert 0 < len(wrong) < len(reading(right))
        else:
            assert wrong.shape == reading(right).shape
            assert (wrong != reading(right)).any()
        assert (reading(Misread(tiny_results, "another", way)) == reading(right)).all()
