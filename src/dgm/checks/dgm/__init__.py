"""Claims of the dgm answers, one module a topic."""

from dgm.checks.dgm import mixture_prior

__all__ = ["mixture_prior"]
