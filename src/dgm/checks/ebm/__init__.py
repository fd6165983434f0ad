"""Claims of the ebm answers, one module a topic: the ring mixture and its estimators, energy-based models, variational bounds."""

from dgm.checks.ebm import bounds, energy, ring

__all__ = ["bounds", "energy", "ring"]
