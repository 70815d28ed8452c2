r"""Occupation strings, and their layout in a register of qubits.

A string is an integer whose bit p is 1 if orbital p is occupied, as in PySCF; electrons have one for each spin, a spin
model has one in all. Determinants have alpha creation operators first. In the register of electrons, wire 2p is orbital
p spin up and 2p+1 spin down, wire 0 the most significant bit, and Jordan-Wigner counts wires from 0. The amplitudes of
the two orders differ by the sign
\(s(a, b) = (-1)^{\sum_{p \in a} |\{q < p : q \in b\}|}\).
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from qvar._types import IntArray


def occupation_strings(n_orbitals: int, n_electrons: int | None) -> IntArray:
    """Return all strings with `n_electrons` ones, ascending, int64; all 2^n_orbitals strings if it is None."""
    if n_electrons is None:
        return np.arange(1 << n_orbitals, dtype=np.int64)
    none = np.zeros(0, dtype=np.int64)
    strings = {0: np.zeros(1, dtype=np.int64)}  # by number of ones, over the orbitals below p
    for p in range(n_orbitals):
        wanted = range(max(0, n_electrons - (n_orbitals - 1 - p)), n_electrons + 1)
        strings = {k: np.concatenate([strings.get(k, none), strings.get(k - 1, none) | 1 << p]) for k in wanted}
    return strings.get(n_electrons, none)


class Layout(NamedTuple):
    """Wires of the bits of the two strings of a state, lowest bit first."""

    alpha: tuple[int, ...]
    beta: tuple[int, ...]


def electron_layout(n_qubits: int) -> Layout:
    """Return the layout with spin up on even wires and spin down on odd wires."""
    return Layout(tuple(range(0, n_qubits, 2)), tuple(range(1, n_qubits, 2)))


def spin_layout(n_qubits: int) -> Layout:
    """Return the layout with one string for all wires, equal to the basis state's number, and one without bits."""
    return Layout(tuple(reversed(range(n_qubits))), ())


class SplitMask(NamedTuple):
    """Bits of a register mask, sorted by string."""

    alpha: int
    beta: int


def split(mask: int, n_qubits: int, layout: Layout) -> SplitMask:
    """Return a register mask (wire 0 the most significant bit) as masks over the two strings."""
    alpha, beta = (
        sum((mask >> (n_qubits - 1 - wire) & 1) << bit for bit, wire in enumerate(wires)) for wires in layout
    )
    return SplitMask(alpha, beta)


def split_masks(masks: IntArray, n_qubits: int, layout: Layout) -> list[SplitMask]:
    """Return `split` of each of some masks."""
    alpha, beta = (
        sum((masks >> (n_qubits - 1 - wire) & 1) << bit for bit, wire in enumerate(wires)) + np.zeros_like(masks)
        for wires in layout
    )
    return list(map(SplitMask, alpha.tolist(), beta.tolist()))


def spin_strings(states: IntArray, n_qubits: int) -> tuple[IntArray, IntArray]:
    """Return the alpha and the beta string of each basis state of a register of electrons."""
    alpha, beta = (
        sum((states >> (n_qubits - 1 - wire) & 1) << bit for bit, wire in enumerate(wires))
        for wires in electron_layout(n_qubits)
    )
    return np.asarray(alpha), np.asarray(beta)


@lru_cache(maxsize=4096)
def interleaving_masks(x: SplitMask, n_orbitals: int) -> tuple[int, int, int]:
    """Return the change of the sign s(a, b) when the bits x are flipped.

    Returns:
        (mask over alpha, mask over beta, sign): s(a, b) s(a ^ x.alpha, b ^ x.beta) is the parity of a under the
        first times the parity of b under the second times the sign.
    """
    over_alpha = sum(1 << p for p in range(n_orbitals) if (x.beta & ((1 << p) - 1)).bit_count() % 2)
    over_beta = sum(1 << q for q in range(n_orbitals) if (x.alpha >> (q + 1)).bit_count() % 2)
    crossings = (over_alpha & x.alpha).bit_count() % 2
    return over_alpha, over_beta, 1 - 2 * crossings


def register_layout(alpha: IntArray, beta: IntArray, n_orbitals: int) -> tuple[IntArray, IntArray]:
    """Return register basis states and signs of determinants.

    Args:
        alpha: (n_alpha_strings,) strings.
        beta: (n_beta_strings,) strings.
        n_orbitals: M, half the number of qubits.

    Returns:
        (n_alpha_strings, n_beta_strings) basis states, int64, and signs s(a, b), int8.
    """
    spread_alpha, spread_beta = np.zeros_like(alpha), np.zeros_like(beta)
    crossings = np.zeros((len(alpha), len(beta)), dtype=np.int8)
    for p in range(n_orbitals):
        occupied = alpha >> p & 1
        spread_alpha |= occupied << (2 * (n_orbitals - p) - 1)
        spread_beta |= (beta >> p & 1) << (2 * (n_orbitals - p) - 2)
        below = np.bitwise_count(beta & ((1 << p) - 1)).astype(np.int8)
        crossings ^= (occupied.astype(np.int8)[:, None] * below[None, :]) & 1
    return spread_alpha[:, None] | spread_beta[None, :], (1 - 2 * crossings).astype(np.int8)
