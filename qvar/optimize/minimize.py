"""Minimization of an Objective: one start, or a batch of starts on the device at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from qvar._types import FloatArray, IntArray, PyTree
from qvar.errors import QvarError
from qvar.objective import LossFunction, Objective, evaluate_in_chunks
from qvar.optimize.budget import Budget, Status
from qvar.optimize.methods import Iterate, Method, lbfgs

MAX_TURNS = 64
"""Evaluations between two looks at the clock, at most."""

_SECONDS_BETWEEN_LOOKS = 0.4
_RUNNING = -1
_STATUS = tuple(Status)
"""Statuses are numbers on the device, by their place here."""


@dataclass(frozen=True, eq=False)
class Trace:
    """What happened step by step; a step is an accepted point, the start is step 0."""

    step: IntArray
    """(n_steps,) 0, 1, ..."""
    value: FloatArray
    """(n_steps,) value of the objective, in its unit."""
    gradient_norm: FloatArray
    """(n_steps,) Euclidean norm of the gradient."""
    evaluations: IntArray
    """(n_steps,) evaluations of value and gradient made until then."""


@dataclass(frozen=True, eq=False)
class Result:
    """How one start ended."""

    value: float
    """Value at `theta`, in the objective's unit; NaN where nothing finite was found."""
    theta: FloatArray
    """(n_params,) the last accepted point."""
    status: Status
    """Why it stopped; `status.sentence` says it in words."""
    gradient_norm: float
    """Euclidean norm of the gradient at `theta`."""
    iterations: int
    """Accepted steps."""
    energy_evaluations: int
    """Values actually computed, those of line searches included."""
    gradient_evaluations: int
    """Gradients actually computed."""
    trace: Trace
    """One entry per accepted point."""
    wall_s: float
    """Seconds for the whole batch of starts, compilation excluded."""
    compile_s: float
    """Seconds of compilation for the whole batch; next to nothing where a compiled program was at hand."""


class Look(NamedTuple):
    """What a progress hook sees between two stretches of work."""

    evaluations: int
    """Evaluations made by the start that has made the most."""
    running: int
    """Starts still at work."""
    best: float
    """Lowest value so far over all starts; NaN before any."""


Hook: TypeAlias = Callable[[Look], None]


def minimize(
    objective: Objective,
    method: Method | None = None,
    key: jax.Array | None = None,
    budget: Budget | None = None,
    theta0: Any = None,
    on_progress: Hook | None = None,
) -> Result:
    """Minimizes an objective from one start.

    Args:
        objective: what to minimize.
        method: `qvar.lbfgs()` (where None) or `qvar.adam()`.
        key: JAX random key that the start is drawn with; needed where theta0 is None.
        budget: what may be spent; `Budget()` where None.
        theta0: (n_params,) start parameters.
        on_progress: called now and then with a `Look`.

    Raises:
        QvarError: if neither key nor theta0 is given, or theta0 has another length.
    """
    if theta0 is None:
        if key is None:
            raise QvarError("`key` must be a JAX random key where `theta0` is not given, but is None.")
        theta0 = objective.initial(key)
    return minimize_batch(objective, jnp.asarray(theta0, dtype=float)[None], method, budget, on_progress)[0]


def minimize_batch(
    objective: Objective,
    theta0: Any,
    method: Method | None = None,
    budget: Budget | None = None,
    on_progress: Hook | None = None,
) -> list[Result]:
    """Minimizes an objective from several starts at once, as one batch on the device.

    The starts know nothing of each other: each has its own line search, counts and stop. They are evaluated in
    chunks that fit into memory, see `Objective.bytes_per_evaluation`.

    Args:
        objective: what to minimize.
        theta0: (n_starts, n_params) start parameters.
        method: `qvar.lbfgs()` where None.
        budget: what each start may spend; `Budget()` where None.
        on_progress: called now and then with a `Look`.

    Returns:
        One Result per start.

    Raises:
        QvarError: if theta0 has another shape.
    """
    method, budget = method or lbfgs(), budget or Budget()
    starts = jnp.asarray(theta0, dtype=float)
    if starts.ndim != 2 or starts.shape[1] != objective.n_params or len(starts) == 0:
        raise QvarError(f"`theta0` must have shape (starts, {objective.n_params}), but has shape {starts.shape}.")
    batch = _Batch(
        iterates=jax.vmap(method.init)(starts),
        status=jnp.full(len(starts), _RUNNING),
        evaluations=jnp.zeros(len(starts), int),
    )

    chunk = objective.chunk(len(starts))

    def advance(batch: _Batch, turns: int) -> tuple[_Batch, _Record]:
        limits = (jnp.asarray(turns), jnp.asarray(budget.gradients), jnp.asarray(budget.gradient_tolerance))
        return jax.block_until_ready(_advance(objective.function, method, chunk, batch, objective.data, limits))

    began = time.perf_counter()
    advance(batch, 0)  # no turn at all: compiles
    compile_s = time.perf_counter() - began

    began = time.perf_counter()
    records: list[_Record] = []
    turns = 1
    while bool(jnp.any(batch.status == _RUNNING)):
        stretch = time.perf_counter()
        batch, record = advance(batch, turns)
        made = int(record.turns)
        records.append(_Record(made, *(np.asarray(column)[:made] for column in record[1:])))
        now = time.perf_counter()
        if now - began > budget.seconds:
            late = _STATUS.index(Status.OUT_OF_TIME)
            batch = batch._replace(status=jnp.where(batch.status == _RUNNING, late, batch.status))
        if on_progress:
            on_progress(_look(batch))
        per_turn = (now - stretch) / max(made, 1)
        turns = int(np.clip(_SECONDS_BETWEEN_LOOKS / max(per_turn, 1e-9), 1, MAX_TURNS))
    wall_s = time.perf_counter() - began
    return _results(batch, records, wall_s, compile_s)


class _Batch(NamedTuple):
    """The state of all starts; every leaf has the leading axis n_starts."""

    iterates: Iterate
    status: Array
    evaluations: Array


class _Record(NamedTuple):
    """What a stretch of turns left behind, (MAX_TURNS, n_starts) each."""

    turns: Any
    value: Any
    gradient_norm: Any
    accepted: Any
    evaluations: Any


@partial(jax.jit, static_argnums=(0, 1, 2))
def _advance(
    function: LossFunction, method: Method, chunk: int, batch: _Batch, data: PyTree, limits: tuple[Array, Array, Array]
) -> tuple[_Batch, _Record]:
    """Up to limits[0] turns; a turn is one evaluation of every start that still runs."""
    turns, max_evaluations, tolerance = limits
    shape = (MAX_TURNS, len(batch.status))
    real = batch.iterates.value.dtype
    empty = _Record(
        jnp.asarray(0), jnp.zeros(shape, real), jnp.zeros(shape, real), jnp.zeros(shape, bool), jnp.zeros(shape, int)
    )

    def goes_on(carry: tuple[_Batch, _Record]) -> Array:
        return (carry[1].turns < turns) & jnp.any(carry[0].status == _RUNNING)

    def turn(carry: tuple[_Batch, _Record]) -> tuple[_Batch, _Record]:
        batch, record = carry
        running = batch.status == _RUNNING
        values, gradients = evaluate_in_chunks(function, chunk, batch.iterates.trial, data, running)
        told = jax.vmap(method.tell)(batch.iterates, values, gradients)

        def keep(new: Array, old: Array) -> Array:
            return jnp.where(running.reshape(-1, *[1] * (new.ndim - 1)), new, old)

        iterates = jax.tree.map(keep, told, batch.iterates)
        evaluations = batch.evaluations + running
        norm = jnp.linalg.norm(iterates.gradient, axis=1)
        finite = jnp.isfinite(iterates.value) & jnp.isfinite(norm)
        ends = [
            (~finite, Status.NOT_FINITE),
            (iterates.accepted & (norm <= tolerance), Status.CONVERGED),
            (iterates.stalled, Status.STALLED),
            (evaluations >= max_evaluations, Status.OUT_OF_BUDGET),
        ]
        end = jnp.select([c for c, _ in ends], [jnp.asarray(_STATUS.index(s)) for _, s in ends], _RUNNING)
        status = jnp.where(running, end, batch.status)
        at = record.turns
        record = _Record(
            at + 1,
            record.value.at[at].set(iterates.value),
            record.gradient_norm.at[at].set(norm),
            record.accepted.at[at].set(running & iterates.accepted),
            record.evaluations.at[at].set(evaluations),
        )
        return _Batch(iterates, status, evaluations), record

    return jax.lax.while_loop(goes_on, turn, (batch, empty))


def _look(batch: _Batch) -> Look:
    values = np.asarray(batch.iterates.value)
    best = float(np.nanmin(values)) if np.any(np.isfinite(values)) else float("nan")
    running = int(np.sum(np.asarray(batch.status) == _RUNNING))
    return Look(int(np.max(np.asarray(batch.evaluations))), running, best)


def _results(batch: _Batch, records: list[_Record], wall_s: float, compile_s: float) -> list[Result]:
    value, norm, accepted, evaluations = (
        np.concatenate([getattr(record, name) for record in records])
        for name in ("value", "gradient_norm", "accepted", "evaluations")
    )
    # on the host at once: an index into a device's array is a program of its own
    done = jax.device_get(batch._replace(iterates=batch.iterates._replace(inner=())))
    results = []
    for start in range(len(done.status)):
        taken = accepted[:, start]
        trace = Trace(np.arange(int(taken.sum())), value[taken, start], norm[taken, start], evaluations[taken, start])
        made = int(done.evaluations[start])
        status = _STATUS[int(done.status[start])]
        results.append(
            Result(
                value=float(done.iterates.value[start]) if status is not Status.NOT_FINITE else float("nan"),
                theta=done.iterates.theta[start],
                status=status,
                gradient_norm=float(np.linalg.norm(done.iterates.gradient[start])),
                iterations=max(int(done.iterates.iterations[start]) - 1, 0),
                energy_evaluations=made,
                gradient_evaluations=made,
                trace=trace,
                wall_s=wall_s,
                compile_s=compile_s,
            )
        )
    return results
