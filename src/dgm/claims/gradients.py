"""Finite differences against automatic differentiation, for claims about gradients of networks."""

from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["worst_relative_error"]


def worst_relative_error(objective: Callable[[], Any], parameters: Iterable[Any], step: float = 1e-5) -> float:
    """Largest |central difference - autograd| / |autograd|, taken at the entry of each parameter where the gradient is largest.

    Args:
        objective: a scalar tensor, the same at every call with equal parameters; float64 for this step.
        parameters: leaves with no gradient yet; they are restored after each difference.
        step: half the distance of the two points of a difference.
    """
    objective().backward()
    worst = 0.0
    for parameter in parameters:
        place = int(parameter.grad.abs().argmax())
        entry, ends = parameter.data.view(-1), []
        for sign in (1, -1):
            entry[place] += sign * step
            ends.append(float(objective().detach()))
            entry[place] -= sign * step
        slope = float(parameter.grad.view(-1)[place])
        worst = max(worst, abs((ends[0] - ends[1]) / (2 * step) - slope) / abs(slope))
    return worst
