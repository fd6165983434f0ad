"""Claims about the Bernoulli decoder, the derivation of the bound, properties of the divergence, and the best posterior.

``expected`` comes from the formulas of :mod:`dgm.divergences`, :mod:`dgm.distributions` and :mod:`dgm.variational_bounds`, or
is a number of an answer's text; ``computed`` from enumeration, exact rationals, symbolic integration and searches over laws.
"""

import itertools
import math
from collections.abc import Iterable
from fractions import Fraction

import numpy as np

from dgm import divergences, variational_bounds
from dgm.checks import Claim, Evidence, question

__all__: list[str] = []

LIKELIHOOD, PRIOR = (Fraction(1, 10), Fraction(3, 5), Fraction(3, 10)), (Fraction(1, 2), Fraction(3, 10), Fraction(1, 5))
"""p(x | z) at one x and p(z) for three values of z; the joint is (0.05, 0.18, 0.06)."""

JOINT = tuple(a * b for a, b in zip(LIKELIHOOD, PRIOR, strict=True))
Q = (0.2, 0.5, 0.3)
LAWS = 2000


def _bound(q: Iterable[float]) -> float:
    """Sum of q log(joint / q), term by term."""
    return math.fsum(weight * math.log(float(joint) / weight) for weight, joint in zip(q, JOINT, strict=True) if weight > 0)


def _laws(k: int) -> np.ndarray:
    return np.random.default_rng(5).dirichlet(np.ones(k), size=LAWS)


@question("vaegan-1a")
def vaegan_1a(evidence: Evidence) -> Iterable[Claim]:
    """Two pixels with y = (0.9, 0.2)."""
    import torch

    from dgm import distributions

    y = (Fraction(9, 10), Fraction(1, 5))

    def counted(x: tuple[int, int]) -> Fraction:
        """Share of 50 equally likely outcomes (ten for the first pixel, five for the second) that give x."""
        hits = sum((int(a < 9), int(b < 1)) == x for a, b in itertools.product(range(10), range(5)))
        return Fraction(hits, 50)

    images = [(a, b) for a in (0, 1) for b in (0, 1)]
    stated = distributions.bernoulli_log_prob_of_probabilities(
        torch.tensor(images, dtype=torch.float64), torch.tensor([float(v) for v in y], dtype=torch.float64)
    ).exp()
    largest = max(abs(float(value) - float(counted(image))) for image, value in zip(images, stated, strict=True))
    yield Claim("the product formula for all four images, largest error", "enumeration", 0.0, largest, 1e-12)
    yield Claim("the probabilities of all four images sum to one", "enumeration", 1.0, float(stated.sum()), 1e-12)
    yield Claim("log-probability of (1, 0)", "enumeration", -0.3285040669720361, math.log(counted((1, 0))), 1e-12)
    cross_entropy = math.log(0.9) + math.log(1 - 0.2)
    yield Claim("minus the binary cross-entropy of (1, 0)", "closed form", math.log(float(stated[2])), cross_entropy, 1e-12)


@question("vaegan-1b")
def vaegan_1b(evidence: Evidence) -> Iterable[Claim]:
    """Count of the free entries of mean and covariance."""
    for name, stated in (("identity", 2), ("diagonal", 4), ("full", 5)):
        free = {
            "identity": [],
            "diagonal": [(i, i) for i in range(2)],
            "full": [(i, j) for i, j in itertools.product(range(2), repeat=2) if i <= j],
        }[name]
        count = len(["mean_1", "mean_2", *free])
        yield Claim(f"outputs in two dimensions, covariance {name}", "enumeration", float(stated), float(count))
        rule = variational_bounds.gaussian_outputs(2, name)
        yield Claim(f"the general rule at M = 2, covariance {name}", "enumeration", float(rule), float(count))


@question("vaegan-1c")
def vaegan_1c(evidence: Evidence) -> Iterable[Claim]:
    """The bound on three values of z."""
    log_p = math.log(sum(JOINT))
    posterior = [float(value / sum(JOINT)) for value in JOINT]
    bound = _bound(Q)
    yield Claim("log p(x) = log 0.29", "exact rationals", -1.2378743560, log_p, 1e-9)
    yield Claim("bound at q = (0.2, 0.5, 0.3)", "enumeration", -1.2709158697, bound, 1e-9)
    reconstruction = math.fsum(q * math.log(p) for q, p in zip(Q, LIKELIHOOD, strict=True))
    two_terms = reconstruction - divergences.kl_discrete(Q, [float(p) for p in PRIOR])
    yield Claim("reconstruction minus divergence from the prior", "enumeration", two_terms, bound, 1e-12)
    gap = math.fsum(q * math.log(q / g) for q, g in zip(Q, posterior, strict=True))
    yield Claim("the gap is the divergence from the posterior", "enumeration", gap, log_p - bound, 1e-12)
    yield Claim("the formula for the divergence", "enumeration", divergences.kl_discrete(Q, posterior), gap, 1e-12)
    highest = max(_bound(law) for law in _laws(3))
    yield Claim("no law of 2000 exceeds log p(x)", "Monte Carlo", expected=True, computed=highest <= log_p)
    yield Claim("at the posterior the bound is log p(x)", "enumeration", log_p, _bound(posterior), 1e-12)
    ratios = [float(joint) / g for joint, g in zip(JOINT, posterior, strict=True)]
    yield Claim("and the ratio w is constant there", "enumeration", 0.0, max(ratios) - min(ratios), 1e-12)
    # without the second value of z the first equality of the derivation fails: the sum misses its share of p(x)
    kept = float(JOINT[0] + JOINT[2])
    yield Claim("sum of q w when q leaves out the second value", "exact rationals", 0.11, kept, 1e-12)


@question("vaegan-1d")
def vaegan_1d(evidence: Evidence) -> Iterable[Claim]:
    """Non-negativity, asymmetry, additivity and infinity."""
    one, two = _laws(4), _laws(4)[::-1]
    values = [float((p * np.log(p / q)).sum()) for p, q in zip(one, two, strict=True)]
    formula = [divergences.kl_discrete(p, q) for p, q in zip(one, two, strict=True)]
    yield Claim("2000 random pairs all have a positive divergence", "Monte Carlo", expected=True, computed=min(values) > 0)
    yield Claim("the formula on them, largest error", "enumeration", 0.0, float(np.abs(np.subtract(values, formula)).max()), 1e-12)
    p, q = (0.9, 0.1), (0.5, 0.5)
    forth = 0.9 * math.log(0.9 / 0.5) + 0.1 * math.log(0.1 / 0.5)
    back = 0.5 * math.log(0.5 / 0.9) + 0.5 * math.log(0.5 / 0.1)
    yield Claim("KL of (0.9, 0.1) from (0.5, 0.5)", "enumeration", 0.3680642071684971, forth, 1e-12)
    yield Claim("KL of (0.5, 0.5) from (0.9, 0.1)", "enumeration", 0.5108256237659907, back, 1e-12)
    yield Claim(
        "the formula in both directions",
        "enumeration",
        divergences.kl_discrete(p, q) + divergences.kl_discrete(q, p),
        forth + back,
        1e-12,
    )
    same = divergences.kl_gaussian(1, 2, 3, 2) - divergences.kl_gaussian(3, 2, 1, 2)
    yield Claim("two normals of one width: difference of the two directions", "closed form", 0.0, same, 1e-12)
    middle = (0.7, 0.3)
    detour = divergences.kl_discrete(p, middle) + divergences.kl_discrete(middle, q)
    yield Claim("the triangle inequality fails through (0.7, 0.3)", "enumeration", expected=True, computed=detour < forth)
    product = [a * b for a in p for b in middle], [a * b for a in q for b in (0.4, 0.6)]
    sum_of_two = forth + 0.7 * math.log(0.7 / 0.4) + 0.3 * math.log(0.3 / 0.6)
    yield Claim("independent factors add up", "enumeration", divergences.kl_discrete(*product), sum_of_two, 1e-12)
    yield Claim("missing support gives infinity", "closed form", math.inf, divergences.kl_discrete((0.5, 0.5), (1.0, 0.0)))


@question("vaegan-1g")
def vaegan_1g(evidence: Evidence) -> Iterable[Claim]:
    """A law from itself."""
    import sympy

    m, n = sympy.symbols("m n", real=True)
    s, t = sympy.symbols("s t", positive=True)
    general = sympy.log(t / s) + (s**2 + (m - n) ** 2) / (2 * t**2) - sympy.Rational(1, 2)
    own = sympy.simplify(general.subs({n: m, t: s}))
    yield Claim("the Gaussian divergence at equal parameters", "symbolic", 0.0, float(own))
    points = [(0.3, 0.2), (-4.0, 7.0)]
    yield Claim(
        "the formula at two laws, largest value",
        "closed form",
        0.0,
        max(abs(divergences.kl_gaussian(a, b, a, b)) for a, b in points),
    )
    laws = _laws(5)[:100]
    yield Claim("100 discrete laws from themselves", "enumeration", 0.0, max(abs(divergences.kl_discrete(p, p)) for p in laws))
    apart = float(general.subs({m: 0, n: 1, s: 1, t: 1}))
    yield Claim("shifted by one standard deviation it is 1/2", "symbolic", divergences.kl_gaussian(0, 1, 1, 1), apart, 1e-12)


@question("vaegan-1h")
def vaegan_1h(evidence: Evidence) -> Iterable[Claim]:
    """Two normals with one width, from the integral."""
    import sympy

    z, mp, mq = sympy.symbols("z mu_p mu_q", real=True)
    s = sympy.Symbol("sigma", positive=True)
    q = sympy.exp(-((z - mq) ** 2) / (2 * s**2)) / (s * sympy.sqrt(2 * sympy.pi))
    ratio = ((z - mp) ** 2 - (z - mq) ** 2) / (2 * s**2)
    value = sympy.simplify(sympy.integrate(sympy.expand(ratio.subs(z, z + mq)) * q.subs(z, z + mq), (z, -sympy.oo, sympy.oo)))
    zero = sympy.simplify(value - (mp - mq) ** 2 / (2 * s**2)) == 0
    yield Claim("the integral of q log(q/p) is (mu_p - mu_phi)^2 / (2 sigma^2)", "symbolic", expected=True, computed=bool(zero))
    at = float(value.subs({mq: 1, mp: 3, s: 2}))
    yield Claim("at mu_phi = 1, mu_p = 3, sigma = 2", "symbolic", 0.5, at, 1e-12)
    yield Claim("the formula for two normals there", "symbolic", divergences.kl_gaussian(1, 2, 3, 2), at, 1e-12)
    swapped = float(value.subs({mq: 3, mp: 1, s: 2}))
    yield Claim("exchanged it is the same", "symbolic", at, swapped, 1e-12)
    x = np.linspace(-30, 30, 6001)
    density = np.exp(-((x - 1) ** 2) / 8) / math.sqrt(8 * math.pi)
    numeric = float(np.trapezoid(density * ((x - 3) ** 2 - (x - 1) ** 2) / 8, x))
    yield Claim("the same by the trapezoidal rule", "quadrature", 0.5, numeric, 1e-9)


@question("vaegan-1i")
def vaegan_1i(evidence: Evidence) -> Iterable[Claim]:
    """The stationary point on three values of z."""
    import sympy

    q = sympy.symbols("q1:4", positive=True)
    multiplier = sympy.Symbol("lambda", real=True)
    likelihood, prior = ([sympy.Rational(v.numerator, v.denominator) for v in values] for values in (LIKELIHOOD, PRIOR))
    objective = sum(a * sympy.log(p) - a * sympy.log(a / b) for a, p, b in zip(q, likelihood, prior, strict=True))
    lagrangian = objective + multiplier * (sum(q) - 1)
    total = sum(a * b for a, b in zip(likelihood, prior, strict=True))
    solution = {a: p * b / total for a, p, b in zip(q, likelihood, prior, strict=True)} | {multiplier: 1 - sympy.log(total)}
    slopes = [sympy.simplify(sympy.expand_log(sympy.diff(lagrangian, a).subs(solution), force=True)) for a in (*q, multiplier)]
    largest = max(abs(float(slope)) for slope in slopes)
    yield Claim("all derivatives of the Lagrangian vanish at the posterior, lambda = 1 - log p(x)", "symbolic", 0.0, largest, 1e-12)
    stated = variational_bounds.discrete_maximiser(np.array(LIKELIHOOD, dtype=float), np.array(PRIOR, dtype=float))
    for k, share in enumerate((5, 18, 6)):
        yield Claim(f"q({k + 1}) = {share}/29", "exact rationals", float(stated[k]), float(Fraction(share, 29)), 1e-12)
    value = _bound([share / 29 for share in (5, 18, 6)])
    yield Claim("the objective there is log 0.29", "enumeration", -1.2378743560016174, value, 1e-12)
    highest = max(_bound(law) for law in _laws(3))
    yield Claim("2000 random laws stay below", "Monte Carlo", expected=True, computed=highest < value)
    hessian = sympy.hessian(objective, q)
    diagonal = all(sympy.simplify(hessian[i, j] + (1 / q[i] if i == j else 0)) == 0 for i in range(3) for j in range(3))
    yield Claim("the Hessian of the objective is diag(-1/q)", "symbolic", expected=True, computed=bool(diagonal))


@question("vaegan-1j")
def vaegan_1j(evidence: Evidence) -> Iterable[Claim]:
    """The four candidates as laws on three values of z."""
    total = sum(JOINT)
    candidates = {
        "p(z)": PRIOR,
        "p(x|z), normalised": tuple(v / sum(LIKELIHOOD) for v in LIKELIHOOD),
        "p(z|x)": tuple(v / total for v in JOINT),
    }
    values = {name: _bound([float(v) for v in law]) for name, law in candidates.items()}
    log_p = math.log(total)
    yield Claim("the bound at p(z|x)", "enumeration", log_p, values["p(z|x)"], 1e-12)
    for name in ("p(z)", "p(x|z), normalised"):
        yield Claim(f"the bound at {name} is smaller", "enumeration", expected=True, computed=values[name] < log_p - 1e-3)
        gap = divergences.kl_discrete([float(v) for v in candidates[name]], [float(v) for v in candidates["p(z|x)"]])
        yield Claim(f"log p(x) minus the bound at {name}", "enumeration", gap, log_p - values[name], 1e-12)
    yield Claim("sum of p(x,z) over z, not one", "exact rationals", 0.29, float(total), 1e-12)
    yield Claim(
        "sum of p(x|z) over z need not be one: for another x", "exact rationals", 2.0, float(sum(1 - v for v in LIKELIHOOD)), 1e-12
    )
    flat = [v / total for v in JOINT]
    yield Claim("p(x,z) normalised over z is the posterior", "exact rationals", float(flat[1]), 18 / 29, 1e-12)
