"""Claims of the ebm answers, one module a topic."""

from dgm.checks.ebm import bounds

__all__ = ["bounds"]
