"""Geometries: text in, atoms out, with every mistake told before PySCF sees it."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

from qvar.errors import QvarError, require

_CLOSEST_ANGSTROM = 1e-3
"""Nuclei nearer than this are taken to stand at the same place, which is a slip and not chemistry."""


@dataclass(frozen=True)
class Geometry:
    """Atoms and their places."""

    text: str
    """The geometry as the user wrote it, with comments and superfluous blanks removed and "; " between lines."""
    atoms: tuple[tuple[str, tuple[float, float, float]], ...]
    """Symbol as PySCF spells it, and Cartesian coordinates in `unit`, one pair per atom."""
    unit: str
    """"angstrom" or "bohr"."""

    @property
    def formula(self) -> str:
        """Elements and their numbers in the order of the geometry, e.g. "LiH", "OH2"."""
        counts: dict[str, int] = {}
        for symbol, _ in self.atoms:
            element = _element(symbol)
            counts[element] = counts.get(element, 0) + 1
        return "".join(element + (str(count) if count > 1 else "") for element, count in counts.items())

    @property
    def elements(self) -> tuple[str, ...]:
        """The distinct elements, in the order of the geometry; a ghost atom counts as its element."""
        return tuple(dict.fromkeys(element_of(symbol) for symbol, _ in self.atoms))


def parse_geometry(text: Any, unit: Any) -> Geometry:
    """Reads a geometry as PySCF does: Cartesian ("H 0 0 0; H 0 0 1") or a Z-matrix ("O; H 1 0.96; H 1 0.96 2 104.5").

    Lines end with ";" or a newline, numbers are parted by blanks or commas, "#" starts a comment line.
    Unlike in PySCF, numbers are numbers: arithmetic is not evaluated, and names of files are not followed.

    Args:
        text: the geometry, a string; angles of a Z-matrix in degrees. What users give is checked here.
        unit: "angstrom" or "bohr", the unit of lengths and coordinates.

    Returns:
        The atoms.

    Raises:
        QvarError: if the unit, an element or a line is not understood, or two atoms coincide.
    """
    require(unit in ("angstrom", "bohr"), "unit", "be 'angstrom' or 'bohr'", unit)
    if not isinstance(text, str):
        raise QvarError(f"`geometry` must be a string of atoms and coordinates, but is {text!r}.")
    raw = (line.split() for line in text.replace(";", "\n").replace(",", " ").splitlines())
    lines = [tokens for tokens in raw if tokens and not tokens[0].startswith("#")]
    if not lines:
        raise QvarError(f"`geometry` must name at least one atom, but is {text!r}.")
    symbols = [_symbol(tokens[0]) for tokens in lines]
    cartesian = len(lines[0]) >= 4
    places = [_cartesian(tokens) for tokens in lines] if cartesian else _from_zmatrix(lines)
    atoms = tuple(zip(symbols, places, strict=True))
    _refuse_coincidence(atoms, unit)
    return Geometry("; ".join(" ".join(tokens) for tokens in lines), atoms, unit)


def _symbol(token: str) -> str:
    from pyscf.data import elements

    try:
        symbol = elements._atom_symbol(token)
        known = _element(symbol) not in ("X", "ghost-X")
    except (RuntimeError, KeyError, IndexError):
        symbol, known = token, False
    if not known:
        raise QvarError(f"`geometry` must name chemical elements, but has {token!r}.")
    return symbol


def element_of(symbol: str) -> str:
    """The element of a label, of a ghost atom the element whose functions it has."""
    return _element(symbol).removeprefix("ghost-")


def _element(symbol: str) -> str:
    """The element of a label such as "H1" or "H@2"; "ghost-H" for the ghost atoms "X-H" and "GHOST-H"."""
    from pyscf.data import elements

    standard = elements._std_symbol(symbol)
    bare = standard.rpartition("-")[2]
    return bare if bare == standard else f"ghost-{bare}"


def _cartesian(tokens: list[str]) -> tuple[float, float, float]:
    if len(tokens) != 4:
        raise _unreadable(tokens, "a symbol and three coordinates")
    x, y, z = _numbers(tokens)
    return x, y, z


def _from_zmatrix(lines: list[list[str]]) -> list[tuple[float, float, float]]:
    """Checks a Z-matrix line by line, then lets PySCF place the atoms."""
    from pyscf.gto.mole import from_zmatrix

    shapes = (
        "a symbol",
        "a symbol, an atom and a length",
        "a symbol, an atom, a length, an atom and an angle",
        "a symbol, an atom, a length, an atom, an angle, an atom and a dihedral angle",
    )
    for row, tokens in enumerate(lines):
        kind = min(row, 3)
        if len(tokens) != 1 + 2 * kind:
            raise _unreadable(tokens, shapes[kind])
        _numbers(tokens)
        partners = [int(token) if token.isdigit() else 0 for token in tokens[1::2]]
        if not all(1 <= partner <= row for partner in partners) or len(set(partners)) != len(partners):
            raise _unreadable(tokens, "distinct atoms of the lines above, counted from 1,")
        if kind >= 2 and not 0.0 <= float(tokens[4]) <= 180.0:
            raise _unreadable(tokens, "an angle between 0 and 180 degrees")
    placed = from_zmatrix("\n".join(" ".join(tokens) for tokens in lines))
    return [(float(place[0]), float(place[1]), float(place[2])) for _, place in placed]


def _numbers(tokens: list[str]) -> list[float]:
    try:
        numbers = [float(token) for token in tokens[1:]]
    except ValueError:
        raise _unreadable(tokens, "numbers after the symbol") from None
    if not all(map(math.isfinite, numbers)):
        raise _unreadable(tokens, "finite numbers")
    return numbers


def _unreadable(tokens: list[str], wanted: str) -> QvarError:
    return QvarError(f"`geometry` must have {wanted} where it has {' '.join(tokens)!r}.")


def _refuse_coincidence(atoms: tuple[tuple[str, tuple[float, float, float]], ...], unit: str) -> None:
    closest = _CLOSEST_ANGSTROM if unit == "angstrom" else _CLOSEST_ANGSTROM / 0.529177
    for (i, (symbol, place)), (k, (other, elsewhere)) in itertools.combinations(enumerate(atoms, start=1), 2):
        if math.dist(place, elsewhere) < closest:
            raise QvarError(
                f"`geometry` must keep its atoms apart, but atoms {i} ({symbol}) and {k} ({other}) "
                f"are {math.dist(place, elsewhere):g} {unit} from each other."
            )
