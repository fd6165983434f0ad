"""The tolerances of the tests: wide enough for any order of summation and any library of functions, too narrow for a mistake."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from precision import close, epsilon, tolerance

FORMATS = [np.float32, np.float64, torch.bfloat16, torch.float16, torch.float32]


@pytest.mark.parametrize(
    ("dtype", "bits"),
    [(np.float32, 23), ("float32", 23), (np.dtype("f8"), 52), (torch.float64, 52), (torch.bfloat16, 7), ("bfloat16", 7)],
)
def test_epsilon_is_the_spacing_above_one(dtype, bits):
    assert epsilon(dtype) == 2.0**-bits


def one_by_one(terms):
    """The plainest sum, every partial sum rounded: the last of the cumulative ones."""
    return float(np.cumsum(terms, dtype=terms.dtype)[-1])


def in_pairs(terms):
    while len(terms) > 1:
        even = len(terms) // 2 * 2
        terms = np.concatenate([terms[:even].reshape(-1, 2).sum(1, dtype=terms.dtype), terms[even:]])
    return float(terms[0])


def in_lanes(terms):
    """As a processor with 16 numbers a register adds them."""
    padded = np.append(terms, np.zeros(-len(terms) % 16, terms.dtype)).reshape(-1, 16)
    return one_by_one(np.cumsum(padded, axis=0, dtype=terms.dtype)[-1])


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    n=st.sampled_from([2, 5, 30, 784, 5000]),
    dtype=st.sampled_from([np.float32, np.float64]),
    signs=st.booleans(),
)
def test_sums_in_any_order_stay_within_it(seed, n, dtype, signs):
    rng = np.random.default_rng(seed)
    terms = (rng.lognormal(0, 1, n) * (rng.choice([-1, 1], n) if signs else 1)).astype(dtype)
    exact, scale = math.fsum(terms.tolist()), float(np.abs(terms).sum(dtype=np.float64))
    sums = [add(rng.permutation(terms)) for add in (one_by_one, in_pairs, in_lanes) for _ in range(20)]
    close(sums, exact, dtype, terms=n, scale=scale)
    close(sums, sums[0], dtype, terms=n, scale=scale)
    for wrong in (1, -1):
        with pytest.raises(AssertionError, match=f"1 of 1 numbers differ by more than {n} terms"):
            close(exact + wrong * 100 * tolerance(dtype, n, scale), exact, dtype, terms=n, scale=scale)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("n", [8, 200])
def test_sums_of_torch_in_low_precision_stay_within_it(dtype, n):
    generator = torch.Generator().manual_seed(0)
    terms = torch.rand(n, generator=generator).to(dtype)
    for _ in range(50):
        total = torch.zeros((), dtype=dtype)
        for term in terms[torch.randperm(n, generator=generator)]:
            total = total + term
        close(total, terms.double().sum(), terms=n)


def test_log_likelihoods_of_images_agree_between_precisions_and_a_lost_pixel_is_seen():
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn((50, 784), generator=generator)
    x = (torch.rand((50, 784), generator=generator) < 0.5).float()

    def log_p(x, logits):
        return (x * logits - torch.nn.functional.softplus(logits)).sum(1)

    close(log_p(x, logits), log_p(x.double(), logits.double()), terms=784)
    with pytest.raises(AssertionError, match=r"of 50 numbers differ .* in float32 explain; the worst at \[\d+\]: got -"):
        close(log_p(x[:, 1:], logits[:, 1:]), log_p(x, logits), terms=784)


@pytest.mark.parametrize("dtype", FORMATS)
def test_it_grows_as_the_number_of_terms_the_scale_and_the_spacing_do(dtype):
    eps = epsilon(dtype)
    assert tolerance(dtype) == 9 * eps  # of one term: both functions, and one rounding
    assert tolerance(dtype, 10_000, 2.0) == 2 * (8 + 2 * 100) * eps
    assert tolerance(dtype, 3) < tolerance(dtype, 4) < tolerance(dtype, 5)


@given(st.integers(1, 10**6))
def test_it_never_asks_for_more_than_the_worst_case(terms):
    assert tolerance(np.float64, terms) <= (8 + terms) * epsilon(np.float64)


def test_the_coarser_of_two_formats_counts():
    one = torch.tensor([1.0, 2.0])
    close(one, one.double() + 1e-7)
    with pytest.raises(AssertionError, match="float64"):
        close(one.double(), one.double() + 1e-7)
    close(one.double(), one.double() + 1e-7, torch.float32)
    close([one[0], 2.0], [1.0 + 1e-7, 2.0])
    close(one.bfloat16(), one + 0.01)


def test_numbers_near_zero_are_judged_by_the_largest_unless_a_scale_is_given():
    close(np.array([1000.0, 1e-12]), np.array([1000.0, 0.0]))
    with pytest.raises(AssertionError, match=r"the worst at \[1\]"):
        close(np.array([1000.0, 1e-12]), np.array([1000.0, 0.0]), scale=np.array([1000.0, 1.0]))
    with pytest.raises(AssertionError, match="allowed 0"):
        close(1e-30, 0.0)
    close(1e-16, 0.0, scale=1.0)


@pytest.mark.parametrize(
    ("actual", "expected"), [(math.nan, 1.0), (math.nan, math.nan), (math.inf, 1.0), (math.inf, -math.inf), (1.0, math.inf)]
)
def test_what_is_no_number_agrees_with_nothing(actual, expected):
    with pytest.raises(AssertionError, match="1 of 2 numbers"):
        close([actual, 0.0], [expected, 0.0], scale=1.0)


def test_equal_infinities_agree():
    close([math.inf, -math.inf, 2.0], [math.inf, -math.inf, 2.0])


def test_one_number_stands_for_all_and_other_shapes_are_refused():
    close(np.ones((2, 3)), 1)
    with pytest.raises(AssertionError, match=r"shapes differ: \[2, 3\] against \[3\] expected"):
        close(np.ones((2, 3)), np.ones(3))
