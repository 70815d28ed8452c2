"""Sectors of numbers of electrons: where the lowest state of a register lies, and the lowest of the right sector."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from qvar._types import IntArray
from qvar.errors import QvarError
from qvar.problems.exact_energy import GroundState, fci_ground, pauli_ground_state
from qvar.units import shown_energy

if TYPE_CHECKING:
    from qvar.problems.problem import Problem

SAME = 1e-8
"""Exact energies are right to this, in the problem's unit: closer ones are one."""

_WEIGHT = 1e-6
"""Sectors with less of a state are not in it."""

_LARGEST_REGISTER = 24
"""Qubits of a molecule beyond which its lowest state of all is not looked for."""


class LowestState(NamedTuple):
    """The lowest state of a register of qubits."""

    energy: float
    """In the problem's unit."""
    electrons: tuple[tuple[int, int], ...]
    """(spin up, spin down) electrons in it; several pairs if several states are lowest, () without electrons."""


def exact_state(problem: Problem) -> GroundState:
    """Return the lowest state with a problem's electrons, or of all states for Pauli terms.

    Raises:
        QvarError: if it is out of reach, or its iteration does not converge.
    """
    from qvar.problems.exact_energy import pauli_ground_energy

    if problem.pauli is not None:
        return GroundState(pauli_ground_energy(problem.pauli), None)
    assert problem.integrals is not None
    parities = reference_parities(problem)
    return fci_ground(problem.integrals, problem.n_alpha, problem.n_beta, parities=parities, restrict=False)


def lowest_state(problem: Problem) -> LowestState:
    """Return the lowest state over all numbers of electrons; see `Problem.lowest_state`.

    Raises:
        QvarError: if it is out of reach.
    """
    if problem.pauli is not None:
        energy, weights = pauli_ground_state(problem.pauli)
        return LowestState(energy, () if problem.decoding is None else _electrons_in(weights, problem.decoding))
    assert problem.integrals is not None
    if problem.n_qubits > _LARGEST_REGISTER:
        raise QvarError(
            f"`lowest_state` must be asked of at most {_LARGEST_REGISTER} qubits, but there are {problem.n_qubits}."
        )
    m = problem.n_orbitals
    energies = {}
    for n_alpha in range(m + 1):
        for n_beta in range(n_alpha + 1):  # spins flipped, the energies are the same
            energy = fci_ground(problem.integrals, n_alpha, n_beta).energy
            energies[n_alpha, n_beta] = energies[n_beta, n_alpha] = energy
    lowest = min(energies.values())
    return LowestState(lowest, tuple(sorted(pair for pair, energy in energies.items() if energy <= lowest + SAME)))


def _electrons_in(weights: np.ndarray, decoding: IntArray) -> tuple[tuple[int, int], ...]:
    n = decoding.shape[1] - 1
    states = np.flatnonzero(weights > _WEIGHT / len(weights))
    bits = states[:, None] >> np.arange(n)[::-1] & 1
    occupations = (bits @ decoding[:, :-1].T + decoding[:, -1]) % 2
    pairs = np.stack([occupations[:, 0::2].sum(axis=1), occupations[:, 1::2].sum(axis=1)], axis=1)
    sectors, places = np.unique(pairs, axis=0, return_inverse=True)
    totals = np.bincount(places.ravel(), weights[states])
    return tuple((int(a), int(b)) for (a, b), total in zip(sectors, totals, strict=True) if total > _WEIGHT)


def reference_parities(problem: Problem) -> tuple[IntArray, IntArray] | None:
    """Return signs of orbitals under the symmetries of a Hamiltonian, and of the reference; None without symmetries."""
    signs = problem.orbital_parities()
    occupied = [*problem.occupied_alpha, *problem.occupied_beta]
    return (signs, signs[:, occupied].prod(axis=1)) if len(signs) else None


def ones_in_lowest(problem: Problem) -> set[int]:
    """Return the numbers of ones in the lowest state of a Hamiltonian of Pauli terms."""
    assert problem.pauli is not None
    _, weights = pauli_ground_state(problem.pauli)
    totals = np.bincount(np.bitwise_count(np.arange(len(weights))), weights)
    return set(np.flatnonzero(totals > _WEIGHT).tolist())


def energy_on_qubits(problem: Problem, tapered: bool) -> tuple[float, tuple[str, ...]]:
    """Return the lowest energy with a problem's electrons on the qubits that it is mapped to, and remarks on it.

    Tapered qubits hold the spatial symmetry of the reference alone.

    Args:
        problem: what is mapped.
        tapered: whether qubits are left out.

    Returns:
        The energy, in the problem's unit, and the problem's remarks with one more if its exact state is left out.
    """
    assert problem.integrals is not None
    exact, notes = problem.exact_energy(), problem.remarks()
    parities = reference_parities(problem)
    if not tapered or parities is None:
        return exact, notes
    within = fci_ground(problem.integrals, problem.n_alpha, problem.n_beta, parities=parities).energy
    if within <= exact + SAME:
        return exact, notes
    sentence = (
        "The exact state has another spatial symmetry than the reference determinant, and is not on the tapered "
        f"qubits: it lies {shown_energy(within - exact, problem.unit)} below the lowest that is."
    )
    return within, (*notes, sentence)
