"""Numbers in lines of geometries."""

from __future__ import annotations

import re

from qvar.errors import QvarError

_FARTHEST = 1e6
"""Largest length, in angstrom or bohr; integrals overflow for much larger ones."""

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)((?:[eEdD]|\*\^)[+-]?\d+)?", re.ASCII)
"""A number, whose exponent may be that of Fortran ("1.5D-3") or of the QM9 data set ("1.5*^-3")."""


def numbers_of(tokens: list[str]) -> list[float]:
    """Read the numbers after the symbol of a line; raise `QvarError` if one is none, or too large."""
    if not all(NUMBER.fullmatch(token) for token in tokens[1:]):
        raise unreadable(tokens, "numbers after the symbol")
    numbers = [float(token.lower().replace("*^", "e").replace("d", "e")) for token in tokens[1:]]
    if not all(abs(number) <= _FARTHEST for number in numbers):
        raise unreadable(tokens, f"numbers below {_FARTHEST:g}")
    return numbers


def unreadable(tokens: list[str], wanted: str) -> QvarError:
    """Return an error about a line."""
    return QvarError(f"`geometry` must have {wanted} where it has {' '.join(tokens)!r}.")
