"""Claims about a lopsided pair of laws and about variational bounds of the ring mixture.

``expected`` comes from the formulas of :mod:`dgm.variational_bounds` and :mod:`dgm.divergences`, or is a number of an answer's
text; ``computed`` from adaptive quadrature and from enumeration of the components, written here with scalar functions.
"""

import functools
import itertools
import math
from collections.abc import Callable, Iterable

import numpy as np

from dgm import divergences, ring, variational_bounds
from dgm.checks import Claim, Evidence, question
from dgm.demonstrations import asymmetric_pair

__all__: list[str] = []

VARIANCES = (math.sqrt(5), math.sqrt(3), math.sqrt(0.8))
DEVIATIONS = (5.0, 3.0, 0.8)
INSIDE, MEAN = (3.0, 4.0), (10.0, 0.0)


def _log_normal(x: float, mean: float, sd: float) -> float:
    return -0.5 * ((x - mean) / sd) ** 2 - math.log(sd) - 0.5 * math.log(2 * math.pi)


def _log_sum(*terms: float) -> float:
    top = max(terms)
    return top + math.log(sum(math.exp(term - top) for term in terms))


def _integral(values: Callable[[float], float], *points: float) -> float:
    from scipy.integrate import quad

    pieces = [quad(values, low, high, epsabs=1e-12, epsrel=1e-12, limit=200)[0] for low, high in itertools.pairwise(points)]
    return float(sum(pieces))


@functools.cache
def _pair(sds: tuple[float, float, float], mean: float = -10.0, left: float = 0.5) -> tuple[float, float]:
    """(D(p || q), D(q || p)) by adaptive quadrature, each over the bulk of the law that the average is under."""
    sd_left, sd_right, sd = sds

    def log_p(x: float) -> float:
        return _log_sum(math.log(left) + _log_normal(x, -5, sd_left), math.log(1 - left) + _log_normal(x, 10, sd_right))

    def log_q(x: float) -> float:
        return _log_normal(x, mean, sd)

    pq = _integral(
        lambda x: math.exp(log_p(x)) * (log_p(x) - log_q(x)),
        -5 - 12 * sd_left, -5 - 4 * sd_left, -5, 3, 10, 10 + 4 * sd_right, 10 + 12 * sd_right,
    )  # fmt: skip
    qp = _integral(lambda x: math.exp(log_q(x)) * (log_q(x) - log_p(x)), *(mean + k * sd for k in (-12, -4, 0, 4, 12)))
    return pq, qp


JOINT, Q = (0.05, 0.18, 0.06), (0.2, 0.5, 0.3)
"""p(x, z) at one x for three values of z, and a law on them."""


@question("ebm-2-1")
def ebm_2_1(evidence: Evidence) -> Iterable[Claim]:
    """The decomposition on three values of z, and its maximiser."""
    from scipy.optimize import minimize

    log_p = math.log(math.fsum(JOINT))
    posterior = [value / math.fsum(JOINT) for value in JOINT]
    bound = math.fsum(q * math.log(joint / q) for q, joint in zip(Q, JOINT, strict=True))
    divergence = math.fsum(q * math.log(q / g) for q, g in zip(Q, posterior, strict=True))
    yield Claim("log p(x)", "enumeration", -1.2378743560, log_p, 1e-9)
    yield Claim("the bound", "enumeration", -1.2709158697, bound, 1e-9)
    yield Claim("the divergence from the posterior", "enumeration", 0.0330415137, divergence, 1e-9)
    yield Claim("bound plus divergence is log p(x)", "enumeration", log_p, bound + divergence, 1e-12)
    formula = float(variational_bounds.discrete_bound(np.log([JOINT]), np.array([Q]))[0])
    yield Claim("the formula of this program", "enumeration", formula, bound, 1e-12)

    def negative(logits: np.ndarray) -> float:
        law = np.exp(logits - logits.max())
        law /= law.sum()
        return -float(variational_bounds.discrete_bound(np.log([JOINT]), law[None])[0])

    end = minimize(negative, np.zeros(3), method="BFGS", options={"gtol": 1e-10})
    best = np.exp(end.x - end.x.max())
    best /= best.sum()
    distance = float(np.abs(best - posterior).max())
    yield Claim("the maximiser over q is the posterior, largest distance", "optimisation", 0.0, distance, 1e-6)
    yield Claim("the maximum over q is log p(x)", "optimisation", log_p, -float(end.fun), 1e-9)
    # over theta the equivalence fails: doubling p(x, z) raises the bound and leaves the divergence as it is
    doubled = math.fsum(q * math.log(2 * joint / q) for q, joint in zip(Q, JOINT, strict=True))
    yield Claim(
        "doubling the joint raises the bound by log 2 at the same divergence", "enumeration", math.log(2), doubled - bound, 1e-12
    )


@question("ebm-2-2")
def ebm_2_2(evidence: Evidence) -> Iterable[Claim]:
    """Both divergences under both readings, what moves them, and what the published pair of numbers would need."""
    from scipy.optimize import brentq

    readings = {"variances": VARIANCES, "deviations": DEVIATIONS}
    stated = {"variances": (133.3310007170, 3.6894379124), "deviations": (176.6074224575, 2.5385286422)}
    for reading, sds in readings.items():
        found, p = _pair(sds), asymmetric_pair.mixture(reading)
        formulas = (divergences.forward_kl(p, -10.0, sds[2]), divergences.reverse_kl(p, -10.0, sds[2]))
        for name, text, formula, value in zip(("D(p||q)", "D(q||p)"), stated[reading], formulas, found, strict=True):
            yield Claim(f"{name} with {reading}", "quadrature", text, value, 1e-8)
            yield Claim(f"the formula for {name} for {reading}", "quadrature", formula, value, 1e-8)
        yield Claim(
            f"D(p||q) / D(q||p) with {reading}",
            "quadrature",
            {"variances": 36.1, "deviations": 69.6}[reading],
            found[0] / found[1],
            0.05,
        )
    shifted = {-5.0: (70.8310007170, 1.1894379124), 0.0: (39.5810007170, 3.6889048544)}
    for mean, values in shifted.items():
        for name, text, value in zip(("D(p||q)", "D(q||p)"), values, _pair(VARIANCES, mean), strict=True):
            yield Claim(f"{name} with variances, q moved to {mean:g}", "quadrature", text, value, 1e-8)
    ratios = {mean: _pair(VARIANCES, mean)[0] / _pair(VARIANCES, mean)[1] for mean in (-10.0, -5.0, 0.0)}
    rises = ratios[-5.0] > ratios[-10.0] > ratios[0.0]
    yield Claim("on the way to 0 the ratio first rises, then falls", "quadrature", expected=True, computed=rises)
    yield Claim("ratio with variances at -5", "quadrature", 59.55, ratios[-5.0], 0.005)
    yield Claim("ratio with variances at 0", "quadrature", 10.73, ratios[0.0], 0.005)

    # the dominating term, from first and second moments of the modes
    moments = 0.5 * (5 + 5**2) + 0.5 * (3 + 20**2)
    pull = moments / (2 * 0.8)
    entropy = -_integral(lambda x: _density(x) * math.log(_density(x)), -32, -5, 3, 10, 31)
    rest = 0.5 * math.log(2 * math.pi * 0.8) - entropy
    square = _integral(lambda x: _density(x) * (x + 10) ** 2, -32, -5, 3, 10, 31) / (2 * 0.8)
    yield Claim("E_p (x + 10)^2 / (2 sigma_q^2)", "quadrature", pull, square, 1e-8)
    yield Claim("with entropy and normaliser it gives D(p||q)", "quadrature", stated["variances"][0], pull + rest, 1e-8)

    weights = np.linspace(0.01, 0.99, 25)
    least = min(_pair(VARIANCES, left=float(w))[1] for w in weights)
    bound = divergences.kl_gaussian(-10, VARIANCES[2], -5, VARIANCES[0])
    yield Claim("infimum of D(q||p) over the weights, variances", "closed form", 2.996, bound, 5e-4)
    yield Claim("no weight gives less", "quadrature", expected=True, computed=least > bound)
    yield Claim("D(q||p) with variances never gets near 2.10", "quadrature", expected=False, computed=least < 2.11)
    weight = float(brentq(lambda w: _pair(DEVIATIONS, left=float(w))[0] - 97.77, 0.5, 0.95, xtol=1e-10))
    yield Claim("weight of the left mode that gives D(p||q) = 97.77 with deviations", "optimisation", 0.78115, weight, 5e-5)
    yield Claim("D(q||p) at that weight", "quadrature", 2.092, _pair(DEVIATIONS, left=weight)[1], 5e-4)
    table = [
        evidence.metric("asymmetric_pair", f"divergence_{way}", f"{reading}_stated") for reading in readings for way in ("pq", "qp")
    ]
    distance = max(abs(a - b) for a, b in zip(table, (*_pair(VARIANCES), *_pair(DEVIATIONS)), strict=True))
    yield Claim("the table shows these numbers", "quadrature", 0.0, distance, 1e-8)
    drawn = evidence.arrays("asymmetric_pair")
    at = float(np.interp(-10.0, drawn["shift"], drawn["variances_pq"]))
    yield Claim("the drawn curve passes through D(p||q)", "quadrature", stated["variances"][0], at, 1e-6)


def _density(x: float) -> float:
    return 0.5 * math.exp(_log_normal(x, -5, VARIANCES[0])) + 0.5 * math.exp(_log_normal(x, 10, VARIANCES[1]))


# ------------------------------------------------------------------------------------------------ the ring mixture


def _joint(x: tuple[float, float], components: int, radius: float) -> list[float]:
    """log p(x, k) for every component, one at a time."""
    terms = []
    for k in range(1, components + 1):
        at = (radius * math.cos(2 * math.pi * k / components), radius * math.sin(2 * math.pi * k / components))
        terms.append(-math.log(components) - math.log(2 * math.pi) - 0.5 * ((x[0] - at[0]) ** 2 + (x[1] - at[1]) ** 2))
    return terms


def _enumerated(x: tuple[float, float], components: int, radius: float) -> tuple[float, float, float]:
    """(bound of the uniform q, log p(x), D(uniform || posterior)) from the definitions."""
    joint = _joint(x, components, radius)
    log_p = _log_sum(*joint)
    uniform = 1 / components
    bound = sum(uniform * (term - math.log(uniform)) for term in joint)
    gap = sum(uniform * (math.log(uniform) - (term - log_p)) for term in joint)
    return bound, log_p, gap


def _formula(name: str, x: tuple[float, float], *rest: float) -> float:
    """A formula of :mod:`dgm.variational_bounds` at one point."""
    return float(getattr(variational_bounds, name)(np.array([x]), *rest)[0])


@question("ebm-2-3-c1")
def ebm_2_3_c1(evidence: Evidence) -> Iterable[Claim]:
    """The bound of the uniform q and its gap, against enumeration."""
    bound, log_p, gap = _enumerated(INSIDE, 10, 10.0)
    yield Claim("bound of the uniform q at R = 10, x = (3, 4)", "enumeration", -64.3378770664, bound, 1e-9)
    yield Claim("its gap, D(uniform||posterior)", "enumeration", 45.9651712815, gap, 1e-9)
    yield Claim("bound plus gap is log p(x)", "enumeration", log_p, bound + gap, 1e-12)
    yield Claim("log p(x) at x = (3, 4)", "enumeration", -18.373, log_p, 5e-4)
    at_mean = _enumerated(MEAN, 10, 10.0)
    yield Claim("bound of the uniform q at the mean (10, 0)", "enumeration", -101.838, at_mean[0], 5e-4)
    yield Claim("log p(x) at the mean (10, 0)", "enumeration", -4.140, at_mean[1], 5e-4)
    cases = [((3.0, 4.0), 10, 10.0), ((10.0, 0.0), 10, 10.0), ((-1.3, 0.4), 7, 1.0), ((0.0, 0.0), 3, 10.0), ((2.0, 5.0), 2, 4.0)]
    errors = [abs(_formula("uniform_bound", x, radius) - _enumerated(x, k, radius)[0]) for x, k, radius in cases]
    yield Claim("closed form of the bound, largest error in five cases", "enumeration", 0.0, max(errors), 1e-9)
    errors = [abs(_formula("uniform_gap", x, k, radius) - _enumerated(x, k, radius)[2]) for x, k, radius in cases]
    yield Claim("closed form of the gap, largest error in five cases", "enumeration", 0.0, max(errors), 1e-9)
    fixed = _joint(INSIDE, 10, 10.0)[0] + math.log(10)
    same = abs(fixed - bound) < 1.0
    yield Claim("the log-density of one component equals the bound", "enumeration", expected=False, computed=same)
    centre = _enumerated((0.0, 0.0), 10, 10.0)[0]
    highest = max(_enumerated((4.0 * math.cos(t), 4.0 * math.sin(t)), 10, 10.0)[0] for t in np.linspace(0, 6, 25))
    yield Claim("the bound is highest at the centre", "enumeration", expected=True, computed=highest < centre)
    yield Claim("the density at the centre is lower than at a mean", "enumeration", expected=True, computed=centre < at_mean[1])
    around = [_enumerated((6.0 * math.cos(t), 6.0 * math.sin(t)), 10, 10.0)[0] for t in np.linspace(0, 6, 25)]
    yield Claim("the bound depends on |x| only", "enumeration", 0.0, max(around) - min(around), 1e-12)
    one = _enumerated(INSIDE, 1, 10.0)[0]
    differs = abs(one - _formula("uniform_bound", INSIDE, 10.0)) > 1
    yield Claim("with K = 1 the means do not cancel and the formula fails", "enumeration", expected=True, computed=differs)
    drawn = evidence.arrays("ring_bounds")
    index = int(np.argmin(np.abs(drawn["r10_radius"] - 9.0)))
    x = (float(drawn["r10_radius"][index]), 0.0)
    yield Claim("the drawn bound", "enumeration", float(drawn["r10_uniform"][index]), _enumerated(x, 10, 10.0)[0], 1e-9)
    table = evidence.metric("ring_bounds", "gap", "r10_inside")
    yield Claim("the gap in the table", "enumeration", table, gap, 1e-9)


@question("ebm-2-3-c2")
def ebm_2_3_c2(evidence: Evidence) -> Iterable[Claim]:
    """The bound of the exact posterior is the log-likelihood."""
    joint = _joint(INSIDE, 10, 10.0)
    log_p = _log_sum(*joint)
    posterior = [math.exp(term - log_p) for term in joint]
    bound = sum(g * (term - math.log(g)) for g, term in zip(posterior, joint, strict=True))
    yield Claim("bound of the posterior at R = 10, K = 10, x = (3, 4)", "enumeration", -18.3727057849, bound, 1e-9)
    yield Claim("log p(x) there", "enumeration", -18.3727057849, log_p, 1e-9)
    ratios = [term - math.log(g) for g, term in zip(posterior, joint, strict=True)]
    yield Claim(
        "log(joint / posterior), largest distance from log p(x)", "enumeration", 0.0, max(abs(r - log_p) for r in ratios), 1e-9
    )
    x = np.array([INSIDE])
    formula = float(variational_bounds.discrete_bound(ring.log_joint(x, 10, 10.0), ring.responsibilities(x, 10, 10.0))[0])
    yield Claim("the same from the formulas of this program", "enumeration", formula, bound, 1e-9)
    both = _enumerated((0.0, 0.0), 10, 10.0)
    yield Claim("both choices agree at x = 0", "enumeration", both[0], both[1], 1e-12)
    yield Claim("their common value at x = 0", "enumeration", -51.8378770664, both[1], 1e-9)
    rng = np.random.default_rng(0)
    laws = rng.dirichlet(np.ones(10), size=2000)
    best = max(float(law @ (np.array(joint) - np.log(law))) for law in laws)
    yield Claim("no other of 2000 random laws reaches log p(x)", "Monte Carlo", expected=True, computed=best < log_p)
    component = max(joint) + math.log(10)
    yield Claim("it equals the likelihood of one component", "enumeration", expected=False, computed=abs(component - log_p) < 0.5)
    gaps = [_enumerated((r, 0.0), 10, 10.0)[2] for r in (0.0, 2.0, 4.0, 8.0, 16.0)]
    slope = (_enumerated((40.0, 0.0), 10, 10.0)[2] - gaps[-1]) / 24
    rising = all(a < b for a, b in itertools.pairwise(gaps))
    yield Claim("the gap of the uniform q grows with |x|", "enumeration", expected=True, computed=rising)
    yield Claim("towards a mean, far out, by R for each unit of |x|", "enumeration", 10.0, slope, 1e-6)
    table = evidence.metric("ring_bounds", "bound_exact", "r10_inside")
    yield Claim("the bound in the table", "enumeration", table, bound, 1e-9)


@functools.cache
def _bessel(t: float) -> float:
    """log I_0(t) from its integral, by adaptive quadrature of exp(t (cos phi - 1)) over half a circle."""
    return t + math.log(_integral(lambda phi: math.exp(t * (math.cos(phi) - 1)), 0, 0.5, math.pi) / math.pi)


@question("ebm-2-4-c1")
def ebm_2_4_c1(evidence: Evidence) -> Iterable[Claim]:
    """The uniform bound does not depend on K, and its gap tends to log I_0."""
    for k in (2, 10, 1000):
        yield Claim(f"bound of the uniform q at K = {k}", "enumeration", -64.3378770664, _enumerated(INSIDE, k, 10.0)[0], 1e-9)
    yield Claim("the closed form", "enumeration", _formula("uniform_bound", INSIDE, 10.0), _enumerated(INSIDE, 1000, 10.0)[0], 1e-9)
    yield Claim("limit of its gap, log I_0(50)", "quadrature", 47.1275755019, _bessel(50.0), 1e-9)
    yield Claim("the gap at K = 1000", "enumeration", 47.1275755019, _enumerated(INSIDE, 1000, 10.0)[2], 1e-9)
    yield Claim("the formula for the gap's limit", "quadrature", _formula("uniform_gap_limit", INSIDE, 10.0), _bessel(50.0), 1e-9)
    asymptote = 50 - 0.5 * math.log(2 * math.pi * 50)
    yield Claim("R|x| - log(2 pi R|x|) / 2 at R|x| = 50", "quadrature", asymptote, _bessel(50.0), 5e-3)
    yield Claim("that approximation at R|x| = 50", "closed form", 47.125, asymptote, 5e-4)
    x = (1.2, -0.7)
    average = _integral(
        lambda t: -math.log(2 * math.pi) - 0.5 * ((x[0] - 2 * math.cos(t)) ** 2 + (x[1] - 2 * math.sin(t)) ** 2),
        0,
        math.pi,
        2 * math.pi,
    ) / (2 * math.pi)
    yield Claim("the limit as an average over the angle, R = 2", "quadrature", _formula("uniform_bound", x, 2.0), average, 1e-9)
    drawn = evidence.arrays("ring_bounds")["r10_uniform_at_mean"]
    yield Claim("the drawn bound is the same for every K", "enumeration", 0.0, float(np.ptp(drawn)), 1e-9)


@question("ebm-2-4-c2")
def ebm_2_4_c2(evidence: Evidence) -> Iterable[Claim]:
    """log p(x) for many components, against an integral over the angle."""

    def limit(x: tuple[float, float], radius: float) -> float:
        """log of the mean over the angle of the Gaussian density, by adaptive quadrature."""
        size = math.hypot(*x)
        peak = -0.5 * (size - radius) ** 2 - math.log(2 * math.pi)

        def relative(t: float) -> float:
            return math.exp(
                -0.5 * ((size - radius * math.cos(t)) ** 2 + (radius * math.sin(t)) ** 2) - math.log(2 * math.pi) - peak
            )

        return peak + math.log(_integral(relative, 0, 0.5, math.pi) / math.pi)

    stated = {INSIDE: (-18.3727057849, -17.2103015645), MEAN: (-4.1404621492, -5.0581443765)}
    for x, (at_ten, beyond) in stated.items():
        place = f"({x[0]:g}, {x[1]:g})"
        yield Claim(f"log p(x) at K = 10, R = 10, x = {place}", "enumeration", at_ten, _enumerated(x, 10, 10.0)[1], 1e-9)
        yield Claim(f"its limit at x = {place}", "quadrature", beyond, limit(x, 10.0), 1e-9)
        yield Claim(
            f"the Bessel formula at x = {place}", "quadrature", _formula("limit_log_density", x, 10.0), limit(x, 10.0), 1e-9
        )
        yield Claim(f"K = 1000 at x = {place}", "enumeration", beyond, _enumerated(x, 1000, 10.0)[1], 1e-9)
    yield Claim(
        "change from K = 10 to the limit at (10, 0)", "quadrature", -0.918, limit(MEAN, 10.0) - _enumerated(MEAN, 10, 10.0)[1], 5e-4
    )
    small = (1.0, 0.0)
    yield Claim("log p(x) at R = 1, K = 10, x = (1, 0)", "enumeration", -2.60196271, _enumerated(small, 10, 1.0)[1], 5e-9)
    yield Claim("its limit at R = 1", "quadrature", -2.60196271, limit(small, 1.0), 5e-9)
    change = _enumerated(small, 10, 1.0)[1] - limit(small, 1.0)
    yield Claim("change from K = 10 to the limit at R = 1", "quadrature", 4.3e-10, change, 1e-11)
    approximate = -math.log(2 * math.pi) - 0.5 * math.log(2 * math.pi * 100)
    yield Claim("the approximation at |x| = R = 10", "quadrature", approximate, limit(MEAN, 10.0), 2e-3)
    # the mass of the limit, in polar coordinates
    mass = _integral(lambda r: 2 * math.pi * r * math.exp(_formula("limit_log_density", (r, 0.0), 3.0)), 0, 3, 6, 16)
    yield Claim("the limit is a density: its integral, R = 3", "quadrature", 1.0, mass, 1e-9)
    sides = [limit((10 * math.cos(t), 10 * math.sin(t)), 10.0) - limit(MEAN, 10.0) for t in (0.3, 1.1, 2.0)]
    yield Claim("the limit does not depend on the direction of x", "quadrature", 0.0, max(map(abs, sides)), 1e-9)
    drawn = evidence.arrays("ring_bounds")["r10_around_limit"]
    yield Claim("the drawn limit", "quadrature", float(drawn[0]), limit(MEAN, 10.0), 1e-9)
