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
def multiply(states, more, alpha, beta, angles, place, crossed):
    """Multiply states (n, rows, columns) by phases, in place, and as many further ones, or none, by the same phases.

    The angles (n_h, n_l) of each state's phases lie in `angles` (n, n_angles) from `place` on.
    """
    n_columns, n_l = states.shape[2], beta.shape[0]
    common, mixed, phases = np.zeros(n_columns), np.zeros(n_l), np.empty(n_columns, np.complex128)
    for at in range(len(states)):
        common[:] = 0.0
        for second in range(1, n_l):
            for c in range(n_columns):
                common[c] += angles[at, place + second] * beta[second, c]
        ways = np.exp(-1j * common)
        for r in range(states.shape[1]):
            mixed[:] = 0.0
            for first in range(len(alpha)):
                if alpha[first, r] != 0.0:
                    for second in range(n_l if crossed and first > 0 else 1):
                        mixed[second] += alpha[first, r] * angles[at, place + first * n_l + second]
            own = np.exp(-1j * mixed[0])
            for c in range(n_columns):
                phases[c] = own * ways[c]
            if crossed:
                for c in range(n_columns):
                    angle = 0.0
                    for second in range(1, n_l):
                        angle += mixed[second] * beta[second, c]
                    phases[c] *= complex(np.cos(angle), -np.sin(angle))
            for c in range(n_columns):
                states[at, r, c] *= phases[c]
            if len(more):
                for c in range(n_columns):
                    more[at, r, c] *= phases[c]


@kernel()
@no_type_check
def add_slopes(kets, bras, alpha, beta, slopes, place, crossed):
    """Add Im(conj(bra) ket), summed with the signs of strings, to slopes (n, n_angles), placed as in `multiply`."""
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
                    slopes[at, place + first * n_l + second] += alpha[first, r] * mixed[second]
        for second in range(n_l):
            for c in range(n_columns):
                slopes[at, place + second] += columns[c] * beta[second, c]


@kernel()
@no_type_check
def add_tangent(state, tangent, alpha, beta, rates, place):
    """Add -i sum_hl rates_hl a_h b_l state to its tangent; rates lie in (n_angles,), placed as in `multiply`."""
    n_l = len(beta)
    mixed = np.zeros(n_l)
    for r in range(len(state)):
        mixed[:] = 0.0
        for first in range(len(alpha)):
            for second in range(n_l):
                mixed[second] += alpha[first, r] * rates[place + first * n_l + second]
        for c in range(state.shape[1]):
            rate = 0.0
            for second in range(n_l):
                rate += mixed[second] * beta[second, c]
            tangent[r, c] += -1j * rate * state[r, c]
