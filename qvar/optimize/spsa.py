r"""SPSA: a gradient from two energies, along one random direction, with the noise of finite shots if wanted."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from qvar.arguments import checked
from qvar.checks import counting_number, finite_number
from qvar.errors import require
from qvar.optimize.evaluation import Reading
from qvar.optimize.method import Iterate, Method, Start, begin

_EXACT, _PLUS, _MINUS = 0, 1, 2
"""Kinds of trial: the current point, or a displacement to either side."""


class _Perturbation(NamedTuple):
    """State of a start within its step."""

    key: Array
    step: Array
    """k, from 1."""
    side: Array
    """`_EXACT`, `_PLUS` or `_MINUS`."""
    plus: Array
    """Measured value on the plus side."""


@checked()
@cache
def spsa(
    *,
    shots: int | None = None,
    a: float = 0.5,
    c: float = 0.1,
    stability: float = 20.0,
    alpha: float = 0.602,
    gamma: float = 0.101,
) -> Method:
    r"""Make simultaneous perturbation stochastic approximation, with Spall's gains.

    $$ \theta_{k+1} = \theta_k - a_k \frac{y(\theta_k + c_k \Delta_k) - y(\theta_k - c_k \Delta_k)}{2 c_k} \Delta_k,
       \qquad a_k = \frac{a}{(A + k)^\alpha}, \quad c_k = \frac{c}{k^\gamma}, \quad k = 1, 2, \ldots $$

    with directions \(\Delta_k \in \{-1, 1\}^n\), uniformly at random. With `shots`, a measured energy is
    \(y = E + \sqrt{\mathrm{Var}(H) / \text{shots}}\, \xi\) with a standard normal \(\xi\) and
    \(\mathrm{Var}(H) = \langle H^2 \rangle - \langle H \rangle^2\): the mean of so many measurements of H itself, in
    its own eigenbasis. Measuring its Pauli terms takes more shots for the same noise. Without `shots`, y = E.

    A step spends two energies, and `energy_evaluations` counts these; times `shots` they are the shots spent. The
    method never reads the energy at its current point. It is also computed exactly, at the start and after
    each step, for
    the record alone: `value` and the trace are exact energies without noise, and these evaluations are not counted.
    There is no stop but the budget.

    Spall, IEEE Trans. Autom. Control 37, 332 (1992), https://doi.org/10.1109/9.119632; gains: Spall, IEEE Trans.
    Aerosp. Electron. Syst. 34, 817 (1998), https://doi.org/10.1109/7.705889.

    Args:
        shots: measurements of each energy; exact energies where None.
        a: size of the steps; in the square of the parameters' unit per unit of the value.
        c: size of the displacements, in the parameters' unit. With few shots it should be larger: the noise of the
            gradient grows with 1/c.
        stability: A, steps after which the steps begin to shrink; about a tenth of all steps is usual.
        alpha: how fast steps shrink.
        gamma: how fast displacements shrink.

    Raises:
        QvarError: if shots is below 1, a or c not positive, or another argument negative.
    """
    if shots is not None:
        counting_number("shots", shots)
    for argument, number in (("a", a), ("c", c)):
        require(finite_number(argument, number) > 0, argument, "be positive", number)
    for argument, number in (("stability", stability), ("alpha", alpha), ("gamma", gamma)):
        require(finite_number(argument, number) >= 0, argument, "not be negative", number)

    def displacement(inner: _Perturbation, like: Array) -> tuple[Array, Array]:
        """Return the direction of the step, and how far to go along it."""
        signs = jax.random.rademacher(jax.random.fold_in(inner.key, 3 * inner.step), like.shape, like.dtype)
        return signs, c / inner.step.astype(like.dtype) ** gamma

    def measured(read: Reading, inner: _Perturbation) -> Array:
        if shots is None:
            return read.value
        assert read.variance is not None  # what it reads
        key = jax.random.fold_in(inner.key, 3 * inner.step + inner.side)
        return read.value + jnp.sqrt(read.variance / shots) * jax.random.normal(key, (), read.value.dtype)

    def init(start: Start) -> Iterate:
        key = jax.random.fold_in(start.key, 1)  # the key itself may have drawn theta
        nothing = jnp.zeros((), start.theta.dtype)
        return begin(start.theta, _Perturbation(key, jnp.asarray(1), jnp.asarray(_EXACT), nothing), counted=False)

    def update(state: Iterate, read: Reading) -> Iterate:
        inner: _Perturbation = state.inner
        exact, plus, minus = (inner.side == side for side in (_EXACT, _PLUS, _MINUS))
        theta = jnp.where(exact, state.trial, state.theta)
        signs, distance = displacement(inner, theta)
        y = measured(read, inner)
        slope = (inner.plus - y) / (2.0 * distance)
        gain = a / (stability + inner.step.astype(theta.dtype)) ** alpha
        trials = [theta + distance * signs, theta - distance * signs, theta - gain * slope * signs]
        return state._replace(
            trial=jnp.select([exact, plus], trials[:2], trials[2]),
            theta=theta,
            value=jnp.where(exact, read.value, state.value),
            iterations=state.iterations + exact,
            accepted=exact,
            counted=~minus,
            inner=_Perturbation(inner.key, inner.step + minus, (inner.side + 1) % 3, jnp.where(plus, y, inner.plus)),
        )

    settings = (
        ("shots", shots), ("a", a), ("c", c), ("stability", stability), ("alpha", alpha), ("gamma", gamma)
    )  # fmt: skip
    reads = "value" if shots is None else "variance"
    return Method("spsa", settings, init, update, ("spall1992", "spall1998"), reads=reads)
