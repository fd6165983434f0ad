"""Claims about z = mu + L e with triangular L, for L = [[2, 0], [1, 3]].

``stated`` comes from :mod:`dgm.maths.distributions` or is a number of an answer's text; ``found`` from Gauss-Hermite sums over
the noise (exact for the polynomials that occur), exact rationals, the inverse covariance, and Monte Carlo.
"""

import itertools
import math
from collections.abc import Iterable
from fractions import Fraction

import numpy as np

from dgm.claims.claim import Claim, holds
from dgm.claims.evidence import Evidence
from dgm.claims.registry import question

__all__: list[str] = []

L = np.array([[2.0, 0.0], [1.0, 3.0]])
MU = np.array([1.0, -1.0])
SIGMA = np.array([[4.0, 2.0], [2.0, 10.0]])
KL = 5.2082405307719455


def _noise(nodes: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Nodes [n, 2] and weights [n] of a product rule for two standard normal variables."""
    x, w = np.polynomial.hermite_e.hermegauss(nodes)
    return np.stack(np.meshgrid(x, x, indexing="ij"), -1).reshape(-1, 2), np.outer(w, w).ravel() / w.sum() ** 2


def _log_normal(z: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Log-density of N(mean, covariance) by inverse and determinant of the covariance."""
    centred = z - mean
    squares = np.einsum("ni,ij,nj->n", centred, np.linalg.inv(covariance), centred)
    return np.asarray(-0.5 * squares - 0.5 * math.log(np.linalg.det(covariance)) - math.log(2 * math.pi))


@question("dgm-2-1")
def dgm_2_1(evidence: Evidence) -> Iterable[Claim]:
    """Law of z: moments, characteristic function, density and a divergence."""
    import torch

    from dgm.maths import distributions

    e, w = _noise()
    z = MU + e @ L.T
    mean = w @ z
    covariance = np.einsum("n,ni,nj->ij", w, z - MU, z - MU)
    yield Claim("error-of-mean", "largest error of E z = mu", "quadrature", 0.0, float(np.abs(mean - MU).max()), 1e-10)
    yield Claim(
        "error-of-covariance",
        "largest error of Cov z = ((4, 2), (2, 10))",
        "quadrature",
        0.0,
        float(np.abs(covariance - SIGMA).max()),
        1e-10,
    )
    rows = [[Fraction(2), Fraction(0)], [Fraction(1), Fraction(3)]]
    product = [[sum(a * b for a, b in zip(one, two, strict=True)) for two in rows] for one in rows]
    yield Claim(
        "covariance-of-coordinates", "covariance of the two coordinates, from L L^T", "exact rationals", 2.0, float(product[0][1])
    )
    determinant = product[0][0] * product[1][1] - product[0][1] ** 2
    yield Claim("determinant-of-covariance", "determinant of L L^T", "exact rationals", 36.0, float(determinant))
    yield Claim(
        "squared-diagonal-product",
        "product of the squared diagonal entries",
        "exact rationals",
        float((rows[0][0] * rows[1][1]) ** 2),
        float(determinant),
    )
    points = np.array([[0.3, -0.2], [0.1, 0.25], [-0.4, 0.05]])
    errors = [abs(w @ np.exp(1j * z @ t) - np.exp(1j * t @ MU - 0.5 * t @ SIGMA @ t)) for t in points]
    yield Claim(
        "characteristic-function-error",
        "characteristic function at three points, largest error",
        "quadrature",
        0.0,
        float(max(errors)),
        1e-10,
    )
    at = np.array([[0.0, 0.0], [3.0, 1.5], [-2.0, 4.0]])
    stated = distributions.triangular_gaussian_log_prob(torch.from_numpy(at), torch.from_numpy(MU), torch.from_numpy(L)).numpy()
    largest = float(np.abs(stated - _log_normal(at, MU, SIGMA)).max())
    yield Claim(
        "log-density-error", "log-density from L against that from Sigma, largest error", "closed form", 0.0, largest, 1e-12
    )
    divergence = float(w @ (_log_normal(z, MU, SIGMA) - _log_normal(z, np.zeros(2), np.eye(2))))
    yield Claim(
        "divergence-from-standard-normal", "divergence of N((1, -1), Sigma) from N(0, I)", "quadrature", KL, divergence, 1e-9
    )
    formula = float(distributions.kl_triangular_to_standard_normal(torch.from_numpy(MU), torch.from_numpy(L)))
    yield Claim("divergence-by-formula", "the formula for this divergence", "quadrature", formula, divergence, 1e-9)
    n = 400_000
    draws = MU + np.random.default_rng(0).standard_normal((n, 2)) @ L.T
    deviations = np.einsum("ni,nj->nij", draws - MU, draws - MU)
    error = deviations.reshape(n, 4).std(0) / math.sqrt(n)
    distance = float((np.abs(deviations.mean(0) - SIGMA).ravel() / error).max())
    yield Claim(
        "sampled-covariance-distance",
        "sample covariance of 400,000 draws, distance in standard errors",
        "Monte Carlo",
        0.0,
        distance,
        4.0,
    )
    upper = np.array([[1.5, -0.7], [0.0, 0.4]])
    moved = e @ upper.T
    largest = float(np.abs(np.einsum("n,ni,nj->ij", w, moved, moved) - upper @ upper.T).max())
    yield Claim("upper-factor-error", "an upper triangular factor gives U U^T, largest error", "quadrature", 0.0, largest, 1e-10)


@question("dgm-2-2")
def dgm_2_2(evidence: Evidence) -> Iterable[Claim]:
    """Signs and zeros on the diagonal."""
    import torch

    from dgm.maths import distributions

    flipped = L @ np.diag([1.0, -1.0])
    e, w = _noise()
    covariances = [np.einsum("n,ni,nj->ij", w, e @ factor.T, e @ factor.T) for factor in (L, flipped)]
    apart = float(np.abs(covariances[0] - covariances[1]).max())
    yield Claim(
        "sign-flip-keeps-covariance",
        "the factors ((2, 0), (1, 3)) and ((2, 0), (1, -3)) give the same covariance",
        "quadrature",
        0.0,
        apart,
        1e-10,
    )
    factor = np.linalg.cholesky(SIGMA)
    yield Claim(
        "cholesky-factor-error",
        "the Cholesky factor is the one with positive diagonal",
        "closed form",
        0.0,
        float(np.abs(factor - L).max()),
        1e-12,
    )
    singular = np.array([[2.0, 0.0], [1.0, 0.0]])
    yield Claim(
        "determinant-with-zero-entry",
        "determinant of the covariance with L_22 = 0",
        "closed form",
        0.0,
        float(np.linalg.det(singular @ singular.T)),
        1e-12,
    )
    z = e @ singular.T
    yield Claim(
        "distance-from-line",
        "all draws then lie on the line z_2 = z_1 / 2",
        "enumeration",
        0.0,
        float(np.abs(z[:, 1] - z[:, 0] / 2).max()),
        1e-12,
    )
    signs = [np.diag(d) for d in itertools.product((1.0, -1.0), repeat=3)]
    three = np.array([[2.0, 0.0, 0.0], [1.0, 3.0, 0.0], [-0.5, 0.3, 0.7]])
    outputs = {(three @ d).tobytes() for d in signs if np.allclose(three @ d @ (three @ d).T, three @ three.T, atol=1e-12)}
    yield Claim(
        "factors-differing-in-signs",
        "factors of one covariance that differ in signs, $M=3$",
        "enumeration",
        2.0**3,
        float(len(outputs)),
    )
    entropy = -float(w @ _log_normal(MU + e @ L.T, MU, SIGMA))
    stated = math.log(2) + math.log(3) + math.log(2 * math.pi * math.e)
    yield Claim("entropy-of-z", "entropy: sum of log L_ii + log(2 pi e)", "quadrature", stated, entropy, 1e-10)
    thin = np.array([[2.0, 0.0], [1.0, 0.003]])
    left = -float(w @ _log_normal(MU + e @ thin.T, MU, thin @ thin.T))
    yield Claim(
        "entropy-lost-by-thinning",
        "entropy lost when $L_{22}$ is divided by a thousand",
        "quadrature",
        math.log(1000),
        entropy - left,
        1e-6,
    )
    moved = torch.from_numpy(MU + e @ L.T)
    own = distributions.triangular_gaussian_log_prob(moved, torch.from_numpy(MU), torch.from_numpy(L)).numpy()
    yield Claim(
        "entropy-from-training-density",
        "entropy from the log-density that training uses",
        "quadrature",
        -float(w @ own),
        entropy,
        1e-10,
    )
    bad = distributions.triangular_gaussian_log_prob(torch.from_numpy(MU), torch.from_numpy(MU), torch.from_numpy(flipped))
    yield holds(
        "negative-entry-not-a-number", "with a negative entry log L_ii is not a number", "closed form", bool(torch.isnan(bad))
    )
