r"""Determinants of electrons as bit strings, and their places in a register of qubits.

A string is an integer whose bit p is 1 if orbital p is occupied, as in PySCF. Determinants have alpha creation
operators first. In the register, wire 2p is orbital p spin up and 2p+1 spin down, wire 0 the most significant bit, and
Jordan-Wigner counts wires from 0. The amplitudes of the two orders differ by the sign
\(s(a, b) = (-1)^{\sum_{p \in a} |\{q < p : q \in b\}|}\).
"""

from __future__ import annotations

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
