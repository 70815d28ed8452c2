r"""L-BFGS with a bracketing line search."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array

from qvar.arguments import checked
from qvar.checks import counting_number
from qvar.optimize.line_search import Known, quasi_newton
from qvar.optimize.method import Method, Start


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


@cache
def _method(memory: int, max_trials: int) -> Method:
    """Return one object for equal settings, however they are written."""
    transform = optax.scale_by_lbfgs(memory_size=memory)

    def empty(start: Start) -> Any:
        kept: Any = transform.init(start.theta)
        return kept._replace(count=())

    def direction(kept: Any, known: Known) -> tuple[Array, Any, Array]:
        fresh = known.first | known.failed
        old = _shifted(kept, known.theta, known.gradient, fresh)
        updates, new = transform.update(known.gradient, old, known.theta)
        return -jnp.asarray(updates), cast(Any, new)._replace(count=()), ~fresh

    init, update = quasi_newton(empty, direction, max_trials)
    settings = (("memory", memory), ("max_trials", max_trials))
    citations = ("liu1989", "hager2005", "lewis2013", "deepmind2020")
    return Method("lbfgs", settings, init, update, citations, allows_padding=True)


def _shifted(memory: Any, theta: Array, gradient: Array, fresh: Array) -> Any:
    """Return the memory with room at its end, or an empty one.

    Optax writes at a place that it counts, which would be another one in each start of a batch. With the memory shifted
    it is the last one for all of them: a constant, so that there is no scatter to compile.
    """

    def shift(part: Array) -> Array:
        return jnp.where(fresh, 0.0, jnp.roll(part, -1, axis=0))

    rows = shift(memory.diff_params_memory), shift(memory.diff_updates_memory), shift(memory.weights_memory)
    before = jnp.where(fresh, theta, memory.params), jnp.where(fresh, gradient, memory.updates)
    return optax.ScaleByLBFGSState(np.int32(len(rows[2])), *before, *rows)
