"""Sweeps over block operations on matrices of amplitudes (alpha strings, beta strings), as kernels on the host.

The kernels read a program's tables as data (see `host_sector`), so one compilation serves all circuits. A group of
operations goes through lanes that it treats alike: columns if it acts on alpha strings, rows if it acts on beta
strings, pairs of rows if it acts on both, with one alpha half. If it has many operations, some lanes at a time are
copied side by side into a block that stays in the cache, where vector instructions serve all of them. Time for a pair
of amplitudes and an operation: 0.3 ns forward, 0.6 ns backward; one lane after the other 1 and 2.5 ns.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np

from qvar.engines.host_compile import kernel, part

ALPHA, LANES = 0, 1
"""Sides of a group: rows of the state are mixed with rows; or entries of a lane, a pair of rows, with one another."""

_WIDTH, _NARROW, _MANY = 16, 8, 6000
"""Lanes of a block, and fewer if there are so many strings that it would leave a core's cache."""

_COLUMNS = 32
"""Columns that are worked on at once if none are copied."""

_TILE = 32
"""Entries of a lane that are copied before those of the next lane, so that the lines of a block stay in the cache."""

_LINE = 64
"""Bytes of a cache line."""


@part
@no_type_check
def _share(n, share, shares):
    return n * share // shares, n * (share + 1) // shares


@part
@no_type_check
def _blocks(states, groups, per_lane):
    """Return memory (2, strings, numbers of all lanes) for two blocks, from the start of a cache line."""
    strings = 0
    for g in range(len(groups)):
        if groups[g, 6] == 1:
            strings = max(states.shape[1], states.shape[2])
    numbers = (_WIDTH if strings <= _MANY else _NARROW) * per_lane
    memory = np.empty(2 * strings * numbers + _LINE // states.itemsize, states.dtype)
    start = (-memory.ctypes.data % _LINE) // states.itemsize
    return memory[start : start + 2 * strings * numbers].reshape(2, strings, numbers)


@part
@no_type_check
def _lanes(at, high, most, group, lanes, lane_signs):
    """Return the number of lanes of the next block, whether its pairs are of two rows, and the sign of its lanes."""
    n = min(high - at, most)
    if group[0] == ALPHA:
        return n, False, 1.0
    first = group[3] + at
    if lanes[first, 0] != lanes[first, 1]:
        return n, True, 1.0  # `_copy` puts the signs in
    same = 1
    while same < n and lane_signs[first + same] == lane_signs[first]:
        same += 1
    return same, False, lane_signs[first]


@part
@no_type_check
def _copy(block, place, n, state, at, group, lanes, lane_signs, side, moves, back):
    """Copy n lanes to `place` of each string of a block, or back; own rows of a pair with the sign of their lane."""
    if group[0] == ALPHA:
        for r in range(state.shape[0]):
            for t in range(n):
                if back:
                    state[r, at + t] = block[r, place + t]
                else:
                    block[r, place + t] = state[r, at + t]
        return
    for start in range(0, state.shape[1], _TILE):
        stop = min(start + _TILE, state.shape[1])
        for t in range(n):
            lane = group[3] + at + t
            row, sign = np.uint64(lanes[lane, side]), lane_signs[lane] if moves and side == 0 else 1.0
            for c in range(np.uint64(start), np.uint64(stop)):
                if back:
                    state[row, c] = sign * block[c, np.uint64(place + t)]
                else:
                    block[c, np.uint64(place + t)] = sign * state[row, c]


@part
@no_type_check
def _mix(x, y, n, keep, mix, back):
    for t in range(n):
        a, b = x[t], y[t]
        x[t] = keep * a + mix * b
        y[t] = keep * b + back * a


@part
@no_type_check
def _overlap(x, y, n, zero):
    """Return <bra x|ket y> of rows that hold n numbers of a ket, and n of a bra behind them."""
    total = zero
    for t in range(n):
        total += np.conj(x[n + t]) * y[t]
    return total


@part
@no_type_check
def _undo_full(own, other, i, j, keep, mix, back, zero):
    """Mix rows that hold `_WIDTH` numbers of a ket and as many of a bra; return <bra x|ket y> and <bra y|ket x> before.

    The constant length takes two thirds of the time of `_overlap` and `_mix`.
    """
    here, there = zero, zero
    for t in range(_WIDTH):
        a, b, u, v = own[i, t], other[j, t], own[i, _WIDTH + t], other[j, _WIDTH + t]
        here += np.conj(u) * b
        there += np.conj(v) * a
        own[i, t] = keep * a + mix * b
        other[j, t] = keep * b + back * a
        own[i, _WIDTH + t] = keep * u + mix * v
        other[j, _WIDTH + t] = keep * v + back * u
    return here, there


@part
@no_type_check
def _scale(x, n, factor):
    for t in range(n):
        x[t] *= factor


@part
@no_type_check
def _apply_in_place(state, group, ops, halves, signs, lanes, lane_signs, weights, s, low, high):
    """Apply a group of `forward` to columns or lanes `low` to `high`."""
    start, stop, diagonal = group[1], group[2], group[5] == 1
    if group[0] == ALPHA:
        for column in range(low, high, _COLUMNS):
            end = min(column + _COLUMNS, high)
            for k in range(start, stop):
                keep = weights[0, s, k].real
                for e in range(ops[k, 0], ops[k, 0] + ops[k, 1]):
                    mix, back = weights[1, s, k] * signs[e], weights[2, s, k] * signs[e]
                    own, other = state[halves[e, 0]], state[halves[e, 1]]
                    if diagonal:
                        for c in range(column, end):
                            own[c] *= keep + mix
                    else:
                        for c in range(column, end):
                            a, b = own[c], other[c]
                            own[c] = keep * a + mix * b
                            other[c] = keep * b + back * a
        return
    for lane in range(group[3] + low, group[3] + high):
        own, other, lane_sign = state[lanes[lane, 0]], state[lanes[lane, 1]], lane_signs[lane]
        for k in range(start, stop):
            keep, mix, back = weights[0, s, k].real, weights[1, s, k] * lane_sign, weights[2, s, k] * lane_sign
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
def forward(states, groups, ops, halves, signs, lanes, lane_signs, weights, share, shares):
    """Apply groups of operations to states (n, rows, columns).

    Args:
        states: changed in place.
        groups: (n_groups, 7) side, start and stop among the operations, first lane, number of lanes, diagonal or not,
            copied or not.
        ops: (n_ops, 2) first entry and number of entries in `halves`.
        halves: (n_entries, 2) string and partner.
        signs: (n_entries,) their signs.
        lanes: (n_lanes, 2) row and partner row.
        lane_signs: (n_lanes,).
        weights: (3, n, n_ops) weight of the own amplitude, of the partner at the string, and of the string at the
            partner.
        share: which part of the columns or lanes is worked on, of `shares`.
        shares: number of parts.
    """
    blocks = _blocks(states, groups, 1)
    for s in range(len(states)):
        for g in range(len(groups)):
            group = groups[g]
            at, high = _share(states.shape[2] if group[0] == ALPHA else group[4], share, shares)
            if group[6] == 0:
                _apply_in_place(states[s], group, ops, halves, signs, lanes, lane_signs, weights, s, at, high)
                continue
            while at < high:
                n, moves, sign = _lanes(at, high, blocks.shape[2], group, lanes, lane_signs)
                own, other = blocks[0], blocks[1 if moves else 0]
                for side in range(2 if moves else 1):
                    _copy(blocks[side], 0, n, states[s], at, group, lanes, lane_signs, side, moves, False)
                for k in range(group[1], group[2]):
                    keep, mix, back = weights[0, s, k].real, weights[1, s, k] * sign, weights[2, s, k] * sign
                    for e in range(ops[k, 0], ops[k, 0] + ops[k, 1]):
                        if group[5] == 1:
                            _scale(own[halves[e, 0]], n, keep + mix * signs[e])
                        else:
                            _mix(own[halves[e, 0]], other[halves[e, 1]], n, keep, mix * signs[e], back * signs[e])
                for side in range(2 if moves else 1):
                    _copy(blocks[side], 0, n, states[s], at, group, lanes, lane_signs, side, moves, True)
                at += n


@part
@no_type_check
def _undo_in_place(ket, bra, slopes, group, ops, halves, signs, lanes, lane_signs, weights, s, factors, low, high):
    """Undo a group of `backward` on columns or lanes `low` to `high`."""
    start, stop, diagonal = group[1], group[2], group[5] == 1
    if group[0] == ALPHA:
        for column in range(low, high, _COLUMNS):
            end = min(column + _COLUMNS, high)
            for k in range(stop - 1, start - 1, -1):
                keep, slope = weights[0, s, k].real, 0.0
                for e in range(ops[k, 0], ops[k, 0] + ops[k, 1]):
                    mix, back = weights[1, s, k] * signs[e], weights[2, s, k] * signs[e]
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
                slopes[k] += slope
        return
    for lane in range(group[3] + low, group[3] + high):
        own, other, lane_sign = ket[lanes[lane, 0]], ket[lanes[lane, 1]], lane_signs[lane]
        own_bra, other_bra = bra[lanes[lane, 0]], bra[lanes[lane, 1]]
        for k in range(stop - 1, start - 1, -1):
            keep, slope = weights[0, s, k].real, 0.0
            mix, back = weights[1, s, k] * lane_sign, weights[2, s, k] * lane_sign
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
            slopes[k] += slope


@kernel()
@no_type_check
def backward(kets, bras, slopes, groups, ops, halves, signs, lanes, lane_signs, weights, factors, share, shares):
    """Undo groups of operations on kets and bras (n, rows, columns), the last first.

    Kets and bras are changed in place. Re <bra| G |ket> of each operation is added to `slopes` (n, n_ops). Weights are
    those of the inverse operations, `factors` (2, n_ops) the amplitudes of G from the partner to the string, and from
    the string to the partner; the others are those of `forward`.
    """
    blocks, zero = _blocks(kets, groups, 2), 0.0 * factors[0, 0]
    for s in range(len(kets)):
        ket, bra = kets[s], bras[s]
        for g in range(len(groups) - 1, -1, -1):
            group = groups[g]
            at, high = _share(kets.shape[2] if group[0] == ALPHA else group[4], share, shares)
            if group[6] == 0:
                tables = (group, ops, halves, signs, lanes, lane_signs, weights, s, factors)
                _undo_in_place(ket, bra, slopes[s], *tables, at, high)
                continue
            while at < high:
                n, moves, sign = _lanes(at, high, blocks.shape[2] // 2, group, lanes, lane_signs)
                own, other = blocks[0], blocks[1 if moves else 0]
                for side in range(2 if moves else 1):
                    _copy(blocks[side], 0, n, ket, at, group, lanes, lane_signs, side, moves, False)
                    _copy(blocks[side], n, n, bra, at, group, lanes, lane_signs, side, moves, False)
                for k in range(group[2] - 1, group[1] - 1, -1):
                    keep, mix, back = weights[0, s, k].real, weights[1, s, k] * sign, weights[2, s, k] * sign
                    here, there = zero, zero
                    for e in range(ops[k, 0], ops[k, 0] + ops[k, 1]):
                        if n == _WIDTH and group[5] == 0:
                            i, j = np.uint64(halves[e, 0]), np.uint64(halves[e, 1])
                            own_part, other_part = _undo_full(
                                own, other, i, j, keep, mix * signs[e], back * signs[e], zero
                            )
                            here += signs[e] * own_part
                            there += signs[e] * other_part
                            continue
                        x = own[halves[e, 0]]
                        if group[5] == 1:
                            here += signs[e] * _overlap(x, x, n, zero)
                            _scale(x, 2 * n, keep + mix * signs[e])
                        else:
                            y = other[halves[e, 1]]
                            here += signs[e] * _overlap(x, y, n, zero)
                            there += signs[e] * _overlap(y, x, n, zero)
                            _mix(x, y, 2 * n, keep, mix * signs[e], back * signs[e])
                    slopes[s, k] += sign * (factors[0, k] * here + factors[1, k] * there).real
                for side in range(2 if moves else 1):
                    _copy(blocks[side], 0, n, ket, at, group, lanes, lane_signs, side, moves, True)
                    _copy(blocks[side], n, n, bra, at, group, lanes, lane_signs, side, moves, True)
                at += n


@kernel()
@no_type_check
def tangents(states, slopes, groups, ops, halves, signs, lanes, lane_signs, weights, factors, rates):
    """Apply groups to a state and its tangent, or undo them on a ket, a bra and their tangents.

    States are (2, rows, columns), state and tangent; or (4, rows, columns), ket, its tangent, bra, its tangent, and the
    last group is undone first. They are changed in place. If there are four, Re <bra| G |ket> and its tangent are added
    to `slopes` (2, n_ops), and weights (3, n_ops) and `rates` (n_ops,), tangents of the angles, are those of the
    inverse operations. The others are those of `forward` and `backward`.
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
