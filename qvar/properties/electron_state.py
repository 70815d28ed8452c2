"""State of a circuit as blocks of determinants, in every engine."""

from __future__ import annotations

from typing import Any

import numpy as np

from qvar.checks import real_numbers
from qvar.engines.spin_blocks import SpinBlock, spin_blocks
from qvar.errors import QvarError
from qvar.objective import Objective
from qvar.problems.problem import Problem


def electron_state(objective: Objective, theta: Any) -> tuple[Problem, list[SpinBlock]]:
    """Return the problem of an energy and the blocks of its normalised state at theta.

    Raises `QvarError` if the problem has no electrons in orbitals, or theta another shape or is not finite.
    """
    problem = objective.problem
    if not isinstance(problem, Problem) or problem.integrals is None or objective.measure is None:
        raise QvarError(f"`objective` must be an energy of electrons in orbitals, but {objective.name} is none.")
    point = real_numbers("theta", theta, (objective.n_params,), finite=True)
    state, m = np.asarray(objective.state(point)), problem.n_orbitals
    state = state / np.linalg.norm(state)
    if objective.space == "N_alpha, N_beta":
        measured = objective.measure(point)
        number, unpaired = round(measured["particle_number"]), round(2 * measured["sz"])
        return problem, [SpinBlock((number + unpaired) // 2, (number - unpaired) // 2, state)]
    states = np.arange(1 << 2 * m) if objective.basis_states is None else objective.basis_states
    return problem, list(spin_blocks(state, states, 2 * m))
