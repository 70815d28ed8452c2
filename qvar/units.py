"""Units and thresholds: energies are hartree inside, lengths angstrom at the surface."""

from __future__ import annotations

import re

MILLIHARTREE_PER_HARTREE = 1000.0

CHEMICAL_ACCURACY = 1.6e-3
"""1 kcal/mol in hartree, rounded as the field does: the error that reaction rates ask for."""

DEBYE_PER_ATOMIC_UNIT = 2.5417464157449032
"""Debye in an elementary charge times bohr, the number of PySCF."""

HARTREE = "Ha"
"""Unit of molecular energies in the records."""

COUPLING = "J"
"""Unit of spin-model energies in the records: multiples of the model's own coupling."""


def short_exponent(text: str) -> str:
    """Return a number as text without zeros before its exponent, such as "1e-5" for "1e-05"."""
    return re.sub(r"e([+-])0+(?=\d)", r"e\1", text)


def plain_number(value: float, form: str = ".10g") -> str:
    """Return a number with its digits, in groups of three if more than four stand before the point."""
    return short_exponent(f"{value:{',' if abs(value) >= 1e4 else ''}{form}}")


def shown_energy(energy: float, unit: str, digits: int = 4) -> str:
    """Format a difference of energies: in millihartree if it is in hartree, such as "195.8 mHa"."""
    if unit == HARTREE:
        energy, unit = MILLIHARTREE_PER_HARTREE * energy, "mHa"
    return short_exponent(f"{energy:.{digits}g} {unit}".rstrip())
