"""Annealed importance sampling against marginal likelihoods in closed form and by quadrature."""

import math

import numpy as np
import pytest
import torch
from linear_gaussian import LinearGaussian, interval
from precision import close
from torch import nn

from dgm.maths import decoder_quadrature
from dgm.maths.annealing import Annealed, Annealing, sigmoid_schedule
from dgm.maths.distributions import bernoulli_log_prob


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_schedule_rises_from_zero_to_one_and_is_slow_at_both_ends() -> None:
    betas = sigmoid_schedule(100)
    steps = betas.diff()
    assert betas.dtype == torch.float64
    assert len(betas) == 101
    assert (float(betas[0]), float(betas[-1])) == (0.0, 1.0)
    assert bool((steps > 0).all())
    close(betas, 1 - betas.flip(0))
    assert float(steps[49]) > 10 * float(steps[0])
    assert sigmoid_schedule(1).tolist() == [0, 1]


@pytest.mark.parametrize(("temperatures", "steepness"), [(0, 4.0), (10, 0.0), (10, math.nan)])
def test_an_impossible_schedule_is_refused(temperatures: int, steepness: float) -> None:
    with pytest.raises(ValueError, match="need at least 1, and above 0"):
        sigmoid_schedule(temperatures, steepness)


@pytest.mark.parametrize("betas", [[0.0, 0.5], [0.1, 1.0], [0.0, 0.6, 0.6, 1.0], [0.0, 0.7, 0.3, 1.0], [1.0]])
def test_a_path_that_does_not_rise_from_prior_to_posterior_is_refused(betas: list[float]) -> None:
    with pytest.raises(ValueError, match="must rise from 0 to 1"):
        Annealing(lambda x, z: z.sum(1), 1, torch.tensor(betas), chains=1, leapfrog_steps=1)


@pytest.mark.parametrize(("chains", "steps"), [(0, 1), (1, 0)])
def test_no_chains_or_no_steps_are_refused(chains: int, steps: int) -> None:
    with pytest.raises(ValueError, match=f"got {chains} chains and {steps} leapfrog steps"):
        Annealing(lambda x, z: z.sum(1), 1, sigmoid_schedule(3), chains, steps)


@pytest.mark.parametrize("seed", range(4))
def test_the_weights_average_to_the_marginal_likelihood_in_closed_form(seed: int) -> None:
    """The mean over chains of w / p(x) is one: the estimate is unbiased before its logarithm is taken, whatever the schedule."""
    model = LinearGaussian(seed=seed)
    _, x = model.simulate(8, seed + 1000)
    annealing = model.annealing(temperatures=150, chains=200)
    found = annealing.forward(x, annealing.adapt(x, generator(seed)), generator(seed + 100))
    ratios = torch.exp(found.log_weights - model.exact(x))
    # with eight seeds of the chains: deviations up to 1.6, effective sizes from 45
    assert float(ratios.std()) < 3, "the weights are even enough for an interval"
    mean, error = interval(ratios.flatten())  # the chains are independent given the step sizes
    assert abs(mean - 1) < 5 * error
    assert bool((found.effective_sample_size > 20).all())
    assert float((found.lower - model.exact(x)).abs().max()) < 0.5


def test_it_agrees_with_quadrature_for_a_binary_decoder_in_the_plane() -> None:
    torch.manual_seed(3)
    decoder = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 30)).requires_grad_(requires_grad=False)
    with torch.no_grad():
        for layer in (decoder[0], decoder[2]):
            layer.weight *= 3
    z = torch.randn((30, 2), generator=generator(1001))
    x = torch.bernoulli(torch.sigmoid(decoder(z)), generator=generator(1002))
    exact = decoder_quadrature.log_likelihood(decoder, x).values
    annealing = Annealing(lambda x, z: bernoulli_log_prob(x, decoder(z)), 2, sigmoid_schedule(80), chains=30, leapfrog_steps=3)
    sizes = annealing.adapt(x, generator(2))
    below, error = interval(annealing.forward(x, sizes, generator(3)).lower - exact)
    assert abs(below) < 5 * error + 0.05
    assert error < 0.1
    above, error = interval(annealing.reverse(x, z, sizes, generator(4)).upper - exact)
    assert abs(above) < 5 * error + 0.05


def test_both_directions_enclose_the_truth_and_a_short_schedule_leaves_a_visible_gap() -> None:
    model = LinearGaussian(pixels=20, latent=5, deviation=0.15)
    z, x = model.simulate(40)
    exact, gaps = model.exact(x), []
    for temperatures in (5, 100):
        annealing = model.annealing(temperatures, chains=5)
        sizes = annealing.adapt(x, generator(0))
        lower = annealing.forward(x, sizes, generator(1)).lower
        upper = annealing.reverse(x, z, sizes, generator(2)).upper
        for distance in (exact - lower, upper - exact):
            mean, error = interval(distance)
            assert mean > -5 * error
        gaps.append(float((upper - lower).median()))
    rough, fine = gaps
    assert rough > 50
    assert 0 < fine < 0.2 * rough


def test_the_estimate_is_a_lower_bound_in_expectation_even_for_one_chain_and_a_poor_schedule() -> None:
    """Jensen: E log w < log p(x), while E w = p(x); seen over many repetitions of a rough annealing."""
    model = LinearGaussian(pixels=2, latent=1, deviation=1.0)
    x = model.simulate(1)[1].expand(4000, 2)
    annealing = model.annealing(temperatures=3, chains=1, leapfrog_steps=2)
    sizes = annealing.adapt(x[:1], generator(0)).expand(2, 4000)
    found = annealing.forward(x, sizes, generator(1)).lower - model.exact(x)
    mean, error = interval(found)
    assert mean < -5 * error
    ratio, ratio_error = interval(found.exp())
    assert abs(ratio - 1) < 5 * ratio_error
    assert ratio_error < 0.05


@pytest.mark.parametrize("beta", [0.3, 1.0])
def test_a_transition_leaves_its_target_as_it_is(beta: float) -> None:
    """Draws of the Gaussian f_t, moved by steps so long that some are refused, keep their mean and covariance."""
    model = LinearGaussian(pixels=3, latent=2, deviation=0.8)
    _, x = model.simulate(1)
    precision = torch.eye(2) + beta / model.deviation**2 * model.weights.T @ model.weights
    covariance = torch.linalg.inv(precision)
    mean = covariance @ model.weights.T @ (x[0] - model.bias) * beta / model.deviation**2
    chains = 20000
    annealing = model.annealing(chains=chains, leapfrog_steps=3)
    start = mean + torch.randn((chains, 1, 2), generator=generator(0)) @ torch.linalg.cholesky(covariance).T
    state = annealing._at(x, start)
    sizes = torch.tensor([1.1 * float(torch.linalg.eigvalsh(covariance)[0].sqrt())])
    draws = generator(1)
    for _ in range(5):
        state, acceptance = annealing.transition(x, state, beta, sizes, draws)
        assert 0.5 < float(acceptance[0]) < 0.97
        z = state.z[:, 0]
        errors = covariance.diagonal().sqrt() / math.sqrt(chains)
        assert bool(((z.mean(0) - mean).abs() < 5 * errors).all())
        torch.testing.assert_close(z.T.cov(), covariance, atol=0.05 * float(covariance.max()), rtol=0)
    close(state.log_likelihood, model.log_likelihood_given(x.expand(chains, 3), z)[:, None], terms=3)
    assert float((z - start[:, 0]).abs().mean()) > 0.1, "it moves"


def test_always_accepting_would_be_seen() -> None:
    """The test above can fail: without refusals the same long steps spread the draws."""
    model = LinearGaussian(pixels=3, latent=2, deviation=0.8)
    _, x = model.simulate(1)
    covariance = torch.linalg.inv(torch.eye(2) + model.weights.T @ model.weights / model.deviation**2)
    mean = covariance @ model.weights.T @ (x[0] - model.bias) / model.deviation**2
    z = mean + torch.randn((20000, 2), generator=generator(0)) @ torch.linalg.cholesky(covariance).T
    annealing = model.annealing(chains=20000)
    step = 1.1 * float(torch.linalg.eigvalsh(covariance)[0].sqrt())
    state, draws = annealing._at(x, z[:, None]), generator(1)
    for _ in range(5):
        velocity = torch.randn(state.z.shape, generator=draws) + 0.5 * step * (state.slope - state.z)
        for place in range(3):
            state = annealing._at(x, state.z + step * velocity)
            velocity = velocity + (1.0 if place < 2 else 0.5) * step * (state.slope - state.z)
    spread = state.z[:, 0].T.cov() - covariance
    assert float(spread.abs().max()) > 0.1 * float(covariance.max())


def test_a_trajectory_that_diverges_is_refused() -> None:
    model = LinearGaussian(deviation=1e-3)
    _, x = model.simulate(5)
    annealing = model.annealing(chains=4)
    state = annealing._at(x, torch.zeros((4, 5, 3)))
    moved, acceptance = annealing.transition(x, state, 1.0, torch.full((5,), 1e30), generator(0))
    assert torch.equal(moved.z, state.z)
    assert torch.equal(acceptance, torch.zeros(5, dtype=torch.float64))


def test_step_sizes_come_near_the_wanted_acceptance_and_are_not_touched_by_the_runs_that_count() -> None:
    model = LinearGaussian(pixels=20, latent=5, deviation=0.1)
    z, x = model.simulate(30)
    annealing = model.annealing(temperatures=150, chains=10)
    sizes = annealing.adapt(x, generator(0))
    assert sizes.shape == (149, 30)
    assert float(sizes[-1].median()) < 0.5 * float(sizes[0].median()), "the posterior is narrower than the prior"
    kept = sizes.clone()
    there, back = annealing.forward(x, sizes, generator(1)), annealing.reverse(x, z, sizes, generator(2))
    assert torch.equal(sizes, kept)
    for found in (there, back):
        assert 0.5 < float(found.acceptance[50:].mean()) < 0.8
    again = annealing.forward(x, sizes, generator(1))
    assert torch.equal(again.log_weights, there.log_weights), "one seed, one result"
    assert not torch.equal(annealing.forward(x, sizes, generator(5)).log_weights, there.log_weights)


def test_a_single_temperature_is_importance_sampling_from_the_prior() -> None:
    model = LinearGaussian()
    _, x = model.simulate(4)
    annealing = model.annealing(temperatures=1, chains=7)
    sizes = annealing.adapt(x, generator(0))
    assert sizes.shape == (0, 4)
    found = annealing.forward(x, sizes, generator(1))
    z = torch.randn((7, 4, 3), generator=generator(1))
    expected = torch.stack([model.log_likelihood_given(x, part) for part in z]).double()
    close(found.log_weights, expected, torch.float32, terms=6)
    assert found.acceptance.shape == (0, 4)


def test_bounds_and_effective_sizes_of_given_weights() -> None:
    weights = torch.tensor([[1.0, 2.0], [3.0, 2.0]], dtype=torch.float64)
    found = Annealed(weights.log() + 700, torch.zeros((0, 2), dtype=torch.float64))  # exp(700) alone would nearly overflow
    np.testing.assert_allclose(found.lower - 700, np.log([2.0, 2.0]))
    np.testing.assert_allclose(found.upper - 700, -np.log([(1 + 1 / 3) / 2, 0.5]))
    np.testing.assert_allclose(found.effective_sample_size, [16 / 10, 2.0])
