"""Sweeps over mask operations on registers of 2^n amplitudes, one operation at a time, as kernels on the host.

The kernels read masks as data (see `qvar.ansatz.gates`), so one compilation serves all circuits. Pairs of amplitudes
that an operation mixes are enumerated without looking at others. Time: 1 to 2 ns for an amplitude and operation
forward, three times that backward.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np

from qvar.engines.host_compile import kernel


@kernel
@no_type_check
def _odd(bits):
    bits ^= bits >> 32
    bits ^= bits >> 16
    bits ^= bits >> 8
    bits ^= bits >> 4
    return (0x6996 >> (bits & 15)) & 1 == 1


@kernel
@no_type_check
def forward(states, masks, free, weights):
    """Apply operations to registers (n, 2^n_qubits).

    Args:
        states: changed in place.
        masks: (n_ops, 4) x, z, m, f as in `qvar.ansatz.gates`.
        free: (n_ops,) bits that number the pairs of an operation, one index of each.
        weights: (3, n, n_ops) weight of the own amplitude, of the partner, and of the own at the partner.
    """
    for at in range(len(states)):
        state = states[at]
        for k in range(len(masks)):
            x, z, f, bits = masks[k, 0], masks[k, 1], masks[k, 3], free[k]
            keep, mix, back = weights[0, at, k].real, weights[1, at, k], weights[2, at, k]
            sub = 0
            while True:
                i = sub | f
                j = i ^ x
                odd = _odd(i & z)
                if x == 0:
                    state[i] *= keep - mix if odd else keep + mix
                else:
                    a, b = state[i], state[j]
                    if odd:
                        state[i] = keep * a - mix * b
                        state[j] = keep * b - back * a
                    else:
                        state[i] = keep * a + mix * b
                        state[j] = keep * b + back * a
                sub = (sub - bits) & bits
                if sub == 0:
                    break


@kernel
@no_type_check
def backward(kets, bras, slopes, masks, free, weights, factors):
    """Undo operations on kets and bras (n, 2^n_qubits), the last first.

    Args:
        kets: changed in place.
        bras: changed in place.
        slopes: (n, n_ops) to which Re <bra| G |ket> of each operation is added.
        masks: as in `forward`.
        free: as in `forward`.
        weights: (3, n, n_ops) of the inverse operations.
        factors: (2, n_ops) amplitude of G from the partner, and at the partner.
    """
    for at in range(len(kets)):
        ket, bra = kets[at], bras[at]
        for k in range(len(masks) - 1, -1, -1):
            x, z, f, bits = masks[k, 0], masks[k, 1], masks[k, 3], free[k]
            keep, mix, back = weights[0, at, k].real, weights[1, at, k], weights[2, at, k]
            here, there, slope, sub = factors[0, k], factors[1, k], 0.0, 0
            while True:
                i = sub | f
                j = i ^ x
                sign = -1.0 if _odd(i & z) else 1.0
                a, u = ket[i], bra[i]
                if x == 0:
                    slope += sign * (np.conj(u) * (here * a)).real
                    ket[i] = (keep + sign * mix) * a
                    bra[i] = (keep + sign * mix) * u
                else:
                    b, v = ket[j], bra[j]
                    slope += sign * (np.conj(u) * (here * b) + np.conj(v) * (there * a)).real
                    ket[i] = keep * a + sign * (mix * b)
                    ket[j] = keep * b + sign * (back * a)
                    bra[i] = keep * u + sign * (mix * v)
                    bra[j] = keep * v + sign * (back * u)
                sub = (sub - bits) & bits
                if sub == 0:
                    break
            slopes[at, k] += slope


@kernel
@no_type_check
def tangents(states, slopes, masks, free, weights, factors, rates):
    """Apply operations to a state and its tangent, or undo them on a ket, a bra and their tangents.

    Args:
        states: (2, 2^n_qubits) state and tangent; or (4, 2^n_qubits) ket, its tangent, bra, its tangent, and the last
            operation is undone first. Changed in place.
        slopes: (2, n_ops) to which Re <bra| G |ket> and its tangent are added, if there are four states.
        masks: as in `forward`.
        free: as in `forward`.
        weights: (3, n_ops), of the inverse operations if there are four states.
        factors: as in `backward`.
        rates: (n_ops,) tangents of the angles; of the inverse operations if there are four states.
    """
    undo = len(states) == 4
    for count in range(len(masks)):
        k = len(masks) - 1 - count if undo else count
        x, z, f, bits = masks[k, 0], masks[k, 1], masks[k, 3], free[k]
        sub = 0
        while True:
            i = sub | f
            j = i ^ x
            sign = -1.0 if _odd(i & z) else 1.0
            keep, mix, back = weights[0, k].real, sign * weights[1, k], sign * weights[2, k]
            here, there = sign * factors[0, k], sign * factors[1, k]
            if undo:
                for first, second, row in ((2, 0, 0), (3, 0, 1), (2, 1, 1)):
                    term = np.conj(states[first, i]) * (here * states[second, j])
                    if x != 0:
                        term += np.conj(states[first, j]) * (there * states[second, i])
                    slopes[row, k] += term.real
            for s in range(len(states)):
                a, b = states[s, i], states[s, j]
                if x == 0:
                    states[s, i] = (keep + mix) * a
                else:
                    states[s, i] = keep * a + mix * b
                    states[s, j] = keep * b + back * a
            for s in range(0, len(states), 2):
                a, b = rates[k] * states[s, i], rates[k] * states[s, j]
                if x == 0:
                    states[s + 1, i] += here * a
                else:
                    states[s + 1, i] += here * b
                    states[s + 1, j] += there * a
            sub = (sub - bits) & bits
            if sub == 0:
                break
