"""Claims of the dgm answers, one module a topic."""

from dgm.checks.dgm import divergences, mixture_prior

__all__ = ["divergences", "mixture_prior"]
