r"""H|psi> of a sum of Pauli words.

`PauliKernel` acts on a register: words that flip the same bits act together as one permutation and one diagonal,
\((H\psi)_k = \sum_x d_x(k)\, \psi_{k \oplus x}\). `PauliSectorKernel` does the same on the basis states with one
number of ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from qvar._types import FloatArray, IntArray, PyTree
from qvar.engines.strings import parity

DIAGONAL_BYTES = 1 << 31
"""Tables of diagonals of a Pauli Hamiltonian up to this size are kept; above it, words act one by one."""

_CANCELS = 1e-12
"""Coefficients of a commutator up to this, relative to the largest of the operator, are rounding."""


@dataclass(frozen=True)
class PauliKernel:
    """A sum of Pauli words on a register, by tables of diagonals or word by word.

    Cost per application: (number of distinct flips) 2^n with tables, (number of words) 2^n without.
    """

    n_qubits: int
    tabulated: bool

    def __call__(self, state: Array, tables: PyTree) -> Array:
        """H|state>."""
        index = jnp.arange(1 << self.n_qubits, dtype=tables["x"].dtype)

        def add(image: Array, group: PyTree) -> tuple[Array, None]:
            if self.tabulated:
                diagonal = group["diagonal"]
            else:
                odd = jax.lax.population_count(index & group["z"]) & 1
                diagonal = group["weight"] * (1 - 2 * odd)
            return image + diagonal * state[index ^ group["x"]], None

        return jax.lax.scan(add, jnp.zeros_like(state), tables)[0]


def pauli_hamiltonian(
    words: tuple[str, ...], coefficients: FloatArray, n_qubits: int
) -> tuple[PauliKernel, dict[str, Any], bool]:
    """The kernel and its tables for a sum of Pauli words.

    Args:
        words: Pauli words of length n_qubits over "IXYZ", wire 0 first.
        coefficients: (n_words,) real.
        n_qubits: n.

    Returns:
        Kernel, tables, and whether a real state stays real.
    """
    dtype = np.int32 if n_qubits < 31 else np.int64
    flips, signs, weights, real = _masks(words, coefficients)
    distinct, group = np.unique(flips, return_inverse=True)
    tabulated = len(distinct) * (1 << n_qubits) * weights.itemsize <= DIAGONAL_BYTES
    if not tabulated:
        tables = {"x": flips.astype(dtype), "z": signs.astype(dtype), "weight": weights}
        return PauliKernel(n_qubits, False), jax.tree.map(jnp.asarray, tables), real
    diagonals = np.zeros((len(distinct), 1 << n_qubits), dtype=weights.dtype)
    np.add.at(diagonals, (group, signs), weights)
    for bit in range(n_qubits):  # Walsh-Hadamard transform: d_x(k) = sum_z weight (-1)^|k & z|
        view = diagonals.reshape(len(distinct), -1, 2, 1 << bit)
        even, odd = view[:, :, 0].copy(), view[:, :, 1].copy()
        view[:, :, 0], view[:, :, 1] = even + odd, even - odd
    tables = {"x": distinct.astype(dtype), "diagonal": diagonals}
    return PauliKernel(n_qubits, True), jax.tree.map(jnp.asarray, tables), real


@dataclass(frozen=True)
class PauliSectorKernel:
    """A sum of Pauli words on the basis states with one number of ones; the state has shape (n_states, 1).

    Cost per application: (number of distinct flips) n_states.
    """

    def __call__(self, state: Array, tables: PyTree) -> Array:
        """H|state>."""

        def add(image: Array, group: PyTree) -> tuple[Array, None]:
            return image + group["diagonal"][:, None] * state[group["partner"]], None

        return jax.lax.scan(add, jnp.zeros_like(state), tables)[0]


def pauli_sector_hamiltonian(
    words: tuple[str, ...], coefficients: FloatArray, states: IntArray
) -> tuple[PauliSectorKernel, dict[str, Any], bool]:
    """The kernel and its tables for a sum of Pauli words that `conserves_ones`.

    Args:
        words: Pauli words of one length over "IXYZ", wire 0 first.
        coefficients: (n_words,) real.
        states: (n_states,) basis states with one number of ones, ascending.

    Returns:
        Kernel, tables, and whether a real state stays real.
    """
    flips, signs, weights, real = _masks(words, coefficients)
    distinct, group = np.unique(flips, return_inverse=True)
    diagonal = np.zeros((len(distinct), len(states)), dtype=weights.dtype)
    for row, sign, weight in zip(group, signs, weights, strict=True):
        diagonal[row] += weight * parity(states, int(sign))
    partner = np.tile(np.arange(len(states), dtype=np.int32), (len(distinct), 1))
    for row, flip in enumerate(distinct):
        leaves = np.bitwise_count(states ^ flip) != np.bitwise_count(states)
        diagonal[row, leaves] = 0.0  # words cancel there up to rounding
        partner[row, ~leaves] = np.searchsorted(states, states[~leaves] ^ flip)
    return PauliSectorKernel(), jax.tree.map(jnp.asarray, {"partner": partner, "diagonal": diagonal}), real


def conserves_ones(words: tuple[str, ...], coefficients: FloatArray) -> bool:
    r"""Whether a sum of Pauli words commutes with the number of ones, that is, with \(\sum_q Z_q\).

    \([X, Z] = -2iY\) and \([Y, Z] = 2iX\): each X or Y of a word adds one word to the commutator, whose coefficients
    must cancel, as those of XX + YY do. Time grows as the letters X and Y in all words.
    """
    commutator: dict[str, float] = {}
    for word, coefficient in zip(words, coefficients, strict=True):
        for wire, letter in enumerate(word):
            if letter in "XY":
                other, change = ("Y", -coefficient) if letter == "X" else ("X", coefficient)
                turned = word[:wire] + other + word[wire + 1 :]
                commutator[turned] = commutator.get(turned, 0.0) + change
    largest = float(np.abs(coefficients).max(initial=0.0))
    return all(abs(rest) <= _CANCELS * largest for rest in commutator.values())


def _masks(words: tuple[str, ...], coefficients: FloatArray) -> tuple[IntArray, IntArray, np.ndarray, bool]:
    """Bits that each word flips, bits whose parity is its sign, its weight, and whether all weights are real."""
    flips = np.array([_mask(word, "XY") for word in words], dtype=np.int64)
    signs = np.array([_mask(word, "YZ") for word in words], dtype=np.int64)
    weights = np.asarray(coefficients) * np.array([(-1j) ** word.count("Y") for word in words])
    real = bool(np.all(weights.imag == 0.0))
    return flips, signs, weights.real if real else weights, real


def _mask(word: str, letters: str) -> int:
    return sum(1 << (len(word) - 1 - wire) for wire, letter in enumerate(word) if letter in letters)
