"""Numbers are rounded correctly, never lose their size, and are the same number in prose and in formulas."""

import math
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dgm.report.numbers import digits_of, exact, in_formula, in_prose, number, plain, with_error

finite = st.floats(min_value=-1e12, max_value=1e12, allow_nan=False, allow_infinity=False)


def read(text: str) -> float:
    """The number that a reader sees in a formula."""
    tex = in_formula(text).replace("{,}", "")
    found = re.fullmatch(r"(-?[\d.]*)(?:(?:\\times )?10\^\{(-?\d+)\})?", tex)
    assert found, tex
    return float(found.group(1) or 1) * 10.0 ** int(found.group(2) or 0)


@given(finite, st.integers(0, 6))
def test_with_digits_the_printed_number_is_the_rounded_one(value: float, digits: int) -> None:
    assert read(number(value, digits)) == pytest.approx(value, abs=0.5000001 * 10.0**-digits, rel=1e-12)


@given(finite)
def test_without_digits_three_or_more_significant_digits_survive(value: float) -> None:
    assert read(number(value)) == pytest.approx(value, rel=1e-3)


@given(finite, st.floats(1e-6, 1e3))
def test_the_standard_error_decides_the_digits(value: float, stderr: float) -> None:
    digits = digits_of(stderr)
    # the step of the last printed digit is between a twentieth of the standard error and the standard error
    assert digits == 0 or stderr / 21 <= 10.0**-digits <= stderr * 1.06
    assert read(number(value, None, stderr)) == pytest.approx(value, abs=0.5000001 * 10.0**-digits, rel=1e-12)


@given(finite, st.floats(1e-4, 1e3))
def test_value_and_error_have_the_same_decimals(value: float, stderr: float) -> None:
    first, second = with_error(value, stderr).split("\u00a0±\u00a0")
    decimals = [len(part.partition(".")[2]) for part in (first, second)]
    assume(not any("\ue001" in part for part in (first, second)))
    assert decimals[0] == decimals[1] == digits_of(stderr)


@given(finite)
def test_exact_keeps_eight_digits(value: float) -> None:
    assert read(exact(value)) == pytest.approx(value, rel=6e-8)


def test_what_is_not_zero_does_not_print_as_zero() -> None:
    assert "0.00" not in in_formula(number(0.0003, 2))
    assert number(1e-17, 2) == "0.00"  # rounding noise is zero
    assert number(-0.0, 2) == "0.00"


def test_special_values() -> None:
    assert number(math.inf) == "∞"
    assert in_formula(number(-math.inf)).strip() == r"-\infty"
    with pytest.raises(ValueError, match="nan"):
        number(math.nan)
    with pytest.raises(ValueError, match="no standard error"):
        with_error(1.0, math.nan)
    assert with_error(0.5, 0.0, 2) == "0.50\u00a0±\u00a00"


@pytest.mark.parametrize(
    ("value", "stderr", "digits", "text"),
    [
        (1.53e-10, 1.3e-10, None, "1.5e-10 ± 1.3e-10"),
        (-1.5372e-5, 1.3e-8, None, "-1.5372e-5 ± 1.3e-8"),
        (0.5, 1e-8, None, "0.500000000 ± 0.000000010"),
        (25.14, 0.48, 0, "25.1 ± 0.5"),
        (0.48, 0.048, 1, "0.48 ± 0.05"),
        (36.7, 1.1, 0, "37 ± 1"),
        (2.5, 0.14, 0, "2.50 ± 0.14"),
    ],
)
def test_an_error_too_small_for_the_asked_decimals_gets_more(value: float, stderr: float, digits: int | None, text: str) -> None:
    assert plain(with_error(value, stderr, digits)).replace("\u00a0", " ").replace("−", "-") == text


def test_truth_values_and_what_is_no_number_are_written_in_words() -> None:
    assert (exact(True), exact(False), exact(math.nan)) == ("true", "false", "not a number")


def test_prose_has_minus_signs_and_separators_and_formulas_have_tex() -> None:
    many = number(19158352)
    assert list(in_prose(f"a {many} b")) == [("text", "a 19,158,352 b")]
    assert in_formula(many) == "19{,}158{,}352"
    assert list(in_prose("is -3.5, well-known 2-5 and x-1")) == [("text", "is −3.5, well-known 2-5 and x-1")]
    assert list(in_prose(f"({number(-2.5e-7)})")) == [("text", "("), ("math", r"-2.500\times 10^{-7}"), ("text", ")")]
    assert in_formula(exact(1e-6)) == "10^{-6}"
    assert in_formula(with_error(2.0, 0.25)) == r"2.0 \pm  0.2"
    assert plain(f"{number(-2.5e-7)} of {many}") == "−2.500e-7 of 19,158,352"
