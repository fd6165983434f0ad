"""Claims of the vaegan answers on the autoencoder with a latent plane: its functions, its loss, its training and its pictures.

The functions of :mod:`dgm.maths.distributions` are compared with the standard library, with enumeration and with the distributions
of torch; the trained model with formulas written out in NumPy on its weights, with importance sampling and with other routes to a
number. What training made of the model is said by findings, with errors over images.
"""

import itertools
import math
from collections.abc import Iterable, Iterator
from typing import Any, cast

import numpy as np

from dgm.claims.claim import Claim, Finding, frequency, holds, paired
from dgm.claims.evidence import Evidence
from dgm.claims.gradients import worst_relative_error
from dgm.claims.registry import question
from dgm.maths import distributions, variational_bounds
from dgm.maths.measured import Measured, mean
from dgm.runtime.files import load_tensors
from dgm.settings import parse

from ._seen import seen_as

__all__: list[str] = []

RUN = "vae_mlp"
DRAWS = 100_000
FAR = 20  # nats between q(z | x) and the posterior, far more than the median image has
NEAR = 2  # nats, within which the encoder counts as nearly right
BAND = 5  # standard errors that a Monte Carlo result may be off
KEPT = 4000  # training images behind what costs time for each pair of them


def _model(evidence: Evidence) -> Any:
    """The trained model."""
    from dgm.models import load_model

    return cast(Any, load_model(evidence.model_path(RUN)))


def _weights(part: Any) -> dict[str, np.ndarray]:
    """Parameters by name, float64."""
    return {name: value.double().numpy() for name, value in part.state_dict().items()}


def _logits(model: Any, z: np.ndarray) -> np.ndarray:
    """What the sigmoid of the decoder is applied to, written out. Shapes [n, 2] -> [n, 784]."""
    w = _weights(model.decoder)
    hidden = np.tanh(z @ w["first.weight"].T + w["first.bias"])
    return cast(np.ndarray, hidden @ w["second.weight"].T + w["second.bias"])


def _posterior(model: Any, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of q(z | x), written out. Shapes [n, 784] -> [n, 2] twice."""
    w = _weights(model.encoder)
    hidden = np.tanh(x @ w["hidden.weight"].T + w["hidden.bias"])
    return hidden @ w["mean.weight"].T + w["mean.bias"], np.exp(hidden @ w["spread.weight"].T + w["spread.bias"])


def _log_normal(z: np.ndarray, mean: np.ndarray | float, variance: np.ndarray | float) -> np.ndarray:
    """Log-density of a diagonal Gaussian, summed over the last axis."""
    return cast(np.ndarray, -0.5 * (np.log(2 * np.pi * variance) + (z - mean) ** 2 / variance * np.ones_like(z)).sum(-1))


def _log_bernoulli(x: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Log-probability of binary images given logits, summed over pixels."""
    return cast(np.ndarray, -np.logaddexp(0, (1 - 2 * x) * logits).sum(-1))


def _share(flags: np.ndarray) -> Measured:
    """Share of true entries; undefined for fewer than two, which happens in quick builds only."""
    return frequency(flags) if len(flags) > 1 else Measured(math.nan)


def _mean(values: np.ndarray, unit: str = "") -> Measured:
    """The mean; undefined for fewer than two values, which happens in quick builds only."""
    return mean(values, unit) if len(values) > 1 else Measured(math.nan)


def _difference(first: Measured, second: Measured, unit: str = "") -> Measured:
    """Difference of two means of independent images or draws."""
    return Measured(first.value - second.value, math.hypot(first.stderr, second.stderr), min(first.n, second.n), unit)


def _some_images(evidence: Evidence, n: int) -> np.ndarray:
    """The first test images, thresholded, float64 [n, 784]."""
    return (evidence.images()["test_images"][:n].reshape(-1, 784) > 127).astype(np.float64)


# ------------------------------------------------------------------------------------------------ 2a: the decoder


@question("vaegan-2a")
def vaegan_2a(evidence: Evidence) -> Iterable[Claim]:
    """Shapes, sizes and gradients of the decoder."""
    import torch
    from torch import nn

    from dgm.models.vae_mlp import Decoder

    model = _model(evidence)
    stated = {"decoder": 2 * 500 + 500 + 500 * 784 + 784, "encoder": 784 * 500 + 500 + 2 * (500 * 2 + 2)}
    for name, count in stated.items():
        found = sum(parameter.numel() for parameter in getattr(model, name).parameters())
        yield Claim(f"{name}-parameters", f"parameters of the {name}", "recomputation", float(count), float(found))
    literal = nn.Sequential(nn.Linear(2, 500), nn.Linear(500, 500), nn.Linear(500, 784))
    size = sum(parameter.numel() for parameter in literal.parameters())
    yield Claim(
        "third-layer-parameters", "a third layer, 2-500-500-784, would make", "enumeration", 1500.0 + 250_500 + 392_784, float(size)
    )
    rng = np.random.default_rng(0)
    codes = rng.standard_normal((16, 2))
    z = torch.tensor(codes, dtype=torch.float32, requires_grad=True)
    p = model.decoder(z)
    yield Claim("decoded-images", "images that 16 codes are decoded to", "recomputation", 16.0, float(p.shape[0]))
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        fresh = Decoder()(torch.tensor(codes, dtype=torch.float32))
    # the task's formula, read word by word, gives every pixel of an image the same parameter; a few numbers of 784 may be equal
    statement = "Bernoulli parameters that the decoder gives for one code, one for each pixel"
    yield Claim(
        "bernoulli-parameters-per-code", statement, "enumeration", 784.0, float(len(set(fresh[0].tolist()))), 20.0, published=1.0
    )
    inside = bool(((fresh > 0) & (fresh < 1)).all())
    yield holds("pixels-strictly-inside", "all pixels of an untrained decoder lie strictly between 0 and 1", "enumeration", inside)
    # the largest number of single precision below 1 is 1 - 2^-24; a sigmoid may be off by one such step
    line = torch.arange(1400, 2000) / 100
    rounds = float(line[torch.sigmoid(line) == 1].min())
    yield Claim(
        "logit-rounded-to-one",
        "logit from which on a sigmoid in single precision is 1",
        "closed form",
        25 * math.log(2),
        rounds,
        math.log(2) + 0.01,
    )
    by_hand = 1 / (1 + np.exp(-_logits(model, codes)))
    difference = float(np.abs(p.detach().numpy() - by_hand).max())
    yield Claim(
        "difference-from-formula", "largest difference from the formula written out in NumPy", "closed form", 0.0, difference, 1e-4
    )
    p.sum().backward()
    w = _weights(model.decoder)
    slope = 1 - np.tanh(codes @ w["first.weight"].T + w["first.bias"]) ** 2
    gradient = ((by_hand * (1 - by_hand)) @ w["second.weight"] * slope) @ w["first.weight"]
    assert z.grad is not None
    error = float(np.abs(z.grad.numpy() - gradient).max() / np.abs(gradient).max())
    yield Claim(
        "code-gradient-error",
        "relative error of the gradient that reaches z, by the chain rule",
        "automatic differentiation",
        0.0,
        error,
        1e-4,
    )
    images = _some_images(evidence, 1000)
    with torch.no_grad():
        encoded = model.encode(torch.from_numpy(images).float()).log_diagonal.exp()
    smallest = float(np.sqrt(_posterior(model, images)[1]).min())
    statement = "smallest posterior standard deviation among the first 1000 test images"
    yield Claim("smallest-posterior-deviation", statement, "closed form", float(encoded.min()), smallest, 1e-4)
    # the next number of bfloat16 above 2, whose significand has eight bits
    one_up = torch.nextafter(torch.tensor(2.0, dtype=torch.bfloat16), torch.tensor(3.0, dtype=torch.bfloat16))
    yield Claim("bfloat16-step-above-two", "step of bfloat16 above 2", "closed form", 2.0**-6, float(one_up) - 2)


# ------------------------------------------------------------------------------------------------ 2b: four functions


@question("vaegan-2b-i")
def vaegan_2b_i(evidence: Evidence) -> Iterable[Claim]:
    """The Gaussian log-density against the standard library, torch and its own integral."""
    import statistics

    import torch

    z, mean, variance = (torch.tensor([row], dtype=torch.float64) for row in ((1.0, -1.0), (0.0, 0.0), (1.0, 4.0)))
    found = distributions.gaussian_log_prob(z, mean, variance)
    product = statistics.NormalDist(0, 1).pdf(1) * statistics.NormalDist(0, 2).pdf(-1)
    yield Claim("log-density", "log N((1, -1); 0, diag(1, 4))", "closed form", float(found), math.log(product), 1e-12)
    misread = math.log(statistics.NormalDist(0, 1).pdf(1) * statistics.NormalDist(0, 4).pdf(-1))
    squared = float(distributions.gaussian_log_prob(z, mean, variance**2))
    yield Claim(
        "log-density-misread", "the value when 1 and 4 are taken for standard deviations", "closed form", squared, misread, 1e-12
    )
    generator = torch.Generator().manual_seed(0)
    z, mean, log_variance = torch.randn((3, 200, 2), generator=generator, dtype=torch.float64)
    law = torch.distributions.Normal(mean, torch.exp(0.5 * log_variance)).log_prob(z).sum(1)
    difference = float((distributions.gaussian_log_prob(z, mean, torch.exp(log_variance)) - law).abs().max())
    yield Claim(
        "difference-from-torch",
        "largest difference from torch.distributions on 200 random rows",
        "closed form",
        0.0,
        difference,
        1e-12,
    )
    line = torch.linspace(-16, 16, 801, dtype=torch.float64)
    grid = torch.cartesian_prod(line, line)
    center, spread = (torch.tensor(row, dtype=torch.float64) for row in ((0.5, -1.0), (1.0, 4.0)))
    mass = torch.exp(distributions.gaussian_log_prob(grid, center, spread)) * (line[1] - line[0]) ** 2
    yield Claim("density-mass", "the density integrates to one", "quadrature", 1.0, float(mass.sum()), 1e-8)
    first, second = (mass[:, None] * (grid - center) ** 2).sum(0).tolist()
    # every multiple of the identity has two equal variances
    statement = "second over first variance of the density for sigma^2 = (1, 4)"
    yield Claim("variance-ratio", statement, "quadrature", 4.0, second / first, 1e-8, published=1.0)
    covariance = float((mass * (grid - center).prod(1)).sum())
    yield Claim(
        "covariance-of-coordinates", "covariance of the two coordinates of that density", "quadrature", 0.0, covariance, 1e-8
    )


@question("vaegan-2b-ii")
def vaegan_2b_ii(evidence: Evidence) -> Iterable[Claim]:
    """The Bernoulli log-probability against counting, and at its edges."""
    import torch

    log_prob = distributions.bernoulli_log_prob_of_probabilities
    x, p = torch.tensor([[1.0, 0.0]], dtype=torch.float64), torch.tensor([[0.9, 0.2]], dtype=torch.float64)
    hits = sum(first < 9 and second >= 2 for first, second in itertools.product(range(10), repeat=2))
    yield Claim(
        "log-probability-one-zero",
        "log P((1, 0)) for p = (0.9, 0.2)",
        "enumeration",
        float(log_prob(x, p)),
        math.log(hits / 100),
        1e-12,
    )
    rng = np.random.default_rng(0)
    images = torch.tensor(list(itertools.product((0.0, 1.0), repeat=8)), dtype=torch.float64)
    probabilities = torch.tensor(rng.random((1, 8))).expand(len(images), -1)
    total = float(log_prob(images, probabilities).exp().sum())
    yield Claim(
        "image-probabilities-sum",
        "the probabilities of all 2^8 images of eight pixels sum to one",
        "enumeration",
        1.0,
        total,
        1e-12,
    )
    grey = torch.tensor(list(itertools.product((0.25, 0.75), repeat=8)), dtype=torch.float64)
    scores = float(log_prob(grey, probabilities).exp().sum())
    by_pixel = math.prod(sum(p**g * (1 - p) ** (1 - g) for g in (0.25, 0.75)) for p in probabilities[0].tolist())
    yield Claim(
        "grey-scores-sum", "sum of the scores of all 2^8 grey images of 1/4 and 3/4", "enumeration", by_pixel, scores, 1e-12
    )
    yield Claim(
        "grey-scores-sum-to-one", "that sum is one, as of probabilities", "enumeration", stated=False, found=abs(scores - 1) < 1e-2
    )
    edges = torch.tensor([[0.0], [1.0]])
    contradicted, certain = log_prob(1 - edges, edges), log_prob(edges, edges)
    finite = bool(torch.isfinite(contradicted).all() and torch.isfinite(certain).all())
    yield holds("finite-at-edges", "finite in float32 at p = 0 and p = 1", "closed form", finite)
    floor = math.log(2.0**-23)
    yield Claim(
        "worst-pixel-cost", "the worst a pixel can cost in float32, nats", "closed form", floor, float(contradicted.min()), 1e-5
    )
    logits = torch.tensor(rng.normal(0, 3, (20, 50)))
    drawn = torch.tensor((rng.random((20, 50)) < 0.5).astype(np.float64))
    by_hand = torch.tensor(_log_bernoulli(drawn.numpy(), logits.numpy()))
    for name, found in (
        ("probabilities", log_prob(drawn, torch.sigmoid(logits))),
        ("logits", distributions.bernoulli_log_prob(drawn, logits)),
    ):
        difference = float((found - by_hand).abs().max())
        yield Claim(
            f"error-from-{name}",
            f"computed from {name}: largest difference from -log(1 + exp(-+ logit))",
            "closed form",
            0.0,
            difference,
            1e-9,
        )


@question("vaegan-2b-iii")
def vaegan_2b_iii(evidence: Evidence) -> Iterable[Claim]:
    """Moments, gradients and repeatability of the Gaussian draws."""
    import torch

    def draw(mean: torch.Tensor, variance: torch.Tensor, seed: int = 0) -> torch.Tensor:
        return distributions.sample_gaussian(mean, variance, torch.Generator().manual_seed(seed))

    mean, variance = torch.tensor([1.5, -2.0], dtype=torch.float64), torch.tensor([0.25, 9.0], dtype=torch.float64)
    z = draw(mean.expand(DRAWS, 2), variance.expand(DRAWS, 2))
    for j in range(2):
        v = float(variance[j])
        found = float(z[:, j].mean())
        yield Claim(
            f"mean-coordinate-{j + 1}",
            f"mean of coordinate {j + 1}",
            "Monte Carlo",
            float(mean[j]),
            found,
            BAND * math.sqrt(v / DRAWS),
        )
        found = float(z[:, j].var())
        yield Claim(
            f"variance-coordinate-{j + 1}",
            f"variance of coordinate {j + 1}",
            "Monte Carlo",
            v,
            found,
            BAND * v * math.sqrt(2 / DRAWS),
        )
    mu, s = mean[None].clone().requires_grad_(), variance[None].clone().requires_grad_()
    drawn = draw(mu, s)
    by_mean, by_variance = torch.autograd.grad(drawn.sum(), (mu, s))
    yield Claim("slope-in-mean", "derivative of z with respect to mu", "automatic differentiation", 1.0, float(by_mean.min()))
    noise = (drawn - mu) / s.sqrt()
    error = float((by_variance - noise / (2 * s.sqrt())).detach().abs().max())
    yield Claim(
        "slope-in-variance-error",
        "derivative with respect to sigma^2 minus noise/(2 sigma)",
        "automatic differentiation",
        0.0,
        error,
        1e-12,
    )
    step = 1e-6
    slope = (draw(mean[None], variance[None] + step) - draw(mean[None], variance[None] - step)) / (2 * step)
    error = float((slope - by_variance).abs().max())
    yield Claim(
        "slope-at-fixed-noise-error", "the same derivative minus that at fixed noise", "finite differences", 0.0, error, 1e-6
    )
    same, other = torch.equal(draw(mu, s, 3), draw(mu, s, 3)), torch.equal(draw(mu, s, 3), draw(mu, s, 4))
    yield holds("seeds-repeat-draws", "equal seeds give equal draws, other seeds others", "enumeration", same and not other)


@question("vaegan-2b-iv")
def vaegan_2b_iv(evidence: Evidence) -> Iterable[Claim]:
    """Frequencies of the Bernoulli draws."""
    import torch

    p = torch.tensor([0.0, 0.02, 0.3, 0.5, 0.9, 1.0], dtype=torch.float64)
    x = distributions.sample_bernoulli(p.expand(DRAWS, -1), torch.Generator().manual_seed(0))
    binary = set(x.unique().tolist()) <= {0.0, 1.0}
    yield holds("draws-are-binary", "every draw is 0 or 1", "enumeration", binary)
    for value, share in zip(p.tolist(), x.mean(0).tolist(), strict=True):
        statement = f"share of ones among {DRAWS:,} draws at p = {value:g}"
        yield Claim(
            f"ones-at-{100 * value:.0f}-percent",
            statement,
            "Monte Carlo",
            value,
            share,
            BAND * math.sqrt(value * (1 - value) / DRAWS),
        )
    correlation = float(torch.corrcoef(x[:, 1:5].T).fill_diagonal_(0).abs().max())
    yield Claim(
        "largest-pixel-correlation", "largest correlation of two pixels", "Monte Carlo", 0.0, correlation, BAND / math.sqrt(DRAWS)
    )


# ------------------------------------------------------------------------------------------------ 2c: the loss


@question("vaegan-2c")
def vaegan_2c(evidence: Evidence) -> Iterable[Claim | Finding]:
    """The sampled bound in a model with a known likelihood, and in the network."""
    import torch

    log_prob = distributions.gaussian_log_prob
    column = {name: torch.full((1000, 1), value, dtype=torch.float64) for name, value in (("0", 0.0), ("1", 1.0), ("half", 0.5))}
    z = distributions.sample_gaussian(column["half"], column["half"], torch.Generator().manual_seed(0))
    values = (
        log_prob(column["1"], z, column["1"]) + log_prob(z, column["0"], column["1"]) - log_prob(z, column["half"], column["half"])
    )
    line = np.linspace(-12, 13, 5001)
    joint = np.exp(-0.5 * line**2 - 0.5 * (1 - line) ** 2) / (2 * math.pi)
    exact = math.log(float(np.trapezoid(joint, line)))
    yield Claim(
        "linear-bound-at-posterior",
        "linear Gaussian model: bound at the posterior",
        "quadrature",
        float(values.mean()),
        exact,
        1e-9,
    )
    spread = float(values.max() - values.min())
    yield Claim("linear-bound-range", "its range over 1000 draws is zero", "Monte Carlo", 0.0, spread, 1e-12)

    model = _model(evidence).double()
    x = _some_images(evidence, 16)
    with torch.no_grad():
        stream = torch.Generator().manual_seed(0)
        terms = model.bound(torch.from_numpy(x), stream)
        noise = torch.randn((16, 2), generator=torch.Generator().manual_seed(0), dtype=torch.float64).numpy()
    mean, variance = _posterior(model, x)
    z_hand = mean + np.sqrt(variance) * noise
    by_hand = _log_bernoulli(x, _logits(model, z_hand)) + _log_normal(z_hand, 0.0, 1.0) - _log_normal(z_hand, mean, variance)
    difference = float(np.abs(terms["bound"].numpy() - by_hand).max())
    yield Claim(
        "bound-minus-terms", "the network's bound minus its three terms written out in NumPy", "closed form", 0.0, difference, 1e-6
    )
    with torch.no_grad():
        repeated = torch.from_numpy(np.repeat(x, 400, axis=0))
        sampled = model.bound(repeated, torch.Generator().manual_seed(1))
        model.closed = True
        closed = model.bound(repeated, torch.Generator().manual_seed(1))
        model.closed = False
    apart = (sampled["bound"] - closed["bound"]).view(16, 400).numpy()
    error = float(np.sqrt(apart.var(1, ddof=1).sum() / 400)) / 16  # of the draws: the images are given
    statement = "sampled minus closed form of the bound, 16 images and 400 draws each"
    yield Claim("sampled-minus-closed-bound", statement, "Monte Carlo", 0.0, float(apart.mean()), BAND * error)
    yield _quieter(evidence, model)

    def value() -> Any:
        return model.bound(torch.from_numpy(x), torch.Generator().manual_seed(2))["bound"].mean()

    worst = worst_relative_error(value, model.parameters())
    statement = "relative error of the gradient, encoder included, at the largest entry of each parameter"
    yield Claim("gradient-error", statement, "finite differences", 0.0, worst, 1e-4)


def _quieter(evidence: Evidence, model: Any) -> Finding:
    """For how many images the sampled form is the quieter one; the closed form has the variance of the reconstruction."""
    x = _some_images(evidence, 100)
    rng = np.random.default_rng(4)
    quieter = []
    for image, m, v in zip(x, *_posterior(model, x), strict=True):
        z = m + np.sqrt(v) * rng.standard_normal((400, 2))
        reconstruction = _log_bernoulli(image, _logits(model, z))
        quieter.append((reconstruction + _log_normal(z, 0.0, 1.0) - _log_normal(z, m, v)).var() < reconstruction.var())
    statement = "share of the first 100 test images for which the sampled form has the smaller variance over 400 draws"
    return Finding("sampled-form-quieter", statement, _share(np.array(quieter)), above=0.5)


# ------------------------------------------------------------------------------------------------ 2d: training


def _importance_sampled(model: Any, x: np.ndarray, draws: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Estimates of log p(x) [n] and their standard errors, from draws that know nothing of the encoder.

    A draw picks a cell of a coarse grid and a point in it. The probability of a cell is one tenth uniform and nine tenths the root
    of the joint density at the highest centre among the cell and its neighbours, so no region is missed.
    """
    from scipy.ndimage import maximum_filter

    side, reach, rng = 128, 8.0, np.random.default_rng(seed)
    width = 2 * reach / side
    line = (np.arange(side) + 0.5) * width - reach
    centres = np.stack(np.meshgrid(line, line, indexing="ij"), -1).reshape(-1, 2)
    logits = _logits(model, centres)
    joint = x @ logits.T - np.logaddexp(0, logits).sum(1) + _log_normal(centres, 0.0, 1.0)
    estimates, errors = [], []
    for image, scores in zip(x, joint, strict=True):
        smoothed = maximum_filter(scores.reshape(side, side), 3).ravel()
        roots = np.exp((smoothed - smoothed.max()) / 2)
        probabilities = 0.9 * roots / roots.sum() + 0.1 / len(roots)
        cells = rng.choice(len(roots), draws, p=probabilities / probabilities.sum())
        z = centres[cells] + width * (rng.random((draws, 2)) - 0.5)
        log_proposal = np.log(probabilities[cells]) - 2 * math.log(width)
        log_weights = _log_bernoulli(image, _logits(model, z)) + _log_normal(z, 0.0, 1.0) - log_proposal
        largest = log_weights.max()
        weights = np.exp(log_weights - largest)
        estimates.append(largest + math.log(weights.mean()))
        errors.append(weights.std() / weights.mean() / math.sqrt(draws))
    return np.array(estimates), np.array(errors)


def _sampled_bound(model: Any, x: np.ndarray, draws: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Estimates of the bound of each image [n] and their standard errors, all three terms sampled."""
    rng = np.random.default_rng(seed)
    values = []
    for image, m, v in zip(x, *_posterior(model, x), strict=True):
        z = m + np.sqrt(v) * rng.standard_normal((draws, 2))
        values.append(_log_bernoulli(image, _logits(model, z)) + _log_normal(z, 0.0, 1.0) - _log_normal(z, m, v))
    found = np.array(values)
    return found.mean(1), found.std(1) / math.sqrt(draws)


def _without_encoder(evidence: Evidence) -> Claim:
    """The best bound when z says nothing of x: the formula against binarised training images under the mean image."""
    from scipy.special import xlog1py, xlogy

    images = evidence.images()["train_images"]
    mean = images.reshape(len(images), -1).mean(0) / 255
    rng = np.random.default_rng(5)
    some = images[rng.choice(len(images), min(4000, len(images)), replace=False)].reshape(-1, 784) / 255
    x = (rng.random(some.shape) < some).astype(np.float64)
    log_probs = (xlogy(x, mean) + xlog1py(1 - x, -mean)).sum(1)
    stated = variational_bounds.constant_code_bound(mean[None])
    error = BAND * float(log_probs.std()) / math.sqrt(len(log_probs))
    statement = "best bound without an encoder, training images: minus the entropies of the pixels' means, nats"
    return Claim("best-bound-without-encoder", statement, "Monte Carlo", stated, float(log_probs.mean()), error)


def _without_code(evidence: Evidence, x: np.ndarray) -> np.ndarray:
    """Log-probabilities of binary images when z says nothing of them: independent pixels, as frequent as in training, [n]."""
    images = evidence.images()["train_images"].reshape(-1, 784)
    p = (images.sum(0) / 255 + 1) / (
        len(images) + 2
    )  # one made-up image with the pixel and one without it, so that none is impossible
    return cast(np.ndarray, x @ np.log(p) + (1 - x) @ np.log1p(-p))


def _training_images(evidence: Evidence, n: int | None = None) -> Iterator[np.ndarray]:
    """The first n training images, or all, a thousand at a time, each pixel drawn as 1 with its grey value as probability."""
    rng = np.random.default_rng(6)
    images = evidence.images()["train_images"][:n].reshape(-1, 784)
    for start in range(0, len(images), 1000):
        grey = images[start : start + 1000] / 255
        yield (rng.random(grey.shape) < grey).astype(np.float64)


def _of_all_training_images(evidence: Evidence, model: Any) -> tuple[np.ndarray, np.ndarray]:
    """The bound of every training image from one draw, with all terms sampled and with the divergence in closed form: [n] twice."""
    rng = np.random.default_rng(7)
    sampled, closed = [], []
    for x in _training_images(evidence):
        m, v = _posterior(model, x)
        z = m + np.sqrt(v) * rng.standard_normal(m.shape)
        reconstruction = _log_bernoulli(x, _logits(model, z))
        sampled.append(reconstruction + _log_normal(z, 0.0, 1.0) - _log_normal(z, m, v))
        closed.append(reconstruction - 0.5 * (m**2 + v - 1 - np.log(v)).sum(1))
    return np.concatenate(sampled), np.concatenate(closed)


def _information(evidence: Evidence, model: Any) -> np.ndarray:
    """Log q(z | x) - log of the mean of q(z | x_j) over the training images, one draw z an image: their mean estimates I(x; z)."""
    parts = [_posterior(model, x) for x in _training_images(evidence, KEPT)]
    means, variances = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    z = means + np.sqrt(variances) * np.random.default_rng(8).standard_normal(means.shape)
    found = []
    for place in range(0, len(z), 250):
        logs = _log_normal(z[place : place + 250, None], means[None], variances[None])
        own = _log_normal(z[place : place + 250], means[place : place + 250], variances[place : place + 250])
        found.append(own - np.logaddexp.reduce(logs, axis=1) + math.log(len(z)))
    return np.concatenate(found)


def _rise(curve: np.ndarray, of_images: np.ndarray, n: int) -> Measured:
    """From the first to the last epoch, on n test images.

    Values of single images were kept of the last epoch only. The error takes the spread of the first to be the same, and
    nothing off for the images being the same ones.
    """
    error = math.sqrt(2) * float(of_images.std(ddof=1)) / math.sqrt(n)
    return Measured(float(curve[-1] - curve[0]), error, n, "nats")


def _curves(evidence: Evidence, arrays: dict[str, np.ndarray]) -> Iterator[Claim | Finding]:
    """What the curve of test images shows."""
    from dgm.models.vae_mlp import Config

    history = evidence.history(RUN)
    parts = history[history["split"] == "test"].pivot_table(index="epoch", columns="term", values="value")
    yield Claim("logged-epochs", "logged epochs", "recomputation", 200.0, float(len(parts)), needs_full_budget=True)
    settings = parse(Config, load_tensors(evidence.model_path(RUN))["settings"], RUN)
    n = min(settings.curve_images, len(arrays["bound_test"]))
    for finding, term, words in (("bound-rises", "bound", "bound"), ("divergence-rises", "kl", "divergence")):
        statement = f"rise of the {words} of test images from the first to the last epoch"
        yield Finding(finding, statement, _rise(parts[term].to_numpy(), arrays[f"{term}_test"], n), above=0)
    # means over a thousand numbers of some hundred nats, in single precision
    gap = float((parts["bound"] - parts["reconstruction"] + parts["kl"]).abs().max())
    yield Claim("bound-minus-parts", "bound minus (reconstruction minus divergence), all epochs", "closed form", 0.0, gap, 1e-3)


@question("vaegan-2d")
def vaegan_2d(evidence: Evidence) -> Iterable[Claim | Finding]:
    """The trained autoencoder: its curve, the order of its bounds, and how near its encoder comes to the posterior."""
    arrays, model = evidence.evaluations(RUN), _model(evidence).double()
    yield from _curves(evidence, arrays)
    yield _without_encoder(evidence)
    sampled, closed = _of_all_training_images(evidence, model)
    apart = mean(sampled - closed)
    statement = "bound of all training images from one draw each: with the divergence in closed form, and sampled"
    yield Claim("training-bound", statement, "Monte Carlo", float(closed.mean()), float(sampled.mean()), BAND * apart.stderr)
    gap = _difference(mean(sampled), mean(arrays["bound_test"]), "nats")
    yield Finding("training-above-test", "bound of all training images minus that of test images", gap, above=0)
    yield Finding(
        "codes-inform",
        f"information of code and image, among the first {KEPT} training images; the name of the digit has log 10 at most",
        mean(_information(evidence, model)),
        above=math.log(10),
    )

    exact, weighted, bound = (arrays[name] for name in ("exact_log_likelihood", "exact_iwae_100", "exact_bound"))
    images = arrays["exact_images"].astype(np.float64)
    yield Finding(
        "above-no-code",
        "bound of test images minus their log-probability when z says nothing of x",
        paired(bound, _without_code(evidence, images)),
        above=0,
    )
    yield Finding(
        "weighting-gains", "importance-weighted bound, 100 draws, minus bound, same images", paired(weighted, bound), above=0
    )
    yield Finding(
        "weighting-falls-short", "log-likelihood minus importance-weighted bound, 100 draws", paired(exact, weighted), above=0
    )
    yield Finding("no-collapse", "divergence from the prior on test images, nats", mean(arrays["exact_kl"]), above=2)
    x = images[:20]
    estimates, errors = _importance_sampled(model, x, 1000, 0)
    bounds, bound_errors = _sampled_bound(model, x, 400, 1)
    tolerance = 0.1 + BAND * float(np.sqrt((errors**2).sum())) / len(x)
    statement = "log-likelihood of 20 test images: quadrature against importance sampling"
    yield Claim(
        "log-likelihood-twenty-images", statement, "Monte Carlo", float(exact[: len(x)].mean()), float(estimates.mean()), tolerance
    )

    statement = "divergence of q(z|x) from the posterior, 20 test images: quadrature minus bound against two sampled numbers"
    stated = float(arrays["posterior_divergence"][: len(x)].mean())
    # the stated bound rests on 100 draws, a quarter of those made here
    noise = float(np.sqrt((errors**2 + 5 * bound_errors**2).sum())) / len(x)
    yield Claim(
        "divergence-twenty-images", statement, "Monte Carlo", stated, float((estimates - bounds).mean()), 0.1 + BAND * noise
    )
    yield from _encoder(arrays)

    difference, error = (evidence.metric(RUN, "kl_sampled_minus_closed", field=field) for field in ("value", "stderr"))
    yield Claim(
        "sampled-minus-closed-divergence",
        "sampled minus closed divergence on test images",
        "Monte Carlo",
        0.0,
        difference,
        BAND * error,
    )
    yield from _estimates(evidence)


def _encoder(arrays: dict[str, np.ndarray]) -> Iterator[Finding]:
    """How q(z | x) differs from the posterior over the test images."""
    divergence = arrays["posterior_divergence"]
    statement = f"share of the test images whose q(z|x) is within {NEAR} nats of the posterior"
    yield Finding("most-nearly-right", statement, _share(divergence < NEAR), above=0.5)
    # a sum of far minus near is positive where the far ones make more than half of the mean
    signed = np.where(divergence > FAR, divergence, -divergence)
    statement = f"mean divergence made by the images over {FAR} nats, minus that made by all others"
    yield Finding("few-make-the-gap", statement, mean(signed), above=0)


def _estimates(evidence: Evidence) -> Iterator[Claim | Finding]:
    """Estimates of the log-likelihood with the encoder, with a wider proposal and without one, against the exact values."""
    found = evidence.estimates(RUN)
    curve = found["iwae_curve"].mean(1)
    yield holds(
        "weighted-bound-rises",
        "the importance-weighted bound rises with the number of draws, all cut from one set",
        "recomputation",
        bool((np.diff(curve) > -1e-9).all()),
        needs_full_budget=True,
    )
    exact = found["exact_log_likelihood"]
    short = exact - found["iwae_curve"][-1]
    yield Finding("encoder-draws-fall-short", "log-likelihood minus the bound from 5000 draws of the encoder", mean(short), above=0)
    yield Finding(
        "defensive-within-a-nat",
        "log-likelihood minus the estimate from 5000 defensive draws",
        paired(exact, found["defensive_curve"][-1]),
        below=1,
    )
    annealed = found["annealed"]
    yield Finding(
        "annealing-within-half-a-nat",
        "log-likelihood minus the annealed estimate",
        paired(exact[: len(annealed)], annealed),
        below=0.5,
    )
    yield Finding(
        "annealing-brackets",
        "annealed bounds of images of the model, upper minus lower",
        paired(found["simulated_upper"], found["simulated_lower"]),
        below=1,
    )


# ------------------------------------------------------------------------------------------------ 2e: pictures


@question("vaegan-2e-i")
def vaegan_2e_i(evidence: Evidence) -> Iterable[Claim | Finding]:
    """Codes from the prior, probabilities and draws."""
    drawn = evidence.samples(RUN)
    codes, p, x = drawn["codes"].astype(np.float64), drawn["means"].astype(np.float64), drawn["samples"].astype(np.float64)
    n = len(codes)
    enough = n >= 10 and p.shape == x.shape == (n, 28, 28) and codes.shape == (n, 2)
    yield holds("ten-of-each", "ten codes, ten images of probabilities, ten draws", "enumeration", enough)
    z_score = float(np.abs(codes.mean(0)).max() * math.sqrt(n))
    yield Claim("mean-of-codes", "mean of all codes, in standard errors of N(0, I)", "Monte Carlo", 0.0, z_score, BAND)
    z_score = float(np.abs(codes.var(0) - 1).max() * math.sqrt(n / 2))
    yield Claim("variance-of-codes", "variance of all codes minus one, in standard errors", "Monte Carlo", 0.0, z_score, BAND)
    binary = set(np.unique(x).tolist()) <= {0.0, 1.0}
    yield holds("draws-are-binary", "the right column is binary", "enumeration", binary)
    logits = _logits(_model(evidence), codes)
    difference = float(np.abs(1 / (1 + np.exp(-logits)) - p.reshape(n, -1)).max())
    yield Claim("left-column-error", "the left column is the decoder at these codes", "closed form", 0.0, difference, 1e-4)
    # a draw's log-probability has minus the entropy of its distribution as expectation
    q = 1 / (1 + np.exp(-logits))
    entropy = (np.logaddexp(0, -logits) * q + np.logaddexp(0, logits) * (1 - q)).sum(1)
    surprise = _log_bernoulli(x.reshape(n, -1), logits) + entropy
    z_score = float(surprise.mean() / surprise.std(ddof=1) * math.sqrt(n))
    statement = "log-probability of the draws plus the entropy of their distributions, in standard errors"
    yield Claim("log-probability-plus-entropy", statement, "Monte Carlo", 0.0, z_score, BAND)
    share = sum(-part * math.log(part) for part in (0.1,) * 10)
    yield Claim("entropy-of-equal-shares", "entropy of ten equal shares, log 10", "enumeration", math.log(10), share, 1e-12)
    yield from _strokes(p, x)
    ours, real = evidence.measured(RUN, "recognised", "samples"), evidence.measured("real_test", "recognised_bernoulli")
    yield Finding(
        "fewer-recognised",
        "share of draws that the classifier recognises, minus that of real digits",
        _difference(ours, real),
        below=0,
    )


def _strokes(p: np.ndarray, x: np.ndarray) -> Iterator[Finding]:
    """How often a draw leaves out a pixel of a stroke, p > 1/2: inside, with eight neighbours of the stroke, and at the border."""
    from scipy.ndimage import minimum_filter

    stroke = p > 0.5
    inside = minimum_filter(stroke, size=(1, 3, 3))
    border = stroke & ~inside
    both = inside.any((1, 2)) & border.any((1, 2))
    inner, outer = (((x == 0) & where).sum((1, 2))[both] / where.sum((1, 2))[both] for where in (inside, border))
    yield Finding("strokes-have-holes", "share of the pixels inside strokes that a draw leaves out", _mean(inner), above=0.05)
    statement = "share of pixels left out at the borders of strokes minus that inside, image by image"
    yield Finding("borders-noisier", statement, _mean(outer - inner), above=0)


def _votes(points: np.ndarray, labels: np.ndarray, k: int) -> np.ndarray:
    """For each point the label that most of its k nearest others carry (ties: the smallest label)."""
    from scipy.spatial import cKDTree

    _, found = cKDTree(points).query(points, k + 1)
    counts = np.apply_along_axis(np.bincount, 1, labels[found[:, 1:]].astype(np.int64), minlength=10)
    return cast(np.ndarray, counts.argmax(1))


def _look_alikes(points: np.ndarray, labels: np.ndarray, votes: np.ndarray) -> Iterable[Finding]:
    """Which digits are confused, and which lie far apart."""
    wrong = labels != votes
    together = np.zeros((10, 10), dtype=bool)
    for group in ((4, 7, 9), (3, 5, 8)):
        together[np.ix_(group, group)] = True
    pairs = np.triu(together, 1).sum() / 45
    yield Finding(
        "look-alikes-confused",
        "of the wrong votes those within {4, 7, 9} and within {3, 5, 8}; three times the share of such pairs of digits is 0.4",
        _share(together[labels[wrong], votes[wrong]]),
        above=float(3 * pairs),
    )
    middles = np.array(
        [np.median(points[labels == label], axis=0) if (labels == label).any() else (np.nan,) * 2 for label in range(10)]
    )
    differences = []
    for one, other in ((0, 1), (1, 0)):
        distances = np.hypot(*(points[labels == one][:, None] - middles[None]).transpose(2, 0, 1))
        differences.append(distances[:, other] - distances[:, 2:].mean(1))
    yield Finding(
        "zero-one-apart",
        "images of 0 and 1: distance from the middle of the other of these two, minus the mean distance from the middles of 2 to 9",
        _mean(np.concatenate(differences)),
        above=0,
    )


@question("vaegan-2e-ii")
def vaegan_2e_ii(evidence: Evidence) -> Iterable[Claim | Finding]:
    """The drawn points."""
    arrays, data = evidence.evaluations(RUN), evidence.images()
    points, labels = arrays["train_means"].astype(np.float64), arrays["train_labels"]
    yield Claim(
        "number-of-points",
        "points, one for each training image",
        "enumeration",
        float(len(data["train_images"])),
        float(len(points)),
    )
    same = bool((labels == data["train_labels"]).all())
    yield holds("colours-are-labels", "their colours are the labels of the training images", "enumeration", same)
    yield Claim("number-of-colours", "colours", "enumeration", 10.0, float(len(np.unique(labels))))
    some = points[:5000]
    yield Finding(
        "neighbours-share-class",
        "share of test images for whose class their ten nearest training images in the plane vote; chance is 0.1",
        evidence.measured(RUN, "knn_accuracy"),
        above=0.5,
    )
    yield from _look_alikes(some, labels[:5000].astype(np.int64), _votes(some, labels[:5000], 10))
    # the prior has mass exp(-r^2 / 2) farther out than a mean at distance r
    outside = _share(np.exp(-0.5 * (points**2).sum(1)) < 0.05)
    statement = "share of the means outside the circle that holds 95 % of the prior; of the prior it is 0.05"
    yield Finding("outside-more-often", statement, outside, above=0.05)
    centre = points.mean(0)
    along = _mean(points @ (centre / np.hypot(*centre)))
    yield Finding("cloud-centred", "distance of the mean of all codes from the origin; the prior has deviation 1", along, below=1)
    spread = [evidence.measured(RUN, f"aggregate_variance_{j}", "train") for j in (1, 2)]
    # both coordinates belong to the same images, so the error of their mean is at most the mean of their errors
    total = Measured(sum(part.value for part in spread) / 2, sum(part.stderr for part in spread) / 2, spread[0].n)
    yield Finding("cloud-wider", "total variance of a coordinate, mean of both; the prior has 1", total, above=1)
    for j in (1, 2):
        mean = float(points[:, j - 1].mean())
        stated = evidence.metric(RUN, f"aggregate_mean_{j}", "train")
        yield Claim(f"mean-coordinate-{j}", f"mean of coordinate {j} over all training images", "recomputation", stated, mean, 1e-4)
        total_variance = evidence.metric(RUN, f"aggregate_variance_{j}", "train")
        around = total_variance - float(points[:, j - 1].var())
        yield holds(
            f"within-images-positive-{j}", f"the part within images is positive, coordinate {j}", "recomputation", around > 0
        )


def _largest_step(rows: np.ndarray) -> float:
    """Mean absolute change of a pixel in the largest of the steps, over that from the first to the last image of the row."""
    steps = np.abs(np.diff(rows, axis=1)).mean((2, 3)).max(1)
    return float((steps / np.abs(rows[:, -1] - rows[:, 0]).mean((1, 2))).max())


@question("vaegan-2e-iii")
def vaegan_2e_iii(evidence: Evidence) -> Iterable[Claim | Finding]:
    """The drawn interpolations."""
    arrays = evidence.evaluations(RUN)
    images, alpha, codes = arrays["interpolation"], arrays["interpolation_alpha"], arrays["interpolation_codes"].astype(np.float64)
    yield Claim("number-of-pictures", "number of pictures", "enumeration", 33.0, float(images.shape[0] * images.shape[1]))
    largest = float(np.abs(alpha - np.linspace(0, 1, 11)).max())
    yield Claim("alpha-error", "alpha runs from 0 to 1 in steps of 0.1: largest difference", "closed form", 0.0, largest, 1e-6)
    labels = arrays["interpolation_labels"]
    yield holds("labels-differ", "the two labels of every pair differ", "enumeration", bool((labels[:, 0] != labels[:, 1]).all()))
    train = evidence.images()
    for pair, shown in enumerate(arrays["interpolation_images"]):
        for side, name in enumerate("ab"):
            place = int((train["train_images"] == shown[side]).all((1, 2)).argmax())
            statement = f"label of the training image {name} of row {pair + 1}"
            yield Claim(
                f"label-{name}-row-{pair + 1}",
                statement,
                "enumeration",
                float(labels[pair, side]),
                float(train["train_labels"][place]),
            )
    ends = arrays["interpolation_ends"]
    difference = float(max(np.abs(images[:, -1] - ends[:, 0]).max(), np.abs(images[:, 0] - ends[:, 1]).max()))
    yield Claim("end-panels-error", "end panels minus the decoded means (alpha = 1: image a)", "closed form", 0.0, difference, 1e-6)
    weight = np.linspace(0, 1, 11)[None, :, None]
    line = weight * codes[:, -1:] + (1 - weight) * codes[:, :1]
    straight = float(np.abs(codes - line).max())
    yield Claim(
        "distance-from-straight-line",
        "distance of the codes from the straight line between their ends",
        "closed form",
        0.0,
        straight,
        1e-5,
    )
    decoded = 1 / (1 + np.exp(-_logits(_model(evidence), codes.reshape(-1, 2))))
    difference = float(np.abs(decoded - images.reshape(-1, 784)).max())
    yield Claim("panels-error", "panels minus the decoder at the codes", "closed form", 0.0, difference, 1e-4)
    largest_step, stated = _largest_step(images), _largest_step(decoded.reshape(images.shape))
    statement = "largest change of the image in one step, as a share of the change over the whole way"
    yield Claim("largest-step-share", statement, "closed form", stated, largest_step, 1e-3)
    yield Finding("no-jump", "that largest share of a step", Measured(largest_step, 0.0), below=1)
    panels, ends = seen_as(evidence, images), np.stack([labels[:, 1], labels[:, 0]], 1)  # a row begins at image b
    third = (panels[:, :, None] != ends[:, None]).all(2)
    # the two labels of a row differ, so that no panel is counted twice
    first, second = ((panels == ends[:, side : side + 1]).sum() for side in (0, 1))
    statement = "panels in which the classifier sees neither label of their row"
    yield Claim("panels-of-neither-label", statement, "recomputation", float(panels.size - first - second), float(third.sum()))
    misread = (panels[:, [0, -1]] != ends).sum()
    right = sum(panels[row, column] == ends[row, side] for row in range(len(ends)) for side, column in ((0, 0), (1, 10)))
    statement = "end panels in which it sees another digit than the label"
    yield Claim("end-panels-misread", statement, "recomputation", float(ends.size - right), float(misread))
