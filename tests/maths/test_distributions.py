"""The four functions of the vaegan questions and the triangular Gaussian; older ones are tested with the models that use them."""

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from precision import close, tolerance

from dgm.maths import distributions
from dgm.maths.distributions import (
    bernoulli_log_prob,
    bernoulli_log_prob_of_probabilities,
    gaussian_log_prob,
    kl_to_standard_normal,
    kl_triangular_to_standard_normal,
    log_mean_exp,
    sample_bernoulli,
    sample_gaussian,
    standard_normal_log_prob,
    triangular_gaussian_log_prob,
)

N = 100_000


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


def test_gaussian_log_density_takes_a_variance_and_gives_a_number_a_row():
    z, mean, variance = torch.tensor([[1.0, -1.0]]), torch.zeros((1, 2)), torch.tensor([[1.0, 4.0]])
    found = gaussian_log_prob(z.double(), mean.double(), variance.double())
    assert found.shape == (1,)
    assert float(found) == pytest.approx(-3.1560242469692907, abs=1e-12)


@given(st.integers(0, 10_000), st.integers(1, 5))
def test_gaussian_log_density_agrees_with_torch(seed, d):
    z, mean, log_variance = torch.randn((3, 4, d), generator=stream(seed), dtype=torch.float64)
    expected = torch.distributions.Normal(mean, (0.5 * log_variance).exp()).log_prob(z).sum(1)
    torch.testing.assert_close(gaussian_log_prob(z, mean, log_variance.exp()), expected)
    torch.testing.assert_close(standard_normal_log_prob(z), torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(1))


@given(st.lists(st.floats(-700, 700), min_size=1, max_size=6))
def test_log_mean_exp_is_the_logarithm_of_the_mean_along_the_dimension_asked_for(values):
    column = torch.tensor(values, dtype=torch.float64).unsqueeze(1)
    largest = column.max()
    expected = largest + (column - largest).exp().mean().log()
    torch.testing.assert_close(log_mean_exp(column), expected.unsqueeze(0))
    torch.testing.assert_close(log_mean_exp(column, 1), column.squeeze(1))  # the mean of one number is the number


def test_bernoulli_log_probability_of_a_known_case():
    found = bernoulli_log_prob_of_probabilities(
        torch.tensor([[1.0, 0.0]]).double(), torch.tensor([[0.9, 0.2]], dtype=torch.float64)
    )
    assert float(found) == pytest.approx(-0.3285040669720361, abs=1e-12)


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=6))
def test_probabilities_of_all_images_sum_to_one_even_for_certain_pixels(p):
    every = torch.tensor(list(itertools.product((0.0, 1.0), repeat=len(p))))
    found = bernoulli_log_prob_of_probabilities(every, torch.tensor(p).expand(len(every), -1))
    assert torch.isfinite(found).all()
    # an image of probability p adds p |log p| of rounding, together at most the log of their number
    close(found.exp().sum(), 1, terms=len(every) + len(p), dtype=torch.float32, scale=1 + len(p))


def test_a_contradicted_certainty_is_finite_but_costly():
    x, p = torch.tensor([[1.0], [0.0]]), torch.tensor([[0.0], [1.0]])
    found = bernoulli_log_prob_of_probabilities(x, p)
    assert torch.isfinite(found).all()
    assert (found < -15).all()
    assert float(bernoulli_log_prob_of_probabilities(1 - x, p).abs().max()) <= tolerance(torch.float32)


def test_probabilities_and_logits_give_the_same_log_probability():
    logits = 3 * torch.randn((20, 30), generator=stream(), dtype=torch.float64)
    x = (torch.rand((20, 30), generator=stream(1)) < 0.5).double()
    torch.testing.assert_close(bernoulli_log_prob_of_probabilities(x, torch.sigmoid(logits)), bernoulli_log_prob(x, logits))


def test_gaussian_draws_have_the_moments_asked_for():
    mean, variance = torch.tensor([1.5, -2.0]), torch.tensor([0.25, 9.0])
    z = sample_gaussian(mean.expand(N, 2), variance.expand(N, 2), stream())
    assert ((z.mean(0) - mean).abs() < 5 * (variance / N).sqrt()).all()
    assert ((z.var(0) - variance).abs() < 5 * variance * math.sqrt(2 / N)).all()


def test_gaussian_draws_pass_gradients_and_repeat():
    mean = torch.tensor([[0.3, -0.7]], requires_grad=True)
    variance = torch.tensor([[0.5, 2.0]], requires_grad=True)
    z = sample_gaussian(mean, variance, stream(3))
    z.sum().backward()
    noise = ((z - mean) / variance.sqrt()).detach()
    assert mean.grad.tolist() == [[1, 1]]
    close(variance.grad, noise / (2 * variance.detach().sqrt()), scale=float((z.detach().abs() / variance.detach()).max()))
    assert torch.equal(sample_gaussian(mean, variance, stream(3)), z)
    assert not torch.equal(sample_gaussian(mean, variance, stream(4)), z)


def test_bernoulli_draws_are_binary_with_the_means_asked_for():
    p = torch.tensor([0.0, 0.1, 0.5, 0.93, 1.0])
    x = sample_bernoulli(p.expand(N, 5), stream())
    assert set(x.unique().tolist()) == {0, 1}
    assert ((x.mean(0) - p).abs() <= 5 * (p * (1 - p) / N).sqrt()).all()
    assert x.mean(0)[[0, -1]].tolist() == [0, 1]


def test_triangular_gaussian_agrees_with_torch_and_with_the_diagonal_case():
    factor = torch.tril(torch.randn((6, 3, 3), generator=stream(), dtype=torch.float64), -1)
    diagonal = torch.rand((6, 3), generator=stream(1), dtype=torch.float64) + 0.2
    z, mean = torch.randn((2, 6, 3), generator=stream(2), dtype=torch.float64)
    full = factor + torch.diag_embed(diagonal)
    law = torch.distributions.MultivariateNormal(mean, scale_tril=full)
    prior = torch.distributions.MultivariateNormal(torch.zeros(6, 3).double(), scale_tril=torch.eye(3).double().expand(6, 3, 3))
    torch.testing.assert_close(triangular_gaussian_log_prob(z, mean, full), law.log_prob(z))
    torch.testing.assert_close(kl_triangular_to_standard_normal(mean, full), torch.distributions.kl_divergence(law, prior))
    only = torch.diag_embed(diagonal)
    torch.testing.assert_close(triangular_gaussian_log_prob(z, mean, only), gaussian_log_prob(z, mean, diagonal.square()))
    torch.testing.assert_close(kl_triangular_to_standard_normal(mean, only), kl_to_standard_normal(mean, diagonal.log()))


def test_a_known_divergence_of_a_triangular_gaussian():
    factor, mean = torch.tensor([[[2.0, 0.0], [1.0, 3.0]]]).double(), torch.tensor([[1.0, -1.0]]).double()
    assert float(distributions.kl_triangular_to_standard_normal(mean, factor)) == pytest.approx(5.2082405307719455, abs=1e-12)
