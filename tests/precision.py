"""How far two computations of one number may lie apart: the only place where a tolerance for rounding is chosen.

A test must not depend on which kernel a processor picks. What may differ, and by how much, decides the tolerance:

- *Rounding* (another order of the same sums, another library of functions, another size of batch): :func:`close`, by the coarsest
  format and the number of terms, as derived below. Float32 is never compared by a default of pytest, NumPy or torch. Float64 may
  be, where these leave at least a hundred ``eps``.
- *Approximation* (a grid, a finite difference, an optimiser): the error of that, which is far larger than rounding.
- *Statistics*: the random numbers are the same on every processor, so a band must contain the true value and need not be wide;
  where rounding is amplified, as by accepting and refusing steps of a chain, it is at least five standard errors. Hypothesis
  draws the same examples at every call (``pytest --hypothesis-profile=explore`` looks for new ones).
- *Trainings* end with other weights on another processor, and run in bfloat16 where it has units for that. A threshold leaves
  several standard deviations of the scatter over seeds; where that is little, the test says what was measured.
- *The same bytes* are asked for only of the same call with the same shapes and threads in one process, or of two such processes.

Other kernels can be had on one machine. The tests must pass with each::

    # as a processor without AVX-512 and AMX
    ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 make test
    # the plainest of torch, MKL, OpenBLAS and NumPy
    export ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41 MKL_CBWR=COMPATIBLE
    OPENBLAS_CORETYPE=Prescott NPY_DISABLE_CPU_FEATURES=X86_V3 make test

*The tolerance for rounding.* Another processor, number of threads or size of batch adds the same terms in another order and takes
exponentials and logarithms from another library. Let ``eps`` be the spacing of the numbers above 1, so that one rounding is wrong
by at most ``eps / 2`` of its result, and let ``scale`` be the size of what is added: the sum of the absolute values of the terms.

- *Functions.* A vectorised exponential or logarithm is wrong by up to 4 ``eps`` of its value, at worst in one direction for all
  terms. That is 4 ``eps scale`` whatever the number of terms, and 8 ``eps scale`` between two computations.
- *Sums.* Each of n additions rounds a partial sum of at most ``scale``. In the worst case that makes ``n eps scale`` between two
  orders. Roundings in different places are hardly correlated: each has a standard deviation of at most ``eps scale / sqrt(12)``,
  so the difference of two orders has ``eps scale sqrt(n / 6)``, and nearly five of those are ``2 sqrt(n) eps scale``. (Higham &
  Mary 2019 prove that a constant times sqrt(n) is exceeded with a probability that falls like that of a Gaussian.)

    tolerance = (8 + min(2 sqrt(n), n)) eps scale                                                                          (1)

A wrong formula is off by far more: in float32, (1) is 1e-6 of the scale for one term and 8e-6 for the 784 pixels of an image.
What rounding decides, such as which of two equally near codes is taken, or where a training ends, has no tolerance: it is not
compared.
"""

import math
from typing import Any

import numpy as np
import torch

__all__ = ["close", "epsilon", "tolerance"]

FUNCTIONS = 8.0
SUMS = 2.0


def epsilon(dtype: Any) -> float:
    """The spacing of the floating point numbers above 1, of a dtype of NumPy or torch, or its name (``"bfloat16"``)."""
    of_torch = getattr(torch, dtype, None) if isinstance(dtype, str) else dtype
    if isinstance(of_torch, torch.dtype):
        return float(torch.finfo(of_torch).eps)
    return float(np.finfo(dtype).eps)


def tolerance(dtype: Any, terms: int = 1, scale: float = 1.0) -> float:
    """Equation (1): how far two sums of so many ``terms``, whose absolute values add up to ``scale``, may lie apart.

    Args:
        dtype: the coarsest that either computation uses, which need not be that of its result.
        terms: additions on the way to one number; of nested sums (the layers of a network) all those that follow each other.
        scale: the sum of the absolute values of the terms, times how much later steps enlarge an error.
    """
    return (FUNCTIONS + min(SUMS * math.sqrt(terms), terms)) * epsilon(dtype) * scale


def close(
    actual: Any, expected: Any, dtype: Any = None, terms: int = 1, scale: float | np.ndarray | torch.Tensor | None = None
) -> None:
    """Assert that two computations of the same numbers agree within :func:`tolerance`, element by element.

    Args:
        actual: a number, or an array or tensor of them.
        expected: the same by another way; one number may stand for all.
        dtype: of the arithmetic; left out, the coarser of the two dtypes. Say it where float32 has been turned into a Python float
            or into float64 before.
        terms: as for :func:`tolerance`.
        scale: as for :func:`tolerance`, one number or one for each element; left out, the largest of the expected absolute values,
            which is right where the elements are of one size and their terms of one sign.

    Raises:
        AssertionError: with the place and size of the worst disagreement.
    """
    found, wanted = _numbers(actual), _numbers(expected)
    if found.shape != wanted.shape and wanted.size != 1:
        raise AssertionError(f"shapes differ: {list(found.shape)} against {list(wanted.shape)} expected")
    if dtype is None:
        dtype = max((_dtype(actual), _dtype(expected)), key=epsilon)
    wanted = np.broadcast_to(wanted, found.shape)
    finite = np.abs(wanted[np.isfinite(wanted)])
    size = _numbers(scale) if scale is not None else np.asarray(finite.max() if finite.size else 0.0)
    allowed = np.broadcast_to(tolerance(dtype, terms) * size, found.shape)
    with np.errstate(invalid="ignore"):  # of two equal infinities
        distance = np.where(found == wanted, 0.0, np.abs(found - wanted))
    wrong = ~(distance <= allowed)  # not a number agrees with nothing
    if wrong.any():
        excess = np.where(wrong, np.nan_to_num(distance, nan=np.inf) - allowed, -np.inf)
        place = np.unravel_index(int(excess.argmax()), excess.shape)
        at = f" at {[int(index) for index in place]}" if place else ""
        raise AssertionError(
            f"{int(wrong.sum())} of {wrong.size} numbers differ by more than {terms} terms in {_name(dtype)} explain; "
            f"the worst{at}: got {found[place]:.17g}, expected {wanted[place]:.17g}, "
            f"difference {distance[place]:.3g}, allowed {allowed[place]:.3g}"
        )


def _numbers(values: Any) -> np.ndarray:
    """As float64, which holds every number of the narrower formats."""
    if isinstance(values, list | tuple):
        return np.array([_numbers(value) for value in values], dtype=np.float64)
    return np.asarray(values.detach().cpu().double() if isinstance(values, torch.Tensor) else values, dtype=np.float64)


def _dtype(values: Any) -> Any:
    """Of the arithmetic behind the values; whole numbers are exact, and Python's floats have 64 bits."""
    if isinstance(values, list | tuple):
        return max(map(_dtype, values), key=epsilon, default=np.float64)
    if isinstance(values, torch.Tensor):
        return values.dtype if values.is_floating_point() else np.float64
    found = np.asarray(values).dtype
    return found if found.kind == "f" else np.float64


def _name(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.") if isinstance(dtype, str | torch.dtype) else np.dtype(dtype).name
