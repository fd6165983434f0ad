"""What a fitted model may offer. The evaluate stage computes every metric whose protocol a model meets.

Axis letters: n images, d pixels, h rows and w columns of them, k components, m latent numbers, f features.
"""

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from dgm.data.tensors import ImageData, PointData, Treatment
from dgm.maths.measured import Measurements
from dgm.runtime.streams import Generators

__all__ = [
    "Classifies",
    "Describes",
    "DrawsImages",
    "HasBernoulliDecoder",
    "HasBound",
    "HasClusters",
    "HasDecoder",
    "HasDensity",
    "HasImportanceWeightedBound",
    "HasLogProb",
    "HasNoiselessDecoder",
    "HasProposal",
    "KeepsSnapshots",
    "Measures",
    "Sampler",
]


@runtime_checkable
class Sampler(Protocol):
    """Draws new images or points."""

    def sample(self, n: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Named arrays with n rows each, at least ``samples``: [n, h, w] in [0, 1] up to the model's noise, or points [n, 2]."""
        ...


@runtime_checkable
class DrawsImages(Sampler, Protocol):
    """Draws images, and says under which treatment real images look like its ``samples``: what they are compared with."""

    sample_treatment: Treatment


@runtime_checkable
class KeepsSnapshots(Protocol):
    """Kept the weights of earlier epochs and can draw images with them."""

    def snapshots(self) -> int:
        """How many, the earliest first."""
        ...

    def sample_at(self, place: int, n: int, generator: torch.Generator) -> Float[Tensor, "n h w"]:
        """Images drawn with the weights kept at ``place``, counted from 0."""
        ...


@runtime_checkable
class Describes(Protocol):
    """Has parameters that are worth a picture of their own."""

    def describe(self) -> dict[str, Tensor]:
        """Named arrays of the fitted model itself, saved beside its samples."""
        ...


@runtime_checkable
class HasLogProb(Protocol):
    """Knows its log-likelihood exactly."""

    treatment: Treatment

    def log_prob(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """Log p(x) in nats, for images under the model's treatment."""
        ...


@runtime_checkable
class HasDensity(Protocol):
    """Knows its density in the plane."""

    def log_density(self, x: Float[Tensor, "n 2"]) -> Float[Tensor, " n"]:
        """Log p(x) in nats."""
        ...


@runtime_checkable
class Measures(Protocol):
    """Has numbers or pictures of its own, beyond those that all models of its abilities get."""

    def measure(self, data: ImageData | PointData, generators: Generators) -> Measurements:
        """Readings for the metrics table and arrays for ``evaluations/<run>.npz``; called without gradients."""
        ...


@runtime_checkable
class HasBound(Protocol):
    """Knows a lower bound on its log-likelihood."""

    treatment: Treatment

    def bound(self, x: Float[Tensor, "n d"], generator: torch.Generator) -> dict[str, Float[Tensor, " n"]]:
        """``bound`` and the terms that it is made of, each in nats an image, from one sample of the latent variable."""
        ...


@runtime_checkable
class HasImportanceWeightedBound(HasBound, Protocol):
    """Knows how much a bound gains from several samples of the latent variable."""

    def importance_weighted_bound(self, x: Float[Tensor, "n d"], k: int, generator: torch.Generator) -> Float[Tensor, " n"]:
        """Log (1/k) sum_j p(x, z_j) / q(z_j | x) in nats (Burda et al. 2016, equation 8)."""
        ...


@runtime_checkable
class HasClusters(Protocol):
    """Assigns images to components."""

    treatment: Treatment

    def responsibilities(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n k"]:
        """Posterior probability of each component; rows sum to one."""
        ...


@runtime_checkable
class Classifies(Protocol):
    """Predicts the digit, from features in which images are compared."""

    def features(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n f"]:
        """The last hidden layer for images in [0, 1]."""
        ...

    def classify(self, features: Float[Tensor, "n f"]) -> Float[Tensor, "n 10"]:
        """Log-probabilities of the ten classes from the features of images."""
        ...

    def log_probabilities(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n 10"]:
        """Log-probabilities of the ten classes for images in [0, 1]."""
        ...


@runtime_checkable
class HasDecoder(Protocol):
    """Makes an image from a standard normal code: z ~ N(0, I_m), x ~ p(x | z). Its likelihood is an integral over z."""

    treatment: Treatment

    @property
    def latent_size(self) -> int:
        """m."""
        ...

    def log_likelihood_given(self, x: Float[Tensor, "n d"], z: Float[Tensor, "n m"]) -> Float[Tensor, " n"]:
        """Log p(x | z) of each image with its code in nats, with gradients to z."""
        ...

    def simulate(self, n: int, generator: torch.Generator) -> tuple[Float[Tensor, "n m"], Float[Tensor, "n d"]]:
        """Codes from the prior and images from p(x | z)."""
        ...


@runtime_checkable
class HasBernoulliDecoder(HasDecoder, Protocol):
    """A decoder of independent binary pixels."""

    def pixel_logits(self, z: Float[Tensor, "n m"]) -> Float[Tensor, "n d"]:
        """Log-odds of the pixels."""
        ...


@runtime_checkable
class HasProposal(HasDecoder, Protocol):
    """A decoder with an encoder, which says where the codes of an image lie."""

    def proposal(self, x: Float[Tensor, "n d"]) -> tuple[Float[Tensor, "n m"], Float[Tensor, "n m m"]]:
        """Mean and lower triangular factor L, with positive diagonal, of q(z | x) = N(mean, L L^T)."""
        ...


@runtime_checkable
class HasNoiselessDecoder(Protocol):
    """Makes images without noise, which have no density; with noise added they have one."""

    def observed(self, deviation: float) -> HasDecoder:
        """The decoder whose pixels are the model's plus independent normal noise of this standard deviation."""
        ...
