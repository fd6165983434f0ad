"""Claims about which divergence can be minimised, and about the Gaussians that minimise it for a two-mode target.

``stated`` comes from the formulas of :mod:`dgm.maths.divergences`, :mod:`dgm.maths.reverse_kl` and
:mod:`dgm.maths.gradient_estimators`, or is a number of an answer's text; ``found`` from sums over grids, quasi-Newton searches
without given derivatives, finite differences and Monte Carlo written here.
"""

import functools
import math
from collections.abc import Callable, Iterable
from typing import cast

import numpy as np

from dgm.claims.claim import Claim, holds
from dgm.claims.evidence import Evidence
from dgm.claims.registry import question
from dgm.maths import divergences, gradient_estimators, reverse_kl

__all__: list[str] = []

DRAWS = 400_000
TARGET = (0.0, 1.0)
"""Mean and standard deviation of the Gaussian p of the Monte Carlo gradients."""

Q = (0.5, 1.5)
DATA = np.array([0.2, 1.4, -0.7, 2.0])
SD_ML = 1.0473180033
FOLD, EQUAL = 2.4122297, 2.8000822
STARTS = tuple((m, s) for m in (-5.0, -2.0, -0.5, 0.0, 0.5, 2.0, 5.0) for s in (-0.5, 0.5, 1.3))
"""Starts of the searches here, (mean, log sd)."""


def _log_normal(x: np.ndarray, mean: float, sd: float) -> np.ndarray:
    return cast(np.ndarray, -0.5 * ((x - mean) / sd) ** 2 - math.log(sd * math.sqrt(2 * math.pi)))


def _integrate(values: np.ndarray, x: np.ndarray) -> float:
    """The trapezoidal rule, which for smooth integrands that vanish at both ends converges faster than any power of the spacing."""
    return float(np.trapezoid(values, x))


def _gaussian_kl(mean: float, log_sd: float, target: tuple[float, float], forward: bool = False) -> float:
    """D(q || p) or, forward, D(p || q) of two Gaussians by the trapezoidal rule."""
    x = np.linspace(-25, 25, 5001)
    q, p = _log_normal(x, mean, math.exp(log_sd)), _log_normal(x, *target)
    return _integrate(np.exp(p) * (p - q) if forward else np.exp(q) * (q - p), x)


def _differences(function: Callable[[float, float], float], mean: float, log_sd: float, step: float = 1e-4) -> np.ndarray:
    """Central differences of a function of (mean, log sd)."""
    return np.array(
        [
            (function(mean + step, log_sd) - function(mean - step, log_sd)) / (2 * step),
            (function(mean, log_sd + step) - function(mean, log_sd - step)) / (2 * step),
        ]
    )


def _within(draws: np.ndarray, exact: np.ndarray) -> float:
    """Largest distance of the means of ``draws`` from ``exact`` in standard errors."""
    error = draws.std(axis=0, ddof=1) / math.sqrt(len(draws))
    return float(np.abs((draws.mean(0) - exact) / error).max())


@question("dgm-1-1-s1")
def dgm_1_1_s1(evidence: Evidence) -> Iterable[Claim]:
    """Monte Carlo gradients for p = N(0, 1), q = N(1/2, (3/2)^2), against differences of the exact divergences."""
    mean, sd = Q
    rng = np.random.default_rng(1)
    noise = rng.standard_normal(DRAWS)
    x = mean + sd * noise
    reverse = _differences(lambda m, s: _gaussian_kl(m, s, TARGET), mean, math.log(sd))
    forward = _differences(lambda m, s: _gaussian_kl(m, s, TARGET, forward=True), mean, math.log(sd))
    ways = {
        r"score-function estimate of $\nabla_\phi D_{\mathrm{KL}}(q\,\|\,p)$": (
            "score-function",
            gradient_estimators.score_gradient(lambda at: _log_normal(at, *TARGET), x, *Q),
            reverse,
        ),
        r"reparameterised estimate of $\nabla_\phi D_{\mathrm{KL}}(q\,\|\,p)$": (
            "reparameterised",
            gradient_estimators.pathwise_gradient(lambda at: -at, noise, *Q),
            reverse,
        ),
        r"likelihood estimate of $\nabla_\phi D_{\mathrm{KL}}(p\,\|\,q)$": (
            "likelihood",
            gradient_estimators.likelihood_gradient(rng.standard_normal(DRAWS), *Q),
            forward,
        ),
    }
    for name, (word, draws, exact) in ways.items():
        yield Claim(
            f"{word}-gradient-distance",
            f"{name}: distance from the exact gradient in standard errors",
            "Monte Carlo",
            0.0,
            _within(draws, exact),
            4.0,
        )
    grid = np.linspace(mean - 14 * sd, mean + 14 * sd, 4001)
    density = np.exp(_log_normal(grid, *Q))
    scores = gradient_estimators.gaussian_score(grid, *Q)
    largest = max(abs(_integrate(density * scores[:, i], grid)) for i in (0, 1))
    yield Claim(
        "expected-score", r"the expected score, $\mathbb{E}_q[\nabla_\phi\log q]$, largest entry", "quadrature", 0.0, largest, 1e-9
    )
    numeric = _differences(lambda m, s: float(_log_normal(np.array(2.0), m, math.exp(s))), mean, math.log(sd))
    drift = float(np.abs(numeric - gradient_estimators.gaussian_score(np.array([2.0]), *Q)[0]).max())
    yield Claim(
        "score-error",
        r"the score against the derivative of $\log q$ at $x=2$, largest error",
        "finite differences",
        0.0,
        drift,
        1e-6,
    )
    # for another integrand the term that the hint drops matters: f = mu x, with E_q f = mu^2
    part = _integrate(density * grid * mean * scores[:, 0], grid)
    whole = part + _integrate(density * grid, grid)

    def expected_product(m: float, log_sd: float) -> float:
        return _integrate(np.exp(_log_normal(grid, m, math.exp(log_sd))) * m * grid, grid)

    slope = float(_differences(expected_product, mean, math.log(sd))[0])
    statement = r"the derivative of $\mathbb{E}_q[f]$ for $f=\mu x$, which depends on $\mu$ itself"
    yield Claim("slope-of-expected-product", statement, "finite differences", 2 * mean, slope, 1e-6, published=part)
    yield Claim(
        "product-rule-sum", r"the two terms of the product rule for this $f$ add up to it", "quadrature", slope, whole, 1e-6
    )


@question("dgm-1-1-s2")
def dgm_1_1_s2(evidence: Evidence) -> Iterable[Claim]:
    """Gradient descent on -mean log q from samples alone."""
    at = np.array([0.0, 0.0])
    for _ in range(4000):
        at = at - 0.05 * gradient_estimators.likelihood_gradient(DATA, float(at[0]), math.exp(float(at[1]))).mean(0)
    yield Claim("mean-after-descent", "gradient descent ends at the sample mean", "optimisation", 0.725, float(at[0]), 1e-9)
    yield Claim(
        "deviation-after-descent",
        "gradient descent ends at the maximum-likelihood standard deviation",
        "optimisation",
        SD_ML,
        math.exp(float(at[1])),
        1e-9,
    )
    spread = math.sqrt(float(((DATA - DATA.sum() / 4) ** 2).sum()) / 4)
    yield Claim(
        "maximum-likelihood-deviation",
        "the maximum-likelihood standard deviation is the root of the mean squared deviation",
        "closed form",
        SD_ML,
        spread,
        1e-9,
    )

    def cross_entropy(mean: float, log_sd: float) -> float:
        return -float(_log_normal(DATA, mean, math.exp(log_sd)).mean())

    exact = _differences(cross_entropy, 0.3, 0.4)
    drift = float(np.abs(exact - gradient_estimators.likelihood_gradient(DATA, 0.3, math.exp(0.4)).mean(0)).max())
    yield Claim(
        "followed-gradient-error",
        r"the followed gradient is that of the mean of $-\log q$, largest error",
        "finite differences",
        0.0,
        drift,
        1e-6,
    )
    shift = _gaussian_kl(0.3, 0.4, (0.725, SD_ML), forward=True) - _gaussian_kl(0.0, 0.0, (0.725, SD_ML), forward=True)
    grid = np.linspace(-25, 25, 5001)
    p = np.exp(_log_normal(grid, 0.725, SD_ML))
    crosses = [_integrate(-p * _log_normal(grid, m, math.exp(s)), grid) for m, s in ((0.3, 0.4), (0.0, 0.0))]
    statement = r"differences of $-\mathbb{E}_p[\log q]$ are differences of $D_{\mathrm{KL}}(p\,\|\,q)$"
    yield Claim("divergence-difference", statement, "quadrature", shift, crosses[0] - crosses[1], 1e-9)


@question("dgm-1-1-s3")
def dgm_1_1_s3(evidence: Evidence) -> Iterable[Claim]:
    """p proportional to exp(-x^4), fitted without its normaliser."""
    from scipy.optimize import minimize

    grid = np.linspace(-12, 12, 24_001)

    def objective(mean: float, log_sd: float, factor: float = 1.0) -> float:
        q = _log_normal(grid, mean, math.exp(log_sd))
        return _integrate(np.exp(q) * (q + grid**4 - math.log(factor)), grid)

    points = [(0.0, -0.6), (0.4, -0.3), (-0.7, 0.0)]
    worst = max(abs(objective(m, s) - divergences.kl_to_quartic(m, math.exp(s))) for m, s in points)
    yield Claim(
        "objective-formula-error",
        r"$\mathbb{E}_q[\log q+x^4]$ in closed form, largest error at three $q$",
        "quadrature",
        0.0,
        worst,
        1e-9,
    )
    options = {"xatol": 1e-10, "fatol": 1e-15}
    best = minimize(lambda at: objective(float(at[0]), float(at[1])), np.array([0.3, 0.0]), method="Nelder-Mead", options=options)
    yield Claim(
        "deviation-at-minimum", "standard deviation at the minimum", "optimisation", 12**-0.25, math.exp(float(best.x[1])), 1e-6
    )
    yield Claim("mean-at-minimum", "mean at the minimum", "optimisation", 0.0, float(best.x[0]), 1e-6)
    slopes = [_differences(lambda m, s, f=factor: objective(m, s, f), 0.4, -0.3) for factor in (1.0, 7.0)]  # type: ignore[misc]
    drift = float(np.abs(slopes[0] - slopes[1]).max())
    yield Claim(
        "gradient-change-by-factor", r"a factor 7 on $\tilde p$ changes the gradient by", "finite differences", 0.0, drift, 1e-9
    )
    moved = objective(0.4, -0.3) - objective(0.4, -0.3, 7.0)
    yield Claim(
        "objective-shift-by-factor",
        r"a factor 7 on $\tilde p$ shifts the objective by $\log7$",
        "quadrature",
        math.log(7),
        moved,
        1e-9,
    )
    noise = np.random.default_rng(2).standard_normal(DRAWS)
    x = 0.4 + math.exp(-0.3) * noise
    exact = slopes[0]
    ways = {
        "reparameterised": gradient_estimators.pathwise_gradient(lambda at: -4 * at**3, noise, 0.4, math.exp(-0.3)),
        "score-function": gradient_estimators.score_gradient(lambda at: -(at**4), x, 0.4, math.exp(-0.3)),
    }
    for name, draws in ways.items():
        distance = _within(draws, exact)
        yield Claim(
            f"{name}-gradient-distance",
            f"{name} gradient without Z: distance from the exact one in standard errors",
            "Monte Carlo",
            0.0,
            distance,
            4.0,
        )
    closed = _differences(lambda m, s: divergences.kl_to_quartic(m, math.exp(s)), 0.4, -0.3)
    yield Claim(
        "gradient-of-formula-error",
        "gradient of the closed form at one q, largest error",
        "finite differences",
        0.0,
        float(np.abs(closed - exact).max()),
        1e-6,
    )


# ------------------------------------------------------------------------------------------------ the two-mode target

E = np.linspace(-13, 13, 2001)
"""Grid of standardised x: the mass beyond is below 1e-37, and the trapezoidal rule on it exact to ten digits."""


def _reverse(mean: float, log_sd: float, a: float) -> float:
    """D(q || p_a) with log p_a = -x^2 / 2 + log cosh(a x) + constant, by the trapezoidal rule."""
    x = mean + math.exp(log_sd) * E
    log_cosh = np.abs(a * x) + np.log1p(np.exp(-2 * np.abs(a * x))) - math.log(2)
    expected = _integrate(np.exp(-0.5 * E**2) / math.sqrt(2 * math.pi) * log_cosh, E)
    # E_q log q = -log sd - log(2 pi e) / 2 and E_q log p = -(mean^2 + sd^2 + a^2) / 2 - log(2 pi) / 2 + E log cosh(a x)
    return -log_sd - 0.5 + 0.5 * (mean**2 + math.exp(2 * log_sd) + a**2) - expected


@functools.cache
def _minima(a: float, starts: tuple[tuple[float, float], ...] = STARTS) -> list[tuple[float, float, float, float]]:
    """Minima (mean, sd, divergence, smallest eigenvalue of the difference Hessian) that quasi-Newton descent finds."""
    from scipy.optimize import minimize

    found: list[tuple[float, float, float, float]] = []
    for start in starts:
        end = minimize(lambda at: _reverse(float(at[0]), float(at[1]), a), np.array(start), method="BFGS", options={"gtol": 1e-7}).x
        smallest = float(np.linalg.eigvalsh(_hessian(float(end[0]), float(end[1]), a)).min())
        if smallest > 0 and not any(abs(end[0] - known[0]) < 1e-3 for known in found):
            found.append((float(end[0]), math.exp(float(end[1])), _reverse(float(end[0]), float(end[1]), a), smallest))
    return sorted(found)


def _hessian(mean: float, log_sd: float, a: float, step: float = 1e-3) -> np.ndarray:
    rows = [
        _differences(lambda m, s: _reverse(m, s, a), mean + dm, log_sd + ds, step)
        - _differences(lambda m, s: _reverse(m, s, a), mean - dm, log_sd - ds, step)
        for dm, ds in ((step, 0.0), (0.0, step))
    ]
    return np.array(rows) / (2 * step)


def _slopes(mean: float, log_sd: float, a: float) -> tuple[float, float]:
    """Gradient of :func:`_reverse`: mean - a E tanh(a x), and sd^2 - 1 - a sd E[e tanh(a x)]."""
    sd = math.exp(log_sd)
    weighted = np.exp(-0.5 * E**2) / math.sqrt(2 * math.pi) * np.tanh(a * (mean + sd * E))
    return mean - a * _integrate(weighted, E), sd**2 - 1 - a * sd * _integrate(E * weighted, E)


@functools.cache
def _fold() -> float:
    """The smallest a for which a side minimum exists: the least a on the curve of stationary points, followed by their mean."""
    from scipy.optimize import fsolve, minimize_scalar

    def distance(mean: float) -> float:
        solved = fsolve(lambda at: _slopes(mean, float(at[0]), float(at[1])), np.array([0.2, mean + 0.1]), xtol=1e-13)
        return float(solved[1])

    return float(minimize_scalar(distance, bounds=(1.9, 2.6), method="bounded", options={"xatol": 1e-7}).fun)


@functools.cache
def _equal() -> float:
    """The a at which the minima at side and centre have the same value, by bisection."""
    from scipy.optimize import brentq

    def excess(a: float) -> float:
        centre, side = _minima(a, ((0.0, 0.9), (a, 0.0)))
        return side[2] - centre[2]

    return float(brentq(excess, 2.7, 2.9, xtol=1e-9))


@question("dgm-1-2-a")
def dgm_1_2_a(evidence: Evidence) -> Iterable[Claim]:
    """Minima of the reverse divergence, their Hessians, and the two distances at which their number and order change."""
    stated = {
        4.0: [(-3.999602, 1.000796, 0.69305294), (0.0, 3.472725, 1.87119651), (3.999602, 1.000796, 0.69305294)],
        1.0: [(0.0, 1.393732, 0.01088786)],
    }
    for a, points in stated.items():
        found = _minima(a)
        yield Claim(f"minima-count-a{a:g}", f"number of minima at a = {a:g}", "optimisation", float(len(points)), float(len(found)))
        for (mean, sd, value), there, place in zip(points, found, _places(len(points)), strict=False):
            yield Claim(f"mean-{place}-a{a:g}", f"mean of the minimum {place} at a = {a:g}", "optimisation", mean, there[0], 2e-6)
            yield Claim(
                f"deviation-{place}-a{a:g}",
                f"standard deviation of the minimum {place} at a = {a:g}",
                "optimisation",
                sd,
                there[1],
                2e-6,
            )
            yield Claim(
                f"divergence-{place}-a{a:g}",
                f"divergence at the minimum {place} at a = {a:g}",
                "optimisation",
                value,
                there[2],
                1e-8,
            )
            low, _ = reverse_kl.stationary_point(reverse_kl.two_modes(a), there[:2]).eigenvalues
            statement = f"smaller eigenvalue of the Hessian at the minimum {place}, a = {a:g}"
            yield Claim(f"smaller-eigenvalue-{place}-a{a:g}", statement, "finite differences", low, there[3], 1e-5)
        starts = [(m, math.exp(s)) for m, s in STARTS]
        listed, _ = reverse_kl.reverse_minima(reverse_kl.two_modes(a), starts)
        same = len(listed) == len(found)
        yield holds(f"fitted-count-agrees-a{a:g}", f"the fitted minima at a = {a:g} are as many", "optimisation", same)
        distances = [abs(one.mean - two[0]) + abs(one.divergence - two[2]) for one, two in zip(listed, found, strict=False)]
        distance = max(distances) if same else math.inf
        yield Claim(
            f"fitted-minima-distance-a{a:g}", f"the fitted minima at a = {a:g} are these", "optimisation", 0.0, distance, 1e-5
        )
    yield Claim("side-minima-appear", "side minima appear at a", "optimisation", FOLD, _fold(), 2e-7)
    yield Claim("side-minima-become-global", "side minima become global at a", "optimisation", EQUAL, _equal(), 1e-7)
    yield Claim("fold-of-landscape", "the fold of the landscape", "optimisation", reverse_kl.fold_distance(), _fold(), 1e-7)
    yield Claim(
        "exchange-of-global-minimum",
        "the exchange of the global minimum",
        "optimisation",
        reverse_kl.equal_value_distance(),
        _equal(),
        1e-7,
    )
    drawn = evidence.arrays("kl_landscape")
    yield Claim(
        "drawn-thresholds-error",
        "the drawn thresholds",
        "optimisation",
        0.0,
        float(np.abs(drawn["thresholds"] - [_fold(), _equal()]).max()),
        1e-6,
    )
    shown = float(np.abs(drawn["reverse_minima"] - np.array([point[:3] for point in _minima(4.0)])).max())
    yield Claim("drawn-minima-error", "the drawn minima", "optimisation", 0.0, shown, 1e-5)
    between_them = [(float(mean), math.log(sd)) for mean, sd, _ in drawn["saddles"]]
    steepest = max(abs(slope) for mean, log_sd in between_them for slope in _slopes(mean, log_sd, 4.0))
    yield Claim(
        "drawn-saddles-slope", "the drawn saddles: largest slope of the divergence there", "quadrature", 0.0, steepest, 1e-6
    )
    determinant = max(float(np.linalg.eigvalsh(_hessian(mean, log_sd, 4.0)).prod()) for mean, log_sd in between_them)
    yield holds(
        "drawn-saddles-two-signs", "at the drawn saddles the eigenvalues have two signs", "finite differences", determinant < 0
    )
    worst = max(
        abs(_reverse(m, s, 4.0) - divergences.reverse_kl(reverse_kl.two_modes(4.0), m, math.exp(s)))
        for m, s in ((0.7, 0.4), (-3.0, 0.1), (5.0, 1.2))
    )
    statement = r"the formula with $\log\cosh(ax)$ against the integral of $q\log(q/p)$, largest difference at three $q$"
    yield Claim("log-cosh-formula-error", statement, "quadrature", 0.0, worst, 1e-8)
    statement = r"$\log2$ minus the divergence at a side minimum, $a=4$"
    yield Claim(
        "log-two-minus-side-divergence",
        statement,
        "optimisation",
        math.log(2) - stated[4.0][2][2],
        math.log(2) - _minima(4.0)[2][2],
        1e-8,
    )
    counts = [len(_minima(a)) for a in (2.3, 2.6, 3.2)]
    yield Claim("minima-count-below-fold", "number of minima at a = 2.3, below the fold", "optimisation", 1.0, float(counts[0]))
    yield Claim(
        "minima-count-between-thresholds",
        "number of minima at a = 2.6, between the thresholds",
        "optimisation",
        3.0,
        float(counts[1]),
    )
    between, beyond = _minima(2.6), _minima(3.2)
    yield holds("centre-best-between-thresholds", "at a = 2.6 the centre is best", "optimisation", between[1][2] < between[0][2])
    yield holds("sides-best-beyond-thresholds", "at a = 3.2 the sides are best", "optimisation", beyond[0][2] < beyond[1][2])
    wide = 0.5 * (math.sqrt(2 / math.pi) * 4 + math.sqrt(2 * 16 / math.pi + 4))
    yield Claim(
        "central-width-approximation",
        r"width of the central minimum at $a=4$ with $\log\cosh(ax)$ replaced by $a\lvert x\rvert-\log2$",
        "optimisation",
        wide,
        _minima(4.0)[1][1],
        1e-2,
    )
    widths = {a: _central_sd(a) for a in (2.0, 4.0, 6.0)}
    bend = max(abs(float(_hessian(0.0, math.log(sd), a)[0, 0]) * sd**2 - 1) for a, sd in widths.items())
    yield Claim(
        "central-curvature-error",
        r"second derivative in the mean at the centre times $\sigma^2$, largest distance from 1",
        "finite differences",
        0.0,
        bend,
        1e-3,
    )
    centre = [float(np.linalg.eigvalsh(_hessian(0.0, math.log(_central_sd(a)), a)).min()) for a in (0.5, 2.0, 4.0, 6.0, 8.0)]
    yield holds("centre-is-minimum", "the centre is a minimum for a = 1/2, 2, 4, 6, 8", "finite differences", min(centre) > 0)


def _places(count: int) -> tuple[str, ...]:
    return ("left", "centre", "right") if count == 3 else ("centre",)


def _central_sd(a: float) -> float:
    from scipy.optimize import minimize_scalar

    return math.exp(float(minimize_scalar(lambda s: _reverse(0.0, float(s), a), bounds=(-0.5, 3), method="bounded").x))


@question("dgm-1-2-b")
def dgm_1_2_b(evidence: Evidence) -> Iterable[Claim]:
    """The forward divergence: its only minimum, its gradient, and convexity in the natural parameters."""
    from scipy.optimize import minimize

    target = reverse_kl.two_modes(4.0)
    x = np.linspace(-16, 16, 6401)
    log_p = np.logaddexp(_log_normal(x, -4, 1), _log_normal(x, 4, 1)) - math.log(2)
    p = np.exp(log_p)

    def forward(mean: float, log_sd: float) -> float:
        return _integrate(p * (log_p - _log_normal(x, mean, math.exp(log_sd))), x)

    ends = [
        minimize(lambda at: forward(float(at[0]), float(at[1])), np.array(start), method="BFGS", options={"gtol": 1e-8}).x
        for start in STARTS
    ]
    means, variances = [float(end[0]) for end in ends], [math.exp(2 * float(end[1])) for end in ends]
    stated = divergences.moment_match(target)
    worst = max(*(abs(mean - stated[0]) for mean in means), *(abs(v - stated[1] ** 2) for v in variances))
    yield Claim("distance-from-moments", "every start ends at the moments of p, largest distance", "optimisation", 0.0, worst, 2e-5)
    yield Claim("variance-at-minimum", "the variance at the minimum", "optimisation", 17.0, variances[0], 2e-5)
    yield Claim(
        "divergence-at-minimum",
        "the forward divergence at the minimum",
        "optimisation",
        0.7235530265,
        forward(*map(float, ends[0])),
        1e-9,
    )
    mean, log_sd = 0.7, 0.4
    mean_p, variance_p = stated[0], stated[1] ** 2
    closed = np.array(
        [
            (mean - mean_p) / math.exp(2 * log_sd),
            1 - (variance_p + (mean - mean_p) ** 2) / math.exp(2 * log_sd),
        ]
    )
    drift = float(np.abs(_differences(forward, mean, log_sd) - closed).max())
    yield Claim(
        "gradient-formula-error", "closed form of the gradient at one q, largest error", "finite differences", 0.0, drift, 1e-5
    )

    # natural parameters: log q = eta_1 x + eta_2 x^2 - A with mean = -eta_1 / (2 eta_2), variance = -1 / (2 eta_2)
    def natural(eta: np.ndarray) -> float:
        return forward(-eta[0] / (2 * eta[1]), 0.5 * math.log(-0.5 / eta[1]))

    rng = np.random.default_rng(3)
    pairs = [np.stack([rng.normal(size=2), -rng.uniform(0.02, 2, size=2)], axis=1) for _ in range(200)]
    bulge = max(natural((one + two) / 2) - 0.5 * (natural(one) + natural(two)) for one, two in pairs)
    yield holds(
        "convex-in-natural-parameters", "convex in the natural parameters (200 random midpoints)", "Monte Carlo", bulge < 1e-9
    )
    shown = evidence.arrays("kl_landscape")["forward_minimum"]
    distance = float(np.abs(shown - [means[0], math.sqrt(variances[0]), forward(*map(float, ends[0]))]).max())
    yield Claim("drawn-minimum-error", "the drawn minimum", "optimisation", 0.0, distance, 1e-5)
    density_at = math.exp(float(np.interp(0.0, x, log_p)) - float(_log_normal(np.array(0.0), 0.0, math.sqrt(17.0))))
    yield Claim(
        "density-ratio-at-peak", "p over q at the peak of q", "closed form", 2 * math.exp(-8) / 2 * math.sqrt(17), density_at, 1e-9
    )


@question("dgm-1-2-c")
def dgm_1_2_c(evidence: Evidence) -> Iterable[Claim]:
    """Mass in the valley |x| < 1 by integrating densities of fits that were searched for here."""
    from scipy.integrate import simpson

    x = np.linspace(-1, 1, 2001)
    _, sd, _, _ = _minima(4.0)[-1]
    centre = _minima(4.0)[-1][0]
    masses = {
        "forward": simpson(np.exp(_log_normal(x, 0.0, math.sqrt(17.0))), x=x),
        "reverse": simpson(np.exp(_log_normal(x, centre, sd)), x=x),
        "target": simpson(0.5 * np.exp(_log_normal(x, -4, 1)) + 0.5 * np.exp(_log_normal(x, 4, 1)), x=x),
    }
    names = {"forward": "the forward fit", "reverse": "the reverse fit", "target": "p itself"}
    for (name, mass), stated in zip(masses.items(), (0.19163, 0.00136, 0.00135), strict=True):
        yield Claim(f"valley-mass-{name}", f"probability of |x| < 1 under {names[name]}", "quadrature", stated, float(mass), 1e-5)
    drawn = evidence.arrays("kl_landscape")["valley"]
    yield Claim(
        "drawn-masses-error", "the drawn masses", "quadrature", 0.0, float(np.abs(drawn - list(masses.values())).max()), 1e-6
    )
    closed = divergences.normal_mass(-1, 1, 0, math.sqrt(17))
    yield Claim(
        "forward-mass-by-error-function",
        "mass of the forward fit by the error function",
        "quadrature",
        closed,
        float(masses["forward"]),
        1e-10,
    )
    grid = np.linspace(-30, 30, 12_001)
    one, two = _log_normal(grid, 4, 1), np.logaddexp(_log_normal(grid, -4, 1), _log_normal(grid, 4, 1)) - math.log(2)
    ignored = _integrate(np.exp(one) * (one - two), grid)
    yield Claim("cost-of-ignored-mode", "ignoring one of two equal modes costs log 2", "quadrature", math.log(2), ignored, 1e-3)
    uncovered = _integrate(np.exp(two) * (two - one), grid)
    yield Claim(
        "forward-divergence-from-one-mode",
        "the forward divergence of p from the reverse fit's kind, N(4, 1)",
        "quadrature",
        16 - math.log(2),
        uncovered,
        1e-3,
    )
