"""Claims of the vaegan answers, one module a topic."""

from dgm.checks.vaegan import adversarial, adversarial_theory, autoencoder, bounds, lower_bound

__all__ = ["adversarial", "adversarial_theory", "autoencoder", "bounds", "lower_bound"]
