"""Claims of gdl 3: the code of EM, and the mixtures that this build fitted to digits."""

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Any, cast

import numpy as np

from dgm.claims.claim import Claim, Finding, holds, paired
from dgm.claims.evidence import Evidence
from dgm.claims.registry import question
from dgm.maths import bernoulli_mixture
from dgm.maths.measured import Measured, bootstrapped
from dgm.settings import parse

from ._shared import DATA, MIXTURES, PI, P, apart, component_terms, counted

__all__: list[str] = []

ALIKE = ({4, 7, 9}, {3, 5, 8})


def _synthetic(seed: int, n: int, d: int, k: int) -> tuple[Any, Any, Any]:
    """Images [n, d], components [n] and pixel probabilities [k, d] of a random mixture, float64."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    p = 0.1 + 0.8 * torch.rand((k, d), generator=generator, dtype=torch.float64)
    components = torch.arange(n) % k
    images = (torch.rand((n, d), generator=generator, dtype=torch.float64) < p[components]).double()
    return images, components, p


@question("gdl-3a")
def gdl_3a(evidence: Evidence) -> Iterable[Claim]:
    """The log-space E step against sums and products in exact arithmetic."""
    import torch

    from dgm.models import bmm

    images, _, p = _synthetic(0, 50, 784, 4)
    eta, _ = bmm.e_step(images, p, torch.full((4, 1), 0.25, dtype=torch.float64))
    yield Claim(
        "row-sums-from-one",
        "largest distance of a row sum from one, $D=784$",
        "closed form",
        0.0,
        float((eta.sum(1) - 1).abs().max()),
        1e-12,
    )
    small = torch.tensor(DATA, dtype=torch.float64)
    eta, log_likelihood = bmm.e_step(small, torch.tensor(P, dtype=torch.float64), torch.tensor(PI, dtype=torch.float64)[:, None])
    brute = torch.tensor([[float(counted(x, k) / counted(x)) for k in range(2)] for x in DATA], dtype=torch.float64)
    yield Claim(
        "difference-from-fractions",
        "largest difference from $16/19$, $4/151$, $4/11$",
        "enumeration",
        0.0,
        float((eta - brute).abs().max()),
        1e-12,
    )
    summed = math.log(math.prod(counted(x) for x in DATA))
    yield Claim(
        "log-likelihood-small-data",
        "log-likelihood of the small data set",
        "enumeration",
        float(log_likelihood.sum()),
        summed,
        1e-12,
    )
    extreme = torch.where(images[:2] > 0.5, 1e-6, 1 - 1e-6).double()  # every pixel of an image as improbable as the floor allows
    eta, log_likelihood = bmm.e_step(images[:2], extreme, torch.full((2, 1), 0.5, dtype=torch.float64))
    broken = int((~torch.isfinite(eta)).sum() + (~torch.isfinite(log_likelihood)).sum())
    yield Claim(
        "broken-entries-at-floor", "entries that are NaN or infinite with all $p$ at the floor", "closed form", 0.0, float(broken)
    )
    unused = torch.tensor([[0.5], [0.5], [0.0], [0.0]], dtype=torch.float64)
    eta, log_likelihood = bmm.e_step(images, p, unused)
    broken = int((~torch.isfinite(eta)).sum() + (~torch.isfinite(log_likelihood)).sum())
    yield Claim(
        "broken-entries-zero-weight",
        "entries that are NaN or infinite when two of four components have the weight 0",
        "closed form",
        0.0,
        float(broken),
    )
    yield Claim(
        "responsibility-zero-weight",
        "largest responsibility of a component with the weight 0",
        "closed form",
        0.0,
        float(eta[:, 2:].max()),
    )
    factors = np.full(784, 0.01)
    yield Claim("plain-product", "the plain product $0.01^{784}$ in double precision", "closed form", 0.0, float(np.prod(factors)))
    lost = int(np.argmax(np.cumprod(factors) == 0)) + 1
    yield Claim(
        "factors-until-zero",
        "factors of $0.01$ after which the product is zero, less than half the least positive number $2^{-1074}$",
        "enumeration",
        float(math.ceil(1075 * math.log(2) / math.log(100))),
        float(lost),
    )
    ones = torch.ones((1, 784), dtype=torch.float64)
    one = torch.ones((1, 1), dtype=torch.float64)
    _, log_likelihood = bmm.e_step(ones, 0.01 * ones, one)
    yield Claim(
        "log-of-product",
        "logarithm of that product from the E step",
        "closed form",
        784 * math.log(0.01),
        float(log_likelihood[0]),
        1e-9,
    )


@question("gdl-3b")
def gdl_3b(evidence: Evidence) -> Iterable[Claim]:
    """The M step against exact rationals and finite differences."""
    import torch

    from dgm.models import bmm

    images, _, p = _synthetic(1, 60, 784, 4)
    eta, _ = bmm.e_step(images, p, torch.full((4, 1), 0.25, dtype=torch.float64))
    new_p, new_weights = bmm.m_step(images, eta)
    yield Claim("weights-sum-to-one", "the new weights sum to one", "closed form", 1.0, float(new_weights.sum()), 1e-12)
    outside = int((new_p <= 0).sum() + (new_p >= 1).sum())
    yield Claim(
        "probabilities-out-of-range",
        "new pixel probabilities that are not strictly between 0 and 1",
        "closed form",
        0.0,
        float(outside),
    )
    exact_eta = [[counted(x, k) / counted(x) for k in range(2)] for x in DATA]
    small = torch.tensor(DATA, dtype=torch.float64)
    small_p, small_weights = bmm.m_step(small, torch.tensor(exact_eta, dtype=torch.float64))
    exact_p = torch.tensor([[9513 / 9722, 1539 / 4861], [25066 / 55789, 50806 / 55789]], dtype=torch.float64)
    yield Claim(
        "difference-from-fractions",
        "largest difference from the fractions found by hand for the three images",
        "exact rationals",
        0.0,
        float((small_p - exact_p).abs().max()),
        1e-12,
    )
    difference = abs(float(small_weights[0, 0]) - 38888 / 94677)
    yield Claim("difference-from-weight", "difference from the weight found by hand", "exact rationals", 0.0, difference, 1e-12)
    step, slopes = 1e-6, []
    rows = small_p.tolist()
    for k, d in itertools.product(range(2), range(2)):
        values = []
        for sign in (1, -1):
            moved = [list(row) for row in rows]
            moved[k][d] += sign * step
            values.append(bernoulli_mixture.expected_complete_log_likelihood(DATA, exact_eta, moved, small_weights[:, 0].tolist()))
        slopes.append(abs(values[0] - values[1]) / (2 * step))
    yield Claim("largest-slope", "largest slope of the E-step objective at the new p", "finite differences", 0.0, max(slopes), 1e-6)
    empty = torch.tensor([[1.0, 0.0]] * 3, dtype=torch.float64)
    guarded, unused = bmm.m_step(small, empty)
    yield Claim(
        "empty-component-probability",
        "pixel probability of a component without images",
        "closed form",
        0.5,
        float(guarded[1].max()),
    )
    yield Claim("empty-component-weight", "weight of a component without images", "closed form", 0.0, float(unused[1, 0]))
    floor = 1e-6
    grid = np.linspace(floor, 1 - floor, 10_001)
    constant, _ = bmm.m_step(torch.ones((3, 2), dtype=torch.float64), torch.tensor(exact_eta, dtype=torch.float64), floor)
    size = sum(float(row[0]) for row in exact_eta)
    allowed = float(grid[np.argmax(size * np.log(grid))])
    yield Claim(
        "pixel-always-on", "best allowed $p$ of a pixel that is always on", "optimisation", float(constant[0, 0]), allowed, 1e-12
    )
    yield from _pseudo_counts(small, exact_eta, floor)


def _pseudo_counts(small: Any, exact_eta: Sequence[Sequence[Fraction]], floor: float) -> Iterator[Claim]:
    """The M step with images counted beside the data, and what such a count costs and saves."""
    import torch
    from scipy.optimize import minimize_scalar

    from dgm.models import bmm

    size = sum(float(row[0]) for row in exact_eta)
    total = sum(float(row[0]) * x[0] for row, x in zip(exact_eta, DATA, strict=True))

    def a_posteriori(counts: float, share: float) -> float:
        """Where the objective plus ``counts`` images, on with the probability ``share``, is largest."""
        on, off = total + counts * share, size - total + counts * (1 - share)
        found = minimize_scalar(
            lambda q: -on * math.log(q) - off * math.log(1 - q),
            bounds=(1e-6, 1 - 1e-6),
            method="bounded",
            options={"xatol": 1e-10},
        )
        return float(found.x)

    yield Claim(
        "estimate-with-pseudo-count",
        "maximum a-posteriori estimate with a pseudo-count of $\\alpha=1$, component 1, pixel 1",
        "optimisation",
        (total + 1) / (size + 2),
        a_posteriori(2, 0.5),
        1e-6,
    )
    responsibilities = torch.tensor(exact_eta, dtype=torch.float64)
    means = small.mean(0)
    smooth, _ = bmm.m_step(small, responsibilities, smoothing=1.0, means=means)
    yield Claim(
        "estimate-with-smoothing",
        "the same pixel by the code with a smoothing of one image with the pixel means",
        "optimisation",
        float(smooth[0, 0]),
        a_posteriori(1, float(means[0])),
        1e-6,
    )
    yield Claim(
        "sum-of-responsibilities",
        "sum of the responsibilities of component 1, against the two images that $\\alpha=1$ adds",
        "exact rationals",
        38888 / 31559,
        size,
        1e-12,
    )
    off, alpha = torch.zeros((100, 1), dtype=torch.float64), 1.0
    own = torch.ones((100, 1), dtype=torch.float64)
    clipped, _ = bmm.m_step(off, own, floor)
    counted_on, _ = bmm.m_step(off, own, floor, smoothing=2 * alpha, means=torch.full((1,), 0.5, dtype=torch.float64))
    yield Claim(
        "cost-of-pseudo-count",
        "nats that $\\alpha=1$ costs each of 100 images for a pixel that is off in all of them",
        "closed form",
        math.log(102 / 101),
        float(torch.log1p(-clipped) - torch.log1p(-counted_on)),
        2 * floor,
    )
    yield Claim(
        "saving-of-pseudo-count",
        "nats that $\\alpha=1$ saves at a new image that has this pixel on",
        "closed form",
        math.log(1 / 102) - math.log(floor),
        float(counted_on.log() - clipped.log()),
        1e-9,
    )


@question("gdl-3c")
def gdl_3c(evidence: Evidence) -> Iterable[Claim | Finding]:
    """Monotone likelihood of the trained mixtures, recovery of known parameters, and the listed loop against the fit."""
    import torch

    from dgm.models import bmm

    from . import em_loop

    largest, apart_from_best = 0.0, 0.0
    starts: dict[str, list[np.ndarray]] = {}
    for run in (*MIXTURES, "bmm_k20_all"):
        history = evidence.history(run)
        starts[run] = []
        for term, rows in history.groupby("term"):
            ordered = rows.sort_values("step")["value"].to_numpy()
            largest = max(largest, float(-np.diff(ordered).min(initial=0.0)))
            if str(term).startswith("log_likelihood/"):
                starts[run].append(ordered)
        apart_from_best = max(apart_from_best, abs(_kept(evidence, run)[-1] - max(trace[-1] for trace in starts[run])))
    yield Claim(
        "largest-fall",
        "largest fall of the log-likelihood an image between two iterations, all runs and starts",
        "recomputation",
        0.0,
        largest,
        1e-9,  # of some hundred nats in double precision
    )
    yield Claim(
        "kept-from-best-start",
        "largest distance of the kept start from the best one, in nats an image",
        "recomputation",
        0.0,
        apart_from_best,
        1e-3,  # the kept start is chosen after one more iteration, which gains less than the tolerance of EM
        needs_full_budget=True,
    )
    ends = np.array([trace[-1] for trace in starts["bmm_k10"]])
    spread = float(ends.std(ddof=1))
    yield Finding(
        "starts-differ",
        "standard deviation of the log-likelihood an image at which the starts for $K=10$ end",
        Measured(spread, spread / math.sqrt(2 * (len(ends) - 1)), len(ends), "nats"),
        above=0.1,  # on a thousand images a factor of exp(100) in the likelihood
    )
    late = np.array([trace[-1] - trace[:6][-1] for trace in starts["bmm_k10"]])
    yield Finding(
        "late-gain",
        "gain of the log-likelihood an image after the fifth iteration, mean of the starts for $K=10$, "
        "less the standard deviation of their ends",
        bootstrapped(lambda gain, end: float(gain.mean() - end.std(ddof=1)), late, ends, seed=0, unit="nats"),
        above=0.0,
    )
    images, components, truth = _synthetic(2, 200, 784, 3)
    _, p, weights, traces = em_loop.em(images, 3, range(5))
    assigned = bmm.e_step(images, p, weights)[0].argmax(1)
    match = [int(torch.mode(components[assigned == k]).values) if bool((assigned == k).any()) else 0 for k in range(3)]
    right = float((torch.tensor(match)[assigned] == components).double().mean())
    yield Claim(
        "percentage-in-own-component",
        "percentage of 200 synthetic images given to their own component",
        "Monte Carlo",
        100.0,
        100 * right,
    )
    error = float((p - truth[match]).abs().mean())
    means = torch.stack([images[components == k].mean(0) for k in range(3)])
    floor = float((means - truth).abs().mean())
    yield Claim(
        "mean-error-recovered",
        "mean error of the recovered p equals that of the true groups' means",
        "Monte Carlo",
        floor,
        error,
        1e-3,
    )
    yield Claim(
        "listed-loop-from-fit",
        "largest difference of the listed loop's log-likelihoods from those of the fit, every iteration of five starts",
        "recomputation",
        0.0,
        _distance_from_fit(images, traces),
        1e-9,
    )
    twin = torch.full((2, 784), 0.5, dtype=torch.float64)
    weights = torch.full((2, 1), 0.5, dtype=torch.float64)
    for _ in range(5):
        twin, weights, _ = bmm.em_iteration(images, twin, weights)
    yield Claim(
        "equal-rows-stay-equal", "equal rows stay equal for ever", "closed form", 0.0, float((twin[0] - twin[1]).abs().max()), 1e-12
    )
    joint = [[float(counted(x, k)) for k in range(2)] for x in DATA]
    exact = [[float(counted(x, k) / counted(x)) for k in range(2)] for x in DATA]

    def bound(q: Sequence[Sequence[float]]) -> float:
        pairs = [(w, j) for row, weights in zip(joint, q, strict=True) for j, w in zip(row, weights, strict=True)]
        return sum(w * (math.log(j) - math.log(w)) for w, j in pairs)

    q = ((0.5, 0.5), (0.1, 0.9), (0.7, 0.3))
    gap = sum(
        w * math.log(w / float(eta))
        for row, weights in zip(bernoulli_mixture.responsibilities(DATA, P, PI), q, strict=True)
        for w, eta in zip(weights, row, strict=True)
    )
    evidence_log = math.log(math.prod(counted(x) for x in DATA))
    yield Claim(
        "bound-plus-divergence",
        "bound plus divergence for an arbitrary $q$, against $\\log P(X)$",
        "enumeration",
        evidence_log,
        bound(q) + gap,
        1e-12,
    )
    yield Claim(
        "bound-after-e-step", "the bound after an E step, against $\\log P(X)$", "enumeration", evidence_log, bound(exact), 1e-12
    )


def _distance_from_fit(images: Any, traces: Sequence[Sequence[float]]) -> float:
    """Largest difference of the log-likelihoods of the loop's starts from those in the history of a fit to the same images."""
    import torch

    from dgm.data.tensors import ImageData
    from dgm.models import bmm
    from dgm.runtime.streams import Generators
    from dgm.training.loop import Context

    class Counting(Generators):
        """Gives start i the seed i."""

        def seed_of(self, name: str) -> int:
            return int(name.rpartition("/")[2])

    grey = (255 * images).to(torch.uint8).view(-1, 28, 28)
    labels = torch.zeros(len(grey), dtype=torch.int64)
    config = parse(bmm.Config, {"components": 3, "restarts": len(traces)}, "synthetic")
    fitted = bmm.fit(config, ImageData(grey, labels, grey, labels), Context(run="synthetic", generators=Counting(0)))
    apart_by = 0.0
    for start, trace in enumerate(traces):
        made = [value for *_, term, value in fitted.history if term == f"log_likelihood/start_{start}"]
        if len(made) != len(trace):
            return math.inf
        apart_by = max(apart_by, float(np.abs(np.array(made) - np.array(trace)).max()))
    return apart_by


def _kept(evidence: Evidence, run: str) -> np.ndarray:
    """Training log-likelihood an image of the kept start, one number an iteration."""
    history = evidence.history(run)
    return cast(np.ndarray, history[history["term"] == "log_likelihood"].sort_values("step")["value"].to_numpy())


@question("gdl-3d")
def gdl_3d(evidence: Evidence) -> Iterable[Claim | Finding]:
    """The fitted prototypes for K = 5, 10, 20."""
    from dgm.models import load_model

    distance, fitted, held_out, clusters, labels = 0.0, [], [], [], np.zeros(0, int)
    for run, k in zip(MIXTURES, (5, 10, 20), strict=True):
        prototypes = evidence.samples(run)["prototypes"]
        good = prototypes.shape == (k, 28, 28) and bool((prototypes >= 0).all() and (prototypes <= 1).all())
        yield holds(f"probabilities-in-range-k{k}", f"$K={k}$: {k} times 784 pixel probabilities in $[0,1]$", "recomputation", good)
        model = cast(Any, load_model(evidence.model_path(run)))
        distance = max(distance, float(np.abs(model.p.numpy().reshape(-1, 28, 28) - prototypes).max()))
        terms, labels = component_terms(evidence, run)
        held_out.append(np.logaddexp.reduce(terms, axis=1))
        stated, own = evidence.metric(run, "log_likelihood"), float(held_out[-1].mean())
        fitted.append(float(_kept(evidence, run)[-1]))
        yield Claim(
            f"test-log-likelihood-k{k}",
            f"test log-likelihood recomputed pixel by pixel, $K={k}$",
            "recomputation",
            stated,
            own,
            1e-6,
        )
        clusters.append(terms.argmax(1))
        yield Claim(
            f"percentage-with-majority-k{k}",
            f"percentage of test images with the majority digit of their component, $K={k}$",
            "recomputation",
            100 * evidence.metric(run, "purity"),
            100 * float(_carries_majority(labels, clusters[-1]).mean()),
            1e-6,
            needs_full_budget=True,
            published=100.0 if k == 10 else None,  # one digit a cluster
        )
    yield Claim(
        "distance-of-drawn-prototypes",
        "largest distance of the drawn prototypes from the rows of the stored p",
        "recomputation",
        0.0,
        distance,
        1e-6,
    )
    yield from _held(evidence, labels, clusters)
    most_common = sum(count for _, count in Counter(labels.tolist()).most_common(5))
    reachable = max(np.isin(labels, digits).sum() for digits in itertools.combinations(range(10), 5)) / len(labels)
    yield Claim(
        "reachable-with-five",
        "percentage that five components can reach at most, of all choices of five digits: that of the five most frequent",
        "enumeration",
        100 * most_common / len(labels),
        100 * float(reachable),
        1e-9,
    )
    few, _, many = (_carries_majority(labels, own) for own in clusters)
    yield Finding(
        "purity-rises",
        "rise of the share of test images with the majority digit of their component, from $K=5$ to $K=20$",
        paired(many, few, "share"),
        above=0.0,
    )
    gain = paired(held_out[2], held_out[0])
    yield Finding("held-out-rises", "rise of the test log-likelihood an image from $K=5$ to $K=20$", gain, above=0.0)
    yield Finding(
        "training-rises",
        "rise of the training log-likelihood an image from $K=5$ to $K=20$",
        Measured(fitted[2] - fitted[0], 0.0, 0, "nats"),
        above=0.0,
    )
    yield Finding(
        "overfit-grows",
        "rise of the training minus the test log-likelihood an image from $K=5$ to $K=20$",
        Measured(fitted[2] - fitted[0] - gain.value, gain.stderr, gain.n, gain.unit),
        above=0.0,
    )
    on_all = component_terms(evidence, "bmm_k20_all")[0]
    yield Finding(
        "more-images-help",
        "test log-likelihood an image, $K=20$: fitted to all training images minus fitted to a thousand",
        paired(np.logaddexp.reduce(on_all, axis=1), held_out[2]),
        above=0.0,
    )
    entropy = [evidence.metric(run, "prototype_entropy", "model") for run in MIXTURES]
    yield Finding(
        "sharper",
        "entropy of a prototype's pixel, $K=5$ minus $K=20$",
        Measured(entropy[0] - entropy[2], 0.0, 0, "nats"),
        above=0.0,
    )


def _held(evidence: Evidence, labels: np.ndarray, clusters: Sequence[np.ndarray]) -> Iterator[Claim | Finding]:
    """Which digits the components hold, K = 10 above all: as the evaluation stored them and as recomputed."""
    stored = [evidence.evaluations(run)["clusters_test"] for run in MIXTURES]
    yield Claim(
        "different-majority-digits",
        "different majority digits of the ten components",
        "recomputation",
        float(_majority_digits(labels, stored[1])),
        float(_majority_digits(labels, clusters[1])),
        needs_full_budget=True,
    )
    yield Finding(
        "digits-missing",
        "different majority digits of the ten components for $K=10$",
        bootstrapped(lambda of, held: float(_majority_digits(of, held)), labels, clusters[1], seed=0),
        below=10.0,
        published=10.0,
    )
    for digit in range(10):
        yield Claim(
            f"components-of-digit-{digit}",
            f"components for $K=10$ whose majority digit is {digit}",
            "recomputation",
            float(_majorities(labels, stored[1]).count(digit)),
            float(_majorities(labels, clusters[1]).count(digit)),
            needs_full_budget=True,
        )
    for k, ours, theirs in zip((5, 10, 20), clusters, stored, strict=True):
        for word, extreme in (("least", min), ("most", max)):
            yield Claim(
                f"{word}-uniform-component-k{k}",
                f"percentage of the majority digit in the {word} uniform component, $K={k}$",
                "recomputation",
                100 * extreme(_uniformity(labels, theirs)),
                100 * extreme(_uniformity(labels, ours)),
                1e-9,
                needs_full_budget=True,
            )
    group = "(4, 7, 9 or 3, 5, 8)"
    (alike, others), (alike_stored, others_stored) = (_shared_component(labels, held) for held in (clusters[1], stored[1]))
    yield Claim(
        "alike-pairs-percentage",
        f"percentage of pairs of images of two digits that look alike {group} with one component, $K=10$",
        "recomputation",
        100 * alike_stored,
        100 * alike,
        1e-7,
    )
    yield Claim(
        "other-pairs-percentage",
        "the same percentage for all other pairs of digits",
        "recomputation",
        100 * others_stored,
        100 * others,
        1e-7,
    )

    def difference(of: np.ndarray, held: np.ndarray) -> float:
        one, other = _shared_component(of, held)
        return one - other

    yield Finding(
        "alike-share",
        f"chance that images of two digits that look alike {group} get one component, less that of other pairs, $K=10$",
        bootstrapped(difference, labels, clusters[1], seed=0, unit="share"),
        above=0.0,
    )


def _majorities(labels: np.ndarray, clusters: np.ndarray) -> list[int]:
    """The majority digit of each component that holds any image."""
    return [int(np.bincount(labels[clusters == c]).argmax()) for c in np.unique(clusters)]


def _majority_digits(labels: np.ndarray, clusters: np.ndarray) -> int:
    return len(set(_majorities(labels, clusters)))


def _uniformity(labels: np.ndarray, clusters: np.ndarray) -> list[float]:
    """The share of the majority digit among the images of each component."""
    counts = [np.bincount(labels[clusters == c]) for c in np.unique(clusters)]
    return [float(count.max() / count.sum()) for count in counts]


def _carries_majority(labels: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """Whether each image carries the majority digit of its component."""
    majority = dict(zip(np.unique(clusters).tolist(), _majorities(labels, clusters), strict=True))
    return np.asarray(labels == np.array([majority[int(c)] for c in clusters]))


def _shared_component(labels: np.ndarray, clusters: np.ndarray) -> tuple[float, float]:
    """Mean chance that one image each of two digits get the same component: digits that look alike, all other pairs."""
    digits = [int(digit) for digit in np.unique(labels)]
    shares = {
        digit: np.bincount(clusters[labels == digit], minlength=int(clusters.max()) + 1) / (labels == digit).sum()
        for digit in digits
    }
    chances: dict[bool, list[float]] = {True: [], False: []}
    for one, two in itertools.combinations(digits, 2):
        chances[any({one, two} <= group for group in ALIKE)].append(float(shares[one] @ shares[two]))
    alike, others = (sum(values) / max(len(values), 1) for values in (chances[True], chances[False]))
    return alike, others


@question("gdl-3e")
def gdl_3e(evidence: Evidence) -> Iterable[Claim | Finding]:
    """Samples of the mixture, and why their pixels do not hang together."""
    import torch

    from dgm.models import bmm

    tenths, fifths = ((9, 2), (3, 7)), (2, 3)
    outcomes = [
        (k, int(a < tenths[k][0]), int(b < tenths[k][1]))
        for k in range(2)
        for _ in range(fifths[k])
        for a, b in itertools.product(range(10), repeat=2)
    ]

    def covariance(chosen: list[tuple[int, int, int]]) -> Fraction:
        n = len(chosen)
        first, second, both = (sum(f) for f in zip(*((a, b, a * b) for _, a, b in chosen), strict=True))
        return Fraction(both, n) - Fraction(first * second, n * n)

    formula = float(bernoulli_mixture.mixture_covariance([[0.9, 0.2], [0.3, 0.7]], [0.4, 0.6])[0, 1])
    yield Claim(
        "covariance-of-pixels",
        "covariance of the two pixels of the small mixture",
        "enumeration",
        formula,
        float(covariance(outcomes)),
        1e-12,
        published=0.0,  # all pixels from one p, without the component that was picked
    )
    within = [covariance([o for o in outcomes if o[0] == k]) for k in range(2)]
    yield Claim(
        "covariances-given-component",
        "sum of the covariances given the component",
        "enumeration",
        0.0,
        float(sum(abs(value) for value in within)),
    )
    for run, k in zip(MIXTURES, (5, 10, 20), strict=True):
        drawn = evidence.measured(run, "neighbour_correlation_samples", "samples")
        yield Claim(
            f"sample-correlation-k{k}",
            f"$K={k}$: correlation of neighbouring pixels of samples given the component",
            "Monte Carlo",
            0.0,
            _neighbour_correlation(evidence.samples(run)),
            6 * drawn.stderr,
            needs_full_budget=True,
        )
        yield Finding(
            f"neighbours-k{k}",
            f"$K={k}$: correlation of neighbouring pixels given the component, real images minus samples",
            apart(evidence.measured(run, "neighbour_correlation_data"), drawn),
            above=0.1,  # far beyond what 2000 samples leave uncertain, and visible as strokes that hold together
        )
    yield from _plausibility(evidence)
    grey = sum(int(((values := evidence.samples(run)["samples"]) != 0).sum() - (values == 1).sum()) for run in MIXTURES)
    yield Claim("grey-pixels", "pixels of samples that are neither 0 nor 1", "recomputation", 0.0, float(grey))
    few_images = torch.tensor(((1, 0, 1), (0, 1, 1), (0, 0, 0)), dtype=torch.float64)
    own, _ = bmm.m_step(few_images, torch.eye(3, dtype=torch.float64), 1e-6)
    yield Claim(
        "distance-from-own-images",
        "distance of $p$ from the images with one component an image: the floor",
        "closed form",
        1e-6,
        float((own - few_images).abs().max()),
        1e-12,
    )


def _neighbour_correlation(samples: dict[str, np.ndarray]) -> float:
    """Correlation of horizontal neighbours within components, all pairs of pixels together."""
    left, right = [], []
    for component in np.unique(samples["components"]):
        images = samples["samples"][samples["components"] == component].astype(np.float64)
        centred = images - images.mean(0)
        left.append(centred[:, :, :-1].ravel())
        right.append(centred[:, :, 1:].ravel())
    one, other = np.concatenate(left), np.concatenate(right)
    size = math.sqrt(float(one @ one) * float(other @ other))
    return float(one @ other) / size if size else math.nan


def _plausibility(evidence: Evidence) -> Iterator[Finding]:
    """How the scores of samples move with the number of components and of images."""

    def score(run: str, metric: str) -> Measured:
        return evidence.measured(run, metric, "samples")

    learned = "what a digit classifier learns from a sample"
    for fewer, more in ((5, 10), (10, 20)):
        yield Finding(
            f"information-{more}",
            f"rise of {learned}, from $K={fewer}$ to $K={more}$",
            apart(score(f"bmm_k{more}", "class_information"), score(f"bmm_k{fewer}", "class_information")),
            above=0.0,
        )
    yield Finding(
        "verdicts-vary",
        "rise of the entropy of the classes given to samples, from $K=5$ to $K=20$",
        apart(score("bmm_k20", "class_entropy"), score("bmm_k5", "class_entropy")),
        above=0.0,
    )
    yield Finding(
        "distance-falls",
        "Fréchet distance of samples from real digits, $K=5$ minus $K=20$",
        apart(score("bmm_k5", "frechet_distance"), score("bmm_k20", "frechet_distance")),
        above=0.0,
    )
    yield Finding(
        "coverage-below-real",
        "share of real digits with a neighbour among training images minus that among samples of $K=20$",
        apart(score("real_thresholded", "coverage"), score("bmm_k20", "coverage")),
        above=0.0,
    )
    yield Finding(
        "more-images",
        f"{learned}, $K=20$: fitted to all training images minus fitted to a thousand",
        apart(score("bmm_k20_all", "class_information"), score("bmm_k20", "class_information")),
        above=0.0,
    )
    yield Finding(
        "more-components",
        "test log-likelihood an image, $K=500$ minus $K=100$, on all training images",
        paired(
            evidence.evaluations("bmm_stored_k500")["log_likelihood_test"],
            evidence.evaluations("bmm_stored_k100")["log_likelihood_test"],
        ),
        above=0.0,
    )
    yield Finding(
        "no-copies",
        "distance of samples of $K=100$ to the nearest training image over that of test images",
        score("bmm_stored_k100", "neighbour_ratio"),
        above=1.0,  # copies would have 0
    )
