"""Claims about the evidence lower bound: its gap, its name, and when it is tight.

``stated`` comes from the formulas of :mod:`dgm.maths.divergences` and :mod:`dgm.maths.variational_bounds`, or is a number of an
answer's text; ``found`` from enumeration, quadrature, searches over distributions, optimisation and the weights of a trained
model.
"""

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np

from dgm.claims.claim import Claim, holds
from dgm.claims.evidence import Evidence
from dgm.claims.registry import question
from dgm.maths import divergences, variational_bounds

__all__: list[str] = []

PRIOR = (Fraction(1, 10), Fraction(3, 10), Fraction(3, 5))
LIKELIHOOD = (Fraction(1, 2), Fraction(3, 5), Fraction(1, 10))
"""p(z) for three values of z, and p(x | z) at the given x; the joint is (0.05, 0.18, 0.06)."""

JOINT = tuple(a * b for a, b in zip(LIKELIHOOD, PRIOR, strict=True))
EVIDENCE = sum(JOINT)
Q = (0.2, 0.5, 0.3)
LAWS = 2000
DRAWS = 1_000_000
RUN = "vae_mlp"
NODES = 24  # of the Gauss-Hermite rule in each of two dimensions
IMAGES = 20


def _bound(q: Iterable[float]) -> float:
    """Sum of q log(joint / q), term by term."""
    return math.fsum(weight * math.log(float(joint) / weight) for weight, joint in zip(q, JOINT, strict=True) if weight > 0)


def _divergence(q: Iterable[float], p: Iterable[Fraction | float]) -> float:
    """Sum of q log(q / p), term by term; ``p`` need not sum to one."""
    return math.fsum(a * math.log(a / float(b)) for a, b in zip(q, p, strict=True) if a > 0)


def _posterior() -> list[float]:
    return [float(joint / EVIDENCE) for joint in JOINT]


def _laws() -> np.ndarray:
    return np.random.default_rng(13).dirichlet(np.ones(3), size=LAWS)


def _formula(q: Iterable[float]) -> float:
    """The bound by :func:`dgm.maths.variational_bounds.discrete_bound`."""
    joint = np.log([[float(value) for value in JOINT]])
    return float(variational_bounds.discrete_bound(joint, np.array([list(q)]))[0])


@question("elbo-2a")
def elbo_2a(evidence: Evidence) -> Iterable[Claim]:
    """The bound and its gap on three values of z, for a Gaussian model, and on images."""
    log_p, bound = math.log(EVIDENCE), _bound(Q)
    gap = _divergence(Q, _posterior())
    yield Claim("log-evidence", "$\\log p(x)=\\log0.29$ of the example", "exact rationals", -1.2378743560016174, log_p, 1e-12)
    yield Claim("bound-of-example", "the bound at $q=(0.2,0.5,0.3)$", "enumeration", _formula(Q), bound, 1e-12)
    yield Claim("bound-to-ten-decimals", "its value to ten decimals", "enumeration", -1.2709158697, bound, 1e-10)
    yield Claim(
        "divergence-from-posterior",
        "the divergence from the posterior",
        "enumeration",
        divergences.kl_discrete(Q, _posterior()),
        gap,
        1e-12,
    )
    yield Claim("bound-plus-divergence", "bound and divergence add up to $\\log p(x)$", "enumeration", log_p, bound + gap, 1e-12)
    reconstruction = math.fsum(a * math.log(b) for a, b in zip(Q, LIKELIHOOD, strict=True))
    from_prior = _divergence(Q, PRIOR)
    yield Claim(
        "reconstruction-term", "reconstruction term of the example", "enumeration", _formula(Q) + from_prior, reconstruction, 1e-12
    )
    stated = divergences.kl_discrete(Q, [float(value) for value in PRIOR])
    yield Claim("divergence-from-prior", "divergence from the prior of the example", "enumeration", stated, from_prior, 1e-12)
    highest = max(_bound(law) for law in _laws())
    yield Claim(
        "random-bound-exceeds-evidence",
        f"the bound exceeds $\\log p(x)$ for one of {LAWS} random $q$",
        "Monte Carlo",
        stated=False,
        found=highest > log_p,
    )
    x, scale, mean, sd = 2.0, 1.7, 0.4, 0.8
    z = np.linspace(mean - 12 * sd, mean + 12 * sd, 4001)
    log_q = -0.5 * ((z - mean) / sd) ** 2 - math.log(sd * math.sqrt(2 * math.pi))
    log_joint = -0.5 * (x - scale * z) ** 2 - 0.5 * z**2 - math.log(2 * math.pi)
    value = float(np.trapezoid(np.exp(log_q) * (log_joint - log_q), z))
    stated = divergences.elbo_scaled_gaussian(x, scale, mean, sd)
    yield Claim(
        "gaussian-bound-two-terms",
        "the two-term form for a Gaussian model against the integral of the bound",
        "quadrature",
        stated,
        value,
        1e-9,
    )
    stated = divergences.elbo_linear_gaussian(x, mean, sd)
    yield Claim(
        "gaussian-bound-scale-one", "the same at scale 1", "quadrature", stated, value + _scale_change(z, log_q, x, scale), 1e-9
    )

    bounds, spread, exact, sampled = _images(evidence)
    change = evidence.measured(RUN, "quadrature_change")  # mean change over n images when the grid was refined the last time
    above = max(0.0, float((bounds - exact).max()))
    statement = f"largest amount by which the bound of one of {IMAGES} test images of `vae_mlp` exceeds its log-likelihood"
    yield Claim("image-bound-excess", statement, "recomputation", 0.0, above, change.n * change.value + 1e-3)
    error = 6 * math.sqrt(float(spread.sum()) / 100) / IMAGES + 1e-3
    statement = f"mean bound of these {IMAGES} images: draws against a Gauss-Hermite rule"
    yield Claim("mean-bound-of-images", statement, "Monte Carlo", float(sampled.mean()), float(bounds.mean()), error)


def _scale_change(z: np.ndarray, log_q: np.ndarray, x: float, scale: float) -> float:
    """Expectation under q of log p(x | z) at scale 1 minus that at ``scale``."""
    return float(np.trapezoid(np.exp(log_q) * (0.5 * (x - scale * z) ** 2 - 0.5 * (x - z) ** 2), z))


def _images(evidence: Evidence) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Of the first test images: bound by a product rule, variance of one draw of log p(x | z), and what was measured:
    log-likelihood by a grid, bound from 100 draws."""
    import torch

    from dgm.models import load_model

    measured = evidence.evaluations(RUN)
    model: Any = load_model(evidence.model_path(RUN)).double()
    x = measured["exact_images"][:IMAGES].astype(np.float64)
    places, weights = np.polynomial.hermite_e.hermegauss(NODES)
    noise = np.stack(np.meshgrid(places, places), axis=-1).reshape(-1, 2)
    share = np.outer(weights, weights).reshape(-1) / (2 * math.pi)
    with torch.no_grad():
        posterior = model.encode(torch.tensor(x))
        mean, sd = posterior.mean.numpy(), np.exp(posterior.log_diagonal.numpy())
        means, spreads = [], []
        for image, m, s in zip(x, mean, sd, strict=True):
            logits = model.decoder.logits(torch.tensor(m + s * noise)).numpy()
            values = -np.logaddexp(0, (1 - 2 * image) * logits).sum(1)
            means.append(float(share @ values))
            spreads.append(float(share @ values**2) - means[-1] ** 2)
    divergence = 0.5 * (sd**2 + mean**2 - 1 - np.log(sd**2)).sum(1)
    return (
        np.array(means) - divergence,
        np.array(spreads),
        measured["exact_log_likelihood"][:IMAGES],
        measured["exact_bound"][:IMAGES],
    )


@question("elbo-2b")
def elbo_2b(evidence: Evidence) -> Iterable[Claim]:
    """What is bounded, and why an empirical value of the bound would bound nothing."""
    log_p = math.log(EVIDENCE)
    total = math.fsum(float(a * b) for a, b in zip(LIKELIHOOD, PRIOR, strict=True))
    yield Claim("evidence-of-example", "the evidence $p(x)$ of the example, summed over $z$", "enumeration", 0.29, total, 1e-12)
    single = [math.log(float(joint) / weight) for joint, weight in zip(JOINT, Q, strict=True)]
    for place, (value, stated) in enumerate(zip(single, (0.25, 0.36, 0.2), strict=True), start=1):
        yield Claim(
            f"log-ratio-at-z-{place}", f"$\\log(p(x,z)/q(z))$ at $z={place}$", "closed form", math.log(stated), value, 1e-12
        )
    below = math.fsum(weight for weight, value in zip(Q, single, strict=True) if value <= log_p)
    yield Claim(
        "probability-draw-stays-below",
        "probability that one draw stays below $\\log p(x)$",
        "enumeration",
        0.5,
        below,
        1e-12,
        published=1.0,
    )
    expected = math.fsum(weight * value for weight, value in zip(Q, single, strict=True))
    yield Claim("expectation-of-one-draw", "expectation of one draw: the bound itself", "enumeration", _formula(Q), expected, 1e-12)
    z = np.random.default_rng(17).choice(3, size=DRAWS, p=Q)
    draws = np.array(single)[z]
    error = 4 * float(draws.std()) / math.sqrt(DRAWS)
    yield Claim("mean-of-draws", f"mean of {DRAWS:,} draws", "Monte Carlo", _formula(Q), float(draws.mean()), error)


@question("elbo-2c")
def elbo_2c(evidence: Evidence) -> Iterable[Claim]:
    """Equality at the posterior only; the published condition; what a family without the posterior does to a parameter."""
    log_p, posterior = math.log(EVIDENCE), _posterior()
    likelihood, prior = ([float(value) for value in law] for law in (LIKELIHOOD, PRIOR))
    stated = variational_bounds.discrete_maximiser(np.array(likelihood), np.array(prior))
    for place, share in enumerate((5, 18, 6)):
        yield Claim(
            f"posterior-at-z-{place + 1}",
            f"posterior of $z={place + 1}$: ${share}/29$",
            "enumeration",
            share / 29,
            float(stated[place]),
            1e-12,
        )
    yield Claim(
        "bound-at-posterior",
        "the bound at the posterior is $\\log0.29$",
        "enumeration",
        log_p,
        _bound([share / 29 for share in (5, 18, 6)]),
        1e-12,
    )
    gaps = np.array([log_p - _bound(law) for law in _laws()])
    yield holds("gap-positive-elsewhere", f"the gap is positive for {LAWS} other $q$", "Monte Carlo", bool(gaps.min() > 0))
    formula = np.array([divergences.kl_discrete(law, posterior) for law in _laws()])
    off = float(np.abs(gaps - formula).max())
    yield Claim("gap-minus-divergence", "it is the divergence from the posterior, largest error", "enumeration", 0.0, off, 1e-12)
    yield Claim(
        "gap-of-example",
        "the gap at $q=(0.2,0.5,0.3)$",
        "enumeration",
        divergences.kl_discrete(Q, posterior),
        log_p - _bound(Q),
        1e-12,
    )
    yield Claim(
        "gap-at-posterior",
        "the gap at the posterior",
        "enumeration",
        0.0,
        log_p - _bound(posterior),
        1e-12,
        published=_divergence(posterior, LIKELIHOOD),
    )
    yield Claim("sum-of-likelihoods", "sum of $p(x\\mid z)$ over $z$", "exact rationals", 1.2, float(sum(LIKELIHOOD)), 1e-12)
    normalised = [float(value / sum(LIKELIHOOD)) for value in LIKELIHOOD]
    stated_gap = divergences.kl_discrete(normalised, posterior)
    yield Claim(
        "gap-at-normalised-likelihood",
        "the gap at the normalised likelihood",
        "enumeration",
        stated_gap,
        log_p - _bound(normalised),
        1e-12,
        published=0.0,
    )
    yield Claim(
        "gap-at-prior",
        "the gap at the prior",
        "enumeration",
        divergences.kl_discrete(prior, posterior),
        log_p - _bound(prior),
        1e-12,
    )
    flat = [value / sum(likelihood) for value in likelihood]
    off = max(
        abs(a - b) for a, b in zip(flat, variational_bounds.discrete_maximiser(np.array(likelihood), np.ones(3) / 3), strict=True)
    )
    yield Claim(
        "flat-prior-posterior-error",
        "under a flat prior the posterior is the normalised likelihood",
        "enumeration",
        0.0,
        off,
        1e-12,
    )
    yield from _scaled()
    yield from _drawn(evidence)


def _log_evidence(x: float, scale: float) -> float:
    """Log of the integral of N(x; scale z, 1) N(z; 0, 1) over z, by the trapezoidal rule."""
    z = np.linspace(-14, 14, 4001)
    return math.log(float(np.trapezoid(np.exp(-0.5 * (x - scale * z) ** 2 - 0.5 * z**2), z)) / (2 * math.pi))


def _scaled() -> Iterable[Claim]:
    """The model p(z) = N(0, 1), p(x | z) = N(scale z, 1) at x = 2."""
    from scipy.optimize import minimize, minimize_scalar

    x = 2.0
    for scale, word in ((0.5, "half"), (3.0, "three")):
        stated = divergences.elbo_scaled_gaussian(x, scale, *divergences.posterior_scaled_gaussian(x, scale))
        statement = f"$\\theta={scale:g}$: at the posterior the bound is $\\log p_\\theta(x)$"
        yield Claim(f"posterior-bound-scale-{word}", statement, "quadrature", stated, _log_evidence(x, scale), 1e-9)
    likeliest, restricted = divergences.best_scales(x)
    found = minimize_scalar(lambda scale: -_log_evidence(x, scale), bounds=(0.1, 5), method="bounded", options={"xatol": 1e-9})
    yield Claim("likeliest-scale", "the scale that maximises $\\log p_\\theta(x)$", "optimisation", likeliest, float(found.x), 1e-5)
    yield Claim("likeliest-scale-exact", "which is $\\sqrt3$", "optimisation", math.sqrt(3), float(found.x), 1e-5)

    def loss(at: np.ndarray) -> float:
        """Minus the bound for variance 1, written out."""
        scale, mean = float(at[0]), float(at[1])
        return 0.5 * math.log(2 * math.pi) + 0.5 * ((x - scale * mean) ** 2 + scale**2) + 0.5 * mean**2

    best = minimize(loss, x0=np.array([1.5, 0.8]), method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-14})
    yield Claim(
        "restricted-scale",
        "the scale that maximises the best bound with variance 1",
        "optimisation",
        restricted,
        float(best.x[0]),
        1e-5,
    )
    yield Claim("restricted-scale-exact", "which is 1", "optimisation", 1.0, float(best.x[0]), 1e-5)
    lost = _log_evidence(x, float(found.x)) - _log_evidence(x, float(best.x[0]))
    stated = 0.5 * (1 - math.log(2))  # -(log u + x^2 / u) / 2 at u = 4 minus that at u = 2
    yield Claim("log-evidence-lost", "log-evidence lost by maximising that bound instead", "optimisation", stated, lost, 1e-6)
    z = np.linspace(-14, 14, 4001)
    mean, sd = 1.0, math.sqrt(0.5)
    log_q, log_post = -0.5 * (z - 1.0) ** 2, -0.5 * ((z - mean) / sd) ** 2 - math.log(sd)
    gap = float(np.trapezoid(np.exp(log_q) * (log_q - log_post), z)) / math.sqrt(2 * math.pi)
    yield Claim(
        "gap-of-restricted-bound", "the gap of that bound at its best scale", "quadrature", 0.5 * (x - 1 - math.log(x)), gap, 1e-9
    )
    left = _log_evidence(x, 1.0) - divergences.elbo_scaled_gaussian(x, 1.0, 1.0, 1.0)
    yield Claim("evidence-minus-restricted-bound", "log-evidence minus that bound", "quadrature", left, gap, 1e-9)


def _drawn(evidence: Evidence) -> Iterable[Claim]:
    """The arrays behind the figure."""
    drawn = evidence.arrays("tight_bound")
    log_p = math.log(EVIDENCE)
    some = range(0, len(drawn["laws"]), 97)
    off = max(abs(log_p - _bound([float(v) for v in drawn["laws"][i]]) - drawn["gap"][i]) for i in some)
    yield Claim("drawn-gaps-error", "the drawn gaps over the triangle, largest error", "enumeration", 0.0, off, 1e-12)
    off = max(
        abs(log_p - _bound([float(v) for v in law]) - gap) for law, gap in zip(drawn["marks"], drawn["mark_gaps"], strict=True)
    )
    yield Claim("drawn-marks-error", "the four drawn marks, largest error of their gap", "enumeration", 0.0, off, 1e-12)
    line = np.array([_log_evidence(2.0, float(scale)) for scale in drawn["scale"]])
    off = float(np.abs(line - drawn["log_evidence"]).max())
    yield Claim("drawn-evidence-error", "the drawn log-evidence, largest error", "quadrature", 0.0, off, 1e-9)
    over = float(max((drawn["held"] - line).max(), (drawn["restricted"] - line).max()))
    yield Claim(
        "drawn-bound-above-evidence", "a drawn bound lies above the log-evidence", "quadrature", stated=False, found=over > 1e-9
    )
    touching = [float((line - held).min()) for held in drawn["held"]]
    yield Claim(
        "drawn-bounds-touch-distance", "the three drawn bounds touch it, largest distance", "quadrature", 0.0, max(touching), 1e-4
    )
    places = [float(drawn["scale"][(line - held).argmin()]) for held in drawn["held"]]
    off = float(np.abs(np.array(places) - drawn["touch"]).max())
    yield Claim("drawn-touch-place-error", "and do so where they are drawn to, largest distance", "quadrature", 0.0, off, 0.02)
