"""H|psi> on the host, of the same tables as JAX's kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import numpy as np

from qvar._types import PyTree
from qvar.engines import hamiltonian_kernels
from qvar.engines.electron_blocks import BlocksKernel
from qvar.engines.electronic_hamiltonian import ElectronicKernel
from qvar.engines.hamiltonian import HamiltonianKernel
from qvar.engines.pauli_hamiltonian import PauliKernel, PauliSectorKernel

HostHamiltonian: TypeAlias = Callable[[np.ndarray], np.ndarray]
"""States (n, *shape) -> H|state>, of the same shape."""

LOOPS = 600
"""Amplitudes up to which plain loops are faster than matrix products of NumPy."""

LARGE = 40_000
"""Amplitudes from which JAX's program, compiled once for a size, is faster."""

_CHUNK_BYTES = 1 << 20
"""Scratch memory of some rows of the result."""


def host_hamiltonian(kernel: HamiltonianKernel, tables: PyTree) -> HostHamiltonian | None:
    """Return the function for a Hamiltonian of this package; None if it has none on the host."""
    if isinstance(kernel, ElectronicKernel):
        rows, columns = kernel.shape
        if rows * columns >= LARGE or "integrals" not in tables["alpha"]:
            return _compiled(kernel, tables)
        matrices = _loops(tables) if rows * columns <= LOOPS else _products(tables)
        return _on_register(matrices, tables["layout"]) if kernel.register else matrices
    if isinstance(kernel, BlocksKernel):
        return _blocks(kernel, tables)
    if isinstance(kernel, PauliKernel):
        return _pauli(tables) if kernel.tabulated else _compiled(kernel, tables)
    return _partners(tables) if isinstance(kernel, PauliSectorKernel) else None


def _compiled(kernel: HamiltonianKernel, tables: PyTree) -> HostHamiltonian:
    on_device = jax.tree.map(jax.numpy.asarray, tables)

    def apply(states: np.ndarray) -> np.ndarray:
        return np.stack([np.asarray(_apply(kernel, state, on_device)) for state in states])

    return apply


_apply = jax.jit(lambda kernel, state, tables: kernel(state, tables), static_argnums=0)


def _loops(tables: PyTree) -> HostHamiltonian:
    alpha, beta = tables["alpha"], tables["beta"]
    arrays = (tables["same_a"], tables["same_b"], alpha["integrals"], alpha["source"], beta["place"], beta["sign"])
    own = tuple(np.array(array, order="C") for array in arrays)

    def apply(states: np.ndarray) -> np.ndarray:
        images = np.empty_like(states)
        hamiltonian_kernels.electronic(states, images, *own)
        return images

    return apply


def _products(tables: PyTree) -> HostHamiltonian:
    same_a, same_b, alpha, beta = (
        jax.tree.map(np.asarray, tables[name]) for name in ("same_a", "same_b", "alpha", "beta")
    )
    integrals, source = alpha["integrals"], alpha["source"]
    place, sign = np.array(beta["place"], order="C"), np.array(beta["sign"], order="C")
    n_rows, n_pairs, _ = integrals.shape

    def real(state: np.ndarray) -> np.ndarray:
        image = same_a @ state + state @ same_b
        step = max(1, _CHUNK_BYTES // (8 * n_pairs * state.shape[1]))
        for row in range(0, n_rows, step):
            rows = slice(row, row + step)
            mixed = integrals[rows] @ state[source[rows]]
            hamiltonian_kernels.gather_pairs(mixed.reshape(len(mixed), -1), place, sign, image[rows])
        return image

    def apply(states: np.ndarray) -> np.ndarray:
        if states.dtype.kind != "c":
            return np.stack([real(state) for state in states])
        parts = [(np.ascontiguousarray(state.real), np.ascontiguousarray(state.imag)) for state in states]
        return np.stack([real(first) + 1j * real(second) for first, second in parts])

    return apply


def _on_register(matrices: HostHamiltonian, layout: PyTree) -> HostHamiltonian:
    index, sign, position = (np.asarray(layout[name]) for name in ("index", "sign", "position"))

    def apply(states: np.ndarray) -> np.ndarray:
        images = matrices(np.ascontiguousarray(sign * states[:, index]))
        return np.ascontiguousarray((sign * images).reshape(len(states), -1)[:, position])

    return apply


def _blocks(kernel: BlocksKernel, tables: PyTree) -> HostHamiltonian:
    parts = [
        (np.asarray(block["index"]), np.asarray(block["sign"]), host_hamiltonian(own, block["hamiltonian"]))
        for own, block in zip(kernel.kernels, tables["blocks"], strict=True)
    ]

    def apply(states: np.ndarray) -> np.ndarray:
        images = np.empty_like(states)
        for index, sign, matrices in parts:
            assert matrices is not None  # electrons have a function on the host
            taken = np.ascontiguousarray(sign * states[:, index, 0])
            images[:, index, 0] = sign * matrices(taken.reshape(-1, *index.shape[1:])).reshape(taken.shape)
        return images

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
