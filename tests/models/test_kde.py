import numpy as np
import pytest
import torch

from dgm.maths import kernel_density
from dgm.models.kde import Config, Model, fit
from dgm.runtime.streams import Generators
from dgm.settings import parse


def test_the_bandwidth_is_the_best_of_the_validation_points(points, context):
    fitted = fit(parse(Config, {}, "x"), points, context)
    curve = [value for _, _, split, _, value in fitted.history if split == "validation"]
    assert float(fitted.model.bandwidth) == kernel_density.BANDWIDTHS[int(np.argmax(curve))]
    assert float(fitted.model.log_density(points.validation).mean()) == pytest.approx(max(curve), abs=1e-9)


def test_training_points_would_choose_the_smallest(points, context):
    history = fit(parse(Config, {}, "x"), points, context).history
    curve = [value for _, _, split, _, value in history if split == "train"]
    assert int(np.argmax(curve)) == 0


def test_measures_repeat_the_curves_and_integrate_to_one(points, context):
    model = fit(parse(Config, {}, "x"), points, context).model
    own = model.measure(points, Generators(0))
    assert own.arrays["curve_validation"].shape == (20,)
    axis = own.arrays["axis"]
    assert own.arrays["density"].sum() * (axis[1] - axis[0]) ** 2 == pytest.approx(1, abs=0.01)


def test_samples_are_kernels_and_noise():
    model = Model(parse(Config, {"bandwidths": [0.5]}, "x"))
    model.kernels = torch.tensor([[0.0, 0.0], [40.0, 0.0]], dtype=torch.float64)
    drawn = model.sample(20_000, torch.Generator().manual_seed(0))["samples"]
    right = drawn[:, 0] > 20
    assert float(right.double().mean()) == pytest.approx(0.5, abs=0.02)
    torch.testing.assert_close(drawn[right].std(0), torch.full((2,), 0.5, dtype=torch.float64), atol=0.02, rtol=0)


def test_a_saved_model_brings_its_kernels(points, context):
    model = fit(parse(Config, {}, "x"), points, context).model
    other = Model(parse(Config, {}, "x"))
    other.load_state_dict(model.state_dict())
    assert torch.equal(other.log_density(points.test), model.log_density(points.test))
    assert other.parameter_count() == 401


@pytest.mark.parametrize(
    ("bandwidths", "message"),
    [
        ([], r"runs\.x\.settings\.bandwidths: got \[\]; .*at least 1"),
        ([0.5, 0.0], r"runs\.x\.settings\.bandwidths\.1: got 0\.0; .*greater than 0"),
        ([-1.0], r"runs\.x\.settings\.bandwidths\.0: got -1\.0; .*greater than 0"),
        ([float("inf")], r"runs\.x\.settings\.bandwidths\.0: got inf; .*finite"),
    ],
)
def test_impossible_bandwidths_are_refused(bandwidths, message):
    with pytest.raises(ValueError, match=message):
        parse(Config, {"bandwidths": bandwidths}, "runs.x.settings")
