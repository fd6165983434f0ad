"""The mixture-prior VAE in one latent dimension with one binary pixel, small enough for every integral to be done.

Model      c ~ Cat(w),  z | c ~ N(m_c, v_c),  x | z ~ Bernoulli(sigmoid(a z + b))
Posterior  q(z, c | x) = N(z; m, v) g_c
Bound      E_q[log p(x | z)] + sum_c g_c E_q[log N(z; m_c, v_c)] + sum_c g_c log(w_c / g_c) - E_q[log q(z)] <= log p(x)

E_q[log N(z; m_c, v_c)] is closed (:func:`gaussian_cross_entropy`); only the decoder's term needs quadrature. Two estimates of g
compete: the mean of p(c | z) over q(z), and the maximiser of the bound. All values are in nats.

References: Jiang et al. 2017; Bishop 2006, section 10.1 (factorised posteriors).
Axis letters: k clusters, j latent dimensions.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["EXAMPLE", "Example", "gaussian_cross_entropy", "log_normal"]

Array = npt.NDArray[np.float64]

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(120)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


def log_normal(z: npt.ArrayLike, mean: npt.ArrayLike, variance: npt.ArrayLike) -> Array:
    """Log N(z; mean, variance), element by element."""
    z, mean, variance = (np.asarray(value, dtype=np.float64) for value in (z, mean, variance))
    return np.asarray(-0.5 * (np.log(2 * np.pi * variance) + (z - mean) ** 2 / variance))


def gaussian_cross_entropy(
    mean: npt.ArrayLike, variance: npt.ArrayLike, other_mean: npt.ArrayLike, other_variance: npt.ArrayLike
) -> float:
    """Integral of q log p for q = N(mean, diag variance) and p = N(other_mean, diag other_variance), all [j].

    Equals sum_j [-log(2 pi s_j) / 2 - v_j / (2 s_j) - (m_j - o_j)^2 / (2 s_j)] with v the variance of q and s that of p.
    """
    m, v, o, s = (np.atleast_1d(np.asarray(value, dtype=np.float64)) for value in (mean, variance, other_mean, other_variance))
    return float(np.sum(-0.5 * np.log(2 * np.pi * s) - v / (2 * s) - (m - o) ** 2 / (2 * s)))


@dataclass(frozen=True)
class Example:
    """One model, one observation, one q(z)."""

    weights: tuple[float, ...] = (0.3, 0.7)
    means: tuple[float, ...] = (-1.0, 2.0)
    variances: tuple[float, ...] = (0.5, 1.5)
    slope: float = 1.5
    intercept: float = -0.2
    x: int = 1
    q_mean: float = 0.4
    q_variance: float = 0.36

    def log_likelihood(self, z: npt.ArrayLike) -> Array:
        """Log p(x | z), same shape as z."""
        logit = self.slope * np.asarray(z, dtype=np.float64) + self.intercept
        return np.asarray(-np.logaddexp(0.0, -logit if self.x == 1 else logit))

    def log_prior(self, z: npt.ArrayLike) -> Array:
        """Log [p(z | c) p(c)], shape of z with an axis k at its end."""
        away = np.asarray(z, dtype=np.float64)[..., None]
        return np.asarray(np.log(self.weights) + log_normal(away, self.means, self.variances))

    def responsibilities(self, z: npt.ArrayLike) -> Array:
        """p(c | z) by Bayes' rule, shape of z with an axis k at its end."""
        joint = self.log_prior(z)
        return np.asarray(np.exp(joint - np.logaddexp.reduce(joint, axis=-1)[..., None]))

    def log_evidence(self) -> float:
        """Log p(x) = log sum_c w_c E_{N(m_c, v_c)} p(x | z)."""
        return float(
            np.log(
                sum(
                    w * (_WEIGHTS @ np.exp(self.log_likelihood(m + np.sqrt(v) * _NODES)))
                    for w, m, v in zip(self.weights, self.means, self.variances, strict=True)
                )
            )
        )

    def bound(self, gamma: npt.ArrayLike) -> float:
        """The bound for q(c | x) = ``gamma`` [k], with the expectation of the decoder's term in place of its estimate.

        Raises:
            ValueError: when ``gamma`` is no probability vector of length k.
        """
        g = np.asarray(gamma, dtype=np.float64)
        if g.shape != (len(self.weights),) or np.any(g < 0) or not np.isclose(g.sum(), 1):
            raise ValueError(f"bound: gamma = {g.tolist()}; need {len(self.weights)} probabilities that sum to one")
        decoder = float(_WEIGHTS @ self.log_likelihood(self.q_mean + np.sqrt(self.q_variance) * _NODES))
        prior = sum(
            -0.5 * share * (np.log(v) + self.q_variance / v + (self.q_mean - m) ** 2 / v)
            for share, m, v in zip(g, self.means, self.variances, strict=True)
        )
        assignment = sum(share * np.log(w / share) for share, w in zip(g, self.weights, strict=True) if share > 0)
        return float(decoder + prior + assignment + 0.5 * (1 + np.log(self.q_variance)))

    def averaged(self) -> Array:
        """Mean of p(c | z) over q(z), shape [k]: the g nearest to p(c | z) in the mean divergence D(p(c | z) || g)."""
        return np.asarray(_WEIGHTS @ self.responsibilities(self.q_mean + np.sqrt(self.q_variance) * _NODES))

    def geometric(self) -> Array:
        """The maximiser of the bound, g_c proportional to w_c exp E_q[log N(z; m_c, v_c)], shape [k]."""
        exponents = np.array(
            [
                np.log(w) + gaussian_cross_entropy(self.q_mean, self.q_variance, m, v)
                for w, m, v in zip(self.weights, self.means, self.variances, strict=True)
            ]
        )
        return np.asarray(np.exp(exponents - np.logaddexp.reduce(exponents)))


EXAMPLE = Example()
"""The numbers that the answers and their checks use."""
