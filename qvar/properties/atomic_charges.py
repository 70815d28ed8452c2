"""Charges and spin populations of atoms from a one-particle density."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from qvar._types import FloatArray
from qvar.notebook import text_html
from qvar.short_repr import short_repr

Population: TypeAlias = Literal["mulliken", "lowdin", "meta-lowdin"]
"""Population analyses: ways to share electrons among atoms."""


@short_repr()
@dataclass(frozen=True, eq=False)
class Charges:
    """Charges and spin populations of atoms; prints as a table."""

    population: str
    """`"mulliken"`, `"lowdin"` or `"meta-lowdin"`."""
    atoms: tuple[str, ...]
    """Symbols of the atoms."""
    charges: FloatArray
    """(n_atoms,) nuclear charge minus electrons, in elementary charges; their sum is the charge of the molecule."""
    spins: FloatArray
    """(n_atoms,) spin-up minus spin-down electrons; their sum is 2 S_z."""

    def __str__(self) -> str:
        lines = [f"{'atom':<10}{'charge':>12}{'spin':>12}  ({self.population})"]
        rows = zip(self.atoms, self.charges, self.spins, strict=True)
        lines += [f"{at:>3} {atom:<6}{charge:>12.6f}{spin:>12.6f}" for at, (atom, charge, spin) in enumerate(rows)]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Return the table in letters of one width, for a notebook."""
        return text_html(str(self))


def atomic_charges(mol: Any, alpha: FloatArray, beta: FloatArray, population: Population) -> Charges:
    """Return the charges of densities over the atomic orbitals of PySCF's `mol`, shape (n_ao, n_ao) each."""
    from pyscf import lo

    overlap = mol.intor("int1e_ovlp")
    if population == "mulliken":
        populations = [np.einsum("ij,ji->i", density, overlap) for density in (alpha, beta)]
    else:
        first = "ANO" if population == "meta-lowdin" else None
        orthogonal = lo.orth_ao(mol, population.replace("-", "_"), pre_orth_ao=first, s=overlap)
        projected = orthogonal.T @ overlap
        populations = [np.einsum("pi,ij,pj->p", projected, density, projected) for density in (alpha, beta)]
    up, down = (_by_atom(own, mol) for own in populations)
    symbols = tuple(mol.atom_symbol(at) for at in range(mol.natm))
    return Charges(population, symbols, mol.atom_charges() - up - down, up - down)


def _by_atom(populations: FloatArray, mol: Any) -> FloatArray:
    return np.array([populations[first:last].sum() for *_, first, last in mol.aoslice_by_atom()])
