"""One sentence for a name that does not exist, with the nearest names that do."""

import difflib
from collections.abc import Iterable

__all__ = ["unknown"]


def unknown(what: str, name: object, known: Iterable[str], where: str = "") -> ValueError:
    """The error for ``name``, which is none of ``known``.

    Args:
        what: kind of thing, e.g. ``"figure"``.
        name: what was asked for.
        known: the names that exist.
        where: file and place of the request, put in front.
    """
    names = sorted(set(known))
    near = difflib.get_close_matches(str(name), names, n=3, cutoff=0.5)
    if near:
        hint = "nearest: " + ", ".join(repr(found) for found in near)
    elif names:
        hint = "there are: " + ", ".join(repr(found) for found in names[:12]) + (", …" if len(names) > 12 else "")
    else:
        hint = "there is none at all"
    return ValueError(f"{where + ': ' if where else ''}no {what} {name!r}; {hint}")
