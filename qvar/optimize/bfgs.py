r"""BFGS: a dense inverse Hessian, which a circuit that grows hands on from step to step."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from qvar.arguments import checked
from qvar.checks import counting_number
from qvar.optimize.line_search import Known, quasi_newton
from qvar.optimize.method import Method, Start

_LEAST_CURVATURE = 1e-10
"""Smallest cosine between a step and the change of the gradient that is no rounding."""


class _Inverse(NamedTuple):
    """Inverse Hessian, and the point that its last step ended at."""

    matrix: Array
    """(n_params, n_params)"""
    theta: Array
    gradient: Array
    known: Array
    """False if the matrix is the identity for want of anything better."""


@checked()
@cache
def bfgs(*, max_trials: int = 20) -> Method:
    r"""BFGS with the line search of `lbfgs`.

    The inverse Hessian H, whose first one is the identity, scaled by the first step, or `minimize`'s
    `inverse_hessian`, gains from each step s with the change y of the gradient

    $$ H' = (1 - \rho s y^T) H (1 - \rho y s^T) + \rho s s^T, \qquad \rho = 1 / s^T y. $$

    If \(s^T y\) is not positive beyond rounding, H stays. It is `Result.inverse_hessian` in the end. An update costs
    O(n_params^2) in time and memory, so that it is for some hundred parameters.

    Nocedal, Wright, Numerical Optimization (2006), chapter 6, https://doi.org/10.1007/978-0-387-40065-5.

    Args:
        max_trials: evaluations in one line search.

    Raises:
        QvarError: if an argument is below 1.
    """
    counting_number("max_trials", max_trials)
    init, update = quasi_newton(_begun, _direction, max_trials)
    settings = (("max_trials", max_trials),)
    citations = ("nocedal2006", "ramoa2024b", "hager2005", "lewis2013")
    return Method("bfgs", settings, init, update, citations, allows_padding=True, inverse_hessian=_matrix)


def _matrix(inner: Any) -> Any:
    return inner.memory.matrix


def _begun(start: Start) -> _Inverse:
    assert start.inverse_hessian is not None  # `Method.inverse_hessian`
    matrix = start.inverse_hessian.astype(start.theta.dtype)
    nothing = jnp.zeros_like(start.theta)
    return _Inverse(matrix, nothing, nothing, jnp.any(matrix != jnp.eye(len(matrix), dtype=matrix.dtype)))


def _direction(memory: _Inverse, known: Known) -> tuple[Array, _Inverse, Array]:
    unit = jnp.eye(len(memory.matrix), dtype=memory.matrix.dtype)
    step, change = known.theta - memory.theta, known.gradient - memory.gradient
    product, size = jnp.vdot(step, change), jnp.vdot(change, change)
    lengths = jnp.linalg.norm(step) * jnp.sqrt(size)
    learns = ~known.first & ~known.failed & (product > _LEAST_CURVATURE * lengths)
    old = jnp.where(memory.known, memory.matrix, unit * jnp.where(learns, product / jnp.where(learns, size, 1.0), 1.0))
    rho = jnp.where(learns, 1.0 / jnp.where(learns, product, 1.0), 0.0)
    image = old @ change
    mixed = jnp.outer(image, step)
    new = old + rho * ((1.0 + rho * jnp.vdot(change, image)) * jnp.outer(step, step) - mixed - mixed.T)
    matrix = jnp.where(known.failed, unit, jnp.where(learns, new, memory.matrix))
    knows = ~known.failed & (memory.known | learns)
    return -(matrix @ known.gradient), _Inverse(matrix, known.theta, known.gradient, knows), knows
