"""Claims about two ways to estimate a bound, and about a bound without an encoder.

``stated`` comes from the formulas of :mod:`dgm.maths.gradient_estimators` and :mod:`dgm.maths.variational_bounds`, or is a number
of an answer's text; ``found`` from symbolic moments, Monte Carlo with draws of its own, and optimisation of decoders and
encoders.
"""

import functools
import math
from collections.abc import Iterable
from typing import Any, cast

import numpy as np

from dgm.claims.claim import Claim, holds
from dgm.claims.evidence import Evidence
from dgm.claims.registry import question
from dgm.maths import gradient_estimators, variational_bounds

from ..demonstrations import bound_estimators

__all__: list[str] = []

DRAWS = 1_000_000
PIXELS = np.array([[0.0, 0.0], [1.0, 1.0]])
"""The two images of the example, each with probability 1/2."""


def _log_normal(x: np.ndarray | float, mean: np.ndarray | float, variance: float) -> np.ndarray:
    return np.asarray(-0.5 * (np.asarray(x) - mean) ** 2 / variance - 0.5 * math.log(2 * math.pi * variance))


def _forms() -> tuple[Any, ...]:
    """Both single-draw estimators in full, of z = m + sqrt(v) e at x, with their symbols (x, m, v, e)."""
    import sympy

    x, m, e = sympy.symbols("x m e", real=True)
    v = sympy.Symbol("v", positive=True)
    z = m + sympy.sqrt(v) * e

    def log_normal(at: Any, mean: Any, variance: Any) -> Any:
        return -((at - mean) ** 2) / (2 * variance) - sympy.log(2 * sympy.pi * variance) / 2

    reconstruction = log_normal(x, z, 1)
    first = reconstruction - (v + m**2 - 1 - sympy.log(v)) / 2
    return first, reconstruction + log_normal(z, 0, 1) - log_normal(z, m, v), (x, m, v, e)


def _moments(expression: Any, e: Any) -> tuple[Any, Any]:
    """Mean and variance of a polynomial in a standard normal e, from its moments 1, 0, 1, 0, 3, 0, 15 .."""
    import sympy

    def moment(polynomial: Any) -> Any:
        terms = sympy.Poly(sympy.expand(polynomial), e).terms()
        return sum(c * (sympy.factorial2(k - 1) if k else 1) for (k,), c in terms if k % 2 == 0)

    mean = moment(expression)
    return sympy.simplify(mean), sympy.simplify(moment((expression - mean) ** 2))


@functools.cache
def _symbolic_variances() -> Any:
    """Variances of both forms as functions of (x, mean, variance)."""
    import sympy

    *forms, (x, m, v, e) = _forms()
    return [sympy.lambdify((x, m, v), _moments(form, e)[1]) for form in forms]


def _symbolic_gradients() -> Iterable[Claim]:
    """Means and variances of both forms' gradients at fixed noise, for every x, mean and variance of q."""
    import sympy

    first, second, (_, m, v, e) = _forms()
    means = [_moments(form, e)[0] for form in (first, second)]
    equal = sympy.simplify(means[0] - means[1]) == 0
    yield holds("expectations-equal", "the two expectations are equal for every x and q", "symbolic", bool(equal))
    for name, parameter in (("mean", m), ("variance", v)):
        found = [_moments(sympy.diff(form, parameter), e) for form in (first, second)]
        equal = sympy.simplify(found[0][0] - found[1][0]) == 0
        statement = f"the expected gradients in the {name} of q are equal for every x and q"
        yield holds(f"expected-{name}-gradients-equal", statement, "symbolic", bool(equal))
        if parameter is m:
            for form, factor in ((1, 1.0), (2, 4.0)):
                ratio = float(sympy.simplify(found[form - 1][1] / v))
                statement = f"variance of the gradient of form {form} in the mean, as a multiple of sigma^2"
                yield Claim(f"gradient-variance-form-{form}", statement, "symbolic", factor, ratio)


@question("vaegan-1e")
def vaegan_1e(evidence: Evidence) -> Iterable[Claim]:
    """Variances of both forms at two q, and the mean they share."""
    cases = {"the posterior N(1/2, 1/2)": ("posterior", 0.5, 0.5, (0.25, 0.0)), "N(2, 1)": ("far", 2.0, 1.0, (1.5, 9.5))}
    rng = np.random.default_rng(10)
    for name, (case, mean, variance, stated) in cases.items():
        formula = gradient_estimators.bound_variances(1.0, mean, math.sqrt(variance))
        z = mean + math.sqrt(variance) * rng.standard_normal(DRAWS)
        reconstruction = _log_normal(1.0, z, 1.0)
        divergence = 0.5 * (variance + mean**2 - 1 - math.log(variance))
        draws = (reconstruction - divergence, reconstruction + _log_normal(z, 0, 1) - _log_normal(z, mean, variance))
        for form, symbolic in enumerate(_symbolic_variances()):
            exact = float(symbolic(1.0, mean, variance))
            yield Claim(
                f"variance-form-{form + 1}-{case}", f"variance of form {form + 1} at {name}", "symbolic", stated[form], exact, 1e-12
            )
            yield Claim(
                f"formula-form-{form + 1}-{case}",
                f"the formula for form {form + 1} at {name}",
                "symbolic",
                formula[form],
                exact,
                1e-12,
            )
            sampled = draws[form].var()
            error = 4 * float(((draws[form] - draws[form].mean()) ** 2).std()) / math.sqrt(DRAWS) + 1e-12
            yield Claim(
                f"sampled-variance-form-{form + 1}-{case}",
                f"variance of {DRAWS:,} draws of form {form + 1} at {name}",
                "Monte Carlo",
                stated[form],
                float(sampled),
                error,
            )
        apart = draws[0] - draws[1]
        error = 4 * float(apart.std()) / math.sqrt(DRAWS)
        yield Claim(f"means-apart-{case}", f"difference of the two means at {name}", "Monte Carlo", 0.0, float(apart.mean()), error)
        made = gradient_estimators.bound_draws(1.0, mean, math.sqrt(variance), np.linspace(-3, 3, 7))
        z = mean + math.sqrt(variance) * np.linspace(-3, 3, 7)
        again = (
            _log_normal(1.0, z, 1.0) - divergence,
            _log_normal(1.0, z, 1) + _log_normal(z, 0, 1) - _log_normal(z, mean, variance),
        )
        worst = float(np.abs(np.array(made) - np.array(again)).max())
        yield Claim(f"draws-error-{case}", f"draws of the demonstration at {name}, largest error", "closed form", 0.0, worst, 1e-12)
    log_p = float(_log_normal(1.0, 0.0, 2.0))
    at_posterior = float(np.ptp(gradient_estimators.bound_draws(1.0, 0.5, math.sqrt(0.5), rng.standard_normal(1000))[1]))
    yield Claim("spread-at-posterior", "spread of form 2 at the posterior", "Monte Carlo", 0.0, at_posterior, 1e-12)
    constant = float(gradient_estimators.bound_draws(1.0, 0.5, math.sqrt(0.5), np.array([1.7]))[1][0])
    yield Claim("constant-at-posterior", "its constant value is log p(x)", "closed form", log_p, constant, 1e-12)
    noisier = [float(symbolic(1.0, 2.0, 1.0)) for symbolic in _symbolic_variances()]
    yield Claim(
        "noise-ratio-far", "how many times noisier form 2 is at N(2, 1)", "symbolic", 9.5 / 1.5, noisier[1] / noisier[0], 1e-12
    )
    yield from _symbolic_gradients()
    shown = [
        evidence.metric("bound_estimators", "variance", f"{case}_form_{form}") for case in bound_estimators.CASES for form in (1, 2)
    ]
    worst = max(abs(a - b) for a, b in zip(shown, (0.25, 0.0, 1.5, 9.5), strict=True))
    yield Claim("table-variances-error", "the table shows these variances", "closed form", 0.0, worst, 1e-12)
    for case, bound in (("posterior", log_p), ("far", -3.9189385332)):
        exact = evidence.metric("bound_estimators", "bound", f"{case}_form_1")
        yield Claim(f"table-bound-{case}", f"the bound in the table, {case}", "closed form", bound, exact, 1e-9)


@question("vaegan-1f")
def vaegan_1f(evidence: Evidence) -> Iterable[Claim]:
    """Two pixels that are equal: the best bound without an encoder, with a Gaussian one, and with a latent bit."""
    from scipy.optimize import minimize

    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    weights = weights / weights.sum()

    def log_p(logits: np.ndarray, image: np.ndarray) -> np.ndarray:
        """log p(x | z) for logits [z, 2]."""
        return cast(np.ndarray, -np.logaddexp(0, np.where(image > 0, -logits, logits)).sum(1))

    def without_encoder(theta: np.ndarray) -> float:
        logits = theta[:2] + nodes[:, None] * theta[2:]
        return -0.5 * sum(float(weights @ log_p(logits, image)) for image in PIXELS)

    rng = np.random.default_rng(0)
    ends = [minimize(without_encoder, rng.normal(scale=2, size=4), method="BFGS") for _ in range(5)]
    best = -min(end.fun for end in ends)
    formula = variational_bounds.constant_code_bound(PIXELS)
    yield Claim("best-bound-without-encoder", "best bound with q = N(0, I), per image", "optimisation", -1.3862943611, best, 1e-8)
    yield Claim(
        "formula-without-encoder", "the formula: minus the entropies of the pixels' means", "optimisation", formula, best, 1e-8
    )
    yield Claim(
        "dependence-on-code",
        "the best decoder's dependence on z",
        "optimisation",
        0.0,
        max(float(np.abs(end.x[2:]).max()) for end in ends),
        1e-3,
    )
    outputs = 1 / (1 + np.exp(-ends[0].x[:2]))
    yield Claim(
        "distance-from-marginal-means",
        "it outputs the marginal means, 1/2",
        "optimisation",
        0.0,
        float(np.abs(outputs - 0.5).max()),
        1e-3,
    )
    unequal = np.array([[0.0, 0.0], [1.0, 1.0], [1.0, 0.0], [1.0, 1.0], [1.0, 1.0]])
    direct = minimize(
        lambda a: -sum(float(log_p(a[None], image)[0]) for image in unequal) / 5, np.zeros(2), method="BFGS", options={"gtol": 1e-9}
    )
    formula = variational_bounds.constant_code_bound(unequal)
    yield Claim(
        "formula-unequal-means",
        "the same formula for five images with unequal means",
        "optimisation",
        formula,
        -float(direct.fun),
        1e-8,
    )

    # a latent bit: p(z) = 1/2 each, q(z | x) free, decoder free
    def with_bit(theta: np.ndarray) -> float:
        logits, q = theta[:4].reshape(2, 2), 1 / (1 + np.exp(-theta[4:]))
        value = 0.0
        for image, share in zip(PIXELS, q, strict=True):
            law = np.array([1 - share, share])
            value += 0.5 * float(law @ (log_p(logits, image) + math.log(0.5) - np.log(np.clip(law, 1e-300, 1))))
        return -value

    start = np.array([-1.0, -0.5, 0.5, 1.0, -1.0, 1.0])
    end = minimize(
        with_bit, start, method="L-BFGS-B", bounds=[(-18, 18)] * 6, options={"ftol": 1e-15, "gtol": 1e-10, "maxiter": 5000}
    )
    yield Claim(
        "best-bound-latent-bit", "best bound with a latent bit, per image", "optimisation", -0.6931471806, -float(end.fun), 1e-5
    )
    yield Claim(
        "formula-latent-bit",
        "the formula: minus the entropy of the images",
        "optimisation",
        variational_bounds.code_bound(PIXELS),
        -float(end.fun),
        1e-5,
    )
    gain = variational_bounds.code_bound(PIXELS) - variational_bounds.constant_code_bound(PIXELS)
    yield Claim("gain-of-code", "what the code gains", "optimisation", gain, best * -1 - float(end.fun), 1e-5)

    yield from _with_gaussian_encoder()


def _with_gaussian_encoder() -> Iterable[Claim]:
    """The same with a Gaussian encoder and a logistic decoder: found with the symmetry of the two images, and without it."""
    from scipy.optimize import minimize

    e = np.linspace(-9, 9, 2001)
    density = np.exp(-0.5 * e**2) / math.sqrt(2 * math.pi)

    def symmetric(theta: np.ndarray) -> float:
        """Minus the bound of q = N(+-m, s^2), whose decoder has one slope and no offset."""
        mean, sd, slope = theta[0], math.exp(theta[1]), math.exp(theta[2])
        lost = float(np.trapezoid(density * 2 * np.logaddexp(0, -slope * (mean + sd * e)), e))
        return float(lost + 0.5 * (sd**2 + mean**2 - 1) - math.log(sd))

    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()

    def free(theta: np.ndarray) -> float:
        """Minus the bound when each image has a mean and width of its own, each pixel a slope and an offset."""
        lost = 0.0
        for image, mean, log_sd in zip(PIXELS, theta[:2], theta[2:4], strict=True):
            z = mean + math.exp(log_sd) * nodes
            logits = theta[4:6] + z[:, None] * theta[6:8]
            lost += 0.5 * float(weights @ np.logaddexp(0, np.where(image > 0, -logits, logits)).sum(1))
            lost += 0.5 * (0.5 * (math.exp(2 * log_sd) + mean**2 - 1) - log_sd)
        return lost

    options = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000}
    gaussian = minimize(symmetric, np.array([1.0, -0.5, 1.0]), method="Nelder-Mead", options=options)
    best = -float(gaussian.fun)
    rng = np.random.default_rng(3)
    again = max(-float(minimize(free, rng.normal(size=8), method="BFGS").fun) for _ in range(4))
    yield Claim(
        "best-bound-gaussian-encoder",
        "best bound with a Gaussian encoder and a logistic decoder",
        "optimisation",
        again,
        best,
        1e-5,
    )
    between = variational_bounds.constant_code_bound(PIXELS) < best < variational_bounds.code_bound(PIXELS)
    yield holds("gaussian-bound-between", "it lies between the other two", "optimisation", between)
    # the gap of the encoder-free bound for that decoder: D(N(0, 1) || p(z | x)), by quadrature
    slope = math.exp(float(gaussian.x[2]))
    z = np.linspace(-10, 10, 8001)
    prior = np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    log_x = -2 * np.logaddexp(0, -slope * z)
    log_p = math.log(float(np.trapezoid(prior * np.exp(log_x), z)))
    posterior = np.log(prior) + log_x - log_p
    gap = float(np.trapezoid(prior * (np.log(prior) - posterior), z))
    # the same from log p(x) and the bound, each the mean over a million draws from the prior
    draws = -2 * np.logaddexp(0, -slope * rng.standard_normal(DRAWS))
    chances = np.exp(draws)
    errors = 5 * float(chances.std() / chances.mean()) / math.sqrt(DRAWS), 5 * float(draws.std()) / math.sqrt(DRAWS)
    sampled = math.log(chances.mean())
    yield Claim(
        "log-likelihood-fitted-decoder",
        "log-likelihood of an image under the decoder just fitted",
        "Monte Carlo",
        log_p,
        sampled,
        errors[0],
    )
    between = best < log_p < -math.log(2)
    yield holds("log-likelihood-between", "it lies between the bound and -log 2", "quadrature", between)
    statement = "log p(x) minus the bound with q = p(z) for the decoder just fitted is D(p(z) || p(z|x))"
    yield Claim("gap-at-prior", statement, "Monte Carlo", gap, sampled - float(draws.mean()), sum(errors))
