import math

import pytest
import torch
from precision import close
from scipy.integrate import dblquad
from torch import nn

from dgm.maths.decoder_quadrature import log_likelihood, log_likelihood_on_grid, midpoints


def test_the_weighted_midpoints_have_the_moments_of_the_prior():
    z = midpoints(80).double()
    assert z.shape == (6400, 2)
    weights = torch.exp(-0.5 * z.square().sum(1)) / (2 * math.pi) * (16 / 80) ** 2
    assert float(weights.sum()) == pytest.approx(1, abs=1e-6)
    torch.testing.assert_close((z.T * weights) @ z, torch.eye(2).double(), atol=1e-5, rtol=0)
    assert float((weights @ z).abs().max()) < 1e-6


def test_a_decoder_that_ignores_the_code_gives_the_product_of_its_pixels():
    logits = torch.tensor([0.3, -2.0, 1.0])
    x = torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    found = log_likelihood_on_grid(lambda z: logits.expand(len(z), 3), x, 40)
    p = torch.sigmoid(logits)
    expected = (x * p.log() + (1 - x) * (1 - p).log()).sum(1)
    close(found, expected, terms=1600 + 3)


def test_it_agrees_with_adaptive_quadrature_in_the_plane():
    weights, bias = torch.tensor([[2.0, -1.0, 0.5], [0.3, 1.5, -2.5]]), torch.tensor([0.1, -0.4, 0.2])
    x = torch.tensor([[1.0, 0.0, 1.0]])

    def joint(b, a):
        at = torch.tensor([a, b]) @ weights + bias
        p = torch.sigmoid(at)
        return float(torch.where(x[0] > 0, p, 1 - p).prod()) * math.exp(-0.5 * (a * a + b * b)) / (2 * math.pi)

    expected = math.log(dblquad(joint, -8, 8, -8, 8, epsabs=1e-6)[0])
    found = log_likelihood(lambda z: z @ weights + bias, x, sides=(50, 100), tolerance=1e-3)
    assert float(found.values) == pytest.approx(expected, abs=1e-3)


def test_the_probabilities_of_all_images_sum_to_one():
    torch.manual_seed(0)
    decoder = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 5))
    every = torch.tensor([[(i >> b) & 1 for b in range(5)] for i in range(32)]).float()
    with torch.no_grad():
        found = log_likelihood_on_grid(decoder, every, 40)
    # logarithms of about 5 are exponentiated again
    close(found.exp().sum(), 1, torch.float32, terms=1600 + 8, scale=5)


def test_it_refines_until_two_grids_agree():
    narrow = lambda z: 40 * (z @ torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, -1.0]]) - 0.3)  # noqa: E731
    x = torch.tensor([[1.0, 0.0, 0.0]])
    smooth = log_likelihood(lambda z: z @ torch.ones((2, 3)), x, sides=(40, 80, 160))
    assert smooth.side == 80
    assert smooth.change < 0.05
    stopped = log_likelihood(narrow, x, sides=(5, 10, 20), tolerance=1e-9)
    assert stopped.side == 20
    assert stopped.change > 1e-9


def test_a_narrow_posterior_far_from_the_origin_is_found():
    """One pixel whose probability is a narrow bump of known integral, four standard deviations of the prior off."""
    scale, at, spread = 2.0, torch.tensor([4.0, -3.0]), 0.05

    def bump(z):  # the logit of the probability exp(log_p)
        log_p = -0.5 * ((z - at) / spread).square().sum(1) - scale
        return (log_p - torch.log(-torch.expm1(log_p)))[:, None]

    variance = 1 + spread**2
    log_prior = -0.5 * float(at.square().sum()) / variance - math.log(2 * math.pi * variance)
    expected = log_prior + math.log(2 * math.pi * spread**2) - scale
    assert float(log_likelihood(bump, torch.ones((1, 1))).values) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("sides", [(100,), (100, 100), (200, 100)])
def test_grids_that_do_not_get_finer_are_refused(sides):
    with pytest.raises(ValueError, match=r"at least two are compared, each finer than the one before"):
        log_likelihood(lambda z: z, torch.zeros((1, 2)), sides=sides)
