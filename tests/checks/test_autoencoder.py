"""The claims on the autoencoder fail when a formula, a drawn array or a metric is wrong."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from dgm import distributions, variational_bounds
from dgm.checks import Evidence, claims
from dgm.files import load_arrays, save_arrays
from dgm.models import vae_mlp

CHECKS = claims("vaegan")


def false_claims(question: str, results: Path) -> set[str]:
    return {claim.statement for claim in CHECKS[question](Evidence(results)) if not claim.passed}


def as_standard_deviation(z, mean, variance):
    return torch.distributions.Normal(mean, variance).log_prob(z).sum(-1)


def averaged(z, mean, variance):
    return torch.distributions.Normal(mean, variance.sqrt()).log_prob(z).mean(-1)


def with_one_variance(z, mean, variance):
    return torch.distributions.Normal(mean, variance.mean(-1, keepdim=True).sqrt()).log_prob(z).sum(-1)


def unclamped(x, p):
    return (x * torch.log(p) + (1 - x) * torch.log(1 - p)).sum(-1)


def swapped(x, p):
    return unclamped(1 - x, p.clamp(1e-6, 1 - 1e-6))


def scaled_by_the_variance(mean, variance, generator):
    return mean + variance * torch.randn(mean.shape, generator=generator, dtype=mean.dtype)


def without_gradient(mean, variance, generator):
    return (mean + variance.sqrt() * torch.randn(mean.shape, generator=generator, dtype=mean.dtype)).detach()


def unseeded(mean, variance, generator):
    return mean + variance.sqrt() * torch.randn(mean.shape, dtype=mean.dtype)


def flipped(p, generator):
    return (torch.rand(p.shape, generator=generator, dtype=p.dtype) >= p).to(p.dtype)


def one_draw_for_all_pixels(p, generator):
    return (torch.rand((len(p), 1), generator=generator, dtype=p.dtype) < p).to(p.dtype)


def closed_edge(p, generator):
    return (torch.round(100 * torch.rand(p.shape, generator=generator, dtype=p.dtype)) <= 100 * p).to(p.dtype)


REAL_DRAW = vae_mlp.Posterior.draw
REAL_BOUND = vae_mlp.Model.bound


def prior_forgotten(self, x, generator):
    terms = REAL_BOUND(self, x, generator)
    return terms | {"bound": terms["reconstruction"]}


def entropy_with_the_wrong_sign(self, x, generator):
    terms = REAL_BOUND(self, x, generator)
    return terms | {"bound": terms["reconstruction"] + terms["kl"]}


def one_parameter_for_all_pixels(self, z):
    return torch.sigmoid(self.logits(z)).mean(-1, keepdim=True).expand(*z.shape[:-1], vae_mlp.PIXELS)


MUTATIONS = [
    ("vaegan-2a", vae_mlp.Decoder, "forward", lambda self, z: torch.sigmoid(self.second(torch.relu(self.first(z))))),
    ("vaegan-2a", vae_mlp.Decoder, "forward", lambda self, z: self.logits(z)),
    ("vaegan-2a", vae_mlp.Decoder, "forward", lambda self, z: torch.sigmoid(self.logits(z.detach())) + 0 * z.sum()),
    ("vaegan-2a", vae_mlp.Decoder, "forward", one_parameter_for_all_pixels),
    ("vaegan-2b-i", distributions, "gaussian_log_prob", as_standard_deviation),
    ("vaegan-2b-i", distributions, "gaussian_log_prob", with_one_variance),
    ("vaegan-2b-i", distributions, "gaussian_log_prob", averaged),
    ("vaegan-2b-ii", distributions, "bernoulli_log_prob_of_probabilities", unclamped),
    ("vaegan-2b-ii", distributions, "bernoulli_log_prob_of_probabilities", swapped),
    ("vaegan-2b-iii", distributions, "sample_gaussian", scaled_by_the_variance),
    ("vaegan-2b-iii", distributions, "sample_gaussian", unseeded),
    ("vaegan-2b-iv", distributions, "sample_bernoulli", flipped),
    ("vaegan-2b-iv", distributions, "sample_bernoulli", one_draw_for_all_pixels),
    ("vaegan-2b-iv", distributions, "sample_bernoulli", closed_edge),
    ("vaegan-2c", distributions, "gaussian_log_prob", as_standard_deviation),
    ("vaegan-2c", vae_mlp.Posterior, "draw", lambda self, noise: REAL_DRAW(self, noise).detach()),
    ("vaegan-2c", vae_mlp.Model, "bound", prior_forgotten),
    ("vaegan-2c", vae_mlp.Model, "bound", entropy_with_the_wrong_sign),
    ("vaegan-2d", variational_bounds, "constant_code_bound", lambda images: -784 * np.log(2)),
]


@pytest.mark.parametrize(("question", "owner", "name", "wrong"), MUTATIONS, ids=[f"{q}-{i}" for i, (q, *_) in enumerate(MUTATIONS)])
def test_a_wrong_formula_is_rejected(question, owner, name, wrong, tiny_results, monkeypatch):
    before = false_claims(question, tiny_results)
    monkeypatch.setattr(owner, name, wrong)
    assert false_claims(question, tiny_results) - before


def test_draws_without_gradient_cannot_pass(tiny_results, monkeypatch):
    monkeypatch.setattr(distributions, "sample_gaussian", without_gradient)
    with pytest.raises(RuntimeError, match="does not require grad"):
        false_claims("vaegan-2b-iii", tiny_results)


@pytest.fixture
def copied(tiny_results: Path, tmp_path: Path) -> Path:
    """The tiny results, with files of the run that a test may change."""
    for name in ("data", "models"):
        (tmp_path / name).symlink_to(tiny_results / name)
    for name in ("samples/vae_mlp.npz", "evaluations/vae_mlp.npz", "history/vae_mlp.csv", "tables/metrics.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(tiny_results / name, tmp_path / name)
    return tmp_path


ARRAYS = [
    ("vaegan-2d", "evaluations", "exact_log_likelihood", lambda a: a + 1.0),
    ("vaegan-2d", "evaluations", "posterior_divergence", lambda a: 1.5 * a),
    ("vaegan-2e-i", "samples", "samples", lambda a: 1 - a),
    ("vaegan-2e-i", "samples", "means", lambda a: a[::-1]),
    ("vaegan-2e-i", "samples", "codes", lambda a: 2 * a),
    ("vaegan-2e-ii", "evaluations", "train_means", lambda a: a[1:]),
    ("vaegan-2e-ii", "evaluations", "train_labels", lambda a: np.roll(a, 1)),
    ("vaegan-2e-ii", "evaluations", "train_means", lambda a: 40 * a),
    ("vaegan-2e-iii", "evaluations", "interpolation", lambda a: a[:, ::-1]),
    ("vaegan-2e-iii", "evaluations", "interpolation", lambda a: a[:, :10]),
    ("vaegan-2e-iii", "evaluations", "interpolation_labels", lambda a: a[:, [0, 0]]),
    ("vaegan-2e-iii", "evaluations", "interpolation_codes", lambda a: a**3),
    ("vaegan-2e-iii", "evaluations", "interpolation_alpha", lambda a: a**2),
]


@pytest.mark.parametrize(("question", "folder", "name", "change"), ARRAYS, ids=[f"{a[0]}-{a[2]}-{i}" for i, a in enumerate(ARRAYS)])
def test_a_wrong_array_is_rejected(question, folder, name, change, copied):
    before = false_claims(question, copied)
    path = copied / folder / "vae_mlp.npz"
    arrays = load_arrays(path)
    path.unlink()
    save_arrays(path, arrays | {name: np.ascontiguousarray(change(arrays[name]))})
    try:
        assert false_claims(question, copied) - before
    except (ValueError, IndexError):  # an array of another length does not even fit
        assert len(change(arrays[name])) != len(arrays[name]) or change(arrays[name]).shape != arrays[name].shape


@pytest.mark.parametrize(
    ("metric", "split", "value"),
    [("exact_iwae_100", "test", -1e4), ("exact_iwae_100", "test", 0.0), ("kl_sampled_minus_closed", "test", 9.0)],
)
def test_a_wrong_order_of_bounds_is_rejected(metric, split, value, copied):
    table = pd.read_csv(copied / "tables" / "metrics.csv")
    at = (table["run"] == "vae_mlp") & (table["split"] == split)
    # three numbers in the right order first, as two steps of training need not give it
    for name, right in (("exact_bound", -160.0), ("exact_iwae_100", -155.0), ("exact_log_likelihood", -150.0)):
        table.loc[at & (table["metric"] == name), "value"] = right
    table.to_csv(copied / "tables" / "metrics.csv", index=False)
    before = false_claims("vaegan-2d", copied)
    table.loc[at & (table["metric"] == metric), "value"] = value
    table.to_csv(copied / "tables" / "metrics.csv", index=False)
    assert false_claims("vaegan-2d", copied) - before


def test_a_history_whose_parts_do_not_add_up_is_rejected(copied):
    path = copied / "history" / "vae_mlp.csv"
    history = pd.read_csv(path)
    before = false_claims("vaegan-2d", copied)
    history.loc[history["term"] == "kl", "value"] *= -1
    history.to_csv(path, index=False)
    assert false_claims("vaegan-2d", copied) - before
