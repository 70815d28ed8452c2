"""Molecules that users bring as objects of PySCF."""

from __future__ import annotations

from typing import Any

import numpy as np

from qvar.errors import QvarError, error_words, require
from qvar.problems.geometry import formula_of, parse_unit, refuse_coincidence
from qvar.problems.molecular_problem import charge_suffix
from qvar.problems.orbitals import Orbitals, molecule_text


def is_mole(geometry: Any) -> bool:
    """Return whether a value is a molecule, or a periodic cell, of PySCF."""
    return hasattr(geometry, "_atom") and hasattr(geometry, "intor")


def plain_mole(mol: Any, argument: str) -> Any:
    """Rebuild a molecule without its point group, in bohr; one that was not built yet is built as PySCF does it.

    Raises `QvarError` about `argument`, if the molecule cannot be built, is periodic or empty, or has more than point
    nuclei, core potentials and electrons.
    """
    require(not hasattr(mol, "lattice_vectors"), argument, "be a molecule and not a periodic cell", mol)
    if not mol._built:
        mol = mol.copy()
        try:
            mol.build(dump_input=False, parse_arg=False)
        except Exception as error:  # PySCF raises a dozen types
            words = error_words(error).rstrip(".")
            raise QvarError(f"`{argument}` must be a Mole that PySCF can build, but it has {words!r}.") from None
    if int(mol.natm) == 0:
        raise QvarError(f"`{argument}` must have atoms, but has none: give bare integrals to `qvar.from_integrals`.")
    for name, must in (("nucmod", "have point charges as nuclei"), ("_pseudo", "have no pseudopotentials of GTH")):
        value = getattr(mol, name, None)
        require(not value, argument, must, value)
    plain = Orbitals(np.zeros((int(mol.nao), 0)), (), (), molecule_text(mol)).mole()
    if plain.nelec != mol.nelec or not np.array_equal(plain.atom_charges(), mol.atom_charges()):
        raise QvarError(f"`{argument}` must have the electrons of its atoms, charge and spin, but has {mol.nelec}.")
    places = tuple((symbol, (float(x), float(y), float(z))) for symbol, (x, y, z) in plain._atom)
    refuse_coincidence(places, "bohr")
    return plain


def require_no_contradiction(
    mol: Any, basis: Any, charge: int | None, spin: int | None, unit: Any, cart: bool | None
) -> None:
    """Raise `QvarError` if an argument says something else than a molecule that brings it along."""
    same_basis = isinstance(basis, str) and isinstance(mol.basis, str) and basis.lower() == mol.basis.lower()
    own_unit = "bohr" if str(mol.unit).upper().startswith(("B", "AU")) else "angstrom"
    checks = (
        ("basis", basis, same_basis, mol.basis if isinstance(mol.basis, str) else "its own"),
        ("charge", charge, charge == mol.charge, mol.charge),
        ("spin", spin, spin == mol.spin, mol.spin),
        ("unit", unit, unit is not None and parse_unit(unit) == own_unit, own_unit),
        ("cart", cart, cart == mol.cart, mol.cart),
    )
    for argument, value, same, own in checks:
        require(value is None or same, argument, f"be left out for a Mole, which has {own!r}", value)


def mole_inputs(mol: Any) -> dict[str, Any]:
    """Return the JSON-able description of a rebuilt molecule."""
    return {
        "model": "molecule",
        "molecule": molecule_text(mol),
        "charge": int(mol.charge),
        "spin": int(mol.spin),
    }


def mole_stem(mol: Any) -> str:
    """Return formula, charge and basis of a molecule, for the name of its problem."""
    formula = formula_of(str(mol.atom_pure_symbol(atom)) for atom in range(int(mol.natm)))
    named = isinstance(mol.basis, str) and "\n" not in mol.basis
    return f"{formula}{charge_suffix(int(mol.charge))} {mol.basis.strip().lower() if named else 'custom basis'}"
