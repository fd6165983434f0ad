"""Claims of gdl 4: NICE and the VAE, as trained by this build, and the table that compares them."""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from dgm.claims.claim import Claim, Finding, frequency, holds, paired
from dgm.claims.evidence import Evidence
from dgm.claims.registry import question
from dgm.evaluation import image_scores
from dgm.maths.measured import Measured, bootstrapped, mean
from dgm.runtime.files import load_tensors
from dgm.settings import parse

from . import model_comparison
from ._shared import MIXTURES, apart, integral, normal

if TYPE_CHECKING:
    from dgm.models import nice

__all__: list[str] = []

FLOWS = ("nice", "nice_scale_rate")
RATES = {"nice": "asked", "nice_scale_rate": "own"}
"""How ids name the flows: by the learning rate of their scales, the one that was asked for or one of their own."""


@question("gdl-4a")
def gdl_4a(evidence: Evidence) -> Iterable[Claim | Finding]:
    """The trained flow: invertible, unit-volume couplings, counted parameters, consistent numbers, two distributions of samples."""
    images = evidence.images()["test_images"][:64].reshape(-1, 784)
    x = ((images + np.random.default_rng(0).random(images.shape)) / 256).astype(np.float32)
    for run in FLOWS:
        model = _flow(evidence, run)
        yield Claim(
            f"decoding-error-{RATES[run]}",
            f"{run}: largest error of decoding an encoded image, float32",
            "recomputation",
            0.0,
            _round_trip(model, x),
            1e-3,
        )
    count = sum(parameter.numel() for parameter in model.parameters())
    formula = 4 * ((392 + 1) * 1000 + 4 * (1000 + 1) * 1000 + (1000 + 1) * 392) + 784
    yield Claim("parameters-of-nice", "parameters of NICE", "recomputation", float(formula), float(count))
    yield Claim("parameters-in-reference", "parameters as counted in the reference", "recomputation", 19_158_352.0, float(count))
    yield from _change_of_volume(x[0])
    yield from _units(evidence)
    yield from _tails(evidence)
    yield from _logistic_prior(evidence)
    yield from _log_scales(evidence)
    yield from _temperatures(evidence)


def _tails(evidence: Evidence) -> Iterator[Finding]:
    """By how much a few images with very low likelihoods pull the mean below the median, on either split."""
    values = evidence.evaluations("nice_scale_rate")
    for split in ("test", "train"):
        yield Finding(
            f"median-above-mean-{split}",
            f"median minus mean of the log-likelihoods of {split} images, with a rate of its own",
            bootstrapped(
                lambda of: float(np.median(of) - of.mean()),
                values[f"log_likelihood_{split}"].astype(np.float64),
                seed=0,
                unit="nats",
            ),
            above=0.0,
        )
    yield Finding(
        "own-rate-likelier",
        "test log-likelihood an image with a rate of its own minus that with one learning rate",
        paired(values["log_likelihood_test"], evidence.evaluations("nice")["log_likelihood_test"]),
        above=0.0,
    )


def _temperatures(evidence: Evidence) -> Iterator[Finding]:
    """What samples from normal codes have more or less of than samples from the prior."""

    def change(run: str, metric: str) -> Measured:
        return apart(*(evidence.measured(run, metric, split) for split in ("low_temperature", "samples")))

    for run, name, better in (("nice", "asked", True), ("nice_scale_rate", "own", False)):
        of = f"{run}, low-temperature samples minus samples of the prior"
        above, below = (None, 0.0) if better else (0.0, None)  # of the distance; better samples cover more
        yield Finding(f"cool-distance-{name}", f"{of}: Fréchet distance", change(run, "frechet_distance"), above=above, below=below)
        yield Finding(f"cool-coverage-{name}", f"{of}: coverage", change(run, "coverage"), above=below, below=above)


def _flow(evidence: Evidence, run: str) -> "nice.Model":
    from dgm.models import load_model

    return cast("nice.Model", load_model(evidence.model_path(run)))


def _codes(model: "nice.Model", x: np.ndarray) -> np.ndarray:
    import torch

    with torch.no_grad():
        return np.asarray(model(torch.from_numpy(x).float())[0].numpy(), dtype=np.float64)


def _round_trip(model: "nice.Model", x: np.ndarray) -> float:
    import torch

    with torch.no_grad():
        return float((model.inverse(model(torch.from_numpy(x))[0]) - torch.from_numpy(x)).abs().max())


def _change_of_volume(image: np.ndarray) -> Iterator[Claim]:
    """Determinant and density of a copy of the flow small enough for its whole Jacobian."""
    import torch

    from dgm.models import nice

    with torch.random.fork_rng():
        torch.manual_seed(0)
        small = nice.Model(parse(nice.Config, {"hidden_layers": 1, "hidden_units": 16}, "small copy")).double()
        with torch.no_grad():
            small.log_scale.copy_(0.3 * torch.randn(784))
    point = torch.from_numpy(image).double()
    jacobian = torch.autograd.functional.jacobian(lambda v: small(v[None])[0][0], point)
    volume = float(jacobian.slogdet()[1])
    with torch.no_grad():
        z, stated = small(point[None])
        density = float(small.log_prob(point[None]))
    yield Claim(
        "log-determinant-small-copy",
        "log |det J| of a small copy is the sum of its log-scales",
        "automatic differentiation",
        float(stated),
        volume,
        1e-6,
    )
    latent = float(np.log(np.exp(-z.numpy()) / (1 + np.exp(-z.numpy())) ** 2).sum())
    yield Claim(
        "log-density-small-copy",
        "log p(x) of a small copy is the logistic log-density of its code plus log |det J|",
        "automatic differentiation",
        density,
        latent + volume,
        1e-6,
    )


def _units(evidence: Evidence) -> Iterator[Claim]:
    """Nats an image and bits per dimension; finite samples."""
    nll = 784 * (4.34 * math.log(2) - math.log(256))
    yield Claim(
        "reference-negative-log-likelihood",
        "4.34 bits per dimension are this negative log-likelihood",
        "closed form",
        -1988.944,
        nll,
        1e-3,
    )
    bits = image_scores.bits_per_dim(Measured(1988.944), 784).value
    statement = "bits per dimension of the reference, by the formula of this program from its log-likelihood"
    yield Claim("reference-bits", statement, "closed form", 4.34, bits, 1e-6)
    uniform = 784 * math.log(integral(lambda _: 1.0, 0, 1))
    formula = (-uniform / 784 + math.log(256)) / math.log(2)
    yield Claim("uniform-bits", "bits per dimension of the uniform density", "quadrature", 8.0, formula, 1e-12)
    border = integral(lambda _: 256 * math.log(256), 0, 1 / 256)
    yield Claim(
        "constant-pixel-nats", "nats that knowing a constant pixel to 1/256 is worth", "quadrature", math.log(256), border, 1e-12
    )
    for run in FLOWS:
        nats = evidence.evaluations(run)["log_likelihood_test"].astype(np.float64)
        bits = -np.log2(np.exp(nats / 784) / 256).mean()  # of the cell of a pixel value, as wide as 1/256, in the geometric mean
        yield Claim(
            f"bits-per-dimension-{RATES[run]}",
            f"{run}: bits per dimension from the log-likelihoods of the test images",
            "recomputation",
            evidence.metric(run, "bits_per_dim"),
            float(bits),
            1e-6,
        )
        samples = evidence.samples(run)
        good = all(
            samples[name].shape[1:] == (28, 28) and np.isfinite(samples[name]).all() for name in ("samples", "low_temperature")
        )
        yield holds(f"finite-samples-{RATES[run]}", f"{run}: samples are finite 28 x 28 images", "recomputation", bool(good))


def _logistic_prior(evidence: Evidence) -> Iterator[Claim]:
    """The prior of the training and the distribution that the published samples were drawn from; the codes of the samples shown."""
    variance = 2 * integral(lambda z: z**2 * math.exp(-z) / (1 + math.exp(-z)) ** 2, 0, 5, 40, 200)
    spread = math.pi / math.sqrt(3)
    yield Claim(
        "prior-standard-deviation",
        "standard deviation of the logistic prior is pi / sqrt 3",
        "quadrature",
        spread,
        math.sqrt(variance),
        1e-9,
    )
    yield Claim(
        "share-of-normal-draw",
        "a standard normal draw has this share of it",
        "quadrature",
        1 / spread,
        1 / math.sqrt(variance),
        1e-9,
    )
    density = 2 * integral(lambda z: math.exp(-math.log1p(math.exp(-z)) - (z + math.log1p(math.exp(-z)))), 0, 5, 40, 200)
    yield Claim("prior-mass-is-one", "exp(-softplus(z) - softplus(-z)) integrates to one", "quadrature", 1.0, density, 1e-9)
    for run in FLOWS:
        model, samples = _flow(evidence, run), evidence.samples(run)
        for name, words, stated, printed in (
            ("samples", "samples of the model", spread, 1.0),
            ("low_temperature", "low-temperature samples", 1.0, None),
        ):
            codes = _codes(model, samples[name][:64].reshape(-1, 784))
            error = 5 * stated * math.sqrt(3.2 / (4 * codes.size))  # fourth moment 4.2 of a logistic variable, 3 of a normal one
            yield Claim(
                f"code-deviation-{name.replace('_', '-')}-{RATES[run]}",
                f"{run}: standard deviation of the codes of the {words}",
                "Monte Carlo",
                stated,
                float(codes.std()),
                error,
                published=printed,
            )


def _log_scales(evidence: Evidence) -> Iterator[Claim | Finding]:
    """How far the log-scales have to climb, and how far one learning rate lets them."""
    from scipy.optimize import brentq, minimize_scalar

    from dgm.models.nice import Config

    nodes, weights = np.polynomial.legendre.leggauss(80)
    u, weights = nodes / 2, weights / 2  # a pixel that is always black, centred, in units of 1/256

    def loss(scale: float) -> float:
        return -math.log(scale) + float(weights @ (np.logaddexp(0, scale * u) + np.logaddexp(0, -scale * u)))

    stationary = brentq(lambda scale: float(weights @ (scale * u * np.tanh(scale * u / 2))) - 1, 1, 50)
    found = minimize_scalar(loss, bounds=(1, 50), method="bounded", options={"xatol": 1e-9}).x
    best = math.log(256 * stationary)
    yield Claim(
        "best-log-scale", "best log-scale for a pixel that is always black", "optimisation", best, math.log(256 * found), 1e-6
    )
    own = _flow(evidence, "nice_scale_rate").log_scale.detach().double().view(28, 28).numpy()
    top, centre, average = float(own[0].mean()), float(own[10:18, 10:18].mean()), float(own.mean())
    yield Finding(
        "border-near-best",
        "distance of the mean log-scale in the top row, with a rate of its own, from the best for an always black pixel",
        Measured(abs(top - best), 0.0, 0),
        below=1.0,  # the climb from 0 to the best is more than five times as long
    )
    stretched, volume = _stretching(evidence)
    for where, place, stated, value in (
        ("top-row", "in the top row", top, float(stretched[0].mean())),
        ("centre", "of the 64 central pixels", centre, float(stretched[10:18, 10:18].mean())),
        ("all-pixels", "of all pixels", average, volume / own.size),
    ):
        yield Claim(f"log-scale-{where}", f"mean log-scale {place}, with a rate of its own", "recomputation", stated, value, 1e-6)
    steps = int(evidence.history("nice")["step"].max())
    rate = parse(Config, load_tensors(evidence.model_path("nice"))["settings"], "nice").learning_rate
    yield Finding(
        "scales-out-of-reach",
        "steps of the one learning rate to the mean log-scale of the run with a rate of its own, over the steps of the training",
        Measured(average / rate / steps, 0.0, 0),
        above=1.0,
    )
    reached = float(_flow(evidence, "nice").log_scale.detach().double().mean())
    yield Finding(
        "scales-at-full-speed",
        "mean log-scale of all pixels, with one learning rate, over steps times learning rate",
        Measured(reached / (steps * rate), 0.0, 0),
        above=0.8,  # Adam moves a parameter by about the rate in a step if its gradient keeps its sign
    )
    yield Claim(
        "steps-to-log-scale",
        "steps of Adam to the mean log-scale with a rate of its own, where the gradient keeps its sign",
        "optimisation",
        abs(average) / rate,
        float(_adams_steps(average, rate)),
        1.0,  # the last step may go beyond
    )
    yield Claim(
        "steps-of-fifty-epochs",
        "steps of 50 epochs of 60,000 images in batches of 256",
        "enumeration",
        50 * 235.0,
        float(50 * len(range(0, 60_000, 256))),
    )
    epochs, images = int(evidence.history("nice")["epoch"].max()), len(evidence.images()["train_images"])
    size = parse(Config, load_tensors(evidence.model_path("nice"))["settings"], "nice").batch_size
    made = float(epochs * math.ceil(images / size))
    yield Claim(
        "steps-of-training",
        "steps of the training with one learning rate",
        "recomputation",
        made,
        float(steps),
        needs_full_budget=True,
    )


def _stretching(evidence: Evidence) -> tuple[np.ndarray, float]:
    """What the trained flow does to a test image: the log of how far its last layer stretches each pixel [28, 28], and log |det J|.

    The first compares the output with what the couplings alone give, the second takes the determinant of the whole Jacobian.
    """
    import torch

    flow = _flow(evidence, "nice_scale_rate").double()
    image = torch.from_numpy((evidence.images()["test_images"][:1].reshape(1, -1) + 0.5) / 256)
    jacobian = torch.autograd.functional.jacobian(lambda v: flow(v[None])[0][0], image[0], vectorize=True)
    with torch.no_grad():
        coupled = image
        for coupling in flow.couplings:
            coupled = coupling(coupled)
        stretched = (flow(image)[0] / coupled).log()
    return stretched.view(28, 28).numpy(), float(jacobian.slogdet()[1])


def _adams_steps(distance: float, rate: float) -> int:
    """Steps of Adam that move a parameter so far from zero, towards the sign of ``distance``, under a constant gradient."""
    import torch

    parameter = torch.zeros(1, dtype=torch.float64)
    parameter.grad = torch.full_like(parameter, -math.copysign(1.0, distance))
    optimiser, steps = torch.optim.Adam([parameter], lr=rate), 0
    while abs(parameter.item()) < abs(distance):
        optimiser.step()
        steps += 1
    return steps


@question("gdl-4b")
def gdl_4b(evidence: Evidence) -> Iterable[Claim | Finding]:
    """The trained VAE: parameters, KL term, order of the bounds, and how its samples hang together."""
    import torch

    from dgm.maths.distributions import kl_to_standard_normal
    from dgm.models import load_model

    model = cast(Any, load_model(evidence.model_path("vae_conv")))
    sizes = [sum(parameter.numel() for parameter in part.parameters()) for part in (model.encoder, model.decoder)]
    yield Claim("encoder-parameters", "parameters of the encoder", "recomputation", 491_744.0, float(sizes[0]))
    yield Claim("decoder-parameters", "parameters of the decoder", "recomputation", 482_497.0, float(sizes[1]))
    yield Claim(
        "vae-parameters", "parameters of the VAE", "recomputation", 974_241.0, float(sum(p.numel() for p in model.parameters()))
    )
    mean, log_std = torch.tensor([[0.7, -1.2]], dtype=torch.float64), torch.tensor([[-0.4, 0.3]], dtype=torch.float64)

    def kl(m: float, s: float) -> float:
        return integral(lambda z: normal(z, m, s) * (math.log(normal(z, m, s)) - math.log(normal(z))), m - 10 * s, m, m + 10 * s)

    quadrature = kl(0.7, math.exp(-0.4)) + kl(-1.2, math.exp(0.3))
    yield Claim(
        "divergence-of-gaussian-code",
        "closed-form KL of a Gaussian code",
        "quadrature",
        float(kl_to_standard_normal(mean, log_std)),
        quadrature,
        1e-9,
    )
    images = torch.from_numpy((evidence.images()["test_images"][:32].reshape(-1, 784) > 127).astype(np.float32))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        mean, log_std = model.encode(images)
        noise = torch.randn((4000, *mean.shape), generator=generator)
        log_ratio = (-0.5 * noise**2 - log_std + 0.5 * (mean + torch.exp(log_std) * noise) ** 2).sum(2).mean(1).double()
        closed = float(kl_to_standard_normal(mean, log_std).mean())
        side = tuple(model.decode(mean)[0].shape[-2:])
        again = model.bound(images, torch.Generator().manual_seed(1))
        draw = mean + torch.exp(log_std) * torch.randn(mean.shape, generator=torch.Generator().manual_seed(1))
        probability = torch.sigmoid(model.decode(draw).double()).numpy()[:, 0]
    ink = np.pad(images.numpy().reshape(-1, 28, 28), ((0, 0), (2, 2), (2, 2)))
    entropy = -np.log(np.where(ink == 1, probability, 1 - probability)).sum((1, 2)).mean()
    yield Claim(
        "cross-entropy-of-images",
        "cross-entropy of 32 test images, summed over all 1024 pixels",
        "closed form",
        -float(again["reconstruction"].mean()),
        float(entropy),
        1e-2,
    )
    m, v = mean.double().numpy(), np.exp(2 * log_std.double().numpy())
    divergence = 0.5 * (m**2 + v - 1 - np.log(v)).sum(1).mean()
    loss = -float(again["bound"].mean())
    yield Claim(
        "negative-elbo",
        "negative ELBO of these images by the written formula",
        "closed form",
        loss,
        float(entropy + divergence),
        1e-2,
    )
    error = float(log_ratio.std() / math.sqrt(len(log_ratio)))
    yield Claim(
        "divergence-of-images",
        "closed-form KL of 32 test images against 4000 draws",
        "Monte Carlo",
        closed,
        float(log_ratio.mean()),
        5 * error,
    )
    yield holds("decoder-size", "the decoder returns 32 x 32 pixels", "recomputation", side == (32, 32))
    shape = evidence.samples("vae_conv")["samples"].shape[1:]
    yield holds("samples-cropped", "samples are cropped to 28 x 28", "recomputation", shape == (28, 28))
    bits = 0.159674
    yield Claim(
        "reference-nats",
        "the reference's 0.16 bits a pixel, in nats an image",
        "closed form",
        86.77,
        bits * 784 * math.log(2),
        1e-2,
    )
    yield from _bounds(evidence)
    yield from _in_one_piece(evidence)
    for run, name in (("nice", "asked"), ("nice_scale_rate", "own")):
        yield Finding(
            f"more-information-{name}",
            f"class information of the samples of the VAE minus that of {run}",
            apart(*(evidence.measured(model, "class_information", "samples") for model in ("vae_conv", run))),
            above=0.0,
        )


def _bounds(evidence: Evidence) -> Iterator[Finding]:
    """The bounds of test images against each other and over the training."""
    values, estimated = evidence.evaluations("vae_conv"), evidence.estimates("vae_conv")
    weighted = values["importance_weighted_test"]
    yield Finding(
        "weighted-tighter",
        "importance-weighted bound with 50 draws minus the ELBO, on the same test images",
        paired(weighted, values["bound_test"][: len(weighted)]),
        above=0.0,
    )
    annealed = estimated["annealed"]
    yield Finding(
        "annealed-above-bound",
        "annealed estimate of the log-likelihood minus the ELBO, on the same test images",
        paired(annealed, estimated["bound"][: len(annealed)]),
        above=0.0,
    )
    history = evidence.history("vae_conv")
    for name, term, words in (
        ("bound-rises", "bound", "ELBO of test images"),
        ("divergence-rises", "kl", "divergence of the codes of test images from the prior"),
    ):
        curve = history[(history["term"] == term) & (history["split"] == "test")].sort_values("step")["value"].to_numpy()
        end = evidence.measured("vae_conv", term)
        # the end may err by so much with other images, and so may the start, where all images are much alike
        error = math.sqrt(2) * end.stderr
        yield Finding(
            name,
            f"{words} after the training minus that after its first epoch",
            Measured(float(curve[-1] - curve[0]), error, end.n, "nats"),
            above=0.0,
        )


def _in_one_piece(evidence: Evidence) -> Iterator[Finding]:
    """How many connected pieces of ink the images have, diagonal neighbours connected; real digits are drawn like the VAE's."""
    drawn = evidence.samples("vae_conv")
    pieces = {
        "real": _pieces(evidence.samples("real_binarised")["samples"] > 0.5),
        "draws": _pieces(drawn["samples"] > 0.5),
        "means": _pieces(drawn["means"] > 0.5),
        "mixture": _pieces(evidence.samples("bmm_k20")["samples"] > 0.5),
        "asked": _pieces(evidence.samples("nice")["samples"] > 0.5),
        "own": _pieces(evidence.samples("nice_scale_rate")["samples"] > 0.5),
    }
    words = {
        "real": "Bernoulli draws of real digits",
        "draws": "Bernoulli draws of the VAE",
        "means": "means of the VAE, thresholded at one half,",
        "mixture": "samples of the mixture with $K=20$",
    }
    share = {name: frequency(counts == 1) for name, counts in pieces.items()}
    for name, most in (("real", True), ("means", True), ("draws", False), ("mixture", False)):
        above, below = (0.5, None) if most else (None, 0.5)  # whether most of the images hang together
        statement = f"share of {words[name]} in one connected piece"
        yield Finding(f"one-piece-{name}", statement, share[name], above=above, below=below)
    yield Finding(
        "draws-looser-than-real",
        "share in one connected piece, draws of real digits minus draws of the VAE",
        apart(share["real"], share["draws"]),
        above=0.0,
    )
    yield Finding(
        "draws-firmer-than-mixture",
        "share in one connected piece, draws of the VAE minus samples of the mixture with $K=20$",
        apart(share["draws"], share["mixture"]),
        above=0.0,
    )
    counts = {name: mean(of.astype(np.float64), "") for name, of in pieces.items()}
    yield Finding(
        "pieces-of-draws",
        "connected pieces of a draw of the VAE minus those of a draw of a real digit",
        apart(counts["draws"], counts["real"]),
        above=0.0,
    )
    for name in ("asked", "own"):
        run = "nice" if name == "asked" else "nice_scale_rate"
        yield Finding(
            f"specks-{name}",
            f"connected pieces of a sample of {run}, thresholded at one half, minus those of a draw of the VAE",
            apart(counts[name], counts["draws"]),
            above=0.0,
        )


def _pieces(ink: np.ndarray) -> np.ndarray:
    """Number of 8-connected pieces of each image, [n]."""
    from scipy.ndimage import label

    return np.array([label(image, structure=np.ones((3, 3)))[1] for image in ink])


@question("gdl-4c")
def gdl_4c(evidence: Evidence) -> Iterable[Claim | Finding]:
    """The table behind the verdict."""
    compared = ("nice", "nice_scale_rate", "vae_conv", *MIXTURES)
    columns = {"parameters": "model", "train_seconds": "train", "sample_seconds_per_1000": "samples", "confidence": "samples"}
    cells = [evidence.metric(run, column, split) for run in compared for column, split in columns.items()]
    cells += [evidence.metric(run, "seconds_per_epoch", "train") for run in ("nice", "nice_scale_rate", "vae_conv")]
    complete = all(math.isfinite(value) and value >= 0 for value in cells)
    yield holds("table-is-complete", "the table has size, times and a sample score of every model", "recomputation", complete)
    for run, k in zip(MIXTURES, (5, 10, 20), strict=True):
        counted = evidence.metric(run, "parameters", "model")
        yield Claim(
            f"mixture-parameters-k{k}",
            f"parameters of the mixture with K = {k} are 784 K + K - 1",
            "recomputation",
            float(784 * k + k - 1),
            counted,
        )
    sizes = [evidence.metric(run, "parameters", "model") for run in ("nice", "vae_conv")]
    yield Claim(
        "parameter-ratio",
        "NICE has this many times the parameters of the VAE",
        "recomputation",
        19_158_352 / 974_241,
        sizes[0] / sizes[1],
        1e-9,
    )
    ink = np.isin(evidence.samples("bmm_k20")["samples"], (0, 1)).mean()
    yield Claim(
        "mixture-percentage-binary",
        "percentage of the mixture's sampled values that are 0 or 1 (of a Gaussian mixture: none)",
        "recomputation",
        100.0,
        100 * float(ink),
        published=0.0,
    )
    yield from _multiplications()
    certain = np.log(np.where(np.eye(10) == 1, 1.0, 1e-300))
    yield Claim(
        "greatest-class-information",
        "greatest class information: ten digits, all sure",
        "closed form",
        math.log(10),
        _information(certain),
        1e-12,
    )
    scores = {run: _class_information(evidence, evidence.samples(run)["samples"]) for run in compared}
    real = _class_information(evidence, evidence.images()["test_images"] / 255)
    stated = {run: evidence.metric(run, "class_information", "samples") for run in compared}
    for run in compared:
        yield Claim(
            f"class-information-{run.replace('_', '-')}",
            f"class information of the samples of {run}",
            "recomputation",
            stated[run],
            scores[run],
            5e-3,
        )
    yield Claim(
        "class-information-real",
        "class information of real test images",
        "recomputation",
        evidence.metric("real_test", "class_information"),
        real,
        5e-3,
    )
    seconds = {run: evidence.metric(run, "train_seconds", "train") for run in compared}
    slowest = max(seconds[run] for run in MIXTURES)
    quickest = min(value for run, value in seconds.items() if run not in MIXTURES)
    yield Finding(
        "mixtures-train-faster",
        "logarithm of the training time of the quicker of NICE and the VAE over that of the slowest mixture",
        Measured(math.log(quickest / max(slowest, 1e-9)), 0.0, 0),
        above=math.log(2),  # less than a factor of two could come from other jobs on the same machine
    )
    yield from model_comparison.compared(evidence)


def _multiplications() -> Iterator[Claim]:
    """Multiplications of one pass, counted by the operations that PyTorch calls; the formulas go through the layers."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from dgm.models import nice, vae_conv

    with torch.device("meta"):
        flow, autoencoder = nice.Model(parse(nice.Config, {}, "nice")), vae_conv.Model(parse(vae_conv.Config, {}, "vae_conv"))
        image, code = torch.empty(1, 784), torch.empty(1, 64)

    def counted(call: Callable[[], object]) -> float:
        with FlopCounterMode(display=False) as counter:
            call()
        return float(counter.get_total_flops()) / 2e6  # a multiplication and an addition each

    stack = 2 * (9 * 64 * 32 + 32 * 64)
    sides, inputs = (16, 8, 4, 2), (1, 64, 64, 64)
    encoder = sum(
        side**2 * (16 * channels * 64 + stack + 9 * 64 * last)
        for side, channels, last in zip(sides, inputs, (64, 64, 64, 32), strict=True)
    )
    decoder = sum(
        side**2 * (9 * channels * 64 + stack + 16 * 64 * last)
        for side, channels, last in zip((2, 4, 8, 16), (16, 64, 64, 64), (64, 64, 64, 1), strict=True)
    )
    weights = 4 * (392 * 1000 + 4 * 1000 * 1000 + 1000 * 392)
    for what, name, formula, call in (
        ("nice", "NICE, encoding or decoding an image", weights, lambda: flow(image)),
        (
            "vae",
            "the VAE, encoding and decoding an image",
            encoder + decoder,
            lambda: autoencoder.decode(autoencoder.encode(image)[0]),
        ),
        ("vae-decoder", "the VAE, decoding a code", decoder, lambda: autoencoder.decode(code)),
    ):
        yield Claim(
            f"multiplications-{what}", f"millions of multiplications: {name}", "enumeration", formula / 1e6, counted(call), 1e-9
        )


def _class_information(evidence: Evidence, images: np.ndarray) -> float:
    """Mutual information in nats between an image and the class that the trained classifier draws for it.

    H(mean of the class probabilities) - mean of H(class probabilities): small when the classifier is unsure, and small when it
    always says the same, as it does of pure noise.
    """
    import torch

    from dgm.models import load_model

    classifier = cast(Any, load_model(evidence.model_path("classifier")))
    x = torch.from_numpy(np.clip(images, 0, 1).astype(np.float32)).flatten(1)
    with torch.no_grad():
        log_p = torch.cat([classifier.log_probabilities(part) for part in x.split(500)]).double().numpy()
    return _information(log_p)


def _information(log_p: np.ndarray) -> float:
    p = np.exp(log_p)
    mean = p.mean(0)
    return float(-(mean * np.log(np.maximum(mean, 1e-300))).sum() + (p * log_p).sum(1).mean())
