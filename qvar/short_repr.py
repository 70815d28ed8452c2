"""One line for every record: its class and the fields that identify it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Set
from enum import Enum
from numbers import Number
from pathlib import PurePath
from typing import Any, TypeVar

from qvar.errors import clipped

MOST_LETTERS = 118
"""Letters of the line."""

_MOST_TEXT = 40
_MOST_LIST = 60
_MOST_ENTRIES = 4

_T = TypeVar("_T", bound=type)


def short_repr(*names: str) -> Callable[[_T], _T]:
    """Give a class a `repr` of one line, such as `Budget(gradients=300, gradient_tolerance=1e-06)`.

    Arrays are shown by type and shape, other records by their name, long lists by their number of entries; functions,
    and fields that are None or have their default, are left out, as is what goes beyond `MOST_LETTERS`.

    `names` are the attributes that are shown, in this order; all fields if there is none.
    """

    def decorate(cls: _T) -> _T:
        cls.__repr__ = lambda self: _line(self, names)  # pyright: ignore[reportAttributeAccessIssue]
        return cls

    return decorate


def _line(record: Any, names: tuple[str, ...]) -> str:
    defaults = _defaults(type(record))
    parts, length = [], len(type(record).__name__) + 2
    for name in names or _fields(type(record)):
        value = getattr(record, name)
        words = "" if not names and _same(value, defaults.get(name)) else _words(value)
        if not words:
            continue
        part = f"{name}={words}"
        if length + len(part) + 2 > MOST_LETTERS - 3:
            parts.append("...")
            break
        parts.append(part)
        length += len(part) + 2
    return f"{type(record).__name__}({', '.join(parts)})"


def _fields(cls: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(cls)) if dataclasses.is_dataclass(cls) else cls._fields


def _defaults(cls: type) -> dict[str, Any]:
    if not dataclasses.is_dataclass(cls):
        return dict(getattr(cls, "_field_defaults", {}))
    return {field.name: field.default for field in dataclasses.fields(cls)}


def _same(value: Any, default: Any) -> bool:
    """Return whether a field is None, or a scalar that is its default."""
    plain = isinstance(value, str | Number | Enum | tuple)
    return value is None or (plain and type(value) is type(default) and bool(value == default))


def _words(value: Any) -> str:
    """Format a value in a few letters; empty if it cannot be shown."""
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, str):
        return _text(value)
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return _number(value.item()) if value.shape == () else f"{value.dtype}{list(value.shape)}"
    if isinstance(value, Number):
        return _number(value)
    if isinstance(value, PurePath):
        return _text(str(value))
    if isinstance(getattr(value, "name", None), str):
        return _text(value.name)
    if isinstance(value, Mapping | Set):
        return f"{{{_count(len(value))}}}" if value else ""
    if isinstance(value, tuple | list):
        return _list(value)
    if callable(value):
        return ""
    if type(value).__repr__ is not object.__repr__:
        line = " ".join(repr(value).split())
        return line if len(line) <= _MOST_TEXT + 20 else type(value).__name__
    return type(value).__name__


def _number(value: Any) -> str:
    return f"{value:.10g}" if isinstance(value, float) and math.isfinite(value) else str(value)


def _text(text: str) -> str:
    return repr(clipped(" ".join(text.split()), _MOST_TEXT))


def _list(values: tuple[Any, ...] | list[Any]) -> str:
    if not values:
        return ""
    words = [_words(value) for value in values[:_MOST_ENTRIES]]
    line = f"[{', '.join(words)}]"
    if len(values) > _MOST_ENTRIES or not all(words) or len(line) > _MOST_LIST:
        return f"[{_count(len(values))}]"
    return line


def _count(number: int) -> str:
    return "1 entry" if number == 1 else f"{number} entries"
