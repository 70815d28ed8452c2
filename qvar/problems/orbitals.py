"""Molecular orbitals of a problem: the way from its active orbitals back to atomic orbitals."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from qvar._types import FloatArray
from qvar.checks import whole_numbers
from qvar.errors import QvarError, require
from qvar.problems.hamiltonians import real_array
from qvar.short_repr import short_repr

_FIELDS = ("atoms", "basis", "potentials", "charge", "spin", "cartesian")


@short_repr()
@dataclass(frozen=True, eq=False)
class Orbitals:
    r"""Molecular orbitals \(\phi_p = \sum_\mu C_{\mu p} \chi_\mu\) of a molecule's problem.

    Active orbital k of the problem is column `active[k]` of `coefficients`; the frozen orbitals are doubly occupied.
    `qvar.molecule` and `qvar.from_pyscf` make it and `Problem.save` keeps it. Lattices and bare integrals have none.
    """

    coefficients: FloatArray
    """C, shape (n_ao, n_mo): columns are molecular orbitals over PySCF's atomic orbitals, active, frozen and others."""
    frozen: tuple[int, ...]
    """Columns of doubly occupied orbitals of the core."""
    active: tuple[int, ...]
    """Columns of the active orbitals, in the order of the problem's orbitals."""
    molecule: str
    """Atoms, basis set and charge as JSON, see `molecule_text`; `mole` makes PySCF's object of it."""

    def __post_init__(self) -> None:
        table = real_array("coefficients", self.coefficients)
        require(table.ndim == 2, "coefficients", "have shape (n_ao, n_mo)", table.shape)
        object.__setattr__(self, "coefficients", table)
        for field in ("frozen", "active"):
            columns = tuple(whole_numbers(field, getattr(self, field)))
            inside = all(0 <= column < table.shape[1] for column in columns) and len(set(columns)) == len(columns)
            require(inside, field, f"hold distinct columns below {table.shape[1]}", columns)
            object.__setattr__(self, field, columns)
        require(not set(self.frozen) & set(self.active), "frozen", "share no column with `active`", self.frozen)
        _fields_of(self.molecule)

    def mole(self) -> Any:
        """Build PySCF's `Mole`, in bohr and without point group; its atomic orbitals are the rows of `coefficients`."""
        from pyscf import gto

        fields = _fields_of(self.molecule)
        mol = gto.Mole()
        mol.atom, mol.unit = [(symbol, tuple(place)) for symbol, place in fields["atoms"]], "bohr"
        mol.basis, mol.ecp, mol.cart = fields["basis"], fields["potentials"], fields["cartesian"]
        mol.charge, mol.spin, mol.verbose = fields["charge"], fields["spin"], 0
        mol.build(dump_input=False, parse_arg=False)
        return mol


def molecule_text(mol: Any) -> str:
    """Return what identifies a built `Mole` of PySCF as JSON, from which nothing has to be evaluated to rebuild it.

    Returns:
        A mapping with "atoms" (label and Cartesian coordinates in bohr), "basis" and "potentials" (label -> shells or
        core potential, as PySCF takes them), "charge", "spin" (unpaired electrons) and "cartesian".
    """
    values = (
        [[symbol, [float(x) for x in place]] for symbol, place in mol._atom],
        mol._basis,
        mol._ecp,
        int(mol.charge),
        int(mol.spin),
        bool(mol.cart),
    )
    return json.dumps(dict(zip(_FIELDS, values, strict=True)), default=_plain)


def _plain(value: Any) -> Any:
    """Convert what NumPy keeps in arrays to lists and numbers of Python."""
    return np.asarray(value).tolist()


def _fields_of(text: str) -> dict[str, Any]:
    try:
        fields = json.loads(text)
        if set(fields) != set(_FIELDS):
            raise ValueError
    except (TypeError, ValueError):
        raise QvarError("`molecule` must be the text of a molecule that `molecule_text` wrote, but is not.") from None
    return fields
