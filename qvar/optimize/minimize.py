"""Minimization of an Objective: one start, or a batch of starts on the device at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from qvar._types import PyTree
from qvar.arguments import checked
from qvar.checks import real_array
from qvar.engines.sharding import mesh_of, replicate
from qvar.errors import QvarError, require
from qvar.objective import Objective, evaluate_in_chunks
from qvar.optimize.agreement import gathered
from qvar.optimize.batch import RUNNING, STATUSES, Batch, new_batch, running, unchecked
from qvar.optimize.budget import Budget, Status
from qvar.optimize.checkpoint import Stopped, Training, fingerprint_of
from qvar.optimize.evaluation import Reader, reader, readings_at_once
from qvar.optimize.lbfgs import lbfgs
from qvar.optimize.method import Method
from qvar.optimize.result import Result, Trace
from qvar.optimize.saddles import Examiner

MAX_TURNS = 64
"""Evaluations between two looks at the clock, at most."""

_SECONDS_BETWEEN_LOOKS = 0.4


class Look(NamedTuple):
    """State of a training for a callback."""

    evaluations: int
    """Evaluations made by the start that has made the most."""
    running: int
    """Starts still at work."""
    best: float
    """Lowest value so far over all starts; NaN before any."""


Hook: TypeAlias = Callable[[Look], None]


@checked()
def minimize(
    objective: Objective,
    theta0: Any = None,
    *,
    method: Method | None = None,
    key: jax.Array | None = None,
    budget: Budget | None = None,
    callback: Hook | None = None,
    keep_path: bool = False,
) -> Result:
    """Minimize an objective from one start.

    Args:
        objective: what to minimize.
        theta0: (n_params,) start parameters; drawn with `key` if None.
        method: `qvar.lbfgs()` if None; an optax transformation is a method too.
        key: JAX random key that draws the start and the method's own random numbers.
        budget: limits of the work; `Budget()` if None.
        callback: called now and then with a `Look`.
        keep_path: see `minimize_batch`.

    Raises:
        QvarError: if neither key nor theta0 is given, theta0 has another length, or the method cannot take the
            objective.
    """
    if theta0 is None:
        if key is None:
            raise QvarError("`key` must be a JAX random key if `theta0` is not given, but is None.")
        theta0 = objective.initial(key)
    theta0 = real_array("theta0", theta0, (objective.n_params,))
    keys = None if key is None else key[None]
    return minimize_batch(
        objective, theta0[None], method=method, keys=keys, budget=budget, callback=callback, keep_path=keep_path
    )[0]


@checked()
def minimize_batch(
    objective: Objective,
    theta0: Any,
    *,
    method: Method | None = None,
    keys: jax.Array | None = None,
    budget: Budget | None = None,
    callback: Hook | None = None,
    keep_path: bool = False,
) -> list[Result]:
    """Minimize an objective from several starts at once, as one batch on the device.

    The starts are independent: each has its own line search, counts and end. They are evaluated in chunks that fit into
    memory, see `Objective.bytes_per_evaluation`. Inside `qvar.optimize.checkpoint.keeping` the batch continues from a
    saved state if there is one, and may be stopped; seconds then add up over all processes that worked on it.

    Args:
        objective: what to minimize.
        theta0: (n_starts, n_params) start parameters.
        method: `qvar.lbfgs()` if None; an optax transformation is a method too.
        keys: (n_starts,) JAX random keys, one for each start, for methods that draw random numbers (SPSA). If None,
            start i has `jax.random.fold_in(jax.random.key(0), i)`. With the keys that drew theta0, each start
            ends as `minimize` with its key.
        budget: limits of the work of each start; `Budget()` if None.
        callback: called now and then with a `Look`.
        keep_path: whether `Trace.theta` holds the accepted points. They take n_params numbers of the host's memory for
            each start and evaluation, accepted or not, until the last start has ended.

    Returns:
        One Result per start.

    Raises:
        QvarError: if theta0 or keys have another shape, or the method cannot take the objective: it has no state (for
            `natural_gradient`) or no operator (for `spsa` with shots), or its value is not one sine in each parameter
            (for `rotosolve`).
        Stopped: if the ambient keeper asks for it; a `BaseException`.
        OSError: if the ambient keeper cannot save a state.
    """
    method, budget = method or lbfgs(), budget or Budget()
    starts = real_array("theta0", theta0, ("starts", objective.n_params))
    require(len(starts) > 0, "theta0", "hold at least one start", theta0)
    if keys is None:
        keys = jax.vmap(jax.random.fold_in, (None, 0))(jax.random.key(0), jnp.arange(len(starts)))
    if keys.shape != (len(starts),):
        raise QvarError(f"`keys` must have shape ({len(starts)},), but has shape {keys.shape}.")
    read = reader(objective, method.reads)
    frequencies = _frequencies(objective, method) if method.needs_frequencies else None
    plan = _Plan(read, method, readings_at_once(objective, method.reads, len(starts)), keep_path)
    inputs = [objective.name, objective.n_params, method.describe(), asdict(budget), keep_path, str(starts.dtype)]
    # rounded, for other kinds of CPU draw starts that differ in their last bits
    training = Training.next(lambda: fingerprint_of(inputs, np.round(np.asarray(starts), 8), keys))
    standing = _Standing(new_batch(method, starts, keys, frequencies), wall_s=0.0, compile_s=0.0)
    examine = Examiner(objective, method, budget, starts, keys, frequencies)
    return _train(plan, standing, examine, callback, training)


def _train(
    plan: _Plan, standing: _Standing, examine: Examiner, callback: Hook | None, training: Training
) -> list[Result]:
    """Turn after turn, in stretches between two looks, until the last start has ended and been examined."""
    data, budget = examine.objective.data, examine.budget
    records = [_Record(*map(np.asarray, _empty_record(plan, standing.batch, 0)))]
    saved = training.read(standing, records[0])
    if saved is not None:
        standing, records = saved[0], [saved[1]]
    # where the tables are, or the first stretch would be compiled for another place than those after it
    batch = replicate(standing.batch, mesh_of(data))
    wall_s, compile_s = float(standing.wall_s), float(standing.compile_s)
    granted = jnp.asarray(plan.method.evaluations(budget))

    def advance(batch: Batch, turns: int) -> tuple[Batch, Array, _Record]:
        limits = (jnp.asarray(turns), granted, jnp.asarray(budget.gradient_tolerance))
        return jax.block_until_ready(_advance(plan, batch, data, limits))

    if running(batch) == 0 and not unchecked(batch).any():  # an earlier process came to its end
        if callback:
            callback(_look(batch))
        return _results(plan, batch, records[0], wall_s, compile_s)

    began = time.perf_counter()
    advance(batch, 0)  # no turn at all: compiles
    compile_s += time.perf_counter() - began

    began, turns = time.perf_counter() - wall_s, 1
    while True:
        wall_s = time.perf_counter() - began
        started = len(records[-1].value) > 0
        # several processes have to do the same: the clock and the keeper of process 0 count, and any one's wish to stop
        wanted = (
            turns if running(batch) else -1 if unchecked(batch).any() else 0
        )  # they may differ in what each computes
        requests = gathered([wanted, started and wall_s > budget.seconds, *training.wishes])
        (turns, late, due), stop = map(int, requests[0, :3]), requests[:, 3].any()
        if late:
            late = STATUSES.index(Status.OUT_OF_TIME)
            batch = batch._replace(status=jnp.where(batch.status == RUNNING, late, batch.status))
        if callback and started:
            callback(_look(batch))
        if late:
            turns = -1 if unchecked(batch).any() else 0
        ended = turns == 0
        if ended or due or stop:
            records = [_joined(records)]
            training.write(_Standing(batch, wall_s, compile_s), records[0])
        if ended:
            return _results(plan, batch, records[0], wall_s, compile_s)
        if stop:
            raise Stopped(f"Training {training.name} was asked to stop; its state is kept.")
        if turns < 0:
            batch, seconds = examine(batch, may_leave=not late)
            began, compile_s, turns = began + seconds, compile_s + seconds, 1
            continue
        stretch = time.perf_counter()
        batch, n_turns, record = advance(batch, turns)
        records.append(_Record(*(np.asarray(column)[: int(n_turns)] for column in record)))
        per_turn = (time.perf_counter() - stretch) / max(int(n_turns), 1)
        turns = int(np.clip(_SECONDS_BETWEEN_LOOKS / max(per_turn, 1e-9), 1, MAX_TURNS))


def _frequencies(objective: Objective, method: Method) -> Array:
    """Return the objective's frequencies, for a method that needs all of them."""
    frequencies = objective.frequencies
    if frequencies is None:
        raise QvarError(f"`objective` must have frequencies for {method.name}, but {objective.name} has none.")
    wrong = np.flatnonzero(~(np.isfinite(frequencies) & (frequencies > 0)))
    if len(wrong) > 0:
        raise QvarError(
            f"`objective` must be a sine of each parameter for {method.name}, one Pauli rotation or phase each, but "
            f"{objective.name} is not in parameter {wrong[0]}."
        )
    return jnp.asarray(frequencies, dtype=float)


class _Plan(NamedTuple):
    """Static arguments of a compiled program."""

    reader: Reader
    method: Method
    chunk: int
    """Number of starts that are evaluated at once."""
    keep_path: bool


class _Standing(NamedTuple):
    """State of a training between two stretches, without its record."""

    batch: Batch
    wall_s: float
    compile_s: float


class _Record(NamedTuple):
    """Record of the turns, (n_turns, n_starts, ...) each."""

    value: Any
    gradient_norm: Any
    accepted: Any
    evaluations: Any
    theta: Any
    """(n_turns, n_starts, n_params), or no columns where the path is not kept."""


def _empty_record(plan: _Plan, batch: Batch, n_turns: int) -> _Record:
    shape, real = (n_turns, len(batch.status)), batch.iterates.value.dtype
    return _Record(
        value=jnp.zeros(shape, real),
        gradient_norm=jnp.zeros(shape, real),
        accepted=jnp.zeros(shape, bool),
        evaluations=jnp.zeros(shape, int),
        theta=jnp.zeros((*shape, batch.iterates.theta.shape[1] if plan.keep_path else 0), real),
    )


def _joined(records: list[_Record]) -> _Record:
    return _Record(*map(np.concatenate, zip(*records, strict=True)))


@partial(jax.jit, static_argnums=0)
def _advance(
    plan: _Plan, batch: Batch, data: PyTree, limits: tuple[Array, Array, Array]
) -> tuple[Batch, Array, _Record]:
    """Up to limits[0] turns, and how many were made; a turn is one evaluation of every start that still runs."""
    turns, max_evaluations, tolerance = limits

    def goes_on(carry: tuple[Batch, Array, _Record]) -> Array:
        return (carry[1] < turns) & jnp.any(carry[0].status == RUNNING)

    def turn(carry: tuple[Batch, Array, _Record]) -> tuple[Batch, Array, _Record]:
        batch, at, record = carry
        running = batch.status == RUNNING
        readings = evaluate_in_chunks(plan.reader, plan.chunk, batch.iterates.trial, data, running)
        updated = jax.vmap(plan.method.update)(batch.iterates, readings)

        def keep(new: Array, old: Array) -> Array:
            return jnp.where(running.reshape(-1, *[1] * (new.ndim - 1)), new, old)

        iterates = jax.tree.map(keep, updated, batch.iterates)
        evaluations = batch.evaluations + (running & batch.iterates.counted)
        spent = evaluations + batch.charged
        finite = jnp.isfinite(iterates.value)
        if plan.method.reads_gradient:
            norm = jnp.linalg.norm(iterates.gradient, axis=1)
            finite &= jnp.isfinite(norm)
        else:
            norm = jnp.full_like(iterates.value, jnp.nan)
        ends = [
            (~finite, Status.NOT_FINITE),
            (iterates.converged | (iterates.accepted & (norm <= tolerance)), Status.CONVERGED),
            (iterates.stalled, Status.STALLED),
            (iterates.counted & (spent >= max_evaluations), Status.OUT_OF_BUDGET),
        ]
        end = jnp.select([c for c, _ in ends], [jnp.asarray(STATUSES.index(s)) for _, s in ends], RUNNING)
        status = jnp.where(running, end, batch.status)
        record = _Record(
            record.value.at[at].set(iterates.value),
            record.gradient_norm.at[at].set(norm),
            record.accepted.at[at].set(running & iterates.accepted),
            record.evaluations.at[at].set(spent),
            record.theta.at[at].set(iterates.theta[:, : record.theta.shape[2]]),
        )
        return batch._replace(iterates=iterates, status=status, evaluations=evaluations), at + 1, record

    return jax.lax.while_loop(goes_on, turn, (batch, jnp.asarray(0), _empty_record(plan, batch, MAX_TURNS)))


def _look(batch: Batch) -> Look:
    values = np.asarray(batch.iterates.value)
    best = float(np.nanmin(values)) if np.any(np.isfinite(values)) else float("nan")
    return Look(int(np.max(np.asarray(batch.evaluations))), running(batch), best)


def _results(plan: _Plan, batch: Batch, record: _Record, wall_s: float, compile_s: float) -> list[Result]:
    # on the host at once: an index into a device's array is a program of its own
    done = jax.device_get(batch._replace(iterates=batch.iterates._replace(inner=())))
    return [_result(plan, done, start, record, (wall_s, compile_s)) for start in range(len(done.status))]


def _result(plan: _Plan, done: Any, start: int, record: _Record, seconds: tuple[float, float]) -> Result:
    """Return the end of one start: its point, or the stationary point that it left if nothing lower was found."""
    gradients, home = plan.method.reads_gradient, jax.tree.map(lambda part: part[start], done.home)
    ends, status = jax.tree.map(lambda part: part[start], done.iterates), STATUSES[int(done.status[start])]
    theta, value, gradient, curvature = ends.theta, ends.value, ends.gradient, done.curvature[start]
    steps = int(done.steps[start] + ends.iterations)
    if np.isfinite(home.value) and not value < home.value:
        theta, value, gradient, curvature, steps = (
            home.theta,
            home.value,
            home.gradient,
            home.curvature,
            int(home.steps),
        )
        if status in (Status.CONVERGED, Status.SADDLE, Status.STALLED, Status.NOT_FINITE):
            status = Status.SADDLE if home.falls else Status.CONVERGED
    taken = np.flatnonzero(record.accepted[:, start])[: int(steps)]
    charged, evaluations = int(done.charged[start]), int(done.evaluations[start])
    return Result(
        value=float(value) if status is not Status.NOT_FINITE else float("nan"),
        theta=theta,
        status=status,
        gradient_norm=float(np.linalg.norm(gradient)) if gradients else float("nan"),
        iterations=max(int(steps) - 1, 0),
        energy_evaluations=evaluations,
        gradient_evaluations=(evaluations if gradients else 0) + charged,
        trace=Trace(
            step=np.arange(len(taken)),
            value=record.value[taken, start],
            gradient_norm=record.gradient_norm[taken, start],
            evaluations=record.evaluations[taken, start],
            theta=record.theta[taken, start] if plan.keep_path else None,
        ),
        wall_s=seconds[0],
        compile_s=seconds[1],
        lowest_curvature=float(curvature),
        hessian_products=int(done.products[start]),
    )
