"""Claims of the vaegan answers, one module a topic."""

from dgm.checks.vaegan import adversarial, autoencoder, bounds, lower_bound

__all__ = ["adversarial", "autoencoder", "bounds", "lower_bound"]
