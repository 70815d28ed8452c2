"""States from one engine's layout to another's."""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np

from qvar.engines.infidelity import checked_state, state_shape
from qvar.engines.occupation_strings import occupation_strings, register_layout
from qvar.errors import QvarError
from qvar.objective import Objective
from qvar.problems.problem import Problem

_LOST = 1e-8
"""Weight outside of a sector that is more than rounding."""


def in_layout(
    state: Any, objective: Objective, problem: Problem, argument: str = "state", *, project: bool = False
) -> np.ndarray:
    """Return a normalised state in the layout of an objective's states.

    The state may be in that layout, be the (2^n,) amplitudes of a register, wire 0 the most significant bit, or, of
    electrons in orbitals, the matrix (alpha strings, beta strings) of the problem's electrons in PySCF's order. With
    `project` the part outside of the sector of the objective's states is left out. `argument` is its name in errors.

    Raises `QvarError` if the state is of another size, zero or not finite, or lies in part outside of the sector of the
    objective's states; with `project`, all of it.
    """
    own, shape, n = checked_state(state, argument), state_shape(objective), problem.n_qubits
    own = own / np.linalg.norm(own)
    if own.shape == shape:
        return own
    m = problem.n_orbitals
    matrix = (comb(m, problem.n_alpha), comb(m, problem.n_beta)) if problem.integrals is not None else None
    if own.shape not in (matrix, (1 << n,)):
        shapes = ", ".join(str(one) for one in dict.fromkeys((shape, matrix, (1 << n,))) if one is not None)
        raise QvarError(f"`{argument}` must have one of the shapes {shapes} of {problem.name}, but has {own.shape}.")
    if own.shape == matrix:
        index, sign = _electrons(problem)
        register = np.zeros(1 << n, own.dtype)
        register[index] = sign * own
    else:
        register = own
    if shape == (1 << n,):
        return register
    if objective.basis_states is not None:
        inside = register[np.asarray(objective.basis_states)][:, None]
    else:
        index, sign = _electrons(problem)
        inside = sign * register[index]
    lost = 1.0 - np.linalg.norm(inside) ** 2
    if lost > (1.0 - _LOST if project else _LOST):
        words = f"lie in the sector ({objective.space}) of {objective.name}"
        raise QvarError(f"`{argument}` must {words}, but {lost:.3g} of its weight is outside.")
    return inside / np.linalg.norm(inside)


def in_register(states: Any, objective: Objective, problem: Problem) -> np.ndarray:
    """Return states as amplitudes of a register, (n_states, 2^n), wire 0 the most significant bit."""
    own = np.asarray(states)
    if own.shape[1:] == (1 << problem.n_qubits,):
        return own
    register = np.zeros((len(own), 1 << problem.n_qubits), own.dtype)
    if objective.basis_states is not None:
        register[:, np.asarray(objective.basis_states)] = own[:, :, 0]
    else:
        index, sign = _electrons(problem)
        register[:, index.ravel()] = (sign * own).reshape(len(own), -1)
    return register


def _electrons(problem: Problem) -> tuple[Any, Any]:
    """Return place in the register and sign of each determinant, (alpha strings, beta strings)."""
    m = problem.n_orbitals
    return register_layout(occupation_strings(m, problem.n_alpha), occupation_strings(m, problem.n_beta), m)
