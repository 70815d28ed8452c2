r"""Frequencies of expectation values in each parameter of a circuit."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from qvar._types import FloatArray
from qvar.ansatz.excitation_sums import gaps as gaps_of_sum
from qvar.ansatz.gates import KIND_INDEX
from qvar.ansatz.program import Program

_MULTIPLE = 1e-9
"""Distance from a whole number up to which a ratio of two frequencies is one."""


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
    lowest, number = harmonics(program).T
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
    \(R = \sum_k R_k w_k / w\) at most.

    Costs O(number of operations).

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
    still = np.isinf(wave)
    harmonic[:, 1] = np.where(still, 1.0, total)
    harmonic[:, 0] = np.where(still, 1.0, np.where(np.isnan(total), np.nan, wave))
    return harmonic
