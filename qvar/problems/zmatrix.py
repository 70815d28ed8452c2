"""Z-matrices: atoms by lengths, angles and dihedral angles to atoms above."""

from __future__ import annotations

import numpy as np

from qvar.problems.coordinates import numbers_of, unreadable

_COLLINEAR = 1e-4
"""Sine of the angle below which three atoms define no plane, so that a dihedral angle has no meaning."""


def from_zmatrix_lines(lines: list[list[str]]) -> list[tuple[float, float, float]]:
    """Check a Z-matrix line by line, then let PySCF place the atoms."""
    from pyscf.gto.mole import from_zmatrix

    shapes = (
        "a symbol",
        "a symbol, an atom and a length",
        "a symbol, an atom, a length, an atom and an angle",
        "a symbol, an atom, a length, an atom, an angle, an atom and a dihedral angle",
    )
    rows = []
    for row, tokens in enumerate(lines):
        kind = min(row, 3)
        if len(tokens) != 1 + 2 * kind:
            raise unreadable(tokens, shapes[kind])
        numbers = numbers_of(tokens)
        partners = _partners(tokens)
        if not all(1 <= partner <= row for partner in partners) or len(set(partners)) != len(partners):
            raise unreadable(tokens, "distinct atoms of the lines above, counted from 1,")
        if kind >= 1 and numbers[1] < 0:
            raise unreadable(tokens, "a length that is not negative")
        if kind >= 2 and not 0.0 <= numbers[3] <= 180.0:
            raise unreadable(tokens, "an angle between 0 and 180 degrees")
        pairs = zip(partners, numbers[1::2], strict=True)
        rows.append(" ".join(["H", *(f"{partner} {number!r}" for partner, number in pairs)]))
    with np.errstate(all="ignore"):  # atoms at one place give no direction; they are refused by what comes next
        placed = from_zmatrix("\n".join(rows))
    return [(float(place[0]), float(place[1]), float(place[2])) for _, place in placed]


def _partners(tokens: list[str]) -> list[int]:
    return [int(token) if token.isascii() and token.isdecimal() else 0 for token in tokens[1::2]]


def refuse_loose_dihedrals(lines: list[list[str]], places: np.ndarray) -> None:
    """Refuse a dihedral angle about three atoms on a line, unless all atoms before are on it or the angle is flat."""
    for row, tokens in enumerate(lines[3:], start=3):
        first, second, third = (places[partner - 1] for partner in _partners(tokens))
        with np.errstate(all="ignore"):
            axis = (second - first) / np.linalg.norm(second - first)
            direction = (third - second) / np.linalg.norm(third - second)
        off_axis = np.linalg.norm(np.cross(places[:row] - first, axis), axis=1)
        matters = numbers_of(tokens)[3] not in (0.0, 180.0) and off_axis.max() > _COLLINEAR
        if matters and np.linalg.norm(np.cross(direction, axis)) < _COLLINEAR:
            raise unreadable(tokens, "a dihedral angle about atoms that are not on one line")
