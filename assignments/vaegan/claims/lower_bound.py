"""Claims about the Bernoulli decoder, the derivation of the bound, properties of the divergence, and the best posterior.

``stated`` comes from the formulas of :mod:`dgm.maths.divergences`, :mod:`dgm.maths.distributions` and
:mod:`dgm.maths.variational_bounds`, or is a number of an answer's text; ``found`` from enumeration, exact rationals, symbolic
integration and searches.
"""

import itertools
import math
from collections.abc import Iterable
from fractions import Fraction

import numpy as np

from dgm.claims.claim import Claim, holds
from dgm.claims.evidence import Evidence
from dgm.claims.registry import question
from dgm.maths import divergences, variational_bounds

__all__: list[str] = []

LIKELIHOOD, PRIOR = (Fraction(1, 10), Fraction(3, 5), Fraction(3, 10)), (Fraction(1, 2), Fraction(3, 10), Fraction(1, 5))
"""p(x | z) at one x and p(z) for three values of z; the joint is (0.05, 0.18, 0.06)."""

JOINT = tuple(a * b for a, b in zip(LIKELIHOOD, PRIOR, strict=True))
Q = (0.2, 0.5, 0.3)
LAWS = 2000
"""Random distributions that a claim about all distributions is tried on."""


def _bound(q: Iterable[float]) -> float:
    """Sum of q log(joint / q), term by term."""
    return math.fsum(weight * math.log(float(joint) / weight) for weight, joint in zip(q, JOINT, strict=True) if weight > 0)


def _laws(k: int) -> np.ndarray:
    return np.random.default_rng(5).dirichlet(np.ones(k), size=LAWS)


@question("vaegan-1a")
def vaegan_1a(evidence: Evidence) -> Iterable[Claim]:
    """Two pixels with y = (0.9, 0.2)."""
    import torch

    from dgm.maths import distributions

    y = (Fraction(9, 10), Fraction(1, 5))

    def counted(x: tuple[int, int]) -> Fraction:
        """Share of 50 equally likely outcomes (ten for the first pixel, five for the second) that give x."""
        hits = sum((int(a < 9), int(b < 1)) == x for a, b in itertools.product(range(10), range(5)))
        return Fraction(hits, 50)

    images = [(a, b) for a in (0, 1) for b in (0, 1)]
    points, outputs = torch.tensor(images, dtype=torch.float64), torch.tensor([float(v) for v in y], dtype=torch.float64)
    stated = distributions.bernoulli_log_prob_of_probabilities(points, outputs).exp()
    largest = max(abs(float(value) - float(counted(image))) for image, value in zip(images, stated, strict=True))
    yield Claim(
        "product-formula-error", "the product formula for all four images, largest error", "enumeration", 0.0, largest, 1e-12
    )
    yield Claim(
        "probabilities-sum", "the probabilities of all four images sum to one", "enumeration", 1.0, float(stated.sum()), 1e-12
    )
    yield Claim(
        "log-probability-one-zero",
        "log-probability of (1, 0)",
        "enumeration",
        -0.3285040669720361,
        math.log(counted((1, 0))),
        1e-12,
    )
    entropy = torch.nn.functional.binary_cross_entropy(outputs, points[2], reduction="sum")
    yield Claim(
        "minus-cross-entropy",
        "minus PyTorch's binary cross-entropy of (1, 0), summed",
        "closed form",
        math.log(float(stated[2])),
        -float(entropy),
        1e-12,
    )
    # two equally likely codes with the outputs (0.9, 0.9) and (0.1, 0.1)
    high, low, half = Fraction(9, 10), Fraction(1, 10), Fraction(1, 2)
    both, one = half * (high * high + low * low), half * (high + low)
    statement = "covariance of two pixels when the codes with outputs (0.9, 0.9) and (0.1, 0.1) are equally likely"
    yield Claim("pixel-covariance", statement, "exact rationals", 0.16, float(both - one * one), 1e-15)


@question("vaegan-1b")
def vaegan_1b(evidence: Evidence) -> Iterable[Claim]:
    """Dimension of the set of means and covariances, and the outputs of an encoder that is built."""
    from dgm.models import vae_mlp

    def free(m: int, name: str) -> int:
        """Dimension of the span of the allowed changes of the covariance."""
        kinds: dict[str, list[tuple[int, int]]] = {
            "identity": [],
            "diagonal": [(i, i) for i in range(m)],
            "full": [(i, j) for i in range(m) for j in range(m)],
        }
        places = kinds[name]
        changes = np.zeros((len(places), m, m))
        for number, (i, j) in enumerate(places):
            changes[number, i, j] = changes[number, j, i] = 1  # a covariance is symmetric
        return int(np.linalg.matrix_rank(changes.reshape(-1, m * m))) if places else 0

    for name, stated in (("identity", 2), ("diagonal", 4), ("full", 5)):
        yield Claim(
            f"outputs-{name}",
            f"outputs in two dimensions, covariance {name}",
            "enumeration",
            float(stated),
            float(2 + free(2, name)),
        )
        rules = [variational_bounds.gaussian_outputs(m, name) - m - free(m, name) for m in range(1, 7)]
        statement = f"the general rule minus the count, M = 1 to 6, covariance {name}, largest difference"
        yield Claim(f"rule-error-{name}", statement, "enumeration", 0.0, float(np.abs(rules).max()))
    for name, stated in (("diagonal", 4), ("full", 5)):
        encoder = vae_mlp.Encoder(vae_mlp.Config.model_validate({"covariance": name}))
        outputs = encoder.mean.out_features + encoder.spread.out_features
        yield Claim(
            f"encoder-outputs-{name}",
            f"outputs of the encoder of this report, covariance {name}",
            "enumeration",
            float(stated),
            float(outputs),
        )


@question("vaegan-1c")
def vaegan_1c(evidence: Evidence) -> Iterable[Claim]:
    """The bound on three values of z."""
    log_p = math.log(sum(JOINT))
    posterior = [float(value / sum(JOINT)) for value in JOINT]
    bound = _bound(Q)
    yield Claim("log-evidence", "log p(x) = log 0.29", "exact rationals", -1.2378743560, log_p, 1e-9)
    yield Claim("bound-at-q", "bound at q = (0.2, 0.5, 0.3)", "enumeration", -1.2709158697, bound, 1e-9)
    reconstruction = math.fsum(q * math.log(p) for q, p in zip(Q, LIKELIHOOD, strict=True))
    two_terms = reconstruction - divergences.kl_discrete(Q, [float(p) for p in PRIOR])
    yield Claim(
        "reconstruction-minus-divergence", "reconstruction minus divergence from the prior", "enumeration", two_terms, bound, 1e-12
    )
    gap = divergences.kl_discrete(Q, posterior)
    yield Claim("gap-of-bound", "the gap is the divergence from the posterior", "enumeration", gap, log_p - bound, 1e-12)
    below = sum(_bound(law) <= log_p for law in _laws(3))
    yield Claim(
        "laws-below-evidence",
        "random distributions q whose bound does not exceed log p(x)",
        "Monte Carlo",
        float(LAWS),
        float(below),
    )
    yield Claim("bound-at-posterior", "at the posterior the bound is log p(x)", "enumeration", log_p, _bound(posterior), 1e-12)
    ratios = [float(joint) / g for joint, g in zip(JOINT, posterior, strict=True)]
    yield Claim(
        "ratio-range-at-posterior",
        "and the ratio w is constant there: largest minus smallest",
        "enumeration",
        0.0,
        max(ratios) - min(ratios),
        1e-12,
    )
    # without the second value of z the first equality of the derivation fails: the sum misses its share of p(x)
    partial = (Fraction(2, 5), Fraction(0), Fraction(3, 5))
    kept = sum((q * joint / q for q, joint in zip(partial, JOINT, strict=True) if q), Fraction(0))
    yield Claim(
        "sum-missing-one-value",
        "sum of q w for q = (0.4, 0, 0.6), which leaves out the second value",
        "exact rationals",
        0.11,
        float(kept),
        1e-15,
    )
    limited = _bound([float(q) for q in partial])
    yield holds(
        "bound-below-partial-sum",
        "the bound survives such a q: it is below log of that sum",
        "enumeration",
        limited < math.log(kept),
    )


@question("vaegan-1d")
def vaegan_1d(evidence: Evidence) -> Iterable[Claim]:
    """Non-negativity, asymmetry and its exception, additivity, invariance, convexity and infinity."""
    one, two = _laws(4), _laws(4)[::-1]
    values = np.array([float((p * np.log(p / q)).sum()) for p, q in zip(one, two, strict=True)])
    formula = [divergences.kl_discrete(p, q) for p, q in zip(one, two, strict=True)]
    yield Claim(
        "positive-divergences",
        "random pairs of distributions with a positive divergence",
        "Monte Carlo",
        float(LAWS),
        float((values > 0).sum()),
    )
    yield Claim(
        "formula-error", "the formula on them, largest error", "enumeration", 0.0, float(np.abs(values - formula).max()), 1e-12
    )
    yield from _almost_everywhere()
    p, q = (0.9, 0.1), (0.5, 0.5)
    forth = 0.9 * math.log(0.9 / 0.5) + 0.1 * math.log(0.1 / 0.5)
    back = 0.5 * math.log(0.5 / 0.9) + 0.5 * math.log(0.5 / 0.1)
    yield Claim("divergence-forth", "divergence of (0.9, 0.1) from (0.5, 0.5)", "enumeration", 0.3680642071684971, forth, 1e-12)
    yield Claim("divergence-back", "divergence of (0.5, 0.5) from (0.9, 0.1)", "enumeration", 0.5108256237659907, back, 1e-12)
    both = divergences.kl_discrete(p, q) + divergences.kl_discrete(q, p)
    yield Claim("sum-of-directions", "the formula in both directions, sum", "enumeration", both, forth + back, 1e-12)
    yield from _equal_widths()
    middle = (0.7, 0.3)
    detour = divergences.kl_discrete(p, middle) + divergences.kl_discrete(middle, q)
    by_hand = 0.9 * math.log(0.9 / 0.7) + 0.1 * math.log(0.1 / 0.3) + 0.7 * math.log(0.7 / 0.5) + 0.3 * math.log(0.3 / 0.5)
    yield Claim("detour-length", "the two steps of the detour over (0.7, 0.3), sum", "enumeration", detour, by_hand, 1e-12)
    yield holds("detour-is-shorter", "the detour is shorter than the direct way", "enumeration", by_hand < forth)
    product = [a * b for a in p for b in middle], [a * b for a in q for b in (0.4, 0.6)]
    sum_of_two = forth + 0.7 * math.log(0.7 / 0.4) + 0.3 * math.log(0.3 / 0.6)
    yield Claim(
        "divergence-of-product", "independent factors add up", "enumeration", divergences.kl_discrete(*product), sum_of_two, 1e-12
    )
    yield from _further_properties(one, two)


def _almost_everywhere() -> Iterable[Claim]:
    """Two densities on [0, 1] that differ at 1/2 alone: p = 1 everywhere, q = 2 there."""
    import sympy

    z = sympy.Symbol("z", real=True)
    ratio = sympy.Piecewise((sympy.log(sympy.Rational(1, 2)), sympy.Eq(z, sympy.Rational(1, 2))), (0, True))
    value = float(sympy.integrate(ratio, (z, 0, 1)))
    yield Claim(
        "divergence-differing-at-one-point", "densities that differ at one point only: their divergence", "symbolic", 0.0, value
    )
    different = bool(ratio.subs(z, sympy.Rational(1, 2)) != 0)
    yield Claim(
        "zero-means-equal-everywhere",
        "two densities with divergence zero are equal at every point",
        "symbolic",
        stated=False,
        found=not (value == 0 and different),
        published=True,
    )


def _equal_widths() -> Iterable[Claim]:
    """Normals of one width, a counter-example to "never symmetric", by quadrature."""
    x = np.linspace(-40, 44, 8401)

    def by_quadrature(a: float, b: float) -> float:
        density = np.exp(-((x - a) ** 2) / 8) / math.sqrt(8 * math.pi)
        return float(np.trapezoid(density * ((x - b) ** 2 - (x - a) ** 2) / 8, x))

    forth, back = by_quadrature(1, 3), by_quadrature(3, 1)
    stated = divergences.kl_gaussian(1, 2, 3, 2) - divergences.kl_gaussian(3, 2, 1, 2)
    yield Claim(
        "equal-widths-difference",
        "two normals of one width: difference of the two directions",
        "quadrature",
        stated,
        forth - back,
        1e-9,
    )
    yield Claim(
        "always-asymmetric",
        "the two directions differ for every two different distributions",
        "quadrature",
        stated=False,
        found=abs(forth - back) > 1e-9,
        published=True,
        printed=True,
    )


def _further_properties(one: np.ndarray, two: np.ndarray) -> Iterable[Claim]:
    """Joint convexity, invariance under y = exp(z), and infinity where support is missing."""
    import sympy

    def kl(p: np.ndarray, q: np.ndarray) -> np.ndarray:
        return np.asarray((p * np.log(p / q)).sum(1))

    weight = np.random.default_rng(6).random((len(one), 1))
    others = np.roll(one, 1, axis=0), np.roll(two, 1, axis=0)
    mixed = kl(weight * one + (1 - weight) * others[0], weight * two + (1 - weight) * others[1])
    convex = mixed <= weight[:, 0] * kl(one, two) + (1 - weight[:, 0]) * kl(*others) + 1e-12
    yield Claim(
        "convex-mixtures", "random mixtures of two pairs that obey joint convexity", "Monte Carlo", float(LAWS), float(convex.sum())
    )
    y = np.exp(np.linspace(-14, 14, 20001))

    def log_normal(mean: float, sd: float) -> np.ndarray:
        return np.asarray(-0.5 * ((np.log(y) - mean) / sd) ** 2 - np.log(y * sd * math.sqrt(2 * math.pi)))

    first, second = log_normal(0.3, 0.8), log_normal(-0.5, 1.3)
    changed = float(np.trapezoid(np.exp(first) * (first - second), y))
    before = divergences.kl_gaussian(0.3, 0.8, -0.5, 1.3)
    yield Claim(
        "divergence-after-exp",
        "two normals after the change of variable exp(z): the same divergence",
        "quadrature",
        before,
        changed,
        1e-5,
    )
    e = sympy.Symbol("e", positive=True)
    half = sympy.Rational(1, 2)
    limit = sympy.limit(half * sympy.log(half / (1 - e)) + half * sympy.log(half / e), e, 0, "+")
    yield Claim(
        "missing-support-infinite",
        "missing support gives infinity",
        "symbolic",
        divergences.kl_discrete((0.5, 0.5), (1.0, 0.0)),
        float(limit),
    )


@question("vaegan-1g")
def vaegan_1g(evidence: Evidence) -> Iterable[Claim]:
    """A distribution from itself."""
    import sympy

    m, n, e = sympy.symbols("m n e", real=True)
    s, t = sympy.symbols("s t", positive=True)
    # E log(q/p) with z = m + s e: only even powers of e have a mean
    log_ratio = sympy.log(t / s) - e**2 / 2 + (m + s * e - n) ** 2 / (2 * t**2)
    weight = sympy.exp(-(e**2) / 2) / sympy.sqrt(2 * sympy.pi)
    general = sympy.integrate(sympy.expand(log_ratio) * weight, (e, -sympy.oo, sympy.oo))
    own = sympy.simplify(general.subs({n: m, t: s}))
    yield Claim("own-divergence-gaussian", "the Gaussian divergence at equal parameters", "symbolic", 0.0, float(own))
    points = [(0.3, 0.2), (-4.0, 7.0)]
    yield Claim(
        "formula-largest-value",
        "the formula at two distributions, largest value",
        "closed form",
        0.0,
        max(abs(divergences.kl_gaussian(a, b, a, b)) for a, b in points),
    )
    printed = sympy.log(t / s) + (s**2 + (m - n) ** 2) / (2 * t**2) - sympy.Rational(1, 2)
    apart = float(sympy.simplify(general - printed))
    yield Claim("formula-minus-integral", "the formula for two normals minus the integral of q log(q/p)", "symbolic", 0.0, apart)
    laws = _laws(5)[:100]
    yield Claim(
        "own-divergence-discrete",
        "100 discrete distributions from themselves",
        "enumeration",
        0.0,
        max(abs(divergences.kl_discrete(p, p)) for p in laws),
    )
    apart = float(general.subs({m: 0, n: 1, s: 1, t: 1}))
    yield Claim(
        "shifted-by-one-deviation",
        "shifted by one standard deviation it is 1/2",
        "symbolic",
        divergences.kl_gaussian(0, 1, 1, 1),
        apart,
        1e-12,
    )


@question("vaegan-1h")
def vaegan_1h(evidence: Evidence) -> Iterable[Claim]:
    """Two normals with one width, from the integral."""
    import sympy

    z, mp, mq = sympy.symbols("z mu_p mu_q", real=True)
    s = sympy.Symbol("sigma", positive=True)
    q = sympy.exp(-((z - mq) ** 2) / (2 * s**2)) / (s * sympy.sqrt(2 * sympy.pi))
    ratio = ((z - mp) ** 2 - (z - mq) ** 2) / (2 * s**2)
    value = sympy.simplify(sympy.integrate(sympy.expand(ratio.subs(z, z + mq)) * q.subs(z, z + mq), (z, -sympy.oo, sympy.oo)))
    # in units of the divergence that the answer states; the second line of the published derivation has mu_q in both densities
    share = sympy.simplify(value / ((mp - mq) ** 2 / (2 * s**2)))
    same_mean = sympy.simplify(ratio.subs(mp, mq) / ((mp - mq) ** 2 / (2 * s**2)))
    yield Claim(
        "integral-over-stated-divergence",
        "the integral of q log(q/p), as a multiple of (mu_p - mu_phi)^2 / (2 sigma^2)",
        "symbolic",
        1.0,
        float(share),
        published=float(same_mean),
    )
    numbers = {mq: 1, mp: 3, s: 2}
    integrand = (q * ratio).subs(numbers)
    at = float(value.subs(numbers))
    for place in (1, 3):
        yield Claim(
            f"divergence-not-integrand-at-{place}",
            f"at mu_phi = 1, mu_p = 3, sigma = 2 it is a number, not the integrand at z = {place}",
            "symbolic",
            0.5,
            at,
            1e-12,
            published=float(integrand.subs(z, place)),
        )
    yield Claim(
        "formula-at-these-numbers", "the formula for two normals there", "symbolic", divergences.kl_gaussian(1, 2, 3, 2), at, 1e-12
    )
    swapped = float(value.subs({mq: 3, mp: 1, s: 2}))
    yield Claim("divergence-means-exchanged", "the means exchanged give the same", "symbolic", at, swapped, 1e-12)
    squares = [sympy.integrate(sympy.expand((z + mq - c) ** 2) * q.subs(z, z + mq), (z, -sympy.oo, sympy.oo)) for c in (mq, mp)]
    apart = sympy.simplify(squares[1] - squares[0] - (mq - mp) ** 2)
    yield Claim(
        "mean-squares-difference",
        "mean squares about mu_p and mu_phi: their difference minus the squared distance",
        "symbolic",
        0.0,
        float(apart),
    )
    x = np.linspace(-30, 30, 6001)
    density = np.exp(-((x - 1) ** 2) / 8) / math.sqrt(8 * math.pi)
    numeric = float(np.trapezoid(density * ((x - 3) ** 2 - (x - 1) ** 2) / 8, x))
    yield Claim("divergence-at-these-numbers", "the same by the trapezoidal rule", "quadrature", 0.5, numeric, 1e-9)


@question("vaegan-1i")
def vaegan_1i(evidence: Evidence) -> Iterable[Claim]:
    """The stationary point on three values of z."""
    import sympy
    from scipy.optimize import minimize
    from scipy.special import softmax

    q = sympy.symbols("q1:4", positive=True)
    multiplier = sympy.Symbol("lambda", real=True)
    likelihood, prior = ([sympy.Rational(v.numerator, v.denominator) for v in values] for values in (LIKELIHOOD, PRIOR))
    objective = sum(a * sympy.log(p) - a * sympy.log(a / b) for a, p, b in zip(q, likelihood, prior, strict=True))
    lagrangian = objective + multiplier * (sum(q) - 1)
    total = sum(a * b for a, b in zip(likelihood, prior, strict=True))
    solution = {a: p * b / total for a, p, b in zip(q, likelihood, prior, strict=True)} | {multiplier: 1 - sympy.log(total)}
    slopes = [sympy.simplify(sympy.expand_log(sympy.diff(lagrangian, a).subs(solution), force=True)) for a in (*q, multiplier)]
    largest = max(abs(float(slope)) for slope in slopes)
    yield Claim(
        "largest-lagrangian-slope",
        "all derivatives of the Lagrangian vanish at the posterior, lambda = 1 - log p(x)",
        "symbolic",
        0.0,
        largest,
        1e-12,
    )
    stated = variational_bounds.discrete_maximiser(np.array(LIKELIHOOD, dtype=float), np.array(PRIOR, dtype=float))
    # a constraint on the sum over x instead, for each z: p(x | z) p(z) is then divided by its sum over the two values of x
    over_x = [a * b / (a * b + (1 - a) * b) for a, b in zip(LIKELIHOOD, PRIOR, strict=True)]
    for k, share in enumerate((5, 18, 6)):
        fraction = float(Fraction(share, 29))
        statement = f"q({k + 1}) = {share}/29, the constraint being over z"
        yield Claim(
            f"maximiser-entry-{k + 1}", statement, "exact rationals", float(stated[k]), fraction, 1e-12, published=float(over_x[k])
        )
    found = minimize(lambda a: -_bound(softmax(a)), np.zeros(3), method="BFGS", options={"gtol": 1e-10})
    apart = float(np.abs(softmax(found.x) - stated).max())
    yield Claim(
        "maximiser-distance",
        "a numerical maximiser over all distributions finds the same q: largest difference",
        "optimisation",
        0.0,
        apart,
        1e-6,
    )
    value = _bound([share / 29 for share in (5, 18, 6)])
    yield Claim("objective-at-maximiser", "the objective there is log 0.29", "enumeration", -1.2378743560016174, value, 1e-12)
    below = sum(_bound(law) < value for law in _laws(3))
    yield Claim("smaller-objectives", "random distributions whose objective is smaller", "Monte Carlo", float(LAWS), float(below))
    hessian = sympy.hessian(objective, q)
    diagonal = all(sympy.simplify(hessian[i, j] + (1 / q[i] if i == j else 0)) == 0 for i in range(3) for j in range(3))
    yield holds("hessian-diagonal", "the Hessian of the objective is diag(-1/q)", "symbolic", bool(diagonal))


@question("vaegan-1j")
def vaegan_1j(evidence: Evidence) -> Iterable[Claim]:
    """The four candidates as distributions on three values of z."""
    total = sum(JOINT)
    posterior = [float(v / total) for v in JOINT]
    log_p = math.log(total)
    candidates = {
        "p(z)": PRIOR,
        "p(x|z), normalised": LIKELIHOOD,
        "p(z|x)": tuple(v / total for v in JOINT),
        "p(x,z), normalised": JOINT,
    }
    words = ("prior", "likelihood", "posterior", "joint")
    for word, (name, values) in zip(words, candidates.items(), strict=True):
        law = [float(v / sum(values)) for v in values]
        gap = divergences.kl_discrete(law, posterior)
        yield Claim(f"gap-at-{word}", f"log p(x) minus the bound at {name}", "enumeration", gap, log_p - _bound(law), 1e-12)
    tight = [name for name, values in candidates.items() if log_p - _bound([float(v / sum(values)) for v in values]) < 1e-12]
    yield holds(
        "only-posterior-tight",
        "only the posterior, which p(x,z) becomes when normalised, reaches log p(x)",
        "enumeration",
        tight == ["p(z|x)", "p(x,z), normalised"],
    )
    yield Claim("joint-sum", "sum of p(x,z) over z, not one", "exact rationals", 0.29, float(total), 1e-12)
    own = float(sum(LIKELIHOOD))
    yield Claim("likelihood-sum", "sum of p(x|z) over z at this x, one by chance", "exact rationals", 1.0, own)
    other = float(sum(1 - v for v in LIKELIHOOD))
    yield Claim(
        "likelihood-sum-other-x",
        "sum of p(x|z) over z for the other value of a binary x, not one",
        "exact rationals",
        2.0,
        other,
        1e-12,
    )
