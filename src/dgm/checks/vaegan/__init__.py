"""Claims of the vaegan answers, one module a topic."""

from dgm.checks.vaegan import bounds

__all__ = ["bounds"]
