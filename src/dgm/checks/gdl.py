"""Claims of the gdl answers: KL divergence, Bernoulli mixtures and EM, NICE and the VAE, changes of variable.

``expected`` comes from what an answer states (a formula in :mod:`dgm.bernoulli`, :mod:`dgm.divergences`, :mod:`dgm.flows`, or a
number in its text); ``computed`` comes from another route: counting equally likely outcomes, exact rationals, SymPy, quadrature,
an optimiser, finite differences, or the trained models themselves.

The small mixture used throughout questions 2 and 3: K = D = 2, pi = (2/5, 3/5), p^(1) = (9/10, 1/5), p^(2) = (3/10, 7/10) and
the data (1, 0), (0, 1), (1, 1). All its probabilities are fifths and tenths, so 500 equally likely outcomes describe it completely.
"""

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import Any, cast

import numpy as np

from dgm import bernoulli, divergences, flows, gaussian_fits
from dgm.checks import Claim, Evidence, question
from dgm.config import parse

__all__: list[str] = []

P = ((Fraction(9, 10), Fraction(1, 5)), (Fraction(3, 10), Fraction(7, 10)))
PI = (Fraction(2, 5), Fraction(3, 5))
DATA = ((1, 0), (0, 1), (1, 1))
NEW_P, NEW_PI = ((0.6, 0.4), (0.2, 0.8)), (0.35, 0.65)
POINT = (-2.0, 0.5, -0.3, 4.0, -1.0)
MIXTURES = ("bmm_k5", "bmm_k10", "bmm_k20")


def _outcomes() -> Iterator[tuple[int, tuple[int, int]]]:
    """The 500 equally likely outcomes of the small mixture: component and image. No product of probabilities is formed."""
    for chooser, first, second in itertools.product(range(5), range(10), range(10)):
        component = 0 if chooser < 2 else 1
        tenths = ((9, 2), (3, 7))[component]
        yield component, (int(first < tenths[0]), int(second < tenths[1]))


@functools.cache
def _counted(x: tuple[int, int], component: int | None = None) -> Fraction:
    """Share of the outcomes with image ``x`` (and, if given, that component)."""
    hits = sum(image == x and component in (None, active) for active, image in _outcomes())
    return Fraction(hits, 500)


def _integral(density: Callable[[float], Any], *points: float) -> float:
    """Quadrature by mpmath through the given break points."""
    import mpmath

    return float(mpmath.quad(lambda t: density(float(t)), list(points)))


def _normal(x: float, mean: float = 0.0, sd: float = 1.0) -> float:
    return math.exp(-0.5 * ((x - mean) / sd) ** 2) / (sd * math.sqrt(2 * math.pi))


# ------------------------------------------------------------------------------------------------ 1: divergences


@question("gdl-1a")
def gdl_1a(evidence: Evidence) -> Iterable[Claim]:
    """Uniform laws on [0, 1] and [-2, 2]."""
    p, q = (0.0, 1.0), (-2.0, 2.0)

    def contaminated(epsilon: float) -> float:
        inside, outside = 1 - epsilon + epsilon / 4, epsilon / 4
        return _integral(lambda _: 0.25 * math.log(0.25 / inside), 0, 1) + sum(
            _integral(lambda _: 0.25 * math.log(0.25 / outside), *part) for part in ((-2, 0), (1, 2))
        )

    forward = _integral(lambda _: 1.0 * math.log(1.0 / 0.25), 0, 1)
    yield Claim("D(P||Q) is log 4", "quadrature", divergences.kl_uniform(p, q), forward, 1e-12)
    missed = 1 - Fraction(1, 4)
    yield Claim("Q gives probability 3/4 to the set where P has density 0", "exact rationals", 0.75, float(missed))
    reverse = math.inf if missed > 0 else _integral(lambda _: 0.25 * math.log(0.25), 0, 1)
    yield Claim("D(Q||P) is infinite", "closed form", divergences.kl_uniform(q, p), reverse)
    inside = _integral(lambda _: 0.25 * math.log(0.25 / 1.0), 0, 1)
    yield Claim("the part of D(Q||P) on [0, 1] is -(1/4) log 4", "quadrature", -0.25 * math.log(4), inside, 1e-12)
    yield Claim("D(Q||P_eps) at eps = 1e-6", "quadrature", divergences.kl_to_contaminated(p, q, 1e-6), contaminated(1e-6), 1e-9)
    yield Claim(
        "D(Q||P_eps) grows by (3/4) ln 1000 from eps = 1e-6 to 1e-9",
        "quadrature",
        0.75 * math.log(1000),
        contaminated(1e-9) - contaminated(1e-6),
        1e-6,
    )
    counted = Fraction(1, 4) + (missed + Fraction(1, 4))
    yield Claim("[0, 1] together with all of [-2, 2] has Q-measure 5/4, not 1", "exact rationals", 1.25, float(counted))


@question("gdl-1b")
def gdl_1b(evidence: Evidence) -> Iterable[Claim]:
    """Gaussian fits to 1/2 N(-4, 1) + 1/2 N(4, 1), found here by BFGS on Gauss-Hermite sums over (mean, log sd)."""
    from scipy.optimize import minimize

    target = gaussian_fits.two_modes(4.0)
    nodes, weights = np.polynomial.hermite_e.hermegauss(160)
    weights = weights / weights.sum()

    def log_p(x: np.ndarray) -> np.ndarray:
        return cast(np.ndarray, np.logaddexp(-0.5 * (x - 4) ** 2, -0.5 * (x + 4) ** 2) - math.log(2) - 0.5 * math.log(2 * math.pi))

    def log_q(x: np.ndarray, mean: float, log_sd: float) -> np.ndarray:
        return cast(np.ndarray, -0.5 * ((x - mean) / math.exp(log_sd)) ** 2 - log_sd - 0.5 * math.log(2 * math.pi))

    def forward(theta: np.ndarray) -> float:
        return sum(0.5 * float(weights @ (log_p(x) - log_q(x, *theta))) for x in (nodes - 4, nodes + 4))

    def reverse(theta: np.ndarray) -> float:
        x = theta[0] + math.exp(theta[1]) * nodes
        return float(weights @ (log_q(x, *theta) - log_p(x)))

    def fit(objective: Callable[[np.ndarray], float], start: tuple[float, float]) -> tuple[float, float, float]:
        found = minimize(objective, np.array(start), method="BFGS", options={"gtol": 1e-9})
        return float(found.x[0]), math.exp(float(found.x[1])), float(found.fun)

    matched = divergences.moment_match(target)
    wide = fit(forward, (1.0, 1.0))
    yield Claim("forward KL: the best mean is E_P[x]", "optimisation", matched[0], wide[0], 1e-5)
    yield Claim("forward KL: the best variance is Var_P[x] = 17", "optimisation", matched[1] ** 2, wide[1] ** 2, 1e-4)
    yield Claim("forward KL at its minimum", "optimisation", divergences.forward_kl(target, *matched), wide[2], 1e-8)
    narrow = divergences.fit_reverse(target, (3.0, 1.0))
    right = fit(reverse, (3.0, 0.2))
    yield Claim("reverse KL: mean at its minimum", "optimisation", narrow[0], right[0], 1e-5)
    yield Claim("reverse KL: standard deviation at its minimum", "optimisation", narrow[1], right[1], 1e-5)
    yield Claim("reverse KL at its minimum", "optimisation", divergences.reverse_kl(target, *narrow), right[2], 1e-8)
    yield Claim("missing one of two equal modes costs about log 2", "optimisation", math.log(2), right[2], 1e-3)
    left = fit(reverse, (-3.0, 0.2))
    yield Claim("the other mode is an equally good reverse fit", "optimisation", right[2], left[2], 1e-8)
    drawn = evidence.arrays("two_mode_fits")["optima"]
    distance = float(np.abs(drawn - np.array([wide, left, right])).max())
    yield Claim("the drawn curves use these optima", "optimisation", 0.0, distance, 1e-4)

    def on_grid(theta: np.ndarray) -> float:  # the wide Gaussian crosses the kink of log p at 0, where Gauss-Hermite is poor
        x = np.linspace(-12, 12, 20_001) * math.exp(theta[0])
        return float(np.trapezoid(np.exp(log_q(x, 0, theta[0])) * (log_q(x, 0, theta[0]) - log_p(x)), x))

    centred = minimize(on_grid, np.array([1.0]), method="BFGS", options={"gtol": 1e-9})
    spread = math.exp(float(centred.x[0]))
    value = divergences.reverse_kl(target, 0, spread)
    yield Claim("reverse KL of the best Gaussian centred between the modes", "optimisation", value, float(centred.fun), 1e-8)
    yield Claim("its standard deviation", "optimisation", 3.4727, spread, 1e-3)


@question("gdl-1c")
def gdl_1c(evidence: Evidence) -> Iterable[Claim]:
    """What the direction of the KL does to a VAE, on Gaussians."""
    import sympy
    from scipy.optimize import minimize

    def kl(sd_p: float, sd_q: float) -> float:
        reach = 12 * sd_p
        return _integral(
            lambda x: _normal(x, 0, sd_p) * (math.log(sd_q / sd_p) - 0.5 * (x / sd_p) ** 2 + 0.5 * (x / sd_q) ** 2),
            -reach,
            0,
            reach,
        )

    yield Claim("D(N(0, 0.1^2)||N(0, 1))", "quadrature", divergences.kl_gaussian(0, 0.1, 0, 1), kl(0.1, 1.0), 1e-9)
    yield Claim("D(N(0, 1)||N(0, 0.1^2))", "quadrature", divergences.kl_gaussian(0, 1, 0, 0.1), kl(1.0, 0.1), 1e-9)
    rho = sympy.Symbol("rho", real=True)
    precision = sympy.Matrix([[1, rho], [rho, 1]]).inv()
    exact = sympy.simplify(1 / precision[0, 0] - (1 - rho**2)) == 0
    yield Claim("the inverse of the precision's diagonal is 1 - rho^2", "symbolic", expected=True, computed=bool(exact))
    covariance = np.array([[1.0, 0.9], [0.9, 1.0]])
    reverse, forward = divergences.mean_field_variances(covariance)
    at = float((1 / precision[0, 0]).subs(rho, sympy.Rational(9, 10)))
    yield Claim("mean-field variance at rho = 0.9", "symbolic", float(reverse[0]), at, 1e-12)

    def gaussian_kl(first: np.ndarray, second: np.ndarray) -> float:
        solved = np.linalg.solve(second, first)
        return 0.5 * float(np.trace(solved) - len(first) - np.linalg.slogdet(solved)[1])

    start = np.zeros(2)
    best = minimize(lambda s: gaussian_kl(np.diag(np.exp(s)), covariance), start, options={"gtol": 1e-9}).x
    yield Claim("minimising D(q||p) over factorised q gives it", "optimisation", float(reverse[0]), float(np.exp(best[0])), 1e-6)
    best = minimize(lambda s: gaussian_kl(covariance, np.diag(np.exp(s))), start, options={"gtol": 1e-9}).x
    yield Claim("minimising D(p||q) gives the marginal variance", "optimisation", float(forward[0]), float(np.exp(best[0])), 1e-6)
    x, mean, sd = 1.3, 0.2, 0.8
    log_evidence = math.log(_integral(lambda z: _normal(z) * _normal(x, z), -12, 0, 12))
    bound = _integral(
        lambda z: _normal(z, mean, sd) * (math.log(_normal(z) * _normal(x, z)) - math.log(_normal(z, mean, sd))), -9, mean, 9
    )
    gap = divergences.kl_gaussian(mean, sd, x / 2, math.sqrt(0.5))
    yield Claim("the ELBO of the linear Gaussian model", "quadrature", divergences.elbo_linear_gaussian(x, mean, sd), bound, 1e-9)
    yield Claim("log p(x) minus the ELBO is D(q(z|x)||p(z|x))", "quadrature", gap, log_evidence - bound, 1e-9)
    swapped = divergences.kl_gaussian(x / 2, math.sqrt(0.5), mean, sd)
    same = abs(log_evidence - bound - swapped) < 1e-3
    yield Claim("the gap equals the divergence in the other direction", "quadrature", expected=False, computed=bool(same))
    drawn = evidence.arrays("mean_field")
    distance = float(np.abs(drawn["reverse_variances"] - 0.19).max() + np.abs(drawn["forward_variances"] - 1).max())
    yield Claim("the drawn ellipses use these variances", "closed form", 0.0, distance, 1e-12)


# ------------------------------------------------------------------------------------------------ 2: the mixture and EM


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
        yield Claim(f"P({x}) is {formula.numerator}/{formula.denominator}", "enumeration", float(formula), float(_counted(x)))
    total = sum(bernoulli.mixture_likelihood(x, P, PI) for x in itertools.product((0, 1), repeat=2))
    yield Claim("the four probabilities sum to one", "exact rationals", 1.0, float(total))


@question("gdl-2a-iii")
def gdl_2a_iii(evidence: Evidence) -> Iterable[Claim]:
    """Log-likelihood of three images."""
    product = math.prod(_counted(x) for x in DATA)
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
        bool(bernoulli.complete_likelihood((k,), (x,), P, PI) / PI[k] == _counted(x, k) / sum(_counted(y, k) for y in images))
        for k in range(2)
        for x in images
    )
    yield Claim("P(x|z) picks the active component's law", "enumeration", expected=True, computed=conditional)


@question("gdl-2b-ii")
def gdl_2b_ii(evidence: Evidence) -> Iterable[Claim]:
    """All 2^3 assignments."""
    joint = {z: bernoulli.complete_likelihood(z, DATA, P, PI) for z in itertools.product(range(2), repeat=3)}
    marginal = math.prod(_counted(x) for x in DATA)
    yield Claim(
        "the joint likelihood summed over all assignments is P(X)", "enumeration", float(sum(joint.values())), float(marginal)
    )
    exact = sum(joint.values()) == Fraction(171 * 151 * 99, 500**3)
    yield Claim("the sum is (171 x 151 x 99)/500^3 exactly", "exact rationals", expected=True, computed=bool(exact))
    counted = math.prod(_counted(x, k) for x, k in zip(DATA, (0, 1, 1), strict=True))
    yield Claim("joint likelihood of components (1, 2, 2)", "enumeration", float(joint[0, 1, 1]), float(counted))


@question("gdl-2b-iii-1")
def gdl_2b_iii_1(evidence: Evidence) -> Iterable[Claim]:
    """Responsibilities as shares among the outcomes with the same image."""
    eta = bernoulli.responsibilities(DATA, P, PI)
    for x, row, text in zip(DATA, eta, ("16/19", "4/151", "4/11"), strict=True):
        yield Claim(
            f"responsibility of component 1 for {x} is {text}", "enumeration", float(row[0]), float(_counted(x, 0) / _counted(x))
        )
    exact = [row[0] for row in eta] == [Fraction(16, 19), Fraction(4, 151), Fraction(4, 11)]
    yield Claim("the three values hold exactly", "exact rationals", expected=True, computed=exact)
    yield Claim("each row sums to one", "exact rationals", expected=True, computed=all(sum(row) == 1 for row in eta))


@question("gdl-2b-iii-2")
def gdl_2b_iii_2(evidence: Evidence) -> Iterable[Claim]:
    """The expectation over all assignments, weighted by their exact posterior probability."""
    marginal = math.prod(_counted(x) for x in DATA)
    posterior, logs = {}, {}
    for z in itertools.product(range(2), repeat=3):
        posterior[z] = math.prod(_counted(x, k) for x, k in zip(DATA, z, strict=True)) / marginal
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

    eta = [[Fraction(_counted(x, k) / _counted(x)) for k in range(2)] for x in DATA]
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
    eta = [[_counted(x, k) / _counted(x) for k in range(2)] for x in DATA]
    sizes = [sum(row[k] for row in eta) for k in range(2)]
    value = solution[0][multiplier].subs(
        {size: sympy.Rational(n.numerator, n.denominator) for size, n in zip((size_1, size_2), sizes, strict=True)}
    )
    yield Claim("the multiplier equals the number of images", "symbolic", 3.0, float(value))
    p, pi = bernoulli.m_step(DATA, eta)
    yield Claim("new weight of component 1", "exact rationals", float(pi[0]), float(sizes[0] / 3))
    fractions = pi == [Fraction(38888, 94677), Fraction(55789, 94677)]
    yield Claim("new weights are 38888/94677 and 55789/94677", "exact rationals", expected=True, computed=fractions)
    before = math.log(math.prod(_counted(x) for x in DATA))
    yield Claim("log-likelihood before the step", "enumeration", bernoulli.log_likelihood(DATA, P, PI), before, 1e-12)
    after = bernoulli.log_likelihood(DATA, p, pi)
    yield Claim("log-likelihood after the step", "exact rationals", -3.4179289803, after, 1e-9)
    yield Claim("the step raises the log-likelihood", "exact rationals", expected=True, computed=after > before)
    other, share = (0.35, 0.65), [float(size) / 3 for size in sizes]
    loss = sum(float(n) * (math.log(b) - math.log(a)) for n, a, b in zip(sizes, share, other, strict=True))
    divergence = sum(a * math.log(a / b) for a, b in zip(share, other, strict=True))
    yield Claim("any other weights lose n D(N/n||pi)", "closed form", -3 * divergence, loss, 1e-12)
    yield Claim("the sum of (pi_k - 1) is 1 - K at every feasible point", "exact rationals", -1.0, float(sum(w - 1 for w in PI)))


# ------------------------------------------------------------------------------------------------ 3: EM on digits


def _synthetic(seed: int, n: int, d: int, k: int) -> tuple[Any, Any, Any]:
    """Images [n, d], components [n] and pixel probabilities [k, d] of a random mixture, float64."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    p = 0.1 + 0.8 * torch.rand((k, d), generator=generator, dtype=torch.float64)
    components = torch.arange(n) % k
    images = (torch.rand((n, d), generator=generator, dtype=torch.float64) < p[components]).double()
    return images, components, p


@question("gdl-3a")
def gdl_3a(evidence: Evidence) -> Iterable[Claim]:
    """The log-space E step against sums and products in exact arithmetic."""
    import torch

    from dgm.models import bmm

    images, _, p = _synthetic(0, 50, 784, 4)
    eta, _ = bmm.e_step(images, p, torch.full((4, 1), 0.25, dtype=torch.float64))
    yield Claim("largest distance of a row sum from one, D = 784", "trained model", 0.0, float((eta.sum(1) - 1).abs().max()), 1e-12)
    small = torch.tensor(DATA, dtype=torch.float64)
    eta, log_likelihood = bmm.e_step(small, torch.tensor(P, dtype=torch.float64), torch.tensor(PI, dtype=torch.float64)[:, None])
    brute = torch.tensor([[float(_counted(x, k) / _counted(x)) for k in range(2)] for x in DATA], dtype=torch.float64)
    yield Claim("largest difference from 16/19, 4/151, 4/11", "enumeration", 0.0, float((eta - brute).abs().max()), 1e-12)
    summed = math.log(math.prod(_counted(x) for x in DATA))
    yield Claim("log-likelihood of the small data set", "enumeration", float(log_likelihood.sum()), summed, 1e-12)
    extreme = torch.where(images[:2] > 0.5, 1e-6, 1 - 1e-6).double()  # every pixel of an image as improbable as the floor allows
    eta, log_likelihood = bmm.e_step(images[:2], extreme, torch.full((2, 1), 0.5, dtype=torch.float64))
    finite = bool(torch.isfinite(eta).all() and torch.isfinite(log_likelihood).all())
    yield Claim("no NaN and no infinity with all p at the floor", "trained model", expected=True, computed=finite)
    yield Claim("the plain product 0.01^784 in double precision", "closed form", 0.0, math.prod([0.01] * 784))
    ones = torch.ones((1, 784), dtype=torch.float64)
    one = torch.ones((1, 1), dtype=torch.float64)
    _, log_likelihood = bmm.e_step(ones, 0.01 * ones, one)
    yield Claim("its logarithm from the E step", "closed form", 784 * math.log(0.01), float(log_likelihood[0]), 1e-9)


@question("gdl-3b")
def gdl_3b(evidence: Evidence) -> Iterable[Claim]:
    """The M step against exact rationals and finite differences."""
    import torch

    from dgm.models import bmm

    images, _, p = _synthetic(1, 60, 784, 4)
    eta, _ = bmm.e_step(images, p, torch.full((4, 1), 0.25, dtype=torch.float64))
    new_p, new_weights = bmm.m_step(images, eta)
    yield Claim("the new weights sum to one", "closed form", 1.0, float(new_weights.sum()), 1e-12)
    inside = bool((new_p > 0).all() and (new_p < 1).all())
    yield Claim("all new pixel probabilities lie strictly between 0 and 1", "closed form", expected=True, computed=inside)
    exact_eta = [[_counted(x, k) / _counted(x) for k in range(2)] for x in DATA]
    small = torch.tensor(DATA, dtype=torch.float64)
    small_p, small_weights = bmm.m_step(small, torch.tensor(exact_eta, dtype=torch.float64))
    exact_p = torch.tensor([[9513 / 9722, 1539 / 4861], [25066 / 55789, 50806 / 55789]], dtype=torch.float64)
    yield Claim(
        "largest difference from the exact fractions of 2.c.i",
        "exact rationals",
        0.0,
        float((small_p - exact_p).abs().max()),
        1e-12,
    )
    difference = abs(float(small_weights[0, 0]) - 38888 / 94677)
    yield Claim("difference from the exact weight of 2.c.ii", "exact rationals", 0.0, difference, 1e-12)
    step, slopes = 1e-6, []
    rows = small_p.tolist()
    for k, d in itertools.product(range(2), range(2)):
        values = []
        for sign in (1, -1):
            moved = [list(row) for row in rows]
            moved[k][d] += sign * step
            values.append(bernoulli.expected_complete_log_likelihood(DATA, exact_eta, moved, small_weights[:, 0].tolist()))
        slopes.append(abs(values[0] - values[1]) / (2 * step))
    yield Claim("largest slope of the E-step objective at the new p", "finite differences", 0.0, max(slopes), 1e-6)
    empty = torch.tensor([[1.0, 0.0]] * 3, dtype=torch.float64)
    guarded = all(bool(torch.isfinite(values).all()) for values in bmm.m_step(small, empty))
    yield Claim("a component without images gives no NaN", "closed form", expected=True, computed=guarded)


@question("gdl-3c")
def gdl_3c(evidence: Evidence) -> Iterable[Claim]:
    """Monotone likelihood of the trained mixtures, and recovery of known parameters."""
    import torch

    from dgm.models import bmm

    largest, kept = 0.0, True
    for run in (*MIXTURES, "bmm_k20_all"):
        history = evidence.history(run)
        finals = []
        for term, trace in history.groupby("term"):
            ordered = trace.sort_values("step")["value"].to_numpy()
            largest = max(largest, float(-np.diff(ordered).min(initial=0.0)))
            if str(term).startswith("log_likelihood/"):
                finals.append(ordered[-1])
        best = history[history["term"] == "log_likelihood"].sort_values("step")["value"].to_numpy()[-1]
        kept = kept and bool(abs(best - max(finals)) < 1e-3)
    yield Claim(
        "largest fall of the log-likelihood an image between two iterations, all runs and starts",
        "trained model",
        0.0,
        largest,
        1e-9,
    )
    yield Claim(
        "the kept start is the best one (to 0.001 nats an image)",
        "trained model",
        expected=True,
        computed=kept,
        needs_full_budget=True,
    )
    images, components, truth = _synthetic(2, 200, 784, 3)
    fits = []
    for start in range(5):
        p, weights = bmm.initialise(images, 3, torch.Generator().manual_seed(start))
        for _ in range(40):
            p, weights, total = bmm.em_iteration(images, p, weights)
        fits.append((float(total), start, p, weights))
    _, _, p, weights = max(fits, key=lambda fitted: fitted[:2])
    assigned = bmm.e_step(images, p, weights)[0].argmax(1)
    match = [int(torch.mode(components[assigned == k]).values) if bool((assigned == k).any()) else 0 for k in range(3)]
    right = float((torch.tensor(match)[assigned] == components).double().mean())
    yield Claim("share of 200 synthetic images given to their own component", "Monte Carlo", 1.0, right)
    error = float((p - truth[match]).abs().mean())
    means = torch.stack([images[components == k].mean(0) for k in range(3)])
    floor = float((means - truth).abs().mean())
    yield Claim("mean error of the recovered p equals that of the true groups' means", "Monte Carlo", floor, error, 1e-3)
    twin = torch.full((2, 784), 0.5, dtype=torch.float64)
    weights = torch.full((2, 1), 0.5, dtype=torch.float64)
    for _ in range(5):
        twin, weights, _ = bmm.em_iteration(images, twin, weights)
    yield Claim("equal rows stay equal for ever", "closed form", 0.0, float((twin[0] - twin[1]).abs().max()), 1e-12)
    q = ((0.5, 0.5), (0.1, 0.9), (0.7, 0.3))
    joint = [[float(_counted(x, k)) for k in range(2)] for x in DATA]
    bound = sum(
        w * (math.log(j) - math.log(w)) for row, weight in zip(joint, q, strict=True) for j, w in zip(row, weight, strict=True)
    )
    gap = sum(
        w * math.log(w / float(eta))
        for weight, row in zip(q, bernoulli.responsibilities(DATA, P, PI), strict=True)
        for w, eta in zip(weight, row, strict=True)
    )
    evidence_log = math.log(math.prod(_counted(x) for x in DATA))
    yield Claim("log P(X) is the bound plus D(q||P(Z|X)) for an arbitrary q", "enumeration", evidence_log, bound + gap, 1e-12)


def _final(evidence: Evidence, run: str) -> float:
    """Training log-likelihood an image of the kept start at the end."""
    history = evidence.history(run)
    return float(history[history["term"] == "log_likelihood"].sort_values("step")["value"].iloc[-1])


@question("gdl-3d")
def gdl_3d(evidence: Evidence) -> Iterable[Claim]:
    """The fitted prototypes for K = 5, 10, 20."""
    from dgm.artefacts import load_model

    for run, k in zip(MIXTURES, (5, 10, 20), strict=True):
        prototypes = evidence.samples(run)["prototypes"]
        good = prototypes.shape == (k, 28, 28) and bool((prototypes >= 0).all() and (prototypes <= 1).all())
        yield Claim(f"K = {k}: {k} x 784 pixel probabilities in [0, 1]", "trained model", expected=True, computed=good)
    data = evidence.images()
    images = (data["test_images"].reshape(-1, 784) > 127).astype(np.float64)
    distance, likelihood, gaps, joint = 0.0, [], [], np.zeros((1, 1))
    for run, k in zip(MIXTURES, (5, 10, 20), strict=True):
        model = cast(Any, load_model(evidence.model_path(run)))
        p, weights = model.p.numpy(), model.mix_p.numpy().ravel()
        distance = max(distance, float(np.abs(p.reshape(-1, 28, 28) - evidence.samples(run)["prototypes"]).max()))
        # pixel by pixel over a loop of components, unlike the one matrix product of the model
        terms = [np.log(weights[c]) + np.where(images > 0, np.log(p[c]), np.log1p(-p[c])).sum(1) for c in range(k)]
        held_out = float(np.logaddexp.reduce(terms, axis=0).mean())
        stated, fitted = evidence.metric(run, "log_likelihood"), _final(evidence, run)
        yield Claim(f"test log-likelihood recomputed pixel by pixel, K = {k}", "trained model", stated, held_out, 1e-6)
        yield Claim(f"training minus test, K = {k}", "trained model", fitted - stated, fitted - held_out, 1e-6)
        likelihood.append(fitted)
        gaps.append(fitted - held_out)
        if k == 10:
            joint = np.stack(terms, axis=1)
    clusters, labels = joint.argmax(1), data["test_labels"]
    majority = {int(np.bincount(labels[clusters == c]).argmax()) for c in np.unique(clusters)}
    yield Claim(
        "different majority digits of the ten components (fewer than ten)",
        "trained model",
        expected=5.0,
        computed=float(len(majority)),
        tolerance=4.0,
        needs_full_budget=True,
    )
    yield Claim("the drawn prototypes are the rows of the stored p", "trained model", 0.0, distance, 1e-6)
    yield Claim(
        "training log-likelihood rises from K = 5 over 10 to 20",
        "trained model",
        expected=True,
        computed=likelihood[0] < likelihood[1] < likelihood[2],
        needs_full_budget=True,
    )
    purity = [evidence.metric(run, "purity") for run in MIXTURES]
    yield Claim(
        "purity rises from K = 5 to K = 20", "trained model", expected=True, computed=purity[0] < purity[2], needs_full_budget=True
    )
    entropy = [evidence.metric(run, "prototype_entropy", "model") for run in MIXTURES]
    yield Claim(
        "prototypes are sharper (less entropy a pixel) for K = 20 than for K = 5",
        "trained model",
        expected=True,
        computed=entropy[2] < entropy[0],
        needs_full_budget=True,
    )
    yield Claim(
        "the distance of training from test likelihood grows from K = 5 to K = 20",
        "trained model",
        expected=True,
        computed=gaps[2] > gaps[0],
        needs_full_budget=True,
    )


@question("gdl-3e")
def gdl_3e(evidence: Evidence) -> Iterable[Claim]:
    """Samples of the mixture, and why their pixels do not hang together."""
    tenths, fifths = ((9, 2), (3, 7)), (2, 3)
    outcomes = [
        (k, int(a < tenths[k][0]), int(b < tenths[k][1]))
        for k in range(2)
        for _ in range(fifths[k])
        for a, b in itertools.product(range(10), repeat=2)
    ]

    def covariance(chosen: list[tuple[int, int, int]]) -> Fraction:
        n = len(chosen)
        first, second, both = (sum(f) for f in zip(*((a, b, a * b) for _, a, b in chosen), strict=True))
        return Fraction(both, n) - Fraction(first * second, n * n)

    formula = float(bernoulli.mixture_covariance([[0.9, 0.2], [0.3, 0.7]], [0.4, 0.6])[0, 1])
    yield Claim("covariance of the two pixels of the small mixture", "enumeration", formula, float(covariance(outcomes)), 1e-12)
    within = [covariance([o for o in outcomes if o[0] == k]) for k in range(2)]
    yield Claim("covariance given the component", "enumeration", 0.0, float(sum(abs(value) for value in within)))
    for run in MIXTURES:
        yield Claim(
            f"{run}: correlation of neighbouring pixels of samples given the component",
            "trained model",
            0.0,
            evidence.metric(run, "neighbour_correlation_samples", "samples"),
            0.05,
            needs_full_budget=True,
        )
    for run in MIXTURES:
        yield Claim(
            f"{run}: the same correlation in real images of a cluster exceeds 0.1",
            "trained model",
            expected=True,
            computed=evidence.metric(run, "neighbour_correlation_data") > 0.1,
            needs_full_budget=True,
        )
    few, some, many = (evidence.metric(run, "class_information", "samples") for run in MIXTURES)
    yield Claim(
        "a digit classifier learns more from samples the more components there are",
        "trained model",
        expected=True,
        computed=few < some < many,
        needs_full_budget=True,
    )
    values = {int(v) for run in MIXTURES for v in np.unique(evidence.samples(run)["samples"])}
    yield Claim("samples are binary images", "trained model", expected=True, computed=values <= {0, 1})


# ------------------------------------------------------------------------------------------------ 4: NICE and the VAE


@question("gdl-4a")
def gdl_4a(evidence: Evidence) -> Iterable[Claim]:
    """The trained flow: invertible, unit-volume couplings, counted parameters, consistent numbers."""
    import torch

    from dgm.artefacts import load_model
    from dgm.models import nice

    images = torch.from_numpy(evidence.images()["test_images"][:64].reshape(-1, 784).astype(np.float32))
    x = (images + torch.rand(images.shape, generator=torch.Generator().manual_seed(0))) / 256
    for run in ("nice", "nice_scale_rate"):
        model = cast(Any, load_model(evidence.model_path(run)))
        with torch.no_grad():
            error = float((model.inverse(model(x)[0]) - x).abs().max())
        yield Claim(f"{run}: largest error of decoding an encoded image, float32", "trained model", 0.0, error, 1e-3)
    count = sum(parameter.numel() for parameter in model.parameters())
    formula = 4 * ((392 + 1) * 1000 + 4 * (1000 + 1) * 1000 + (1000 + 1) * 392) + 784
    yield Claim("parameters of NICE", "trained model", float(formula), float(count))
    yield Claim("parameters as counted in the reference", "trained model", 19_158_352.0, float(count))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        small = nice.Model(parse(nice.Config, {"hidden_layers": 1, "hidden_units": 16}, "small copy")).double()
        with torch.no_grad():
            small.log_scale.copy_(0.3 * torch.randn(784))
    point = x[0].double()
    jacobian = torch.autograd.functional.jacobian(lambda v: small(v[None])[0][0], point)
    with torch.no_grad():
        stated = float(small(point[None])[1])
    yield Claim(
        "log |det J| of a small copy is the sum of its log-scales",
        "automatic differentiation",
        stated,
        float(jacobian.slogdet()[1]),
        1e-6,
    )
    nll = 784 * (4.34 * math.log(2) - math.log(256))
    yield Claim("4.34 bits per dimension are this negative log-likelihood", "closed form", -1988.944, nll, 1e-3)
    for run in ("nice", "nice_scale_rate"):
        bits = (-evidence.metric(run, "log_likelihood") / 784 + math.log(256)) / math.log(2)
        yield Claim(f"{run}: bits per dimension from nats", "trained model", evidence.metric(run, "bits_per_dim"), bits, 1e-6)
        samples = evidence.samples(run)
        good = all(
            samples[name].shape[1:] == (28, 28) and np.isfinite(samples[name]).all() for name in ("samples", "low_temperature")
        )
        yield Claim(f"{run}: samples are finite 28 x 28 images", "trained model", expected=True, computed=bool(good))
    middle, average = (evidence.metric("nice_scale_rate", name) for name in ("log_likelihood_median", "log_likelihood"))
    yield Claim(
        "the median test image has a higher likelihood than the mean",
        "trained model",
        expected=True,
        computed=middle > average,
        needs_full_budget=True,
    )
    variance = 2 * _integral(lambda z: z**2 * math.exp(-z) / (1 + math.exp(-z)) ** 2, 0, 5, 40, 200)
    yield Claim(
        "standard deviation of the logistic prior is pi / sqrt 3", "quadrature", math.pi / math.sqrt(3), math.sqrt(variance), 1e-9
    )
    yield Claim("a standard normal draw has this share of it", "quadrature", 0.551, 1 / math.sqrt(variance), 1e-3)
    density = 2 * _integral(lambda z: math.exp(-math.log1p(math.exp(-z)) - (z + math.log1p(math.exp(-z)))), 0, 5, 40, 200)
    yield Claim("exp(-softplus(z) - softplus(-z)) integrates to one", "quadrature", 1.0, density, 1e-9)


@question("gdl-4b")
def gdl_4b(evidence: Evidence) -> Iterable[Claim]:
    """The trained VAE: parameters, KL term, order of the bounds."""
    import torch

    from dgm.artefacts import load_model
    from dgm.distributions import kl_to_standard_normal

    model = cast(Any, load_model(evidence.model_path("vae_conv")))
    sizes = [sum(parameter.numel() for parameter in part.parameters()) for part in (model.encoder, model.decoder)]
    yield Claim("parameters of the encoder", "trained model", 491_744.0, float(sizes[0]))
    yield Claim("parameters of the decoder", "trained model", 482_497.0, float(sizes[1]))
    yield Claim("parameters of the VAE", "trained model", 974_241.0, float(sum(p.numel() for p in model.parameters())))
    mean, log_std = torch.tensor([[0.7, -1.2]], dtype=torch.float64), torch.tensor([[-0.4, 0.3]], dtype=torch.float64)

    def kl(m: float, s: float) -> float:
        return _integral(
            lambda z: _normal(z, m, s) * (math.log(_normal(z, m, s)) - math.log(_normal(z))), m - 10 * s, m, m + 10 * s
        )

    quadrature = kl(0.7, math.exp(-0.4)) + kl(-1.2, math.exp(0.3))
    yield Claim("closed-form KL of a Gaussian code", "quadrature", float(kl_to_standard_normal(mean, log_std)), quadrature, 1e-9)
    images = torch.from_numpy((evidence.images()["test_images"][:32].reshape(-1, 784) > 127).astype(np.float32))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        mean, log_std = model.encode(images)
        noise = torch.randn((4000, *mean.shape), generator=generator)
        log_ratio = (-0.5 * noise**2 - log_std + 0.5 * (mean + torch.exp(log_std) * noise) ** 2).sum(2).mean(1).double()
        closed = float(kl_to_standard_normal(mean, log_std).mean())
        side = tuple(model.decode(mean)[0].shape[-2:])
    error = float(log_ratio.std() / math.sqrt(len(log_ratio)))
    yield Claim("closed-form KL of 32 test images against 4000 draws", "Monte Carlo", closed, float(log_ratio.mean()), 5 * error)
    yield Claim("the decoder returns 32 x 32 pixels", "trained model", expected=True, computed=side == (32, 32))
    shape = evidence.samples("vae_conv")["samples"].shape[1:]
    yield Claim("samples are cropped to 28 x 28", "trained model", expected=True, computed=shape == (28, 28))
    bound, tighter = evidence.metric("vae_conv", "bound_same_images"), evidence.metric("vae_conv", "iwae_50")
    yield Claim(
        "the ELBO does not exceed the importance-weighted bound of the same images",
        "trained model",
        expected=True,
        computed=bound <= tighter,
        needs_full_budget=True,
    )
    history = evidence.history("vae_conv")
    curve = history[(history["term"] == "bound") & (history["split"] == "test")].sort_values("step")["value"].to_numpy()
    yield Claim(
        "the negative ELBO of test images falls over the training",
        "trained model",
        expected=True,
        computed=bool(curve[-1] > curve[0]),
        needs_full_budget=True,
    )


@question("gdl-4c")
def gdl_4c(evidence: Evidence) -> Iterable[Claim]:
    """The table behind the verdict."""
    compared = ("nice", "nice_scale_rate", "vae_conv", *MIXTURES)
    columns = {"parameters": "model", "train_seconds": "train", "sample_seconds_per_1000": "samples", "confidence": "samples"}
    cells = [evidence.metric(run, column, split) for run in compared for column, split in columns.items()]
    cells += [evidence.metric(run, "seconds_per_epoch", "train") for run in ("nice", "nice_scale_rate", "vae_conv")]
    complete = all(math.isfinite(value) and value >= 0 for value in cells)
    yield Claim("the table has size, times and a sample score of every model", "trained model", expected=True, computed=complete)
    for run, k in zip(MIXTURES, (5, 10, 20), strict=True):
        counted = evidence.metric(run, "parameters", "model")
        yield Claim(f"parameters of the mixture with K = {k} are 784 K + K - 1", "trained model", float(784 * k + k - 1), counted)
    sizes = [evidence.metric(run, "parameters", "model") for run in ("nice", "vae_conv")]
    yield Claim(
        "NICE has this many times the parameters of the VAE", "trained model", 19_158_352 / 974_241, sizes[0] / sizes[1], 1e-9
    )
    scores = {run: _class_information(evidence, evidence.samples(run)["samples"]) for run in compared}
    real = _class_information(evidence, evidence.images()["test_images"] / 255)
    stated = {run: evidence.metric(run, "class_information", "samples") for run in compared}
    for run in compared:
        yield Claim(f"class information of the samples of {run}", "trained model", stated[run], scores[run], 5e-3)
    yield Claim(
        "class information of real test images", "trained model", evidence.metric("real_test", "class_information"), real, 5e-3
    )
    most = max(compared, key=lambda run: scores[run]) == "vae_conv"
    yield Claim(
        "of the models compared, the VAE's samples have the most class information",
        "trained model",
        expected=True,
        computed=most,
        needs_full_budget=True,
    )
    seconds = {run: evidence.metric(run, "train_seconds", "train") for run in compared}
    quickest = max(seconds[run] for run in MIXTURES) < min(value for run, value in seconds.items() if run not in MIXTURES)
    yield Claim(
        "each mixture trains faster than NICE and the VAE",
        "trained model",
        expected=True,
        computed=quickest,
        needs_full_budget=True,
    )


def _class_information(evidence: Evidence, images: np.ndarray) -> float:
    """Mutual information in nats between an image and the class that the trained classifier draws for it.

    H(mean of the class probabilities) - mean of H(class probabilities): small when the classifier is unsure, and small when it
    always says the same, as it does of pure noise.
    """
    import torch

    from dgm.artefacts import load_model

    classifier = cast(Any, load_model(evidence.model_path("classifier")))
    x = torch.from_numpy(np.clip(images, 0, 1).astype(np.float32)).flatten(1)
    with torch.no_grad():
        log_p = torch.cat([classifier.log_probabilities(part) for part in x.split(500)]).double().numpy()
    p = np.exp(log_p)
    mean = p.mean(0)
    return float(-(mean * np.log(np.maximum(mean, 1e-300))).sum() + (p * log_p).sum(1).mean())


# ------------------------------------------------------------------------------------------------ 5 and 6: change of variable


@question("gdl-5a")
def gdl_5a(evidence: Evidence) -> Iterable[Claim]:
    """The reciprocal of a Cauchy variable."""
    import sympy

    y = sympy.Symbol("y", real=True, nonzero=True)
    density = 1 / (sympy.pi * (1 + (1 / y) ** 2)) / y**2
    zero = sympy.simplify(density - 1 / (sympy.pi * (1 + y**2))) == 0
    yield Claim("f(1/y)/y^2 is the Cauchy density", "symbolic", expected=True, computed=bool(zero))
    # P(1/2 < 1/X < 3) = P(1/3 < X < 2) from the arctangent, against the transformed density
    probability = (math.atan(2.0) - math.atan(1 / 3)) / math.pi
    transformed = _integral(lambda v: float(flows.reciprocal_density(flows.cauchy_density, v)), 0.5, 3)
    yield Claim("probability that 1/X lies in (1/2, 3)", "quadrature", transformed, probability, 1e-10)
    n = 100_000
    draws = np.sort(1 / np.tan(np.pi * (np.random.default_rng(0).uniform(size=n) - 0.5)))
    law = np.arctan(draws) / np.pi + 0.5
    distance = float(max((np.arange(1, n + 1) / n - law).max(), (law - np.arange(n) / n).max()))
    yield Claim(
        "Kolmogorov-Smirnov distance of 100,000 draws below its 0.1 % point", "Monte Carlo", 0.0, distance, 1.95 / math.sqrt(n)
    )


@question("gdl-5b")
def gdl_5b(evidence: Evidence) -> Iterable[Claim]:
    """The exponential of a normal variable with mu = 0.3, sigma = 0.5."""
    import sympy

    mu, sigma = 0.3, 0.5

    def density(z: float) -> float:
        return float(flows.lognormal_density(z, mu, sigma))

    yield Claim("the density integrates to one", "quadrature", 1.0, _integral(density, 0, 0.5, 1, 2, 5, 20, 60), 1e-8)
    mean = _integral(lambda z: z * density(z), 0, 0.5, 1, 2, 5, 20, 60)
    yield Claim("the mean is exp(mu + sigma^2 / 2)", "quadrature", math.exp(mu + sigma**2 / 2), mean, 1e-7)
    z, m = sympy.symbols("z m", positive=True)
    s = sympy.Symbol("s", positive=True)
    cumulative = (1 + sympy.erf((sympy.log(z) - m) / (s * sympy.sqrt(2)))) / 2
    slope = sympy.diff(cumulative, z).subs({m: sympy.Rational(3, 10), s: sympy.Rational(1, 2), z: 2})
    yield Claim("density at z = 2, from the derivative of the distribution function", "symbolic", density(2.0), float(slope), 1e-12)
    yield Claim("density at z = -1 and at z = 0", "closed form", 0.0, density(-1.0) + density(0.0))


@question("gdl-5c")
def gdl_5c(evidence: Evidence) -> Iterable[Claim]:
    """Distance of a uniform point of [0, 2]^2 from (1, 1); by symmetry of a uniform point of [0, 1]^2 from the corner."""
    import mpmath

    def density(z: float) -> float:
        return float(flows.square_distance_density(z))

    def cdf(z: float) -> float:
        return float(flows.square_distance_cdf(z))

    root = math.sqrt(2)
    inner = _integral(density, 0, 1)
    yield Claim("probability of a distance up to 1", "quadrature", math.pi / 4, inner, 1e-12)
    yield Claim("the density integrates to one", "quadrature", 1.0, inner + _integral(density, 1, root), 1e-9)

    # over the triangle y < x of the unit square, in polar coordinates: r runs to sec(angle)
    def moment(k: int) -> float:
        return 2 * _integral(lambda a: (1 / math.cos(a)) ** (k + 2) / (k + 2), 0, math.pi / 4)

    moments = [moment(1), moment(2)]
    yield Claim("E Z is (sqrt 2 + ln(1 + sqrt 2)) / 3", "quadrature", (root + math.log(1 + root)) / 3, moments[0], 1e-12)
    yield Claim("E Z^2 is 2/3", "quadrature", 2 / 3, moments[1], 1e-12)
    by_density = _integral(lambda z: z * density(z), 0, 1, root)
    yield Claim("the density has this mean", "quadrature", moments[0], by_density, 1e-7)
    corner = math.sqrt(1.2**2 - 1)  # the circle of radius 1.2 leaves the unit square at this height
    area = corner + _integral(lambda x: math.sqrt(1.2**2 - x * x), corner, 1)
    yield Claim("F(1.2) is the area of disc and square over 4", "quadrature", cdf(1.2), area, 1e-12)
    slope = float(mpmath.diff(lambda t: cdf(float(t)), 1.2, h=1e-5))
    yield Claim("f(1.2) is the slope of F", "finite differences", density(1.2), slope, 1e-6)
    yield Claim("the density does not jump at 1", "closed form", math.pi / 2, density(1 + 1e-12), 1e-5)
    yield Claim("the density ends at 0", "closed form", 0.0, density(root - 1e-12) + density(root + 1e-12), 1e-5)
    arrays = evidence.arrays("square_distance")
    distances = np.sort(arrays["distances"])
    n = len(distances)
    law = flows.square_distance_cdf(distances)
    distance = float(max((np.arange(1, n + 1) / n - law).max(), (law - np.arange(n) / n).max()))
    yield Claim(
        "distance of the simulated points' distribution from F below its 0.1 % point",
        "Monte Carlo",
        0.0,
        distance,
        1.95 / math.sqrt(n),
    )


@question("gdl-6-1")
def gdl_6_1(evidence: Evidence) -> Iterable[Claim]:
    """Round trips."""
    points = np.concatenate([POINT, np.random.default_rng(0).normal(scale=3, size=10_000), [0.0]])
    forth = np.where(points < 0, points / 10, points)  # the map as the question defines it
    back = flows.leaky_relu_inverse(forth)
    yield Claim("largest distance of inverse(LReLU(z)) from z", "closed form", 0.0, float(np.abs(back - points).max()), 1e-12)
    inverse = flows.leaky_relu_inverse(points)
    there = np.where(inverse < 0, inverse / 10, inverse)
    yield Claim("largest distance of LReLU(inverse(x)) from x", "closed form", 0.0, float(np.abs(there - points).max()), 1e-12)
    yield Claim("inverse at -0.2", "closed form", -2.0, float(flows.leaky_relu_inverse(-0.2)), 1e-12)
    signs = bool(np.array_equal(np.sign(inverse), np.sign(points)))
    yield Claim("the inverse keeps every sign", "closed form", expected=True, computed=signs)


@question("gdl-6-2")
def gdl_6_2(evidence: Evidence) -> Iterable[Claim]:
    """Determinant by finite differences."""
    point, step = np.array(POINT), 1e-6
    columns = [
        (flows.leaky_relu(point + step * unit) - flows.leaky_relu(point - step * unit)) / (2 * step) for unit in np.eye(len(point))
    ]
    jacobian = np.stack(columns, axis=1)
    stated = float(flows.leaky_relu_inverse_det(point))
    yield Claim(
        "inverse |det| at (-2, 0.5, -0.3, 4, -1)", "finite differences", stated, 1 / abs(float(np.linalg.det(jacobian))), 1e-4
    )
    yield Claim("it is 10^3", "finite differences", 1000.0, 1 / abs(float(np.linalg.det(jacobian))), 1e-4)
    off = float(np.abs(jacobian - np.diag(np.diag(jacobian))).max())
    yield Claim("the Jacobian is diagonal", "finite differences", 0.0, off, 1e-9)
    signs = [flows.leaky_relu_inverse_det(np.array(p)) for p in itertools.product((-1.0, 1.0), repeat=4)]
    numeric = []
    for p in itertools.product((-1.0, 1.0), repeat=4):
        slopes = (flows.leaky_relu(np.array(p) + step) - flows.leaky_relu(np.array(p) - step)) / (2 * step)
        numeric.append(1 / np.prod(slopes))
    worst = float(np.abs(np.array(signs) - np.array(numeric)).max())
    yield Claim("largest error over all 16 sign patterns of n = 4", "finite differences", 0.0, worst, 1e-4)
    from_x = float(flows.leaky_relu_inverse_det(flows.leaky_relu(point)))
    yield Claim("counting the negative coordinates of x gives the same", "closed form", stated, from_x)

    def pushed(x: float) -> float:
        return float(flows.leaky_relu_pushforward(lambda z: np.exp(-0.5 * z[..., 0] ** 2) / math.sqrt(2 * math.pi), np.array([x])))

    mass = _integral(pushed, -1.2, 0) + _integral(pushed, 0, 12)
    yield Claim("the density of LReLU(Z), Z standard normal, integrates to one", "quadrature", 1.0, mass, 1e-8)
    bare = _integral(lambda x: _normal(x * 10), -1.2, 0) + _integral(_normal, 0, 12)
    yield Claim("without the determinant the mass would be 0.55", "quadrature", 0.55, bare, 1e-8)
