"""Estimates of the log-likelihood of models that make an image from a code, each beside the others on the same images.

    log p(x) = log int p(x | z) N(z; 0, I) dz

- with the encoder as proposal, z_j ~ q(z | x): the importance-weighted bound log (1/k) sum_j p(x, z_j) / q(z_j | x), which rises
  with k to log p(x) (Burda et al. 2016, theorem 1), from one set of draws an image for all k: the draws are cut into disjoint
  groups of k, and the values of the groups are averaged, so that small k have little noise;
- with a defensive proposal, r(z) = 0.7 N(z; mu, 9 L L^T) + 0.3 N(z; 0, I), the encoder's N(mu, L L^T) widened and mixed with the
  prior: weights p(x, z) / r(z) under the density of the whole mixture, so that none exceeds p(x | z) / 0.3 and no region that the
  encoder overlooks is lost (Owen 2013, sections 9.11 and 9.12). It is for few latent numbers: in m of them the widened part has
  3^m times the volume of the encoder's, and at m = 64 one of 5000 draws has nearly all the weight, so above 8 it is left out;
- by annealed importance sampling from the prior, which needs no encoder, with the gap of the bidirectional bounds on images that
  the model made (:mod:`dgm.maths.annealing`);
- exactly, by quadrature, where z is in the plane and pixels are binary (:mod:`dgm.maths.decoder_quadrature`).

A generator without noise has no density; it gets normal noise whose standard deviation is chosen by annealing on a few training
images. All values are in nats an image, of images under the model's treatment. Axis letters: n images, d pixels, m latent numbers,
k draws, s sizes, b rows of a batch.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from dgm.data.tensors import ImageData, treat
from dgm.evaluation import image_scores
from dgm.maths import decoder_quadrature, measured
from dgm.maths.annealing import Annealing, effective_sample_size, sigmoid_schedule
from dgm.maths.distributions import log_mean_exp, standard_normal_log_prob, triangular_gaussian_log_prob
from dgm.maths.measured import Measured, Measurements, Reading
from dgm.protocols import HasBernoulliDecoder, HasDecoder, HasNoiselessDecoder, HasProposal
from dgm.runtime.streams import Generators
from dgm.settings import Limits, Settings

__all__ = ["KS", "Estimates", "capped", "choose_deviation", "curve", "defensive_log_weights", "encoder_log_weights", "estimate"]

KS = (1, 5, 50, 500, 5000)
"""Numbers of draws at which the curves are taken."""

WIDENING = 3.0
ENCODER_SHARE = 0.7
DEFENSIVE_DIMENSIONS = 8  # latent numbers up to which the defensive proposal is of use
AT_ONCE = {"cpu": 128, "cuda": 8192}
"""Rows that pass the decoder together: on a CPU few enough to stay in its cache, on a GPU enough to fill it."""

DEVIATIONS = (0.1, 0.12, 0.14, 0.16, 0.18, 0.2, 0.23, 0.26)
DEVIATION_IMAGES = 10  # training images behind the choice of the noise
COARSER = 4  # the choice takes so many times fewer temperatures and chains


class Estimates(Settings):
    """How the likelihood of a model with a decoder is estimated."""

    images: int = Field(100, ge=2, description="test images behind the importance-weighted estimates, the first ones")
    importance_samples: int = Field(
        5000, ge=1, description="draws an image for the encoder as proposal, and as many for the defensive one"
    )
    annealed_images: int = Field(100, ge=2, description="of these test images, behind annealed importance sampling")
    simulated_images: int = Field(20, ge=2, description="images drawn from the model, behind the bidirectional bounds")
    chains: int = Field(16, ge=1, description="annealed chains an image")
    temperatures: int = Field(200, ge=1, description="steps from the prior to the posterior")
    leapfrog_steps: int = Field(5, ge=1, description="of a Hamiltonian trajectory; one trajectory a temperature")


def capped(settings: Estimates, limits: Limits) -> Estimates:
    """Settings for a quick build: ``steps`` caps temperatures, chains and, at a fifth of it, leapfrog steps; ``samples`` caps draws
    and numbers of images.
    """
    steps, samples = limits.steps or math.inf, limits.samples or math.inf
    caps = {"temperatures": steps, "leapfrog_steps": max(1, steps / 5), "chains": steps, "importance_samples": samples}
    caps |= dict.fromkeys(("images", "annealed_images", "simulated_images"), samples)
    return settings.model_copy(update={name: int(min(getattr(settings, name), cap)) for name, cap in caps.items()})


@dataclass(frozen=True)
class _Job:
    """What the parts of the estimation share; they add to readings and arrays."""

    decoder: HasDecoder
    settings: Estimates
    generators: Generators
    readings: list[Reading]
    arrays: dict[str, np.ndarray]

    def read(self, metric: str, split: str, values: np.ndarray, unit: str = "nats") -> None:
        self.readings.append((metric, split, measured.mean(values, unit)))

    def annealing(self, coarser: int = 1) -> Annealing:
        """With the settings of the job, or so many times fewer temperatures and chains."""
        return Annealing(
            self.decoder.log_likelihood_given,
            self.decoder.latent_size,
            sigmoid_schedule(max(1, self.settings.temperatures // coarser)),
            chains=max(1, self.settings.chains // coarser),
            leapfrog_steps=self.settings.leapfrog_steps,
        )


def estimate(
    model: object,
    data: ImageData,
    settings: Estimates,
    generators: Generators,
    sides: Sequence[int] = decoder_quadrature.SIDES,
) -> Measurements:
    """All estimates that a model allows.

    Readings, means over images with standard errors:

    - split ``estimated``, the first ``images`` test images, or ``annealed_images`` where there is no encoder: ``iwae_<k>`` and
      ``defensive_<k>`` for k in :data:`KS`, ``bound`` (the same as ``iwae_1``), the mean effective numbers of draws
      ``iwae_effective_samples`` and ``defensive_effective_samples``, ``exact_log_likelihood``, and the means of paired differences
      ``exact_minus_iwae_5000`` and ``exact_minus_defensive_5000``;
    - split ``annealed``, the first ``annealed_images`` of them: the same, and ``annealed``, ``annealed_minus_exact``,
      ``annealed_minus_iwae_5000`` and ``annealed_minus_defensive_5000``, ``annealed_effective_samples`` and the mean acceptance
      probability ``annealed_acceptance``. ``annealed`` also stands in the split ``estimated``, and so do its differences where both
      splits are the same images;
    - split ``simulated``, images of the model: ``annealed_lower``, ``annealed_upper``, ``annealed_gap``, and with an exact value
      ``exact_log_likelihood``, ``exact_minus_lower`` and ``upper_minus_exact``;
    - of dequantised images also ``annealed_bits_per_dim``, and ``observation_sd``, the noise of a model without any of its own.

    Arrays: the values of each image, the curves, the schedule with step sizes and acceptance.

    Args:
        model: with ``log_likelihood_given`` (:class:`~dgm.protocols.HasDecoder`) or ``observed``.
        data: on the model's device.
        settings: budgets; numbers of images are cut to those there are.
        generators: streams of treatments and draws.
        sides: of the grids of the quadrature.

    Raises:
        ValueError: when the model has no decoder.
    """
    readings: list[Reading] = []
    if isinstance(model, HasNoiselessDecoder):
        deviation, scores = choose_deviation(model, data, settings, generators)
        decoder: HasDecoder = model.observed(deviation)
        readings.append(("observation_sd", "estimated", Measured(deviation, n=DEVIATION_IMAGES)))
        arrays = {"deviations": np.array(DEVIATIONS), "deviation_scores": scores}
    elif isinstance(model, HasDecoder):
        decoder, arrays = model, {}
    else:
        raise ValueError(f"{type(model).__module__} has no decoder, so its likelihood cannot be estimated")
    job = _Job(decoder, settings, generators, readings, arrays)
    # the stream of the evaluate stage, so that the images are binarised or dequantised as for its numbers
    x = treat(data.test_images, decoder.treatment, generators[f"{decoder.treatment}/test"])
    encoded = isinstance(decoder, HasProposal)
    few = x[: min(settings.annealed_images, settings.images) if encoded else settings.annealed_images]
    x = x[: settings.images] if encoded else few
    z, simulated = decoder.simulate(settings.simulated_images, generators["estimate/simulate"])
    values: dict[str, np.ndarray] = {}
    if isinstance(decoder, HasProposal):
        values |= _importance(job, decoder, x)
    if isinstance(decoder, HasBernoulliDecoder) and decoder.latent_size == 2:
        with torch.no_grad():
            exact = (
                decoder_quadrature.log_likelihood(decoder.pixel_logits, torch.cat([x, simulated]), sides=sides).values.cpu().numpy()
            )
        values["exact_log_likelihood"], arrays["simulated_exact"] = exact[: len(x)], exact[len(x) :]
    _anneal(job, few, z, simulated, values)
    for split, n in (("estimated", len(x)), ("annealed", len(few))):
        _compare(job, split, {name: found[:n] for name, found in values.items() if len(found) >= n}, pixels=x.shape[1])
    if len(few) < len(x):
        job.read("annealed", "estimated", values["annealed"])
    arrays |= values
    return Measurements(readings, arrays)


def choose_deviation(
    model: HasNoiselessDecoder, data: ImageData, settings: Estimates, generators: Generators
) -> tuple[float, Float[np.ndarray, " s"]]:
    """The standard deviation of :data:`DEVIATIONS` with the highest annealed estimate on training images, and all estimates.

    The annealing is a coarse one. What it underestimates it does so most for little noise, so the choice errs on the side of more.
    """
    scores = []
    for deviation in DEVIATIONS:
        job = _Job(model.observed(deviation), settings, generators, [], {})
        decoder = job.decoder
        x = treat(data.train_images[:DEVIATION_IMAGES], decoder.treatment, generators.fresh("estimate/deviation/images"))
        annealing, generator = job.annealing(COARSER), generators.fresh("estimate/deviation")
        found = [
            annealing.forward(part, annealing.adapt(part, generator), generator).lower for part in _groups(x, annealing.chains)
        ]
        scores.append(float(torch.cat(found).mean()))
    return DEVIATIONS[int(np.argmax(scores))], np.array(scores)


def curve(log_weights: Float[Tensor, "k n"], sizes: tuple[int, ...] = KS) -> Float[Tensor, "s n"]:
    """Log (1/k) sum of k weights for each k of ``sizes``: means over the disjoint groups of k draws, in nats.

    A k above the number of draws means all of them, which happens in builds with limits only.
    """
    found = []
    for size in sizes:
        k = min(size, len(log_weights))
        groups = log_weights[: len(log_weights) // k * k].view(-1, k, log_weights.shape[1])
        found.append(log_mean_exp(groups, 1).mean(0))
    return torch.stack(found)


def encoder_log_weights(decoder: HasProposal, x: Float[Tensor, "n d"], k: int, generator: torch.Generator) -> Float[Tensor, "k n"]:
    """Log p(x, z) / q(z | x) of k draws of q(z | x) for each image, float64."""
    mean, factor = decoder.proposal(x)

    def draw(count: int) -> tuple[Tensor, Tensor]:
        z = _gaussian(mean, factor, count, generator)
        return z, triangular_gaussian_log_prob(z.double(), mean.double(), factor.double())

    return _log_weights(decoder, x, k, draw)


def defensive_log_weights(
    decoder: HasProposal, x: Float[Tensor, "n d"], k: int, generator: torch.Generator
) -> Float[Tensor, "k n"]:
    """Log p(x, z) / r(z) of k draws of the defensive proposal r for each image, float64."""
    mean, factor = decoder.proposal(x)
    factor = WIDENING * factor

    def draw(count: int) -> tuple[Tensor, Tensor]:
        wide = _gaussian(mean, factor, count, generator)
        prior = torch.randn(wide.shape, generator=generator, device=x.device)
        from_encoder = torch.rand(wide.shape[:2], generator=generator, device=x.device) < ENCODER_SHARE
        z = torch.where(from_encoder.unsqueeze(-1), wide, prior)
        parts = (
            math.log(ENCODER_SHARE) + triangular_gaussian_log_prob(z.double(), mean.double(), factor.double()),
            math.log(1 - ENCODER_SHARE) + standard_normal_log_prob(z.double()),
        )
        return z, torch.logaddexp(*parts)

    return _log_weights(decoder, x, k, draw)


def _gaussian(mean: Tensor, factor: Tensor, count: int, generator: torch.Generator) -> Float[Tensor, "k n m"]:
    noise = torch.randn((count, *mean.shape), generator=generator, device=mean.device)
    return mean + (factor @ noise.unsqueeze(-1)).squeeze(-1)


def _log_weights(decoder: HasDecoder, x: Tensor, k: int, draw: Callable[[int], tuple[Tensor, Tensor]]) -> Float[Tensor, "k n"]:
    """Log p(x | z) + log p(z) - log of the proposal's density, a few draws of all images at a time."""
    step = max(1, _rows(x) // len(x))
    parts = []
    for start in range(0, k, step):
        z, log_proposal = draw(min(step, k - start))
        given = decoder.log_likelihood_given(x.repeat(len(z), 1), z.reshape(-1, z.shape[-1])).double().view(z.shape[:2])
        parts.append(given + standard_normal_log_prob(z.double()) - log_proposal)
    return torch.cat(parts)


def _rows(x: Tensor) -> int:
    return AT_ONCE.get(x.device.type, AT_ONCE["cpu"])


def _groups(x: Tensor, chains: int) -> Iterator[Tensor]:
    """Parts of the images that fill the device with that many chains each."""
    return iter(x.split(max(1, _rows(x) // chains)))


def _importance(job: _Job, decoder: HasProposal, x: Tensor) -> dict[str, np.ndarray]:
    """Curves and effective numbers of draws with the encoder as proposal and with the defensive one."""
    values: dict[str, np.ndarray] = {}
    draws = job.settings.importance_samples
    job.arrays["curve_sizes"] = np.minimum(KS, draws)
    proposals = {"iwae": encoder_log_weights}
    if decoder.latent_size <= DEFENSIVE_DIMENSIONS:
        proposals["defensive"] = defensive_log_weights
    for name, weights in proposals.items():
        generator, curves, effective = job.generators[f"estimate/{name}"], [], []
        for part in x.split(_rows(x)):
            with torch.no_grad():
                found = weights(decoder, part, draws, generator)
            curves.append(curve(found))
            effective.append(effective_sample_size(found))
        job.arrays[f"{name}_curve"] = torch.cat(curves, 1).cpu().numpy()
        values |= {f"{name}_{k}": row for k, row in zip(KS, job.arrays[f"{name}_curve"], strict=True)}
        values[f"{name}_effective_samples"] = torch.cat(effective).cpu().numpy()
    values["bound"] = values["iwae_1"]
    return values


def _anneal(job: _Job, x: Tensor, z: Tensor, simulated: Tensor, values: dict[str, np.ndarray]) -> None:
    """Annealing of test images, and the sandwich on images of the model."""
    annealing = job.annealing()
    scouts, chains, back = (job.generators[f"estimate/{name}"] for name in ("scouts", "chains", "reverse"))
    found, sizes = [], []
    for part in _groups(x, annealing.chains):
        sizes.append(annealing.adapt(part, scouts))
        found.append(annealing.forward(part, sizes[-1], chains))
    values["annealed"] = torch.cat([run.lower for run in found]).cpu().numpy()
    effective = torch.cat([run.effective_sample_size for run in found]).cpu().numpy()
    job.arrays.update(
        annealed_effective_samples=effective,
        betas=annealing.betas.numpy(),
        step_sizes=torch.cat(sizes, 1).cpu().numpy(),
        acceptance=torch.cat([run.acceptance for run in found], 1).cpu().numpy(),
    )
    job.read("annealed_effective_samples", "annealed", effective, "count")
    if annealing.betas.numel() > 2:
        job.read("annealed_acceptance", "annealed", job.arrays["acceptance"].mean(0), "share")
    lower, upper = [], []
    pairs = zip(_groups(simulated, annealing.chains), _groups(z, annealing.chains), strict=True)
    for part, codes in pairs:
        size = annealing.adapt(part, scouts)
        lower.append(annealing.forward(part, size, chains).lower)
        upper.append(annealing.reverse(part, codes, size, back).upper)
    bounds = {"annealed_lower": torch.cat(lower).cpu().numpy(), "annealed_upper": torch.cat(upper).cpu().numpy()}
    bounds["annealed_gap"] = bounds["annealed_upper"] - bounds["annealed_lower"]
    if "simulated_exact" in job.arrays:
        exact = job.arrays["simulated_exact"]
        bounds["exact_log_likelihood"] = exact
        bounds["exact_minus_lower"] = exact - bounds["annealed_lower"]
        bounds["upper_minus_exact"] = bounds["annealed_upper"] - exact
    for metric, of_images in bounds.items():
        job.read(metric, "simulated", of_images)
    job.arrays.update(simulated_lower=bounds["annealed_lower"], simulated_upper=bounds["annealed_upper"])


def _compare(job: _Job, split: str, values: dict[str, np.ndarray], pixels: int) -> None:
    """Rows of one set of images: every estimate, and the mean differences of pairs of them."""
    for name, of_images in values.items():
        job.read(name, split, of_images, "count" if name.endswith("_effective_samples") else "nats")
    if job.decoder.treatment == "dequantised" and "annealed" in values:
        job.readings.append(("annealed_bits_per_dim", split, image_scores.bits_per_dim(measured.mean(values["annealed"]), pixels)))
    most = KS[-1]
    for one, other in (
        ("exact_log_likelihood", f"iwae_{most}"),
        ("exact_log_likelihood", f"defensive_{most}"),
        ("annealed", "exact_log_likelihood"),
        ("annealed", f"iwae_{most}"),
        ("annealed", f"defensive_{most}"),
    ):
        if one in values and other in values:
            short = [name.removesuffix("_log_likelihood") for name in (one, other)]
            job.read("_minus_".join(short), split, values[one] - values[other])
