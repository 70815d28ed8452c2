"""Dipole moment of a one-particle density."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from qvar._types import FloatArray
from qvar.short_repr import short_repr
from qvar.units import DEBYE_PER_ATOMIC_UNIT


@short_repr("debye", "size")
@dataclass(frozen=True, eq=False)
class Dipole:
    """Dipole moment of a molecule, from minus to plus; with a net charge it depends on the origin."""

    atomic_units: FloatArray
    """(3,) vector in elementary charges times bohr."""

    @property
    def debye(self) -> FloatArray:
        """(3,) vector in debye."""
        return self.atomic_units * DEBYE_PER_ATOMIC_UNIT

    @property
    def size(self) -> float:
        """Length of the vector, in debye."""
        return float(np.linalg.norm(self.debye))


def dipole_moment(mol: Any, density: FloatArray) -> Dipole:
    """Return the dipole moment of nuclei and of electrons with a density over the atomic orbitals of PySCF's `mol`."""
    from pyscf.scf.hf import dip_moment

    return Dipole(np.asarray(dip_moment(mol, density, unit="au", verbose=0), float))
