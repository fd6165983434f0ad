import numpy as np
import pytest
import torch
from precision import close

from dgm.maths.distributions import sample_logistic, standard_logistic_log_prob
from dgm.models import nice
from dgm.models.nice import AdditiveCoupling, Config, Model

SMALL = Config(hidden_layers=2, hidden_units=16)
FANS = 4 * (392 + 16 + 16)
"""Terms of the sums of its layers, one after another."""


def model(config=SMALL):
    torch.manual_seed(0)
    made = Model(config)
    with torch.no_grad():
        made.log_scale.copy_(0.3 * torch.randn(784))
    return made


def test_the_default_has_the_reference_s_parameter_count():
    with torch.device("meta"):
        assert sum(parameter.numel() for parameter in Model(Config()).parameters()) == 19_158_352


def test_inverse_undoes_forward_and_forward_undoes_inverse():
    flow, x = model(), torch.rand(5, 784)
    with torch.no_grad():
        z, _ = flow(x)
        for there_and_back in (flow.inverse(z), flow(flow.inverse(x))[0]):
            close(there_and_back, x, terms=2 * FANS)


def test_log_determinant_equals_that_of_the_jacobian_by_autograd():
    flow = model().double()
    jacobian = torch.autograd.functional.jacobian(
        lambda x: flow(x[None])[0][0], torch.rand(784, dtype=torch.float64), vectorize=True
    )
    _, log_det = torch.linalg.slogdet(jacobian)
    assert float(log_det) == pytest.approx(float(flow.log_scale.detach().sum()), abs=1e-6)
    with torch.no_grad():
        assert float(log_det) == pytest.approx(float(flow(torch.rand(1, 784, dtype=torch.float64))[1]), abs=1e-6)


@pytest.mark.parametrize("changes_upper", [True, False])
def test_a_coupling_changes_one_half_by_a_function_of_the_other(changes_upper):
    torch.manual_seed(1)
    coupling, x = AdditiveCoupling(changes_upper, 1, 8), torch.rand(3, 784)
    changed, kept = (slice(0, 392), slice(392, 784)) if changes_upper else (slice(392, 784), slice(0, 392))
    y = coupling(x)
    assert torch.equal(y[:, kept], x[:, kept])
    assert not torch.allclose(y[:, changed], x[:, changed])
    other = x.clone()
    other[:, changed] += 1
    close(coupling(other)[:, changed], y[:, changed] + 1)  # the shift did not depend on this half


def test_layers_alternate_which_half_they_change():
    assert [coupling.changes_upper for coupling in Model(Config(hidden_units=4)).couplings] == [False, True, False, True]


def test_a_change_of_scale_changes_the_log_likelihood_as_the_change_of_variables_says():
    flow, x = model(), torch.rand(4, 784)
    with torch.no_grad():
        z, log_det = flow(x)
        by_hand = (torch.exp(-z) / (1 + torch.exp(-z)).square()).log().sum(1) + log_det
        close(flow.log_prob(x), by_hand, terms=784)


def test_logistic_density_integrates_to_one_and_its_sampler_agrees():
    grid = torch.linspace(-40, 40, 200_001, dtype=torch.float64)
    density = standard_logistic_log_prob(grid[:, None]).exp()
    assert float(torch.trapezoid(density, grid)) == pytest.approx(1, abs=1e-9)
    drawn = sample_logistic((200_000,), torch.Generator().manual_seed(0)).double()
    assert float(drawn.std()) == pytest.approx(np.pi / np.sqrt(3), rel=0.01)
    assert float((drawn < 1).double().mean()) == pytest.approx(1 / (1 + np.exp(-1)), abs=0.004)


def test_samples_come_from_the_prior_of_the_training_and_the_cooler_ones_from_the_normal_law():
    flow = model()
    drawn = flow.sample(400, torch.Generator().manual_seed(0))
    with torch.no_grad():
        hot, cool = (flow(drawn[name].flatten(1))[0].std() for name in ("samples", "low_temperature"))
    assert float(hot) == pytest.approx(np.pi / np.sqrt(3), rel=0.02)
    assert float(cool) == pytest.approx(1, rel=0.02)


def test_training_raises_the_likelihood_and_the_scales_move_at_their_own_rate(images, context):
    fitted = nice.fit(Config(epochs=12, batch_size=50, hidden_layers=1, hidden_units=32, scale_learning_rate=0.05), images, context)
    test = [row[4] for row in fitted.history if row[2:4] == ("test", "log_likelihood")]
    assert test[-1] > test[0] + 200
    moved = float(fitted.model.log_scale.detach().abs().mean())
    assert 0.5 < moved <= 0.05 * 48 * 1.1  # 48 steps of Adam move each by at most about one learning rate


def test_every_parameter_gets_a_gradient():
    flow = model()
    (-flow.log_prob(torch.rand(8, 784)).mean()).backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in flow.parameters())
