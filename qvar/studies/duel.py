"""Duel: contenders on one problem, under one method, one set of seeds and one budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from qvar.ansatz.ansatz import Ansatz
from qvar.checks import counting_number
from qvar.engines.select import Engine, choose_engine, energy
from qvar.errors import QvarError, require
from qvar.objective import Objective
from qvar.optimize.budget import Budget, Status
from qvar.optimize.methods import Method, lbfgs
from qvar.optimize.minimize import Look, Result, minimize_batch
from qvar.problems.cited import problem_references
from qvar.problems.problem import Problem
from qvar.task import Progress, Reporter, Row, Task, task_key
from qvar.units import CHEMICAL_ACCURACY, HARTREE, MILLIHARTREE_PER_HARTREE

Contender: TypeAlias = Ansatz | Objective
"""An ansatz, whose energy on the problem is minimized, or an objective that brings everything itself."""

_CIRCUIT_REFERENCES = frozenset({"jones2020", "bergholm2018"})
"""The reversible gradient, and PennyLane, which counts gates and traces quantum functions."""


@dataclass(frozen=True, eq=False)
class Duel:
    """Trains every contender from the same number of random starts under the same budget.

    Each contender is one task: all its seeds run as one batch on the device. A seed is the integer that
    makes the JAX key `jax.random.key(seed)` which draws the start.
    """

    problem: Problem
    """What is asked of all."""
    contenders: Sequence[Contender]
    """Who answers; names differ."""
    method: Method = field(default_factory=lbfgs)
    """Optimization method of all."""
    seeds: int = 8
    """Number of random starts of each: seeds 0 to seeds - 1."""
    budget: Budget = field(default_factory=Budget)
    """What each start may spend."""
    engine: Engine = "auto"
    """Which simulator runs the ansätze; see `qvar.energy`."""

    def __post_init__(self) -> None:
        counting_number("seeds", self.seeds)
        require(len(self.contenders) >= 1, "contenders", "hold at least one ansatz or objective", self.contenders)
        names = [c.name for c in self.contenders]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise QvarError(f"`contenders` must have different names, but {twice[0]!r} stands more than once.")
        for contender in self.contenders:
            if isinstance(contender, Ansatz):
                choose_engine(self.problem, contender, self.engine)

    @property
    def name(self) -> str:
        """`"duel"`."""
        return "duel"

    @property
    def references(self) -> tuple[str, ...]:
        """Keys of the papers and software that the duel rests on, in `qvar/references.bib`; `qvar cite` prints them."""
        circuits = [contender for contender in self.contenders if isinstance(contender, Ansatz)]
        keys = {"jax2018", *problem_references(self.problem), *self.method.references}
        if circuits:
            keys |= _CIRCUIT_REFERENCES.union(*(circuit.references for circuit in circuits))
        return tuple(sorted(keys))

    def tasks(self) -> list[Task]:
        """One task per contender, in their order."""
        return [Task(task_key(self.inputs(c)), c.name, partial(_run_contender, self, c)) for c in self.contenders]

    def inputs(self, contender: Contender) -> dict[str, Any]:
        """JSON-able description of everything that a contender's numbers depend on; its digest is the task's key."""
        return {
            "study": "duel",
            "problem": self.problem.description,
            "contender": contender.describe() if isinstance(contender, Ansatz) else _describe(contender),
            "method": self.method.describe(),
            "seeds": self.seeds,
            "budget": asdict(self.budget),
            "engine": self.engine,
            "precision": str(jnp.zeros(0, float).dtype),
        }


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


def _run_contender(duel: Duel, contender: Contender, report: Reporter) -> list[Row]:
    """The ledger rows of one contender; an error becomes rows that tell it."""
    try:
        objective = contender
        if isinstance(contender, Ansatz):
            objective = energy(duel.problem, contender, duel.engine)
        assert isinstance(objective, Objective)
        starts = jnp.stack([objective.initial(jax.random.key(seed)) for seed in range(duel.seeds)])
        exact = objective.target() if objective.target else float("nan")

        def hook(look: Look) -> None:
            report(Progress(look.evaluations, duel.budget.gradients, progress_words(look, exact, objective.unit)))

        results = minimize_batch(objective, starts, duel.method, duel.budget, hook)
        return [ledger_row(duel, objective, exact, seed, result) for seed, result in enumerate(results)]
    except Exception as error:
        base = {
            "problem": duel.problem.name,
            "contender": contender.name,
            "family": contender.family,
            "n_params": contender.n_params,
            "method": duel.method.name,
            "status": Status.FAILED.value,
            "message": error_words(error),
        }
        return [{**base, "seed": seed} for seed in range(duel.seeds)]


def error_words(error: Exception) -> str:
    """What went wrong, for the column `message`."""
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"


def progress_words(look: Look, exact: float, unit: str) -> str:
    """The end of a progress bar: the best error so far, or the best value where no exact one is known."""
    if unit == HARTREE and np.isfinite(exact):
        return f"best {MILLIHARTREE_PER_HARTREE * (look.best - exact):.3g} mHa"
    return f"best {look.best:.6g} {unit}"


def ledger_row(duel: Duel, objective: Objective, exact: float, seed: int, result: Result) -> Row:
    """The ledger's fixed columns, and the trace, of one start that came to an end."""
    trace, error = result.trace, result.value - exact
    within = np.flatnonzero(np.abs(trace.value - exact) <= CHEMICAL_ACCURACY)
    has_tolerance = objective.unit == HARTREE and len(within) > 0
    measured = {}
    if objective.measure and np.isfinite(result.value):
        measured = objective.measure(result.theta)
    baseline = float("nan") if objective.baseline is None else objective.baseline
    correlation = baseline - exact
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
        "method": duel.method.name,
        "status": result.status.value,
        "value": result.value,
        "reference": exact,
        "error": error,
        "unit": objective.unit,
        "correlation_recovered": (baseline - result.value) / correlation if correlation > 0 else float("nan"),
        **measured,
        "initial_gradient_norm": float(trace.gradient_norm[0]) if len(trace.gradient_norm) else float("nan"),
        "iterations": result.iterations,
        "energy_evaluations": result.energy_evaluations,
        "gradient_evaluations": result.gradient_evaluations,
        "evaluations_to_tolerance": int(trace.evaluations[within[0]]) if has_tolerance else None,
        "wall_s": result.wall_s,
        "compile_s": result.compile_s,
        "trace_step": trace.step.tolist(),
        "trace_value": trace.value.tolist(),
        "trace_gradient_norm": trace.gradient_norm.tolist(),
        "trace_evaluations": trace.evaluations.tolist(),
    }
