"""Annealed importance sampling of the likelihood of a decoder, and the sandwich that shows how far it may be off.

With a standard normal prior over the code z and l(z) = log p(x | z), the path of unnormalised densities

    f_t(z) = N(z; 0, I) exp(beta_t l(z)),   0 = beta_0 < beta_1 < ... < beta_T = 1,                                   (1)

leads from the prior to p(x, z), whose integral is p(x). From z_0 ~ N(0, I), transitions z_t ~ K_t(. | z_{t-1}) that leave f_t
invariant give the weight

    log w = sum_{t=1..T} (beta_t - beta_{t-1}) l(z_{t-1}),   E[w] = p(x).                                             (2)

So log (1/c) sum w over c chains is log p(x) or less in expectation (Jensen), with equality as T or c grow. The same steps taken
backwards from a draw of the posterior p(z | x) give weights with E[1 / w] = 1 / p(x), so -log (1/c) sum 1/w is log p(x) or more
in expectation. Posterior draws are at hand for images that the model made itself: (z, x) from p(z) p(x | z) is also x from p(x)
and z from p(z | x). The gap of the two bounds on such images says how far (2) may be off; on other images only the lower one
exists.

K_t is Hamiltonian Monte Carlo with potential U_t(z) = |z|^2 / 2 - beta_t l(z): momenta v ~ N(0, I), L leapfrog steps of size e, and
acceptance with probability min(1, exp(-Delta H)), H = U_t + |v|^2 / 2. It is reversible, so that it serves both directions. The
sizes e are found in a preliminary run with its own random numbers and then held: were they adapted along the chains that count,
K_t would not leave f_t invariant and (2) would not hold. Every chain scales them by a factor uniform on [0.8, 1.2], drawn without a
look at the state, so that no trajectory closes on itself.

References: Neal 2001 (annealed importance sampling); Neal 2011, section 5.2 (leapfrog steps); Wu, Burda, Salakhutdinov & Grosse
2017 (decoders, sigmoid schedule); Grosse, Ghahramani & Adams 2015 (both directions).
Axis letters: c chains, n images, d pixels, m latent numbers, t temperatures, b rows of a batch (chains times images).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from dgm.maths.distributions import log_mean_exp

__all__ = ["Annealed", "Annealing", "effective_sample_size", "sigmoid_schedule"]

ACCEPTANCE = 0.65
"""Share of proposals that the preliminary run aims at, the best one in many dimensions (Neal 2011, section 5.4.4)."""

FIRST_STEP = 0.5
SMALLEST_STEP, LARGEST_STEP = 1e-4, 1.5  # above 2 the leapfrog diverges even on the prior
RATE = 0.4  # change of log e for an acceptance that is wrong by one
SCOUTS = 2  # chains an image of the preliminary run
JITTER = 0.2


def sigmoid_schedule(temperatures: int, steepness: float = 4.0) -> Float[Tensor, " t+1"]:
    """Beta_0 ... beta_T: the logistic function at equal steps from -steepness to steepness, scaled to [0, 1], in float64.

    It is slow at both ends, where the density changes fastest: one step near beta = 0 turns the prior into something narrow
    (Wu et al. 2017, section 5.1).

    Raises:
        ValueError: for fewer than one temperature or a steepness that is not positive.
    """
    if temperatures < 1 or not steepness > 0:
        raise ValueError(f"schedule: got {temperatures} temperatures and steepness {steepness}; need at least 1, and above 0")
    at = torch.linspace(-steepness, steepness, temperatures + 1, dtype=torch.float64)
    values = torch.sigmoid(at)
    scaled = (values - values[0]) / (values[-1] - values[0])
    scaled[0], scaled[-1] = 0.0, 1.0
    return scaled


def effective_sample_size(log_weights: Float[Tensor, "c n"]) -> Float[Tensor, " n"]:
    """(sum w)^2 / sum w^2 of each image, between 1 and c."""
    return torch.exp(2 * log_weights.logsumexp(0) - (2 * log_weights).logsumexp(0))


@dataclass(frozen=True)
class Annealed:
    """Weights of one direction."""

    log_weights: Float[Tensor, "c n"]
    """Equation (2) in nats, float64."""
    acceptance: Float[Tensor, "t-1 n"]
    """Mean acceptance probability over the chains at beta_1 ... beta_{T-1}, float64; no rows for a single temperature."""

    @property
    def lower(self) -> Float[Tensor, " n"]:
        """Log (1/c) sum w in nats: of chains from the prior, a lower bound on log p(x) in expectation."""
        return log_mean_exp(self.log_weights)

    @property
    def upper(self) -> Float[Tensor, " n"]:
        """-log (1/c) sum 1/w in nats: of chains from an exact posterior draw, an upper bound on log p(x) in expectation."""
        return -log_mean_exp(-self.log_weights)

    @property
    def effective_sample_size(self) -> Float[Tensor, " n"]:
        """How many equally weighted chains those of an image are worth."""
        return effective_sample_size(self.log_weights)


@dataclass(frozen=True)
class _State:
    """Where the chains are, with what has been computed there."""

    z: Float[Tensor, "c n m"]
    log_likelihood: Float[Tensor, "c n"]  # float64
    slope: Float[Tensor, "c n m"]  # of the log-likelihood


@dataclass(frozen=True)
class Annealing:
    """How to anneal: a decoder's log p(x | z), a schedule and the length of the trajectories. Methods work on c x n chains at once.

    Raises:
        ValueError: for a schedule that does not rise from 0 to 1, or fewer than one chain or leapfrog step.
    """

    log_likelihood: Callable[[Float[Tensor, "b d"], Float[Tensor, "b m"]], Float[Tensor, " b"]]
    """Log p(x | z) of matching rows in nats, differentiable in z."""
    latent_size: int
    betas: Float[Tensor, " t+1"]
    chains: int
    leapfrog_steps: int

    def __post_init__(self) -> None:
        rises = len(self.betas) > 1 and self.betas[0] == 0 and self.betas[-1] == 1 and bool((self.betas.diff() > 0).all())
        if not rises:
            raise ValueError("schedule: the inverse temperatures must rise from 0 to 1")
        if self.chains < 1 or self.leapfrog_steps < 1:
            raise ValueError(
                f"annealing: got {self.chains} chains and {self.leapfrog_steps} leapfrog steps; both must be at least 1"
            )

    def adapt(self, x: Float[Tensor, "n d"], generator: torch.Generator) -> Float[Tensor, "t-1 n"]:
        """Step sizes at beta_1 ... beta_{T-1} for each image, from a run of :data:`SCOUTS` chains that is thrown away.

        At every temperature log e rises by ``RATE`` (mean acceptance - ``ACCEPTANCE``).
        """
        inner = self.betas[1:-1].tolist()
        sizes = torch.empty((len(inner), len(x)), device=x.device)
        size = torch.full((len(x),), FIRST_STEP, device=x.device)
        state = self._at(x, self._prior(x, SCOUTS, generator))
        for place, beta in enumerate(inner):
            sizes[place] = size
            state, acceptance = self.transition(x, state, beta, size, generator)
            size = (size * torch.exp(RATE * (acceptance.float() - ACCEPTANCE))).clamp(SMALLEST_STEP, LARGEST_STEP)
        return sizes

    def forward(self, x: Float[Tensor, "n d"], sizes: Float[Tensor, "t-1 n"], generator: torch.Generator) -> Annealed:
        """Chains from the prior; :attr:`Annealed.lower` is the estimate.

        Args:
            x: images.
            sizes: of the leapfrog steps, from :meth:`adapt`; held for the whole run.
            generator: of starts, momenta and acceptances.
        """
        return self._run(x, self._prior(x, self.chains, generator), sizes, generator, backwards=False)

    def reverse(
        self, x: Float[Tensor, "n d"], z: Float[Tensor, "n m"], sizes: Float[Tensor, "t-1 n"], generator: torch.Generator
    ) -> Annealed:
        """Chains from posterior draws back to the prior, all c from the same one; :attr:`Annealed.upper` is the estimate.

        Args:
            x: images drawn from p(x | z).
            z: the codes they were made from, drawn from the prior.
            sizes: of the leapfrog steps, as for :meth:`forward`; they may depend on x, and not on z.
            generator: of momenta and acceptances.
        """
        return self._run(x, z.expand(self.chains, *z.shape), sizes, generator, backwards=True)

    def transition(
        self, x: Float[Tensor, "n d"], state: _State, beta: float, sizes: Float[Tensor, " n"], generator: torch.Generator
    ) -> tuple[_State, Float[Tensor, " n"]]:
        """One step of Hamiltonian Monte Carlo for f of equation (1) at ``beta``; the new state and the mean acceptance probability.

        A trajectory that leaves the finite numbers is rejected.
        """
        shape = state.z.shape
        momentum = torch.randn(shape, generator=generator, device=x.device)
        jitter = torch.rand(shape[:2], generator=generator, device=x.device)
        step = (sizes * (1 + JITTER * (2 * jitter - 1))).unsqueeze(-1)
        uniform = torch.rand(shape[:2], generator=generator, device=x.device, dtype=torch.float64)

        moved, velocity = state, momentum + 0.5 * step * (beta * state.slope - state.z)
        for place in range(self.leapfrog_steps):
            moved = self._at(x, moved.z + step * velocity)
            last = place == self.leapfrog_steps - 1
            velocity = velocity + (0.5 if last else 1.0) * step * (beta * moved.slope - moved.z)
        change = self._log_density(moved, velocity, beta) - self._log_density(state, momentum, beta)
        probability = torch.exp(change.nan_to_num(-math.inf, posinf=-math.inf).clamp(max=0))
        accepted = uniform < probability
        chosen = accepted.unsqueeze(-1)
        return (
            _State(
                torch.where(chosen, moved.z, state.z),
                torch.where(accepted, moved.log_likelihood, state.log_likelihood),
                torch.where(chosen, moved.slope, state.slope),
            ),
            probability.mean(0),
        )

    def _run(self, x: Tensor, z: Tensor, sizes: Tensor, generator: torch.Generator, *, backwards: bool) -> Annealed:
        betas, last = self.betas.tolist(), len(self.betas) - 1
        state = self._at(x, z)
        log_weights = torch.zeros(z.shape[:2], device=x.device, dtype=torch.float64)
        acceptance = torch.zeros((last - 1, len(x)), device=x.device, dtype=torch.float64)
        for t in range(last, 0, -1) if backwards else range(1, last + 1):
            log_weights += (betas[t] - betas[t - 1]) * state.log_likelihood
            at = t - 1 if backwards else t  # the density that the next transition leaves invariant
            if 0 < at < last:
                state, acceptance[at - 1] = self.transition(x, state, betas[at], sizes[at - 1], generator)
        return Annealed(log_weights, acceptance)

    def _prior(self, x: Tensor, chains: int, generator: torch.Generator) -> Float[Tensor, "c n m"]:
        return torch.randn((chains, len(x), self.latent_size), generator=generator, device=x.device)

    def _at(self, x: Tensor, z: Tensor) -> _State:
        """Log-likelihood and its slope at new places, by one pass through the decoder and back."""
        rows = z.reshape(-1, z.shape[-1]).detach().requires_grad_()
        with torch.enable_grad():
            found = self.log_likelihood(x.repeat(len(z), 1), rows)
            (slope,) = torch.autograd.grad(found.sum(), rows)
        return _State(z, found.detach().double().view(z.shape[:2]), slope.view(z.shape))

    @staticmethod
    def _log_density(state: _State, momentum: Tensor, beta: float) -> Float[Tensor, "c n"]:
        """-H, in float64: the difference of two large numbers decides."""
        squares = state.z.double().square().sum(-1) + momentum.double().square().sum(-1)
        return beta * state.log_likelihood - 0.5 * squares
