"""EM for a Bernoulli mixture as one loop, for reading: the fit of :mod:`dgm.models.bmm` without chunks, smoothing and checkpoints.

Question gdl-3c shows this function, and its check compares every iteration of it with those of the fit.
"""

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor

from dgm.models.bmm import e_step, initialise, m_step

__all__ = ["em"]


def em(
    Xs: Float[Tensor, "n d"], components: int, seeds: Iterable[int], tolerance: float = 1e-6, iterations: int = 200
) -> tuple[list[float], Tensor, Tensor, list[list[float]]]:
    """The best of several starts, one for each seed.

    Returns:
        Its log-likelihood in nats an image at every iteration, its p [k, d] and mix_p [k, 1], and those of all starts.
    """
    fits = []
    for seed in seeds:
        p, mix_p = initialise(Xs, components, torch.Generator().manual_seed(seed))
        trace: list[float] = []
        while len(trace) < iterations:
            eta, log_likelihood = e_step(Xs, p, mix_p)  # E step
            trace.append(float(log_likelihood.mean()))
            if len(trace) > 1 and trace[-1] - trace[-2] < tolerance * abs(trace[-2]):
                break
            p, mix_p = m_step(Xs, eta)  # M step
        fits.append((trace, p, mix_p))
    trace, p, mix_p = max(fits, key=lambda fit: fit[0][-1])
    return trace, p, mix_p, [trace for trace, _, _ in fits]
