"""Checks of arguments: what users give is looked at here before anything is computed."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from typing import Any

from qvar.errors import QvarError, require


def whole_number(argument: str, value: Any) -> int:
    """`value` as an `int`; raises `QvarError` about `argument` where it is not one."""
    try:
        if isinstance(value, bool):
            raise TypeError
        return operator.index(value)
    except TypeError:
        raise QvarError(f"`{argument}` must be an integer, but is {value!r}.") from None


def counting_number(argument: str, value: Any) -> int:
    """`value` as an `int` of at least 1; raises `QvarError` about `argument` where it is not one."""
    number = whole_number(argument, value)
    require(number >= 1, argument, "be at least 1", value)
    return number


def finite_number(argument: str, value: Any) -> float:
    """`value` as a `float`; raises `QvarError` about `argument` where it is not a finite real number."""
    try:
        if isinstance(value, bool | str):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError):
        raise QvarError(f"`{argument}` must be a number, but is {value!r}.") from None
    require(math.isfinite(number), argument, "be finite", value)
    return number


def whole_numbers(argument: str, values: Any) -> list[int]:
    """`values` as a list of `int`; raises `QvarError` about `argument` where they are not integers."""
    mistake = QvarError(f"`{argument}` must be a list of integers, but is {values!r}.")
    if not isinstance(values, Iterable) or isinstance(values, str):
        raise mistake
    try:
        return [whole_number(argument, value) for value in values]
    except QvarError:
        raise mistake from None
