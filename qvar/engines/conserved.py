"""Sectors of basis states that a circuit cannot leave, proved from its operations.

An operation conserves a number of ones if it exchanges patterns of as many ones, and the parity of the ones on some
wires if it flips an even number of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from math import comb
from operator import xor

import numpy as np

from qvar._types import IntArray
from qvar.ansatz.program import Program
from qvar.engines.occupation_strings import Layout, electron_layout, occupation_strings, spin_layout, split


@dataclass(frozen=True)
class ConservedSector:
    """Basis states with the numbers of ones, and with the parities, of a circuit's reference."""

    layout: Layout
    """Wires of the two strings: spin up and spin down, or all wires and none."""
    reference: int
    """Number of the reference among the basis states; wire 0 is the most significant bit."""
    counted: bool = True
    """True if the number of ones in each string is conserved; else parities alone are."""
    parities: tuple[int, ...] = ()
    """Wires, as masks, whose number of ones is conserved modulo two; independent of each other and of `counted`."""

    @property
    def ones(self) -> tuple[int, int]:
        """Number of ones in each string of the reference: (N_alpha, N_beta), or (number of ones, 0)."""
        alpha, beta = split(self.reference, self.n_qubits, self.layout)
        return alpha.bit_count(), beta.bit_count()

    @property
    def n_qubits(self) -> int:
        """Number of wires."""
        return len(self.layout.alpha) + len(self.layout.beta)

    @property
    def dimension(self) -> int:
        """Number of basis states D."""
        if self.layout.beta:
            return comb(len(self.layout.alpha), self.ones[0]) * comb(len(self.layout.beta), self.ones[1])
        if not self.counted:
            return 1 << (self.n_qubits - len(self.parities))
        totals = Counter({(0, 0): 1})  # (ones, parities as bits) of the wires so far -> number of strings
        for bit in range(self.n_qubits):
            flips = sum(1 << at for at, mask in enumerate(self.parities) if mask >> bit & 1)
            grown = Counter(totals)
            for (ones, odd), count in totals.items():
                grown[ones + 1, odd ^ flips] += count
            totals = grown
        odd = sum((self.reference & mask).bit_count() % 2 << at for at, mask in enumerate(self.parities))
        return totals[self.reference.bit_count(), odd]

    def strings(self) -> tuple[IntArray, IntArray]:
        """Return the alpha and the beta strings of the sector, ascending."""
        alpha, beta = (occupation_strings(len(own), n) for own, n in zip(self.layout, self.ones, strict=True))
        if self.counted:
            for mask in self.parities:
                alpha = alpha[np.bitwise_count(alpha & mask) % 2 == (self.reference & mask).bit_count() % 2]
            return alpha, beta
        states = np.array([self.reference], dtype=np.int64)
        for step in _annihilators(self.parities, self.n_qubits):
            states = np.concatenate([states, states ^ step])
        return np.sort(states), beta

    @property
    def name(self) -> str:
        """Names of the conserved numbers, as in the column `space` of a ledger."""
        if self.layout.beta:
            return "N_alpha, N_beta"
        parities = {0: "", 1: "1 parity"}.get(len(self.parities), f"{len(self.parities)} parities")
        return ", ".join(filter(None, ["N" if self.counted else "", parities]))


def conserved_sector(program: Program) -> ConservedSector | None:
    """Return the (N_alpha, N_beta) that every operation of a circuit conserves, else the conserved number of ones.

    None if neither is conserved. Spin up are the even wires, spin down the odd ones; with an odd number of wires, the
    number of ones alone is considered.
    """
    n = program.n_qubits
    if n % 2 == 0 and program.conserves_spin_numbers:
        return ConservedSector(electron_layout(n), program.reference_index)
    if program.conserves_ones((1 << n) - 1):
        return ConservedSector(spin_layout(n), program.reference_index)
    return None


def column_sector(program: Program, flips: Iterable[int], counted: bool) -> ConservedSector | None:
    """Return the smallest sector of all wires in one string that a circuit and a Hamiltonian conserve.

    `flips` are the bits that each term of the Hamiltonian flips; it conserves the number of ones if `counted`.

    Returns:
        The sector of the number of ones, of parities, or of both; None if none is conserved.
    """
    n, everything = program.n_qubits, (1 << program.n_qubits) - 1
    counted = counted and program.conserves_ones(everything)
    spread = set((program.support ^ program.reference_index).tolist())
    parities = _annihilators([*flips, *map(int, program.lowered.x), *spread], n)
    if counted:  # the parity of all ones follows from their number
        parities = _without(parities, everything)
    if not (counted or parities):
        return None
    return ConservedSector(spin_layout(n), program.reference_index, counted, tuple(parities))


def _without(masks: list[int], known: int) -> list[int]:
    """Return independent masks that span the same space together with a known one as it and all masks do."""
    kept: list[int] = []
    for mask in masks:
        if len(_reduced([*kept, mask, known])) == len(kept) + 2:
            kept.append(mask)
    return kept


def _reduced(masks: Iterable[int]) -> dict[int, int]:
    """Return a basis of the span of masks over GF(2) by the leading bit, which no other mask of the basis has."""
    basis: dict[int, int] = {}
    for mask in masks:
        mask = reduce(xor, (own for lead, own in basis.items() if mask & lead), mask)
        if mask:
            lead = 1 << (mask.bit_length() - 1)
            basis = {other: own ^ mask if own & lead else own for other, own in basis.items()}
            basis[lead] = mask
    return basis


def _annihilators(masks: Iterable[int], n_qubits: int) -> list[int]:
    """Return a basis of all masks that share an even number of bits with each of some masks."""
    basis = _reduced(masks)
    free = [1 << bit for bit in range(n_qubits) if 1 << bit not in basis]
    return [one | sum(lead for lead, own in basis.items() if own & one) for one in free]
