r"""Rotosolve: each angle in turn put at the exact minimum of the sine that the energy is in it."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from qvar.arguments import checked
from qvar.checks import finite_number
from qvar.errors import require
from qvar.optimize.evaluation import Reading
from qvar.optimize.method import Iterate, Method, Start, begin

_HERE, _PLUS, _MINUS = 0, 1, 2
"""Kinds of trial: the current point, or a quarter of a period to either side."""


class _Sweep(NamedTuple):
    """State of a start in its sweep over the parameters."""

    frequencies: Array
    coordinate: Array
    """The parameter that is being solved for."""
    side: Array
    """`_HERE`, `_PLUS` or `_MINUS`."""
    plus: Array
    """Value on the plus side."""
    before: Array
    """Value at the beginning of the sweep."""


@checked()
@cache
def rotosolve(*, tolerance: float = 1e-8) -> Method:
    r"""Minimizes over one parameter after the other in closed form.

    With all others held, the value is a sine of one frequency w in each parameter,

    $$ E(\theta_j + x / w) = C + A \sin(x + B), \qquad
       C = \tfrac12 (E_+ + E_-), \quad A \sin B = E_0 - C, \quad A \cos B = \tfrac12 (E_+ - E_-), $$

    so the values \(E_\pm\) at \(x = \pm\pi/2\), a quarter of a period to either side, and \(E_0\) at the
    current point give
    its minimum \(C - A\), at \(x = -\pi/2 - B\). That becomes the next \(E_0\), so a parameter takes two evaluations;
    before each sweep over all parameters, in their order, \(E_0\) is evaluated again, against rounding. A sweep over n
    parameters thus takes 2n + 1 evaluations, and each parameter is one step of the trace. The start is converged
    when a whole sweep lowers the value by no more than `tolerance`, or out of budget (`Budget.energies`). Where all
    values agree within rounding, the parameter stays.

    Each parameter must drive exactly one operation whose generator has two eigenvalues: a rotation by a Pauli word, or
    a phase (see `Objective.frequencies`); scales of angles do not matter. Excitations have three.

    Ostaszewski, Grant, Benedetti, Quantum 5, 391 (2021), https://doi.org/10.22331/q-2021-01-28-391,
    https://arxiv.org/abs/1905.09692; Nakanishi, Fujii, Todo, Phys. Rev. Research 2, 043158 (2020),
    https://doi.org/10.1103/PhysRevResearch.2.043158, https://arxiv.org/abs/1903.12166.

    Args:
        tolerance: what a sweep must gain to go on, in the unit of the value; not negative.

    Raises:
        QvarError: if the tolerance is negative.
    """
    require(finite_number("tolerance", tolerance) >= 0, "tolerance", "not be negative", tolerance)

    def quarter(frequencies: Array, coordinate: Array) -> Array:
        """Return a quarter of a period along one parameter, (n_params,)."""
        one = jnp.arange(len(frequencies)) == coordinate
        return jnp.where(one, jnp.pi / (2.0 * frequencies), 0.0)

    def init(start: Start) -> Iterate:
        assert start.frequencies is not None  # `Method.needs_frequencies`
        nothing, zero = jnp.zeros((), start.theta.dtype), jnp.asarray(0)
        frequencies = start.frequencies.astype(start.theta.dtype)
        return begin(start.theta, _Sweep(frequencies, zero, zero, nothing, nothing))

    def update(state: Iterate, read: Reading) -> Iterate:
        sweep: _Sweep = state.inner
        n_params, value = len(state.theta), read.value
        here, plus, minus = (sweep.side == side for side in (_HERE, _PLUS, _MINUS))

        centre, cosine = 0.5 * (sweep.plus + value), 0.5 * (sweep.plus - value)
        sine = state.value - centre
        lowest = centre - jnp.hypot(sine, cosine)
        turn = -0.5 * jnp.pi - jnp.arctan2(sine, cosine)
        turn = jnp.where(turn < -jnp.pi, turn + 2.0 * jnp.pi, turn)
        rounding = 4.0 * jnp.finfo(value.dtype).eps * (jnp.abs(centre) + jnp.abs(state.value))
        moves = minus & (lowest < state.value - rounding)
        broken = minus & ~jnp.isfinite(lowest)
        step = quarter(sweep.frequencies, sweep.coordinate)
        theta = jnp.where(moves, state.theta + step * (turn / (0.5 * jnp.pi)), state.theta)
        reached = jnp.where(here, value, jnp.where(moves | broken, lowest, state.value))

        before = jnp.where(here, value, sweep.before)
        coordinate = jnp.where(minus, sweep.coordinate + 1, sweep.coordinate)
        swept = coordinate >= n_params
        coordinate = jnp.where(swept, 0, coordinate)
        side = jnp.where(minus, jnp.where(swept, _HERE, _PLUS), sweep.side + 1)
        ahead = quarter(sweep.frequencies, coordinate)
        accepted = minus | (state.iterations == 0)
        return state._replace(
            trial=jnp.select([side == _HERE, side == _PLUS], [theta, theta + ahead], theta - ahead),
            theta=theta,
            value=reached,
            iterations=state.iterations + accepted,
            accepted=accepted,
            converged=swept & (before - reached <= tolerance),
            inner=_Sweep(sweep.frequencies, coordinate, side, jnp.where(plus, value, sweep.plus), before),
        )

    settings = (("tolerance", tolerance),)
    citations = ("ostaszewski2021", "nakanishi2020")
    return Method("rotosolve", settings, init, update, citations, reads="value", needs_frequencies=True)
