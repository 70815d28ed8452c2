r"""H|psi> of electrons in orbitals, on a matrix of amplitudes (alpha strings, beta strings).

Same-spin parts are small dense matrices from left and right, the opposite-spin part takes the symmetric
pairs \(S_{pq} = E_{pq} + E_{qp}\), p <= q, each a signed partial permutation of strings:

$$ H = H_\alpha \otimes 1 + 1 \otimes H_\beta + \sum_{P, Q} (P|Q)\, S^\alpha_P \otimes S^\beta_Q. $$
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp
from jaxtyping import Array

from qvar._types import FloatArray, IntArray, PyTree
from qvar.engines.strings import occupation_strings, parity, register_layout

CHUNK_BYTES = 1 << 26
"""Scratch memory that one state's H|psi> may take; larger problems go through in chunks of rows."""


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
