r"""Phases \(e^{-i\sum_{hl} \Phi_{hl}\, a_h \otimes b_l}\) over signs of alpha and of beta strings, on the host.

The rows of `alpha` (n_h, rows) and `beta` (n_l, columns) are signs of strings, 0 if not selected; the first row of
either is 1 for all strings. Time: n_l multiplications and one sine and cosine for each amplitude.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np

from qvar.engines.host_compile import kernel


@kernel()
@no_type_check
def multiply(states, alpha, beta, angles, crossed):
    """Multiply states (n, rows, columns) by the phases of angles (n, n_h, n_l), in place."""
    n_columns, n_l = states.shape[2], beta.shape[0]
    common, mixed = np.zeros(n_columns), np.zeros(n_l)
    for at in range(len(states)):
        state = states[at]
        common[:] = 0.0
        for second in range(1, n_l):
            for c in range(n_columns):
                common[c] += angles[at, 0, second] * beta[second, c]
        ways = np.exp(-1j * common)
        for r in range(len(state)):
            mixed[:] = 0.0
            for first in range(len(alpha)):
                if alpha[first, r] != 0.0:
                    for second in range(n_l if crossed and first > 0 else 1):
                        mixed[second] += alpha[first, r] * angles[at, first, second]
            own = np.exp(-1j * mixed[0])
            if crossed:
                for c in range(n_columns):
                    angle = 0.0
                    for second in range(1, n_l):
                        angle += mixed[second] * beta[second, c]
                    state[r, c] *= own * ways[c] * complex(np.cos(angle), -np.sin(angle))
            else:
                for c in range(n_columns):
                    state[r, c] *= own * ways[c]


@kernel()
@no_type_check
def add_slopes(kets, bras, alpha, beta, crossed, slopes):
    """Add Im(conj(bra) ket), summed with the signs of strings, to slopes (n, n_h, n_l)."""
    n_columns, n_l = kets.shape[2], beta.shape[0]
    columns, mixed = np.zeros(n_columns), np.zeros(n_l)
    for at in range(len(kets)):
        ket, bra = kets[at], bras[at]
        columns[:] = 0.0
        for r in range(len(ket)):
            mixed[:] = 0.0
            for c in range(n_columns):
                weight = (np.conj(bra[r, c]) * ket[r, c]).imag
                columns[c] += weight
                mixed[0] += weight
                if crossed:
                    for second in range(1, n_l):
                        mixed[second] += weight * beta[second, c]
            for first in range(1, len(alpha)):
                for second in range(n_l if crossed else 1):
                    slopes[at, first, second] += alpha[first, r] * mixed[second]
        for second in range(n_l):
            for c in range(n_columns):
                slopes[at, 0, second] += columns[c] * beta[second, c]


@kernel()
@no_type_check
def add_tangent(state, tangent, alpha, beta, rates):
    """Add -i sum_hl rates_hl a_h b_l state to its tangent; rates have shape (n_h, n_l)."""
    mixed = np.zeros(len(beta))
    for r in range(len(state)):
        mixed[:] = 0.0
        for first in range(len(alpha)):
            for second in range(len(beta)):
                mixed[second] += alpha[first, r] * rates[first, second]
        for c in range(state.shape[1]):
            rate = 0.0
            for second in range(len(beta)):
                rate += mixed[second] * beta[second, c]
            tangent[r, c] += -1j * rate * state[r, c]
