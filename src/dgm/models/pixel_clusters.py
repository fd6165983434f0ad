"""Clusters of the pixels themselves, without a model of images in between: k-means, or a mixture of Gaussians.

k-means    k(x) = argmin_k ||y - mu_k||^2, centres by Lloyd's algorithm                                              (1)
Mixture    p(k | x) = pi_k N(y; mu_k, diag v_k) / sum_l pi_l N(y; mu_l, diag v_l), fitted by EM, v_kj >= floor       (2)

y are the grey levels x / 255, or their coordinates on the leading principal axes. Pixels at the border are black in all images of
a cluster, so that without the floor on the variance the likelihood of (2) is unbounded there and these pixels decide everything.
Both are fitted by scikit-learn; this module gives them settings, and (1) and (2) on the device of the data.

References: Lloyd 1982; Arthur & Vassilvitskii 2007 (starts); Bishop 2006, sections 9.1 and 9.2.
Axis letters: n images, d pixels, j coordinates (the pixels or fewer principal axes), k clusters.
"""

import math
import warnings
from typing import ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from dgm.data.tensors import DIGITS, ImageData, Shape, Treatment, treat
from dgm.settings import Settings
from dgm.training.fitted import Fitted, HistoryRow
from dgm.training.loop import Context
from dgm.training.restarts import Attempt, best_of

__all__ = ["Config", "Model", "fit"]


class Config(Settings):
    """Settings of clusters of pixels."""

    method: Literal["k-means", "Gaussian mixture"] = Field("k-means", description="how the clusters are found")
    components: int = Field(10, ge=1, le=1000, description="number K of clusters")
    images: int | None = Field(20_000, ge=1, description="at most so many training images, the first ones; null takes all")
    starts: int = Field(3, ge=1, description="k-means++ starts; the least inertia, or the highest likelihood, is kept")
    iterations: int = Field(300, ge=1, description="at most so many iterations a start")
    principal_axes: int | None = Field(None, ge=1, description="cluster coordinates on so many axes; null: the pixels")
    variance_floor: float = Field(1e-2, gt=0, description="of the Gaussian mixture, added to every variance")


class Model(nn.Module):
    """Fitted clusters; offers HasClusters."""

    treatment: ClassVar[Treatment] = "grey"

    def __init__(self, config: Config, shape: Shape = DIGITS) -> None:
        super().__init__()
        self.shape, pixels = shape, math.prod(shape)
        self.method = config.method
        self.axes: Tensor | None
        self.origin: Tensor | None
        self.weights: Tensor
        self.means: Tensor
        self.variances: Tensor
        k, j = config.components, config.principal_axes or pixels
        reduced = config.principal_axes is not None
        self.register_buffer("axes", torch.zeros((j, pixels), dtype=torch.float64) if reduced else None)
        self.register_buffer("origin", torch.zeros(pixels, dtype=torch.float64) if reduced else None)
        self.register_buffer("weights", torch.full((k,), 1 / k, dtype=torch.float64))
        self.register_buffer("means", torch.zeros((k, j), dtype=torch.float64))
        self.register_buffer("variances", torch.ones((k, j), dtype=torch.float64))

    def parameter_count(self) -> int:
        """The centres; for the mixture as many variances and K - 1 weights too; and the principal axes where there are any."""
        count = self.means.numel()
        if self.method == "Gaussian mixture":
            count += self.variances.numel() + len(self.weights) - 1
        if self.axes is not None and self.origin is not None:
            count += self.axes.numel() + self.origin.numel()
        return count

    def coordinates(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n j"]:
        """What is clustered: y of the module, float64."""
        y = x.to(self.means)
        return y if self.axes is None or self.origin is None else (y - self.origin) @ self.axes.T

    def responsibilities(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n k"]:
        """Equation (2), or a one at the nearest centre, equation (1). Squares are expanded, so that no [n, k, j] is needed."""
        y = self.coordinates(x)
        if self.method == "k-means":
            nearest = (self.means.square().sum(1) - 2 * y @ self.means.T).argmin(1)
            return nn.functional.one_hot(nearest, len(self.means)).to(y)
        precision = 1 / self.variances
        squares = y.square() @ precision.T - 2 * y @ (self.means * precision).T + (self.means.square() * precision).sum(1)
        return (self.weights.log() - 0.5 * (squares + self.variances.log().sum(1))).softmax(1)


def fit(config: Config, data: ImageData, context: Context) -> Fitted:
    """Fit from several starts and keep the best by the method's own criterion; labels are not looked at.

    The history has the criterion of each start (the step is its number): ``inertia``, the mean squared distance to the centre, or
    ``coordinate_log_likelihood``, the mean log density of an image's coordinates in nats.

    Raises:
        ValueError: when there are fewer images than clusters or principal axes, or fewer pixels than axes.
        FloatingPointError: when the criterion is not finite.
    """
    from sklearn.decomposition import PCA
    from sklearn.exceptions import ConvergenceWarning

    images = data.train_images[: config.images]
    needed = max(config.components, config.principal_axes or 0)
    if len(images) < needed:
        raise ValueError(f"run {context.run}: {needed} clusters or axes need at least as many images; got {len(images)}")
    if (config.principal_axes or 0) > math.prod(data.shape):
        raise ValueError(f"run {context.run}: {config.principal_axes} axes, but an image has {math.prod(data.shape)} pixels")
    generators = context.generators
    y = treat(images, Model.treatment).double().cpu().numpy()
    state: dict[str, Tensor] = {}
    if config.principal_axes is not None:
        reduction = PCA(config.principal_axes, svd_solver="full").fit(y)
        y = reduction.transform(y)
        state |= {"axes": torch.from_numpy(reduction.components_), "origin": torch.from_numpy(reduction.mean_)}
    iterations = min(config.iterations, context.max_steps or config.iterations)
    term = "inertia" if config.method == "k-means" else "coordinate_log_likelihood"

    def improve(at: Attempt) -> Attempt:
        """The whole start at once: what scikit-learn has begun can only be begun again."""
        seed = generators.seed_of(f"start/{at.start}") % 2**32  # what scikit-learn takes
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the log says how many iterations were made
            value, passes, found = _fit(config, y, iterations, seed)
        if not math.isfinite(value):
            raise FloatingPointError(f"run {context.run}: {term} of start {at.start} is {value}")
        tables = {name: torch.from_numpy(values) for name, values in found.items()}
        return Attempt(at.start, tables, [value], passes=passes, finished=True)

    def judge(at: Attempt) -> tuple[float, str]:
        value = at.trace[-1]
        return -value if term == "inertia" else value, f"{at.passes} iterations, {term} {value:.6g}"

    best = best_of(lambda start: Attempt(start, {}), improve, judge, restarts=config.starts, n=len(y), context=context)
    model = Model(config, data.shape)
    for name, values in (state | best.parameters).items():
        getattr(model, name).copy_(values)
    rows: list[HistoryRow] = [(0, start, "train", term, trace[-1]) for start, trace in enumerate(best.traces)]
    return Fitted(model.to(context.device), rows, context.facts)


def _fit(config: Config, y: Float[np.ndarray, "n j"], iterations: int, seed: int) -> tuple[float, int, dict[str, np.ndarray]]:
    """One start: the criterion, the iterations made, and the tables of the model."""
    if config.method == "k-means":
        from sklearn.cluster import KMeans

        lloyd = KMeans(config.components, n_init=1, max_iter=iterations, random_state=seed).fit(y)
        shares = np.bincount(lloyd.labels_, minlength=config.components) / len(y)
        return float(lloyd.inertia_) / len(y), int(lloyd.n_iter_), {"means": lloyd.cluster_centers_, "weights": shares}
    from sklearn.mixture import GaussianMixture

    mixture = GaussianMixture(
        config.components,
        covariance_type="diag",
        init_params="k-means++",
        max_iter=iterations,
        reg_covar=config.variance_floor,
        random_state=seed,
    ).fit(y)
    tables = {"weights": mixture.weights_, "means": mixture.means_, "variances": mixture.covariances_}
    return float(mixture.score(y)), int(mixture.n_iter_), tables
