"""Training: one contender, trained by one method from several starts; the unit that studies are made of."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, asdict, dataclass, field, replace
from functools import cache
from typing import Any, Protocol, TypeAlias, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from qvar.analysis.convergence import arrival
from qvar.analysis.rows import best_words
from qvar.ansatz.ansatz import Ansatz
from qvar.ansatz.parameter_shift import parameter_shift_energies
from qvar.ansatz.resources import cost_citations
from qvar.arguments import check_fields
from qvar.checks import counting_number
from qvar.diagnostics.minima import distinct_minima
from qvar.engines.energy import Engine, choose_sector, energy
from qvar.errors import QvarError, error_words, require
from qvar.memory import require_memory
from qvar.objective import Objective
from qvar.optimize.budget import Budget, Status
from qvar.optimize.lbfgs import lbfgs
from qvar.optimize.method import Method
from qvar.optimize.minimize import Look, minimize_batch
from qvar.optimize.result import Result
from qvar.problems.one_norm import pauli_one_norm
from qvar.problems.problem import Problem
from qvar.problems.problem_citations import problem_citations
from qvar.random_draws import normal
from qvar.short_repr import short_repr
from qvar.studies.contender import Trainable, circuit_columns
from qvar.task import Progress, Reporter, Row, numbers_for_key
from qvar.units import CHEMICAL_ACCURACY, HARTREE

CIRCUIT_CITATIONS = frozenset({"jones2020", "bergholm2018"})
"""The reversible gradient, and PennyLane, which counts gates and traces quantum functions."""

_BYTES_PER_SEED = 1 << 10
"""Memory of one start beside its vectors: its key, its row and its trace, at least."""

_VECTORS_PER_SEED = 6
"""Vectors of n_params numbers that every method keeps for one start."""

MAX_STATE_BYTES = 1 << 28
"""Memory of the states of end points, up to which they are compared by fidelity; by energy alone beyond."""

_PENALIZED = (
    "What is minimized is the energy with penalties: values are energies without them, but traces and evaluations to a "
    "tolerance are of the sum."
)

Watcher: TypeAlias = Callable[[Look, str], None]
"""Called now and then during a training, with a `Look` and a few words such as the best error so far."""


@short_repr("contender", "method", "seeds", "budget")
@dataclass(frozen=True, eq=False)
class Training:
    """One contender, trained from seeds 0 to seeds - 1 by one method, all starts as one batch on the device.

    A seed is the integer of the JAX key `jax.random.key(seed)` that draws the start, so that all methods start at the
    same points.
    """

    contender: Trainable
    """Ansatz or objective."""
    _: KW_ONLY
    method: Method = field(default_factory=lbfgs)
    """Optimization method."""
    seeds: int = 8
    """Number of random starts."""
    budget: Budget = field(default_factory=Budget)
    """Limits of the work of each start."""
    problem: Problem | None = None
    """Problem whose energy is minimized; an objective can do without."""
    engine: Engine = "auto"
    """Simulator of an ansatz; see `qvar.energy`."""
    start_noise: float = 0.0
    """Standard deviation in radians of Gaussian noise added to every parameter of a start."""
    tolerance: float | None = None
    """Distance from the exact value that `evaluations_to_tolerance` waits for, in the objective's unit; chemical
    accuracy for energies in hartree if None."""

    def __post_init__(self) -> None:
        check_fields(self, "seeds")
        check_seeds(self.seeds, self.contender.n_params)
        require(self.start_noise >= 0, "start_noise", "not be negative", self.start_noise)
        require(self.tolerance is None or self.tolerance > 0, "tolerance", "be positive", self.tolerance)
        if isinstance(self.contender, Ansatz):
            if self.problem is None:
                raise QvarError(f"`problem` must be a problem to train {self.contender.name}, but is None.")
            choose_sector(self.problem, self.contender, engine=self.engine)

    @property
    def inputs(self) -> dict[str, Any]:
        """JSON-able description of everything that the numbers depend on, for the key of a task."""
        contender = self.contender
        return {
            "problem": None if self.problem is None else self.problem.description,
            "contender": contender.describe() if isinstance(contender, Ansatz) else _describe(contender),
            "method": self.method.describe(),
            "seeds": self.seeds,
            "budget": asdict(self.budget),
            "engine": self.engine,
            "start_noise": float(self.start_noise),
            "tolerance": None if self.tolerance is None else float(self.tolerance),
            "precision": str(jax.dtypes.canonicalize_dtype(float)),
        }

    @property
    def citations(self) -> set[str]:
        """Keys of the papers and software that the training uses, in `qvar/citations.bib`."""
        keys = {"jax2018", *self.method.citations}
        if self.problem is not None:
            keys |= set(problem_citations(self.problem))
        if isinstance(self.contender, Ansatz):
            keys |= CIRCUIT_CITATIONS.union(self.contender.citations, cost_citations(self.contender.program))
        return keys

    def objective(self) -> Objective:
        """Return the function that is minimized.

        An objective of the user, such as an energy with a penalty, gets the problem's exact value and reference energy
        if its values are in the problem's unit and it has no exact value itself.
        """
        contender, problem = self.contender, self.problem
        if isinstance(contender, Ansatz):
            assert problem is not None  # see __post_init__
            return energy(problem, contender, engine=self.engine)
        if contender.target is not None:
            return replace(contender, target=cache(contender.target))
        if problem is None or contender.unit != problem.unit:
            return contender
        baseline = problem.reference_energy if contender.baseline is None else contender.baseline
        return replace(contender, target=problem.exact_energy, baseline=baseline)

    def run(self, report: Reporter, *, keep_path: bool = False) -> Trained:
        """Train all seeds.

        Args:
            report: called now and then with the progress.
            keep_path: whether the results keep the accepted points, see `qvar.minimize_batch`.
        """
        objective = self.objective()
        keys = [jax.random.key(seed) for seed in range(self.seeds)]
        starts = {seed: noisy_start(objective, key, self.start_noise) for seed, key in enumerate(keys)}

        def watch(look: Look, words: str) -> None:
            report(Progress(look.evaluations, self.method.evaluations(self.budget), words))

        results = self.minimize(objective, starts, callback=watch, keep_path=keep_path)
        minima = minima_of(objective, results)
        rows = [
            {
                **self.row(objective, seed, result),
                "minimum": minimum,
                "start_noise": float(self.start_noise),
                **self._measurement_costs(),
            }
            for seed, (result, minimum) in enumerate(zip(results, minima, strict=True))
        ]
        return Trained(objective, results, rows)

    def rows(self, report: Reporter) -> list[Row]:
        """Return the ledger's rows after the training; an error becomes rows with its message."""
        try:
            return self.run(report).rows
        except Exception as error:
            return self.failed_rows(error_words(error))

    def minimize(
        self, objective: Objective, starts: Mapping[int, Any], *, callback: Watcher, keep_path: bool = False
    ) -> list[Result]:
        """Minimize the objective from the start parameters of some seeds."""
        if not starts:
            return []
        exact = exact_value(objective)
        thetas = np.stack([np.asarray(start) for start in starts.values()])
        integers = [np.asarray(jax.random.key_data(jax.random.key(seed))) for seed in starts]
        return minimize_batch(
            objective,
            thetas,
            method=self.method,
            keys=jax.random.wrap_key_data(jnp.asarray(np.stack(integers))),  # stacked by JAX, they would take a program
            budget=self.budget,
            callback=lambda look: callback(look, progress_words(look, exact, objective.unit)),
            keep_path=keep_path,
        )

    def failed_rows(self, message: str) -> list[Row]:
        """Return one row for each seed of a contender that could not be trained."""
        base = {
            "problem": self.problem_name,
            "contender": self.contender.name,
            "family": self.contender.family,
            "n_params": self.contender.n_params,
            **circuit_columns(self.contender),
        }
        return [{**base, **row} for row in failed_seeds(self.seeds, self.method, message)]

    @property
    def problem_name(self) -> str:
        """Name of the problem; empty if there is none."""
        return "" if self.problem is None else self.problem.name

    def row(self, objective: Objective, seed: int, result: Result) -> Row:
        """Return the ledger's fixed columns, the trace and the parameters of one start."""
        exact, trace = exact_value(objective), result.trace
        tolerance = CHEMICAL_ACCURACY if self.tolerance is None and objective.unit == HARTREE else self.tolerance
        arrived = None if tolerance is None else arrival(trace.value - exact, tolerance)
        bare = objective.unpenalized
        value = result.value if bare is None else float(bare.loss(result.theta))
        symmetries = objective.measure(result.theta) if objective.measure and np.isfinite(result.value) else {}
        remarks = [] if self.problem is None else list(self.problem.remarks())
        remarks += [] if bare is None else [_PENALIZED]
        return {
            "problem": self.problem_name,
            "contender": objective.name,
            "family": objective.family,
            "engine": objective.engine,
            "space": objective.space,
            "n_params": objective.n_params,
            **asdict(objective.costs),
            "seed": seed,
            "method": self.method.name,
            "status": result.status.value,
            "value": value,
            "reference": exact,
            "error": value - exact,
            "unit": objective.unit,
            "correlation_recovered": recovered(objective, value),
            **symmetries,
            "initial_gradient_norm": float(trace.gradient_norm[0]) if len(trace.gradient_norm) else float("nan"),
            "lowest_curvature": result.lowest_curvature,
            "iterations": result.iterations,
            "energy_evaluations": result.energy_evaluations,
            "gradient_evaluations": result.gradient_evaluations,
            "evaluations_to_tolerance": None if arrived is None else int(trace.evaluations[arrived]),
            "wall_s": result.wall_s,
            "compile_s": result.compile_s,
            **circuit_columns(self.contender),
            "hessian_products": result.hessian_products,
            **({"remarks": json.dumps(remarks)} if remarks else {}),
            **({} if self.tolerance is None else {"tolerance": float(self.tolerance)}),
            **({} if bare is None else {"penalty": result.value - value}),
            "trace_step": trace.step.tolist(),
            "trace_value": trace.value.tolist(),
            "trace_gradient_norm": trace.gradient_norm.tolist(),
            "trace_evaluations": trace.evaluations.tolist(),
            "theta": np.asarray(result.theta).tolist(),
        }

    def _measurement_costs(self) -> Row:
        """Return what an energy and a gradient would cost in shots."""
        if not isinstance(self.contender, Ansatz) or self.problem is None:
            return {}
        return {
            "pauli_one_norm": pauli_one_norm(self.problem),
            "parameter_shift_energies": parameter_shift_energies(self.contender),
        }


@dataclass(frozen=True, eq=False)
class Trained:
    """A contender after its training."""

    objective: Objective
    """Function that was minimized."""
    results: list[Result]
    """End of each seed."""
    rows: list[Row]
    """The ledger's rows, one for each seed."""


def check_seeds(seeds: int, n_params: int) -> None:
    """Refuse numbers of starts that are no counts, or do not fit into memory with their methods' own vectors.

    Raises `QvarError` if there are none or too many.
    """
    counting_number("seeds", seeds)
    require_memory("seeds", seeds, seeds * (_BYTES_PER_SEED + 8 * _VECTORS_PER_SEED * n_params))


def failed_seeds(seeds: int, method: Method, message: str) -> list[Row]:
    """Return one row with status `failed` for each seed."""
    base = {"method": method.name, "status": Status.FAILED.value, "message": message}
    return [{**base, "seed": seed} for seed in range(seeds)]


def exact_value(objective: Objective) -> float:
    """Return the exact minimum; NaN if it is not known."""
    return objective.target() if objective.target else float("nan")


def recovered(objective: Objective, value: float) -> float:
    """Return the share of the correlation energy: 0 for the reference state, 1 for the exact one; NaN if not known."""
    baseline = float("nan") if objective.baseline is None else objective.baseline
    correlation = baseline - exact_value(objective)
    return (baseline - value) / correlation if correlation > 0 else float("nan")


def noisy_start(objective: Objective, key: jax.Array, noise: float) -> Array:
    """Return a start of the objective's own, (n_params,), with Gaussian noise on every parameter."""
    start = objective.initial(key)
    if not noise:
        return start
    kick = normal(jax.random.fold_in(key, 2), objective.n_params, noise)
    return jax.device_put(np.asarray(start) + np.asarray(kick))


def progress_words(look: Look, exact: float, unit: str) -> str:
    """Return the words of a progress line: the best error so far, or the lowest value if no exact one is known."""
    if np.isfinite(exact):
        return best_words(look.best - exact, unit)
    return f"lowest {look.best:.6g} {unit}".rstrip()


def minima_of(objective: Objective, results: Sequence[Result]) -> list[int | None]:
    """Return the number of the distinct minimum that each start ended in, 0 the lowest; None if it is not finite.

    Minima differ by energy, and by fidelity if the objective has states and those of equal energy fit into
    `MAX_STATE_BYTES`.
    """
    values = np.array([result.value for result in results])
    levels = distinct_minima(values)
    most = int(levels.counts.max(initial=0))
    state_bytes = 0 if objective.state_function is None or most < 2 else objective.state(results[0].theta).nbytes
    split = 0 < most * state_bytes <= MAX_STATE_BYTES
    minima: list[int | None] = [None] * len(results)
    lower = 0  # minima in the levels below
    for level in range(levels.number):
        ends = np.flatnonzero(levels.labels == level).tolist()
        states = None
        if split and len(ends) > 1:  # one by one: a program that is compiled already where symmetries are measured
            states = np.stack([np.asarray(objective.state(results[end].theta)) for end in ends])
        within = distinct_minima(values[ends], states=states)
        for end, label in zip(ends, within.labels, strict=True):
            minima[end] = lower + int(label)
        lower += within.number
    return minima


@runtime_checkable
class _Settings(Protocol):
    """A study that trains all of its contenders in the same way."""

    @property
    def method(self) -> Any: ...
    @property
    def seeds(self) -> int: ...
    @property
    def budget(self) -> Budget: ...
    @property
    def engine(self) -> Engine: ...


def training_in(study: _Settings, contender: Trainable, problem: Problem | None, **settings: Any) -> Training:
    """Return the training of a contender in a study, with settings beside or in place of those of the study."""
    own = {name: getattr(study, name) for name in ("method", "seeds", "budget", "engine")}
    return Training(contender, problem=problem, **{**own, **settings})


def _describe(objective: Objective) -> dict[str, Any]:
    """Describe an objective by its values at two points, because its function cannot be written down."""
    probes = [jnp.sin(scale * jnp.arange(1, objective.n_params + 1)) for scale in (0.37, 1.91)]
    try:
        values = numbers_for_key([float(objective.loss(probe)) for probe in probes], 9).tolist()
    except Exception as error:  # the task raises the same, and records it in a row
        values = [type(error).__name__]
    return {**{name: getattr(objective, name) for name in ("name", "family", "n_params")}, "values": values}
