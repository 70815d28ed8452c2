"""What users may give as a basis set: a name, a text in NWChem's format, a file of it, or an object that writes it.

PySCF's own reader takes all shells of a text for an element where a comment does not tell them apart, also those of
other elements, and looks for core potentials among the shells; hence a text is taken apart here.
"""

from __future__ import annotations

import math
import os
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

from qvar.errors import QvarError, require

_SHELL = re.compile(r"[a-z]{1,2}\s+(?:sp|[spdfghiklmn])", re.IGNORECASE)
_POTENTIAL = re.compile(r"[a-z]{1,2}\s+(?:nelec\s+\d+|ul|[spdfghiklmn])", re.IGNORECASE)
_SUFFIX = ".nw"


@runtime_checkable
class WritesNWChem(Protocol):
    """A basis set that can write itself, such as a fitted one."""

    @property
    def name(self) -> str:
        """What tables call it."""
        ...

    def nwchem(self) -> str:
        """The set in NWChem's format."""
        ...


class GivenBasis(NamedTuple):
    """A basis set as a user gave it, without the file or the object that it came from."""

    content: str
    """A name that PySCF knows; or a text in NWChem's format, which contains newlines."""
    name: str
    """What tables call it."""

    @property
    def is_text(self) -> bool:
        """Whether the content is a text and not a name."""
        return "\n" in self.content


class ElementBasis(NamedTuple):
    """What PySCF is to use for an element."""

    shells: Any
    """As `pyscf.gto.Mole.basis` takes them."""
    potential: Any
    """As `pyscf.gto.Mole.ecp` takes it; None where there is none."""


def given_basis(basis: Any) -> GivenBasis:
    """Reads what a user gave.

    Args:
        basis: a name; a text in NWChem's format; the path of a file of it, which ends with ".nw"; or an object that
            writes it.

    Raises:
        QvarError: if it is none of them, or there is no such file, or it cannot be read.
    """
    if isinstance(basis, str) and "\n" in basis:
        return GivenBasis(basis, "custom basis")
    if isinstance(basis, str | Path) and str(basis).strip().lower().endswith(_SUFFIX):
        return _from_file(Path(str(basis).strip()))
    if isinstance(basis, str) and basis.strip():
        # PySCF would follow a name to a file of that name, and a digest of the name would not see the file change.
        require(not os.path.isfile(basis), "basis", f"be a basis set's name, or a file that ends with {_SUFFIX}", basis)
        name = basis.strip().lower()
        require("gth" not in name, "basis", "be an all-electron or ECP basis set and not a GTH one", basis)
        return GivenBasis(name, name)
    if isinstance(basis, WritesNWChem) and not isinstance(basis, type):
        return GivenBasis(basis.nwchem().rstrip("\n") + "\n", basis.name)
    raise QvarError(
        f"`basis` must be the name of a basis set, a file that ends with {_SUFFIX}, or a fitted basis set, "
        f"but is {basis!r}."
    )


def _from_file(path: Path) -> GivenBasis:
    try:
        text = path.expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise QvarError(f"`basis` must be an existing file of text, but is {str(path)!r}.") from None
    return GivenBasis(text.rstrip("\n") + "\n", path.stem)


def element_basis(basis: GivenBasis, element: str) -> ElementBasis:
    """Shells and core potential of an element.

    Args:
        basis: the set.
        element: symbol as PySCF spells it.

    Raises:
        QvarError: if the set is a text that is not in NWChem's format, or has no shells for the element.
    """
    from pyscf.gto import basis as library
    from pyscf.gto.basis import parse_nwchem, parse_nwchem_ecp

    potential: Any = None
    if basis.is_text:
        shell_lines, potential_lines = _taken_apart(basis, element)
        shells = parse_nwchem.parse("\n".join(shell_lines)) if shell_lines else []
        if potential_lines:
            potential = parse_nwchem_ecp.parse("\n".join(potential_lines))
    else:
        shells = _or_none(lambda: library.load(basis.content, element))
        potential = basis.content if _or_none(lambda: library.load_ecp(basis.content, element)) else None
    if not shells:
        raise QvarError(f"`basis` must be a basis set that has shells for {element}, but is {basis.name!r}.")
    return ElementBasis(shells, potential)


def _or_none(load: Callable[[], Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # remarks on names of basis sets; what matters is checked by the caller
        try:
            return load()
        except Exception:  # PySCF raises a dozen types here, all of which mean the same
            return None


def _taken_apart(basis: GivenBasis, element: str) -> tuple[list[str], list[str]]:
    """The lines of an element's shells, and those of its core potential."""
    shells: list[str] = []
    potential: list[str] = []
    in_potentials, owner = False, ""
    for raw in basis.content.splitlines():
        line = raw.split("#")[0].strip()
        words = line.split()
        if not words:
            continue
        if words[0].lower() in ("basis", "ecp", "end"):
            in_potentials, owner = words[0].lower() == "ecp", ""
            continue
        if words[0][0].isalpha():
            owner = words[0].capitalize()
            good = bool((_POTENTIAL if in_potentials else _SHELL).fullmatch(line))
        else:
            line = line.lower().replace("d", "e")
            good = bool(owner) and _are_numbers(line.split(), in_potentials)
        if not good:
            raise QvarError(f"`basis` must be in NWChem's format, but {basis.name!r} has the line {line!r}.")
        if owner == element:
            (potential if in_potentials else shells).append(line)
    return shells, potential


def _are_numbers(words: list[str], in_potentials: bool) -> bool:
    """Whether a line holds finite numbers, at least two, the first a positive exponent or a power of the radius."""
    try:
        numbers = [float(word) for word in words]  # PySCF would evaluate as Python what is no number
    except ValueError:
        return False
    first = words[0].isdigit() if in_potentials else numbers[0] > 0
    return len(numbers) >= 2 and all(map(math.isfinite, numbers)) and first
