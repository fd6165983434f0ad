"""Vector quantisation: the nearest of K vectors, a gradient past the choice, and a codebook kept as moving averages.

Choice     k(z) = argmin_j |z - e_j|                                                            (1)
Gradient   forward e_k(z), backward the identity in z: z + sg[e_k(z) - z]                       (2)
Codebook   N_j <- g N_j + (1 - g) n_j,   m_j <- g m_j + (1 - g) sum of the z with k(z) = j,
           e_j = m_j / N_j                                                                      (3)

sg[.] is the identity whose gradient is zero. (3) is the online form of k-means: with a fixed assignment e_j converges to the mean
of its vectors.

References: van den Oord, Vinyals & Kavukcuoglu 2017, equations 1 to 3 and appendix A.1.
Axis letters: n vectors, k codes, d numbers.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

__all__ = ["Codebook", "nearest", "straight_through"]


def nearest(z: Float[Tensor, "n d"], vectors: Float[Tensor, "k d"]) -> Int[Tensor, " n"]:
    """Equation (1), by |z - e|^2 = |z|^2 - 2 z.e + |e|^2 without the first term, which all codes share; the first wins a tie."""
    return torch.addmm(vectors.square().sum(1), z, vectors.T, alpha=-2).argmin(1)


def straight_through(z: Float[Tensor, "*b d"], quantised: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
    """Equation (2): the value of ``quantised``, the gradient of ``z``; nothing flows back into ``quantised``."""
    return z + (quantised - z).detach()


class Codebook(nn.Module):
    """K vectors of D numbers, updated by equation (3) instead of by a gradient.

    A code whose average count N_j falls below ``least`` vectors a batch starts again at a random vector of the batch with that
    count. All counts start at zero, so the first update places every code on an encoding; and as no N_j in use is below ``least``,
    the quotient in (3) needs no smoothing.
    """

    vectors: Tensor
    counts: Tensor
    sums: Tensor

    def __init__(self, codes: int, dimensions: int, decay: float, least: float) -> None:
        super().__init__()
        self.decay, self.least = decay, least
        self.register_buffer("vectors", torch.zeros(codes, dimensions))
        self.register_buffer("counts", torch.zeros(codes))
        self.register_buffer("sums", torch.zeros(codes, dimensions))

    def forward(self, z: Float[Tensor, "n d"]) -> Int[Tensor, " n"]:
        """The nearest codes, in float32 whatever precision is in force around: rounded distances would choose other codes."""
        with torch.autocast(z.device.type, enabled=False):
            return nearest(z.detach().float(), self.vectors)

    @torch.no_grad()
    def update(self, z: Float[Tensor, "n d"], codes: Int[Tensor, " n"], generator: torch.Generator) -> None:
        """Equation (3) for one batch, then the restarts. ``generator`` chooses the vectors at which unused codes start again."""
        z = z.detach().float()
        counted = torch.zeros_like(self.counts).index_add_(0, codes, torch.ones_like(z[:, 0]))
        summed = torch.zeros_like(self.sums).index_add_(0, codes, z)
        self.counts.lerp_(counted, 1 - self.decay)
        self.sums.lerp_(summed, 1 - self.decay)
        unused = self.counts < self.least
        start = z[torch.randint(len(z), (len(unused),), generator=generator, device=z.device)]
        self.counts[:] = torch.where(unused, self.least, self.counts)
        self.sums[:] = torch.where(unused[:, None], self.least * start, self.sums)
        self.vectors[:] = self.sums / self.counts[:, None]
