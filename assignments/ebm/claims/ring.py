"""The ring mixture, EM on it, and the kernel density estimate (ebm 1.1 to 1.3).

``stated`` comes from the formulas in :mod:`dgm.maths.ring_mixture`, :mod:`dgm.maths.unit_mixture` and
:mod:`dgm.maths.kernel_density`, or from numbers of the answers; ``found`` from densities written out here anew, quadrature on a
grid, an optimiser, or simulated repeats. What the fits found stands in findings: numbers of a single fit have no error of their
own, means over repeated data sets that of the mean.
"""

import functools
import math
from collections.abc import Iterable
from fractions import Fraction

import numpy as np
from jaxtyping import Float

from dgm.claims.claim import Claim, Finding, frequency, holds, paired
from dgm.claims.evidence import Evidence
from dgm.claims.registry import question
from dgm.maths import kernel_density, unit_mixture
from dgm.maths import ring_mixture as formulas
from dgm.maths.measured import Measured, mean

__all__: list[str] = []

K = 10
POINTS = 1000
PARAMETERS = 2 * K + K - 1  # coordinates of the means and free weights
REPEATED = "over 20 data sets"


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
    for ring, radius, entropy in (("wide", 10.0, 5.13473403), ("narrow", 1.0, 3.24135259)):
        mass, found, _ = _quadratures(radius)
        z, area = _grid(radius)
        formula = float(np.exp(formulas.log_density(_as_points(z), K, radius)).sum()) * area
        yield Claim(f"mass-{ring}", f"the density integrates to one, $R={radius:.0f}$", "quadrature", 1.0, formula, 1e-9)
        follows = one_gaussian if radius == 10.0 else None
        yield Claim(
            f"entropy-{ring}", f"entropy at $R={radius:.0f}$ in nats", "quadrature", entropy, found, 1e-7, published=follows
        )
        yield Claim(
            f"mass-written-out-{ring}",
            f"the density written out anew has mass one, $R={radius:.0f}$",
            "quadrature",
            1.0,
            mass,
            1e-9,
        )
        spots = np.array([radius + 0j, 0j, 0.3 - 2.2j])
        apart = np.abs(formulas.log_density(_as_points(spots), K, radius) - np.log(_joint(spots, radius).sum(1))).max()
        yield Claim(
            f"log-density-difference-{ring}",
            f"$\\log p$ at three points, program against the sum, $R={radius:.0f}$",
            "closed form",
            0.0,
            float(apart),
            1e-12,
        )
    written = float(np.log(_joint(np.array([10.0 + 0j]), 10.0).sum()))
    yield Claim(
        "log-density-at-mean", "$\\log p$ at the mean $(10,0)$ for $R=10$", "closed form", -4.140462149246906, written, 1e-12
    )
    at = float(formulas.log_density(np.array([[10.0, 0.0]]), K, 10.0)[0])
    one = -math.log(2 * math.pi) - math.log(K)
    yield Claim("own-component-alone", "there its own component alone gives $-\\log(20\\pi)$", "closed form", one, at, 2e-8)
    yield Claim(
        "added-by-other-components",
        "what the other nine components add to $\\log p$ there",
        "closed form",
        math.log1p(_others()),
        at - one,
        1e-13,
    )
    turned = _as_points(np.array([3 + 1j]) * np.exp(2j * math.pi / K))
    same = formulas.log_density(turned, K, 10.0)[0] - formulas.log_density(np.array([[3.0, 1.0]]), K, 10.0)[0]
    yield Claim("change-by-turn", "a turn by $36^\\circ$ changes $\\log p$ by", "closed form", 0.0, float(same), 1e-10)
    drawn = evidence.arrays("ring_density")
    distance = max(
        float(np.abs(drawn[f"means_{name}"] - _as_points(_means(radius))).max()) for name, radius in (("r10", 10.0), ("r1", 1.0))
    )
    yield Claim(
        "drawn-means-distance",
        "drawn means, largest distance from the roots of unity times $R$",
        "closed form",
        0.0,
        distance,
        1e-12,
    )


def _others() -> float:
    """Sum over k = 1..9 of the component k at the last mean, relative to that mean's own component, for R = 10."""
    return math.fsum(math.exp(-2 * (10 * math.sin(math.pi * k / K)) ** 2) for k in range(1, K))


def _em_formulas() -> Iterable[Claim]:
    """E and M step on simulated points."""
    from scipy.optimize import minimize

    x = _simulated(1.0)[:200]
    rng = np.random.default_rng(1)
    means, weights = rng.standard_normal((3, 2)), np.array([0.2, 0.3, 0.5])
    gamma, log_likelihood = unit_mixture.e_step(x, means, weights)
    joint = np.stack([w * np.exp(-0.5 * ((x - m) ** 2).sum(1)) / (2 * math.pi) for m, w in zip(means, weights, strict=True)], 1)
    apart = float(np.abs(gamma - joint / joint.sum(1, keepdims=True)).max())
    yield Claim("e-step-difference", "E step against Bayes' rule written out, largest difference", "closed form", 0.0, apart, 1e-12)
    apart = float(np.abs(log_likelihood - np.log(joint.sum(1))).max())
    yield Claim(
        "log-likelihood-difference", "log-likelihood of single points, largest difference", "closed form", 0.0, apart, 1e-12
    )

    def negative(theta: np.ndarray) -> float:
        centres, logits = theta[:6].reshape(3, 2), np.append(theta[6:], 0.0)
        log_weights = logits - np.log(np.exp(logits).sum())
        squares = ((x[:, None] - centres) ** 2).sum(2)
        return -float((gamma * (log_weights - 0.5 * squares)).sum()) / len(x)

    found = minimize(negative, np.zeros(8), method="BFGS", options={"gtol": 1e-8}).x
    shares = np.exp(np.append(found[6:], 0.0))
    new_means, new_weights = unit_mixture.m_step(x, gamma)
    apart = max(float(np.abs(new_means.ravel() - found[:6]).max()), float(np.abs(new_weights - shares / shares.sum()).max()))
    yield Claim(
        "m-step-difference", "M step against an optimiser of the expected complete log-likelihood", "optimisation", 0.0, apart, 1e-5
    )


def _traces(evidence: Evidence, run: str) -> tuple[float, float]:
    """The largest fall of the log-likelihood at one iteration of any start, and the range of the final values."""
    history = evidence.history(run)
    starts = history[history["term"].str.startswith("log_likelihood/")].sort_values("step").groupby("term")["value"]
    falls = [float(-np.diff(values.to_numpy()).min(initial=0.0)) for _, values in starts]
    finals = [float(values.to_numpy()[-1]) for _, values in starts]
    return max(falls), max(finals) - min(finals)


@question("ebm-1-2-r10")
def ebm_1_2_r10(evidence: Evidence) -> Iterable[Claim | Finding]:
    """Ten separate Gaussians."""
    means = formulas.means(K, 10.0)
    gap = float(np.linalg.norm(means[1] - means[0]))
    yield Claim("distance-of-neighbours", "distance of neighbouring means", "closed form", 6.180339887498948, gap, 1e-12)
    yield Claim("distance-by-sine", "that distance by $2R\\sin(\\pi/10)$", "closed form", 20 * math.sin(math.pi / 10), gap, 1e-12)
    one = math.log(2 * math.pi * math.e * (1 + 10.0**2 / 2)) - _quadratures(10.0)[1]
    matched = _divergence(np.zeros(1), np.ones(1), 10.0, 1 + 10.0**2 / 2)
    yield Claim(
        "divergence-from-one-gaussian",
        "nats between the ring and the Gaussian with its mean and covariance",
        "quadrature",
        one,
        matched,
        1e-6,
    )
    # a point is misread beyond either side of its sector, two half-planes whose overlap, behind the origin, has no mass to speak of
    right = 1 - math.erfc(10 * math.sin(math.pi / K) / math.sqrt(2))
    yield Claim(
        "best-classifier-accuracy", "the best classifier names the right component", "quadrature", right, _accuracy(10.0), 1e-9
    )
    yield from _em_formulas()
    yield Claim(
        "largest-fall-of-likelihood",
        "largest fall of the log-likelihood at an iteration",
        "recomputation",
        0.0,
        max(0.0, _traces(evidence, "gmm_r10")[0]),
        1e-9,
    )
    ideal = math.sqrt(2 * K / POINTS)
    yield Claim(
        "error-bound-of-means",
        "$\\sqrt{2K/n}$ against the bound from the Fisher information",
        "quadrature",
        ideal,
        _bound(10.0),
        0.003,
    )
    repeats = evidence.arrays("ring_repeats")
    found = repeats["mean_error_r10"]
    band = 6 * ideal / math.sqrt(2 * 2 * K * len(found))  # six standard errors of a mean of roots of chi-square sums
    yield Claim("repeated-error-of-means", f"error of the means {REPEATED}", "Monte Carlo", ideal, float(found.mean()), band)
    deviation, found = math.sqrt(0.1 * 0.9 / POINTS), repeats["weight_error_r10"]
    absolute = math.sqrt(2 / math.pi) * deviation
    band = 6 * deviation * math.sqrt((1 - 2 / math.pi) / (K * len(found)))
    yield Claim(
        "repeated-error-of-weights",
        f"mean absolute error of a weight {REPEATED}",
        "Monte Carlo",
        absolute,
        float(found.mean()),
        band,
    )
    # Wilks: twice the gain of the whole sample is a chi-square variable, one degree for each parameter
    gain = POINTS * repeats["training_gain_r10"]
    band = 6 * math.sqrt(PARAMETERS / 2 / len(gain))
    statement = f"gain of a whole sample in training {REPEATED}: half a nat a parameter"
    yield Claim("repeated-gain-in-training", statement, "Monte Carlo", PARAMETERS / 2, float(gain.mean()), band)
    spread = math.sqrt(float(np.var(np.random.default_rng(3).binomial(POINTS, 1 / K, 100_000) / POINTS)))
    yield Claim(
        "deviation-of-weight",
        "standard deviation of a weight, a binomial share",
        "Monte Carlo",
        math.sqrt(0.09 / POINTS),
        spread,
        1e-4,
    )
    x = _simulated(10.0)
    bad = means.copy()
    bad[0] = bad[5] + 0.5
    good, stuck = (unit_mixture.em(x, start, np.full(K, 1 / K)) for start in (means, bad))
    loss = good.trace[-1] - stuck.trace[-1]
    yield Claim("loss-of-bad-start", "nats a point lost by a start with two centres in one cluster", "optimisation", 0.8, loss, 0.4)
    yield from _fitted(evidence)


def _fitted(evidence: Evidence) -> Iterable[Claim | Finding]:
    """Means and weights of the fit to ten separate Gaussians, matched to the true ones."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    measured = evidence.metric("gmm_r10", "mean_error", "model")
    fit = evidence.evaluations("gmm_r10")
    truth, equal = _as_points(_means(10.0)), np.full(K, 0.1)
    squares = ((truth[:, None] - fit["means"]) ** 2).sum(2)
    places, order = min_weight_full_bipartite_matching(csr_array(squares))
    again = math.sqrt(float(squares[places, order].mean()))
    yield Claim("error-of-drawn-means", "the drawn means have the tabulated error", "recomputation", measured, again, 1e-9)
    yield Finding("means-found", "root mean square error of the means after matching", Measured(measured, 0.0), below=0.25)
    least, most = (evidence.metric("gmm_r10", f"{which}_weight", "model") for which in ("smallest", "largest"))
    furthest = Measured(max(0.1 - least, most - 0.1), 0.0)
    yield Finding("weights-found", "largest distance of a weight from $0.1$", furthest, below=0.04)
    components = evidence.points("ring_r10")["train_components"]
    drawn = np.bincount(components, minlength=K) / len(components)
    weights = fit["weights"][order]
    closer = float(np.abs(weights - equal).mean() - np.abs(weights - drawn).mean())
    statement = "mean distance of the weights from $0.1$ minus that from the shares drawn"
    yield Finding("weights-follow-draws", statement, Measured(closer, 0.0), above=0.0)


@question("ebm-1-2-r1")
def ebm_1_2_r1(evidence: Evidence) -> Iterable[Claim | Finding]:
    """Ten Gaussians in one heap."""
    means = formulas.means(K, 1.0)
    gap = float(np.linalg.norm(means[1] - means[0]))
    yield Claim("distance-of-neighbours", "distance of neighbouring means", "closed form", 0.6180339887498948, gap, 1e-12)
    _, _, variance = _quadratures(1.0)
    yield Claim(
        "best-classifier-accuracy", "the best classifier names the right component", "quadrature", 0.26389, _accuracy(1.0), 1e-6
    )
    yield Claim("variance-of-coordinate", "variance of a coordinate, $1+R^2/2$", "quadrature", 1.5, variance, 1e-8)
    corners = np.exp(2j * math.pi * np.arange(5) / 5)
    far = unit_mixture.match(
        _as_points(np.repeat(corners, 2)), np.full(K, 1 / K), _as_points(_means(1.0)), np.full(K, 1 / K)
    ).mean_error
    root = math.sqrt(2) * math.sin(math.pi / 10)  # half of the means are off by 2 sin(pi/10)
    yield Claim(
        "pentagon-error-of-means", "error of the means when two sit on each corner of a pentagon", "closed form", root, far, 1e-12
    )
    apart = _divergence(corners, np.full(5, 0.2), 1.0)
    yield Claim(
        "pentagon-divergence", "divergence of the true density from that of the pentagon", "quadrature", 6.19e-5, apart, 1e-7
    )
    lead = POINTS * apart
    yield Claim(
        "pentagon-lead-of-truth",
        "lead of the truth over the pentagon in a whole sample, on average",
        "quadrature",
        0.0619,
        lead,
        1e-4,
    )
    turned = _divergence(_means(1.0) * np.exp(1j * math.pi / K), np.full(K, 1 / K), 1.0)
    yield Claim("turned-ring-divergence", "divergence from the ring turned by $18^\\circ$", "quadrature", 0.0, turned, 1e-9)
    yield Claim(
        "largest-fall-of-likelihood",
        "largest fall of the log-likelihood at an iteration",
        "recomputation",
        0.0,
        max(0.0, _traces(evidence, "gmm_r1")[0]),
        1e-9,
    )
    wide, narrow = (np.linalg.eigvalsh(_information(radius))[0] for radius in (10.0, 1.0))
    yield Claim(
        "smallest-eigenvalue-wide", "smallest eigenvalue of the Fisher information, $R=10$", "quadrature", 0.1, float(wide), 0.01
    )
    singular = bool(narrow < 1e-6 * wide)
    yield holds("information-nearly-singular", "at $R=1$ it is less than a millionth of that at $R=10$", "quadrature", singular)
    for ring, radius, stated in (("wide", 10.0, PARAMETERS), ("narrow", 1.0, 14)):
        felt = int((POINTS * np.linalg.eigvalsh(_information(radius)) > 1).sum())
        statement = f"directions with an information above 1 in 1000 points, $R={radius:.0f}$"
        yield Claim(f"informed-directions-{ring}", statement, "quadrature", float(stated), float(felt))
    yield from _repeated_at_one(evidence)
    x = _simulated(1.0)
    early = unit_mixture.em(x, *unit_mixture.start(x, K, 0), iterations=100, tolerance=0)
    late = unit_mixture.em(x, early.means, early.weights, iterations=900, tolerance=0)
    moved = math.sqrt(float(((late.means - early.means) ** 2).sum(1).mean()))
    yield Claim(
        "late-way-of-means", "way of the means (root mean square) from iteration 100 to 1000", "optimisation", 0.6, moved, 0.5
    )
    yield Claim(
        "late-gain-of-likelihood",
        "nats a point gained from iteration 100 to 1000",
        "optimisation",
        0.0,
        late.trace[-1] - early.trace[-1],
        2e-3,
    )
    statement = "deficit of the test log-likelihood against that of the true density"
    yield Finding("near-the-truth", statement, evidence.measured("gmm_r1", "gap_to_truth"), below=0.1)
    ends = Measured(_traces(evidence, "gmm_r1")[1], 0.0, unit="nats")
    yield Finding("starts-agree", "range of the final log-likelihoods of the ten starts", ends, below=0.01)


def _repeated_at_one(evidence: Evidence) -> Iterable[Finding]:
    """What the fits to twenty data sets have in common; the errors are those of means over the data sets."""
    repeats = evidence.arrays("ring_repeats")
    far, near = repeats["mean_error_r1"], repeats["mean_error_r10"]
    ratio = far.mean() / near.mean()
    # delta method for a quotient of means, from the differences of pairs: both radii saw the same draws
    error = mean(far - ratio * near).stderr / near.mean()
    statement = "error of the means at $R=1$ in units of that at $R=10$ on the same draws"
    yield Finding("means-lost", statement, Measured(float(ratio), float(error), len(far)), above=2.0)
    off = paired(repeats["weight_error_r1"], repeats["weight_error_r10"], unit="")
    yield Finding("weights-lost", "error of a weight at $R=1$ minus that at $R=10$", off, above=0.0)
    gain = mean(POINTS * repeats["training_gain_r1"])
    statement = f"gain of a whole sample in training over the true density {REPEATED}"
    yield Finding("gain-in-training", statement, gain, above=0.0)
    yield Finding("gain-below-full", f"{statement}, against half a nat for every parameter", gain, below=PARAMETERS / 2)
    lost = paired(repeats["truth_test_r1"], repeats["gmm_test_r1"])
    yield Finding("loss-on-test", f"test log-likelihood of the true density minus that of the fit {REPEATED}", lost, above=0.0)
    lead = paired(repeats["gmm_test_r1"], repeats["kde_test_r1"])
    yield Finding("beats-kernel", f"test log-likelihood of the fit minus that of the kernel estimate {REPEATED}", lead, above=0.0)


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
        "best-bandwidth-without-grid",
        "best bandwidth without a grid, mean of six data sets",
        "optimisation",
        0.535,
        float(np.mean(found)),
        0.04,
    )
    square = chosen**2
    alone = math.log1p(square) + 1 / (1 + square) - 1  # D(N(0, I) || N(0, (1 + sigma^2) I)) in the plane
    smoothed = _divergence(_means(10.0), np.full(K, 1 / K), 10.0, 1 + square)
    yield Claim("loss-by-smoothing", "nats lost to smoothing alone, however many points", "quadrature", alone, smoothed, 1e-3)


@question("ebm-1-3")
def ebm_1_3(evidence: Evidence) -> Iterable[Claim | Finding]:
    """The kernel estimate, its training likelihood, and what validation chooses."""
    grid = [float(Fraction(1, 10) + i * Fraction(49, 190)) for i in range(20)]
    apart = float(np.abs(np.array(kernel_density.BANDWIDTHS) - grid).max())
    yield Claim("grid-formula-difference", "grid against $1/10+49i/190$, largest difference", "exact rationals", 0.0, apart, 1e-12)
    yield Claim("second-grid-value", "second value of the grid", "exact rationals", kernel_density.BANDWIDTHS[1], grid[1], 1e-12)
    yield Claim("third-grid-value", "third value of the grid", "exact rationals", 0.6157894737, grid[2], 1e-10)
    yield Claim("fourth-grid-value", "fourth value of the grid", "exact rationals", kernel_density.BANDWIDTHS[3], grid[3], 1e-12)
    yield Claim("step-of-grid", "step of the grid", "exact rationals", 0.257895, grid[1] - grid[0], 1e-6)
    yield from _best_bandwidths(grid[2])
    kernels = _simulated(10.0)[:40]
    z, area = _grid(10.0)
    mass = float(np.exp(kernel_density.log_density(_as_points(z), kernels, grid[2])).sum()) * area
    yield Claim("mass-of-estimator", "the estimator integrates to one", "quadrature", 1.0, mass, 1e-6)
    x = _simulated(10.0)[40:80]
    terms = np.exp(-0.5 * ((x[:, None] - kernels) ** 2).sum(2) / grid[2] ** 2) / (2 * math.pi * grid[2] ** 2)
    apart = float(np.abs(kernel_density.log_density(x, kernels, grid[2]) - np.log(terms.mean(1))).max())
    yield Claim(
        "log-density-difference", "$\\log\\hat p$ against the sum written out, largest difference", "closed form", 0.0, apart, 1e-9
    )
    direct = [float(kernel_density.log_density(x, kernels, bandwidth).mean()) for bandwidth in grid]
    apart = float(np.abs(kernel_density.curve(x, kernels, grid) - direct).max())
    yield Claim(
        "curve-difference", "curve over all bandwidths against single fits, largest difference", "closed form", 0.0, apart, 1e-8
    )
    tiny = 1e-5
    collapsed = float(kernel_density.log_density(kernels, kernels, tiny).mean())
    alone = -math.log(len(kernels)) - math.log(2 * math.pi * tiny**2)
    yield Claim(
        "collapsed-training-likelihood",
        "training log-likelihood at $\\sigma=10^{-5}$, by $-\\log(2\\pi n\\sigma^2)$",
        "closed form",
        alone,
        collapsed,
        1e-6,
    )
    yield from _chosen_bandwidths(evidence, grid)


def _chosen_bandwidths(evidence: Evidence, grid: list[float]) -> Iterable[Finding]:
    """What validation chose, what the choice scores, and the shape of the curves."""
    repeats = evidence.arrays("ring_repeats")
    chosen = evidence.metric("kde_r10", "bandwidth", "validation")
    half_step = (grid[1] - grid[0]) / 2
    statement = "distance of the bandwidth chosen at $R=10$ from the third value of the grid"
    yield Finding("third-value", statement, Measured(abs(chosen - grid[2]), 0.0), below=half_step)
    share = frequency(np.abs(repeats["bandwidth_r10"] - grid[2]) < half_step)
    yield Finding("usual-choice", "share of 20 data sets that choose the third value at $R=10$", share, above=0.5)
    narrower = paired(repeats["bandwidth_r1"], repeats["bandwidth_r10"], unit="")
    yield Finding("narrower-at-one", f"bandwidth chosen at $R=1$ minus that at $R=10$ {REPEATED}", narrower, below=0.0)
    statement = "deficit of the test log-likelihood against that of the true density, $R=10$"
    yield Finding("near-the-truth", statement, evidence.measured("kde_r10", "gap_to_truth"), below=0.1)
    deficit = paired(repeats["truth_test_r10"], repeats["kde_test_r10"])
    bias = math.log1p(grid[2] ** 2) + 1 / (1 + grid[2] ** 2) - 1
    yield Finding("more-than-bias", f"that deficit {REPEATED}, against what smoothing alone costs", deficit, above=bias)
    falls = -math.inf
    for run, name in (("kde_r10", "wide"), ("kde_r1", "narrow")):
        arrays = evidence.evaluations(run)
        steps = np.diff(arrays["curve_validation"])
        top = int(arrays["curve_validation"].argmax())
        least = float(min(*steps[:top], *-steps[top:]))
        inner = least if 0 < top < len(steps) else -abs(least)
        statement = f"least step of the validation curve towards its highest point, $R={10 if name == 'wide' else 1}$"
        yield Finding(f"one-peak-{name}", statement, Measured(inner, 0.0, unit="nats"), above=0.0)
        falls = max(falls, float(np.diff(arrays["curve_train"]).max()))
    statement = "largest step of either training curve towards wider kernels"
    yield Finding("training-falls", statement, Measured(falls, 0.0, unit="nats"), below=0.0)
