r"""Quasi-Newton methods: a bracketing line search on the weak Wolfe conditions along any direction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array

from qvar._types import PyTree
from qvar.optimize.evaluation import Reading
from qvar.optimize.method import Iterate, Start, begin, gradient_of

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


class LineSearch(NamedTuple):
    """A search along `direction` for a step that satisfies the weak Wolfe conditions."""

    memory: Any
    """Past points and gradients in the form of the method."""
    direction: Array
    bracket: Array
    """(6,) a `_Bracket` as one array, for fewer and smaller arrays are faster to compile and to pass on."""
    trials: Array
    fresh: Array
    """True if the direction is that of steepest descent, without memory."""


class Known(NamedTuple):
    """State of a method at a new point."""

    theta: Array
    gradient: Array
    first: Array
    """True at the start."""
    failed: Array
    """True if the last line search found no step, so that the memory is dropped."""


Direction: TypeAlias = Callable[[Any, Known], tuple[Array, Any, Array]]
"""(memory, state) -> direction (n_params,), new memory, whether the memory knows any curvature."""


def quasi_newton(
    memory: Callable[[Start], Any], direction: Direction, max_trials: int
) -> tuple[Callable[[Start], Iterate], Callable[[Iterate, Reading], Iterate]]:
    """Return the functions `init` and `update` of a method that searches along directions.

    `memory` gives the memory before the first evaluation, `direction` where to go from a new point.
    """

    def init(start: Start) -> Iterate:
        theta, nothing = start.theta, jnp.zeros(6, start.theta.dtype)
        search = LineSearch(memory(start), jnp.zeros_like(theta), nothing, jnp.asarray(0), jnp.asarray(True))
        return begin(theta, search)

    def update(state: Iterate, read: Reading) -> Iterate:
        value, gradient = read.value, gradient_of(read)
        search: LineSearch = state.inner
        first = state.iterations == 0
        accepted, longer = _judge(search, state.value, value, jnp.vdot(gradient, search.direction), gradient)
        accepted = first | accepted
        trials = search.trials + 1
        failed = ~accepted & (trials >= max_trials)

        theta = jnp.where(accepted, state.trial, state.theta)
        new_value = jnp.where(accepted, value, state.value)
        new_gradient = jnp.where(accepted, gradient, state.gradient)
        onwards, kept, knows = direction(search.memory, Known(theta, new_gradient, first, failed))
        onward = _new_search(new_value, new_gradient, onwards, knows, kept)
        longer = search._replace(bracket=longer, trials=trials)
        search_next: LineSearch = _where(accepted | failed, onward, longer)
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

    return init, update


def _judge(search: LineSearch, old_value: Array, value: Array, slope: Array, gradient: Array) -> tuple[Array, Array]:
    """Return whether the step is taken, and the bracket with the next step if it is not."""
    finite = jnp.isfinite(value) & jnp.all(jnp.isfinite(gradient))
    old: Any = tuple(_Bracket(*search.bracket))
    accepted, longer = _wolfe(old, old_value, value, slope, finite, float(jnp.finfo(value.dtype).eps))
    return accepted, jnp.stack(longer)


def wolfe_judge(where: Callable[..., Any], is_finite: Callable[..., Any], is_false: Callable[..., Any]) -> Any:
    """Return the function that judges a step.

    It takes a `_Bracket` as a tuple, the value at the accepted point, value and derivative at the step, whether they
    and the gradient are finite, and the relative rounding of a number. It returns whether the step is taken, and the
    bracket with the next step if it is not.

    Args:
        where: (condition, yes, no) -> one of two numbers, of JAX or of the host.
        is_finite: number -> condition.
        is_false: condition -> the opposite.
    """

    def judge(old: Any, old_value: Any, value: Any, slope: Any, finite: Any, epsilon: float) -> tuple[Any, Any]:
        old_slope, old_step, old_low, old_low_value, old_low_slope, old_high = old
        noise = 50 * epsilon * abs(old_value)
        decreased = value <= old_value + _ARMIJO * old_step * old_slope
        level = (value <= old_value + noise) & (slope <= (2 * _ARMIJO - 1) * old_slope)
        short_enough = finite & (decreased | level)
        accepted = short_enough & (slope >= _CURVATURE * old_slope)

        high = where(short_enough, old_high, old_step)
        low = where(short_enough, old_step, old_low)
        low_value = where(short_enough, value, old_low_value)
        low_slope = where(short_enough, slope, old_low_slope)
        width = high - low
        bend = value - low_value - low_slope * width
        inside = where(finite & is_false(short_enough) & (bend > 0), -low_slope * width / (2 * bend), 0.5)
        inside = where(inside < 0.1, 0.1, where(inside > 0.9, 0.9, inside))
        step = where(is_finite(high), low + width * inside, 2.0 * old_step)
        return accepted, (old_slope, step, low, low_value, low_slope, high)

    return judge


_wolfe = wolfe_judge(jnp.where, jnp.isfinite, jnp.logical_not)


def _new_search(value: Array, gradient: Array, direction: Array, knows: Array, kept: Any) -> LineSearch:
    """Return a search along the direction, or along steepest descent if there is no memory or rounding spoiled it."""
    slope = jnp.vdot(gradient, direction)
    uses_memory = (slope < 0) & knows
    steepest = -gradient / jnp.maximum(jnp.linalg.norm(gradient), 1.0)  # of length 1 at most
    direction = jnp.where(uses_memory, direction, steepest)
    slope = jnp.where(uses_memory, slope, jnp.vdot(gradient, steepest))
    zero, one = jnp.zeros_like(value), jnp.ones_like(value)
    bracket = jnp.stack(_Bracket(slope, one, zero, value, slope, one * jnp.inf))
    return LineSearch(kept, direction, bracket, jnp.asarray(0), ~uses_memory)


def _where(condition: Array, yes: PyTree, no: PyTree) -> PyTree:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)
