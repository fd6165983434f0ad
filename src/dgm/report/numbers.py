"""Numbers as text: rounded once, here, and set properly in prose, in formulas, and in both outputs.

The macros do not know whether they are called in prose or inside a formula, so a number carries private-use characters for what
the two write differently (thousands separator, power of ten); :func:`in_formula` and :func:`in_prose` resolve them.
"""

import math
import re
from collections.abc import Iterator

__all__ = ["digits_of", "exact", "in_formula", "in_prose", "number", "plain", "with_error"]

ROUNDING_NOISE = 1e-9
"""Below this, a value that was asked for with few decimals counts as zero."""

SMALL, MOST_DECIMALS = 1e-4, 6
"""A value below the first, whose standard error supports more decimals than the second, is written with a power of ten."""

GROUP = "\ue000"
POWER = ("\ue001", "\ue002")
_SCIENTIFIC = re.compile(f"(-?[0-9.]*){POWER[0]}(-?[0-9]+){POWER[1]}")
_MINUS = re.compile(r"(?<![\w.)\]])-(?=[\d.]*\d|∞)")


def digits_of(stderr: float) -> int:
    """Decimals that a standard error supports: one significant digit of it, two when the first is 1.

    >>> digits_of(0.4), digits_of(0.14), digits_of(23.0)
    (1, 2, 0)
    """
    first = f"{stderr:.0e}"
    exponent = int(first.split("e")[1])
    return max(0, -exponent + (first[0] == "1"))


def number(value: float, digits: int | None = None, stderr: float = math.nan) -> str:
    """One number as text.

    Args:
        value: the number; infinities are allowed.
        digits: decimals; without it the standard error decides, and without that whole numbers are written in full, others with
            four significant digits.
        stderr: standard error of the value; ``nan`` if there is none.

    Raises:
        ValueError: for ``nan``.
    """
    value = float(value)
    if math.isnan(value):
        raise ValueError("a value is nan; there is no number to print")
    if math.isinf(value):
        return "-∞" if value < 0 else "∞"
    if digits is None and stderr > 0 and math.isfinite(stderr):
        digits = digits_of(stderr)
    if digits is None:
        if value.is_integer() and abs(value) < 1e15:
            digits = 0
        elif not SMALL <= abs(value) < 1e6:
            return _scientific(value, 3)
        else:
            digits = max(0, 3 - math.floor(math.log10(abs(value))))
    elif _vanishes(value, digits):
        return _scientific(value, 1)
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    whole, point, rest = text.partition(".")
    if len(whole.lstrip("-")) > 4:
        whole = f"{int(whole):,}".replace(",", GROUP)
    return whole + point + rest


def exact(value: float | bool, digits: int = 8) -> str:
    """A checked value with many significant digits, or a truth value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else number(value)
    mantissa, _, exponent = f"{value:.{digits}g}".partition("e")
    if not exponent:
        return mantissa
    return f"{'' if mantissa == '1' else mantissa}{POWER[0]}{int(exponent)}{POWER[1]}"


def with_error(value: float, stderr: float, digits: int | None = None) -> str:
    """Value ± standard error, both with the same decimals; a standard error of exactly zero is written 0.

    One that the asked decimals would make zero gets one or two decimals more, and the value with it. Small values with
    a far smaller error are written with powers of ten.

    Raises:
        ValueError: when there is no finite standard error.
    """
    if not (math.isfinite(stderr) and stderr >= 0):
        raise ValueError("there is no standard error; use num(...) for a number without one")
    if stderr == 0:
        return f"{number(value, digits)}\u00a0±\u00a00"
    decimals = digits_of(stderr)
    if digits is not None and (not _vanishes(stderr, digits) or decimals > digits + 2):
        decimals = digits
    elif decimals > MOST_DECIMALS and 0 < abs(value) < SMALL:
        places = max(1, decimals + math.floor(math.log10(abs(value))))
        return f"{_scientific(value, places)}\u00a0±\u00a0{_scientific(stderr, 1)}"
    return f"{number(value, decimals)}\u00a0±\u00a0{number(stderr, decimals)}"


def in_formula(tex: str) -> str:
    """Replace what the macros put into a formula by TeX."""
    tex = _SCIENTIFIC.sub(_power, tex)
    tex = tex.replace(GROUP, "{,}").replace("\u00a0", " ")
    return tex.replace("±", r"\pm ").replace("∞", r"\infty ")


def in_prose(text: str) -> Iterator[tuple[str, str]]:
    """Split text into ``("text", …)`` and ``("math", TeX)`` parts; a hyphen before a number becomes a minus sign."""
    start = 0
    for found in _SCIENTIFIC.finditer(text):
        if found.start() > start:
            yield "text", _prose(text[start : found.start()])
        yield "math", in_formula(found.group())
        start = found.end()
    if start < len(text):
        yield "text", _prose(text[start:])


def plain(text: str) -> str:
    """The text without markup, for attributes such as alt texts."""
    return _prose(_SCIENTIFIC.sub(lambda found: f"{found.group(1) or 1}e{found.group(2)}", text))


def _vanishes(value: float, digits: int) -> bool:
    """Whether a value that is not zero would print as zero."""
    return ROUNDING_NOISE < abs(value) < 0.5 * 10.0**-digits


def _power(found: re.Match[str]) -> str:
    mantissa, exponent = found.groups()
    return (rf"{mantissa}\times " if mantissa else "") + f"10^{{{exponent}}}"


def _prose(text: str) -> str:
    return _MINUS.sub("−", text.replace(GROUP, ","))


def _scientific(value: float, digits: int) -> str:
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    return f"{mantissa}{POWER[0]}{int(exponent)}{POWER[1]}"
