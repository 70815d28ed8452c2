"""What users may give as a basis set: a name, a text, a file of it, or an object that writes it."""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

from qvar.errors import QvarError, require
from qvar.problems.basis_text import read_basis_text

_SUFFIXES = (".nw", ".gbs")
_FILE = f"a file that ends with {' or '.join(_SUFFIXES)}"


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
    """A name that PySCF knows; or a text in the format of NWChem, Gaussian or Psi4, which contains newlines."""
    name: str
    """What tables call it."""

    @property
    def is_text(self) -> bool:
        """Whether the content is a text and not a name."""
        return "\n" in self.content

    @property
    def is_cartesian(self) -> bool:
        """Whether the content is a text of Cartesian functions; under their names all sets are spherical, as in PySCF.

        Raises:
            QvarError: as `read_basis_text`.
        """
        return self.is_text and read_basis_text(self.content, self.name).cartesian


class ElementBasis(NamedTuple):
    """What PySCF is to use for an element."""

    shells: Any
    """As `pyscf.gto.Mole.basis` takes them."""
    potential: Any
    """As `pyscf.gto.Mole.ecp` takes it; None if there is none."""


def given_basis(basis: Any) -> GivenBasis:
    """Read what a user gave.

    Args:
        basis: a name; a text in the format of NWChem, Gaussian or Psi4; the path of a file of it, which ends with ".nw"
            or ".gbs"; or an object that writes it.

    Raises:
        QvarError: if it is none of them, or there is no such file, or it cannot be read.
    """
    if isinstance(basis, str) and len(basis.splitlines()) > 1:
        return GivenBasis(_text(basis), "custom basis")
    if isinstance(basis, str | Path) and str(basis).strip().lower().endswith(_SUFFIXES):
        return _from_file(Path(str(basis).strip()))
    if isinstance(basis, str) and basis.strip():
        # PySCF would follow a name to a file of that name, and a digest of the name would not see the file change.
        require(not os.path.isfile(basis), "basis", f"be a basis set's name, or {_FILE}", basis)
        name = basis.strip().lower()
        require("gth" not in name, "basis", "be an all-electron or ECP basis set and not a GTH one", basis)
        return GivenBasis(name, name)
    writer: Any = basis if isinstance(basis, WritesNWChem) and not isinstance(basis, type) else None
    require(writer is not None, "basis", f"be the name of a basis set, {_FILE}, or a fitted basis set", basis)
    return GivenBasis(_text(writer.nwchem()), writer.name)


def _from_file(path: Path) -> GivenBasis:
    try:
        text = path.expanduser().read_text(encoding="utf-8-sig")
    except (OSError, RuntimeError, ValueError):  # no such file or user, not UTF-8, a zero byte in the name
        raise QvarError(f"`basis` must be an existing file of text, but is {str(path)!r}.") from None
    return GivenBasis(_text(text), path.stem)


def _text(text: str) -> str:
    """The same lines with one kind of line ends, and at least one of them."""
    return "\n".join(text.rstrip().splitlines()) + "\n"


def element_basis(basis: GivenBasis, element: str) -> ElementBasis:
    """Shells and core potential of an element.

    Args:
        basis: the set.
        element: symbol as PySCF spells it.

    Raises:
        QvarError: if the set is a text that cannot be read, or has no shells for the element.
    """
    from pyscf.gto import basis as library

    if basis.is_text:
        text = read_basis_text(basis.content, basis.name)
        shells, potential = copy.deepcopy((text.shells.get(element), text.potentials.get(element)))
    else:
        shells = _or_none(lambda: library.load(basis.content, element))
        potential = _published_potential(basis.content, element) if shells else None
    if not shells:
        raise QvarError(f"`basis` must be a basis set that has shells for {element}, but is {basis.name!r}.")
    return ElementBasis(shells, potential)


def _published_potential(name: str, element: str) -> Any:
    """The core potential of an element under the name of a set; None if all electrons are in the shells.

    PySCF finds none if it keeps the shells of a set in several files, as those of aug-cc-pVDZ-PP, or takes them from
    the Basis Set Exchange because its own file lacks the element.
    """
    import basis_set_exchange
    from pyscf.gto import basis as library

    potential = _or_none(lambda: library.load_ecp(name, element))
    files = library.ALIAS.get(library._format_basis_name(name), ())
    for file in files if isinstance(files, tuple | list) else ():
        potential = potential or _or_none(lambda file=file: library.load_ecp(f"{library._BASIS_DIR}/{file}", element))
    if potential:
        return potential
    text = _or_none(lambda: basis_set_exchange.get_basis(name, elements=element, fmt="nwchem", header=False))
    return read_basis_text(text, name).potentials.get(element) if text else None


def _or_none(load: Callable[[], Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # remarks on names of basis sets; what matters is checked by the caller
        try:
            return load()
        except Exception:  # PySCF raises a dozen types here, all of which mean the same
            return None
