"""Basis sets as users choose them: a name, a text, a file of it, or an object with shells."""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

from qvar.errors import QvarError, require
from qvar.problems.basis_builder import BasisText, Builder, Source
from qvar.problems.basis_exchange import (
    INSTALL,
    all_electron_sets,
    basis_exchange,
    exchange_is_installed,
    exchange_name,
)
from qvar.problems.basis_text import read_basis_text

_SUFFIXES = (".nw", ".gbs")
_FILE = f"a file that ends with {' or '.join(_SUFFIXES)}"


@runtime_checkable
class HasShells(Protocol):
    """A basis set as an object, such as a fitted one."""

    @property
    def name(self) -> str:
        """Name for tables."""
        ...

    def pyscf(self) -> dict[str, list[list[Any]]]:
        """Return element -> shells, as `pyscf.gto.Mole.basis` takes them."""
        ...


class BasisInput(NamedTuple):
    """A basis set that a user chose, without the file or the object that it came from."""

    content: str | dict[str, list[Any]]
    """A name that PySCF knows; a text in the format of NWChem, Gaussian or Psi4, which contains newlines; or element ->
    shells, as PySCF takes them."""
    name: str
    """Name for tables."""

    @property
    def text(self) -> BasisText | None:
        """Shells and potentials of a text or a mapping; None for a name."""
        if not isinstance(self.content, str):
            return BasisText(self.content, {}, cartesian=False)
        return read_basis_text(self.content, self.name) if "\n" in self.content else None


class ElementBasis(NamedTuple):
    """Shells and core potential of an element."""

    shells: Any
    """As `pyscf.gto.Mole.basis` takes them."""
    potential: Any
    """As `pyscf.gto.Mole.ecp` takes it; None if there is none."""


def parse_basis(basis: Any) -> BasisInput:
    """Read a user's choice of a basis set.

    Args:
        basis: a name; a text in the format of NWChem, Gaussian or Psi4; the path of a file of it, which ends with ".nw"
            or ".gbs"; or an object with shells.

    Raises:
        QvarError: if it is none of them, there is no such file, it cannot be read, or a shell of an object is wrong.
    """
    if isinstance(basis, str) and len(basis.splitlines()) > 1:
        return BasisInput(_text(basis), "custom basis")
    if isinstance(basis, str | Path) and str(basis).strip().lower().endswith(_SUFFIXES):
        return _from_file(Path(str(basis).strip()))
    if isinstance(basis, str) and basis.strip():
        # PySCF would follow a name to a file of that name, and a digest of the name would not see the file change.
        require(not os.path.isfile(basis), "basis", f"be a basis set's name, or {_FILE}", basis)
        name = basis.strip().lower()
        require("gth" not in name, "basis", "be an all-electron or ECP basis set and not a GTH one", basis)
        return BasisInput(name, name)
    own: Any = basis if isinstance(basis, HasShells) and not isinstance(basis, type) else None
    require(own is not None, "basis", f"be the name of a basis set, {_FILE}, or a fitted basis set", basis)
    builder = Builder(Source("basis", own.name, "PySCF"))
    for element, shells in own.pyscf().items():
        for l, *rows in shells:
            builder.add_shell([element], [l], rows)
    return BasisInput(builder.finished().shells, own.name)


def _from_file(path: Path) -> BasisInput:
    try:
        text = path.expanduser().read_text(encoding="utf-8-sig")
    except (OSError, RuntimeError, ValueError):  # no such file or user, not UTF-8, a zero byte in the name
        raise QvarError(f"`basis` must be an existing file of text, but is {str(path)!r}.") from None
    return BasisInput(_text(text), path.stem)


def _text(text: str) -> str:
    """Return the same lines, each with a newline at its end."""
    return "\n".join(text.rstrip().splitlines()) + "\n"


def element_basis(basis: BasisInput, element: str) -> ElementBasis:
    """Return shells and core potential of an element.

    Raises `QvarError` if the set is a text that cannot be read, or has no shells for the element.
    """
    from pyscf.gto import basis as library

    text = basis.text
    if text is not None:
        shells, potential = copy.deepcopy((text.shells.get(element), text.potentials.get(element)))
    else:
        shells = _or_none(lambda: library.load(basis.content, element))
        potential = _published_potential(str(basis.content), element) if shells else None
    if not shells:
        more = "" if text is not None or exchange_is_installed() else f"; the Basis Set Exchange has more: {INSTALL}"
        raise QvarError(f"`basis` must be a basis set that has shells for {element}, but is {basis.name!r}{more}.")
    return ElementBasis(shells, potential)


def _published_potential(name: str, element: str) -> Any:
    """Return the core potential of an element in a published set; None if all electrons are in the shells.

    PySCF has none if it keeps the shells of a set in several files, as those of aug-cc-pVDZ-PP, or takes them from
    the Basis Set Exchange because its own file lacks the element. If that is not installed, all shells come from
    PySCF's files, and only some sets for the core and valence of elements with potentials, such as cc-pwCVDZ-PP, are
    there without the potential.
    """
    from pyscf.gto import basis as library

    potential = _or_none(lambda: library.load_ecp(name, element))
    files = library.ALIAS.get(library._format_basis_name(name), ())
    for file in files if isinstance(files, tuple | list) else ():
        potential = potential or _or_none(lambda file=file: library.load_ecp(f"{library._BASIS_DIR}/{file}", element))
    if potential:
        return potential
    if exchange_name(name) in all_electron_sets():
        return None
    if not (exchange_is_installed() or library._format_basis_name(name).endswith("zpp")):
        return None
    exchange = basis_exchange(name)
    text = _or_none(lambda: exchange.get_basis(name, elements=element, fmt="nwchem", header=False))
    return read_basis_text(text, name).potentials.get(element) if text else None


def _or_none(load: Callable[[], Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # remarks on names of basis sets; what matters is checked by the caller
        try:
            return load()
        except Exception:  # PySCF raises a dozen types here, all of which mean the same
            return None
