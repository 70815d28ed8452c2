"""Sweeps over mask operations on registers of 2^n amplitudes, one operation at a time, as kernels on the host.

The kernels read masks as data (see `qvar.ansatz.gates`), so one compilation serves all circuits. Amplitudes that an
operation mixes are enumerated in runs without looking at others. Time: about 1 ns for an amplitude and operation
forward, three times that backward; twice as much if the lowest bits take part.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np

from qvar.engines.host_compile import kernel, part

SHORT = 16
"""Length of runs below which amplitudes are mixed one by one."""


@part
@no_type_check
def _odd(bits):
    bits ^= bits >> 32
    bits ^= bits >> 16
    bits ^= bits >> 8
    bits ^= bits >> 4
    return (0x6996 >> (bits & 15)) & 1 == 1


@kernel()
@no_type_check
def forward(states, masks, free, runs, weights):
    """Apply operations to registers (n, 2^n_qubits).

    Args:
        states: changed in place.
        masks: (n_ops, 4) x, z, m, f as in `qvar.ansatz.gates`.
        free: (n_ops,) bits that number the runs of an operation.
        runs: (n_ops,) length of a run: consecutive amplitudes that mix with consecutive ones, with one sign.
        weights: (3, n, n_ops) weight of the own amplitude, of the partner, and of the own at the partner.
    """
    for at in range(len(states)):
        state = states[at]
        for k in range(len(masks)):
            x, z, f, bits, run = masks[k, 0], masks[k, 1], masks[k, 3], free[k], runs[k]
            keep, sub = weights[0, at, k].real, 0
            if run < SHORT:
                bits |= run - 1
                plus, minus = keep + weights[1, at, k], keep - weights[1, at, k]
                while True:
                    i = sub | f
                    odd = _odd(i & z)
                    if x == 0:
                        state[i] *= minus if odd else plus
                    else:
                        a, b, sign = state[i], state[i ^ x], -1.0 if odd else 1.0
                        state[i] = keep * a + sign * (weights[1, at, k] * b)
                        state[i ^ x] = keep * b + sign * (weights[2, at, k] * a)
                    sub = (sub - bits) & bits
                    if sub == 0:
                        break
                continue
            while True:
                i = sub | f
                sign = -1.0 if _odd(i & z) else 1.0
                mix, back = sign * weights[1, at, k], sign * weights[2, at, k]
                own, other = state[i : i + run], state[i ^ x : (i ^ x) + run]
                if x == 0:
                    for t in range(run):
                        own[t] *= keep + mix
                else:
                    for t in range(run):
                        a, b = own[t], other[t]
                        own[t] = keep * a + mix * b
                        other[t] = keep * b + back * a
                sub = (sub - bits) & bits
                if sub == 0:
                    break


@kernel()
@no_type_check
def backward(kets, bras, slopes, masks, free, runs, weights, factors):
    """Undo operations on kets and bras (n, 2^n_qubits), the last first.

    Args:
        kets: changed in place.
        bras: changed in place.
        slopes: (n, n_ops) to which Re <bra| G |ket> of each operation is added.
        masks: as in `forward`.
        free: as in `forward`.
        runs: as in `forward`.
        weights: (3, n, n_ops) of the inverse operations.
        factors: (2, n_ops) amplitude of G from the partner, and at the partner.
    """
    for at in range(len(kets)):
        ket, bra = kets[at], bras[at]
        for k in range(len(masks) - 1, -1, -1):
            x, z, f, bits, run = masks[k, 0], masks[k, 1], masks[k, 3], free[k], runs[k]
            keep, slope, sub = weights[0, at, k].real, 0.0, 0
            if run < SHORT:
                bits |= run - 1
                here, there = factors[0, k], factors[1, k]
                plus, minus = keep + weights[1, at, k], keep - weights[1, at, k]
                while True:
                    i = sub | f
                    j, sign = i ^ x, -1.0 if _odd(i & z) else 1.0
                    a, b, u, v = ket[i], ket[j], bra[i], bra[j]
                    sub = (sub - bits) & bits
                    if x == 0:
                        slope += sign * (np.conj(u) * (here * a)).real
                        ket[i] = (plus if sign > 0 else minus) * a
                        bra[i] = (plus if sign > 0 else minus) * u
                        if sub == 0:
                            break
                        continue
                    slope += sign * (np.conj(u) * (here * b) + np.conj(v) * (there * a)).real
                    ket[i] = keep * a + sign * (weights[1, at, k] * b)
                    ket[j] = keep * b + sign * (weights[2, at, k] * a)
                    bra[i] = keep * u + sign * (weights[1, at, k] * v)
                    bra[j] = keep * v + sign * (weights[2, at, k] * u)
                    if sub == 0:
                        break
                slopes[at, k] += slope
                continue
            while True:
                i = sub | f
                sign = -1.0 if _odd(i & z) else 1.0
                mix, back = sign * weights[1, at, k], sign * weights[2, at, k]
                here, there = sign * factors[0, k], sign * factors[1, k]
                own, other = ket[i : i + run], ket[i ^ x : (i ^ x) + run]
                own_bra, other_bra = bra[i : i + run], bra[i ^ x : (i ^ x) + run]
                if x == 0:
                    for t in range(run):
                        slope += (np.conj(own_bra[t]) * (here * own[t])).real
                        own[t] *= keep + mix
                        own_bra[t] *= keep + mix
                else:
                    for t in range(run):
                        a, b, u, v = own[t], other[t], own_bra[t], other_bra[t]
                        slope += (np.conj(u) * (here * b) + np.conj(v) * (there * a)).real
                        own[t] = keep * a + mix * b
                        other[t] = keep * b + back * a
                        own_bra[t] = keep * u + mix * v
                        other_bra[t] = keep * v + back * u
                sub = (sub - bits) & bits
                if sub == 0:
                    break
            slopes[at, k] += slope


@kernel()
@no_type_check
def tangents(states, slopes, masks, free, runs, weights, factors, rates):
    """Apply operations to a state and its tangent, or undo them on a ket, a bra and their tangents.

    Args:
        states: (2, 2^n_qubits) state and tangent; or (4, 2^n_qubits) ket, its tangent, bra, its tangent, and the last
            operation is undone first. Changed in place.
        slopes: (2, n_ops) to which Re <bra| G |ket> and its tangent are added, if there are four states.
        masks: as in `forward`.
        free: as in `forward`.
        runs: as in `forward`.
        weights: (3, n_ops), of the inverse operations if there are four states.
        factors: as in `backward`.
        rates: (n_ops,) tangents of the angles; of the inverse operations if there are four states.
    """
    undo = len(states) == 4
    for count in range(len(masks)):
        k = len(masks) - 1 - count if undo else count
        x, z, f, bits = masks[k, 0], masks[k, 1], masks[k, 3], free[k]
        bits |= runs[k] - 1
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
