"""Shapes that JSON values must have: small checks that name the place and the reason of the first mistake.

Files of a run are read by programs that rely on them, and are edited by people and damaged by disks. Each kind of file
has one shape (see `case_file.py` and `qvar.cluster.campaign`), which is checked where the file is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from qvar.errors import clipped

Shape: TypeAlias = Callable[[Any, str], None]
"""Raises `MisshapenError` about a value at a place such as `tasks[3].key`."""

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

LONGEST_NAME = 120
"""Letters that the key of a task may have; file systems take 255, endings of temporary names among them."""


class MisshapenError(ValueError):
    """A value that has another shape; the text is "`place` must be ..., but is ..."."""

    def __init__(self, place: str, must: str, value: Any) -> None:
        super().__init__(f"`{clipped(repr(place)[1:-1], 60)}` must {must}, but is {clipped(repr(value), 60)}")


def names_a_file(text: str) -> bool:
    """Return if a text can be the name of a file on every system: letters, digits and `._-`, at most `LONGEST_NAME`."""
    return len(text) <= LONGEST_NAME and _FILE_NAME.fullmatch(text) is not None


def anything(value: Any, place: str) -> None:
    """Accept any JSON value."""


def text(value: Any, place: str) -> None:
    """Require a text."""
    if not isinstance(value, str):
        raise MisshapenError(place, "be a text", value)


def key(value: Any, place: str) -> None:
    """Require a text that names a file of a task."""
    if not isinstance(value, str) or not names_a_file(value):
        raise MisshapenError(place, f"be at most {LONGEST_NAME} letters, digits and ._-", value)


def point_name(value: Any, place: str) -> None:
    """Require a text that names a folder below another one."""
    if not isinstance(value, str) or not value or len(value) > 2 * LONGEST_NAME or value in (".", ".."):
        raise MisshapenError(place, "be the name of a folder", value)
    if "/" in value or "\0" in value:
        raise MisshapenError(place, "be the name of a folder", value)


def plain(value: Any, place: str) -> None:
    """Require a value that is one cell of a table."""
    if isinstance(value, dict | list):
        raise MisshapenError(place, "be a text, a number, true, false or null", value)


def switch(value: Any, place: str) -> None:
    """Require true or false."""
    if not isinstance(value, bool):
        raise MisshapenError(place, "be true or false", value)


def choice(*words: str) -> Shape:
    """Require one of some texts."""

    def check(value: Any, place: str) -> None:
        if value not in words:
            raise MisshapenError(place, f"be one of {', '.join(words)}", value)

    return check


def count(least: int, most: int = 10**12) -> Shape:
    """Require a whole number in a range."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise MisshapenError(place, f"be a whole number from {least} to {most}", value)

    return check


def seconds(value: Any, place: str) -> None:
    """Require a time in seconds."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1e12:
        raise MisshapenError(place, "be a number from 0 to 1e12", value)


def maybe(shape: Shape) -> Shape:
    """Require a value of a shape, or null."""

    def check(value: Any, place: str) -> None:
        if value is not None:
            shape(value, place)

    return check


def either(*shapes: Shape) -> Shape:
    """Require a value that has one of several shapes; the mistake shown is that of the last one."""

    def check(value: Any, place: str) -> None:
        for shape in shapes[:-1]:
            try:
                return shape(value, place)
            except MisshapenError:
                continue
        return shapes[-1](value, place)

    return check


def several(shape: Shape, least: int = 0) -> Shape:
    """Require a list whose entries have a shape."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, list) or len(value) < least:
            raise MisshapenError(place, f"be a list of at least {least} entries" if least else "be a list", value)
        for at, entry in enumerate(value):
            shape(entry, f"{place}[{at}]")

    return check


def table(shape: Shape) -> Shape:
    """Require an object of any names whose values have a shape."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, dict):
            raise MisshapenError(place, "be an object", value)
        for name, entry in value.items():
            shape(entry, f"{place}.{name}")

    return check


def record(needed: Mapping[str, Shape], possible: Mapping[str, Shape], others: bool = False) -> Shape:
    """Require an object with names that it must and that it may have.

    Other names may be there too if `others`.
    """

    def check(value: Any, place: str) -> None:
        if not isinstance(value, dict):
            raise MisshapenError(place or "the file", "be an object", value)
        for name in needed:
            if name not in value:
                raise MisshapenError(f"{place}.{name}".lstrip("."), "be there", None)
        for name, entry in value.items():
            inside = f"{place}.{name}".lstrip(".")
            shape = needed.get(name) or possible.get(name)
            if shape is not None:
                shape(entry, inside)
            elif not others:
                raise MisshapenError(inside, "be a name that qvar knows", entry)

    return check
