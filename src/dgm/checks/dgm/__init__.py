"""Claims of the dgm answers, one module a topic."""

from dgm.checks.dgm import divergences, full_covariance, gaussian_transform, mixture_prior, vector_quantisation

__all__ = ["divergences", "full_covariance", "gaussian_transform", "mixture_prior", "vector_quantisation"]
