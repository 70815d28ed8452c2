"""Training of angles on a grid: by gradients that pass the rounding straight through, and by single angles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from qvar._types import FloatArray, IntArray, PyTree
from qvar.compression.angle_grid import Grid
from qvar.host_kernels import HostKernels, HostSource, LossFunction
from qvar.objective import Objective, with_function
from qvar.optimize.agreement import gathered
from qvar.optimize.budget import Budget
from qvar.optimize.checkpoint import Stopped, Training, fingerprint_of
from qvar.optimize.first_order import adam
from qvar.optimize.method import Method
from qvar.optimize.minimize import minimize

_GAIN = 1e-13
"""Relative fall of the value that is rounding of numbers."""


def by_gradients(
    objective: Objective, point: FloatArray, grid: Grid, method: Method | None, budget: Budget | None
) -> tuple[FloatArray, float, int]:
    """Return the best rounded point of a training by the straight-through estimator, its value, and evaluations."""
    result = minimize(
        straight_through(objective, grid),
        point,
        method=method or adam(learning_rate=min(0.05, 0.2 * float(grid.steps.max()))),
        budget=budget or Budget(gradients=200, gradient_tolerance=0.0, hessian_products=0, escape="never"),
        keep_path=True,
    )
    assert result.trace.theta is not None  # as asked for
    best = int(np.nanargmin(result.trace.value))
    return (
        grid.rounded(np.asarray(result.trace.theta[best])),
        float(result.trace.value[best]),
        (result.energy_evaluations),
    )


def straight_through(objective: Objective, grid: Grid) -> Objective:
    """Return the objective at rounded angles, with the gradient there as its derivative by the angles before."""
    data = (grid.steps, grid.least, grid.most, objective.data)
    function = StraightThrough(objective.function)

    def make() -> HostKernels | None:
        kernels = objective.value_kernels
        if kernels is None:
            return None
        return HostKernels(
            values=lambda thetas: kernels.values(grid.rounded(thetas)),
            values_and_gradients=lambda thetas: kernels.values_and_gradients(grid.rounded(thetas)),
            prepare=kernels.prepare,
            has_derivatives=False,
        )

    host = None if objective.host is None else HostSource(make, function, None, data)
    return with_function(objective, function, data, frequencies=None, harmonics=None, host=host)


@dataclass(frozen=True)
class StraightThrough:
    """(theta, (steps, least, most, data)) -> the function at the rounded theta, its derivative passed through."""

    function: LossFunction

    def __call__(self, theta: Any, data: PyTree) -> Array:
        """Return the value."""
        steps, least, most, inner = data
        rounded = steps * jnp.clip(jnp.round(theta / steps), least, most)
        return self.function(theta + jax.lax.stop_gradient(rounded - theta), inner)


def by_coordinates(
    objective: Objective, point: FloatArray, grid: Grid, method: Method | None, budget: Budget | None
) -> tuple[FloatArray, float, int]:
    """Return a rounded point that no single angle improves by a step, its value, and evaluations.

    The ambient keeper of checkpoints keeps the search as it does a training.
    """
    n, begin = len(point), np.clip(np.round(point / grid.steps), grid.least, grid.most)
    search = Training.next(lambda: fingerprint_of(["coordinate", objective.name], np.round(point, 8), grid.steps))
    now = _Search(begin, np.asarray(objective.loss(grid.steps * begin), float), np.asarray(1), np.asarray(False))
    saved = search.read(now, ())
    now = now if saved is None else saved[0]
    most = 200 * n if budget is None else budget.gradients
    moves = np.concatenate([np.eye(n), -np.eye(n)])
    while not now.ended:
        now = _moved(objective, grid, now, moves, most)
        requests = gathered([bool(now.ended), *search.wishes])
        ended, due, stop = *map(bool, requests[0, :2]), bool(requests[:, 2].any())
        if ended or due or stop:
            search.write(now, ())
        if stop and not ended:
            raise Stopped(f"Training {search.name} was asked to stop; its state is kept.")
    return grid.steps * now.multiples, float(now.value), int(now.evaluations)


class _Search(NamedTuple):
    """A search by single angles, as arrays."""

    multiples: FloatArray
    value: FloatArray
    evaluations: IntArray
    ended: np.ndarray


def _moved(objective: Objective, grid: Grid, now: _Search, moves: FloatArray, most: int) -> _Search:
    """Return the search after its best move; the end is if none improves, or after `most` evaluations."""
    trials = np.clip(now.multiples + moves, grid.least, grid.most)
    values = np.asarray(objective.loss_batch(grid.steps * trials))
    spent, best, value = np.asarray(now.evaluations + len(values)), int(values.argmin()), float(now.value)
    if not values[best] < value - _GAIN * max(1.0, abs(value)):
        return _Search(now.multiples, now.value, spent, np.asarray(True))
    return _Search(trials[best], np.asarray(values[best]), spent, np.asarray(bool(spent >= most)))
