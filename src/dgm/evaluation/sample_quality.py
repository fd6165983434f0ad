"""How far samples are from real images: distances of distributions, overlap of supports, tests that tell them apart, memorisation.

All but the last group see images through the features of a digit classifier. Every function takes a set of real images and a set of
generated ones, equally large and under the same treatment, and holds the real ones fixed: the standard errors say how much a
number would vary with other samples of the same model. They contain neither the bias of a finite size, which all models of a table
share when their sets are equally large, nor the choice of the real images.

Distances and overlaps are computed in float64 on the device of the features. Pairs of images are compared in blocks of rows, so
that memory grows with the number of images and not with its square.

Axis letters: n real images, m generated images, t training images, f features, d numbers an image.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from dgm.maths import measured
from dgm.maths.measured import Measured

__all__ = [
    "NEIGHBOURS",
    "class_distance",
    "distance_ratio",
    "frechet_distance",
    "kernel_distance",
    "missing_classes",
    "nearest_distances",
    "neighbourhoods",
    "two_sample_accuracy",
]

NEIGHBOURS = 5
"""k of the k-nearest-neighbour balls: the choice of Naeem et al. 2020."""

GROUPS = 10
ROWS = 500  # a block of 500 rows against 60,000 images holds 30 million numbers


def frechet_distance(real: Float[Tensor, "n f"], generated: Float[Tensor, "m f"]) -> Measured:
    """Squared Wasserstein distance of the Gaussians with the moments of both sets, |m - m'|^2 + tr(C + C' - 2 (C C')^(1/2)).

    The trace of the root is the sum of the roots of the eigenvalues of C^(1/2) C' C^(1/2), which is symmetric, so that no complex
    number appears where a feature never varies. Standard error: delete-a-group jackknife over the generated images.

    Reference: Heusel et al. 2017, equation 6.

    Raises:
        ValueError: when either set has fewer than eleven images.
    """
    _enough(real, generated)
    real, generated = real.double(), generated.double()
    mean, covariance = _moments(real)
    values, vectors = torch.linalg.eigh(covariance)
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    trace = values.clamp(min=0).sum()

    def distance(rows: Float[Tensor, "m f"]) -> float:
        other_mean, other = _moments(rows)
        overlap = torch.linalg.eigvalsh(root @ other @ root).clamp(min=0).sqrt().sum()
        return float(((mean - other_mean) ** 2).sum() + trace + other.trace() - 2 * overlap)

    group = torch.arange(len(generated), device=generated.device) % GROUPS
    return Measured(distance(generated), _jackknife(lambda g: distance(generated[group != g])), len(generated))


def _moments(rows: Float[Tensor, "n f"]) -> tuple[Float[Tensor, " f"], Float[Tensor, "f f"]]:
    mean = rows.mean(0)
    centred = rows - mean
    return mean, centred.T @ centred / (len(rows) - 1)


def kernel_distance(real: Float[Tensor, "n f"], generated: Float[Tensor, "m f"]) -> Measured:
    """Unbiased estimate of the squared maximum mean discrepancy under the kernel k(x, y) = (x . y / f + 1)^3.

    sum_{i != j} k(x_i, x_j) / (n (n - 1)) + sum_{i != j} k(y_i, y_j) / (m (m - 1)) - 2 sum_{i, j} k(x_i, y_j) / (n m), which is
    negative at times when both distributions are equal. Standard error: delete-a-group jackknife over the generated images.

    Reference: Bińkowski et al. 2018, section 4.

    Raises:
        ValueError: when either set has fewer than eleven images.
    """
    _enough(real, generated)
    real, generated = real.double(), generated.double()
    n, m = len(real), len(generated)
    group = np.arange(m) % GROUPS
    member = torch.from_numpy(np.eye(GROUPS)[group]).to(generated.device)
    of_real = sum(float(block.sum() - block.diagonal(at).sum()) for at, block in _kernel_blocks(real, real))
    across = torch.zeros_like(member[0])  # by the group of the generated image
    among = torch.zeros_like(member[:GROUPS])
    for _, block in _kernel_blocks(real, generated):
        across += block.sum(0) @ member
    for at, block in _kernel_blocks(generated, generated):
        block.diagonal(at).zero_()
        among += member[at : at + len(block)].T @ (block @ member)
    of_both, of_generated = across.cpu().numpy(), among.cpu().numpy()

    def distance(keep: Bool[np.ndarray, " g"]) -> float:
        left = int(keep[group].sum())
        pairs = of_generated[np.ix_(keep, keep)].sum() / (left * (left - 1))
        return float(of_real / (n * (n - 1)) + pairs - 2 * of_both[keep].sum() / (n * left))

    everything = np.ones(GROUPS, bool)
    return Measured(distance(everything), _jackknife(lambda g: distance(np.arange(GROUPS) != g)), m)


def _kernel_blocks(x: Float[Tensor, "n f"], y: Float[Tensor, "m f"]) -> Iterator[tuple[int, Float[Tensor, "b m"]]]:
    for at in range(0, len(x), ROWS):
        base = x[at : at + ROWS] @ y.T / x.shape[1] + 1
        yield at, base * base * base


def neighbourhoods(real: Float[Tensor, "n f"], generated: Float[Tensor, "m f"], k: int = NEIGHBOURS) -> dict[str, Measured]:
    """What the balls around each image that reach to its k-th nearest neighbour in its own set say about both supports.

    ``precision``: share of generated images in the ball of some real one; ``recall``: share of real images in the ball of some
    generated one (Kynkäänniemi et al. 2019, section 2). ``density``: number of real balls that a generated image lies in, over k,
    which exceeds 1 where samples crowd; ``coverage``: share of real images whose own ball holds a generated image (Naeem et al.
    2020, section 3). ``neighbour_accuracy``: leave-one-out accuracy of the nearest-neighbour classifier on the union of
    both sets: 1/2 for equal distributions, 1 when they are apart, less than 1/2 when samples are copies of the real images (Xu et
    al. 2018, section 2). Each is a mean over images; its standard error is that of a mean of as many independent terms.

    Raises:
        ValueError: when a set has no more than k images.
    """
    if min(len(real), len(generated)) <= k:
        raise ValueError(f"balls to the {k}-th neighbour need more than {k} images; got {len(real)} and {len(generated)}")
    real, generated = real.double(), generated.double()
    radius_real, own_real = _neighbours_within(real, k)
    radius_generated, own_generated = _neighbours_within(generated, k)
    inside = torch.zeros(len(generated), dtype=torch.int64, device=generated.device)
    nearest_real = torch.full_like(own_generated, math.inf)
    recalled, nearest_generated = torch.zeros_like(own_real, dtype=torch.bool), torch.zeros_like(own_real)
    for at, block in _distance_blocks(real, generated):
        rows = slice(at, at + len(block))
        inside += (block <= radius_real[rows, None]).sum(0)
        recalled[rows] = (block <= radius_generated).any(1)
        nearest_generated[rows] = block.amin(1)
        nearest_real = torch.minimum(nearest_real, block.amin(0))
    among_own = torch.cat([own_real < nearest_generated, own_generated < nearest_real])
    return {
        "precision": measured.proportion((inside > 0).cpu().numpy()),
        "recall": measured.proportion(recalled.cpu().numpy()),
        "density": measured.mean(inside.cpu().numpy() / k, unit=""),
        "coverage": measured.proportion((nearest_generated <= radius_real).cpu().numpy()),
        "neighbour_accuracy": measured.proportion(among_own.cpu().numpy()),
    }


def _neighbours_within(x: Float[Tensor, "n f"], k: int) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
    """Squared distances of each image to its k-th and to its first neighbour, itself left out."""
    far, near = (torch.empty(len(x), dtype=torch.float64, device=x.device) for _ in range(2))
    for at, block in _distance_blocks(x, x):
        block.diagonal(at).fill_(math.inf)
        least = block.topk(k, largest=False).values
        near[at : at + len(block)], far[at : at + len(block)] = least[:, 0], least[:, -1]
    return far, near


def _distance_blocks(x: Float[Tensor, "n f"], y: Float[Tensor, "m f"]) -> Iterator[tuple[int, Float[Tensor, "b m"]]]:
    """Squared distances, a block of rows at a time."""
    squares = y.square().sum(1)
    for at in range(0, len(x), ROWS):
        rows = x[at : at + ROWS]
        yield at, (rows.square().sum(1)[:, None] + squares - 2 * rows @ y.T).clamp_(min=0)


def class_distance(real: Int[np.ndarray, " n"], generated: Int[np.ndarray, " m"], classes: int = 10) -> Measured:
    """Total variation of the shares of predicted classes, sum_c |p_c - q_c| / 2: 0 for equal shares, 1 for disjoint ones.

    With s_c the sign of q_c - p_c it is a difference of means of s / 2, and the standard error is that of the mean over samples:
    too large where shares are so equal that chance decides about the signs.
    """
    p, q = (np.bincount(predicted, minlength=classes) / len(predicted) for predicted in (real, generated))
    signs = np.sign(q - p)[generated] / 2
    return Measured(float(np.abs(p - q).sum() / 2), measured.mean(signs).stderr, len(generated), "share")


def missing_classes(log_p: Float[np.ndarray, "m c"], sure: float, common: float) -> Measured:
    """Number of classes of which fewer than a share ``common`` of the samples are recognised, with a probability above ``sure``."""
    recognised = log_p.argmax(1)[log_p.max(1) > math.log(sure)]
    shares = np.bincount(recognised, minlength=log_p.shape[1]) / len(log_p)
    return Measured(int((shares < common).sum()), n=len(log_p), unit="count")


def two_sample_accuracy(real: Float[np.ndarray, "n f"], generated: Float[np.ndarray, "m f"], seed: int) -> Measured:
    """Accuracy on unseen images of a classifier that learned to tell real from generated: 1/2 for equal distributions, 1 at best.

    A logistic regression on standardised features learns from a random half of each set and is scored on the other halves, with
    the binomial standard error of that score.

    Reference: Lopez-Paz & Oquab 2017, section 3.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    random = np.random.default_rng(seed)
    learn: list[tuple[np.ndarray, np.ndarray]] = []
    score: list[tuple[np.ndarray, np.ndarray]] = []
    for label, rows in enumerate((real, generated)):
        order = random.permutation(len(rows))
        for part, chosen in ((learn, order[::2]), (score, order[1::2])):
            part.append((rows[chosen], np.full(len(chosen), label)))
    x, y = (np.concatenate(column) for column in zip(*learn, strict=True))
    test, truth = (np.concatenate(column) for column in zip(*score, strict=True))
    judge: Any = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
    return measured.proportion(judge.fit(x, y).predict(test) == truth)


def nearest_distances(x: Float[Tensor, "n d"], known: Float[Tensor, "t d"]) -> Float[np.ndarray, " n"]:
    """Euclidean distance of each image to the nearest known one; 0 for a copy.

    The neighbour is found by one matrix product a block, and its distance computed once more from the difference, because
    rounding would leave a copy at a distance above 0.
    """
    squares = (known**2).sum(1)
    parts = []
    for rows in x.split(ROWS):
        nearest = torch.addmm(squares, rows, known.T, alpha=-2).argmin(1)
        parts.append((rows - known[nearest]).norm(dim=1))
    found: np.ndarray = torch.cat(parts).cpu().double().numpy()
    return found


def distance_ratio(generated: Float[np.ndarray, " m"], real: Float[np.ndarray, " n"]) -> Measured:
    """Median distance of samples to their nearest training image over that of unseen real images.

    About 1 where samples are as new as test images, 0 for copies of training images; above 1 they are unlike any real image.
    Standard error by the delta method from those of both medians.
    """
    top, bottom = measured.median(generated), measured.median(real)
    if bottom.value == 0:
        return Measured(math.nan, n=len(generated), unit="ratio")
    ratio = top.value / bottom.value
    return Measured(ratio, math.hypot(top.stderr, ratio * bottom.stderr) / bottom.value, len(generated), "ratio")


def _jackknife(without: Callable[[int], float]) -> float:
    """Standard error from the estimates that leave out one group each: ((g - 1) / g) times the sum of squared deviations."""
    values = np.array([without(group) for group in range(GROUPS)])
    return float(np.sqrt((GROUPS - 1) / GROUPS * ((values - values.mean()) ** 2).sum()))


def _enough(*sets: Float[Tensor, "n f"]) -> None:
    least = GROUPS + 1
    if min(map(len, sets)) < least:
        raise ValueError(
            f"a distance of distributions needs at least {least} images on either side; got {[len(rows) for rows in sets]}"
        )
