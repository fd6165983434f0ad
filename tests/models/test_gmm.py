import numpy as np
import pytest
import torch

from dgm.data.tensors import PointData
from dgm.maths import ring_mixture, unit_mixture
from dgm.models.gmm import Config, Model, fit
from dgm.runtime.streams import Generators
from dgm.settings import parse


def test_fit_keeps_the_best_start_and_its_trace(points, context):
    fitted = fit(parse(Config, {"restarts": 3, "iterations": 60}, "x"), points, context)
    finals = {}
    for _, _, _, term, value in fitted.history:
        finals[term] = value
    assert finals["log_likelihood"] == max(value for term, value in finals.items() if "start" in term)
    model = fitted.model
    assert float(model.log_density(points.train).mean()) == pytest.approx(finals["log_likelihood"], abs=1e-9)
    assert model.parameter_count() == 29


def test_errors_are_those_after_matching(points, context):
    model = fit(parse(Config, {"restarts": 3}, "x"), points, context).model
    own = model.measure(points, Generators(0))
    numbers = {metric: number.value for metric, _, number in own.readings}
    assert numbers["mean_error"] == pytest.approx(np.sqrt(((own.arrays["means"] - own.arrays["true_means"]) ** 2).sum(1).mean()))
    assert numbers["mean_error"] < 1  # 20 points a component
    assert numbers["training_gain"] > 0  # the best fit is likelier than the truth on its own points
    assert own.arrays["weights"].sum() == pytest.approx(1)


def test_another_number_of_components_is_fitted_but_not_matched(points, context):
    model = fit(parse(Config, {"components": 3, "restarts": 1}, "x"), points, context).model
    own = model.measure(points, Generators(0))
    assert own.readings == []
    assert own.arrays["means"].shape == (3, 2)


def test_samples_follow_the_parameters():
    model = Model(parse(Config, {"components": 2}, "x"))
    model.means.copy_(torch.tensor([[0.0, 5.0], [8.0, 0.0]], dtype=torch.float64))
    model.weights.copy_(torch.tensor([0.25, 0.75], dtype=torch.float64))
    drawn = model.sample(20_000, torch.Generator().manual_seed(0))
    assert float((drawn["components"] == 1).double().mean()) == pytest.approx(0.75, abs=0.02)
    centred = drawn["samples"] - model.means[drawn["components"]]
    torch.testing.assert_close(torch.cov(centred.T), torch.eye(2, dtype=torch.float64), atol=0.05, rtol=0)
    torch.testing.assert_close(centred.mean(0), torch.zeros(2, dtype=torch.float64), atol=0.04, rtol=0)


def test_too_few_points_are_refused(context):
    few = torch.zeros((5, 2))
    with pytest.raises(ValueError, match="run made-up: 10 components need at least as many points; got 5"):
        fit(parse(Config, {}, "x"), PointData(few, few, few, components=10, radius=1.0), context)


def test_model_and_formulas_share_the_density(points):
    model = Model(parse(Config, {}, "x"))
    model.means.copy_(torch.from_numpy(ring_mixture.means(10, 10.0)))
    expected = ring_mixture.log_density(points.test.double().numpy(), 10, 10.0)
    np.testing.assert_allclose(model.log_density(points.test).numpy(), expected, atol=1e-9)
    assert parse(Config, {}, "x").restarts == unit_mixture.RESTARTS
