"""H|psi> as kernels on the host: electrons in orbitals, and sums of Pauli words."""

from __future__ import annotations

from typing import no_type_check

import numpy as np

from qvar.engines.host_compile import kernel, part

_COLUMNS = 128
"""Columns of a product with integrals: so many numbers of all rows that take part stay in a core's fastest cache."""

_LANES = 32
"""Columns, or rows side by side, on which a matrix of one spin acts at once."""


@part
@no_type_check
def _add_four(target, row, source, rows, at, values, start, stop):
    """Add four rows, from `at` in the list of rows, with weights to a row, in columns `start` to `stop`."""
    i, j, k, m = rows[at], rows[at + 1], rows[at + 2], rows[at + 3]
    a, b, c, d = values[at], values[at + 1], values[at + 2], values[at + 3]
    for t in range(np.uint64(start), np.uint64(stop)):  # not negative, else every index would be looked at
        target[row, t] += a * source[i, t] + b * source[j, t] + c * source[k, t] + d * source[m, t]


@part
@no_type_check
def _add_sparse(target, source, starts, columns, values, low, high, start, stop):
    """Add rows `low` to `high` of a sparse matrix times the source; each row has a multiple of four entries."""
    for r in range(low, high):
        for e in range(starts[r], starts[r + 1], 4):
            _add_four(target, r, source, columns, e, values, start, stop)


@part
@no_type_check
def _aligned(n_rows, n_columns):
    """Return memory (n_rows, at least n_columns) whose rows start at cache lines."""
    width = -(-n_columns // 8) * 8
    memory = np.empty(n_rows * width + 8)
    start = (-memory.ctypes.data % 64) // 8
    return memory[start : start + n_rows * width].reshape(n_rows, width)


@part
@no_type_check
def _mix_pairs(mixed, taken, weights, n, state, coulomb, first, stop, pairs, signs, sources, low, high):
    """Write sum_k (Q|pair_k) sign_k state[source_k] for pairs Q from `first` to `stop`, k from `low` to `high`.

    `mixed` (an even number of pairs, at least n) is overwritten; `taken` (K, _COLUMNS) and `weights` (pairs, K) are
    scratch memory.
    """
    for q in range(stop - first + 1):
        for k in range(high - low):
            weights[q, k] = coulomb[pairs[low + k], first + q] * signs[low + k] if first + q < stop else 0.0
    for column in range(0, n, _COLUMNS):
        begin, width = np.uint64(column), np.uint64(min(_COLUMNS, n - column))  # else every index would be looked at
        for k in range(high - low):
            for t in range(width):
                taken[k, t] = state[sources[low + k], begin + t]
        for q in range(0, stop - first, 2):
            for t in range(width):
                mixed[q, begin + t] = 0.0
                mixed[q + 1, begin + t] = 0.0
            for k in range(0, high - low, 4):
                a, b, c, d = weights[q, k], weights[q, k + 1], weights[q, k + 2], weights[q, k + 3]
                e, f, g, h = weights[q + 1, k], weights[q + 1, k + 1], weights[q + 1, k + 2], weights[q + 1, k + 3]
                for t in range(width):
                    w, x, y, z = taken[k, t], taken[k + 1, t], taken[k + 2, t], taken[k + 3, t]
                    mixed[q, begin + t] += a * w + b * x + c * y + d * z
                    mixed[q + 1, begin + t] += e * w + f * x + g * y + h * z


@kernel()
@no_type_check
def electronic(states, images, same_alpha, same_beta, coulomb, alpha, beta, share, shares):
    """Write H|state> of electrons for some rows of states (n, rows, columns).

    Pairs of orbitals are sorted into sets, so that integrals between different sets vanish.

    Args:
        states: the states, real.
        images: of the same shape; rows of the share are overwritten.
        same_alpha: starts (rows + 1,), columns and values of the sparse part of H on alpha strings alone; a multiple of
            four entries for each row.
        same_beta: the same on beta strings.
        coulomb: (pairs, pairs) integrals.
        alpha: first pair of each set (sets + 1,); for each row, in `entries` (rows, sets + 1) from which to which entry
            its pairs of a set are; and pair, sign and string that it comes from for each entry; a multiple of four
            entries for each row and set.
        beta: first of its rows for each set (sets + 1,), and rows (K, columns) of places: number of the pair in
            its set times columns, as many as fill cache lines, plus string that it comes from; and signs.
        share: which part of the rows is worked on, of `shares`.
        shares: number of parts.
    """
    n_rows, n_columns = states.shape[1:]
    low, high = n_rows * share // shares, n_rows * (share + 1) // shares
    sets, entries, pairs, signs, sources = alpha
    rows, places, place_signs = beta
    largest, most = 0, 0
    for which in range(len(sets) - 1):
        largest = max(largest, sets[which + 1] - sets[which] + 1)
        for r in range(low, high):
            most = max(most, entries[r, which + 1] - entries[r, which])
    mixed, taken, weights = _aligned(largest, n_columns), _aligned(most, _COLUMNS), np.empty((largest, most))
    flat = mixed.reshape(-1)
    lanes, sums = np.empty((n_columns, _LANES)), np.empty((n_columns, _LANES))
    for at in range(len(states)):
        state, image = states[at], images[at]
        for r in range(low, high):
            for c in range(n_columns):
                image[r, c] = 0.0
            for which in range(len(sets) - 1):
                start, stop = entries[r, which], entries[r, which + 1]
                if start == stop:
                    continue
                own = (coulomb, sets[which], sets[which + 1], pairs, signs, sources, start, stop)
                _mix_pairs(mixed, taken, weights, n_columns, state, *own)
                for k in range(rows[which], rows[which + 1]):
                    for c in range(n_columns):
                        image[r, c] += place_signs[k, c] * flat[places[k, c]]
        for column in range(0, n_columns, _LANES):
            _add_sparse(image, state, *same_alpha, low, high, column, min(column + _LANES, n_columns))
        for first in range(low, high, _LANES):
            n = min(_LANES, high - first)
            for t in range(n):
                for c in range(n_columns):
                    lanes[c, t] = state[first + t, c]
                    sums[c, t] = 0.0
            _add_sparse(sums, lanes, *same_beta, 0, n_columns, 0, n)
            for t in range(n):
                for c in range(n_columns):
                    image[first + t, c] += sums[c, t]


@kernel()
@no_type_check
def pauli(states, images, flips, diagonals):
    """Write the sum over flips x of d_x(k) state[k ^ x], for states (n, 2^n_qubits) and diagonals (n_flips, 2^n)."""
    for at in range(len(states)):
        state, image = states[at], images[at]
        for k in range(len(image)):
            image[k] = 0.0
        for flip in range(len(flips)):
            x = flips[flip]
            for k in range(len(image)):
                image[k] += diagonals[flip, k] * state[k ^ x]


@kernel()
@no_type_check
def partners(states, images, partner, diagonals):
    """Write the sum over rows of d(k) state[partner(k)], for states (n, n_states, 1)."""
    for at in range(len(states)):
        for k in range(images.shape[1]):
            images[at, k, 0] = 0.0
            for row in range(len(partner)):
                images[at, k, 0] += diagonals[row, k] * states[at, partner[row, k], 0]
