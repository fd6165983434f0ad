"""Claims about the divergence: its definition, its sign, and its closed form against a standard normal prior.

``stated`` comes from the formulas of :mod:`dgm.maths.divergences` or is a number of an answer's text; ``found`` from
quadrature of the defining integral, symbolic integration, enumeration and Monte Carlo with draws of its own.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np

from dgm.claims.claim import Claim, Finding, holds
from dgm.claims.evidence import Evidence
from dgm.claims.registry import question
from dgm.maths import divergences

__all__: list[str] = []

LAWS = 2000
DRAWS = 1_000_000
RUN = "vae_mlp"

Density = Callable[[Any], Any]


def _normal(mean: float, sd: float) -> Density:
    """The density of N(mean, sd^2) in mpmath's numbers."""
    import mpmath

    return lambda x: mpmath.npdf(x, mean, sd)


def _integral(q: Density, p: Density, places: Sequence[float] = (-40, -6, -2, 0, 2, 6, 40)) -> float:
    """Integral of q log(q / p) from the first to the last place, by mpmath's adaptive rule on each part; q ends there."""
    import mpmath

    return float(mpmath.quad(lambda x: q(x) * mpmath.log(q(x) / p(x)), places))


def _gaussian_divergence() -> tuple[Any, tuple[Any, Any, Any, Any]]:
    """Symbolic D(N(m, s^2) || N(a, b^2)), from the integral of its definition, and the symbols (m, s, a, b)."""
    import sympy

    e, m, a = sympy.symbols("e m a", real=True)
    s, b = sympy.symbols("s b", positive=True)
    z = m + s * e
    ratio = sympy.log(b / s) + (z - a) ** 2 / (2 * b**2) - (z - m) ** 2 / (2 * s**2)
    density = sympy.exp(-(e**2) / 2) / sympy.sqrt(2 * sympy.pi)
    value = sympy.integrate(sympy.expand(sympy.expand(ratio) * density), (e, -sympy.oo, sympy.oo))
    return sympy.simplify(value), (m, s, a, b)


@question("elbo-1a")
def elbo_1a(evidence: Evidence) -> Iterable[Claim]:
    """The defining integral for two Gaussians, and its conventions."""
    import sympy

    wide, prior = (0.5, 2.0), (0.0, 1.0)
    q, p = _normal(*wide), _normal(*prior)
    forth, back = divergences.kl_gaussian(*wide, *prior), divergences.kl_gaussian(*prior, *wide)
    yield Claim(
        "divergence-wide-from-prior",
        "the integral for $q=\\mathcal{N}(0.5,4)$, $p=\\mathcal{N}(0,1)$",
        "quadrature",
        forth,
        _integral(q, p),
        1e-10,
    )
    yield Claim("divergence-exchanged", "the integral with $q$ and $p$ exchanged", "quadrature", back, _integral(p, q), 1e-10)
    x = 0.5 + 2.0 * np.random.default_rng(11).standard_normal(DRAWS)
    ratios = -0.5 * ((x - 0.5) / 2) ** 2 - math.log(2) + 0.5 * x**2
    error = 4 * float(ratios.std()) / math.sqrt(DRAWS)
    yield Claim(
        "mean-log-ratio", f"mean of the log-ratio over {DRAWS:,} draws of $q$", "Monte Carlo", forth, float(ratios.mean()), error
    )
    laws = NormalDist(*wide), NormalDist(*prior)
    at_zero = laws[0].pdf(0) * math.log(laws[0].pdf(0) / laws[1].pdf(0))
    log_q, log_p = (float(divergences.log_normal_density(0.0, *law)) for law in (wide, prior))
    yield Claim("integrand-at-zero", "the integrand at $x=0$", "closed form", math.exp(log_q) * (log_q - log_p), at_zero, 1e-12)
    t = sympy.Symbol("t", positive=True)
    pair = t * sympy.log(4 * t) + (1 - t) * sympy.log((1 - t) * sympy.Rational(4, 3))
    stated = divergences.kl_discrete((0.0, 1.0), (0.25, 0.75))
    limit = float(sympy.limit(pair, t, 0, "+"))
    yield Claim(
        "limit-of-vanishing-mass",
        "limit of the divergence of $(t,1-t)$ from $(\\frac14,\\frac34)$ for $t\\to0$",
        "symbolic",
        stated,
        limit,
        1e-12,
    )
    cells = [(q, p) for q, p in ((0.0, 0.25), (0.0, 0.25), (1.0, 0.25), (0.0, 0.25)) if q > 0]
    total = math.fsum(q * math.log(q / p) for q, p in cells)
    stated = divergences.kl_uniform((0.0, 1.0), (-2.0, 2.0))
    yield Claim(
        "uniform-narrow-from-wide",
        "$U[0,1]$ against $U[-2,2]$: places where only $q$ vanishes add nothing",
        "enumeration",
        stated,
        total,
        1e-12,
    )
    mixed = sympy.Rational(3, 4) * sympy.log(1 / t) + sympy.log(sympy.Rational(1, 4) / (1 - 3 * t / 4)) / 4
    grows = float(sympy.limit(mixed, t, 0, "+"))
    stated = divergences.kl_uniform((-2.0, 2.0), (0.0, 1.0))
    yield Claim("uniform-wide-from-narrow", "$U[-2,2]$ against $U[0,1]$: mass of $q$ where $p$ has none", "symbolic", stated, grows)


@question("elbo-1b")
def elbo_1b(evidence: Evidence) -> Iterable[Claim]:
    """Each inequality of the proof on an example where it is strict, random distributions, and the case of equality."""
    import mpmath
    import sympy
    from scipy import stats

    # q exponential with rate 1, p standard normal
    q, p = (lambda x: mpmath.exp(-x)), _normal(0.0, 1.0)
    mass = float(mpmath.quad(p, [0, 6, 40]))
    value = _integral(q, p, (0, 2, 6, 20, 100))
    yield Claim(
        "mass-on-support",
        "mass of $p=\\mathcal{N}(0,1)$ on the support $x>0$ of $q$",
        "quadrature",
        0.5,
        mass,
        1e-10,
        published=1.0,
        printed=True,
    )
    stated = 0.5 * math.log(2 * math.pi)
    yield Claim(
        "divergence-of-exponential",
        "divergence of the exponential distribution from $\\mathcal{N}(0,1)$",
        "quadrature",
        stated,
        value,
        1e-10,
    )
    yield Claim("bound-from-support-mass", "its lower bound $-\\log p(S)$", "quadrature", math.log(2), -math.log(mass), 1e-10)
    yield holds("both-inequalities-strict", "both inequalities are strict there", "quadrature", value - 0.1 > -math.log(mass) > 0.1)
    flat = math.fsum(share * math.log(share / 0.25) for share in (1.0,))  # q = U[0, 1], p = U[-2, 2]: the ratio is 1/4 on S
    stated = divergences.kl_uniform((0.0, 1.0), (-2.0, 2.0))
    yield Claim("uniform-divergence", "$U[0,1]$ and $U[-2,2]$: the divergence", "enumeration", stated, flat, 1e-12)
    inside = (np.arange(1000) + 0.5) / 1000
    ratio = stats.uniform(-2, 4).pdf(inside) / stats.uniform(0, 1).pdf(inside)
    lost = math.log(ratio.mean()) - float(np.log(ratio).mean())
    yield Claim("uniform-jensen-loss", "$U[0,1]$ and $U[-2,2]$: Jensen's step loses", "quadrature", 0.0, lost, 1e-12)

    rng = np.random.default_rng(7)
    one, two = (rng.dirichlet(np.ones(4), size=LAWS) for _ in range(2))
    values = (one * np.log(one / two)).sum(1)
    yield holds(
        "random-divergences-positive", f"{LAWS} random pairs: all divergences positive", "Monte Carlo", bool(values.min() > 0)
    )
    formula = np.array([divergences.kl_discrete(a, b) for a, b in zip(one, two, strict=True)])
    off = float(np.abs(values - formula).max())
    yield Claim("finite-formula-error", "the formula for finite sets on these pairs, largest error", "enumeration", 0.0, off, 1e-12)
    same = max(abs(divergences.kl_discrete(law, law)) for law in one[:100])
    yield Claim("divergence-from-itself", "100 distributions against themselves", "enumeration", 0.0, same)
    # with the last place taken from q: E[-log w] >= -log E[w] = -log p(S) > 0
    part = one[:, :3] / one[:, :3].sum(1, keepdims=True)
    w = two[:, :3] / part
    slack = (-(part * np.log(w)).sum(1)) + np.log((part * w).sum(1))
    yield holds(
        "jensen-never-reversed", "Jensen's step on the same pairs: never the other way", "Monte Carlo", bool(slack.min() >= 0)
    )

    t = sympy.Symbol("t", positive=True)
    difference = -sympy.log(t) - (1 - t)
    places = sympy.solve(sympy.diff(difference, t), t)
    yield holds("stationary-at-one-only", "$-\\log t-(1-t)$ is stationary at $t=1$ only", "symbolic", places == [1])
    yield Claim("tangent-gap-at-one", "$-\\log t-(1-t)$ at $t=1$", "symbolic", 0.0, float(difference.subs(t, 1)))
    convex = sympy.simplify(sympy.diff(difference, t, 2) - 1 / t**2) == 0
    yield holds(
        "minus-log-strictly-convex", "$-\\log t$ has the second derivative $1/t^2>0$: strictly convex", "symbolic", bool(convex)
    )

    gaussian, (m, s, a, b) = _gaussian_divergence()
    equal = {m: a, s: b}
    yield Claim(
        "divergence-equal-gaussians",
        "two Gaussians with equal parameters",
        "symbolic",
        0.0,
        float(sympy.simplify(gaussian.subs(equal))),
    )
    step = sympy.Rational(1, 1000)
    near = float(gaussian.subs({m: a + step * b, s: b * (1 + step)}).subs({a: 1, b: 2}).evalf(30))
    statement = "near equality: the divergence in units of $(\\delta_m^2+2\\delta_s^2)/(2b^2)$, steps of a thousandth"
    yield Claim("near-equality-ratio", statement, "symbolic", 1.0, near / (0.5 * (1 + 2) * 1e-6), 2e-3)
    hessian = sympy.simplify(sympy.hessian(gaussian, (m, s)).subs(equal) * b**2)
    for name, entry, stated in (("mean", hessian[0, 0], 1.0), ("standard deviation", hessian[1, 1], 2.0)):
        yield Claim(
            f"curvature-in-{name.replace(' ', '-')}",
            f"two equal Gaussians: curvature in the {name}, times the variance",
            "symbolic",
            stated,
            float(entry),
        )
    yield Claim("mixed-second-derivative", "two equal Gaussians: mixed second derivative", "symbolic", 0.0, float(hessian[0, 1]))


@question("elbo-3")
def elbo_3(evidence: Evidence) -> Iterable[Claim | Finding]:
    """The closed form, its two expectations, its minimum, and its use in a trained encoder."""
    import sympy

    gaussian, (m, s, a, b) = _gaussian_divergence()
    value = sympy.simplify(gaussian.subs({a: 0, b: 1}))
    form = (s**2 + m**2 - 1 - sympy.log(s**2)) / 2
    exact = sympy.simplify(sympy.expand_log(value - form, force=True)) == 0
    yield holds("integral-is-closed-form", "the integral is $\\frac12(\\sigma^2+\\mu^2-1-\\log\\sigma^2)$", "symbolic", bool(exact))
    e = sympy.Symbol("e", real=True)
    density = sympy.exp(-(e**2) / 2) / sympy.sqrt(2 * sympy.pi)
    z = m + s * e

    def mean(expression: Any) -> Any:
        return sympy.integrate(sympy.expand(sympy.expand(expression) * density), (e, -sympy.oo, sympy.oo))

    square = sympy.simplify(mean(z**2) - m**2 - s**2) == 0
    yield holds("second-moment-of-q", "$\\mathbb{E}_q[z^2]=\\sigma^2+\\mu^2$", "symbolic", bool(square))
    at = {m: sympy.Rational(1, 2), s: 2}
    half_log = sympy.log(2 * sympy.pi) / 2
    own = mean(-half_log - sympy.log(s) - (z - m) ** 2 / (2 * s**2)).subs(at)
    stated = -0.5 * (1 + math.log(2 * math.pi * 4))
    yield Claim("expected-log-q", "$\\mathbb{E}_q[\\log q]$ for $q=\\mathcal{N}(0.5,4)$", "symbolic", stated, float(own), 1e-12)
    cross = mean(-half_log - z**2 / 2).subs(at)
    stated = -0.5 * (math.log(2 * math.pi) + 4 + 0.25)
    yield Claim("expected-log-prior", "$\\mathbb{E}_q[\\log p]$ for the same $q$", "symbolic", stated, float(cross), 1e-12)
    stated = divergences.kl_gaussian(0.5, 2.0, 0.0, 1.0)
    yield Claim(
        "divergence-from-prior",
        "the divergence of $\\mathcal{N}(0.5,4)$ from the prior",
        "symbolic",
        stated,
        float(value.subs(at)),
        1e-12,
    )
    by_integral = _integral(_normal(0.5, 2.0), _normal(0.0, 1.0))
    stated = divergences.kl_from_log_variance(0.5, math.log(4))
    yield Claim("divergence-by-log-variance", "the same from the log-variance $\\log4$", "quadrature", stated, by_integral, 1e-10)
    exchanged = _integral(_normal(0.0, 1.0), _normal(0.5, 2.0))
    stated = divergences.kl_gaussian(0.0, 1.0, 0.5, 2.0)
    yield Claim(
        "divergence-exchanged",
        "the prior's divergence from $\\mathcal{N}(0.5,4)$, arguments exchanged",
        "quadrature",
        stated,
        exchanged,
        1e-10,
    )
    agrees = abs(exchanged - by_integral) < 0.1
    yield Claim(
        "order-does-not-matter", "the order of the arguments does not matter here", "quadrature", stated=False, found=agrees
    )
    general = float(gaussian.subs({m: 1, s: 3, a: -1, b: 2}))
    yield Claim(
        "divergence-general-gaussians",
        "the general formula for $\\mathcal{N}(1,9)$ against $\\mathcal{N}(-1,4)$",
        "symbolic",
        divergences.kl_gaussian(1.0, 3.0, -1.0, 2.0),
        general,
        1e-12,
    )
    minima = sympy.solve([sympy.diff(value, m), sympy.diff(value, s)], [m, s], dict=True)
    only = len(minima) == 1 and minima[0] == {m: 0, s: 1}
    yield holds("one-stationary-point", "its only stationary point is $\\mu=0$, $\\sigma=1$", "symbolic", only)
    lowest = float(value.subs(minima[0])) if only else math.nan
    yield Claim("divergence-at-minimum", "the divergence at that point", "symbolic", 0.0, lowest)
    halved = sympy.simplify(sympy.limit(value.subs(s, s / 2) - value, s, 0, "+"))
    yield Claim("halving-deviation-adds", "halving a small $\\sigma$ adds $\\log2$", "symbolic", math.log(2), float(halved), 1e-12)

    yield _two_coordinates()
    yield from _drawn_and_trained(evidence)


def _two_coordinates() -> Claim:
    """The divergence of a Gaussian with two independent coordinates, by a rule on the plane."""
    mean_, sd = np.array([0.7, -1.2]), np.array([0.3, 1.6])
    grids = [np.linspace(c - 12 * w, c + 12 * w, 801) for c, w in zip(mean_, sd, strict=True)]
    logs = [(-0.5 * ((g - c) / w) ** 2 - math.log(w), -0.5 * g**2) for g, c, w in zip(grids, mean_, sd, strict=True)]
    log_q, log_p = (logs[0][i][:, None] + logs[1][i][None, :] for i in range(2))
    plane = np.trapezoid(np.trapezoid(np.exp(log_q) / (2 * math.pi) * (log_q - log_p), grids[1]), grids[0])
    stated = math.fsum(divergences.kl_gaussian(float(c), float(w), 0.0, 1.0) for c, w in zip(mean_, sd, strict=True))
    return Claim(
        "divergence-two-coordinates", "two independent coordinates: the terms add up", "quadrature", stated, float(plane), 1e-8
    )


def _drawn_and_trained(evidence: Evidence) -> Iterable[Claim | Finding]:
    """The arrays behind the figure, and the divergences of a trained encoder."""
    drawn = evidence.arrays("prior_divergence")
    rows, columns = (0, 40, 80, 115), (0, 30, 56, 112)
    worst = max(
        abs(_integral(_normal(c, w), _normal(0.0, 1.0), [c + k * w for k in (-12, -4, 0, 4, 12)]) - drawn["divergence"][i, j])
        for i, j in zip(rows, columns, strict=True)
        for c, w in [(float(drawn["mean"][j]), math.exp(0.5 * float(drawn["log_variance"][i])))]
    )
    yield Claim("drawn-map-error", "the drawn map at four points, largest error", "quadrature", 0.0, float(worst), 1e-6)

    measured = evidence.evaluations(RUN)
    m_, s_ = _posteriors(evidence, measured["exact_images"])
    closed = 0.5 * (s_**2 + m_**2 - 1 - np.log(s_**2)).sum(1)
    # the tables have float32 arithmetic behind them, which an encoder of a few hundred units carries to about 1e-5 of a value
    worst = float((np.abs(closed - measured["exact_kl"]) / np.maximum(1.0, closed)).max())
    yield Claim(
        "encoder-divergences-error", "divergences of the test images in `vae_mlp`, largest error", "recomputation", 0.0, worst, 1e-3
    )
    price = evidence.measured(RUN, "kl_closed")
    yield Finding("not-collapsed", "mean divergence of `vae_mlp` from the prior, in nats per test image", price, above=1.0)


def _posteriors(evidence: Evidence, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means and standard deviations that the trained encoder gives to binary images, [n, 2] each."""
    import torch

    from dgm.models import load_model

    model: Any = load_model(evidence.model_path(RUN))
    with torch.no_grad():
        posterior = model.double().encode(torch.tensor(images, dtype=torch.float64))
    return posterior.mean.numpy(), np.exp(posterior.log_diagonal.numpy())
