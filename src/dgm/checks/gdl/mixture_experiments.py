"""Claims of gdl 3: the code of EM, and the mixtures that this build fitted to digits."""

import itertools
import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Any, cast

import numpy as np

from dgm import bernoulli
from dgm.checks import Claim, Evidence, question
from dgm.checks.gdl._shared import DATA, MIXTURES, PI, P, counted

__all__: list[str] = []


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
    yield Claim("largest distance of a row sum from one, D = 784", "trained model", 0.0, float((eta.sum(1) - 1).abs().max()), 1e-12)
    small = torch.tensor(DATA, dtype=torch.float64)
    eta, log_likelihood = bmm.e_step(small, torch.tensor(P, dtype=torch.float64), torch.tensor(PI, dtype=torch.float64)[:, None])
    brute = torch.tensor([[float(counted(x, k) / counted(x)) for k in range(2)] for x in DATA], dtype=torch.float64)
    yield Claim("largest difference from 16/19, 4/151, 4/11", "enumeration", 0.0, float((eta - brute).abs().max()), 1e-12)
    summed = math.log(math.prod(counted(x) for x in DATA))
    yield Claim("log-likelihood of the small data set", "enumeration", float(log_likelihood.sum()), summed, 1e-12)
    extreme = torch.where(images[:2] > 0.5, 1e-6, 1 - 1e-6).double()  # every pixel of an image as improbable as the floor allows
    eta, log_likelihood = bmm.e_step(images[:2], extreme, torch.full((2, 1), 0.5, dtype=torch.float64))
    finite = bool(torch.isfinite(eta).all() and torch.isfinite(log_likelihood).all())
    yield Claim("no NaN and no infinity with all p at the floor", "trained model", expected=True, computed=finite)
    yield Claim("the plain product 0.01^784 in double precision", "closed form", 0.0, math.prod([0.01] * 784))
    ones = torch.ones((1, 784), dtype=torch.float64)
    one = torch.ones((1, 1), dtype=torch.float64)
    _, log_likelihood = bmm.e_step(ones, 0.01 * ones, one)
    yield Claim("its logarithm from the E step", "closed form", 784 * math.log(0.01), float(log_likelihood[0]), 1e-9)


@question("gdl-3b")
def gdl_3b(evidence: Evidence) -> Iterable[Claim]:
    """The M step against exact rationals and finite differences."""
    import torch

    from dgm.models import bmm

    images, _, p = _synthetic(1, 60, 784, 4)
    eta, _ = bmm.e_step(images, p, torch.full((4, 1), 0.25, dtype=torch.float64))
    new_p, new_weights = bmm.m_step(images, eta)
    yield Claim("the new weights sum to one", "closed form", 1.0, float(new_weights.sum()), 1e-12)
    inside = bool((new_p > 0).all() and (new_p < 1).all())
    yield Claim("all new pixel probabilities lie strictly between 0 and 1", "closed form", expected=True, computed=inside)
    exact_eta = [[counted(x, k) / counted(x) for k in range(2)] for x in DATA]
    small = torch.tensor(DATA, dtype=torch.float64)
    small_p, small_weights = bmm.m_step(small, torch.tensor(exact_eta, dtype=torch.float64))
    exact_p = torch.tensor([[9513 / 9722, 1539 / 4861], [25066 / 55789, 50806 / 55789]], dtype=torch.float64)
    yield Claim(
        "largest difference from the exact fractions of 2.c.i",
        "exact rationals",
        0.0,
        float((small_p - exact_p).abs().max()),
        1e-12,
    )
    difference = abs(float(small_weights[0, 0]) - 38888 / 94677)
    yield Claim("difference from the exact weight of 2.c.ii", "exact rationals", 0.0, difference, 1e-12)
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
    guarded = all(bool(torch.isfinite(values).all()) for values in bmm.m_step(small, empty))
    yield Claim("a component without images gives no NaN", "closed form", expected=True, computed=guarded)


@question("gdl-3c")
def gdl_3c(evidence: Evidence) -> Iterable[Claim]:
    """Monotone likelihood of the trained mixtures, and recovery of known parameters."""
    import torch

    from dgm.models import bmm

    largest, kept = 0.0, True
    for run in (*MIXTURES, "bmm_k20_all"):
        history = evidence.history(run)
        finals = []
        for term, trace in history.groupby("term"):
            ordered = trace.sort_values("step")["value"].to_numpy()
            largest = max(largest, float(-np.diff(ordered).min(initial=0.0)))
            if str(term).startswith("log_likelihood/"):
                finals.append(ordered[-1])
        best = history[history["term"] == "log_likelihood"].sort_values("step")["value"].to_numpy()[-1]
        kept = kept and bool(abs(best - max(finals)) < 1e-3)
    yield Claim(
        "largest fall of the log-likelihood an image between two iterations, all runs and starts",
        "trained model",
        0.0,
        largest,
        1e-9,
    )
    yield Claim(
        "the kept start is the best one (to 0.001 nats an image)",
        "trained model",
        expected=True,
        computed=kept,
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
    q = ((0.5, 0.5), (0.1, 0.9), (0.7, 0.3))
    joint = [[float(counted(x, k)) for k in range(2)] for x in DATA]
    bound = sum(
        w * (math.log(j) - math.log(w)) for row, weight in zip(joint, q, strict=True) for j, w in zip(row, weight, strict=True)
    )
    gap = sum(
        w * math.log(w / float(eta))
        for weight, row in zip(q, bernoulli.responsibilities(DATA, P, PI), strict=True)
        for w, eta in zip(weight, row, strict=True)
    )
    evidence_log = math.log(math.prod(counted(x) for x in DATA))
    yield Claim("log P(X) is the bound plus D(q||P(Z|X)) for an arbitrary q", "enumeration", evidence_log, bound + gap, 1e-12)


def _final(evidence: Evidence, run: str) -> float:
    """Training log-likelihood an image of the kept start at the end."""
    history = evidence.history(run)
    return float(history[history["term"] == "log_likelihood"].sort_values("step")["value"].iloc[-1])


@question("gdl-3d")
def gdl_3d(evidence: Evidence) -> Iterable[Claim]:
    """The fitted prototypes for K = 5, 10, 20."""
    from dgm.artefacts import load_model

    for run, k in zip(MIXTURES, (5, 10, 20), strict=True):
        prototypes = evidence.samples(run)["prototypes"]
        good = prototypes.shape == (k, 28, 28) and bool((prototypes >= 0).all() and (prototypes <= 1).all())
        yield Claim(f"K = {k}: {k} x 784 pixel probabilities in [0, 1]", "trained model", expected=True, computed=good)
    data = evidence.images()
    images = (data["test_images"].reshape(-1, 784) > 127).astype(np.float64)
    distance, likelihood, gaps, joint = 0.0, [], [], np.zeros((1, 1))
    for run, k in zip(MIXTURES, (5, 10, 20), strict=True):
        model = cast(Any, load_model(evidence.model_path(run)))
        p, weights = model.p.numpy(), model.mix_p.numpy().ravel()
        distance = max(distance, float(np.abs(p.reshape(-1, 28, 28) - evidence.samples(run)["prototypes"]).max()))
        # pixel by pixel over a loop of components, unlike the one matrix product of the model
        terms = [np.log(weights[c]) + np.where(images > 0, np.log(p[c]), np.log1p(-p[c])).sum(1) for c in range(k)]
        held_out = float(np.logaddexp.reduce(terms, axis=0).mean())
        stated, fitted = evidence.metric(run, "log_likelihood"), _final(evidence, run)
        yield Claim(f"test log-likelihood recomputed pixel by pixel, K = {k}", "trained model", stated, held_out, 1e-6)
        yield Claim(f"training minus test, K = {k}", "trained model", fitted - stated, fitted - held_out, 1e-6)
        likelihood.append(fitted)
        gaps.append(fitted - held_out)
        if k == 10:
            joint = np.stack(terms, axis=1)
    clusters, labels = joint.argmax(1), data["test_labels"]
    majority = {int(np.bincount(labels[clusters == c]).argmax()) for c in np.unique(clusters)}
    yield Claim(
        "different majority digits of the ten components (fewer than ten)",
        "trained model",
        expected=5.0,
        computed=float(len(majority)),
        tolerance=4.0,
        needs_full_budget=True,
    )
    yield Claim("the drawn prototypes are the rows of the stored p", "trained model", 0.0, distance, 1e-6)
    yield Claim(
        "training log-likelihood rises from K = 5 over 10 to 20",
        "trained model",
        expected=True,
        computed=likelihood[0] < likelihood[1] < likelihood[2],
        needs_full_budget=True,
    )
    purity = [evidence.metric(run, "purity") for run in MIXTURES]
    yield Claim(
        "purity rises from K = 5 to K = 20", "trained model", expected=True, computed=purity[0] < purity[2], needs_full_budget=True
    )
    entropy = [evidence.metric(run, "prototype_entropy", "model") for run in MIXTURES]
    yield Claim(
        "prototypes are sharper (less entropy a pixel) for K = 20 than for K = 5",
        "trained model",
        expected=True,
        computed=entropy[2] < entropy[0],
        needs_full_budget=True,
    )
    yield Claim(
        "the distance of training from test likelihood grows from K = 5 to K = 20",
        "trained model",
        expected=True,
        computed=gaps[2] > gaps[0],
        needs_full_budget=True,
    )


@question("gdl-3e")
def gdl_3e(evidence: Evidence) -> Iterable[Claim]:
    """Samples of the mixture, and why their pixels do not hang together."""
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
    yield Claim("covariance of the two pixels of the small mixture", "enumeration", formula, float(covariance(outcomes)), 1e-12)
    within = [covariance([o for o in outcomes if o[0] == k]) for k in range(2)]
    yield Claim("covariance given the component", "enumeration", 0.0, float(sum(abs(value) for value in within)))
    for run in MIXTURES:
        yield Claim(
            f"{run}: correlation of neighbouring pixels of samples given the component",
            "trained model",
            0.0,
            evidence.metric(run, "neighbour_correlation_samples", "samples"),
            0.05,
            needs_full_budget=True,
        )
    for run in MIXTURES:
        yield Claim(
            f"{run}: the same correlation in real images of a cluster exceeds 0.1",
            "trained model",
            expected=True,
            computed=evidence.metric(run, "neighbour_correlation_data") > 0.1,
            needs_full_budget=True,
        )
    few, some, many = (evidence.metric(run, "class_information", "samples") for run in MIXTURES)
    yield Claim(
        "a digit classifier learns more from samples the more components there are",
        "trained model",
        expected=True,
        computed=few < some < many,
        needs_full_budget=True,
    )
    values = {int(v) for run in MIXTURES for v in np.unique(evidence.samples(run)["samples"])}
    yield Claim("samples are binary images", "trained model", expected=True, computed=values <= {0, 1})
