"""The exact Bernoulli mixture: laws sum to one, EM never lowers the likelihood, the log-space model agrees."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dgm.maths import bernoulli_mixture
from dgm.models import bmm

tenths = st.integers(1, 9).map(lambda n: Fraction(n, 10))
IMAGES = list(itertools.product((0, 1), repeat=3))


@st.composite
def mixtures(draw):
    p = [[draw(tenths) for _ in range(3)] for _ in range(2)]
    first = draw(tenths)
    return p, [first, 1 - first]


@given(mixtures())
def test_all_laws_sum_to_one(mixture) -> None:
    p, pi = mixture
    assert sum(bernoulli_mixture.bernoulli_likelihood(x, p[0]) for x in IMAGES) == 1
    assert sum(bernoulli_mixture.mixture_likelihood(x, p, pi) for x in IMAGES) == 1
    assert sum(bernoulli_mixture.indicator_probability(z, pi) for z in ((1, 0), (0, 1))) == 1
    assert all(sum(row) == 1 for row in bernoulli_mixture.responsibilities(IMAGES, p, pi))


@given(mixtures(), st.lists(st.sampled_from(IMAGES), min_size=1, max_size=4))
def test_summing_out_the_indicators_gives_the_mixture(mixture, data) -> None:
    p, pi = mixture
    total = sum(bernoulli_mixture.complete_likelihood(z, data, p, pi) for z in itertools.product(range(2), repeat=len(data)))
    assert total == np.prod([bernoulli_mixture.mixture_likelihood(x, p, pi) for x in data])


@given(mixtures(), st.lists(st.sampled_from(IMAGES), min_size=2, max_size=6))
def test_an_em_step_never_lowers_the_likelihood(mixture, data) -> None:
    p, pi = mixture
    before = bernoulli_mixture.log_likelihood(data, p, pi)
    after = bernoulli_mixture.log_likelihood(data, *bernoulli_mixture.m_step(data, bernoulli_mixture.responsibilities(data, p, pi)))
    assert after >= before - 1e-12


@given(mixtures())
def test_the_log_space_model_agrees(mixture) -> None:
    p, pi = mixture
    x = torch.tensor(IMAGES, dtype=torch.float64)
    eta, log_likelihood = bmm.e_step(x, torch.tensor(p, dtype=torch.float64), torch.tensor(pi, dtype=torch.float64)[:, None])
    np.testing.assert_allclose(eta.numpy(), np.array(bernoulli_mixture.responsibilities(IMAGES, p, pi), dtype=float), atol=1e-12)
    assert float(log_likelihood.sum()) == pytest.approx(bernoulli_mixture.log_likelihood(IMAGES, p, pi))


@given(mixtures())
def test_covariance_by_enumeration(mixture) -> None:
    p, pi = mixture
    weight = np.array([float(bernoulli_mixture.mixture_likelihood(x, p, pi)) for x in IMAGES])
    x = np.array(IMAGES, dtype=float)
    mean = weight @ x
    expected = (x - mean).T @ (weight[:, None] * (x - mean))
    np.testing.assert_allclose(bernoulli_mixture.mixture_covariance(p, pi), expected, atol=1e-12)
    means = np.array(p, dtype=float)
    within = np.stack([np.diag(row * (1 - row)) for row in means])  # pixels are independent given the component
    share = np.array(pi, dtype=float)
    between = (means - mean).T @ (share[:, None] * (means - mean))
    np.testing.assert_allclose((share[:, None, None] * within).sum(0) + between, expected, atol=1e-12)


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="2 pixels but 3 probabilities"):
        bernoulli_mixture.bernoulli_likelihood((0, 1), (0.5, 0.5, 0.5))
    with pytest.raises(ValueError, match="only 0 and 1"):
        bernoulli_mixture.bernoulli_likelihood((0, 2), (0.5, 0.5))
    with pytest.raises(ValueError, match="needs some responsibility"):
        bernoulli_mixture.m_step([(0, 1)], [[1.0, 0.0]])
