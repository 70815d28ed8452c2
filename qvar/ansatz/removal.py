"""Circuits without some of their parameters, whose angles are held at zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.gates import KINDS
from qvar.ansatz.program import Program


def without_parameters(ansatz: Ansatz, removed: Sequence[int]) -> Ansatz:
    """Return a circuit whose removed parameters are zero, without the operations that are then the identity.

    Parameters that remain keep their order. Angles that are not affine in theta keep their operations.
    """
    held = ansatz.freeze(np.zeros(ansatz.n_params), parameters=removed)
    program, tail = held.program, ansatz.classical_tail
    idle = idle_operations(program)
    last = int(np.sum(idle[program.n_ops - tail :])) if tail else 0
    return replace(held, program=without_operations(program, idle), classical_tail=tail - last)


def idle_operations(program: Program) -> np.ndarray:
    """Return which operations are the identity at every theta, (n_ops,) bool: those whose angle is always zero."""
    parametric = np.array([kind.parametric for kind in KINDS])[program.kind]
    if program.angle_function is not None:
        return np.zeros(program.n_ops, bool)
    driven = np.zeros(program.n_ops, bool)
    driven[program.angle_op[program.angle_scale != 0.0]] = True
    return parametric & ~driven & (program.offset == 0.0)


def without_operations(program: Program, dropped: np.ndarray) -> Program:
    """Return a program with affine angles without some operations, given as (n_ops,) bool."""
    if not np.any(dropped):
        return program
    kept = np.flatnonzero(~dropped)
    place = np.cumsum(~dropped) - 1
    terms = ~dropped[program.angle_op]
    return replace(
        program,
        kind=program.kind[kept],
        wires=program.wires[kept],
        words=tuple(program.words[index] for index in kept),
        offset=program.offset[kept],
        angle_op=place[program.angle_op[terms]].astype(program.angle_op.dtype),
        angle_param=program.angle_param[terms],
        angle_scale=program.angle_scale[terms],
    )
