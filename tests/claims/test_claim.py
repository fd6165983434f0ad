"""What claims and findings compare, and what they refuse."""

import numpy as np
import pytest

from dgm.claims.claim import Claim, Finding, frequency, holds, paired
from dgm.maths.measured import Measured


def test_claims_compare_with_their_tolerance() -> None:
    assert Claim("near", "", "closed form", 1.0, 1.1, 0.2).passed
    assert not Claim("far", "", "closed form", 1.0, 1.3, 0.2).passed
    assert not Claim("undefined", "", "closed form", 1.0, float("nan"), 1e9).passed
    assert Claim("infinite", "", "closed form", float("inf"), float("inf")).passed


def test_a_statement_holds_or_does_not() -> None:
    assert holds("sign", "it is positive", "closed form", np.float64(2) > 0).passed
    assert not holds("sign", "it is positive", "closed form", found=False).passed
    denied = holds("sign", "it is positive", "closed form", found=True, published=False, printed=True)
    assert denied.passed and denied.printed
    assert not holds("sign", "it is positive", "closed form", found=True, published=True).passed


@pytest.mark.parametrize("name", ["", "Mean", "the mean", "mean_error", "-mean", "mean-", "mean--error", "mean/error"])
def test_ids_are_words_joined_by_hyphens(name: str) -> None:
    for make in (
        lambda: Claim(name, "the mean", "closed form", 1.0, 1.0),
        lambda: holds(name, "the mean", "closed form", found=True),
        lambda: Finding(name, "the mean", Measured(0.1, 0.05, 64), above=0.0),
    ):
        with pytest.raises(ValueError, match=f"{name!r}: an id has lower-case words"):
            make()


def test_what_training_showed_is_no_claim() -> None:
    with pytest.raises(ValueError, match="make it a Finding"):
        holds("learns", "it learns", "measurement", found=True)


@pytest.mark.parametrize(
    "estimate",
    [
        Measured(0.1),  # no error
        Measured(0.1, float("nan"), 64),
        Measured(0.1, 0.05, 0),  # an error of nothing
        Measured(0.1, 0.05, 1),
        Measured(0.1, -0.05, 64),
    ],
)
def test_a_finding_without_an_error_model_is_refused(estimate: Measured) -> None:
    with pytest.raises(ValueError, match="has no error model"):
        Finding("more", "more images are recognised", estimate, above=0.0)


def test_a_finding_has_one_threshold() -> None:
    with pytest.raises(ValueError, match="one of above and below"):
        Finding("more", "more", Measured(0.1, 0.05, 64))
    with pytest.raises(ValueError, match="one of above and below"):
        Finding("more", "more", Measured(0.1, 0.05, 64), above=0.0, below=1.0)
    assert Finding("few", "few", Measured(0.1, 0.01, 64), below=0.0).threshold == 0.0


def test_pairs_have_the_error_of_their_differences() -> None:
    rng = np.random.default_rng(0)
    common, noise = rng.normal(0, 50, 4000), rng.normal(0, 1, 4000)
    found = paired(common + 1 + noise, common)
    assert found.n == 4000 and found.stderr == pytest.approx(1 / 4000**0.5, rel=0.1)
    assert abs(found.value - 1) < 5 * found.stderr
    with pytest.raises(ValueError, match="equal numbers of values"):
        paired(common, common[:-1])


@pytest.mark.parametrize(("count", "n"), [(0, 100), (100, 100), (30, 100), (500, 1000)])
def test_a_frequency_has_an_error_even_where_all_agree(count: int, n: int) -> None:
    found = frequency(np.arange(n) < count)
    assert found.value == count / n and found.n == n and found.stderr > 0
    if 0 < count < n:
        assert found.stderr == pytest.approx((found.value * (1 - found.value) / n) ** 0.5, rel=0.05)


def test_a_published_value_within_the_error_is_not_excluded() -> None:
    near = Finding("score", "score", Measured(-5.2, 0.1, 1000), above=-6.0, published=-5.3)
    far = Finding("score", "score", Measured(-5.2, 0.1, 1000), above=-6.0, published=-7.95)
    assert near.published_fits and not near.passed
    assert not far.published_fits and far.passed


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(ValueError, match=r"claim 'area': no method 'Monte Karlo'; nearest: 'Monte Carlo'"):
        Claim("area", "it holds", "Monte Karlo", 1.0, 1.0)  # type: ignore[arg-type]
