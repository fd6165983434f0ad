"""Claims about a lopsided pair of distributions and about variational bounds of the ring mixture.

``stated`` comes from the formulas of :mod:`dgm.maths.variational_bounds` and :mod:`dgm.maths.divergences`, or is a number of an
answer's text; ``found`` from adaptive quadrature and from enumeration of the components, written here with scalar functions.
"""

import functools
import itertools
import math
from collections.abc import Callable, Iterable

import numpy as np

from dgm.claims.claim import Claim, holds
from dgm.claims.evidence import Evidence
from dgm.claims.registry import question
from dgm.maths import divergences, ring_mixture, variational_bounds

from ..demonstrations import asymmetric_pair

__all__: list[str] = []

VARIANCES = (math.sqrt(5), math.sqrt(3), math.sqrt(0.8))
DEVIATIONS = (5.0, 3.0, 0.8)
PQ, QP = r"$D_{\mathrm{KL}}(p\,\|\,q)$", r"$D_{\mathrm{KL}}(q\,\|\,p)$"
WAYS = ("forward", "reverse")  # the same two, as ids call them
PUBLISHED = (97.77, 2.10)  # what was printed for the two, with parameters that do not give them
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
    """(D(p || q), D(q || p)) by adaptive quadrature, each over the bulk of the distribution that the average is under."""
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
"""p(x, z) at one x for three values of z, and a distribution on them."""


@question("ebm-2-1")
def ebm_2_1(evidence: Evidence) -> Iterable[Claim]:
    """The decomposition on three values of z, its maximiser, and the parts that q and theta play."""
    from scipy.optimize import minimize, minimize_scalar

    log_p = math.log(math.fsum(JOINT))
    posterior = [value / math.fsum(JOINT) for value in JOINT]
    bound = math.fsum(q * math.log(joint / q) for q, joint in zip(Q, JOINT, strict=True))
    divergence = math.fsum(q * math.log(q / g) for q, g in zip(Q, posterior, strict=True))
    yield Claim("log-likelihood-of-x", "log-likelihood $\\log p(x)$", "enumeration", -1.2378743560, log_p, 1e-9)
    yield Claim("bound-for-stated-q", "the bound $\\mathcal{L}$ for the stated $q$", "enumeration", -1.2709158697, bound, 1e-9)
    yield Claim("divergence-from-posterior", "the divergence from the posterior", "enumeration", 0.0330415137, divergence, 1e-9)
    yield Claim("bound-plus-divergence", "bound plus divergence is $\\log p(x)$", "enumeration", log_p, bound + divergence, 1e-12)
    formula = float(variational_bounds.discrete_bound(np.log([JOINT]), np.array([Q]))[0])
    yield Claim("bound-by-program", "the bound by the formula of this program", "enumeration", formula, bound, 1e-12)

    def negative(logits: np.ndarray) -> float:
        law = np.exp(logits - logits.max())
        law /= law.sum()
        return -float(variational_bounds.discrete_bound(np.log([JOINT]), law[None])[0])

    end = minimize(negative, np.zeros(3), method="BFGS", options={"gtol": 1e-10})
    best = np.exp(end.x - end.x.max())
    best /= best.sum()
    distance = float(np.abs(best - posterior).max())
    yield Claim(
        "maximiser-is-posterior", "the maximiser over $q$ is the posterior, largest distance", "optimisation", 0.0, distance, 1e-6
    )
    yield Claim("maximum-is-log-likelihood", "the maximum over $q$ is $\\log p(x)$", "optimisation", log_p, -float(end.fun), 1e-9)
    laws = np.random.default_rng(0).dirichlet(np.ones(3), size=5000)
    highest = float(variational_bounds.discrete_bound(np.tile(np.log(JOINT), (5000, 1)), laws).max())
    yield holds("random-q-never-exceeds", "none of 5000 random $q$ exceeds $\\log p(x)$", "Monte Carlo", highest <= log_p)
    # a family that leaves the posterior out: all that give the first value of z the probability 1/2
    shares = np.linspace(0.001, 0.499, 499)
    family = np.stack([np.full(499, 0.5), shares, 0.5 - shares], axis=1)
    bounds = variational_bounds.discrete_bound(np.tile(np.log(JOINT), (499, 1)), family)
    divergences_of = (family * np.log(family / posterior)).sum(1)
    same = int(bounds.argmax()) == int(divergences_of.argmin())
    yield holds("same-choice-in-family", "in a family without the posterior both criteria choose the same $q$", "enumeration", same)
    # over theta the equivalence fails: doubling p(x, z) raises the bound and leaves the divergence as it is
    doubled = math.fsum(q * math.log(2 * joint / q) for q, joint in zip(Q, JOINT, strict=True))
    yield Claim(
        "doubling-raises-bound",
        "doubling $p(x,z)$ raises the bound by $\\log2$",
        "enumeration",
        math.log(2),
        doubled - bound,
        1e-12,
    )

    # two values of z, p(z) = q = 1/2, p(x | z) = theta and (1 - theta) / 2
    def bound_at(theta: float) -> float:
        return math.fsum(0.5 * math.log(0.5 * likelihood / 0.5) for likelihood in (theta, (1 - theta) / 2))

    def divergence_at(theta: float) -> float:
        total = theta + (1 - theta) / 2
        return math.fsum(0.5 * math.log(0.5 * total / likelihood) for likelihood in (theta, (1 - theta) / 2))

    options = {"xatol": 1e-10}
    highest = float(minimize_scalar(lambda t: -bound_at(t), bounds=(0.01, 0.99), method="bounded", options=options).x)
    closest = float(minimize_scalar(divergence_at, bounds=(0.01, 0.99), method="bounded", options=options).x)
    yield Claim(
        "theta-of-highest-bound",
        "the $\\theta$ with the highest bound at fixed $q$",
        "optimisation",
        1 / 2,
        highest,
        1e-6,
        published=closest,
    )
    yield Claim(
        "theta-of-least-divergence", "the $\\theta$ with the least divergence at fixed $q$", "optimisation", 1 / 3, closest, 1e-6
    )


def _overlap(sds: tuple[float, float, float]) -> float:
    """The part of D(p || q) that comes from the points where q exceeds p."""
    from scipy.optimize import brentq

    def excess(x: float) -> float:
        """log p - log q."""
        log_p = _log_sum(math.log(0.5) + _log_normal(x, -5, sds[0]), math.log(0.5) + _log_normal(x, 10, sds[1]))
        return log_p - _log_normal(x, -10, sds[2])

    low, high = (float(brentq(excess, *ends)) for ends in ((-25, -10), (-10, -5)))
    return _integral(lambda x: math.exp(excess(x) + _log_normal(x, -10, sds[2])) * excess(x), low, -10, high)


@question("ebm-2-2")
def ebm_2_2(evidence: Evidence) -> Iterable[Claim]:
    """Both divergences under both readings, what moves them, and what the published pair of numbers would need."""
    from scipy.optimize import brentq

    readings = {"variances": VARIANCES, "deviations": DEVIATIONS}
    stated = {"variances": (133.3310007170, 3.6894379124), "deviations": (176.6074224575, 2.5385286422)}
    for reading, sds in readings.items():
        found, p = _pair(sds), asymmetric_pair.mixture(reading)
        formulas = (divergences.forward_kl(p, -10.0, sds[2]), divergences.reverse_kl(p, -10.0, sds[2]))
        for way, name, text, formula, value, printed in zip(
            WAYS, (PQ, QP), stated[reading], formulas, found, PUBLISHED, strict=True
        ):
            yield Claim(
                f"{way}-kl-{reading}", f"{name} with {reading}", "quadrature", text, value, 1e-8, published=printed, printed=True
            )
            yield Claim(f"{way}-by-program-{reading}", f"the program's {name} for {reading}", "quadrature", formula, value, 1e-8)
        ratio = {"variances": 36.1, "deviations": 69.6}[reading]
        yield Claim(f"ratio-with-{reading}", f"ratio of the two with {reading}", "quadrature", ratio, found[0] / found[1], 0.05)
    shifted = {-5.0: (70.8310007170, 1.1894379124), 0.0: (39.5810007170, 3.6889048544)}
    for (mean, values), place in zip(shifted.items(), ("minus-five", "zero"), strict=True):
        for way, name, text, value in zip(WAYS, (PQ, QP), values, _pair(VARIANCES, mean), strict=True):
            yield Claim(f"{way}-kl-at-{place}", f"{name}, variances, $q$ moved to ${mean:g}$", "quadrature", text, value, 1e-8)
    ratios = {mean: _pair(VARIANCES, mean)[0] / _pair(VARIANCES, mean)[1] for mean in (-10.0, -5.0, 0.0)}
    falls = ratios[-10.0] > ratios[-5.0] > ratios[0.0]
    yield Claim(
        "ratio-falls-throughout",
        "the ratio falls all the way from $-10$ over $-5$ to $0$",
        "quadrature",
        stated=False,
        found=falls,
        published=True,
        printed=True,
    )
    yield Claim("ratio-at-minus-five", "ratio with variances at $-5$", "quadrature", 59.55, ratios[-5.0], 0.005)
    yield Claim("ratio-at-zero", "ratio with variances at $0$", "quadrature", 10.73, ratios[0.0], 0.005)

    # the dominating term, from first and second moments of the modes
    moments = 0.5 * (5 + 5**2) + 0.5 * (3 + 20**2)
    pull = moments / (2 * 0.8)
    entropy = -_integral(lambda x: _density(x) * math.log(_density(x)), -32, -5, 3, 10, 31)
    rest = 0.5 * math.log(2 * math.pi * 0.8) - entropy
    square = _integral(lambda x: _density(x) * (x + 10) ** 2, -32, -5, 3, 10, 31) / (2 * 0.8)
    yield Claim("dominating-term", "$\\mathbb{E}_p(x+10)^2/(2\\sigma_q^2)$", "quadrature", pull, square, 1e-8)
    yield Claim(
        "remaining-terms", "entropy and normaliser, the remaining terms", "quadrature", stated["variances"][0] - pull, rest, 1e-8
    )
    part = _overlap(VARIANCES)
    yield Claim("part-from-q-above-p", f"part of {PQ} from where $q$ exceeds $p$, variances", "quadrature", -0.1002, part, 5e-5)

    least = [_pair(VARIANCES, left=float(w))[1] for w in np.linspace(0.02, 0.98, 25)]
    falling = all(a > b for a, b in itertools.pairwise(least))
    yield holds("reverse-falls-with-left-weight", f"{QP} falls as the left mode gains weight, variances", "quadrature", falling)
    bound = divergences.kl_gaussian(-10, VARIANCES[2], -5, VARIANCES[0])
    limit = _pair(VARIANCES, left=1 - 1e-13)[1]
    yield Claim(
        "infimum-of-reverse-kl",
        f"infimum of {QP} over the weights, variances",
        "quadrature",
        bound,
        limit,
        1e-9,
        published=PUBLISHED[1],
        printed=True,
    )
    weight = float(brentq(lambda w: _pair(DEVIATIONS, left=float(w))[0] - PUBLISHED[0], 0.5, 0.95, xtol=1e-10))
    yield Claim(
        "weight-for-printed-forward",
        "weight of the left mode that gives $97.77$ with deviations",
        "optimisation",
        0.78115,
        weight,
        5e-5,
    )
    yield Claim(
        "reverse-where-forward-fits",
        f"{QP} at that weight",
        "quadrature",
        2.092,
        _pair(DEVIATIONS, left=weight)[1],
        5e-4,
        published=PUBLISHED[1],
        printed=True,
    )
    other = float(brentq(lambda w: _pair(DEVIATIONS, left=float(w))[1] - PUBLISHED[1], 0.5, 0.95, xtol=1e-10))
    yield Claim(
        "weight-for-printed-reverse",
        "weight of the left mode that gives $2.10$ with deviations",
        "optimisation",
        0.7752,
        other,
        5e-5,
    )
    yield Claim(
        "forward-where-reverse-fits",
        f"{PQ} at the weight for $2.10$",
        "quadrature",
        99.43,
        _pair(DEVIATIONS, left=other)[0],
        5e-3,
        published=PUBLISHED[0],
        printed=True,
    )
    half = _mode_of_two()
    yield Claim(
        "loss-on-one-mode", "loss of a narrow $q$ on one of two equal modes far apart", "quadrature", math.log(2), half, 1e-9
    )
    table = [
        evidence.metric("asymmetric_pair", f"divergence_{way}", f"{reading}_stated") for reading in readings for way in ("pq", "qp")
    ]
    distance = max(abs(a - b) for a, b in zip(table, (*_pair(VARIANCES), *_pair(DEVIATIONS)), strict=True))
    yield Claim("divergences-in-table", "divergences in the table, largest difference", "quadrature", 0.0, distance, 1e-8)
    drawn = evidence.arrays("asymmetric_pair")
    at = float(np.interp(-10.0, drawn["shift"], drawn["variances_pq"]))
    yield Claim("drawn-forward-kl", f"the drawn curve of {PQ} at $-10$", "quadrature", stated["variances"][0], at, 1e-6)


def _mode_of_two() -> float:
    """D(q || p) of q = N(0, 1) from p = 1/2 N(0, 1) + 1/2 N(30, 1)."""

    def excess(x: float) -> float:
        log_p = _log_sum(math.log(0.5) + _log_normal(x, 0, 1), math.log(0.5) + _log_normal(x, 30, 1))
        return _log_normal(x, 0, 1) - log_p

    return _integral(lambda x: math.exp(_log_normal(x, 0, 1)) * excess(x), -12, 0, 12)


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
    """A formula of :mod:`dgm.maths.variational_bounds` at one point."""
    return float(getattr(variational_bounds, name)(np.array([x]), *rest)[0])


def _one_component(x: tuple[float, float], radius: float) -> float:
    """log N(x; mu_K, I) of the single component at (R, 0)."""
    return -math.log(2 * math.pi) - 0.5 * ((x[0] - radius) ** 2 + x[1] ** 2)


def _around(size: float) -> list[tuple[float, float]]:
    """Points on the circle with this radius."""
    return [(size * math.cos(t), size * math.sin(t)) for t in np.linspace(0, 6, 25)]


@question("ebm-2-3-c1")
def ebm_2_3_c1(evidence: Evidence) -> Iterable[Claim]:
    """The bound of the uniform q and its gap, against enumeration."""
    bound, log_p, gap = _enumerated(INSIDE, 10, 10.0)
    fixed = _one_component(INSIDE, 10.0)
    yield Claim(
        "bound-inside-ring",
        "bound of the uniform $q$ at $R=10$, $x=(3,4)$",
        "enumeration",
        -64.3378770664,
        bound,
        1e-9,
        published=fixed,
    )
    yield Claim("gap-inside-ring", "gap of the uniform $q$ at $x=(3,4)$", "enumeration", 45.9651712815, gap, 1e-9)
    yield Claim("bound-plus-gap", "bound plus gap at $x=(3,4)$", "enumeration", log_p, bound + gap, 1e-12)
    yield Claim("log-density-inside-ring", "$\\log p(x)$ at $x=(3,4)$", "enumeration", -18.373, log_p, 5e-4)
    at_mean = _enumerated(MEAN, 10, 10.0)
    line = (
        -0.5 * math.log(2 * math.pi)
        - math.fsum(0.5 * ((MEAN[0] - a) ** 2 + (MEAN[1] - b) ** 2) for a, b in ring_mixture.means(10, 10.0)) / 10
    )  # the average over all means, but with the normaliser of one dimension
    yield Claim(
        "bound-at-mean", "bound of the uniform $q$ at the mean $(10,0)$", "enumeration", -101.838, at_mean[0], 5e-4, published=line
    )
    yield Claim("log-density-at-mean", "$\\log p(x)$ at the mean $(10,0)$", "enumeration", -4.140, at_mean[1], 5e-4)
    height = math.exp(-0.5 * math.log(2 * math.pi))
    own = math.exp(_joint(MEAN, 10, 10.0)[-1] - at_mean[1])
    others = math.fsum(math.exp(-2 * (10 * math.sin(math.pi * k / 10)) ** 2) for k in range(1, 10))
    yield Claim(
        "own-component-at-mean",
        "probability of the component at $(10,0)$ for a point there",
        "enumeration",
        1 / (1 + others),
        own,
        1e-12,
        published=height,
        printed=True,
    )
    cases = [((3.0, 4.0), 10, 10.0), ((10.0, 0.0), 10, 10.0), ((-1.3, 0.4), 7, 1.0), ((0.0, 0.0), 3, 10.0), ((2.0, 5.0), 2, 4.0)]
    errors = [abs(_formula("uniform_bound", x, radius) - _enumerated(x, k, radius)[0]) for x, k, radius in cases]
    yield Claim(
        "bound-formula-error", "closed form of the bound, largest error in five cases", "enumeration", 0.0, max(errors), 1e-9
    )
    errors = [abs(_formula("uniform_gap", x, k, radius) - _enumerated(x, k, radius)[2]) for x, k, radius in cases]
    yield Claim("gap-formula-error", "closed form of the gap, largest error in five cases", "enumeration", 0.0, max(errors), 1e-9)
    centre = _enumerated((0.0, 0.0), 10, 10.0)
    highest = max(_enumerated(x, 10, 10.0)[0] for x in _around(4.0))
    yield holds(
        "bound-lower-off-centre", "at distance $4$ the bound is below that at the centre", "enumeration", highest < centre[0]
    )
    yield Claim("gap-at-centre", "the gap at the centre", "enumeration", 0.0, centre[2], 1e-12)
    least = min(_enumerated(x, 10, 10.0)[2] for x in _around(0.5))
    yield holds(
        "gap-positive-off-centre", "at distance $\\frac12$ the gap is positive in every direction", "enumeration", least > 0.1
    )
    pair = _enumerated((0.0, 3.0), 2, 10.0)[2]
    yield Claim("gap-on-symmetry-line", "gap on the line of symmetry of two components", "enumeration", 0.0, pair, 1e-12)
    yield holds(
        "density-lower-at-centre", "the density at the centre is lower than at a mean", "enumeration", centre[1] < at_mean[1]
    )
    around = [_enumerated(x, 10, 10.0)[0] for x in _around(6.0)]
    single = [_one_component(x, 10.0) for x in _around(6.0)]
    yield Claim(
        "bound-range-on-circle",
        "range of the bound on the circle $\\|x\\|=6$",
        "enumeration",
        0.0,
        max(around) - min(around),
        1e-12,
    )
    statement = "range of a single component there, $2R\\cdot6$ but for the coarseness of the points"
    yield Claim("single-component-range", statement, "enumeration", 120.0, max(single) - min(single), 0.5)
    one = _enumerated(INSIDE, 1, 10.0)[0]
    yield Claim(
        "excess-at-one-component",
        "closed form minus bound at $K=1$, where the means do not cancel",
        "enumeration",
        -float(np.dot(INSIDE, MEAN)),
        _formula("uniform_bound", INSIDE, 10.0) - one,
        1e-9,
    )
    drawn = evidence.arrays("ring_bounds")
    index = int(np.argmin(np.abs(drawn["r10_radius"] - 9.0)))
    x = (float(drawn["r10_radius"][index]), 0.0)
    yield Claim(
        "drawn-uniform-bound",
        "the drawn bound of the uniform $q$",
        "enumeration",
        float(drawn["r10_uniform"][index]),
        _enumerated(x, 10, 10.0)[0],
        1e-9,
    )
    table = evidence.metric("ring_bounds", "gap", "r10_inside")
    yield Claim("gap-in-table", "the gap in the table", "enumeration", table, gap, 1e-9)


@question("ebm-2-3-c2")
def ebm_2_3_c2(evidence: Evidence) -> Iterable[Claim]:
    """The bound of the exact posterior is the log-likelihood."""
    joint = _joint(INSIDE, 10, 10.0)
    log_p = _log_sum(*joint)
    posterior = [math.exp(term - log_p) for term in joint]
    bound = sum(g * (term - math.log(g)) for g, term in zip(posterior, joint, strict=True))
    component = max(joint) + math.log(10)  # log p(x | z) of the component that fits x best
    yield Claim(
        "bound-of-posterior",
        "bound of the posterior at $R=10$, $K=10$, $x=(3,4)$",
        "enumeration",
        -18.3727057849,
        bound,
        1e-9,
        published=component,
    )
    yield Claim("log-density-inside-ring", "$\\log p(x)$ there", "enumeration", -18.3727057849, log_p, 1e-9)
    ratios = [term - math.log(g) for g, term in zip(posterior, joint, strict=True)]
    yield Claim(
        "joint-over-posterior",
        "$\\log$ of joint over posterior, largest distance from $\\log p(x)$",
        "enumeration",
        0.0,
        max(abs(r - log_p) for r in ratios),
        1e-9,
    )
    x = np.array([INSIDE])
    formula = float(
        variational_bounds.discrete_bound(ring_mixture.log_joint(x, 10, 10.0), ring_mixture.responsibilities(x, 10, 10.0))[0]
    )
    yield Claim("bound-by-program", "the bound from the formulas of this program", "enumeration", formula, bound, 1e-9)
    both = _enumerated((0.0, 0.0), 10, 10.0)
    yield Claim("difference-at-origin", "difference of the two choices at $x=0$", "enumeration", 0.0, both[1] - both[0], 1e-12)
    yield Claim("common-value-at-origin", "common value of the two choices at $x=0$", "enumeration", -51.8378770664, both[1], 1e-9)
    rng = np.random.default_rng(0)
    laws = rng.dirichlet(np.ones(10), size=2000)
    best = max(float(law @ (np.array(joint) - np.log(law))) for law in laws)
    yield holds("random-q-stays-below", "none of 2000 other random $q$ reaches $\\log p(x)$", "Monte Carlo", best < log_p)
    _, _, gap = _enumerated(INSIDE, 10, 10.0)
    exponents = [x[0] @ mean for mean in ring_mixture.means(10, 10.0)]
    yield Claim(
        "lead-of-posterior",
        "by how much the posterior is better at $x=(3,4)$",
        "enumeration",
        _log_sum(*exponents) - math.log(10),
        gap,
        1e-9,
    )
    gaps = [_enumerated((r, 0.0), 10, 10.0)[2] for r in (0.0, 2.0, 4.0, 8.0, 16.0)]
    rising = all(a < b for a, b in itertools.pairwise(gaps))
    yield holds("gap-grows-with-distance", "the gap of the uniform $q$ grows with $\\|x\\|$", "enumeration", rising)
    far = _enumerated((40.0, 0.0), 10, 10.0)[2]
    yield Claim(
        "gap-far-out",
        "gap towards a mean, far out: $R\\|x\\|-\\log K$ at $\\|x\\|=40$",
        "enumeration",
        400 - math.log(10),
        far,
        1e-6,
    )
    table = evidence.metric("ring_bounds", "bound_exact", "r10_inside")
    yield Claim("bound-in-table", "the bound in the table", "enumeration", table, bound, 1e-9)


@functools.cache
def _bessel(t: float) -> float:
    """log I_0(t) from its integral, by adaptive quadrature of exp(t (cos phi - 1)) over half a circle."""
    return t + math.log(_integral(lambda phi: math.exp(t * (math.cos(phi) - 1)), 0, 0.5, math.pi) / math.pi)


@question("ebm-2-4-c1")
def ebm_2_4_c1(evidence: Evidence) -> Iterable[Claim]:
    """The uniform bound does not depend on K, and its gap tends to log I_0."""
    fixed = _one_component(INSIDE, 10.0)
    for k in (2, 10, 1000):
        value = _enumerated(INSIDE, k, 10.0)[0]
        follows = fixed if k == 1000 else None
        yield Claim(
            f"bound-with-{k}-components",
            f"bound of the uniform $q$ at $K={k}$",
            "enumeration",
            -64.3378770664,
            value,
            1e-9,
            published=follows,
        )
    yield Claim(
        "closed-form-at-1000-components",
        "closed form of the bound at $K=1000$",
        "enumeration",
        _formula("uniform_bound", INSIDE, 10.0),
        _enumerated(INSIDE, 1000, 10.0)[0],
        1e-9,
    )
    yield Claim("limit-of-gap", "limit of its gap, $\\log I_0(50)$", "quadrature", 47.1275755019, _bessel(50.0), 1e-9)
    yield Claim(
        "gap-with-1000-components", "its gap at $K=1000$", "enumeration", 47.1275755019, _enumerated(INSIDE, 1000, 10.0)[2], 1e-9
    )
    yield Claim(
        "formula-for-gap-limit",
        "formula for the limit of the gap",
        "quadrature",
        _formula("uniform_gap_limit", INSIDE, 10.0),
        _bessel(50.0),
        1e-9,
    )
    asymptote = 50 - 0.5 * math.log(2 * math.pi * 50)
    yield Claim(
        "bessel-approximation",
        "$t-\\frac12\\log(2\\pi t)$ against $\\log I_0(t)$ at $t=50$",
        "quadrature",
        asymptote,
        _bessel(50.0),
        5e-3,
    )
    errors = [abs(t - 0.5 * math.log(2 * math.pi * t) - _bessel(t)) for t in (10.0, 50.0, 250.0)]
    shrinking = errors[0] > 4 * errors[1] > 16 * errors[2]
    yield holds(
        "approximation-error-falls", "the error of that approximation falls from $t=10$ to $50$ to $250$", "quadrature", shrinking
    )
    x = (1.2, -0.7)
    average = _integral(
        lambda t: -math.log(2 * math.pi) - 0.5 * ((x[0] - 2 * math.cos(t)) ** 2 + (x[1] - 2 * math.sin(t)) ** 2),
        0,
        math.pi,
        2 * math.pi,
    ) / (2 * math.pi)
    yield Claim(
        "bound-averaged-over-angle",
        "the limit as an average over the angle, $R=2$",
        "quadrature",
        _formula("uniform_bound", x, 2.0),
        average,
        1e-9,
    )
    drawn = evidence.arrays("ring_bounds")["r10_uniform_at_mean"]
    yield Claim("drawn-bound-range", "range of the drawn bound over all $K$", "enumeration", 0.0, float(np.ptp(drawn)), 1e-9)


def _smeared(x: tuple[float, float], radius: float) -> float:
    """log of the mean over the angle of the Gaussian density, by adaptive quadrature."""
    size = math.hypot(*x)
    peak = -0.5 * (size - radius) ** 2 - math.log(2 * math.pi)

    def relative(t: float) -> float:
        return math.exp(-0.5 * ((size - radius * math.cos(t)) ** 2 + (radius * math.sin(t)) ** 2) - math.log(2 * math.pi) - peak)

    return peak + math.log(_integral(relative, 0, 0.5, math.pi) / math.pi)


@question("ebm-2-4-c2")
def ebm_2_4_c2(evidence: Evidence) -> Iterable[Claim]:
    """log p(x) for many components, against an integral over the angle; published was that nothing changes."""
    stated = {INSIDE: (-18.3727057849, -17.2103015645), MEAN: (-4.1404621492, -5.0581443765)}
    for (x, (at_ten, beyond)), spot in zip(stated.items(), ("inside-ring", "at-mean"), strict=True):
        place, found = f"$x=({x[0]:g},{x[1]:g})$", _enumerated(x, 10, 10.0)[1]
        yield Claim(f"with-10-components-{spot}", f"$\\log p(x)$ at $K=10$, $R=10$, {place}", "enumeration", at_ten, found, 1e-9)
        yield Claim(f"limit-{spot}", f"limit of $\\log p(x)$, $R=10$, {place}", "quadrature", beyond, _smeared(x, 10.0), 1e-9)
        formula = _formula("limit_log_density", x, 10.0)
        yield Claim(
            f"bessel-formula-{spot}",
            f"the formula with the Bessel function, {place}",
            "quadrature",
            formula,
            _smeared(x, 10.0),
            1e-9,
        )
        yield Claim(
            f"with-1000-components-{spot}",
            f"$\\log p(x)$ at $K=1000$, {place}",
            "enumeration",
            beyond,
            _enumerated(x, 1000, 10.0)[1],
            1e-9,
        )
    change = _smeared(MEAN, 10.0) - _enumerated(MEAN, 10, 10.0)[1]
    yield Claim(
        "change-at-mean",
        "change from $K=10$ to the limit at $(10,0)$",
        "quadrature",
        -0.918,
        change,
        5e-4,
        published=0.0,
        printed=True,
    )
    between = (10 * math.cos(math.pi / 10), 10 * math.sin(math.pi / 10))
    rise = _smeared(between, 10.0) - _enumerated(between, 10, 10.0)[1]
    # two components at distance 2 R sin(pi/20) each, instead of the even spread
    two = math.log(2) - math.log(10) - 2 * (10 * math.sin(math.pi / 20)) ** 2 - math.log(2 * math.pi)
    yield Claim("change-between-means", "change halfway between two means, $R=10$", "quadrature", stated[MEAN][1] - two, rise, 1e-6)
    small = (1.0, 0.0)
    yield Claim(
        "narrow-ring-with-10-components",
        "$\\log p(x)$ at $R=1$, $K=10$, $x=(1,0)$",
        "enumeration",
        -2.60196271,
        _enumerated(small, 10, 1.0)[1],
        5e-9,
    )
    yield Claim(
        "narrow-ring-limit", "limit of $\\log p(x)$, $R=1$, $x=(1,0)$", "quadrature", -2.60196271, _smeared(small, 1.0), 5e-9
    )
    change = _enumerated(small, 10, 1.0)[1] - _smeared(small, 1.0)
    yield Claim("narrow-ring-change", "change from $K=10$ to the limit at $R=1$", "quadrature", 4.3e-10, change, 1e-11)
    approximate = -math.log(2 * math.pi) - 0.5 * math.log(2 * math.pi * 100)
    yield Claim(
        "approximation-on-circle", "the approximation at $\\|x\\|=R=10$", "quadrature", approximate, _smeared(MEAN, 10.0), 2e-3
    )
    # the mass of the limit, in polar coordinates
    mass = _integral(lambda r: 2 * math.pi * r * math.exp(_formula("limit_log_density", (r, 0.0), 3.0)), 0, 3, 6, 16)
    yield Claim("mass-of-limit", "integral of the limit over the plane, $R=3$", "quadrature", 1.0, mass, 1e-9)
    sides = [
        _formula("limit_log_density", (10 * math.cos(t), 10 * math.sin(t)), 10.0) - _smeared(MEAN, 10.0) for t in (0.3, 1.1, 2.0)
    ]
    yield Claim(
        "limit-change-by-turn",
        "largest change of the limit when $x$ turns about the origin",
        "quadrature",
        0.0,
        max(map(abs, sides)),
        1e-9,
    )
    drawn = evidence.arrays("ring_bounds")["r10_around_limit"]
    yield Claim("drawn-limit", "the drawn limit", "quadrature", float(drawn[0]), _smeared(MEAN, 10.0), 1e-9)
