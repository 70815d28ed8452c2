"""Blocks of a state of electrons with one number of electrons of either spin, as matrices in PySCF's order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from qvar._types import IntArray
from qvar.engines.occupation_strings import occupation_strings, register_layout, spin_strings


class SpinBlock(NamedTuple):
    """Part of a state with (N_alpha, N_beta) electrons."""

    n_alpha: int
    n_beta: int
    matrix: np.ndarray
    """Amplitudes (alpha strings, beta strings), strings ascending, alpha creation operators first."""

    def strings(self, n_orbitals: int) -> tuple[IntArray, IntArray]:
        """Return the occupation strings of its rows and of its columns."""
        return occupation_strings(n_orbitals, self.n_alpha), occupation_strings(n_orbitals, self.n_beta)


def spin_blocks(amplitudes: np.ndarray, states: IntArray, n_qubits: int) -> Iterator[SpinBlock]:
    """Yield the blocks of a state on some basis states of a register of electrons; blocks of zeros are left out.

    Wire 2p is orbital p spin up; amplitudes are (n_states,) or (n_states, 1), wire 0 the most significant bit.
    """
    m, column = n_qubits // 2, np.asarray(amplitudes).ravel()
    alpha, beta = spin_strings(states, n_qubits)
    labels = np.bitwise_count(alpha).astype(np.int64) * (m + 1) + np.bitwise_count(beta)
    order = np.argsort(labels, kind="stable")
    kinds, first = np.unique(labels[order], return_index=True)
    for kind, inside in zip(kinds.tolist(), np.split(order, first[1:]), strict=True):
        if not column[inside].any():
            continue
        n_alpha, n_beta = divmod(kind, m + 1)
        rows, columns = occupation_strings(m, n_alpha), occupation_strings(m, n_beta)
        at = np.searchsorted(rows, alpha[inside]), np.searchsorted(columns, beta[inside])
        matrix = np.zeros((len(rows), len(columns)), column.dtype)
        matrix[at] = register_layout(rows, columns, m)[1][at] * column[inside]
        yield SpinBlock(n_alpha, n_beta, matrix)
