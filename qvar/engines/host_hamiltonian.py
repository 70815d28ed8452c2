"""H|psi> on the host, of the same tables as JAX's kernels."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import jax
import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from qvar._types import FloatArray, IntArray, PyTree
from qvar.engines import hamiltonian_kernels
from qvar.engines.electron_blocks import BlocksKernel
from qvar.engines.electronic_hamiltonian import ElectronicKernel
from qvar.engines.hamiltonian import HamiltonianKernel
from qvar.engines.host_threads import run_all
from qvar.engines.pauli_hamiltonian import PauliKernel, PauliSectorKernel

HostHamiltonian: TypeAlias = Callable[[np.ndarray], np.ndarray]
"""States (n, *shape) -> H|state>, of the same shape."""

THREADED = 10_000
"""Amplitudes of a state from which several threads work on it."""

SHARES = 8
"""Parts of the rows of a large state."""

_ROUNDING = 1e-13
"""Integrals and elements of a matrix below this, relative to the largest, are zero by symmetry."""


def host_hamiltonian(kernel: HamiltonianKernel, tables: PyTree) -> HostHamiltonian | None:
    """Return the function for a Hamiltonian of this package; None if it has none on the host."""
    if isinstance(kernel, ElectronicKernel):
        matrices = _electronic(kernel, tables)
        return _on_register(matrices, tables["layout"]) if kernel.register else matrices
    if isinstance(kernel, BlocksKernel):
        return _blocks(kernel, tables)
    if isinstance(kernel, PauliKernel):
        return _pauli(tables) if kernel.tabulated else _compiled(kernel, tables)
    return _partners(tables) if isinstance(kernel, PauliSectorKernel) else None


def _compiled(kernel: HamiltonianKernel, tables: PyTree) -> HostHamiltonian:
    on_device = jax.tree.map(jax.numpy.asarray, tables)

    def apply(states: np.ndarray) -> np.ndarray:
        images = [np.asarray(_apply(kernel, state, on_device)) for state in states]
        return np.stack(images) if images else states

    return apply


_apply = jax.jit(lambda kernel, state, tables: kernel(state, tables), static_argnums=0)


def _electronic(kernel: ElectronicKernel, tables: PyTree) -> HostHamiltonian:
    (n_rows, n_columns), coulomb = kernel.shape, np.asarray(tables["coulomb"])
    order, sets = _sets(coulomb)
    place = np.empty(len(order), np.int64)  # of each pair in the order of sets
    place[order] = np.arange(len(order))
    coulomb = np.ascontiguousarray(coulomb[np.ix_(order, order)])
    pair, source, sign = (np.asarray(tables["alpha"][name]) for name in ("pair", "source", "sign"))
    alpha = (sets, *_alpha_entries(place[pair], source, sign, sets))
    beta = _beta_rows(np.asarray(tables["beta"]["place"]), np.asarray(tables["beta"]["sign"]), place, sets, n_columns)
    same_alpha = _sparse(np.asarray(tables["same_a"]))
    same_beta = same_alpha if tables["same_b"] is tables["same_a"] else _sparse(np.asarray(tables["same_b"]))
    shares = SHARES if n_rows * n_columns >= THREADED else 1

    def real(states: np.ndarray) -> np.ndarray:
        images = np.empty_like(states)
        arguments = (states, images, same_alpha, same_beta, coulomb, alpha, beta)
        run_all([partial(hamiltonian_kernels.electronic, *arguments, share, shares) for share in range(shares)])
        return images

    def apply(states: np.ndarray) -> np.ndarray:
        if states.dtype.kind != "c":
            return real(states)
        images = np.empty_like(states)
        images.real = real(np.ascontiguousarray(np.real(states)))
        images.imag = real(np.ascontiguousarray(np.imag(states)))
        return images

    return apply


def _sets(coulomb: FloatArray) -> tuple[IntArray, IntArray]:
    """Return the order of pairs by sets without integrals between them, and the first pair of each set and the end.

    Pairs without any integral are last, behind the end.
    """
    couples = np.abs(coulomb) > _ROUNDING * np.abs(coulomb).max(initial=0.0)
    n_sets, which = connected_components(sp.csr_array(couples), directed=False)
    which = np.where(couples.any(axis=1), which, n_sets)
    names, sizes = np.unique(which, return_counts=True)
    return np.argsort(which, kind="stable"), np.append(0, np.cumsum(sizes[names < n_sets])).astype(np.int64)


def _alpha_entries(
    pair: IntArray, source: IntArray, sign: FloatArray, sets: IntArray
) -> tuple[IntArray, IntArray, FloatArray, IntArray]:
    """Return the entries of `hamiltonian_kernels.electronic` from pairs (rows, K) that act on each string."""
    starts, pairs, signs, sources = [], [], [], []
    length = 0
    for own_pairs, own_sources, own_signs in zip(pair, source, sign, strict=True):
        row = [length]
        for first, stop in itertools.pairwise(sets):
            mine = np.flatnonzero((own_pairs >= first) & (own_pairs < stop) & (own_signs != 0))
            missing = -len(mine) % 4
            pairs += [own_pairs[mine], np.full(missing, first)]
            sources += [own_sources[mine], np.zeros(missing, np.int64)]
            signs += [own_signs[mine], np.zeros(missing)]
            length += len(mine) + missing
            row.append(length)
        starts.append(row)
    return np.array(starts), _joined(pairs, np.int64), _joined(signs, float), _joined(sources, np.int64)


def _joined(parts: list[np.ndarray], dtype: Any) -> np.ndarray:
    return np.concatenate([np.zeros(0, dtype), *parts]).astype(dtype)


def _beta_rows(
    place: IntArray, sign: FloatArray, order: IntArray, sets: IntArray, n_columns: int
) -> tuple[IntArray, IntArray, np.ndarray]:
    """Return the rows of `hamiltonian_kernels.electronic` from those of JAX's kernel, sorted by set."""
    pair, source = order[place // n_columns], place % n_columns
    rows, places, signs = [0], [np.zeros((0, n_columns), np.int32)], [np.zeros((0, n_columns), np.int8)]
    for first, stop in itertools.pairwise(sets):
        mine = (pair >= first) & (pair < stop) & (sign != 0)
        most = int(mine.sum(axis=0).max(initial=0))
        chosen = np.argsort(~mine, axis=0, kind="stable")[:most]
        taken = np.take_along_axis(mine, chosen, axis=0)
        own = np.take_along_axis((pair - first) * (-(-n_columns // 8) * 8) + source, chosen, axis=0)
        places.append(np.where(taken, own, 0).astype(np.int32))
        signs.append((taken * np.take_along_axis(sign, chosen, axis=0)).astype(np.int8))
        rows.append(rows[-1] + most)
    return np.array(rows), np.concatenate(places), np.concatenate(signs)


def _sparse(matrix: FloatArray) -> tuple[IntArray, IntArray, FloatArray]:
    """Return starts, columns and values of the rows of a matrix, filled up with zeros to a multiple of four."""
    chosen = np.abs(matrix) > _ROUNDING * np.abs(matrix).max(initial=0.0)
    counts = chosen.sum(axis=1)
    starts = np.append(0, np.cumsum(-(-counts // 4) * 4))
    columns, values = np.zeros(starts[-1], np.int64), np.zeros(starts[-1])
    rows, own = np.nonzero(chosen)
    where = starts[rows] + np.arange(len(rows)) - np.append(0, np.cumsum(counts))[rows]
    columns[where], values[where] = own, matrix[rows, own]
    return starts, columns, values


def _on_register(matrices: HostHamiltonian, layout: PyTree) -> HostHamiltonian:
    index, position = (np.asarray(layout[name], np.intp) for name in ("index", "position"))
    sign = np.asarray(layout["sign"], float)

    def apply(states: np.ndarray) -> np.ndarray:
        images = matrices(sign * np.take(states, index, axis=1))
        return np.take((sign * images).reshape(len(states), -1), position, axis=1)

    return apply


def _blocks(kernel: BlocksKernel, tables: PyTree) -> HostHamiltonian:
    blocks, position = tables["blocks"], np.asarray(tables["position"])
    order = np.concatenate([np.ravel(block["index"]) for block in blocks])
    signs = np.concatenate([np.ravel(block["sign"]) for block in blocks]).astype(float)
    stops = np.cumsum([np.size(block["index"]) for block in blocks])
    own = [host_hamiltonian(one, block["hamiltonian"]) for one, block in zip(kernel.kernels, blocks, strict=True)]
    parts = list(zip(own, [one.shape for one in kernel.kernels], [0, *stops], stops, strict=False))

    def apply(states: np.ndarray) -> np.ndarray:
        taken = np.take(states.reshape(len(states), -1), order, axis=1) * signs
        images = np.empty_like(taken)
        for matrices, shape, start, stop in parts:
            assert matrices is not None  # electrons have a function on the host
            image = matrices(np.ascontiguousarray(taken[:, start:stop]).reshape(-1, *shape))
            images[:, start:stop] = image.reshape(len(states), -1)
        return np.take(images * signs, position, axis=1).reshape(states.shape)

    return apply


def _pauli(tables: PyTree) -> HostHamiltonian:
    flips, diagonals = (np.asarray(tables["flips"][name]) for name in ("x", "diagonal"))
    if "still" in tables:
        flips = np.append(flips, 0)
        diagonals = np.concatenate([diagonals, np.asarray(tables["still"]["diagonal"])[None]])
    flips = flips.astype(np.int64)
    return _tabulated(hamiltonian_kernels.pauli, flips, diagonals)


def _partners(tables: PyTree) -> HostHamiltonian:
    return _tabulated(hamiltonian_kernels.partners, *(np.asarray(tables[name]) for name in ("partner", "diagonal")))


def _tabulated(kernel: Any, moves: np.ndarray, diagonals: np.ndarray) -> HostHamiltonian:
    moves, tables = np.array(moves), {}

    def apply(states: np.ndarray) -> np.ndarray:
        if states.dtype not in tables:
            tables[states.dtype] = np.array(diagonals, states.dtype)
        images = np.empty_like(states)
        kernel(states, images, moves, tables[states.dtype])
        return images

    return apply
