"""The one-dimensional mixture-prior autoencoder: its closed forms against sums on a fine grid."""

import dataclasses

import numpy as np
import pytest

from dgm.maths.mixture_prior import EXAMPLE, Example, gaussian_cross_entropy, log_normal

Z = np.linspace(-14, 16, 60_001)
THREE = Example((0.2, 0.5, 0.3), (-2.0, 0.0, 3.0), (0.4, 1.0, 2.0), slope=-0.7, intercept=0.5, x=0, q_mean=1.0, q_variance=0.8)


def integral(values: np.ndarray) -> float:
    return float(np.trapezoid(values, Z))


def q(example: Example) -> np.ndarray:
    return np.exp(log_normal(Z, example.q_mean, example.q_variance))


@pytest.mark.parametrize("example", [EXAMPLE, THREE])
def test_evidence_is_the_integral_of_the_joint(example: Example) -> None:
    joint = np.exp(example.log_likelihood(Z))[:, None] * np.exp(example.log_prior(Z))
    assert np.exp(example.log_evidence()) == pytest.approx(sum(integral(column) for column in joint.T), abs=1e-10)
    other = dataclasses.replace(example, x=1 - example.x)
    assert np.exp(example.log_evidence()) + np.exp(other.log_evidence()) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("example", [EXAMPLE, THREE])
def test_bound_is_the_expectation_of_five_logarithms(example: Example) -> None:
    gamma = np.arange(1, len(example.weights) + 1) / sum(range(1, len(example.weights) + 1))
    inner = example.log_likelihood(Z)[:, None] + example.log_prior(Z) - np.log(q(example))[:, None] - np.log(gamma)
    assert example.bound(gamma) == pytest.approx(integral(q(example) * (inner @ gamma)), abs=1e-9)
    assert example.bound(gamma) < example.log_evidence()


def test_a_certain_cluster_law_has_a_finite_bound() -> None:
    assert EXAMPLE.bound((0.0, 1.0)) == pytest.approx(EXAMPLE.bound((1e-12, 1 - 1e-12)), abs=1e-9)


@pytest.mark.parametrize("gamma", [(0.5, 0.6), (1.2, -0.2), (1.0,), (0.2, 0.3, 0.5)])
def test_a_cluster_law_off_the_simplex_is_refused(gamma: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="need 2 probabilities that sum to one"):
        EXAMPLE.bound(gamma)


@pytest.mark.parametrize("example", [EXAMPLE, THREE])
def test_no_cluster_law_beats_the_geometric_one(example: Example) -> None:
    best = example.geometric()
    rng = np.random.default_rng(0)
    for rival in [example.averaged(), *rng.dirichlet(np.ones(len(best)), 200)]:
        lost = example.bound(best) - example.bound(rival)
        # what a rival gives away is its divergence from the best law, exactly
        assert lost == pytest.approx(float(np.sum(rival * np.log(rival / best))), abs=1e-9)


@pytest.mark.parametrize("example", [EXAMPLE, THREE])
def test_averaged_law_is_the_mean_posterior(example: Example) -> None:
    np.testing.assert_allclose(
        example.averaged(), [integral(q(example) * column) for column in example.responsibilities(Z).T], atol=1e-9
    )


def test_both_laws_agree_where_the_code_is_certain() -> None:
    narrow = dataclasses.replace(THREE, q_variance=1e-6)
    np.testing.assert_allclose(narrow.averaged(), narrow.geometric(), atol=1e-5)
    np.testing.assert_allclose(narrow.averaged(), narrow.responsibilities(narrow.q_mean), atol=1e-5)
    assert np.abs(THREE.averaged() - THREE.geometric()).max() > 0.01


def test_cross_entropy_is_the_integral_in_each_coordinate() -> None:
    m, v, o, s = (0.5, -1.0), (0.25, 2.0), (0.0, 1.0), (1.0, 0.5)
    parts = [integral(np.exp(log_normal(Z, a, b)) * log_normal(Z, c, d)) for a, b, c, d in zip(m, v, o, s, strict=True)]
    assert gaussian_cross_entropy(m, v, o, s) == pytest.approx(sum(parts), abs=1e-9)
