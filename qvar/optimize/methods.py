r"""Optimization methods with a state for each start; those that follow the gradient, over optax.

A method never calls the objective. Its state holds the next point to evaluate (`trial`); the caller
evaluates there what the method `reads`, and updates the state. One evaluation is one turn, line searches included, so
that evaluations are counted as they are made, and a batch of starts needs one evaluation each per turn whatever
the line search of its neighbours does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array

from qvar._types import PyTree
from qvar.arguments import checked
from qvar.checks import counting_number, finite_number
from qvar.errors import QvarError, require, shown
from qvar.optimize.budget import Budget
from qvar.optimize.evaluation import Reading, Reads
from qvar.short_repr import short_repr

METHODS = ("adam", "gradient_descent", "lbfgs", "natural_gradient", "rotosolve", "spsa")
"""Functions of `qvar` that make a method."""


class Start(NamedTuple):
    """Inputs of one start."""

    theta: Array
    """(n_params,) start parameters."""
    key: Array
    """JAX random key of its own, which may have drawn theta."""
    frequencies: Array | None = None
    """(n_params,) as `Objective.frequencies`; shared by all starts."""


class Iterate(NamedTuple):
    """State of one start."""

    trial: Array
    """(n_params,) the point to evaluate next."""
    theta: Array
    """(n_params,) the last accepted point."""
    value: Array
    """() value there; NaN before the first evaluation."""
    gradient: Array
    """(n_params,) gradient there; NaN where the method reads none."""
    iterations: Array
    """() accepted points so far, the start included."""
    accepted: Array
    """() whether the last evaluation made a new accepted point."""
    converged: Array
    """() whether the method itself, and not the norm of the gradient, says that it has arrived."""
    stalled: Array
    """() whether the method has given up."""
    counted: Array
    """() whether the next evaluation is spent by the method; otherwise it serves the record alone."""
    inner: PyTree
    """Memory of the method."""


@short_repr("name", "settings")
class Method(NamedTuple):
    """An optimization method: a name, its settings, what it reads, and two pure functions for one start."""

    name: str
    settings: tuple[tuple[str, Any], ...]
    """Recorded; part of every task's key."""
    init: Callable[[Start], Iterate]
    """Start -> state whose trial its parameters are."""
    update: Callable[[Iterate, Reading], Iterate]
    """(state, what was read at the trial) -> state with the next trial."""
    references: tuple[str, ...] = ()
    """Keys of its papers and software in `qvar/citations.bib`."""
    reads: Reads = "gradient"
    """Quantities that are evaluated at the trial."""
    needs_frequencies: bool = False
    """True if the objective must be a sine of each parameter, see `Objective.frequencies`."""

    @classmethod
    def accept(cls, argument: str, value: Any) -> Method:
        """Return an optax transformation as a method; see `from_optax`.

        Raises:
            QvarError: if the value is neither a method nor a transformation.
        """
        if isinstance(value, optax.GradientTransformation) and all(map(callable, value)):
            return from_optax(value)
        words = "a method, such as qvar.lbfgs(), or an optax transformation"
        hint = ""
        if callable(value) and getattr(value, "__name__", "") in METHODS:
            hint = f": call it, {value.__name__}()"
        elif isinstance(value, str) and value in METHODS:
            hint = f": write qvar.{value}()"
        raise QvarError(f"`{argument}` must be {words}, but is {shown(value)}{hint}.")

    @property
    def reads_gradient(self) -> bool:
        """True if every evaluation comes with a gradient."""
        return self.reads in ("gradient", "metric")

    def evaluations(self, budget: Budget) -> int:
        """Return the evaluations that a budget grants one start: `gradients`, or `energies` if no gradient is read."""
        if self.reads_gradient or budget.energies is None:
            return budget.gradients
        return budget.energies

    def describe(self) -> Mapping[str, Any]:
        """JSON-able name and settings."""
        return {"name": self.name, **dict(self.settings)}


def begin(theta: Array, inner: PyTree, *, counted: bool = True) -> Iterate:
    """Return the state before the first evaluation, whose trial is the start itself.

    Args:
        theta: (n_params,) start parameters.
        inner: what the method keeps for itself.
        counted: whether the evaluation of the start is spent by the method.
    """
    false = jnp.asarray(False)
    return Iterate(
        trial=theta,
        theta=theta,
        value=jnp.asarray(jnp.nan, theta.dtype),
        gradient=jnp.full_like(theta, jnp.nan),
        iterations=jnp.asarray(0),
        accepted=false,
        converged=false,
        stalled=false,
        counted=jnp.asarray(counted),
        inner=inner,
    )


def descent(
    transform: optax.GradientTransformation, direction: Callable[[Reading], Array]
) -> tuple[Callable[[Start], Iterate], Callable[[Iterate, Reading], Iterate]]:
    """`init` and `update` of a method that accepts every point and steps from it as optax transforms a direction.

    Args:
        transform: turns directions into steps; keeps its own memory.
        direction: what takes the gradient's place, (n_params,), read at the point.
    """

    def init(start: Start) -> Iterate:
        return begin(start.theta, transform.init(start.theta))

    def update(state: Iterate, read: Reading) -> Iterate:
        updates, inner = transform.update(direction(read), state.inner, state.trial)
        return state._replace(
            trial=jnp.asarray(optax.apply_updates(state.trial, updates)),
            theta=state.trial,
            value=read.value,
            gradient=gradient_of(read),
            iterations=state.iterations + 1,
            accepted=jnp.asarray(True),
            inner=inner,
        )

    return init, update


@checked()
@cache
def from_optax(transform: optax.GradientTransformation, name: str = "optax") -> Method:
    r"""Return an optax transformation, such as a chain, as a method: its updates are added to theta, point by point.

    A transformation is a pair of functions, whose settings cannot be read. So its record, which the task's key holds,
    is what it does: the updates that it makes of three gradients in a row, from two points.

    Args:
        transform: such as `optax.chain(optax.clip(1.0), optax.adam(0.05))`; it may use the parameters, not the value.
        name: what the ledger calls it.

    Raises:
        QvarError: if it needs more than gradients and parameters, or gives updates of another shape.
    """
    init, update = descent(transform, gradient_of)
    moves: list[float] = []
    try:
        for start in (jnp.zeros(3), jnp.asarray([0.4, -1.1, 2.0])):
            point, memory = start, transform.init(start)
            for turn in range(1, 4):
                gradient = jnp.sin(jnp.asarray([0.3, 1.7, 2.9]) * turn)
                updates, memory = transform.update(gradient, memory, point)
                point = jnp.asarray(optax.apply_updates(point, updates))
                moves += np.round(np.asarray(point, dtype=float).reshape(3), 12).tolist()
    except Exception as error:
        reason = (str(error).strip().splitlines() or [""])[0].rstrip(".")
        raise QvarError(
            "`method` must be an optax transformation that needs gradients and parameters alone, but its update raised "
            f"{type(error).__name__}: {reason}."
        ) from error
    return Method(name, (("moves", tuple(moves)),), init, update, ("deepmind2020",))


def gradient_of(read: Reading) -> Array:
    """Return the gradient, for a method that reads one."""
    assert read.gradient is not None
    return read.gradient


def learning_rate_of(learning_rate: Any) -> float:
    """Return a step size, checked.

    Raises:
        QvarError: if it is not a positive finite number.
    """
    number = finite_number("learning_rate", learning_rate)
    require(number > 0, "learning_rate", "be positive", learning_rate)
    return number


@checked()
@cache
def adam(learning_rate: float = 0.05, b1: float = 0.9, b2: float = 0.999) -> Method:
    """Adam, as `optax.adam`. Kingma, Ba, arXiv:1412.6980, https://arxiv.org/abs/1412.6980.

    Args:
        learning_rate: step size, radians for angles; positive.
        b1: decay of the first moment.
        b2: decay of the second moment.

    Raises:
        QvarError: if the learning rate is not positive, or a decay is not from 0 to below 1.
    """
    learning_rate_of(learning_rate)
    for argument, decay in (("b1", b1), ("b2", b2)):
        require(0.0 <= decay < 1.0, argument, "be at least 0 and below 1", decay)
    init, update = descent(optax.adam(learning_rate, b1=b1, b2=b2), gradient_of)
    settings = (("learning_rate", learning_rate), ("b1", b1), ("b2", b2))
    return Method("adam", settings, init, update, ("kingma2014", "deepmind2020"))


@checked()
@cache
def gradient_descent(learning_rate: float = 0.1, momentum: float = 0.0) -> Method:
    r"""Gradient descent with a constant step, as `optax.sgd`: the yardstick of all others.

    $$ v_{t+1} = \nabla f(\theta_t) + \mu v_t, \qquad \theta_{t+1} = \theta_t - \eta v_{t+1}, \qquad v_0 = 0 $$

    with learning rate \(\eta\) and momentum \(\mu\) (Polyak's heavy ball, USSR Comput. Math. Math. Phys. 4(5), 1
    (1964), https://doi.org/10.1016/0041-5553(64)90137-5). Without momentum it descends where \(\eta\) is below two over
    the largest eigenvalue of the Hessian.

    Args:
        learning_rate: step size, square of the parameter's unit per unit of the value; positive.
        momentum: part of the last step that is made again, from 0 to below 1.

    Raises:
        QvarError: if an argument is out of its range.
    """
    learning_rate_of(learning_rate)
    require(0.0 <= finite_number("momentum", momentum) < 1.0, "momentum", "be at least 0 and below 1", momentum)
    init, update = descent(optax.sgd(learning_rate, momentum=momentum or None), gradient_of)
    settings = (("learning_rate", learning_rate), ("momentum", momentum))
    references = ("deepmind2020", *(("polyak1964",) if momentum else ()))
    return Method("gradient_descent", settings, init, update, references)


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
    """True if the direction is that of steepest descent, without memory."""


@checked()
@cache
def lbfgs(memory: int = 10, max_trials: int = 20) -> Method:
    r"""L-BFGS: `optax.scale_by_lbfgs` with a bracketing line search on the weak Wolfe conditions.

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
    armijo, curvature = 1e-4, 0.9

    def new_search(theta: Array, value: Array, gradient: Array, kept: PyTree, fresh: Array) -> _LineSearch:
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

    def init(start: Start) -> Iterate:
        theta = start.theta
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
        return begin(theta, search)

    def update(state: Iterate, read: Reading) -> Iterate:
        value, gradient = read.value, gradient_of(read)
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
        turned = new_search(theta, new_value, new_gradient, kept, first | failed)
        search_next = _where(accepted | failed, turned, longer)
        return state._replace(
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
    return Method("lbfgs", settings, init, update, ("liu1989", "hager2005", "lewis2013", "deepmind2020"))


def _where(condition: Array, yes: PyTree, no: PyTree) -> PyTree:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)
