"""Claims on NICE, the VAE and changes of variable fail when a sample is wrong, and reject what was published."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from outcomes import CHECKS, false_claims
from workflows import rewrite

from dgm.claims.claim import Claim
from dgm.claims.evidence import Evidence
from dgm.runtime.files import load_arrays, save_arrays


def made(question: str, results: Path) -> list[Claim]:
    """The claims that any build must meet."""
    return [claim for claim in CHECKS[question](Evidence(results)) if not claim.needs_full_budget]


@pytest.fixture
def copied(tiny_results, tmp_path):
    """The tiny results with samples that a test may replace, as their records do not say what was written."""
    shutil.copytree(tiny_results, tmp_path, copy_function=os.symlink, dirs_exist_ok=True)
    for record in (tmp_path / "records" / "sample").iterdir():
        rewrite(record)
    return tmp_path


def test_samples_of_another_law_are_rejected(copied):
    path = copied / "samples" / "nice.npz"
    arrays = load_arrays(path)
    save_arrays(path, arrays | {"samples": arrays["low_temperature"]})
    assert false_claims("gdl-4a", copied, any_budget=True) == {"code-deviation-samples-asked"}


def test_real_values_are_no_sample_of_the_mixture(copied):
    path = copied / "samples" / "bmm_k20.npz"
    arrays = load_arrays(path)
    noise = np.random.default_rng(0).normal(0, 0.1, arrays["samples"].shape)
    save_arrays(path, arrays | {"samples": arrays["samples"] + noise})
    assert "mixture-percentage-binary" in false_claims("gdl-4c", copied)


@pytest.mark.parametrize(
    ("question", "name", "value"),
    [
        ("gdl-4a", "code-deviation-samples-asked", 1.0),
        ("gdl-4a", "code-deviation-samples-own", 1.0),
        ("gdl-4c", "mixture-percentage-binary", 0.0),
        ("gdl-5b", "formula-values-off-support", 4),
        ("gdl-6-2", "second-diagonal-entry", 0.1),
    ],
)
def test_what_was_published_is_rejected(question, name, value, tiny_results):
    (claim,) = (claim for claim in made(question, tiny_results) if claim.id == name)
    assert claim.published == value
    assert claim.passed
    assert not replace(claim, stated=value, published=None).passed
