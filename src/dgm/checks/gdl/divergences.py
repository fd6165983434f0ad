"""Claims of gdl 1: the KL divergence in both directions, of uniform laws, of Gaussian fits, of a VAE's code."""

import math
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import cast

import numpy as np

from dgm import divergences, gaussian_fits
from dgm.checks import Claim, Evidence, question
from dgm.checks.gdl._shared import integral, normal

__all__: list[str] = []


@question("gdl-1a")
def gdl_1a(evidence: Evidence) -> Iterable[Claim]:
    """Uniform laws on [0, 1] and [-2, 2]."""
    p, q = (0.0, 1.0), (-2.0, 2.0)

    def contaminated(epsilon: float) -> float:
        inside, outside = 1 - epsilon + epsilon / 4, epsilon / 4
        return integral(lambda _: 0.25 * math.log(0.25 / inside), 0, 1) + sum(
            integral(lambda _: 0.25 * math.log(0.25 / outside), *part) for part in ((-2, 0), (1, 2))
        )

    forward = integral(lambda _: 1.0 * math.log(1.0 / 0.25), 0, 1)
    yield Claim("D(P||Q) is log 4", "quadrature", divergences.kl_uniform(p, q), forward, 1e-12)
    missed = 1 - Fraction(1, 4)
    yield Claim("Q gives probability 3/4 to the set where P has density 0", "exact rationals", 0.75, float(missed))
    reverse = math.inf if missed > 0 else integral(lambda _: 0.25 * math.log(0.25), 0, 1)
    yield Claim("D(Q||P) is infinite", "closed form", divergences.kl_uniform(q, p), reverse)
    inside = integral(lambda _: 0.25 * math.log(0.25 / 1.0), 0, 1)
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
        return integral(
            lambda x: normal(x, 0, sd_p) * (math.log(sd_q / sd_p) - 0.5 * (x / sd_p) ** 2 + 0.5 * (x / sd_q) ** 2),
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
    log_evidence = math.log(integral(lambda z: normal(z) * normal(x, z), -12, 0, 12))
    bound = integral(
        lambda z: normal(z, mean, sd) * (math.log(normal(z) * normal(x, z)) - math.log(normal(z, mean, sd))), -9, mean, 9
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
