"""Molecules as problems: a geometry and a basis set in, integrals and a reference determinant out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from qvar.arguments import checked
from qvar.checks import finite_number, whole_number
from qvar.errors import require
from qvar.memory import require_memory
from qvar.problems.basis_input import HasShells, parse_basis
from qvar.problems.orbital_choices import ActiveSpaceChoice
from qvar.problems.problem import Problem

_MATRICES = 16
"""Smallest number of matrices over the basis functions that a self-consistent field holds."""


@checked()
def molecule(
    geometry: str,
    *,
    basis: str | Path | HasShells = "sto-3g",
    charge: int = 0,
    spin: int = 0,
    unit: str = "angstrom",
    active_space: ActiveSpaceChoice | None = None,
    active_orbitals: Sequence[int] | None = None,
    frozen: Sequence[int] | None = None,
    stable: bool = False,
    name: str | None = None,
) -> Problem:
    r"""Make the problem of a molecule in the orbitals of its RHF or ROHF determinant (PySCF).

    The same arguments give the same integrals bit for bit on one machine. The determinant need not be a minimum:
    that of N2 at 2.0 angstrom is a saddle, 196 mHa above a lower one. `Problem.stability` and `Problem.remarks` say so,
    and reports show it; `stable=True` follows the saddle down. If the determinant is not unique, as in a square of
    hydrogen atoms whose frontier orbitals have one energy, `occupied_alpha` and `occupied_beta` record the one chosen.

    Args:
        geometry: atoms, Cartesian ("H 0 0 0; H 0 0 0.7414") or as a Z-matrix with angles in degrees
            ("O; H 1 0.9584; H 1 0.9584 2 104.45"), separated by ";" or newlines; or the text of an XYZ file. An atom
            written "ghost-H" (PySCF), "@H" or "Gh(H)" (Psi4), "H:" (ORCA) or "BqH" (NWChem) has the functions of
            hydrogen and no nucleus and no electrons.
        basis: name of a Gaussian basis set that PySCF knows, with its effective core potentials if it has some, and
            spherical functions as in PySCF; the path of a file in the format of NWChem, which ends with ".nw", or of
            Gaussian and Psi4, ".gbs"; the text of such a file, which contains newlines; or a fitted basis set
            (`qvar.basis.Fitted`). Files and texts may have core potentials; their functions are Cartesian if they say
            so (`BASIS CARTESIAN`, or a first line `cartesian`).
        charge: charge of the molecule, in elementary charges.
        spin: number of unpaired electrons 2S, not the multiplicity.
        unit: "angstrom" or "bohr", the unit of lengths in `geometry`.
        active_space: (electrons, orbitals) around the Fermi level as PySCF's CASCI picks them: the lowest
            orbitals are frozen; or `qvar.Avas`, `qvar.NaturalOrbitals` or `qvar.OrbitalsByIrrep`, whose orbitals need
            not be canonical. `None`: everything is active.
        active_orbitals: instead of `active_space`, indices of the active orbitals, counted from 0 in order of
            energy, the doubly occupied before the singly occupied and the empty ones; taken in ascending order. The
            others are left empty.
        frozen: indices of doubly occupied orbitals to freeze. Default: the doubly occupied ones that are not in
            `active_orbitals`. Given alone, all other orbitals are active, so `frozen=[0]` freezes one core.
        stable: whether a determinant that is a saddle is followed down until it is a minimum among restricted
            determinants (`qvar.problems.scf.follow`), which may have less symmetry than the molecule.
        name: name for tables. Default: formula and basis, e.g. "LiH sto-3g (2e,5o)".

    Returns:
        The problem, in hartree, on 2M qubits for M active orbitals.

    Raises:
        QvarError: if an argument is not understood, the arguments contradict each other, or the self-consistent
            field does not converge.
    """
    from qvar.problems.geometry import parse_geometry
    from qvar.problems.molecular_problem import Head, SpaceChoice, charge_suffix, molecular_problem
    from qvar.problems.scf import build_molecule, follow, run_scf

    charge, spin = whole_number("charge", charge), whole_number("spin", spin)
    require(isinstance(stable, bool), "stable", "be True or False", stable)
    chosen = parse_basis(basis)
    atoms = parse_geometry(geometry, unit)
    mol = build_molecule(atoms, chosen, charge, spin)
    choice = SpaceChoice(active_space, active_orbitals, frozen)
    if not choice.is_computed:  # a mistake is found before the self-consistent field
        n_alpha, n_beta = map(int, mol.nelec)
        choice.of([(k < n_alpha) + (k < n_beta) for k in range(int(mol.nao))])
    mean_field = run_scf(mol)
    lowered = follow(mean_field) if stable else 0.0
    inputs: dict[str, Any] = {
        "model": "molecule",
        "geometry": atoms.text,
        "unit": unit,
        "basis": chosen.content,
        "charge": charge,
        "spin": spin,
        **({"stable": True} if stable else {}),
    }
    stem = f"{atoms.formula}{charge_suffix(charge)} {chosen.name}"
    return molecular_problem(mean_field, choice, Head(name, stem, inputs), lowered=lowered)


@checked("n_atoms")
def hydrogen_chain(
    n_atoms: int,
    bond: float = 1.0,
    *,
    basis: str | Path | HasShells = "sto-3g",
    charge: int = 0,
    spin: int | None = None,
    active_space: ActiveSpaceChoice | None = None,
    active_orbitals: Sequence[int] | None = None,
    frozen: Sequence[int] | None = None,
    stable: bool = False,
    name: str | None = None,
) -> Problem:
    """Make a chain of equally spaced hydrogen atoms along z, the standard model of growing correlation.

    Args:
        n_atoms: number of atoms, at least 1.
        bond: distance of neighbours, in angstrom.
        basis: see `molecule`.
        charge: charge of the chain, in elementary charges.
        spin: number of unpaired electrons 2S. `None`: the lowest that fits, 0 with an even number of electrons
            and 1 with an odd one.
        active_space: see `molecule`.
        active_orbitals: see `molecule`.
        frozen: see `molecule`.
        stable: see `molecule`.
        name: name for tables. Default: formula, bond and basis, e.g. "H4 1.0 sto-3g".

    Returns:
        The problem, in hartree.

    Raises:
        QvarError: as `molecule`, and if `n_atoms` is below 1 or `bond` is not positive.
    """
    n_atoms, charge = whole_number("n_atoms", n_atoms, unbounded=True), whole_number("charge", charge)
    bond = finite_number("bond", bond)
    require(n_atoms >= 1, "n_atoms", "be at least 1", n_atoms)
    require_memory("n_atoms", n_atoms, 8 * n_atoms**2 * _MATRICES)
    require(bond > 0, "bond", "be positive", bond)
    require(1e-3 <= bond <= 1e6, "bond", "be from 0.001 to 10^6 angstrom", bond)
    problem = molecule(
        "; ".join(f"H 0 0 {i * bond!r}" for i in range(n_atoms)),
        basis=basis,
        charge=charge,
        spin=(n_atoms - charge) % 2 if spin is None else spin,
        active_space=active_space,
        active_orbitals=active_orbitals,
        frozen=frozen,
        stable=stable,
        name=name,
    )
    if name is not None:
        return problem
    formula, _, rest = problem.name.partition(" ")
    return replace(problem, name=f"{formula} {round(bond, 6)!r} {rest}")
