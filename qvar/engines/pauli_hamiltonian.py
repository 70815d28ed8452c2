r"""H|psi> of a sum of Pauli words.

`PauliKernel` acts on a register: words that flip the same bits act together as one permutation and one diagonal,
\((H\psi)_k = \sum_x d_x(k)\, \psi_{k \oplus x}\). Diagonals are tables, or, if those take too much memory, products of
signs over the high and the low half of the bits. `PauliSectorKernel` does the same on the basis states of a sector.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from qvar._types import FloatArray, IntArray, PyTree
from qvar.pauli import CANCELS, commutator, parity, word_masks, word_sum

DIAGONAL_BYTES = 1 << 26
"""Tables of diagonals of a Pauli Hamiltonian up to this size are kept; above it, they are recomputed from halves."""

WORDS_TOGETHER = 8
"""Words with the same flips whose diagonals are computed together if none are kept."""


@dataclass(frozen=True)
class PauliKernel:
    """A sum of Pauli words on a register, by tables of diagonals or by products of signs over half of the bits.

    Cost per application: (number of distinct flips) 2^n with tables; without, also the matrix products that make the
    diagonals, (number of words) 2^n multiplications.
    """

    n_qubits: int
    tabulated: bool

    def __call__(self, state: Array, tables: PyTree) -> Array:
        """Return H|state>."""
        index = jnp.arange(1 << self.n_qubits, dtype=tables["flips"]["x"].dtype)

        def diagonal(group: PyTree) -> Array:
            return group["diagonal"] if self.tabulated else (group["high"].T @ group["low"]).reshape(-1)

        def add(image: Array, group: PyTree) -> tuple[Array, None]:
            partner = state.at[index ^ group["x"]].get(mode="promise_in_bounds", wrap_negative_indices=False)
            return image + diagonal(group) * partner, None

        image = diagonal(tables["still"]) * state if "still" in tables else jnp.zeros_like(state)
        return jax.lax.scan(add, image, tables["flips"])[0]


def pauli_hamiltonian(
    words: tuple[str, ...], coefficients: FloatArray, n_qubits: int
) -> tuple[PauliKernel, dict[str, Any], bool]:
    """Return the kernel and its tables for a sum of Pauli words.

    Words are over "IXYZ", wire 0 first. Also returns whether a real state stays real.
    """
    flips, signs, weights, real = _masks(words, coefficients)
    distinct, group = np.unique(flips, return_inverse=True)
    # a table is cheaper from the second word on
    tabulated = len(words) > 1 and len(distinct) * (1 << n_qubits) * weights.itemsize <= DIAGONAL_BYTES
    make = _diagonal_tables if tabulated else _half_tables
    moves = distinct != 0
    tables = {"flips": make(distinct[moves], *_chosen(group, moves, signs, weights), n_qubits)}
    if not moves.all():
        table = make(distinct[~moves], *_chosen(group, ~moves, signs, weights), n_qubits)
        tables["still"] = {name: array[0] for name, array in table.items()}
    return PauliKernel(n_qubits, tabulated), jax.tree.map(jnp.asarray, tables), real


def _chosen(
    group: IntArray, chosen: np.ndarray, signs: IntArray, weights: np.ndarray
) -> tuple[IntArray, IntArray, np.ndarray]:
    """Return the words of the chosen groups, renumbered."""
    number = np.cumsum(chosen) - 1
    mine = chosen[group]
    return number[group[mine]], signs[mine], weights[mine]


def _index(x: IntArray, n_qubits: int) -> IntArray:
    return x.astype(np.int32 if n_qubits < 31 else np.int64)


def _diagonal_tables(
    distinct: IntArray, group: IntArray, signs: IntArray, weights: np.ndarray, n_qubits: int
) -> dict[str, Any]:
    """Return all diagonals, (groups, 2^n)."""
    diagonals = np.zeros((len(distinct), 1 << n_qubits), dtype=weights.dtype)
    np.add.at(diagonals, (group, signs), weights)
    for bit in range(n_qubits):  # Walsh-Hadamard transform: d_x(k) = sum_z weight (-1)^|k & z|
        view = diagonals.reshape(len(distinct), 1 << (n_qubits - bit - 1), 2, 1 << bit)
        even, odd = view[:, :, 0].copy(), view[:, :, 1].copy()
        view[:, :, 0], view[:, :, 1] = even + odd, even - odd
    return {"x": _index(distinct, n_qubits), "diagonal": diagonals}


def _half_tables(
    distinct: IntArray, group: IntArray, signs: IntArray, weights: np.ndarray, n_qubits: int
) -> dict[str, Any]:
    """Return signs over the high and the low half, in rows of words with the same flips, filled up with 0."""
    low = n_qubits // 2
    most = int(np.bincount(group).max(initial=1))
    width = min(most, WORDS_TOGETHER) if np.any(distinct) else most  # without flips there is one row
    rows: list[tuple[int, IntArray]] = []
    for number in range(len(distinct)):
        mine = np.flatnonzero(group == number)
        rows += [(number, mine[start : start + width]) for start in range(0, len(mine), width)]
    high_signs = np.zeros((len(rows), width, 1 << (n_qubits - low)), dtype=weights.dtype)
    low_signs = np.zeros((len(rows), width, 1 << low))
    for row, (_, mine) in enumerate(rows):
        for place, word in enumerate(mine):
            high_signs[row, place] = weights[word] * parity(np.arange(high_signs.shape[2]), int(signs[word]) >> low)
            low_signs[row, place] = parity(np.arange(1 << low), int(signs[word]) & ((1 << low) - 1))
    x = np.array([distinct[number] for number, _ in rows], dtype=np.int64)
    return {"x": _index(x, n_qubits), "high": high_signs, "low": low_signs}


@dataclass(frozen=True)
class PauliSectorKernel:
    """A sum of Pauli words on the basis states of a sector; the state has shape (n_states, 1).

    Cost per application: (number of distinct flips) n_states.
    """

    def __call__(self, state: Array, tables: PyTree) -> Array:
        """Return H|state>."""

        def add(image: Array, group: PyTree) -> tuple[Array, None]:
            return image + group["diagonal"][:, None] * state[group["partner"]], None

        return jax.lax.scan(add, jnp.zeros_like(state), tables)[0]


def pauli_sector_hamiltonian(
    words: tuple[str, ...], coefficients: FloatArray, states: IntArray
) -> tuple[PauliSectorKernel, dict[str, Any], bool]:
    """Return the kernel and its tables for a sum of Pauli words that does not leave a sector.

    Words are over "IXYZ", wire 0 first; `states` are the basis states of the sector, ascending. Also returns whether a
    real state stays real.
    """
    flips, signs, weights, real = _masks(words, coefficients)
    distinct, group = np.unique(flips, return_inverse=True)
    diagonal = np.zeros((len(distinct), len(states)), dtype=weights.dtype)
    for row, sign, weight in zip(group, signs, weights, strict=True):
        diagonal[row] += weight * parity(states, int(sign))
    partner = np.tile(np.arange(len(states), dtype=np.int32), (len(distinct), 1))
    for row, flip in enumerate(distinct):
        place = np.searchsorted(states, states ^ flip).clip(max=len(states) - 1)
        leaves = states[place] != states ^ flip
        diagonal[row, leaves] = 0.0  # words cancel there up to rounding
        partner[row, ~leaves] = place[~leaves]
    return PauliSectorKernel(), jax.tree.map(jnp.asarray, {"partner": partner, "diagonal": diagonal}), real


def conserves_ones(words: tuple[str, ...], coefficients: FloatArray) -> bool:
    r"""Return whether a sum of Pauli words commutes with the number of ones, that is, with \(\sum_q Z_q\)."""
    n = len(words[0])
    ones = word_sum(["I" * wire + "Z" + "I" * (n - 1 - wire) for wire in range(n)], np.ones(n))
    rest = commutator(word_sum(words, coefficients), ones).coefficients
    return bool(np.all(np.abs(rest) <= 2 * CANCELS * np.abs(coefficients).max()))


def _masks(words: tuple[str, ...], coefficients: FloatArray) -> tuple[IntArray, IntArray, np.ndarray, bool]:
    """Return each word's flip mask, sign mask and weight, and whether all weights are real."""
    flips, signs = (masks.astype(np.int64) for masks in word_masks(words))
    weights = np.asarray(coefficients) * np.array([1, -1j, -1, 1j])[np.bitwise_count(flips & signs) % 4]
    real = bool(np.all(weights.imag == 0.0))
    return flips, signs, weights.real if real else weights, real
