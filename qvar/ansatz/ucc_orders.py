"""Choice and order of the excitations of unitary coupled cluster."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Literal, TypeAlias

import numpy as np

from qvar._types import Excitation
from qvar.ansatz import excitations as ex
from qvar.ansatz.protocols import HasOrbitals
from qvar.errors import QvarError

GeneralOrder: TypeAlias = Literal["singles_first", "doubles_first", "mp2"]
"""Excitations that act first on the reference determinant; `mp2`: by falling size of the MP2 amplitude."""

Order: TypeAlias = Literal["singles_first", "doubles_first", "mp2", "tencirchem", "qiskit", "pennylane"]
"""`GeneralOrder`, or the name of a package whose UCCSD by default this is."""

DoublesOrder: TypeAlias = Literal["canonical", "mp2"]
"""Order of doubles alone."""

Prune: TypeAlias = Literal["symmetry", "mp2"]
"""Excitations that are left out, see `pruned`."""

VANISHES = 1e-8
"""MP2 amplitudes below this count as zero; self-consistent orbitals are symmetric to about 1e-9."""


def check_closed_shell(problem: HasOrbitals, what: str) -> None:
    """Raise `QvarError` unless spin up and spin down occupy the same orbitals."""
    alpha, beta = tuple(sorted(problem.occupied_alpha)), tuple(sorted(problem.occupied_beta))
    if alpha != beta:
        raise QvarError(
            f"`problem` must have a closed shell for {what}, but holds spin up in orbitals {alpha} and down in {beta}."
        )


def arranged(
    problem: HasOrbitals, order: Order, singles: Sequence[Excitation], doubles: Sequence[Excitation]
) -> list[Excitation]:
    """Sort singles and doubles, in canonical order, into the order in which they act."""
    if order == "doubles_first":
        return [*doubles, *singles]
    if order == "mp2":
        return by_mp2(problem, [*singles, *doubles])
    if order == "tencirchem":
        sizes = problem.amplitudes("mp2")
        return [*singles, *by_mp2(problem, [e for e in doubles if abs(sizes[e]) >= VANISHES])]
    if order == "qiskit":
        return _as_listed(_qiskit(problem), [*singles, *doubles])
    if order == "pennylane":
        return _as_listed(_pennylane(problem), [*singles, *doubles])
    return [*singles, *doubles]


def by_mp2(problem: HasOrbitals, excitations: Sequence[Excitation]) -> list[Excitation]:
    """Sort by falling size of the MP2 amplitude, to 8 decimals; equal ones keep their order, so zeros come last."""
    amplitudes = problem.amplitudes("mp2")
    return sorted(excitations, key=lambda e: -round(abs(ex.amplitude(amplitudes, e)), 8))


def pruned(
    problem: HasOrbitals, prune: Prune | None, excitations: Sequence[Excitation], spin_adapted: bool = False
) -> list[Excitation]:
    """Return the excitations that are kept, in their order.

    `"symmetry"` leaves out an excitation if the product of its orbitals' signs is -1 under one of
    `orbital_parities()`: from a reference of one symmetry it leads to another. `"mp2"` does the same, and leaves out
    doubles whose MP2 amplitude is below 1e-8 besides; first-order singles vanish in canonical orbitals whatever they do
    later, so only symmetry decides on them. Spin-adapted doubles of equal spins stay with the opposite-spin ones that
    they are made of.
    """
    if prune is None:
        return list(excitations)
    parities = problem.orbital_parities()
    kept = [e for e in excitations if np.all(np.prod(parities[:, _orbitals(e)], axis=1) == 1)]
    if prune == "symmetry":
        return kept
    amplitudes = problem.amplitudes("mp2")

    def counts(excitation: Excitation) -> bool:
        if len(excitation[0]) == 1:
            return True
        judged = ex.partners(excitation) if spin_adapted and ex.is_same_spin(excitation) else (excitation,)
        return any(abs(ex.amplitude(amplitudes, e)) >= VANISHES for e in judged)

    return [e for e in kept if counts(e)]


def _orbitals(excitation: Excitation) -> list[int]:
    return [mode // 2 for part in excitation for mode in part]


def _as_listed(listed: list[Excitation], kept: Sequence[Excitation]) -> list[Excitation]:
    wanted = set(kept)
    return [e for e in listed if e in wanted]


def _qiskit(problem: HasOrbitals) -> list[Excitation]:
    """Order spin after spin: alpha singles, beta singles; then pairs of those, by the first, then the second."""
    singles = [
        ex.single(i, a, spin)
        for spin, (occupied, empty) in enumerate(ex.spaces(problem))
        for i in occupied
        for a in empty
    ]
    doubles = [
        ex.canonical((*first[0], *second[0]), (*first[1], *second[1]))
        for first, second in combinations(singles, 2)
        if first[0] != second[0] and first[1] != second[1]
    ]
    return [*singles, *dict.fromkeys(doubles)]  # two electrons of one spin are met twice, the first time counts


def _pennylane(problem: HasOrbitals) -> list[Excitation]:
    """Order doubles, then singles, each by ascending occupied, then empty modes, spins interleaved."""
    bits = problem.reference_bits
    occupied = [mode for mode in range(problem.n_qubits) if bits[mode]]
    empty = [mode for mode in range(problem.n_qubits) if not bits[mode]]
    doubles = [
        ex.canonical(created, annihilated)
        for annihilated in combinations(occupied, 2)
        for created in combinations(empty, 2)
        if sum(mode % 2 for mode in created) == sum(mode % 2 for mode in annihilated)
    ]
    singles = [((a,), (i,)) for i in occupied for a in empty if a % 2 == i % 2]
    return [*doubles, *singles]
