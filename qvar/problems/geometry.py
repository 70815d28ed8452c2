"""Geometries: text in, atoms out. Text that PySCF would leave out, guess or evaluate is refused."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qvar.checks import real_number
from qvar.errors import QvarError, require, shown
from qvar.problems.coordinates import numbers_of, unreadable
from qvar.problems.xyz_text import is_atom, xyz_atoms
from qvar.problems.zmatrix import from_zmatrix_lines, refuse_loose_dihedrals

_CLOSEST_ANGSTROM = 1e-3
"""Distance below which two nuclei coincide, a mistake in the input."""

_UNITS = {
    "angstrom": ("angstrom", "angstroms", "ang", "angs", "a", "\N{LATIN SMALL LETTER A WITH RING ABOVE}"),
    "bohr": ("bohr", "bohrs", "b", "au", "a.u.", "atomic"),
}
"""Unit -> its spellings in lower case."""

_FILE = re.compile(r"[^\n;]*\.(?:ext)?xyz", re.IGNORECASE)
_SECOND_OF_ZMATRIX = re.compile(r"[A-Za-z0-9@_:()-]+[\s,]+0*1[\s,]+[0-9.eEdD+-]+")
_LABEL = r"([A-Za-z]{1,2})(?:[@_:]?[0-9]+)?"
_PLAIN = re.compile(rf"{_LABEL}|[0-9]+")
_GHOSTS = tuple(
    re.compile(form.replace("LABEL", _LABEL), re.IGNORECASE)
    for form in (
        r"(?:ghost|x|bq)[-_:.]?LABEL",  # PySCF, NWChem
        r"@LABEL",  # Psi4
        r"gh\(LABEL\)",  # Psi4
        r"LABEL:",  # ORCA
        r"LABEL-bq",  # Gaussian
    )
)
"""Ghost atoms as programs write them: functions of an element without its nucleus and electrons."""

_GHOST = "ghost-"
"""PySCF's prefix of a ghost atom, before its element."""

_ISOTOPES = re.compile(r"[DT]|\^?[0-9]+-?[A-Z]{1,2}|[A-Z]{1,2}-[0-9]+", re.IGNORECASE)
"""Isotopes as people write them: D, T, 2H, ^13C, C-13."""


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
        return formula_of(symbol for symbol, _ in self.atoms)

    @property
    def elements(self) -> tuple[str, ...]:
        """The distinct elements, in the order of the geometry; a ghost atom counts as its element."""
        return tuple(dict.fromkeys(element_of(symbol) for symbol, _ in self.atoms))


def formula_of(symbols: Iterable[str]) -> str:
    """Return elements and their numbers in order of appearance."""
    counts: dict[str, int] = {}
    for symbol in symbols:
        counts[symbol] = counts.get(symbol, 0) + 1
    return "".join(element + (str(count) if count > 1 else "") for element, count in counts.items())


def parse_geometry(geometry: Any, unit: Any) -> Geometry:
    """Read a geometry, Cartesian ("H 0 0 0; H 0 0 1") or a Z-matrix ("O; H 1 0.96; H 1 0.96 2 104.5", degrees).

    Lines end with ";" or a newline, numbers are parted by blanks or commas, "#" starts a comment. XYZ files are taken
    as text or by their path, which ends with ".xyz" or ".extxyz": with their number of atoms and comment, extended, and
    with further columns. Lists of atoms as of PySCF are taken too: [("H", (0, 0, 0)), ("H", (0, 0, 1))] or
    ["H 0 0 0", "H 0 0 1"]. An element may have a number ("H1", "H@1") or be given by its nuclear charge. Ghost atoms
    are "ghost-H", "X-H", "@H", "Gh(H)", "H:", "BqH" or "H-Bq". Unlike in PySCF, numbers are numbers: arithmetic is not
    evaluated.

    Raises:
        QvarError: if the unit, an element or a line is not understood, two atoms coincide, or a dihedral angle is
            counted from three atoms on a line.
    """
    unit = parse_unit(unit)
    lines = _lines(geometry)
    require(len(lines) > 0, "geometry", "name at least one atom", geometry)
    symbols = [_symbol(tokens[0]) for tokens in lines]
    cartesian = len(lines[0]) >= 4
    places = [_cartesian(tokens) for tokens in lines] if cartesian else from_zmatrix_lines(lines)
    atoms = tuple(zip(symbols, places, strict=True))
    if not cartesian:
        refuse_loose_dihedrals(lines, np.array(places))
    refuse_coincidence(atoms, unit)
    return Geometry("; ".join(" ".join(tokens) for tokens in lines), atoms, unit)


def parse_unit(unit: Any) -> str:
    """Return "angstrom" or "bohr" from any case and usual spelling; raise `QvarError` if it is none."""
    word = unit.strip().lower() if isinstance(unit, str) else ""
    for name, spellings in _UNITS.items():
        if word in spellings:
            return name
    raise QvarError(f"`unit` must be 'angstrom' or 'bohr', but is {shown(unit)}.")


def _lines(geometry: Any) -> list[list[str]]:
    """Return the tokens of each line of an atom."""
    if isinstance(geometry, Path) or (isinstance(geometry, str) and _FILE.fullmatch(geometry.strip())):
        return _file_lines(Path(geometry) if isinstance(geometry, Path) else Path(geometry.strip()))
    if isinstance(geometry, list | tuple):
        return [_entry_tokens(entry) for entry in geometry]
    must = "be a text of atoms and coordinates, a file that ends with .xyz, a list of atoms, or a Mole of PySCF"
    require(isinstance(geometry, str), "geometry", must, geometry)
    rows = geometry.lstrip("\ufeff").strip().splitlines()
    zmatrix = len(rows) < 2 or _SECOND_OF_ZMATRIX.fullmatch(rows[1].strip())
    return (None if zmatrix else xyz_atoms(rows)) or _text_lines(rows)


def _text_lines(rows: list[str]) -> list[list[str]]:
    lines = []
    for row in rows:
        code, _, comment = row.partition("#")
        if comment.partition(";")[2].strip():
            raise QvarError(f"`geometry` must end a comment with its line, but has ';' in the comment {comment!r}.")
        lines += [_tokens(part) for part in code.split(";")]
    return [tokens for tokens in lines if tokens]


def _file_lines(path: Path) -> list[list[str]]:
    require(bool(_FILE.fullmatch(path.name)), "geometry", "be a file that ends with .xyz or .extxyz", str(path))
    try:
        rows = path.expanduser().read_text(encoding="utf-8-sig").strip().splitlines()
    except (OSError, RuntimeError, ValueError):  # no such file or user, not UTF-8, a zero byte in the name
        raise QvarError(f"`geometry` must be an existing file of text, but is {str(path)!r}.") from None
    require(bool(rows), "geometry", "be a file with atoms", str(path))
    atoms = xyz_atoms(rows)
    if atoms is None and not is_atom(rows[0]):
        must = "begin with the number of atoms as XYZ files do, or with an atom"
        raise QvarError(f"`geometry` must {must}, but {str(path)!r} begins with {rows[0][:80]!r}.")
    return _text_lines(rows) if atoms is None else atoms


def _entry_tokens(entry: Any) -> list[str]:
    """Return the tokens of an entry of a list of atoms: "H 0 0 0", ("H", (0, 0, 0)) or ("H", 0, 0, 0)."""
    mistake = QvarError(f"`geometry` must have a symbol and three coordinates in each entry, but has {shown(entry)}.")
    if isinstance(entry, str):
        lines = _text_lines(entry.splitlines())
        if len(lines) != 1:
            raise mistake
        return lines[0]
    try:
        symbol, *place = entry
        numbers = list(place[0]) if len(place) == 1 else place
        if len(numbers) != 3 or not isinstance(symbol, str | int | np.integer) or isinstance(symbol, bool):
            raise mistake
        coordinates = [repr(real_number("geometry", number, finite=False)) for number in numbers]
    except (TypeError, ValueError):  # no sequence, no number; QvarError is a ValueError
        raise mistake from None
    return [str(symbol), *coordinates]


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
    hint = " (an isotope is written as its element: nuclei are at rest)" if _ISOTOPES.fullmatch(token) else ""
    raise QvarError(f"`geometry` must name chemical elements, but has {token!r}{hint}.")


def element_of(symbol: str) -> str:
    """Return the element of an atom, or of the functions of a ghost atom ("ghost-He" or PySCF's "GHOST-He")."""
    return symbol[len(_GHOST) :] if symbol.lower().startswith(_GHOST) else symbol


def _cartesian(tokens: list[str]) -> tuple[float, float, float]:
    if len(tokens) != 4:
        raise unreadable(tokens, "a symbol and three coordinates")
    x, y, z = numbers_of(tokens)
    return x, y, z


def refuse_coincidence(atoms: tuple[tuple[str, tuple[float, float, float]], ...], unit: str) -> None:
    """Raise `QvarError` if two atoms are at one place."""
    closest = _CLOSEST_ANGSTROM if unit == "angstrom" else _CLOSEST_ANGSTROM / 0.529177
    for (i, (symbol, place)), (k, (other, elsewhere)) in itertools.combinations(enumerate(atoms, start=1), 2):
        if not math.dist(place, elsewhere) >= closest:
            raise QvarError(
                f"`geometry` must keep its atoms apart, but atoms {i} ({symbol}) and {k} ({other}) "
                f"are {math.dist(place, elsewhere):g} {unit} from each other."
            )
