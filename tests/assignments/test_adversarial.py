"""Claims about the GAN's networks, losses, training step and samples fail when a formula, a layer or a result is wrong.

Findings about its training turn with the numbers that they rest on.
"""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from outcomes import CHECKS, false_claims, findings, verdict
from torch import nn

from assignments.vaegan.claims import adversarial
from dgm.claims.evidence import Evidence
from dgm.metrics_table import COLUMNS
from dgm.models import gan, save_model
from dgm.runtime.files import load_arrays, save_arrays
from dgm.settings import parse
from dgm.training.fitted import save_history


def test_a_discriminator_that_tells_images_apart_gives_slopes(monkeypatch, tmp_path):
    monkeypatch.setattr(nn.init, "zeros_", lambda tensor: tensor)
    assert false_claims("vaegan-4e", tmp_path) == {"slope-in-generator-ours", "slope-in-generator-saturating"}


class Padded(gan.DNet):
    """The last convolution keeps the side of its maps."""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self[6], self[9] = nn.Conv2d(4, 8, 3, padding=1), nn.Linear(392, 1)


class Averaging(gan.DNet):
    """Mean pooling in the place of maximum pooling: the shapes are the same."""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self[2] = nn.AvgPool2d(2, stride=2)


class Squashed(gan.DNet):
    """Returns probabilities, not logits."""

    def forward(self, x):
        return torch.sigmoid(super().forward(x))


class Smooth(gan.GNet):
    """Bilinear upsampling: the same shapes and sizes, other pixels."""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self[3] = nn.Upsample(scale_factor=2, mode="bilinear")


class Steep(gan.GNet):
    """PyTorch's default slope of LeakyReLU."""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self[1] = nn.LeakyReLU(0.01)


class Signed(gan.GNet):
    """Pixels between -1 and 1."""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self[10] = nn.Tanh()


class Unbiased(gan.GNet):
    """A convolution without the bias that it could have."""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self[4] = nn.Conv2d(32, 16, 3, padding=1, bias=False)


SETTINGS = {"epochs": 4, "batch_size": 8, "grid_epochs": [1, 2, 4]}
METRICS = {
    ("gan", "recognised", "grid_1"): (0.2, 0.01),
    ("gan", "recognised", "grid_2"): (0.6, 0.01),
    ("gan", "recognised", "grid_3"): (0.5, 0.01),
    ("gan", "recognised", "samples"): (0.5, 0.01),
    ("real_test", "recognised", "test"): (0.95, 0.01),
    ("gan", "frechet_distance", "grid_1"): (300.0, 5.0),
    ("gan", "frechet_distance", "grid_2"): (200.0, 5.0),
    ("gan", "frechet_distance", "grid_3"): (100.0, 5.0),
    ("gan", "neighbour_distance", "grid_1"): (8.0, 0.1),
    ("gan", "confidence", "grid_1"): (0.6, 0.01),
    ("gan", "confidence", "samples"): (0.8, 0.01),
    ("gan", "jsd_bound", "test"): (0.1, 0.01),
}
"""Values and standard errors with which all findings are shown."""


@pytest.fixture(autouse=True)
def classifier(monkeypatch):
    """In the place of the digit classifier: two grids asked for in turn have different digits."""
    turns = itertools.count()
    monkeypatch.setattr(adversarial, "seen_as", lambda evidence, images: np.full(len(images), next(turns) % 2))


def judged(n: int = 3000) -> np.ndarray:
    """Log-probabilities of samples that the classifier recognises: digit 9 one in forty, the others alike."""
    classes = np.where(np.arange(n) % 40 == 0, 9, np.arange(n) % 9)
    return np.log(np.where(np.eye(10)[classes] > 0, 0.955, 0.005)).astype(np.float32)


def write(results: Path) -> None:
    """A run of the GAN in which every claim holds: random weights, made-up curves and metrics."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = gan.Model(parse(gan.Config, SETTINGS, "gan"))
    generator = torch.Generator().manual_seed(0)
    model.grid_noise.copy_(gan.uniform_noise(64, 64, generator))
    for place, epoch in enumerate(SETTINGS["grid_epochs"]):
        model.keep_grid(place, epoch)
    save_model(results / "models" / "gan.pt", "gan", SETTINGS, model)
    with torch.no_grad():
        arrays = {name: array.numpy() for name, array in (model.sample(8, generator) | model.describe()).items()}
    save_arrays(results / "samples" / "gan.npz", arrays)
    terms = (("discriminator_loss", 0.65), ("generator_loss", 0.75))
    save_history(results / "history" / "gan.csv", [(e, 2 * e, "train", term, value) for e in range(1, 5) for term, value in terms])
    pictures = np.random.default_rng(0).integers(100, 256, (20, 28, 28), dtype=np.uint8)
    pictures[0] = 0
    save_arrays(results / "data" / "images.npz", {"train_images": pictures, "test_images": pictures})
    evaluated = {"neighbour_distance_test": np.linspace(11, 13, 20), "class_log_probabilities": judged()}
    save_arrays(results / "evaluations" / "gan.npz", evaluated)
    rows = [(run, "kind", metric, *number, 2000, split, "unit") for (run, metric, split), number in METRICS.items()]
    table = pd.DataFrame(rows, columns=COLUMNS)
    (results / "metrics").mkdir()
    table.to_csv(results / "metrics" / "all.csv", index=False, na_rep="nan")


def verdicts(results: Path) -> dict[str, str]:
    """What the findings of vaegan-4f say."""
    return {name: verdict(finding) for name, finding in findings("vaegan-4f", results).items()}


@pytest.mark.parametrize("question", ["vaegan-4a", "vaegan-4b", "vaegan-4f"])
def test_claims_about_a_run_hold(question, tmp_path):
    write(tmp_path)
    assert false_claims(question, tmp_path) == set()


def test_findings_about_a_run_are_shown(tmp_path):
    write(tmp_path)
    assert set(verdicts(tmp_path).values()) == {"shown"}


@pytest.mark.parametrize(
    ("question", "name", "wrong"),
    [("vaegan-4a", "DNet", net) for net in (Padded, Averaging, Squashed)]
    + [("vaegan-4b", "GNet", net) for net in (Smooth, Steep, Signed, Unbiased)],
)
@pytest.mark.filterwarnings("ignore:.*align_corners")
def test_another_network_is_rejected(question, name, wrong, monkeypatch, tmp_path):
    monkeypatch.setattr(gan, name, wrong)
    write(tmp_path)
    assert any(not claim.passed for claim in CHECKS[question](Evidence(tmp_path)))


def other_noise(arrays):
    return arrays | {"grid_noise": 2 * arrays["grid_noise"]}


def brighter(arrays):
    return arrays | {"grids": arrays["grids"] + 1}


def two_grids(arrays):
    return arrays | {"grids": arrays["grids"][[0, 2, 2]][:2]}


def same_epoch(arrays):
    return arrays | {"grid_epochs": np.array([1, 1, 4])}


@pytest.mark.parametrize("wrong", [other_noise, brighter, two_grids, same_epoch])
def test_other_grids_are_rejected(wrong, tmp_path):
    write(tmp_path)
    path = tmp_path / "samples" / "gan.npz"
    save_arrays(path, wrong(load_arrays(path)))
    assert any(not claim.passed for claim in CHECKS["vaegan-4f"](Evidence(tmp_path)))


def test_grids_of_different_noise_are_rejected(tmp_path):
    write(tmp_path)
    saved = torch.load(tmp_path / "models" / "gan.pt", weights_only=True)
    saved["state"]["grid_noise"] = saved["state"]["grid_noise"].flip(0)
    torch.save(saved, tmp_path / "models" / "gan.pt")
    assert "grids-distance-from-weights" in false_claims("vaegan-4f", tmp_path)


@pytest.mark.parametrize(
    ("run", "metric", "split", "value", "contradicted"),
    [
        ("gan", "recognised", "grid_3", 0.1, "more-recognised"),
        ("gan", "recognised", "grid_2", 0.4, "fewer-at-the-end"),
        ("gan", "frechet_distance", "grid_1", 150.0, "nearer-at-first"),
        ("gan", "frechet_distance", "grid_3", 250.0, "nearer-at-the-end"),
        ("gan", "confidence", "grid_1", 0.3, "early-images-confident"),
        ("gan", "confidence", "samples", 0.5, "confident"),
        ("real_test", "recognised", "test", 0.3, "fewer-recognised"),
        ("gan", "jsd_bound", "test", 0.5, "little-certified"),
    ],
)
def test_a_contradicting_metric_turns_its_finding(run, metric, split, value, contradicted, tmp_path):
    write(tmp_path)
    path = tmp_path / "metrics" / "all.csv"
    table = pd.read_csv(path)
    table.loc[(table["run"] == run) & (table["metric"] == metric) & (table["split"] == split), "value"] = value
    table.to_csv(path, index=False, na_rep="nan")
    assert {name: said for name, said in verdicts(tmp_path).items() if said != "shown"} == {contradicted: "contradicted"}


def test_a_difference_within_its_error_decides_nothing(tmp_path):
    write(tmp_path)
    path = tmp_path / "metrics" / "all.csv"
    table = pd.read_csv(path)
    table.loc[(table["metric"] == "recognised") & (table["split"] == "grid_1"), "value"] = 0.49
    table.to_csv(path, index=False, na_rep="nan")
    assert verdicts(tmp_path)["more-recognised"] == "not decided"


def few_digits(arrays):
    """Samples of five digits only."""
    return arrays | {"class_log_probabilities": np.roll(judged(), 1, axis=1)[np.arange(3000) % 9 < 5]}


def near_black(arrays):
    return arrays | {"neighbour_distance_test": arrays["neighbour_distance_test"] - 12.1}


def equal_digits(arrays):
    log_p = judged()
    return arrays | {"class_log_probabilities": np.concatenate([np.roll(log_p, shift, axis=1) for shift in range(10)])}


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        (few_digits, {"eight-digits", "all-digits"}),
        (near_black, {"digits-beyond-black"}),
        (equal_digits, {"digits-unequal"}),
    ],
)
def test_other_images_turn_their_findings(change, lost, tmp_path):
    write(tmp_path)
    path = tmp_path / "evaluations" / "gan.npz"
    save_arrays(path, change(load_arrays(path)))
    assert {name for name, said in verdicts(tmp_path).items() if said != "shown"} == lost


def test_grids_that_keep_their_digits_are_seen(monkeypatch, tmp_path):
    write(tmp_path)
    monkeypatch.setattr(adversarial, "seen_as", lambda evidence, images: np.zeros(len(images)))
    assert verdicts(tmp_path)["places-change-class"] == "contradicted"


@pytest.mark.parametrize(("column", "change"), [("value", float("nan")), ("step", 1)])
def test_another_history_is_rejected(column, change, tmp_path):
    write(tmp_path)
    path = tmp_path / "history" / "gan.csv"
    history = pd.read_csv(path)
    history.loc[history["epoch"] == 4, column] += change
    history.to_csv(path, index=False, na_rep="nan")
    assert false_claims("vaegan-4f", tmp_path)


def test_losses_far_from_log_2_are_seen(tmp_path):
    write(tmp_path)
    path = tmp_path / "history" / "gan.csv"
    history = pd.read_csv(path)
    history.loc[history["epoch"] == 4, "value"] += 1
    history.to_csv(path, index=False, na_rep="nan")
    assert verdicts(tmp_path)["losses-near-log-2"] == "contradicted"


def test_a_history_with_a_gap_is_rejected(tmp_path):
    write(tmp_path)
    path = tmp_path / "history" / "gan.csv"
    history = pd.read_csv(path)
    history.drop(index=2).to_csv(path, index=False, na_rep="nan")
    assert false_claims("vaegan-4f", tmp_path) == {"number-of-recorded-losses"}
