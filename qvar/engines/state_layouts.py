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


def in_layout(state: Any, objective: Objective, problem: Problem, argument: str = "state") -> np.ndarray:
    """Return a normalised state in the layout of an objective's states.

    Args:
        state: in that layout; or the (2^n,) amplitudes of a register, wire 0 the most significant bit; or, of electrons
            in orbitals, the matrix (alpha strings, beta strings) of the problem's electrons in PySCF's order.
        objective: the energy of a circuit on the problem.
        problem: the problem.
        argument: name of the state in errors.

    Raises:
        QvarError: if the state is of another size, zero or not finite, or lies in part outside of the sector of the
            objective's states.
    """
    own, shape, n = checked_state(state, argument), state_shape(objective), problem.n_qubits
    own = own / np.linalg.norm(own)
    if own.shape == shape:
        return own
    m, n_alpha, n_beta = problem.n_orbitals, problem.n_alpha, problem.n_beta
    matrix = (comb(m, n_alpha), comb(m, n_beta)) if problem.integrals is not None else None
    if own.shape not in (matrix, (1 << n,)):
        shapes = ", ".join(str(one) for one in dict.fromkeys((shape, matrix, (1 << n,))) if one is not None)
        raise QvarError(f"`{argument}` must have one of the shapes {shapes} of {problem.name}, but has {own.shape}.")
    if own.shape == matrix:
        index, sign = register_layout(occupation_strings(m, n_alpha), occupation_strings(m, n_beta), m)
        register = np.zeros(1 << n, own.dtype)
        register[index] = sign * own
    else:
        register = own
    if shape == (1 << n,):
        return register
    if objective.basis_states is not None:
        inside = register[np.asarray(objective.basis_states)][:, None]
    else:
        index, sign = register_layout(occupation_strings(m, n_alpha), occupation_strings(m, n_beta), m)
        inside = sign * register[index]
    lost = 1.0 - np.linalg.norm(inside) ** 2
    if lost > _LOST:
        words = f"lie in the sector ({objective.space}) of {objective.name}"
        raise QvarError(f"`{argument}` must {words}, but {lost:.3g} of its weight is outside.")
    return inside / np.linalg.norm(inside)
