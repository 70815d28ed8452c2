"""Self-consistent field with PySCF: a molecule in, reproducible orbitals and integrals out.

The same inputs give the same numbers bit for bit in every process on one machine: PySCF's parallel sums are
kept to one thread, and orbitals of one energy have fixed directions and signs. Other kinds of processors round
differently; they find the same determinant.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from qvar._types import FloatArray, IntArray
from qvar.errors import QvarError, require
from qvar.problems.basis_input import BasisInput, element_basis
from qvar.problems.geometry import Geometry, element_of
from qvar.problems.hamiltonians import Integrals
from qvar.problems.stability import descents

DEGENERATE = 1e-6
"""Orbital energies closer than this, in hartree, count as one."""

_SAME = 1e-6
"""Energies closer than this, in hartree, are those of one determinant."""

_MOST_SADDLES = 10
"""Largest number of saddles that `follow` leaves."""

DEPENDENT = 1e-6
"""Eigenvalue of the overlap matrix below which PySCF drops functions as linearly dependent."""


def build_molecule(geometry: Geometry, basis: BasisInput, charge: int, spin: int, cart: bool | None = None) -> Any:
    """Build PySCF's `Mole`, after checking that basis, charge and spin fit the atoms.

    Functions are Cartesian if `cart`; as the basis set declares, otherwise spherical, if None.

    Raises `QvarError` if the basis lacks an element or declares the other kind of functions, or charge and spin do not
    fit the number of electrons.
    """
    from pyscf import gto

    sets = {element: element_basis(basis, element) for element in geometry.elements}
    text, shells = basis.text, basis.content
    if text is not None:
        shells = {symbol: sets[element_of(symbol)].shells for symbol, _ in geometry.atoms}
    if cart is not None and text is not None and isinstance(basis.content, str):
        declared = "Cartesian" if text.cartesian else "spherical" if "spherical" in basis.content.lower() else ""
        fits = declared != ("spherical" if cart else "Cartesian")
        require(fits, "cart", f"fit the basis set, whose functions are declared {declared}", cart)
    potentials = {element: own.potential for element, own in sets.items() if own.potential}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PySCF's remarks on names of basis sets, which are checked above
        mol = gto.Mole()
        mol.atom, mol.basis, mol.ecp, mol.unit = list(geometry.atoms), shells, potentials, geometry.unit
        mol.cart = bool(cart) if cart is not None else text is not None and text.cartesian
        mol.verbose, mol.charge, mol.spin = 0, 0, None
        mol.build(dump_input=False, parse_arg=False)
    electrons = int(mol.nelectron) - charge
    require(electrons >= 1, "charge", f"leave at least one of {mol.nelectron} electrons", charge)
    require(spin >= 0, "spin", "be zero or a positive number of unpaired electrons", spin)
    require(spin <= electrons, "spin", f"be at most the {electrons} electrons", spin)
    parity = "even" if electrons % 2 == 0 else "odd"
    must = f"be {parity} with {electrons} electrons, as the number of unpaired ones and not the multiplicity"
    require((electrons - spin) % 2 == 0, "spin", must, spin)
    n_alpha, n_orbitals = (electrons + spin) // 2, int(mol.nao)
    if n_alpha > n_orbitals:
        raise QvarError(
            f"`basis` must have an orbital for each of the {n_alpha} spin-up electrons, "
            f"but {basis.name!r} has {n_orbitals} on these atoms."
        )
    mol.charge, mol.spin = charge, spin
    mol.build(dump_input=False, parse_arg=False)
    return mol


def n_independent_functions(mol: Any, threshold: float) -> int:
    """Count eigenvalues of a molecule's overlap matrix above a threshold."""
    return int(np.sum(np.linalg.eigvalsh(mol.intor("int1e_ovlp")) > threshold))


def require_independent(mol: Any) -> None:
    """Raise `QvarError` if the functions of a molecule are linearly dependent."""
    n_functions, n_independent = int(mol.nao), n_independent_functions(mol, DEPENDENT)
    if n_independent < n_functions:
        raise QvarError(
            f"`basis` must be linearly independent, but only {n_independent} of its {n_functions} functions on "
            "these atoms are."
        )


def run_scf(mol: Any, linear_dependence: float = DEPENDENT) -> Any:
    """Run restricted Hartree-Fock, RHF without and ROHF with unpaired electrons, in fixed canonical orbitals.

    The object of PySCF has reproducible `mo_coeff`: doubly occupied orbitals first, then singly occupied and empty
    ones, each in order of energy. Eigenvectors of the overlap matrix with eigenvalues up to `linear_dependence` are
    left out.

    Raises:
        QvarError: if neither the usual (DIIS) nor the second-order iteration converges.
    """
    from pyscf.scf.hf import RHF
    from pyscf.scf.rohf import ROHF

    with one_thread_without_files():
        mean_field: Any = RHF(mol) if mol.spin == 0 else ROHF(mol)
        if linear_dependence != DEPENDENT:
            mean_field.check_linear_dependency = lambda overlap, *_, **__: _orthogonalized(overlap, linear_dependence)
        converge(mean_field)
        _fix_orbitals(mean_field)
    return mean_field


def _orthogonalized(overlap: FloatArray, threshold: float) -> FloatArray:
    """Return orthonormal combinations of functions without the null space of their overlap matrix."""
    values, vectors = np.linalg.eigh(overlap)
    return vectors[:, values > threshold] / np.sqrt(values[values > threshold])


def _fix_orbitals(mean_field: Any) -> None:
    """Fix order, directions and signs of restricted orbitals, in place."""
    # PySCF fills open shells by the energies of spin-up orbitals, whose order need not be that of the orbitals
    order = np.lexsort((np.asarray(mean_field.mo_energy), -np.asarray(mean_field.mo_occ)))
    mean_field.mo_energy, mean_field.mo_occ = mean_field.mo_energy[order], mean_field.mo_occ[order]
    orbitals = np.array(mean_field.mo_coeff)[:, order]
    orbitals = fix_degenerate(mean_field.mol, orbitals, mean_field.mo_energy, mean_field.mo_occ)
    mean_field.mo_coeff = fix_signs(orbitals)


def follow(mean_field: Any) -> float:
    """Lower a converged mean field of PySCF in place until no determinant of its kind lies lower nearby.

    Each step rotates the orbitals along the direction of steepest descent, both ways, and iterates to
    self-consistency from there, by second order. Every minimum is a local one: another may be lower.

    Returns:
        Energy by which it was lowered, in hartree; 0 if it was stable.

    Raises:
        QvarError: if an iteration does not converge, or no minimum is found after ten saddles.
    """
    first = float(mean_field.e_tot)
    with one_thread_without_files():
        for _ in range(_MOST_SADDLES):
            below = [_descended(mean_field, orbitals) for orbitals in descents(mean_field)]
            if not below:
                if np.ndim(mean_field.mo_occ) == 1:
                    _fix_orbitals(mean_field)
                return first - float(mean_field.e_tot)
            lowest = min(below, key=lambda field: (not field.converged, field.e_tot))
            if not (lowest.converged and lowest.e_tot < mean_field.e_tot):
                break
            _adopt(mean_field, lowest)
    raise QvarError(
        "`stable` must lead to a determinant that is a minimum, but the second-order iteration found none from a "
        f"saddle at {mean_field.e_tot:.6f} Ha."
    )


def converge(mean_field: Any) -> Any:
    """Iterate a mean field of PySCF to self-consistency, tighter than its energy needs.

    Raises `QvarError` if neither the usual (DIIS) nor the second-order iteration converges.
    """
    mean_field.verbose = 0
    # FCI does not depend on the orbitals, but a truncated ansatz does: hence small gradients
    size = _size(mean_field)
    mean_field.conv_tol, mean_field.conv_tol_grad, mean_field.max_cycle = 1e-12 * size, 1e-8 * size, 200
    with one_thread_without_files():
        try:
            mean_field.kernel(dm0=_first_density(mean_field))
        except (np.linalg.LinAlgError, AttributeError) as error:  # from DIIS, whose equations may be singular
            # PySCF 2.14 looks for the error under a name that NumPy 2 no longer has
            if isinstance(error, AttributeError) and "linalg" not in str(error):
                raise
        if not mean_field.converged:
            # If DIIS stalls, the gradient is often noisy; an energy's error is its square.
            second_order = _second_order(mean_field, mean_field.mo_coeff, 1e-11, 1e-7)
            if not second_order.converged:
                raise QvarError(
                    "`geometry` must allow a converged Hartree-Fock reference, "
                    "but neither DIIS nor the second-order iteration converged."
                )
            _adopt(mean_field, second_order)
    return mean_field


def _first_density(mean_field: Any) -> Any:
    """Return the first density: PySCF's own guess, unless only some of several orbitals of one energy are to be filled.

    Rounding would choose among them, differently on each kind of processor, and another choice may lead to another
    determinant. Here those come first that `fix_degenerate` puts first. Cost is that of one Fock matrix.
    """
    mol = mean_field.mol
    guess = mean_field.get_init_guess(mol, mean_field.init_guess)
    focks = np.asarray(mean_field.get_fock(dm=guess))
    unrestricted = focks.ndim == 3
    spins = [[n] for n in mol.nelec] if unrestricted else [mol.nelec]
    basis = _orthogonalized(mean_field.get_ovlp(), DEPENDENT)
    orbitals, occupations, is_free = [], [], False
    for fock, numbers in zip(focks if unrestricted else [focks], spins, strict=True):
        energies, vectors = np.linalg.eigh(basis.T @ fock @ basis)
        edges = [n for n in numbers if 0 < n < len(energies)]
        is_free |= any(energies[n] - energies[n - 1] < DEGENERATE for n in edges)
        occupations.append(sum((np.arange(len(energies)) < n).astype(float) for n in numbers))
        orbitals.append(fix_degenerate(mol, basis @ vectors, energies, np.zeros_like(energies)))
    if not is_free:
        return guess
    if unrestricted:
        return mean_field.make_rdm1(np.stack(orbitals), np.stack(occupations))
    return mean_field.make_rdm1(orbitals[0], occupations[0])


def _second_order(mean_field: Any, orbitals: Any, change: float, gradient: float) -> Any:
    """Iterate a mean field from given orbitals by PySCF's second-order solver, converged or not."""
    second_order, size = mean_field.newton(), _size(mean_field)
    second_order.verbose, second_order.max_cycle = 0, 100
    second_order.conv_tol, second_order.conv_tol_grad = change * size, gradient * size
    second_order.kernel(orbitals, mean_field.mo_occ)
    return second_order


def _descended(mean_field: Any, orbitals: Any) -> Any:
    """Iterate a mean field from orbitals near a saddle, converged or not.

    First by second order, which descends but stalls at gradients of about 1e-7; then by DIIS, if its energy is no
    higher.
    """
    rough = _second_order(mean_field, orbitals, 1e-8, 1e-5)
    fine = mean_field.copy()
    fine.kernel(dm0=rough.make_rdm1())
    gradient = np.linalg.norm(fine.get_grad(fine.mo_coeff, fine.mo_occ))
    fine.converged = fine.converged or bool(gradient < 1e-7 * _size(mean_field))  # soft rotations stall DIIS, too
    if fine.converged and fine.e_tot < rough.e_tot + _SAME * _size(mean_field):
        return fine
    return _second_order(mean_field, rough.mo_coeff, 1e-11, 1e-7)


def _adopt(mean_field: Any, other: Any) -> None:
    for name in ("mo_coeff", "mo_energy", "mo_occ", "e_tot", "converged"):
        setattr(mean_field, name, getattr(other, name))


def _size(mean_field: Any) -> float:
    """Return a factor of tolerances: rounding grows with the total energy, roughly as Z^2.4 per atom."""
    return max(1.0, float(np.sum(mean_field.mol.atom_charges() ** 2.4)) / 100)


def fix_degenerate(mol: Any, orbitals: FloatArray, energies: FloatArray, occupations: FloatArray) -> FloatArray:
    r"""Rotate orbitals of one energy and occupation to eigenfunctions of x^2 + 2 y^2 + 3 z^2 about the charge centre.

    Self-consistency leaves the directions in such a set free. With atoms along an axis, pi orbitals then point along
    the other two axes; a set on which this operator is degenerate stays as it is.
    """
    fixed = orbitals.copy()
    charges, places = mol.atom_charges(), mol.atom_coords()
    centre = charges @ places / max(charges.sum(), 1)
    starts = [
        k
        for k in range(1, len(energies))
        if energies[k] - energies[k - 1] > DEGENERATE or occupations[k] != occupations[k - 1]
    ]
    spread = None
    for group in np.split(np.arange(len(energies)), starts):
        if len(group) > 1:
            if spread is None:
                with mol.with_common_orig(centre):
                    second = mol.intor("int1e_rr").reshape(3, 3, mol.nao, mol.nao)
                spread = second[0, 0] + 2 * second[1, 1] + 3 * second[2, 2]
            _, mixing = np.linalg.eigh(orbitals[:, group].T @ spread @ orbitals[:, group])
            fixed[:, group] = orbitals[:, group] @ mixing
    return fixed


def fix_signs(orbitals: FloatArray) -> FloatArray:
    """Choose the sign of every column that makes its largest coefficient positive.

    Of coefficients that are equally large to a relative 1e-8, which symmetry makes common, the first decides.
    """
    size = np.abs(orbitals)
    first = np.argmax(size >= size.max(axis=0) * (1 - 1e-8), axis=0)
    return orbitals * np.where(orbitals[first, np.arange(orbitals.shape[1])] < 0, -1.0, 1.0)


def active_integrals(mean_field: Any, frozen: IntArray, active: IntArray) -> Integrals:
    r"""Compute integrals over active orbitals in the field of a frozen core, as in a CASCI.

    With the core's density \(D = 2 \sum_{i \in frozen} C_i C_i^T\) and field \(V = J(D) - K(D)/2\), the one-body
    part is \(h + V\), and the core energy is \(E_{nuc} + \mathrm{Tr}\, D (h + V/2)\).
    """
    from pyscf import ao2mo
    from pyscf.scf.hf import dot_eri_dm

    mol: Any = mean_field.mol
    orbitals: FloatArray = np.asarray(mean_field.mo_coeff)
    with one_thread_without_files():
        core_hamiltonian: FloatArray = np.asarray(mean_field.get_hcore())
        repulsion = mean_field._eri if mean_field._eri is not None else mol.intor("int2e", aosym="s8")
        chosen = np.asarray(orbitals[:, active], order="F")
        energy, effective = float(mean_field.energy_nuc()), core_hamiltonian
        if len(frozen):
            density = 2 * orbitals[:, frozen] @ orbitals[:, frozen].T
            fields: Any = dot_eri_dm(repulsion, density, hermi=1)
            field = fields[0] - 0.5 * fields[1]
            energy += float(np.sum(density * (core_hamiltonian + 0.5 * field)))
            effective = core_hamiltonian + field
        pairs = ao2mo.incore.full(repulsion, chosen)
    one = chosen.T @ effective @ chosen
    pairs = pairs.reshape(-1, len(active) * (len(active) + 1) // 2)
    two = ao2mo.restore(1, 0.5 * (pairs + pairs.T), len(active))
    return Integrals(energy, 0.5 * (one + one.T), two)


@contextmanager
def one_thread_without_files() -> Iterator[None]:
    """Keep PySCF to one thread, and from opening a checkpoint file in the user's folder."""
    from pyscf import lib
    from pyscf.scf import hf

    before = hf.MUTE_CHKFILE
    hf.MUTE_CHKFILE = True
    try:
        with lib.with_omp_threads(1):
            yield
    finally:
        hf.MUTE_CHKFILE = before
