"""Sweeps over mask operations on registers of 2^n amplitudes, one operation at a time, as kernels on the host.

The kernels read masks as data (see `qvar.ansatz.gates`), so one compilation serves all circuits. Real and imaginary
parts are kept apart, and amplitudes that an operation mixes are enumerated in runs of consecutive ones, for vector
instructions. Operations on the lowest bits have short runs: they act on an exchanged register, whose lowest bits are
the highest ones. A large register is cut into chunks that stay in the cache: amplitudes that differ in some bits, the
window. Consecutive operations that flip bits of one window alone, a stage, run on one chunk after the other. Time:
about 0.3 ns for an amplitude and operation forward, 0.8 ns backward.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np

from qvar.engines.host_compile import kernel, part

LOW = 3
"""Number of lowest and of highest bits that are exchanged."""

X, Z, F, FREE, RUN, EXCHANGED, FIXED, OUTER_Z, OUTER_M, OUTER_F = range(10)
"""Columns of a table of operations.

Bits of a chunk: those that are flipped, those whose parity is the sign, the pattern of the selected ones, those that
number the runs; length of a run; whether these are bits of the exchanged chunk; whether there is no angle. Bits of the
register outside the window: those whose parity is a sign, those selected, and their pattern. A run is consecutive
amplitudes that mix with consecutive ones, with one sign.
"""


@part
@no_type_check
def odd(bits):
    """Return if the number of bits is odd."""
    bits ^= bits >> 32
    bits ^= bits >> 16
    bits ^= bits >> 8
    bits ^= bits >> 4
    return (0x6996 >> (bits & 15)) & 1 == 1


@part
@no_type_check
def _exchange(planes):
    """Exchange the lowest and the highest bits of the index."""
    size, side = planes.shape[1], 1 << LOW
    step = size // side
    for plane in range(len(planes)):
        for middle in range(0, step, side):
            for high in range(1, side):
                for low in range(high):
                    i, j = high * step + middle + low, low * step + middle + high
                    planes[plane, i], planes[plane, j] = planes[plane, j], planes[plane, i]


@part
@no_type_check
def _base(chunk, outer):
    """Return the index of a chunk's first amplitude; `outer` are the places of the bits outside the window."""
    base = 0
    for t in range(len(outer)):
        base |= (chunk >> t & 1) << outer[t]
    return base


@part
@no_type_check
def _copy(state, planes, first, base, inner, back):
    """Copy a chunk of a state (2^n, 1 or 2) into its planes, or back; `inner` are the starts of its equal pieces."""
    length = planes.shape[1] // len(inner)
    for plane in range(state.shape[1]):
        for piece in range(len(inner)):
            there, here = base + inner[piece], piece * length
            for i in range(length):
                if back:
                    state[there + i, plane] = planes[first + plane, here + i]
                else:
                    planes[first + plane, here + i] = state[there + i, plane]


@part
@no_type_check
def _rotate(planes, plane, op, keep, mix, back):
    """Mix real numbers."""
    x, z, f, free, run, sub = op[X], op[Z], op[F], op[FREE], np.uint64(op[RUN]), 0
    while True:
        i, sign = sub | f, -1.0 if odd((sub | f) & z) else 1.0
        first, second = np.uint64(i), np.uint64(i ^ x)  # not negative, else every index would be looked at
        for t in range(run):
            a, b = planes[plane, first + t], planes[plane, second + t]
            planes[plane, first + t] = keep * a + sign * mix * b
            planes[plane, second + t] = keep * b + sign * back * a
        sub = (sub - free) & free
        if sub == 0:
            break


@part
@no_type_check
def _rotate_complex(planes, plane, op, keep, mix, back):
    """Mix complex numbers with imaginary weights."""
    x, z, f, free, run, sub = op[X], op[Z], op[F], op[FREE], np.uint64(op[RUN]), 0
    while True:
        i, sign = sub | f, -1.0 if odd((sub | f) & z) else 1.0
        first, second = np.uint64(i), np.uint64(i ^ x)
        mix_real, mix_imag, back_real, back_imag = sign * mix.real, sign * mix.imag, sign * back.real, sign * back.imag
        for t in range(run):
            a, b = planes[plane, first + t], planes[plane, second + t]
            c, d = planes[plane + 1, first + t], planes[plane + 1, second + t]
            planes[plane, first + t] = keep * a + mix_real * b - mix_imag * d
            planes[plane, second + t] = keep * b + back_real * a - back_imag * c
            planes[plane + 1, first + t] = keep * c + mix_real * d + mix_imag * b
            planes[plane + 1, second + t] = keep * d + back_real * c + back_imag * a
        sub = (sub - free) & free
        if sub == 0:
            break


@part
@no_type_check
def _multiply(planes, plane, parts, op, keep, mix):
    """Multiply by a number with each sign."""
    z, f, free, run, sub = op[Z], op[F], op[FREE], np.uint64(op[RUN]), 0
    while True:
        i, sign = sub | f, -1.0 if odd((sub | f) & z) else 1.0
        first, real, imag = np.uint64(i), keep + sign * mix.real, sign * mix.imag
        if parts == 1:
            for t in range(run):
                planes[plane, first + t] *= real
        else:
            for t in range(run):
                a, b = planes[plane, first + t], planes[plane + 1, first + t]
                planes[plane, first + t] = real * a - imag * b
                planes[plane + 1, first + t] = real * b + imag * a
        sub = (sub - free) & free
        if sub == 0:
            break


@part
@no_type_check
def _apply(planes, plane, parts, op, keep, mix, back):
    if op[X] == 0:
        _multiply(planes, plane, parts, op, keep, mix)
    elif parts == 1 or (mix.imag == 0.0 and back.imag == 0.0):  # of angles that are no numbers, mix.imag is not 0
        for own in range(plane, plane + parts):
            _rotate(planes, own, op, keep, mix.real, back.real)
    else:
        _rotate_complex(planes, plane, op, keep, mix, back)


@part
@no_type_check
def _overlap(planes, bra, ket, op, flip):
    """Return the sum over pairs of sign (bra[i] ket[j] + flip bra[j] ket[i]); without flipped bits, half of it."""
    x, z, f, free, run, sub, total = op[X], op[Z], op[F], op[FREE], np.uint64(op[RUN]), 0, 0.0
    while True:
        i, own = sub | f, 0.0
        first, second = np.uint64(i), np.uint64(i ^ x)
        if x == 0:
            for t in range(run):
                own += planes[bra, first + t] * planes[ket, first + t]
        else:
            for t in range(run):
                own += planes[bra, first + t] * planes[ket, second + t]
                own += flip * (planes[bra, second + t] * planes[ket, first + t])
        total += -own if odd(i & z) else own
        sub = (sub - free) & free
        if sub == 0:
            break
    return total


@part
@no_type_check
def _slope(planes, bra, ket, parts, op, here, there):
    """Return Re <bra| G |ket>, with amplitudes of G from the partner, and at the partner."""
    flip, total = 1.0 if here == there else -1.0, 0.0
    if here.real != 0.0:
        for own in range(parts):
            total += here.real * _overlap(planes, bra + own, ket + own, op, flip)
    if here.imag != 0.0:
        imaginary = _overlap(planes, bra, ket + 1, op, flip) - _overlap(planes, bra + 1, ket, op, flip)
        total -= here.imag * imaginary
    return total


@part
@no_type_check
def _undo_real(planes, ket, bra, op, keep, mix, back, here, there):
    """Mix real numbers of a ket and of a bra; return what `_slope` gives for them before."""
    x, z, f, free, run, sub, total = op[X], op[Z], op[F], op[FREE], np.uint64(op[RUN]), 0, 0.0
    while True:
        i, sign = sub | f, -1.0 if odd((sub | f) & z) else 1.0
        first, second, from_partner, at_partner = np.uint64(i), np.uint64(i ^ x), 0.0, 0.0
        own_mix, own_back = sign * mix, sign * back
        for t in range(run):
            a, b = planes[ket, first + t], planes[ket, second + t]
            u, v = planes[bra, first + t], planes[bra, second + t]
            from_partner += u * b
            at_partner += v * a
            planes[ket, first + t] = keep * a + own_mix * b
            planes[ket, second + t] = keep * b + own_back * a
            planes[bra, first + t] = keep * u + own_mix * v
            planes[bra, second + t] = keep * v + own_back * u
        total += sign * (here * from_partner + there * at_partner)
        sub = (sub - free) & free
        if sub == 0:
            break
    return total


@part
@no_type_check
def _undo_phases(planes, ket, bra, op, keep, mix, here):
    """Multiply complex numbers of a ket and of a bra as `_multiply`; return what `_slope` gives for them before."""
    z, f, free, run, sub, total = op[Z], op[F], op[FREE], np.uint64(op[RUN]), 0, 0.0
    while True:
        i, sign = sub | f, -1.0 if odd((sub | f) & z) else 1.0
        first, real, imag, same, cross = np.uint64(i), keep + sign * mix.real, sign * mix.imag, 0.0, 0.0
        for t in range(run):
            a, b = planes[ket, first + t], planes[ket + 1, first + t]
            u, v = planes[bra, first + t], planes[bra + 1, first + t]
            same += u * a + v * b
            cross += u * b - v * a
            planes[ket, first + t] = real * a - imag * b
            planes[ket + 1, first + t] = real * b + imag * a
            planes[bra, first + t] = real * u - imag * v
            planes[bra + 1, first + t] = real * v + imag * u
        total += sign * (here.real * same - here.imag * cross)
        sub = (sub - free) & free
        if sub == 0:
            break
    return total


@part
@no_type_check
def _undo(planes, parts, op, keep, mix, back, here, there):
    """Apply an operation to a ket and to the bra behind it, and return what `_slope` gives for them before.

    One pass over both, if that takes less time than one for each and one for the slope.
    """
    if op[X] == 0 and parts == 2:
        return _undo_phases(planes, 0, parts, op, keep, mix, here)
    if op[X] != 0 and (parts == 1 or (here.imag == 0.0 and mix.imag == 0.0)):
        total = 0.0
        for plane in range(parts):
            total += _undo_real(planes, plane, parts + plane, op, keep, mix.real, back.real, here.real, there.real)
        return total
    total = _slope(planes, parts, 0, parts, op, here, there)
    for first in range(0, 2 * parts, parts):
        _apply(planes, first, parts, op, keep, mix, back)
    return total


@part
@no_type_check
def _add_generated(planes, target, source, parts, op, here, there):
    """Add G of one state to another one, with amplitudes from the partner, and at the partner."""
    x, z, f, free, run, sub = op[X], op[Z], op[F], op[FREE], np.uint64(op[RUN]), 0
    while True:
        i, sign = sub | f, -1.0 if odd((sub | f) & z) else 1.0
        for side in range(1 if x == 0 else 2):
            first, second = np.uint64(i ^ x if side else i), np.uint64(i if side else i ^ x)
            weight = sign * (there if side else here)
            for own in range(parts):
                for t in range(run):
                    planes[target + own, first + t] += weight.real * planes[source + own, second + t]
            if parts == 2:
                for t in range(run):
                    planes[target, first + t] -= weight.imag * planes[source + 1, second + t]
                    planes[target + 1, first + t] += weight.imag * planes[source, second + t]
        sub = (sub - free) & free
        if sub == 0:
            break


@part
@no_type_check
def _number(numbers, at, k):
    """Return a number of (..., 1 or 2) real and imaginary parts."""
    return complex(numbers[at, k, 0], numbers[at, k, 1] if numbers.shape[2] == 2 else 0.0)


@kernel()
@no_type_check
def forward(states, ops, start, stop, inner, outer, weights, share, shares):
    """Apply a stage of operations to registers (n, 2^n_qubits, 1 or 2), of real or of real and imaginary parts.

    Args:
        states: changed in place.
        ops: (n_ops, 10), columns `X` to `OUTER_F`.
        start: first operation of the stage.
        stop: end of the stage.
        inner: starts of the pieces of consecutive amplitudes that make the first chunk.
        outer: places of the bits outside the window.
        weights: (n, 3, n_ops, 1 or 2) weight of the own amplitude, of the partner, and of the own at the partner.
        share: which part of the chunks is worked on, of `shares`.
        shares: number of parts.
    """
    parts, n_chunks = states.shape[2], 1 << len(outer)
    planes = np.empty((parts, states.shape[1] // n_chunks))
    for s in range(len(states)):
        own = weights[s]
        for chunk in range(n_chunks * share // shares, n_chunks * (share + 1) // shares):
            base, exchanged = _base(chunk, outer), 0
            _copy(states[s], planes, 0, base, inner, False)
            for k in range(start, stop):
                if base & ops[k, OUTER_M] != ops[k, OUTER_F]:
                    continue
                if ops[k, EXCHANGED] != exchanged:
                    _exchange(planes)
                    exchanged = 1 - exchanged
                sign = -1.0 if odd(base & ops[k, OUTER_Z]) else 1.0
                _apply(planes, 0, parts, ops[k], own[0, k, 0], sign * _number(own, 1, k), sign * _number(own, 2, k))
            if exchanged == 1:
                _exchange(planes)
            _copy(states[s], planes, 0, base, inner, True)


@kernel()
@no_type_check
def backward(kets, bras, slopes, ops, start, stop, inner, outer, weights, factors, share, shares):
    """Undo a stage of operations on kets and bras (n, 2^n_qubits, 1 or 2), the last first.

    Kets and bras are changed in place. Re <bra| G |ket> of each operation with an angle is added to `slopes` (n,
    n_ops). Weights are those of the inverse operations, `factors` (2, n_ops, 1 or 2) the amplitudes of G from the
    partner and at the partner; the others are those of `forward`.
    """
    parts, n_chunks = kets.shape[2], 1 << len(outer)
    planes = np.empty((2 * parts, kets.shape[1] // n_chunks))
    for s in range(len(kets)):
        own = weights[s]
        for chunk in range(n_chunks * share // shares, n_chunks * (share + 1) // shares):
            base, exchanged = _base(chunk, outer), 0
            _copy(kets[s], planes, 0, base, inner, False)
            _copy(bras[s], planes, parts, base, inner, False)
            for k in range(stop - 1, start - 1, -1):
                op = ops[k]
                if base & op[OUTER_M] != op[OUTER_F]:
                    continue
                if op[EXCHANGED] != exchanged:
                    _exchange(planes)
                    exchanged = 1 - exchanged
                sign = -1.0 if odd(base & op[OUTER_Z]) else 1.0
                keep, mix, back = own[0, k, 0], sign * _number(own, 1, k), sign * _number(own, 2, k)
                if op[FIXED] == 0:
                    here, there = sign * _number(factors, 0, k), sign * _number(factors, 1, k)
                    slopes[s, k] += _undo(planes, parts, op, keep, mix, back, here, there)
                    continue
                for first in range(0, 2 * parts, parts):
                    _apply(planes, first, parts, op, keep, mix, back)
            if exchanged == 1:
                _exchange(planes)
            _copy(kets[s], planes, 0, base, inner, True)
            _copy(bras[s], planes, parts, base, inner, True)


@kernel()
@no_type_check
def tangents(states, slopes, ops, start, stop, inner, outer, weights, factors, rates, share, shares):
    """Apply a stage of operations to a state and its tangent, or undo it on a ket, a bra and their tangents.

    States are (2, 2^n_qubits, 1 or 2), state and tangent; or (4, ...), ket, its tangent, bra, its tangent, and the last
    operation is undone first. They are changed in place. If there are four, Re <bra| G |ket> and its tangent are added
    to `slopes` (2, n_ops), and weights (1, 3, n_ops, 1 or 2) and `rates` (n_ops,), tangents of the angles, are those of
    the inverse operations. The others are those of `forward` and `backward`.
    """
    undo, parts, n_chunks = len(states) == 4, states.shape[2], 1 << len(outer)
    planes, own = np.empty((len(states) * parts, states.shape[1] // n_chunks)), weights[0]
    for chunk in range(n_chunks * share // shares, n_chunks * (share + 1) // shares):
        base, exchanged = _base(chunk, outer), 0
        for s in range(len(states)):
            _copy(states[s], planes, s * parts, base, inner, False)
        for step in range(stop - start):
            k = stop - 1 - step if undo else start + step
            op = ops[k]
            if base & op[OUTER_M] != op[OUTER_F]:
                continue
            if op[EXCHANGED] != exchanged:
                _exchange(planes)
                exchanged = 1 - exchanged
            sign = -1.0 if odd(base & op[OUTER_Z]) else 1.0
            here, there = sign * _number(factors, 0, k), sign * _number(factors, 1, k)
            if undo:
                slopes[0, k] += _slope(planes, 2 * parts, 0, parts, op, here, there)
                slopes[1, k] += _slope(planes, 3 * parts, 0, parts, op, here, there)
                slopes[1, k] += _slope(planes, 2 * parts, parts, parts, op, here, there)
            mix, back = sign * _number(own, 1, k), sign * _number(own, 2, k)
            for s in range(len(states)):
                _apply(planes, s * parts, parts, op, own[0, k, 0], mix, back)
            if op[FIXED] == 0:
                for s in range(0, len(states), 2):
                    _add_generated(planes, (s + 1) * parts, s * parts, parts, op, rates[k] * here, rates[k] * there)
        if exchanged == 1:
            _exchange(planes)
        for s in range(len(states)):
            _copy(states[s], planes, s * parts, base, inner, True)
