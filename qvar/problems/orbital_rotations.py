"""Orbitals of active spaces that are not canonical: AVAS, natural orbitals, and orbitals of one symmetry.

All start from a restricted mean field of PySCF with exact integrals, and give the same numbers bit for bit for the same
mean field: orbitals of one kind diagonalize its Fock matrix, and have fixed directions and signs.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from qvar._types import FloatArray
from qvar.errors import QvarError, require
from qvar.problems.orbital_choices import Avas, NaturalOrbitals, OrbitalsByIrrep
from qvar.problems.scf import DEGENERATE, fix_degenerate, fix_signs, one_thread_without_files

_SAME_OCCUPATION = 1e-6
"""Natural occupations closer than this count as one."""

_KRYPTON = 36
"""Nuclear charge up to which PySCF's `minao` has all shells."""

_PURE = 1e-4
"""Part of an orbital outside its irreducible representation that counts as none."""


class RotatedOrbitals(NamedTuple):
    """Orbitals in an order, and their occupations in the reference determinant."""

    coefficients: FloatArray
    """Shape (n_ao, n_mo)."""
    occupations: tuple[int, ...]
    """2, 1 or 0 electrons of each."""
    energies: FloatArray
    """Diagonal of the Fock matrix, in hartree, shape (n_mo,)."""
    kinds: tuple[int, ...]
    """Number of the set of each: orbitals of one set and one energy have no direction of their own."""
    frozen: tuple[int, ...]
    """Columns that the choice freezes."""
    active: tuple[int, ...]
    """Columns that the choice makes active."""
    about: str
    """Sentence on the orbitals without its full stop, for `Problem.notes`."""


def avas_orbitals(mean_field: Any, choice: Avas) -> RotatedOrbitals:
    """Rotate the orbitals of a determinant into those that overlap with atomic orbitals and the others, see `Avas`.

    Raises `QvarError` if a label names no atomic orbital, or no orbital overlaps with them.
    """
    overlaps, cross = _atomic_overlaps(mean_field.mol, choice)
    occupations = np.asarray(mean_field.mo_occ)
    blocks: list[FloatArray] = []
    for electrons in (2, 1, 0):
        columns = mean_field.mo_coeff[:, occupations == electrons]
        projected = cross @ columns
        weights, mixing = np.linalg.eigh(projected.T @ np.linalg.solve(overlaps, projected))
        inside = weights >= choice.threshold if electrons != 1 else np.ones(len(weights), bool)
        parts = [columns @ mixing[:, ~inside], columns @ mixing[:, inside]]
        blocks += parts if electrons == 2 else parts[::-1]
    # core, active of two, one and no electrons; blocks[3] is empty: all singly occupied orbitals are active
    sizes = [block.shape[1] for block in blocks]
    if sizes[1] + sizes[2] + sizes[4] == 0:
        labels = ", ".join(map(repr, choice.words))
        raise QvarError(f"`threshold` must leave orbitals that overlap with {labels}, but is {choice.threshold:g}.")
    kinds = np.repeat(np.arange(6), sizes)
    coefficients, energies = _fixed(mean_field, np.hstack(blocks), kinds)
    first, last = sizes[0], sum(sizes[:5])
    return RotatedOrbitals(
        coefficients,
        tuple(np.repeat([2, 2, 1, 1, 0, 0], sizes).tolist()),
        energies,
        tuple(kinds.tolist()),
        tuple(range(first)),
        tuple(range(first, last)),
        f"The active orbitals overlap with {', '.join(choice.words)} (AVAS, threshold {choice.threshold:g})",
    )


def _atomic_overlaps(mol: Any, choice: Avas) -> tuple[FloatArray, FloatArray]:
    """Return overlaps of the chosen atomic orbitals with each other and with the functions of the molecule."""
    from pyscf import gto
    from pyscf.data.elements import ELEMENTS

    minimal = mol.copy()
    minimal.atom, minimal.unit, minimal.symmetry = mol._atom, "bohr", False
    minimal.basis, minimal.ecp, minimal._ecp, minimal.spin = choice.minimal_basis, {}, {}, None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            minimal.build(dump_input=False, parse_arg=False)
    except Exception:  # PySCF raises a dozen types for a set that lacks an element
        must = "be a basis set that has shells for these elements"
        raise QvarError(f"`minimal_basis` must {must}, but is {choice.minimal_basis!r}.") from None
    rows = {label: [int(row) for row in minimal.search_ao_label(label)] for label in choice.words}
    labels = minimal.ao_labels(fmt=False)
    missing = [label for label in choice.words if not rows[label]]
    atoms = {int(labels[row][0]) for own in rows.values() for row in own} if not missing else range(int(mol.natm))
    heavy = {str(mol.atom_pure_symbol(atom)) for atom in atoms} & set(ELEMENTS[_KRYPTON + 1 :])
    if heavy and choice.minimal_basis == "minao":  # it leaves out their cores, and so counts their shells from there
        must = f"be a basis set with all shells of {min(heavy)}, such as 'sto-3g'"
        raise QvarError(f"`minimal_basis` must {must}, but is 'minao'.")
    if missing:
        must = f"name atomic orbitals of the molecule, such as '{labels[-1][1]} {labels[-1][2]}'"
        raise QvarError(f"`labels` must {must}, but is {missing[0]!r}.")
    chosen = sorted({row for own in rows.values() for row in own})
    overlaps = minimal.intor("int1e_ovlp")[np.ix_(chosen, chosen)]
    return overlaps, gto.intor_cross("int1e_ovlp", minimal, mol)[chosen]


def correlated_orbitals(mean_field: Any, choice: NaturalOrbitals) -> RotatedOrbitals:
    """Compute natural orbitals of MP2 or CISD over a Hartree-Fock determinant.

    Raises `QvarError` if CISD does not converge, or the threshold leaves no active space.
    """
    density = _correlated_density(mean_field, choice.theory)
    label = f"The orbitals are {choice.theory.upper()} natural orbitals"
    orbitals, numbers = natural_orbitals(mean_field, density, label)
    if choice.active_space is not None:
        return orbitals
    threshold = float(choice.threshold or 0.0)
    frozen = tuple(np.flatnonzero(numbers > 2 - threshold).tolist())
    active = tuple(np.flatnonzero((numbers >= threshold) & (numbers <= 2 - threshold)).tolist())
    if not active:
        nearest = float(np.minimum(numbers, 2 - numbers).max())
        must = f"leave active orbitals, at most {nearest:.3g} here"
        raise QvarError(f"`threshold` must {must}, but is {threshold:g}.")
    span = f"with occupations from {numbers[active[-1]]:.4f} to {numbers[active[0]]:.4f} in the active space"
    return orbitals._replace(frozen=frozen, active=active, about=f"{orbitals.about}, {span}")


def _correlated_density(mean_field: Any, theory: str) -> FloatArray:
    """Return the spin-summed one-particle density matrix over the orbitals of a mean field, shape (n_mo, n_mo)."""
    from pyscf import ci, mp

    open_shell = bool(np.any(np.asarray(mean_field.mo_occ) == 1))
    with one_thread_without_files(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        field = _with_spin_energies(mean_field) if open_shell else mean_field
        if theory == "mp2":
            solver: Any = mp.UMP2(field) if open_shell else mp.RMP2(field)
            solver.conv_tol_normt = 1e-9  # iterates if the Fock matrix is not diagonal, as for ROHF
        else:
            solver = ci.UCISD(field) if open_shell else ci.RCISD(field)
        solver.verbose, solver.conv_tol, solver.max_cycle = 0, 1e-12, 200
        solver.kernel()
        require(bool(np.all(getattr(solver, "converged", True))), "theory", "converge on this molecule", theory)
        density = solver.make_rdm1()
    return np.asarray(density[0]) + np.asarray(density[1]) if open_shell else np.asarray(density)


def _with_spin_energies(mean_field: Any) -> Any:
    """Return ROHF as UHF with the diagonals of both spins' Fock matrices as energies."""
    unrestricted, fock = mean_field.to_uhf(), mean_field.get_fock()
    spins = zip((fock.focka, fock.fockb), unrestricted.mo_coeff, strict=True)
    unrestricted.mo_energy = np.stack([np.einsum("mp,mn,np->p", c, matrix, c) for matrix, c in spins])
    return unrestricted


def natural_orbitals(mean_field: Any, density: FloatArray, about: str) -> tuple[RotatedOrbitals, FloatArray]:
    """Return natural orbitals in descending order of occupation, and their occupations, shape (n_mo,).

    `density` is the spin-summed one-particle density matrix over the orbitals of the mean field, whose Fock matrix
    orders orbitals of one occupation; `about` is the name of the orbitals.
    """
    numbers, mixing = np.linalg.eigh(-0.5 * (density + density.T))
    numbers = -numbers
    kinds = np.concatenate([[0], np.cumsum(np.diff(numbers) < -_SAME_OCCUPATION)])
    coefficients, energies = _fixed(mean_field, mean_field.mo_coeff @ mixing, kinds)
    n_alpha, n_beta = map(int, mean_field.mol.nelec)
    occupations = tuple((k < n_alpha) + (k < n_beta) for k in range(len(numbers)))
    return RotatedOrbitals(coefficients, occupations, energies, tuple(kinds.tolist()), (), (), about), numbers


def _fixed(mean_field: Any, orbitals: FloatArray, kinds: Any) -> tuple[FloatArray, FloatArray]:
    """Diagonalize the Fock matrix within each kind and fix directions and signs; return orbitals and energies."""
    with one_thread_without_files():
        fock = np.asarray(mean_field.get_fock())
    orbitals, energies = orbitals.copy(), np.zeros(orbitals.shape[1])
    for kind in np.unique(kinds):
        columns = np.flatnonzero(kinds == kind)
        block = orbitals[:, columns]
        energies[columns], mixing = np.linalg.eigh(block.T @ fock @ block)
        orbitals[:, columns] = block @ mixing
    return fix_signs(fix_degenerate(mean_field.mol, orbitals, energies, np.asarray(kinds, float))), energies


def orbitals_by_irrep(mean_field: Any, choice: OrbitalsByIrrep) -> RotatedOrbitals:
    """Rotate orbitals of one energy into irreducible representations, and count them off.

    Raises `QvarError` if the molecule has not the point group, an orbital has no symmetry, or a count is too large.
    """
    labels, basis, group = _symmetry(mean_field.mol, choice.group)
    energies, occupations = np.asarray(mean_field.mo_energy), np.asarray(mean_field.mo_occ)
    orbitals, names = _with_symmetry(mean_field, labels, basis)
    frozen: list[int] = []
    active: list[int] = []
    for argument, counts in (("active", choice.active), ("frozen", choice.frozen)):
        unknown = [label for label in counts if label not in labels]
        if unknown:
            known = f"{', '.join(labels)} of {group}"
            raise QvarError(f"`{argument}` must name representations of orbitals, {known}, but has {unknown[0]!r}.")
    for label in labels:
        columns = [k for k, name in enumerate(names) if name == label]
        core, space = choice.frozen.get(label, 0), choice.active.get(label, 0)
        if core + space > len(columns):
            argument, must = "active", f"ask for at most {len(columns)} frozen and active orbitals of {label}"
            raise QvarError(f"`{argument}` must {must}, but asks for {core + space}.")
        frozen, active = frozen + columns[:core], active + columns[core : core + space]
    counts = ", ".join(f"{count} {label}" for label, count in choice.active.items() if count)
    return RotatedOrbitals(
        fix_signs(orbitals),
        tuple(int(number) for number in occupations),
        energies,
        tuple(int(number) for number in occupations),
        tuple(sorted(frozen)),
        tuple(sorted(active)),
        f"The active orbitals are {counts} of {group}",
    )


def _symmetry(mol: Any, group: str | None) -> tuple[list[str], list[FloatArray], str]:
    """Return labels of irreducible representations, their functions over atomic orbitals, and the point group."""
    symmetric = mol.copy()
    symmetric.symmetry = True if group is None else group
    try:
        with one_thread_without_files(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            symmetric.build(dump_input=False, parse_arg=False)
    except Exception:  # PySCF raises several types
        raise QvarError(f"`group` must be a point group of the molecule, but is {group!r}.") from None
    return [str(name) for name in symmetric.irrep_name], symmetric.symm_orb, str(symmetric.groupname)


def _with_symmetry(mean_field: Any, labels: list[str], basis: Sequence[FloatArray]) -> tuple[FloatArray, list[str]]:
    """Return orbitals that have a symmetry each, rotated among those of one energy, and its labels."""
    overlap = np.asarray(mean_field.get_ovlp())
    orbitals = np.array(mean_field.mo_coeff)
    energies, occupations = np.asarray(mean_field.mo_energy), np.asarray(mean_field.mo_occ)
    parts = []  # (n_mo, n_functions) with orthonormal rows over each representation
    for functions in basis:
        lower = np.linalg.cholesky(functions.T @ overlap @ functions)
        parts.append(np.linalg.solve(lower, functions.T @ overlap).T)
    differ = (np.abs(np.diff(energies)) > DEGENERATE) | (np.diff(occupations) != 0)
    for group in np.split(np.arange(len(energies)), np.flatnonzero(differ) + 1):
        block = orbitals[:, group]
        weighted = sum((k + 1.0) * (block.T @ part) @ (block.T @ part).T for k, part in enumerate(parts))
        orbitals[:, group] = block @ np.linalg.eigh(weighted)[1] if len(group) > 1 else block
    shares = np.stack([np.sum((orbitals.T @ part) ** 2, axis=1) for part in parts])
    impure = np.flatnonzero(shares.max(axis=0) < 1 - _PURE)
    if len(impure):
        raise QvarError(
            f"`active_space` must be given by other means than representations, but by them orbital {impure[0]} has "
            "no symmetry: the determinant has less than the molecule."
        )
    return orbitals, [labels[k] for k in shares.argmax(axis=0)]
