"""What the claims of the elbo answers reject: published values, another encoder, draws with a gradient, a collapsed encoder."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
import torch
from outcomes import CHECKS, false_anyway, false_claims, findings
from shipped import FOLDERS, claims

from dgm.claims.evidence import Evidence
from dgm.maths import divergences
from dgm.models import vae_mlp
from dgm.models.vae_mlp import Posterior
from dgm.report.catalogue import read_answer

ANSWERS = FOLDERS["elbo"] / "answers"
EVERY = ["elbo-1a", "elbo-1b", "elbo-2a", "elbo-2b", "elbo-2c", "elbo-3", "elbo-4", "elbo-5"]


def test_every_question_is_checked_and_answered() -> None:
    assert sorted(claims("elbo")) == EVERY
    assert sorted(path.stem for path in ANSWERS.glob("*.md")) == EVERY


@pytest.mark.parametrize("question", EVERY)
def test_a_wrong_published_value_is_one_a_claim_rejects(question: str, tiny_results: Path) -> None:
    tested = list(CHECKS[question](Evidence(tiny_results)))
    correction = read_answer(ANSWERS / f"{question}.md").correction
    if correction is not None and correction.fault == "wrong":
        rejected = [claim for claim in tested if claim.published is not None]
        assert rejected
        assert all(float(claim.published) != float(claim.stated) for claim in rejected)


def test_the_bound_is_called_by_its_name() -> None:
    result = read_answer(ANSWERS / "elbo-2b.md").text.split("\n\n")[0]
    assert "evidence lower bound" in result
    assert "empirical" not in result.lower()


REAL_KL, REAL_DISCRETE = divergences.kl_gaussian, divergences.kl_discrete
REAL_SCALED, REAL_LINEAR = divergences.elbo_scaled_gaussian, divergences.elbo_linear_gaussian


REAL_DRAW = Posterior.draw
MODEL_MUTATIONS = [
    ("elbo-4", Posterior, "draw", lambda self, noise: REAL_DRAW(self, 2 * noise)),
    ("elbo-4", vae_mlp.nn.init, "zeros_", lambda tensor: tensor),
]


@pytest.mark.parametrize(("question", "owner", "name", "wrong"), MODEL_MUTATIONS, ids=["draw", "start"])
def test_a_wrong_encoder_is_rejected(question, owner, name, wrong, tiny_results, monkeypatch) -> None:
    before = false_anyway(question, tiny_results)
    monkeypatch.setattr(owner, name, wrong)
    assert false_claims(question, tiny_results) - before


@pytest.fixture
def copied(tiny_results: Path, tmp_path: Path) -> Path:
    """The tiny results, with files that a test may change."""
    for name in ("data", "models"):
        (tmp_path / name).symlink_to(tiny_results / name)
    for name in ("arrays", "metrics", "evaluations"):
        (tmp_path / name).mkdir()
    for name in ("gradient_estimators", "tight_bound", "prior_divergence"):
        shutil.copy(tiny_results / "arrays" / f"{name}.npz", tmp_path / "arrays")
    shutil.copy(tiny_results / "evaluations" / "vae_mlp.npz", tmp_path / "evaluations")
    shutil.copy(tiny_results / "tables" / "metrics.csv", tmp_path / "metrics" / "all.csv")
    return tmp_path


def test_plain_draws_with_a_gradient_are_rejected(tiny_results, monkeypatch) -> None:
    monkeypatch.setattr(torch.distributions.Normal, "sample", torch.distributions.Normal.rsample)
    assert "gradient-through-plain-draws" in false_claims("elbo-5", tiny_results)


def test_a_collapsed_encoder_is_found(copied) -> None:
    """A mean divergence near zero contradicts that the codes say anything."""
    path = copied / "metrics" / "all.csv"
    table = pd.read_csv(path)
    chosen = (table["run"] == "vae_mlp") & (table["metric"] == "kl_closed")
    assert chosen.sum() == 1
    shown = []
    for value in (7.0, 0.01):
        table.loc[chosen, ["value", "stderr", "n"]] = [value, 0.05, 100]
        table.to_csv(path, index=False, na_rep="nan")
        shown += [finding.passed for finding in findings("elbo-3", copied).values()]
    assert shown == [True, False]
