"""Claims of gdl 2: the mixture of Bernoulli vectors and the two steps of EM, by counting equally likely outcomes."""

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from dgm.claims.claim import Claim, Finding, frequency, holds
from dgm.claims.evidence import Evidence
from dgm.claims.registry import question
from dgm.maths import bernoulli_mixture

from ._shared import DATA, PI, P, component_terms, counted

__all__: list[str] = []

NEW_P, NEW_PI = ((0.6, 0.4), (0.2, 0.8)), (0.35, 0.65)
IMAGES = ((0, 0), (0, 1), (1, 0), (1, 1))
ASSIGNMENTS = tuple(itertools.product(range(2), repeat=3))


def _exact_eta() -> list[list[Fraction]]:
    """Responsibilities as shares of the outcomes with the same image."""
    return [[Fraction(counted(x, k) / counted(x)) for k in range(2)] for x in DATA]


def _slope(function: Callable[[float], float], at: float, step: float = 1e-6) -> float:
    return (function(at + step) - function(at - step)) / (2 * step)


@question("gdl-2a-i")
def gdl_2a_i(evidence: Evidence) -> Iterable[Claim]:
    """One Bernoulli vector with p = (9/10, 1/5)."""
    import sympy

    symbols = sympy.symbols("p_1:4", positive=True)
    total = sum(bernoulli_mixture.bernoulli_likelihood(x, symbols) for x in itertools.product((0, 1), repeat=3))
    left = sympy.Poly(total - 1, *symbols).max_norm()
    yield Claim(
        "total-minus-one",
        "sum of the eight probabilities for $D=3$ minus one: largest coefficient in $p_1,p_2,p_3$",
        "symbolic",
        0.0,
        float(left),
    )
    p = (Fraction(9, 10), Fraction(1, 5))
    hits = dict.fromkeys(IMAGES, 0)
    for first, second in itertools.product(range(10), repeat=2):
        hits[int(first < 9), int(second < 2)] += 1
    formula = bernoulli_mixture.bernoulli_likelihood((1, 0), p)
    yield Claim(
        "probability-of-image",
        "value of the formula for the image $(1,0)$ and $\\mathbf{p}=(0.9,0.2)$",
        "enumeration",
        float(formula),
        hits[1, 0] / 100,
    )
    worst = max(abs(bernoulli_mixture.bernoulli_likelihood(x, p) - Fraction(hits[x], 100)) for x in IMAGES)
    yield Claim(
        "difference-from-shares",
        "largest difference of the four probabilities from their shares of $100$ equally likely outcomes",
        "enumeration",
        0.0,
        float(worst),
    )
    tosses = [(side, side) for side in (0, 1)]  # one coin decides both pixels
    yield Claim(
        "equal-pixels-probability",
        "probability of $(1,0)$ for two pixels that are always equal, each $1$ with probability $\\frac12$",
        "enumeration",
        0.0,
        tosses.count((1, 0)) / len(tosses),
        published=float(bernoulli_mixture.bernoulli_likelihood((1, 0), (Fraction(1, 2), Fraction(1, 2)))),
    )


@question("gdl-2a-ii")
def gdl_2a_ii(evidence: Evidence) -> Iterable[Claim]:
    """The small mixture, counted."""
    stated = {(1, 0): 171, (0, 1): 151, (1, 1): 99, (0, 0): 79}
    for x, hits in stated.items():
        formula = bernoulli_mixture.mixture_likelihood(x, P, PI)
        yield Claim(
            f"probability-{x[0]}-{x[1]}",
            f"probability of $({x[0]},{x[1]})$ is ${hits}/500$",
            "enumeration",
            float(formula),
            float(counted(x)),
        )
    worst = max(abs(bernoulli_mixture.mixture_likelihood(x, P, PI) - Fraction(hits, 500)) for x, hits in stated.items())
    yield Claim(
        "difference-from-fractions",
        "largest difference of the formula from these four fractions",
        "exact rationals",
        0.0,
        float(worst),
    )
    total = sum(bernoulli_mixture.mixture_likelihood(x, P, PI) for x in IMAGES)
    yield Claim("sum-of-probabilities", "sum of the four probabilities", "exact rationals", 1.0, float(total))
    bright = Fraction(
        bernoulli_mixture.mixture_likelihood((1, 1), P, PI),
        sum(bernoulli_mixture.mixture_likelihood((1, b), P, PI) for b in (0, 1)),
    )
    shares = counted((1, 1)) / (counted((1, 0)) + counted((1, 1)))
    yield Claim("second-given-first", "probability of pixel 2 when pixel 1 is on", "enumeration", float(bright), float(shares))
    alone = sum(bernoulli_mixture.mixture_likelihood((a, 1), P, PI) for a in (0, 1))
    yield Claim(
        "second-alone",
        "probability of pixel 2 when nothing is known",
        "enumeration",
        float(alone),
        float(counted((0, 1)) + counted((1, 1))),
    )


@question("gdl-2a-iii")
def gdl_2a_iii(evidence: Evidence) -> Iterable[Claim]:
    """Log-likelihood of three images, and its slope in one parameter."""
    product = math.prod(counted(x) for x in DATA)
    yield Claim(
        "log-likelihood-three-images",
        "log-likelihood of the three images",
        "enumeration",
        bernoulli_mixture.log_likelihood(DATA, P, PI),
        math.log(product),
        1e-12,
    )

    def moved(first: float, other: float) -> float:  # p_1 of the first component, p_1 of the second
        rows = ((first, 0.2), (other, 0.7))
        total = 0.0
        for x in DATA:
            likely = [math.prod(q if bit else 1 - q for bit, q in zip(x, row, strict=True)) for row in rows]
            total += math.log(0.4 * likely[0] + 0.6 * likely[1])
        return total

    def stated(other: Fraction) -> float:
        eta = bernoulli_mixture.responsibilities(DATA, (P[0], (other, P[1][1])), PI)
        return float(sum(row[0] * (x[0] - P[0][0]) for row, x in zip(eta, DATA, strict=True)) / (P[0][0] * (1 - P[0][0])))

    yield Claim(
        "slope-of-log-likelihood",
        "slope of the log-likelihood in $p^{(1)}_1$",
        "finite differences",
        stated(P[1][0]),
        _slope(lambda q: moved(q, 0.3), 0.9),
        1e-6,
    )
    yield Claim(
        "slope-after-moving-other",
        "the same slope after $p^{(2)}_1$ is moved from $0.3$ to $0.5$",
        "finite differences",
        stated(Fraction(1, 2)),
        _slope(lambda q: moved(q, 0.5), 0.9),
        1e-6,
    )


@question("gdl-2b-i")
def gdl_2b_i(evidence: Evidence) -> Iterable[Claim]:
    """Indicator and conditional distribution; the published ones have a sum over k in the place of each product."""

    def as_published(values: Sequence[Fraction], z: Sequence[int]) -> Fraction:
        return Fraction(sum(value**bit for value, bit in zip(values, z, strict=True)))

    pi = (Fraction(1, 5), Fraction(3, 10), Fraction(1, 2))
    one_hot = [tuple(int(k == active) for k in range(3)) for active in range(3)]
    outcomes = sum(2 <= ball < 5 for ball in range(10))
    yield Claim(
        "indicator-probability",
        "probability of $\\mathbf{z}=(0,1,0)$ for $\\boldsymbol{\\pi}=(0.2,0.3,0.5)$",
        "enumeration",
        float(bernoulli_mixture.indicator_probability((0, 1, 0), pi)),
        outcomes / 10,
        published=float(as_published(pi, (0, 1, 0))),
    )
    yield Claim(
        "indicator-sum",
        "sum of the distribution of the indicator over its three values",
        "exact rationals",
        1.0,
        float(sum(bernoulli_mixture.indicator_probability(z, pi) for z in one_hot)),
        published=float(sum(as_published(pi, z) for z in one_hot)),
    )
    given = {k: sum(counted(y, k) for y in IMAGES) for k in range(2)}
    given_component = [bernoulli_mixture.bernoulli_likelihood((1, 0), row) for row in P]
    yield Claim(
        "image-given-component",
        "probability of $\\mathbf{x}=(1,0)$ given component 2 of the small mixture",
        "enumeration",
        float(bernoulli_mixture.complete_likelihood((1,), ((1, 0),), P, PI) / PI[1]),
        float(counted((1, 0), 1) / given[1]),
        published=float(as_published(given_component, (0, 1))),
    )

    def distance(weights: Sequence[Fraction]) -> float:
        stated = {
            (k, x): bernoulli_mixture.complete_likelihood((k,), (x,), P, weights) / weights[k] for k in range(2) for x in IMAGES
        }
        return float(max(abs(value - counted(x, k) / given[k]) for (k, x), value in stated.items()))

    statement = "largest difference of the second distribution from the counted shares, all images and components"
    yield Claim("difference-from-counts", statement, "enumeration", 0.0, distance(PI))
    even = (Fraction(1, 2), Fraction(1, 2))
    yield Claim(
        "difference-with-even-weights",
        "the same difference when the weights are changed to $\\frac12,\\frac12$",
        "enumeration",
        0.0,
        distance(even),
    )


@question("gdl-2b-ii")
def gdl_2b_ii(evidence: Evidence) -> Iterable[Claim]:
    """All 2^3 assignments."""
    joint = {z: bernoulli_mixture.complete_likelihood(z, DATA, P, PI) for z in ASSIGNMENTS}
    total = sum(joint.values())
    marginal = math.prod(counted(x) for x in DATA)
    yield Claim(
        "joint-summed-over-assignments",
        "the joint likelihood summed over all assignments",
        "enumeration",
        float(total),
        float(marginal),
    )
    exact = abs(total - Fraction(171 * 151 * 99, 500**3))
    yield Claim(
        "difference-from-fraction", "difference of that sum from $171\\cdot151\\cdot99/500^3$", "exact rationals", 0.0, float(exact)
    )
    chosen = (0, 1, 1)
    shares = math.prod(counted(x, k) for x, k in zip(DATA, chosen, strict=True))
    printed = Fraction(1)  # the product over i of what is printed in the part before, each a sum over k
    for x, k in zip(DATA, chosen, strict=True):
        z = [int(j == k) for j in range(2)]
        printed *= sum(weight**bit for weight, bit in zip(PI, z, strict=True))
        printed *= sum(bernoulli_mixture.bernoulli_likelihood(x, row) ** bit for row, bit in zip(P, z, strict=True))
    yield Claim(
        "joint-of-one-assignment",
        "joint likelihood of the images and the components 1, 2, 2",
        "enumeration",
        float(joint[chosen]),
        float(shares),
        published=float(printed),
    )


@question("gdl-2b-iii-1")
def gdl_2b_iii_1(evidence: Evidence) -> Iterable[Claim | Finding]:
    """Responsibilities as shares among the outcomes with the same image, and how decided they are on digits."""
    import torch

    from dgm.models import bmm, load_model

    eta = bernoulli_mixture.responsibilities(DATA, P, PI)
    for x, row, text in zip(DATA, eta, ("16/19", "4/151", "4/11"), strict=True):
        yield Claim(
            f"responsibility-{x[0]}-{x[1]}",
            f"responsibility of component 1 for $({x[0]},{x[1]})$ is ${text}$",
            "enumeration",
            float(row[0]),
            float(counted(x, 0) / counted(x)),
        )
    stated = (Fraction(16, 19), Fraction(4, 151), Fraction(4, 11))
    worst = max(abs(row[0] - value) for row, value in zip(eta, stated, strict=True))
    yield Claim(
        "difference-from-fractions",
        "largest difference of the formula from these three fractions",
        "exact rationals",
        0.0,
        float(worst),
    )
    rows = max(abs(sum(row) - 1) for row in eta)
    yield Claim("row-sums-from-one", "largest distance of the sum of a row from one", "exact rationals", 0.0, float(rows))
    terms, _ = component_terms(evidence, "bmm_k10")
    ordered = np.sort(terms, axis=1)
    images = torch.from_numpy((evidence.images()["test_images"].reshape(-1, 784) > 127).astype(np.float64))
    model: Any = load_model(evidence.model_path("bmm_k10"))
    by_code = np.sort(bmm.log_joint(images, model.p, model.mix_p).numpy(), axis=1)
    yield Claim(
        "median-lead",
        "median lead of the best component over the next at a test image, $K=10$, in nats",
        "recomputation",
        float(np.median(by_code[:, -1] - by_code[:, -2])),
        float(np.median(ordered[:, -1] - ordered[:, -2])),
        1e-6,
    )
    share = np.exp(ordered[:, -1] - np.logaddexp.reduce(terms, axis=1)) > 0.99
    yield Claim(
        "percentage-decided",
        "percentage of test images with a responsibility above $0.99$, $K=10$",
        "recomputation",
        100 * float((model.responsibilities(images).max(1).values > 0.99).double().mean()),
        100 * float(share.mean()),
        150 / len(share),  # an image at the very edge may fall to either side by rounding
    )
    yield Finding(
        "mostly-decided",
        "share of test images that one component of $K=10$ takes by more than $0.99$",
        frequency(share),
        above=0.5,
    )


@question("gdl-2b-iii-2")
def gdl_2b_iii_2(evidence: Evidence) -> Iterable[Claim]:
    """The expectation over all assignments, weighted by their exact posterior probability."""
    marginal = math.prod(counted(x) for x in DATA)
    posterior, logs = {}, {}
    for z in ASSIGNMENTS:
        posterior[z] = math.prod(counted(x, k) for x, k in zip(DATA, z, strict=True)) / marginal
        logs[z] = sum(
            math.log(NEW_PI[k]) + sum(math.log(q if bit else 1 - q) for bit, q in zip(x, NEW_P[k], strict=True))
            for x, k in zip(DATA, z, strict=True)
        )
    eta = bernoulli_mixture.responsibilities(DATA, P, PI)
    likely = max(posterior, key=lambda z: posterior[z])
    expectation = sum(float(weight) * logs[z] for z, weight in posterior.items())
    yield Claim(
        "expected-log-likelihood",
        "expected complete log-likelihood of the new parameters",
        "enumeration",
        bernoulli_mixture.expected_complete_log_likelihood(DATA, eta, NEW_P, NEW_PI),
        expectation,
        1e-10,
        published=math.log(bernoulli_mixture.complete_likelihood(likely, DATA, P, PI)),  # no expectation, no hats
    )
    worst = max(
        abs(sum(weight for z, weight in posterior.items() if z[i] == k) - eta[i][k]) for i in range(len(DATA)) for k in range(2)
    )
    yield Claim(
        "indicator-mean-difference",
        "largest difference of $\\mathbb{E}[z^{(i)}_k\\mid X]$ from $\\eta(z^{(i)}_k)$",
        "enumeration",
        0.0,
        float(worst),
    )
    together = math.prod(row[k] for row, k in zip(eta, likely, strict=True))
    yield Claim(
        "most-probable-assignment",
        "posterior probability of the most probable assignment",
        "enumeration",
        float(together),
        float(posterior[likely]),
    )
    spread = max(logs.values()) - min(logs.values())
    joint = [math.log(bernoulli_mixture.complete_likelihood(z, DATA, NEW_P, NEW_PI)) for z in logs]
    yield Claim(
        "range-over-assignments",
        "range of $\\log P(Z,X)$ over the assignments",
        "enumeration",
        max(joint) - min(joint),
        spread,
        1e-10,
    )


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
    """The M step for p on the three images; the published equation has a plus sign."""
    import sympy
    from scipy.optimize import minimize_scalar

    eta = _exact_eta()
    p, pi = bernoulli_mixture.m_step(DATA, eta)
    stated = ((Fraction(9513, 9722), Fraction(1539, 4861)), (Fraction(25066, 55789), Fraction(50806, 55789)))
    root, slopes = sympy.Symbol("q"), []
    for k, d in itertools.product(range(2), range(2)):
        q, objective = _surrogate(eta, k, d)
        found = sympy.solve(sympy.fraction(sympy.together(sympy.diff(objective, q)))[0], q)
        printed = sum(
            sympy.Rational(row[k].numerator, row[k].denominator) * (x[d] * (1 - root) + (1 - x[d]) * root)
            for row, x in zip(eta, DATA, strict=True)
        )
        yield Claim(
            f"component-{k + 1}-pixel-{d + 1}",
            f"new parameter of component {k + 1}, pixel {d + 1}, is ${stated[k][d]}$, the root of the derivative",
            "symbolic",
            float(p[k][d]),
            float(found[0]),
            1e-15,
            published=float(sympy.solve(printed, root)[0]),
        )
        place = sympy.Rational(p[k][d].numerator, p[k][d].denominator)
        slopes.append(abs(sympy.simplify(sympy.diff(objective, q).subs(q, place))))
    worst = max(abs(p[k][d] - stated[k][d]) for k in range(2) for d in range(2))
    yield Claim(
        "difference-from-fractions",
        "largest difference of the formula from these four fractions",
        "exact rationals",
        0.0,
        float(worst),
    )
    yield Claim("slope-at-maximum", "largest slope of the objective at these four values", "symbolic", 0.0, float(max(slopes)))
    best = p[0][0]
    cleared = [row[0] * (x[0] * (1 - best) - (1 - x[0]) * best) for row, x in zip(eta, DATA, strict=True)]
    plus = [row[0] * (x[0] * (1 - best) + (1 - x[0]) * best) for row, x in zip(eta, DATA, strict=True)]
    yield Claim(
        "cleared-equation-left-side",
        "left side of the cleared equation at the maximiser, component 1, pixel 1",
        "exact rationals",
        0.0,
        float(sum(cleared)),
        published=float(sum(plus)),
    )
    size = sum(row[0] for row in eta)
    yield Claim(
        "left-side-with-plus",
        "with the plus sign that left side is $2N_k\\hat p(1-\\hat p)$",
        "exact rationals",
        float(2 * size * best * (1 - best)),
        float(sum(plus)),
        1e-15,
    )
    rows = [float(value) for row in p for value in row]

    def objective_of(values: np.ndarray) -> float:
        return bernoulli_mixture.expected_complete_log_likelihood(
            DATA, eta, values.reshape(2, 2).tolist(), [float(weight) for weight in pi]
        )

    units, step = np.eye(4) * 1e-4, 1e-4
    hessian = np.array(
        [
            [
                sum(s * t * objective_of(np.array(rows) + s * one + t * two) for s in (1, -1) for t in (1, -1)) / (4 * step**2)
                for two in units
            ]
            for one in units
        ]
    )
    second = []
    for k, d in itertools.product(range(2), range(2)):
        at = float(p[k][d])
        second.append(-sum(float(row[k]) * (x[d] / at**2 + (1 - x[d]) / (1 - at) ** 2) for row, x in zip(eta, DATA, strict=True)))
    yield Claim(
        "second-derivative",
        "second derivative at the maximum, component 1, pixel 1",
        "finite differences",
        second[0],
        float(hessian[0, 0]),
        1e-3 * abs(second[0]),
    )
    largest = float(np.linalg.eigvalsh(hessian).max())
    yield Claim(
        "largest-eigenvalue",
        "largest eigenvalue of the Hessian of all four unknowns, negative at a maximum",
        "finite differences",
        max(second),
        largest,
        1e-3 * abs(max(second)),
    )
    mixed = float(np.abs(hessian - np.diag(np.diag(hessian))).max())
    yield Claim(
        "largest-mixed-derivative",
        "largest mixed second derivative, zero for a sum of separate terms",
        "finite differences",
        0.0,
        mixed,
        1e-5,
    )
    _, objective = _surrogate(eta, 0, 0)
    value = sympy.lambdify(sympy.Symbol("q", positive=True), objective, "math")
    found = minimize_scalar(lambda u: -value(u), bounds=(1e-9, 1 - 1e-9), method="bounded", options={"xatol": 1e-12}).x
    yield Claim(
        "place-of-maximum",
        "where an optimiser finds the maximum, component 1, pixel 1",
        "optimisation",
        rows[0],
        float(found),
        1e-6,
    )
    always, _ = bernoulli_mixture.m_step(((1, 0), (1, 1), (1, 1)), eta)  # the first pixel is on in every image
    edge = minimize_scalar(lambda u: -float(size) * math.log(u), bounds=(1e-9, 1), method="bounded", options={"xatol": 1e-12}).x
    yield Claim(
        "pixel-always-on",
        "the maximiser for a pixel that is on in every image",
        "optimisation",
        float(always[0][0]),
        float(edge),
        1e-6,
    )
    empty = [[Fraction(0), Fraction(1)]] * 3
    change = [bernoulli_mixture.expected_complete_log_likelihood(DATA, empty, ((q, 0.4), (0.2, 0.8)), NEW_PI) for q in (0.1, 0.9)]
    yield Claim(
        "change-without-images",
        "change of the objective with $\\hat{\\mathbf{p}}^{(k)}$ when $N_k=0$",
        "closed form",
        0.0,
        change[1] - change[0],
    )


@question("gdl-2c-ii")
def gdl_2c_ii(evidence: Evidence) -> Iterable[Claim]:
    """The M step for the weights: Lagrange conditions and dual function, with the published constraint, derivative and dual."""
    import sympy
    import torch
    from scipy.optimize import minimize_scalar

    from dgm.models import bmm

    first, second, multiplier, size_1, size_2 = sympy.symbols("pi_1 pi_2 lambda N_1 N_2", positive=True)
    lagrangian = size_1 * sympy.log(first) + size_2 * sympy.log(second) - multiplier * (first + second - 1)
    conditions = [sympy.diff(lagrangian, v) for v in (first, second, multiplier)]
    solutions = sympy.solve(conditions, [first, second, multiplier], dict=True)
    yield Claim(
        "number-of-solutions", "number of solutions of the Lagrange conditions for $K=2$", "symbolic", 1.0, float(len(solutions))
    )
    solution = solutions[0]
    left = sympy.numer(sympy.together(solution[first] - size_1 / (size_1 + size_2)))
    norm = sympy.Poly(left, size_1, size_2).max_norm()
    yield Claim(
        "solution-minus-share",
        "that solution minus $N_1/(N_1+N_2)$: largest coefficient of the numerator",
        "symbolic",
        0.0,
        float(norm),
    )
    eta = _exact_eta()
    sizes = [sum((row[k] for row in eta), Fraction(0)) for k in range(2)]
    numbers = {size: sympy.Rational(n.numerator, n.denominator) for size, n in zip((size_1, size_2), sizes, strict=True)}
    p, pi = bernoulli_mixture.m_step(DATA, eta)
    yield Claim("new-weight", "new weight of component 1", "symbolic", float(pi[0]), float(solution[first].subs(numbers)), 1e-15)
    worst = max(abs(pi[0] - Fraction(38888, 94677)), abs(pi[1] - Fraction(55789, 94677)))
    yield Claim(
        "difference-from-fractions",
        "largest difference of the formula from $38888/94677$ and $55789/94677$",
        "exact rationals",
        0.0,
        float(worst),
    )
    # the constraint, the derivative and the dual function, each beside its published form
    yield Claim(
        "constraint-at-feasible-weights",
        "the constraint's left side at the feasible weights $(\\frac25,\\frac35)$",
        "exact rationals",
        0.0,
        float(sum(PI) - 1),
        published=float(sum(weight - 1 for weight in PI)),
    )
    price = 3.0

    def minus_lagrangian(weight: float) -> float:
        return -float(sizes[0]) * math.log(weight) - float(sizes[1]) * math.log(0.6) + price * (weight + 0.6 - 1)

    yield Claim(
        "lagrangian-derivative",
        "derivative of $-\\Lambda$ in $\\hat\\pi_1$ at $\\hat{\\boldsymbol{\\pi}}=(\\frac25,\\frac35)$ and $\\lambda=3$",
        "finite differences",
        -float(sizes[0]) / 0.4 + price,
        _slope(minus_lagrangian, 0.4),
        1e-6,
        published=-float(sizes[0]) * 0.4 + price,
    )

    def dual(price: float) -> float:  # the least value of -Lambda, each weight found by search
        least = [
            minimize_scalar(
                lambda w, n=float(n): -n * math.log(w) + price * w, bounds=(1e-9, 50), method="bounded", options={"xatol": 1e-10}
            ).fun
            for n in sizes
        ]
        return float(sum(least)) - price

    n, k = float(sum(sizes)), len(sizes)
    entropy = sum(-float(size) * math.log(size) for size in sizes)
    yield Claim(
        "dual-at-two",
        "dual function at $\\lambda=2$",
        "optimisation",
        entropy + n * math.log(2) + n - 2,
        dual(2),
        1e-7,
        published=entropy + n * math.log(2) + n - 2 * k,
    )
    top = minimize_scalar(lambda value: -dual(value), bounds=(0.5, 10), method="bounded", options={"xatol": 1e-7}).x
    yield Claim(
        "best-multiplier",
        "multiplier that maximises the dual function, the number of images",
        "optimisation",
        3.0,
        float(top),
        1e-3,
        published=n / k,
    )
    before = math.log(math.prod(counted(x) for x in DATA))
    yield Claim(
        "log-likelihood-before",
        "log-likelihood before the step",
        "enumeration",
        bernoulli_mixture.log_likelihood(DATA, P, PI),
        before,
        1e-12,
    )
    data = torch.tensor(DATA, dtype=torch.float64)
    rows, weights, _ = bmm.em_iteration(data, torch.tensor(P, dtype=torch.float64), torch.tensor(PI, dtype=torch.float64)[:, None])
    after = float(bmm.e_step(data, rows, weights)[1].sum())
    yield Claim(
        "log-likelihood-after",
        "log-likelihood after the step",
        "closed form",
        bernoulli_mixture.log_likelihood(DATA, p, pi),
        after,
        1e-9,
    )
    yield holds("step-raises-likelihood", "the step raises the log-likelihood", "closed form", after > before)
    other, share = (0.35, 0.65), [float(size) / 3 for size in sizes]
    loss = sum(float(n) * (math.log(b) - math.log(a)) for n, a, b in zip(sizes, share, other, strict=True))
    divergence = sum(a * math.log(a / b) for a, b in zip(share, other, strict=True))
    yield Claim(
        "loss-of-other-weights",
        "log-likelihood that the weights $(0.35,0.65)$ lose in the M step",
        "closed form",
        3 * divergence,
        -loss,
        1e-12,
    )
