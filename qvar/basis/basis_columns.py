"""Columns that a comparison of basis sets adds to the ledger."""

from __future__ import annotations

from qvar.task import LedgerColumn

BASIS_COLUMNS = (
    LedgerColumn("n_primitives", "Int64", "Radial primitives of the basis set: different Gaussian exponents of each "
        "element and angular momentum."),
    LedgerColumn("n_functions", "Int64", "Contracted spherical functions of the largest molecule; twice as many "
        "qubits."),
    LedgerColumn("n_numbers", "Int64", "Numbers that the basis set consists of: different exponents of each element, "
        "and contraction coefficients up to scale; the parameters of those who optimized a published set."),
    LedgerColumn("condition_number", "float64", "Ratio of the largest and the smallest eigenvalue of the overlap "
        "matrix, the largest over the target's molecules."),
    LedgerColumn("smallest_ratio", "float64", "Smallest ratio of neighbouring exponents within a shell; empty if no "
        "shell has two."),
    LedgerColumn("virial_ratio", "float64", "-V/T, potential over kinetic energy, of the molecule in which it is "
        "farthest from 2."),
    LedgerColumn("spherical", "boolean", "True if the density of every atom among the target's molecules is "
        "spherical; empty without an atom."),
    LedgerColumn("final_gradient_norm", "float64", "Euclidean norm of the gradient at the end.",
        unit="the row's `unit` per parameter unit"),
    LedgerColumn("exponents", "string", "JSON: ascending exponents of each element and angular momentum, such as `Ne "
        "s`.", unit="1 / bohr squared"),
    LedgerColumn("basis_set", "string", "The basis set in NWChem's format."),
    LedgerColumn("transfer", "string", "JSON: for each molecule that was not fitted its `energy` in this basis set "
        "and the `error`, that energy minus the energy in the large published set `set`.", unit="hartree"),
)  # fmt: skip
