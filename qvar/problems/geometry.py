"""Geometries: text in, atoms out. Text that PySCF would leave out, guess or evaluate is refused."""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from qvar.errors import QvarError, require

_CLOSEST_ANGSTROM = 1e-3
"""Distance below which two nuclei coincide, a mistake in the input."""

_FARTHEST = 1e6
"""Largest length, in angstrom or bohr; integrals overflow for much larger ones."""

_COLLINEAR = 1e-4
"""Sine of the angle below which three atoms define no plane, so that a dihedral angle has no meaning."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?", re.ASCII)
_LABEL = r"([A-Za-z]{1,2})(?:[@_:]?[0-9]+)?"
_PLAIN = re.compile(rf"{_LABEL}|[0-9]+")
_GHOSTS = tuple(
    re.compile(form.replace("LABEL", _LABEL), re.IGNORECASE)
    for form in (
        r"(?:ghost|x|bq)[-_:]?LABEL",  # PySCF, NWChem
        r"@LABEL",  # Psi4
        r"gh\(LABEL\)",  # Psi4
        r"LABEL:",  # ORCA
        r"LABEL-bq",  # Gaussian
    )
)
"""Ghost atoms as programs write them: functions of an element without its nucleus and electrons."""

_GHOST = "ghost-"
"""PySCF's prefix of a ghost atom, before its element."""


@dataclass(frozen=True)
class Geometry:
    """Atoms and their places."""

    text: str
    """The geometry as the user wrote it, with comments and superfluous blanks removed and "; " between lines."""
    atoms: tuple[tuple[str, tuple[float, float, float]], ...]
    """Element, after "ghost-" for a ghost atom, and Cartesian coordinates in `unit`, one pair per atom."""
    unit: str
    """"angstrom" or "bohr"."""

    @property
    def formula(self) -> str:
        """Elements and their numbers in the order of the geometry, e.g. "LiH", "OH2"."""
        counts: dict[str, int] = {}
        for symbol, _ in self.atoms:
            counts[symbol] = counts.get(symbol, 0) + 1
        return "".join(element + (str(count) if count > 1 else "") for element, count in counts.items())

    @property
    def elements(self) -> tuple[str, ...]:
        """The distinct elements, in the order of the geometry; a ghost atom counts as its element."""
        return tuple(dict.fromkeys(element_of(symbol) for symbol, _ in self.atoms))


def parse_geometry(text: Any, unit: Any) -> Geometry:
    """Read a geometry, Cartesian ("H 0 0 0; H 0 0 1") or a Z-matrix ("O; H 1 0.96; H 1 0.96 2 104.5", degrees).

    Lines end with ";" or a newline, numbers are parted by blanks or commas, "#" starts a comment. The text of an XYZ
    file, with its number of atoms and its comment line, is taken too. An element may have a number ("H1", "H@1") or be
    given by its nuclear charge. Ghost atoms are "ghost-H", "X-H", "@H", "Gh(H)", "H:", "BqH" or "H-Bq".
    Unlike in PySCF, numbers are numbers: arithmetic is not evaluated, and names of files are not followed.

    Raises:
        QvarError: if the unit, an element or a line is not understood, two atoms coincide, or a dihedral angle is
            counted from three atoms on a line.
    """
    known = isinstance(unit, str) and unit in ("angstrom", "bohr")
    require(known, "unit", "be 'angstrom' or 'bohr'", unit)
    require(isinstance(text, str), "geometry", "be a string of atoms and coordinates", text)
    lines = _lines(text)
    require(len(lines) > 0, "geometry", "name at least one atom", text)
    symbols = [_symbol(tokens[0]) for tokens in lines]
    cartesian = len(lines[0]) >= 4
    places = [_cartesian(tokens) for tokens in lines] if cartesian else _from_zmatrix(lines)
    atoms = tuple(zip(symbols, places, strict=True))
    if not cartesian:
        _refuse_loose_dihedrals(lines, np.array(places))
    _refuse_coincidence(atoms, unit)
    return Geometry("; ".join(" ".join(tokens) for tokens in lines), atoms, unit)


def _lines(text: str) -> list[list[str]]:
    """Return the tokens of each line that is not empty."""
    rows = text.lstrip("\ufeff").strip().splitlines()
    if rows and rows[0].strip().isdecimal() and len(rows) > 2:  # an XYZ file: number of atoms, comment, atoms
        atoms = [row for row in rows[2:] if row.strip()]
        if len(atoms) == int(rows[0]) and all(map(_is_atom, atoms)) and not _is_atom(rows[1]):
            rows = atoms
    lines = []
    for row in rows:
        code, _, comment = row.partition("#")
        if comment.partition(";")[2].strip():
            raise QvarError(f"`geometry` must end a comment with its line, but has ';' in the comment {comment!r}.")
        lines += [_tokens(part) for part in code.split(";")]
    return [tokens for tokens in lines if tokens]


def _is_atom(row: str) -> bool:
    tokens = row.split()
    return len(tokens) >= 4 and all(_NUMBER.fullmatch(token) for token in tokens[1:4])


def _tokens(part: str) -> list[str]:
    tokens = part.replace(",", " ").split()
    numbers = part.strip(" \t,").removeprefix(tokens[0]) if tokens else ""
    if re.search(r"\d,\d", numbers) and re.search(r"\d\s+[-+.\d]", numbers):
        raise QvarError(f"`geometry` must part numbers by blanks or by commas, but has both in {part.strip()!r}.")
    return tokens


def known_element(symbol: Any) -> str | None:
    """Return an element's symbol in its usual spelling, from any case or its nuclear charge; None if there is none.

    PySCF drops whatever is no letter, which makes `C1a` calcium and `@Xe` xenon.
    """
    from pyscf.data.elements import ELEMENTS

    text = str(symbol) if isinstance(symbol, str | int) and not isinstance(symbol, bool) else ""
    if text.isascii() and text.isdecimal():
        return ELEMENTS[int(text)] if len(text) <= 3 and 0 < int(text) < len(ELEMENTS) else None
    return text.capitalize() if text.capitalize() in ELEMENTS[1:] else None


def _symbol(token: str) -> str:
    """Return the element of a token, after "ghost-" for a ghost atom."""
    for ghost, form in (("", _PLAIN), *((_GHOST, form) for form in _GHOSTS)):
        label = form.fullmatch(token)
        element = None if label is None else known_element(label[1] or token)
        if element is not None:
            return ghost + element
    raise QvarError(f"`geometry` must name chemical elements, but has {token!r}.")


def element_of(symbol: str) -> str:
    """Return the element of an atom, or of the functions of a ghost atom ("ghost-He" or PySCF's "GHOST-He")."""
    return symbol[len(_GHOST) :] if symbol.lower().startswith(_GHOST) else symbol


def _cartesian(tokens: list[str]) -> tuple[float, float, float]:
    if len(tokens) != 4:
        raise _unreadable(tokens, "a symbol and three coordinates")
    x, y, z = _numbers(tokens)
    return x, y, z


def _from_zmatrix(lines: list[list[str]]) -> list[tuple[float, float, float]]:
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
            raise _unreadable(tokens, shapes[kind])
        numbers = _numbers(tokens)
        partners = _partners(tokens)
        if not all(1 <= partner <= row for partner in partners) or len(set(partners)) != len(partners):
            raise _unreadable(tokens, "distinct atoms of the lines above, counted from 1,")
        if kind >= 1 and numbers[1] < 0:
            raise _unreadable(tokens, "a length that is not negative")
        if kind >= 2 and not 0.0 <= numbers[3] <= 180.0:
            raise _unreadable(tokens, "an angle between 0 and 180 degrees")
        pairs = zip(partners, numbers[1::2], strict=True)
        rows.append(" ".join(["H", *(f"{partner} {number!r}" for partner, number in pairs)]))
    with np.errstate(all="ignore"):  # atoms at one place give no direction; they are refused by what comes next
        placed = from_zmatrix("\n".join(rows))
    return [(float(place[0]), float(place[1]), float(place[2])) for _, place in placed]


def _partners(tokens: list[str]) -> list[int]:
    return [int(token) if token.isascii() and token.isdecimal() else 0 for token in tokens[1::2]]


def _refuse_loose_dihedrals(lines: list[list[str]], places: np.ndarray) -> None:
    """Refuse a dihedral angle about three atoms on a line, unless all atoms before are on it or the angle is flat."""
    for row, tokens in enumerate(lines[3:], start=3):
        first, second, third = (places[partner - 1] for partner in _partners(tokens))
        with np.errstate(all="ignore"):
            axis = (second - first) / np.linalg.norm(second - first)
            direction = (third - second) / np.linalg.norm(third - second)
        off_axis = np.linalg.norm(np.cross(places[:row] - first, axis), axis=1)
        matters = _numbers(tokens)[3] not in (0.0, 180.0) and off_axis.max() > _COLLINEAR
        if matters and np.linalg.norm(np.cross(direction, axis)) < _COLLINEAR:
            raise _unreadable(tokens, "a dihedral angle about atoms that are not on one line")


def _numbers(tokens: list[str]) -> list[float]:
    if not all(_NUMBER.fullmatch(token) for token in tokens[1:]):
        raise _unreadable(tokens, "numbers after the symbol")
    numbers = [float(token.lower().replace("d", "e")) for token in tokens[1:]]
    if not all(abs(number) <= _FARTHEST for number in numbers):
        raise _unreadable(tokens, f"numbers below {_FARTHEST:g}")
    return numbers


def _unreadable(tokens: list[str], wanted: str) -> QvarError:
    return QvarError(f"`geometry` must have {wanted} where it has {' '.join(tokens)!r}.")


def _refuse_coincidence(atoms: tuple[tuple[str, tuple[float, float, float]], ...], unit: str) -> None:
    closest = _CLOSEST_ANGSTROM if unit == "angstrom" else _CLOSEST_ANGSTROM / 0.529177
    for (i, (symbol, place)), (k, (other, elsewhere)) in itertools.combinations(enumerate(atoms, start=1), 2):
        if not math.dist(place, elsewhere) >= closest:
            raise QvarError(
                f"`geometry` must keep its atoms apart, but atoms {i} ({symbol}) and {k} ({other}) "
                f"are {math.dist(place, elsewhere):g} {unit} from each other."
            )
