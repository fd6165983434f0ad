"""Claims about vector quantisation: rate and error of discrete codes, choice of the nearest, straight-through gradient, codebook.

``stated`` is what the answers state. ``found`` runs the code of the trained model (:mod:`dgm.layers.codebook`) through
automatic differentiation or repeated updates, searches over all codes, sums over all outcomes, or reads the trained model. Findings
compare the trained model with the convolutional autoencoder on the same images.
"""

import functools
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from dgm.claims.claim import Claim, Finding, holds, paired
from dgm.claims.evidence import Evidence
from dgm.claims.registry import question
from dgm.maths import measured as measurements
from dgm.maths import ring_mixture
from dgm.maths.measured import Measured

if TYPE_CHECKING:
    from torch import Tensor

__all__: list[str] = []

RUN = "vqvae"
CONTINUOUS = "vae_conv"
CLUSTERS, RADIUS, DRAWS = 8, 10.0, 40_000
SIDE = 7
POSITIONS = SIDE * SIDE
AT_ONCE = 500
CURVE_IMAGES = 1000  # test images behind the points of a learning curve, where there are so many


@functools.cache
def _clustered() -> tuple[np.ndarray, np.ndarray]:
    """Points of eight unit Gaussians on a circle, and the cluster of each."""
    return ring_mixture.sample(DRAWS, CLUSTERS, RADIUS, np.random.default_rng(0))


@functools.cache
def _coded() -> tuple[np.ndarray, np.ndarray]:
    """Codes and reconstructions of the points, by a codebook of eight moving averages that starts at one point of each cluster."""
    import torch

    from dgm.layers.codebook import Codebook, nearest

    points, clusters = _clustered()
    x = torch.from_numpy(points).float()
    first = [int(np.flatnonzero(clusters == cluster)[0]) for cluster in range(CLUSTERS)]
    book = Codebook(CLUSTERS, 2, decay=0.9, least=1e-6)
    book.vectors[:], book.sums[:], book.counts[:] = x[first], x[first], 1.0
    generator = torch.Generator().manual_seed(0)
    for _ in range(80):
        book.update(x, nearest(x, book.vectors), generator)
    codes = nearest(x, book.vectors)
    return codes.numpy(), book.vectors[codes].numpy()


def _entropy_in_bits(counts: np.ndarray) -> float:
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log2(share)).sum())


@question("dgm-4-1")
def dgm_4_1(evidence: Evidence) -> Iterable[Claim]:
    """Eight clusters: a code for each, against a Gaussian latent variable of the same rate."""
    points, _ = _clustered()
    codes, decoded = _coded()
    error = float(((points - decoded) ** 2).sum(1).mean())
    yield Claim(
        "error-of-cluster-codes",
        "squared error of a code for each cluster: the variance within clusters",
        "Monte Carlo",
        2.0,
        error,
        0.06,
    )
    rate = _entropy_in_bits(np.bincount(codes, minlength=CLUSTERS))
    yield Claim("bits-of-a-code", "bits a code carries", "Monte Carlo", 3.0, rate, 0.002)

    # The Gaussian latent variable: q(z|x) = N(a x, v) for each coordinate, prior N(0, 1), linear decoder; a and v such that the
    # mean divergence is half the bits of a code and z has variance 1, which is the best such channel.
    variance = 1 + RADIUS**2 / 2
    v = 2.0**-3
    a = math.sqrt((1 - v) / variance)
    z = a * points + math.sqrt(v) * np.random.default_rng(1).standard_normal(points.shape)
    slope = (points * z).mean() / (z * z).mean()  # least squares
    divergence = 0.5 * (v + (a * points) ** 2 - 1 - math.log(v)).sum(1).mean() / math.log(2)
    yield Claim(
        "bits-of-gaussian-code",
        "bits of the Gaussian code: mean divergence from the prior",
        "Monte Carlo",
        3.0,
        float(divergence),
        0.02,
    )
    smooth = float(((points - slope * z) ** 2).sum(1).mean())
    yield Claim(
        "error-of-gaussian-code",
        "squared error of the Gaussian code of the same rate",
        "Monte Carlo",
        2 * variance / 8,
        smooth,
        0.3,
    )
    at_centre, halfway = ring_mixture.log_density(_between(), CLUSTERS, RADIUS)
    fall = 0.5 * (RADIUS * math.sin(math.pi / CLUSTERS)) ** 2 - math.log(2)
    statement = "log-density at a cluster's centre minus halfway to the next"
    yield Claim("log-density-fall-between-clusters", statement, "closed form", fall, float(at_centre - halfway), 1e-3)

    uniform = np.full(512, 1 / 512)
    divergences = [float((q[q > 0] * np.log(q[q > 0] / uniform[q > 0])).sum()) for q in np.eye(512)]
    away = max(abs(divergence - math.log(512)) for divergence in divergences)
    statement = r"divergence of a one-point posterior, largest distance from $\log512$ over all 512 codes"
    yield Claim("one-point-divergence-error", statement, "enumeration", 0.0, away, 1e-12)
    used = evidence.metric(RUN, "kl_uniform_prior")
    size = len(evidence.evaluations(RUN)["code_usage"])
    yield Claim(
        "trained-image-divergence",
        "divergence of an image of the trained model, uniform prior",
        "recomputation",
        POSITIONS * math.log(size),
        used,
        1e-9,
    )


def _between() -> np.ndarray:
    """The centre of one cluster, and the midpoint between it and its neighbour."""
    angle = 2 * math.pi / CLUSTERS
    centre, neighbour = (RADIUS * np.array([math.cos(k * angle), math.sin(k * angle)]) for k in (0, 1))
    return np.stack([centre, (centre + neighbour) / 2])


@question("dgm-4-2")
def dgm_4_2(evidence: Evidence) -> Iterable[Claim | Finding]:
    """The posterior puts everything on the nearest code; the prior's share of the bound."""
    import torch

    from dgm.layers.codebook import nearest

    generator = torch.Generator().manual_seed(0)
    z, book = torch.randn((500, 16), generator=generator), torch.randn((64, 16), generator=generator)
    yield Claim(
        "random-vectors-not-nearest",
        "vectors whose code is not the nearest",
        "enumeration",
        0,
        _wrong(z.numpy(), book.numpy(), nearest(z, book).numpy()),
    )
    q = np.eye(64)[nearest(z, book).numpy()]
    distance = np.square(z.numpy()[:, None].astype(np.float64) - book.numpy()[None].astype(np.float64)).sum(2)
    on_nearest = float(q[np.arange(500), distance.argmin(1)].mean())
    yield Claim(
        "probability-of-nearest-code",
        "probability that the posterior gives to the nearest of all codes, mean",
        "enumeration",
        1.0,
        on_nearest,
    )
    logits = -(distance - distance.min(1, keepdims=True)) / 1e-6
    soft = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    yield Claim(
        "softmax-limit-error",
        "the posterior is the limit of a softmax of squared distances",
        "closed form",
        0.0,
        float(np.abs(soft - q).max()),
        1e-6,
    )
    one, uniform = np.eye(512)[7], np.full(512, 1 / 512)
    divergence = sum(float(a * math.log(a / b)) for a, b in zip(one, uniform, strict=True) if a > 0)
    yield Claim(
        "nats-of-one-position",
        "divergence of one position with 512 codes (nats)",
        "enumeration",
        6.238324625039508,
        divergence,
        1e-12,
    )
    yield Claim(
        "bits-of-one-position",
        "divergence of one position with 512 codes in bits",
        "enumeration",
        9.0,
        divergence / math.log(2),
        1e-12,
    )

    gaps, drawn = zip(*map(_one_term, range(50)), strict=True)
    statement = r"smallest $\log p(x)$ minus its bound by one of nine grids, over 50 random decoders, is positive"
    yield holds("one-grid-bound-below-evidence", statement, "enumeration", min(gaps) > 0)
    yield Claim(
        "five-draw-bound-difference",
        "importance-weighted bound with five draws minus the bound, largest difference",
        "enumeration",
        0.0,
        max(map(abs, drawn)),
        1e-12,
    )

    encodings, codes, vectors = _encoded(evidence)
    yield Claim(
        "trained-positions-not-nearest",
        "positions of trained images whose code is not the nearest",
        "enumeration",
        0,
        _wrong(encodings, vectors, codes),
    )
    size = len(vectors)
    yield from _bounds(evidence, size)
    binary, codes = _binarised(evidence)
    yield from _use(evidence, np.bincount(codes.ravel(), minlength=size))
    yield from _background(binary, codes, size)


def _bounds(evidence: Evidence, size: int) -> Iterable[Finding]:
    """The trained model against the continuous one, image by image, and its learned prior against the uniform one."""
    gain = evidence.measured(RUN, "prior_gain")
    yield Finding("prior-gain", "bound under the learned prior minus bound under the uniform one", _nats(gain), above=0.0)
    ours, theirs = evidence.evaluations(RUN), evidence.evaluations(CONTINUOUS)
    apart = {name: paired(ours[f"{name}_test"], theirs[f"{name}_test"]) for name in ("reconstruction", "kl", "bound")}
    against = "VQ-VAE minus continuous autoencoder"
    yield Finding("better-reconstruction", f"reconstruction of test images: {against}", apart["reconstruction"], above=0.0)
    yield Finding("longer-code", f"divergence of test images: {against}", apart["kl"], above=0.0)
    yield Finding("lower-bound", f"bound of test images: {against}", apart["bound"], below=0.0)
    entropy, position = evidence.measured(RUN, "code_entropy"), evidence.measured(RUN, "kl_per_position")
    # H minus the cost of a position is due to the arrangement, log K minus H to the frequencies; both estimates may err together
    arrangement = 2 * entropy.value - position.value - math.log(size)
    error = 2 * entropy.stderr + position.stderr
    yield Finding(
        "arrangement-outweighs-frequencies",
        "nats a position that the learned prior gains by the arrangement of the codes minus what it gains by their frequencies",
        Measured(arrangement, error, position.n, "nats"),
        above=0.0,
    )
    spread = evidence.measured(RUN, "code_perplexity")
    yield Finding("half-the-codebook", "perplexity of the codes over all positions of all test images", spread, above=size / 2)


def _binarised(evidence: Evidence) -> tuple[np.ndarray, np.ndarray]:
    """The test images, binarised at random [n, 28, 28], and their codes by the trained model [n, 49]."""
    import torch

    from dgm.models import load_model
    from dgm.models.vqvae import Model

    model = load_model(evidence.model_path(RUN))
    assert isinstance(model, Model)
    images = evidence.images()["test_images"]
    binary = np.random.default_rng(0).random(images.shape) < images / 255
    x = torch.from_numpy(binary).float().flatten(1)
    with torch.no_grad():
        codes = torch.cat([model.quantise(model.encode(part)) for part in x.split(AT_ONCE)])
    return binary, codes.numpy()


def _use(evidence: Evidence, usage: np.ndarray) -> Iterable[Claim]:
    """How often each code occurs, against the tables, whose pixels were drawn anew too."""
    perplexity, error = (evidence.metric(RUN, "code_perplexity", field=field) for field in ("value", "stderr"))
    statement = "perplexity of the codes over all test images, for another draw of their pixels"
    yield Claim("perplexity-of-codes", statement, "Monte Carlo", perplexity, 2 ** _entropy_in_bits(usage), 5 * error)
    # another draw of the pixels may have or lack a code that occurs a few times only
    rare = float(((usage < 10) | (evidence.evaluations(RUN)["code_usage"] < 10)).sum())
    statement = "codes used by the test images, for another draw of their pixels"
    yield Claim("codes-used", statement, "Monte Carlo", evidence.metric(RUN, "codes_used"), int((usage > 0).sum()), rare)


def _background(binary: np.ndarray, codes: np.ndarray, size: int) -> Iterable[Finding]:
    """How much of the codebook goes to patches of 4 x 4 pixels without ink, on binarised test images."""
    empty = ~binary.reshape(-1, SIDE, 4, SIDE, 4).any((2, 4)).reshape(-1, POSITIONS)
    share = measurements.mean(empty.mean(1), unit="share")
    yield Finding("mostly-background", "share of the positions of test images whose patch has no ink", share, above=0.5)

    def perplexity(chosen: np.ndarray, without_ink: np.ndarray) -> float:
        return float(2 ** _entropy_in_bits(np.bincount(chosen[without_ink], minlength=size)))

    spread = measurements.bootstrapped(perplexity, codes, empty, seed=0)
    statement = "perplexity of the codes of patches without ink, against a quarter of the codebook"
    yield Finding("background-codes", statement, spread, above=size / 4)
    most = int(np.bincount(codes.ravel(), minlength=size).argmax())

    def without_ink(chosen: np.ndarray, empty: np.ndarray) -> float:
        return float(empty[chosen == most].mean()) if (chosen == most).any() else 0.0

    bare = measurements.bootstrapped(without_ink, codes, empty, seed=0, unit="share")
    yield Finding(
        "most-frequent-is-background", "share of patches without ink among those with the most frequent code", bare, above=0.9
    )


def _nats(measured: Measured) -> Measured:
    return Measured(measured.value, measured.stderr, measured.n, "nats")


def _one_term(seed: int) -> tuple[float, float]:
    """Three codes at two positions with a random prior and decoder, and one grid k(x): log p(x) minus its bound by that grid, and
    the importance-weighted bound with five draws from the one-point q minus the same bound."""
    rng = np.random.default_rng(seed)
    prior, likelihood = rng.dirichlet(np.ones(9)), rng.uniform(0.01, 0.99, 9)
    chosen = int(rng.integers(9))
    log_evidence = math.log(sum(p * x for p, x in zip(prior, likelihood, strict=True)))
    bound = math.log(likelihood[chosen]) + math.log(prior[chosen])
    q = np.eye(9)[chosen]
    draws = rng.choice(9, size=5, p=q)
    weighted = math.log(float(np.mean(prior[draws] * likelihood[draws] / q[draws])))
    return log_evidence - bound, weighted - bound


def _wrong(z: np.ndarray, book: np.ndarray, codes: np.ndarray) -> int:
    """Vectors for which another code is nearer than the chosen one, by a search in float64.

    The choice compares |e|^2 - 2 z e in float32: what its D + 2 roundings can turn round is forgiven.
    """
    wrong = 0
    lengths = np.square(book.astype(np.float64)).sum(1).max()
    for vector, code in zip(z.astype(np.float64), codes, strict=True):
        distances = [float(((vector - each) ** 2).sum()) for each in book.astype(np.float64)]
        largest = lengths + 2 * math.sqrt(lengths * float((vector**2).sum()))
        rounding = 2 * (len(vector) + 2) * float(np.finfo(np.float32).eps) * largest
        wrong += distances[int(code)] > min(distances) + rounding
    return wrong


def _encoded(evidence: Evidence) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Encodings [n * 49, d] of twenty test images, their codes as the trained model chooses them, and its codebook."""
    import torch

    from dgm.models import load_model
    from dgm.models.vqvae import Model

    model = load_model(evidence.model_path(RUN))
    assert isinstance(model, Model)
    x = torch.from_numpy(evidence.images()["test_images"][:20] > 127).float().flatten(1)
    with torch.no_grad():
        z = model.encode(x)
        codes = model.quantise(z)
    return z.flatten(0, 1).numpy(), codes.flatten().numpy(), model.codebook.vectors.numpy()


@question("dgm-4-3")
def dgm_4_3(evidence: Evidence) -> Iterable[Claim | Finding]:
    """The straight-through gradient of the example, and of the trained model."""
    import torch

    from dgm.layers.codebook import nearest, straight_through

    target = torch.tensor([[2.0, 0.0]], dtype=torch.float64)
    book = torch.tensor([[0.0, 0.0], [1.0, 1.0]], dtype=torch.float64, requires_grad=True)
    z = torch.tensor([[0.8, 0.7]], dtype=torch.float64, requires_grad=True)

    def loss(at: "Tensor") -> "Tensor":
        return (straight_through(at, book[nearest(at, book)]) - target).square().sum()

    value = loss(z)
    value.backward()
    assert z.grad is not None
    yield Claim("loss-of-example", "loss of the example", "closed form", 2.0, value.item(), 1e-12)
    for name, stated, found in zip(("first", "second"), (-2.0, 2.0), z.grad[0].tolist(), strict=True):
        yield Claim(
            f"encoding-gradient-{name}",
            f"gradient at the encoding, {name} coordinate",
            "automatic differentiation",
            stated,
            found,
            1e-12,
        )
    chosen = book[1].detach().clone().requires_grad_(True)
    (chosen - target[0]).square().sum().backward()
    assert chosen.grad is not None
    difference = float((chosen.grad - z.grad[0]).abs().max())
    yield Claim(
        "decoder-gradient-difference",
        "the gradient at the encoding is the decoder's at the code, largest difference",
        "automatic differentiation",
        0.0,
        difference,
        1e-12,
    )
    reached = 0.0 if book.grad is None else float(book.grad.abs().max())
    yield Claim(
        "codebook-gradient-of-example",
        "gradient of the reconstruction error at the codebook of the example",
        "automatic differentiation",
        0.0,
        reached,
    )
    with torch.no_grad():
        steps = 1e-4 * torch.eye(2, dtype=torch.float64)
        slopes = [float(loss(z + step) - loss(z - step)) / 2e-4 for step in steps]
    yield Claim(
        "slope-of-true-loss", "slope of the true loss in the encoding", "finite differences", 0.0, max(map(abs, slopes)), 1e-9
    )

    own = z.detach().clone().requires_grad_(True)
    (own - target).square().sum().backward()
    assert own.grad is not None
    error = float((z.grad - own.grad - 2 * (book.detach()[1] - own.detach())).abs().max())
    statement = "copied gradient minus the gradient at the encoding, against $H(z_q-z_e)$ with $H=2I$, largest difference"
    yield Claim("copied-gradient-excess-error", statement, "automatic differentiation", 0.0, error, 1e-12)

    encoder, codebook = _gradients(evidence)
    yield holds(
        "error-reaches-trained-encoder",
        "the reconstruction error reaches the trained encoder",
        "automatic differentiation",
        encoder > 0,
    )
    yield Claim(
        "trained-codebook-gradient",
        "gradient of the reconstruction error at the trained codebook",
        "automatic differentiation",
        0.0,
        codebook,
    )
    close = evidence.measured(RUN, "quantisation_error")
    close = Measured(close.value, close.stderr, close.n, "share")
    statement = "squared distance of encodings and codes, over the variance of the encodings"
    yield Finding("close-to-the-codes", statement, close, below=0.2)
    yield from _curves(evidence, close)


def _curves(evidence: Evidence, close: Measured) -> Iterable[Finding]:
    """The first phase on test images: from an early epoch to the last.

    The curves have means only: the errors are those of two means over different images, each with the spread of the images that the
    trained model has, and larger than those of differences of the same images.
    """
    history = evidence.history(RUN).query("split == 'test'").sort_values("epoch")
    points = {term: history[history["term"] == term]["value"].to_numpy() for term in ("reconstruction", "commitment")}
    values = evidence.evaluations(RUN)["reconstruction_test"]
    n = min(CURVE_IMAGES, len(values))
    first, last = (float(points["reconstruction"][at]) for at in (0, -1))
    error = float(np.std(values, ddof=1)) * math.sqrt(2 / n)
    statement = "log-likelihood of test images given their codes: at the end minus after the first epoch"
    yield Finding("reconstruction-improves", statement, Measured(last - first, error, n, "nats"), above=0.0)
    first, last = (float(points["commitment"][at]) for at in (min(2, len(points["commitment"]) - 1), -1))
    relative = close.stderr / close.value
    grown = Measured(last - first, relative * math.hypot(first, last), n)
    statement = "squared distance of encodings and codes, summed over an image: at the end minus after the third epoch"
    yield Finding("distance-grows", statement, grown, above=0.0)


def _gradients(evidence: Evidence) -> tuple[float, float]:
    """Largest gradient of the reconstruction term in the first layer of the trained encoder, and in the codebook."""
    import torch

    from dgm.models import load_model
    from dgm.models.vqvae import Model

    model = load_model(evidence.model_path(RUN))
    assert isinstance(model, Model)
    model.codebook.vectors.requires_grad_(True)
    x = torch.from_numpy(evidence.images()["test_images"][:8] > 127).float().flatten(1)
    model.terms(x)["reconstruction"].mean().backward()
    first = next(model.encoder.parameters()).grad
    book = model.codebook.vectors.grad
    return (0.0 if first is None else float(first.abs().max())), (0.0 if book is None else float(book.abs().max()))


@question("dgm-4-4")
def dgm_4_4(evidence: Evidence) -> Iterable[Claim]:
    """Moving averages against the codebook term."""
    import torch

    from dgm.layers.codebook import Codebook

    pair = torch.tensor([[0.9, 1.1], [1.3, 0.7]])
    start, idle = torch.tensor([0.0, 0.0]), torch.tensor([4.0, -1.0])
    generator, both = torch.Generator().manual_seed(0), torch.zeros(2, dtype=torch.int64)

    def averaged(steps: int, decay: float = 0.99) -> "Tensor":
        book = Codebook(2, 2, decay=decay, least=1e-30)
        book.vectors[:], book.counts[:] = torch.stack([start, idle]), 1.0
        book.sums[:] = book.vectors
        for _ in range(steps):
            book.update(pair, both, generator)
        return book.vectors

    settled = averaged(3000)[0].tolist()
    for name, stated, found in zip(("first", "second"), (1.1, 0.9), settled, strict=True):
        yield Claim(
            f"settled-average-{name}", f"moving average of fixed assignments, {name} coordinate", "enumeration", stated, found, 1e-5
        )
    kept = 0.99**100
    expected = (kept * 0.0 + (1 - kept) * 2 * 1.1) / (kept + (1 - kept) * 2)
    yield Claim(
        "average-after-hundred-steps",
        "moving average after 100 steps from (0, 0), first coordinate",
        "enumeration",
        expected,
        float(averaged(100)[0, 0]),
        1e-5,
    )
    fresh = Codebook(2, 2, decay=0.99, least=1e-30)  # counts and sums of zero
    fresh.update(pair, both, generator)
    largest = float((fresh.vectors[0] - pair.mean(0)).abs().max())
    statement = "moving average that starts from counts and sums of zero, after one step: largest distance from the mean"
    yield Claim("one-step-distance-from-mean", statement, "enumeration", 0.0, largest, 1e-6)
    moved = float((averaged(100)[1] - idle).abs().max())
    yield Claim("idle-code-movement", "a code without encodings stays where it is", "enumeration", 0.0, moved, 1e-6)
    book = Codebook(2, 2, decay=0.99, least=0.5)
    book.vectors[:], book.counts[:] = torch.stack([start, idle]), 1.0
    book.sums[:] = book.vectors
    for _ in range(100):
        book.update(pair, both, generator)
    restarted = bool((book.vectors[1] == pair).all(1).any())
    yield holds("idle-code-restarts", "with restarts a code without encodings takes one of the batch", "enumeration", restarted)

    z = torch.tensor([0.9, 1.1], dtype=torch.float64, requires_grad=True)
    e = torch.tensor([1.0, 0.8], dtype=torch.float64, requires_grad=True)
    (z.detach() - e).square().sum().backward()
    assert e.grad is not None
    for name, stated, found in zip(("first", "second"), (0.2, -0.6), e.grad.tolist(), strict=True):
        yield Claim(
            f"codebook-term-gradient-{name}",
            f"gradient 2(e - z) of the codebook term, {name} coordinate",
            "automatic differentiation",
            stated,
            found,
            1e-12,
        )
    untouched = 0.0 if z.grad is None else float(z.grad.abs().max())
    yield Claim(
        "codebook-term-gradient-at-encoding",
        "gradient of the codebook term at the encoding",
        "automatic differentiation",
        0.0,
        untouched,
    )
    e.grad = None
    (0.25 * (z - e.detach()).square().sum()).backward()
    assert z.grad is not None
    pulled = float((z.grad - 0.5 * (z - e)).abs().max().detach())
    yield Claim(
        "commitment-gradient-error",
        "gradient 2 beta (z - e) of the commitment term",
        "automatic differentiation",
        0.0,
        pulled,
        1e-12,
    )
    touched = 0.0 if e.grad is None else float(e.grad.abs().max())
    yield Claim(
        "commitment-gradient-at-code", "gradient of the commitment term at the code", "automatic differentiation", 0.0, touched
    )
    step = float((e - 0.5 * 2 * (e - z)).sub(z).abs().max().detach())
    yield Claim("half-step-distance", "a gradient step of one half puts the code on its encoding", "closed form", 0.0, step, 1e-12)
