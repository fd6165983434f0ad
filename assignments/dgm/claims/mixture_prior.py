"""Claims about the autoencoder with a mixture prior: joint distribution, bound in three forms, cluster distribution, trained model.

``stated`` comes from the formulas of the answers (:mod:`dgm.maths.mixture_prior`, :mod:`dgm.models.vade`) or is a number in their
text. ``found`` does every integral anew by adaptive quadrature or by simulation, with the densities written out here, and never
uses the Gaussian cross-entropy lemma.
"""

import functools
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from dgm.claims.claim import Claim, Finding, frequency, holds, paired
from dgm.claims.evidence import Evidence
from dgm.claims.registry import question
from dgm.maths import measured as measurements
from dgm.maths import mixture_prior
from dgm.maths.clustering import normalised_mutual_information
from dgm.maths.measured import Measured
from dgm.maths.mixture_prior import EXAMPLE

from ..demonstrations.mixture_prior import GIVEN

__all__: list[str] = []

RUN = "vade"
RANDOM_START = "vade_random_start"
PIXELS = "kmeans_pixels"
DRAWS = 400_000
CURVE_IMAGES = 1000  # test images behind the points of a learning curve, where there are so many


def _normal(z: float, mean: float, variance: float) -> float:
    return math.exp(-0.5 * (z - mean) ** 2 / variance) / math.sqrt(2 * math.pi * variance)


def _pixel(x: int, z: float) -> float:
    """p(x | z) for x in {0, 1}."""
    on = 1 / (1 + math.exp(-(EXAMPLE.slope * z + EXAMPLE.intercept)))
    return on if x else 1 - on


def _joint(x: int, z: float, c: int) -> float:
    return _pixel(x, z) * _normal(z, EXAMPLE.means[c], EXAMPLE.variances[c]) * EXAMPLE.weights[c]


def _code(z: float) -> float:
    return _normal(z, EXAMPLE.q_mean, EXAMPLE.q_variance)


def _posterior(z: float, c: int) -> float:
    """p(c | z)."""
    parts = [EXAMPLE.weights[k] * _normal(z, EXAMPLE.means[k], EXAMPLE.variances[k]) for k in (0, 1)]
    return parts[c] / sum(parts)


def _integral(of: Callable[[float], float]) -> float:
    """Over the line, cut where every density of the example is below 1e-40."""
    import mpmath

    return float(mpmath.quad(lambda z: of(float(z)), [-12, -6, -3, -1, 0, 1, 2, 4, 7, 12, 20]))


@functools.cache
def _five_terms(gamma: float) -> float:
    """The expectation of log p(x|z) + log p(z|c) + log p(c) - log q(z|x) - log q(c|x) under q(z|x) q(c|x)."""
    return _code_mean(
        lambda z: sum(share * math.log(_joint(EXAMPLE.x, z, c) / (_code(z) * share)) for c, share in enumerate((gamma, 1 - gamma)))
    )


def _code_mean(of: Callable[[float], float]) -> float:
    """E_q(z|x), over ten standard deviations."""
    import mpmath

    sd = math.sqrt(EXAMPLE.q_variance)
    edges = [EXAMPLE.q_mean + sd * k for k in (-10, -5, -2, 0, 2, 5, 10)]
    return float(mpmath.quad(lambda z: _code(float(z)) * of(float(z)), edges))


# ------------------------------------------------------------------------------------------------ 3.1


@question("dgm-3-1")
def dgm_3_1(evidence: Evidence) -> Iterable[Claim]:
    """Factorisation p(x|z) p(z|c) p(c)."""
    total = sum(_integral(lambda z, x=x, c=c: _joint(x, z, c)) for x in (0, 1) for c in (0, 1))  # type: ignore[misc]
    yield Claim("joint-total-mass", "the product of the three factors sums and integrates to one", "quadrature", 1.0, total, 1e-10)
    on = sum(_integral(lambda z, c=c: _joint(1, z, c)) for c in (0, 1))  # type: ignore[misc]
    yield Claim(
        "probability-of-lit-pixel",
        "$p(x=1)$ by integrating $z$ and summing $c$",
        "quadrature",
        math.exp(EXAMPLE.log_evidence()),
        on,
        1e-10,
    )
    rng = np.random.default_rng(0)
    c = (rng.random(DRAWS) >= EXAMPLE.weights[0]).astype(int)
    z = np.take(EXAMPLE.means, c) + np.sqrt(np.take(EXAMPLE.variances, c)) * rng.standard_normal(DRAWS)
    x = rng.random(DRAWS) < 1 / (1 + np.exp(-(EXAMPLE.slope * z + EXAMPLE.intercept)))
    for k in (0, 1):
        mine = z[c == k]
        error = 4 * math.sqrt(EXAMPLE.variances[k] / len(mine))
        yield Claim(
            f"drawn-mean-cluster-{k + 1}",
            f"ancestral draws: mean of z in cluster {k + 1}",
            "Monte Carlo",
            EXAMPLE.means[k],
            float(mine.mean()),
            error,
        )
    share_error = 4 * math.sqrt(0.3 * 0.7 / DRAWS)
    yield Claim(
        "drawn-share-cluster-1",
        "ancestral draws: share of cluster 1",
        "Monte Carlo",
        EXAMPLE.weights[0],
        float(np.mean(c == 0)),
        share_error,
    )
    yield Claim(
        "drawn-share-lit-pixel",
        "ancestral draws: share of x = 1",
        "Monte Carlo",
        math.exp(EXAMPLE.log_evidence()),
        float(x.mean()),
        4 * 0.5 / DRAWS**0.5,
    )
    near = np.abs(z - 0.5) < 0.1
    shares = [float(x[near & (c == k)].mean()) for k in (0, 1)]
    counts = [int((near & (c == k)).sum()) for k in (0, 1)]
    spread = 4 * math.sqrt(sum(0.25 / n for n in counts))
    yield Claim(
        "pixel-independent-of-cluster",
        "given $z$, the share of $x=1$ does not depend on $c$",
        "Monte Carlo",
        shares[0],
        shares[1],
        spread,
    )
    yield from _decoders()
    described = evidence.samples(RUN)
    yield Claim(
        "mixing-weights-sum",
        "the trained mixing weights sum to one",
        "recomputation",
        1.0,
        float(described["weights"].sum()),
        1e-5,  # float32
    )
    yield holds(
        "mixing-weights-positive",
        "the trained mixing weights are positive",
        "recomputation",
        bool((described["weights"] > 0).all()),
    )


SPREAD = 0.1
"""Variance sigma_x^2 of a real-valued pixel with the mean ``slope * z + intercept``."""


def _linear_marginal(x: float, spreads: tuple[float, ...]) -> float:
    """p(x) of that pixel, a mixture of Gaussians as the decoder is linear, with a decoder variance for each cluster."""
    clusters = zip(EXAMPLE.weights, EXAMPLE.means, EXAMPLE.variances, spreads, strict=True)
    return sum(w * _normal(x, EXAMPLE.slope * m + EXAMPLE.intercept, EXAMPLE.slope**2 * v + s) for w, m, v, s in clusters)


def _decoders() -> Iterable[Claim]:
    """Both distributions of x given z: the formulas, and p(x) of a real pixel, where the sheet names the wrong variance."""
    from scipy import stats

    rng = np.random.default_rng(4)
    x, mean, variance = rng.standard_normal(5), rng.standard_normal(5), rng.uniform(0.2, 2.0, 5)
    formula = -0.5 * (np.log(2 * np.pi * variance) + (x - mean) ** 2 / variance).sum()
    law = float(stats.multivariate_normal(mean, np.diag(variance)).logpdf(x))
    yield Claim(
        "log-density-five-pixels",
        "real data: log-density from mean and log-variance, five pixels",
        "closed form",
        float(formula),
        law,
        1e-10,
    )
    on, p = (rng.random(5) < 0.5).astype(float), rng.uniform(0.1, 0.9, 5)
    formula = (on * np.log(p) + (1 - on) * np.log(1 - p)).sum()
    law = math.log(math.prod(chance if bit else 1 - chance for bit, chance in zip(on, p, strict=True)))
    yield Claim(
        "log-probability-five-pixels",
        "binary data: log-probability from the means, five pixels",
        "enumeration",
        float(formula),
        law,
        1e-10,
    )
    at = -2.0

    def joint(z: float) -> float:
        return _normal(at, EXAMPLE.slope * z + EXAMPLE.intercept, SPREAD) * (
            _joint(0, z, 0) + _joint(1, z, 0) + _joint(0, z, 1) + _joint(1, z, 1)
        )

    right, printed = (_linear_marginal(at, spreads) for spreads in ((SPREAD, SPREAD), EXAMPLE.variances))
    yield Claim(
        "marginal-density-real-pixel",
        "real data: density $p(x)$ of one pixel at $x=-2$",
        "quadrature",
        right,
        _integral(joint),
        1e-8,
        published=printed,
    )


# ------------------------------------------------------------------------------------------------ 3.2


@question("dgm-3-2")
def dgm_3_2(evidence: Evidence) -> Iterable[Claim]:
    """The bound with mean-field q(z|x) q(c|x)."""
    from scipy.optimize import minimize

    direct = _five_terms(GIVEN[0])
    yield Claim("bound-of-example", "the bound of the example", "quadrature", -2.9619850728, direct, 1e-9)
    evidence_ = math.log(sum(_integral(lambda z, c=c: _joint(EXAMPLE.x, z, c)) for c in (0, 1)))  # type: ignore[misc]
    yield Claim("log-evidence-of-example", r"$\log p(x)$ of the example", "quadrature", -0.4080620208, evidence_, 1e-9)
    yield holds("bound-below-evidence", r"in the example the bound lies below $\log p(x)$", "quadrature", direct <= evidence_)

    def gap(z: float) -> float:
        return sum(
            share * math.log(_code(z) * share * math.exp(evidence_) / _joint(EXAMPLE.x, z, c)) for c, share in enumerate(GIVEN)
        )

    divergence = _code_mean(gap)
    yield Claim(
        "gap-of-bound",
        r"$\log p(x)$ minus the bound is the divergence to the posterior",
        "quadrature",
        evidence_ - direct,
        divergence,
        1e-8,
    )
    exact = EXAMPLE.log_evidence()
    statement = "what the bound and the divergence to the posterior add up to: the logarithm of $p(x)$"
    yield Claim(
        "bound-plus-divergence", statement, "quadrature", exact, EXAMPLE.bound(GIVEN) + divergence, 1e-8, published=math.exp(exact)
    )
    yield Claim(
        "evidence-above-its-logarithm",
        "how far $p(x)$ itself lies above its logarithm",
        "quadrature",
        math.exp(exact) - exact,
        math.exp(evidence_) - evidence_,
        1e-8,
    )
    grid = np.linspace(-9, 12, 8001)
    joint = np.log([EXAMPLE.weights[c] for c in (0, 1)])[:, None] + np.array(
        [-0.5 * np.log(2 * np.pi * v) - 0.5 * (grid - m) ** 2 / v for m, v in zip(EXAMPLE.means, EXAMPLE.variances, strict=True)]
    )
    joint = joint - np.logaddexp(0, -(EXAMPLE.slope * grid + EXAMPLE.intercept))

    def negative_bound(theta: np.ndarray) -> float:
        gamma = 1 / (1 + math.exp(-theta[2]))
        log_q = -0.5 * ((grid - theta[0]) * math.exp(-theta[1])) ** 2 - theta[1] - 0.5 * math.log(2 * math.pi)
        inner = gamma * (joint[0] - math.log(gamma)) + (1 - gamma) * (joint[1] - math.log(1 - gamma)) - log_q
        return -float(np.trapezoid(np.exp(log_q) * inner, grid))

    best = min(
        float(minimize(negative_bound, np.array(start), method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-12}).fun)
        for start in ((1.5, 0.0, -1.0), (-0.5, 0.0, 1.0))
    )
    yield Claim("gap-of-best-mean-field", "gap of the best mean-field distribution", "optimisation", 0.0957, evidence_ + best, 5e-5)
    yield holds(
        "best-mean-field-below-evidence",
        r"the best mean-field bound stays below $\log p(x)$",
        "optimisation",
        -best < evidence_ - 1e-3,
    )


# ------------------------------------------------------------------------------------------------ 3.3


@question("dgm-3-3-1")
def dgm_3_3_1(evidence: Evidence) -> Iterable[Claim]:
    """The bound as E log[p(x|z) p(z) / q(z|x)] minus an expected divergence between cluster distributions."""

    def marginal(z: float) -> float:
        return math.log(_pixel(EXAMPLE.x, z) * sum(_joint(0, z, c) + _joint(1, z, c) for c in (0, 1)) / _code(z))

    def divergence(z: float) -> float:
        return sum(share * math.log(share / _posterior(z, c)) for c, share in enumerate(GIVEN))

    first, second = _code_mean(marginal), _code_mean(divergence)
    yield Claim("second-form-of-bound", "both forms of the bound agree", "quadrature", _five_terms(GIVEN[0]), first - second, 1e-9)
    yield Claim("bound-of-example", "value of both forms in the example", "quadrature", -2.9619850728, first - second, 1e-9)
    yield Claim(
        "first-term-without-clusters",
        r"the first term, free of $q(c\mid x)$",
        "quadrature",
        EXAMPLE.bound(GIVEN) + second,
        first,
        1e-9,
    )
    yield holds(
        "expected-divergence-not-negative",
        "the expected divergence between the cluster distributions is not negative",
        "quadrature",
        second >= 0,
    )
    bayes = max(
        abs(_joint(1, z, c) + _joint(0, z, c) - _posterior(z, c) * sum(_joint(x, z, k) for x in (0, 1) for k in (0, 1)))
        for z in (-2.0, 0.3, 4.0)
        for c in (0, 1)
    )
    yield Claim(
        "bayes-factorisation-error",
        r"Bayes: $p(z\mid c)\,p(c)$ against $p(z)\,p(c\mid z)$, largest difference",
        "closed form",
        0.0,
        bayes,
        1e-15,
    )


def _laws(variance: float) -> tuple[float, float]:
    """The averaged and the geometric gamma_1 for q(z|x) with this variance, by integrating p(1|z) and the logarithms of p(c|z)."""
    import mpmath

    edges = [EXAMPLE.q_mean + math.sqrt(variance) * k for k in (-10, -5, -2, 0, 2, 5, 10)]

    def mean(of: Callable[[float], float]) -> float:
        return float(mpmath.quad(lambda z: _normal(float(z), EXAMPLE.q_mean, variance) * of(float(z)), edges))

    first, second = (math.exp(mean(lambda z, c=c: math.log(_posterior(z, c)))) for c in (0, 1))  # type: ignore[misc]
    return mean(lambda z: _posterior(z, 0)), first / (first + second)


@question("dgm-3-3-2")
def dgm_3_3_2(evidence: Evidence) -> Iterable[Claim | Finding]:
    """Averaged and geometric cluster distribution."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda gamma: -_five_terms(float(gamma)), bounds=(0.01, 0.99), method="bounded", options={"xatol": 1e-9}
    )
    yield Claim(
        "gamma-of-maximiser",
        r"$\gamma_1$ of the cluster distribution that maximises the bound",
        "optimisation",
        0.1618321867,
        float(found.x),
        1e-6,
    )
    yield Claim(
        "gamma-of-geometric-form",
        r"$\gamma_1$ by the geometric form",
        "optimisation",
        float(EXAMPLE.geometric()[0]),
        float(found.x),
        1e-6,
    )
    yield Claim("bound-at-maximiser", "the bound at its maximiser", "optimisation", -1.9701238398, -float(found.fun), 1e-9)
    averaged = _code_mean(lambda z: _posterior(z, 0))
    yield Claim("gamma-of-average", r"$\gamma_1$ of the averaged distribution", "quadrature", 0.2973695298, averaged, 1e-9)
    yield Claim(
        "gamma-of-average-in-code",
        r"the averaged $\gamma_1$ that the code gives",
        "quadrature",
        float(EXAMPLE.averaged()[0]),
        averaged,
        1e-9,
    )
    yield Claim(
        "bound-at-average", "the bound at the averaged distribution", "quadrature", -2.0271130722, _five_terms(averaged), 1e-9
    )

    best, mean = EXAMPLE.geometric(), EXAMPLE.averaged()
    away = float(np.sum(mean * np.log(mean / best)))
    statement = r"what the averaged distribution gives away is $D_{\mathrm{KL}}(\gamma\,\|\,\gamma^*)$"
    yield Claim("bound-lost-by-averaging", statement, "quadrature", away, -float(found.fun) - _five_terms(averaged), 1e-9)
    shown = evidence.arrays("mixture_prior")
    drawn = float(np.abs(shown["marks"][1:, 1] - [_five_terms(averaged), -float(found.fun)]).max())
    yield Claim("drawn-bounds-error", "the drawn bounds of both distributions, largest difference", "quadrature", 0.0, drawn, 1e-8)
    laws = np.array([_laws(float(variance)) for variance in shown["spread"]])
    drawn = float(np.abs(laws - np.stack([shown["averaged"], shown["geometric"]], axis=1)).max())
    yield Claim(
        "narrowing-table-error",
        r"both distributions as $q(z\mid x)$ narrows, in the table: largest difference",
        "quadrature",
        0.0,
        drawn,
        1e-8,
    )

    def opposite(gamma: float) -> float:
        law = (gamma, 1 - gamma)
        return _code_mean(lambda z: sum(_posterior(z, c) * math.log(_posterior(z, c) / law[c]) for c in (0, 1)))

    mean_law = minimize_scalar(lambda gamma: opposite(float(gamma)), bounds=(0.01, 0.99), method="bounded", options={"xatol": 1e-9})
    yield Claim(
        "average-minimises-opposite-divergence",
        "the averaged distribution minimises the opposite divergence",
        "optimisation",
        averaged,
        float(mean_law.x),
        1e-6,
    )
    exact, near = (mixture_prior.Example(q_variance=1e-4), float(_posterior(EXAMPLE.q_mean, 0)))
    apart = max(abs(float(law[0]) - near) for law in (exact.averaged(), exact.geometric()))
    yield Claim(
        "narrow-posterior-error",
        r"for a narrow $q(z\mid x)$ both distributions are $p(c\mid z)$ at its mean, largest difference",
        "closed form",
        0.0,
        apart,
        1e-3,
    )
    kl = {split: evidence.metric(RUN, "mixture_kl", split) for split in ("one draw", "averaged", "geometric")}
    ordered = kl["geometric"] <= kl["averaged"] + 1e-9 and kl["geometric"] <= kl["one draw"] + 1e-9
    yield holds(
        "geometric-bound-is-best",
        "trained model: no cluster distribution gives a better bound than the geometric one",
        "recomputation",
        ordered,
    )
    given_away = kl["averaged"] - kl["geometric"]
    yield Claim(
        "trained-bound-lost-by-averaging",
        "trained model: bound given away by averaging is the mean divergence to the geometric distribution",
        "recomputation",
        evidence.metric(RUN, "kl_to_geometric", "averaged"),
        given_away,
        1e-6,
    )
    yield Finding(
        "same-cluster",
        "share of test images for which the averaged and the geometric distribution name the same cluster",
        evidence.measured(RUN, "argmax_agreement", "averaged"),
        above=0.9,
    )
    yield Finding(
        "averaging-costs-little",
        "bound that averaging gives away on test images, in nats; the standard error of a score over a thousand images is near one",
        _nats(evidence.measured(RUN, "kl_to_geometric", "averaged")),
        below=0.1,
    )


# ------------------------------------------------------------------------------------------------ 3.4, 3.5


@question("dgm-3-4")
def dgm_3_4(evidence: Evidence) -> Iterable[Claim]:
    """The Gaussian cross-entropy lemma."""
    q, p = ((0.5, -1.0), (0.25, 2.0)), ((0.0, 1.0), (1.0, 0.5))
    axes = [np.linspace(m - 12 * math.sqrt(v), m + 12 * math.sqrt(v), 1201) for m, v in zip(*q, strict=True)]
    first, second = np.meshgrid(*axes, indexing="ij")
    points = np.stack([first, second], axis=-1)

    def log_density(law: tuple[tuple[float, ...], tuple[float, ...]]) -> np.ndarray:
        mean, covariance = np.array(law[0]), np.diag(law[1])
        away = points - mean
        quadratic = np.einsum("abi,ij,abj->ab", away, np.linalg.inv(covariance), away)
        return np.asarray(-0.5 * quadratic - 0.5 * math.log(np.linalg.det(2 * math.pi * covariance)))

    def integrated(log_p: np.ndarray) -> float:
        inner = np.trapezoid(np.exp(log_density(q)) * log_p, axes[1], axis=1)
        return float(np.trapezoid(inner, axes[0]))

    value = integrated(log_density(p))
    first_only, last_only = (_without_brackets(*q, *p, coordinate) for coordinate in (0, 1))
    statement = r"the integral of $q\log p$ in two dimensions"
    yield Claim("integral-of-q-log-p", statement, "quadrature", -7.741303476129373, value, 1e-10, published=first_only)
    lemma = mixture_prior.gaussian_cross_entropy(*q, *p)
    yield Claim("lemma-value", "the lemma, by its formula", "quadrature", lemma, value, 1e-10, published=last_only)
    own = integrated(log_density(q))
    entropy = -0.5 * sum(math.log(2 * math.pi * v) + 1 for v in q[1])
    yield Claim("minus-entropy-of-q", r"the integral of $q\log q$ is minus the entropy", "quadrature", entropy, own, 1e-10)
    same_mean = integrated(log_density((q[0], p[1])))
    share = 0.5 * sum((a - b) ** 2 / s for a, b, s in zip(q[0], p[0], p[1], strict=True))
    yield Claim(
        "lowering-by-mean-distance",
        "the distance of the means lowers the integral by",
        "quadrature",
        share,
        same_mean - value,
        1e-10,
    )
    apart = integrated(log_density(((p[0][0], q[0][1]), p[1]))) - value
    yield Claim(
        "lowering-by-second-coordinate", "of this, the second coordinate alone accounts for", "quadrature", 4.0, apart, 1e-10
    )
    uniform = [np.linspace(m - math.sqrt(3 * v), m + math.sqrt(3 * v), 200_001) for m, v in zip(*q, strict=True)]
    flat = sum(
        float(np.mean(-0.5 * np.log(2 * np.pi * s) - (z[1:] - 0.5 * (z[1] - z[0]) - o) ** 2 / (2 * s)))
        for z, o, s in zip(uniform, *p, strict=True)
    )
    yield Claim(
        "integral-with-uniform-q", "the same for a uniform $q$ with these means and variances", "quadrature", lemma, flat, 1e-8
    )


def _without_brackets(mean: Any, variance: Any, other_mean: Any, other_variance: Any, coordinate: int) -> float:
    """The lemma as printed: the sum ends at the logarithm, and both fractions belong to one coordinate, left open."""
    summed = sum(-0.5 * math.log(2 * math.pi * s) for s in other_variance)
    v, m, o, s = (values[coordinate] for values in (variance, mean, other_mean, other_variance))
    return float(summed - v / (2 * s) - (m - o) ** 2 / (2 * s))


def _formula(arrays: dict[str, Any]) -> np.ndarray:
    """The objective of the question, term by term in plain loops."""
    n, k = arrays["gamma"].shape
    j, d = arrays["mean"].shape[1], arrays["x"].shape[1]
    values = np.zeros(n)
    for i in range(n):
        for e in range(d):
            on = arrays["mu_x"][i, e]
            values[i] += math.log(on) if arrays["x"][i, e] == 1 else math.log(1 - on)
        for c in range(k):
            gamma = arrays["gamma"][i, c]
            for a in range(j):
                prior, own = arrays["prior_variance"][c, a], arrays["variance"][i, a]
                distance = (arrays["mean"][i, a] - arrays["prior_mean"][c, a]) ** 2
                values[i] -= 0.5 * gamma * (math.log(prior) + own / prior + distance / prior)
            values[i] += gamma * math.log(arrays["pi"][c] / gamma)
        values[i] += 0.5 * sum(1 + math.log(arrays["variance"][i, a]) for a in range(j))
    return values


def _random_inputs(seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    n, k, j, d = 6, 4, 3, 8
    return {
        "x": (rng.random((n, d)) < 0.5).astype(float),
        "mu_x": rng.uniform(0.05, 0.95, (n, d)),
        "gamma": rng.dirichlet(np.ones(k), n),
        "pi": rng.dirichlet(np.ones(k)),
        "mean": rng.standard_normal((n, j)),
        "variance": rng.uniform(0.1, 2.0, (n, j)),
        "prior_mean": rng.standard_normal((k, j)),
        "prior_variance": rng.uniform(0.2, 3.0, (k, j)),
    }


def _in_code(arrays: dict[str, Any]) -> np.ndarray:
    """The same objective by the functions that train the model."""
    import torch

    from dgm.maths.distributions import bernoulli_log_prob
    from dgm.models import vade

    tensors = {name: torch.from_numpy(values) for name, values in arrays.items()}
    prior = vade.Prior(tensors["pi"].log(), tensors["prior_mean"], tensors["prior_variance"].log())
    reconstruction = bernoulli_log_prob(tensors["x"], torch.logit(tensors["mu_x"]))
    terms = vade.bound_terms(reconstruction, tensors["gamma"].log(), tensors["mean"], tensors["variance"].log(), prior)
    return np.asarray(terms.bound.numpy())


def _same_draw() -> float:
    """Mean over z ~ q(z|x) of the objective with gamma = p(c|z); its other expectations by quadrature too."""
    given = [_code_mean(lambda z, c=c: math.log(_normal(z, EXAMPLE.means[c], EXAMPLE.variances[c]))) for c in (0, 1)]  # type: ignore[misc]
    own = _code_mean(lambda z: math.log(_code(z)))

    def value(z: float) -> float:
        gamma = [_posterior(z, c) for c in (0, 1)]
        return math.log(_pixel(EXAMPLE.x, z)) + sum(
            share * (given[c] + math.log(EXAMPLE.weights[c] / share)) for c, share in enumerate(gamma)
        )

    return _code_mean(value) - own


def _same_draw_in_code(noise: np.ndarray) -> np.ndarray:
    """The same objective draw by draw, by the functions that train the model."""
    import torch

    from dgm.models import vade

    given = (EXAMPLE.weights, EXAMPLE.means, EXAMPLE.variances)
    weights, means, variances = (torch.tensor(values, dtype=torch.float64) for values in given)
    prior = vade.Prior(weights.log(), means[:, None], variances.log()[:, None])
    mean = torch.full((len(noise), 1), EXAMPLE.q_mean, dtype=torch.float64)
    log_variance = torch.full_like(mean, math.log(EXAMPLE.q_variance))
    z = mean + math.sqrt(EXAMPLE.q_variance) * torch.from_numpy(noise)[:, None]
    reconstruction = torch.nn.functional.logsigmoid(EXAMPLE.slope * z[:, 0] + EXAMPLE.intercept)
    terms = vade.bound_terms(reconstruction, vade.log_responsibilities(z, prior), mean, log_variance, prior)
    return np.asarray(terms.bound.numpy())


@question("dgm-3-5")
def dgm_3_5(evidence: Evidence) -> Iterable[Claim | Finding]:
    """The closed objective."""
    yield Claim(
        "objective-equals-five-expectations",
        "the closed form equals the five expectations",
        "quadrature",
        EXAMPLE.bound(GIVEN),
        _five_terms(GIVEN[0]),
        1e-9,
    )
    yield Claim(
        "bound-of-example", "value of the closed form in the example", "quadrature", -2.9619850728, _five_terms(GIVEN[0]), 1e-9
    )
    largest = max(float(np.abs(_formula(a) - _in_code(a)).max()) for a in map(_random_inputs, range(5)))
    yield Claim(
        "objective-in-code-error", "the objective in code is this formula, largest difference", "closed form", 0.0, largest, 1e-6
    )
    rng = np.random.default_rng(1)
    noise = rng.standard_normal(DRAWS)
    logit = EXAMPLE.slope * (EXAMPLE.q_mean + math.sqrt(EXAMPLE.q_variance) * noise) + EXAMPLE.intercept
    first = -np.logaddexp(0, -logit)
    exact = _code_mean(lambda z: math.log(_pixel(EXAMPLE.x, z)))
    error = 4 * float(first.std()) / DRAWS**0.5
    yield Claim(
        "mean-of-one-draw-estimates",
        "the mean of many one-draw estimates of the first term",
        "Monte Carlo",
        exact,
        float(first.mean()),
        error,
    )
    scatter = math.sqrt(_code_mean(lambda z: (math.log(_pixel(EXAMPLE.x, z)) - exact) ** 2))
    statement = "standard deviation of the right side with one draw, $L=1$, in the example"
    yield Claim("one-draw-deviation", statement, "Monte Carlo", scatter, float(first.std()), 0.01, published=0.0)
    few = first.reshape(-1, 10).mean(1)
    yield Claim(
        "variance-ratio-ten-draws",
        "ten draws divide the variance of the estimate by ten",
        "Monte Carlo",
        0.1,
        float(few.var() / first.var()),
        0.005,
    )
    draws, mean = _same_draw_in_code(noise), _same_draw()
    statement = "mean of the right side when the draw that is decoded gives the responsibilities too"
    yield Claim("mean-with-shared-draw", statement, "Monte Carlo", float(draws.mean()), mean, 4 * float(draws.std()) / DRAWS**0.5)
    best = EXAMPLE.bound(EXAMPLE.geometric())
    yield holds(
        "shared-draw-below-geometric-bound",
        "this mean lies below the bound of the geometric distribution",
        "quadrature",
        mean < best,
    )
    parts = {name: evidence.metric(RUN, f"grey_{name}") for name in ("bound", "reconstruction", "prior", "assignment", "entropy")}
    total = sum(parts[name] for name in ("reconstruction", "prior", "assignment", "entropy"))
    # means of float32 numbers of a few hundred nats, each rounded at the fifth decimal
    yield Claim(
        "trained-terms-sum", "trained model: the four terms add up to its score", "recomputation", parts["bound"], total, 1e-3
    )
    yield from _scores(evidence)
    yield from _clusters(evidence)


def _scores(evidence: Evidence) -> Iterable[Finding]:
    """The objective of the trained model: on other images, from another start, and over the epochs of the third phase."""
    values, without = (evidence.evaluations(run)["grey_bound_test"] for run in (RUN, RANDOM_START))
    train, test = (evidence.measured(RUN, "grey_bound", split) for split in ("train", "test"))
    gap = Measured(train.value - test.value, math.hypot(train.stderr, test.stderr), test.n, "nats")
    yield Finding("better-on-training-images", "score of training images minus score of test images", gap, above=0.0)
    statement = "score of test images: with the start from clustered codes minus from a random start"
    yield Finding("score-above-random-start", statement, paired(values, without), above=0.0)
    curves, n = _curves(evidence), min(CURVE_IMAGES, len(values))
    # the curve has means only: the error is that of two means over different images, larger than that of their differences
    error = float(np.std(values, ddof=1)) * math.sqrt(2 / n)
    rise = Measured(float(curves["bound"][-1] - curves["bound"][0]), error, n, "nats")
    yield Finding(
        "third-phase-raises-score", "score of test images: at the end minus at the start of the third phase", rise, above=0.0
    )
    first, last = (float(curves["clustering_accuracy"][at]) for at in (0, -1))
    change = Measured(last - first, math.sqrt((first * (1 - first) + last * (1 - last)) / n), n, "share")
    statement = "accuracy of the clusters gained in the third phase; one digit found or lost makes a tenth"
    yield Finding("third-phase-finds-no-digit", statement, change, below=0.1)


def _nats(measured: Measured) -> Measured:
    return Measured(measured.value, measured.stderr, measured.n, "nats")


def _curves(evidence: Evidence) -> dict[str, np.ndarray]:
    """The points of the third phase on test images, by term."""
    history = evidence.history(RUN).query("split == 'test'").sort_values("epoch")
    return {term: history[history["term"] == term]["value"].to_numpy() for term in ("bound", "clustering_accuracy")}


def _clusters(evidence: Evidence) -> Iterable[Finding]:
    """Agreement of the clusters with the digits, against other methods on the same test images."""
    labels = evidence.images()["test_labels"]
    found = {run: evidence.evaluations(run)["clusters_test"] for run in (RUN, RANDOM_START, PIXELS)}
    own = found[RUN]

    def gain(digits: np.ndarray, ours: np.ndarray, theirs: np.ndarray) -> float:
        return normalised_mutual_information(digits, ours) - normalised_mutual_information(digits, theirs)

    shared = measurements.bootstrapped(gain, labels, own, found[PIXELS], seed=0)
    statement = "normalised mutual information of clusters and digits: mixture prior minus k-means on pixels"
    yield Finding("information-above-pixels", statement, shared, above=0.0)
    right = {run: _right(labels, clusters) for run, clusters in found.items()}
    statement = "accuracy of the clusters: mixture prior minus k-means on pixels"
    yield Finding("accuracy-above-pixels", statement, paired(right[RUN], right[PIXELS], "share"), above=0.0)
    statement = "accuracy of the clusters: with the start from clustered codes minus from a random start"
    yield Finding("accuracy-above-random-start", statement, paired(right[RUN], right[RANDOM_START], "share"), above=0.0)
    smallest = evidence.measured(RUN, "smallest_cluster")
    yield Finding("every-cluster-used", "share of test images in the smallest cluster", smallest, above=0.01)
    lost = measurements.bootstrapped(_lost_digits, labels, own, seed=0)
    yield Finding("a-digit-without-cluster", "digits that are the majority of no cluster", lost, above=0.5)
    sizes = {int(cluster): int(np.sum(own == cluster)) for cluster in np.unique(own)}
    purity = {k: np.bincount(labels[own == k]).max() / size for k, size in sizes.items() if size > 1}  # one image has no error
    inside = labels[own == min(purity, key=lambda k: purity[k])]
    majority = frequency(inside == np.bincount(inside).argmax())
    others = Measured(1 - majority.value, majority.stderr, majority.n, "share")
    yield Finding("a-mixed-cluster", "share of other digits than the majority digit in the most mixed cluster", others, above=0.5)


def _right(labels: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """For each image whether its cluster is the one that the best one-to-one matching of all images gives to its digit."""
    from scipy.optimize import linear_sum_assignment

    table = np.zeros((int(clusters.max()) + 1, int(labels.max()) + 1), dtype=np.int64)
    np.add.at(table, (clusters, labels), 1)
    rows, columns = linear_sum_assignment(-table)
    digit = np.full(len(table), -1)
    digit[rows] = columns
    return np.asarray(digit[clusters] == labels, dtype=np.float64)


def _lost_digits(labels: np.ndarray, clusters: np.ndarray) -> float:
    """How many of the digits are not the most frequent one of any cluster."""
    named = {int(np.bincount(labels[clusters == cluster]).argmax()) for cluster in np.unique(clusters)}
    return float(len(np.unique(labels)) - len(named))
