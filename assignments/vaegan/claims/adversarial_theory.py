"""Claims of vaegan 3: the adversarial game, its value, the best discriminator and generator, and three shifted intervals.

``stated`` comes from the formulas of :mod:`dgm.maths.adversarial_game` and :mod:`dgm.maths.divergences`, or is a number of an
answer's text; ``found`` from counting equally likely outcomes, searches over discriminators, distributions and couplings,
algebra and quadrature. One small game runs through the parts: four equally likely noise values, three points, data on the first two
of them.
"""

import itertools
import math
from collections.abc import Callable, Iterable
from fractions import Fraction

import numpy as np

from dgm.claims.claim import Claim, holds
from dgm.claims.evidence import Evidence
from dgm.claims.registry import question
from dgm.maths import adversarial_game as game
from dgm.maths import divergences

__all__: list[str] = []

OUTPUTS = (0, 1, 2, 2)
"""G(z) for z = 0, 1, 2, 3; G(x) of a data point, which is 0 or 1, is that point."""

OUTCOMES = (0, 1)
"""Equally likely data points."""

DATA = np.array([0.5, 0.5, 0.0])
NOISE = np.full(4, 0.25)
SOME = np.array([0.8, 0.6, 0.3])
"""A discriminator that is not the best one."""

INTERVALS = ((0.0, 1.0), (0.5, 1.5), (1.0, 2.0))
SPREAD = 1.0
"""Standard deviation of data and model in the example on the line: N(2, 1) and N(t, 1)."""

Vector = np.ndarray


def _log(value: float) -> float:
    """The logarithm, minus infinity where a discriminator rules out what happens."""
    return math.log(value) if value > 0 else -math.inf


def _mean_value(real: Iterable[int], made: Iterable[int], discriminator: Vector) -> float:
    """The value of the game as two averages over equally likely outcomes."""
    logs = [_log(float(discriminator[x])) for x in real]
    others = [_log(1 - float(discriminator[x])) for x in made]
    return math.fsum(logs) / len(logs) + math.fsum(others) / len(others)


def _greatest(value: Callable[[Vector], float], points: int = 3) -> tuple[float, Vector]:
    """The greatest value over all discriminators on a few points, and the discriminator, found without its formula."""
    from scipy.optimize import minimize

    bounds = [(1e-12, 1 - 1e-12)] * points
    found = minimize(
        lambda d: -value(d), np.full(points, 0.5), method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-15, "gtol": 1e-9}
    )
    return -float(found.fun), np.asarray(found.x)


def _spelled_out(data: Vector, model: Vector, discriminator: Vector) -> float:
    """Sum over the points of p log D + g log(1 - D), term by term."""
    terms = []
    for p, g, d in zip(data, model, discriminator, strict=True):
        if p > 0:
            terms.append(float(p) * math.log(d))
        if g > 0:
            terms.append(float(g) * math.log(1 - d))
    return math.fsum(terms)


def _divergence(p: Iterable[float], m: Iterable[float]) -> float:
    """KL of two distributions on a finite set, term by term."""
    pairs = [(float(a), float(b)) for a, b in zip(p, m, strict=True) if a > 0]
    if any(b == 0 for _, b in pairs):
        return math.inf
    return math.fsum(a * math.log(a / b) for a, b in pairs)


def _half_sum(p: Iterable[float], q: Iterable[float]) -> float:
    """JSD, term by term."""
    p, q = list(p), list(q)
    middle = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
    return (_divergence(p, middle) + _divergence(q, middle)) / 2


def _cells(interval: tuple[float, float], width: Fraction = Fraction(1, 16)) -> list[Fraction]:
    """Exact probabilities of the cells of [-1, 4] under the uniform distribution on an interval whose ends are ends of cells."""
    low, high = (Fraction(end) for end in interval)
    starts = [-1 + width * k for k in range(int(5 / width))]
    return [width / (high - low) if low <= start < high else Fraction(0) for start in starts]


def _floats(cells: Iterable[Fraction]) -> list[float]:
    return [float(mass) for mass in cells]


def _laws(parts: int) -> Iterable[Vector]:
    """All distributions on three points whose probabilities are multiples of 1 / parts."""
    for i, j in itertools.product(range(parts + 1), repeat=2):
        if i + j <= parts:
            yield np.array([i, j, parts - i - j]) / parts


def _line_value(weight: float, offset: float, mean: float) -> float:
    """V for data N(2, 1), generator N(mean, 1) and D(x) = sigmoid(weight x + offset), by the trapezoidal rule."""
    e = np.linspace(-9, 9, 721)
    density = np.exp(-(e**2) / 2) / math.sqrt(2 * math.pi)
    real, made = weight * (2 + SPREAD * e) + offset, weight * (mean + SPREAD * e) + offset
    return float(np.trapezoid(density * (-np.logaddexp(0, -real) - np.logaddexp(0, made)), e))


def _best_on_line(mean: float) -> tuple[float, Vector]:
    """The greatest value over weight and offset, and where it is taken."""
    from scipy.optimize import minimize

    found = minimize(lambda w: -_line_value(w[0], w[1], mean), np.zeros(2), method="BFGS", options={"gtol": 1e-8})
    return -float(found.fun), np.asarray(found.x)


@question("vaegan-3a")
def vaegan_3a(evidence: Evidence) -> Iterable[Claim]:
    """The value on a small game, the directions of both players, and the argument of the generator."""
    from scipy.optimize import minimize_scalar

    made = game.generated_law(OUTPUTS, NOISE, 3)
    half = np.full(3, 0.5)
    yield Claim(
        "value-at-half",
        "value of the game when $D=1/2$ everywhere, $-2\\log 2$",
        "enumeration",
        -1.3862943611198906,
        _mean_value(OUTCOMES, OUTPUTS, half),
        1e-12,
    )
    yield Claim(
        "value-of-small-game",
        "value of the small game at $D=(0.8,0.6,0.3)$ from data and noise",
        "enumeration",
        game.value(DATA, made, SOME),
        _mean_value(OUTCOMES, OUTPUTS, SOME),
        1e-12,
    )
    step = 1e-6
    for x, slope, side in ((0, 0.5, "where data are more frequent it rises"), (2, -1.0, "where only $G$ is it falls")):
        shift = step * np.eye(3)[x]
        slopes = (_mean_value(OUTCOMES, OUTPUTS, half + shift) - _mean_value(OUTCOMES, OUTPUTS, half - shift)) / (2 * step)
        yield Claim(
            f"slope-at-half-point-{x}",
            f"slope of the value in $D(x)$ at $D=1/2$: {side}",
            "finite differences",
            slope,
            slopes,
            1e-6,
        )
    _, best = _best_on_line(0.0)
    for word, name, stated, found_there in (
        ("weight", "weight $\\omega_1$", 2.0, best[0]),
        ("offset", "offset $\\omega_0$", -2.0, best[1]),
    ):
        yield Claim(
            f"best-{word}-on-line",
            f"on the line, generator at 0: {name} of the best discriminator",
            "optimisation",
            stated,
            found_there,
            1e-4,
        )
    downhill = (_line_value(2, -2, 0.01) - _line_value(2, -2, -0.01)) / 0.02
    yield holds(
        "value-falls-towards-data",
        "against that discriminator the value falls as the generator moves towards the data",
        "finite differences",
        downhill < -0.1,
    )
    least = minimize_scalar(lambda t: _best_on_line(t)[0], bounds=(-1, 5), method="bounded", options={"xatol": 1e-6})
    yield Claim(
        "best-place-on-line",
        "on the line: place $\\theta$ of the generator that minimises the maximum",
        "optimisation",
        2.0,
        least.x,
        1e-3,
    )
    yield Claim(
        "least-maximum-on-line",
        "on the line: the least maximum of the value",
        "optimisation",
        -2 * math.log(2),
        float(least.fun),
        1e-7,
    )
    found, _ = _greatest(lambda d: _mean_value(OUTCOMES, OUTPUTS, d))
    fed_with_data, _ = _greatest(lambda d: _mean_value(OUTCOMES, [OUTPUTS[x] for x in OUTCOMES], d))
    yield Claim(
        "greatest-value-of-small-game",
        "greatest value of the small game over all $D$, generator fed with noise",
        "optimisation",
        math.log(2) - 1.5 * math.log(3),
        found,
        1e-9,
        published=fed_with_data,
    )


@question("vaegan-3b")
def vaegan_3b(evidence: Evidence) -> Iterable[Claim]:
    """The change of variables from noise to generated points, finite and continuous."""
    from scipy.integrate import quad

    made = game.generated_law(OUTPUTS, NOISE, 3)
    for x, stated in enumerate((Fraction(1, 4), Fraction(1, 4), Fraction(1, 2))):
        counted = Fraction(sum(output == x for output in OUTPUTS), len(OUTPUTS))
        yield Claim(
            f"generated-mass-at-{x}",
            f"$p_G$ of the small game at point {x}, the text's fraction",
            "exact rationals",
            float(stated),
            float(counted),
        )
        yield Claim(
            f"generated-mass-formula-at-{x}",
            f"$p_G$ of the small game at point {x}, the formula",
            "exact rationals",
            float(made[x]),
            float(counted),
            1e-15,
        )
    # any h, here one without symmetry
    h = (Fraction(3), Fraction(-1, 5), Fraction(7, 3))
    over_noise = sum((h[output] for output in OUTPUTS), Fraction(0)) / len(OUTPUTS)
    over_points = sum(float(mass) * float(value) for mass, value in zip(made, h, strict=True))
    yield Claim(
        "mean-over-noise-and-points",
        "the mean of $h(G(z))$ over noise is the sum of $p_G(x)h(x)$ over points",
        "exact rationals",
        over_points,
        float(over_noise),
        1e-12,
    )
    value = _mean_value(OUTCOMES, OUTPUTS, SOME)
    yield Claim(
        "integral-form-keeps-value",
        "the integral form gives the value of the original game",
        "enumeration",
        game.value(DATA, made, SOME),
        value,
        1e-12,
    )
    yield Claim(
        "same-distribution-same-value",
        "another generator with the same distribution, $G'(z)=G(3-z)$, has the same value",
        "enumeration",
        value,
        _mean_value(OUTCOMES, OUTPUTS[::-1], SOME),
        1e-12,
    )
    against = min((_spelled_out(DATA, law, SOME), tuple(law)) for law in _laws(40))
    for x, mass in enumerate((1.0, 0.0, 0.0)):
        statement = f"against the fixed $D=(0.8,0.6,0.3)$: mass that the best of 861 distributions gives to point {x}"
        yield Claim(f"best-reply-mass-at-{x}", statement, "enumeration", mass, float(against[1][x]))
    # z uniform on (0, 1), G(z) = z^2, D(x) = x / 2
    from_noise, _ = quad(lambda z: math.log1p(-(z**2) / 2), 0, 1)
    from_density, _ = quad(lambda x: math.log1p(-x / 2) / (2 * math.sqrt(x)), 0, 1, epsabs=1e-11)
    yield Claim(
        "mean-log-for-squared-noise",
        "$z$ uniform, $G(z)=z^2$: mean of $\\log(1-D(G(z)))$ for $D(x)=x/2$",
        "quadrature",
        from_density,
        from_noise,
        1e-8,
    )
    draws = (np.arange(100_000) + 0.5) / 100_000
    share = float((draws**2 <= 0.49).mean())
    yield Claim(
        "share-of-small-squares",
        "share of $z^2\\le0.49$ on a fine grid of $z$, $\\sqrt{0.49}$",
        "enumeration",
        math.sqrt(0.49),
        share,
        1e-4,
    )


@question("vaegan-3c")
def vaegan_3c(evidence: Evidence) -> Iterable[Claim]:
    """Root and curvature of the pointwise gain, the best discriminator found numerically, and what another one loses."""
    import sympy
    from scipy.optimize import minimize_scalar

    a, b, y = sympy.symbols("a b y", positive=True)
    gain = a * sympy.log(y) + b * sympy.log(1 - y)
    roots = sympy.solve(sympy.diff(gain, y), y)
    yield Claim("number-of-stationary-points", "stationary points of $a\\log y+b\\log(1-y)$", "symbolic", 1, len(roots))
    formula = float(game.best_discriminator(np.array([0.3]), np.array([0.5]))[0])
    at = {a: sympy.Rational(3, 10), b: sympy.Rational(1, 2)}
    yield Claim(
        "stationary-point-example",
        "the stationary point for $a=0.3$, $b=0.5$",
        "symbolic",
        formula,
        float(roots[0].subs(at)),
        1e-12,
    )
    yield holds(
        "stationary-point-is-ratio",
        "the stationary point is $a/(a+b)$",
        "symbolic",
        bool(sympy.simplify(roots[0] - a / (a + b)) == 0),
    )
    curvature = sympy.diff(gain, y, 2).subs(y, roots[0])
    yield holds(
        "second-derivative-formula",
        "the second derivative there is $-(a+b)^3/(ab)$",
        "symbolic",
        bool(sympy.simplify(curvature + (a + b) ** 3 / (a * b)) == 0),
    )
    yield Claim(
        "second-derivative-example",
        "that second derivative for $a=0.3$, $b=0.5$",
        "symbolic",
        -(0.8**3) / 0.15,
        float(curvature.subs(at)),
        1e-12,
    )

    made = game.generated_law(OUTPUTS, NOISE, 3)
    highest, where = _greatest(lambda d: _mean_value(OUTCOMES, OUTPUTS, d))
    for x, stated in enumerate((2 / 3, 2 / 3, 0)):
        yield Claim(
            f"best-answer-at-{x}",
            f"small game: best answer at point {x}, the text's number",
            "optimisation",
            stated,
            where[x],
            1e-6,
        )
    distance = float(np.abs(game.best_discriminator(DATA, made) - where).max())
    yield Claim(
        "formula-distance-from-search",
        "small game: largest distance of the formula $D^*$ from the search",
        "optimisation",
        0.0,
        distance,
        1e-6,
    )

    tried = np.random.default_rng(3).uniform(0.01, 0.99, (2000, 3))
    values = np.array([_mean_value(OUTCOMES, OUTPUTS, d) for d in tried])
    attained = _mean_value(OUTCOMES, OUTPUTS, game.best_discriminator(DATA, made))
    yield holds(
        "random-discriminators-below-best",
        "2000 random discriminators stay below the value of $D^*$",
        "Monte Carlo",
        bool(values.max() < attained),
    )
    lost = np.array([game.shortfall(DATA, made, d) for d in tried])
    error = float(np.abs(lost - (highest - values)).max())
    yield Claim(
        "loss-formula-error", "largest error of the formula for what another discriminator loses", "optimisation", 0.0, error, 1e-8
    )
    yield Claim(
        "loss-of-one-half",
        "what $D=1/2$ loses in the small game",
        "enumeration",
        2 * _half_sum(DATA, made),
        highest + 2 * math.log(2),
        1e-9,
    )
    # the shortfall must not depend on an answer where neither distribution has mass
    unseen = game.shortfall(np.append(DATA, 0), np.append(made, 0), np.append(SOME, 0.123))
    yield Claim(
        "massless-point-adds-nothing",
        "a point without mass adds nothing to that loss",
        "enumeration",
        game.shortfall(DATA, made, SOME),
        unseen,
        1e-15,
    )

    drawn = evidence.arrays("optimal_discriminator")
    gains = []
    for data, model in zip(drawn["data"][::20], drawn["model"][::20], strict=True):
        found = minimize_scalar(
            lambda t, p=data, g=model: -(p * math.log(t) + g * math.log(1 - t)) / (p + g),
            bounds=(1e-12, 1 - 1e-12),
            method="bounded",
            options={"xatol": 1e-10},
        )
        gains.append(float(found.x))
    distance = float(np.abs(drawn["discriminator"][::20] - gains).max())
    yield Claim(
        "drawn-curve-distance",
        "the curve of $D^*$ drawn, largest distance from a search at 22 points",
        "optimisation",
        0.0,
        distance,
        1e-5,
    )
    drawn_best = drawn["answer"][drawn["gain"].argmax(1)]
    error = float(np.abs(drawn_best - drawn["best"]).max())
    yield Claim(
        "drawn-peaks-error",
        "the peaks drawn lie at $D^*$ of the three points, to the step of the grid",
        "enumeration",
        0.0,
        error,
        0.002,
    )
    data = 0.5 * (1 + math.exp(-((4 / 0.8) ** 2) / 2)) / (0.8 * math.sqrt(2 * math.pi))
    model = math.exp(-(3.5**2) / 2) / math.sqrt(2 * math.pi)
    statement = "in the drawing, $D^*$ at the mode that the generator misses"
    yield Claim("drawn-answer-at-missed-mode", statement, "closed form", float(drawn["best"][0]), data / (data + model), 1e-12)
    # equal widths: a logistic regression finds the log-ratio 2 x - 2
    _, (weight, offset) = _best_on_line(0.0)
    place = 0.3
    log_ratio = float(divergences.log_normal_density(place, 2, 1) - divergences.log_normal_density(place, 0, 1))
    yield Claim(
        "best-logit-is-log-ratio",
        "data $\\mathcal{N}(2,1)$, generator $\\mathcal{N}(0,1)$: best logit at $x=0.3$ is the log-ratio",
        "optimisation",
        log_ratio,
        weight * place + offset,
        1e-4,
    )
    yield Claim("log-ratio-is-linear", "that log-ratio is $2x-2$ at $x=0.3$", "closed form", 2 * place - 2, log_ratio, 1e-12)


def _highest_value(data: Vector, model: Vector) -> float:
    """The value at p / (p + g), term by term."""
    total = 0.0
    for p, g in zip(data, model, strict=True):
        total += (p * math.log(p / (p + g)) if p > 0 else 0.0) + (g * math.log(g / (p + g)) if g > 0 else 0.0)
    return float(total)


@question("vaegan-3d")
def vaegan_3d(evidence: Evidence) -> Iterable[Claim]:
    """The value at the best discriminator as a divergence, its minimum, and the bound for other discriminators."""
    from scipy.optimize import minimize

    made = game.generated_law(OUTPUTS, NOISE, 3)
    middle = (Fraction(3, 8), Fraction(3, 8), Fraction(1, 4))
    for x in range(3):
        counted = Fraction(DATA[x]) / 2 + Fraction(OUTPUTS.count(x), 8)
        yield Claim(f"middle-mass-at-{x}", f"small game: $M$ at point {x}", "exact rationals", float(middle[x]), float(counted))
    divergence = _half_sum(DATA, made)
    yield Claim(
        "divergence-of-small-game",
        "small game: Jensen-Shannon divergence, $\\frac34\\log\\frac43$",
        "enumeration",
        0.75 * math.log(4 / 3),
        divergence,
        1e-12,
    )
    yield Claim(
        "divergence-formula-of-small-game",
        "small game: the formula for the divergence",
        "enumeration",
        game.jensen_shannon(DATA, made),
        divergence,
        1e-12,
    )
    highest, _ = _greatest(lambda d: _mean_value(OUTCOMES, OUTPUTS, d))
    yield Claim(
        "best-value-of-small-game",
        "small game: value at the best discriminator",
        "optimisation",
        -0.9547712524422192,
        highest,
        1e-9,
    )
    yield Claim(
        "best-value-from-divergence",
        "small game: $-\\log4+2\\,\\mathrm{JSD}$ is that value",
        "optimisation",
        game.best_value(DATA, made),
        highest,
        1e-9,
    )
    rng = np.random.default_rng(4)
    pairs = rng.dirichlet(np.ones(5), size=(500, 2))
    errors = [abs(game.best_value(p, g) - _highest_value(p, g)) for p, g in pairs]
    yield Claim(
        "value-formula-error-on-pairs",
        "$-\\log4+2\\,\\mathrm{JSD}$ on 500 random pairs of distributions, largest error",
        "Monte Carlo",
        0.0,
        max(errors),
        1e-12,
    )
    divergences_of_pairs = [_half_sum(p, g) for p, g in pairs]
    yield holds(
        "divergence-within-limits",
        "the divergence of 500 random pairs lies strictly between 0 and $\\log2$",
        "Monte Carlo",
        min(divergences_of_pairs) > 0 and max(divergences_of_pairs) < math.log(2),
    )

    parts = 40
    values = sorted((_highest_value(DATA, g), tuple(g)) for g in _laws(parts))
    yield Claim("number-of-distributions", "distributions on three points with multiples of 1/40", "enumeration", 861, len(values))
    yield Claim(
        "least-value-of-all", "least value among these distributions, $-\\log4$", "enumeration", -math.log(4), values[0][0], 1e-12
    )
    yield Claim(
        "least-value-at-data",
        "the distribution with the least value is the data's, largest difference",
        "enumeration",
        0.0,
        float(np.abs(DATA - values[0][1]).max()),
    )
    yield holds(
        "others-have-higher-values",
        "all other distributions among these have a higher value",
        "enumeration",
        values[1][0] > values[0][0] + 1e-5,
    )
    target = np.array([0.5, 0.3, 0.2])
    found = minimize(
        lambda w: _highest_value(target, w),
        np.full(3, 1 / 3),
        method="SLSQP",
        bounds=[(1e-9, 1)] * 3,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        options={"ftol": 1e-14},
    )
    yield Claim(
        "search-ends-at-data",
        "a search over all distributions ends at the data $(0.5,0.3,0.2)$, largest difference",
        "optimisation",
        0.0,
        float(np.abs(found.x - target).max()),
        1e-4,
    )
    lowest, answers = _greatest(lambda d: _spelled_out(target, target, d))
    yield Claim(
        "value-at-optimum", "greatest value when $p_G=p_{\\mathrm{data}}$, $-\\log4$", "optimisation", -math.log(4), lowest, 1e-9
    )
    yield Claim(
        "best-answer-half-at-optimum",
        "the best discriminator is then $1/2$ everywhere, largest difference",
        "optimisation",
        0.0,
        float(np.abs(answers - 0.5).max()),
        1e-6,
    )
    distance = float(np.abs(game.best_discriminator(target, target) - answers).max())
    statement = "the formula $D^*$ for $p_G=p_{\\mathrm{data}}$, largest difference from the search"
    yield Claim("formula-distance-at-optimum", statement, "optimisation", 0.0, distance, 1e-6)

    apart = (np.array([0.5, 0.5, 0.0, 0.0]), np.array([0.0, 0.0, 0.3, 0.7]))
    yield Claim(
        "divergence-when-apart",
        "distributions without common mass: the divergence is $\\log2$",
        "enumeration",
        math.log(2),
        _half_sum(*apart),
        1e-12,
    )
    yield Claim(
        "divergence-formula-when-apart",
        "distributions without common mass: the formula",
        "enumeration",
        game.jensen_shannon(*apart),
        _half_sum(*apart),
        1e-12,
    )
    separated, _ = _greatest(lambda d: _spelled_out(*apart, d), 4)
    yield Claim(
        "best-value-when-apart",
        "distributions without common mass: value at the best discriminator, its upper limit",
        "optimisation",
        0.0,
        separated,
        1e-9,
    )

    tried = np.random.default_rng(5).uniform(0.01, 0.99, (2000, 3))
    bounds = [math.log(2) + _mean_value(OUTCOMES, OUTPUTS, d) / 2 for d in tried]
    yield holds(
        "bound-below-divergence",
        "$\\log2+V(D)/2$ of 2000 random discriminators stays below the divergence",
        "Monte Carlo",
        max(bounds) < divergence,
    )
    best, step = game.best_discriminator(target, np.array([0.2, 0.5, 0.3])), 1e-6
    for x in range(3):
        up, down = (_highest_value(target, np.array([0.2, 0.5, 0.3]) + sign * step * np.eye(3)[x]) for sign in (1, -1))
        yield Claim(
            f"slope-in-generated-mass-{x}",
            f"slope of $V(D^*,p_G)$ in $p_G$ at point {x} is $\\log(1-D^*)$",
            "finite differences",
            math.log(1 - best[x]),
            (up - down) / (2 * step),
            1e-6,
        )


def _quantiles(interval: tuple[float, float], n: int = 400) -> Vector:
    """Quantiles of the uniform distribution at the midpoints of n equal parts of (0, 1), as sorted draws have them."""
    low, high = interval
    return low + (high - low) * (np.arange(n) + 0.5) / n


def _transport(p: tuple[float, float], q: tuple[float, float], n: int = 64) -> float:
    """Least mean distance over all ways to pair n equally likely points of one distribution with n of the other."""
    from scipy.optimize import linear_sum_assignment

    cost = np.abs(_quantiles(p, n)[:, None] - _quantiles(q, n)[None])
    return float(cost[linear_sum_assignment(cost)].mean())


def _between(p: tuple[float, float], q: tuple[float, float]) -> float:
    """Integral of |F - G| over the line, by the trapezoidal rule on cells that contain no kink."""
    x = np.linspace(-1, 4, 5 * 64 + 1)
    f, g = (np.clip((x - low) / (high - low), 0, 1) for low, high in (p, q))
    return float(np.trapezoid(np.abs(f - g), x))


@question("vaegan-3e")
def vaegan_3e(evidence: Evidence) -> Iterable[Claim]:
    """Divergences by exact masses of cells; Wasserstein distances by pairing points and by distribution functions."""
    from scipy.stats import wasserstein_distance

    first, *others = INTERVALS
    stated: tuple[tuple[int, float, float], ...] = ((2, 0.5, 0.5), (3, 1.0, 1.0))
    for (name, mass, distance), other in zip(stated, others, strict=True):
        label = f"\\mathbb{{P}}_1,\\mathbb{{P}}_{name}"
        p, q = _cells(first), _cells(other)
        exact = sum((a for a, b in zip(p, q, strict=True) if b == 0), Fraction(0))
        yield Claim(
            f"uncovered-mass-to-{name}",
            f"mass of $\\mathbb{{P}}_1$ where $\\mathbb{{P}}_{name}$ has density 0",
            "exact rationals",
            mass,
            float(exact),
        )
        divergence = _divergence(_floats(p), _floats(q))
        formula = divergences.kl_uniform(first, other)
        yield Claim(
            f"kl-to-{name}",
            f"$D_{{\\mathrm{{KL}}}}(\\mathbb{{P}}_1\\,\\|\\,\\mathbb{{P}}_{name})$",
            "exact rationals",
            math.inf,
            divergence,
        )
        yield Claim(
            f"kl-formula-to-{name}",
            f"formula for $D_{{\\mathrm{{KL}}}}(\\mathbb{{P}}_1\\,\\|\\,\\mathbb{{P}}_{name})$",
            "exact rationals",
            formula,
            divergence,
        )
        paired, spread = _transport(first, other), _between(first, other)
        yield Claim(
            f"wasserstein-by-pairing-to-{name}",
            f"$W_1({label})$ by the best pairing of points",
            "optimisation",
            distance,
            paired,
            1e-12,
        )
        yield Claim(
            f"wasserstein-by-functions-to-{name}",
            f"$W_1({label})$ from the distribution functions",
            "quadrature",
            distance,
            spread,
            1e-12,
        )
        library = float(wasserstein_distance(_quantiles(first), _quantiles(other)))
        yield Claim(
            f"wasserstein-formula-to-{name}",
            f"$W_1({label})$, the formula",
            "enumeration",
            game.wasserstein_uniform(first, other),
            library,
            1e-12,
        )
        means = float(_quantiles(other).mean() - _quantiles(first).mean())
        yield Claim(
            f"mean-difference-to-{name}",
            f"difference of the means, $\\mathbb{{P}}_1$ and $\\mathbb{{P}}_{name}$",
            "enumeration",
            distance,
            means,
            1e-12,
        )
        for power in (2, 3):
            moved = float((np.abs(_quantiles(other) - _quantiles(first)) ** power).mean() ** (1 / power))
            yield Claim(
                f"wasserstein-order-{power}-to-{name}", f"$W_{power}({label})$ is the same", "enumeration", distance, moved, 1e-12
            )
        halves = _half_sum(_floats(p), _floats(q))
        number = mass * math.log(2)
        yield Claim(f"jsd-to-{name}", f"$\\mathrm{{JSD}}({label})$ from exact masses", "exact rationals", number, halves, 1e-12)
        yield Claim(
            f"jsd-formula-to-{name}",
            f"$\\mathrm{{JSD}}({label})$, the formula",
            "exact rationals",
            game.jensen_shannon_uniform(first, other),
            halves,
            1e-12,
        )

    lipschitz = _lipschitz(200)
    for name, other in zip((2, 3), others, strict=True):
        highest = max(float(np.abs(f(_quantiles(other)).mean() - f(_quantiles(first)).mean())) for f in lipschitz)
        yield holds(
            f"slope-one-functions-below-{name}",
            f"200 random functions of slope at most 1 tell $\\mathbb{{P}}_1$ from $\\mathbb{{P}}_{name}$ by less than $W_1$",
            "Monte Carlo",
            highest < wasserstein_distance(_quantiles(first), _quantiles(other)),
        )

    yield from _of_the_shift()
    yield from _smoothed()
    yield from _drawn(evidence)


def _lipschitz(count: int) -> list[Callable[[Vector], Vector]]:
    """Random functions whose slope is nowhere above 1 in size: broken lines."""
    rng, knots = np.random.default_rng(6), np.linspace(-1, 4, 41)

    def line(heights: Vector) -> Callable[[Vector], Vector]:
        return lambda x: np.interp(x, knots, heights)

    return [line(np.concatenate([[0.0], np.cumsum(rng.uniform(-1, 1, 40) * np.diff(knots))])) for _ in range(count)]


def _of_the_shift() -> Iterable[Claim]:
    """Both finite distances as functions of the shift, and their slopes."""
    shifts = [k / 16 for k in range(-16, 33)]
    cells = [_cells((s, 1 + s)) for s in shifts]
    start = _floats(_cells(INTERVALS[0]))
    halves = [_half_sum(start, _floats(each)) for each in cells]
    rule = [min(abs(s), 1) * math.log(2) for s in shifts]
    yield Claim(
        "jsd-over-shifts-error",
        "$\\mathrm{JSD}=\\min(|s|,1)\\log2$ for 49 shifts, largest error",
        "exact rationals",
        0.0,
        float(np.abs(np.subtract(rule, halves)).max()),
        1e-12,
    )
    formula = [game.jensen_shannon_uniform((0, 1), (s, 1 + s)) for s in shifts]
    error = float(np.abs(np.subtract(formula, halves)).max())
    yield Claim(
        "jsd-formula-over-shifts-error", "the formula for these divergences, largest error", "exact rationals", 0.0, error, 1e-12
    )
    distances = [_between((0, 1), (s, 1 + s)) for s in shifts]
    error = float(np.abs(np.subtract(np.abs(shifts), distances)).max())
    yield Claim("wasserstein-over-shifts-error", "$W_1=|s|$ for 49 shifts, largest error", "quadrature", 0.0, error, 1e-12)
    width = 1 / 16
    for word, place, slope in (("overlapping", 0.5, math.log(2)), ("apart", 1.5, 0.0)):
        low, high = shifts.index(place - width), shifts.index(place + width)
        where = f"at $s={place:g}$"
        yield Claim(
            f"jsd-slope-{word}",
            f"slope of the Jensen-Shannon divergence {where}",
            "finite differences",
            slope,
            (halves[high] - halves[low]) / (2 * width),
            1e-9,
        )
        yield Claim(
            f"wasserstein-slope-{word}",
            f"slope of $W_1$ {where}",
            "finite differences",
            1.0,
            (distances[high] - distances[low]) / (2 * width),
            1e-9,
        )


def _smoothed() -> Iterable[Claim]:
    """The divergence after a share of U[0, 2] is mixed into the second distribution."""
    background = (0.0, 2.0)
    start, wide = (_floats(_cells(each)) for each in (INTERVALS[0], background))
    found = {}
    for name, other in zip((2, 3), INTERVALS[1:], strict=True):
        for share in (1e-3, 1e-6):
            mixed = [(1 - share) * a + share * b for a, b in zip(_floats(_cells(other)), wide, strict=True)]
            found[name, share] = _divergence(start, mixed)
        stated = 3.8007012923 if name == 2 else math.log(2000)
        label = f"a share 0.001 of $U[0,2]$ mixed into $\\mathbb{{P}}_{name}$"
        yield Claim(f"smoothed-kl-to-{name}", f"by cells: divergence with {label}", "enumeration", stated, found[name, 1e-3], 1e-9)
        formula = game.kl_uniform_to_smoothed(INTERVALS[0], other, background, 1e-3)
        yield Claim(
            f"smoothed-kl-formula-to-{name}",
            f"formula for the divergence with {label}",
            "enumeration",
            formula,
            found[name, 1e-3],
            1e-12,
        )
        growth = (0.5 if name == 2 else 1) * math.log(1000)
        grown = found[name, 1e-6] - found[name, 1e-3]
        yield Claim(
            f"smoothed-kl-growth-to-{name}",
            f"growth when the share mixed into $\\mathbb{{P}}_{name}$ is a thousandth of that",
            "enumeration",
            growth,
            grown,
            1e-3,
        )


def _drawn(evidence: Evidence) -> Iterable[Claim]:
    """The arrays of the figure."""
    drawn = evidence.arrays("shifted_intervals")
    places = [float(s) for s in drawn["shift"]]
    distances = [_transport((0, 1), (s, 1 + s), 16) for s in places]
    error = float(np.abs(drawn["wasserstein"] - distances).max())
    yield Claim("drawn-wasserstein-error", "the Wasserstein distances drawn, largest error", "optimisation", 0.0, error, 1e-9)
    error = float(np.abs(drawn["jensen_shannon"] - math.log(2) * np.minimum(np.abs(places), 1)).max())
    yield Claim("drawn-jsd-error", "the Jensen-Shannon divergences drawn, largest error", "closed form", 0.0, error, 1e-12)
    finite = [s for s, infinite in zip(places, drawn["infinite"], strict=True) if not infinite]
    yield Claim("number-of-finite-shifts", "shifts at which the divergence drawn is finite", "enumeration", 1, len(finite))
    yield Claim(
        "finite-shift", "the shift at which it is finite", "enumeration", 0.0, abs(finite[0]) if finite else math.nan, 1e-12
    )
    share = drawn["share"]
    curves = np.stack(
        [
            -0.5 * np.log(share / 2) - 0.5 * np.log1p(-share / 2),
            -np.log(share / 2),
        ]
    )
    error = float(np.abs(drawn["smoothed"] - curves).max())
    yield Claim("drawn-smoothed-error", "the smoothed divergences drawn, largest error", "closed form", 0.0, error, 1e-9)
