"""Turns of L-BFGS for all starts, as a kernel on the host, compiled once for all sizes.

The same steps as `lbfgs.lbfgs` with `turns._update` in JAX, on the arrays of `packing.Layout`. Sums of more than 32
numbers are taken in chunks, as XLA takes them on a CPU, so that most of them have the same bits.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np

from qvar.engines.host_compile import kernel_with, part_with
from qvar.optimize.line_search import wolfe_judge

_CHUNK = 32
"""Numbers that are added one after the other, and then the sums of so many."""

_EPSILON = float(np.finfo(float).eps)

STATUS, EVALUATIONS, CHARGED, ITERATIONS, ACCEPTED, CONVERGED, STALLED, COUNTED, TRIALS, FRESH = range(10)
"""Columns of the integers of a state."""

_RUNNING = -1


@part_with("contract")
@no_type_check
def _pick(condition, yes, no):
    return yes if condition else no


@part_with("contract")
@no_type_check
def _finite(number):
    return np.isfinite(number)


@part_with("contract")
@no_type_check
def _is_false(condition):
    return not condition


_judge = part_with("contract")(wolfe_judge(_pick, _finite, _is_false))


@part_with()
@no_type_check
def _add_chunks(numbers, n, sums):
    """Write the sums of chunks, and return their number; what is missing to whole ones is zero on both sides."""
    n_sums = -(-n // _CHUNK)
    missing = (n_sums * _CHUNK - n) // 2
    for c in range(n_sums):
        sums[c] = 0.0
    for t in range(_CHUNK):
        for c in range(n_sums):
            at = c * _CHUNK + t - missing
            if 0 <= at < n:
                sums[c] += numbers[at]
    return n_sums


@part_with()
@no_type_check
def _add_up(numbers, n, sums):
    """Return the sum of n numbers, more than one chunk; `sums` (2, at least n / 32) is overwritten."""
    row, n_sums, total = 0, _add_chunks(numbers, n, sums[0]), 0.0
    while n_sums > _CHUNK:
        n_sums, row = _add_chunks(sums[row], n_sums, sums[1 - row]), 1 - row
    for k in range(n_sums):
        total += sums[row, k]
    return total


@part_with("contract")
@no_type_check
def _dot(x, i, y, j, n, products, sums):
    """Return the product of n numbers of x from place i on with those of y from place j on."""
    if n <= _CHUNK:
        total = 0.0
        for k in range(n):
            total += x[i + k] * y[j + k]
        return total
    for k in range(n):
        products[k] = x[i + k] * y[j + k]
    return _add_up(products, n, sums)


@part_with("contract")
@no_type_check
def _put(x, i, y, j, factor, n):
    """Write a factor times n numbers of y to x."""
    for k in range(n):
        x[i + k] = factor * y[j + k]


@part_with("contract")
@no_type_check
def _add(x, i, y, j, factor, n):
    """Add a factor times n numbers of y to x."""
    for k in range(n):
        x[i + k] += factor * y[j + k]


@part_with("contract")
@no_type_check
def _remember(state, size, memory, fresh):
    """Put the last step at the end of the memory, which is emptied before if it is to be fresh."""
    theta, gradient, before, steps = size, 2 * size + 1, 3 * size + 1, 5 * size + 1
    changes, weights = steps + memory * size, steps + 2 * memory * size
    if fresh:
        _put(state, before, state, theta, 1.0, size)
        _put(state, before + size, state, gradient, 1.0, size)
        for k in range(steps, weights + memory):
            state[k] = 0.0
    for first, width in ((steps, size), (changes, size), (weights, 1)):
        _put(state, first, state, first + width, 1.0, (memory - 1) * width)
    last = (memory - 1) * size
    for k in range(size):
        state[steps + last + k] = state[theta + k] - state[before + k]
        state[changes + last + k] = state[gradient + k] - state[before + size + k]
    _put(state, before, state, theta, 1.0, size)
    _put(state, before + size, state, gradient, 1.0, size)


@part_with("contract")
@no_type_check
def _inverse_times(vector, state, size, memory, alphas, products, sums):
    """Multiply a vector by the inverse Hessian of the memory."""
    steps = 5 * size + 1
    changes, weights = steps + memory * size, steps + 2 * memory * size
    last = (memory - 1) * size
    product = _dot(state, changes + last, state, steps + last, size, products, sums)
    square = _dot(state, changes + last, state, changes + last, size, products, sums)
    state[weights + memory - 1] = 0.0 if product == 0.0 else 1.0 / product
    for m in range(memory - 1, -1, -1):
        overlap = _dot(state, steps + m * size, vector, 0, size, products, sums)
        alphas[m] = state[weights + m] * overlap
        _add(vector, 0, state, changes + m * size, -alphas[m], size)
    _put(vector, 0, vector, 0, product / square if square > 0.0 else 1.0, size)
    for m in range(memory):
        overlap = _dot(state, changes + m * size, vector, 0, size, products, sums)
        _add(vector, 0, state, steps + m * size, alphas[m] - state[weights + m] * overlap, size)


@kernel_with("contract")
@no_type_check
def turn(numbers, counts, values, gradients, rows, row_counts, settings, tolerance, ends):
    """Update every start that runs with value and gradient at its trial, and record the turn.

    Args:
        numbers: (n, ...) real numbers of the state of each start, changed in place.
        counts: (n, 10) integers of it, see `STATUS` and the following; changed in place.
        values: (n,) values at the trials.
        gradients: (n, size).
        rows: (n, 2 or 2 + size) value and norm of the gradient, and parameters if they are kept; overwritten.
        row_counts: (n, 5) of `turns._Row`; overwritten.
        settings: size, number of past steps, trials of a line search, evaluations of a start.
        tolerance: norm of the gradient below which a start has converged.
        ends: numbers of the statuses not finite, converged, stalled and out of budget.
    """
    size, memory, max_trials, most = settings
    products, vector, alphas = np.empty(size), np.empty(size), np.empty(memory)
    sums = np.empty((2, size // _CHUNK + 1))
    theta, place, gradient = size, 2 * size, 2 * size + 1  # of the value
    direction = 5 * size + 1 + 2 * memory * size + memory
    bracket = direction + size
    for s in range(len(numbers)):
        state, count, norm = numbers[s], counts[s], np.nan
        runs = count[STATUS] == _RUNNING
        if runs:
            finite = np.isfinite(values[s])
            for k in range(size):
                finite &= np.isfinite(gradients[s, k])
            slope = _dot(gradients[s], 0, state, direction, size, products, sums)
            first = count[ITERATIONS] == 0
            search = (
                state[bracket], state[bracket + 1], state[bracket + 2], state[bracket + 3], state[bracket + 4],
                state[bracket + 5],
            )  # fmt: skip
            taken, search = _judge(search, state[place], values[s], slope, finite, _EPSILON)
            accepted = first or taken
            trials = count[TRIALS] + 1
            failed = not accepted and trials >= max_trials
            stalled = failed and count[FRESH] == 1
            if accepted:
                _put(state, theta, state, 0, 1.0, size)
                _put(state, gradient, gradients[s], 0, 1.0, size)
                state[place] = values[s]
            norm = np.sqrt(_dot(state, gradient, state, gradient, size, products, sums))
            if accepted or failed:
                fresh = first or failed
                _remember(state, size, memory, fresh)
                _put(vector, 0, state, gradient, 1.0, size)
                _inverse_times(vector, state, size, memory, alphas, products, sums)
                _put(state, direction, vector, 0, -1.0, size)
                slope = _dot(state, gradient, state, direction, size, products, sums)
                uses_memory = slope < 0 and not fresh
                if not uses_memory:
                    inverse = 1.0 / (norm if norm > 1.0 or norm != norm else 1.0)
                    _put(state, direction, state, gradient, -inverse, size)
                    slope = _dot(state, gradient, state, direction, size, products, sums)
                search = (slope, 1.0, 0.0, state[place], slope, np.inf)
                trials = 0
                count[FRESH] = not uses_memory
            for k in range(6):
                state[bracket + k] = search[k]
            for k in range(size):
                state[k] = state[theta + k] + search[1] * state[direction + k]

            count[TRIALS] = trials
            count[ITERATIONS] += accepted
            count[ACCEPTED], count[CONVERGED], count[STALLED] = accepted, False, stalled
            count[EVALUATIONS] += count[COUNTED]
            spent = count[EVALUATIONS] + count[CHARGED]
            if not (np.isfinite(state[place]) and np.isfinite(norm)):
                count[STATUS] = ends[0]
            elif accepted and norm <= tolerance:
                count[STATUS] = ends[1]
            elif stalled:
                count[STATUS] = ends[2]
            elif count[COUNTED] == 1 and spent >= most:
                count[STATUS] = ends[3]
        rows[s, 0], rows[s, 1] = state[place], norm
        for k in range(rows.shape[1] - 2):
            rows[s, 2 + k] = state[theta + k]
        row_counts[s, 0], row_counts[s, 1] = count[STATUS], runs
        row_counts[s, 2] = runs and count[ACCEPTED] == 1
        row_counts[s, 3], row_counts[s, 4] = count[EVALUATIONS] + count[CHARGED], count[EVALUATIONS]


def compile_turn() -> None:
    """Compile, or load, the kernel for any number of starts and parameters."""
    counts, values = np.zeros((0, 10), np.int64), np.zeros(0)
    turn(np.zeros((0, 1)), counts, values, np.zeros((0, 1)), np.zeros((0, 2)), counts, (1, 1, 1, 1), 0.0, (0, 0, 0, 0))
