"""Claims and findings about vector quantisation follow the nearest code, the images and the order of models."""

from pathlib import Path

import numpy as np
import pytest
import torch
from outcomes import false_claims, findings

from dgm import metrics_table
from dgm.layers import codebook
from dgm.maths.measured import Measured
from dgm.models import save_model, vqvae
from dgm.runtime.files import save_arrays
from dgm.runtime.streams import Generators
from dgm.training.fitted import save_history
from dgm.training.loop import Context

SETTINGS = {"codes": 8, "code_dimensions": 4, "hidden_channels": 8, "residual_channels": 4, "prior_width": 8, "prior_layers": 1}


@pytest.fixture
def results(images, tmp_path) -> Path:
    """The files that the claims read, of a model after two steps."""
    fitted = vqvae.fit(vqvae.Config(**SETTINGS), images, Context(run="vqvae", generators=Generators(0), max_steps=2))
    save_model(tmp_path / "models" / "vqvae.pt", "vqvae", SETTINGS, fitted.model)
    save_arrays(tmp_path / "data" / "images.npz", {"test_images": images.test_images.numpy()})
    with torch.no_grad():
        own = fitted.model.measure(images, Generators(0))
    per_image(tmp_path, own.arrays, gain=30.0)
    rows = [("vqvae", "vqvae", reading) for reading in own.readings]
    for run in ("vqvae", "vae_conv"):  # what the evaluate stage adds
        rows += [(run, run, (metric, "test", Measured(100.0))) for metric in ("bound", "reconstruction", "kl")]
    metrics_table.save(tmp_path / "metrics" / "all.csv", rows)
    save_history(tmp_path / "history" / "vqvae.csv", fitted.history)
    return tmp_path


def per_image(folder: Path, own: dict[str, np.ndarray], gain: float) -> None:
    """Evaluations of both models: the continuous one reconstructs worse by ``gain``, with half the divergence."""
    rng = np.random.default_rng(0)
    hard, noise = rng.normal(0, 20, 100), rng.normal(0, 3, (2, 100))
    values = {"vqvae": (-80 + hard, 140 + noise[0]), "vae_conv": (-80 - gain + hard + noise[1], 70 - noise[0])}
    for run, (reconstruction, kl) in values.items():
        arrays = {"reconstruction_test": reconstruction, "kl_test": kl, "bound_test": reconstruction - kl}
        save_arrays(folder / "evaluations" / f"{run}.npz", arrays | (own if run == "vqvae" else {}))


def farthest(z, vectors):
    return torch.cdist(z, vectors).argmax(1)


def test_a_model_that_does_not_take_the_nearest_code_is_found(results, monkeypatch):
    monkeypatch.setattr(codebook.Codebook, "forward", lambda self, z: farthest(z, self.vectors))
    assert "trained-positions-not-nearest" in false_claims("dgm-4-2", results)


def test_models_are_compared_image_by_image(results):
    """The spread of the images, common to both models, cancels."""
    found = findings("dgm-4-2", results)
    closer = found["better-reconstruction"].estimate
    assert closer.value == pytest.approx(30, abs=1)
    assert closer.stderr == pytest.approx(0.3, abs=0.05)
    assert all(found[name].passed for name in ("better-reconstruction", "longer-code", "lower-bound"))


def test_the_order_of_two_models_turns_the_findings_round(results):
    from dgm.runtime.files import load_arrays

    one, other = (load_arrays(results / "evaluations" / f"{run}.npz") for run in ("vqvae", "vae_conv"))
    rest = {name: array for name, array in one.items() if name not in other}
    save_arrays(results / "evaluations" / "vqvae.npz", other | rest)
    save_arrays(results / "evaluations" / "vae_conv.npz", {name: one[name] for name in other})
    found = findings("dgm-4-2", results)
    assert not any(found[name].passed for name in ("better-reconstruction", "longer-code", "lower-bound"))


def test_patches_without_ink_are_counted(results):
    images = np.zeros((30, 28, 28), dtype=np.uint8)
    images[:, 4:24, 12:16] = 255  # five patches of every image
    save_arrays(results / "data" / "images.npz", {"test_images": images})
    found = findings("dgm-4-2", results)
    share = found["mostly-background"].estimate
    assert (share.value, share.stderr) == (pytest.approx(44 / 49), pytest.approx(0, abs=1e-12))
    assert found["background-codes"].estimate.value >= 1
    assert 0 <= found["most-frequent-is-background"].estimate.value <= 1
