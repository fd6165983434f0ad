"""The claims on the full covariance fail when the factor, its divergence or the comparison is wrong."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from shipped import claims

from assignments.dgm.claims import full_covariance
from dgm.claims.claim import Claim, Finding
from dgm.claims.evidence import Evidence
from dgm.models import vae_mlp
from dgm.models.vae_mlp import Posterior

CHECK = claims("dgm")["dgm-2-3"]
REAL_DRAW, REAL_KL = Posterior.draw, Posterior.kl_to_prior


def false_claims(results: Path) -> list[str]:
    return [claim.statement for claim in CHECK(Evidence(results)) if isinstance(claim, Claim) and not claim.passed]


def without_exponential(self):
    return torch.diag_embed(self.log_diagonal) + self.lower


MUTATIONS = [
    (Posterior, "draw", lambda self, noise: self.mean + (self.factor.mT @ noise.unsqueeze(-1)).squeeze(-1)),
    (Posterior, "draw", lambda self, noise: REAL_DRAW(Posterior(self.mean, self.log_diagonal), noise)),
    (Posterior, "kl_to_prior", lambda self: REAL_KL(self) + self.log_diagonal.sum(1)),
    (Posterior, "kl_to_prior", lambda self: REAL_KL(Posterior(self.mean, self.log_diagonal))),
    (Posterior, "factor", property(lambda self: torch.diag_embed(torch.exp(self.log_diagonal)) + self.lower.mT)),
    (Posterior, "factor", property(without_exponential)),
    (Posterior, "log_prob", lambda self, z: vae_mlp.gaussian_log_prob(z, self.mean, torch.exp(2 * self.log_diagonal))),
]


@pytest.mark.parametrize(("owner", "name", "wrong"), MUTATIONS, ids=[f"{name}-{i}" for i, (_, name, _) in enumerate(MUTATIONS)])
def test_a_wrong_formula_is_rejected(owner, name, wrong, tiny_results, monkeypatch):
    assert false_claims(tiny_results) == []
    monkeypatch.setattr(owner, name, wrong)
    try:
        assert false_claims(tiny_results)
    except ValueError as error:  # torch's own law refuses a factor that is none
        assert "scale_tril" in str(error)


@pytest.fixture
def copied(tiny_results: Path, tmp_path: Path) -> Path:
    """The tiny results with a table of their own."""
    for name in ("data", "models", "evaluations"):
        (tmp_path / name).symlink_to(tiny_results / name)
    (tmp_path / "metrics").mkdir()
    shutil.copy(tiny_results / "tables" / "metrics.csv", tmp_path / "metrics" / "all.csv")
    return tmp_path


@pytest.mark.parametrize("metric", ["exact_bound", "exact_kl", "posterior_divergence", "exact_log_likelihood"])
def test_a_table_that_does_not_match_the_images_is_rejected(metric, copied):
    path = copied / "metrics" / "all.csv"
    table = pd.read_csv(path)
    table.loc[(table["run"] == "vae_full_s1") & (table["metric"] == metric), "value"] += 0.5
    table.to_csv(path, index=False, na_rep="nan")
    assert len(false_claims(copied)) >= 2


def test_runs_measured_on_different_images_are_not_compared(tiny_results, tmp_path):
    from dgm.runtime.files import load_arrays, save_arrays

    shutil.copytree(tiny_results / "evaluations", tmp_path / "evaluations")
    for name in ("data", "models", "metrics"):
        (tmp_path / name).symlink_to(tiny_results / name)
    path = tmp_path / "evaluations" / "vae_full_s1.npz"
    arrays = load_arrays(path)
    save_arrays(path, arrays | {"exact_images": 1 - arrays["exact_images"]})
    with pytest.raises(ValueError, match="seed 1: diagonal and full covariance were measured on different images"):
        false_claims(tmp_path)


def test_findings_rest_on_the_three_pairs_of_runs(tiny_results):
    from dgm.maths.measured import mean

    evidence = Evidence(tiny_results)
    found = {finding.id: finding.estimate for finding in CHECK(evidence) if isinstance(finding, Finding)}
    for name, metric in (("elbo-rises", "exact_bound"), ("closer-to-the-prior", "exact_kl")):
        gains = [evidence.metric(f"vae_full_s{k}", metric) - evidence.metric(f"vae_diagonal_s{k}", metric) for k in (0, 1, 2)]
        assert found[name] == mean(np.array(gains))
        assert found[name].n == 3


@pytest.mark.parametrize(("values", "share"), [(np.ones(50), 0.1), (np.r_[np.full(5, 9.0), np.full(45, 1.0)], 0.5)])
def test_share_of_the_largest_tenth(values, share):
    assert full_covariance._share_of_largest(np.random.default_rng(0).permutation(values)) == pytest.approx(share)


def test_a_sigmoid_bounds_all_deviations_of_a_diagonal_factor_only(monkeypatch):
    """Were the factor's lower part lost, as if every factor were diagonal, the example would have a standard deviation of 0.9."""
    real = full_covariance._covariance
    assert all(claim.passed for claim in full_covariance._sigmoid_diagonal())
    monkeypatch.setattr(full_covariance, "_covariance", lambda factor: real(torch.diag_embed(factor.diagonal(dim1=-2, dim2=-1))))
    assert [claim.statement for claim in full_covariance._sigmoid_diagonal() if not claim.passed]
