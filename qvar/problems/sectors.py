"""Sectors of numbers of electrons: the lowest state of a register of qubits, and the electrons in it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from qvar._types import IntArray
from qvar.errors import QvarError
from qvar.problems.exact_energy import fci_ground, pauli_ground_state
from qvar.problems.hamiltonians import Integrals, PauliTerms

SAME = 1e-8
"""Error of exact energies, in the problem's unit: closer ones are equal."""

_WEIGHT = 1e-6
"""Smallest weight of a sector in a state."""

_LARGEST_REGISTER = 24
"""Largest number of qubits of a molecule whose lowest state of all is computed."""


class LowestState(NamedTuple):
    """The lowest state of a register of qubits."""

    energy: float
    """In the problem's unit."""
    electrons: tuple[tuple[int, int], ...]
    """(spin up, spin down) electrons in it; several pairs if several states are lowest, () without electrons."""


def lowest_state(hamiltonian: Integrals | PauliTerms, decoding: IntArray | None = None) -> LowestState:
    """Compute the lowest state over all numbers of electrons; see `Problem.lowest_state`.

    Raises `QvarError` if it is out of reach.
    """
    if isinstance(hamiltonian, PauliTerms):
        energy, weights = pauli_ground_state(hamiltonian)
        return LowestState(energy, () if decoding is None else _electrons_in(weights, decoding))
    m = len(hamiltonian.one_body)
    if 2 * m > _LARGEST_REGISTER:
        raise QvarError(f"`lowest_state` must be asked of at most {_LARGEST_REGISTER} qubits, but there are {2 * m}.")
    energies = {}
    for n_alpha in range(m + 1):
        for n_beta in range(n_alpha + 1):  # spins flipped, the energies are the same
            energy = fci_ground(hamiltonian, n_alpha, n_beta).energy
            energies[n_alpha, n_beta] = energies[n_beta, n_alpha] = energy
    lowest = min(energies.values())
    return LowestState(lowest, tuple(sorted(pair for pair, energy in energies.items() if energy <= lowest + SAME)))


def _electrons_in(weights: np.ndarray, decoding: IntArray) -> tuple[tuple[int, int], ...]:
    n = decoding.shape[1] - 1
    states = np.flatnonzero(weights > _WEIGHT / len(weights))
    occupations = occupations_of(states[:, None] >> np.arange(n)[::-1] & 1, decoding)
    pairs = np.stack([occupations[:, 0::2].sum(axis=1), occupations[:, 1::2].sum(axis=1)], axis=1)
    sectors, places = np.unique(pairs, axis=0, return_inverse=True)
    totals = np.bincount(places.ravel(), weights[states])
    return tuple((int(a), int(b)) for (a, b), total in zip(sectors, totals, strict=True) if total > _WEIGHT)


def occupations_of(bits: IntArray, decoding: IntArray) -> IntArray:
    """Return the occupations of modes, shape (..., n_modes), of basis states with bits of shape (..., n_qubits)."""
    return (bits @ decoding[:, :-1].T + decoding[:, -1]) % 2


def ones_in_lowest(terms: PauliTerms) -> set[int]:
    """Return the numbers of ones in the lowest state of a Hamiltonian of Pauli terms."""
    _, weights = pauli_ground_state(terms)
    totals = np.bincount(np.bitwise_count(np.arange(len(weights))), weights)
    return set(np.flatnonzero(totals > _WEIGHT).tolist())
