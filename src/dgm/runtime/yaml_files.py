"""YAML that people write: a fault is one message with file and line, and no file fills the memory of who reads it.

Refused beyond what YAML itself refuses: a key that occurs twice, a key that is a list, a value that cannot be read as what it looks
like, such as the 45th of a month, more than :data:`NESTED` levels, a block that stands within itself, and aliases (``*name``) that
unfold to more than :data:`UNFOLDED` entries.
"""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

__all__ = ["NESTED", "UNFOLDED", "parse_yaml", "read_text", "read_yaml"]

NESTED = 100
"""Levels of blocks in blocks. Far deeper ones end the process inside libyaml."""

UNFOLDED = 200_000
"""Entries of a file once each alias stands for a copy: whoever walks through the content meets so many."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # libyaml where it is there: 10 times faster
    """A safe loader that refuses a key that occurs twice instead of overwriting the first, and says where a value is unreadable."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """The value of a node."""
        try:
            return super().construct_object(node, deep=deep)
        except yaml.YAMLError:
            raise
        except Exception as error:  # dates, numbers and tags fail in many ways
            kind = node.tag.rpartition(":")[2]
            said = f"not readable as {kind}: {error}"
            raise yaml.constructor.ConstructorError(None, None, said, node.start_mark) from None


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key, _ in node.value:
        name = loader.construct_object(key, deep=True)
        if not isinstance(name, Hashable):
            said = f"a {type(name).__name__} stands in the place of a key"
            raise yaml.constructor.ConstructorError(None, None, said, key.start_mark)
        if name in seen:
            raise yaml.constructor.ConstructorError(None, None, f"key {name!r} occurs twice", key.start_mark)
        seen.add(name)
    made: dict[Any, Any] = loader.construct_mapping(node, deep=True)
    return made


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(path: Path) -> Any:
    """The content of a YAML file.

    Raises:
        ValueError: when the file is missing, or what the module refuses; the message names file and line.
    """
    return parse_yaml(read_text(path), str(path))


def read_text(path: Path) -> str:
    """UTF-8 text without the byte-order mark that some editors begin a file with.

    Raises:
        ValueError: when there is no such file, or it is no such text.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ValueError(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 text ({error})") from None


def parse_yaml(text: str, where: str) -> Any:
    """The content of a text.

    Raises:
        ValueError: as :func:`read_yaml`; the message starts with ``where``.
    """
    try:
        _bounded(text)
        return yaml.load(text, Loader=_Loader)  # nosec B506  # a safe loader with some checks more
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        raise ValueError(f"{where}{place}: not valid YAML: {getattr(error, 'problem', None) or error}") from None


def _bounded(text: str) -> None:
    """Refuse what is nested too deeply or unfolds to too much, without building any of it."""
    sizes: dict[Any, int] = {}  # of what each anchor names
    above: list[tuple[str | None, int]] = [(None, 0)]  # anchor and entries so far of each block that is not ended yet
    event: Any
    for event in yaml.parse(text, Loader=_Loader):
        fault = ""
        if isinstance(event, yaml.CollectionStartEvent):
            above.append((event.anchor, 1))
            fault = f"more than {NESTED} blocks within each other" if len(above) > NESTED + 1 else ""
        elif isinstance(event, yaml.ScalarEvent | yaml.AliasEvent | yaml.CollectionEndEvent):
            if isinstance(event, yaml.CollectionEndEvent):
                anchor, size = above.pop()
            elif isinstance(event, yaml.ScalarEvent):
                anchor, size = event.anchor, 1
            else:
                anchor, size = None, sizes.get(event.anchor, 1)
                fault = f"*{event.anchor} stands within &{event.anchor}" if event.anchor in dict(above) else ""
            sizes[anchor] = size
            above[-1] = (above[-1][0], above[-1][1] + size)
            if above[-1][1] > UNFOLDED:
                fault = f"unfolds to more than {UNFOLDED:,} entries"
        if fault:
            raise yaml.MarkedYAMLError(problem=fault, problem_mark=event.start_mark)
