import math

import numpy as np
import pytest
import torch

from dgm.data.tensors import PointData
from dgm.models import ebm
from dgm.models.ebm import Config, Model, fit, objective
from dgm.runtime.streams import Generators
from dgm.settings import parse
from dgm.training.loop import Context


def model_of(**settings):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = Model(parse(Config, settings, "x"))
    model.settle(torch.randn((200, 2), generator=torch.Generator().manual_seed(1)), parse(Config, settings, "x"))
    return model


class Cone(torch.nn.Module):
    """E(x) = -|x_1| - |x_2| as a network of ReLUs: e^E integrates to 4 over the plane."""

    def forward(self, x):
        return -(torch.relu(x) + torch.relu(-x)).sum(1, keepdim=True)


@pytest.fixture(scope="module")
def quick():
    """A model trained briefly on a blob: 400 points of a standard normal law."""
    generator = torch.Generator().manual_seed(0)
    train, validation, test = (torch.randn((400, 2), generator=generator) for _ in range(3))
    data = PointData(train, validation, test, components=2, radius=0.5)
    config = parse(Config, {"hidden_units": 24, "proposal_samples": 512, "inflation": 1.5, "epochs": 60, "batch_size": 100}, "x")
    return data, fit(config, data, Context("made-up", Generators(0)))


def test_the_energy_is_three_linear_layers():
    model = model_of(hidden_units=5)
    assert [type(layer).__name__ for layer in model.network] == ["Linear", "ReLU", "Linear", "ReLU", "Linear"]
    assert sum(parameter.numel() for parameter in model_of().parameters()) == 4417


def test_the_surrogate_s_gradient_is_the_weighted_formula():
    model = model_of(hidden_units=5).double()
    generator = torch.Generator().manual_seed(0)
    data, drawn = (torch.randn((n, 2), generator=generator, dtype=torch.float64) for n in (20, 60))
    log_q = model.log_proposal(drawn)
    parameters = list(model.parameters())
    estimate, normaliser = objective(model.energy(data), model.energy(drawn), log_q)
    found = torch.autograd.grad(estimate, parameters)
    weights = torch.softmax(model.energy(drawn).detach() - log_q, 0)
    expected = torch.autograd.grad(model.energy(data).mean() - (weights * model.energy(drawn)).sum(), parameters)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, atol=1e-12, rtol=1e-10)
    assert float(normaliser.detach()) == pytest.approx(float((model.energy(drawn) - log_q).exp().mean().log().detach()))


@pytest.mark.parametrize("proposal", ["gaussian", "box"])
def test_the_proposal_is_a_density_and_its_samples_follow_it(proposal):
    model = model_of(proposal=proposal)
    reach = 30.0
    axis = torch.linspace(-reach, reach, 901)
    grid = torch.cartesian_prod(axis, axis)
    mass = float(model.log_proposal(grid).double().exp().sum()) * float(axis[1] - axis[0]) ** 2
    assert mass == pytest.approx(1, abs=0.02)
    drawn = model.propose(20_000, torch.Generator().manual_seed(0))
    assert torch.isfinite(model.log_proposal(drawn)).all()
    spread = float(model.spread) if proposal == "gaussian" else float(model.half_width) / math.sqrt(3)
    torch.testing.assert_close(drawn.std(0), torch.full((2,), spread), atol=0.03 * spread, rtol=0)
    torch.testing.assert_close(drawn.mean(0), model.centre, atol=0.03 * spread, rtol=0)


def test_outside_the_box_the_proposal_has_no_mass():
    model = model_of(proposal="box")
    far = model.centre + 2 * model.half_width
    assert float(model.log_proposal(far[None])) == -math.inf


def test_the_quadrature_finds_a_known_integral():
    model = model_of()
    model.network = torch.nn.Sequential(Cone())
    model.half_width.fill_(15.0)
    assert math.exp(model.log_mass(cells=600)) == pytest.approx(4, rel=1e-3)


def test_slopes_are_those_far_out():
    model = model_of(hidden_units=7).double()
    angle = 2 * math.pi * torch.arange(12, dtype=torch.float64) / 12
    rays = torch.stack([torch.cos(angle), torch.sin(angle)], dim=1)
    with torch.no_grad():
        expected = (model.energy(4e5 * rays) - model.energy(2e5 * rays)) / 2e5
        torch.testing.assert_close(model.slopes(12), expected, atol=1e-4, rtol=1e-4)


def test_training_reaches_the_true_density(quick):
    data, fitted = quick
    entropy = 1 + math.log(2 * math.pi)
    with torch.no_grad():
        values = fitted.model.log_density(data.test)
    truth = -0.5 * data.test.square().sum(1) - math.log(2 * math.pi)
    assert float((truth - values).mean()) < 0.15
    assert float(values.mean()) == pytest.approx(-entropy, abs=0.3)


def test_the_estimated_normaliser_agrees_with_the_grid(quick):
    data, fitted = quick
    with torch.no_grad():
        numbers = {
            metric: (number.value, number.stderr) for metric, _, number in fitted.model.measure(data, Generators(0)).readings
        }
    estimate, error = numbers["log_normaliser"]
    assert abs(estimate - numbers["log_normaliser_grid"][0]) < 5 * error + 1e-3
    assert 0.2 < numbers["effective_share"][0] <= 1
    assert numbers["softmax_score"][0] <= -math.log(len(data.test))


def test_samples_follow_the_density(quick):
    data, fitted = quick
    with torch.no_grad():
        drawn = fitted.model.sample(4000, torch.Generator().manual_seed(0))["samples"]
    # what was fitted has the moments of its 400 points; with twelve seeds the worst difference was 0.06
    torch.testing.assert_close(drawn.mean(0), data.train.mean(0), atol=0.15, rtol=0)
    torch.testing.assert_close(drawn.std(0), data.train.std(0), atol=0.15, rtol=0)
    assert len(torch.unique(drawn, dim=0)) == 4000


def test_the_history_has_what_the_curves_show(quick):
    _, fitted = quick
    terms = {(split, term) for _, _, split, term, _ in fitted.history}
    assert terms == {
        *((("train", term)) for term in ("log_likelihood", "log_normaliser", "effective_share")),
        *((("validation", term)) for term in ("log_likelihood", "log_normaliser")),
    }
    shares = [value for _, _, _, term, value in fitted.history if term == "effective_share"]
    assert all(0 < share <= 1 for share in shares)


def test_a_diverging_training_is_stopped(points, context):
    config = parse(Config, {"learning_rate": 1e30, "epochs": 5, "hidden_units": 8, "proposal_samples": 64}, "x")
    with pytest.raises(FloatingPointError, match="made-up: the loss is not finite"):
        fit(config, points, context)


def test_the_grid_of_the_quadrature_is_fine_enough(quick):
    _, fitted = quick
    assert fitted.model.log_mass(cells=ebm.CELLS) == pytest.approx(fitted.model.log_mass(cells=ebm.CELLS // 2), abs=1e-3)
    assert np.isfinite(float(fitted.model.log_normaliser))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"proposal": "cauchy"}, r"x\.proposal: got 'cauchy'"),
        ({"proposal_samples": 1}, r"x\.proposal_samples: got 1"),
        ({"learning_rate": 0.0}, r"x\.learning_rate: got 0\.0"),
        ({"hidden": 3}, r"x\.hidden: unknown key"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        parse(Config, settings, "x")
