"""Amplitudes of perturbation theory and of coupled cluster, from which unitary coupled cluster may start."""

from __future__ import annotations

from itertools import combinations, product
from typing import Any

import numpy as np

from qvar._types import Excitation, FloatArray
from qvar.errors import QvarError
from qvar.problems.hamiltonians import Integrals

_DEGENERATE = 1e-8
"""Energy denominators below this, in hartree, give amplitude 0."""

_ROUNDING = 1e-9
"""A correlation energy above this, in hartree, is that of an excited state."""

Spin = tuple[list[int], list[int]]
"""(occupied, empty) orbitals of one spin."""


def mp2(
    integrals: Integrals, occupied_alpha: tuple[int, ...], occupied_beta: tuple[int, ...]
) -> dict[Excitation, float]:
    r"""Compute first-order amplitudes of Moller-Plesset perturbation theory.

    \(t_{ij}^{ab} = \langle ab \Vert ij \rangle / (\epsilon_i + \epsilon_j - \epsilon_a - \epsilon_b)\) and
    \(t_i^a = f_{ai} / (\epsilon_i - \epsilon_a)\), with the diagonal of the Fock operator as orbital energies.

    Returns:
        Amplitude of every spin-conserving single and double excitation, see `Problem.amplitudes`.
    """
    fock = _fock(integrals, occupied_alpha, occupied_beta)
    energy, two = [np.diag(f) for f in fock], integrals.two_body
    spins = _spins(integrals, occupied_alpha, occupied_beta)
    amplitudes: dict[Excitation, float] = {}
    for spin, (occupied, empty) in enumerate(spins):
        for i, a in product(occupied, empty):
            gap = energy[spin][i] - energy[spin][a]
            amplitudes[(2 * a + spin,), (2 * i + spin,)] = _ratio(fock[spin][a, i], gap)
        for (i, j), (a, b) in product(combinations(occupied, 2), combinations(empty, 2)):
            gap = energy[spin][[i, j]].sum() - energy[spin][[a, b]].sum()
            value = _ratio(two[i, a, j, b] - two[i, b, j, a], gap)
            amplitudes[(2 * a + spin, 2 * b + spin), (2 * j + spin, 2 * i + spin)] = value
    for (i, a), (j, b) in product(product(*spins[0]), product(*spins[1])):
        gap = energy[0][i] + energy[1][j] - energy[0][a] - energy[1][b]
        amplitudes[(2 * a, 2 * b + 1), (2 * j + 1, 2 * i)] = _ratio(two[i, a, j, b], gap)
    return amplitudes


def ccsd(
    integrals: Integrals, occupied_alpha: tuple[int, ...], occupied_beta: tuple[int, ...]
) -> dict[Excitation, float]:
    """Compute converged amplitudes of coupled cluster with singles and doubles, by PySCF; otherwise as `mp2`.

    Raises `QvarError` if the iteration does not converge.
    """
    from qvar.problems.scf import one_thread_without_files

    m = len(integrals.one_body)
    spins = _spins(integrals, occupied_alpha, occupied_beta)
    if not any(occupied and empty for occupied, empty in spins):
        return {}
    with one_thread_without_files(), np.errstate(all="ignore"):
        solver = _solved(integrals, spins, _fock(integrals, occupied_alpha, occupied_beta))
    if solver is None:
        raise QvarError(f"`theory` must converge, but CCSD over {m} orbitals did not; 'mp2' always does.")
    t1, t2 = solver.t1, solver.t2
    amplitudes: dict[Excitation, float] = {}
    for spin, (occupied, empty) in enumerate(spins):
        same = t2[0 if spin == 0 else 2]
        for (ni, i), (na, a) in product(enumerate(occupied), enumerate(empty)):
            amplitudes[(2 * a + spin,), (2 * i + spin,)] = float(t1[spin][ni, na])
        for ij, ab in product(combinations(enumerate(occupied), 2), combinations(enumerate(empty), 2)):
            (ni, i), (nj, j), (na, a), (nb, b) = *ij, *ab
            key = ((2 * a + spin, 2 * b + spin), (2 * j + spin, 2 * i + spin))
            amplitudes[key] = float(same[ni, nj, na, nb])
    (occ_a, vir_a), (occ_b, vir_b) = spins
    for (ni, i), (na, a) in product(enumerate(occ_a), enumerate(vir_a)):
        for (nj, j), (nb, b) in product(enumerate(occ_b), enumerate(vir_b)):
            amplitudes[(2 * a, 2 * b + 1), (2 * j + 1, 2 * i)] = float(t2[1][ni, nj, na, nb])
    return amplitudes


def _solved(integrals: Integrals, spins: list[Spin], fock: list[FloatArray]) -> Any:
    """Run PySCF's `UCCSD` over a mean field of the reference determinant; None if it does not converge."""
    from pyscf import cc, gto, scf

    m = len(integrals.one_body)
    mol = gto.M(verbose=0)
    mol.nelectron = sum(len(occupied) for occupied, _ in spins)
    mol.spin = len(spins[0][0]) - len(spins[1][0])
    mol.incore_anyway = True
    # PySCF wants the occupied orbitals first
    order = [np.array([*occupied, *empty], dtype=int) for occupied, empty in spins]
    mean_field: Any = scf.UHF(mol)
    mean_field.get_hcore = lambda *_: np.array(integrals.one_body)
    mean_field.get_ovlp = lambda *_: np.eye(m)
    mean_field._eri = np.array(integrals.two_body)
    mean_field.mo_coeff = np.stack([np.eye(m)[:, o] for o in order])
    mean_field.mo_occ = np.stack([np.arange(m) < len(occupied) for occupied, _ in spins]).astype(float)
    mean_field.mo_energy = np.stack([np.diag(f)[o] for f, o in zip(fock, order, strict=True)])
    mean_field.converged, mean_field.e_tot = True, 0.0
    for shift in (0.0, 0.5, 1.0):  # hartree; slower, but safe if the reference is poor
        solver: Any = cc.UCCSD(mean_field)
        solver.verbose, solver.max_cycle, solver.conv_tol, solver.conv_tol_normt = 0, 300, 1e-11, 1e-8
        solver.level_shift = shift
        try:
            solver.kernel()
        except np.linalg.LinAlgError:
            continue
        except AttributeError as error:  # PySCF asks for the former by a name that left NumPy with version 2
            if error.name != "linalg":
                raise
            continue
        if solver.converged and solver.e_corr < _ROUNDING:  # the equations of excited states have solutions too
            return solver
    return None


def _spins(integrals: Integrals, *occupied: tuple[int, ...]) -> list[Spin]:
    everything = range(len(integrals.one_body))
    return [(sorted(occ), [p for p in everything if p not in occ]) for occ in occupied]


def _fock(integrals: Integrals, *occupied: tuple[int, ...]) -> list[FloatArray]:
    """Return the Fock matrices of both spins over the reference determinant."""
    density = [np.zeros_like(integrals.one_body) for _ in occupied]
    for matrix, occ in zip(density, occupied, strict=True):
        matrix[list(occ), list(occ)] = 1.0
    coulomb = np.einsum("pqrs,rs->pq", integrals.two_body, density[0] + density[1])
    return [integrals.one_body + coulomb - np.einsum("prqs,rs->pq", integrals.two_body, d) for d in density]


def _ratio(numerator: float, gap: float) -> float:
    return float(numerator / gap) if abs(gap) > _DEGENERATE else 0.0
