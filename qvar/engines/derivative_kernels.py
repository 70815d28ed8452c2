r"""States with many tangents at a time, as kernels on the host: Fisher information and Hessians in one sweep.

The states are \(\psi\), a costate \(\lambda\) that the same operations act on, and tangents \(t_i\). An operation
\(R = e^{-i\varphi_k G_k}\) acts on all of them, and \(-i A_{ki} G_k \psi\) is added to each tangent, \(A\) the
derivatives of the angles. Half-way through this addition \(S_{ki} = \mathrm{Re} \langle\lambda|-iG_k|t_i\rangle\) is
taken, so that \(M = A^T S\) gives the second derivatives
\(\mathrm{Re}\langle\lambda|\partial_i\partial_j\psi\rangle = M_{ij} + M_{ji}\). Tangents that are still zero are
left out.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np

from qvar.engines.host_compile import kernel, part
from qvar.engines.mask_kernels import odd
from qvar.engines.sector_kernels import ALPHA

SHORT = 16
"""Length of runs below which an operation acts on amplitudes one by one."""


@part
@no_type_check
def _act(state, other, i, j, n, moves, keep, mix, back, task):
    """Act on n amplitudes from i on and their partners from j on, and return a part of <state|G|other>.

    Weights are those of the own amplitude (`keep`), of the partner's (`mix`) and of the own at the partner (`back`);
    `moves` if amplitudes and partners differ. Task 0 applies the operation to the state, 1 adds it on the other state,
    2 takes the overlap and leaves the state.
    """
    total = 0.0
    if task == 0:
        if moves:
            for t in range(n):
                a, b = state[i + t], state[j + t]
                state[i + t] = keep * a + mix * b
                state[j + t] = keep * b + back * a
        else:
            for t in range(n):
                state[i + t] *= keep + mix
    elif task == 1:
        for t in range(n):
            state[i + t] += mix * other[j + t]
        if moves:
            for t in range(n):
                state[j + t] += back * other[i + t]
    else:
        for t in range(n):
            total += (np.conj(state[i + t]) * (mix * other[j + t])).real
        if moves:
            for t in range(n):
                total += (np.conj(state[j + t]) * (back * other[i + t])).real
    return total


@part
@no_type_check
def _apply_singly(state, mask, bits, keep, mix, back):
    """Apply an operation whose runs are short to a register, one pair of amplitudes after the other."""
    x, z, f, sub = mask[0], mask[1], mask[3], 0
    plus, minus = keep + mix, keep - mix
    while True:
        i = sub | f
        negative = odd(i & z)
        if x == 0:
            state[i] *= minus if negative else plus
        else:
            a, b, sign = state[i], state[i ^ x], -1.0 if negative else 1.0
            state[i] = keep * a + sign * (mix * b)
            state[i ^ x] = keep * b + sign * (back * a)
        sub = (sub - bits) & bits
        if sub == 0:
            return


@part
@no_type_check
def _on_register(state, other, mask, bits, run, keep, mix, back, task):
    """Do a task of `_act` with one operation on a register."""
    x, z, f, sub, total = mask[0], mask[1], mask[3], 0, 0.0
    while True:
        i = sub | f
        j, sign = i ^ x, -1.0 if odd(i & z) else 1.0
        total += _act(state, other, i, j, run, x != 0, keep, sign * mix, sign * back, task)
        sub = (sub - bits) & bits
        if sub == 0:
            return total


@kernel()
@no_type_check
def on_register(states, overlaps, masks, free, runs, weights, factors, rates):
    """Apply operations to a state, a costate and tangents.

    Args:
        states: (2 + k, 2^n_qubits), changed in place.
        overlaps: (k, n_ops) that S is written into; no row if the costate is not needed.
        masks: (n_ops, 4) x, z, m, f as in `qvar.ansatz.gates`.
        free: (n_ops,) bits that number the runs of an operation.
        runs: (n_ops,) length of a run: consecutive amplitudes that mix with consecutive ones, with one sign.
        weights: (3, n_ops) of own amplitude, of the partner, and of the own at the partner.
        factors: (2, n_ops) amplitude of -iG from the partner, and at the partner.
        rates: (k, n_ops) derivatives of the angles.
    """
    k, ket = len(rates), states[0]
    started = np.zeros(2 + k, np.bool_)
    started[0], started[1] = True, len(overlaps) > 0
    for op in range(len(masks)):
        arguments = (masks[op], free[op], runs[op])
        here, there = factors[0, op], factors[1, op]
        for s in range(2 + k):
            if started[s]:
                keep, mix, back = weights[0, op].real, weights[1, op], weights[2, op]
                if runs[op] < SHORT:
                    _apply_singly(states[s], masks[op], free[op] | runs[op] - 1, keep, mix, back)
                else:
                    _on_register(states[s], ket, *arguments, keep, mix, back, 0)
        for s in range(2, 2 + k):
            half = 0.5 * rates[s - 2, op]
            if half != 0.0:
                started[s] = True
                _on_register(states[s], ket, *arguments, 0.0, half * here, half * there, 1)
            if started[1] and started[s]:
                overlaps[s - 2, op] = _on_register(states[1], states[s], *arguments, 0.0, here, there, 2)
            if half != 0.0:
                _on_register(states[s], ket, *arguments, 0.0, half * here, half * there, 1)


@part
@no_type_check
def _in_sector(state, other, columns, group, op, halves, signs, lanes, lane_signs, keep, mix, back, task):
    """Do a task of `_act` with one operation of `sector_kernels.forward` on flat states of so many columns."""
    total, moves = 0.0, group[5] == 0
    for e in range(op[0], op[0] + op[1]):
        i, j, own, there = halves[e, 0], halves[e, 1], signs[e] * mix, signs[e] * back
        if group[0] == ALPHA:
            total += _act(state, other, i * columns, j * columns, columns, moves, keep, own, there, task)
            continue
        for lane in range(group[3], group[3] + group[4]):
            first, second, sign = lanes[lane, 0] * columns + i, lanes[lane, 1] * columns + j, lane_signs[lane]
            total += _act(state, other, first, second, 1, moves, keep, sign * own, sign * there, task)
    return total


@kernel()
@no_type_check
def in_sector(states, overlaps, started, groups, ops, halves, signs, lanes, lane_signs, weights, factors, rates):
    """Apply groups of operations to a state, a costate and tangents.

    States are (2 + k, rows, columns), changed in place as is `started` (2 + k,), which says which of them are not zero.
    Groups to lane_signs are those of `sector_kernels.forward`, `factors` those of `sector_kernels.backward`, weights
    (3, n_ops), the others those of `on_register`.
    """
    k, ket, columns = len(rates), states[0].ravel(), states.shape[2]
    for group in groups:
        for op in range(group[1], group[2]):
            arguments = (columns, group, ops[op], halves, signs, lanes, lane_signs)
            here, there = factors[0, op], factors[1, op]
            for s in range(2 + k):
                if started[s]:
                    state, keep = states[s].ravel(), weights[0, op].real
                    _in_sector(state, ket, *arguments, keep, weights[1, op], weights[2, op], 0)
            for s in range(2, 2 + k):
                half, state = 0.5 * rates[s - 2, op], states[s].ravel()
                if half != 0.0:
                    started[s] = True
                    _in_sector(state, ket, *arguments, 0.0, half * here, half * there, 1)
                if started[1] and started[s]:
                    overlaps[s - 2, op] = _in_sector(states[1].ravel(), state, *arguments, 0.0, here, there, 2)
                if half != 0.0:
                    _in_sector(state, ket, *arguments, 0.0, half * here, half * there, 1)
