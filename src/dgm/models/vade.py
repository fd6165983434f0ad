"""Variational autoencoder whose prior is a Gaussian mixture: it embeds images and clusters them at once (VaDE).

Model      c ~ Cat(pi),  z | c ~ N(mu_c, diag sigma_c^2),  x_d | z ~ Bernoulli(sigmoid(f_d(z)))                      (1)
Posterior  q(z, c | x) = N(z; m, diag s^2) gamma_c  with m, log s^2 from the encoder                                 (2)
Bound      log p(x) >= E_q log p(x | z)
             - 1/2 sum_c gamma_c sum_j [log sigma_cj^2 + s_j^2 / sigma_cj^2 + (m_j - mu_cj)^2 / sigma_cj^2]
             + sum_c gamma_c log(pi_c / gamma_c) + 1/2 sum_j (1 + log s_j^2)                                         (3)
           with one reparameterised draw z = m + s * eps for its first term
Averaged   gamma_c = p(c | z) = pi_c N(z; mu_c, sigma_c^2) / sum_k pi_k N(z; mu_k, sigma_k^2) at the same draw        (4)
Geometric  gamma_c proportional to pi_c exp E_q log N(z; mu_c, sigma_c^2), which maximises (3) over gamma             (5)

The mixing weights pi are a softmax of logits, so they stay on the simplex; a cluster is predicted without randomness, from (4) at
z = m or from (5). A bound of this kind has many poor maxima, in which clusters are empty or share a digit, so training starts
from codes that are clustered already:

1. every layer of encoder and decoder is trained to undo noise on the output of the layer before it (masking noise on its input and
   on its own output), then the whole autoencoder is trained end to end, possibly with noise on the pixels too;
2. the codes are clustered by k-means, or a mixture of diagonal Gaussians is fitted to them by EM, each from several starts among
   which its own criterion chooses; the clusters' shares, means and variances become the prior;
3. the bound (3) is maximised from there.

What this start is worth shows a run without it: no epochs of pre-training, and clusters around means drawn from N(0, I).

References: Jiang, Zheng, Tan, Tang & Zhou 2017 (model, bound, start); Vincent, Larochelle, Lajoie, Bengio & Manzagol 2010
(denoising layers); Xie, Girshick & Farhadi 2016 (layer sizes).
Axis letters: n images, d pixels, k clusters, j latent numbers.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Annotated, ClassVar, Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from dgm.data.tensors import DIGITS, ImageData, PointData, Shape, Treatment, treat
from dgm.maths import clustering, measured
from dgm.maths.distributions import bernoulli_log_prob, log_mean_exp, sample_bernoulli, sample_gaussian
from dgm.maths.measured import Measured, Measurements, Reading
from dgm.maths.mixture_prior import log_normal
from dgm.runtime.streams import Generators
from dgm.settings import Settings
from dgm.training.fitted import Fitted, HistoryRow
from dgm.training.loop import Context, ascent, train
from dgm.training.phases import Phases
from dgm.training.precision import Precision

__all__ = [
    "Config",
    "Model",
    "Terms",
    "bound_terms",
    "diagonal_mixture",
    "fit",
    "log_geometric_responsibilities",
    "log_responsibilities",
]

AT_ONCE = 2000
DRAWS = 50  # of z, behind the averaged responsibilities
EACH = 10  # samples of each cluster in the picture

Width = Annotated[int, Field(ge=1)]


class Config(Settings):
    """Settings of the VAE with a Gaussian-mixture prior. Epochs of 0 leave a phase out."""

    clusters: int = Field(10, ge=1, description="number K of clusters")
    latent: int = Field(10, ge=1, description="number J of latent numbers")
    hidden: list[Width] = Field([500, 500, 2000], min_length=1, description="widths of the encoder; the decoder mirrors them")
    treatment: Literal["grey", "dynamically binarised"] = Field(
        "grey", description="of the pixels; see dgm.data.tensors.TREATMENTS"
    )
    responsibilities: Literal["averaged", "geometric"] = Field("averaged", description="gamma by equation (4) or (5)")
    layer_epochs: int = Field(20, ge=0, description="denoising epochs of each layer")
    layer_noise: float = Field(0.2, ge=0, lt=1, description="share of numbers set to zero in a layer's input and output")
    autoencoder_epochs: int = Field(50, ge=0, description="epochs of the whole autoencoder")
    autoencoder_noise: float = Field(0.0, ge=0, lt=1, description="share of pixels set to zero in the autoencoder's input")
    autoencoder_learning_rate: float = Field(1e-3, gt=0, description="of Adam, in both parts of the pre-training")
    autoencoder_loss: Literal["squared error", "cross-entropy"] = Field("squared error", description="between pixels and means")
    mixture: Literal["k-means", "EM", "random"] = Field(
        "k-means", description="what sets the clusters on the codes of the autoencoder; random: means from N(0, I)"
    )
    mixture_starts: int = Field(10, ge=1, description="starts of it; its own criterion, inertia or likelihood, chooses")
    initial_variance: float = Field(
        0.1, gt=0, description="of q(z | x) at the start of the bound, over the variance within clusters"
    )
    epochs: int = Field(100, ge=1, description="epochs of the bound")
    batch_size: int = Field(256, ge=1, description="images a step in every phase; the last batch of an epoch may be smaller")
    learning_rate: float = Field(2e-3, gt=0, description="of Adam on the bound")
    learning_rate_decay: float = Field(0.95, gt=0, le=1, description="factor on the learning rate every 10 epochs")
    precision: Precision = Field("auto", description="arithmetic of the training step")
    curve_images: int = Field(1000, ge=1, description="test images behind each point of the learning curve")


# ------------------------------------------------------------------------------------------------ mathematics


class Prior(NamedTuple):
    """The law of the code: K weighted Gaussians with diagonal covariances."""

    log_weights: Float[Tensor, " k"]
    means: Float[Tensor, "k j"]
    log_variances: Float[Tensor, "k j"]


@dataclasses.dataclass(frozen=True)
class Terms:
    """The four terms of the bound (3), nats an image each."""

    reconstruction: Float[Tensor, " n"]
    prior: Float[Tensor, " n"]
    assignment: Float[Tensor, " n"]
    entropy: Float[Tensor, " n"]

    @property
    def kl(self) -> Float[Tensor, " n"]:
        """KL(q(z, c | x) || p(z, c)): all but the reconstruction, with the opposite sign; the log 2 pi of two terms cancel."""
        return -(self.prior + self.assignment + self.entropy)

    @property
    def bound(self) -> Float[Tensor, " n"]:
        """Equation (3)."""
        return self.reconstruction - self.kl


def _distances(mean: Float[Tensor, "n j"], log_variance: Float[Tensor, "n j"], prior: Prior) -> Float[Tensor, "n k"]:
    """The inner sum over j of the second term of (3), for every image and cluster."""
    # element by element, not as matrix products: autocast would round those to bfloat16, and expanding the square cancels badly
    apart = (mean[:, None, :] - prior.means).square() + log_variance.exp()[:, None, :]
    return (prior.log_variances + apart * torch.exp(-prior.log_variances)).sum(2)


def bound_terms(
    reconstruction: Float[Tensor, " n"],
    log_gamma: Float[Tensor, "n k"],
    mean: Float[Tensor, "n j"],
    log_variance: Float[Tensor, "n j"],
    prior: Prior,
) -> Terms:
    """Equation (3) from the decoder's log-likelihood, the posterior (2) and the prior, in closed form."""
    gamma = log_gamma.exp()
    distance = -0.5 * (gamma * _distances(mean, log_variance, prior)).sum(1)
    assignment = (gamma * (prior.log_weights - log_gamma)).sum(1)
    return Terms(reconstruction, distance, assignment, 0.5 * (1 + log_variance).sum(1))


def log_responsibilities(z: Float[Tensor, "n j"], prior: Prior) -> Float[Tensor, "n k"]:
    """Log p(c | z) by Bayes' rule."""
    certain = torch.full_like(z, -math.inf)  # a posterior without spread: s^2 = 0
    return (prior.log_weights - 0.5 * _distances(z, certain, prior)).log_softmax(1)


def log_geometric_responsibilities(
    mean: Float[Tensor, "n j"], log_variance: Float[Tensor, "n j"], prior: Prior
) -> Float[Tensor, "n k"]:
    """Log gamma of equation (5): the maximiser of (3) over the simplex."""
    return (prior.log_weights - 0.5 * _distances(mean, log_variance, prior)).log_softmax(1)


# ------------------------------------------------------------------------------------------------ network


class Model(nn.Module):
    """Encoder, decoder and the tables of the prior; offers DrawsImages, Describes, HasImportanceWeightedBound, HasClusters and
    Measures."""

    sample_treatment: ClassVar[Treatment] = "dynamically binarised"

    def __init__(self, config: Config, shape: Shape = DIGITS) -> None:
        super().__init__()
        self.shape = shape
        self.treatment = config.treatment
        self.geometric = config.responsibilities == "geometric"
        widths = [math.prod(shape), *config.hidden]
        self.encoder = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.mean_head = nn.Linear(widths[-1], config.latent)
        self.log_variance_head = nn.Linear(widths[-1], config.latent)
        back = [config.latent, *reversed(widths)]
        self.decoder = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(back))
        self.weight_logits = nn.Parameter(torch.zeros(config.clusters))
        self.means = nn.Parameter(torch.zeros(config.clusters, config.latent))
        self.log_variances = nn.Parameter(torch.zeros(config.clusters, config.latent))

    def features(self, x: Float[Tensor, "n d"], layers: int | None = None) -> Float[Tensor, "n h"]:
        """Output of the first ``layers`` hidden layers of the encoder, all by default."""
        for layer in list(self.encoder)[:layers]:
            x = torch.relu(layer(x))
        return x

    def encode(self, x: Float[Tensor, "n d"]) -> tuple[Float[Tensor, "n j"], Float[Tensor, "n j"]]:
        """Mean and log variance of q(z | x)."""
        features = self.features(x)
        return self.mean_head(features).float(), self.log_variance_head(features).float()

    def decode(self, z: Float[Tensor, "n j"]) -> Float[Tensor, "n d"]:
        """Logits of the pixel probabilities."""
        *inner, last = self.decoder
        for layer in inner:
            z = torch.relu(layer(z))
        logits: Tensor = last(z)
        return logits.float()

    def prior(self) -> Prior:
        """Log pi, mu and log sigma^2."""
        return Prior(self.weight_logits.log_softmax(0), self.means, self.log_variances)

    def terms(self, x: Float[Tensor, "n d"], generator: torch.Generator) -> Terms:
        """The bound (3) with one draw of z, which serves the first term and, in the averaged form, gamma."""
        mean, log_variance = self.encode(x)
        noise = torch.randn(mean.shape, generator=generator, device=mean.device)
        z = mean + torch.exp(0.5 * log_variance) * noise
        if self.geometric:
            log_gamma = log_geometric_responsibilities(mean, log_variance, self.prior())
        else:
            log_gamma = log_responsibilities(z, self.prior())
        return bound_terms(bernoulli_log_prob(x, self.decode(z)), log_gamma, mean, log_variance, self.prior())

    def bound(self, x: Float[Tensor, "n d"], generator: torch.Generator) -> dict[str, Float[Tensor, " n"]]:
        """``bound`` = ``reconstruction`` - ``kl`` in nats an image, and the three terms of the KL: ``prior`` etc. of (3)."""
        terms = self.terms(x, generator)
        own = {name: getattr(terms, name) for name in ("prior", "assignment", "entropy")}
        return {"bound": terms.bound, "reconstruction": terms.reconstruction, "kl": terms.kl, **own}

    def importance_weighted_bound(self, x: Float[Tensor, "n d"], k: int, generator: torch.Generator) -> Float[Tensor, " n"]:
        """Log (1/k) sum_j p(x | z_j) p(z_j) / q(z_j | x), with the mixture p(z) summed over its clusters."""
        mean, log_variance = self.encode(x)
        prior, none = self.prior(), torch.full_like(mean, -math.inf)
        ratios = []
        for _ in range(k):
            noise = torch.randn(mean.shape, generator=generator, device=mean.device)
            z = mean + torch.exp(0.5 * log_variance) * noise
            # log 2 pi cancels between p(z) and q(z | x)
            log_prior = (prior.log_weights - 0.5 * _distances(z, none, prior)).logsumexp(1)
            log_posterior = -0.5 * (log_variance + noise.square()).sum(1)
            ratios.append(bernoulli_log_prob(x, self.decode(z)) + log_prior - log_posterior)
        return log_mean_exp(torch.stack(ratios))

    def responsibilities(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n k"]:
        """Gamma without randomness, in float64: equation (5), or equation (4) at the posterior mean."""
        mean, log_variance = (part.double() for part in self.encode(x))
        prior = Prior(*(table.double() for table in self.prior()))
        if self.geometric:
            return log_geometric_responsibilities(mean, log_variance, prior).exp()
        return log_responsibilities(mean, prior).exp()

    def sample(self, n: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Ancestral sampling: ``components`` c ~ pi, then z, pixel probabilities ``means`` and a Bernoulli draw ``samples``."""
        log_weights, means, log_variances = self.prior()
        components = torch.multinomial(log_weights.exp(), n, replacement=True, generator=generator)
        noise = torch.randn((n, means.shape[1]), generator=generator, device=means.device)
        z = means[components] + torch.exp(0.5 * log_variances[components]) * noise
        p = torch.sigmoid(self.decode(z)).view(n, *self.shape)
        return {"samples": sample_bernoulli(p, generator).to(torch.uint8), "means": p, "components": components}

    def measure(self, data: ImageData | PointData, generators: Generators) -> Measurements:
        """Use of the clusters, the two estimates of gamma side by side, and what the pictures need.

        Readings (test images): ``clusters_in_use`` and ``smallest_cluster`` (share of images); and for gamma from one draw,
        averaged over :data:`DRAWS` draws, and geometric (the splits): ``mixture_kl``, the mean of KL(q(z, c | x) || p(z, c));
        ``kl_to_geometric``, the mean of KL(gamma || geometric gamma), nats; ``argmax_agreement`` with the geometric form.
        Arrays: ``codes`` [m, 2] the posterior means on their two principal axes and ``cluster_codes`` [k, 2] the means of the
        clusters there; ``cluster_digits`` [k] the majority digit of each cluster, -1 for an empty one; ``cluster_samples``
        [k, 10, h, w] decoded draws of each cluster; ``explained_variance`` [2] of the two axes, as shares.
        """
        assert isinstance(data, ImageData)
        x = treat(data.test_images, self.treatment, generators["measure/treat"])
        parts = [self.encode(part) for part in x.split(AT_ONCE)]
        mean, log_variance = (torch.cat([part[i] for part in parts]).double() for i in (0, 1))
        clusters = torch.cat([self.responsibilities(part).argmax(1) for part in x.split(AT_ONCE)])
        readings = _use_of_clusters(clusters, len(self.means))
        readings += _compare_responsibilities(mean, log_variance, self.prior(), generators["measure/latent"])
        return Measurements(readings, self._pictures(data.test_labels, mean, clusters, generators["measure/samples"]))

    def _pictures(
        self, labels: Tensor, mean: Float[Tensor, "n j"], clusters: Tensor, generator: torch.Generator
    ) -> dict[str, np.ndarray]:
        from sklearn.decomposition import PCA

        _, means, log_variances = self.prior()
        k, j = means.shape
        codes = mean.cpu().numpy()
        axes = PCA(min(2, j), svd_solver="full").fit(codes)
        flat = [np.pad(axes.transform(points), ((0, 0), (0, 2 - min(2, j)))) for points in (codes, means.double().cpu().numpy())]
        noise = torch.randn((k, EACH, j), generator=generator, device=means.device)
        z = means[:, None] + torch.exp(0.5 * log_variances)[:, None] * noise
        drawn = torch.sigmoid(self.decode(z.flatten(0, 1))).view(k, EACH, *self.shape)
        digits = [int(labels[clusters == c].bincount().argmax()) if bool((clusters == c).any()) else -1 for c in range(k)]
        return {
            "codes": flat[0].astype(np.float32),
            "cluster_codes": flat[1].astype(np.float32),
            "cluster_digits": np.array(digits),
            "cluster_samples": drawn.cpu().numpy(),
            "explained_variance": axes.explained_variance_ratio_,
        }

    def describe(self) -> dict[str, Tensor]:
        """Decoded cluster means ``cluster_means`` [k, h, w], mixing weights ``weights`` [k], and the prior's two tables."""
        log_weights, means, log_variances = self.prior()
        found = {
            "cluster_means": torch.sigmoid(self.decode(means)).view(-1, *self.shape),
            "weights": log_weights.exp(),
            "prior_means": means,
            "prior_variances": log_variances.exp(),
        }
        return {name: value.detach() for name, value in found.items()}


def diagonal_mixture(
    codes: Float[np.ndarray, "n j"], clusters: int, method: Literal["k-means", "EM"], starts: int, seed: int
) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, "k j"], Float[np.ndarray, "k j"]]:
    """Weights, means and variances of Gaussians on the codes: shares and moments of the k-means clusters, or fitted by EM.

    Of all ``starts`` the one with the smallest inertia or the highest likelihood is kept. Variances have a floor of 1e-6 of the
    codes' mean variance, so that a cluster of one code is no singularity.

    Raises:
        ValueError: when there are fewer different codes than clusters.
    """
    different = len(np.unique(codes, axis=0))
    if different < clusters:
        raise ValueError(f"{clusters} clusters need at least as many different codes; the autoencoder gives {different}")
    floor = 1e-6 * float(codes.var(0).mean()) + 1e-12
    if method == "EM":
        from sklearn.mixture import GaussianMixture

        fitted = GaussianMixture(
            clusters, covariance_type="diag", n_init=starts, max_iter=300, reg_covar=floor, random_state=seed
        ).fit(codes)
        return fitted.weights_, fitted.means_, fitted.covariances_
    from sklearn.cluster import KMeans

    chosen = KMeans(clusters, n_init=starts, random_state=seed).fit(codes).labels_
    members = [codes[chosen == k] for k in range(clusters)]
    weights = np.array([len(part) for part in members]) / len(codes)
    return weights, np.array([part.mean(0) for part in members]), np.array([part.var(0) + floor for part in members])


def _use_of_clusters(clusters: Tensor, k: int) -> list[Reading]:
    counts = clusters.bincount(minlength=k).cpu().numpy()
    n = len(clusters)
    return [
        ("clusters_in_use", "test", Measured(int((counts > 0).sum()), n=n, unit="count")),
        ("smallest_cluster", "test", measured.proportion((clusters == int(counts.argmin())).cpu().numpy())),
    ]


def _compare_responsibilities(
    mean: Float[Tensor, "n j"], log_variance: Float[Tensor, "n j"], prior: Prior, generator: torch.Generator
) -> list[Reading]:
    """The KL of the bound under three choices of gamma, and how far each is from the best one."""
    prior = Prior(*(table.double() for table in prior))
    nothing = torch.zeros(len(mean), dtype=torch.float64, device=mean.device)
    draws = [log_responsibilities(sample_gaussian(mean, log_variance.exp(), generator), prior) for _ in range(DRAWS)]
    best = log_geometric_responsibilities(mean, log_variance, prior)
    averaged = log_mean_exp(torch.stack(draws))
    readings: list[Reading] = []
    for split, log_gamma in (("one draw", draws[0]), ("averaged", averaged), ("geometric", best)):
        kl = bound_terms(nothing, log_gamma, mean, log_variance, prior).kl.cpu().numpy()
        apart = (log_gamma.exp() * (log_gamma - best)).sum(1).cpu().numpy()
        same = (log_gamma.argmax(1) == best.argmax(1)).cpu().numpy()
        readings += [
            ("mixture_kl", split, measured.mean(kl)),
            ("kl_to_geometric", split, measured.mean(apart)),
            ("argmax_agreement", split, measured.proportion(same)),
        ]
    return readings


# ------------------------------------------------------------------------------------------------ training


@dataclasses.dataclass(frozen=True)
class _Job:
    """What every phase works on."""

    model: Model
    config: Config
    data: ImageData
    context: Context

    def pixels(self, batch: Tensor) -> Float[Tensor, "n d"]:
        """Training images under the treatment of the settings."""
        return treat(self.data.train_images[batch], self.config.treatment, self.context.generators["treat"])

    def masked(self, x: Tensor, share: float) -> Tensor:
        """Set a random share of the numbers to zero and scale the others up, so that sums keep their expectation."""
        if share == 0:
            return x
        kept = torch.rand(x.shape, generator=self.context.generators["mask"], device=x.device) >= share
        return x * kept / (1 - share)

    def pixel_error(self, x: Float[Tensor, "n d"], logits: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
        """Squared error or cross-entropy: the mean over images of the sum over pixels."""
        if self.config.autoencoder_loss == "cross-entropy":
            return -bernoulli_log_prob(x, logits.float()).mean()
        return mse_loss(torch.sigmoid(logits.float()), x, reduction="sum") / len(x)

    def reduce(self, error: Callable[[Tensor], Tensor], name: str, parts: Iterable[nn.Module], epochs: int) -> list[HistoryRow]:
        """Train ``parts`` to make ``error`` small; the rows carry it under ``name``."""
        parameters = [parameter for part in parts for parameter in part.parameters()]
        optimiser = torch.optim.Adam(parameters, lr=self.config.autoencoder_learning_rate, fused=True)
        rows = train(
            ascent(
                lambda batch: {"score": -error(batch)},
                objective="score",
                optimiser=optimiser,
                precision=self.config.precision,
                context=self.context,
            ),
            n=len(self.data.train_images),
            batch_size=self.config.batch_size,
            epochs=epochs,
            state={"model": self.model, "optimiser": optimiser},
            context=self.context,
        )
        return [(epoch, step, split, name, -value) for epoch, step, split, _, value in rows]


def _denoise_layer(job: _Job, number: int) -> list[HistoryRow]:
    """Train layer ``number`` of the encoder and its mirror image in the decoder to undo masking noise on the layer's input."""
    model, share = job.model, job.config.layer_noise
    layers: list[nn.Module] = [*model.encoder, model.mean_head]
    down, up = layers[number], list(model.decoder)[-1 - number]

    def error(batch: Tensor) -> Tensor:
        x = job.pixels(batch)
        with torch.no_grad():
            clean = model.features(x, number)
        hidden = down(job.masked(clean, share))
        if number < len(layers) - 1:  # the code itself is linear and gets no noise: it is what is wanted in the end
            hidden = job.masked(torch.relu(hidden), share)
        back = up(hidden)
        if number == 0:
            return job.pixel_error(x, back)
        return mse_loss(torch.relu(back).float(), clean.float(), reduction="sum") / len(x)

    return job.reduce(error, f"layer_{number + 1}_error", (down, up), job.config.layer_epochs)


def _autoencode(job: _Job) -> list[HistoryRow]:
    """Train encoder mean and decoder end to end to give back an image from a disturbed copy."""
    model = job.model

    def error(batch: Tensor) -> Tensor:
        x = job.pixels(batch)
        code = model.mean_head(model.features(job.masked(x, job.config.autoencoder_noise)))
        return job.pixel_error(x, model.decode(code))

    parts = (model.encoder, model.mean_head, model.decoder)
    return job.reduce(error, "autoencoder_error", parts, job.config.autoencoder_epochs)


def _scatter_clusters(job: _Job) -> list[HistoryRow]:
    """A start that knows nothing of the images: cluster means from N(0, I), unit variances, equal weights."""
    model = job.model
    with torch.no_grad():
        model.means.copy_(torch.randn(model.means.shape, generator=job.context.generators["mixture"], device=job.context.device))
        model.log_variances.zero_()
        model.weight_logits.zero_()
    return []


def _fit_mixture(job: _Job) -> list[HistoryRow]:
    """Cluster the codes of the training images and set the prior and the variance of the posterior from the clusters."""
    model, config, context = job.model, job.config, job.context
    assert config.mixture != "random"
    with torch.no_grad():
        every = torch.arange(len(job.data.train_images), device=context.device)
        codes = torch.cat([model.encode(job.pixels(batch))[0] for batch in every.split(AT_ONCE)]).double().cpu().numpy()
        seed = context.generators.seed_of("mixture") % 2**32
        weights, means, variances = diagonal_mixture(codes, config.clusters, config.mixture, config.mixture_starts, seed)
        tables = [torch.from_numpy(values).to(model.means) for values in (weights, means, variances)]
        model.weight_logits.copy_(tables[0].log())
        model.means.copy_(tables[1])
        model.log_variances.copy_(tables[2].log())
        within = tables[0] @ tables[2]
        model.log_variance_head.weight.zero_()
        model.log_variance_head.bias.copy_((config.initial_variance * within).log())
    exponents = np.log(weights) + log_normal(codes[:, None], means, variances).sum(2)
    likelihood = float(np.logaddexp.reduce(exponents, axis=1).mean())
    context.say(f"{config.clusters} clusters of the codes by {config.mixture}: {likelihood:.4f} nats a code")
    return [(0, 0, "train", "code_log_likelihood", likelihood)]


def _maximise_bound(job: _Job) -> list[HistoryRow]:
    model, config, data, context = job.model, job.config, job.data, job.context
    generators = context.generators
    latent = generators["latent"]
    optimiser = torch.optim.Adam(model.parameters(), lr=config.learning_rate, fused=True)
    steps = math.ceil(len(data.train_images) / config.batch_size)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: config.learning_rate_decay ** (step // (10 * steps)))

    def terms(batch: Tensor) -> dict[str, Tensor]:
        return {name: value.mean() for name, value in model.bound(job.pixels(batch), latent).items()}

    curve = treat(data.test_images, config.treatment, generators.fresh("curve"))

    def evaluate(epoch: int) -> dict[str, dict[str, float]]:
        noise = generators.fresh("curve/latent")
        with torch.no_grad():
            parts = [model.bound(x, noise) for x in curve[: config.curve_images].split(500)]
            clusters = torch.cat([model.responsibilities(x).argmax(1) for x in curve.split(AT_ONCE)])
        found = {name: float(torch.cat([part[name] for part in parts]).mean()) for name in parts[0]}
        found["clusters_in_use"] = len(clusters.unique())
        labels = data.test_labels.cpu().numpy()
        if config.clusters == len(np.unique(labels)):
            found["clustering_accuracy"] = clustering.clustering_accuracy(labels, clusters.cpu().numpy()).value
        return {"test": found}

    start = [(0, 0, split, name, value) for split, values in evaluate(0).items() for name, value in values.items()]
    context.say("start: " + ", ".join(f"{name} {value:.4g}" for _, _, _, name, value in start))
    return start + train(
        ascent(terms, objective="bound", optimiser=optimiser, precision=config.precision, context=context),
        n=len(data.train_images),
        batch_size=config.batch_size,
        epochs=config.epochs,
        state={"model": model, "optimiser": optimiser, "schedule": schedule},
        context=context,
        evaluate=evaluate,
    )


def fit(config: Config, data: ImageData, context: Context) -> Fitted:
    """Pre-train, cluster the codes, maximise the bound (3).

    The history has the error of each phase of the pre-training, the log-likelihood of the codes' mixture, and from epoch 0 of the
    last phase on the terms of (3) in nats an image. The clustering accuracy on the test images is only reported: nothing is chosen
    by it.

    Raises:
        ValueError: when there are fewer images than clusters.
        FloatingPointError: when a loss stops being finite.
    """
    if len(data.train_images) < config.clusters:
        have = f"the training set has {len(data.train_images)}"
        raise ValueError(f"run {context.run}: {config.clusters} clusters need at least as many images; {have}")
    with context.generators.default("initialise"):
        model = Model(config, data.shape).to(context.device)
    phases = Phases(model, context)

    def run(name: str, work: Callable[..., list[HistoryRow]], *arguments: int) -> None:
        phases.run(name, lambda own: work(_Job(model, config, data, own), *arguments))

    if config.layer_epochs:
        for number in range(len(config.hidden) + 1):
            run(f"layer_{number + 1}", _denoise_layer, number)
    if config.autoencoder_epochs:
        run("autoencoder", _autoencode)
    run("mixture", _scatter_clusters if config.mixture == "random" else _fit_mixture)
    run("bound", _maximise_bound)
    context.facts |= phases.facts()
    return Fitted(model, phases.rows, context.facts)
