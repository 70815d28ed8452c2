r"""Sweeps over block operations on matrices of amplitudes (alpha strings, beta strings), as kernels on the host.

The kernels read a program's tables as data (see `host_sector`), so one compilation serves all circuits. A group of
operations on alpha strings runs on blocks of columns that stay in the cache; groups on beta strings, and groups on both
with one alpha half, run on one row, or one pair of rows, at a time. Time: about 1 ns for an amplitude and operation
forward, three times that backward.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np

from qvar.engines.host_compile import kernel, part

ALPHA, LANES = 0, 1
"""Sides of a group: rows of the state are mixed with rows; or entries of a lane, a pair of rows, with one another."""

_COLUMNS = 32
"""Columns of a block: so many numbers of all rows stay in a core's cache."""


@part
@no_type_check
def _share(n, share, shares):
    return n * share // shares, n * (share + 1) // shares


@kernel()
@no_type_check
def forward(states, groups, ops, halves, signs, lanes, lane_signs, weights, share, shares):
    """Apply groups of operations to states (n, rows, columns).

    Args:
        states: changed in place.
        groups: (n_groups, 6) side, start and stop among the operations, first lane, number of lanes, diagonal or not.
        ops: (n_ops, 2) first entry and number of entries in `halves`.
        halves: (n_entries, 2) row and partner.
        signs: (n_entries,) their signs.
        lanes: (n_lanes, 2) row and partner row.
        lane_signs: (n_lanes,).
        weights: (3, n, n_ops) weight of the own amplitude, of the partner at the row, and of the row at the partner.
        share: which part of the columns or lanes is worked on, of `shares`.
        shares: number of parts.
    """
    n_states, _, n_columns = states.shape
    for at in range(n_states):
        state = states[at]
        for group in range(len(groups)):
            start, stop, diagonal = groups[group, 1], groups[group, 2], groups[group, 5] == 1
            if groups[group, 0] == ALPHA:
                low, high = _share(n_columns, share, shares)
                for column in range(low, high, _COLUMNS):
                    end = min(column + _COLUMNS, high)
                    for k in range(start, stop):
                        keep = weights[0, at, k].real
                        for e in range(ops[k, 0], ops[k, 0] + ops[k, 1]):
                            mix, back = weights[1, at, k] * signs[e], weights[2, at, k] * signs[e]
                            own, other = state[halves[e, 0]], state[halves[e, 1]]
                            if diagonal:
                                for c in range(column, end):
                                    own[c] *= keep + mix
                            else:
                                for c in range(column, end):
                                    a, b = own[c], other[c]
                                    own[c] = keep * a + mix * b
                                    other[c] = keep * b + back * a
            else:
                low, high = _share(groups[group, 4], share, shares)
                for lane in range(groups[group, 3] + low, groups[group, 3] + high):
                    own, other, lane_sign = state[lanes[lane, 0]], state[lanes[lane, 1]], lane_signs[lane]
                    for k in range(start, stop):
                        keep = weights[0, at, k].real
                        mix, back = weights[1, at, k] * lane_sign, weights[2, at, k] * lane_sign
                        for e in range(ops[k, 0], ops[k, 0] + ops[k, 1]):
                            i, j = halves[e, 0], halves[e, 1]
                            if diagonal:
                                own[i] *= keep + mix * signs[e]
                            else:
                                a, b = own[i], other[j]
                                own[i] = keep * a + mix * signs[e] * b
                                other[j] = keep * b + back * signs[e] * a


@kernel()
@no_type_check
def backward(kets, bras, slopes, groups, ops, halves, signs, lanes, lane_signs, weights, factors, share, shares):
    """Undo groups of operations on kets and bras (n, rows, columns), the last first.

    Args:
        kets: changed in place.
        bras: changed in place.
        slopes: (n, n_ops) to which Re <bra| G |ket> of each operation is added.
        groups: as in `forward`.
        ops: as in `forward`.
        halves: as in `forward`.
        signs: as in `forward`.
        lanes: as in `forward`.
        lane_signs: as in `forward`.
        weights: (3, n, n_ops) of the inverse operations.
        factors: (2, n_ops) amplitude of G from the partner to the row, and from the row to the partner.
        share: as in `forward`.
        shares: as in `forward`.
    """
    n_states, _, n_columns = kets.shape
    for at in range(n_states):
        ket, bra = kets[at], bras[at]
        for group in range(len(groups) - 1, -1, -1):
            start, stop, diagonal = groups[group, 1], groups[group, 2], groups[group, 5] == 1
            if groups[group, 0] == ALPHA:
                low, high = _share(n_columns, share, shares)
                for column in range(low, high, _COLUMNS):
                    end = min(column + _COLUMNS, high)
                    for k in range(stop - 1, start - 1, -1):
                        keep, slope = weights[0, at, k].real, 0.0
                        for e in range(ops[k, 0], ops[k, 0] + ops[k, 1]):
                            mix, back = weights[1, at, k] * signs[e], weights[2, at, k] * signs[e]
                            here, there = factors[0, k] * signs[e], factors[1, k] * signs[e]
                            own, other = ket[halves[e, 0]], ket[halves[e, 1]]
                            own_bra, other_bra = bra[halves[e, 0]], bra[halves[e, 1]]
                            if diagonal:
                                for c in range(column, end):
                                    slope += (np.conj(own_bra[c]) * (here * own[c])).real
                                    own[c] *= keep + mix
                                    own_bra[c] *= keep + mix
                            else:
                                for c in range(column, end):
                                    a, b, u, v = own[c], other[c], own_bra[c], other_bra[c]
                                    slope += (np.conj(u) * (here * b) + np.conj(v) * (there * a)).real
                                    own[c] = keep * a + mix * b
                                    other[c] = keep * b + back * a
                                    own_bra[c] = keep * u + mix * v
                                    other_bra[c] = keep * v + back * u
                        slopes[at, k] += slope
            else:
                low, high = _share(groups[group, 4], share, shares)
                for lane in range(groups[group, 3] + low, groups[group, 3] + high):
                    own, other, lane_sign = ket[lanes[lane, 0]], ket[lanes[lane, 1]], lane_signs[lane]
                    own_bra, other_bra = bra[lanes[lane, 0]], bra[lanes[lane, 1]]
                    for k in range(stop - 1, start - 1, -1):
                        keep, slope = weights[0, at, k].real, 0.0
                        mix, back = weights[1, at, k] * lane_sign, weights[2, at, k] * lane_sign
                        here, there = factors[0, k] * lane_sign, factors[1, k] * lane_sign
                        for e in range(ops[k, 0], ops[k, 0] + ops[k, 1]):
                            i, j, sign = halves[e, 0], halves[e, 1], signs[e]
                            if diagonal:
                                slope += sign * (np.conj(own_bra[i]) * (here * own[i])).real
                                own[i] *= keep + mix * sign
                                own_bra[i] *= keep + mix * sign
                            else:
                                a, b, u, v = own[i], other[j], own_bra[i], other_bra[j]
                                slope += sign * (np.conj(u) * (here * b) + np.conj(v) * (there * a)).real
                                own[i] = keep * a + mix * sign * b
                                other[j] = keep * b + back * sign * a
                                own_bra[i] = keep * u + mix * sign * v
                                other_bra[j] = keep * v + back * sign * u
                        slopes[at, k] += slope


@kernel()
@no_type_check
def tangents(states, slopes, groups, ops, halves, signs, lanes, lane_signs, weights, factors, rates):
    """Apply groups to a state and its tangent, or undo them on a ket, a bra and their tangents.

    Args:
        states: (2, rows, columns) state and tangent; or (4, rows, columns) ket, its tangent, bra, its tangent, and the
            last group is undone first. Changed in place.
        slopes: (2, n_ops) to which Re <bra| G |ket> and its tangent are added, if there are four states.
        groups: as in `forward`.
        ops: as in `forward`.
        halves: as in `forward`.
        signs: as in `forward`.
        lanes: as in `forward`.
        lane_signs: as in `forward`.
        weights: (3, n_ops), of the inverse operations if there are four states.
        factors: as in `backward`.
        rates: (n_ops,) tangents of the angles; of the inverse operations if there are four states.
    """
    undo, n_columns = len(states) == 4, states.shape[2]
    for count in range(len(groups)):
        group = len(groups) - 1 - count if undo else count
        start, stop, alpha = groups[group, 1], groups[group, 2], groups[group, 0] == ALPHA
        diagonal = groups[group, 5] == 1
        for step in range(stop - start):
            k = stop - 1 - step if undo else start + step
            for lane in range(n_columns if alpha else groups[group, 4]):
                at = groups[group, 3] + lane
                lane_sign = 1.0 if alpha else lane_signs[at]
                for e in range(ops[k, 0], ops[k, 0] + ops[k, 1]):
                    sign = lane_sign * signs[e]
                    if alpha:
                        r, i, q, j = halves[e, 0], lane, halves[e, 1], lane
                    else:
                        r, i, q, j = lanes[at, 0], halves[e, 0], lanes[at, 1], halves[e, 1]
                    keep, mix, back = weights[0, k].real, weights[1, k] * sign, weights[2, k] * sign
                    here, there = factors[0, k] * sign, factors[1, k] * sign
                    if undo:
                        for first, second, row in ((2, 0, 0), (3, 0, 1), (2, 1, 1)):
                            term = np.conj(states[first, r, i]) * (here * states[second, q, j])
                            if not diagonal:
                                term += np.conj(states[first, q, j]) * (there * states[second, r, i])
                            slopes[row, k] += term.real
                    for s in range(len(states)):
                        a, b = states[s, r, i], states[s, q, j]
                        if diagonal:
                            states[s, r, i] = (keep + mix) * a
                        else:
                            states[s, r, i] = keep * a + mix * b
                            states[s, q, j] = keep * b + back * a
                    for s in range(0, len(states), 2):
                        a, b = rates[k] * states[s, r, i], rates[k] * states[s, q, j]
                        if diagonal:
                            states[s + 1, r, i] += here * a
                        else:
                            states[s + 1, r, i] += here * b
                            states[s + 1, q, j] += there * a
