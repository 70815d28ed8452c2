"""H|psi> of electrons in orbitals on a column of basis states, such as all determinants of N electrons.

H conserves the numbers of spin-up and of spin-down electrons, so that the basis states fall into blocks, matrices
(alpha strings, beta strings). Two blocks that differ by an exchange of the spins share their tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from qvar._types import FloatArray, IntArray, PyTree
from qvar.engines.electronic_hamiltonian import ElectronicKernel, electronic_hamiltonian
from qvar.engines.occupation_strings import register_layout, spin_strings


@dataclass(frozen=True)
class BlocksKernel:
    """H on a column of amplitudes (n_states, 1), block by block."""

    kernels: tuple[ElectronicKernel, ...]

    def __call__(self, state: Array, tables: PyTree) -> Array:
        """Return H|state>."""
        images = []
        for kernel, block in zip(self.kernels, tables["blocks"], strict=True):
            sign = block["sign"].astype(jnp.real(state).dtype)
            matrices = sign * state[block["index"], 0]  # one, or two of exchanged spins
            own = jax.vmap(kernel, (0, None))(matrices, block["hamiltonian"])
            images.append((sign * own).ravel())
        return jnp.concatenate(images)[tables["position"]][:, None]


def electron_blocks(
    one_body: FloatArray, two_body: FloatArray, states: IntArray, *, by_number: bool, zero: float = 0.0
) -> tuple[BlocksKernel, dict[str, Any]]:
    """Return the kernel and its tables for integrals over real orbitals, without the core energy.

    Integrals are chemists' (pq|rs), Ha; basis states of 2M wires are ascending, and with a determinant hold all that H
    maps it to. Blocks have one number of electrons of either spin with `by_number`, else one parity. `zero` is
    subtracted from H. Memory is that of `electronic_hamiltonian` for each block.
    """
    n_orbitals = len(one_body)
    strings = spin_strings(states, 2 * n_orbitals)
    labels = [np.bitwise_count(own).astype(int) if by_number else np.bitwise_count(own) % 2 for own in strings]
    kinds = sorted({(int(a), int(b)) for a, b in zip(*labels, strict=True)}, reverse=True)
    kernels, blocks, places = [], [], []
    for kind in kinds:
        if kind[::-1] in kinds and kind[0] < kind[1]:
            continue  # the twin of an earlier block
        inside = (labels[0] == kind[0]) & (labels[1] == kind[1])
        alpha, beta = (np.unique(own[inside]) for own in strings)
        basis, sign = register_layout(alpha, beta, n_orbitals)
        indices, signs = [np.searchsorted(states, basis)], [sign]
        if kind[0] != kind[1] and kind[::-1] in kinds:
            basis, sign = register_layout(beta, alpha, n_orbitals)
            indices.append(np.searchsorted(states, basis).T)
            signs.append(sign.T)
        kernel, tables = electronic_hamiltonian(one_body, two_body, alpha, beta, zero=zero)
        index = np.stack(indices).astype(np.int32)
        kernels.append(kernel)
        blocks.append({"index": index, "sign": np.stack(signs), "hamiltonian": tables})
        places.append(index.ravel())
    position = np.argsort(np.concatenate(places)).astype(np.int32)
    return BlocksKernel(tuple(kernels)), {"blocks": tuple(blocks), "position": position}
