"""Minimization of an Objective: one start, or a batch of starts at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, NamedTuple, TypeAlias

import jax
import numpy as np

from qvar._types import FloatArray
from qvar.arguments import checked
from qvar.checks import real_array, real_numbers
from qvar.errors import QvarError, require
from qvar.objective import Objective
from qvar.optimize.agreement import gathered
from qvar.optimize.batch import RUNNING, STATUSES, Batch, Beginning, running, unchecked
from qvar.optimize.budget import Budget, Status
from qvar.optimize.checkpoint import Stopped, Training, fingerprint_of
from qvar.optimize.lbfgs import lbfgs
from qvar.optimize.method import Method
from qvar.optimize.outcome import results
from qvar.optimize.result import Result
from qvar.optimize.saddles import Examiner
from qvar.optimize.start_keys import KeyNumbers, numbers_of_keys, usual_keys
from qvar.optimize.turns import Turns, joined

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
    inverse_hessian: Any = None,
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
        inverse_hessian: (k, k) approximate inverse Hessian of the first k parameters to begin with, such as
            `Result.inverse_hessian` of a smaller circuit, for a method that keeps one (`bfgs`); the identity for
            further parameters. Ramoa et al. (2024), https://arxiv.org/abs/2401.05172.

    Raises:
        QvarError: if neither key nor theta0 is given, theta0 has another length, the method cannot take the objective,
            or keeps no inverse Hessian although one is given, or this is not symmetric or too large.
    """
    if theta0 is None:
        if key is None:
            raise QvarError("`key` must be a JAX random key if `theta0` is not given, but is None.")
        theta0 = objective.initial(key)
    starts = np.asarray(real_array("theta0", theta0, (objective.n_params,)))[None]
    keys = usual_keys(1) if key is None else numbers_of_keys(key, ())
    return _minimize(objective, starts, method, keys, budget, callback, keep_path, inverse_hessian)[0]


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
    starts = np.asarray(real_array("theta0", theta0, ("starts", objective.n_params)))
    require(len(starts) > 0, "theta0", "hold at least one start", theta0)
    numbers = usual_keys(len(starts)) if keys is None else numbers_of_keys(keys, (len(starts),))
    return _minimize(objective, starts, method, numbers, budget, callback, keep_path)


def _minimize(
    objective: Objective,
    starts: FloatArray,
    method: Method | None,
    keys: KeyNumbers,
    budget: Budget | None,
    callback: Hook | None,
    keep_path: bool,
    inverse_hessian: Any = None,
) -> list[Result]:
    method, budget = method or lbfgs(), budget or Budget()
    inverse = _inverse_hessian(objective, method, inverse_hessian)
    harmonics = _harmonics(objective, method) if method.most_harmonics else None
    inputs = [objective.name, objective.n_params, method.describe(), asdict(budget), keep_path, str(starts.dtype)]
    inputs += ["inverse_hessian"] * (inverse_hessian is not None)
    # rounded, for other kinds of CPU draw starts that differ in their last bits
    training = Training.next(lambda: fingerprint_of(inputs, np.round(starts, 8), keys.numbers))
    began = time.perf_counter()
    beginning = Beginning(method, objective.n_params, keys.numbers, keys.kind, harmonics)
    if inverse is not None:
        more = (0, beginning.size - len(inverse))
        unit = np.arange(beginning.size) >= len(inverse)
        beginning = beginning._replace(inverse_hessian=np.pad(inverse, (more, more)) + np.diag(unit.astype(float)))
    batch = beginning.batch(starts)
    turns = Turns(objective, method, budget, batch, beginning.layout(batch), keep_path)
    seconds = time.perf_counter() - began  # mostly of compilation
    examine = Examiner(objective, method, budget, starts, beginning)
    return _train(turns, _Standing(batch, 0.0, seconds), examine, callback, training, keep_path)


def _train(
    turns: Turns, standing: _Standing, examine: Examiner, callback: Hook | None, training: Training, keep_path: bool
) -> list[Result]:
    """Turn after turn, in stretches between two looks, until the last start has ended and been examined."""
    method, budget = examine.method, examine.budget
    records = [turns.no_record()]
    saved = training.read(standing, records[0])
    if saved is not None:
        standing, records = saved[0], [saved[1]]
        turns.put(standing.batch)
    wall_s, compile_s = float(standing.wall_s), float(standing.compile_s)

    if running(turns.standing) == 0 and not unchecked(turns.standing).any():  # an earlier process came to its end
        if callback:
            callback(_look(turns))
        return results(method, turns.batch, records[0], keep_path, (wall_s, compile_s))

    compile_s += turns.compile()
    began, wanted = time.perf_counter() - wall_s, 1
    while True:
        wall_s = time.perf_counter() - began
        started = len(records[-1].value) > 0
        is_running, has_unchecked = running(turns.standing) > 0, unchecked(turns.standing).any()
        # several processes have to do the same: the clock and the keeper of process 0 count, and any one's wish to stop
        request = wanted if is_running else -1 if has_unchecked else 0  # they may differ in what each computes
        requests = gathered([request, started and wall_s > budget.seconds, *training.wishes])
        (request, late, due), stop = map(int, requests[0, :3]), requests[:, 3].any()
        if late:
            end = STATUSES.index(Status.OUT_OF_TIME)
            batch = turns.batch
            turns.put(batch._replace(status=np.where(batch.status == RUNNING, end, batch.status)))
            request = -1 if has_unchecked else 0
        if callback and started:
            callback(_look(turns))
        ended = request == 0
        if ended or due or stop:
            records = [joined(records)]
            training.write(_Standing(turns.batch, wall_s, compile_s), records[0])
        if ended:
            return results(method, turns.batch, records[0], keep_path, (wall_s, compile_s))
        if stop:
            raise Stopped(f"Training {training.name} was asked to stop; its state is kept.")
        if request < 0:
            batch, seconds = examine(turns.batch, may_leave=not late)
            turns.put(batch)
            began, compile_s, wanted = began + seconds, compile_s + seconds, 1
            continue
        stretch = time.perf_counter()
        records.append(turns.advance(request))
        per_turn = (time.perf_counter() - stretch) / max(len(records[-1].value), 1)
        wanted = int(np.clip(_SECONDS_BETWEEN_LOOKS / max(per_turn, 1e-9), 1, MAX_TURNS))


class _Standing(NamedTuple):
    """State of a training between two stretches, without its record."""

    batch: Batch
    wall_s: float
    compile_s: float


def _harmonics(objective: Objective, method: Method) -> FloatArray:
    """Return the objective's harmonics, for a method that needs all of them."""
    harmonics = objective.harmonics
    if harmonics is None and objective.frequencies is not None:
        harmonics = np.stack([objective.frequencies, np.ones(objective.n_params)], axis=1)
    if harmonics is None:
        raise QvarError(f"`objective` must have frequencies for {method.name}, but {objective.name} has none.")
    wave, number = np.asarray(harmonics, dtype=float).T
    unknown = np.flatnonzero(~(np.isfinite(wave) & (wave > 0) & np.isfinite(number)))
    if len(unknown) > 0:
        raise QvarError(
            f"`objective` must be a trigonometric polynomial of each parameter for {method.name}, but {objective.name} "
            f"is not, or not known to be, in parameter {unknown[0]}."
        )
    many = np.flatnonzero(number > method.most_harmonics)
    if len(many) > 0:
        raise QvarError(
            f"`objective` must have at most {method.most_harmonics} harmonics in each parameter for {method.name}, but "
            f"{objective.name} has {number[many[0]]:g} in parameter {many[0]}."
        )
    return np.stack([wave, number], axis=1)


def _inverse_hessian(objective: Objective, method: Method, given: Any) -> FloatArray | None:
    """Return the first part of the inverse Hessian to begin with, of no rows if none is given; None if none is kept."""
    if method.inverse_hessian is None:
        if given is not None:
            raise QvarError(f"`inverse_hessian` must be None for {method.name}, which keeps none, but is not.")
        return None
    if given is None:
        return np.zeros((0, 0))
    matrix = real_numbers("inverse_hessian", given, ("k", "k"))
    if matrix.shape[0] != matrix.shape[1]:
        raise QvarError(f"`inverse_hessian` must be square, but has shape {matrix.shape}.")
    if len(matrix) > objective.n_params:
        words = f"have at most {objective.n_params} rows for {objective.name}"
        raise QvarError(f"`inverse_hessian` must {words}, but has {len(matrix)}.")
    if not np.allclose(matrix, matrix.T, atol=1e-8 * np.abs(matrix).max(initial=0.0)):
        raise QvarError("`inverse_hessian` must be symmetric, but is not.")
    return matrix


def _look(turns: Turns) -> Look:
    batch, values = turns.standing, turns.values
    best = float(np.nanmin(values)) if np.any(np.isfinite(values)) else float("nan")
    return Look(int(np.max(batch.evaluations)), running(batch), best)
