"""Claims of vaegan 4: the two networks of the GAN, their initial weights, their losses, and what the training made.

The networks of the build's own run are computed a second time in NumPy, layer by layer from the table of the question; the losses
are compared with the formulas written out in probabilities; one training step is watched from inside the optimisers. What training
made is said by findings, with errors over images and draws.
"""

import itertools
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dgm.claims.claim import Claim, Finding, frequency, holds
from dgm.claims.evidence import Evidence
from dgm.claims.registry import question
from dgm.maths.measured import Measured, mean
from dgm.runtime.files import load_tensors
from dgm.settings import parse

from ._seen import seen_as

if TYPE_CHECKING:
    import pandas as pd
    import torch

    from dgm.models.gan import Model

__all__: list[str] = []

RUN = "gan"
DISCRIMINATOR = ("Conv2d", "ReLU", "MaxPool2d", "Conv2d", "ReLU", "MaxPool2d", "Conv2d", "ReLU", "Flatten", "Linear")
GENERATOR = (
    "Linear", "LeakyReLU", "Unflatten", "Upsample", "Conv2d", "LeakyReLU", "Upsample", "Conv2d", "LeakyReLU", "Conv2d", "Sigmoid",
)  # fmt: skip
PIXEL_ROUNDING = 0.02
"""Of a pixel that a GPU drew during the training: its convolutions may round factors to eleven bits, through four layers."""

LOGITS = np.array([-30.0, -6.0, -1.5, 0.0, 0.7, 4.0, 30.0])


def _trained(evidence: Evidence) -> "Model":
    from dgm.models import load_model
    from dgm.models.gan import Model

    model = load_model(evidence.model_path(RUN))
    assert isinstance(model, Model)
    return model


def _weights(net: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weight and bias of each layer that has them, in the order of the children, in float64."""
    return [
        (layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy()) for layer in net if hasattr(layer, "weight")
    ]


def _convolve(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, padding: int) -> np.ndarray:
    """Cross-correlation of [channels, height, width] with [out, channels, 3, 3], stride 1: a sum over the nine shifts."""
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    height, width = x.shape[1] - 2, x.shape[2] - 2
    shifts = ((i, j) for i in range(3) for j in range(3))
    summed = sum(np.einsum("oc,chw->ohw", weight[:, :, i, j], x[:, i : i + height, j : j + width]) for i, j in shifts)
    return np.asarray(summed + bias[:, None, None])


def _pool(x: np.ndarray) -> np.ndarray:
    c, h, w = x.shape
    return np.asarray(x.reshape(c, h // 2, 2, w // 2, 2).max((2, 4)))


def _leaky(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, 0.2 * x)


def _double(x: np.ndarray) -> np.ndarray:
    return x.repeat(2, axis=1).repeat(2, axis=2)


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-logits)))


def _discriminate(net: Any, image: np.ndarray) -> float:
    """The table of question 4(a) in NumPy: one image [28, 28] to its logit."""
    first, second, third, (weight, bias) = _weights(net)
    x = _pool(np.maximum(_convolve(image[None], *first, padding=1), 0))
    x = _pool(np.maximum(_convolve(x, *second, padding=1), 0))
    x = np.maximum(_convolve(x, *third, padding=0), 0)
    return float(weight[0] @ x.ravel() + bias[0])


def _generate(net: Any, z: np.ndarray) -> np.ndarray:
    """The table of question 4(b) in NumPy: one noise vector to an image [28, 28]."""
    (weight, bias), *convolutions = _weights(net)
    x = _double(_leaky(weight @ z + bias).reshape(32, 7, 7))
    x = _double(_leaky(_convolve(x, *convolutions[0], padding=1)))
    x = _leaky(_convolve(x, *convolutions[1], padding=1))
    return _sigmoid(_convolve(x, *convolutions[2], padding=1)[0])


def _names(net: Any) -> tuple[str, ...]:
    return tuple(type(layer).__name__ for layer in net.children())


def _shapes(net: Any, x: "torch.Tensor") -> list[str]:
    """The shape after every layer, without the batch, as in ``2x28x28``."""
    import torch

    found = []
    with torch.no_grad():
        for layer in net:
            x = layer(x)
            found.append("x".join(str(size) for size in x.shape[1:]))
    return found


def _size(layer: Any) -> int:
    return sum(parameter.numel() for parameter in layer.parameters())


def _seen(net: Any) -> int:
    """The number of pixels that reach the central unit of DNet's last maps: each in turn is nan and spreads it."""
    import torch

    maps = torch.zeros(784, 784).fill_diagonal_(math.nan).view(784, 1, 28, 28)
    with torch.no_grad():
        for layer in list(net)[:8]:
            maps = layer(maps)
    return int(maps[:, 0, 2, 2].isnan().sum())


def _sides(side: int, windows: Sequence[int]) -> Iterator[int]:
    """Sides of the maps after each 3x3 convolution (its padding is given) and each 2x2 pooling with stride 2 (written 2)."""
    for window in windows:
        kernel, stride, padding = (2, 2, 0) if window == 2 else (3, 1, window)
        side = (side + 2 * padding - kernel) // stride + 1
        yield side


@question("vaegan-4a")
def vaegan_4a(evidence: Evidence) -> Iterable[Claim]:
    """DNet: order, shapes, sizes, and the function it computes."""
    import torch

    net = _trained(evidence).discriminator
    agreeing = sum(itertools.starmap(operator.eq, itertools.zip_longest(_names(net), DISCRIMINATOR)))
    yield Claim(
        "layers-in-place", "layers of DNet that stand in their place in the list", "enumeration", len(DISCRIMINATOR), agreeing
    )
    for place, size, name in (
        (0, 20, "first convolution"),
        (3, 76, "second convolution"),
        (6, 296, "third convolution"),
        (9, 201, "linear layer"),
    ):
        yield Claim(f"parameters-{name.replace(' ', '-')}", f"parameters of DNet: {name}", "enumeration", size, _size(net[place]))
    yield Claim("parameters-in-all", "parameters of DNet in all", "enumeration", 593, _size(net))
    shapes = _shapes(net, torch.rand(3, 1, 28, 28))
    table = ["2x28x28"] * 2 + ["2x14x14"] + ["4x14x14"] * 2 + ["4x7x7"] + ["8x5x5"] * 2 + ["200", "1"]
    yield holds("shapes-after-layers", "the shapes after DNet's ten layers are those of the answer", "enumeration", shapes == table)
    sides = (int(shape.split("x")[-1]) for shape, layer in zip(shapes, net, strict=True) if hasattr(layer, "kernel_size"))
    for place, (side, stated) in enumerate(zip(sides, _sides(28, (1, 2, 1, 2, 0)), strict=True), 1):
        layer = "convolution" if place % 2 else "pooling"
        yield Claim(
            f"side-after-window-{place}",
            f"side after window {place} of DNet, a {layer}, by the formula of the answer",
            "enumeration",
            stated,
            side,
        )
    yield Claim(
        "inputs-of-linear-layer",
        "numbers an image before the linear layer",
        "enumeration",
        8 * 5 * 5,
        _weights(net)[-1][0].shape[1],
    )
    seen = 1  # a window of side k on maps whose pixels stand j apart adds (k - 1) j
    for window, apart in ((3, 1), (2, 1), (3, 2), (2, 2), (3, 4)):
        seen += (window - 1) * apart
    yield Claim(
        "pixels-seen-by-unit",
        "pixels of the image that a unit before the linear layer depends on",
        "enumeration",
        seen**2,
        _seen(net),
    )
    images = evidence.images()["test_images"][:5] / 255
    with torch.no_grad():
        logits = net(torch.from_numpy(images).float()[:, None])
    yield Claim("logits-for-five-images", "logits for five images", "enumeration", 5, logits.numel())
    again = np.array([_discriminate(net, image) for image in images])
    # sums of some hundred products in single precision, so relative to the size of the logits
    distance = float(np.abs(again - logits[:, 0].double().numpy()).max() / max(1.0, np.abs(again).max()))
    yield Claim(
        "logits-distance-from-table",
        "largest relative distance of DNet's logits for a batch from the table worked out in NumPy, image by image",
        "closed form",
        0.0,
        distance,
        1e-4,
    )


@question("vaegan-4b")
def vaegan_4b(evidence: Evidence) -> Iterable[Claim]:
    """GNet: order, shapes, sizes, and the function it computes."""
    import torch

    from dgm.models.gan import GNet

    model = _trained(evidence)
    net = model.generator
    agreeing = sum(itertools.starmap(operator.eq, itertools.zip_longest(_names(net), GENERATOR)))
    yield Claim("layers-in-place", "layers of GNet that stand in their place in the list", "enumeration", len(GENERATOR), agreeing)
    yield Claim("noise-dimension", "numbers in the noise vector", "enumeration", 64, _size(net[0]) / 1568 - 1)
    for place, size, name in ((4, 4624, "first convolution"), (7, 1160, "second convolution"), (9, 73, "third convolution")):
        yield Claim(f"parameters-{name.replace(' ', '-')}", f"parameters of GNet: {name}", "enumeration", size, _size(net[place]))
    yield Claim(
        "parameters-of-convolutions",
        "parameters of GNet's three convolutions together",
        "enumeration",
        5857,
        sum(_size(net[i]) for i in (4, 7, 9)),
    )
    yield Claim("parameters-in-all", "parameters of GNet in all", "enumeration", 107_777, _size(net))
    for latent in (20, 100):
        formula = 1568 * (latent + 1) + 4624 + 1160 + 73
        yield Claim(
            f"parameters-for-noise-{latent}",
            f"parameters of GNet for noise of dimension {latent}",
            "enumeration",
            formula,
            _size(GNet(latent)),
        )
    z = model.grid_noise[:5]
    shapes = _shapes(net, z)
    table = ["1568"] * 2 + ["32x7x7", "32x14x14"] + ["16x14x14"] * 2 + ["16x28x28"] + ["8x28x28"] * 2 + ["1x28x28"] * 2
    yield holds(
        "shapes-after-layers", "the shapes after GNet's eleven layers are those of the answer", "enumeration", shapes == table
    )
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        images, fresh = net(z)[:, 0].double().numpy(), GNet(64)(z)
    inside = bool(((fresh > 0) & (fresh < 1)).all())
    yield holds(
        "pixels-between-zero-and-one", "every pixel of an untrained GNet lies strictly between 0 and 1", "enumeration", inside
    )
    again = np.stack([_generate(net, row) for row in z.double().numpy()])
    distance = float(np.abs(again - images).max())
    yield Claim(
        "pixels-distance-from-table",
        "largest distance of GNet's pixels from the table worked out in NumPy",
        "closed form",
        0.0,
        distance,
        1e-4,
    )


@question("vaegan-4c")
def vaegan_4c(evidence: Evidence) -> Iterable[Claim]:
    """Bounds and distribution of freshly drawn weights."""
    import torch
    from torch import nn

    from dgm.models.gan import DNet, GNet

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        nets = {"DNet": DNet(), "GNet": GNet(64)}
        default = nn.Linear(64, 1568).weight.detach().double().numpy()
    largest = max(float(np.abs(bias).max()) for net in nets.values() for _, bias in _weights(net))
    yield Claim("largest-bias", "largest absolute bias at the start", "enumeration", 0.0, largest)
    stated = {
        "DNet": (0.8164965809, 0.5773502692, 0.4082482905, 0.1732050808),
        "GNet": (0.3061862178, 0.1443375673, 0.2041241452, 0.2886751346),
    }
    scaled = []
    for name, net in nets.items():
        for place, ((weight, _), bound) in enumerate(zip(_weights(net), stated[name], strict=True), 1):
            fan_in = math.prod(weight.shape[1:])
            yield Claim(
                f"bound-{name.lower()}-layer-{place}",
                f"bound of {name}'s weights, layer {place}",
                "closed form",
                bound,
                math.sqrt(6 / fan_in),
                1e-9,
            )
            within = float(np.abs(weight).max()) <= bound * (1 + 1e-6)
            yield holds(
                f"inside-bound-{name.lower()}-layer-{place}", f"{name}'s weights stay inside, layer {place}", "enumeration", within
            )
            scaled.append(weight.ravel() / bound)
    pooled = np.sort(np.concatenate(scaled))
    n = len(pooled)
    law = (pooled + 1) / 2
    distance = float(max((np.arange(1, n + 1) / n - law).max(), (law - np.arange(n) / n).max()))
    yield Claim(
        "distance-from-uniform",
        "distance of all weights over their bounds from the uniform distribution on [-1, 1], below its 0.1 % point",
        "Monte Carlo",
        0.0,
        distance,
        1.95 / math.sqrt(n),
    )
    widest, b = _weights(nets["GNet"])[0][0], stated["GNet"][0]
    share = float(widest.var() / (b * b / 3))
    yield Claim(
        "variance-of-largest-layer",
        "variance of the largest layer's weights over b^2/3",
        "Monte Carlo",
        1.0,
        share,
        5 * math.sqrt(0.8 / widest.size),
    )
    ratio = b / float(np.abs(default).max())
    yield Claim(
        "bound-over-default",
        "the bound is sqrt 6 times that of a layer left at PyTorch's default",
        "Monte Carlo",
        math.sqrt(6),
        ratio,
        1e-3,
    )
    yield from _variances()


def _variances() -> Iterator[Claim]:
    """Where the bound comes from: variances before and after a layer."""
    import sympy

    w, b = sympy.symbols("w b", positive=True)
    uniform = float(sympy.integrate(w**2 / (2 * b), (w, -b, b)) / b**2)
    yield Claim(
        "variance-of-uniform", "variance of the uniform distribution on $[-b,b]$ over $b^2$", "symbolic", 1 / 3, uniform, 1e-15
    )
    y = sympy.Symbol("y", real=True)
    density = sympy.exp(-(y**2) / 2) / sympy.sqrt(2 * sympy.pi)
    kept = float(sympy.integrate(y**2 * density, (y, 0, sympy.oo)))
    yield Claim("second-moment-of-relu", "second moment of the ReLU of a standard normal number", "symbolic", 1 / 2, kept, 1e-15)
    leaking = float(sympy.integrate((y / 5) ** 2 * density, (y, -sympy.oo, 0)))
    shrunk = math.sqrt(kept / (kept + leaking))
    yield Claim(
        "leaky-bound-over-plain",
        "exact bound for LeakyReLU over that for ReLU",
        "symbolic",
        1 / math.sqrt(1 + 0.2**2),
        shrunk,
        1e-12,
    )
    n, draws, rng = 72, 50_000, np.random.default_rng(0)
    weights = math.sqrt(6 / n) * rng.uniform(-1, 1, (draws, n))
    squares = (weights * np.maximum(rng.standard_normal((draws, n)), 0)).sum(1) ** 2
    error = 5 * float(squares.std()) / math.sqrt(draws)
    yield Claim(
        "variance-of-weighted-sum",
        "variance of a sum of 72 weighted ReLUs of standard normal numbers",
        "Monte Carlo",
        1.0,
        float(squares.mean()),
        error,
    )


def _tensor(values: Sequence[float] | np.ndarray) -> "torch.Tensor":
    import torch

    return torch.tensor(np.asarray(values, dtype=np.float64)).view(-1, 1)


class _Watched:
    """One step of the training on made-up images, seen from inside the optimisers."""

    def __init__(self) -> None:
        import torch

        from dgm.models import gan

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model = gan.Model(parse(gan.Config, {"grid_images": 1}, "made up"))
        self.model = model
        self.untouched_generator = self.untouched_gradient = False
        generator = torch.Generator().manual_seed(0)
        images, z = torch.rand((8, 784), generator=generator), gan.uniform_noise(8, 64, generator)
        optimisers = tuple(torch.optim.SGD(net.parameters(), lr=0.1) for net in (model.discriminator, model.generator))
        optimisers[0].register_step_pre_hook(self._before_first)
        optimisers[1].register_step_pre_hook(self._before_second)
        self.start = self._copy()
        self.seen: list[torch.Tensor] = []
        model.generator.register_forward_pre_hook(lambda _, inputs: self.seen.append(inputs[0]))
        gan.train_step(model, images, z, (optimisers[0], optimisers[1]))
        self.end = self._copy()
        self.same_noise = all(torch.equal(each, z) for each in self.seen)

    def _copy(self) -> dict[str, "torch.Tensor"]:
        return {name: value.detach().clone() for name, value in self.model.named_parameters()}

    def _before_first(self, *_: object) -> None:
        self.untouched_generator = all(parameter.grad is None for parameter in self.model.generator.parameters())
        self.gradient = [p.grad.clone() for p in self.model.discriminator.parameters() if p.grad is not None]

    def _before_second(self, *_: object) -> None:
        import torch

        self.middle = self._copy()
        now = [p.grad for p in self.model.discriminator.parameters() if p.grad is not None]
        self.untouched_gradient = all(torch.equal(a, b) for a, b in zip(self.gradient, now, strict=True))

    def changed(self, before: dict[str, "torch.Tensor"], after: dict[str, "torch.Tensor"]) -> set[str]:
        """The networks whose parameters differ."""
        return {name.split(".")[0] for name, value in before.items() if not bool((value == after[name]).all())}


def _least(loss: Callable[..., "torch.Tensor"], data: Sequence[int], model: Sequence[int]) -> float:
    """The least value of a discriminator loss over all functions of a finite set; data and model are lists of its points."""
    from scipy.optimize import minimize

    def value(logits: np.ndarray) -> float:
        return float(loss(_tensor(logits[list(data)]), _tensor(logits[list(model)])))

    return float(minimize(value, np.zeros(3), method="BFGS", options={"gtol": 1e-9}).fun)


def _adams_step(gradient: float) -> float:
    """How far Adam moves a parameter with this gradient in its first step."""
    import torch

    parameter = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    parameter.grad = torch.full_like(parameter, gradient)
    torch.optim.Adam([parameter], lr=1e-3).step()
    return float(parameter.detach())


@question("vaegan-4d")
def vaegan_4d(evidence: Evidence) -> Iterable[Claim]:
    """The discriminator's loss."""
    import torch

    from dgm.models.gan import discriminator_loss

    zero = _tensor(np.zeros(4))
    yield Claim(
        "loss-at-zero-logits", "L_D for logits of zero", "closed form", math.log(2), float(discriminator_loss(zero, zero)), 1e-12
    )
    real, fake = LOGITS / 2, LOGITS[::-1] / 3 + 1
    value = float(np.log(_sigmoid(real)).mean() + np.log(1 - _sigmoid(fake)).mean())
    computed = float(discriminator_loss(_tensor(real), _tensor(fake)))
    yield Claim(
        "loss-is-minus-half-value", "L_D is minus one half of the value of the game", "closed form", -value / 2, computed, 1e-9
    )
    certain = _tensor([200.0])
    yield Claim(
        "loss-when-surely-wrong",
        "L_D of a discriminator that is surely wrong, logits -200 and 200",
        "closed form",
        200.0,
        float(discriminator_loss(-certain, certain)),
    )
    naive = float(-torch.log(1 - torch.sigmoid(certain)))
    yield Claim("naive-loss-overflows", "-log(1 - sigmoid(200)) in floating point", "closed form", math.inf, naive)
    p, q = np.array([0.6, 0.3, 0.1]), np.array([0.1, 0.3, 0.6])
    middle = (p + q) / 2
    divergence = float((p * np.log(p / middle)).sum() + (q * np.log(q / middle)).sum()) / 2
    least = _least(discriminator_loss, [0] * 6 + [1] * 3 + [2], [0] + [1] * 3 + [2] * 6)
    yield Claim(
        "least-loss-gives-divergence",
        "log 2 minus the least L_D is the Jensen-Shannon divergence",
        "optimisation",
        divergence,
        math.log(2) - least,
        1e-7,
    )
    steps = [_adams_step(scale * 0.01) for scale in (1.0, 0.5)]
    yield Claim(
        "step-ratio-for-half-loss",
        "Adam's first step for half the loss over that for the whole",
        "closed form",
        1 - 1e-6,
        steps[1] / steps[0],
        1e-9,
    )
    watched = _Watched()
    yield holds(
        "generator-without-gradient",
        "no gradient has reached G when D takes its step",
        "automatic differentiation",
        watched.untouched_generator,
    )
    only = watched.changed(watched.start, watched.middle) == {"discriminator"}
    yield holds("step-changes-only-discriminator", "D's step changes D and nothing else", "enumeration", only)


def _steepest(loss: Callable[["torch.Tensor"], "torch.Tensor"]) -> float:
    """The largest slope of a generator loss in G's parameters against a discriminator that gives every image the logit 0."""
    import torch

    from dgm.models import gan

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        generator, discriminator = gan.GNet(4), gan.DNet()
    torch.nn.init.zeros_(list(discriminator.parameters())[-2])
    slopes = torch.autograd.grad(loss(discriminator(generator(torch.ones(2, 4)))), list(generator.parameters()))
    return max(float(slope.abs().max()) for slope in slopes)


@question("vaegan-4e")
def vaegan_4e(evidence: Evidence) -> Iterable[Claim]:
    """The generator's loss."""
    import torch

    from dgm.models.gan import generator_loss

    yield Claim(
        "loss-at-zero-logits",
        "L_G for logits of zero",
        "closed form",
        math.log(2),
        float(generator_loss(_tensor(np.zeros(4)))),
        1e-12,
    )
    computed = float(generator_loss(_tensor(LOGITS)))
    yield Claim(
        "loss-is-mean-log-sigmoid",
        "L_G is the mean of -log sigmoid",
        "closed form",
        float(-np.log(_sigmoid(LOGITS)).mean()),
        computed,
        1e-9,
    )

    def slopes(loss: Callable[["torch.Tensor"], "torch.Tensor"]) -> np.ndarray:
        logits = _tensor(LOGITS).requires_grad_()
        (slope,) = torch.autograd.grad(loss(logits), logits)
        return np.asarray(slope[:, 0].numpy() * len(LOGITS))

    def saturating(logits: "torch.Tensor") -> "torch.Tensor":
        return torch.log1p(-torch.sigmoid(logits)).mean()

    ours, other = slopes(generator_loss), slopes(saturating)
    distance = float(np.abs(ours - (_sigmoid(LOGITS) - 1)).max())
    yield Claim(
        "slope-formula-distance",
        "largest distance of dL_G/dlogit from sigmoid - 1",
        "automatic differentiation",
        0.0,
        distance,
        1e-12,
    )
    rejected = int(np.flatnonzero(LOGITS == -6)[0])
    yield Claim(
        "slope-when-rejected",
        "slope of L_G at logit -6",
        "automatic differentiation",
        -1 / (1 + math.exp(-6)),
        ours[rejected],
        1e-9,
    )
    yield Claim(
        "saturating-slope-when-rejected",
        "slope of log(1 - D) at logit -6",
        "automatic differentiation",
        -1 / (1 + math.exp(6)),
        other[rejected],
        1e-9,
    )
    yield Claim(
        "ratio-of-rejected-slopes",
        "ratio of these two slopes is e^6",
        "automatic differentiation",
        math.exp(6),
        ours[rejected] / other[rejected],
        1e-6,
    )
    even = int(np.flatnonzero(LOGITS == 0)[0])
    yield Claim(
        "slope-at-zero",
        "both slopes are -1/2 at logit 0",
        "automatic differentiation",
        -0.5,
        max(ours[even], other[even], key=lambda slope: abs(slope + 0.5)),
        1e-9,
    )
    same = bool((np.sign(ours) == -1).all() and (np.sign(other[:-1]) == -1).all())
    yield holds("both-push-upwards", "both forms push every logit upwards", "automatic differentiation", same)
    for word, name, loss in (("ours", "L_G", generator_loss), ("saturating", "the loss of the game", saturating)):
        largest = _steepest(loss)
        yield Claim(
            f"slope-in-generator-{word}",
            f"largest slope of {name} in G where D gives all images one logit",
            "automatic differentiation",
            0.0,
            largest,
        )
    watched = _Watched()
    only = watched.changed(watched.middle, watched.end) == {"generator"}
    yield holds("step-changes-only-generator", "G's step changes G and nothing else", "enumeration", only)
    yield holds(
        "no-gradient-left-in-discriminator",
        "G's step leaves no gradient in D",
        "automatic differentiation",
        watched.untouched_gradient,
    )
    yield holds("same-noise-in-both-steps", "both steps use the same noise", "enumeration", watched.same_noise)


def _regenerated(model: "Model") -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Each kept grid, and what the generator with the weights kept beside it makes of the saved noise."""
    import torch

    from dgm.models.gan import GNet

    for grid, weights in zip(model.grids, model.grid_weights, strict=True):
        net = GNet(model.latent)
        with torch.no_grad():
            for parameter, part in zip(net.parameters(), weights.split([p.numel() for p in net.parameters()]), strict=True):
                parameter.copy_(part.view_as(parameter))
            images = net(model.grid_noise)[:, 0].numpy()
        yield grid.numpy(), images


def _steps(evidence: Evidence, history: "pd.DataFrame") -> Iterator[Claim]:
    """Optimiser steps of the usual settings and of this training."""

    from dgm.models.gan import Config

    everything, batch = 60_000, 256
    an_epoch = len(range(0, everything - batch + 1, batch))  # where the full batches of an epoch start
    for epochs in (100, 30):
        statement = f"steps of {epochs} epochs of all MNIST in batches of 256, the incomplete one left out"
        yield Claim(f"steps-of-{epochs}-epochs", statement, "enumeration", epochs * (everything // batch), epochs * an_epoch)
    settings = parse(Config, load_tensors(evidence.model_path(RUN))["settings"], RUN)
    images = len(evidence.images()["train_images"])
    for word, words, epoch in (
        ("end", "all epochs", settings.epochs),
        ("middle-grid", "the middle grid", settings.grid_epochs[1]),
    ):
        yield Claim(
            f"steps-up-to-{word}",
            f"steps of this training up to {words}",
            "recomputation",
            epoch * (images // settings.batch_size),
            int(history.loc[history["epoch"] <= epoch, "step"].max()),
            needs_full_budget=True,
        )


def _difference(first: Measured, second: Measured) -> Measured:
    """Difference of two numbers of independent images or draws."""
    return Measured(first.value - second.value, math.hypot(first.stderr, second.stderr), min(first.n, second.n))


def _darkness(evidence: Evidence) -> Iterator[Claim | Finding]:
    """Why a small distance from the data is no proof of a good image."""
    images = evidence.images()["train_images"].reshape(-1, 784)
    nearest = float(np.linalg.norm(images / 255, axis=1).min())
    least = min(int(row @ row) for row in images.astype(np.int64))
    yield Claim(
        "distance-of-black",
        "distance of an all-black image from its nearest training image",
        "enumeration",
        nearest,
        math.sqrt(least) / 255,
        1e-9,
    )
    real = mean(evidence.evaluations(RUN)["neighbour_distance_test"].astype(np.float64), unit="")
    beyond = Measured(real.value - nearest, real.stderr, real.n)
    yield Finding(
        "digits-beyond-black", "mean distance of test digits from the training images, minus that of black", beyond, above=0
    )


def _progress(evidence: Evidence, grids: np.ndarray) -> Iterator[Finding]:
    """The three kept generators by fresh draws of each, and by the images at the places of the grids."""

    def change(metric: str, first: int, last: int) -> Measured:
        before, after = (evidence.measured(RUN, metric, f"grid_{place}") for place in (first, last))
        return _difference(after, before)

    yield Finding(
        "more-recognised", "share of images recognised, last kept generator minus first", change("recognised", 1, 3), above=0
    )
    yield Finding(
        "fewer-at-the-end", "share of images recognised, last kept generator minus second", change("recognised", 2, 3), below=0
    )
    yield Finding(
        "nearer-at-first", "Fréchet distance, second kept generator minus first", change("frechet_distance", 1, 2), below=0
    )
    yield Finding(
        "nearer-at-the-end", "Fréchet distance, last kept generator minus second", change("frechet_distance", 2, 3), below=0
    )
    yield Finding(
        "early-images-confident",
        "mean confidence on images of the first kept generator",
        evidence.measured(RUN, "confidence", "grid_1"),
        above=0.5,
    )
    middle, last = (seen_as(evidence, images) for images in grids[-2:])
    yield Finding(
        "places-change-class",
        "share of the places of the grid whose digit differs between the second grid and the last, as the classifier sees them",
        frequency(middle != last),
        above=0.25,
    )


def _diversity(evidence: Evidence) -> Iterator[Finding]:
    """How sure the classifier is of the samples, and which digits it finds in them."""
    from dgm.evaluation.scores import COMMON, RECOGNISED

    yield Finding("confident", "mean confidence on the samples", evidence.measured(RUN, "confidence", "samples"), above=0.7)
    ours, real = evidence.measured(RUN, "recognised", "samples"), evidence.measured("real_test", "recognised")
    yield Finding(
        "fewer-recognised", "share of samples recognised, minus that of real test digits", _difference(ours, real), below=0
    )
    log_p = evidence.evaluations(RUN)["class_log_probabilities"].astype(np.float64)
    classes, sure = log_p.argmax(1), log_p.max(1) > math.log(RECOGNISED)
    rarest = np.argsort(np.bincount(classes[sure], minlength=10), kind="stable")
    words = "that are recognised as the {} digit"
    yield Finding(
        "eight-digits",
        f"share of the samples {words.format('third-rarest')}",
        frequency(sure & (classes == rarest[2])),
        above=COMMON,
    )
    yield Finding(
        "all-digits", f"share of the samples {words.format('rarest')}", frequency(sure & (classes == rarest[0])), above=COMMON
    )
    least = int(np.bincount(classes, minlength=10).argmin())
    statement = "share of the samples classified as the rarest digit; an equal share is 0.1"
    yield Finding("digits-unequal", statement, frequency(classes == least), below=0.05)


@question("vaegan-4f")
def vaegan_4f(evidence: Evidence) -> Iterable[Claim | Finding]:
    """The trained run: grids, losses, diversity of the samples."""
    model, history, samples = _trained(evidence), evidence.history(RUN), evidence.samples(RUN)
    grids, epochs = samples["grids"], samples["grid_epochs"]
    yield Claim("number-of-grids", "grids of generated images", "enumeration", 3, len(grids))
    rising = bool((np.diff(epochs) > 0).all())
    yield holds("grids-at-rising-epochs", "the grids belong to three rising epochs", "enumeration", rising, needs_full_budget=True)
    yield Claim(
        "last-grid-at-last-epoch", "the last grid is of the last epoch", "enumeration", int(history["epoch"].max()), int(epochs[-1])
    )
    for name, images in (("grids", grids), ("samples", samples["samples"])):
        inside = bool(np.isfinite(images).all() and images.min() >= 0 and images.max() <= 1)
        yield holds(f"pixels-in-range-{name}", f"all pixels of the {name} lie in [0, 1]", "enumeration", inside)
    worst = max(float(np.abs(kept - again).max()) for kept, again in _regenerated(model))
    yield Claim(
        "grids-distance-from-weights",
        "largest distance of the grids from what the weights kept with each make of the one saved noise",
        "recomputation",
        0.0,
        worst,
        PIXEL_ROUNDING,
    )
    drawn = float(np.abs(grids - model.grids.numpy()).max())
    yield Claim("drawn-grids-distance-from-kept", "the grids drawn are those kept in the model", "enumeration", 0.0, drawn)
    noise = samples["grid_noise"]
    yield holds(
        "noise-at-most-one",
        "largest absolute value of the saved noise is at most 1",
        "enumeration",
        bool(np.abs(noise).max() <= 1),
    )
    variance, error = float(noise.var()), 5 * math.sqrt(0.8 / noise.size) / 3
    yield Claim("variance-of-noise", "variance of the saved noise, uniform on [-1, 1]", "Monte Carlo", 1 / 3, variance, error)
    yield from _steps(evidence, history)
    share = 100 * _size(model.discriminator) / _size(model.generator)
    yield Claim(
        "discriminator-size-percent", "D's parameters as a percentage of G's", "recomputation", 100 * 593 / 107_777, share, 1e-9
    )
    yield Claim(
        "entropy-of-ten-classes",
        "greatest entropy of ten classes",
        "closed form",
        math.log(10),
        -sum(0.1 * math.log(0.1) for _ in range(10)),
        1e-12,
    )
    losses = history[history["term"].isin(["discriminator_loss", "generator_loss"])]
    yield Claim(
        "number-of-recorded-losses",
        "both losses are recorded at every epoch",
        "enumeration",
        2 * int(history["epoch"].max()),
        len(losses),
    )
    finite = bool(np.isfinite(losses["value"]).all())
    yield holds("losses-finite", "both losses are finite at every epoch", "enumeration", finite)
    yield from _progress(evidence, grids)
    yield from _darkness(evidence)
    late = losses[losses["epoch"] > losses["epoch"].max() / 2]
    furthest = float((late["value"] - math.log(2)).abs().max())
    yield Finding(
        "losses-near-log-2",
        "largest distance of either loss from log 2 in the second half of the training",
        Measured(furthest, 0.0, unit="nats"),
        below=0.25,
    )
    bound = evidence.measured(RUN, "jsd_bound")
    statement = (
        "half of log 2, the greatest Jensen-Shannon divergence, minus the lower bound that the final discriminator certifies"
    )
    yield Finding("little-certified", statement, Measured(math.log(2) / 2 - bound.value, bound.stderr, bound.n), above=0)
    yield from _diversity(evidence)
