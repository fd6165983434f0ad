"""Claims of gdl 4: NICE and the VAE, as trained by this build, and the table that compares them."""

import math
from collections.abc import Iterable
from typing import Any, cast

import numpy as np

from dgm.checks import Claim, Evidence, question
from dgm.checks.gdl._shared import MIXTURES, integral, normal
from dgm.config import parse

__all__: list[str] = []


@question("gdl-4a")
def gdl_4a(evidence: Evidence) -> Iterable[Claim]:
    """The trained flow: invertible, unit-volume couplings, counted parameters, consistent numbers."""
    import torch

    from dgm.artefacts import load_model
    from dgm.models import nice

    images = torch.from_numpy(evidence.images()["test_images"][:64].reshape(-1, 784).astype(np.float32))
    x = (images + torch.rand(images.shape, generator=torch.Generator().manual_seed(0))) / 256
    for run in ("nice", "nice_scale_rate"):
        model = cast(Any, load_model(evidence.model_path(run)))
        with torch.no_grad():
            error = float((model.inverse(model(x)[0]) - x).abs().max())
        yield Claim(f"{run}: largest error of decoding an encoded image, float32", "trained model", 0.0, error, 1e-3)
    count = sum(parameter.numel() for parameter in model.parameters())
    formula = 4 * ((392 + 1) * 1000 + 4 * (1000 + 1) * 1000 + (1000 + 1) * 392) + 784
    yield Claim("parameters of NICE", "trained model", float(formula), float(count))
    yield Claim("parameters as counted in the reference", "trained model", 19_158_352.0, float(count))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        small = nice.Model(parse(nice.Config, {"hidden_layers": 1, "hidden_units": 16}, "small copy")).double()
        with torch.no_grad():
            small.log_scale.copy_(0.3 * torch.randn(784))
    point = x[0].double()
    jacobian = torch.autograd.functional.jacobian(lambda v: small(v[None])[0][0], point)
    with torch.no_grad():
        stated = float(small(point[None])[1])
    yield Claim(
        "log |det J| of a small copy is the sum of its log-scales",
        "automatic differentiation",
        stated,
        float(jacobian.slogdet()[1]),
        1e-6,
    )
    nll = 784 * (4.34 * math.log(2) - math.log(256))
    yield Claim("4.34 bits per dimension are this negative log-likelihood", "closed form", -1988.944, nll, 1e-3)
    for run in ("nice", "nice_scale_rate"):
        bits = (-evidence.metric(run, "log_likelihood") / 784 + math.log(256)) / math.log(2)
        yield Claim(f"{run}: bits per dimension from nats", "trained model", evidence.metric(run, "bits_per_dim"), bits, 1e-6)
        samples = evidence.samples(run)
        good = all(
            samples[name].shape[1:] == (28, 28) and np.isfinite(samples[name]).all() for name in ("samples", "low_temperature")
        )
        yield Claim(f"{run}: samples are finite 28 x 28 images", "trained model", expected=True, computed=bool(good))
    middle, average = (evidence.metric("nice_scale_rate", name) for name in ("log_likelihood_median", "log_likelihood"))
    yield Claim(
        "the median test image has a higher likelihood than the mean",
        "trained model",
        expected=True,
        computed=middle > average,
        needs_full_budget=True,
    )
    variance = 2 * integral(lambda z: z**2 * math.exp(-z) / (1 + math.exp(-z)) ** 2, 0, 5, 40, 200)
    yield Claim(
        "standard deviation of the logistic prior is pi / sqrt 3", "quadrature", math.pi / math.sqrt(3), math.sqrt(variance), 1e-9
    )
    yield Claim("a standard normal draw has this share of it", "quadrature", 0.551, 1 / math.sqrt(variance), 1e-3)
    density = 2 * integral(lambda z: math.exp(-math.log1p(math.exp(-z)) - (z + math.log1p(math.exp(-z)))), 0, 5, 40, 200)
    yield Claim("exp(-softplus(z) - softplus(-z)) integrates to one", "quadrature", 1.0, density, 1e-9)


@question("gdl-4b")
def gdl_4b(evidence: Evidence) -> Iterable[Claim]:
    """The trained VAE: parameters, KL term, order of the bounds."""
    import torch

    from dgm.artefacts import load_model
    from dgm.distributions import kl_to_standard_normal

    model = cast(Any, load_model(evidence.model_path("vae_conv")))
    sizes = [sum(parameter.numel() for parameter in part.parameters()) for part in (model.encoder, model.decoder)]
    yield Claim("parameters of the encoder", "trained model", 491_744.0, float(sizes[0]))
    yield Claim("parameters of the decoder", "trained model", 482_497.0, float(sizes[1]))
    yield Claim("parameters of the VAE", "trained model", 974_241.0, float(sum(p.numel() for p in model.parameters())))
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
    error = float(log_ratio.std() / math.sqrt(len(log_ratio)))
    yield Claim("closed-form KL of 32 test images against 4000 draws", "Monte Carlo", closed, float(log_ratio.mean()), 5 * error)
    yield Claim("the decoder returns 32 x 32 pixels", "trained model", expected=True, computed=side == (32, 32))
    shape = evidence.samples("vae_conv")["samples"].shape[1:]
    yield Claim("samples are cropped to 28 x 28", "trained model", expected=True, computed=shape == (28, 28))
    bound, tighter = evidence.metric("vae_conv", "bound_same_images"), evidence.metric("vae_conv", "iwae_50")
    yield Claim(
        "the ELBO does not exceed the importance-weighted bound of the same images",
        "trained model",
        expected=True,
        computed=bound <= tighter,
        needs_full_budget=True,
    )
    history = evidence.history("vae_conv")
    curve = history[(history["term"] == "bound") & (history["split"] == "test")].sort_values("step")["value"].to_numpy()
    yield Claim(
        "the negative ELBO of test images falls over the training",
        "trained model",
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
    yield Claim("the table has size, times and a sample score of every model", "trained model", expected=True, computed=complete)
    for run, k in zip(MIXTURES, (5, 10, 20), strict=True):
        counted = evidence.metric(run, "parameters", "model")
        yield Claim(f"parameters of the mixture with K = {k} are 784 K + K - 1", "trained model", float(784 * k + k - 1), counted)
    sizes = [evidence.metric(run, "parameters", "model") for run in ("nice", "vae_conv")]
    yield Claim(
        "NICE has this many times the parameters of the VAE", "trained model", 19_158_352 / 974_241, sizes[0] / sizes[1], 1e-9
    )
    scores = {run: _class_information(evidence, evidence.samples(run)["samples"]) for run in compared}
    real = _class_information(evidence, evidence.images()["test_images"] / 255)
    stated = {run: evidence.metric(run, "class_information", "samples") for run in compared}
    for run in compared:
        yield Claim(f"class information of the samples of {run}", "trained model", stated[run], scores[run], 5e-3)
    yield Claim(
        "class information of real test images", "trained model", evidence.metric("real_test", "class_information"), real, 5e-3
    )
    most = max(compared, key=lambda run: scores[run]) == "vae_conv"
    yield Claim(
        "of the models compared, the VAE's samples have the most class information",
        "trained model",
        expected=True,
        computed=most,
        needs_full_budget=True,
    )
    seconds = {run: evidence.metric(run, "train_seconds", "train") for run in compared}
    quickest = max(seconds[run] for run in MIXTURES) < min(value for run, value in seconds.items() if run not in MIXTURES)
    yield Claim(
        "each mixture trains faster than NICE and the VAE",
        "trained model",
        expected=True,
        computed=quickest,
        needs_full_budget=True,
    )


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
    p = np.exp(log_p)
    mean = p.mean(0)
    return float(-(mean * np.log(np.maximum(mean, 1e-300))).sum() + (p * log_p).sum(1).mean())
