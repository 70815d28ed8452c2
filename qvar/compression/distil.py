r"""Distillation: a small circuit that is trained on the state of a large one, then on the energy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from qvar._types import FloatArray
from qvar.ansatz.ansatz import Ansatz
from qvar.arguments import checked
from qvar.checks import counting_number
from qvar.engines.energy import Engine, energy
from qvar.engines.infidelity import expectation_in, infidelity, towards_state
from qvar.engines.state_layouts import in_layout
from qvar.errors import QvarError, require
from qvar.objective import Objective
from qvar.optimize.budget import Budget
from qvar.optimize.method import Method
from qvar.optimize.minimize import Look, minimize_batch
from qvar.optimize.result import Result
from qvar.problems.problem import Problem
from qvar.short_repr import short_repr


@short_repr("ansatz", "infidelity", "value", "evaluations")
@dataclass(frozen=True, eq=False, kw_only=True)
class Distilled:
    """A circuit after its training on a state and on the energy."""

    ansatz: Ansatz
    """The student, which starts at these angles: its start is `"distilled"`."""
    theta: FloatArray
    """(n_params,) its angles, radians."""
    infidelity: float
    """Infidelity to the teacher's state after both trainings."""
    value: float
    """Energy after both trainings, in the problem's unit."""
    evaluations: int
    """Evaluations of value and gradient of the start that ended lowest, in both trainings."""
    all_evaluations: int
    """The same, of all starts."""
    matched_infidelity: float
    """Infidelity after the training on the state."""
    matched_value: float
    """Energy after the training on the state."""
    matched_evaluations: int
    """Evaluations in the training on the state."""
    teacher_value: float
    """Energy of the teacher's state."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """A state to be trained on, with the objectives of both trainings."""

    energy: Objective
    """Energy of the student."""
    state: np.ndarray
    """The teacher's state, normalised, in the layout of the student's states."""
    weight: float
    scale: float

    @property
    def matching(self) -> Objective:
        """Weighted sum of infidelity and energy."""
        return towards_state(self.energy, self.state, weight=self.weight, scale=self.scale)

    @property
    def infidelity(self) -> Objective:
        """Infidelity alone."""
        return infidelity(self.energy, self.state)


def lesson(
    student: Ansatz,
    teacher_state: Any,
    problem: Problem,
    *,
    weight: float,
    scale: float | None,
    project: bool,
    engine: Engine,
) -> Lesson:
    """Return the objectives of a student's trainings, after a check of the arguments; see `distil`."""
    if student.n_params == 0:
        raise QvarError(f"`student` must have free parameters, but {student.name} has none.")
    require(0.0 <= weight <= 1.0, "weight", "lie between 0 and 1", weight)
    require(scale is None or 0.0 < scale < np.inf, "scale", "be positive", scale)
    objective = energy(problem, student, engine=engine)
    state = in_layout(teacher_state, objective, problem, "teacher_state", project=project)
    if scale is None:
        gain = problem.reference_energy - expectation_in(objective, state)
        scale = gain if gain > 0 else 1.0
    return Lesson(objective, state, weight, scale)


def trained_twice(
    own: Lesson,
    starts: Any,
    *,
    method: Method | None,
    budget: Budget | None,
    keys: jax.Array | None = None,
    callback: Callable[[Look], None] | None = None,
) -> tuple[list[Result], list[Result]]:
    """Train a student from several starts, (n, n_params): on the teacher's state, then on the energy."""
    settings: dict[str, Any] = {"method": method, "budget": budget, "keys": keys, "callback": callback}
    matched = minimize_batch(own.matching, starts, **settings)
    ends = np.stack([np.asarray(result.theta) for result in matched])
    return matched, minimize_batch(own.energy, ends, **settings)


@checked(own=("problem",))
def distil(
    student: Ansatz,
    teacher_state: Any,
    problem: Problem,
    *,
    weight: float = 1.0,
    scale: float | None = None,
    project: bool = False,
    n_starts: int = 1,
    key: jax.Array | None = None,
    method: Method | None = None,
    budget: Budget | None = None,
    engine: Engine = "auto",
) -> Distilled:
    r"""Train a small circuit on the state of a large one, then on the energy: distillation.

    The first training minimizes

    $$ w\, \big(1 - |\langle\varphi|\psi(\theta)\rangle|^2\big) + (1 - w)\, \frac{E(\theta) - E_\varphi}{s} $$

    with the teacher's state \(\varphi\), its energy \(E_\varphi\), the weight w and the scale s; the second one
    \(E(\theta)\) from the angles of the first. Both are expectation values of one operator, with exact gradients. In
    neural networks: Hinton, Vinyals, Dean (2015), https://arxiv.org/abs/1503.02531, a small network trained on the
    outputs of a large one.

    Args:
        student: the circuit.
        teacher_state: state in the layout of the student's states; or (2^n,) amplitudes of a register, wire 0 the most
            significant bit; or PySCF's matrix (alpha strings, beta strings), such as `qvar.ground_state(problem)`. That
            of a trained circuit is `qvar.energy(problem, teacher).state(theta)`.
        problem: gives the energy.
        weight: w of the infidelity, from 0 to 1.
        scale: s, in the problem's unit; the reference energy minus that of the teacher if None, 1 if that is not
            positive.
        project: True to leave out the part of the state outside of the student's sector, such as other numbers of
            electrons in a generic circuit: no student changes its overlap with that. If False, more than 1e-8 of the
            weight there is refused.
        n_starts: starts of the student, of which the one of the lowest energy is returned.
        key: JAX random key of the starts; needed unless the student starts at `"zero"` or at angles of its own.
        method: method of both trainings; `qvar.lbfgs()` if None.
        budget: limits of each training of each start.
        engine: simulator, as in `qvar.energy`.

    Raises:
        QvarError: if the state is of another size, or outside of the student's sector, the student has no free
            parameters, a number is out of range, or no start ends in a finite value.
    """
    counting_number("n_starts", n_starts)
    own = lesson(student, teacher_state, problem, weight=weight, scale=scale, project=project, engine=engine)
    if key is None:
        if student.start in ("uniform", "gaussian") or n_starts > 1:
            raise QvarError(f"`key` must be a JAX random key to draw the starts of {student.name}, but is None.")
        key = jax.random.key(0)
    starts = own.energy.initial_batch(key, n_starts)
    matched, ends = trained_twice(own, starts, method=method, budget=budget)
    values = [result.value for result in ends]
    if not np.any(np.isfinite(values)):
        raise QvarError(f"`student` must have a finite energy after its training, but {student.name} has none.")
    best = int(np.nanargmin(values))
    first, last = matched[best], ends[best]
    theta = np.asarray(last.theta)
    return Distilled(
        ansatz=student.start_at(theta, start="distilled"),
        theta=theta,
        infidelity=float(own.infidelity.loss(theta)),
        value=float(last.value),
        evaluations=first.energy_evaluations + last.energy_evaluations,
        all_evaluations=sum(result.energy_evaluations for result in (*matched, *ends)),
        matched_infidelity=float(own.infidelity.loss(first.theta)),
        matched_value=float(own.energy.loss(first.theta)),
        matched_evaluations=first.energy_evaluations,
        teacher_value=expectation_in(own.energy, own.state),
    )
