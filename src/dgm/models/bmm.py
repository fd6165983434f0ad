"""Mixture of multivariate Bernoulli laws for binary images, fitted by expectation maximisation.

Model    p(x) = sum_k pi_k prod_d p_kd^x_d (1 - p_kd)^(1 - x_d)                                (1)
E step   eta_ik = p(k | x_i) = exp(A_ik - logsumexp_j A_ij),
         A_ik = log pi_k + sum_d [x_id log p_kd + (1 - x_id) log(1 - p_kd)]                    (2)
M step   p_k = sum_i eta_ik x_i / N_k,   pi_k = N_k / n,   N_k = sum_i eta_ik                  (3)

All of (2) is computed with logarithms: a product of 784 factors underflows. The observed-data log-likelihood never falls. That
stays true with the parameters kept in [floor, 1 - floor], because the objective of the M step is concave in each p_kd and its
maximiser over an interval is the clipped stationary point.

With many components each has few images, and a pixel that is off in all of them gets the floor for its probability: one new image
that has it on costs 14 nats. With a smoothing of s > 0 each component counts s further images with the pixel means xbar of the
training set,

         p_k = (sum_i eta_ik x_i + s xbar) / (N_k + s),                                                   (4)

which is the M step under a Beta(1 + s xbar_d, 1 + s (1 - xbar_d)) prior on every p_kd. What never falls is then the log-likelihood
plus the logarithm of that prior,

         sum_i log p(x_i) + s sum_k sum_d [xbar_d log p_kd + (1 - xbar_d) log(1 - p_kd)].                 (5)

References: Bishop 2006, section 9.3.3; Dempster, Laird & Rubin 1977, section 1 (maximum a posteriori).
Axis letters: n images, d pixels, k components.
"""

import math
from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from dgm.data.tensors import DIGITS, ImageData, Shape, Treatment, treat
from dgm.maths.distributions import sample_bernoulli
from dgm.settings import Settings
from dgm.training.fitted import Fitted
from dgm.training.loop import Context
from dgm.training.restarts import Attempt, best_of

__all__ = ["Config", "Model", "e_step", "em_iteration", "fit", "initialise", "log_penalty", "m_step"]


class Config(Settings):
    """Settings of a Bernoulli mixture."""

    components: int = Field(ge=1, le=10_000, description="number K of mixture components")
    images: int | None = Field(None, ge=1, description="how many training images, drawn at random; null takes all")
    treatment: Literal["thresholded", "statically binarised"] = Field(
        "thresholded", description="of the pixels; see dgm.data.tensors.TREATMENTS"
    )
    start: Literal["noise", "images"] = Field(
        "noise", description="rows of p at the start: pixel means and noise, or pixel means and images chosen at random"
    )
    restarts: int = Field(10, ge=1, description="random starts; the fit with the highest training likelihood is kept")
    iterations: int = Field(200, ge=1, description="at most so many EM iterations a start")
    tolerance: float = Field(1e-6, ge=0, lt=1, description="stop when the log-likelihood gains less than this fraction")
    floor: float = Field(1e-6, gt=0, lt=0.5, description="pixel probabilities stay in [floor, 1 - floor]")
    smoothing: float = Field(0.0, ge=0, description="images with the pixel means that every component counts beside its own")
    chunk: int = Field(4096, ge=1, description="images whose responsibilities are held at once")


def log_joint(Xs: Float[Tensor, "n d"], p: Float[Tensor, "k d"], mix_p: Float[Tensor, "k 1"]) -> Float[Tensor, "n k"]:
    """Log p(x_i, k) of equation (2): one matrix product, since x log p + (1 - x) log(1 - p) = x logit p + log(1 - p)."""
    off = torch.log1p(-p)
    return torch.addmm(off.sum(1) + mix_p.squeeze(1).log(), Xs, (p.log() - off).T)


def e_step(
    Xs: Float[Tensor, "n d"], p: Float[Tensor, "k d"], mix_p: Float[Tensor, "k 1"]
) -> tuple[Float[Tensor, "n k"], Float[Tensor, " n"]]:
    """Responsibilities eta and the log-likelihood of each image in nats, equation (2)."""
    joint = log_joint(Xs, p, mix_p)
    log_likelihood = joint.logsumexp(1)
    return torch.exp(joint - log_likelihood[:, None]), log_likelihood


def m_step(
    Xs: Float[Tensor, "n d"],
    eta: Float[Tensor, "n k"],
    floor: float = 1e-6,
    *,
    smoothing: float = 0.0,
    means: Float[Tensor, " d"] | None = None,
) -> tuple[Float[Tensor, "k d"], Float[Tensor, "k 1"]]:
    """New parameters (p, mix_p) from the responsibilities, equation (3); with a smoothing and the pixel means equation (4)."""
    return _maximise(eta.T @ Xs, eta.sum(0), floor, smoothing, means)


def _maximise(
    weighted_sum: Float[Tensor, "k d"], N_k: Float[Tensor, " k"], floor: float, smoothing: float, means: Tensor | None
) -> tuple[Float[Tensor, "k d"], Float[Tensor, "k 1"]]:
    counts = N_k
    if smoothing:
        assert means is not None
        weighted_sum, counts = weighted_sum + smoothing * means, N_k + smoothing
    # A component without images keeps p = 1/2 and weight 0 instead of dividing by zero.
    empty = counts <= torch.finfo(counts.dtype).tiny
    p = torch.where(empty[:, None], 0.5, weighted_sum / counts.masked_fill(empty, 1.0)[:, None])
    return p.clamp(floor, 1 - floor), (N_k / N_k.sum())[:, None]


def log_penalty(p: Float[Tensor, "k d"], smoothing: float, means: Float[Tensor, " d"]) -> Float[Tensor, ""]:
    """The second part of (5), in nats: the logarithm of the prior on p, up to a constant."""
    return smoothing * (means * p.log() + (1 - means) * torch.log1p(-p)).sum()


def em_iteration(
    Xs: Float[Tensor, "n d"],
    p: Float[Tensor, "k d"],
    mix_p: Float[Tensor, "k 1"],
    floor: float = 1e-6,
    chunk: int = 4096,
    *,
    smoothing: float = 0.0,
    means: Float[Tensor, " d"] | None = None,
) -> tuple[Float[Tensor, "k d"], Float[Tensor, "k 1"], Float[Tensor, ""]]:
    """E step and M step in one pass over the images, a chunk at a time, so that each chunk is read from memory once.

    ``means``, the pixel means of all images, are needed with a smoothing only.

    Returns:
        New p, new mix_p, and the log-likelihood sum_i log p(x_i) in nats *before* the update.
    """
    weighted_sum, N_k, total = torch.zeros_like(p), torch.zeros_like(p[:, 0]), torch.zeros_like(p[0, 0])
    for rows in Xs.split(chunk):
        eta, log_likelihood = e_step(rows, p, mix_p)
        weighted_sum.addmm_(eta.T, rows)
        N_k += eta.sum(0)
        total += log_likelihood.sum()
    return *_maximise(weighted_sum, N_k, floor, smoothing, means), total


def initialise(
    Xs: Float[Tensor, "n d"], components: int, generator: torch.Generator, start: Literal["noise", "images"] = "noise"
) -> tuple[Float[Tensor, "k d"], Float[Tensor, "k 1"]]:
    """Equal weights, and p_k halfway between the pixel means and something of its own: equal rows would stay equal for ever.

    That is uniform noise on [1/4, 3/4], or another image for each component, its pixels at 1/4 and 3/4. From noise all rows are
    much the same, so that with many components some end without images.
    """
    if start == "images":
        chosen = torch.randperm(len(Xs), generator=generator, device=Xs.device)[:components]
        own = Xs[chosen]
    else:
        own = torch.rand((components, Xs.shape[1]), generator=generator, dtype=Xs.dtype, device=Xs.device)
    p = 0.5 * Xs.mean(0) + 0.5 * (0.25 + 0.5 * own)
    return p, torch.full((components, 1), 1 / components, dtype=Xs.dtype, device=Xs.device)


class Model(nn.Module):
    """A fitted mixture; offers DrawsImages, Describes, HasLogProb and HasClusters."""

    def __init__(self, config: Config, shape: Shape = DIGITS) -> None:
        super().__init__()
        self.shape = shape
        self.treatment: Treatment = config.treatment
        self.p: Tensor
        self.mix_p: Tensor
        self.register_buffer("p", torch.full((config.components, math.prod(shape)), 0.5, dtype=torch.float64))
        self.register_buffer("mix_p", torch.full((config.components, 1), 1 / config.components, dtype=torch.float64))

    @property
    def sample_treatment(self) -> Treatment:
        """Samples are like the images that the mixture was fitted to."""
        return self.treatment

    def parameter_count(self) -> int:
        """K d pixel probabilities and K - 1 free weights."""
        return self.p.numel() + self.mix_p.numel() - 1

    def log_prob(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """Log p(x) in nats, equation (1)."""
        return e_step(x.to(self.p), self.p, self.mix_p)[1]

    def responsibilities(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n k"]:
        """Posterior probability of each component, equation (2)."""
        return e_step(x.to(self.p), self.p, self.mix_p)[0]

    def sample(self, n: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Ancestral sampling: a component from pi, then every pixel on its own from that component's p."""
        components = torch.multinomial(self.mix_p.squeeze(1), n, replacement=True, generator=generator)
        drawn = sample_bernoulli(self.p[components], generator)
        return {"samples": drawn.to(torch.uint8).view(n, *self.shape), "components": components}

    def describe(self) -> dict[str, Tensor]:
        """The rows of p as images (``prototypes`` [k, h, w]) and the mixing ``weights`` [k]."""
        return {"prototypes": self.p.float().view(-1, *self.shape), "weights": self.mix_p.squeeze(1)}


def fit(config: Config, data: ImageData, context: Context) -> Fitted:
    """Fit by EM from several random starts and keep the one with the highest training log-likelihood.

    A start ends when an iteration gains less than the tolerance, of (5) where there is a smoothing. The history has the mean
    log-likelihood an image (nats) of every start (``log_likelihood/start_<i>``) and of the one kept (``log_likelihood``), one row
    an iteration.

    Raises:
        ValueError: when there are fewer images than asked for, or fewer than components.
        FloatingPointError: when the log-likelihood is not finite.
    """
    images = data.train_images
    wanted = config.images or len(images)
    if wanted > len(images):
        raise ValueError(f"run {context.run}: images = {wanted}, but the training set has {len(images)}")
    if wanted < config.components:
        raise ValueError(f"run {context.run}: {config.components} components need at least as many images; got {wanted}")
    chosen = context.generators.permutation(len(images), "subset")[:wanted].sort().values
    Xs = treat(images[chosen], config.treatment, context.generators["binarise"]).double()
    iterations = min(config.iterations, context.max_steps or config.iterations)
    means = Xs.mean(0)

    def begin(start: int) -> Attempt:
        generator = torch.Generator(Xs.device).manual_seed(context.generators.seed_of(f"start/{start}"))
        p, mix_p = initialise(Xs, config.components, generator, config.start)
        return Attempt(start, {"p": p, "mix_p": mix_p})

    def improve(at: Attempt) -> Attempt:
        p, mix_p = (at.parameters[name].to(Xs.device) for name in ("p", "mix_p"))
        new_p, new_mix_p, total = em_iteration(Xs, p, mix_p, config.floor, config.chunk, smoothing=config.smoothing, means=means)
        trace = [*at.trace, float(total) / wanted]
        passes = len(trace)
        if not torch.isfinite(total):
            raise FloatingPointError(
                f"run {context.run}: log-likelihood not finite at start {at.start}, iteration {passes}; before: {at.trace[-1:]}"
            )
        penalty = float(log_penalty(p, config.smoothing, means)) / wanted if config.smoothing else 0.0
        objective = trace[-1] + penalty
        if passes > 1 and objective - at.objective < config.tolerance * abs(at.objective):
            return Attempt(at.start, at.parameters, trace, objective, passes, finished=True)
        return Attempt(at.start, {"p": new_p, "mix_p": new_mix_p}, trace, objective, passes, finished=passes == iterations)

    def judge(at: Attempt) -> tuple[float, str]:
        p, mix_p = (at.parameters[name].to(Xs.device) for name in ("p", "mix_p"))
        final = float(torch.cat([e_step(rows, p, mix_p)[1] for rows in Xs.split(config.chunk)]).mean())
        return final, f"{at.passes} iterations, {final:.4f} nats an image"

    best = best_of(begin, improve, judge, restarts=config.restarts, n=wanted, context=context)
    context.facts |= best.facts()
    model = Model(config, data.shape)
    model.p.copy_(best.parameters["p"])
    model.mix_p.copy_(best.parameters["mix_p"])
    return Fitted(model, best.curves(), context.facts)
