"""XYZ files: a number of atoms, a comment, and an atom in each line; plain, extended, or of the QM9 data set."""

from __future__ import annotations

import re

from qvar.errors import QvarError
from qvar.problems.coordinates import NUMBER, unreadable

_PROPERTIES = re.compile(r"""properties=["']?([^\s"']+)""", re.IGNORECASE)
_LATTICE = re.compile(r"\blattice=", re.IGNORECASE)
_PERIODIC = re.compile(r"""\bpbc=["'\[{]?([^"'\]}]*)""", re.IGNORECASE)


def is_atom(row: str) -> bool:
    """Return whether a line begins as one of an atom: a symbol and three numbers."""
    tokens = row.split()
    return len(tokens) >= 4 and all(NUMBER.fullmatch(token) for token in tokens[1:4])


def xyz_atoms(rows: list[str]) -> list[list[str]] | None:
    """Return symbol and coordinates of each atom of the lines of an XYZ file; None if it begins otherwise.

    Columns after the coordinates are left out. The comment of an extended XYZ file may order the columns
    (`Properties=species:S:1:pos:R:3`).

    Raises:
        QvarError: if the number of atoms is not that of the first line, the comment is missing, the atoms are periodic,
            or a line is truncated.
    """
    head = rows[0].strip()
    if not (head.isascii() and head.isdecimal()):
        return None
    comment, atoms = rows[1] if len(rows) > 1 else "", [row for row in rows[2:] if row.strip()]
    if is_atom(comment) and "=" not in comment and len(atoms) <= int(head):
        raise QvarError(
            f"`geometry` must have a comment in the second line of an XYZ file, but has {comment.strip()!r}."
        )
    is_qm9 = comment.startswith("gdb") and len(atoms) == int(head) + 3 and atoms[-1].startswith("InChI=")
    if is_qm9:  # frequencies, SMILES and InChI
        atoms = atoms[:-3]
    if len(atoms) != int(head):
        raise QvarError(
            f"`geometry` must have the {head} atoms of its first line, but has {len(atoms)} lines of atoms."
        )
    _refuse_lattice(comment)
    symbol, place, width = _columns(comment)
    return [_entry(row.split(), symbol, place, width) for row in atoms]


def _entry(tokens: list[str], symbol: int, place: int, width: int) -> list[str]:
    if len(tokens) < width:
        raise unreadable(tokens, "a symbol and three coordinates" if width == 4 else f"{width} columns")
    return [tokens[symbol], *tokens[place : place + 3]]


def _columns(comment: str) -> tuple[int, int, int]:
    """Return the columns of symbol and first coordinate, and the smallest number of columns."""
    properties = _PROPERTIES.search(comment)
    if properties is None:
        return 0, 1, 4
    places, column = {}, 0
    fields = properties[1].split(":")
    for name, kind, width in zip(fields[::3], fields[1::3], fields[2::3], strict=False):
        if not (width.isascii() and width.isdecimal()):
            break
        places[name.lower(), kind.upper(), int(width)] = column
        column += int(width)
    symbol = places.get(("species", "S", 1), places.get(("z", "I", 1)))
    place = places.get(("pos", "R", 3))
    if symbol is None or place is None or len(fields) % 3:
        must = "have species:S:1 and pos:R:3 among the `Properties` of an extended XYZ file"
        raise QvarError(f"`geometry` must {must}, but has {properties[1]!r}.")
    return symbol, place, column


def _refuse_lattice(comment: str) -> None:
    periodic = _PERIODIC.search(comment)
    directions = periodic[1].upper() if periodic else "T" if _LATTICE.search(comment) else ""
    if "T" in directions or "1" in directions:
        raise QvarError(
            '`geometry` must be a molecule without periodic boundaries (`pbc="F F F"`), but its comment is '
            f"{' '.join(comment.split())[:80]!r}."
        )
