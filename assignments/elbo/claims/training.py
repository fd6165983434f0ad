"""Claims about what makes the bound trainable: a log-variance as output, and reparameterised draws.

``stated`` comes from the formulas of :mod:`dgm.maths.divergences` and :mod:`dgm.maths.gradient_estimators`, or is a number of an
answer's text; ``found`` from symbolic integration and moments, quadrature, automatic differentiation and Monte Carlo with draws
of its own.
"""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from dgm.claims.claim import Claim, Finding, holds
from dgm.claims.evidence import Evidence
from dgm.claims.registry import question
from dgm.maths import divergences, gradient_estimators
from dgm.maths.measured import mean

__all__: list[str] = []

DRAWS = 1_000_000
RUN = "vae_mlp"
IMAGES = 10
DECODED = 1500  # draws of z for each of these images
SIDES = 24  # nodes of the Gauss-Hermite rule in each of two dimensions


def _moment(power: int) -> int:
    """E e^power of a standard normal e: (power - 1)!! for even powers."""
    return 0 if power % 2 else math.prod(range(1, power, 2))


def _expected(expression: Any, symbol: Any) -> Any:
    """The expectation of a polynomial in a standard normal ``symbol``."""
    import sympy

    return sum(c * _moment(k) for (k,), c in sympy.Poly(sympy.expand(expression), symbol).terms())


# ------------------------------------------------------------------------------------------------ 4: the log-variance


@question("elbo-4")
def elbo_4(evidence: Evidence) -> Iterable[Claim]:
    """Slopes of the divergence in the log-variance and in the variance, from its definition as an expectation; floating point."""
    import sympy

    e, mu = sympy.symbols("e mu", real=True)
    v = sympy.Symbol("v", positive=True)
    s = sympy.Symbol("s", real=True)
    z = mu + sympy.sqrt(v) * e
    by_variance = _expected(-((z - mu) ** 2) / (2 * v) - sympy.log(v) / 2 + z**2 / 2, e)  # of log q - log p
    by_log = by_variance.subs(v, sympy.exp(s))
    slope_v, slope_s = sympy.diff(by_variance, v), sympy.diff(by_log, s)
    points = (-14.0, -2.0, 0.0, 1.5)
    errors = [abs(float(slope_s.subs({s: at, mu: 0.7})) - divergences.kl_slope_log_variance(at)) for at in points]
    yield Claim(
        "slope-log-variance-error", "slope in $s=\\log\\sigma^2$, largest error at four $s$", "symbolic", 0.0, max(errors), 1e-9
    )
    exact = sympy.simplify(sympy.expand(slope_s - (sympy.exp(s) - 1) / 2)) == 0
    yield holds("slope-in-log-variance", "the slope in $s$ is $\\frac12(e^s-1)$", "symbolic", bool(exact))
    errors = [abs(float(slope_v.subs({v: at, mu: 0.7})) - divergences.kl_slope_variance(at)) for at in (0.1, 1.0, 7.0)]
    yield Claim(
        "slope-variance-error", "slope in the variance, largest error at three variances", "symbolic", 0.0, max(errors), 1e-9
    )
    tiny = float(slope_v.subs({v: sympy.Rational(1, 10**6), mu: 0}))
    yield Claim("slope-at-tiny-variance", "slope in the variance at $10^{-6}$", "symbolic", -499999.5, tiny, 1e-6)
    yield Claim(
        "slope-formula-tiny-variance",
        "the formula for the variance at $10^{-6}$",
        "symbolic",
        divergences.kl_slope_variance(1e-6),
        tiny,
        1e-6,
    )
    same = float(slope_s.subs({s: sympy.log(sympy.Rational(1, 10**6)), mu: 0}))
    stated = divergences.kl_slope_log_variance(math.log(1e-6))
    yield Claim("log-slope-at-tiny-variance", "slope in $s$ at the same place", "symbolic", stated, same, 1e-12)
    limit = sympy.limit(slope_s.subs(mu, 0), s, -sympy.oo)
    yield Claim("log-slope-limit", "slope in $s$ for $s\\to-\\infty$", "symbolic", -0.5, float(limit), 1e-12)
    above = all(float(slope_s.subs({s: at, mu: 0})) > -0.5 for at in range(-30, 5))
    yield holds("log-slope-above-limit", "slope in $s$ stays above $-\\frac12$", "symbolic", above)
    at = float(by_log.subs({s: -1.2, mu: 0.4}))
    yield Claim(
        "divergence-by-log-variance",
        "divergence at $\\mu=0.4$, $s=-1.2$",
        "symbolic",
        divergences.kl_from_log_variance(0.4, -1.2),
        at,
        1e-12,
    )
    curved = bool(sympy.simplify(sympy.diff(slope_s, s) - sympy.exp(s) / 2) == 0)
    yield holds(
        "convex-in-log-variance", "the divergence is convex in $s$, with second derivative $\\frac12e^s$", "symbolic", curved
    )
    for power, word in ((-6, "millionth"), (2, "hundred")):
        root = float(sympy.nsolve(sympy.exp(s) - sympy.Integer(10) ** power, s, power * 2.3))
        yield Claim(
            f"log-variance-of-{word}", f"the $s$ of the variance $10^{{{power}}}$", "symbolic", power * math.log(10), root, 1e-9
        )
    step = float(sympy.exp(s + sympy.Rational(1, 10)).subs(s, -3) / sympy.exp(-3)) - 1
    yield Claim(
        "relative-step-of-variance",
        "relative change of the variance when $s$ grows by $0.1$",
        "symbolic",
        math.expm1(0.1),
        step,
        1e-12,
    )
    yield from _single_precision()
    yield from _encoder(evidence)


def _single_precision() -> Iterable[Claim]:
    """What float32 makes of the exponential, and of a variance from a rectifier or a softplus."""
    single = np.float32
    with np.errstate(over="ignore"):
        finite = [bool(0 < np.exp(single(value)) < np.inf) for value in (-80.0, 80.0)]
        infinite = bool(np.isinf(np.exp(single(89.0))))
        largest = float(np.log(np.finfo(single).max))
    yield holds(
        "exponential-finite-in-single",
        "in single precision $e^s$ is positive and finite for $s=-80$ and $s=80$",
        "closed form",
        all(finite),
    )
    yield holds("exponential-overflows", "in single precision $e^s$ overflows at $s=89$", "closed form", infinite)
    yield Claim(
        "largest-exponent",
        "largest $s$ without overflow, 128 $\\log2$ but for rounding",
        "closed form",
        128 * math.log(2),
        largest,
        1e-5,
    )
    rectified = np.maximum(single(-0.3), single(0))
    with np.errstate(divide="ignore"):
        dead = bool(rectified == 0 and not np.isfinite(np.log(rectified)))
    yield holds(
        "rectified-log-not-finite", "a rectified output of $-0.3$ is no variance: its logarithm is not finite", "closed form", dead
    )
    slope = _slope_at("relu", -0.3)
    yield Claim("rectifier-slope", "slope of the rectifier at $-0.3$", "automatic differentiation", 0.0, slope)
    slope = _slope_at("softplus", -20.0)
    yield Claim(
        "softplus-slope", "slope of the softplus at $-20$", "automatic differentiation", 1 / (1 + math.exp(20.0)), slope, 1e-12
    )


def _slope_at(name: str, place: float) -> float:
    """Derivative of one of torch's activation functions."""
    import torch

    u = torch.tensor(place, dtype=torch.float64, requires_grad=True)
    getattr(torch.nn.functional, name)(u).backward()
    assert u.grad is not None
    return float(u.grad)


def _encoder(evidence: Evidence) -> Iterable[Claim]:
    """The log-variances of the network of this report, fresh and trained."""
    import torch

    from dgm.models.vae_mlp import Config, Model

    images = torch.tensor(evidence.evaluations(RUN)["exact_images"][:200], dtype=torch.float32)
    with torch.no_grad():
        fresh = Model(Config.model_validate({})).encode(images).log_diagonal
    yield Claim(
        "fresh-log-variance-size",
        "largest $|s|$ of a fresh encoder of `vae_mlp`",
        "recomputation",
        0.0,
        float(2 * fresh.abs().max()),
    )
    posterior, _ = _posterior(evidence, images.double())
    noise = torch.randn((2000, *posterior.mean.shape), generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    with torch.no_grad():
        found = posterior.draw(noise).var(0).log()
    stated = 2 * posterior.log_diagonal
    yield Claim(
        "trained-log-variance-mean",
        "mean $s$ of its trained encoder on test images",
        "Monte Carlo",
        float(stated.mean()),
        float(found.mean()),
        0.02,
    )
    yield Claim("trained-log-variance-smallest", "smallest $s$ there", "Monte Carlo", float(stated.min()), float(found.min()), 0.3)
    yield Claim("trained-log-variance-largest", "largest $s$ there", "Monte Carlo", float(stated.max()), float(found.max()), 0.3)


def _posterior(evidence: Evidence, images: Any) -> tuple[Any, Any]:
    """What the trained encoder says of images, without gradient, and the model."""
    import torch

    from dgm.models import load_model

    model: Any = load_model(evidence.model_path(RUN)).double()
    with torch.no_grad():
        return model.encode(images), model


# ------------------------------------------------------------------------------------------------ 5: reparameterisation


@question("elbo-5")
def elbo_5(evidence: Evidence) -> Iterable[Claim | Finding]:
    """Both gradient estimators for f = z^2, exactly and by draws; width, dimension and baseline; and on a trained decoder."""
    import sympy

    e = sympy.Symbol("e", real=True)
    m, s = sympy.symbols("m s", positive=True)
    z = m + s * e
    ways = {"reparameterised": 2 * z, "score-function": z**2 * e / s}
    at = {m: 1, s: 1}
    for (name, estimate), variance in zip(ways.items(), (4.0, 30.0), strict=True):
        mean = _expected(estimate, e)
        spread = sympy.simplify(_expected(estimate**2, e) - mean**2)
        yield Claim(
            f"mean-{name}", f"mean of the {name} estimate at $\\mu=\\sigma=1$", "symbolic", 2.0, float(mean.subs(at)), 1e-12
        )
        yield Claim(
            f"variance-{name}",
            f"variance of the {name} estimate at $\\mu=\\sigma=1$",
            "symbolic",
            variance,
            float(spread.subs(at)),
            1e-12,
        )
        for sd, width in ((0.1, "narrow"), (2.0, "wide")):
            formula = (
                gradient_estimators.pathwise_variance(sd)
                if name == "reparameterised"
                else gradient_estimators.score_variance(1.0, sd)
            )
            exact = float(spread.subs({m: 1, s: sympy.Rational(str(sd))}))
            yield Claim(
                f"variance-{name}-{width}",
                f"the variance formula for the {name} estimate at $\\sigma={sd:g}$",
                "symbolic",
                formula,
                exact,
                1e-9,
            )
    spreads = [(_expected(way**2, e) - _expected(way, e) ** 2).subs(at) for way in ways.values()]
    stated = gradient_estimators.score_variance(1.0, 1.0) / gradient_estimators.pathwise_variance(1.0)
    yield Claim(
        "variance-ratio-of-estimates",
        "variance of the second in units of the first",
        "symbolic",
        stated,
        float(spreads[1] / spreads[0]),
        1e-12,
    )
    slope = sympy.diff(m**2 + s**2, m)
    yield Claim(
        "slope-of-expectation",
        "derivative of $\\mathbb{E}[z^2]=\\mu^2+\\sigma^2$ in $\\mu$",
        "symbolic",
        2.0,
        float(slope.subs(at)),
        1e-12,
    )
    in_sd = sympy.simplify(_expected(2 * z * e, e) - sympy.diff(m**2 + s**2, s)) == 0
    yield holds(
        "path-slope-in-deviation", "in $\\sigma$ the path gives $\\mathbb{E}[2z\\varepsilon]=2\\sigma$", "symbolic", bool(in_sd)
    )
    by_score = sympy.simplify(_expected(z**2 * (e**2 - 1) / s, e) - sympy.diff(m**2 + s**2, s)) == 0
    statement = "in $\\sigma$ the score function gives $2\\sigma$ too"
    yield holds("score-slope-in-deviation", statement, "symbolic", bool(by_score))
    nodes, weights = np.polynomial.hermite_e.hermegauss(8)
    off = max(abs(float(weights @ nodes**k) / math.sqrt(2 * math.pi) - _moment(k)) for k in (2, 4, 6))
    yield Claim("noise-moments-error", "moments 1, 3, 15 of $\\varepsilon$, largest error", "quadrature", 0.0, off, 1e-9)

    yield from _sampled_estimates()
    yield from _through_a_draw()

    b = sympy.Symbol("b", real=True)
    based = (z**2 - b) * e / s
    spread = sympy.expand((_expected(based**2, e) - _expected(based, e) ** 2).subs(at))
    best = sympy.solve(sympy.diff(spread, b), b)[0]
    yield Claim(
        "best-constant-baseline",
        "the best constant baseline",
        "symbolic",
        gradient_estimators.best_baseline(1.0, 1.0),
        float(best),
        1e-12,
    )
    unbiased = sympy.simplify(_expected(based, e) - 2 * m) == 0
    yield holds("baseline-keeps-mean", "with any constant baseline the mean stays $2\\mu$", "symbolic", bool(unbiased))
    yield Claim(
        "variance-with-baseline", "variance with the best constant baseline", "symbolic", 14.0, float(spread.subs(b, best)), 1e-12
    )
    formula = gradient_estimators.score_variance(1.0, 1.0, 1, float(best))
    yield Claim(
        "variance-formula-with-baseline",
        "the formula for the variance with it",
        "symbolic",
        formula,
        float(spread.subs(b, best)),
        1e-12,
    )

    yield from _more_dimensions(z, e, at)
    by_score = z**2 * e / s
    narrow = float(sympy.limit(s**2 * (_expected(by_score**2, e) - _expected(by_score, e) ** 2).subs(m, 1), s, 0))
    yield Claim(
        "narrow-limit-of-variance",
        "$\\sigma^2$ times the score-function variance for $\\sigma\\to0$",
        "symbolic",
        1.0,
        narrow,
        1e-12,
    )
    yield from _shown(evidence)
    yield from _decoder(evidence)


def _more_dimensions(z: Any, e: Any, at: dict[Any, int]) -> Iterable[Claim]:
    """D dimensions: z_1 as above, the other squares add S, independent of it, with its first two moments."""
    import sympy

    d = sympy.Symbol("d", positive=True)
    square, fourth = _expected(z**2, e).subs(at), _expected(z**4, e).subs(at)
    total = (d - 1) * square
    total_square = (d - 1) * (fourth - square**2) + total**2
    second = _expected(z**4 * e**2, e).subs(at) + 2 * total * _expected(z**2 * e**2, e).subs(at) + total_square
    by_dimension = sympy.expand(second - 4)
    exact = float(by_dimension.subs(d, 64))
    yield Claim(
        "variance-many-dimensions", "variance of the score-function estimate in 64 dimensions", "symbolic", 17292.0, exact, 1e-9
    )
    yield Claim(
        "variance-formula-many-dimensions",
        "the formula for 64 dimensions",
        "symbolic",
        gradient_estimators.score_variance(1.0, 1.0, 64),
        exact,
        1e-9,
    )
    yield Claim(
        "leading-dimension-coefficient",
        "its leading coefficient in the dimension squared",
        "symbolic",
        4.0,
        float(by_dimension.coeff(d, 2)),
        1e-12,
    )


def _shown(evidence: Evidence) -> Iterable[Claim]:
    """The arrays behind the figure and the rows of the metrics."""
    drawn = evidence.arrays("gradient_estimators")
    ones = [float(np.interp(1.0, drawn["sampled_sd"], drawn[f"{name}_sampled_by_sd"])) for name in ("pathwise", "score")]
    off = max(abs(ones[0] / 4 - 1), abs(ones[1] / 30 - 1))
    yield Claim(
        "drawn-points-error", "the drawn points against the curves at $\\sigma=1$, relative error", "Monte Carlo", 0.0, off, 0.25
    )
    table = [evidence.metric("gradient_estimators", "variance", name) for name in ("pathwise", "score", "score_baseline")]
    worst = max(abs(a - b) for a, b in zip(table, (4.0, 30.0, 14.0), strict=True))
    yield Claim("table-variances-error", "the variances in the table of metrics, largest error", "symbolic", 0.0, worst, 1e-9)


def _sampled_estimates() -> Iterable[Claim]:
    """Both estimators at mu = sigma = 1 by Monte Carlo."""
    noise = np.random.default_rng(20).standard_normal(DRAWS)
    x = 1 + noise
    draws = {"reparameterised": 2 * x, "score-function": x**2 * (x - 1)}
    for (name, values), variance in zip(draws.items(), (4.0, 30.0), strict=True):
        error = 4 * float(values.std()) / math.sqrt(DRAWS)
        yield Claim(f"sampled-mean-{name}", f"mean of {DRAWS:,} {name} draws", "Monte Carlo", 2.0, float(values.mean()), error)
        error = 4 * float(((values - values.mean()) ** 2).std()) / math.sqrt(DRAWS)
        yield Claim(
            f"sampled-variance-{name}", f"variance of {DRAWS:,} {name} draws", "Monte Carlo", variance, float(values.var()), error
        )
    same = np.stack(
        [gradient_estimators.pathwise_draws(1, 1, noise[:9, None]), gradient_estimators.score_draws(1, 1, noise[:9, None])]
    )
    drift = float(np.abs(same - np.stack([draws["reparameterised"][:9], draws["score-function"][:9]])).max())
    yield Claim("demonstration-draws-error", "single draws of the demonstration, largest error", "closed form", 0.0, drift, 1e-12)


def _through_a_draw() -> Iterable[Claim]:
    """Back-propagation with torch's plain and reparameterised draws of N(1, 1)."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(6)
        mean = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
        law = torch.distributions.Normal(mean, torch.tensor(1.0, dtype=torch.float64))
        plain, moved = law.sample((DRAWS,)), law.rsample((DRAWS,))
    (gradient,) = torch.autograd.grad((plain**2).mean() - 3 * mean, mean)
    statement = "back-propagated from $z^2-3\\mu$ through plain draws: only the term with $\\mu$ itself counts"
    yield Claim("gradient-through-plain-draws", statement, "automatic differentiation", -3.0, float(gradient), 1e-12)
    error = float(moved.detach().var() - 1)
    yield Claim(
        "variance-of-moved-draws",
        "variance of $z=\\mu+\\sigma\\varepsilon$ at $\\sigma=1$",
        "Monte Carlo",
        1.0,
        1 + error,
        4 * math.sqrt(2 / DRAWS),
        published=0.0,
    )
    (gradient,) = torch.autograd.grad((moved**2).mean(), mean)
    yield Claim(
        "gradient-through-moved-draws",
        "back-propagated through $\\mu+\\sigma\\varepsilon$",
        "automatic differentiation",
        2.0,
        float(gradient),
        4 * 2 / 1000,
    )
    (gradient,) = torch.autograd.grad((plain**2 * law.log_prob(plain)).mean(), mean)
    yield Claim(
        "gradient-by-log-density",
        "back-propagated through $f(z)\\log q(z)$ at plain draws",
        "automatic differentiation",
        2.0,
        float(gradient),
        4 * math.sqrt(30) / 1000,
        published=0.0,
    )


def _decoder(evidence: Evidence) -> Iterable[Claim | Finding]:
    """Gradients of the reconstruction term in the first posterior mean, for test images of the trained autoencoder.

    The sampled estimates are compared with a product rule for the moments of both.
    """
    import torch

    x = torch.tensor(evidence.evaluations(RUN)["exact_images"][:IMAGES], dtype=torch.float64)
    posterior, model = _posterior(evidence, x)
    places, weights = np.polynomial.hermite_e.hermegauss(SIDES)
    grid = torch.tensor(np.stack(np.meshgrid(places, places), axis=-1).reshape(-1, 2))
    share = np.outer(weights, weights).reshape(-1) / (2 * math.pi)
    generator = torch.Generator().manual_seed(8)
    noise = torch.randn((DECODED, 2), generator=generator, dtype=torch.float64)
    off, found, stated, based = [], [], [], []
    for image, m, log_sd in zip(x, posterior.mean, posterior.log_diagonal, strict=True):
        sd = torch.exp(log_sd)
        values, slopes = _reconstruction(model, image, m + sd * noise)
        estimates = np.stack([slopes, values * noise[:, 0].numpy() / float(sd[0])])
        centred = (values - values.mean()) * noise[:, 0].numpy() / float(sd[0])
        difference = estimates[0] - estimates[1]
        off.append(difference.mean() / (difference.std() / math.sqrt(DECODED)))
        found.append(math.log10(estimates[1].var() / estimates[0].var()))
        based.append(math.log10(centred.var() / estimates[0].var()))
        values, slopes = _reconstruction(model, image, m + sd * grid)
        score = values * grid[:, 0].numpy() / float(sd[0])
        spreads = [float(share @ a**2 - (share @ a) ** 2) for a in (slopes, score)]
        stated.append(math.log10(spreads[1] / spreads[0]))
    apart = float(np.abs(off).max())
    yield Claim(
        "image-means-apart",
        f"`vae_mlp`, {IMAGES} images: means of the two estimates differ by at most, in standard errors",
        "Monte Carlo",
        0.0,
        apart,
        6.0,
    )
    yield Claim(
        "image-variance-ratio",
        f"`vae_mlp`, {IMAGES} images: mean $\\log_{{10}}$ of the ratio of the two variances",
        "Monte Carlo",
        float(np.mean(stated)),
        float(np.mean(found)),
        0.3,
    )
    statement = f"`vae_mlp`, {IMAGES} images: $\\log_{{10}}$ of the score function's variance over that of the path"
    yield Finding("score-noisier", statement, mean(np.array(found), unit=""), above=0.0)
    yield Finding("score-noisier-with-baseline", f"{statement}, with a baseline", mean(np.array(based), unit=""), above=0.0)
    again = torch.randn((DECODED, 2), generator=generator, dtype=torch.float64)
    repeated = []
    for image, m, log_sd in zip(x, posterior.mean, posterior.log_diagonal, strict=True):
        sd = torch.exp(log_sd)
        values, slopes = _reconstruction(model, image, m + sd * again)
        centred = (values - values.mean()) * again[:, 0].numpy() / float(sd[0])
        repeated.append(math.log10(centred.var() / slopes.var()))
    statement = f"`vae_mlp`, {IMAGES} images: the same with a baseline, from two sets of draws"
    yield Claim(
        "image-variance-ratio-with-baseline", statement, "Monte Carlo", float(np.mean(based)), float(np.mean(repeated)), 0.3
    )


def _reconstruction(model: Any, image: Any, z: Any) -> tuple[np.ndarray, np.ndarray]:
    """Log p(x | z) of one image at codes [n, 2], and its derivative in the first coordinate of the code."""
    import torch

    z = z.clone().requires_grad_(True)
    logits = model.decoder.logits(z)
    values = -torch.nn.functional.softplus((1 - 2 * image) * logits).sum(1)
    (gradient,) = torch.autograd.grad(values.sum(), z)
    return values.detach().numpy(), gradient[:, 0].numpy()
