import math

import pytest
import torch
from precision import close

from dgm.maths.distributions import bernoulli_log_prob, gaussian_log_prob, kl_to_standard_normal, standard_normal_log_prob
from dgm.models import vae_conv
from dgm.models.vae_conv import Config, Model

SMALL = Config(latent_channels=2, hidden_channels=8, residual_channels=4)


def model(config=SMALL):
    torch.manual_seed(0)
    return Model(config).eval()


def binary(n=6):
    return (torch.rand((n, 784), generator=torch.Generator().manual_seed(1)) < 0.3).float()


def test_the_default_has_the_reference_s_parameter_counts():
    with torch.device("meta"):
        made = Model(Config())
    count = [sum(parameter.numel() for parameter in part.parameters()) for part in (made.encoder, made.decoder)]
    assert count == [491_744, 482_497]
    assert sum(count) == 974_241


def test_closed_form_kl_equals_monte_carlo_within_its_interval():
    generator = torch.Generator().manual_seed(0)
    mean, log_std = torch.randn((1, 5), generator=generator), 0.4 * torch.randn((1, 5), generator=generator)
    z = mean + torch.exp(log_std) * torch.randn((200_000, 5), generator=generator)
    ratio = gaussian_log_prob(z, mean, torch.exp(2 * log_std)) - standard_normal_log_prob(z)
    error = float(ratio.std()) / math.sqrt(len(z))
    assert float(kl_to_standard_normal(mean, log_std)) == pytest.approx(float(ratio.mean()), abs=4 * error)


def test_bernoulli_probabilities_of_all_images_sum_to_one():
    every = torch.tensor([[(i >> b) & 1 for b in range(6)] for i in range(64)]).float()
    logits = torch.randn((1, 6), generator=torch.Generator().manual_seed(0)).expand(64, 6)
    close(bernoulli_log_prob(every, logits).exp().sum(), 1, terms=64 + 6, scale=6)  # logarithms of up to 6 or so, exponentiated


def test_bound_is_reconstruction_minus_kl_and_kl_is_not_negative():
    terms = model().bound(binary(), torch.Generator().manual_seed(0))
    close(terms["bound"], terms["reconstruction"] - terms["kl"])
    assert (terms["kl"] >= 0).all()


def test_importance_weighted_bound_grows_with_the_number_of_samples():
    made, x = model(), binary(16)
    with torch.no_grad():
        made.encoder[-1][-1].bias[:2] += 1.0  # a posterior well off the prior, so that the bounds differ
        one, many = (
            torch.stack([made.importance_weighted_bound(x, k, torch.Generator().manual_seed(seed)) for seed in range(8)]).mean()
            for k in (1, 20)
        )
        bound = torch.stack([made.bound(x, torch.Generator().manual_seed(seed))["bound"] for seed in range(8)]).mean()
    assert float(many) > float(one) + 0.1
    assert float(one) == pytest.approx(float(bound), abs=0.5)  # k = 1 is the bound again, up to sampling noise


def test_reparameterised_gradient_reaches_every_parameter():
    made = model()
    (-made.bound(binary(), torch.Generator().manual_seed(0))["bound"].mean()).backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in made.parameters())


def test_samples_are_binary_draws_of_their_means():
    with torch.no_grad():
        drawn = model().sample(300, torch.Generator().manual_seed(0))
    assert drawn["samples"].shape == drawn["means"].shape == (300, 28, 28)
    assert set(drawn["samples"].unique().tolist()) == {0, 1}
    assert float(drawn["samples"].float().mean()) == pytest.approx(float(drawn["means"].mean()), abs=0.01)


@pytest.mark.parametrize(("shape", "sides"), [((28, 28), (32, 32)), ((16, 33), (16, 48)), ((17, 5), (32, 16))])
def test_padding_and_cropping_are_inverse(shape, sides):
    made = Model(SMALL, shape)
    x = torch.rand(3, math.prod(shape))
    padded = made._padded(x)
    assert padded.shape == (3, 1, *sides)
    close(padded.sum(), x.sum(), terms=x.numel())
    assert torch.equal(made._cropped(padded).flatten(1), x)


def test_training_raises_the_test_bound(images, context):
    config = Config(epochs=10, batch_size=50, latent_channels=4, hidden_channels=16, residual_channels=8, learning_rate=3e-3)
    fitted = vae_conv.fit(config, images, context)
    test = [row[4] for row in fitted.history if row[2:4] == ("test", "bound")]
    # with six seeds it rose to between -407 and -396, from first values of -540 to -684 that scatter with the start
    assert test[-1] > test[0]
    assert test[-1] > -784 * math.log(2) + 50  # better than the same coin for every pixel
