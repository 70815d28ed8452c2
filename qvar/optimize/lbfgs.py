r"""L-BFGS with a bracketing line search."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple, cast

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from qvar._types import FloatArray
from qvar.arguments import checked
from qvar.checks import counting_number
from qvar.optimize.line_search import Known, LineSearch, quasi_newton
from qvar.optimize.method import HostSteps, Iterate, Method, Start


@checked()
def lbfgs(*, memory: int = 10, max_trials: int = 20) -> Method:
    r"""Make L-BFGS: `optax.scale_by_lbfgs` with a bracketing line search on the weak Wolfe conditions.

    A step t along direction d is taken if \(f(t) \le f(0) + 10^{-4} t f'(0)\) and
    \(f'(t) \ge 0.9 f'(0)\); where rounding hides the decrease, Hager and Zhang's approximate condition on slopes
    replaces the first. Too long a step is shortened by quadratic interpolation, too short a one doubled.
    After `max_trials` evaluations without success the memory is dropped; if steepest descent fails as well, the
    start is `stalled`.

    Liu, Nocedal, Math. Program. 45, 503 (1989), https://doi.org/10.1007/BF01589116; Hager, Zhang, SIAM J. Optim.
    16, 170 (2005), https://doi.org/10.1137/030601880; bracketing as Lewis, Overton, Math. Program. 141, 135 (2013),
    https://doi.org/10.1007/s10107-012-0514-2.

    Args:
        memory: number of past steps that the curvature is taken from.
        max_trials: evaluations in one line search.

    Raises:
        QvarError: if an argument is below 1.
    """
    return _method(counting_number("memory", memory), counting_number("max_trials", max_trials))


class _Memory(NamedTuple):
    """Past steps, of which the last one is the newest, as in `optax.ScaleByLBFGSState`."""

    params: Array
    """(n_params,) the last point."""
    updates: Array
    """(n_params,) gradient there."""
    diff_params_memory: Array
    """(memory, n_params) steps."""
    diff_updates_memory: Array
    """(memory, n_params) changes of the gradient."""
    weights_memory: Array
    """(memory,) inverse products of the two."""


@cache
def _method(memory: int, max_trials: int) -> Method:
    """Return one object for equal settings, however they are written."""

    def empty(start: Start) -> Any:
        theta = start.theta
        rows = jnp.zeros((memory, *theta.shape), theta.dtype)
        return _Memory(jnp.zeros_like(theta), jnp.zeros_like(theta), rows, rows, jnp.zeros(memory))

    def direction(kept: Any, known: Known) -> tuple[Array, Any, Array]:
        import optax  # takes 0.2 s, and the host does without

        transform, fresh = optax.scale_by_lbfgs(memory_size=memory), known.first | known.failed
        old = optax.ScaleByLBFGSState(np.int32(memory), *_shifted(kept, known.theta, known.gradient, fresh))
        updates, new = transform.update(known.gradient, old, known.theta)
        return -jnp.asarray(updates), _Memory(*cast(Any, new)[1:]), ~fresh

    init, update = quasi_newton(empty, direction, max_trials)
    settings = (("memory", memory), ("max_trials", max_trials))
    citations = ("liu1989", "hager2005", "lewis2013", "deepmind2020")
    host = HostSteps(partial(_first, memory), partial(_turn, memory, max_trials), update)
    return Method("lbfgs", settings, init, update, citations, allows_padding=True, host=host)


def _shifted(memory: _Memory, theta: Array, gradient: Array, fresh: Array) -> _Memory:
    """Return the memory with room at its end, or an empty one.

    Optax writes at a place that it counts, which would be another one in each start of a batch. With the memory shifted
    it is the last one for all of them: a constant, so that there is no scatter to compile.
    """

    def shift(part: Array) -> Array:
        return jnp.where(fresh, 0.0, jnp.roll(part, -1, axis=0))

    before = jnp.where(fresh, theta, memory.params), jnp.where(fresh, gradient, memory.updates)
    return _Memory(*before, *map(shift, memory[2:]))


def _first(memory: int, thetas: FloatArray) -> Iterate:
    """Return the first states on the host."""
    n, size = thetas.shape
    nothing: Any = np.zeros_like(thetas)
    no: Any = np.zeros(n, bool)
    past: Any = np.zeros((n, memory, size))
    counts: Any = np.zeros(n, np.int64)
    theta: Any = thetas
    weights: Any = np.zeros((n, memory))
    bracket: Any = np.zeros((n, 6))
    value: Any = np.full(n, np.nan)
    gradient: Any = np.full_like(thetas, np.nan)
    search = LineSearch(_Memory(nothing, nothing, past, past, weights), nothing, bracket, counts, ~no)
    return Iterate(theta, theta, value, gradient, counts, no, no, no, ~no, search)


def _turn(memory: int, max_trials: int) -> Callable[..., None]:
    """Return the function of `HostSteps.turn`, compiled."""
    from qvar.optimize import lbfgs_kernels

    lbfgs_kernels.compile_turn()

    def turn(numbers: Any, counts: Any, values: Any, gradients: Any, rows: Any, row_counts: Any, *limits: Any) -> None:
        most, tolerance, ends = limits
        settings = (gradients.shape[1], memory, max_trials, int(most))
        lbfgs_kernels.turn(numbers, counts, values, gradients, rows, row_counts, settings, float(tolerance), ends)

    return turn
