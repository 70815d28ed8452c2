"""Problems from integrals that were made elsewhere: arrays, or an FCIDUMP file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from qvar import units
from qvar.arguments import checked
from qvar.checks import whole_numbers
from qvar.errors import QvarError, require
from qvar.memory import require_memory
from qvar.pauli import MAX_QUBITS
from qvar.problems.fcidump import read_fcidump
from qvar.problems.hamiltonians import Integrals
from qvar.problems.problem import Problem

Unit: TypeAlias = Literal["Ha", "J"]
"""Unit of energies: hartree, or multiples of a lattice model's coupling."""

Occupied: TypeAlias = tuple[Sequence[int], Sequence[int]]
"""Orbitals with a spin-up and with a spin-down electron in the reference determinant, counted from 0."""

_LOWER = 1e-6
"""Energy, in the problem's unit, by which another determinant must be lower to be mentioned."""


@checked()
def from_integrals(
    one_body: Any,
    two_body: Any,
    n_electrons: int,
    *,
    core_energy: float = 0.0,
    spin: int = 0,
    occupied: Occupied | None = None,
    unit: Unit = units.HARTREE,
    name: str | None = None,
) -> Problem:
    r"""Make the problem of electrons in orbitals from the integrals over them.

    \(H = E_{core} + \sum_{pq} h_{pq} E_{pq} + \tfrac12 \sum_{pqrs} (pq|rs) (E_{pq} E_{rs} - \delta_{qr} E_{ps})\) with
    \(E_{pq} = \sum_\sigma a^\dagger_{p\sigma} a_{q\sigma}\), in real, orthonormal orbitals.

    Args:
        one_body: h, shape (M, M), symmetric.
        two_body: (pq|rs) in chemists' order, shape (M, M, M, M), with its eight symmetries. Arrays in another order
            are refused, and the sentence names the transposition.
        n_electrons: number of electrons.
        core_energy: constant of the Hamiltonian, such as the repulsion of nuclei and a frozen core's energy.
        spin: spin-up minus spin-down electrons.
        occupied: orbitals of the reference determinant, (spin up, spin down), counted from 0; the first ones if None.
            `Problem.remarks` says if an exchange of two orbitals gives a determinant of lower energy.
        unit: unit of all energies: `"Ha"`, hartree, or `"J"`, a lattice model's coupling.
        name: name for tables; numbers of electrons and orbitals if None.

    Returns:
        The problem on 2M qubits; its description holds a digest of the integrals.

    Raises:
        QvarError: if a shape or symmetry does not fit, a number is not real or not finite, the orbitals do not hold
            such electrons, or 2M is more than 62.
    """
    require_orbitals("one_body", one_body)
    return integral_problem(Integrals(core_energy, one_body, two_body), n_electrons, spin, occupied, unit, name)


@checked()
def from_fcidump(
    path: str | Path,
    *,
    occupied: Occupied | None = None,
    core_energy: float | None = None,
    unit: Unit = units.HARTREE,
    name: str | None = None,
) -> Problem:
    r"""Make the problem of an FCIDUMP file, as PySCF, Molpro, Psi4, Block2 and NECI write it.

    Integrals may come in any order and with any of their permutations; orbital energies and symmetry labels are left
    out. Files of unrestricted orbitals and of complex integrals are refused.

    Args:
        path: name of the file; it may be compressed by gzip.
        occupied: orbitals of the reference determinant, see `from_integrals`; the first ones in the file if None, which
            are not the lowest if it sorts orbitals by symmetry.
        core_energy: constant of the Hamiltonian if the file has no line "E 0 0 0 0" for it, without which it may be
            truncated.
        unit: unit of all energies.
        name: name for tables; the file's name with numbers of electrons and orbitals if None.

    Returns:
        The problem on 2 NORB qubits, with NELEC electrons, of which MS2 more have spin up than down.

    Raises:
        QvarError: if it is no whole and sound FCIDUMP file over at most 31 orbitals; the sentence names file and line.
    """
    integrals, n_electrons, spin = read_fcidump(path, core_energy)
    m = len(integrals.one_body)
    stem = Path(path).name.removesuffix(".gz")
    stem = Path(stem).stem if Path(stem).suffix.lower() == ".fcidump" else stem
    return integral_problem(integrals, n_electrons, spin, occupied, unit, name or f"{stem} ({n_electrons}e,{m}o)")


def integral_problem(
    integrals: Integrals, n_electrons: int, spin: int, occupied: Any, unit: str, name: str | None
) -> Problem:
    """Return the problem of some integrals; the arguments are those of `from_integrals`."""
    m, n = len(integrals.one_body), n_electrons
    require_orbitals("one_body", integrals.one_body)
    require(0 <= n <= 2 * m, "n_electrons", f"be from 0 to {2 * m} in {m} orbitals", n)
    most = min(n, 2 * m - n)
    possible = (n + spin) % 2 == 0 and abs(spin) <= most
    require(possible, "spin", f"be of the parity of n_electrons and from {-most} to {most}", spin)
    numbers = ((n + spin) // 2, (n - spin) // 2)
    chosen = [list(range(number)) for number in numbers]
    if occupied is not None:
        chosen = [sorted(whole_numbers("occupied", own)) for own in occupied]
        sound = all(len(set(own)) == len(own) == number for own, number in zip(chosen, numbers, strict=True))
        sound = sound and all(0 <= p < m for own in chosen for p in own)
        require(sound, "occupied", f"hold {numbers[0]} and {numbers[1]} different orbitals below {m}", occupied)
    alpha, beta = map(tuple, chosen)
    digest = hashlib.sha256()
    for array in (np.array(integrals.core_energy), integrals.one_body, integrals.two_body):
        digest.update((array + 0.0).astype("<f8").tobytes())  # without signs of zeros
    return Problem(
        name=name or f"integrals ({n}e,{m}o)",
        n_qubits=2 * m,
        unit=unit,
        description={
            "model": "integrals",
            "sha256": digest.hexdigest(),
            "orbitals": m,
            "occupied": [list(alpha), list(beta)],
            "unit": unit,
        },
        integrals=integrals,
        occupied_alpha=alpha,
        occupied_beta=beta,
        notes=_lower_determinant(integrals, alpha, beta, unit),
    )


def require_orbitals(argument: str, one_body: Any) -> None:
    """Refuse more orbitals than registers have room for, and such whose integrals do not fit into memory."""
    m = np.shape(one_body)[0] if isinstance(one_body, np.ndarray) and one_body.ndim else 1
    if 2 * m > MAX_QUBITS:
        raise QvarError(f"`{argument}` must be over at most {MAX_QUBITS // 2} orbitals, but is over {m}.")
    require_memory(argument, f"{m} orbitals", 2 * 8 * m**4)


def _lower_determinant(
    integrals: Integrals, alpha: tuple[int, ...], beta: tuple[int, ...], unit: str
) -> tuple[str, ...]:
    """Say which exchange of two orbitals lowers the determinant's energy most, if one does."""
    energy = integrals.determinant_energy(alpha, beta)
    best = (energy - _LOWER, 0, 0)
    for p, q in combinations(range(len(integrals.one_body)), 2):
        own = [[{p: q, q: p}.get(orbital, orbital) for orbital in spin] for spin in (alpha, beta)]
        if [sorted(spin) for spin in own] != [list(alpha), list(beta)]:
            best = min(best, (integrals.determinant_energy(*own), p, q))
    lower, p, q = best
    if p == q:
        return ()
    return (
        f"The reference determinant is not the lowest: with the orbitals {p} and {q} exchanged its energy is "
        f"{units.shown_energy(energy - lower, unit)} lower; `occupied` chooses another one.",
    )
