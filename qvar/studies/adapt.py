r"""ADAPT-VQE: a circuit that grows by the elements of a pool which the energy's gradient chooses."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np

from qvar._types import FloatArray, IntArray
from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.pools import Pool, PoolElement, program_of
from qvar.ansatz.pools import pool as pool_named
from qvar.arguments import checked
from qvar.checks import counting_number
from qvar.engines.energy import Engine, energies
from qvar.errors import QvarError, require
from qvar.objective import Objective
from qvar.optimize.budget import Budget
from qvar.optimize.method import Method
from qvar.optimize.minimize import minimize
from qvar.problems.problem import Problem
from qvar.short_repr import short_repr

Select: TypeAlias = Literal["gradient", "gradient_per_cnot"]
"""Rule that chooses an element: its gradient's size, or that over the CNOTs of its circuit."""

Grow: TypeAlias = Literal["one", "tetris"]
"""Elements added in a step: one, or all with qubits of their own (TETRIS)."""

_TIED = 1e-8
"""Gradients this close, relative to the largest, are equal: the element of the fewest CNOTs is taken, and of these the
first in the pool."""

_SMALLEST = 1e-6
"""Smallest gradient, relative to the largest, of a further element in a TETRIS step."""

_NO_GAIN = 1e-12
"""Gain of a step, relative to the size of the value, that is rounding."""

TIGHT = Budget(gradient_tolerance=1e-8, hessian_products=0)
"""Budget of the optimization in each step."""


class GrowthEnd(Enum):
    """End of a growth."""

    GRADIENT = "gradient"
    """The norm of the pool's gradients fell below the limit."""
    ERROR = "error"
    """The error fell below the limit."""
    OPERATORS = "operators"
    """The largest number of operators is reached."""
    CNOTS = "cnots"
    """The next elements would exceed the largest number of CNOTs."""
    SECONDS = "seconds"
    """The time is up."""
    STALLED = "stalled"
    """The last step lowered the value by rounding alone, though the pool's gradients are above the limit."""


@short_repr("n_operators", "value", "pool_norm", "cnots")
@dataclass(frozen=True, eq=False, kw_only=True)
class GrowthStep:
    """State of a growth after the optimization of all angles."""

    chosen: tuple[str, ...]
    """Names of the elements added in this step; none in step 0, the start."""
    n_operators: int
    """Number of elements so far."""
    value: float
    """Energy, in the problem's unit."""
    error: float
    """Energy above the exact one; NaN if that is not known."""
    pool_norm: float
    """Euclidean norm of the gradients of all elements of the pool, appended at angle zero."""
    largest_gradient: float
    """Largest of their absolute values."""
    cnots: int | None
    """CNOTs of the whole circuit, in the published circuits of its operations; None if one has none."""
    evaluations: int
    """Evaluations of energy and gradient so far; the gradients of the whole pool in a step are one."""


StepHook: TypeAlias = Callable[[GrowthStep], None]


@short_repr("ansatz", "status", "n_operators", "value")
@dataclass(frozen=True, eq=False, kw_only=True)
class Adapted:
    """A grown circuit and its history."""

    ansatz: Ansatz
    """The circuit: the reference determinant (or the base), then one operation or more for each element. Its
    start `"grown"`, the default, is `theta`."""
    theta: FloatArray
    """(n_params,) its angles."""
    status: GrowthEnd
    """Reason of the end."""
    steps: tuple[GrowthStep, ...]
    """One entry for each step, the start first."""

    @property
    def operators(self) -> tuple[str, ...]:
        """Names of the elements, the first acts first."""
        return tuple(name for step in self.steps for name in step.chosen)

    @property
    def n_operators(self) -> int:
        """Number of elements."""
        return self.steps[-1].n_operators

    @property
    def value(self) -> float:
        """Energy of the circuit."""
        return self.steps[-1].value

    @property
    def values(self) -> FloatArray:
        """(n_steps,) energies."""
        return np.array([step.value for step in self.steps])

    @property
    def errors(self) -> FloatArray:
        """(n_steps,) energies above the exact one."""
        return np.array([step.error for step in self.steps])

    @property
    def pool_norms(self) -> FloatArray:
        """(n_steps,) norms of the pool's gradients."""
        return np.array([step.pool_norm for step in self.steps])

    @property
    def cnots(self) -> IntArray | FloatArray:
        """(n_steps,) CNOTs; NaN if they are not known."""
        return np.array([np.nan if step.cnots is None else step.cnots for step in self.steps])

    @property
    def evaluations(self) -> IntArray:
        """(n_steps,) evaluations."""
        return np.array([step.evaluations for step in self.steps])


@checked(own=("problem",))
def adapt(
    problem: Problem,
    pool: str | Pool = "qubit_gsd",
    *,
    select: Select = "gradient",
    grow: Grow = "one",
    base: Ansatz | None = None,
    max_operators: int = 100,
    gradient_norm: float = 1e-3,
    error: float | None = None,
    max_cnots: int | None = None,
    seconds: float = float("inf"),
    method: Method | None = None,
    budget: Budget | None = None,
    engine: Engine = "auto",
    name: str | None = None,
    callback: StepHook | None = None,
) -> Adapted:
    r"""Grow a circuit for the ground state of a problem: ADAPT-VQE.

    In each step the gradients \(g_k = \langle\psi| [H, A_k] |\psi\rangle\) of all elements of the pool choose one; it
    is appended, to act last, at angle zero; then all angles are optimized from where they are,

    $$ |\psi(\theta)\rangle = e^{\theta_n A_{k_n}} \cdots e^{\theta_1 A_{k_1}} |\psi_0\rangle. $$

    All gradients of the pool come from one evaluation: they are the derivatives of the energy by the angles of the
    whole pool, appended at zero. It costs one H|psi> and a sweep over circuit and pool. Of elements whose gradients
    agree to 1e-8 the one of the fewest CNOTs is taken, and of these the first in the pool. On a CPU nothing is compiled
    for a new circuit.

    Grimsley et al., Nat. Commun. 10, 3007 (2019), https://doi.org/10.1038/s41467-019-10988-2; `tetris` after Anastasiou
    et al., Phys. Rev. Research 6, 013254 (2024), https://doi.org/10.1103/PhysRevResearch.6.013254.

    Args:
        problem: gives the Hamiltonian and the reference determinant.
        pool: name of a pool, see `qvar.pool`, or a pool.
        select: `"gradient"` for the largest gradient, `"gradient_per_cnot"` for the largest one over the CNOTs of the
            element's circuit.
        grow: `"one"` for one element in each step; `"tetris"` for further ones, in the order of the rule, as long as
            they share no qubit with those of this step.
        base: circuit that acts first, whose angles begin at zero; the reference determinant alone if None.
        max_operators: largest number of elements.
        gradient_norm: growth ends if the Euclidean norm of the pool's gradients is below this.
        error: growth ends if the energy is within this of the exact one, in the problem's unit; not used if None.
        max_cnots: largest number of CNOTs of the whole circuit; no limit if None.
        seconds: growth ends after the step in which this time is over.
        method: method for the angles; `qvar.lbfgs()` if None.
        budget: limits of the optimization in each step; to a gradient norm of 1e-8 if None.
        engine: simulator, as in `qvar.energy`.
        name: name of the circuit in the ledger; from the pool if None.
        callback: called with each step.

    Raises:
        QvarError: if the pool is unknown or has another number of qubits than the problem, or a limit is not positive.
    """
    operators = pool if isinstance(pool, Pool) else pool_named(pool, problem)
    if operators.n_qubits != problem.n_qubits:
        raise QvarError(f"`pool` must have {problem.n_qubits} qubits as the problem, but has {operators.n_qubits}.")
    if (select == "gradient_per_cnot" or max_cnots is not None) and any(
        one.cnots is None for one in operators.elements
    ):
        raise QvarError(
            "`pool` must have elements with a published circuit if CNOTs matter, as qvar.pool(..., product=True) has, "
            f"but {operators.name} has others."
        )
    counting_number("max_operators", max_operators)
    require(gradient_norm >= 0, "gradient_norm", "not be negative", gradient_norm)
    if error is not None:
        require(error > 0, "error", "be positive", error)
    if max_cnots is not None:
        counting_number("max_cnots", max_cnots)
    require(seconds > 0, "seconds", "be positive", seconds)
    growth = _Growth(problem, operators, base, engine, name or f"adapt {operators.name}")
    limits = _Limits(max_operators, gradient_norm, error, max_cnots, seconds)
    return _grown(growth, limits, _Rule(select, grow), method, budget or TIGHT, callback)


@dataclass(frozen=True)
class _Limits:
    max_operators: int
    gradient_norm: float
    error: float | None
    max_cnots: int | None
    seconds: float

    def reached(self, step: GrowthStep, last: GrowthStep | None, seconds: float) -> GrowthEnd | None:
        """Return the reason to end after a step, if there is one."""
        if self.error is not None and abs(step.error) < self.error:
            return GrowthEnd.ERROR
        if step.pool_norm < self.gradient_norm:
            return GrowthEnd.GRADIENT
        if last is not None and last.value - step.value <= _NO_GAIN * max(1.0, abs(step.value)):
            return GrowthEnd.STALLED
        if step.n_operators >= self.max_operators:
            return GrowthEnd.OPERATORS
        return GrowthEnd.SECONDS if seconds > self.seconds else None


@dataclass(frozen=True)
class _Rule:
    select: Select
    grow: Grow

    def chosen(self, pool: Pool, gradients: FloatArray, most: int) -> list[PoolElement]:
        """Return the elements of the next step, the first acts first."""
        scores = np.abs(gradients)
        if self.select == "gradient_per_cnot":
            scores = scores / np.maximum([_cost(element) for element in pool.elements], 1.0)
        least = _SMALLEST * float(scores.max())
        choice: list[PoolElement] = []
        while len(choice) < (1 if self.grow == "one" else most) and scores.max() > least:
            tied = np.flatnonzero(scores >= (1.0 - _TIED) * scores.max())
            choice.append(min((pool.elements[index] for index in tied), key=_cost))
            if self.grow == "tetris":
                free = [not choice[-1].wires & element.wires for element in pool.elements]
                scores = np.where(free, scores, 0.0)
        return choice


@dataclass(frozen=True, eq=False)
class _Growth:
    """Parts that do not change while a circuit grows."""

    problem: Problem
    pool: Pool
    base: Ansatz | None
    engine: Engine
    name: str

    def ansatz(self, elements: Sequence[PoolElement], *, after_base: bool = True) -> Ansatz:
        """Return the circuit of the elements so far."""
        base, conserved = self.base if after_base else None, self.pool.symmetries
        program = program_of(
            elements, self.problem.n_qubits, self.problem.reference_bits, None if base is None else base.program
        )
        return Ansatz(
            name=self.name,
            family="constrained",
            program=program,
            settings={"pool": self.pool.name, "operators": [element.name for element in elements]},
            start="zero",
            symmetries=conserved if base is None else tuple(one for one in conserved if one in base.symmetries),
            citations=("grimsley2019", *(key for key in self.pool.citations if key != "grimsley2019")),
        )

    @cached_property
    def products(self) -> tuple[PoolElement, ...]:
        """Elements of the pool as products, which have the same derivatives at angle zero."""
        return self.pool.as_products().elements

    @cached_property
    def energies(self) -> Callable[[Ansatz], Objective]:
        """Energies of circuits in the smallest space that all elements conserve."""
        return energies(self.problem, self.ansatz(self.products), engine=self.engine)

    @cached_property
    def of_pool(self) -> Objective:
        """Energy of all elements of the pool on the reference determinant."""
        return self.energies(self.ansatz(self.products, after_base=False))

    def gradients(
        self, elements: list[PoolElement], objective: Objective, theta: FloatArray
    ) -> tuple[float, FloatArray]:
        """Return the energy, and its derivatives by the angles of all elements of the pool, appended at zero."""
        nowhere = np.zeros(self.pool.size)
        kernels, own = self.of_pool.value_kernels, objective.value_kernels
        if kernels is not None and own is not None and own.states is not None:
            pool = kernels.after(own.states(theta[None])[0])
            values, gradients = pool.values_and_gradients(nowhere[None])
            return float(values[0]), gradients[0]
        whole = self.energies(self.ansatz([*elements, *self.products]))
        value, gradient = whole.value_and_grad(np.concatenate([theta, nowhere]))
        return float(value), np.asarray(gradient)[len(theta) :]


def _grown(
    growth: _Growth, limits: _Limits, rule: _Rule, method: Method | None, budget: Budget, callback: StepHook | None
) -> Adapted:
    began = time.monotonic()
    elements: list[PoolElement] = []
    theta = np.zeros(0 if growth.base is None else growth.base.n_params)
    exact = _exact(growth.problem)
    steps: list[GrowthStep] = []
    added: list[PoolElement] = []
    evaluations = 0
    ansatz = growth.ansatz(elements)
    objective = growth.energies(ansatz)
    while True:
        value, gradients = growth.gradients(elements, objective, theta)
        evaluations += 1
        step = GrowthStep(
            chosen=tuple(element.name for element in added),
            n_operators=len(elements),
            value=value,
            error=value - exact,
            pool_norm=float(np.linalg.norm(gradients)),
            largest_gradient=float(np.abs(gradients).max()),
            cnots=ansatz.resources().two_qubit_gates,
            evaluations=evaluations,
        )
        if callback is not None:
            callback(step)
        end = limits.reached(step, steps[-1] if steps else None, time.monotonic() - began)
        steps.append(step)
        if end is None:
            added = rule.chosen(growth.pool, gradients, limits.max_operators - len(elements))
            if limits.max_cnots is not None:
                cnots = growth.ansatz([*elements, *added]).resources().two_qubit_gates or 0
                end = GrowthEnd.CNOTS if cnots > limits.max_cnots else None
        if end is not None:
            return Adapted(ansatz=_started(ansatz, theta), theta=theta, status=end, steps=tuple(steps))
        elements = [*elements, *added]
        ansatz = growth.ansatz(elements)
        objective = growth.energies(ansatz)
        begin = np.concatenate([theta, np.zeros(len(added))])
        result = minimize(objective, begin, method=method, budget=budget)
        evaluations += result.energy_evaluations
        theta = np.asarray(result.theta)


def _cost(element: PoolElement) -> float:
    """Return the number of CNOTs, infinite if it is not known."""
    return float("inf") if element.cnots is None else element.cnots


def _started(ansatz: Ansatz, theta: FloatArray) -> Ansatz:
    """Return the circuit with its angles as a start, `"grown"`, which is the default."""
    return replace(ansatz, start="grown", starts={"grown": lambda key: theta})


def _exact(problem: Problem) -> float:
    try:
        return problem.exact_energy()
    except QvarError:
        return float("nan")
