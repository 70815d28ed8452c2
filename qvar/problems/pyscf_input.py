"""Problems from calculations of PySCF: mean fields, CASCI and CASSCF, and own orbitals over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from qvar._types import FloatArray
from qvar.arguments import checked
from qvar.errors import QvarError, require
from qvar.memory import require_memory
from qvar.problems.hamiltonians import real_array
from qvar.problems.mole_input import mole_inputs, mole_stem, plain_mole
from qvar.problems.molecular_problem import Head, SpaceChoice, digest, molecular_problem
from qvar.problems.orbital_choices import ActiveSpaceChoice, NaturalOrbitals
from qvar.problems.orbital_rotations import natural_orbitals
from qvar.problems.problem import Problem
from qvar.problems.scf import one_thread_without_files

_ORTHONORMAL = 1e-6
"""Largest deviation from orthonormality of orbitals that a user brings."""

_SAME_ENERGY = 1e-6
"""Difference between a mean field's energy and that of its molecule's Hamiltonian that counts as none, in hartree."""


class _Hamiltonian(NamedTuple):
    """The molecule of a mean field, with integrals over its atomic orbitals."""

    mol: Any
    """`Mole` of PySCF, without point group."""
    core: FloatArray
    """Core Hamiltonian, shape (n_ao, n_ao), in hartree."""
    nuclear: float
    """Repulsion of the nuclei, and of what else is at rest, in hartree."""
    repulsion: FloatArray
    """Two-electron integrals in PySCF's eightfold packing, in hartree."""


class _Source(NamedTuple):
    """A calculation of PySCF, reduced to one set of orbitals."""

    coefficients: FloatArray
    """Shape (n_ao, n_mo)."""
    occupations: tuple[int, ...]
    """2, 1 or 0 electrons of each orbital in the reference determinant."""
    kind: str
    """Name of the orbitals."""
    notes: tuple[str, ...] = ()
    """Sentences on them."""
    stationary: bool = False
    """True for the Hartree-Fock determinant of exact integrals."""
    frozen: tuple[int, ...] | None = None
    """Core of a CASCI or CASSCF."""
    active: tuple[int, ...] | None = None
    """Active orbitals of a CASCI or CASSCF."""


@checked(own=("mean_field", "orbitals"))
def from_pyscf(
    mean_field: Any,
    *,
    active_space: ActiveSpaceChoice | None = None,
    active_orbitals: Sequence[int] | None = None,
    frozen: Sequence[int] | None = None,
    orbitals: Any = None,
    name: str | None = None,
) -> Problem:
    r"""Make the problem of a molecule from a calculation of PySCF, in its orbitals.

    The Hamiltonian is that of the molecule with exact integrals and the mean field's core Hamiltonian, which may hold
    core potentials, scalar X2C corrections, point charges (QM/MM), or an external field. `Problem.notes` names what
    readers should know: Kohn-Sham orbitals, whose determinant has another energy than the functional; natural orbitals
    of UHF, because a problem has one set of orbitals for both spins; density fitting, which the integrals do without.

    The description, and so the key of a task, holds a digest of all integrals. Two runs of PySCF may differ in the last
    bit: a case that runs in several processes loads a problem that was saved once (`Problem.save`).

    Args:
        mean_field: a converged `pyscf.scf` or `pyscf.dft` object with real orbitals: RHF, ROHF, RKS, ROKS as they are;
            UHF, UKS by the natural orbitals of their density; or a `pyscf.mcscf` object, CASCI or CASSCF, with its own
            active space. The reference determinant of the latter fills the active orbitals of largest occupation.
        active_space: see `molecule`; of a CASCI or CASSCF its own.
        active_orbitals: indices of the active orbitals as columns of `mo_coeff`, or of `orbitals`, counted from 0.
        frozen: indices of doubly occupied orbitals to freeze; see `molecule`.
        orbitals: own orbitals in place of the mean field's, shape (n_ao, n_mo), orthonormal over the molecule's overlap
            matrix. They are occupied as those of a restricted mean field with as many; otherwise the first ones are.
        name: name for tables. Default: formula, basis and active space.

    Returns:
        The problem, in hartree, on 2M qubits for M active orbitals.

    Raises:
        QvarError: if the calculation has not converged, has complex or two-component orbitals, is periodic or has a
            solvent or another term that integrals do not hold, or an argument does not fit.
    """
    scf_object, cas = _mean_field_of(mean_field)
    mol = _molecule_of(scf_object)
    require_memory("mean_field", f"{mol.nao} atomic orbitals", mol.nao**4)
    choice = SpaceChoice(active_space, active_orbitals, frozen)
    with one_thread_without_files():
        nuclear, repulsion = float(scf_object.energy_nuc()), mol.intor("int2e", aosym="s8")
        hamiltonian = _Hamiltonian(mol, np.asarray(scf_object.get_hcore()), nuclear, repulsion)
        source = _source(scf_object, cas, hamiltonian)
    if orbitals is not None:
        if cas is not None:
            raise QvarError("`orbitals` must be left out for a CASCI or CASSCF, which has its own, but is given.")
        source = _own(orbitals, source, scf_object)
    if source.active is not None:
        if choice != SpaceChoice(None, None, None):
            raise QvarError(
                "`active_space`, `active_orbitals` and `frozen` must be left out for a CASCI or CASSCF, which has its "
                "own, but one is given."
            )
        choice = SpaceChoice(None, source.active, source.frozen)
    if isinstance(active_space, NaturalOrbitals) and not source.stationary:
        raise QvarError(
            f"`active_space` must be another one than natural orbitals of {active_space.theory.upper()}, which need a "
            f"Hartree-Fock determinant without density fitting, but the orbitals are {source.kind}."
        )
    plain = _plain_field(hamiltonian, source)
    inputs = {
        **mole_inputs(mol),
        "orbitals": source.kind,
        "integrals": digest(hamiltonian.core, nuclear, source.coefficients),
    }
    own = "" if source.kind in ("RHF", "ROHF") else f" {source.kind}"
    stem = f"{mole_stem(scf_object.mol)}{own}"
    return molecular_problem(plain, choice, Head(name, stem, inputs, source.notes), stationary=source.stationary)


def _mean_field_of(calculation: Any) -> tuple[Any, Any]:
    """Return the mean field of a calculation, and its CASCI or CASSCF if it is one, after checking what they are."""
    from pyscf.mcscf.casci import CASBase
    from pyscf.mcscf.mc1step import CASSCF
    from pyscf.scf.hf import SCF

    must = "be a calculation of PySCF, such as pyscf.scf.RHF(mol).run()"
    cas = calculation if isinstance(calculation, CASBase) else None
    field = calculation if cas is None else cas._scf
    periodic = getattr(field, "cell", None) is not None
    require(not periodic, "mean_field", "be of a molecule and not of a periodic cell", calculation)
    has_spins = isinstance(getattr(cas, "ncore", None), tuple | list)
    require(not has_spins, "mean_field", "have one set of orbitals for both spins in its CASCI or CASSCF", calculation)
    require(isinstance(field, SCF), "mean_field", must, calculation)
    for part in (field, cas):
        solvent = getattr(part, "with_solvent", None)
        require(solvent is None, "mean_field", "be without a solvent, which integrals do not hold", calculation)
    for part in (field, calculation):
        coefficients: Any = getattr(part, "mo_coeff", None)
        require(coefficients is not None, "mean_field", "have been run, as by `mean_field.run()`", calculation)
        require(not np.iscomplexobj(coefficients), "mean_field", "have real orbitals", calculation)
        fits = np.shape(coefficients)[-2] == field.mol.nao
        require(fits, "mean_field", "have orbitals of one spin, not of both at once as GHF has", calculation)
        needs_end = part is field or isinstance(part, CASSCF)  # the orbitals of a CASCI are those it was made with
        if needs_end and not bool(np.all(getattr(part, "converged", True))):
            raise QvarError(f"`mean_field` must be converged, but {_kind_of(part)} did not converge.")
    return field, cas


def _molecule_of(field: Any) -> Any:
    """Rebuild the molecule of a mean field, after checking that its overlap matrix is the mean field's."""
    plain = plain_mole(field.mol, "mean_field")
    overlap = np.asarray(field.get_ovlp())
    if overlap.shape != (plain.nao,) * 2 or np.abs(overlap - plain.intor("int1e_ovlp")).max() > 1e-10:
        raise QvarError("`mean_field` must have the overlap matrix of its molecule, but has another one.")
    return plain


def _source(field: Any, cas: Any, hamiltonian: _Hamiltonian) -> _Source:
    """Reduce a converged calculation to orbitals and the occupations of a determinant."""
    from pyscf.dft.rks import KohnShamDFT

    kind, notes = _kind_of(field), []
    occupations = np.asarray(field.mo_occ)
    fractional = np.abs(occupations - np.round(occupations)).max() > 1e-8
    require(not fractional, "mean_field", "have whole occupations, without smearing", occupations.tolist())
    fitted = getattr(field, "with_df", None) is not None or getattr(cas, "with_df", None) is not None
    if fitted:
        notes.append("The mean field was density-fitted; the integrals of the problem are exact.")
    kohn_sham = bool(isinstance(field, KohnShamDFT))
    if kohn_sham:
        notes.append(
            f"Its orbitals are Kohn-Sham orbitals ({field.xc}): the reference energy is that of their determinant, "
            "not the functional's."
        )
    elif not fitted:
        _require_same_energy(field, hamiltonian)
    if cas is not None:
        return _of_cas(cas, hamiltonian.mol, tuple(notes))
    if occupations.ndim == 2:
        notes.append(
            f"Its orbitals are natural orbitals of the {kind} density, because a problem has one set of orbitals for "
            "both spins; the reference determinant fills those of largest occupation."
        )
        return _of_unrestricted(field, hamiltonian, kind, tuple(notes))
    order = tuple(int(number) for number in occupations)
    return _Source(np.array(field.mo_coeff), order, kind, tuple(notes), not (kohn_sham or fitted))


def _kind_of(part: Any) -> str:
    """Return the name of a theory, such as "UHF", "ROKS" or "CASSCF(6,6)"."""
    from pyscf.dft.rks import KohnShamDFT
    from pyscf.mcscf.casci import CASBase
    from pyscf.mcscf.mc1step import CASSCF
    from pyscf.scf.rohf import ROHF

    if isinstance(part, CASBase):
        return f"CASSCF({sum(part.nelecas)},{part.ncas})" if isinstance(part, CASSCF) else "CASCI"
    first = "U" if np.ndim(part.mo_occ) == 2 else "RO" if isinstance(part, ROHF) else "R"
    return first + ("KS" if isinstance(part, KohnShamDFT) else "HF")


def _require_same_energy(field: Any, hamiltonian: _Hamiltonian) -> None:
    """Refuse a Hartree-Fock energy that is not that of the molecule's Hamiltonian, such as one with dispersion."""
    from pyscf.scf.uhf import UHF

    density = np.asarray(field.make_rdm1())
    spins = density if density.ndim == 3 else np.stack([0.5 * density] * 2)
    plain = UHF(hamiltonian.mol)
    plain.verbose, plain._eri = 0, hamiltonian.repulsion
    electrons, _ = plain.energy_elec(spins, hamiltonian.core, plain.get_veff(hamiltonian.mol, spins))
    excess = float(field.e_tot) - float(electrons) - hamiltonian.nuclear
    if not abs(excess) <= _SAME_ENERGY:
        raise QvarError(
            "`mean_field` must have the energy of its molecule's Hamiltonian, but has "
            f"{excess:.3g} Ha more, from a term that integrals do not hold."
        )


def _of_unrestricted(field: Any, hamiltonian: _Hamiltonian, kind: str, notes: tuple[str, ...]) -> _Source:
    mol = hamiltonian.mol
    overlap, density = mol.intor("int1e_ovlp"), np.asarray(field.make_rdm1())
    basis = np.array(field.mo_coeff[0])
    n_alpha, n_beta = map(int, mol.nelec)
    first = tuple((k < n_alpha) + (k < n_beta) for k in range(basis.shape[1]))
    plain = _plain_field(hamiltonian, _Source(basis, first, kind))
    fock = np.asarray(field.get_fock())
    plain.get_fock = lambda *_: 0.5 * (fock[0] + fock[1])
    projected = basis.T @ overlap
    orbitals, _ = natural_orbitals(plain, projected @ (density[0] + density[1]) @ projected.T, kind)
    return _Source(orbitals.coefficients, orbitals.occupations, f"{kind} natural orbitals", notes)


def _of_cas(cas: Any, mol: Any, notes: tuple[str, ...]) -> _Source:
    coefficients, n_core, n_active = np.array(cas.mo_coeff), int(cas.ncore), int(cas.ncas)
    n_alpha, n_beta = map(int, cas.nelecas)
    require(n_alpha + n_beta + 2 * n_core == mol.nelectron, "mean_field", "have all electrons of its molecule", cas)
    weights = np.zeros(n_active)
    if getattr(cas, "ci", None) is not None:
        density = np.asarray(cas.fcisolver.make_rdm1(cas.ci, n_active, cas.nelecas))
        weights = np.round(np.diag(density), 8)
    order = np.argsort(-weights, kind="stable")
    occupations = np.zeros(coefficients.shape[1], int)
    occupations[:n_core] = 2
    occupations[n_core + order[: max(n_alpha, n_beta)]] = 1
    occupations[n_core + order[: min(n_alpha, n_beta)]] = 2
    kind = _kind_of(cas)
    notes += (f"Its orbitals are those of {kind}; the reference determinant fills those of largest occupation.",)
    mol.spin = abs(n_alpha - n_beta)
    core, active = tuple(range(n_core)), tuple(range(n_core, n_core + n_active))
    return _Source(coefficients, tuple(occupations.tolist()), kind, notes, frozen=core, active=active)


def _own(orbitals: Any, source: _Source, field: Any) -> _Source:
    """Put orbitals of the user in place of a mean field's."""
    table = np.array(real_array("orbitals", orbitals))
    overlap = np.asarray(field.get_ovlp())
    n_ao, n_alpha = len(overlap), max(map(int, field.mol.nelec))
    fits = table.ndim == 2 and len(table) == n_ao and n_alpha <= table.shape[1] <= n_ao
    require(fits, "orbitals", f"have shape ({n_ao}, n_mo) with {n_alpha} to {n_ao} columns", table.shape)
    deviation = float(np.abs(table.T @ overlap @ table - np.eye(table.shape[1])).max())
    if not deviation <= _ORTHONORMAL:
        must = "be orthonormal over the molecule's overlap matrix"
        raise QvarError(f"`orbitals` must {must}, but deviate from it by {deviation:.2g}.")
    if deviation > 1e-12:  # rounding of a file, say; energies would have an error of this size
        values, vectors = np.linalg.eigh(table.T @ overlap @ table)
        table = table @ (vectors / np.sqrt(values)) @ vectors.T
    n_beta = min(map(int, field.mol.nelec))
    occupations = tuple((k < n_alpha) + (k < n_beta) for k in range(table.shape[1]))
    if np.ndim(field.mo_occ) == 1 and len(field.mo_occ) == len(occupations):
        occupations = tuple(int(number) for number in field.mo_occ)
    notes = tuple(note for note in source.notes if not note.startswith("Its orbitals"))
    notes += ("Its orbitals were given; the reference energy is that of their determinant.",)
    return _Source(table, occupations, "own orbitals", notes)


def _plain_field(hamiltonian: _Hamiltonian, source: _Source) -> Any:
    """Return RHF or ROHF of PySCF with exact integrals, and orbitals that need not be self-consistent."""
    from pyscf import scf

    plain: Any = (scf.rohf.ROHF if 1 in source.occupations else scf.hf.RHF)(hamiltonian.mol)
    plain.verbose, plain._eri = 0, hamiltonian.repulsion
    plain.get_hcore, plain.energy_nuc = lambda *_: hamiltonian.core, lambda *_: hamiltonian.nuclear
    plain.mo_coeff, plain.mo_occ = source.coefficients, np.array(source.occupations, float)
    with one_thread_without_files():
        density = plain.make_rdm1()
        fock = np.asarray(plain.get_fock(dm=density))
        plain.e_tot = float(plain.energy_tot(density))
    plain.mo_energy = np.einsum("mp,mn,np->p", plain.mo_coeff, fock, plain.mo_coeff)
    plain.converged = True
    return plain
