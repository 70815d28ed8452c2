r"""L-BFGS with a bracketing line search."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array

from qvar._types import PyTree
from qvar.arguments import checked
from qvar.checks import counting_number
from qvar.optimize.evaluation import Reading
from qvar.optimize.method import Iterate, Method, Start, begin, gradient_of

_ARMIJO, _CURVATURE = 1e-4, 0.9
"""Constants of the weak Wolfe conditions."""


class _Bracket(NamedTuple):
    """Numbers of a line search."""

    slope: Array
    """Derivative along the direction at the accepted point; negative."""
    step: Array
    low: Array
    """Largest step known to be too short, with value and slope there."""
    low_value: Array
    low_slope: Array
    high: Array
    """Smallest step known to be too long; infinite at first."""


class _LineSearch(NamedTuple):
    """A search along `direction` for a step that satisfies the weak Wolfe conditions."""

    memory: Any
    """An `optax.ScaleByLBFGSState`, the latest differences of points and gradients last, without its `count`."""
    direction: Array
    bracket: Array
    """(6,) a `_Bracket` as one array, for fewer and smaller arrays are faster to compile and to pass on."""
    trials: Array
    fresh: Array
    """True if the direction is that of steepest descent, without memory."""


@checked()
@cache
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
    counting_number("memory", memory)
    counting_number("max_trials", max_trials)
    transform = optax.scale_by_lbfgs(memory_size=memory)

    def init(start: Start) -> Iterate:
        theta, nothing = start.theta, jnp.zeros(6, start.theta.dtype)
        kept: Any = transform.init(theta)
        return begin(
            theta,
            _LineSearch(kept._replace(count=()), jnp.zeros_like(theta), nothing, jnp.asarray(0), jnp.asarray(True)),
        )

    def update(state: Iterate, read: Reading) -> Iterate:
        value, gradient = read.value, gradient_of(read)
        search: _LineSearch = state.inner
        first = state.iterations == 0
        accepted, longer = _judge(search, state.value, value, jnp.vdot(gradient, search.direction), gradient)
        accepted = first | accepted
        trials = search.trials + 1
        failed = ~accepted & (trials >= max_trials)

        theta = jnp.where(accepted, state.trial, state.theta)
        new_value = jnp.where(accepted, value, state.value)
        new_gradient = jnp.where(accepted, gradient, state.gradient)
        fresh = first | failed
        old = _shifted(search.memory, theta, new_gradient, fresh)
        updates, kept = transform.update(new_gradient, old, theta)
        onward = _new_search(new_value, new_gradient, -jnp.asarray(updates), fresh, kept)
        longer = search._replace(bracket=longer, trials=trials)
        search_next: _LineSearch = _where(accepted | failed, onward, longer)
        return state._replace(
            trial=theta + _Bracket(*search_next.bracket).step * search_next.direction,
            theta=theta,
            value=new_value,
            gradient=new_gradient,
            iterations=state.iterations + accepted,
            accepted=accepted,
            stalled=failed & search.fresh,
            inner=search_next,
        )

    settings = (("memory", memory), ("max_trials", max_trials))
    citations = ("liu1989", "hager2005", "lewis2013", "deepmind2020")
    return Method("lbfgs", settings, init, update, citations, allows_padding=True)


def _judge(search: _LineSearch, old_value: Array, value: Array, slope: Array, gradient: Array) -> tuple[Array, Array]:
    """Return whether the step is taken, and the bracket with the next step if it is not."""
    old = _Bracket(*search.bracket)
    finite = jnp.isfinite(value) & jnp.all(jnp.isfinite(gradient))
    noise = 50 * jnp.finfo(value.dtype).eps * jnp.abs(old_value)
    decreased = value <= old_value + _ARMIJO * old.step * old.slope
    level = (value <= old_value + noise) & (slope <= (2 * _ARMIJO - 1) * old.slope)
    short_enough = finite & (decreased | level)
    accepted = short_enough & (slope >= _CURVATURE * old.slope)

    high = jnp.where(short_enough, old.high, old.step)
    low = jnp.where(short_enough, old.step, old.low)
    low_value = jnp.where(short_enough, value, old.low_value)
    low_slope = jnp.where(short_enough, slope, old.low_slope)
    width = high - low
    bend = value - low_value - low_slope * width
    inside = jnp.where(finite & ~short_enough & (bend > 0), -low_slope * width / (2 * bend), 0.5)
    between = low + width * jnp.clip(inside, 0.1, 0.9)
    step = jnp.where(jnp.isfinite(high), between, 2.0 * old.step)
    return accepted, jnp.stack(_Bracket(old.slope, step, low, low_value, low_slope, high))


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


def _new_search(value: Array, gradient: Array, direction: Array, fresh: Array, kept: Any) -> _LineSearch:
    """Return a search along the direction, or along steepest descent if there is no memory or rounding spoiled it."""
    slope = jnp.vdot(gradient, direction)
    uses_memory = (slope < 0) & ~fresh
    steepest = -gradient / jnp.maximum(jnp.linalg.norm(gradient), 1.0)  # of length 1 at most
    direction = jnp.where(uses_memory, direction, steepest)
    slope = jnp.where(uses_memory, slope, jnp.vdot(gradient, steepest))
    zero, one = jnp.zeros_like(value), jnp.ones_like(value)
    bracket = jnp.stack(_Bracket(slope, one, zero, value, slope, one * jnp.inf))
    return _LineSearch(kept._replace(count=()), direction, bracket, jnp.asarray(0), ~uses_memory)


def _where(condition: Array, yes: PyTree, no: PyTree) -> PyTree:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)
