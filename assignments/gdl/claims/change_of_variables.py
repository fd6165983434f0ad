"""Claims of gdl 5 and 6: densities of transformed random variables, and the leaky rectifier as a flow."""

import itertools
import math
from collections.abc import Callable, Iterable

import numpy as np

from dgm.claims.claim import Claim, holds
from dgm.claims.evidence import Evidence
from dgm.claims.registry import question
from dgm.maths import change_of_variables

from ._shared import integral, normal

__all__: list[str] = []

POINT = (-2.0, 0.5, -0.3, 4.0, -1.0)


def _slope(function: Callable[[float], float], at: float) -> float:
    """Central difference with an error of order h^4."""
    h = 1e-3 * max(1.0, abs(at)) if abs(at) > 0.3 else 1e-3
    near, far = (function(at + k * h) - function(at - k * h) for k in (1, 2))
    return (8 * near - far) / (12 * h)


def _below_reciprocal(y: float) -> float:
    """P(1/X <= y) for a standard Cauchy X, from the arctangent: that X < 0 or X >= 1/y for y > 0, that 1/y <= X < 0 for y < 0."""
    cdf = 0.5 + math.atan(1 / y) / math.pi
    return 0.5 + 1 - cdf if y > 0 else 0.5 - cdf


@question("gdl-5a")
def gdl_5a(evidence: Evidence) -> Iterable[Claim]:
    """The reciprocal of a Cauchy variable."""
    import sympy

    y = sympy.Symbol("y", real=True, nonzero=True)
    density = 1 / (sympy.pi * (1 + (1 / y) ** 2)) / y**2
    zero = sympy.simplify(density - 1 / (sympy.pi * (1 + y**2))) == 0
    yield holds("density-stays-cauchy", "f(1/y)/y^2 is the Cauchy density", "symbolic", bool(zero))
    at_zero = float(sympy.limit(density, y, 0))
    yield Claim("density-at-zero", "limit of f(1/y)/y^2 at y = 0 is 1/pi", "symbolic", 1 / math.pi, at_zero, 1e-15)
    points = np.array([-30.0, -2.0, -0.4, 0.1, 0.7, 1.0, 5.0])
    stated = change_of_variables.reciprocal_density(change_of_variables.cauchy_density, points)
    slopes = [_slope(_below_reciprocal, float(point)) for point in points]
    worst = float(np.abs(stated - np.array(slopes)).max())
    yield Claim(
        "density-against-slope", "largest distance of f_Y from the slope of P(1/X <= y)", "finite differences", 0.0, worst, 1e-7
    )
    probability = (math.atan(2.0) - math.atan(1 / 3)) / math.pi
    yield Claim("probability-of-x", "P(1/3 < X < 2) is 1/4", "closed form", 0.25, probability, 1e-12)
    transformed = integral(lambda v: float(change_of_variables.reciprocal_density(change_of_variables.cauchy_density, v)), 0.5, 3)
    yield Claim(
        "probability-of-reciprocal",
        "probability that 1/X lies in (1/2, 3), by the density found",
        "quadrature",
        0.25,
        transformed,
        1e-10,
    )
    n = 100_000
    draws = np.sort(1 / np.tan(np.pi * (np.random.default_rng(0).uniform(size=n) - 0.5)))
    stated = np.arctan(draws) / np.pi + 0.5
    distance = float(max((np.arange(1, n + 1) / n - stated).max(), (stated - np.arange(n) / n).max()))
    yield Claim(
        "distance-of-draws",
        "Kolmogorov-Smirnov distance of 100,000 draws below its 0.1 % point",
        "Monte Carlo",
        0.0,
        distance,
        1.95 / math.sqrt(n),
    )


def _is_a_number(function: Callable[[float], float], at: float) -> bool:
    try:
        return math.isfinite(function(at))
    except (ValueError, ZeroDivisionError):
        return False


@question("gdl-5b")
def gdl_5b(evidence: Evidence) -> Iterable[Claim]:
    """The exponential of a normal variable with mu = 0.3, sigma = 0.5."""
    import sympy

    mu, sigma = 0.3, 0.5

    def density(z: float) -> float:
        return float(change_of_variables.lognormal_density(z, mu, sigma))

    yield Claim("mass-is-one", "the density integrates to one", "quadrature", 1.0, integral(density, 0, 0.5, 1, 2, 5, 20, 60), 1e-8)
    below = integral(density, 0, 0.5, 1, math.exp(mu))
    yield Claim(
        "mass-below-median",
        "the density gives half of the probability to values below exp(mu), the median",
        "quadrature",
        0.5,
        below,
        1e-8,
    )
    mean = integral(lambda z: z * density(z), 0, 0.5, 1, 2, 5, 20, 60)
    yield Claim("lognormal-mean", "the mean is exp(mu + sigma^2 / 2)", "quadrature", math.exp(mu + sigma**2 / 2), mean, 1e-7)
    z, m = sympy.symbols("z m", positive=True)
    s = sympy.Symbol("s", positive=True)
    cumulative = (1 + sympy.erf((sympy.log(z) - m) / (s * sympy.sqrt(2)))) / 2
    slope = sympy.diff(cumulative, z).subs({m: sympy.Rational(3, 10), s: sympy.Rational(1, 2), z: 2})
    yield Claim(
        "density-at-two",
        "density at z = 2, from the derivative of the distribution function",
        "symbolic",
        density(2.0),
        float(slope),
        1e-12,
    )
    draws = np.exp(np.random.default_rng(0).normal(mu, sigma, 100_000))
    share, stated_share = float((draws <= 0).mean()), integral(density, -3, -1, 0)
    yield Claim(
        "probability-not-positive",
        "probability of z <= 0 by the density, against 100,000 draws",
        "Monte Carlo",
        stated_share,
        share,
    )
    nonpositive = (-2.0, -1.0, -0.5, 0.0)
    defined = sum(_is_a_number(lambda at: math.exp(-((math.log(at) - mu) ** 2) / (2 * sigma**2)) / at, at) for at in nonpositive)
    yield Claim(
        "formula-values-off-support",
        "of the points -2, -1, -0.5 and 0, those where the formula without its support has a value",
        "enumeration",
        0,
        defined,
        published=len(nonpositive),
    )
    worst = max(abs(math.log(density(math.exp(v))) - (math.log(normal(v, mu, sigma)) - v)) for v in (-1.0, 0.0, 0.4, 2.0))
    yield Claim("log-density-change", "log-density of exp(y) less that of y is -y", "closed form", 0.0, worst, 1e-12)


@question("gdl-5c")
def gdl_5c(evidence: Evidence) -> Iterable[Claim]:
    """Distance of a uniform point of [0, 2]^2 from (1, 1); by symmetry of a uniform point of [0, 1]^2 from the corner."""
    import mpmath

    def density(z: float) -> float:
        return float(change_of_variables.square_distance_density(z))

    def cdf(z: float) -> float:
        return float(change_of_variables.square_distance_cdf(z))

    root = math.sqrt(2)
    inner = integral(density, 0, 1)
    yield Claim("mass-up-to-one", "probability of a distance up to 1", "quadrature", math.pi / 4, inner, 1e-12)
    yield Claim("mass-is-one", "the density integrates to one", "quadrature", 1.0, inner + integral(density, 1, root), 1e-9)

    # over the triangle y < x of the unit square, in polar coordinates: r runs to sec(angle)
    def moment(k: int) -> float:
        return 2 * integral(lambda a: (1 / math.cos(a)) ** (k + 2) / (k + 2), 0, math.pi / 4)

    moments = [moment(1), moment(2)]
    yield Claim(
        "mean-distance", "E Z is (sqrt 2 + log(1 + sqrt 2)) / 3", "quadrature", (root + math.log(1 + root)) / 3, moments[0], 1e-12
    )
    yield Claim("mean-squared-distance", "E Z^2 is 2/3", "quadrature", 2 / 3, moments[1], 1e-12)
    by_density = integral(lambda z: z * density(z), 0, 1, root)
    yield Claim("mean-by-density", "the density has this mean", "quadrature", moments[0], by_density, 1e-7)
    corner = math.sqrt(1.2**2 - 1)  # the circle of radius 1.2 leaves the unit square at this height
    area = corner + integral(lambda x: math.sqrt(1.2**2 - x * x), corner, 1)
    yield Claim("area-within-radius", "F(1.2) is the area of disc and square over 4", "quadrature", cdf(1.2), area, 1e-12)
    slope = float(mpmath.diff(lambda t: cdf(float(t)), 1.2, h=1e-5))
    yield Claim("density-is-slope", "f(1.2) is the slope of F", "finite differences", density(1.2), slope, 1e-6)
    yield Claim("no-jump-at-one", "the density does not jump at 1", "closed form", math.pi / 2, density(1 + 1e-12), 1e-5)
    h = 1e-8
    fall = (density(1 + h) - math.pi / 2) / math.sqrt(h)
    yield Claim(
        "fall-beyond-one", "beyond 1 the density falls like $-2\\sqrt{2(z-1)}$", "finite differences", -2 * math.sqrt(2), fall, 1e-3
    )
    angles = 2 * np.pi * (np.arange(1_000_000) + 0.5) / 1_000_000
    inside = np.maximum(np.abs(1.2 * np.cos(angles)), np.abs(1.2 * np.sin(angles))) <= 1
    arcs = 1.2 * 2 * math.pi * float(inside.mean()) / 4
    yield Claim(
        "density-as-arc-length",
        "f(1.2) is a quarter of the length of the arcs of radius 1.2 inside",
        "enumeration",
        density(1.2),
        arcs,
        1e-4,
    )
    yield Claim(
        "density-ends-at-zero", "the density ends at 0", "closed form", 0.0, density(root - 1e-12) + density(root + 1e-12), 1e-5
    )
    arrays = evidence.arrays("square_distance")
    distances = np.sort(arrays["distances"])
    n = len(distances)
    stated = change_of_variables.square_distance_cdf(distances)
    distance = float(max((np.arange(1, n + 1) / n - stated).max(), (stated - np.arange(n) / n).max()))
    yield Claim(
        "distance-of-simulated-points",
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
    back = change_of_variables.leaky_relu_inverse(forth)
    yield Claim(
        "round-trip-from-z",
        "largest distance of inverse(LReLU(z)) from z",
        "closed form",
        0.0,
        float(np.abs(back - points).max()),
        1e-12,
    )
    inverse = change_of_variables.leaky_relu_inverse(points)
    there = np.where(inverse < 0, inverse / 10, inverse)
    yield Claim(
        "round-trip-from-x",
        "largest distance of LReLU(inverse(x)) from x",
        "closed form",
        0.0,
        float(np.abs(there - points).max()),
        1e-12,
    )
    yield Claim(
        "inverse-of-negative", "inverse at -0.2", "closed form", -2.0, float(change_of_variables.leaky_relu_inverse(-0.2)), 1e-12
    )
    ordered = np.sort(points)
    steepness = np.diff(np.where(ordered < 0, ordered / 10, ordered)) / np.diff(ordered)
    yield Claim(
        "least-slope",
        "least slope of LReLU between neighbours of 10,006 sorted points",
        "closed form",
        0.1,
        float(steepness.min()),
        1e-9,
    )
    signs = bool(np.array_equal(np.sign(inverse), np.sign(points)))
    yield holds("keeps-signs", "the inverse keeps every sign", "closed form", signs)


@question("gdl-6-2")
def gdl_6_2(evidence: Evidence) -> Iterable[Claim]:
    """Determinant by finite differences, and by automatic differentiation of PyTorch's function."""
    import torch

    point, step = np.array(POINT), 1e-6
    columns = [
        (change_of_variables.leaky_relu(point + step * unit) - change_of_variables.leaky_relu(point - step * unit)) / (2 * step)
        for unit in np.eye(len(point))
    ]
    jacobian = np.stack(columns, axis=1)
    stated = float(change_of_variables.leaky_relu_inverse_det(point))
    yield Claim(
        "inverse-determinant",
        "inverse |det| at (-2, 0.5, -0.3, 4, -1)",
        "finite differences",
        stated,
        1 / abs(float(np.linalg.det(jacobian))),
        1e-4,
    )
    at = torch.tensor(POINT, dtype=torch.float64)
    library = torch.autograd.functional.jacobian(lambda z: torch.nn.functional.leaky_relu(z, 0.1), at)
    yield Claim(
        "determinant-is-thousand",
        "it is 10^3, from the Jacobian of PyTorch's own leaky ReLU",
        "automatic differentiation",
        1000.0,
        1 / abs(float(library.det())),
        1e-9,
    )
    yield Claim(
        "log-determinant",
        "its logarithm is 3 log 10",
        "finite differences",
        3 * math.log(10),
        -float(np.linalg.slogdet(jacobian)[1]),
        1e-6,
    )
    negative = int((point < 0).sum())
    printed = np.diag([0.1] * negative + [1.0] * (len(point) - negative))  # the slopes 0.1 first, whatever the signs are
    yield Claim(
        "second-diagonal-entry",
        "second diagonal entry of the Jacobian there",
        "finite differences",
        1.0,
        float(jacobian[1, 1]),
        1e-6,
        published=float(printed[1, 1]),
    )
    off = float(np.abs(jacobian - np.diag(np.diag(jacobian))).max())
    yield Claim("largest-off-diagonal", "largest entry of the Jacobian off the diagonal", "finite differences", 0.0, off, 1e-9)
    signs = [change_of_variables.leaky_relu_inverse_det(np.array(p)) for p in itertools.product((-1.0, 1.0), repeat=4)]
    numeric = []
    for p in itertools.product((-1.0, 1.0), repeat=4):
        slopes = (change_of_variables.leaky_relu(np.array(p) + step) - change_of_variables.leaky_relu(np.array(p) - step)) / (
            2 * step
        )
        numeric.append(1 / np.prod(slopes))
    worst = float(np.abs(np.array(signs) - np.array(numeric)).max())
    yield Claim(
        "error-over-sign-patterns", "largest error over all 16 sign patterns of n = 4", "finite differences", 0.0, worst, 1e-4
    )
    from_x = float(change_of_variables.leaky_relu_inverse_det(change_of_variables.leaky_relu(point)))
    yield Claim(
        "determinant-counted-from-x", "counting the negative coordinates of x gives the same", "closed form", stated, from_x
    )

    def pushed(x: float) -> float:
        return float(
            change_of_variables.leaky_relu_pushforward(
                lambda z: np.exp(-0.5 * z[..., 0] ** 2) / math.sqrt(2 * math.pi), np.array([x])
            )
        )

    mass = integral(pushed, -1.2, 0) + integral(pushed, 0, 12)
    yield Claim("mass-is-one", "the density of LReLU(Z), Z standard normal, integrates to one", "quadrature", 1.0, mass, 1e-8)
    bare = integral(lambda x: normal(x * 10), -1.2, 0) + integral(normal, 0, 12)
    yield Claim("mass-without-determinant", "without the determinant the mass would be 0.55", "quadrature", 0.55, bare, 1e-8)
