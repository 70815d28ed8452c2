"""PySCF's molecule of a geometry and a basis set, read as strictly as `qvar.molecule` reads them."""

from __future__ import annotations

from typing import Any

from qvar.arguments import checked
from qvar.problems.basis_input import parse_basis
from qvar.problems.geometry import parse_geometry
from qvar.problems.scf import build_molecule, require_independent


@checked()
def mole(geometry: Any, basis: Any, *, charge: int = 0, spin: int = 0, unit: str = "angstrom") -> Any:
    """Return PySCF's `Mole`, to use what PySCF offers on a basis set that qvar has read.

    Args:
        geometry: as of `qvar.molecule`.
        basis: as of `qvar.molecule`: a name, a text in the format of NWChem, Gaussian or Psi4, a file, or a `BasisSet`.
        charge: charge in elementary charges.
        spin: number of unpaired electrons, 2S.
        unit: `"angstrom"` or `"bohr"`, of the geometry.

    Returns:
        A built `pyscf.gto.Mole`.

    Raises:
        QvarError: if the geometry or the basis set cannot be read, or charge and spin do not fit them.
    """
    mol = build_molecule(parse_geometry(geometry, unit), parse_basis(basis), charge, spin)
    require_independent(mol)
    return mol
