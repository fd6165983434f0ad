"""The ring mixture, EM on it, and the kernel density estimate (ebm 1.1 to 1.3).

``expected`` comes from the formulas in :mod:`dgm.ring`, :mod:`dgm.gaussian_mixture` and :mod:`dgm.kernel_density`, or from numbers
of the answers; ``computed`` from densities written out here anew, quadrature on a grid, an optimiser, simulated repeats, or the
runs.
"""

import functools
import math
from collections.abc import Iterable
from fractions import Fraction

import numpy as np
from jaxtyping import Float

from dgm import gaussian_mixture, kernel_density
from dgm import ring as formulas
from dgm.checks import Claim, Evidence, question

__all__: list[str] = []

K = 10
POINTS = 1000


@functools.cache
def _means(radius: float) -> np.ndarray:
    """The means as complex roots of unity."""
    roots: np.ndarray = radius * np.exp(2j * math.pi * np.arange(1, K + 1) / K)
    return roots


def _joint(z: np.ndarray, radius: float) -> np.ndarray:
    """1/K N(x; mu_k, I) for points given as complex numbers, [..., K]."""
    joint: np.ndarray = np.exp(-0.5 * np.abs(z[..., None] - _means(radius)) ** 2) / (2 * math.pi * K)
    return joint


@functools.cache
def _grid(radius: float, step: float = 0.1) -> tuple[np.ndarray, float]:
    """Points of a square that holds all of the mass, as complex numbers, and the area of a cell."""
    line = np.arange(-(radius + 9), radius + 9 + step / 2, step)
    return (line + 1j * line[:, None]).ravel(), step**2


@functools.cache
def _quadratures(radius: float) -> tuple[float, float, float]:
    """Total mass, entropy, variance of a coordinate."""
    z, area = _grid(radius)
    joint = _joint(z, radius)
    p = joint.sum(1)
    entropy = -float((p * np.log(np.maximum(p, 1e-300))).sum()) * area
    return float(p.sum()) * area, entropy, float((p * z.real**2).sum()) * area


def _accuracy(radius: float) -> float:
    """Probability that the best classifier names the right component: that a point lies in the sector of its own mean."""
    from scipy.integrate import dblquad

    def density(r: float, angle: float) -> float:
        return r * math.exp(-0.5 * (r * r - 2 * r * radius * math.cos(angle) + radius**2)) / (2 * math.pi)

    low, high = max(0.0, radius - 9), radius + 9
    return float(dblquad(density, -math.pi / K, math.pi / K, low, high, epsabs=1e-11)[0])


@functools.cache
def _information(radius: float) -> np.ndarray:
    """Fisher information of one point about the 20 coordinates of the means and 9 free weights, by quadrature."""
    z, area = _grid(radius)
    joint = _joint(z, radius)
    p = joint.sum(1)
    kept = p > 1e-14
    z, p, share = z[kept], p[kept], joint[kept] / p[kept, None]
    offset = z[:, None] - _means(radius)
    weights = K * (share[:, :-1] - share[:, -1:])
    score = np.concatenate([share * offset.real, share * offset.imag, weights], axis=1)
    information: np.ndarray = (score * p[:, None]).T @ score * area
    return information


def _bound(radius: float) -> float:
    """Least root mean square error of the means that an unbiased estimate from 1000 points can have (Cramér and Rao)."""
    inverse = np.linalg.inv(_information(radius))
    return math.sqrt(float(np.trace(inverse[: 2 * K, : 2 * K])) / K / POINTS)


@functools.cache
def _simulated(radius: float) -> np.ndarray:
    return formulas.sample(POINTS, K, radius, np.random.default_rng(0))[0]


def _as_points(z: np.ndarray) -> Float[np.ndarray, "n 2"]:
    return np.stack([z.real, z.imag], axis=1)


def _divergence(means: np.ndarray, weights: np.ndarray, radius: float, covariance: float = 1.0) -> float:
    """D(ring || mixture) by quadrature, for a mixture with these means (complex), weights and covariance times the identity."""
    z, area = _grid(radius)
    p = _joint(z, radius).sum(1)
    humps = np.exp(-0.5 * np.abs(z[:, None] - means) ** 2 / covariance) / (2 * math.pi * covariance)
    ratio = np.log(np.maximum(p, 1e-300) / np.maximum(humps @ weights, 1e-300))
    return float((p * ratio).sum()) * area


@question("ebm-1-1")
def ebm_1_1(evidence: Evidence) -> Iterable[Claim]:
    """The density at chosen points, its total mass and its entropy, against the ten equal terms of a sum without index."""
    one_gaussian = math.log(2 * math.pi * math.e)  # the entropy of N(mu, I), which ten equal terms add up to, whatever mu is
    for radius, entropy in ((10.0, 5.13473403), (1.0, 3.24135259)):
        mass, found, _ = _quadratures(radius)
        z, area = _grid(radius)
        formula = float(np.exp(formulas.log_density(_as_points(z), K, radius)).sum()) * area
        yield Claim(f"the density integrates to one, $R={radius:.0f}$", "quadrature", 1.0, formula, 1e-9)
        yield Claim(f"entropy at $R={radius:.0f}$ in nats", "quadrature", entropy, found, 1e-7, published=one_gaussian)
        yield Claim(f"the density written out anew has mass one, $R={radius:.0f}$", "quadrature", 1.0, mass, 1e-9)
        spots = np.array([radius + 0j, 0j, 0.3 - 2.2j])
        apart = np.abs(formulas.log_density(_as_points(spots), K, radius) - np.log(_joint(spots, radius).sum(1))).max()
        yield Claim(
            f"$\\log p$ at three points, program against the sum, $R={radius:.0f}$", "closed form", 0.0, float(apart), 1e-12
        )
    written = float(np.log(_joint(np.array([10.0 + 0j]), 10.0).sum()))
    peak = -math.log(2 * math.pi)  # of a single N(mu, I) at its mean
    yield Claim("$\\log p$ at the mean $(10,0)$ for $R=10$", "closed form", -4.140462149246906, written, 1e-12, published=peak)
    at = float(formulas.log_density(np.array([[10.0, 0.0]]), K, 10.0)[0])
    one = -math.log(2 * math.pi) - math.log(K)
    yield Claim("there its own component alone gives $-\\log(20\\pi)$", "closed form", one, at, 2e-8)
    yield Claim("what the other nine components add to $\\log p$ there", "closed form", math.log1p(_others()), at - one, 1e-13)
    turned = _as_points(np.array([3 + 1j]) * np.exp(2j * math.pi / K))
    same = formulas.log_density(turned, K, 10.0)[0] - formulas.log_density(np.array([[3.0, 1.0]]), K, 10.0)[0]
    yield Claim("a turn by $36^\\circ$ changes $\\log p$ by", "closed form", 0.0, float(same), 1e-10)
    drawn = evidence.arrays("ring_density")
    distance = max(
        float(np.abs(drawn[f"means_{name}"] - _as_points(_means(radius))).max()) for name, radius in (("r10", 10.0), ("r1", 1.0))
    )
    yield Claim("drawn means, largest distance from the roots of unity times $R$", "closed form", 0.0, distance, 1e-12)


def _others() -> float:
    """Sum over k = 1..9 of the component k at the last mean, relative to that mean's own component, for R = 10."""
    return math.fsum(math.exp(-2 * (10 * math.sin(math.pi * k / K)) ** 2) for k in range(1, K))


def _em_formulas() -> Iterable[Claim]:
    """E and M step on simulated points."""
    from scipy.optimize import minimize

    x = _simulated(1.0)[:200]
    rng = np.random.default_rng(1)
    means, weights = rng.standard_normal((3, 2)), np.array([0.2, 0.3, 0.5])
    gamma, log_likelihood = gaussian_mixture.e_step(x, means, weights)
    joint = np.stack([w * np.exp(-0.5 * ((x - m) ** 2).sum(1)) / (2 * math.pi) for m, w in zip(means, weights, strict=True)], 1)
    apart = float(np.abs(gamma - joint / joint.sum(1, keepdims=True)).max())
    yield Claim("E step against Bayes' rule written out, largest difference", "closed form", 0.0, apart, 1e-12)
    apart = float(np.abs(log_likelihood - np.log(joint.sum(1))).max())
    yield Claim("log-likelihood of single points, largest difference", "closed form", 0.0, apart, 1e-12)

    def negative(theta: np.ndarray) -> float:
        centres, logits = theta[:6].reshape(3, 2), np.append(theta[6:], 0.0)
        log_weights = logits - np.log(np.exp(logits).sum())
        squares = ((x[:, None] - centres) ** 2).sum(2)
        return -float((gamma * (log_weights - 0.5 * squares)).sum()) / len(x)

    found = minimize(negative, np.zeros(8), method="BFGS", options={"gtol": 1e-8}).x
    shares = np.exp(np.append(found[6:], 0.0))
    new_means, new_weights = gaussian_mixture.m_step(x, gamma)
    apart = max(float(np.abs(new_means.ravel() - found[:6]).max()), float(np.abs(new_weights - shares / shares.sum()).max()))
    yield Claim("M step against an optimiser of the expected complete log-likelihood", "optimisation", 0.0, apart, 1e-5)


def _traces(evidence: Evidence, run: str) -> tuple[float, float]:
    """The largest fall of the log-likelihood at one iteration of any start, and the range of the final values."""
    history = evidence.history(run)
    starts = history[history["term"].str.startswith("log_likelihood/")].sort_values("step").groupby("term")["value"]
    falls = [float(-np.diff(values.to_numpy()).min(initial=0.0)) for _, values in starts]
    finals = [float(values.to_numpy()[-1]) for _, values in starts]
    return max(falls), max(finals) - min(finals)


@question("ebm-1-2-r10")
def ebm_1_2_r10(evidence: Evidence) -> Iterable[Claim]:
    """Ten separate Gaussians."""
    means = formulas.means(K, 10.0)
    gap = float(np.linalg.norm(means[1] - means[0]))
    yield Claim("distance of neighbouring means", "closed form", 6.180339887498948, gap, 1e-12)
    yield Claim("that distance by $2R\\sin(\\pi/10)$", "closed form", 20 * math.sin(math.pi / 10), gap, 1e-12)
    one = math.log(2 * math.pi * math.e * (1 + 10.0**2 / 2)) - _quadratures(10.0)[1]
    matched = _divergence(np.zeros(1), np.ones(1), 10.0, 1 + 10.0**2 / 2)
    yield Claim(
        "nats between the ring and the Gaussian with its mean and covariance", "quadrature", one, matched, 1e-6, published=0.0
    )
    # a point is misread beyond either side of its sector, two half-planes whose overlap, behind the origin, has no mass to speak of
    right = 1 - math.erfc(10 * math.sin(math.pi / K) / math.sqrt(2))
    yield Claim("the best classifier names the right component", "quadrature", right, _accuracy(10.0), 1e-9)
    yield from _em_formulas()
    yield Claim(
        "largest fall of the log-likelihood at an iteration", "recomputation", 0.0, max(0.0, _traces(evidence, "gmm_r10")[0]), 1e-9
    )
    ideal = math.sqrt(2 * K / POINTS)
    yield Claim("$\\sqrt{2K/n}$ against the bound from the Fisher information", "quadrature", ideal, _bound(10.0), 0.003)
    repeats = evidence.arrays("ring_repeats")
    yield Claim("error of the means over 20 data sets", "Monte Carlo", ideal, float(repeats["mean_error_r10"].mean()), 0.02)
    absolute = math.sqrt(2 / math.pi) * math.sqrt(0.1 * 0.9 / POINTS)
    found = float(repeats["weight_error_r10"].mean())
    yield Claim("mean absolute error of a weight over 20 data sets", "Monte Carlo", absolute, found, 0.0015)
    spread = math.sqrt(float(np.var(np.random.default_rng(3).binomial(POINTS, 1 / K, 100_000) / POINTS)))
    yield Claim("standard deviation of a weight, a binomial share", "Monte Carlo", math.sqrt(0.09 / POINTS), spread, 1e-4)
    x = _simulated(10.0)
    bad = means.copy()
    bad[0] = bad[5] + 0.5
    good, stuck = (gaussian_mixture.em(x, start, np.full(K, 1 / K)) for start in (means, bad))
    loss = good.trace[-1] - stuck.trace[-1]
    yield Claim("nats a point lost by a start with two centres in one cluster", "optimisation", 0.8, loss, 0.4)
    measured = evidence.metric("gmm_r10", "mean_error", "model")
    small = measured < 0.25
    yield Claim(
        "the matched error of the means is below $0.25$", "recomputation", expected=True, computed=small, needs_full_budget=True
    )
    least, most = (evidence.metric("gmm_r10", f"{which}_weight", "model") for which in ("smallest", "largest"))
    inside = 0.06 <= least <= most <= 0.14
    yield Claim("every weight lies in $[0.06, 0.14]$", "recomputation", expected=True, computed=inside, needs_full_budget=True)
    fit = evidence.evaluations("gmm_r10")
    again = gaussian_mixture.match(fit["means"], fit["weights"], _as_points(_means(10.0)), np.full(K, 0.1)).mean_error
    yield Claim("the drawn means have the tabulated error", "recomputation", measured, again, 1e-9)


@question("ebm-1-2-r1")
def ebm_1_2_r1(evidence: Evidence) -> Iterable[Claim]:
    """Ten Gaussians in one heap."""
    means = formulas.means(K, 1.0)
    gap = float(np.linalg.norm(means[1] - means[0]))
    yield Claim("distance of neighbouring means", "closed form", 0.6180339887498948, gap, 1e-12)
    _, _, variance = _quadratures(1.0)
    yield Claim("the best classifier names the right component", "quadrature", 0.26389, _accuracy(1.0), 1e-6)
    yield Claim("variance of a coordinate, $1+R^2/2$", "quadrature", 1.5, variance, 1e-8)
    corners = np.exp(2j * math.pi * np.arange(5) / 5)
    far = gaussian_mixture.match(
        _as_points(np.repeat(corners, 2)), np.full(K, 1 / K), _as_points(_means(1.0)), np.full(K, 1 / K)
    ).mean_error
    root = math.sqrt(2) * math.sin(math.pi / 10)  # half of the means are off by 2 sin(pi/10)
    yield Claim("error of the means when two sit on each corner of a pentagon", "closed form", root, far, 1e-12)
    apart = _divergence(corners, np.full(5, 0.2), 1.0)
    yield Claim("divergence of the true density from that of the pentagon", "quadrature", 6.19e-5, apart, 1e-7)
    lead = POINTS * apart
    yield Claim("lead of the truth over the pentagon in a whole sample, on average", "quadrature", 0.0619, lead, 1e-4)
    turned = _divergence(_means(1.0) * np.exp(1j * math.pi / K), np.full(K, 1 / K), 1.0)
    yield Claim("divergence from the ring turned by $18^\\circ$", "quadrature", 0.0, turned, 1e-9)
    yield Claim(
        "largest fall of the log-likelihood at an iteration", "recomputation", 0.0, max(0.0, _traces(evidence, "gmm_r1")[0]), 1e-9
    )
    wide, narrow = (np.linalg.eigvalsh(_information(radius))[0] for radius in (10.0, 1.0))
    yield Claim("smallest eigenvalue of the Fisher information, $R=10$", "quadrature", 0.1, float(wide), 0.01)
    singular = bool(narrow < 1e-6 * wide)
    yield Claim("at $R=1$ it is less than a millionth of that at $R=10$", "quadrature", expected=True, computed=singular)
    repeats = evidence.arrays("ring_repeats")
    error = float(repeats["mean_error_r1"].mean())
    yield Claim("error of the means over 20 data sets", "Monte Carlo", 0.9, error, 0.35)
    twice = error >= 2 * float(repeats["mean_error_r10"].mean())
    yield Claim("that error is at least twice the one at $R=10$ on equal seeds", "Monte Carlo", expected=True, computed=twice)
    ratio = error / float(repeats["mean_error_r10"].mean())
    yield Claim("ratio of the errors of the means at $R=1$ and $R=10$", "Monte Carlo", 6.0, ratio, 2.5)
    off = float(repeats["weight_error_r1"].mean())
    yield Claim("mean absolute error of a weight over 20 data sets", "Monte Carlo", 0.045, off, 0.012)
    gain = float(repeats["training_gain_r1"].mean())
    yield Claim("training log-likelihood above that of the truth, over 20 data sets", "Monte Carlo", 0.008, gain, 0.003)
    deficit = float((repeats["truth_test_r1"] - repeats["gmm_test_r1"]).mean())
    yield Claim("test log-likelihood below that of the truth, over 20 data sets", "Monte Carlo", 0.0075, deficit, 0.005)
    x = _simulated(1.0)
    early = gaussian_mixture.em(x, *gaussian_mixture.start(x, K, 0), iterations=100, tolerance=0)
    late = gaussian_mixture.em(x, early.means, early.weights, iterations=900, tolerance=0)
    moved = math.sqrt(float(((late.means - early.means) ** 2).sum(1).mean()))
    yield Claim("way of the means (root mean square) from iteration 100 to 1000", "optimisation", 0.6, moved, 0.5)
    yield Claim("nats a point gained from iteration 100 to 1000", "optimisation", 0.0, late.trace[-1] - early.trace[-1], 2e-3)
    score = evidence.metric("gmm_r1", "log_likelihood")
    yield Claim("test log-likelihood of the fit", "recomputation", -3.24135, score, 0.1, needs_full_budget=True)
    ends = _traces(evidence, "gmm_r1")[1]
    yield Claim("range of the ten starts' final log-likelihoods", "recomputation", 0.0, ends, 0.01, needs_full_budget=True)


def _best_bandwidths(chosen: float) -> Iterable[Claim]:
    """Where the best bandwidth lies between the values of the grid, and what the smoothing alone costs there."""
    from scipy.optimize import minimize_scalar

    rng, found = np.random.default_rng(0), []
    for _ in range(6):
        train, validation = (formulas.sample(POINTS, K, 10.0, rng)[0] for _ in range(2))

        def loss(h: float, train: np.ndarray = train, validation: np.ndarray = validation) -> float:
            return -float(kernel_density.curve(validation, train, [h])[0])

        found.append(float(minimize_scalar(loss, bounds=(0.1, 1.5), method="bounded", options={"xatol": 1e-3}).x))
    yield Claim(
        "best bandwidth without a grid, mean of six data sets", "optimisation", 0.535, float(np.mean(found)), 0.04, published=0.616
    )
    square = chosen**2
    alone = math.log1p(square) + 1 / (1 + square) - 1  # D(N(0, I) || N(0, (1 + sigma^2) I)) in the plane
    smoothed = _divergence(_means(10.0), np.full(K, 1 / K), 10.0, 1 + square)
    yield Claim("nats lost to smoothing alone, however many points", "quadrature", alone, smoothed, 1e-3)


@question("ebm-1-3")
def ebm_1_3(evidence: Evidence) -> Iterable[Claim]:
    """The kernel estimate, its training likelihood, and what validation chooses."""
    grid = [float(Fraction(1, 10) + i * Fraction(49, 190)) for i in range(20)]
    apart = float(np.abs(np.array(kernel_density.BANDWIDTHS) - grid).max())
    yield Claim("grid against $1/10+49i/190$, largest difference", "exact rationals", 0.0, apart, 1e-12)
    yield Claim("second value of the grid", "exact rationals", kernel_density.BANDWIDTHS[1], grid[1], 1e-12)
    yield Claim("third value of the grid", "exact rationals", 0.6157894737, grid[2], 1e-10)
    yield Claim("fourth value of the grid", "exact rationals", kernel_density.BANDWIDTHS[3], grid[3], 1e-12)
    yield Claim("step of the grid", "exact rationals", 0.257895, grid[1] - grid[0], 1e-6)
    yield from _best_bandwidths(grid[2])
    kernels = _simulated(10.0)[:40]
    z, area = _grid(10.0)
    mass = float(np.exp(kernel_density.log_density(_as_points(z), kernels, grid[2])).sum()) * area
    yield Claim("the estimator integrates to one", "quadrature", 1.0, mass, 1e-6)
    x = _simulated(10.0)[40:80]
    terms = np.exp(-0.5 * ((x[:, None] - kernels) ** 2).sum(2) / grid[2] ** 2) / (2 * math.pi * grid[2] ** 2)
    apart = float(np.abs(kernel_density.log_density(x, kernels, grid[2]) - np.log(terms.mean(1))).max())
    yield Claim("$\\log\\hat p$ against the sum written out, largest difference", "closed form", 0.0, apart, 1e-9)
    direct = [float(kernel_density.log_density(x, kernels, bandwidth).mean()) for bandwidth in grid]
    apart = float(np.abs(kernel_density.curve(x, kernels, grid) - direct).max())
    yield Claim("curve over all bandwidths against single fits, largest difference", "closed form", 0.0, apart, 1e-8)
    tiny = 1e-5
    collapsed = float(kernel_density.log_density(kernels, kernels, tiny).mean())
    alone = -math.log(len(kernels)) - math.log(2 * math.pi * tiny**2)
    yield Claim(
        "training log-likelihood at $\\sigma=10^{-5}$, by $-\\log(2\\pi n\\sigma^2)$", "closed form", alone, collapsed, 1e-6
    )
    repeats = evidence.arrays("ring_repeats")
    share = float((np.abs(repeats["bandwidth_r10"] - grid[2]) < 1e-9).mean())
    yield Claim("share of 20 data sets that choose the third value at $R=10$", "Monte Carlo", 1.0, share, 0.1)
    share = float((np.abs(repeats["bandwidth_r1"] - grid[1]) < 1e-9).mean())
    yield Claim("share of 20 data sets that choose the second value at $R=1$", "Monte Carlo", 0.8, share, 0.3)
    for name, radius, expected in (("r10", 10, -5.215), ("r1", 1, -3.281)):
        score = float(repeats[f"kde_test_{name}"].mean())
        yield Claim(f"mean test log-likelihood over 20 data sets, $R={radius}$", "Monte Carlo", expected, score, 0.04)
    chosen = evidence.metric("kde_r10", "bandwidth", "validation")
    yield Claim("bandwidth chosen at $R=10$", "recomputation", 0.6158, chosen, 1e-4, needs_full_budget=True)
    score = evidence.metric("kde_r10", "log_likelihood")
    yield Claim("test log-likelihood at $R=10$", "recomputation", -5.215, score, 0.1, needs_full_budget=True)
    smaller = evidence.metric("kde_r1", "bandwidth", "validation") < chosen
    yield Claim("the choice at $R=1$ is smaller than that at $R=10$", "recomputation", True, smaller, needs_full_budget=True)
    for run, radius in (("kde_r10", 10), ("kde_r1", 1)):
        arrays = evidence.evaluations(run)
        steps = np.sign(np.diff(arrays["curve_validation"]))
        peak = int((np.diff(steps) != 0).sum()) <= 1 and steps[0] >= 0 > steps[-1]
        yield Claim(
            f"the validation curve at $R={radius}$ rises to one peak and falls",
            "recomputation",
            True,
            bool(peak),
            needs_full_budget=True,
        )
        falling = bool((np.diff(arrays["curve_train"]) < 0).all())
        yield Claim(f"the training curve at $R={radius}$ falls throughout", "recomputation", True, falling, needs_full_budget=True)
