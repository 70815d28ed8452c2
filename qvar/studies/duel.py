"""Duel: contenders on one problem, under one method, one set of seeds and one budget."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from qvar.analysis.convergence import arrival
from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.parameter_shift import parameter_shift_energies
from qvar.arguments import check_fields
from qvar.checks import counting_number, different_names
from qvar.diagnostics.minima import distinct_minima
from qvar.engines.energy import Engine, choose_engine, energy
from qvar.errors import QvarError, require
from qvar.memory import require_memory
from qvar.objective import Objective
from qvar.optimize.budget import Budget, Status
from qvar.optimize.methods import Method, lbfgs
from qvar.optimize.minimize import Look, minimize_batch
from qvar.optimize.result import Result
from qvar.problems.one_norm import pauli_one_norm
from qvar.problems.problem import Problem
from qvar.problems.problem_citations import problem_references
from qvar.short_repr import short_repr
from qvar.studies.contender import Contender, contenders_of
from qvar.task import Progress, Reporter, Row, Task, error_words, task_key
from qvar.units import CHEMICAL_ACCURACY, HARTREE, MILLIHARTREE_PER_HARTREE

_CIRCUIT_REFERENCES = frozenset({"jones2020", "bergholm2018"})
"""The reversible gradient, and PennyLane, which counts gates and traces quantum functions."""

_BYTES_PER_SEED = 1 << 10
"""Memory of one start beside its vectors: its key, its row and its trace, at least."""

_VECTORS_PER_SEED = 6
"""Vectors of n_params numbers that every method keeps for one start."""

MAX_STATE_BYTES = 1 << 28
"""End points whose states would take more than this together are told apart by their energies alone."""


@short_repr()
@dataclass(frozen=True, eq=False)
class Duel:
    """Trains every contender from the same number of random starts under the same budget.

    Each contender and method is one task: all its seeds run as one batch on the device. A seed is the integer that
    makes the JAX key `jax.random.key(seed)` which draws the start, so that all methods start at the same points.

    Beside the usual columns the ledger has `minimum` (which of the contender's distinct minima the seed ended in, 0 the
    lowest; see `qvar.diagnostics.distinct_minima`), and for ansätze `pauli_one_norm` (of the problem's Hamiltonian) and
    `parameter_shift_energies`, from which shots are estimated; `start_noise` and `hessian_products`.
    """

    problem: Problem
    """What is asked of all."""
    contenders: Sequence[Contender]
    """Who answers; names differ. One alone is a row of one, and a function such as `qvar.uccsd` is called with the
    problem."""
    method: Method | Sequence[Method] = field(default_factory=lbfgs)
    """Optimization method of all; of several, every contender is trained by each of them."""
    seeds: int = 8
    """Number of random starts of each: seeds 0 to seeds - 1."""
    budget: Budget = field(default_factory=Budget)
    """What each start may spend."""
    engine: Engine = "auto"
    """Which simulator runs the ansätze; see `qvar.energy`."""
    start_noise: float = 0.0
    """Standard deviation in radians of Gaussian noise added to every parameter of a start, so that seeds differ even if
    all of them start at one point, such as `"mp2"` or `"ccsd"`."""

    def __post_init__(self) -> None:
        if isinstance(self.problem, Problem):
            object.__setattr__(self, "contenders", contenders_of(self.problem, self.contenders))
        check_fields(self, "seeds")
        check_seeds(self.seeds, max(contender.n_params for contender in self.contenders))
        different_names("contenders", [contender.name for contender in self.contenders])
        require(self.start_noise >= 0, "start_noise", "not be negative", self.start_noise)
        methods = [method.name for method in self.methods]
        if len(methods) == 0 or len(set(methods)) < len(methods):
            raise QvarError(f"`method` must be one method or several with different names, but is {methods}.")
        for contender in self.contenders:
            if isinstance(contender, Ansatz):
                choose_engine(self.problem, contender, self.engine)

    @property
    def name(self) -> str:
        """`"duel"`."""
        return "duel"

    @property
    def references(self) -> tuple[str, ...]:
        """Keys of the papers and software that the duel rests on, in `qvar/citations.bib`; `qvar cite` prints them."""
        circuits = [contender for contender in self.contenders if isinstance(contender, Ansatz)]
        keys = {"jax2018", *problem_references(self.problem)}.union(*(method.references for method in self.methods))
        if circuits:
            keys |= _CIRCUIT_REFERENCES.union(*(circuit.references for circuit in circuits))
        return tuple(sorted(keys))

    @property
    def methods(self) -> tuple[Method, ...]:
        """The optimization methods; usually one."""
        return (self.method,) if isinstance(self.method, Method) else tuple(self.method)

    def tasks(self) -> list[Task]:
        """One task per contender and method, in their order."""
        several = len(self.methods) > 1
        return [
            Task(
                task_key(self.inputs(contender, method)),
                f"{contender.name}, {method.name}" if several else contender.name,
                partial(run_contender, self, contender, method=method),
            )
            for contender in self.contenders
            for method in self.methods
        ]

    def inputs(self, contender: Contender, method: Method | None = None) -> dict[str, Any]:
        """JSON-able description of everything that a contender's numbers depend on; its digest is the task's key.

        Args:
            contender: which one.
            method: by which method it is trained; the first one where None.
        """
        return {
            "study": "duel",
            "problem": self.problem.description,
            "contender": contender.describe() if isinstance(contender, Ansatz) else _describe(contender),
            "method": (method or self.methods[0]).describe(),
            "seeds": self.seeds,
            "budget": asdict(self.budget),
            "engine": self.engine,
            "start_noise": float(self.start_noise),
            "precision": str(jnp.zeros(0, float).dtype),
        }


def check_seeds(seeds: int, n_params: int) -> None:
    """Refuse numbers of starts that are no numbers, or do not fit into memory with their methods' own.

    Raises:
        QvarError: if there are none or too many.
    """
    counting_number("seeds", seeds)
    require_memory("seeds", seeds, seeds * (_BYTES_PER_SEED + 8 * _VECTORS_PER_SEED * n_params))


def _describe(objective: Objective) -> dict[str, Any]:
    """An objective is known by its values at two points, for its function cannot be written down."""
    probes = [jnp.sin(scale * jnp.arange(1, objective.n_params + 1)) for scale in (0.37, 1.91)]
    try:
        values = [round(float(objective.loss(probe)), 9) for probe in probes]
    except Exception as error:  # running the task will say the same, in a row
        values = [type(error).__name__]
    return {
        "name": objective.name,
        "family": objective.family,
        "n_params": objective.n_params,
        "values": values,
    }


@dataclass(frozen=True, eq=False)
class Trained:
    """A contender after its training."""

    objective: Objective
    """What was minimized."""
    results: list[Result]
    """How each seed ended."""
    rows: list[Row]
    """The ledger's rows, one for each seed."""


def train(
    duel: Duel, contender: Contender, report: Reporter, method: Method | None = None, keep_path: bool = False
) -> Trained:
    """Trains all seeds of one contender.

    Args:
        duel: what is asked, by which methods, under which budget.
        contender: who answers.
        report: told how far it is.
        method: one of the duel's methods; the first one where None.
        keep_path: whether the results keep the accepted points, see `qvar.minimize_batch`.
    """
    method = method or duel.methods[0]
    objective = minimized(duel, contender)
    keys = jnp.stack([jax.random.key(seed) for seed in range(duel.seeds)])
    starts = jnp.stack([noisy_start(objective, key, duel.start_noise) for key in keys])
    exact = objective.target() if objective.target else float("nan")

    def hook(look: Look) -> None:
        granted = method.evaluations(duel.budget)
        report(Progress(look.evaluations, granted, progress_words(look, exact, objective.unit)))

    results = minimize_batch(objective, starts, method, duel.budget, hook, keys=keys, keep_path=keep_path)
    own = measurement_costs(duel.problem, contender) if isinstance(contender, Ansatz) else {}
    minima = minima_of(objective, results)
    rows = [
        {
            **ledger_row(duel, objective, exact, seed, result),
            "method": method.name,
            "minimum": minimum,
            "start_noise": float(duel.start_noise),
            **own,
        }
        for seed, (result, minimum) in enumerate(zip(results, minima, strict=True))
    ]
    return Trained(objective, results, rows)


def minimized(duel: Duel, contender: Contender) -> Objective:
    """The objective of a contender.

    One that a user brings, such as an energy with a penalty, has the problem's exact value and reference energy if its
    values are in the problem's unit and it has none of its own.
    """
    if isinstance(contender, Ansatz):
        return energy(duel.problem, contender, duel.engine)
    if contender.target is not None or contender.unit != duel.problem.unit:
        return contender
    baseline = duel.problem.reference_energy if contender.baseline is None else contender.baseline
    return replace(contender, target=duel.problem.exact_energy, baseline=baseline)


def noisy_start(objective: Objective, key: jax.Array, noise: float) -> Array:
    """A start of the objective's own, (n_params,), with Gaussian noise of a standard deviation on every parameter."""
    start = objective.initial(key)
    return start + noise * jax.random.normal(jax.random.fold_in(key, 2), start.shape, start.dtype) if noise else start


def run_contender(duel: Duel, contender: Contender, report: Reporter, method: Method | None = None) -> list[Row]:
    """The ledger rows of one contender; an error becomes rows that tell it. Arguments as `train` takes them."""
    try:
        return train(duel, contender, report, method).rows
    except Exception as error:
        return failed_rows(duel, contender, error_words(error), method)


def failed_rows(duel: Duel, contender: Contender, message: str, method: Method | None = None) -> list[Row]:
    """One row for each seed of a contender that could not be trained."""
    base = {
        "problem": duel.problem.name,
        "contender": contender.name,
        "family": contender.family,
        "n_params": contender.n_params,
        "method": (method or duel.methods[0]).name,
        "status": Status.FAILED.value,
        "message": message,
    }
    return [{**base, "seed": seed} for seed in range(duel.seeds)]


def measurement_costs(problem: Problem, ansatz: Ansatz) -> Row:
    """What an energy and a gradient would cost in shots, for the columns of the same names."""
    return {
        "pauli_one_norm": pauli_one_norm(problem),
        "parameter_shift_energies": parameter_shift_energies(ansatz),
    }


def minima_of(objective: Objective, results: Sequence[Result]) -> list[int | None]:
    """Which distinct minimum each start ended in, 0 the lowest; None where its value is not finite.

    By energy, and by fidelity where the objective has states and those of equal energy fit into `MAX_STATE_BYTES`.
    """
    values = np.array([result.value for result in results])
    levels = distinct_minima(values)
    most = int(levels.counts.max(initial=0))
    split = most > 1 and 0 < most * _state_bytes(objective) <= MAX_STATE_BYTES
    minima: list[int | None] = [None] * len(results)
    lower = 0  # minima in the levels below
    for level in range(levels.number):
        ends = np.flatnonzero(levels.labels == level).tolist()
        states = None
        if split and len(ends) > 1:  # one by one: a program that is compiled already where symmetries are measured
            states = np.stack([np.asarray(objective.state(results[end].theta)) for end in ends])
        found = distinct_minima(values[ends], states)
        for end, label in zip(ends, found.labels, strict=True):
            minima[end] = lower + int(label)
        lower += found.number
    return minima


def _state_bytes(objective: Objective) -> int:
    """Memory of one state; 0 where there is none."""
    if objective.state_function is None:
        return 0
    theta = jax.ShapeDtypeStruct((objective.n_params,), jnp.zeros(0, float).dtype)
    state = jax.eval_shape(objective.state_function, theta, objective.data)
    return state.size * state.dtype.itemsize


def progress_words(look: Look, exact: float, unit: str) -> str:
    """The end of a progress bar: the best error so far, or the best value where no exact one is known."""
    if unit == HARTREE and np.isfinite(exact):
        return f"best {MILLIHARTREE_PER_HARTREE * (look.best - exact):.3g} mHa"
    return f"best {look.best:.6g} {unit}"


def ledger_row(duel: Duel, objective: Objective, exact: float, seed: int, result: Result) -> Row:
    """The ledger's fixed columns, and the trace, of one start that came to an end."""
    trace, error = result.trace, result.value - exact
    arrived = arrival(trace.value - exact, CHEMICAL_ACCURACY) if objective.unit == HARTREE else None
    measured = {}
    if objective.measure and np.isfinite(result.value):
        measured = objective.measure(result.theta)
    baseline = float("nan") if objective.baseline is None else objective.baseline
    correlation = baseline - exact
    remarks = duel.problem.remarks()
    return {
        "problem": duel.problem.name,
        "contender": objective.name,
        "family": objective.family,
        "engine": objective.engine,
        "n_qubits": objective.costs.n_qubits,
        "n_params": objective.n_params,
        "two_qubit_gates": objective.costs.two_qubit_gates,
        "depth": objective.costs.depth,
        "seed": seed,
        "method": duel.methods[0].name,
        "status": result.status.value,
        "value": result.value,
        "reference": exact,
        "error": error,
        "unit": objective.unit,
        "correlation_recovered": (baseline - result.value) / correlation if correlation > 0 else float("nan"),
        **measured,
        "initial_gradient_norm": float(trace.gradient_norm[0]) if len(trace.gradient_norm) else float("nan"),
        "lowest_curvature": result.lowest_curvature,
        "iterations": result.iterations,
        "energy_evaluations": result.energy_evaluations,
        "gradient_evaluations": result.gradient_evaluations,
        "evaluations_to_tolerance": None if arrived is None else int(trace.evaluations[arrived]),
        "wall_s": result.wall_s,
        "compile_s": result.compile_s,
        "hessian_products": result.hessian_products,
        **({"remarks": json.dumps(remarks)} if remarks else {}),
        "trace_step": trace.step.tolist(),
        "trace_value": trace.value.tolist(),
        "trace_gradient_norm": trace.gradient_norm.tolist(),
        "trace_evaluations": trace.evaluations.tolist(),
        "theta": np.asarray(result.theta).tolist(),
    }
