r"""Expectation values of symmetries: particle number, S_z and S^2."""

from __future__ import annotations

import numpy as np

from qvar._types import IntArray
from qvar.engines.occupation_strings import occupation_strings, register_layout
from qvar.engines.spin_blocks import spin_blocks
from qvar.pauli import parity


def spin_symmetries(matrix: np.ndarray, alpha: IntArray, beta: IntArray, n_orbitals: int) -> dict[str, float]:
    r"""Return expectation values of N, S_z and S^2 in a normalised state.

    \(S^2 = S_- S_+ + S_z (S_z + 1)\) with \(S_+ = \sum_p a^\dagger_{p\alpha} a_{p\beta}\), so that
    \(\langle S_- S_+ \rangle = \lVert S_+ \psi \rVert^2\).

    The matrix has shape (n_alpha_strings, n_beta_strings), alpha creation operators first, strings ascending. Spins are
    in units of hbar; time grows as M times the size of the matrix.
    """
    weight = np.abs(matrix) ** 2
    n_alpha, n_beta = np.bitwise_count(alpha).astype(float), np.bitwise_count(beta).astype(float)
    rows, columns = weight.sum(axis=1), weight.sum(axis=0)
    number = rows @ n_alpha + columns @ n_beta
    sz = 0.5 * (rows @ n_alpha - columns @ n_beta)
    sz_squared = 0.25 * np.sum(weight * (n_alpha[:, None] - n_beta[None, :]) ** 2)

    # strings with one more alpha and one less beta electron; the register holds all strings
    everything = len(alpha) == 1 << n_orbitals
    up = alpha if everything else occupation_strings(n_orbitals, min(int(n_alpha[0]) + 1, n_orbitals))
    down = beta if everything else occupation_strings(n_orbitals, max(int(n_beta[0]) - 1, 0))
    raised = np.zeros((len(up), len(down)), dtype=matrix.dtype)
    for p in range(n_orbitals):
        empty, full = (alpha >> p & 1) == 0, (beta >> p & 1) == 1
        if not (empty.any() and full.any()):
            continue
        below = (1 << p) - 1
        sign = parity(alpha[empty], below)[:, None] * parity(beta[full], below)[None, :]
        to_row, to_column = np.searchsorted(up, alpha[empty] | 1 << p), np.searchsorted(down, beta[full] ^ 1 << p)
        # a string is raised to each target at most once per orbital, so plain addition is safe
        raised[to_row[:, None], to_column[None, :]] += sign * matrix[np.ix_(empty, full)]
    s2 = np.sum(np.abs(raised) ** 2) + sz_squared + sz
    return {"particle_number": float(number), "sz": float(sz), "s2": float(s2)}


def column_symmetries(column: np.ndarray, states: IntArray, n_qubits: int) -> dict[str, float]:
    """Return `spin_symmetries` of a normalised state on some basis states of a register of electrons.

    Amplitudes are (n_states,) or (n_states, 1); wire 2p is orbital p spin up.
    """
    totals, m = {"particle_number": 0.0, "sz": 0.0, "s2": 0.0}, n_qubits // 2
    for block in spin_blocks(column, states, n_qubits):  # S_+ maps them to different ones
        for name, value in spin_symmetries(block.matrix, *block.strings(m), m).items():
            totals[name] += value
    return totals


def register_symmetries(state: np.ndarray, n_qubits: int) -> dict[str, float]:
    """Return `spin_symmetries` of a register of qubits, shape (2^n,); wire 2p is orbital p spin up."""
    strings = occupation_strings(n_qubits // 2, None)
    index, sign = register_layout(strings, strings, n_qubits // 2)
    return spin_symmetries(sign * state[index], strings, strings, n_qubits // 2)


def mapped_symmetries(state: np.ndarray, decoding: IntArray) -> dict[str, float]:
    """Compute `spin_symmetries` of a state on the qubits of a mapped problem, shape (2^n,).

    A basis state of the qubits is a determinant, whose amplitude it keeps.

    Wire 0 is the most significant bit. For `decoding` see `qvar.problems.problem.Problem`; time and memory grow as
    2^n_modes.
    """
    n_modes, n = len(decoding), decoding.shape[1] - 1
    bits = np.arange(1 << n)[:, None] >> np.arange(n)[::-1] & 1
    occupations = (bits @ decoding[:, :-1].T + decoding[:, -1]) % 2
    register = np.zeros(1 << n_modes, dtype=state.dtype)
    register[occupations @ (1 << np.arange(n_modes)[::-1])] = state
    return register_symmetries(register, n_modes)
