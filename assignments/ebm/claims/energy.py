"""Energy-based models: gradient, importance sampling, training, and the comparison with the kernel estimate (ebm 1.4 to 1.7).

``stated`` comes from the formulas in :mod:`dgm.maths.importance_sampling`, :mod:`dgm.models.ebm` and
:mod:`assignments.ebm.demonstrations.importance_convergence`, or from numbers of the answers; ``found`` from SymPy, quadrature,
finite differences, automatic differentiation, or draws. What the trained models reach stands in findings; models are compared point
by point on the same test points.
"""

import functools
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from dgm.claims.claim import Claim, Finding, holds, paired
from dgm.claims.evidence import Evidence
from dgm.claims.registry import question
from dgm.maths import importance_sampling, ring_mixture
from dgm.maths.measured import Measured, mean
from dgm.settings import parse

from ..demonstrations import importance_convergence as line

__all__: list[str] = []

ENTROPY = 5.1347340266  # of the ring with R = 10, by quadrature (ebm-1-1)
SHARE = 0.7239658901  # effective draws for each draw of ebm-1-5, in the limit


def _integral(f: Callable[[float], float]) -> float:
    """Over the real line, for the functions of ebm-1-5, all of which vanish beyond 12."""
    from scipy.integrate import quad

    return 2 * float(quad(f, 0, 12, epsabs=1e-13, epsrel=1e-12, limit=200)[0])


def _network(seed: int = 0, hidden: int = 4) -> Any:
    """A small energy-based model with random weights, in float64."""
    import torch

    from dgm.models import ebm

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ebm.Model(parse(ebm.Config, {"hidden_units": hidden}, "small")).double()


@functools.cache
def _plane() -> Any:
    """A grid on [-3, 3]^2, the whole space of the small model, and points on it that serve as data."""
    import torch

    axis = torch.linspace(-3, 3, 41, dtype=torch.float64)
    first, second = torch.meshgrid(axis, axis, indexing="ij")
    points = torch.stack([first.ravel(), second.ravel()], dim=1)
    return points, torch.from_numpy(np.random.default_rng(0).normal(0, 1, (40, 2)))


def _log_likelihood(model: Any) -> Any:
    """mean E(x_i) - A with A from the grid, as a scalar tensor."""
    points, data = _plane()
    return model.energy(data).mean() - model.energy(points).logsumexp(0) - math.log(0.15**2)


def _gradients(model: Any) -> tuple[Any, Any]:
    """The mean of grad E over the data, and its expectation under the model on the grid, each as one vector."""
    import torch

    points, data = _plane()
    parameters = list(model.parameters())
    with torch.no_grad():
        weights = torch.softmax(model.energy(points), 0)
    raised = torch.autograd.grad(model.energy(data).mean(), parameters)
    lowered = torch.autograd.grad((weights * model.energy(points)).sum(), parameters)
    return torch.cat([part.ravel() for part in raised]), torch.cat([part.ravel() for part in lowered])


def _differences(model: Any, step: float = 1e-6) -> Any:
    """Central differences of the exact log-likelihood in every parameter, as one vector."""
    import torch

    found = []
    with torch.no_grad():
        for parameter in model.parameters():
            flat = parameter.view(-1)
            for i in range(len(flat)):
                values = []
                for sign in (1, -1):
                    flat[i] += sign * step
                    values.append(float(_log_likelihood(model)))
                    flat[i] -= sign * step
                found.append((values[0] - values[1]) / (2 * step))
    return torch.tensor(found, dtype=torch.float64)


SQUARES = (1.0, 3.0, 0.5, 3.5)
"""x_i^2 of four points; their mean is 2."""


def _on_the_line() -> Iterable[Claim]:
    """E = -theta x^2/2, where everything is explicit: the normaliser's slope, and the objective with A taken n times or once."""
    import sympy
    from scipy.optimize import minimize_scalar
    from scipy.stats import norm

    x = sympy.Symbol("x", real=True)
    theta, n, s = sympy.symbols("theta n s", positive=True)
    energy = -theta * x**2 / 2
    mass = sympy.integrate(sympy.exp(energy), (x, -sympy.oo, sympy.oo))
    slope = sympy.diff(sympy.log(mass), theta)
    expectation = sympy.integrate(sympy.diff(energy, theta) * sympy.exp(energy), (x, -sympy.oo, sympy.oo)) / mass
    same = sympy.simplify(slope - expectation) == 0
    yield holds(
        "normaliser-slope-is-expectation",
        "$A'=\\mathbb{E}_p[\\partial E/\\partial\\theta]$ for $E=-\\theta x^2/2$",
        "symbolic",
        bool(same),
    )
    yield Claim(
        "slope-at-two", "both are $-1/(2\\theta)$, here at $\\theta=2$", "symbolic", -0.25, float(slope.subs(theta, 2)), 1e-15
    )

    # four points of mean square 2: the normal law that makes them most probable, found with no E and no A
    def improbability(precision: float) -> float:
        return -math.fsum(float(norm.logpdf(math.sqrt(square), scale=precision**-0.5)) for square in SQUARES)

    best = float(minimize_scalar(improbability, bounds=(0.01, 4.0), method="bounded", options={"xatol": 1e-9}).x)
    count, square = len(SQUARES), math.fsum(SQUARES) / len(SQUARES)
    roots = [
        sympy.solve(sympy.diff(-theta * n * s / 2 - times * sympy.log(mass), theta), theta)[0].subs({n: count, s: square})
        for times in (n, 1)
    ]
    yield Claim(
        "best-precision",
        "best precision for four points, from $\\sum_iE_\\theta(x_i)-nA(\\theta)$", "optimisation", float(roots[0]), best, 1e-6,
        published=float(roots[1]),
    )  # fmt: skip
    at_two = -0.5 * 2 * count * square - count * float(sympy.log(mass).subs(theta, 2))
    yield Claim(
        "log-likelihood-at-two",
        "log-likelihood of the four points at $\\theta=2$",
        "closed form",
        at_two,
        -improbability(2.0),
        1e-12,
    )
    # as a loss, to be made small, the objective would have to curve upwards where its gradient vanishes
    curvature = float(sympy.diff(-theta * s / 2 - sympy.log(mass), theta, 2).subs(theta, 1 / square))
    step = 1e-4
    bend = -(improbability(best + step) - 2 * improbability(best) + improbability(best - step)) / step**2 / count
    yield Claim(
        "curvature-at-stationary-point",
        "second derivative of the averaged objective at its stationary point",
        "finite differences",
        curvature,
        bend,
        1e-4,
    )


@question("ebm-1-4")
def ebm_1_4(evidence: Evidence) -> Iterable[Claim]:
    """The gradient of the normaliser is an expectation under the model, and the objective holds it once for each point."""
    import torch

    from dgm.models import ebm

    yield from _on_the_line()
    model = _network()
    raised, lowered = _gradients(model)
    found, size = _differences(model), float((raised - lowered).norm())
    relative = float((raised - lowered - found).norm()) / size
    yield Claim(
        "gradient-formula-error",
        "relative error of the gradient formula for a network of ReLUs",
        "finite differences",
        0.0,
        relative,
        1e-4,
    )
    turned = float((raised + lowered - found).norm()) / size
    alone = float((raised - found).norm()) / size
    yield holds(
        "second-term-must-be-subtracted",
        "smallest relative error with the second term added or left out", "finite differences", min(turned, alone) > 0.1,
    )  # fmt: skip
    points, data = _plane()
    objective, _ = ebm.objective(model.energy(data), model.energy(points), torch.zeros(len(points), dtype=torch.float64))
    trained = torch.cat([part.ravel() for part in torch.autograd.grad(objective, list(model.parameters()))])
    relative = float((trained - found).norm()) / size
    yield Claim(
        "training-gradient-error",
        "relative error of the gradient that trains the models",
        "finite differences",
        0.0,
        relative,
        1e-4,
    )
    yield Claim(
        "gradient-in-added-constant",
        "gradient in a constant that is added to $E$",
        "automatic differentiation",
        0.0,
        float((raised - lowered)[-1]),
        1e-12,
    )


@question("ebm-1-5")
def ebm_1_5(evidence: Evidence) -> Iterable[Claim]:
    """E = -x^4/4, q = N(0, 1.5^2), f = x^2."""

    def target(x: float) -> float:
        return math.exp(-(x**4) / 4)

    def proposal(x: float) -> float:
        return math.exp(-0.5 * (x / 1.5) ** 2) / (1.5 * math.sqrt(2 * math.pi))

    mass = _integral(target)
    yield Claim("normaliser-by-gamma", "$e^A=\\Gamma(1/4)/\\sqrt2$", "quadrature", math.exp(line.EXACT_LOG_NORMALISER), mass, 1e-9)
    yield Claim("normaliser-in-decimals", "$e^A$ to ten decimals", "quadrature", 2.5636933520, mass, 1e-10)
    exact = _integral(lambda x: x**2 * target(x)) / mass
    yield Claim("expectation-by-gamma", "$F=2\\,\\Gamma(3/4)/\\Gamma(1/4)$", "quadrature", line.EXACT_MEAN, exact, 1e-9)
    yield Claim("expectation-in-decimals", "$F$ to ten decimals", "quadrature", 0.6759782401, exact, 1e-10)

    def weight(x: float) -> float:
        at = np.array([x])
        return math.exp(float((line.energy(at) - line.log_proposal(at))[0]))

    above = _integral(lambda x: proposal(x) * weight(x) * x**2)
    below = _integral(lambda x: proposal(x) * weight(x))
    single = _integral(lambda x: proposal(x) * (x**2 * weight(x)) / weight(x) if weight(x) > 0 else proposal(x) * x**2)
    yield Claim(
        "quotient-of-expectations",
        "$F$ as the quotient of two expectations under $q$",
        "quadrature",
        above / below,
        exact,
        1e-9,
        published=single,
    )
    yield Claim("denominator-is-normaliser", "the expectation in the denominator, $e^A$", "quadrature", mass, below, 1e-9)
    yield Claim(
        "expectation-under-proposal",
        "$\\mathbb{E}_q[f]$, which remains when the weights cancel",
        "quadrature",
        1.5**2,
        single,
        1e-8,
    )
    yield from _half_covered(target)
    square = _integral(lambda x: proposal(x) * weight(x) ** 2)
    yield Claim("effective-share-limit", "effective share for infinitely many draws", "quadrature", SHARE, mass**2 / square, 1e-8)
    arrays = evidence.arrays("importance_convergence")
    draws = int(arrays["sizes"][-1])
    yield Claim("draws-of-growing-sample", "draws of the growing sample", "Monte Carlo", 400_000.0, float(draws))
    variance = _integral(lambda x: proposal(x) * weight(x) ** 2 * (x**2 - exact) ** 2) / mass**2
    spread = math.sqrt(variance / 400_000)
    yield Claim(
        "standard-error-of-expectation",
        "standard error of that estimate of $F$, delta method",
        "quadrature",
        spread,
        float(arrays["error"][-1]),
        0.03 * spread,
    )
    # bands of six standard errors: the draws follow the seed of the build
    found, band = float(arrays["estimate"][-1]), 6 * spread
    yield Claim("expectation-from-all-draws", "estimate of $F$ with all draws", "Monte Carlo", exact, found, band)
    found, band = float(arrays["log_normaliser"][-1]), 6 * math.sqrt((1 / SHARE - 1) / draws)
    yield Claim("log-normaliser-from-all-draws", "estimate of $A$ with all draws", "Monte Carlo", math.log(mass), found, band)
    yield Claim(
        "effective-share-of-all-draws",
        "effective share of all draws",
        "Monte Carlo",
        mass**2 / square,
        float(arrays["effective_share"][-1]),
        0.006,
    )
    for m, rms in zip(arrays["repeat_sizes"][-2:], arrays["rms"][-2:], strict=True):
        limit = math.sqrt(variance / float(m))
        statement = f"root mean square error of $\\hat F$ with {m} draws"
        yield Claim(
            f"rms-error-with-{m}-draws", statement, "Monte Carlo", limit, float(rms), 6 / math.sqrt(2 * line.REPEATS) * limit
        )
    leading = -_integral(lambda x: proposal(x) * weight(x) ** 2 * (x**2 - exact)) / mass**2 / 10
    short = -(square / mass**2 - 1) / (2 * 10)
    yield from _biases(leading, short, exact, math.log(mass), arrays)
    draw = np.random.default_rng(0).normal(0, 1.5, 500)
    log_weights = line.energy(draw) - line.log_proposal(draw)
    shifted = importance_sampling.expectation(log_weights + 700, draw**2).value
    plain = float((np.exp(log_weights) * draw**2).sum() / np.exp(log_weights).sum())
    yield Claim(
        "estimate-with-shifted-weights", "$\\hat F$ with 700 added to every log weight", "closed form", plain, shifted, 1e-10
    )
    equal = importance_sampling.effective_sample_size(np.zeros(500))
    yield Claim("effective-size-of-equal-weights", "effective sample size of 500 equal weights", "closed form", 500.0, equal, 1e-9)


def _biases(leading: float, short: float, exact: float, log_mass: float, arrays: dict[str, np.ndarray]) -> Iterable[Claim]:
    """What ten draws get wrong on average, against the first order in 1/M: ``leading`` of F-hat, ``short`` of A-hat."""
    few = np.random.default_rng(1).normal(0, 1.5, (40_000, 10))
    log_weights = line.energy(few) - line.log_proposal(few)
    weights = np.exp(log_weights)
    bias = float(((weights * few**2).sum(1) / weights.sum(1)).mean()) - exact
    yield Claim(
        "bias-of-expectation", "bias of $\\hat F$ with 10 draws, to first order in $1/M$", "Monte Carlo", leading, bias, 0.012
    )
    band = 6 * float(arrays["rms"][0]) / math.sqrt(line.REPEATS)
    yield Claim("drawn-bias", "the drawn bias with 10 draws", "Monte Carlo", bias, float(arrays["bias"][0]), band)
    # A-hat, the logarithm of a mean, is too small on average: by half the relative variance of the weights over M
    estimates = [importance_sampling.log_normaliser(row).value for row in log_weights[:10_000]]
    bias = float(np.mean(estimates)) - log_mass
    yield Claim(
        "bias-of-log-normaliser", "bias of $\\hat A$ with 10 draws, to first order in $1/M$", "Monte Carlo", short, bias, 0.007
    )


def _half_covered(target: Callable[[float], float]) -> Iterable[Claim]:
    """What the quotient gives when q, uniform on [-1, 1], leaves out a part of the support."""
    from scipy.integrate import quad
    from scipy.special import gamma, gammainc

    part = 2 * gamma(0.75) * gammainc(0.75, 0.25) / (gamma(0.25) * gammainc(0.25, 0.25))
    above, below = (
        quad(lambda x, k=k: x**k * target(x), -1, 1, epsabs=1e-12)[0] for k in (2, 0)
    )  # q times the weight is e^E there
    statement = "the quotient for $q$ uniform on $[-1,1]$, which misses part of the support"
    yield Claim("quotient-with-missing-support", statement, "quadrature", float(part), above / below, 1e-9)


def _surrogate() -> Iterable[Claim]:
    """Gradient and slopes of small networks."""
    import torch

    from dgm.models import ebm

    model = _network(1)
    generator = torch.Generator().manual_seed(0)
    data = torch.randn((50, 2), generator=generator, dtype=torch.float64)
    drawn = 3 * torch.randn((400, 2), generator=generator, dtype=torch.float64)
    log_q = torch.distributions.Normal(0.0, 3.0).log_prob(drawn).sum(1)
    parameters = list(model.parameters())
    surrogate, normaliser = ebm.objective(model.energy(data), model.energy(drawn), log_q)
    found = torch.autograd.grad(surrogate, parameters, retain_graph=True)
    weights = torch.exp(model.energy(drawn).detach() - log_q)
    single = [
        torch.stack([torch.autograd.grad(model.energy(x[None])[0], parameters)[i].ravel() for x in drawn])
        for i in range(len(parameters))
    ]
    raised = torch.autograd.grad(model.energy(data).mean(), parameters)
    apart = max(
        float((gradient.ravel() - (up.ravel() - (weights[:, None] * each).sum(0) / weights.sum())).abs().max())
        for gradient, up, each in zip(found, raised, single, strict=True)
    )
    yield Claim(
        "surrogate-gradient-difference",
        "gradient of the surrogate against the weighted sum of 400 gradients, largest difference",
        "automatic differentiation",
        0.0,
        apart,
        1e-6,
    )
    yield Claim(
        "normaliser-is-log-mean-weight",
        "the estimated normaliser is the log of the mean weight",
        "closed form",
        float(weights.mean().log()),
        float(normaliser.detach()),
        1e-10,
    )
    angle = 2 * math.pi * torch.arange(8, dtype=torch.float64) / 8
    rays = torch.stack([torch.cos(angle), torch.sin(angle)], dim=1)
    with torch.no_grad():
        far = (model.energy(2e6 * rays) - model.energy(1e6 * rays)) / 1e6
        apart = float((far - model.slopes(8)).abs().max())
    yield Claim(
        "slope-without-biases",
        "slope far out against the network without its biases, largest difference",
        "finite differences",
        0.0,
        apart,
        1e-6,
    )
    wide = ebm.Model(parse(ebm.Config, {}, "default"))
    count = 2 * 64 + 64 + 64 * 64 + 64 + 64 + 1
    yield Claim(
        "parameter-count",
        "parameters with 64 hidden units",
        "closed form",
        float(count),
        float(sum(p.numel() for p in wide.parameters())),
    )


@functools.cache
def _fresh_normaliser(path: Path) -> tuple[float, float]:
    """A-hat of a saved model from four million proposal points of their own, and A of its quadrature."""
    import torch

    from dgm.models import load_model

    model: Any = load_model(path)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        parts = [model.log_weights(50_000, generator).double().logsumexp(0) for _ in range(80)]
    return float(torch.stack(parts).logsumexp(0)) - math.log(80 * 50_000), float(model.log_normaliser)


RUNS = {
    "ebm_r10": "Gaussian proposal",
    "ebm_r10_box": "square proposal",
    "ebm_r10_m256": "Gaussian proposal, few points",
    "ebm_r1": "narrow ring",
}
"""The trained models, as claims call them."""


@question("ebm-1-6")
def ebm_1_6(evidence: Evidence) -> Iterable[Claim | Finding]:
    """The surrogate, the diagnostics of the trained models, and what they reach."""
    yield from _surrogate()
    for (run, name), case in zip(RUNS.items(), ("gaussian", "square", "few-points", "narrow-ring"), strict=True):
        grid = evidence.metric(run, "log_normaliser_grid", "model")
        estimate, error = (evidence.metric(run, "log_normaliser", "samples", field) for field in ("value", "stderr"))
        distance = abs(estimate - grid) / error
        yield Claim(
            f"normaliser-distance-{case}",
            f"{name}: estimated normaliser, in standard errors from the grid's",
            "Monte Carlo",
            0.0,
            distance,
            6.0,
            True,
        )
    fresh, exact = _fresh_normaliser(evidence.model_path("ebm_r10"))
    yield Claim(
        "fresh-normaliser-difference",
        "normaliser from four million points minus the grid's",
        "Monte Carlo",
        0.0,
        fresh - exact,
        0.01,
        True,
    )
    outside = max(evidence.metric(run, "mass_outside", "model") for run in RUNS)
    statement = "largest probability that one of the four models puts outside the square"
    yield Finding("mass-inside", statement, Measured(outside, 0.0), below=1e-3)
    slope = max(evidence.metric(run, "largest_slope", "model") for run in RUNS)
    statement = "largest slope of one of the four energies along a ray, far out"
    yield Finding("integrable", statement, Measured(slope, 0.0, unit="nats"), below=0.0)
    for run, name in list(RUNS.items())[:2]:
        deficit = evidence.measured(run, "gap_to_truth")
        statement = f"{name}: deficit of the test log-likelihood against that of the true density"
        # the specification asks for -5.35 nats at least, where the true density scores minus its entropy on average
        yield Finding(f"near-the-truth-{'square' if 'box' in run else 'gaussian'}", statement, deficit, below=5.35 - ENTROPY)
    share = evidence.measured("ebm_r10", "effective_share", "samples")
    points, batch = _settings(evidence.model_path("ebm_r10"))
    effective = Measured(points * share.value, points * share.stderr, share.n)
    yield Finding("many-effective", f"effective draws among {points} proposal points", effective, above=float(batch))
    many, few = (evidence.evaluations(run)["log_likelihood_test"] for run in ("ebm_r10", "ebm_r10_m256"))
    gain = paired(many, few)
    statement = "test log-likelihood gained by sixteen times as many proposal points"
    yield Finding("more-points-help", statement, gain, above=0.0)
    yield Finding("more-points-help-little", f"{statement}, against a tenth of a nat", gain, below=0.1)
    history = evidence.history("ebm_r10")
    curve = history[history["term"] == "log_normaliser"].pivot_table(index="epoch", columns="split", values="value").dropna()
    apart = Measured(float((curve["train"] - curve["validation"]).abs().tail(5).mean()), 0.0, unit="nats")
    statement = "mean distance of estimate and grid at the last five points of the training curve"
    yield Finding("follows-the-grid", statement, apart, below=0.1)
    arrays = evidence.evaluations("ebm_r10")
    share_of_cells = arrays["density"] / arrays["density"].sum()
    away = np.hypot(*np.meshgrid(arrays["axis"], arrays["axis"]))
    distances = np.hypot(*evidence.samples("ebm_r10")["samples"].T.astype(np.float64))
    stated, found = float((share_of_cells * away).sum()), mean(distances)
    # six standard errors of the sample, and what the midpoints of the drawn cells may be off by
    band = 6 * found.stderr + 0.01
    yield Claim(
        "mean-distance-from-origin",
        "mean distance of the model's samples from the origin",
        "Monte Carlo",
        stated,
        found.value,
        band,
        True,
    )


def _settings(path: Path) -> tuple[int, int]:
    """Proposal points and training points of a step of a saved model."""
    from dgm.models import ebm
    from dgm.runtime.files import load_tensors

    config = parse(ebm.Config, dict(load_tensors(path)["settings"]), "settings")
    return config.proposal_samples, config.batch_size


def _softmax_is_no_likelihood() -> Iterable[Claim]:
    """What dividing by a sum over the test points gives: for a constant, for the true density, for any energy."""
    constant = float(importance_sampling.softmax_scores(np.full(1000, 3.7)).mean())
    yield Claim("softmax-of-constant", "softmax score of a constant energy", "closed form", -math.log(1000), constant, 1e-12)
    axis, points = ring_mixture.grid(10.0, 9.0, 761)
    cell = float(axis[1] - axis[0]) ** 2
    flat = 3.7 - math.log(float(np.exp(np.full(len(points), 3.7)).sum()) * cell)
    area = -2 * math.log(float(axis[-1] - axis[0]))
    yield Claim(
        "log-density-of-constant",
        "log-density of a constant energy on the square of the quadrature",
        "quadrature",
        area,
        flat,
        0.003,
        published=constant,
    )
    means = ring_mixture.means(10, 10.0)
    squares = ((means[:, None] - means) ** 2).sum(2)
    closed = float(np.exp(-squares / 4).sum()) / (100 * 4 * math.pi)
    log_p = ring_mixture.log_density(points, 10, 10.0)
    yield Claim(
        "mean-density-closed-form",
        "$\\mathbb{E}_p[p(x)]$ in closed form",
        "quadrature",
        closed,
        float(np.exp(2 * log_p).sum()) * cell,
        1e-10,
    )
    yield Claim("mean-density-in-decimals", "$\\mathbb{E}_p[p(x)]$ to ten decimals", "closed form", 0.0079588813, closed, 1e-10)
    oracle = -ENTROPY - math.log(1000) - math.log(closed)
    yield Claim(
        "softmax-of-truth-expected", "softmax score to be expected of the true density", "closed form", -7.2090224791, oracle, 1e-8
    )
    found = float((np.exp(log_p) * log_p).sum()) * cell
    yield Claim(
        "expected-log-likelihood-of-truth",
        "expected log-likelihood of the true density",
        "quadrature",
        -ENTROPY,
        found,
        1e-8,
        published=oracle,
    )
    rng = np.random.default_rng(0)
    scores = [
        float(
            importance_sampling.softmax_scores(
                ring_mixture.log_density(ring_mixture.sample(1000, 10, 10.0, rng)[0], 10, 10.0)
            ).mean()
        )
        for _ in range(100)
    ]
    yield Claim(
        "softmax-of-truth-simulated",
        "softmax score of the true density, mean of 100 test sets",
        "Monte Carlo",
        oracle,
        float(np.mean(scores)),
        0.01,
    )
    spread = rng.normal(0, 3, 1000)
    shift = float(np.abs(importance_sampling.softmax_scores(spread + 50) - importance_sampling.softmax_scores(spread)).max())
    yield Claim(
        "softmax-change-under-shift", "change of the softmax score when 50 is added to the energy", "closed form", 0.0, shift, 1e-10
    )
    largest = max(float(importance_sampling.softmax_scores(scale * spread).mean()) for scale in (0.0, 0.1, 1.0, 10.0))
    yield Claim(
        "highest-softmax-score",
        "highest softmax score of four energies, $-\\log1000$",
        "closed form",
        -math.log(1000),
        largest,
        1e-10,
    )
    place = np.array([[0.0, 0.0], [10.0, 0.0]])
    centre, top = ring_mixture.log_density(place, 10, 10.0)
    hole = math.log(10) - 0.5 * 10.0**2  # ten equal humps at distance R against one at its top, the others being negligible
    yield Claim(
        "true-centre-minus-mean",
        "true $\\log p$ at the centre minus that at a mean",
        "closed form",
        hole,
        float(centre - top),
        2e-8,
    )
    at_mean = 1 / (20 * math.pi)  # of its own component; the others add no more than 1e-8 of it
    yield Claim("true-density-at-mean", "true density at a mean", "closed form", at_mean, math.exp(float(top)), 1e-9)
    statement = "the true density is higher at the centre than at a mean"
    yield Claim(
        "true-density-higher-at-centre",
        statement,
        "closed form",
        stated=False,
        found=bool(centre > top),
        published=True,
        printed=True,
    )


PUBLISHED = {"ebm_r10": -7.95, "kde_r10": -5.22}
"""The published scores: of energies by a softmax over the test points, and the log-likelihood of the kernel estimate."""


def _fresh_points(evidence: Evidence) -> Iterable[Claim]:
    """The true density on the test points of the build, and what the kernel estimate scores elsewhere."""
    _, points = ring_mixture.grid(10.0, 9.0, 761)
    cell = (38 / 760) ** 2
    log_p = ring_mixture.log_density(points, 10, 10.0)
    deviation = math.sqrt(float((np.exp(log_p) * (log_p + ENTROPY) ** 2).sum()) * cell)
    truth = evidence.measured("ring_r10", "log_likelihood")
    band = 6 * deviation / math.sqrt(truth.n)
    yield Claim(
        "test-log-likelihood-of-truth",
        "log-likelihood of the true density on the test points",
        "Monte Carlo",
        -ENTROPY,
        truth.value,
        band,
    )
    score = mean(evidence.arrays("ring_repeats")["kde_test_r10"])
    statement = "published score of the kernel estimate, against 20 data sets"
    yield Claim("published-kernel-score", statement, "Monte Carlo", PUBLISHED["kde_r10"], score.value, 0.05)


@question("ebm-1-7")
def ebm_1_7(evidence: Evidence) -> Iterable[Claim | Finding]:
    """Likelihoods of densities, and the softmax score that is none."""
    yield from _softmax_is_no_likelihood()
    yield from _fresh_points(evidence)
    arrays = evidence.evaluations("ebm_r10")
    step = float(arrays["axis"][1] - arrays["axis"][0])
    estimate, exact = _fresh_normaliser(evidence.model_path("ebm_r10"))
    mass = float(arrays["density"].sum()) * step**2 * math.exp(exact - estimate)
    yield Claim(
        "integral-with-estimated-normaliser",
        "$\\exp(E-\\hat A)$ with the estimated normaliser integrates to",
        "Monte Carlo",
        1.0,
        mass,
        0.01,
        True,
    )
    yield Claim(
        "test-log-likelihood-of-energies",
        "test log-likelihood of the energy-based model, with the estimated normaliser",
        "Monte Carlo",
        evidence.metric("ebm_r10", "log_likelihood"),
        float(arrays["energies_test"].mean()) - estimate,
        0.01,
        True,
        published=PUBLISHED["ebm_r10"],
        printed=True,
    )
    score = importance_sampling.softmax_scores(arrays["energies_test"])
    excess = max(0.0, float(score.mean()) + math.log(len(score)))
    yield Claim(
        "trained-softmax-excess",
        "by how much the trained energy's softmax score exceeds $-\\log n$",
        "recomputation",
        0.0,
        excess,
        1e-9,
    )
    tabulated = evidence.metric("ebm_r10", "softmax_score")
    yield Claim(
        "trained-softmax-score",
        "softmax score of the trained energy, as tabulated",
        "recomputation",
        tabulated,
        float(score.mean()),
        1e-9,
    )
    yield from _compared(evidence)
    yield from _heights(evidence)


def _compared(evidence: Evidence) -> Iterable[Finding]:
    """The models on the same test points, point by point."""
    scores = {run: evidence.evaluations(run)["log_likelihood_test"] for run in ("ebm_r10", "kde_r10", "gmm_r10")}
    statement = "test log-likelihood of the energy-based model, against the highest softmax score"
    highest = -math.log(len(scores["ebm_r10"]))
    yield Finding(
        "no-softmax-score", statement, mean(scores["ebm_r10"]), above=highest, published=PUBLISHED["ebm_r10"], printed=True
    )
    lead = paired(scores["kde_r10"], scores["ebm_r10"])
    statement = "test log-likelihood of the kernel estimate minus that of the energy-based model"
    yield Finding("no-gap", statement, lead, below=0.1, published=PUBLISHED["kde_r10"] - PUBLISHED["ebm_r10"], printed=True)
    for run, name in (("ebm_r10", "energy"), ("kde_r10", "kernel")):
        called = "energy-based model" if name == "energy" else "kernel estimate"
        statement = f"deficit of the {called} against the true density"
        yield Finding(f"{name}-near-the-truth", statement, evidence.measured(run, "gap_to_truth"), below=0.15)
        statement = f"test log-likelihood of the mixture by EM minus that of the {called}"
        yield Finding(f"mixture-beats-{name}", statement, paired(scores["gmm_r10"], scores[run]), above=0.0)
    statement = "deficit of the energy-based model against the true density on the training points"
    yield Finding("energy-overfits", statement, evidence.measured("ebm_r10", "gap_to_truth", "train"), below=0.0)
    narrow = max((evidence.measured(run, "gap_to_truth") for run in ("ebm_r1", "kde_r1", "gmm_r1")), key=lambda one: one.value)
    yield Finding("narrow-near-the-truth", "largest deficit against the true density at $R=1$", narrow, below=0.1)


def _heights(evidence: Evidence) -> Iterable[Finding]:
    """The drawn densities at the ten means, and in the middle of the ring."""
    means = ring_mixture.means(10, 10.0)
    truth = np.exp(ring_mixture.log_density(means, 10, 10.0))
    kernel, energy = (_at(evidence.evaluations(run), means) for run in ("kde_r10", "ebm_r10"))
    statement = "density of the kernel estimate at the ten means minus the true one"
    yield Finding("kernel-too-low", statement, mean(kernel - truth, unit=""), below=0.0)
    statement = "highest density of the energy-based model around each of the ten means minus the true one"
    yield Finding("energy-too-high", statement, mean(_tops(evidence.evaluations("ebm_r10")) - truth, unit=""), above=0.0)
    centre = float(_at(evidence.evaluations("ebm_r10"), np.zeros((1, 2)))[0])
    fall = math.log(max(centre, 1e-300)) - float(np.log(np.maximum(energy, 1e-300)).mean())
    statement = "trained $\\log p$ at the centre minus that at the ten means"
    yield Finding("hole-in-the-middle", statement, Measured(fall, 0.0, unit="nats"), below=0.0)


def _tops(arrays: dict[str, np.ndarray]) -> np.ndarray:
    """The highest density on the grid in the sector of each mean."""
    first, second = np.meshgrid(arrays["axis"], arrays["axis"])
    points = np.stack([first.ravel(), second.ravel()], axis=1)
    nearest = (points @ ring_mixture.means(10, 10.0).T).argmax(1)
    return np.array([arrays["density"].ravel()[nearest == k].max() for k in range(10)])


def _at(arrays: dict[str, np.ndarray], points: np.ndarray) -> np.ndarray:
    """A density on a square grid at points between its nodes, by bilinear interpolation."""
    from scipy.interpolate import RegularGridInterpolator

    field = RegularGridInterpolator((arrays["axis"], arrays["axis"]), arrays["density"])
    values: np.ndarray = field(points[:, ::-1])  # the second coordinate is the outermost one
    return values
