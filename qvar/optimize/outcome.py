"""Outcome of a training: the result of each start, from where all starts stand and the record of their turns."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from qvar._types import FloatArray
from qvar.optimize.batch import STATUSES, Batch
from qvar.optimize.budget import Status
from qvar.optimize.method import Method
from qvar.optimize.result import Result, Trace
from qvar.optimize.turns import Record


def results(
    method: Method, batch: Batch, record: Record, keep_path: bool, seconds: tuple[float, float]
) -> list[Result]:
    """Return one result per start.

    The record holds the points if `keep_path`; `seconds` are those of work and of compilation.
    """
    iterates = batch.iterates
    inverse = None if method.inverse_hessian is None else np.array(method.inverse_hessian(iterates.inner))
    n_params = batch.home.theta.shape[1]
    ends = iterates._replace(
        inner=(), theta=np.array(iterates.theta[:, :n_params]), gradient=np.array(iterates.gradient[:, :n_params])
    )
    done = batch._replace(iterates=ends)
    return [
        _result(
            method,
            jax.tree.map(lambda part, at=start: part[at], done),
            jax.tree.map(lambda column, at=start: column[:, at], record),
            keep_path,
            seconds,
            None if inverse is None else inverse[start, :n_params, :n_params],
        )
        for start in range(len(batch.status))
    ]


def _result(
    method: Method,
    done: Any,
    record: Any,
    keep_path: bool,
    seconds: tuple[float, float],
    inverse_hessian: FloatArray | None,
) -> Result:
    """Return the end of one start: its point, or the stationary point that it left if nothing lower was found."""
    ends, home, status = done.iterates, done.home, STATUSES[int(done.status)]
    point: tuple[FloatArray, Any, FloatArray, Any] = (ends.theta, ends.value, ends.gradient, done.curvature)
    steps = int(done.steps + ends.iterations)
    if np.isfinite(home.value) and not ends.value < home.value:
        point, steps = (home.theta, home.value, home.gradient, home.curvature), int(home.steps)
        if status in (Status.CONVERGED, Status.SADDLE, Status.STALLED, Status.NOT_FINITE):
            status = Status.SADDLE if home.falls else Status.CONVERGED
    theta, value, gradient, curvature = point
    gradients, evaluations = method.reads_gradient, int(done.evaluations)
    taken = np.flatnonzero(record.accepted)[:steps]
    return Result(
        value=float(value) if status is not Status.NOT_FINITE else float("nan"),
        theta=theta,
        status=status,
        gradient_norm=float(np.linalg.norm(gradient)) if gradients else float("nan"),
        iterations=max(steps - 1, 0),
        energy_evaluations=evaluations,
        gradient_evaluations=(evaluations if gradients else 0) + int(done.charged),
        trace=Trace(
            step=np.arange(len(taken)),
            value=record.value[taken],
            gradient_norm=record.gradient_norm[taken],
            evaluations=record.evaluations[taken],
            theta=record.theta[taken] if keep_path else None,
        ),
        wall_s=seconds[0],
        compile_s=seconds[1],
        lowest_curvature=float(curvature),
        hessian_products=int(done.products),
        inverse_hessian=inverse_hessian,
    )
