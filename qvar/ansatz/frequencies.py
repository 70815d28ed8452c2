r"""Frequencies of expectation values in each parameter of a circuit."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from qvar._types import FloatArray
from qvar.ansatz.excitation_sums import gaps as gaps_of_sum
from qvar.ansatz.gates import KIND_INDEX
from qvar.ansatz.program import Program

_MULTIPLE = 1e-9
"""Distance from a whole number up to which a ratio of two frequencies is one."""

_MOST_QUBITS, _MOST_OPERATIONS = 6, 1000
"""Largest part of a circuit whose matrix is computed for the spectrum of a parameter's generator."""


def frequencies(program: Program) -> FloatArray:
    r"""Compute the frequency of each parameter that has exactly one.

    A parameter that drives a single operation \(e^{-i s\theta G}\), whose generator G has two eigenvalues
    a distance \(\Delta\) apart, moves every expectation value as

    $$ E(\theta) = a + b\cos(w\theta) + c\sin(w\theta), \qquad w = |s|\, \Delta, $$

    all other parameters held. Such operations are rotations by a Pauli word (\(\Delta = 2\)), and phases of
    a pattern of bits (\(\Delta = 1\)): RX, RY, RZ, PauliRot, MultiRZ, IsingXX, IsingYY, IsingZZ, PhaseShift,
    ControlledPhaseShift. Excitations and controlled rotations have three eigenvalues. A global phase moves no
    expectation value and does not count.

    Returns:
        (n_params,) frequencies per unit of the parameter, all positive; 1 for a parameter that moves nothing, NaN if
        it drives several operations or one with more eigenvalues, or if the angles are not affine in theta.
    """
    return single_frequencies(harmonics(program))


def single_frequencies(harmonic: FloatArray) -> FloatArray:
    """Return `frequencies` of a program from its `harmonics`."""
    lowest, number = harmonic.T
    return np.where(number == 1.0, lowest, np.nan)


def operation_gaps(program: Program) -> dict[int, tuple[float, ...]]:
    """Return the positive differences of the eigenvalues of each operation's generator, ascending.

    Operations that move no expectation value, and those without an angle, are left out.
    """
    lowered, sums = program.lowered, np.flatnonzero(program.kind == KIND_INDEX["ExcitationSum"])
    near, far = lowered.gaps.T
    moving = (lowered.factor != 0.0) & ~lowered.fixed & (near | far) & ~np.isin(lowered.slot, sums)
    columns = (lowered.slot[moving], np.abs(lowered.factor[moving]), near[moving], far[moving])
    rows = zip(*(column.tolist() for column in columns), strict=True)
    gaps = {op: (size,) * has_near + (2.0 * size,) * has_far for op, size, has_near, has_far in rows}
    return gaps | {int(op): tuple(0.5 * gap for gap in gaps_of_sum(program.words[op])) for op in sums}


def _exact_multiples(program: Program, first: int, scales: FloatArray) -> tuple[int, int] | None:
    """Return the lowest frequency and the number of harmonics of a part of a circuit, driven by one parameter.

    The frequencies must be whole numbers; operation `first` + k has the angle `scales[k]` times the parameter.

    Returns None if the part is too large, or no exponential of one generator.
    """
    lowered = program.lowered
    part = slice(*np.searchsorted(lowered.slot, [first, first + len(scales)]))
    masks = np.stack([getattr(lowered, name)[part] for name in "xzmf"])
    used = int(np.bitwise_or.reduce(masks, axis=None))
    bits = np.flatnonzero(used >> np.arange(program.n_qubits) & 1)
    if len(bits) > _MOST_QUBITS:
        return None
    masks = ((masks[..., None] >> bits & 1) << np.arange(len(bits))).sum(axis=-1)
    slot, factor = lowered.slot[part], lowered.factor[part]
    start = factor * program.offset[slot] + lowered.constant[part]
    columns = (*masks, lowered.w[part], factor * scales[slot - first], start, lowered.fixed[part])
    return _multiples_of_part(len(bits), tuple(zip(*(column.tolist() for column in columns), strict=True)))


@lru_cache(maxsize=4096)
def _multiples_of_part(n: int, ops: tuple[tuple[Any, ...], ...]) -> tuple[int, int] | None:
    """Return what `_exact_multiples` does of mask operations (x, z, m, f, w, slope, start, fixed) on n qubits."""
    k = np.arange(1 << n)

    def unitary(angle: float) -> np.ndarray:
        matrix = np.eye(1 << n, dtype=complex)
        for x, z, m, f, w, slope, start, fixed in ops:
            selected = ((k & m == f) | (k & m == f ^ (x & m)))[:, None]
            image = w * (1.0 - 2.0 * (np.bitwise_count(k & z)[:, None] % 2)) * matrix[k ^ x]
            phi = slope * angle + start
            new = image if fixed else np.cos(phi) * matrix - 1j * np.sin(phi) * image
            matrix = np.where(selected, new, matrix)
        return matrix

    # |G| is at most the sum of the slopes, and the sine of a matrix of norm 1 has the spectrum of that matrix
    angle = 1.0 / sum(abs(slope) for *_, slope, _, _ in ops)
    back = unitary(0.0).conj().T
    power = back @ unitary(angle)
    sines, vectors = np.linalg.eigh(0.5j * (power - power.conj().T))
    spectrum = np.arcsin(np.clip(sines, -1.0, 1.0)) / angle
    for other in (np.sqrt(3.0), np.e):
        expected = vectors * np.exp(-1j * other * spectrum) @ vectors.conj().T
        if np.abs(back @ unitary(other) - expected).max() > _MULTIPLE:
            return None
    gaps = np.unique(np.round(np.subtract.outer(spectrum, spectrum)).astype(int))
    lowest = int(np.gcd.reduce(gaps))  # gaps of the sum are whole multiples of `wave`, as are those of its parts
    return (lowest, int(gaps.max()) // lowest) if lowest else None


@lru_cache(maxsize=4096)
def _number_of_multiples(gaps: tuple[float, ...]) -> float:
    """Return the largest gap over the lowest one if all are whole multiples of it, else NaN."""
    multiples = np.array(gaps) / gaps[0]
    return float(np.round(multiples[-1])) if np.abs(multiples - np.round(multiples)).max() < _MULTIPLE else np.nan


def harmonics(program: Program) -> FloatArray:
    r"""Compute the lowest frequency and the number of harmonics of each parameter.

    A parameter that drives operations \(e^{-i s_k\theta G_k}\) moves every expectation value, all others held, as

    $$ E(\theta + x / w) = \sum_{m=0}^{R} a_m \cos(m x) + b_m \sin(m x). $$

    An operation whose generator has two eigenvalues a distance \(\Delta\) apart has R = 1 and
    \(w = |s|\Delta\), one with the eigenvalues 0 and \(\pm 1\), such as an excitation, R = 2 and \(w = |s|\). Those of
    a sum of excitations that do not commute are seldom whole multiples of one of them.
    Several operations of one parameter, whose frequencies are whole multiples of the lowest one, add up their numbers:
    \(R = \sum_k R_k w_k / w\) at most. On at most six qubits, and with none but fixed gates between them, as in the
    decomposition of one gate, they may be \(V e^{-i\theta G}\); then the eigenvalues of G are known, and w and R are
    exact.

    Costs O(number of operations), and a few matrices for each different part of several operations.

    Returns:
        (n_params, 2) w and R; (1, 1) for a parameter that moves nothing, NaN if the frequencies are no multiples of the
        lowest one, or if the angles are not affine in theta.
    """
    n_params, n_ops = program.n_params, program.n_ops
    harmonic = np.full((n_params, 2), np.nan)
    if program.angle_function is not None:
        return harmonic
    lowest, number = np.zeros(n_ops), np.zeros(n_ops)
    for op, gaps in operation_gaps(program).items():
        lowest[op], number[op] = gaps[0], _number_of_multiples(gaps)

    # terms of one operation and one parameter add up
    drives, term = np.unique(np.stack([program.angle_op, program.angle_param]), axis=1, return_inverse=True)
    scale = np.abs(np.bincount(term.ravel(), program.angle_scale, drives.shape[1]))
    moves = scale * lowest[drives[0]] > 0.0
    waves, numbers, params = (scale * lowest[drives[0]])[moves], number[drives[0]][moves], drives[1][moves]
    wave = np.full(n_params, np.inf)
    np.minimum.at(wave, params, waves)
    multiples = np.round(waves / wave[params])
    apart = np.abs(waves / wave[params] - multiples) > _MULTIPLE
    total = np.bincount(params, np.where(apart, np.nan, numbers * multiples), n_params)
    order, places = np.lexsort((program.angle_op, program.angle_param)), np.sort(program.angle_op)
    ends = np.searchsorted(program.angle_param[order], np.arange(n_params + 1))
    for param in np.flatnonzero((np.bincount(params, minlength=n_params) > 1) & np.isfinite(total)):
        terms = order[ends[param] : ends[param + 1]]
        first, last = program.angle_op[terms[[0, -1]]].tolist()
        alone = np.searchsorted(places, [first, last + 1]) @ [-1, 1] == len(terms)
        if alone and last - first <= _MOST_OPERATIONS:
            scales = np.bincount(program.angle_op[terms] - first, program.angle_scale[terms])
            multiple, largest = _exact_multiples(program, first, scales / wave[param]) or (1, total[param])
            wave[param], total[param] = multiple * wave[param], largest
    still = np.isinf(wave)
    harmonic[:, 1] = np.where(still, 1.0, total)
    harmonic[:, 0] = np.where(still, 1.0, np.where(np.isnan(total), np.nan, wave))
    return harmonic
