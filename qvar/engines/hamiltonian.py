r"""H|psi> without a matrix of the size of the state.

Three kernels. `ElectronicKernel` acts on a matrix of amplitudes (alpha strings, beta strings):
same-spin parts as small dense matrices from left and right, the opposite-spin part with the symmetric
pairs \(S_{pq} = E_{pq} + E_{qp}\), p <= q, each a signed partial permutation of strings:

$$ H = H_\alpha \otimes 1 + 1 \otimes H_\beta + \sum_{P, Q} (P|Q)\, S^\alpha_P \otimes S^\beta_Q. $$

`PauliKernel` acts on a register: Pauli words that flip the same bits act together as one
permutation and one diagonal, \((H\psi)_k = \sum_x d_x(k)\, \psi_{k \oplus x}\). `PauliSectorKernel` does the
same on the basis states with one number of ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import combinations_with_replacement
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp
from jaxtyping import Array, Shaped

from qvar._types import FloatArray, IntArray, PyTree
from qvar.engines.strings import occupation_strings, parity, register_layout

CHUNK_BYTES = 1 << 26
"""Scratch memory that one state's H|psi> may take; larger problems go through in chunks of rows."""

DIAGONAL_BYTES = 1 << 31
"""Tables of diagonals of a Pauli Hamiltonian up to this size are kept; above it, words act one by one."""

_CANCELS = 1e-12
"""Coefficients of a commutator up to this, relative to the largest of the operator, are rounding."""


@runtime_checkable
class HamiltonianKernel(Protocol):
    """A hashable function (state, tables) -> H|state>; H is Hermitian."""

    def __call__(self, state: Array, tables: PyTree) -> Array:
        """H|state>, of the shape of the state."""
        ...


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def quadratic_form(kernel: HamiltonianKernel, state: Shaped[Array, "..."], tables: PyTree) -> Array:
    """<state|H|state>, real; its derivative 2 Re <H state|d state> reuses H|state>."""
    return _quadratic(state, kernel(state, tables))


def _quadratic(state: Array, image: Array) -> Array:
    return jnp.sum(jnp.real(jnp.conj(state) * image))


def _quadratic_forward(kernel: HamiltonianKernel, state: Array, tables: PyTree) -> tuple[Array, Array]:
    image = kernel(state, tables)
    return _quadratic(state, image), image


def _quadratic_backward(kernel: HamiltonianKernel, image: Array, cotangent: Array) -> tuple[Array, None]:
    return 2.0 * cotangent * jnp.conj(image), None


quadratic_form.defvjp(_quadratic_forward, _quadratic_backward)


def single_excitations(strings: IntArray, n_orbitals: int) -> tuple[IntArray, FloatArray]:
    r"""The symmetric pair operators S_pq = E_pq + E_qp (p < q), S_pp = E_pp on strings of one spin.

    Args:
        strings: (n_strings,) ascending.
        n_orbitals: M.

    Returns:
        source: (M(M+1)/2, n_strings) int32 and sign: same shape, float64, with
        (S_P C)[i] = sign[P, i] C[source[P, i]]; sign 0 where S_P gives nothing. Pairs are
        ordered (0,0), (0,1), ..., (1,1), ...
    """
    pairs = list(combinations_with_replacement(range(n_orbitals), 2))
    own = np.arange(len(strings), dtype=np.int32)
    source = np.tile(own, (len(pairs), 1))
    sign = np.zeros((len(pairs), len(strings)))
    for row, (p, q) in enumerate(pairs):
        at_p, at_q = strings >> p & 1, strings >> q & 1
        if p == q:
            sign[row] = at_p
            continue
        moved = at_p != at_q
        partner = strings[moved] ^ ((1 << p) | (1 << q))
        source[row, moved] = np.searchsorted(strings, partner)
        between = ((1 << q) - 1) & ~((1 << (p + 1)) - 1)
        sign[row, moved] = parity(strings[moved], between)
    return source, sign


@dataclass(frozen=True)
class ElectronicKernel:
    """H on a matrix of amplitudes, real or complex; orbitals are real.

    Cost per application: P^2 na nb + na nb (na + nb) multiplications with P = M(M+1)/2; scratch memory
    2 P na nb numbers, in chunks of rows of at most `CHUNK_BYTES`.
    """

    n_pairs: int
    shape: tuple[int, int]
    register: bool
    """Whether the state is a register of 2M qubits instead of a matrix."""

    def __call__(self, state: Array, tables: PyTree) -> Array:
        """H|state>."""
        if self.register:
            layout = tables["layout"]
            sign = layout["sign"].astype(jnp.real(state).dtype)
            matrix = sign * state[layout["index"]]
            return (sign * self._matrix(matrix, tables)).ravel()[layout["position"]]
        return self._matrix(state, tables)

    def _matrix(self, state: Array, tables: PyTree) -> Array:
        if jnp.iscomplexobj(state):
            return jax.lax.complex(self._real(state.real, tables), self._real(state.imag, tables))
        return self._real(state, tables)

    def _real(self, state: Array, tables: PyTree) -> Array:
        rows, columns = self.shape
        per_row = 2 * self.n_pairs * columns * state.dtype.itemsize
        chunk = int(max(1, min(rows, CHUNK_BYTES // per_row)))

        def opposite(source: Array, sign: Array) -> Array:
            """Rows of the opposite-spin part; source and sign are (chunk, n_pairs)."""
            gathered = sign[:, :, None] * state[source]
            mixed = jnp.einsum("QP,rPj->rQj", tables["coulomb"], gathered)
            taken = jnp.take_along_axis(mixed, tables["source_b"][None], axis=2)
            return jnp.sum(taken * tables["sign_b"][None], axis=1)

        same = tables["same_a"] @ state + state @ tables["same_b"]
        if chunk >= rows:
            return same + opposite(tables["source_a"], tables["sign_a"])
        n_chunks = -(-rows // chunk)
        padding = ((0, n_chunks * chunk - rows), (0, 0))
        source = jnp.pad(tables["source_a"], padding).reshape(n_chunks, chunk, -1)
        sign = jnp.pad(tables["sign_a"], padding).reshape(n_chunks, chunk, -1)
        parts = jax.lax.map(lambda table: opposite(*table), (source, sign))
        return same + parts.reshape(n_chunks * chunk, columns)[:rows]


def electronic_hamiltonian(
    one_body: FloatArray, two_body: FloatArray, n_alpha: int | None, n_beta: int | None
) -> tuple[ElectronicKernel, dict[str, Any]]:
    """The kernel and its tables for integrals over real orbitals, without the core energy.

    Args:
        one_body: (M, M), Ha.
        two_body: (M, M, M, M) chemists' (pq|rs), Ha.
        n_alpha: electrons of spin up in the sector; None for the register of all strings.
        n_beta: likewise, spin down.
    """
    n_orbitals = len(one_body)
    strings = [occupation_strings(n_orbitals, n) for n in (n_alpha, n_beta)]
    pairs = list(combinations_with_replacement(range(n_orbitals), 2))
    p, q = (np.array(index) for index in zip(*pairs, strict=True))
    coulomb = two_body[p[:, None], q[:, None], p[None, :], q[None, :]]
    # E_pq E_rs needs h_pq - 1/2 sum_r (pr|rq) to be normal ordered
    effective = one_body - 0.5 * np.einsum("prrq->pq", two_body)
    tables: dict[str, Any] = {"coulomb": coulomb}
    for spin, own in zip("ab", strings, strict=True):
        source, sign = single_excitations(own, n_orbitals)
        tables[f"same_{spin}"] = _same_spin(effective[p, q], coulomb, source, sign)
        # rows are looked up by row of the state, columns by pair
        tables[f"source_{spin}"] = source.T.copy() if spin == "a" else source
        tables[f"sign_{spin}"] = sign.T.copy() if spin == "a" else sign
    register = n_alpha is None
    if register:
        index, position, sign = register_layout(n_orbitals)
        tables["layout"] = {"index": index, "position": position, "sign": sign}
    kernel = ElectronicKernel(len(pairs), (len(strings[0]), len(strings[1])), register)
    return kernel, jax.tree.map(jnp.asarray, tables)


def _same_spin(effective: FloatArray, coulomb: FloatArray, source: IntArray, sign: FloatArray) -> FloatArray:
    """sum_P S_P (h_P + 1/2 sum_Q (P|Q) S_Q) as a dense matrix over the strings of one spin.

    Scratch memory grows as pairs times strings, time as pairs^2 times strings.
    """
    n_pairs, n_strings = source.shape
    rows = np.tile(np.arange(n_strings), n_pairs)
    identity = sp.eye_array(n_strings, format="csr")
    total = sp.csr_array((n_strings, n_strings))
    for pair in range(n_pairs):
        entries = (0.5 * coulomb[pair][:, None] * sign).ravel()
        inner = sp.csr_array((entries, (rows, source.ravel())), shape=(n_strings, n_strings))
        # S_P only moves rows and changes their signs
        total = total + sp.diags_array(sign[pair]) @ (inner + effective[pair] * identity)[source[pair]]
    return np.asarray(total.todense())


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
