"""Claims of the vaegan answers, one module a topic."""

from dgm.checks.vaegan import adversarial, bounds

__all__ = ["adversarial", "bounds"]
