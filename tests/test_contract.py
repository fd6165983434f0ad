"""Every run of config.yaml keeps the contract: it trains, repeats, survives saving, and offers what its protocols promise."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from stops import in_pieces
from tiny_results import affordable

from dgm import models
from dgm.data.tensors import ImageData, treat
from dgm.models import load_model, save_model
from dgm.protocols import (
    Classifies,
    Describes,
    HasBound,
    HasClusters,
    HasDensity,
    HasImportanceWeightedBound,
    HasLogProb,
    Measures,
    Sampler,
)
from dgm.runtime.streams import Generators
from dgm.settings import parse
from dgm.training.loop import Checkpoint, Context

ROOT = Path(__file__).parent.parent
RUNS = yaml.safe_load((ROOT / "config.yaml").read_text())["runs"]
STEPS = 2


SMALLER = {
    "nice": {"hidden_units": 40},
    "gan": {"batch_size": 50, "grid_images": 4},
    "vqvae": {"hidden_channels": 8, "residual_channels": 4, "prior_width": 8, "prior_layers": 1},
}
"""Settings that make a kind quick enough to be trained three times: the same layers, narrower."""

QUICK = {"kde", "resample"}
"""Kinds without a loop: a stop costs all of it."""


@pytest.fixture
def data(run, images, points):
    """What the run is fitted to."""
    return points if "data" in RUNS[run] else images


def settings_of(run):
    """The run's own settings, with no more images than the made-up data set has."""
    return affordable(RUNS[run].get("settings", {})) | SMALLER.get(RUNS[run]["kind"], {})


def distinct():
    """The first run of each kind with its settings: the others differ by their seed or ring, which these tests choose."""
    blocks = {run: json.dumps([block["kind"], settings_of(run), "data" in block]) for run, block in RUNS.items()}
    return list({block: run for run, block in reversed(blocks.items())}.values())[::-1]


every_run = pytest.mark.parametrize("run", distinct())


def fit(run, data, seed=0, steps=STEPS, checkpoint=None):
    module = models.load(RUNS[run]["kind"])
    config = parse(module.Config, settings_of(run), f"runs.{run}.settings")
    return module.fit(config, data, Context(run=run, generators=Generators(seed), max_steps=steps, checkpoint=checkpoint))


def outputs(model, data):
    """One array for each ability of a model."""
    if isinstance(data, ImageData):
        x = treat(data.test_images[:10], getattr(model, "treatment", "thresholded"), torch.Generator().manual_seed(0))
    else:
        x = data.test[:10]
    generator = torch.Generator().manual_seed(1)
    found = {}
    with torch.no_grad():
        if isinstance(model, Sampler):
            found |= {f"sample/{name}": value for name, value in model.sample(5, generator).items()}
        if isinstance(model, Describes):
            found |= {f"describe/{name}": value for name, value in model.describe().items()}
        if isinstance(model, HasLogProb):
            found["log_prob"] = model.log_prob(x)
        if isinstance(model, HasDensity):
            found["log_density"] = model.log_density(x)
        if isinstance(model, Measures):
            own = model.measure(data, Generators(1))
            found |= {f"measure/{name}": torch.from_numpy(np.asarray(value)) for name, value in own.arrays.items()}
            found |= {f"measure/{metric}/{split}": torch.tensor(number.value) for metric, split, number in own.readings}
        if isinstance(model, HasBound):
            found |= model.bound(x, generator)
        if isinstance(model, HasImportanceWeightedBound):
            found["importance_weighted"] = model.importance_weighted_bound(x, 3, generator)
        if isinstance(model, HasClusters):
            found["responsibilities"] = model.responsibilities(x)
        if isinstance(model, Classifies):
            found["log_probabilities"] = model.log_probabilities(x)
    return {name: value.numpy() for name, value in found.items()}


@pytest.mark.parametrize("run", [run for run in distinct() if "data" not in RUNS[run]])
def test_a_model_takes_the_size_of_its_images_from_the_data(run, images, tmp_path):
    """So does the one that is read from its file."""
    small = ImageData(images.train_images[:, :16, :20], images.train_labels, images.test_images[:, :16, :20], images.test_labels)
    fitted = fit(run, small)
    path = tmp_path / "m.pt"
    save_model(path, RUNS[run]["kind"], settings_of(run), fitted.model)
    found, again = (outputs(model.eval(), small) for model in (fitted.model, load_model(path)))
    assert found.keys() == again.keys()
    for name, value in found.items():
        np.testing.assert_array_equal(again[name], value, err_msg=name)
    if "sample/samples" in found:
        assert found["sample/samples"].shape == (5, 16, 20)


def test_every_kind_has_a_run_and_every_run_a_kind():
    assert {run["kind"] for run in RUNS.values()} == set(models.kinds())


@every_run
def test_a_run_keeps_the_contract(run, data, images, tmp_path):
    first = fit(run, data)
    found = outputs(first.model.eval(), data)
    assert found, "a model that offers no protocol cannot be measured"
    for name, value in found.items():
        assert np.isfinite(value).all(), name
    if "sample/samples" in found:
        assert found["sample/samples"].shape == ((5, 28, 28) if data is images else (5, 2))
    if "responsibilities" in found:
        np.testing.assert_allclose(found["responsibilities"].sum(1), 1, atol=1e-9)

    again = outputs(fit(run, data).model.eval(), data)
    assert all(np.array_equal(value, again[name]) for name, value in found.items()), "one seed, one result"
    other = outputs(fit(run, data, seed=1).model.eval(), data)
    changed = any(not np.array_equal(value, other[name]) for name, value in found.items())
    # a kernel estimate and a mixture of one component have nothing random in their training
    seeded = RUNS[run]["kind"] != "kde" and RUNS[run].get("settings", {}).get("components") != 1
    assert changed == seeded, "the seed reaches the training"

    save_model(tmp_path / "model.pt", RUNS[run]["kind"], settings_of(run), first.model)
    loaded = outputs(load_model(tmp_path / "model.pt"), data)
    assert all(np.array_equal(value, loaded[name]) for name, value in found.items()), "saving and loading changes nothing"


@every_run
def test_a_training_that_is_stopped_again_and_again_ends_with_the_same_bytes(run, data, tmp_path):
    fit(run, data, steps=1)  # once, because what is imported and cached then is not counted
    checkpoint = Checkpoint(tmp_path / "c.pt", "id")
    whole, pieced, stops = in_pieces(
        lambda: fit(run, data, steps=5), lambda: fit(run, data, steps=5, checkpoint=checkpoint), pieces=6
    )
    assert stops >= 3 or RUNS[run]["kind"] in QUICK
    assert pieced.history == whole.history
    again = pieced.model.state_dict()
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, again[name]), name


@every_run
def test_history_and_facts_are_what_the_next_stages_read(run, data):
    fitted = fit(run, data)
    assert all(len(row) == 5 and row[2] in {"train", "validation", "test"} and np.isfinite(row[4]) for row in fitted.history)
    json.dumps(fitted.facts)
    assert {"seconds_in_steps", "epochs", "images_per_second"} <= set(fitted.facts)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "no such file"), (b"", "not a readable file of tensors"), (b"PK\x03\x04 foreign", "not a readable file of tensors")],
)
def test_an_unreadable_model_file_is_named(tmp_path, content, message):
    path = tmp_path / "x.pt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"x\.pt: {message}"):
        load_model(path)


def test_a_model_file_cannot_execute_code(tmp_path):
    class Harm:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "executed",))

    torch.save({"kind": "bmm", "settings": {}, "state": Harm()}, tmp_path / "x.pt")
    with pytest.raises(ValueError, match="not a readable file of tensors"):
        load_model(tmp_path / "x.pt")
    assert not (tmp_path / "executed").exists()


def test_an_unknown_kind_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"unknown kind 'nicer'; known: \['bmm', .*'nice', .*'vae_conv'.*\]"):
        models.load("nicer")
