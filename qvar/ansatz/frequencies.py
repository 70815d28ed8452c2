r"""Frequencies of expectation values in each parameter of a circuit."""

from __future__ import annotations

import numpy as np

from qvar._types import FloatArray
from qvar.ansatz.program import Program


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
    n_params, n_ops, lowered = program.n_params, program.n_ops, program.lowered
    if program.angle_function is not None:
        return np.full(n_params, np.nan)
    near, far = lowered.gaps.T
    gap = np.where(near & far, np.nan, near + 2.0 * far)
    moving = (lowered.factor != 0.0) & ~lowered.fixed
    slots = lowered.slot[moving]
    swing = np.bincount(slots, (np.abs(lowered.factor) * gap)[moving], n_ops).astype(float)
    swing[np.bincount(slots, minlength=n_ops) > 1] = np.nan

    # terms of one operation and one parameter add up
    drives, term = np.unique(np.stack([program.angle_op, program.angle_param]), axis=1, return_inverse=True)
    scale = np.bincount(term.ravel(), program.angle_scale, drives.shape[1])
    each = np.abs(scale) * np.where(scale == 0.0, 0.0, swing[drives[0]])
    params = drives[1][each != 0.0]
    count = np.bincount(params, minlength=n_params)
    total = np.bincount(params, each[each != 0.0], n_params).astype(float)
    return np.where(count == 0, 1.0, np.where(count == 1, total, np.nan))
