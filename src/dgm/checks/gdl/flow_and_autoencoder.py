"""Claims of gdl 4: NICE and the VAE, as trained by this build, and the table that compares them."""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from dgm.checks import Claim, Evidence, question
from dgm.checks.gdl import model_comparison
from dgm.checks.gdl._shared import MIXTURES, integral, normal
from dgm.config import parse
from dgm.files import load_tensors

if TYPE_CHECKING:
    from dgm.models import nice

__all__: list[str] = []

FLOWS = ("nice", "nice_scale_rate")


@question("gdl-4a")
def gdl_4a(evidence: Evidence) -> Iterable[Claim]:
    """The trained flow: invertible, unit-volume couplings, counted parameters, consistent numbers, two laws of samples."""
    images = evidence.images()["test_images"][:64].reshape(-1, 784)
    x = ((images + np.random.default_rng(0).random(images.shape)) / 256).astype(np.float32)
    for run in FLOWS:
        model = _flow(evidence, run)
        yield Claim(
            f"{run}: largest error of decoding an encoded image, float32", "recomputation", 0.0, _round_trip(model, x), 1e-3
        )
    count = sum(parameter.numel() for parameter in model.parameters())
    formula = 4 * ((392 + 1) * 1000 + 4 * (1000 + 1) * 1000 + (1000 + 1) * 392) + 784
    yield Claim("parameters of NICE", "recomputation", float(formula), float(count))
    yield Claim("parameters as counted in the reference", "recomputation", 19_158_352.0, float(count))
    yield from _change_of_volume(x[0])
    yield from _units(evidence)
    middle, average = (evidence.metric("nice_scale_rate", name) for name in ("log_likelihood_median", "log_likelihood"))
    yield Claim(
        "the median test image has a higher likelihood than the mean",
        "recomputation",
        expected=True,
        computed=middle > average,
        needs_full_budget=True,
    )
    yield from _logistic_law(evidence)
    yield from _log_scales(evidence)


def _flow(evidence: Evidence, run: str) -> "nice.Model":
    from dgm.artefacts import load_model

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
        "log |det J| of a small copy is the sum of its log-scales", "automatic differentiation", float(stated), volume, 1e-6
    )
    latent = float(np.log(np.exp(-z.numpy()) / (1 + np.exp(-z.numpy())) ** 2).sum())
    yield Claim(
        "log p(x) of a small copy is the logistic log-density of its code plus log |det J|",
        "automatic differentiation",
        density,
        latent + volume,
        1e-6,
    )


def _units(evidence: Evidence) -> Iterator[Claim]:
    """Nats an image and bits per dimension; finite samples."""
    nll = 784 * (4.34 * math.log(2) - math.log(256))
    yield Claim("4.34 bits per dimension are this negative log-likelihood", "closed form", -1988.944, nll, 1e-3)
    bits = 8 - 1988.944 / 784 / math.log(2)
    yield Claim("bits per dimension of the reference, from its negative log-likelihood", "closed form", 4.34, bits, 1e-6)
    paper = 8 - 1980.50 / 784 / math.log(2)  # the unit changed step by step: bits of a pixel value, less the density's bits
    formula = (-1980.50 / 784 + math.log(256)) / math.log(2)
    yield Claim("bits per dimension of the original paper's test log-likelihood", "closed form", formula, paper, 1e-9)
    uniform = 784 * math.log(integral(lambda _: 1.0, 0, 1))
    formula = (-uniform / 784 + math.log(256)) / math.log(2)
    yield Claim("bits per dimension of the uniform density", "quadrature", 8.0, formula, 1e-12)
    border = integral(lambda _: 256 * math.log(256), 0, 1 / 256)
    yield Claim("nats that knowing a constant pixel to 1/256 is worth", "quadrature", math.log(256), border, 1e-12)
    for run in FLOWS:
        bits = (-evidence.metric(run, "log_likelihood") / 784 + math.log(256)) / math.log(2)
        yield Claim(f"{run}: bits per dimension from nats", "recomputation", evidence.metric(run, "bits_per_dim"), bits, 1e-6)
        samples = evidence.samples(run)
        good = all(
            samples[name].shape[1:] == (28, 28) and np.isfinite(samples[name]).all() for name in ("samples", "low_temperature")
        )
        yield Claim(f"{run}: samples are finite 28 x 28 images", "recomputation", expected=True, computed=bool(good))


def _logistic_law(evidence: Evidence) -> Iterator[Claim]:
    """The prior of the training and the law that the published samples were drawn from; the codes of the samples shown."""
    variance = 2 * integral(lambda z: z**2 * math.exp(-z) / (1 + math.exp(-z)) ** 2, 0, 5, 40, 200)
    spread = math.pi / math.sqrt(3)
    yield Claim("standard deviation of the logistic prior is pi / sqrt 3", "quadrature", spread, math.sqrt(variance), 1e-9)
    yield Claim("a standard normal draw has this share of it", "quadrature", 1 / spread, 1 / math.sqrt(variance), 1e-9)
    density = 2 * integral(lambda z: math.exp(-math.log1p(math.exp(-z)) - (z + math.log1p(math.exp(-z)))), 0, 5, 40, 200)
    yield Claim("exp(-softplus(z) - softplus(-z)) integrates to one", "quadrature", 1.0, density, 1e-9)
    for run in FLOWS:
        model, samples = _flow(evidence, run), evidence.samples(run)
        for name, words, stated, printed in (
            ("samples", "samples of the model", spread, 1.0),
            ("low_temperature", "low-temperature samples", 1.0, None),
        ):
            codes = _codes(model, samples[name][:64].reshape(-1, 784))
            error = 5 * stated * math.sqrt(3.2 / (4 * codes.size))  # fourth moment 4.2 of the logistic law; 3 of the normal one
            yield Claim(
                f"{run}: standard deviation of the codes of the {words}",
                "Monte Carlo",
                stated,
                float(codes.std()),
                error,
                published=printed,
            )


def _log_scales(evidence: Evidence) -> Iterator[Claim]:
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
    yield Claim("best log-scale for a pixel that is always black", "optimisation", best, math.log(256 * found), 1e-6)
    own = _flow(evidence, "nice_scale_rate").log_scale.detach().double().view(28, 28).numpy()
    for place, stated, value in (
        ("in the top row", best, own[0].mean()),
        ("of the 64 central pixels", 2.0, own[10:18, 10:18].mean()),
        ("of all pixels", 4.0, own.mean()),
    ):
        statement = f"mean log-scale {place}, with a rate of its own"
        yield Claim(statement, "recomputation", stated, float(value), 1.0, needs_full_budget=True)
    steps = int(evidence.history("nice")["step"].max())
    rate = parse(Config, load_tensors(evidence.model_path("nice"))["settings"], "nice").learning_rate
    needed = float(own.mean()) / rate
    yield Claim(
        "steps that Adam needs to that mean at the one learning rate",
        "recomputation",
        4.0 / rate,
        needed,
        1000,
        needs_full_budget=True,
    )
    if steps < needed:  # not so on the whole of MNIST, where 50 epochs are many more steps
        reached = float(_flow(evidence, "nice").log_scale.detach().mean())
        statement = "mean log-scale of all pixels, with one learning rate, over what Adam can move in its steps"
        yield Claim(statement, "recomputation", 1.0, reached / (steps * rate), 0.1, needs_full_budget=True)


@question("gdl-4b")
def gdl_4b(evidence: Evidence) -> Iterable[Claim]:
    """The trained VAE: parameters, KL term, order of the bounds."""
    import torch

    from dgm.artefacts import load_model
    from dgm.distributions import kl_to_standard_normal

    model = cast(Any, load_model(evidence.model_path("vae_conv")))
    sizes = [sum(parameter.numel() for parameter in part.parameters()) for part in (model.encoder, model.decoder)]
    yield Claim("parameters of the encoder", "recomputation", 491_744.0, float(sizes[0]))
    yield Claim("parameters of the decoder", "recomputation", 482_497.0, float(sizes[1]))
    yield Claim("parameters of the VAE", "recomputation", 974_241.0, float(sum(p.numel() for p in model.parameters())))
    mean, log_std = torch.tensor([[0.7, -1.2]], dtype=torch.float64), torch.tensor([[-0.4, 0.3]], dtype=torch.float64)

    def kl(m: float, s: float) -> float:
        return integral(lambda z: normal(z, m, s) * (math.log(normal(z, m, s)) - math.log(normal(z))), m - 10 * s, m, m + 10 * s)

    quadrature = kl(0.7, math.exp(-0.4)) + kl(-1.2, math.exp(0.3))
    yield Claim("closed-form KL of a Gaussian code", "quadrature", float(kl_to_standard_normal(mean, log_std)), quadrature, 1e-9)
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
        "cross-entropy of 32 test images, summed over all 1024 pixels",
        "closed form",
        -float(again["reconstruction"].mean()),
        float(entropy),
        1e-2,
    )
    m, v = mean.double().numpy(), np.exp(2 * log_std.double().numpy())
    divergence = 0.5 * (m**2 + v - 1 - np.log(v)).sum(1).mean()
    loss = -float(again["bound"].mean())
    yield Claim("negative ELBO of these images by the written formula", "closed form", loss, float(entropy + divergence), 1e-2)
    error = float(log_ratio.std() / math.sqrt(len(log_ratio)))
    yield Claim("closed-form KL of 32 test images against 4000 draws", "Monte Carlo", closed, float(log_ratio.mean()), 5 * error)
    yield Claim("the decoder returns 32 x 32 pixels", "recomputation", expected=True, computed=side == (32, 32))
    shape = evidence.samples("vae_conv")["samples"].shape[1:]
    yield Claim("samples are cropped to 28 x 28", "recomputation", expected=True, computed=shape == (28, 28))
    bound, tighter = evidence.metric("vae_conv", "bound_same_images"), evidence.metric("vae_conv", "iwae_50")
    yield Claim(
        "the ELBO does not exceed the importance-weighted bound of the same images",
        "recomputation",
        expected=True,
        computed=bound <= tighter,
        needs_full_budget=True,
    )
    bits = 0.159674
    yield Claim("the reference's 0.16 bits a pixel, in nats an image", "closed form", 86.77, bits * 784 * math.log(2), 1e-2)
    history = evidence.history("vae_conv")
    curve = history[(history["term"] == "bound") & (history["split"] == "test")].sort_values("step")["value"].to_numpy()
    yield Claim(
        "the negative ELBO of test images falls over the training",
        "recomputation",
        expected=True,
        computed=bool(curve[-1] > curve[0]),
        needs_full_budget=True,
    )


@question("gdl-4c")
def gdl_4c(evidence: Evidence) -> Iterable[Claim]:
    """The table behind the verdict."""
    compared = ("nice", "nice_scale_rate", "vae_conv", *MIXTURES)
    columns = {"parameters": "model", "train_seconds": "train", "sample_seconds_per_1000": "samples", "confidence": "samples"}
    cells = [evidence.metric(run, column, split) for run in compared for column, split in columns.items()]
    cells += [evidence.metric(run, "seconds_per_epoch", "train") for run in ("nice", "nice_scale_rate", "vae_conv")]
    complete = all(math.isfinite(value) and value >= 0 for value in cells)
    yield Claim("the table has size, times and a sample score of every model", "recomputation", expected=True, computed=complete)
    for run, k in zip(MIXTURES, (5, 10, 20), strict=True):
        counted = evidence.metric(run, "parameters", "model")
        yield Claim(f"parameters of the mixture with K = {k} are 784 K + K - 1", "recomputation", float(784 * k + k - 1), counted)
    sizes = [evidence.metric(run, "parameters", "model") for run in ("nice", "vae_conv")]
    yield Claim(
        "NICE has this many times the parameters of the VAE", "recomputation", 19_158_352 / 974_241, sizes[0] / sizes[1], 1e-9
    )
    ink = np.isin(evidence.samples("bmm_k20")["samples"], (0, 1)).mean()
    yield Claim(
        "share of the mixture's sampled values that are 0 or 1 (of a Gaussian mixture: none)",
        "recomputation",
        1.0,
        float(ink),
        published=0.0,
    )
    yield from _multiplications()
    certain = np.log(np.where(np.eye(10) == 1, 1.0, 1e-300))
    yield Claim("greatest class information: ten digits, all sure", "closed form", math.log(10), _information(certain), 1e-12)
    scores = {run: _class_information(evidence, evidence.samples(run)["samples"]) for run in compared}
    real = _class_information(evidence, evidence.images()["test_images"] / 255)
    stated = {run: evidence.metric(run, "class_information", "samples") for run in compared}
    for run in compared:
        yield Claim(f"class information of the samples of {run}", "recomputation", stated[run], scores[run], 5e-3)
    yield Claim(
        "class information of real test images", "recomputation", evidence.metric("real_test", "class_information"), real, 5e-3
    )
    most = max(compared, key=lambda run: scores[run]) == "vae_conv"
    yield Claim(
        "of the models compared, the VAE's samples have the most class information",
        "recomputation",
        expected=True,
        computed=most,
        needs_full_budget=True,
    )
    seconds = {run: evidence.metric(run, "train_seconds", "train") for run in compared}
    quickest = max(seconds[run] for run in MIXTURES) < min(value for run, value in seconds.items() if run not in MIXTURES)
    yield Claim(
        "each mixture trains faster than NICE and the VAE",
        "recomputation",
        expected=True,
        computed=quickest,
        needs_full_budget=True,
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
    for name, formula, call in (
        ("NICE, encoding or decoding an image", weights, lambda: flow(image)),
        ("the VAE, encoding and decoding an image", encoder + decoder, lambda: autoencoder.decode(autoencoder.encode(image)[0])),
        ("the VAE, decoding a code", decoder, lambda: autoencoder.decode(code)),
    ):
        yield Claim(f"millions of multiplications: {name}", "enumeration", formula / 1e6, counted(call), 1e-9)


def _class_information(evidence: Evidence, images: np.ndarray) -> float:
    """Mutual information in nats between an image and the class that the trained classifier draws for it.

    H(mean of the class probabilities) - mean of H(class probabilities): small when the classifier is unsure, and small when it
    always says the same, as it does of pure noise.
    """
    import torch

    from dgm.artefacts import load_model

    classifier = cast(Any, load_model(evidence.model_path("classifier")))
    x = torch.from_numpy(np.clip(images, 0, 1).astype(np.float32)).flatten(1)
    with torch.no_grad():
        log_p = torch.cat([classifier.log_probabilities(part) for part in x.split(500)]).double().numpy()
    return _information(log_p)


def _information(log_p: np.ndarray) -> float:
    p = np.exp(log_p)
    mean = p.mean(0)
    return float(-(mean * np.log(np.maximum(mean, 1e-300))).sum() + (p * log_p).sum(1).mean())
