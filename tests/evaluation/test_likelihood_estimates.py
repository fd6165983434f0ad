"""Importance-weighted and annealed estimates on models whose likelihood is known, and the stage that makes them."""

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from linear_gaussian import LinearGaussian, interval
from precision import close
from scipy.stats import multivariate_normal, norm

from dgm import models
from dgm.data.tensors import ImageData
from dgm.evaluation import likelihood_estimates as estimates
from dgm.evaluation.likelihood_estimates import KS, Estimates
from dgm.maths.distributions import bernoulli_log_prob
from dgm.models import save_model
from dgm.protocols import HasBernoulliDecoder, HasDecoder, HasNoiselessDecoder, HasProposal
from dgm.runtime.files import load_arrays, save_arrays
from dgm.runtime.streams import Generators
from dgm.settings import Limits, parse
from dgm.stages import estimate

DECODERS = ("vae_mlp", "vae_conv", "gan")
SMALL = Estimates(
    images=12, importance_samples=5000, annealed_images=8, simulated_images=6, chains=6, temperatures=100, leapfrog_steps=2
)


class Encoded(LinearGaussian):
    """With a proposal that is off by ``shift`` standard deviations of the posterior and ``narrow`` times as wide."""

    treatment = "grey"
    latent_size = 3

    def __init__(self, shift: float = 0.0, narrow: float = 1.0, **shape: Any) -> None:
        super().__init__(**shape)
        self.shift, self.narrow = shift, narrow

    def proposal(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        precision = torch.eye(3) + self.weights.T @ self.weights / self.deviation**2
        covariance = torch.linalg.inv(precision)
        mean = (x - self.bias) @ self.weights @ covariance / self.deviation**2
        factor = torch.linalg.cholesky(covariance)
        return mean + self.shift * factor.sum(1), self.narrow * factor.expand(len(x), 3, 3)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def small(kind: str, **settings: Any) -> Any:
    module = models.load(kind)
    torch.manual_seed(0)
    return module.Model(parse(module.Config, settings, kind)).eval().requires_grad_(requires_grad=False)


@pytest.mark.parametrize("weights", [estimates.encoder_log_weights, estimates.defensive_log_weights])
def test_the_weights_of_both_proposals_average_to_the_likelihood_in_closed_form(weights: Any) -> None:
    model = Encoded(shift=0.3, narrow=1.2)
    _, x = model.simulate(20)
    ratios = torch.exp(weights(model, x, 4000, generator(0)) - model.exact(x))
    mean, error = interval(ratios.flatten())
    assert abs(mean - 1) < 4 * error
    assert error < 0.02


def test_with_the_true_posterior_every_single_weight_is_the_likelihood() -> None:
    model = Encoded()
    _, x = model.simulate(5)
    found = estimates.encoder_log_weights(model, x, 7, generator(0))
    # a rounding of x or W z changes the log-likelihood by the residual, here up to 3 deviations, over the variance
    scale = 3 / model.deviation * float(x.abs().sum(1).max())
    close(found, model.exact(x).expand(7, 5), torch.float32, terms=6 + 3, scale=scale)


def test_defensive_weights_use_the_density_of_the_whole_mixture() -> None:
    """The density of the proposal, recovered from weights and draws, is that of the mixture by an independent library."""
    model, seen = Encoded(shift=1.0), []
    _, x = model.simulate(2)
    plain = model.log_likelihood_given
    model.log_likelihood_given = lambda x, z: seen.append(z) or plain(x, z)  # type: ignore[func-returns-value]
    found = estimates.defensive_log_weights(model, x, 50, generator(0))
    z = torch.cat([part.view(-1, 2, 3) for part in seen]).double()
    mean, factor = model.proposal(x)
    for image in range(2):
        wide = multivariate_normal(mean[image].double(), (9 * factor[image] @ factor[image].T).double())
        prior = multivariate_normal(np.zeros(3), np.eye(3))
        density = np.log(0.7 * wide.pdf(z[:, image]) + 0.3 * prior.pdf(z[:, image]))
        given = plain(x[image].expand(50, 6), z[:, image].float()).double().numpy()
        expected = given + prior.logpdf(z[:, image]) - density
        close(found[:, image], expected, torch.float32, terms=6 + 3, scale=float(np.abs(given).max()))
    assert len(z) == 50


def test_a_narrow_proposal_stays_low_and_the_defensive_one_closes_the_gap() -> None:
    model = Encoded(shift=2.0, narrow=0.3)
    _, x = model.simulate(30)
    exact = model.exact(x)
    plain, wide = (
        exact - estimates.curve(weights(model, x, 5000, generator(0)))
        for weights in (estimates.encoder_log_weights, estimates.defensive_log_weights)
    )
    mean, error = interval(plain[-1])
    assert mean > 0.5 + 3 * error
    mean, error = interval(wide[-1])
    assert abs(mean) < 3 * error + 0.02


def test_the_curve_rises_with_the_number_of_draws_and_stays_below_the_truth() -> None:
    model = Encoded(shift=0.5, narrow=0.7)
    _, x = model.simulate(200)
    curve = estimates.curve(estimates.encoder_log_weights(model, x, 5000, generator(0)))
    assert curve.shape == (5, 200)
    for lower, upper in zip(curve, [*curve[1:], model.exact(x)], strict=True):
        mean, error = interval(upper - lower)
        assert mean > -3 * error
    assert interval(curve[3] - curve[0])[0] > 0.5


def test_the_curve_averages_over_disjoint_groups() -> None:
    log_weights = torch.randn((23, 4), dtype=torch.float64, generator=generator(0)) * 3 + 500
    found = estimates.curve(log_weights, (1, 5, 23, 100)).numpy()
    weights = log_weights.numpy()
    np.testing.assert_allclose(found[0], weights.mean(0))
    groups = [np.log(np.exp(weights[start : start + 5] - 500).mean(0)) + 500 for start in (0, 5, 10, 15)]
    np.testing.assert_allclose(found[1], np.mean(groups, 0))
    np.testing.assert_allclose(found[2], np.log(np.exp(weights - 500).mean(0)) + 500)
    np.testing.assert_array_equal(found[3], found[2])


@pytest.mark.parametrize("kind", DECODERS)
def test_images_simulated_from_a_decoder_have_the_likelihood_it_states(kind: str) -> None:
    """E log p(x | z) over the model's own images is minus the entropy of the pixels given z, which is known in closed form."""
    model = small(kind)
    decoder = model.observed(0.2) if kind == "gan" else model
    assert isinstance(decoder, HasDecoder)
    assert isinstance(model, HasNoiselessDecoder) == (kind == "gan")
    assert isinstance(model, HasProposal) == isinstance(model, HasBernoulliDecoder) == (kind != "gan")
    n = 100 if kind == "vae_conv" else 400
    z, x = decoder.simulate(n, generator(0))
    assert z.shape == (n, decoder.latent_size)
    assert x.shape == (n, 784)
    assert abs(float(z.mean())) < 0.1
    assert abs(float(z.std()) - 1) < 0.1
    given = decoder.log_likelihood_given(x, z)
    if kind == "gan":
        expected = torch.full((n,), -784 * (0.5 * math.log(2 * math.pi * 0.2**2) + 0.5))
    else:
        assert set(x.unique().tolist()) <= {0.0, 1.0}
        p = torch.sigmoid(decoder.pixel_logits(z)).double()
        expected = (p * p.log() + (1 - p) * (1 - p).log()).sum(1)
        close(given, bernoulli_log_prob(x, decoder.pixel_logits(z)), terms=784)
    mean, error = interval(given.double() - expected)
    assert abs(mean) < 4 * error
    assert error < 2
    other = decoder.log_likelihood_given(x, z.flip(0))
    mean, error = interval(given - other)  # codes of other images explain an image no better
    assert mean > -3 * error


def test_the_gan_with_noise_scores_pixels_by_a_normal_density_around_what_it_generates() -> None:
    model = small("gan", latent=4)
    decoder = model.observed(0.3)
    z = torch.randn((5, 4), generator=generator(0))
    images = model.images_from(torch.from_numpy(2 * norm.cdf(z.numpy()) - 1).float()).flatten(1)
    x = torch.rand((5, 784), generator=generator(1))
    expected = norm.logpdf(x.numpy(), images.numpy(), 0.3).sum(1)
    scale = float(np.abs(norm.logpdf(x.numpy(), images.numpy(), 0.3)).sum(1).max())
    close(decoder.log_likelihood_given(x, z), expected, torch.float32, terms=784, scale=scale)
    assert decoder.treatment == "dequantised"


@pytest.mark.parametrize("deviation", [0.0, -0.1, math.nan])
def test_noise_without_a_width_is_refused(deviation: float) -> None:
    with pytest.raises(ValueError, match="observation noise: got standard deviation"):
        small("gan").observed(deviation)


def test_the_code_of_the_noisy_gan_has_the_prior_of_the_gan() -> None:
    z, _ = small("gan", latent=4).observed(0.1).simulate(1000, generator(0))
    uniform = torch.erf(z / math.sqrt(2)).flatten().sort().values
    expected = torch.linspace(-1, 1, len(uniform))
    assert float((uniform - expected).abs().max()) < 4 / math.sqrt(len(uniform))


@pytest.mark.parametrize("settings", [{"covariance": "diagonal"}, {"covariance": "full", "latent_dimensions": 3}])
def test_the_proposal_of_the_mlp_autoencoder_is_its_posterior(settings: dict[str, Any]) -> None:
    model = small("vae_mlp", **settings)
    with torch.no_grad():
        model.encoder.spread.weight.normal_(0, 0.1)
    x = torch.bernoulli(torch.full((6, 784), 0.2), generator=generator(0))
    mean, factor = model.proposal(x)
    z = torch.randn(mean.shape, generator=generator(1))
    expected = torch.distributions.MultivariateNormal(mean, scale_tril=factor).log_prob(z)
    whitened = torch.linalg.solve_triangular(factor, (z - mean)[..., None], upper=False)
    scale = float((whitened.square().sum((1, 2)) * torch.linalg.cond(factor)).max())
    close(model.encode(x).log_prob(z), expected, terms=9, scale=scale)


def test_the_proposal_of_the_convolutional_autoencoder_is_its_posterior() -> None:
    model = small("vae_conv")
    x = torch.bernoulli(torch.full((3, 784), 0.2), generator=generator(0))
    mean, factor = model.proposal(x)
    of_model, log_std = model.encode(x)
    close(mean, of_model)
    close(factor.diagonal(dim1=1, dim2=2), log_std.exp())
    assert torch.equal(factor, torch.diag_embed(factor.diagonal(dim1=1, dim2=2)))


def test_summing_out_the_border_gives_no_less_than_asking_for_a_black_one() -> None:
    model = small("vae_conv")
    z, x = model.simulate(4, generator(0))
    logits = model.decode(z)
    padded = torch.nn.functional.pad(x.view(-1, 1, 28, 28), (2,) * 4)
    asked = bernoulli_log_prob(padded, logits)
    inside = torch.nn.functional.pad(torch.ones((1, 1, 28, 28)), (2,) * 4) > 0
    border = torch.where(inside, 0.0, torch.nn.functional.logsigmoid(-logits)).flatten(1).sum(1)
    close(model.log_likelihood_given(x, z) + border, asked, terms=32 * 32)


@pytest.fixture(scope="module")
def measured() -> tuple[dict[tuple[str, str], Any], dict[str, np.ndarray]]:
    """Estimates of an untrained autoencoder with a latent plane, its decoder's weights enlarged so that codes matter."""
    from tiny_results import made_up_digits

    model = small("vae_mlp", hidden_units=20)
    model.decoder.second.weight *= 6
    rng = np.random.default_rng(0)
    (train, labels), (test, test_labels) = (map(torch.from_numpy, made_up_digits(n, rng)) for n in (20, 20))
    data = ImageData(train, labels.long(), test, test_labels.long())
    found = estimates.estimate(model, data, SMALL, Generators(0), sides=(50, 100, 200))
    return {(metric, split): number for metric, split, number in found.readings}, found.arrays


def test_all_estimates_agree_with_quadrature_where_they_should(measured: Any) -> None:
    rows, _ = measured
    for metric in ("annealed_minus_exact", "exact_minus_defensive_5000"):
        number = rows[metric, "annealed"]
        assert abs(number.value) < 5 * number.stderr + 0.5, metric
    for metric in ("exact_minus_lower", "upper_minus_exact", "annealed_gap"):
        assert rows[metric, "simulated"].value > -5 * rows[metric, "simulated"].stderr
    bounds = [rows[f"iwae_{k}", "estimated"].value for k in KS]
    assert bounds == sorted(bounds)
    assert rows["bound", "estimated"] == rows["iwae_1", "estimated"]


def test_numbers_of_images_and_units_are_stated(measured: Any) -> None:
    rows, _ = measured
    counts = {split: {number.n for (_, of), number in rows.items() if of == split} for split in ("annealed", "simulated")}
    assert counts == {"annealed": {8}, "simulated": {6}}
    assert rows["iwae_5000", "estimated"].n == 12
    assert rows["annealed", "estimated"].n == 8
    assert rows["iwae_effective_samples", "estimated"].unit == "count"
    assert 1 <= rows["defensive_effective_samples", "estimated"].value <= 5000
    assert 1 <= rows["annealed_effective_samples", "annealed"].value <= 6


def test_differences_are_those_of_the_same_images(measured: Any) -> None:
    rows, arrays = measured
    difference = arrays["annealed"] - arrays["exact_log_likelihood"][:8]
    number = rows["annealed_minus_exact", "annealed"]
    assert number.value == pytest.approx(difference.mean())
    assert number.stderr == pytest.approx(difference.std(ddof=1) / math.sqrt(8))
    paired = rows["exact_log_likelihood", "annealed"].value - rows["iwae_5000", "annealed"].value
    assert rows["exact_minus_iwae_5000", "annealed"].value == pytest.approx(paired)
    np.testing.assert_array_equal(arrays["iwae_curve"][-1], arrays["iwae_5000"])
    assert arrays["step_sizes"].shape == arrays["acceptance"].shape == (99, 8)


def test_the_noise_of_the_gan_is_the_best_of_the_grid_on_training_images(images: ImageData) -> None:
    model = small("gan", latent=4)
    settings = Estimates(annealed_images=4, simulated_images=4, chains=4, temperatures=16, leapfrog_steps=2)
    found = estimates.estimate(model, images, settings, Generators(0))
    rows = {(metric, split): number for metric, split, number in found.readings}
    scores = found.arrays["deviation_scores"]
    assert rows["observation_sd", "estimated"].value == estimates.DEVIATIONS[int(scores.argmax())]
    assert "iwae_1" not in {metric for metric, _ in rows}
    bits = rows["annealed_bits_per_dim", "estimated"].value
    assert bits == pytest.approx(8 - rows["annealed", "estimated"].value / 784 / math.log(2))
    # an untrained generator makes grey images: the noise that explains images best is their mean square distance from those
    z = torch.randn((200, 4), generator=generator(0))
    grey = model.observed(0.1).images_from(z).mean(0)
    x = (images.train_images[: estimates.DEVIATION_IMAGES].flatten(1).float() + 0.5) / 256
    assert rows["observation_sd", "estimated"].value == estimates.DEVIATIONS[-1] < float((x - grey).square().mean().sqrt())


def test_a_model_without_a_decoder_is_refused(images: ImageData) -> None:
    with pytest.raises(ValueError, match=r"dgm\.models\.nice has no decoder"):
        estimates.estimate(small("nice"), images, SMALL, Generators(0))


def test_limits_cap_what_costs_time() -> None:
    capped = estimates.capped(Estimates(), Limits(steps=3, samples=16))
    assert capped.model_dump() == {
        "images": 16,
        "importance_samples": 16,
        "annealed_images": 16,
        "simulated_images": 16,
        "chains": 3,
        "temperatures": 3,
        "leapfrog_steps": 1,
    }
    assert estimates.capped(Estimates(), Limits()) == Estimates()


def run_stage(folder: Path, kind: str, settings: dict[str, Any], limits: dict[str, Any], images: ImageData) -> int:
    module = models.load(kind)
    torch.manual_seed(0)
    save_model(folder / "m.pt", kind, {}, module.Model(parse(module.Config, {}, kind)))
    arrays = {name: getattr(images, name).numpy() for name in ("train_images", "train_labels", "test_images", "test_labels")}
    save_arrays(folder / "d.npz", arrays)
    words = ["--run", "r", "--model", folder / "m.pt", "--data", folder / "d.npz", "--settings", json.dumps(settings)]
    words += ["--limits", json.dumps(limits), "--metrics", folder / "r.csv", "--estimates", folder / "r.npz"]
    return estimate.main([*map(str, words), "--record", str(folder / "r.json"), "--log", str(folder / "r.log")])


def test_the_stage_writes_rows_arrays_and_a_record_and_repeats_itself(tmp_path: Path, images: ImageData) -> None:
    texts = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        assert run_stage(folder, "vae_mlp", {"images": 10}, {"steps": 2, "samples": 16}, images) == 0
        texts.append((folder / "r.csv").read_text())
    assert texts[0] == texts[1]
    rows = list(csv.DictReader(texts[0].splitlines()))
    assert {(row["run"], row["kind"]) for row in rows} == {("r", "vae_mlp")}
    assert all(math.isfinite(float(row["value"])) for row in rows)
    keys = [(row["metric"], row["split"]) for row in rows]
    assert len(keys) == len(set(keys))
    record = json.loads((tmp_path / "a" / "r.json").read_text())
    assert (record["settings"]["temperatures"], record["settings"]["images"]) == (2, 10)
    assert {"iwae_curve", "annealed", "simulated_lower", "betas"} <= set(load_arrays(tmp_path / "a" / "r.npz"))


def test_the_stage_says_what_is_wrong(tmp_path: Path, images: ImageData, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_stage(tmp_path, "vae_mlp", {"imges": 10}, {}, images) == 1
    assert "runs.r.estimates.imges: unknown key" in capsys.readouterr().err
    assert run_stage(tmp_path, "nice", {}, {"steps": 1, "samples": 16}, images) == 1
    assert "nice has no decoder" in capsys.readouterr().err
    assert not (tmp_path / "r.csv").exists()
