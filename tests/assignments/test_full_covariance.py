"""Findings on the full covariance rest on pairs of runs that saw the same images."""

import shutil

import numpy as np
import pytest
import torch
from outcomes import false_claims, findings

from assignments.dgm.claims import full_covariance
from dgm.claims.evidence import Evidence
from dgm.models.vae_mlp import Posterior

REAL_DRAW, REAL_KL = Posterior.draw, Posterior.kl_to_prior


def test_runs_measured_on_different_images_are_not_compared(tiny_results, tmp_path):
    from dgm.runtime.files import load_arrays, save_arrays

    shutil.copytree(tiny_results / "evaluations", tmp_path / "evaluations")
    for name in ("data", "models", "metrics"):
        (tmp_path / name).symlink_to(tiny_results / name)
    path = tmp_path / "evaluations" / "vae_full_s1.npz"
    arrays = load_arrays(path)
    save_arrays(path, arrays | {"exact_images": 1 - arrays["exact_images"]})
    with pytest.raises(ValueError, match="seed 1: diagonal and full covariance were measured on different images"):
        false_claims("dgm-2-3", tmp_path)


def test_findings_rest_on_the_three_pairs_of_runs(tiny_results):
    from dgm.maths.measured import mean

    evidence = Evidence(tiny_results)
    found = {name: finding.estimate for name, finding in findings("dgm-2-3", evidence).items()}
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
    assert [claim.id for claim in full_covariance._sigmoid_diagonal() if not claim.passed]
