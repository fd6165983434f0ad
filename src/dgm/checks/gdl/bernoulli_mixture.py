"""Claims of gdl 2: the mixture of Bernoulli vectors and the two steps of EM, by counting equally likely outcomes."""

import itertools
import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from dgm import bernoulli
from dgm.checks import Claim, Evidence, question
from dgm.checks.gdl._shared import DATA, PI, P, counted

__all__: list[str] = []

NEW_P, NEW_PI = ((0.6, 0.4), (0.2, 0.8)), (0.35, 0.65)


@question("gdl-2a-i")
def gdl_2a_i(evidence: Evidence) -> Iterable[Claim]:
    """One Bernoulli vector with p = (9/10, 1/5)."""
    p = (Fraction(9, 10), Fraction(1, 5))
    images = list(itertools.product((0, 1), repeat=2))
    total = sum(bernoulli.bernoulli_likelihood(x, p) for x in images)
    yield Claim("the probabilities of all images sum to one", "enumeration", 1.0, float(total))
    hits = dict.fromkeys(images, 0)
    for first, second in itertools.product(range(10), repeat=2):
        hits[int(first < 9), int(second < 2)] += 1
    formula = bernoulli.bernoulli_likelihood((1, 0), p)
    yield Claim("P((1, 0)) for p = (0.9, 0.2)", "enumeration", float(formula), hits[1, 0] / 100)
    same = all(bernoulli.bernoulli_likelihood(x, p) == Fraction(hits[x], 100) for x in images)
    yield Claim("all four probabilities equal shares of 100 equally likely outcomes", "enumeration", expected=True, computed=same)


@question("gdl-2a-ii")
def gdl_2a_ii(evidence: Evidence) -> Iterable[Claim]:
    """The small mixture, counted."""
    for x in ((1, 0), (0, 1), (1, 1), (0, 0)):
        formula = Fraction(bernoulli.mixture_likelihood(x, P, PI))
        yield Claim(f"P({x}) is {formula.numerator}/{formula.denominator}", "enumeration", float(formula), float(counted(x)))
    total = sum(bernoulli.mixture_likelihood(x, P, PI) for x in itertools.product((0, 1), repeat=2))
    yield Claim("the four probabilities sum to one", "exact rationals", 1.0, float(total))


@question("gdl-2a-iii")
def gdl_2a_iii(evidence: Evidence) -> Iterable[Claim]:
    """Log-likelihood of three images."""
    product = math.prod(counted(x) for x in DATA)
    yield Claim(
        "log-likelihood of the three images", "enumeration", bernoulli.log_likelihood(DATA, P, PI), math.log(product), 1e-12
    )
    # the sum over components stands inside the logarithm: moving it outside gives another number
    outside = sum(math.log(PI[k]) + math.log(bernoulli.bernoulli_likelihood(x, P[k])) for x in DATA for k in range(2))
    moved = abs(outside - math.log(product)) < 1e-3
    yield Claim("logarithm and sum over components may be exchanged", "enumeration", expected=False, computed=moved)


@question("gdl-2b-i")
def gdl_2b_i(evidence: Evidence) -> Iterable[Claim]:
    """Indicator and conditional law."""
    pi = (Fraction(1, 5), Fraction(3, 10), Fraction(1, 2))
    one_hot = [tuple(int(k == active) for k in range(3)) for active in range(3)]
    formula = bernoulli.indicator_probability((0, 1, 0), pi)
    outcomes = sum(2 <= ball < 5 for ball in range(10))
    yield Claim("P(z = (0, 1, 0)) for pi = (0.2, 0.3, 0.5)", "enumeration", float(formula), outcomes / 10)
    total = sum(bernoulli.indicator_probability(z, pi) for z in one_hot)
    yield Claim("the law of the indicator sums to one", "enumeration", 1.0, float(total))
    printed = sum(weight**bit for weight, bit in zip(pi, (0, 1, 0), strict=True))
    yield Claim("a sum over k in place of the product gives pi_2 + K - 1", "enumeration", 0.3 + 2, float(printed), 1e-12)
    printed_total = sum(sum(weight**bit for weight, bit in zip(pi, z, strict=True)) for z in one_hot)
    yield Claim("and over all indicators 1 + K(K - 1)", "enumeration", 7.0, float(printed_total))
    images = [(a, b) for a in (0, 1) for b in (0, 1)]
    conditional = all(
        bool(bernoulli.complete_likelihood((k,), (x,), P, PI) / PI[k] == counted(x, k) / sum(counted(y, k) for y in images))
        for k in range(2)
        for x in images
    )
    yield Claim("P(x|z) picks the active component's law", "enumeration", expected=True, computed=conditional)


@question("gdl-2b-ii")
def gdl_2b_ii(evidence: Evidence) -> Iterable[Claim]:
    """All 2^3 assignments."""
    joint = {z: bernoulli.complete_likelihood(z, DATA, P, PI) for z in itertools.product(range(2), repeat=3)}
    marginal = math.prod(counted(x) for x in DATA)
    yield Claim(
        "the joint likelihood summed over all assignments is P(X)", "enumeration", float(sum(joint.values())), float(marginal)
    )
    exact = sum(joint.values()) == Fraction(171 * 151 * 99, 500**3)
    yield Claim("the sum is (171 x 151 x 99)/500^3 exactly", "exact rationals", expected=True, computed=bool(exact))
    shares = math.prod(counted(x, k) for x, k in zip(DATA, (0, 1, 1), strict=True))
    yield Claim("joint likelihood of components (1, 2, 2)", "enumeration", float(joint[0, 1, 1]), float(shares))


@question("gdl-2b-iii-1")
def gdl_2b_iii_1(evidence: Evidence) -> Iterable[Claim]:
    """Responsibilities as shares among the outcomes with the same image."""
    eta = bernoulli.responsibilities(DATA, P, PI)
    for x, row, text in zip(DATA, eta, ("16/19", "4/151", "4/11"), strict=True):
        yield Claim(
            f"responsibility of component 1 for {x} is {text}", "enumeration", float(row[0]), float(counted(x, 0) / counted(x))
        )
    exact = [row[0] for row in eta] == [Fraction(16, 19), Fraction(4, 151), Fraction(4, 11)]
    yield Claim("the three values hold exactly", "exact rationals", expected=True, computed=exact)
    yield Claim("each row sums to one", "exact rationals", expected=True, computed=all(sum(row) == 1 for row in eta))


@question("gdl-2b-iii-2")
def gdl_2b_iii_2(evidence: Evidence) -> Iterable[Claim]:
    """The expectation over all assignments, weighted by their exact posterior probability."""
    marginal = math.prod(counted(x) for x in DATA)
    posterior, logs = {}, {}
    for z in itertools.product(range(2), repeat=3):
        posterior[z] = math.prod(counted(x, k) for x, k in zip(DATA, z, strict=True)) / marginal
        logs[z] = sum(
            math.log(NEW_PI[k]) + sum(math.log(q if bit else 1 - q) for bit, q in zip(x, NEW_P[k], strict=True))
            for x, k in zip(DATA, z, strict=True)
        )
    expectation = sum(float(weight) * logs[z] for z, weight in posterior.items())
    formula = bernoulli.expected_complete_log_likelihood(DATA, bernoulli.responsibilities(DATA, P, PI), NEW_P, NEW_PI)
    yield Claim("expected complete log-likelihood", "enumeration", formula, expectation, 1e-10)
    yield Claim("its value", "enumeration", -5.5918796624, expectation, 1e-9)
    yield Claim(
        "posterior probabilities of the eight assignments sum to one", "exact rationals", 1.0, float(sum(posterior.values()))
    )
    spread = max(logs.values()) - min(logs.values())
    joint = [math.log(bernoulli.complete_likelihood(z, DATA, NEW_P, NEW_PI)) for z in logs]
    yield Claim("range of log P(Z, X) over the assignments", "enumeration", max(joint) - min(joint), spread, 1e-10)


def _surrogate(eta: list[list[Fraction]], k: int, d: int) -> tuple[Any, Any]:
    """SymPy symbol q and the part of the E-step objective that depends on p_d^(k) = q."""
    import sympy

    q = sympy.Symbol("q", positive=True)
    terms = [
        sympy.Rational(row[k].numerator, row[k].denominator) * (sympy.log(q) if x[d] else sympy.log(1 - q))
        for row, x in zip(eta, DATA, strict=True)
    ]
    return q, sympy.Add(*terms)


@question("gdl-2c-i")
def gdl_2c_i(evidence: Evidence) -> Iterable[Claim]:
    """The M step for p on the three images."""
    import sympy
    from scipy.optimize import minimize_scalar

    eta = [[Fraction(counted(x, k) / counted(x)) for k in range(2)] for x in DATA]
    p, _ = bernoulli.m_step(DATA, eta)
    slopes = []
    for k, d in itertools.product(range(2), range(2)):
        q, objective = _surrogate(eta, k, d)
        root = sympy.solve(sympy.fraction(sympy.together(sympy.diff(objective, q)))[0], q)
        yield Claim(f"p-hat of component {k + 1}, pixel {d + 1}", "symbolic", float(p[k][d]), float(root[0]), 1e-15)
        slopes.append(sympy.simplify(sympy.diff(objective, q).subs(q, sympy.Rational(p[k][d].numerator, p[k][d].denominator))))
    exact = p == [[Fraction(9513, 9722), Fraction(1539, 4861)], [Fraction(25066, 55789), Fraction(50806, 55789)]]
    yield Claim("the four values as exact fractions", "exact rationals", expected=True, computed=exact)
    yield Claim("the slope there is exactly zero", "exact rationals", expected=True, computed=all(slope == 0 for slope in slopes))
    size, best = sum(row[0] for row in eta), p[0][0]
    printed = sum(row[0] * (x[0] * (1 - best) + (1 - x[0]) * best) for row, x in zip(eta, DATA, strict=True))
    yield Claim(
        "with a plus sign the left side is 2 N_k p (1 - p) there, not zero",
        "exact rationals",
        float(2 * size * best * (1 - best)),
        float(printed),
        1e-15,
    )
    yield Claim("that left side is positive", "exact rationals", expected=True, computed=printed > 0)
    _, objective = _surrogate(eta, 0, 0)
    value = sympy.lambdify(sympy.Symbol("q", positive=True), objective, "math")
    at, step = float(best), 1e-4
    curvature = (value(at + step) - 2 * value(at) + value(at - step)) / step**2
    second = -sum(float(row[0]) * (x[0] / at**2 + (1 - x[0]) / (1 - at) ** 2) for row, x in zip(eta, DATA, strict=True))
    yield Claim("second derivative at the maximum", "finite differences", second, curvature, 1e-2 * abs(second))
    yield Claim("the second derivative is negative", "finite differences", expected=True, computed=curvature < 0)
    found = minimize_scalar(lambda u: -value(u), bounds=(1e-9, 1 - 1e-9), method="bounded", options={"xatol": 1e-12}).x
    yield Claim("an optimiser finds the same maximum", "optimisation", at, float(found), 1e-6)


@question("gdl-2c-ii")
def gdl_2c_ii(evidence: Evidence) -> Iterable[Claim]:
    """The M step for the weights."""
    import sympy

    first, second, multiplier, size_1, size_2 = sympy.symbols("pi_1 pi_2 lambda N_1 N_2", positive=True)
    lagrangian = size_1 * sympy.log(first) + size_2 * sympy.log(second) - multiplier * (first + second - 1)
    solution = sympy.solve([sympy.diff(lagrangian, v) for v in (first, second, multiplier)], [first, second, multiplier], dict=True)
    exact = len(solution) == 1 and sympy.simplify(solution[0][first] - size_1 / (size_1 + size_2)) == 0
    yield Claim("the Lagrange conditions have the one solution pi_k = N_k / sum N", "symbolic", expected=True, computed=bool(exact))
    eta = [[counted(x, k) / counted(x) for k in range(2)] for x in DATA]
    sizes = [sum(row[k] for row in eta) for k in range(2)]
    value = solution[0][multiplier].subs(
        {size: sympy.Rational(n.numerator, n.denominator) for size, n in zip((size_1, size_2), sizes, strict=True)}
    )
    yield Claim("the multiplier equals the number of images", "symbolic", 3.0, float(value))
    p, pi = bernoulli.m_step(DATA, eta)
    yield Claim("new weight of component 1", "exact rationals", float(pi[0]), float(sizes[0] / 3))
    fractions = pi == [Fraction(38888, 94677), Fraction(55789, 94677)]
    yield Claim("new weights are 38888/94677 and 55789/94677", "exact rationals", expected=True, computed=fractions)
    before = math.log(math.prod(counted(x) for x in DATA))
    yield Claim("log-likelihood before the step", "enumeration", bernoulli.log_likelihood(DATA, P, PI), before, 1e-12)
    after = bernoulli.log_likelihood(DATA, p, pi)
    yield Claim("log-likelihood after the step", "exact rationals", -3.4179289803, after, 1e-9)
    yield Claim("the step raises the log-likelihood", "exact rationals", expected=True, computed=after > before)
    other, share = (0.35, 0.65), [float(size) / 3 for size in sizes]
    loss = sum(float(n) * (math.log(b) - math.log(a)) for n, a, b in zip(sizes, share, other, strict=True))
    divergence = sum(a * math.log(a / b) for a, b in zip(share, other, strict=True))
    yield Claim("any other weights lose n D(N/n||pi)", "closed form", -3 * divergence, loss, 1e-12)
    yield Claim("the sum of (pi_k - 1) is 1 - K at every feasible point", "exact rationals", -1.0, float(sum(w - 1 for w in PI)))
