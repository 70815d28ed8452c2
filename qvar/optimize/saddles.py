"""Minimum or saddle? Curvature where starts came to rest, and the step out of a saddle.

A gradient below the tolerance is a stationary point, of which a symmetric start, such as zero angles or the
Hartree-Fock determinant, may be one. A few Hessian products per start find the lowest curvature
(`qvar.hessian_products.lowest_curvature`); a start that rests on a saddle gets a status of its own, or steps out of it
and begins again, see `Budget.escape`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array

from qvar._types import FloatArray, IntArray, PyTree
from qvar.engines.sharding import gather, mesh_of, replicate
from qvar.hessian_products import Curvature, ProductFunction, lowest_curvature
from qvar.host_kernels import LossFunction
from qvar.objective import Objective, padded_points
from qvar.optimize.batch import RARELY, RUNNING, STATUSES, Batch, Beginning, chosen, unchecked
from qvar.optimize.budget import Budget, Status
from qvar.optimize.method import Method

LOWER = 1e-6
"""A stationary point is left for good when the value lies below it by this, relative to its size if that is above 1."""

STEPS = (0.1, 0.01, 1e-3)
"""Lengths of a step along a direction of negative curvature, the first taken that lowers the value; in radians."""

KICKS = (0.1, 0.3, 0.3, 1.0)
"""Standard deviations, per parameter, of random steps, one after the other, if the curvature is zero or a step led
back. Cubic terms fall along half of all directions only, so that one step is not enough."""

_SMALL_BYTES = 1 << 23
"""Up to this memory of one evaluation the time to compile counts, and the time to run does not."""

_NO_DERIVATIVE = (TypeError, ValueError, NotImplementedError)
"""JAX's errors for functions that cannot be differentiated twice, such as those that call Python."""


@dataclass(frozen=True, eq=False)
class Examiner:
    """Looks at the curvature where starts came to rest, and lets them go on from saddles."""

    objective: Objective
    method: Method
    budget: Budget
    starts: FloatArray
    """(n_starts, n_params) start parameters."""
    beginning: Beginning
    """Makes first states of the method; its random keys make the random vectors too."""

    def __call__(self, batch: Batch, may_leave: bool) -> tuple[Batch, float]:
        """Return the batch after a check of every unchecked end, and seconds of compilation.

        No start of the batch runs; if there is time to leave saddles (`may_leave`), some starts may then run again.
        """
        objective = self.objective
        which = np.flatnonzero(unchecked(batch))
        here: Batch = jax.tree.map(np.array, batch)
        here.checked[which] = True
        iterates, compile_s = here.iterates, 0.0
        products = _Products(objective)
        if self.budget.hessian_products > 0 and objective.n_params > 0 and (seconds := products.compiled()) is not None:
            compile_s = seconds
            granted = self.method.evaluations(self.budget) if may_leave else 0
            leaving = self._judged(products, here, which, granted)
            if len(leaving):
                points: Any = here.iterates.theta[:, : objective.n_params]
                iterates = chosen(leaving, self.beginning.iterates_at(points), iterates)
        return here._replace(iterates=iterates), compile_s

    def _judged(self, products: _Products, here: Any, which: IntArray, granted: int) -> IntArray:
        """Return the starts that leave their points; curvatures and new points are written into `here`."""
        seeds = self.beginning.keys
        random = [np.random.default_rng([*seeds[start].tolist(), int(here.tries[start])]) for start in which]
        size = self.objective.n_params
        points = here.iterates.theta[which, :size]
        vectors = np.stack([one.standard_normal(size) for one in random]).astype(points.dtype)

        def along(rows: IntArray, directions: FloatArray) -> tuple[FloatArray, FloatArray]:
            return products(points[rows], directions)[1:]

        lowest = lowest_curvature(along, vectors, here.iterates.value[which], self.budget.hessian_products)
        here.curvature[which] = lowest.lowest
        here.products[which] += lowest.products
        here.status[which[lowest.falls]] = STATUSES.index(Status.SADDLE)
        spent = here.evaluations[which] + here.charged[which] + 2 * lowest.products
        rows = np.flatnonzero(self._wanted(here, lowest, which) & (spent < granted))
        if len(rows) == 0:
            return rows
        leaving, new = which[rows], ~_led_back(here, which)[rows]
        _make_home(here, lowest, rows[new], leaving[new])
        steps = np.stack([KICKS[here.tries[which[k]]] * random[k].standard_normal(size) for k in rows])
        along_it = new & lowest.falls[rows]
        directions = np.sign(steps[:, :1]) * lowest.direction[rows]
        lengths, trials_made = _lengths(products, here.home, leaving, directions, along_it)
        steps = np.where(along_it[:, None], lengths[:, None] * directions, steps)
        here.products[leaving] += trials_made
        here.charged[leaving] += 2 * (lowest.products[rows] + trials_made)
        here.steps[leaving] += here.iterates.iterations[leaving]
        here.iterates.theta[leaving, :size] = here.home.theta[leaving] + steps
        here.curvature[leaving] = np.nan
        here.tries[leaving] += 1
        here.status[leaving], here.checked[leaving] = RUNNING, False
        return leaving

    def _wanted(self, here: Any, lowest: Curvature, which: IntArray) -> np.ndarray:
        """Return which points are to be left if there is no limit."""
        if self.budget.escape == "never":
            return np.zeros(len(which), bool)
        first, back = ~np.isfinite(here.home.value[which]), _led_back(here, which)
        moved = np.abs(here.iterates.theta[:, : self.objective.n_params] - self.starts)[which].max(axis=1)
        at_start = first & (moved <= 1e-8)  # other processes may have drawn other last bits
        again = back & (here.tries[which] < len(KICKS))
        later = ~back & lowest.falls if self.budget.escape == "always" else False
        return (at_start & (lowest.falls | lowest.flat)) | again | later


def _led_back(here: Any, which: IntArray) -> np.ndarray:
    """Return which starts have left a stationary point and found nothing lower."""
    home = here.home.value[which]
    return np.isfinite(home) & ~(here.iterates.value[which] < home - LOWER * np.maximum(1.0, np.abs(home)))


def _make_home(here: Any, lowest: Curvature, rows: IntArray, starts: IntArray) -> None:
    """Write the points of starts as those that they leave."""
    home, size = here.home, here.home.theta.shape[1]
    home.theta[starts], home.value[starts] = here.iterates.theta[starts, :size], here.iterates.value[starts]
    home.gradient[starts], home.curvature[starts] = here.iterates.gradient[starts, :size], lowest.lowest[rows]
    home.falls[starts], home.steps[starts] = lowest.falls[rows], here.steps[starts] + here.iterates.iterations[starts]
    here.tries[starts] = 0


def _lengths(
    products: _Products, home: Any, starts: IntArray, directions: FloatArray, wanted: np.ndarray
) -> tuple[FloatArray, IntArray]:
    """Return the first length of `STEPS` that lowers the value, or the last, and its evaluations, for each start."""
    lengths, trials_made, open_ = np.full(len(starts), STEPS[-1]), np.zeros(len(starts), int), wanted.copy()
    for length in STEPS[:-1]:
        rows = np.flatnonzero(open_)
        if len(rows) == 0:
            break
        trials = home.theta[starts[rows]] + length * directions[rows]
        lower = products(trials, directions[rows])[0] < home.value[starts[rows]]
        trials_made[rows] += 1
        lengths[rows[lower]] = length
        open_[rows[lower]] = False
    return lengths, trials_made


# ---------------------------------------------------------------------------------------------------------------------
# Products


class _Products:
    """Values, gradients and products at several points, one after the other: one program for all numbers of starts.

    A program for one point compiles in half the time that one for a batch takes, and few products are made.
    """

    def __init__(self, objective: Objective) -> None:
        self._objective, self._mesh = objective, mesh_of(objective.data)
        self._kernels = objective.host_kernels if self._mesh is None else None

    def compiled(self) -> float | None:
        """Return the seconds that it took to compile the program; None if the objective has no second derivatives."""
        began, objective = time.perf_counter(), self._objective
        if self._kernels is not None:
            return 0.0
        small = jax.default_backend() == "cpu" and objective.bytes_per_evaluation <= _SMALL_BYTES
        program = _quickly_compiled if small else _second_order
        nothing = self._padded(np.zeros(objective.n_params, jax.dtypes.canonicalize_dtype(float)))
        there = replicate((nothing, nothing), self._mesh)
        try:
            self._program = program.lower(objective.function, self._mesh, *there, objective.data).compile()
        except _NO_DERIVATIVE:
            return None
        return time.perf_counter() - began

    def __call__(self, points: FloatArray, directions: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return values (k,), gradients (k, n_params) and products (k, n_params) at k points."""
        n_params, directions = points.shape[1], directions.astype(points.dtype)
        if self._kernels is None:
            points, directions = self._padded(points), self._padded(directions)
        rows = zip(points, directions, strict=True)
        derivatives = jax.device_get([self._at(point, direction) for point, direction in rows])
        values, gradients, images = (
            np.stack([np.asarray(part, float) for part in column]) for column in zip(*derivatives, strict=True)
        )
        return values, gradients[:, :n_params], images[:, :n_params]

    def _padded(self, vectors: FloatArray) -> FloatArray:
        return padded_points(self._objective.function, vectors, self._objective.data)

    def _at(self, point: FloatArray, direction: FloatArray) -> Any:
        if self._kernels is not None:
            return self._kernels.hessian_product(point, direction)
        return self._program(*replicate((point, direction), self._mesh), self._objective.data)


def _derivatives(
    function: LossFunction, mesh: Mesh | None, point: Array, direction: Array, data: PyTree
) -> tuple[Array, Array, Array]:
    """Return value, gradient and product at one point."""
    value, gradient, image = ProductFunction(function).with_value(point, direction, data)
    return gather(value, mesh), gather(gradient, mesh), gather(image, mesh)


_second_order = jax.jit(_derivatives, static_argnums=(0, 1))
_quickly_compiled = jax.jit(_derivatives, static_argnums=(0, 1), compiler_options=RARELY)
