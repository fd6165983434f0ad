"""Claims of gdl 3: the code of EM, and the mixtures that this build fitted to digits."""

import itertools
import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any, cast

import numpy as np

from dgm import bernoulli
from dgm.checks import Claim, Evidence, question
from dgm.checks.gdl._shared import DATA, MIXTURES, PI, P, component_terms, counted

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
    yield Claim("largest distance of a row sum from one, $D=784$", "closed form", 0.0, float((eta.sum(1) - 1).abs().max()), 1e-12)
    small = torch.tensor(DATA, dtype=torch.float64)
    eta, log_likelihood = bmm.e_step(small, torch.tensor(P, dtype=torch.float64), torch.tensor(PI, dtype=torch.float64)[:, None])
    brute = torch.tensor([[float(counted(x, k) / counted(x)) for k in range(2)] for x in DATA], dtype=torch.float64)
    yield Claim("largest difference from $16/19$, $4/151$, $4/11$", "enumeration", 0.0, float((eta - brute).abs().max()), 1e-12)
    summed = math.log(math.prod(counted(x) for x in DATA))
    yield Claim("log-likelihood of the small data set", "enumeration", float(log_likelihood.sum()), summed, 1e-12)
    extreme = torch.where(images[:2] > 0.5, 1e-6, 1 - 1e-6).double()  # every pixel of an image as improbable as the floor allows
    eta, log_likelihood = bmm.e_step(images[:2], extreme, torch.full((2, 1), 0.5, dtype=torch.float64))
    broken = int((~torch.isfinite(eta)).sum() + (~torch.isfinite(log_likelihood)).sum())
    yield Claim("entries that are NaN or infinite with all $p$ at the floor", "closed form", 0.0, float(broken))
    factors = np.full(784, 0.01)
    yield Claim("the plain product $0.01^{784}$ in double precision", "closed form", 0.0, float(np.prod(factors)))
    lost = int(np.argmax(np.cumprod(factors) == 0)) + 1
    yield Claim(
        "factors of $0.01$ after which the product is zero, less than half the least positive number $2^{-1074}$",
        "enumeration",
        float(math.ceil(1075 * math.log(2) / math.log(100))),
        float(lost),
    )
    ones = torch.ones((1, 784), dtype=torch.float64)
    one = torch.ones((1, 1), dtype=torch.float64)
    _, log_likelihood = bmm.e_step(ones, 0.01 * ones, one)
    yield Claim("logarithm of that product from the E step", "closed form", 784 * math.log(0.01), float(log_likelihood[0]), 1e-9)


@question("gdl-3b")
def gdl_3b(evidence: Evidence) -> Iterable[Claim]:
    """The M step against exact rationals and finite differences."""
    import torch
    from scipy.optimize import minimize_scalar

    from dgm.models import bmm

    images, _, p = _synthetic(1, 60, 784, 4)
    eta, _ = bmm.e_step(images, p, torch.full((4, 1), 0.25, dtype=torch.float64))
    new_p, new_weights = bmm.m_step(images, eta)
    yield Claim("the new weights sum to one", "closed form", 1.0, float(new_weights.sum()), 1e-12)
    outside = int((new_p <= 0).sum() + (new_p >= 1).sum())
    yield Claim("new pixel probabilities that are not strictly between 0 and 1", "closed form", 0.0, float(outside))
    exact_eta = [[counted(x, k) / counted(x) for k in range(2)] for x in DATA]
    small = torch.tensor(DATA, dtype=torch.float64)
    small_p, small_weights = bmm.m_step(small, torch.tensor(exact_eta, dtype=torch.float64))
    exact_p = torch.tensor([[9513 / 9722, 1539 / 4861], [25066 / 55789, 50806 / 55789]], dtype=torch.float64)
    yield Claim(
        "largest difference from the fractions found by hand for the three images",
        "exact rationals",
        0.0,
        float((small_p - exact_p).abs().max()),
        1e-12,
    )
    difference = abs(float(small_weights[0, 0]) - 38888 / 94677)
    yield Claim("difference from the weight found by hand", "exact rationals", 0.0, difference, 1e-12)
    step, slopes = 1e-6, []
    rows = small_p.tolist()
    for k, d in itertools.product(range(2), range(2)):
        values = []
        for sign in (1, -1):
            moved = [list(row) for row in rows]
            moved[k][d] += sign * step
            values.append(bernoulli.expected_complete_log_likelihood(DATA, exact_eta, moved, small_weights[:, 0].tolist()))
        slopes.append(abs(values[0] - values[1]) / (2 * step))
    yield Claim("largest slope of the E-step objective at the new p", "finite differences", 0.0, max(slopes), 1e-6)
    empty = torch.tensor([[1.0, 0.0]] * 3, dtype=torch.float64)
    guarded, unused = bmm.m_step(small, empty)
    yield Claim("pixel probability of a component without images", "closed form", 0.5, float(guarded[1].max()))
    yield Claim("weight of a component without images", "closed form", 0.0, float(unused[1, 0]))
    floor = 1e-6
    grid = np.linspace(floor, 1 - floor, 10_001)
    constant, _ = bmm.m_step(torch.ones((3, 2), dtype=torch.float64), torch.tensor(exact_eta, dtype=torch.float64), floor)
    size = sum(float(row[0]) for row in exact_eta)
    allowed = float(grid[np.argmax(size * np.log(grid))])
    yield Claim("best allowed $p$ of a pixel that is always on", "optimisation", float(constant[0, 0]), allowed, 1e-12)
    alpha, total = 1.0, sum(float(row[0]) * x[0] for row, x in zip(exact_eta, DATA, strict=True))
    found = minimize_scalar(
        lambda q: -(total + alpha) * math.log(q) - (size - total + alpha) * math.log(1 - q),
        bounds=(1e-6, 1 - 1e-6),
        method="bounded",
        options={"xatol": 1e-10},
    ).x
    yield Claim(
        "maximum a-posteriori estimate with a pseudo-count of $\\alpha=1$, component 1, pixel 1",
        "optimisation",
        (total + alpha) / (size + 2 * alpha),
        float(found),
        1e-6,
    )


@question("gdl-3c")
def gdl_3c(evidence: Evidence) -> Iterable[Claim]:
    """Monotone likelihood of the trained mixtures, and recovery of known parameters."""
    import torch

    from dgm.models import bmm

    largest, apart = 0.0, 0.0
    heights: dict[str, list[float]] = {}
    for run in (*MIXTURES, "bmm_k20_all"):
        history = evidence.history(run)
        heights[run] = []
        for term, trace in history.groupby("term"):
            ordered = trace.sort_values("step")["value"].to_numpy()
            largest = max(largest, float(-np.diff(ordered).min(initial=0.0)))
            if str(term).startswith("log_likelihood/"):
                heights[run].append(float(ordered[-1]))
        apart = max(apart, abs(_kept(evidence, run)[-1] - max(heights[run])))
    yield Claim(
        "largest fall of the log-likelihood an image between two iterations, all runs and starts",
        "recomputation",
        0.0,
        largest,
        1e-9,
    )
    yield Claim(
        "largest distance of the kept start from the best one, in nats an image",
        "recomputation",
        0.0,
        apart,
        1e-3,
        needs_full_budget=True,
    )
    kept, ends = _kept(evidence, "bmm_k10"), heights["bmm_k10"]
    spread = max(ends) - min(ends)
    yield Claim(
        "best minus worst of the starts for $K=10$, in nats an image",
        "recomputation",
        float(kept[-1]) - min(ends),
        spread,
        1e-3,
        needs_full_budget=True,
    )
    yield Claim(
        "the starts for $K=10$ end more than 0.1 nats an image apart",
        "recomputation",
        expected=True,
        computed=spread > 0.1,
        needs_full_budget=True,
    )
    yield Claim(
        "share of the whole gain that the first five iterations bring, $K=10$ (nine tenths or more)",
        "recomputation",
        0.95,
        float((kept[:6][-1] - kept[0]) / (kept[-1] - kept[0])) if len(kept) > 1 else 1.0,
        0.05,
        needs_full_budget=True,
    )
    images, components, truth = _synthetic(2, 200, 784, 3)
    fits = []
    for start in range(5):
        p, weights = bmm.initialise(images, 3, torch.Generator().manual_seed(start))
        for _ in range(40):
            p, weights, total = bmm.em_iteration(images, p, weights)
        fits.append((float(total), start, p, weights))
    _, _, p, weights = max(fits, key=lambda fitted: fitted[:2])
    assigned = bmm.e_step(images, p, weights)[0].argmax(1)
    match = [int(torch.mode(components[assigned == k]).values) if bool((assigned == k).any()) else 0 for k in range(3)]
    right = float((torch.tensor(match)[assigned] == components).double().mean())
    yield Claim("share of 200 synthetic images given to their own component", "Monte Carlo", 1.0, right)
    error = float((p - truth[match]).abs().mean())
    means = torch.stack([images[components == k].mean(0) for k in range(3)])
    floor = float((means - truth).abs().mean())
    yield Claim("mean error of the recovered p equals that of the true groups' means", "Monte Carlo", floor, error, 1e-3)
    twin = torch.full((2, 784), 0.5, dtype=torch.float64)
    weights = torch.full((2, 1), 0.5, dtype=torch.float64)
    for _ in range(5):
        twin, weights, _ = bmm.em_iteration(images, twin, weights)
    yield Claim("equal rows stay equal for ever", "closed form", 0.0, float((twin[0] - twin[1]).abs().max()), 1e-12)
    joint = [[float(counted(x, k)) for k in range(2)] for x in DATA]
    exact = [[float(counted(x, k) / counted(x)) for k in range(2)] for x in DATA]

    def bound(q: Sequence[Sequence[float]]) -> float:
        pairs = [(w, j) for row, weights in zip(joint, q, strict=True) for j, w in zip(row, weights, strict=True)]
        return sum(w * (math.log(j) - math.log(w)) for w, j in pairs)

    q = ((0.5, 0.5), (0.1, 0.9), (0.7, 0.3))
    gap = sum(
        w * math.log(w / float(eta))
        for row, weights in zip(bernoulli.responsibilities(DATA, P, PI), q, strict=True)
        for w, eta in zip(weights, row, strict=True)
    )
    evidence_log = math.log(math.prod(counted(x) for x in DATA))
    yield Claim(
        "bound plus divergence for an arbitrary $q$, against $\\log P(X)$", "enumeration", evidence_log, bound(q) + gap, 1e-12
    )
    yield Claim("the bound after an E step, against $\\log P(X)$", "enumeration", evidence_log, bound(exact), 1e-12)


def _kept(evidence: Evidence, run: str) -> np.ndarray:
    """Training log-likelihood an image of the kept start, one number an iteration."""
    history = evidence.history(run)
    return cast(np.ndarray, history[history["term"] == "log_likelihood"].sort_values("step")["value"].to_numpy())


@question("gdl-3d")
def gdl_3d(evidence: Evidence) -> Iterable[Claim]:
    """The fitted prototypes for K = 5, 10, 20."""
    from dgm.artefacts import load_model

    distance, fitted, gaps, purity, held_by = 0.0, [], [], [], np.zeros(0, int)
    for run, k in zip(MIXTURES, (5, 10, 20), strict=True):
        prototypes = evidence.samples(run)["prototypes"]
        good = prototypes.shape == (k, 28, 28) and bool((prototypes >= 0).all() and (prototypes <= 1).all())
        yield Claim(f"$K={k}$: {k} times 784 pixel probabilities in $[0,1]$", "recomputation", expected=True, computed=good)
        model = cast(Any, load_model(evidence.model_path(run)))
        distance = max(distance, float(np.abs(model.p.numpy().reshape(-1, 28, 28) - prototypes).max()))
        terms, labels = component_terms(evidence, run)
        held_out = float(np.logaddexp.reduce(terms, axis=1).mean())
        stated, final = evidence.metric(run, "log_likelihood"), float(_kept(evidence, run)[-1])
        yield Claim(f"test log-likelihood recomputed pixel by pixel, $K={k}$", "recomputation", stated, held_out, 1e-6)
        yield Claim(f"training minus test log-likelihood, $K={k}$", "recomputation", final - stated, final - held_out, 1e-6)
        clusters = terms.argmax(1)
        if k == 10:
            held_by = clusters
        fitted.append(final)
        gaps.append(final - held_out)
        purity.append(_most_frequent(labels, clusters)[1])
        yield Claim(
            f"purity recomputed from the most frequent digit of each component, $K={k}$",
            "recomputation",
            evidence.metric(run, "purity"),
            purity[-1],
            1e-9,
            needs_full_budget=True,
            published=1.0 if k == 10 else None,  # one digit a cluster
        )
    yield Claim("largest distance of the drawn prototypes from the rows of the stored p", "recomputation", 0.0, distance, 1e-6)
    stored = evidence.evaluations("bmm_k10")["clusters_test"]
    yield Claim(
        "different majority digits of the ten components",
        "recomputation",
        float(len(_most_frequent(labels, stored)[0])),
        float(len(_most_frequent(labels, held_by)[0])),
        needs_full_budget=True,
        published=10.0,
    )
    alike, others = _shared_component(labels, held_by)
    alike_stored, others_stored = _shared_component(labels, stored)
    group = "(4, 7, 9 or 3, 5, 8)"
    yield Claim(
        f"chance that images of two digits that look alike {group} get one component, $K=10$",
        "recomputation",
        alike_stored,
        alike,
        1e-9,
    )
    yield Claim("the same chance for all other pairs of digits", "recomputation", others_stored, others, 1e-9)
    yield Claim(
        f"digits that look alike {group} share a component more often than others do",
        "recomputation",
        expected=True,
        computed=alike > others,
        needs_full_budget=True,
    )
    _, counts = np.unique(labels, return_counts=True)
    reachable = float(np.sort(counts)[-5:].sum() / counts.sum())
    yield Claim(
        "purity that five components can reach at most",
        "recomputation",
        5 / max(len(counts), 5),
        reachable,
        0.05,
        needs_full_budget=True,
    )
    yield Claim(
        "training log-likelihood rises from $K=5$ over 10 to 20",
        "recomputation",
        expected=True,
        computed=fitted[0] < fitted[1] < fitted[2],
        needs_full_budget=True,
    )
    yield Claim(
        "purity rises from $K=5$ to $K=20$", "recomputation", expected=True, computed=purity[0] < purity[2], needs_full_budget=True
    )
    entropy = [evidence.metric(run, "prototype_entropy", "model") for run in MIXTURES]
    yield Claim(
        "prototypes are sharper (less entropy a pixel) for $K=20$ than for $K=5$",
        "recomputation",
        expected=True,
        computed=entropy[2] < entropy[0],
        needs_full_budget=True,
    )
    yield Claim(
        "the distance of training from test likelihood grows from $K=5$ to $K=20$",
        "recomputation",
        expected=True,
        computed=gaps[2] > gaps[0],
        needs_full_budget=True,
    )


def _most_frequent(labels: np.ndarray, clusters: np.ndarray) -> tuple[set[int], float]:
    """The majority digits of the components, and the share of images that carry the majority digit of theirs."""
    counts = [np.bincount(labels[clusters == c]) for c in np.unique(clusters)]
    return {int(count.argmax()) for count in counts}, float(sum(count.max() for count in counts) / len(labels))


def _shared_component(labels: np.ndarray, clusters: np.ndarray) -> tuple[float, float]:
    """Mean chance that one image each of two digits get the same component: digits that look alike, all other pairs."""
    digits = [int(digit) for digit in np.unique(labels)]
    law = {
        digit: np.bincount(clusters[labels == digit], minlength=int(clusters.max()) + 1) / (labels == digit).sum()
        for digit in digits
    }
    chances: dict[bool, list[float]] = {True: [], False: []}
    for one, two in itertools.combinations(digits, 2):
        chances[any({one, two} <= group for group in ALIKE)].append(float(law[one] @ law[two]))
    alike, others = (sum(values) / max(len(values), 1) for values in (chances[True], chances[False]))
    return alike, others


@question("gdl-3e")
def gdl_3e(evidence: Evidence) -> Iterable[Claim]:
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

    formula = float(bernoulli.mixture_covariance([[0.9, 0.2], [0.3, 0.7]], [0.4, 0.6])[0, 1])
    yield Claim(
        "covariance of the two pixels of the small mixture",
        "enumeration",
        formula,
        float(covariance(outcomes)),
        1e-12,
        published=0.0,  # all pixels from one p, without the component that was picked
    )
    within = [covariance([o for o in outcomes if o[0] == k]) for k in range(2)]
    yield Claim("sum of the covariances given the component", "enumeration", 0.0, float(sum(abs(value) for value in within)))
    for run, k in zip(MIXTURES, (5, 10, 20), strict=True):
        yield Claim(
            f"$K={k}$: correlation of neighbouring pixels of samples given the component",
            "recomputation",
            0.0,
            evidence.metric(run, "neighbour_correlation_samples", "samples"),
            0.05,
            needs_full_budget=True,
        )
    for run, k in zip(MIXTURES, (5, 10, 20), strict=True):
        yield Claim(
            f"$K={k}$: that correlation in real images of a component exceeds 0.1",
            "recomputation",
            expected=True,
            computed=evidence.metric(run, "neighbour_correlation_data") > 0.1,
            needs_full_budget=True,
        )
    few, some, many = (evidence.metric(run, "class_information", "samples") for run in MIXTURES)
    yield Claim(
        "a digit classifier learns more from samples the more components there are",
        "recomputation",
        expected=True,
        computed=few < some < many,
        needs_full_budget=True,
    )
    grey = sum(int(((values := evidence.samples(run)["samples"]) != 0).sum() - (values == 1).sum()) for run in MIXTURES)
    yield Claim("pixels of samples that are neither 0 nor 1", "recomputation", 0.0, float(grey))
    few_images = torch.tensor(((1, 0, 1), (0, 1, 1), (0, 0, 0)), dtype=torch.float64)
    own, _ = bmm.m_step(few_images, torch.eye(3, dtype=torch.float64), 1e-6)
    yield Claim(
        "distance of $p$ from the images with one component an image: the floor",
        "closed form",
        1e-6,
        float((own - few_images).abs().max()),
        1e-12,
    )
