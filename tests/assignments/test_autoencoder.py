"""The claims on the autoencoder fail when its history or its draws are wrong; findings turn with their arrays."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from outcomes import false_anyway, false_claims, findings, verdict

from assignments.vaegan.claims import autoencoder
from dgm.claims.evidence import Evidence
from dgm.maths import distributions
from dgm.runtime.files import load_arrays, save_arrays


def without_gradient(mean, variance, generator):
    return (mean + variance.sqrt() * torch.randn(mean.shape, generator=generator, dtype=mean.dtype)).detach()


def test_draws_without_gradient_cannot_pass(tiny_results, monkeypatch):
    monkeypatch.setattr(distributions, "sample_gaussian", without_gradient)
    with pytest.raises(RuntimeError, match="does not require grad"):
        false_claims("vaegan-2b-iii", tiny_results)


@pytest.fixture
def copied(tiny_results: Path, tmp_path: Path) -> Path:
    """The tiny results, with files of the run that a test may change."""
    for name in ("data", "models", "estimates"):
        (tmp_path / name).symlink_to(tiny_results / name)
    for name in ("samples/vae_mlp.npz", "evaluations/vae_mlp.npz", "history/vae_mlp.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(tiny_results / name, tmp_path / name)
    (tmp_path / "metrics").mkdir()
    shutil.copy(tiny_results / "tables" / "metrics.csv", tmp_path / "metrics" / "vae_mlp.csv")
    return tmp_path


@pytest.mark.parametrize(
    ("change", "contradicted"),
    [
        (lambda bound, exact: bound - 5, "weighting-gains"),
        (lambda bound, exact: exact + 5, "weighting-falls-short"),
    ],
)
def test_a_wrong_order_of_bounds_contradicts_its_finding(change, contradicted, copied):
    path = copied / "evaluations" / "vae_mlp.npz"
    arrays = load_arrays(path)
    path.unlink()
    save_arrays(path, arrays | {"exact_iwae_100": change(arrays["exact_bound"], arrays["exact_log_likelihood"])})
    assert verdict(findings("vaegan-2d", copied)[contradicted]) == "contradicted"


def test_a_sampled_divergence_off_its_closed_form_is_rejected(copied):
    table = pd.read_csv(copied / "metrics" / "vae_mlp.csv")
    table.loc[(table["run"] == "vae_mlp") & (table["metric"] == "kl_sampled_minus_closed"), "value"] = 9.0
    table.to_csv(copied / "metrics" / "vae_mlp.csv", index=False, na_rep="nan")
    assert "sampled-minus-closed-divergence" in false_claims("vaegan-2d", copied)


def test_a_few_far_images_make_the_gap() -> None:
    far = np.where(np.arange(1000) % 10 == 0, 50.0, 1.0)
    arrays = {"exact_log_likelihood": far, "exact_bound": np.zeros(1000), "posterior_divergence": far}
    found = {finding.id: verdict(finding) for finding in autoencoder._encoder(arrays)}
    assert found == {"most-nearly-right": "shown", "few-make-the-gap": "shown"}
    near = {name: np.minimum(values, 4.0) for name, values in arrays.items()} | {
        "exact_log_likelihood": np.r_[21.0, far[1:] * 0 + 4]
    }
    near["posterior_divergence"] = near["exact_log_likelihood"]
    found = {finding.id: verdict(finding) for finding in autoencoder._encoder(near)}
    assert found == {"most-nearly-right": "contradicted", "few-make-the-gap": "contradicted"}


@pytest.mark.parametrize(("holes", "shown"), [(3, "shown"), (0, "contradicted")])
def test_holes_in_strokes_are_counted(holes: int, shown: str) -> None:
    p = np.zeros((20, 28, 28))
    p[:, 4:12, 4:12] = 0.8  # a stroke of 64 pixels, 36 of them inside
    x = (p > 0.5).astype(float)
    x[:, 4, 4:12] = 0
    inside, border = x[:, 5:11, 5:11], 8 / 28
    inside[:, 2, :holes] = 0
    inside[::2, 3, : bool(holes)] = 0  # else no image differs from another, and the error is zero
    found = {finding.id: finding for finding in autoencoder._strokes(p, x)}
    share = (holes + bool(holes) / 2) / 36
    assert found["strokes-have-holes"].estimate.value == pytest.approx(share)
    assert verdict(found["strokes-have-holes"]) == shown
    assert found["borders-noisier"].estimate.value == pytest.approx(border - share)


def test_importance_sampling_over_the_plane_needs_no_encoder(tiny_results) -> None:
    model = autoencoder._model(Evidence(tiny_results)).double()
    x = autoencoder._some_images(Evidence(tiny_results), 4)
    first, errors = autoencoder._importance_sampled(model, x, 2000, 0)
    with torch.no_grad():
        model.encoder.mean.bias += 7.0
    second, _ = autoencoder._importance_sampled(model, x, 2000, 0)
    assert (first == second).all()
    assert (errors < 0.1).all()


def test_a_history_whose_parts_do_not_add_up_is_rejected(tiny_results, copied):
    path = copied / "history" / "vae_mlp.csv"
    history = pd.read_csv(path)
    before = false_anyway("vaegan-2d", tiny_results)
    history.loc[history["term"] == "kl", "value"] *= -1
    history.to_csv(path, index=False, na_rep="nan")
    assert false_claims("vaegan-2d", copied) - before
