"""Sweeps: `--sweep layers=1:8` and its like, and the points that several of them make together."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from qvar.errors import QvarError
from qvar.runs.case_flags import CaseFunction, argument_kinds, case_values
from qvar.runs.flag_errors import flag_of, given, switch_off

MAX_POINTS = 100_000
"""Largest number of points; more are taken for a mistake."""

_RANGE = re.compile(r"([^:,\s]+):([^:,\s]+)(?::([^:,\s]+))?")


@dataclass(frozen=True)
class Point:
    """One combination of the swept values."""

    name: str
    """Such as `molecule=h4,layers=2`; can name a folder."""
    words: tuple[str, ...]
    """Flags that give the case these values."""
    values: dict[str, Any]
    """The case's arguments, all of them."""
    swept: dict[str, Any]
    """Those that are swept."""


def points(case_function: CaseFunction, words: Sequence[str], sweeps: Sequence[str], prog: str) -> list[Point]:
    """Return all combinations of the swept values, the last sweep running fastest.

    Args:
        case_function: the function of a case.
        words: flags that hold at every point.
        sweeps: texts like `molecule=h4,lih` (a list), `layers=1:8` (1 to 8, both included) or `bond=0.5:2.5:0.25`
            (with a step). Where an argument takes several values, those of one entry are separated by blanks.
        prog: the words before the flags, for error messages.

    Returns:
        At least one point; without sweeps one with the name `point`.

    Raises:
        QvarError: if a sweep cannot be read, names no argument of the case, occurs twice, or is a flag, too.
    """
    base = case_values(case_function, words, prog)
    axes = [_axis(text, case_function, prog) for text in sweeps]
    names = [name for name, _ in axes]
    if twice := [name for name in names if names.count(name) > 1]:
        raise QvarError(f"`sweep` must name an argument once, but names {twice[0]} more than once.")
    _check_flags(names, argument_kinds(case_function), words)
    number = 1
    for _, entries in axes:
        number *= len(entries)
    if number > MAX_POINTS:
        raise QvarError(f"`sweep` must make at most {MAX_POINTS} points, but makes {number}.")
    combinations = []
    for chosen in itertools.product(*(entries for _, entries in axes)):
        swept = {name: entry.value for name, entry in zip(names, chosen, strict=True)}
        label = ",".join(f"{name}={entry.text}" for name, entry in zip(names, chosen, strict=True)) or "point"
        flags = (*words, *(word for entry in chosen for word in entry.words))
        combinations.append(Point(label, flags, {**base, **swept}, swept))
    return _with_file_names(combinations)


def _check_flags(names: Sequence[str], kinds: Mapping[str, Any], words: Sequence[str]) -> None:
    """Refuse an argument that is swept and given as a flag: the flags of no point could be read."""
    flags = {flag for flag, _ in given(words)}
    for name in names:
        own = {flag_of(name), switch_off(name)} if kinds[name] is bool else {flag_of(name)}
        if own & flags:
            raise QvarError(f"`{name}` must be either swept or given as a flag, but is both.")


@dataclass(frozen=True)
class _Entry:
    text: str
    words: tuple[str, ...]
    value: Any


def _axis(text: str, case_function: CaseFunction, prog: str) -> tuple[str, list[_Entry]]:
    """Return the name and the values of one sweep; each is read as the case's own flag is."""
    name, equals, values = text.partition("=")
    name = name.strip().lstrip("-").replace("-", "_")
    if not equals or not name or not values.strip():
        raise QvarError(f"`sweep` must be like layers=1:8 or molecule=h4,lih, but is {text!r}.")
    kinds = argument_kinds(case_function)
    if name not in kinds:
        known = ", ".join(kinds) or "none"
        raise QvarError(f"`sweep` must name an argument of the case ({known}), but names {name!r}.")

    def entry(value: str) -> _Entry:
        words = _flag(name, value, kinds[name])
        read = _read(value, kinds[name], lambda: case_values(case_function, words, prog)[name])
        return _Entry(value, words, read)

    entries: dict[str, _Entry] = {}
    for value in _spelled_out(values, text):
        if value in entries:
            raise QvarError(f"`sweep` must hold a value once, but {text!r} holds {value} more than once.")
        entries[value] = entry(value)
    return name, list(entries.values())


def _read(value: str, kind: Any, as_flag: Callable[[], Any]) -> Any:
    """Return a value in its type. Numbers and texts are read here, for thousands of flags take tyro seconds."""
    if kind in (int, float, str) and " " not in value:
        with contextlib.suppress(ValueError):
            return kind(value)
    return as_flag()


def _flag(name: str, value: str, kind: Any) -> tuple[str, ...]:
    flag = name.replace("_", "-")
    if kind is bool:
        if value.lower() not in ("true", "false", "yes", "no"):
            raise QvarError(f"`{name}` must be true or false, but is {value!r}.")
        return (f"--{flag}" if value.lower() in ("true", "yes") else f"--no-{flag}",)
    return (f"--{flag}", *value.split())


def _spelled_out(values: str, text: str) -> list[str]:
    """Return the entries of a list; a range among them becomes its members."""
    words = []
    for entry in values.split(","):
        word = entry.strip()
        if not word:
            raise QvarError(f"`sweep` must have a value between any two commas, but is {text!r}.")
        match = _RANGE.fullmatch(word)
        words += [word] if match is None else _range(match, text)
    return words


def _range(match: re.Match[str], text: str) -> list[str]:
    """Return the numbers of a range: 1 to 8, both included, of `1:8`. In decimal arithmetic 0.5:2.5:0.1 ends at 2.5."""
    try:
        first, last, step = (Decimal(part) for part in (match[1], match[2], match[3] or "1"))
    except InvalidOperation:
        return [match[0]]  # a text with a colon in it
    if not all(number.is_finite() for number in (first, last, step)) or step == 0 or (last - first) / step < 0:
        raise QvarError(f"`sweep` must have ranges FIRST:LAST or FIRST:LAST:STEP that reach LAST, but is {text!r}.")
    number = int((last - first) / step) + 1
    if number > MAX_POINTS:
        raise QvarError(f"`sweep` must make at most {MAX_POINTS} points, but {text!r} makes {number}.")
    return [str(first + at * step) for at in range(number)]


def _with_file_names(made: list[Point]) -> list[Point]:
    """Return points with names that every file system takes; numbers if names would be too long or equal."""
    names = [re.sub(r"[^A-Za-z0-9._=,+-]+", "_", point.name) for point in made]
    if len({name.lower() for name in names}) < len(names) or max(map(len, names)) > 120:
        names = [f"{number:04d}" for number in range(1, len(made) + 1)]
    return [Point(name, point.words, point.values, point.swept) for name, point in zip(names, made, strict=True)]
