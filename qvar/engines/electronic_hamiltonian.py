r"""H|psi> of electrons in orbitals, on a matrix of amplitudes (alpha strings, beta strings).

Same-spin parts are small dense matrices from left and right, the opposite-spin part takes the symmetric
pairs \(S_{pq} = E_{pq} + E_{qp}\), p <= q, each a signed partial permutation of strings:

$$ H = H_\alpha \otimes 1 + 1 \otimes H_\beta + \sum_{P, Q} (P|Q)\, S^\alpha_P \otimes S^\beta_Q. $$
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp
from jax.sharding import Mesh
from jaxtyping import Array

from qvar._types import FloatArray, IntArray, PyTree
from qvar.engines.occupation_strings import occupation_strings, register_layout
from qvar.engines.sharding import gather, replicate, shard
from qvar.pauli import parity

CHUNK_BYTES = {"cpu": 1 << 21, "gpu": 1 << 28}
"""Scratch memory of a chunk of rows, by JAX's backend: the cache of a core, or enough work for a GPU."""

TABLE_BYTES = 1 << 28
"""Integrals sorted by row of the state are kept up to this size; above it, they are gathered for each chunk."""


def single_excitations(strings: IntArray, n_orbitals: int) -> tuple[IntArray, FloatArray]:
    r"""Return the symmetric pair operators S_pq = E_pq + E_qp (p < q), S_pp = E_pp on strings of one spin.

    Args:
        strings: (n_strings,) ascending.
        n_orbitals: M.

    Returns:
        source: (M(M+1)/2, n_strings) int32 and sign: same shape, float64, with
        (S_P C)[i] = sign[P, i] C[source[P, i]]; sign 0 if S_P gives nothing. Pairs are
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


class Excitations(NamedTuple):
    """The pair operators that do not vanish on each string, filled up with sign 0 to the same number K."""

    pair: IntArray
    """(n_strings, K) which pair."""
    source: IntArray
    """(n_strings, K) the string that it comes from."""
    sign: FloatArray
    """(n_strings, K) +1, -1 or, for filling, 0."""


def compact(source: IntArray, sign: FloatArray) -> Excitations:
    """Sort the pair operators of `single_excitations` by string and leave out zeros.

    Of M(M+1)/2 pairs, k(M - k) + k act on a string with k ones.
    """
    acts = (sign != 0).T
    width = max(1, int(acts.sum(axis=1).max()))
    pair = np.argsort(~acts, axis=1, kind="stable")[:, :width].astype(np.int32)
    return Excitations(pair, np.take_along_axis(source.T, pair, axis=1), np.take_along_axis(sign.T, pair, axis=1))


@dataclass(frozen=True)
class ElectronicKernel:
    """H on a matrix of amplitudes, real or complex; orbitals are real.

    For each row of the result, the rows that alpha pairs map to it are gathered, a small matrix product with the
    integrals gives one row for each of the P = M(M+1)/2 beta pairs, and these are gathered along the columns.
    Cost per application: P K na nb + na nb (na + nb) multiplications, with K pairs that act on a string; scratch memory
    (P + K) nb numbers a row, in chunks of rows of about `CHUNK_BYTES`.
    """

    n_pairs: int
    shape: tuple[int, int]
    register: bool
    """True if the state is a register of 2M qubits instead of a matrix."""
    chunk: int
    """Rows of the result that are computed at once."""
    mesh: Mesh | None = None
    """Devices that the rows of the result are sharded over; each of them holds the whole state meanwhile."""

    def __call__(self, state: Array, tables: PyTree) -> Array:
        """Return H|state>."""
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
        state = gather(state, self.mesh)
        same = shard(tables["same_a"], self.mesh, 0) @ state + shard(state, self.mesh, 0) @ tables["same_b"]
        if self.chunk >= rows:
            return same + self._opposite(state, tables["alpha"], tables)
        n_chunks = -(-rows // self.chunk)

        def chunked(table: Array) -> Array:
            padding = ((0, n_chunks * self.chunk - rows), *[(0, 0)] * (table.ndim - 1))
            return jnp.pad(table, padding).reshape(n_chunks, self.chunk, *table.shape[1:])

        chunks = jax.tree.map(chunked, tables["alpha"])
        parts = jax.lax.map(lambda alpha: self._opposite(state, alpha, tables), chunks)
        return same + parts.reshape(n_chunks * self.chunk, columns)[:rows]

    def _opposite(self, state: Array, alpha: PyTree, tables: PyTree) -> Array:
        """Return the opposite-spin part of a chunk of rows, (rows, columns)."""
        integrals = alpha.get("integrals")
        if integrals is None:
            integrals = jax.vmap(lambda pair, sign: tables["coulomb"][:, pair] * sign[None])(
                alpha["pair"], alpha["sign"]
            )
        mixed = shard(jnp.einsum("rQP,rPj->rQj", integrals, _get(state, alpha["source"])), self.mesh, 0)
        mixed = mixed.reshape(len(mixed), -1)

        def add(image: Array, beta: PyTree) -> tuple[Array, None]:
            taken = mixed.at[:, beta["place"]].get(mode="promise_in_bounds")
            return image + taken * beta["sign"][None], None

        zero = jnp.zeros((len(mixed), self.shape[1]), state.dtype)
        return jax.lax.scan(add, zero, tables["beta"])[0]


def _get(state: Array, rows: Array) -> Array:
    return state.at[rows].get(mode="promise_in_bounds")


def electronic_hamiltonian(
    one_body: FloatArray,
    two_body: FloatArray,
    n_alpha: int | IntArray | None,
    n_beta: int | IntArray | None,
    *,
    zero: float = 0.0,
    mesh: Mesh | None = None,
) -> tuple[ElectronicKernel, dict[str, Any]]:
    """Return the kernel and its tables for integrals over real orbitals, without the core energy.

    Args:
        one_body: (M, M), Ha.
        two_body: (M, M, M, M) chemists' (pq|rs), Ha.
        n_alpha: electrons of spin up in the sector; or strings, ascending, that all E_pq map to each other; None for
            the register of all strings.
        n_beta: electrons of spin down.
        zero: energy subtracted from H; one near the state's energy reduces rounding in 32 bit.
        mesh: devices that the work is sharded over.

    Returns:
        Kernel and tables; these take up to `TABLE_BYTES`, and a square matrix over the strings of each spin.
    """
    n_orbitals = len(one_body)
    strings = [n if isinstance(n, np.ndarray) else occupation_strings(n_orbitals, n) for n in (n_alpha, n_beta)]
    pairs = list(combinations_with_replacement(range(n_orbitals), 2))
    p, q = (np.array(index) for index in zip(*pairs, strict=True))
    coulomb = two_body[p[:, None], q[:, None], p[None, :], q[None, :]]
    # E_pq E_rs needs h_pq - 1/2 sum_r (pr|rq) to be normal ordered
    effective = one_body - 0.5 * np.einsum("prrq->pq", two_body)
    moves = [single_excitations(own, n_orbitals) for own in strings]
    alpha, beta = (compact(*move) for move in moves)
    tables: dict[str, Any] = {
        "same_a": _same_spin(effective[p, q], coulomb, *moves[0], 0.5 * zero),
        "alpha": alpha._asdict(),
        "coulomb": coulomb,
        "beta": {"place": (beta.pair * len(strings[1]) + beta.source).T, "sign": beta.sign.T},
    }
    if alpha.pair.size * len(pairs) * coulomb.itemsize <= TABLE_BYTES:
        integrals = coulomb[alpha.pair] * alpha.sign[:, :, None]
        tables["alpha"]["integrals"] = np.ascontiguousarray(integrals.transpose(0, 2, 1))
    if not np.array_equal(strings[0], strings[1]):
        tables["same_b"] = _same_spin(effective[p, q], coulomb, *moves[1], 0.5 * zero)
    register = n_alpha is None
    if register:
        index, sign = register_layout(strings[0], strings[1], n_orbitals)
        position = np.argsort(index, axis=None)
        tables["layout"] = {"index": index.astype(np.int32), "position": position.astype(np.int32), "sign": sign}
    per_row = len(pairs) * len(strings[1]) * jax.dtypes.canonicalize_dtype(float).itemsize
    n_devices = 1 if mesh is None else mesh.size
    chunk = n_devices * max(1, CHUNK_BYTES.get(jax.default_backend(), CHUNK_BYTES["gpu"]) // per_row)
    shape = (len(strings[0]), len(strings[1]))
    kernel = ElectronicKernel(len(pairs), shape, register, min(chunk, shape[0]), mesh)
    tables = replicate(tables, mesh)
    tables.setdefault("same_b", tables["same_a"])  # symmetric, so that one copy serves from left and right
    return kernel, tables


def _same_spin(
    effective: FloatArray, coulomb: FloatArray, source: IntArray, sign: FloatArray, zero: float
) -> FloatArray:
    """Return sum_P S_P (h_P + 1/2 sum_Q (P|Q) S_Q) - zero as a dense matrix over the strings of one spin.

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
    return np.asarray(total.todense()) - zero * np.eye(n_strings)
