"""Claims of the gdl answers, one module a topic: KL divergence, Bernoulli mixtures and EM, NICE and the VAE, the comparison of
all models, changes of variable.

``expected`` comes from what an answer states (a formula in :mod:`dgm.maths.bernoulli_mixture`, :mod:`dgm.maths.divergences`,
:mod:`dgm.maths.change_of_variables`, or a number in its text); ``computed`` comes from another route: counting equally likely
outcomes, exact rationals, SymPy, quadrature, an optimiser, finite differences, or the trained models themselves.
"""

from dgm.checks.gdl import (
    bernoulli_mixture,
    change_of_variables,
    divergences,
    flow_and_autoencoder,
    mixture_experiments,
    model_comparison,
)

__all__ = [
    "bernoulli_mixture",
    "change_of_variables",
    "divergences",
    "flow_and_autoencoder",
    "mixture_experiments",
    "model_comparison",
]
