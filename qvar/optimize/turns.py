"""Turns of a training: the evaluation of every start that still runs, and the update of the method with it.

The update (`_update`) is a compiled program of its own, the same for all objectives with as many starts and parameters
of one size class. The evaluation is a function of the host (`Objective.value_kernels`), or a compiled program, which
circuits of one kind and size class share (see `qvar.engines.room`).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array

from qvar._types import FloatArray, IntArray, PyTree
from qvar.engines.sharding import gather, mesh_of, replicate
from qvar.errors import QvarError
from qvar.host_kernels import HostKernels
from qvar.objective import Objective, evaluate_in_chunks
from qvar.optimize.batch import (
    OLDER_EMITTERS,
    RUNNING,
    STATUSES,
    Batch,
    Moving,
    host_steps,
    moving_part,
    of_process_0,
)
from qvar.optimize.budget import Budget, Status
from qvar.optimize.evaluation import Reader, Reading, host_reader, reader, reading_of, readings_at_once
from qvar.optimize.kept_updates import kept_update
from qvar.optimize.lbfgs import lbfgs
from qvar.optimize.method import HostSteps, Method
from qvar.optimize.packing import Layout

_QUICK: dict[str, Any] = {
    **OLDER_EMITTERS,
    "xla_backend_optimization_level": 1,
    "xla_llvm_disable_expensive_passes": True,
}
"""Options of XLA for the update on a CPU: a third of the time to compile, the same time to run."""

_AHEAD = 8
"""Turns that wait in the queue of an accelerator, so that it never waits for the host."""


class Record(NamedTuple):
    """Record of turns, (n_turns, n_starts, ...) each."""

    value: FloatArray
    gradient_norm: FloatArray
    accepted: np.ndarray
    evaluations: IntArray
    theta: FloatArray
    """(n_turns, n_starts, n_params), or no columns if the path is not kept."""


class _Row(NamedTuple):
    """One turn: what the host reads of it."""

    numbers: Array
    """(n_starts, 2 or 2 + size) value and norm of the gradient, and theta if the path is kept."""
    counts: Array
    """(n_starts, 5) status, whether it ran in this turn, whether its point was accepted, evaluations that count against
    the budget, evaluations of the method."""


class _Limits(NamedTuple):
    """Limits of a start, as arguments of a compiled program."""

    evaluations: Any
    tolerance: Any


@dataclass(frozen=True)
class _UpdatePlan:
    """Static argument of `_update`."""

    method: Method
    layout: Layout
    keep_path: bool
    mesh: Mesh | None


@dataclass(frozen=True)
class _Evaluation:
    """Static argument of `_evaluate`."""

    read: Reader
    chunk: int
    """Number of starts that are evaluated at once."""
    n_params: int
    """Columns of the trials that the reader takes."""
    size: int
    """Length of padded parameters."""
    mesh: Mesh | None


class Turns:
    """A training on its device, or the host: it makes turns, and shows the state between them."""

    def __init__(
        self,
        objective: Objective,
        method: Method,
        budget: Budget,
        batch: Batch,
        layout: Layout,
        keep_path: bool,
    ) -> None:
        n, size = batch.iterates.theta.shape
        self.n_params, self._objective, self._method = objective.n_params, objective, method
        self._mesh, self._layout, self._keep_path = mesh_of(objective.data), layout, keep_path
        read = reader(objective, method.reads)
        chunk = readings_at_once(objective, method.reads, n)
        self._is_host = _is_host()
        width = size if read.allows_padding else objective.n_params
        self._evaluation = _Evaluation(read, chunk, width, size, self._mesh)
        self._kernels: HostKernels | None = None
        self._read_on_host: Callable[[FloatArray], Reading]
        if self._mesh is None:
            first_order = method.reads in ("value", "gradient")
            self._kernels = objective.value_kernels if first_order else objective.host_kernels
        self._host = None if self._kernels is None else host_steps(method)
        real, integer = layout.dtypes[:2]
        most = min(method.evaluations(budget), np.iinfo(integer).max)
        self._limits = _Limits(np.array(most, integer), np.array(budget.gradient_tolerance, real))
        self._reading: Any = reading_of(method.reads, n, size, lambda *shape: np.zeros(shape, real))
        self.put(batch)

    def put(self, batch: Batch) -> None:
        """Go on from a batch of the host."""
        self._batch, self._is_stale = of_process_0(batch, self._mesh), False
        arrays = self._layout.pack(moving_part(self._batch), np)
        self._arrays: tuple[Any, ...] = arrays if self._host else replicate(arrays, self._mesh)
        self.values = self._batch.iterates.value

    @property
    def standing(self) -> Batch:
        """The batch after the last turn, but for its iterates, which may be older."""
        return self._batch

    @property
    def batch(self) -> Batch:
        """The whole batch after the last turn."""
        if self._is_stale:
            moving = self._layout.unpack(tuple(map(np.asarray, jax.device_get(self._arrays))), np)
            self._batch, self._is_stale = self._batch._replace(iterates=moving.iterates), False
        return self._batch

    def compile(self) -> float:
        """Compile what the turns need, and return the seconds that it took; nothing is counted."""
        began = time.perf_counter()
        if self._kernels is not None:
            self._read_on_host = host_reader(self._objective, self._kernels, self._method.reads)
            self._kernels.prepare()
        if self._host is not None:
            self._update = _update_on_host(self._host, self._keep_path)
            return time.perf_counter() - began
        self._limits = replicate(self._limits, self._mesh)
        plan = _UpdatePlan(self._method, self._layout, self._keep_path, self._mesh)
        if self._mesh is None:
            arrays, limits = jax.tree.map(_shape_of, (self._arrays, self._limits))
            self._update = _compiled_update(plan, arrays, self._reading_shape(), limits)
        else:
            program = _update_quickly if self._is_host else _update_fully
            self._update = program.lower(plan, self._arrays, self._reading_shape(), self._limits).compile()
        if self._kernels is None:
            arguments = (self._evaluation, *self._arrays[:2], self._objective.data)
            self._evaluate = _evaluate.lower(*arguments).compile()
        return time.perf_counter() - began

    def advance(self, turns: int) -> Record:
        """Make some turns, fewer if all starts have ended."""
        rows: list[_Row] = []
        alone, lag = jax.process_count() == 1, 0 if self._is_host else _AHEAD
        status = self._batch.status
        for _ in range(turns):
            self._arrays, row = self._update(self._arrays, self._read(status), self._limits)
            rows.append(row)
            if len(rows) > lag:
                status = np.asarray(rows[-1 - lag].counts)[:, 0]
                # several processes make the same number of turns, whatever each of them sees
                if alone and not (status == RUNNING).any():
                    break
        on_host = rows if self._host is not None else jax.device_get(rows)
        numbers, counts = (np.stack(column) for column in zip(*on_host, strict=True))
        self.values, self._is_stale = numbers[-1, :, 0], True
        self._batch = self._batch._replace(status=counts[-1, :, 0], evaluations=counts[-1, :, 4])
        ran = counts[:, :, 1].any(axis=1)  # turns after the last start has ended change nothing
        numbers, counts = numbers[ran], counts[ran]
        path = numbers[:, :, 2 : 2 + self.n_params]
        return Record(numbers[:, :, 0], numbers[:, :, 1], counts[:, :, 2].astype(bool), counts[:, :, 3], path)

    def no_record(self) -> Record:
        """Record of no turns."""
        real, integer = self._layout.dtypes[:2]
        n = len(self._batch.status)
        nothing = np.zeros((0, n), real)
        path = np.zeros((0, n, self.n_params if self._keep_path else 0), real)
        return Record(nothing, nothing, np.zeros((0, n), bool), np.zeros((0, n), integer), path)

    def _read(self, status: IntArray) -> Reading:
        """Evaluate the trials; on the host only those of starts that run."""
        if self._kernels is None:
            return self._evaluate(*self._arrays[:2], self._objective.data)
        rows = np.flatnonzero(status == RUNNING)
        points = np.ascontiguousarray(np.asarray(self._arrays[0])[rows, : self.n_params])
        for whole, part in zip(self._reading, self._read_on_host(points), strict=True):
            if part is not None:
                whole[(rows, *map(slice, part.shape[1:]))] = part
        return self._reading

    def _reading_shape(self) -> Reading:
        """Return the shapes of a reading, and where it lies."""
        n, size = self._batch.iterates.theta.shape
        everywhere = None if self._mesh is None else NamedSharding(self._mesh, PartitionSpec())

        def shape(*lengths: int) -> Any:
            return jax.ShapeDtypeStruct(lengths, self._layout.dtypes[0], sharding=everywhere)

        return reading_of(self._method.reads, n, size, shape)


def _update_on_host(host: HostSteps, keep_path: bool) -> Callable[..., Any]:
    """Return the function that does what `_update` does, on the host and in place."""
    turn = host.turn()
    ends = (Status.NOT_FINITE, Status.CONVERGED, Status.STALLED, Status.OUT_OF_BUDGET)
    numbers = tuple(STATUSES.index(end) for end in ends)

    def update(arrays: tuple[Any, ...], reading: Any, limits: _Limits) -> tuple[tuple[Any, ...], _Row]:
        n, size = reading.gradient.shape
        rows: Any = np.empty((n, 2 + size * keep_path))
        row_counts: Any = np.empty((n, 5), np.int64)
        turn(*arrays, reading.value, reading.gradient, rows, row_counts, *limits, numbers)
        return arrays, _Row(rows, row_counts)

    return update


def _is_host() -> bool:
    """Return True if the device is the host's CPU."""
    return jax.default_backend() == "cpu"


def joined(records: list[Record]) -> Record:
    """Return records one after the other."""
    return Record(*map(np.concatenate, zip(*records, strict=True)))


# ---------------------------------------------------------------------------------------------------------------------
# Compiled programs


@partial(jax.jit, static_argnums=0)
def _evaluate(plan: _Evaluation, numbers: Array, counts: Array, data: PyTree) -> Reading:
    """Evaluate the trials of all starts; a chunk of which none runs is left out."""
    trials, runs = numbers[:, : plan.n_params], counts[:, 0] == RUNNING
    reading: Reading = evaluate_in_chunks(plan.read, plan.chunk, trials, data, runs)
    if plan.size > plan.n_params and reading.gradient is not None:
        more = (0, plan.size - plan.n_params)
        reading = reading._replace(gradient=jnp.pad(reading.gradient, ((0, 0), more)))
        if reading.metric is not None:
            reading = reading._replace(metric=jnp.pad(reading.metric, ((0, 0), more, more)))
    return jax.tree.map(lambda part: gather(part.astype(numbers.dtype), plan.mesh), reading)


def _update(
    plan: _UpdatePlan, arrays: tuple[Array, ...], reading: Reading, limits: _Limits
) -> tuple[tuple[Array, ...], _Row]:
    """Update every start that runs with what was read at its trial."""
    before: Moving = plan.layout.unpack(arrays, jnp)
    runs = before.status == RUNNING
    after: Any = jax.vmap(plan.method.update)(before.iterates, reading)
    evaluations = before.evaluations + before.iterates.counted
    spent = evaluations + before.charged
    finite = jnp.isfinite(after.value)
    norm = jnp.full_like(after.value, jnp.nan)
    if plan.method.reads_gradient:
        norm = jnp.linalg.norm(after.gradient, axis=1)
        finite &= jnp.isfinite(norm)
    ends = [
        (~finite, Status.NOT_FINITE),
        (after.converged | (after.accepted & (norm <= limits.tolerance)), Status.CONVERGED),
        (after.stalled, Status.STALLED),
        (after.counted & (spent >= limits.evaluations), Status.OUT_OF_BUDGET),
    ]
    end = jnp.select([c for c, _ in ends], [jnp.asarray(STATUSES.index(s)) for _, s in ends], RUNNING)
    updated = plan.layout.pack(Moving(end, evaluations, before.charged, after), jnp)
    arrays = tuple(jnp.where(runs[:, None], new, old) for new, old in zip(updated, arrays, strict=True))
    row = _row(plan.layout.unpack(arrays, jnp), runs, norm, plan.keep_path)
    return jax.tree.map(lambda part: gather(part, plan.mesh), (arrays, row))


def _row(now: Moving, runs: Array, norm: Array, keep_path: bool) -> _Row:
    numbers = jnp.stack([now.iterates.value, norm], axis=1)
    if keep_path:
        numbers = jnp.concatenate([numbers, now.iterates.theta], axis=1)
    columns = [now.status, runs, runs & now.iterates.accepted, now.evaluations + now.charged, now.evaluations]
    return _Row(numbers, jnp.stack([column.astype(now.status.dtype) for column in columns], axis=1))


def _shape_of(array: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(array.shape, array.dtype)


@lru_cache(maxsize=64)
def _compiled_update(plan: _UpdatePlan, arrays: Any, reading: Any, limits: Any) -> Any:
    """Return the compiled update for such shapes; lowering it takes longer than a training of some steps."""
    if not _is_host():
        return _update_fully.lower(plan, arrays, reading, limits).compile()
    if not _is_lbfgs(plan.method):
        return _update_quickly.lower(plan, arrays, reading, limits).compile()

    def compiled(name: str) -> Any:
        def update(arrays: tuple[Array, ...], reading: Reading, limits: _Limits) -> tuple[tuple[Array, ...], _Row]:
            return _update(plan, arrays, reading, limits)

        update.__name__ = name
        return jax.jit(update, compiler_options=_QUICK).lower(arrays, reading, limits).compile()

    return kept_update((plan.method.describe(), plan.layout, plan.keep_path, arrays, reading, limits), compiled)


def _is_lbfgs(method: Method) -> bool:
    """Return True if name and settings say all about a method; of the user's methods they may not."""
    with contextlib.suppress(TypeError, QvarError):
        return method.name == "lbfgs" and lbfgs(**dict(method.settings)) is method
    return False


_update_fully = jax.jit(_update, static_argnums=0)
_update_quickly = jax.jit(_update, static_argnums=0, compiler_options=_QUICK)
