"""Claims of the elbo answers, one module a topic: the divergence, the bound, and the devices that make it trainable."""

from dgm.checks.elbo import bound, divergence, training

__all__ = ["bound", "divergence", "training"]
