"""Basis sets as files: NWChem, Gaussian94 and the JSON of the Basis Set Exchange.

Pritchard, Altarawy, Didier, Gibson, Windus, J. Chem. Inf. Model. 59, 4814 (2019),
https://doi.org/10.1021/acs.jcim.9b00725.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from qvar._version import __version__
from qvar.arguments import checked
from qvar.atomic_files import write_whole
from qvar.basis.exponent_starts import symbol_of
from qvar.basis.file_formats import entries_of, gaussian_text, json_elements, json_text, nwchem_text
from qvar.basis.shells import LETTERS, MAX_L, BasisSet, Shell
from qvar.errors import QvarError, require
from qvar.problems.basis_text import Kind, read_basis_text

FORMATS = {".nw": "nwchem", ".gbs": "gaussian94", ".json": "json"}
"""Ending of a file -> name of its format in the Basis Set Exchange."""

DIGITS = 12
"""Digits after the point in files. With 10, which published sets have, Ar in STO-nG moves by 2e-10 Ha; with 12 by less
than 1e-11."""

ALL_DIGITS = 16
"""Digits after the point that reproduce every number."""


@checked()
def write(basis: BasisSet, path: str | Path, *, origin: Mapping[str, Any] | None = None) -> Path:
    """Write a basis set, whole or not at all, in the format of the file's ending.

    Shells are sorted by ascending l, exponents in descending order, with 13 significant digits. PySCF reads ".nw"
    without qvar, `gto.M(basis="set.nw")`. Gaussian94 has no general contractions, so that they come back as several
    shells.

    Args:
        basis: the set.
        path: the file; ".nw" NWChem's format, ".gbs" Gaussian's, ".json" that of the Basis Set Exchange.
        origin: origin of the set, line by line for a comment, in JSON for `description`; versions of qvar and its
            dependencies are added.

    Returns:
        The path.

    Raises:
        QvarError: if the ending is another one, the set is not fit for a file, or the file cannot be written.
    """
    path = Path(path)
    kind = _kind(path)
    text = formatted(basis, kind, DIGITS, _comment(basis.name, origin or {}))
    try:
        with write_whole(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise QvarError(f"`path` must be writable, but for {str(path)!r} is not: {error.strerror}.") from None
    return path


@checked()
def read(path: str | Path, *, elements: Iterable[str] | None = None) -> BasisSet:
    """Read a basis set from a file, in the format of its ending.

    Functions are spherical; a file that says otherwise and has d functions is refused.

    Args:
        path: the file; ".nw" NWChem's format, ".gbs" that of Gaussian and Psi4, ".json" that of the Basis Set Exchange.
        elements: symbols of the elements to take; all if None.

    Raises:
        QvarError: if there is no such file, its ending is another one, it does not parse, has core potentials or
            Cartesian functions, or lacks an element.
    """
    path = Path(path)
    kind = _kind(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError):  # not UTF-8, a zero byte in the name
        raise QvarError(f"`path` must be an existing file of text, but is {str(path)!r}.") from None
    basis = parsed(text, kind, path.stem, str(path))
    if elements is None:
        return basis
    return BasisSet({element: basis.of(element) for element in map(symbol_of, elements)}, name=path.stem)


def parsed(text: str, kind: str, name: str, path: str) -> BasisSet:
    """Parse text in a format of the Basis Set Exchange; Psi4's files have that of Gaussian.

    `kind` is "nwchem", "gaussian94" or "json"; `path` is the origin of the text, for errors.

    Raises:
        QvarError: if it does not parse, has core potentials, or Cartesian functions of l > 1.
    """
    if kind == "json":
        return _parsed_json(text, name, path)
    contents = read_basis_text(text, path, cast("Kind", kind), "path")
    require(not contents.potentials, "path", "have all electrons and no core potentials", path)
    momenta = [shell[0] for shells in contents.shells.values() for shell in shells]
    _check_momenta(max(momenta), contents.cartesian, path)
    sorted_shells = {
        symbol: tuple(sorted((_as_shell(shell) for shell in shells), key=lambda shell: shell.l))
        for symbol, shells in contents.shells.items()
    }
    return BasisSet(sorted_shells, name=name)


def _as_shell(shell: list[Any]) -> Shell:
    numbers = np.array(shell[1:])
    return Shell(shell[0], numbers[:, 0], numbers[:, 1:])


def _check_momenta(highest: int, cartesian: bool, path: str) -> None:
    require(highest <= MAX_L, "path", f"have functions up to {LETTERS[MAX_L]} only", path)
    require(not cartesian or highest < 2, "path", "have spherical functions and no Cartesian d functions", path)


def _parsed_json(text: str, name: str, path: str) -> BasisSet:
    try:
        elements = json_elements(text)
    except (ValueError, KeyError, TypeError, AttributeError) as error:  # no JSON, or another structure
        raise QvarError(f"`path` must hold a basis set in the format json, but {path!r} does not.") from error
    for shell in (shell for entry in elements.values() for shell in entry.get("electron_shells", ())):
        _check_momenta(max(shell["angular_momentum"]), shell["function_type"] == "gto_cartesian", path)
    return BasisSet({symbol: shells_of(entry, "path", path) for symbol, entry in elements.items()}, name=name)


def shells_of(data: Mapping[str, Any], argument: str, name: str) -> tuple[Shell, ...]:
    """Read the shells of an element from a record of the Basis Set Exchange, by ascending l.

    `argument` and `name` are the argument that errors name, and its value.

    Raises `QvarError` if it has core potentials, or functions above `MAX_L`.
    """
    require("ecp_potentials" not in data, argument, "have all electrons and no core potentials", name)
    shells = []
    for shell in data.get("electron_shells", ()):
        exponents = np.array(shell["exponents"], dtype=float)
        columns = np.array(shell["coefficients"], dtype=float)
        momenta = shell["angular_momentum"]
        require(max(momenta) <= MAX_L, argument, f"have functions up to {LETTERS[MAX_L]} only", name)
        if len(momenta) == 1:
            shells.append(Shell(momenta[0], exponents, columns.T))
        else:
            shells += [Shell(l, exponents, column[:, None]) for l, column in zip(momenta, columns, strict=True)]
    return tuple(sorted(shells, key=lambda shell: shell.l))


def nwchem(basis: BasisSet) -> str:
    """Return a basis set as text in NWChem's format, with all digits."""
    return formatted(basis, "nwchem", ALL_DIGITS)


def formatted(basis: BasisSet, kind: str, digits: int, comment: Sequence[str] = ()) -> str:
    """Return a basis set as text in a format of the Basis Set Exchange.

    `kind` is "nwchem", "gaussian94" or "json"; the lines of `comment` are at the head, in JSON in its `description`.

    Raises:
        QvarError: if the set is empty, has numbers that are not finite or not positive, or the same primitive twice.
    """
    elements = entries_of(basis, digits)
    if kind == "json":
        return json_text(elements, basis.name, "\n".join(comment))
    mark, text = ("#", nwchem_text(elements)) if kind == "nwchem" else ("!", gaussian_text(elements))
    return "".join(f"{mark} {line}\n" for line in comment) + ("\n" if comment else "") + text


def _kind(path: Path) -> str:
    require(path.suffix.lower() in FORMATS, "path", f"end with {', '.join(FORMATS)}", str(path))
    return FORMATS[path.suffix.lower()]


def _comment(name: str, origin: Mapping[str, Any]) -> list[str]:
    packages = ", ".join(f"{package} {importlib.metadata.version(package)}" for package in ("pyscf", "numpy", "jax"))
    entries = {"basis": name, **origin, "made with": f"qvar {__version__}, {packages}"}
    return [" ".join(f"{key}: {value}".split()) for key, value in entries.items()]
