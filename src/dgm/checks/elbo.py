"""Claims of the elbo answers.

``expected`` comes from the formulas of :mod:`dgm.divergences` and :mod:`dgm.estimators`, or is a number of an answer's text;
``computed`` from symbolic integration and moments, quadrature and Monte Carlo with draws of its own.
"""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from dgm import divergences, estimators
from dgm.checks import Claim, Evidence, question

__all__: list[str] = []

DRAWS = 1_000_000


@question("elbo-4")
def elbo_4(evidence: Evidence) -> Iterable[Claim]:
    """Slopes of the divergence in the log-variance and in the variance, from its definition as an integral."""
    import sympy

    z, mu = sympy.symbols("z mu", real=True)
    v = sympy.Symbol("v", positive=True)
    s = sympy.Symbol("s", real=True)
    q = sympy.exp(-((z - mu) ** 2) / (2 * v)) / sympy.sqrt(2 * sympy.pi * v)
    ratio = -((z - mu) ** 2) / (2 * v) - sympy.log(v) / 2 + z**2 / 2
    by_variance = sympy.simplify(sympy.integrate(sympy.expand(q * ratio), (z, -sympy.oo, sympy.oo)))
    by_log = by_variance.subs(v, sympy.exp(s))
    slope_v, slope_s = sympy.diff(by_variance, v), sympy.diff(by_log, s)
    points = (-14.0, -2.0, 0.0, 1.5)
    errors = [abs(float(slope_s.subs({s: at, mu: 0.7})) - divergences.kl_slope_log_variance(at)) for at in points]
    yield Claim("slope in s = log sigma^2, largest error at four s", "symbolic", 0.0, max(errors), 1e-9)
    exact = sympy.simplify(sympy.expand(slope_s - (sympy.exp(s) - 1) / 2)) == 0
    yield Claim("it is (exp(s) - 1) / 2", "symbolic", expected=True, computed=bool(exact))
    errors = [abs(float(slope_v.subs({v: at, mu: 0.7})) - divergences.kl_slope_variance(at)) for at in (0.1, 1.0, 7.0)]
    yield Claim("slope in v = sigma^2, largest error at three v", "symbolic", 0.0, max(errors), 1e-9)
    tiny = float(slope_v.subs({v: sympy.Rational(1, 10**6), mu: 0}))
    yield Claim("slope in the variance at 1e-6", "symbolic", -499999.5, tiny, 1e-6)
    yield Claim("the formula for the variance at 1e-6", "symbolic", divergences.kl_slope_variance(1e-6), tiny, 1e-6)
    limit = sympy.limit(slope_s.subs(mu, 0), s, -sympy.oo)
    yield Claim("slope in s for s to minus infinity", "symbolic", -0.5, float(limit), 1e-12)
    above = all(float(slope_s.subs({s: at, mu: 0})) > -0.5 for at in range(-30, 5))
    yield Claim("slope in s stays above -1/2", "symbolic", expected=True, computed=above)
    at = float(by_log.subs({s: -1.2, mu: 0.4}))
    yield Claim("divergence at mu = 0.4, s = -1.2", "symbolic", divergences.kl_from_log_variance(0.4, -1.2), at, 1e-12)
    curved = bool(sympy.simplify(sympy.diff(slope_s, s) - sympy.exp(s) / 2) == 0)
    yield Claim("the divergence is convex in s, with second derivative exp(s) / 2", "symbolic", expected=True, computed=curved)
    single = np.float32
    with np.errstate(over="ignore"):
        finite = [bool(np.isfinite(np.exp(single(value)))) for value in (-80.0, 80.0)]
        infinite = bool(np.isinf(np.exp(single(89.0))))
    yield Claim(
        "in single precision exp(s) is positive and finite for s = -80 and s = 80",
        "closed form",
        expected=True,
        computed=all(finite),
    )
    yield Claim("and overflows at s = 89", "closed form", expected=True, computed=infinite)
    rectified = np.maximum(single(-0.3), 0)
    dead = bool(rectified == 0 and not np.isfinite(_log(rectified)))
    yield Claim(
        "a rectified output of -0.3 is no variance: its logarithm is not finite", "closed form", expected=True, computed=dead
    )


def _log(value: np.float32) -> float:
    with np.errstate(divide="ignore"):
        return float(np.log(value))


def _moment(power: int) -> int:
    """E e^power of a standard normal e: (power - 1)!! for even powers."""
    return 0 if power % 2 else math.prod(range(1, power, 2))


def _expected(expression: Any, symbol: Any) -> Any:
    """The expectation of a polynomial in a standard normal ``symbol``."""
    import sympy

    return sum(c * _moment(k) for (k,), c in sympy.Poly(sympy.expand(expression), symbol).terms())


@question("elbo-5")
def elbo_5(evidence: Evidence) -> Iterable[Claim]:
    """Both gradient estimators for f = z^2: exact moments, Monte Carlo, width, dimension and baseline."""
    import sympy

    e = sympy.Symbol("e", real=True)
    m, s = sympy.symbols("m s", positive=True)
    z = m + s * e
    ways = {"reparameterised": 2 * z, "score-function": z**2 * e / s}
    at = {m: 1, s: 1}
    for (name, estimate), variance in zip(ways.items(), (4.0, 30.0), strict=True):
        mean = _expected(estimate, e)
        spread = sympy.simplify(_expected(estimate**2, e) - mean**2)
        yield Claim(f"mean of the {name} estimate at mu = sigma = 1", "symbolic", 2.0, float(mean.subs(at)), 1e-12)
        yield Claim(f"variance of the {name} estimate at mu = sigma = 1", "symbolic", variance, float(spread.subs(at)), 1e-12)
        for sd in (0.1, 2.0):
            formula = estimators.pathwise_variance(sd) if name == "reparameterised" else estimators.score_variance(1.0, sd)
            exact = float(spread.subs({m: 1, s: sympy.Rational(str(sd))}))
            yield Claim(f"the formula for the {name} estimate at sigma = {sd:g}", "symbolic", formula, exact, 1e-9)
    slope = sympy.diff(m**2 + s**2, m)
    yield Claim("derivative of E z^2 = mu^2 + sigma^2 in mu", "symbolic", 2.0, float(slope.subs(at)), 1e-12)
    in_sd = sympy.simplify(_expected(2 * z * e, e) - sympy.diff(m**2 + s**2, s)) == 0
    yield Claim("in sigma the path gives E[2 z e] = 2 sigma", "symbolic", expected=True, computed=bool(in_sd))

    yield from _sampled_estimates()

    b = sympy.Symbol("b", real=True)
    based = (z**2 - b) * e / s
    spread = sympy.expand((_expected(based**2, e) - _expected(based, e) ** 2).subs(at))
    best = sympy.solve(sympy.diff(spread, b), b)[0]
    yield Claim("the best constant baseline", "symbolic", estimators.best_baseline(1.0, 1.0), float(best), 1e-12)
    yield Claim("variance with the best constant baseline", "symbolic", 14.0, float(spread.subs(b, best)), 1e-12)
    yield Claim(
        "the formula for the variance with it", "symbolic", estimators.score_variance(1.0, 1.0, 1, float(best)), 14.0, 1e-12
    )

    # dimension D: z_1 as above, the rest adds S, independent, with its first two moments
    d = sympy.Symbol("d", positive=True)
    square, fourth = _expected(z**2, e).subs(at), _expected(z**4, e).subs(at)
    total = (d - 1) * square
    total_square = (d - 1) * (fourth - square**2) + total**2
    second = _expected(z**4 * e**2, e).subs(at) + 2 * total * _expected(z**2 * e**2, e).subs(at) + total_square
    by_dimension = sympy.expand(second - 4)
    exact = float(by_dimension.subs(d, 64))
    yield Claim("variance of the score-function estimate in 64 dimensions", "symbolic", 17292.0, exact, 1e-9)
    yield Claim("the formula for 64 dimensions", "symbolic", estimators.score_variance(1.0, 1.0, 64), exact, 1e-9)
    yield Claim("its leading coefficient in the dimension squared", "symbolic", 4.0, float(by_dimension.coeff(d, 2)), 1e-12)
    narrow = float(sympy.limit(s**2 * (_expected((z**2 * e / s) ** 2, e)).subs(m, 1), s, 0))
    yield Claim("sigma^2 times the score-function variance for sigma to 0", "symbolic", 1.0, narrow, 1e-12)
    drawn = evidence.arrays("gradient_estimators")
    ones = [float(np.interp(1.0, drawn["sampled_sd"], drawn[f"{name}_sampled_by_sd"])) for name in ("pathwise", "score")]
    off = max(abs(ones[0] / 4 - 1), abs(ones[1] / 30 - 1))
    yield Claim("the drawn points agree with the curves at sigma = 1", "Monte Carlo", 0.0, off, 0.25)
    table = [evidence.metric("gradient_estimators", "variance", name) for name in ("pathwise", "score", "score_baseline")]
    worst = max(abs(a - b) for a, b in zip(table, (4.0, 30.0, 14.0), strict=True))
    yield Claim("the variances of the metrics table", "symbolic", 0.0, worst, 1e-9)


def _sampled_estimates() -> Iterable[Claim]:
    """Both estimators at mu = sigma = 1 by Monte Carlo."""
    noise = np.random.default_rng(20).standard_normal(DRAWS)
    x = 1 + noise
    draws = {"reparameterised": 2 * x, "score-function": x**2 * (x - 1)}
    for (name, values), variance in zip(draws.items(), (4.0, 30.0), strict=True):
        error = 4 * float(values.std()) / math.sqrt(DRAWS)
        yield Claim(f"mean of {DRAWS:,} {name} draws", "Monte Carlo", 2.0, float(values.mean()), error)
        error = 4 * float(((values - values.mean()) ** 2).std()) / math.sqrt(DRAWS)
        yield Claim(f"variance of {DRAWS:,} {name} draws", "Monte Carlo", variance, float(values.var()), error)
    same = np.stack([estimators.pathwise_draws(1, 1, noise[:9, None]), estimators.score_draws(1, 1, noise[:9, None])])
    drift = float(np.abs(same - np.stack([draws["reparameterised"][:9], draws["score-function"][:9]])).max())
    yield Claim("draws of the demonstration, largest error", "closed form", 0.0, drift, 1e-12)
