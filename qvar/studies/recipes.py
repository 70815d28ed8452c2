"""Recipes of training: what is done with the starts of a circuit in place of plain minimization of its energy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, replace
from hashlib import sha256
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np

from qvar._types import FloatArray
from qvar.ansatz.ansatz import Ansatz
from qvar.arguments import check_fields
from qvar.compression.distil import Lesson, lesson, trained_twice
from qvar.errors import QvarError, require
from qvar.optimize.minimize import Look, minimize_batch
from qvar.optimize.result import Result, Trace, summed
from qvar.short_repr import short_repr
from qvar.studies.training import Training, noisy_start
from qvar.task import Row


@runtime_checkable
class Recipe(Protocol):
    """A way to train a circuit from some starts, with its results as energies."""

    @property
    def citations(self) -> tuple[str, ...]:
        """Keys of papers in `qvar/citations.bib`."""
        ...

    def describe(self) -> dict[str, Any]:
        """Return everything that the numbers depend on, ready for JSON."""
        ...

    def train(
        self, training: Training, starts: FloatArray, *, keys: jax.Array, callback: Callable[[Look], None]
    ) -> list[tuple[Result, Row]]:
        """Train from starts (n, n_params); return the results and further columns of each."""
        ...


@short_repr("weight")
@dataclass(frozen=True, eq=False)
class Distillation:
    """Training on the state of a teacher, then on the energy; see `qvar.distil`."""

    teacher_state: Any
    """The state, as `qvar.distil` takes it."""
    _: KW_ONLY
    weight: float = 1.0
    """Weight of the infidelity in the training on the state."""
    scale: float | None = None
    """Energy that counts as much as all of the infidelity; see `qvar.distil`."""
    project: bool = False
    """True to leave out the part of the state that the student cannot reach; see `qvar.distil`."""

    citations = ("hinton2015",)
    """Keys of papers in `qvar/citations.bib`."""

    def __post_init__(self) -> None:
        check_fields(self)
        require(0.0 <= self.weight <= 1.0, "weight", "lie between 0 and 1", self.weight)

    def describe(self) -> dict[str, Any]:
        """Return everything that the numbers depend on, ready for JSON."""
        state = np.ascontiguousarray(np.round(np.asarray(self.teacher_state), 9)) + 0.0
        digest = sha256(repr(state.shape).encode() + state.tobytes()).hexdigest()
        words = {"recipe": "distillation", "teacher": digest, "weight": self.weight, "scale": self.scale}
        return words | ({"project": True} if self.project else {})

    def lesson(self, training: Training) -> Lesson:
        """Return the objectives of the trainings; `QvarError` if the state does not fit the circuit."""
        student, problem = training.contender, training.problem
        if not isinstance(student, Ansatz) or problem is None:
            raise QvarError(f"`ansatz` must be a circuit on a problem to be distilled, but {student.name} is not.")
        settings: dict[str, Any] = {"weight": self.weight, "scale": self.scale, "project": self.project}
        return lesson(student, self.teacher_state, problem, engine=training.engine, **settings)

    def train(
        self, training: Training, starts: FloatArray, *, keys: jax.Array, callback: Callable[[Look], None]
    ) -> list[tuple[Result, Row]]:
        """Train on the state, then on the energy."""
        own = self.lesson(training)
        settings: dict[str, Any] = {"method": training.method, "budget": training.budget, "callback": callback}
        matched, ends = trained_twice(own, starts, keys=keys, **settings)
        thetas = np.stack([np.asarray(end.theta) for end in ends])
        middle = np.stack([np.asarray(first.theta) for first in matched])
        infidelities = np.asarray(own.infidelity.loss_batch(np.concatenate([middle, thetas])))
        return [
            (
                after(first, end),
                {
                    "infidelity": float(infidelities[len(ends) + at]),
                    "matched_infidelity": float(infidelities[at]),
                    "matched_evaluations": first.energy_evaluations,
                },
            )
            for at, (first, end) in enumerate(zip(matched, ends, strict=True))
        ]


@short_repr("n_starts")
@dataclass(frozen=True, kw_only=True)
class Restarts:
    """The lowest of several starts, which share the budget of one; evaluations are those of all of them.

    The first one is the start of the seed; each gets an equal part of `Budget.gradients`.
    """

    n_starts: int = 5
    """Number of starts, at least 2."""

    citations = ()
    """Keys of papers in `qvar/citations.bib`: none."""

    def __post_init__(self) -> None:
        check_fields(self)
        require(self.n_starts >= 2, "n_starts", "be at least 2", self.n_starts)

    def describe(self) -> dict[str, Any]:
        """Return everything that the numbers depend on, ready for JSON."""
        return {"recipe": "restarts", "n_starts": self.n_starts}

    def train(
        self, training: Training, starts: FloatArray, *, keys: jax.Array, callback: Callable[[Look], None]
    ) -> list[tuple[Result, Row]]:
        """Train from all starts of all seeds at once, and keep the lowest end of each seed."""
        objective, n = training.objective(), self.n_starts
        own = [[key, *(jax.random.fold_in(key, 3 + at) for at in range(1, n))] for key in keys]
        draws = [
            np.stack([start, *(np.asarray(noisy_start(objective, key, training.start_noise)) for key in group[1:])])
            for start, group in zip(starts, own, strict=True)
        ]
        results = minimize_batch(
            objective,
            np.concatenate(draws),
            method=training.method,
            keys=jnp.stack([key for group in own for key in group]),
            budget=replace(training.budget, gradients=max(1, training.budget.gradients // n)),
            callback=callback,
        )
        return [(_lowest(results[at : at + n]), {}) for at in range(0, len(results), n)]


def _lowest(results: list[Result]) -> Result:
    """Return the lowest end with the evaluations of all; its trace is the lowest value so far, start after start."""
    best = min(results, key=lambda result: result.value if np.isfinite(result.value) else np.inf)
    spent = np.cumsum([0, *(result.energy_evaluations for result in results)]).tolist()
    traces = [result.trace for result in results]
    values = np.concatenate([trace.value for trace in traces])
    trace = Trace(
        np.arange(len(values)),
        np.fmin.accumulate(values),
        np.concatenate([trace.gradient_norm for trace in traces]),
        np.concatenate([trace.evaluations + before for trace, before in zip(traces, spent, strict=False)]),
    )
    return replace(
        best,
        trace=trace,
        **summed(results, "energy_evaluations", "gradient_evaluations", "hessian_products"),
    )


def after(first: Result, second: Result) -> Result:
    """Return the result of a second training with the evaluations and seconds of a first one added."""
    trace = replace(second.trace, evaluations=second.trace.evaluations + first.energy_evaluations)
    costs = ("energy_evaluations", "gradient_evaluations", "hessian_products", "wall_s", "compile_s")
    return replace(second, trace=trace, **summed((first, second), "iterations", *costs))
