"""Molecules as problems: a geometry and a basis set in, integrals and a reference determinant out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from qvar.arguments import checked
from qvar.checks import whole_number
from qvar.errors import require
from qvar.memory import require_memory
from qvar.problems.basis_input import HasShells, parse_basis
from qvar.problems.orbital_choices import ActiveSpaceChoice
from qvar.problems.problem import Problem

_MATRICES = 16
"""Smallest number of matrices over the basis functions that a self-consistent field holds."""


@runtime_checkable
class MoleLike(Protocol):
    """Molecule as an object of PySCF, `pyscf.gto.Mole`."""

    def intor(self, *args: Any, **kwargs: Any) -> Any:
        """Compute integrals over its functions."""
        ...


@checked(own=("geometry",))
def molecule(
    geometry: str | Path | Sequence[Any] | MoleLike,
    *,
    basis: str | Path | HasShells | None = None,
    charge: int | None = None,
    spin: int | None = None,
    unit: str | None = None,
    cart: bool | None = None,
    active_space: ActiveSpaceChoice | None = None,
    active_orbitals: Sequence[int] | None = None,
    frozen: Sequence[int] | None = None,
    stable: bool = False,
    linear_dependence: float = 1e-6,
    name: str | None = None,
) -> Problem:
    r"""Make the problem of a molecule in the orbitals of its RHF or ROHF determinant (PySCF).

    The same arguments give the same integrals bit for bit on one machine. The determinant need not be a minimum:
    that of N2 at 2.0 angstrom is a saddle, 196 mHa above a lower one. `Problem.stability` and `Problem.remarks` say so,
    and reports show it; `stable=True` follows the saddle down. If the determinant is not unique, as in a square of
    hydrogen atoms whose frontier orbitals have one energy, `occupied_alpha` and `occupied_beta` record the one chosen.

    Args:
        geometry: atoms, Cartesian ("H 0 0 0; H 0 0 0.7414") or as a Z-matrix with angles in degrees
            ("O; H 1 0.9584; H 1 0.9584 2 104.45"), separated by ";" or newlines; the text of an XYZ file, or its path,
            which ends with ".xyz", also extended or with further columns; a list of atoms,
            [("H", (0, 0, 0)), ("H", (0, 0, 0.7414))]; or PySCF's `Mole`, which brings its basis set, charge, spin, unit
            and kind of functions: an argument that says something else is an error. An atom written "ghost-H"
            (PySCF), "@H" or "Gh(H)" (Psi4), "H:" (ORCA), "BqH" (NWChem) or "H-Bq" (Gaussian) has the functions of
            hydrogen and no nucleus and no electrons.
        basis: "sto-3g" if None. Name of a Gaussian basis set that PySCF knows, with its effective core potentials if it
            has some; the path of a file in the format of NWChem, which ends with ".nw", or of Gaussian and Psi4,
            ".gbs"; the text of such a file, which contains newlines; or a fitted basis set (`qvar.basis.Fitted`).
            Files and texts may have core potentials.
        charge: charge of the molecule, in elementary charges; 0 if None.
        spin: number of unpaired electrons 2S, not the multiplicity; 0 if None.
        unit: unit of lengths in `geometry`, "angstrom" or "bohr" in any case, or "au"; angstrom if None.
        cart: whether functions are Cartesian: six d functions and not five. As the text of a basis set declares it
            (`BASIS CARTESIAN`, or a first line `cartesian`), otherwise spherical, if None.
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
        linear_dependence: combinations of functions whose overlap matrix has an eigenvalue up to this are left out;
            `Problem.notes` says how many.
        name: name for tables. Default: formula and basis, e.g. "LiH sto-3g (2e,5o)".

    Returns:
        The problem, in hartree, on 2M qubits for M active orbitals.

    Raises:
        QvarError: if an argument is not understood, the arguments contradict each other, or the self-consistent
            field does not converge.
    """
    from qvar.problems.mole_input import is_mole, mole_inputs, mole_stem, plain_mole, require_no_contradiction
    from qvar.problems.molecular_problem import Head, SpaceChoice, molecular_problem
    from qvar.problems.scf import follow, n_independent_functions, run_scf

    require(0 < linear_dependence <= 0.01, "linear_dependence", "be positive and at most 0.01", linear_dependence)
    if is_mole(geometry):
        mol = plain_mole(geometry, "geometry")
        require_no_contradiction(geometry, basis, charge, spin, unit, cart)
        inputs, stem = mole_inputs(mol), mole_stem(geometry)
    else:
        basis, unit = "sto-3g" if basis is None else basis, "angstrom" if unit is None else unit
        mol, inputs, stem = _from_text(
            geometry, basis, 0 if charge is None else charge, 0 if spin is None else spin, unit, cart
        )
    n_functions, n_independent = int(mol.nao), n_independent_functions(mol, linear_dependence)
    n_alpha, n_beta = map(int, mol.nelec)
    must = f"leave an orbital for each of the {n_alpha} spin-up electrons, and not {n_independent} orbitals"
    require(n_alpha <= n_independent, "linear_dependence", must, linear_dependence)
    choice = SpaceChoice(active_space, active_orbitals, frozen)
    if not choice.is_computed:  # a mistake is found before the self-consistent field
        choice.of([(k < n_alpha) + (k < n_beta) for k in range(n_independent)])
    mean_field = run_scf(mol, linear_dependence)
    lowered = follow(mean_field) if stable else 0.0
    notes = ()
    if n_independent < n_functions:
        notes = (
            f"The basis set is linearly dependent on these atoms: {n_functions - n_independent} of its {n_functions} "
            f"functions are left out (eigenvalues of the overlap matrix up to {linear_dependence:g}).",
        )
    inputs |= {"stable": True} if stable else {}
    inputs |= {"linear_dependence": linear_dependence} if linear_dependence != 1e-6 else {}
    return molecular_problem(mean_field, choice, Head(name, stem, inputs, notes), lowered=lowered)


def _from_text(
    geometry: Any, basis: Any, charge: Any, spin: Any, unit: Any, cart: bool | None
) -> tuple[Any, dict[str, Any], str]:
    """Return PySCF's molecule of a geometry and a basis set, its description, and formula, charge and basis."""
    from qvar.problems.geometry import parse_geometry
    from qvar.problems.molecular_problem import charge_suffix
    from qvar.problems.scf import build_molecule

    charge, spin = whole_number("charge", charge), whole_number("spin", spin)
    chosen = parse_basis(basis)
    atoms = parse_geometry(geometry, unit)
    mol = build_molecule(atoms, chosen, charge, spin, cart)
    inputs = {
        "model": "molecule",
        "geometry": atoms.text,
        "unit": atoms.unit,
        "basis": chosen.content,
        "charge": charge,
        "spin": spin,
        **({"cart": True} if mol.cart and (chosen.text is None or not chosen.text.cartesian) else {}),
    }
    return mol, inputs, f"{atoms.formula}{charge_suffix(charge)} {chosen.name}"


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
    bond = float(bond)
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
