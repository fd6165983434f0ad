import math

import numpy as np
import pytest
import torch
from precision import close

from dgm.data.tensors import ImageData
from dgm.maths.measured import Measured
from dgm.models import vae_mlp
from dgm.models.vae_mlp import Config, Decoder, Encoder, Model, Posterior
from dgm.runtime.streams import Generators
from dgm.settings import parse
from dgm.training.loop import Context

SMALL = {"hidden_units": 16}
VARIANTS = [
    {"covariance": covariance, "divergence": divergence}
    for covariance in ("diagonal", "full")
    for divergence in ("sampled", "closed")
]


def model(**settings):
    """A small model in which the posterior depends on the image, as after some training."""
    torch.manual_seed(0)
    made = Model(Config(**(SMALL | settings))).double().eval()
    torch.nn.init.normal_(made.encoder.spread.weight, std=0.3)
    return made


def binary(n=6):
    return (torch.rand((n, 784), generator=torch.Generator().manual_seed(1)) < 0.3).double()


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


def test_parameter_counts():
    with torch.device("meta"):
        made, full = Model(Config()), Model(Config(covariance="full"))
    assert sum(p.numel() for p in made.decoder.parameters()) == 394_284
    assert sum(p.numel() for p in made.encoder.parameters()) == 394_504
    assert sum(p.numel() for p in full.parameters()) - sum(p.numel() for p in made.parameters()) == 501


def test_the_decoder_is_the_formula_of_its_question():
    decoder = Decoder(2, 5)
    z = torch.randn((7, 2), generator=stream(), requires_grad=True)
    found = decoder(z)
    first, second = decoder.first, decoder.second
    by_hand = 1 / (1 + torch.exp(-(torch.tanh(z @ first.weight.T + first.bias) @ second.weight.T + second.bias)))
    close(found, by_hand, terms=2 + 5)
    assert found.shape == (7, 784)
    assert ((found > 0) & (found < 1)).all()
    found.sum().backward()
    assert (z.grad.abs().sum(1) > 0).all()


@pytest.mark.parametrize(("covariance", "m", "outputs"), [("diagonal", 2, 4), ("full", 2, 5), ("diagonal", 4, 8), ("full", 4, 14)])
def test_size_of_the_head_and_start_near_the_identity(covariance, m, outputs):
    encoder = Encoder(Config(covariance=covariance, latent_dimensions=m, **SMALL))
    assert encoder.mean.out_features + encoder.spread.out_features == outputs
    posterior = encoder(binary().float())
    close(posterior.factor, torch.eye(m).expand(6, m, m))


def test_the_factor_is_lower_triangular_with_positive_diagonal():
    factor = model(covariance="full", latent_dimensions=3).encode(binary()).factor
    assert (factor.diagonal(dim1=1, dim2=2) > 0).all()
    assert (torch.triu(factor, 1) == 0).all()
    assert (torch.tril(factor, -1).abs().sum((1, 2)) > 0).all()


def test_draws_have_the_covariance_of_the_factor():
    posterior = Posterior(torch.tensor([[1.0, -1.0]]), torch.tensor([[2.0, 3.0]]).log(), torch.tensor([[[0.0, 0.0], [1.0, 0.0]]]))
    z = posterior.draw(torch.randn((100_000, 1, 2), generator=stream()))[:, 0]
    torch.testing.assert_close(z.mean(0), torch.tensor([1.0, -1.0]), atol=0.05, rtol=0)
    torch.testing.assert_close(torch.cov(z.T), torch.tensor([[4.0, 2.0], [2.0, 10.0]]), atol=0.3, rtol=0)


@pytest.mark.parametrize("covariance", ["diagonal", "full"])
def test_sampled_and_closed_bound_agree_on_average(covariance):
    made, x = model(covariance=covariance), binary(1).expand(20_000, 784)
    with torch.no_grad():
        sampled = made.bound(x, stream())
        made.closed = True
        closed = made.bound(x, stream())
    close(sampled["reconstruction"], closed["reconstruction"], terms=784)
    difference = (sampled["kl"] - closed["kl"]).numpy()
    assert abs(difference.mean()) < 5 * difference.std() / math.sqrt(len(difference))
    assert difference.std() > 0.1
    close(closed["kl"], closed["kl"][0].expand(20_000), terms=784 + 16)


@pytest.mark.parametrize("settings", VARIANTS)
def test_bound_is_reconstruction_minus_kl_and_its_gradient_is_that_of_finite_differences(settings):
    made, x = model(**settings), binary()
    terms = made.bound(x, stream())
    close(terms["bound"], terms["reconstruction"] - terms["kl"])
    terms["bound"].mean().backward()
    step = 1e-5
    for name, parameter in made.named_parameters():
        assert parameter.grad.abs().sum() > 0, name
        place = int(parameter.grad.abs().argmax())
        values = []
        with torch.no_grad():
            for sign in (1, -1):
                parameter.view(-1)[place] += sign * step
                values.append(float(made.bound(x, stream())["bound"].mean()))
                parameter.view(-1)[place] -= sign * step
        assert (values[0] - values[1]) / (2 * step) == pytest.approx(float(parameter.grad.view(-1)[place]), rel=1e-4), name


def test_importance_weighted_bound_grows_with_the_number_of_draws_towards_the_exact_value():
    made, x = model(), binary(8)
    torch.nn.init.zeros_(made.encoder.spread.weight)  # a posterior as wide as the prior, which any number of draws can serve
    with torch.no_grad():
        one, some, many = (float(made.importance_weighted_bound(x, k, stream(2)).mean()) for k in (1, 30, 3000))
        exact = float(vae_mlp.decoder_quadrature.log_likelihood(made.float().decoder.logits, x.float()).values.mean())
    assert one < some < many + 0.1
    assert many == pytest.approx(exact, abs=0.3)


def test_samples_are_draws_of_the_decoded_codes():
    made = model()
    with torch.no_grad():
        drawn = made.float().sample(400, stream())
    close(drawn["means"].view(400, 784), made.decoder(drawn["codes"]), terms=2 + 16)
    assert set(drawn["samples"].unique().tolist()) == {0, 1}
    assert float(drawn["samples"].float().mean()) == pytest.approx(float(drawn["means"].mean()), abs=0.01)
    assert float(drawn["codes"].std()) == pytest.approx(1, abs=0.1)


def test_both_covariances_start_from_the_same_weights_and_images():
    states = {}
    for covariance in ("diagonal", "full"):
        generators = Generators(5)
        with generators.default("initialise"):
            states[covariance] = Model(Config(covariance=covariance, **SMALL)).state_dict()
    shared = [name for name in states["full"] if "spread" not in name]
    assert len(shared) == 8
    assert all(torch.equal(states["full"][name], states["diagonal"][name]) for name in shared)


def readings(made, data):
    with torch.no_grad():
        measured = made.measure(data, Generators(0))
    return {(metric, split): number for metric, split, number in measured.readings}, measured.arrays


@pytest.mark.parametrize("covariance", ["diagonal", "full"])
def test_measurements(images, covariance):
    made = model(covariance=covariance).float()
    found, arrays = readings(made, images)
    assert arrays["train_means"].shape == (200, 2)
    exact, weighted, bound = (found[name, "test"] for name in ("exact_log_likelihood", "exact_iwae_100", "exact_bound"))
    assert exact.value > weighted.value - 0.1 > bound.value - 0.2
    assert found["posterior_divergence", "test"].value == pytest.approx(exact.value - bound.value)
    assert found["posterior_divergence", "test"].value > 0
    assert found["exact_bound", "test"].n == len(arrays["exact_images"]) == 100
    assert abs(found["kl_sampled_minus_closed", "test"].value) < 5 * found["kl_sampled_minus_closed", "test"].stderr
    assert (("posterior_correlation", "test") in found) == (covariance == "full")


def test_the_aggregate_variance_counts_both_the_spread_of_the_means_and_that_around_them(images):
    made = model().float()
    torch.nn.init.zeros_(made.encoder.mean.weight)
    torch.nn.init.zeros_(made.encoder.spread.weight)
    made.encoder.spread.bias.data = torch.tensor([4.0, 9.0]).log()
    found, _ = readings(made, images)
    close([found[f"aggregate_variance_{j}", "train"].value for j in (1, 2)], [4, 9], torch.float32, terms=200)


def test_neighbours_that_share_a_class_are_found(images):
    made = model().float()
    # a code that reads the place of the bar, hence the label
    made.encode = lambda x: Posterior(
        torch.stack([x.view(-1, 28, 28)[:, 10].argmax(1) / 9.0 - 1, torch.zeros(len(x))], 1), torch.full((len(x), 2), -3.0)
    )
    clear = ImageData(
        *(torch.where(part > 100, 255, 0).to(torch.uint8) if part.ndim == 3 else part for part in vars(images).values())
    )
    found, _ = readings(made, clear)
    assert isinstance(found["knn_accuracy", "test"], Measured)
    assert found["knn_accuracy", "test"].value > 0.95


@pytest.fixture
def few(images):
    """The made-up digits with twenty test images: the quadrature takes most of the time."""
    return ImageData(images.train_images, images.train_labels, images.test_images[:20], images.test_labels[:20])


def test_interpolations_join_images_of_different_classes(few):
    made = model().float()
    _, arrays = readings(made, few)
    assert arrays["interpolation"].shape == (3, 11, 28, 28)
    assert (arrays["interpolation_labels"][:, 0] != arrays["interpolation_labels"][:, 1]).all()
    for step, end in ((10, 0), (0, 1)):
        close(arrays["interpolation"][:, step], arrays["interpolation_ends"][:, end], torch.float32, terms=2 + 16)
    codes = arrays["interpolation_codes"]
    steps = np.diff(codes, axis=1)
    close(steps, np.broadcast_to(steps[:, :1], steps.shape), torch.float32, scale=float(np.abs(codes).max()))
    for pair, labels in zip(arrays["interpolation_images"], arrays["interpolation_labels"], strict=True):
        for image, label in zip(pair, labels, strict=True):  # the bar of the made-up digits starts at column 2 * label + 2
            assert image[10, 2 * label + 2] >= 200


def test_interpolation_needs_two_classes(few):
    one = ImageData(few.train_images, torch.zeros_like(few.train_labels), few.test_images, few.test_labels)
    with pytest.raises(ValueError, match="at least two classes"), torch.no_grad():
        model().float().measure(one, Generators(0))


def test_other_latent_dimensions_train_and_leave_the_quadrature_out(images):
    config = Config(latent_dimensions=3, covariance="full", **SMALL)
    fitted = vae_mlp.fit(config, images, Context(run="x", generators=Generators(0), max_steps=2))
    found, _ = readings(fitted.model, images)
    assert ("exact_bound", "test") not in found
    assert ("aggregate_variance_3", "train") in found


@pytest.mark.parametrize("settings", VARIANTS)
def test_training_raises_the_test_bound(images, context, settings):
    config = Config(epochs=12, batch_size=50, hidden_units=64, learning_rate=3e-3, **settings)
    fitted = vae_mlp.fit(config, images, context)
    test = [row[4] for row in fitted.history if row[2:4] == ("test", "bound")]
    assert test[-1] > test[0] + 50


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"latent_dimensions": 0}, r"runs\.x\.latent_dimensions: got 0"),
        ({"hidden_units": -1}, r"runs\.x\.hidden_units: got -1"),
        ({"latent_dimensions": 1000}, r"runs\.x\.latent_dimensions: got 1000; .*64"),
        ({"covariance": "spherical"}, r"runs\.x\.covariance: got 'spherical'; .*'diagonal' or 'full'"),
        ({"divergence": "open"}, r"runs\.x\.divergence: got 'open'"),
        ({"batch_size": 0}, r"runs\.x\.batch_size: got 0"),
    ],
)
def test_impossible_settings_are_refused_with_their_path(setting, message):
    with pytest.raises(ValueError, match=message):
        parse(Config, setting, "runs.x")
