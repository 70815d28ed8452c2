r"""Optimization methods as ask and tell, over optax.

A method never calls the objective. Its state holds the next point to evaluate (`trial`); whoever drives it
evaluates value and gradient there and tells. One evaluation is one turn, line searches included, so
that evaluations are counted as they are made, and a batch of starts needs one evaluation each per turn whatever
the line search of its neighbours does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array

from qvar._types import PyTree
from qvar.checks import counting_number
from qvar.errors import require


class Iterate(NamedTuple):
    """Where one start stands."""

    trial: Array
    """(n_params,) the point to evaluate next."""
    theta: Array
    """(n_params,) the last accepted point."""
    value: Array
    """() value there; NaN before the first evaluation."""
    gradient: Array
    """(n_params,) gradient there."""
    iterations: Array
    """() accepted points so far, the start included."""
    accepted: Array
    """() whether the last evaluation became the accepted point."""
    stalled: Array
    """() whether the method has given up."""
    inner: PyTree
    """What the method keeps for itself."""


class Method(NamedTuple):
    """An optimization method: a name, its settings, and two pure functions for one start."""

    name: str
    settings: tuple[tuple[str, Any], ...]
    """Recorded; part of every task's key."""
    init: Callable[[Array], Iterate]
    """Start parameters -> state whose trial they are."""
    tell: Callable[[Iterate, Array, Array], Iterate]
    """(state, value at the trial, gradient there) -> state with the next trial."""
    references: tuple[str, ...] = ()
    """Keys of its papers and software in `qvar/references.bib`."""

    def describe(self) -> Mapping[str, Any]:
        """JSON-able name and settings."""
        return {"name": self.name, **dict(self.settings)}


def _start(theta: Array, inner: PyTree) -> Iterate:
    false = jnp.asarray(False)
    nothing = jnp.asarray(jnp.nan, theta.dtype)
    return Iterate(theta, theta, nothing, jnp.full_like(theta, jnp.nan), jnp.asarray(0), false, false, inner)


@cache
def adam(learning_rate: float = 0.05, b1: float = 0.9, b2: float = 0.999) -> Method:
    """Adam, as `optax.adam`. Kingma, Ba, arXiv:1412.6980, https://arxiv.org/abs/1412.6980.

    Args:
        learning_rate: step size, radians for angles; positive.
        b1: decay of the first moment.
        b2: decay of the second moment.

    Raises:
        QvarError: if the learning rate is not positive.
    """
    require(learning_rate > 0, "learning_rate", "be positive", learning_rate)
    transform = optax.adam(learning_rate, b1=b1, b2=b2)

    def init(theta: Array) -> Iterate:
        return _start(theta, transform.init(theta))

    def tell(state: Iterate, value: Array, gradient: Array) -> Iterate:
        updates, inner = transform.update(gradient, state.inner, state.trial)
        trial = jnp.asarray(optax.apply_updates(state.trial, updates))
        accepted = jnp.asarray(True)
        return Iterate(trial, state.trial, value, gradient, state.iterations + 1, accepted, ~accepted, inner)

    settings = (("learning_rate", learning_rate), ("b1", b1), ("b2", b2))
    return Method("adam", settings, init, tell, ("kingma2014", "deepmind2020"))


class _LineSearch(NamedTuple):
    """A search along `direction` for a step that satisfies the weak Wolfe conditions."""

    memory: PyTree
    direction: Array
    slope: Array
    """Derivative along the direction at the accepted point; negative."""
    step: Array
    low: Array
    """Largest step known to be too short, with value and slope there."""
    low_value: Array
    low_slope: Array
    high: Array
    """Smallest step known to be too long; infinite at first."""
    trials: Array
    fresh: Array
    """Whether the direction is that of steepest descent, without memory."""


@cache
def lbfgs(memory: int = 10, max_trials: int = 20) -> Method:
    r"""L-BFGS: `optax.scale_by_lbfgs` with a bracketing line search on the weak Wolfe conditions.

    A step t along direction d is taken if \(f(t) \le f(0) + 10^{-4} t f'(0)\) and
    \(f'(t) \ge 0.9 f'(0)\); where rounding hides the decrease, Hager and Zhang's approximate condition on slopes
    stands in for the first. Too long a step is shortened by quadratic interpolation, too short a one doubled.
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
    armijo, curvature = 1e-4, 0.9

    def begin(theta: Array, value: Array, gradient: Array, kept: PyTree, fresh: Array) -> _LineSearch:
        updates, kept = transform.update(gradient, kept, theta)
        direction = -jnp.asarray(updates)
        slope = jnp.vdot(gradient, direction)
        # rounding can spoil the memory; the first step of steepest descent has length at most 1
        downhill = slope < 0
        steepest = -gradient / jnp.maximum(jnp.linalg.norm(gradient), 1.0)
        direction = jnp.where(downhill, direction, steepest)
        slope = jnp.where(downhill, slope, jnp.vdot(gradient, steepest))
        zero = jnp.zeros_like(value)
        one = jnp.ones_like(value)
        return _LineSearch(
            kept, direction, slope, one, zero, value, slope, one * jnp.inf, jnp.asarray(0), fresh | ~downhill
        )

    def init(theta: Array) -> Iterate:
        nothing = jnp.asarray(jnp.nan, theta.dtype)
        zero = jnp.zeros_like(nothing)
        search = _LineSearch(
            transform.init(theta),
            jnp.zeros_like(theta),
            zero,
            zero,
            zero,
            nothing,
            zero,
            zero,
            jnp.asarray(0),
            jnp.asarray(True),
        )
        return _start(theta, search)

    def tell(state: Iterate, value: Array, gradient: Array) -> Iterate:
        search: _LineSearch = state.inner
        first = state.iterations == 0
        slope = jnp.vdot(gradient, search.direction)
        finite = jnp.isfinite(value) & jnp.all(jnp.isfinite(gradient))
        noise = 50 * jnp.finfo(value.dtype).eps * jnp.abs(state.value)
        decreased = value <= state.value + armijo * search.step * search.slope
        level = (value <= state.value + noise) & (slope <= (2 * armijo - 1) * search.slope)
        short_enough = finite & (decreased | level)
        accepted = first | (short_enough & (slope >= curvature * search.slope))

        # where to go on if not accepted
        high = jnp.where(short_enough, search.high, search.step)
        low = jnp.where(short_enough, search.step, search.low)
        low_value = jnp.where(short_enough, value, search.low_value)
        low_slope = jnp.where(short_enough, slope, search.low_slope)
        width = high - low
        bend = value - low_value - low_slope * width
        inside = jnp.where(finite & ~short_enough & (bend > 0), -low_slope * width / (2 * bend), 0.5)
        between = low + width * jnp.clip(inside, 0.1, 0.9)
        step = jnp.where(jnp.isfinite(high), between, 2.0 * search.step)
        trials = search.trials + 1
        failed = ~accepted & (trials >= max_trials)
        longer = search._replace(step=step, low=low, low_value=low_value, low_slope=low_slope, high=high, trials=trials)

        theta = jnp.where(accepted, state.trial, state.theta)
        new_value = jnp.where(accepted, value, state.value)
        new_gradient = jnp.where(accepted, gradient, state.gradient)
        kept = _where(failed, transform.init(theta), search.memory)
        turned = begin(theta, new_value, new_gradient, kept, first | failed)
        search_next = _where(accepted | failed, turned, longer)
        return Iterate(
            trial=theta + search_next.step * search_next.direction,
            theta=theta,
            value=new_value,
            gradient=new_gradient,
            iterations=state.iterations + accepted,
            accepted=accepted,
            stalled=failed & search.fresh,
            inner=search_next,
        )

    settings = (("memory", memory), ("max_trials", max_trials))
    return Method("lbfgs", settings, init, tell, ("liu1989", "hager2005", "lewis2013", "deepmind2020"))


def _where(condition: Array, yes: PyTree, no: PyTree) -> PyTree:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)
