"""Claims of gdl 1: the KL divergence in both directions, of uniform distributions, of Gaussian fits, of a VAE's code."""

import math
from collections.abc import Callable, Iterable
from typing import cast

import numpy as np

from dgm.claims.claim import Claim
from dgm.claims.evidence import Evidence
from dgm.claims.registry import question
from dgm.maths import divergences, reverse_kl

from ._shared import integral, normal

__all__: list[str] = []


@question("gdl-1a")
def gdl_1a(evidence: Evidence) -> Iterable[Claim]:
    """Uniform distributions on [0, 1] and [-2, 2]; the published split of the reverse integral has [0, 1] twice."""
    import sympy

    p, q = (0.0, 1.0), (-2.0, 2.0)
    outside = ((-2, 0), (1, 2))

    def contaminated(epsilon: float) -> float:
        within, beyond = 1 - epsilon + epsilon / 4, epsilon / 4
        return integral(lambda _: 0.25 * math.log(0.25 / within), 0, 1) + sum(
            integral(lambda _: 0.25 * math.log(0.25 / beyond), *part) for part in outside
        )

    def as_published(epsilon: float) -> float:
        return 0.0 + 0.25 * (q[1] - q[0]) * math.log(1 / epsilon)  # nothing from [0, 1], the outer ratio on all of [-2, 2]

    forward = integral(lambda _: 1.0 * math.log(1.0 / 0.25), 0, 1)
    yield Claim(
        "forward-divergence",
        "the forward divergence of the two uniform distributions is $\\log 4$",
        "quadrature",
        divergences.kl_uniform(p, q),
        forward,
        1e-12,
    )
    missed = sum(integral(lambda _: 0.25, *part) for part in outside)
    yield Claim("mass-outside-support", "$q$-probability of the set where $p=0$", "quadrature", 0.75, missed, 1e-12)
    inside = integral(lambda _: 0.25 * math.log(0.25 / 1.0), 0, 1)
    yield Claim(
        "reverse-part-inside",
        "the part of the reverse divergence on $[0,1]$ is $-\\frac14\\log 4$",
        "quadrature",
        -0.25 * math.log(4),
        inside,
        1e-12,
        published=0.0,
    )
    yield Claim(
        "measure-of-all-pieces",
        "$q$-measure of all pieces into which the reverse integral is split",
        "quadrature",
        1.0,
        missed + integral(lambda _: 0.25, 0, 1),
        1e-12,
        published=0.25 * (p[1] - p[0]) + 0.25 * (q[1] - q[0]),
    )
    small, x = sympy.Symbol("epsilon", positive=True), sympy.Symbol("x", real=True)
    quarter = sympy.Rational(1, 4)
    limited = sympy.integrate(quarter * sympy.log(quarter / (1 - 3 * small / 4)), (x, 0, 1)) + sum(
        sympy.integrate(quarter * sympy.log(quarter / (small / 4)), (x, *part)) for part in outside
    )
    yield Claim(
        "reverse-as-limit",
        "the reverse divergence is the limit of that from $p_\\varepsilon$ as $\\varepsilon$ falls to $0$",
        "symbolic",
        divergences.kl_uniform(q, p),
        float(sympy.limit(limited, small, 0, "+")),
    )
    yield Claim(
        "reverse-mixed-density",
        "divergence of $q$ from the mixed density $p_\\varepsilon$ at $\\varepsilon=10^{-6}$",
        "quadrature",
        divergences.kl_to_contaminated(p, q, 1e-6),
        contaminated(1e-6),
        1e-9,
        published=as_published(1e-6),
    )
    yield Claim(
        "reverse-growth",
        "growth of the reverse divergence from $\\varepsilon=10^{-6}$ to $10^{-9}$ is $\\frac34\\log 10^3$",
        "quadrature",
        0.75 * math.log(1e3),
        contaminated(1e-9) - contaminated(1e-6),
        1e-6,
        published=as_published(1e-9) - as_published(1e-6),
    )
    yield Claim(
        "zero-at-one-point",
        "the uniform distribution on $[0,1]$ against the density $2x$, which is zero at one point: $1-\\log 2$",
        "quadrature",
        1 - math.log(2),
        integral(lambda t: -math.log(2 * t), 0, 0.01, 1),
        1e-9,
        published=math.inf,
    )


@question("gdl-1b")
def gdl_1b(evidence: Evidence) -> Iterable[Claim]:
    """Gaussian fits to 1/2 N(-4, 1) + 1/2 N(4, 1), found here by BFGS on Gauss-Hermite sums over (mean, log sd)."""
    from scipy.optimize import minimize

    target = reverse_kl.two_modes(4.0)
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

    def on_grid(log_sd: float) -> float:  # a wide Gaussian crosses the kink of log p at 0, where Gauss-Hermite is poor
        x = np.linspace(-12, 12, 20_001) * math.exp(log_sd)
        return float(np.trapezoid(np.exp(log_q(x, 0, log_sd)) * (log_q(x, 0, log_sd) - log_p(x)), x))

    matched = divergences.moment_match(target)
    wide = fit(forward, (1.0, 1.0))
    yield Claim("forward-mean", "forward divergence: the best mean is that of $p$", "optimisation", matched[0], wide[0], 1e-5)
    yield Claim(
        "forward-variance",
        "forward divergence: the best variance is that of $p$, $17$",
        "optimisation",
        matched[1] ** 2,
        wide[1] ** 2,
        1e-4,
    )
    yield Claim(
        "forward-minimum",
        "forward divergence at its minimum, drawing A",
        "optimisation",
        divergences.forward_kl(target, *matched),
        wide[2],
        1e-8,
    )
    narrow = divergences.fit_reverse(target, (3.0, 1.0))
    right = fit(reverse, (3.0, 0.2))
    yield Claim("reverse-mean", "reverse divergence: mean at its minimum", "optimisation", narrow[0], right[0], 1e-5)
    yield Claim(
        "reverse-standard-deviation",
        "reverse divergence: standard deviation at its minimum",
        "optimisation",
        narrow[1],
        right[1],
        1e-5,
    )
    yield Claim(
        "reverse-minimum",
        "reverse divergence at its minimum, drawing B",
        "optimisation",
        divergences.reverse_kl(target, *narrow),
        right[2],
        1e-8,
    )
    yield Claim(
        "cost-of-missing-mode", "missing one of two equal modes costs about $\\log 2$", "optimisation", math.log(2), right[2], 1e-3
    )
    left = fit(reverse, (-3.0, 0.2))
    yield Claim("other-mode-as-good", "the other mode is an equally good reverse fit", "optimisation", right[2], left[2], 1e-8)
    placed = np.array([right[0], math.log(right[1])])
    yield Claim(
        "forward-of-drawing-b",
        "forward divergence of drawing B",
        "quadrature",
        divergences.forward_kl(target, *narrow),
        forward(placed),
        1e-4,
    )
    yield Claim(
        "reverse-of-drawing-a",
        "reverse divergence of drawing A",
        "quadrature",
        divergences.reverse_kl(target, *matched),
        on_grid(math.log(wide[1])),
        1e-6,
    )
    lost = np.array(-4.0)
    yield Claim(
        "log-ratio-at-missed-mode",
        "$\\log(p/q)$ at the mode that drawing B leaves out, infinite if $q$ were zero there",
        "optimisation",
        float(target.log_density(lost) - divergences.log_normal_density(lost, *narrow)),
        float(log_p(lost) - log_q(lost, *placed)),
        1e-3,
        published=math.inf,
    )
    drawn = evidence.arrays("two_mode_fits")["optima"]
    distance = float(np.abs(drawn - np.array([wide, left, right])).max())
    yield Claim(
        "distance-of-drawn-curves",
        "distance of the drawn curves' parameters from these optima",
        "optimisation",
        0.0,
        distance,
        1e-4,
    )
    best = minimize(lambda theta: on_grid(float(theta[0])), np.array([1.0]), method="BFGS", options={"gtol": 1e-9})
    centred = reverse_kl.central_fit(4.0)
    yield Claim(
        "centred-divergence",
        "reverse divergence of the best Gaussian centred between the modes",
        "optimisation",
        centred.divergence,
        best.fun,
        1e-8,
    )
    yield Claim(
        "centred-standard-deviation",
        "standard deviation of that Gaussian",
        "optimisation",
        centred.sd,
        math.exp(float(best.x[0])),
        1e-5,
    )


@question("gdl-1c")
def gdl_1c(evidence: Evidence) -> Iterable[Claim]:
    """What the direction of the divergence does to a VAE, on Gaussians."""
    import sympy
    from scipy.optimize import minimize

    def kl(sd_p: float, sd_q: float) -> float:
        reach = 12 * sd_p
        return integral(
            lambda x: normal(x, 0, sd_p) * (math.log(sd_q / sd_p) - 0.5 * (x / sd_p) ** 2 + 0.5 * (x / sd_q) ** 2),
            -reach,
            0,
            reach,
        )

    code, prior = divergences.kl_gaussian(0, 0.1, 0, 1), divergences.kl_gaussian(0, 1, 0, 0.1)
    yield Claim(
        "charge-for-code",
        "what the ELBO charges for the code $\\mathcal{N}(0,0.1^2)$ under the prior $\\mathcal{N}(0,1)$",
        "quadrature",
        code,
        kl(0.1, 1.0),
        1e-9,
        published=prior,
    )
    yield Claim("exchanged-divergence", "the divergence with both arguments exchanged", "quadrature", prior, kl(1.0, 0.1), 1e-9)
    rho = sympy.Symbol("rho", real=True)
    precision = sympy.Matrix([[1, rho], [rho, 1]]).inv()
    covariance = np.array([[1.0, 0.9], [0.9, 1.0]])
    reverse, forward = divergences.mean_field_variances(covariance)
    at = float((1 / precision[0, 0]).subs(rho, sympy.Rational(9, 10)))
    yield Claim(
        "factorised-variance",
        "variance of the best factorised code at $\\rho=0.9$, by inverting the matrix",
        "symbolic",
        float(reverse[0]),
        at,
        1e-12,
    )
    left = sympy.simplify(1 / precision[0, 0] - (1 - rho**2))
    yield Claim(
        "variance-formula-difference", "$1/\\Lambda_{dd}$ minus $1-\\rho^2$, for every $\\rho$", "symbolic", 0.0, float(left)
    )

    def gaussian_kl(first: np.ndarray, second: np.ndarray) -> float:
        solved = np.linalg.solve(second, first)
        return 0.5 * float(np.trace(solved) - len(first) - np.linalg.slogdet(solved)[1])

    start = np.zeros(2)
    best = minimize(lambda s: gaussian_kl(np.diag(np.exp(s)), covariance), start, options={"gtol": 1e-9}).x
    yield Claim(
        "reverse-best-variance",
        "variance that minimises the reverse divergence over factorised codes, $\\rho=0.9$",
        "optimisation",
        float(reverse[0]),
        float(np.exp(best[0])),
        1e-6,
    )
    best = minimize(lambda s: gaussian_kl(covariance, np.diag(np.exp(s))), start, options={"gtol": 1e-9}).x
    yield Claim(
        "forward-best-variance",
        "variance that minimises the forward divergence, the marginal one",
        "optimisation",
        float(forward[0]),
        float(np.exp(best[0])),
        1e-6,
    )
    x, mean, sd = 1.3, 0.2, 0.8
    log_evidence = math.log(integral(lambda z: normal(z) * normal(x, z), -12, 0, 12))

    def bound(m: float, s: float) -> float:
        reach = 12 * s
        return integral(
            lambda z: normal(z, m, s) * (math.log(normal(z) * normal(x, z)) - math.log(normal(z, m, s))), m - reach, m, m + reach
        )

    stated = divergences.elbo_linear_gaussian(x, mean, sd)
    exchanged = stated + divergences.kl_gaussian(mean, sd, 0, 1) - divergences.kl_gaussian(0, 1, mean, sd)
    yield Claim(
        "linear-gaussian-elbo",
        "the ELBO of the linear Gaussian model",
        "quadrature",
        stated,
        bound(mean, sd),
        1e-9,
        published=exchanged,
    )
    yield Claim(
        "gap-of-bound",
        "the gap between $\\log p(x)$ and the ELBO",
        "quadrature",
        divergences.kl_gaussian(mean, sd, x / 2, math.sqrt(0.5)),
        log_evidence - bound(mean, sd),
        1e-9,
    )
    yield Claim(
        "gap-at-posterior",
        "gap at the true posterior $\\mathcal{N}(x/2,1/2)$",
        "quadrature",
        0.0,
        log_evidence - bound(x / 2, math.sqrt(0.5)),
        1e-9,
    )
    weight = 100.0

    def weighted(theta: np.ndarray) -> float:  # minus the ELBO with the divergence multiplied by the weight, up to a constant
        m, s = float(theta[0]), math.exp(float(theta[1]))
        return 0.5 * ((x - m) ** 2 + s**2) + weight * divergences.kl_gaussian(m, s, 0, 1)

    collapsed = minimize(weighted, start, options={"gtol": 1e-9}).x
    yield Claim(
        "weighted-code-mean",
        "mean of the best code of $x=1.3$ when the divergence is weighted with $100$",
        "optimisation",
        x / (1 + weight),
        float(collapsed[0]),
        1e-6,
    )
    yield Claim(
        "weighted-code-variance",
        "variance of the best code when the divergence is weighted with $100$",
        "optimisation",
        weight / (1 + weight),
        math.exp(2 * float(collapsed[1])),
        1e-6,
    )
    drawn = evidence.arrays("mean_field")
    distance = float(np.abs(drawn["reverse_variances"] - at).max() + np.abs(drawn["forward_variances"] - 1).max())
    yield Claim(
        "distance-of-drawn-ellipses", "distance of the drawn ellipses' variances from these", "symbolic", 0.0, distance, 1e-12
    )
