r"""Methods that step from each point by its gradient: optax transformations, Adam, gradient descent."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import jax.numpy as jnp
import optax
from jaxtyping import Array

from qvar.arguments import checked
from qvar.checks import finite_number
from qvar.errors import QvarError, error_words, require
from qvar.optimize.evaluation import Reading
from qvar.optimize.method import Iterate, Method, Start, begin, gradient_of
from qvar.optimize.own_method import moves_of


def descent(
    transform: optax.GradientTransformation, direction: Callable[[Reading], Array]
) -> tuple[Callable[[Start], Iterate], Callable[[Iterate, Reading], Iterate]]:
    """Return `init` and `update` of a method that accepts every point and steps as optax transforms a direction.

    `direction` gives what takes the gradient's place, (n_params,), of what was read at the point.
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
def from_optax(transform: optax.GradientTransformation, *, name: str = "optax") -> Method:
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
    try:
        moves = moves_of(init, update)
    except Exception as error:
        raise QvarError(
            "`method` must be an optax transformation that needs gradients and parameters alone, but its update raised "
            f"{error_words(error).rstrip('.')}."
        ) from error
    return Method(name, (("moves", moves),), init, update, ("deepmind2020",))


def learning_rate_of(learning_rate: Any) -> float:
    """Return a step size, checked.

    Raises `QvarError` if it is not a positive finite number.
    """
    number = finite_number("learning_rate", learning_rate)
    require(number > 0, "learning_rate", "be positive", learning_rate)
    return number


@checked()
@cache
def adam(*, learning_rate: float = 0.05, b1: float = 0.9, b2: float = 0.999) -> Method:
    """Make Adam, as `optax.adam`. Kingma, Ba, arXiv:1412.6980, https://arxiv.org/abs/1412.6980.

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
    return Method("adam", settings, init, update, ("kingma2014", "deepmind2020"), allows_padding=True)


@checked()
@cache
def gradient_descent(*, learning_rate: float = 0.1, momentum: float = 0.0) -> Method:
    r"""Make gradient descent with a constant step, as `optax.sgd`: the yardstick of all others.

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
    require(0.0 <= momentum < 1.0, "momentum", "be at least 0 and below 1", momentum)
    init, update = descent(optax.sgd(learning_rate, momentum=momentum or None), gradient_of)
    settings = (("learning_rate", learning_rate), ("momentum", momentum))
    citations = ("deepmind2020", *(("polyak1964",) if momentum else ()))
    return Method("gradient_descent", settings, init, update, citations, allows_padding=True)
